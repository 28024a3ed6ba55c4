/**
 * Thaws an application by hand: every member is sent its profile's thaw, whatever holds it.
 *
 * It needs no journal, no Lease and no operation, so that it works when nothing else does. A snapshot that
 * is being taken meanwhile notices that it did not hold its members, and is not called quiesced.
 */
import * as Effect from "effect/Effect"
import { type AppRef, nameOf } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { type Member, type Outcome, run } from "./Hook.ts"
import { refusedBecause, type OperationError } from "./operation/OperationError.ts"
import type { Quiesce } from "./Quiesce.ts"
import type { AppNotFound } from "./state/AppNotFound.ts"
import { read } from "./State.ts"
import type { AppState } from "./state/AppState.ts"

/** What became of one pod's thaw. */
export interface Thawed {
  readonly pod: string
  readonly outcome: Outcome
}

/** Every pod that is there, ready or not, asked for or not. */
const membersOf = ({ namespace, replicas }: AppState): ReadonlyArray<Member> =>
  replicas.flatMap(({ name, ordinal, pod }) =>
    pod === null ? [] : [{ namespace, pod: name, ordinal: ordinal ?? 0, fqdn: pod.fqdn ?? name }]
  )

/**
 * Sends the thaw to every pod of an application at once, and says what became of each.
 *
 * @errors `Refused` where the profile has no thaw, since what it holds ends with its own process; `AppNotFound`.
 */
export const thaw = Effect.fn("Thaw.thaw")(function* (
  ref: AppRef,
  { profile, hold, thaw: command }: Quiesce
): Effect.fn.Return<ReadonlyArray<Thawed>, OperationError | ClusterError | AppNotFound, Cluster> {
  if (command === null) {
    return yield* hold._tag === "HeldNothing"
      ? refusedBecause(
          `profile ${profile} holds nothing: there is nothing to thaw`,
          "look what else holds it"
        )
      : refusedBecause(
          `profile ${profile} has no thaw: what it holds ends with the process that holds it`,
          "look for that process in the pods"
        )
  }
  const members = membersOf(yield* read(ref))
  if (members.length === 0) {
    return yield* refusedBecause(
      `${nameOf(ref)} has no pods: there is nothing to thaw`,
      "look whether it is scaled to 0"
    )
  }
  return yield* Effect.forEach(
    members,
    (member) => Effect.map(run(command, member), (outcome): Thawed => ({ pod: member.pod, outcome })),
    { concurrency: "unbounded" }
  )
})
