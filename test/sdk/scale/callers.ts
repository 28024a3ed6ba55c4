/** What the tests of scaling share: two callers, hooks, and how a caller is stopped half way. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster, Request } from "../../../packages/sdk/src/Cluster.ts"
import {
  persistentvolumeclaims,
  persistentvolumes
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { OperationError } from "../../../packages/sdk/src/operation/OperationError.ts"
import type { Profile } from "../../../packages/sdk/src/Profile.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { drive, ref, withCluster, type World } from "../../simulation/world.ts"

export const ann = "ann@laptop"
export const bob = "bob@desk"
export const carol = "carol@phone"
export const command = (...argv: ReadonlyArray<string>) =>
  ({ _tag: "Command", argv, container: null, timeout: 5000 }) as const
export const hooks: Profile = { beforeRemove: command("leave", "{pod}"), afterAdd: command("join", "{pod}") }

export const on = (world: World) => withCluster(world.sandbox.cluster)
export const set = { api: kinds.statefulsets, namespace: "shop", name: "db" }

/** The reclaim policy of every volume. */
export const policies = (world: World) =>
  world.sandbox.store.list(persistentvolumes).map(({ spec }) => spec.persistentVolumeReclaimPolicy)

/** The OperationError that an effect ends in. */
export const refusal = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    const failed = error as OperationError
    assert.strictEqual(failed._tag, "OperationError")
    return failed
  })

/** Runs until the log has this line, then the caller is interrupted. */
export const interruptAt = (world: World, line: string, options: Scale.ScaleOptions) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.exit(on(world)(Scale.scale(ref, { ...options, identity: ann })))
    )
    for (let waited = 0; waited < 60_000 && !world.log.includes(line); waited += 50)
      yield* TestClock.adjust(50)
    yield* drive(Fiber.interrupt(fiber))
    const [entry] = yield* on(world)(Journal.list("shop", "db"))
    if (entry === undefined) throw new Error("no operation was begun")
    return entry
  })

/** What every authenticated user may ask. */
export const reviews = [
  { apiGroups: ["authorization.k8s.io"], resources: ["selfsubjectaccessreviews"], verbs: ["create"] }
]

/** Somebody else acts once, just before the first request of which `when` holds. */
export const neighbour = (
  world: World,
  when: (request: Request) => boolean,
  act: Effect.Effect<unknown, unknown, Cluster>
): Cluster["Service"] => {
  const inner = world.sandbox.cluster
  let hasActed = false
  return {
    ...inner,
    request: (request) =>
      Effect.suspend(() => {
        if (hasActed || !when(request)) return inner.request(request)
        hasActed = true
        return Effect.andThen(Effect.ignore(on(world)(act)), inner.request(request))
      })
  }
}

/** Whether a request changes the count of the StatefulSet. */
export const movesCount = ({ method, path, body }: Request): boolean =>
  method === "PATCH" &&
  path.endsWith("/statefulsets/db") &&
  (body ?? "").includes('"replace","path":"/spec/replicas"')

export const claimNamed = (world: World, name: string, namespace = "shop") =>
  world.sandbox.store.get(persistentvolumeclaims, namespace, name)

export const volumeNamed = (world: World, name: string | undefined) =>
  world.sandbox.store.get(persistentvolumes, undefined, name ?? "")

/** The volume of a claim, as it is now. */
export const volumeOf = (world: World, claim: string) =>
  volumeNamed(world, claimNamed(world, claim)?.spec.volumeName)

export const removeClaim = (name: string) =>
  Resource.remove({ api: kinds.persistentvolumeclaims, namespace: "shop", name }, {})

export const setWhenScaled = (whenScaled: "Retain" | "Delete") =>
  Resource.patch(set, {
    _tag: "Merge",
    value: { spec: { persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted: "Retain" } } }
  })

/** A claim as anybody may make it. */
export const claimObject = (name: string, namespace: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, namespace },
  spec: {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "fast",
    resources: { requests: { storage: "1Gi" } },
    ...more
  }
})

/** Time passes until the log has the line. */
export const untilLogged = (world: World, line: string) =>
  Effect.gen(function* () {
    for (let waited = 0; waited < 60_000 && !world.log.includes(line); waited += 20)
      yield* TestClock.adjust(20)
  })

/** Frees a volume of another application, as an administrator does: under Retain, its claim deleted, and taken off it. */
export const freeVolume = (world: World) =>
  Effect.gen(function* () {
    world.sandbox.create(claimObject("legacy", "shop"))
    yield* drive(Effect.sleep("10 seconds"))
    const name = claimNamed(world, "legacy")?.spec.volumeName ?? ""
    world.sandbox.volumes.get(name)?.write("mark", "legacy data-db-0")
    const volume = { api: kinds.persistentvolumes, name }
    const change = (spec: object) => on(world)(Resource.patch(volume, { _tag: "Merge", value: { spec } }))
    yield* change({ persistentVolumeReclaimPolicy: "Retain" })
    yield* on(world)(removeClaim("legacy"))
    yield* drive(Effect.sleep("10 seconds"))
    yield* change({ claimRef: null })
    yield* drive(Effect.sleep("10 seconds"))
    assert.strictEqual(volumeNamed(world, name)?.status.phase, "Available")
    return name
  })
