/**
 * Runs what the checklist advises, and sees what that did: to the finding, to the answers, and to
 * every object there is.
 */
import { execFile } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { bin, cache } from "../../shipped.ts"
import { assert } from "vitest"
import type { Plugin } from "./plugin.ts"
import { commandsOf, shapeOf, type Situation, type Step } from "./remedies.ts"

interface Ended {
  readonly code: number
  readonly out: string
  readonly said: string
}

export interface Found {
  readonly rule: string
  readonly answer: string
  readonly evidence: string
  readonly remedy: string | null
}

/** All that is found, whatever groups it, with the question before the rule. */
const foundIn = (value: unknown, question = ""): ReadonlyArray<Found & { readonly question: string }> => {
  if (typeof value !== "object" || value === null) return []
  const object = value as Record<string, unknown>
  const asked = typeof object["question"] === "string" ? object["question"] : question
  const own = typeof object["rule"] === "string" ? [{ ...(object as unknown as Found), question: asked }] : []
  return [...own, ...Object.values(object).flatMap((inner) => foundIn(inner, asked))]
}

const noise = /^(kubectl\.kubernetes\.io\/last-applied|deployment\.kubernetes|autoscaling\.alpha)/

/** What somebody asks of an object, without what controllers tell of it. */
const asked = (object: Record<string, unknown>): string => {
  const { status: _, metadata, ...rest } = object
  const { labels, annotations, finalizers, deletionTimestamp } = metadata as Record<string, unknown>
  const told = Object.entries((annotations as object | undefined) ?? {}).filter(([key]) => !noise.test(key))
  return JSON.stringify({
    ...rest,
    labels,
    finalizers,
    deleted: deletionTimestamp !== undefined,
    // A node's agents write there.
    annotations: object["kind"] === "Node" ? [] : told
  })
}

const ofNamespace =
  "statefulsets,services,poddisruptionbudgets,configmaps,secrets,serviceaccounts,persistentvolumeclaims,pods,volumesnapshots,horizontalpodautoscalers"
const ofCluster = "nodes,storageclasses,volumesnapshotclasses,volumegroupsnapshotclasses,persistentvolumes"

/** kubectl against one cluster, in one namespace. */
export const server = (options: {
  readonly kubectl: string
  readonly namespace: string
  readonly env?: Record<string, string>
  /** The plugin without a process of its own: while something is waited for, it is asked again and again. */
  readonly plugin?: Pick<Plugin, "run">
}) => {
  const folder = mkdtempSync(join(tmpdir(), "remedies-"))
  writeFileSync(join(folder, "settings"), "a=b\n")
  writeFileSync(join(folder, "password"), "secret")
  writeFileSync(join(folder, "registry"), JSON.stringify({ auths: {} }))
  // Somebody at an editor, who gives the key its value.
  const editor = join(folder, "editor")
  writeFileSync(editor, `#!/bin/sh\nsed -i 's/^data:$/data:\\n  password: eA==/' "$1"\n`)
  chmodSync(editor, 0o755)
  const env = {
    ...process.env,
    ...cache(),
    ...options.env,
    PATH: `${bin()}:${dirname(options.kubectl)}:${process.env["PATH"]}`,
    KUBE_EDITOR: editor
  }
  const run = (file: string, args: ReadonlyArray<string>, input = ""): Promise<Ended> =>
    new Promise((resolve) => {
      const child = execFile(
        file,
        [...args],
        { encoding: "utf8", maxBuffer: 1 << 28, env },
        (error, out, err) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, said: out + err })
      )
      child.stdin?.on("error", () => {})
      child.stdin?.end(input)
    })
  const kubectl = async (args: ReadonlyArray<string>, input?: string): Promise<string> => {
    const ended = await run(options.kubectl, args, input)
    if (ended.code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${ended.said}`)
    return ended.out
  }
  const n = ["-n", options.namespace]
  const list = async (kinds: string, where: ReadonlyArray<string>) =>
    (
      JSON.parse(await kubectl(["get", kinds, ...where, "-o", "json"])) as {
        readonly items: ReadonlyArray<Record<string, unknown> & { readonly kind: string }>
      }
    ).items

  return {
    folder,
    n,
    kubectl,
    shell: (script: string) => run("bash", ["-c", script]),
    /** Every object as it is asked for; of volumes those of this namespace. */
    objects: async (): Promise<ReadonlyMap<string, string>> => {
      const all = [...(await list(ofNamespace, n)), ...(await list(ofCluster, []))]
      return new Map(
        all.flatMap((object) => {
          const { name } = object["metadata"] as { readonly name: string }
          const claim = (
            object["spec"] as { readonly claimRef?: { readonly namespace?: string } } | undefined
          )?.claimRef
          const others = object.kind === "PersistentVolume" && claim?.namespace !== options.namespace
          return others ? [] : [[`${object.kind}/${name}`, asked(object)] as const]
        })
      )
    },
    findings: async (name: string, flags: ReadonlyArray<string> = []) => {
      const words = ["describe", name, ...n, ...flags, "-o", "json"]
      const ran = await options.plugin?.run(words)
      if (ran !== undefined) assert.equal(ran.code, 0, ran.err)
      const out = ran?.out ?? (await kubectl(["stateful", ...words]))
      return foundIn((JSON.parse(out) as { readonly checklist?: unknown }).checklist ?? [])
    },
    end: () => rmSync(folder, { recursive: true })
  }
}
export type Server = ReturnType<typeof server>

/** Asks until it is so; what is not so in time is the test's failure. */
export const until = async <A>(what: string, ask: () => Promise<A | null>, seconds = 60): Promise<A> => {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = await ask()
    if (found !== null) return found
    if (Date.now() > end) throw new Error(`not so in ${seconds} s: ${what}`)
    await new Promise((resume) => setTimeout(resume, 300))
  }
}

const take = async (on: Server, { args, cluster, input }: Step): Promise<void> => {
  const words = await Promise.all(
    args.map(async (word) => {
      const pod = /^NODE-OF-(.*)$/.exec(word)?.[1]
      const claim = /^VOLUME-OF-(.*)$/.exec(word)?.[1]
      if (pod !== undefined)
        return on.kubectl(["get", "pod", pod, ...on.n, "-o", "jsonpath={.spec.nodeName}"])
      if (claim !== undefined)
        return on.kubectl(["get", "pvc", claim, ...on.n, "-o", "jsonpath={.spec.volumeName}"])
      return word
    })
  )
  await on.kubectl([...words, ...(cluster ? [] : on.n)], input === undefined ? "" : JSON.stringify(input))
}

type Asked = Pick<Situation, "rule" | "shape">

/** What the rule found that it advises a command of that shape for; null: nothing. */
const advising = (
  found: ReadonlyArray<Found>,
  { rule, shape }: Asked
): { readonly commands: string; readonly evidence: string } | null => {
  for (const one of found) {
    const commands = one.rule === rule && one.remedy !== null ? commandsOf(one.remedy) : null
    if (commands !== null && shapeOf(commands) === shape) return { commands, evidence: one.evidence }
  }
  return null
}

/** The commands of that shape that the rule advises; null: none. */
export const advice = (found: ReadonlyArray<Found>, asked: Asked): string | null =>
  advising(found, asked)?.commands ?? null

const noes = (found: ReadonlyArray<Found & { readonly question: string }>) =>
  new Set(found.filter(({ answer }) => answer === "No").map(({ question, rule }) => `${question} ${rule}`))

export const changedKeys = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>
): ReadonlyArray<string> =>
  [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key))

/** Makes the situation, does what is advised, and compares: answers which objects have changed. */
export const play = async (on: Server, situation: Situation): Promise<ReadonlyArray<string>> => {
  const name = situation.of ?? "db"
  for (const one of situation.make) await take(on, one)
  try {
    const looking = () => on.findings(name, situation.flags)
    const found = await until(`${situation.rule} advises`, async () => {
      const all = await looking()
      return advice(all, situation) === null ? null : all
    })
    const before = { objects: await on.objects(), noes: noes(found) }
    let commands = advice(found, situation)
    for (let time = 1; commands !== null; time += 1) {
      assert.isAtMost(time, situation.repeats ? 5 : 1, `${situation.rule} is found again: ${commands}`)
      const script = situation.fill?.(commands, on.folder, time) ?? commands
      const { code, said } = await on.shell(script)
      assert.equal(code, 0, `${script}: ${said}`)
      const printed = commands
      commands = await until(
        `what ${script} was for`,
        async () => {
          const next = advice(await looking(), situation)
          if (next === null) return { next }
          return situation.repeats && next !== printed ? { next } : null
        },
        60
      ).then(({ next }) => next)
    }
    let added: ReadonlyArray<string> = []
    // What the commands made anew may still start.
    const last = await until(`no new No after ${situation.rule}`, async () => {
      const all = await looking()
      added = [...noes(all)].filter(
        (one) => !before.noes.has(one) && situation.brings?.includes(one) !== true
      )
      return added.length === 0 ? all : null
    }).catch((cause: unknown) => assert.fail(`${String(cause)}: ${added.join()}`))
    const evidence = advising(found, situation)?.evidence
    if (situation.stays === undefined)
      assert.isFalse(
        last.some((one) => one.rule === situation.rule && one.evidence === evidence),
        `still found: ${evidence}`
      )
    return changedKeys(before.objects, await on.objects())
  } finally {
    for (const one of situation.undo ?? []) await take(on, one)
  }
}

/** On a lost node: what brings its pods back, and that it does. `lose` cuts it off. Answers what else than pods has changed, and the node. */
export const playLost = async (
  on: Server,
  lose: (node: string) => void
): Promise<{ readonly node: string; readonly changed: ReadonlyArray<string> }> => {
  const shape = "taint node node.kubernetes.io/out-of-service"
  const node = await on.kubectl(["get", "pod", "cache-0", ...on.n, "-o", "jsonpath={.spec.nodeName}"])
  lose(node)
  const advised = (rule: string) =>
    until(`${rule} advises`, async () => advice(await on.findings("cache"), { rule, shape }))
  const lost = await advised("node-lost")
  await on.kubectl(["delete", "pod", "cache-0", ...on.n, "--wait=false"])
  assert.equal(await advised("terminating-on-lost-node"), lost)
  const before = await on.objects()
  const { code, said } = await on.shell(lost)
  assert.equal(code, 0, said)
  await until(
    "cache-0 is ready elsewhere",
    async () => {
      const { out } = await on.shell(
        `kubectl get pod cache-0 ${on.n.join(" ")} -o 'jsonpath={.spec.nodeName} {.status.containerStatuses[*].ready}'`
      )
      return out.endsWith(" true") && !out.startsWith(`${node} `) ? true : null
    },
    90
  )
  const found = await on.findings("cache")
  for (const rule of ["node-lost", "terminating-on-lost-node"])
    assert.isNull(advice(found, { rule, shape }), rule)
  const changed = changedKeys(before, await on.objects()).filter((key) => !key.startsWith("Pod/"))
  return { node, changed }
}

const container = {
  name: "postgres",
  image: "docker.io/local/postgres:1",
  imagePullPolicy: "Never",
  // Each container has ended once: there are logs of a previous one.
  command: ["sh", "-c", "test -e /data/once || { touch /data/once; exit 1; }; exec sleep 100000"],
  volumeMounts: ["data", "wal"].map((name) => ({ name, mountPath: `/${name}` })),
  envFrom: [{ configMapRef: { name: "db-conf" } }],
  env: [{ name: "PASSWORD", valueFrom: { secretKeyRef: { name: "db-pass", key: "password" } } }]
}

const headless = (name: string, selector: Record<string, string>) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { clusterIP: "None", selector, ports: [{ name: "sql", port: 5432 }] }
})

/** The application `db`, a node for each replica, and `cache`, whose selector is not its name. */
export const well = (snapshotDriver: string): ReadonlyArray<object> => [
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      serviceName: "db",
      replicas: 3,
      podManagementPolicy: "Parallel",
      // Pods stay as they are when a template changes: what else changes is seen.
      updateStrategy: { type: "OnDelete" },
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: {
          serviceAccountName: "runner",
          terminationGracePeriodSeconds: 1,
          imagePullSecrets: [{ name: "pull" }],
          securityContext: { fsGroup: 999, fsGroupChangePolicy: "OnRootMismatch" },
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "db" } } }
              ]
            }
          },
          containers: [container]
        }
      },
      volumeClaimTemplates: ["data", "wal"].map((claim) => ({
        metadata: { name: claim },
        spec: {
          storageClassName: "shared",
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: "64Mi" } }
        }
      }))
    }
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "cache" },
    spec: {
      serviceName: "cache",
      replicas: 1,
      selector: { matchLabels: { role: "cache" } },
      template: {
        metadata: { labels: { role: "cache" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "main",
              image: "docker.io/local/busybox:1",
              imagePullPolicy: "Never",
              command: ["sleep", "100000"]
            }
          ]
        }
      }
    }
  },
  headless("db", { app: "db" }),
  headless("cache", { role: "cache" }),
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "runner" } },
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "db-conf" }, data: { a: "b" } },
  { apiVersion: "v1", kind: "Secret", metadata: { name: "db-pass" }, stringData: { password: "x" } },
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "pull" },
    type: "kubernetes.io/dockerconfigjson",
    stringData: { ".dockerconfigjson": "{}" }
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "db" },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: "db" } } }
  },
  {
    apiVersion: "snapshot.storage.k8s.io/v1",
    kind: "VolumeSnapshotClass",
    metadata: {
      name: "zz-remedies",
      annotations: { "snapshot.storage.kubernetes.io/is-default-class": "true" }
    },
    driver: snapshotDriver,
    deletionPolicy: "Delete"
  }
]
