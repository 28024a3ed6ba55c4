import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Scope } from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Lease from "../../../packages/sdk/src/operation/lease.ts"
import type { OperationError } from "../../../packages/sdk/src/operation/OperationError.ts"
import { operationAnnotation } from "../../../packages/sdk/src/Labels.ts"
import * as Run from "../../../packages/sdk/src/operation/Run.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Workload from "../../../packages/sdk/src/step/workload.ts"
import { drive, makeWorld, ref } from "../../simulation/world.ts"
import { on, refusal } from "../scale/callers.ts"
import { headOf, stoppedStatus } from "./journal.ts"

/** What whoever may write a Lease, an annotation or a ConfigMap can put in an id's place. */
const forged = ["$(touch${IFS}/tmp/x)", "`id`", "44b98c3f;reboot", "44B98C3F", "44b98c3", "x\u001b[2J", ""]
const real = "44b98c3f"

const entry = (id: string): Journal.Entry => ({
  plan: headOf(id, "db", "u"),
  status: stoppedStatus(),
  run: `${id}.00000000`
})

/** What a second caller is told while a holder of this operation renews its Lease. */
const toldOf = (id: string) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
    const api = Resource.leases
    const name = Lease.nameOf({ kind: "StatefulSet", name: "db" })
    const spec = { holderIdentity: `${id}.00000000 ann@laptop`, acquireTime: null, renewTime: null }
    yield* on(world)(
      Resource.create(
        { api, namespace: "shop" },
        { metadata: { name }, spec: { ...spec, leaseDurationSeconds: 1 } }
      )
    )
    let count = 0
    const renewing = Effect.forever(
      Effect.andThen(
        Effect.suspend(() =>
          Resource.patch(
            { api, namespace: "shop", name },
            {
              _tag: "Json",
              operations: [{ op: "replace", path: "/spec/leaseDurationSeconds", value: 1 + (count += 1) }]
            }
          )
        ),
        Effect.sleep(300)
      )
    )
    const fiber = yield* Effect.forkChild(on(world)(renewing))
    yield* TestClock.adjust(100)
    const candidate = { kind: "StatefulSet" as const, ...ref, token: `${real}.1`, identity: "bob@desk" }
    const error = yield* refusal(drive(on(world)(Lease.acquire(candidate, { takeOver: false }))))
    yield* Fiber.interrupt(fiber)
    return error
  })

const fenced = (token: string) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
    const target = { api: kinds.statefulsets, ...ref }
    const { metadata } = yield* on(world)(
      Resource.patch(target, {
        _tag: "Json",
        operations: [{ op: "add", path: "/metadata/annotations", value: { [operationAnnotation]: token } }]
      })
    )
    const fence = { kind: "StatefulSet" as const, ...ref, uid: metadata.uid ?? "", token: `${real}.1` }
    return yield* refusal(drive(on(world)(Workload.assertHeld(fence))))
  })

const hints: ReadonlyArray<readonly [string, (id: string) => Effect.Effect<OperationError, unknown, Scope>]> =
  [
    ["a Lease", toldOf],
    ["a journal", (id) => Effect.succeed(Run.unfinished(entry(id)))],
    ["a fence", (id) => fenced(`${id}.00000000`)],
    [
      "a time limit",
      (id) =>
        Effect.flip(Run.within(1, entry(id).plan, Effect.succeed(true), Effect.never)).pipe(
          drive,
          Effect.map((error) => (error._tag === "OperationError" ? error : assert.fail(error.message)))
        )
    ]
  ]

describe("an operation's id", () => {
  for (const [where, hint] of hints) {
    it.effect(`from ${where} is eight hex digits or not printed`, () =>
      Effect.gen(function* () {
        const { message, action = "" } = yield* hint(real)
        assert.include(`${message}; ${action}`, real)
        for (const id of forged) {
          const error = yield* hint(id)
          const said = `${error.message}; ${error.action ?? ""}`
          assert.notMatch(said, /resume|abort/, id)
          if (id !== "") assert.notInclude(said, id)
          assert.include(said, "`kubectl stateful operations -n shop`")
        }
      })
    )
  }
})
