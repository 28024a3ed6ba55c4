/**
 * Creates a StatefulSet from a record, under its new name and with no replicas, with the operation's token.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { find, targetOf } from "../operation/Guarded.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure } from "../operation/StepContext.ts"
import { isMadeBy } from "../operation/Token.ts"
import * as Resource from "../Resource.ts"
import { untilGone } from "../wait/gone.ts"
import { type At, type CloneSettings, recordOf, restoredSet } from "./cloneRecord.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** Time that it may take to be deleted, in milliseconds. */
const patience = 120_000

const MakeSetSchema = Schema.TaggedStruct("MakeSet", { on, name: Schema.String })
type MakeSet = typeof MakeSetSchema.Type

const manifest = (step: MakeSet, at: At) =>
  Effect.flatMap(recordOf(at), (record) => {
    const made = restoredSet(at.settings, at.plan.id, record)
    return made === null
      ? Effect.fail(
          because("Changed", `the record has no StatefulSet for ${step.name}`, "abort, and plan again")
        )
      : Effect.succeed({ ...made })
  })

const perform = (step: MakeSet, at: At): Work =>
  Effect.gen(function* () {
    const { object } = yield* at.standing
    if (object !== null) return
    yield* Fence.create(at.fence, at.standing, yield* manifest(step, at))
  })

const undo = (_: MakeSet, at: At): Work =>
  Effect.gen(function* () {
    const own = Effect.map(find(at.fence), (found) =>
      found !== null && isMadeBy(at.plan.id, found) ? found : null
    )
    yield* Fence.remove(at.fence)
    yield* untilGone(at, {
      subject: { kind: "StatefulSet", name: at.fence.name },
      look: own,
      limit: patience,
      stuck: because(
        "TimedOut",
        `statefulset "${at.fence.name}" is stuck terminating`,
        "check its finalizers; then abort again"
      )
    })
  })

/** The StatefulSet exists, with no replicas, and belongs to the operation. */
export const MakeSet: StepKind<MakeSet, CloneSettings> = {
  tag: "MakeSet",
  schema: MakeSetSchema,
  describe: ({ name }) => `create statefulset ${name} with 0 replicas`,
  access: (_, { namespace }, { record }) => [
    ...rules("apps", "statefulsets", ["get", "create", "patch", "delete"], namespace),
    ...rules("", "secrets", ["get"], record.namespace)
  ],
  rehearse: (step, at) =>
    Effect.gen(function* () {
      const value = yield* manifest(step, at)
      yield* Resource.create(
        { api: targetOf(at.fence).api, namespace: at.fence.namespace },
        { ...value, metadata: { ...value.metadata, name: step.name } },
        { dryRun: true }
      )
      return []
    }),
  perform,
  undo,
  undoAlone: undo
}
