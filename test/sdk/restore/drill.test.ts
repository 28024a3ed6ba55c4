/** A drill passes where the snapshot has what is looked for, fails where it has not, and leaves nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as RestoreDrill from "../../../packages/sdk/src/RestoreDrill.ts"
import {
  namespaces,
  persistentvolumeclaims,
  persistentvolumes
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import type { Command, Host } from "../../../packages/sandbox/src/node/Program.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import { volumesnapshotcontents } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { drive, type World, withCluster } from "../../simulation/world.ts"
import { ann, on, refusal } from "../scale/callers.ts"
import { snapshot, stateOf, withSnapshot } from "./cloneWorld.ts"

/** `has WORD`: whether the member's volume says it. */
const onExec = (host: Host, { argv, stdout }: Command) => {
  const [, , , , token = "", , name = "", word = ""] = argv
  if (name !== "has") return null
  const code = host.volume("/data")?.readText("mark")?.includes(word) === true ? 0 : 1
  return Effect.as(stdout(`\n${token} ${code}\n`), code)
}

const drill = (world: World, word: string, options: Partial<RestoreDrill.DrillOptions> = {}) =>
  drive(on(world)(RestoreDrill.drill(snapshot, { command: ["has", word], identity: ann, ...options })))

/** No namespace, no claim and no volume but the application's own. */
const assertNothingLeft = (world: World) => {
  const { store } = world.sandbox
  const spaces = store.list(namespaces).map(({ metadata }) => metadata.name)
  assert.deepEqual(
    spaces.filter((name) => name.startsWith("drill-")),
    []
  )
  assert.lengthOf(store.list(persistentvolumeclaims), 3)
  assert.lengthOf(store.list(persistentvolumes), 3)
  assert.strictEqual(stateOf(world), "after")
}

describe("a drill", () => {
  it.effect("passes with what the snapshot has, says how long it took, and leaves nothing", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec })
      const result = yield* drill(world, "before")
      assert.deepInclude(result, {
        passed: true,
        failure: null,
        fenced: true,
        volumes: 3,
        replicas: 3,
        left: []
      })
      assert.isAbove(result.toReady ?? 0, result.toVolumes ?? Number.POSITIVE_INFINITY)
      assert.strictEqual(result.bytes, 3 * 1024 ** 3)
      assertNothingLeft(world)
    })
  )

  it.effect("fails for what was written after the cut, and leaves nothing", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec })
      const result = yield* drill(world, "after")
      assert.isFalse(result.passed)
      assert.match(result.failure ?? "", /the check failed: exit code 1/)
      assert.isNotNull(result.toReady)
      assertNothingLeft(world)
    })
  )

  it.effect("asks a profile instead, which must be there where there is no command", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec })
      const verify = { profile: "./orders.yaml", argv: ["look", "{path}"] }
      const asked = (options: Omit<RestoreDrill.DrillOptions, "identity">) =>
        drive(on(world)(RestoreDrill.drill(snapshot, { identity: ann, ...options })))
      const result = yield* asked({ verify })
      assert.deepInclude(result, { passed: true, check: null, verified: "./orders.yaml" })
      const { reason } = yield* refusal(asked({}))
      assert.strictEqual(reason._tag, "Refused")
      const wrong = yield* asked({ verify: { ...verify, argv: ["look", "{path:other}"] } })
      assert.deepInclude(wrong, { passed: false, verified: null, toVolumes: null })
      assert.match(wrong.failure ?? "", /no such claim template/)
      assertNothingLeft(world)
    })
  )

  it.effect("fails where no replica gets ready, and leaves nothing", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec })
      world.sick.add("db-1")
      const isWell = stateOf(world)
      const result = yield* drill(world, "before", { stepTimeout: 20_000 })
      assert.isFalse(result.passed)
      assert.isNotNull(result.toVolumes)
      assert.isNull(result.check)
      assert.deepEqual(result.left, [])
      world.sick.clear()
      assert.strictEqual(isWell, "after")
    })
  )

  it.effect("makes no namespace without every permission to restore there and to delete it again", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec })
      for (const [verb, apiGroup, resource, where] of [
        ["create", "", "namespaces", ""],
        ["delete", "", "namespaces", ""],
        ["create", "apps", "statefulsets", ".apps in drill-"],
        ["create", "", "pods/exec", " in drill-"]
      ] as const) {
        const deny = [{ verbs: [verb], apiGroups: [apiGroup], resources: [resource] }]
        const error = yield* RestoreDrill.drill(snapshot, { command: ["has", "before"], identity: ann }).pipe(
          withCluster(world.sandbox.as({ name: "dev", deny })),
          Effect.flip,
          drive
        )
        assert.include(error.message, `not allowed: ${verb} ${resource}${where}`)
        assertNothingLeft(world)
      }
    })
  )

  it.effect("names what stands for its cuts where that could not be taken away", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec })
      const inner = world.sandbox.cluster
      const firm: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "DELETE" && request.path.includes("/volumesnapshotcontents/")
            ? Effect.fail(new ClusterError({ reason: { _tag: "Forbidden" }, message: "a webhook says no" }))
            : inner.request(request)
      }
      const failed = yield* RestoreDrill.drill(snapshot, { command: ["has", "before"], identity: ann }).pipe(
        withCluster(firm),
        Effect.flip,
        drive
      )
      const contents = world.sandbox.store
        .list(volumesnapshotcontents)
        .filter(({ spec }) => spec.volumeSnapshotRef.namespace?.startsWith("drill-"))
      assert.lengthOf(contents, 3)
      for (const { metadata } of contents)
        assert.include(failed.message, `volumesnapshotcontent ${metadata.name}`)
    })
  )

  it.effect("that is interrupted says what it deletes, and what it could not delete", () =>
    Effect.gen(function* () {
      for (const isFirm of [false, true]) {
        const world = yield* withSnapshot({ onExec })
        const inner = world.sandbox.cluster
        const firm: typeof inner = {
          ...inner,
          request: (request) =>
            isFirm && request.method === "DELETE" && /^\/api\/v1\/namespaces\/[^/]+$/.test(request.path)
              ? Effect.fail(new ClusterError({ reason: { _tag: "Forbidden" }, message: "a webhook says no" }))
              : inner.request(request)
        }
        const stop = yield* Deferred.make<void>()
        const notes: Array<string> = []
        const report = (event: Progress) =>
          event._tag === "Step" && event.index === 3
            ? Deferred.succeed(stop, undefined)
            : Effect.sync(() => void (event._tag === "Note" && notes.push(event.message)))
        yield* RestoreDrill.drill(snapshot, { command: ["has", "before"], identity: ann, report }).pipe(
          withCluster(firm),
          Effect.raceFirst(Deferred.await(stop)),
          drive
        )
        assert.match(notes.join("\n"), /^interrupted: deleting namespace drill-nightly-\w+, with all/m)
        const left = notes.filter((note) => note.startsWith("left of the drill: "))
        if (isFirm) assert.match(left.join("\n"), /: namespace drill-nightly-\w+: a webhook says no$/)
        else {
          assert.deepEqual(left, [])
          assertNothingLeft(world)
        }
      }
    })
  )

  it.effect("names its namespace where nobody knows whether it was created", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec })
      const inner = world.sandbox.cluster
      let isLost = false
      const lost: typeof inner = {
        ...inner,
        request: (request) => {
          if (request.method === "POST" && request.path === "/api/v1/namespaces") isLost = true
          return isLost
            ? Effect.fail(new ClusterError({ reason: { _tag: "Unavailable" }, message: "no route to host" }))
            : inner.request(request)
        }
      }
      const error = yield* RestoreDrill.drill(snapshot, { command: ["has", "before"], identity: ann }).pipe(
        withCluster(lost),
        Effect.flip,
        drive
      )
      assert.match(error.message, /; left of the drill: namespace drill-nightly-\w+, if it was created$/)
    })
  )

  it.effect("aborts its own restore, whatever other journal is there", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec })
      const spaces = () => world.sandbox.store.list(namespaces).map(({ metadata }) => metadata.name)
      const isOurs = (path: string) => /namespaces\/drill-[^/]+\/persistentvolumeclaims$/.test(path)
      const forge = Effect.gen(function* () {
        const namespace = spaces().find((name) => name.startsWith("drill-")) ?? ""
        const [own] = yield* Journal.list(namespace)
        const { plan } = own ?? assert.fail("there is no journal")
        const text = JSON.stringify(own).replaceAll(plan.id, "ffffffff").replaceAll('"db"', '"zz"')
        const other = JSON.parse(text) as Journal.Entry
        yield* Journal.create({ ...other, status: { ...other.status, started: "2999-01-01T00:00:00Z" } })
      })
      const inner = world.sandbox.cluster
      const firm: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "POST" && isOurs(request.path)
            ? Effect.andThen(
                Effect.ignore(on(world)(forge)),
                Effect.fail(new ClusterError({ reason: { _tag: "Forbidden" }, message: "no claims" }))
              )
            : inner.request(request)
      }
      const error = yield* RestoreDrill.drill(snapshot, { command: ["has", "before"], identity: ann }).pipe(
        withCluster(firm),
        Effect.flip,
        drive
      )
      assert.notInclude(error.message, "left of the drill")
      assertNothingLeft(world)
    })
  )

  it.effect("that is killed during its check leaves no volume behind its namespace, whatever the class", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec })
      const fast = yield* on(world)(Resource.getObject({ api: kinds.storageclasses, name: "fast" }))
      yield* on(world)(Resource.remove({ api: kinds.storageclasses, name: "fast" }))
      const { metadata: _, ...rest } = fast
      yield* on(world)(
        Resource.create(
          { api: kinds.storageclasses },
          { ...rest, metadata: { name: "fast" }, reclaimPolicy: "Retain" }
        )
      )
      const killed = when(({ kind }) => kind === "exec", { _tag: "Kill", applied: false })
      const { cluster } = inject(world.sandbox.cluster, killed)
      yield* RestoreDrill.drill(snapshot, { command: ["has", "before"], identity: ann }).pipe(
        withCluster(cluster),
        Effect.exit,
        drive
      )
      const [space] = world.sandbox.store
        .list(namespaces)
        .filter(({ metadata }) => metadata.name.startsWith("drill-"))
      assert.lengthOf(world.sandbox.store.list(persistentvolumes), 6)
      world.sandbox.registry.remove(namespaces, undefined, space?.metadata.name ?? "", {})
      yield* drive(Effect.sleep("1 minute"))
      assertNothingLeft(world)
    })
  )

  it.effect("is refused, with nothing left, where the network enforces no fence", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ onExec, enforces: false })
      const { reason } = yield* refusal(drill(world, "before"))
      assert.strictEqual(reason._tag, "Unfenced")
      assertNothingLeft(world)
      const { passed } = yield* drill(world, "before", { noFence: true })
      assert.isTrue(passed)
    })
  )
})
