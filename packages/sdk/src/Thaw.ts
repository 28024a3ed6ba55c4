/**
 * Thaws an application by hand: every member gets its profile's thaw, whatever has frozen it.
 *
 * It needs no journal, no Lease and no operation, so that it works when nothing else does. A snapshot in
 * progress notices that its members were released, and is not called quiesced.
 */
import * as Effect from "effect/Effect"
import { type AppRef, nameOf } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { preflight } from "./Access.ts"
import { type Hook, type Member, type Outcome, run } from "./Hook.ts"
import { refusedBecause, type OperationError } from "./operation/OperationError.ts"
import type { Rule } from "./operation/Plan.ts"
import { rules } from "./operation/Step.ts"
import type { Quiesce } from "./Quiesce.ts"
import type { AppNotFound } from "./state/AppNotFound.ts"
import { read } from "./State.ts"
import type { AppState } from "./state/AppState.ts"

/** The result of one pod's thaw. */
export interface Thawed {
  readonly pod: string
  readonly outcome: Outcome
}

/** Every existing pod, ready or not, requested or not. */
const membersOf = ({ namespace, replicas }: AppState): ReadonlyArray<Member> =>
  replicas.flatMap(({ name, ordinal, pod }) =>
    pod === null ? [] : [{ namespace, pod: name, ordinal: ordinal ?? 0, fqdn: pod.fqdn ?? name }]
  )

/** What a thaw needs in the namespace of its pods. */
const rulesOf = (command: Hook, namespace: string): ReadonlyArray<Rule> =>
  command._tag === "Run"
    ? []
    : rules("", "pods", ["get", "create"], namespace, command._tag === "Command" ? "exec" : "proxy")

/** Fails with the rules that are missing, if some are, and if the server says so. */
const explain = (command: Hook, namespace: string): Effect.Effect<void, OperationError, Cluster> =>
  Effect.catchTag(preflight(rulesOf(command, namespace)), "ClusterError", () => Effect.void)

/**
 * Sends the thaw of a profile to every pod of an application at once, and returns the result of each. Needs
 * no operation.
 *
 * **Caveats**: a snapshot in progress is then not called quiesced, if anything was written.
 *
 * **Errors**: `Refused` if the profile has no thaw, since its freeze ends with its own process; `Access` if no
 * pod got it and permissions are missing; `AppNotFound`.
 */
export const thaw = Effect.fn("Thaw.thaw")(function* (
  ref: AppRef,
  { profile, hold, thaw: command }: Quiesce
): Effect.fn.Return<ReadonlyArray<Thawed>, OperationError | ClusterError | AppNotFound, Cluster> {
  if (command === null) {
    return yield* hold._tag === "NotQuiesced"
      ? refusedBecause(
          `profile ${profile} quiesces nothing: there is nothing to thaw`,
          "check what else has frozen it"
        )
      : refusedBecause(
          `profile ${profile} has no thaw: its freeze ends with the process that started it`,
          "check for that process in the pods"
        )
  }
  const state = yield* read(ref)
  const members = membersOf(state)
  if (members.length === 0) {
    return yield* refusedBecause(
      `${nameOf(ref)} has no pods: there is nothing to thaw`,
      "check whether it is scaled to 0"
    )
  }
  const all = yield* Effect.forEach(
    members,
    (member) => Effect.map(run(command, member), (outcome): Thawed => ({ pod: member.pod, outcome })),
    { concurrency: "unbounded" }
  )
  // Asked afterwards: a thaw waits for nothing that it can do without.
  if (all.every(({ outcome }) => outcome._tag === "Failed")) yield* explain(command, state.namespace)
  return all
})
