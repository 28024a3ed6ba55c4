/** What the tests of restoring a configuration share: an application that names ConfigMaps and Secrets. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { configmaps, pods, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { drive, type World, type WorldOptions } from "../../simulation/world.ts"
import { on, set } from "../scale/callers.ts"
import { take, withStorage } from "../snapshot/world.ts"
import { write } from "./world.ts"

/** Values that may stand in no output, no journal and no message. */
export const canaries = { before: "Y2FuYXJ5LWJlZm9yZQ==", after: "Y2FuYXJ5LWFmdGVy" }

const references = {
  envFrom: [{ configMapRef: { name: "conf" } }],
  env: [
    { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "pass", key: "password" } } },
    { name: "FIXED", valueFrom: { configMapKeyRef: { name: "fixed", key: "a" } } },
    { name: "PLAIN", value: "before" }
  ]
}

export const target = (kind: "ConfigMap" | "Secret", name: string): Resource.Target => ({
  api: kind === "ConfigMap" ? kinds.configmaps : kinds.secrets,
  namespace: "shop",
  name
})

export const merge = (world: World, at: Resource.Target, value: object) =>
  on(world)(Resource.patch(at, { _tag: "Merge", value }))

export const configMap = (world: World, name: string, fields: object) => {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "shop" }, ...fields }
  world.sandbox.create(object)
}

const container = (fields: object) => ({
  spec: {
    template: {
      spec: {
        containers: [
          { name: "db", volumeMounts: [{ name: "data", mountPath: "/data" }], ...references, ...fields }
        ]
      }
    }
  }
})

/** As a person changes the application after the snapshot. */
export const change = (world: World) =>
  Effect.gen(function* () {
    yield* merge(world, target("ConfigMap", "conf"), { data: { a: "after", b: null, c: "new" } })
    yield* merge(world, target("Secret", "pass"), { data: { password: canaries.after } })
    yield* on(world)(Resource.remove(target("ConfigMap", "fixed")))
    configMap(world, "fixed", { immutable: true, data: { a: "after" } })
    yield* merge(
      world,
      set,
      container({ image: "db:2", env: [...references.env.slice(0, 2), { name: "PLAIN", value: "after" }] })
    )
    yield* drive(Effect.sleep("20 seconds"))
  })

/** Three members with a snapshot of `before`, whose volumes and configuration say `after` since. */
export const withConfig = (options: Partial<WorldOptions> = {}) =>
  Effect.gen(function* () {
    const world = yield* withStorage({ replicas: 3, ...options })
    configMap(world, "conf", { data: { a: "before", b: "before" } })
    configMap(world, "fixed", { immutable: true, data: { a: "before" } })
    yield* merge(world, target("Secret", "pass"), { data: { password: canaries.before } })
    yield* merge(world, set, container({ image: "db:1" }))
    yield* drive(Effect.sleep("20 seconds"))
    write(world, "before")
    const { outcome, unmet } = yield* take(world)
    assert.strictEqual(outcome, "Succeeded", unmet.join())
    write(world, "after")
    yield* change(world)
    world.log.length = 0
    return world
  })

const dataOf = (world: World, kind: "ConfigMap" | "Secret", name: string) =>
  Reflect.get(
    Object(
      world.sandbox.store.get<never>((kind === "ConfigMap" ? configmaps : secrets) as never, "shop", name)
    ),
    "data"
  ) as Readonly<Record<string, string>> | undefined

/** From when the configuration is that pods of the template get: all of it, or they have to agree. */
export const configOf = (world: World): string => {
  const { template } = world.sandbox.store.get(statefulsets, "shop", "db")?.spec ?? {}
  const [first] = template?.spec.containers ?? []
  const env = (Reflect.get(Object(first), "env") ?? []) as ReadonlyArray<{
    readonly name: string
    readonly value?: string
    readonly valueFrom?: { readonly configMapKeyRef?: { readonly name: string } }
  }>
  const fixed = env.find(({ name }) => name === "FIXED")?.valueFrom?.configMapKeyRef?.name ?? ""
  const conf = dataOf(world, "ConfigMap", "conf")
  const found = {
    image: first?.image === "db:1" ? "before" : "after",
    plain: env.find(({ name }) => name === "PLAIN")?.value,
    conf: conf?.["a"],
    keys:
      Object.keys(conf ?? {})
        .toSorted()
        .join() === "a,b"
        ? "before"
        : "after",
    pass: dataOf(world, "Secret", "pass")?.["password"] === canaries.before ? "before" : "after",
    fixed: dataOf(world, "ConfigMap", fixed)?.["a"]
  }
  const states = [...new Set(Object.values(found))]
  assert.lengthOf(states, 1, `one configuration: ${JSON.stringify(found)}`)
  return states[0] ?? ""
}

/** Every pod runs what the template says, and is ready. */
export const assertRolled = (world: World) => {
  const now = world.sandbox.store.get(statefulsets, "shop", "db")
  for (const ordinal of [0, 1, 2]) {
    const pod = world.sandbox.store.get(pods, "shop", `db-${ordinal}`)
    assert.strictEqual(pod?.metadata.labels?.["controller-revision-hash"], now?.status.updateRevision)
    assert.strictEqual(pod?.status.conditions?.find(({ type }) => type === "Ready")?.status, "True")
  }
}

/** The ConfigMaps and Secrets of a namespace that are neither the application's nor a snapshot's. */
export const leftovers = (world: World): ReadonlyArray<string> =>
  [...world.sandbox.store.list(configmaps, "shop"), ...world.sandbox.store.list(secrets, "shop")]
    .map(({ metadata }) => metadata.name)
    .filter(
      (name) =>
        !["conf", "fixed", "pass", "kube-root-ca.crt", "kubectl-stateful.snapshot.nightly"].includes(name) &&
        !/^kubectl-stateful-[0-9a-f]{8}$/.test(name)
    )
    .toSorted()
