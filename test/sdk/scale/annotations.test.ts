import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { OperationError } from "../../../packages/sdk/src/operation/OperationError.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"

const set = { api: kinds.statefulsets, namespace: "shop", name: "db" }

const profile = (hooks: string) => `apiVersion: kubectl-stateful.dev/v1\nkind: Profile\nhooks:\n${hooks}`
const goodbye = profile("  beforeRemove:\n    command: [leave, '{pod}']\n")

const annotate = (world: World, text: string) =>
  withCluster(world.sandbox.cluster)(
    Resource.patch(set, {
      _tag: "Merge",
      value: { metadata: { annotations: { [Scale.profileAnnotation]: text } } }
    })
  )

const refused = (world: World) =>
  Effect.map(
    Effect.flip(withCluster(world.sandbox.cluster)(Scale.annotatedProfile(ref))),
    (error) => error as OperationError
  )

describe("a profile in an annotation", () => {
  it.effect("is run where its caller asks for it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
      yield* annotate(world, goodbye)
      const on = withCluster(world.sandbox.cluster)
      const trusted = yield* on(Scale.annotatedProfile(ref))
      yield* drive(on(Scale.scale(ref, { replicas: 1, profile: trusted, identity: "ann" })))
      assert.deepEqual(world.log, ["leave db-1", "delete db-1", "gone db-1"])
    })
  )

  it.effect("is not read otherwise", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
      yield* annotate(world, goodbye)
      yield* drive(withCluster(world.sandbox.cluster)(Scale.scale(ref, { replicas: 1, identity: "ann" })))
      assert.notInclude(world.log, "leave db-1")
    })
  )

  it.effect("that is not there is an error: a goodbye would be left out", () =>
    Effect.gen(function* () {
      const error = yield* refused(yield* makeWorld({ replicas: 1 }))
      assert.include(error.message, 'statefulset "db" has no annotation kubectl-stateful.dev/profile')
    })
  )

  it.effect("that is none is refused in one line, by the names of the set and the annotation", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1 })
      for (const text of ["", "hooks: [", "a: 1", profile("  beforeRemoved: {command: [x]}\n"), "[]"]) {
        yield* annotate(world, text)
        const { message } = yield* refused(world)
        assert.match(message, /^annotation kubectl-stateful\.dev\/profile of statefulset "db": .+/)
        assert.notInclude(message, "\n")
      }
    })
  )
})
