/**
 * An operation whose namespace is deleted while it runs: its journal is deleted, so it cannot be resumed. It
 * ends with that error, whatever failed first, and lists what remains, which is cluster-scoped.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { OperationError } from "./OperationError.ts"
import { wayBack } from "./OperationId.ts"
import type { AnyPlan } from "./Plan.ts"
import type { AnyStep, Failure } from "./StepContext.ts"
import { guardOf, type Verb } from "./Verb.ts"

/**
 * True if a namespace is deleted or terminating, as far as this process can read it: everything in it is
 * deleted with it.
 */
export const isGoing = (name: string): Effect.Effect<boolean, ClusterError, Cluster> =>
  Resource.get(kinds.namespaces, { name }).pipe(
    Effect.map(({ metadata }) => Boolean(metadata.deletionTimestamp)),
    Effect.catchIf(
      (error) => ["Forbidden", "NotFound"].includes(error.reason._tag),
      (error) => Effect.succeed(error.reason._tag === "NotFound")
    )
  )

/** The message for it. */
export const goneWords = (namespace: string): string => `namespace "${namespace}" was deleted in the meantime`

/**
 * The cluster-scoped objects of its steps that remain without these namespaces; `null` if the journal cannot
 * be read.
 */
const outliving = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  asked: AnyPlan,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  gone: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string> | null, never, Cluster> => {
  const decoded = verb.decode(asked)
  if (Result.isFailure(decoded)) return Effect.succeed(null)
  const plan = decoded.success
  return Effect.forEach(plan.steps, (step) => {
    const { namespace } = guardOf(plan, step)
    const none = Effect.succeed<ReadonlyArray<string>>([])
    return gone.includes(namespace) ? (verb.kindOf(step).outlives?.(step, { namespace, plan }) ?? none) : none
  }).pipe(
    Effect.map((all) => [...new Set(all.flat())].toSorted()),
    Effect.orElseSucceed(() => null)
  )
}

/** What remains, in words. */
const staying = (kept: ReadonlyArray<string> | null): string =>
  kept === null
    ? "what it kept cannot be read: check persistent volumes and snapshot contents of that namespace"
    : kept.length === 0
      ? "nothing of it is left"
      : `kept by policy Retain: ${kept.join(", ")}; delete those that are no longer needed`

/**
 * The result of a failed operation: the deletion of its namespace, if that is the reason. A process that was
 * replaced reports that instead. `swept` is asked where the namespace is there: it may be another one.
 */
export const orNamespaceGone = <Step extends AnyStep, Settings, Options, Going, Outcome>(
  plan: AnyPlan,
  verb: Verb<Step, Settings, Options, Going, Outcome>,
  error: Failure,
  swept: Effect.Effect<boolean, never, Cluster>
): Effect.Effect<never, Failure, Cluster> =>
  Effect.gen(function* () {
    const { _tag: tag } = error.reason
    const isPlain = ["Fenced", "Held", "Refused", "Access", "Mismatch"].includes(tag)
    const namespaces = isPlain ? [] : [...new Set([plan.home, ...plan.guards.map((one) => one.namespace)])]
    const gone = yield* Effect.filter(namespaces, (name) => Effect.orElseSucceed(isGoing(name), () => false))
    const [first] = gone
    if (first === undefined) {
      if (isPlain || !(yield* swept)) return yield* Effect.fail(error)
      return yield* new OperationError({
        reason: { _tag: "NotFound" },
        message: `${error.message}; the journal of operation ${plan.id} and all that it owned are gone, as after a namespace was recreated`,
        action: staying(yield* outliving(plan, verb, namespaces)),
        record: error.message
      })
    }
    const stays = staying(yield* outliving(plan, verb, gone))
    // A freeze still ends as usual: its pods run until their namespace is deleted.
    const way = tag === "LevelMissed" ? (error.action?.split("; then ")[0] ?? null) : null
    const back = gone.includes(plan.home) ? [] : [wayBack(plan)]
    const said = error._tag === "OperationError" && !error.message.startsWith(goneWords(first))
    return yield* new OperationError({
      reason: { _tag: "NotFound" },
      message: said ? `${goneWords(first)}: ${error.message}` : goneWords(first),
      action: [...(way === null ? [] : [way]), stays, ...back].join("; "),
      record: goneWords(first)
    })
  })
