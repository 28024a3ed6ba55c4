/** Situations that the scenarios begin in: what an administrator did, or was stopped at, before. */
import { randomUUID } from "node:crypto"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { generateX25519Identity, identityToRecipient } from "age-encryption"
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import type { Cluster, Request } from "../../packages/sdk/src/Cluster.ts"
import { drive, type World, type WorldOptions } from "../simulation/world.ts"
import { freezable } from "../sdk/snapshot/freezing.ts"
import { withStorage } from "../sdk/snapshot/world.ts"
import { configmaps } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { kept } from "../../packages/sdk/src/operation/Journal.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { on, set } from "../sdk/scale/callers.ts"
import { withSnapshot, write } from "../sdk/restore/world.ts"
import { typed } from "./typed.ts"

/** `scale db` as its words. */
export const words = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "")

/** An administrator types it, and it succeeds. */
export const done = (world: World, text: string) =>
  Effect.map(typed(world.sandbox.cluster, words(text)), ({ failure, out, err }) => {
    assert.equal(failure, null, `${text}: ${err}`)
    return out + err
  })

/** The process of whoever types it ends at the first request that matches, before it is sent. */
export const stopped = (world: World, text: string, at: (request: Request) => boolean) => {
  const inner = world.sandbox.cluster
  const dying: Cluster["Service"] = {
    ...inner,
    request: (request) => (at(request) ? Effect.die("killed") : inner.request(request))
  }
  return Effect.map(typed(dying, words(text)), ({ failure, err }) => {
    assert.match(failure ?? "", /killed/, `${text}: ${err}`)
    return /operation ([0-9a-f]{8})/.exec(err)?.[1] ?? assert.fail(err)
  })
}

let folder: string | undefined
/** A file that flags name. */
export const file = (name: string, text: string): string => {
  folder ??= mkdtempSync(join(tmpdir(), "rbac-"))
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** Members that can be held by a command. */
export const holding = () =>
  file(
    "holding.yaml",
    `apiVersion: kubectl-stateful.dev/v1
kind: Profile
snapshot:
  guarantee: blocks-writes
  quiesce: { command: [freeze], deadline: 10s }
  thaw: { command: [thaw] }
  probe: { command: [check] }
`
  )

/** Members that can be held by calls of their own server. */
export const calling = () =>
  file(
    "calling.yaml",
    `apiVersion: kubectl-stateful.dev/v1
kind: Profile
snapshot:
  guarantee: blocks-writes
  quiesce: { post: "http://:8080/freeze", release: "http://:8080/release", deadline: 10s }
  thaw: { post: "http://:8080/thaw" }
  probe: { get: "http://:8080/ready" }
`
  )

/** Every member is made from one. */
export const seeding = () =>
  file(
    "seeding.yaml",
    `apiVersion: kubectl-stateful.dev/v1
kind: Profile
snapshot: { guarantee: one-member }
seed:
  save: { command: [save, "{volume}"] }
  restore: { command: [make, "{volume}", "{pod}", "{members}", "{args}"] }
`
  )

/** Flags by which a snapshot is exported to a file that is not there yet, and imported again. */
export const transferring = Effect.promise(async () => {
  const identity = await generateX25519Identity()
  const key = file("key.txt", `${identity}\n`)
  const path = join(dirname(key), `${randomUUID()}.age`)
  return {
    out: `--recipient ${await identityToRecipient(identity)} --file ${path}`,
    in: `${path} --identity-file ${key}`
  }
})

/** So many operations have been on `db` that the journals of the first are deleted. */
export const aged = (world: World, namespace = "shop") =>
  Effect.gen(function* () {
    yield* done(world, "scale db --replicas 2")
    yield* done(world, "scale db --replicas 1")
    const { store } = world.sandbox
    const [one] = store
      .list(configmaps, "shop")
      .filter(({ metadata }) => /^kubectl-stateful-[0-9a-f]{8}$/.test(metadata.name))
    const text = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", ...one }).replaceAll("shop", namespace)
    for (let index = 0; index <= kept; index++) {
      const id = (0xa000_0000 + index).toString(16)
      const { metadata, ...rest } = JSON.parse(text.replaceAll(one?.metadata.name.slice(-8) ?? "", id))
      const { name, labels, annotations } = metadata
      world.sandbox.create({ ...rest, metadata: { name, namespace, labels, annotations } })
    }
    return ""
  })

const label = (world: World) =>
  Effect.as(
    on(world)(Resource.patch(set, { _tag: "Merge", value: { metadata: { labels: { app: "db" } } } })),
    world
  )

/** Members `db-0` and so on, in namespace `shop`. */
export const members = (replicas: number, options: Partial<WorldOptions> = {}) =>
  Effect.flatMap(withStorage({ replicas, ...options }), label)

/** The same, that can be held. */
export const held = (replicas: number, options: Partial<WorldOptions> = {}) =>
  Effect.flatMap(freezable({ replicas, ...options }), ({ world }) => label(world))

/** A cluster in which volumes are snapshotted one by one. */
export const withoutGroups: Partial<WorldOptions> = {
  without: ["volumegroupsnapshots", "volumegroupsnapshotcontents", "volumegroupsnapshotclasses"].map(
    (resource) => `${resource}.groupsnapshot.storage.k8s.io`
  )
}

/** All that a snapshot records and a copy is made of. */
export const furnished = Effect.tap(members(2), ({ sandbox }) =>
  Effect.sync(() => {
    const metadata = { name: "db", namespace: "shop" }
    const of = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" }
    const ports = [{ port: 5432 }]
    const selector = { app: "db" }
    const v1 = { apiVersion: "v1", metadata }
    sandbox.create({ ...v1, kind: "Service", spec: { clusterIP: "None", selector, ports } })
    const settings = { ...v1, kind: "ConfigMap", data: { a: "b" } }
    sandbox.create(settings)
    sandbox.create({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { maxUnavailable: 1, selector: { matchLabels: selector } }
    })
    sandbox.create({
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata,
      spec: { scaleTargetRef: of, minReplicas: 2, maxReplicas: 2 }
    })
  })
).pipe(
  Effect.tap((world) =>
    on(world)(
      Resource.patch(set, {
        _tag: "Merge",
        value: {
          spec: {
            template: {
              spec: {
                containers: [
                  {
                    name: "db",
                    image: "db:1",
                    volumeMounts: [{ name: "data", mountPath: "/data" }],
                    envFrom: [{ configMapRef: { name: "db" } }, { secretRef: { name: "pass" } }]
                  }
                ]
              }
            }
          }
        }
      })
    )
  ),
  Effect.tap(() => drive(Effect.sleep("20 seconds"))),
  Effect.tap((world) => Effect.sync(() => write(world, "before")))
)

/** Two members with snapshot `nightly`. */
export const cut = (options: Partial<WorldOptions> = {}) => withSnapshot({ replicas: 2, ...options })
