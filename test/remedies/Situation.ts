/**
 * A cluster in which a command is printed: the served sandbox with two applications of one name, one in the
 * namespace that is spoken of and one in the namespace that kubectl would take where none is named.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { nodes, type Pod, pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { standard } from "../../packages/sandbox/src/registry/kinds/index.ts"
import type { KubeObject } from "../../packages/sandbox/src/apimachinery/KubeObject.ts"
import { make, type Options, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { kubeconfig } from "../../packages/sandbox/src/serve/Kubeconfig.ts"
import { serve } from "../../packages/sandbox/src/serve/Server.ts"
import { copyTo } from "../shipped.ts"

/** Of what is spoken; `shop` is where `db` is, `default` has another `db`. */
export const namespace = "shop"

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A run that goes on. */
export interface Running {
  readonly ended: Promise<Ended>
  readonly said: { readonly out: string; readonly err: string }
  readonly kill: (signal: NodeJS.Signals) => void
}

const container = { name: "main", image: "app", volumeMounts: [{ name: "data", mountPath: "/data" }] }

/** `db`, three members with a volume each. */
export const db = (where = namespace) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: where },
  spec: {
    replicas: 3,
    serviceName: "db",
    selector: { matchLabels: { app: "db" } },
    template: {
      metadata: { labels: { app: "db" } },
      spec: { terminationGracePeriodSeconds: 1, containers: [container] }
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
      }
    ]
  }
})

const service = (where: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "db", namespace: where },
  spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 5432 }] }
})

const noise = ["Event", "EndpointSlice", "ControllerRevision", "VolumeAttachment", "Lease/kube-node-lease"]

const keyOf = (object: KubeObject): string => {
  const { kind, metadata } = object
  const claim = (object as { readonly spec?: { readonly claimRef?: Record<string, string> } }).spec?.claimRef
  if (kind === "PersistentVolume" && claim?.["namespace"] === namespace)
    return `${kind}/of-${claim["name"] ?? ""}`
  const where = metadata.namespace === namespace ? undefined : metadata.namespace
  return [kind, ...(where === undefined ? [] : [where]), metadata.name].join("/")
}

/** What somebody asks of an object, without what controllers tell of it. */
const asked = (object: KubeObject): string => {
  const { status: _, metadata, ...rest } = object as KubeObject & { readonly status?: unknown }
  const { uid, labels, annotations, finalizers, deletionTimestamp } = metadata
  const told = object.kind === "Node" ? undefined : annotations
  return JSON.stringify({ ...rest, uid, labels, annotations: told, finalizers, deletionTimestamp })
}

/** The program as it is shipped, and a kubectl that knows plugins alone where none is given. */
export const tools = (kubectl: string | null) => {
  const folder = mkdtempSync(join(tmpdir(), "remedies-"))
  const bin = join(folder, "bin")
  copyTo(folder)
  symlinkSync(process.execPath, join(bin, "node"))
  if (kubectl === null) {
    const script = `#!/bin/sh\n[ "$1" = stateful ] || { echo "no plugin: $1" >&2; exit 64; }\nshift\nexec kubectl-stateful "$@"\n`
    writeFileSync(join(bin, "kubectl"), script)
    chmodSync(join(bin, "kubectl"), 0o755)
  }
  const path = [bin, ...(kubectl === null ? [] : [dirname(kubectl)]), process.env["PATH"]].join(":")
  return { folder, path, end: () => rmSync(folder, { recursive: true }) }
}
export type Tools = ReturnType<typeof tools>

/** Ends what hangs, and names it, before the runner's own limit does: no bound on speed. */
const patience = 170_000

/** Asks until it is so; what is not so in time is the test's failure. */
export const until = async <A>(what: string, ask: () => A | null | undefined | false): Promise<A> => {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(20)) {
    const found = ask()
    if (found !== null && found !== undefined && found !== false) return found
  }
  throw new Error(`not so in ${patience / 1000} s: ${what}`)
}

export class Situation {
  readonly sandbox: Shape
  /** Of the server. */
  readonly url: string
  readonly #tools: Tools
  readonly #file: string
  readonly #scope: Scope.Closeable

  private constructor(sandbox: Shape, url: string, on: Tools, file: string, scope: Scope.Closeable) {
    this.sandbox = sandbox
    this.url = url
    this.#tools = on
    this.#file = file
    this.#scope = scope
  }

  /** For files; it is the home of what is run. */
  get folder(): string {
    return this.#tools.folder
  }

  /** Both applications are up. */
  static async begin(on: Tools, options: Options = {}): Promise<Situation> {
    const scope = Scope.makeUnsafe()
    const up = Effect.gen(function* () {
      const sandbox = yield* make({ namespaces: [namespace], startMillis: 10, ...options })
      const served = yield* serve(sandbox)
      return { sandbox, config: yield* kubeconfig(served, "default"), url: served.url }
    })
    const { sandbox, config, url } = await Effect.runPromise(Effect.provideService(up, Scope.Scope, scope))
    const file = join(on.folder, `kubeconfig-${new URL(url).port}`)
    writeFileSync(file, config, { mode: 0o600 })
    for (const where of [namespace, "default"]) {
      sandbox.create(service(where))
      sandbox.create(db(where))
    }
    const situation = new Situation(sandbox, url, on, file, scope)
    await situation.ready(6)
    return situation
  }

  /** So many pods there are of both applications, and but for so many they are ready. */
  async ready(count: number, sick = 0): Promise<void> {
    const isReady = ({ status }: Pod) =>
      status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
    await until(`${count} pods are ready`, () => {
      const all = this.sandbox.store.list(pods)
      return all.length === count && all.filter(isReady).length === count - sick
    })
  }

  /** One command alone is the child itself, as a shell has it that has nothing to do behind it. */
  start(script: string): Running {
    const child = spawn("bash", ["-c", script], {
      env: {
        PATH: this.#tools.path,
        HOME: this.#tools.folder,
        KUBECONFIG: this.#file,
        USER: "ann",
        COLUMNS: "200"
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const said = { out: "", err: "" }
    child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()))
    const ended = new Promise<Ended>((resolve) =>
      child.once("close", (code) => resolve({ code: code ?? -1, ...said }))
    )
    return { ended, said, kill: (signal) => void child.kill(signal) }
  }

  /** What a shell makes of it, to its end. */
  run(script: string): Promise<Ended> {
    return this.start(script).ended
  }

  /** What a command of the plugin that is to fail prints; `words` without `kubectl stateful`. */
  async refused(words: string): Promise<string> {
    const { code, out, err } = await this.run(`kubectl stateful ${words}`)
    if (code === 0) throw new Error(`${words} is not refused: ${out}${err}`)
    return out + err
  }

  /** The same of a command to which six seconds are two minutes of waiting. */
  async refusedLate(words: string): Promise<string> {
    const file = join(this.folder, "hurried.cjs")
    writeFileSync(file, "const { bigint } = process.hrtime; process.hrtime.bigint = () => 20n * bigint()")
    const { code, out, err } = await this.run(`NODE_OPTIONS='--require ${file}' kubectl stateful ${words}`)
    if (code === 0) throw new Error(`${words} is not refused: ${out}${err}`)
    return out + err
  }

  /** What one prints that is to succeed. */
  async printed(words: string): Promise<string> {
    const { code, out, err } = await this.run(`kubectl stateful ${words}`)
    if (code !== 0) throw new Error(`${words}: ${out}${err}`)
    return out + err
  }

  /** Merges something into an object, as somebody else would. */
  async patch(api: Resource.ApiResource, name: string, value: object, where = namespace) {
    const target = { api, name, ...(api.namespaced ? { namespace: where } : {}) }
    await this.with(Resource.patch(target, { _tag: "Merge", value }))
  }

  async remove(api: Resource.ApiResource, name: string): Promise<void> {
    const target = { api, name, ...(api.namespaced ? { namespace } : {}) }
    await this.with(Resource.remove(target))
  }

  with<A, E>(effect: Effect.Effect<A, E, Cluster>): Promise<A> {
    return Effect.runPromise(Effect.provideService(effect, Cluster, this.sandbox.cluster))
  }

  /** Whether any node takes new pods. */
  async nodesTake(newPods: boolean): Promise<void> {
    for (const { metadata } of this.sandbox.store.list(nodes))
      await this.patch(kinds.nodes, metadata.name, { spec: { unschedulable: !newPods } })
    // Taints follow.
    await until("nodes say so", () =>
      this.sandbox.store
        .list(nodes)
        .every(({ spec }) => newPods === !spec?.taints?.some(({ key }) => key.endsWith("/unschedulable")))
    )
  }

  /** How many replicas `db` is to have. */
  count(): number {
    return this.sandbox.store.get(statefulsets, namespace, "db")?.spec.replicas ?? -1
  }

  /** Every object of every namespace, as it is asked for. */
  objects(): ReadonlyMap<string, string> {
    const all = standard.flatMap((type) => this.sandbox.store.list(type))
    return new Map(
      all
        .map((object) => [keyOf(object), asked(object)] as const)
        .filter(([key]) => !noise.some((each) => key.startsWith(`${each}/`)))
    )
  }

  async end(): Promise<void> {
    await Effect.runPromise(Scope.close(this.#scope, Exit.void))
  }
}
