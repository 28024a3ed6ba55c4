/** What a plan to scale says in words: its effects on pods, claims and quorum, and what to beware of. */
import type { Claim } from "../Claim.ts"
import { format } from "../operation/Timeout.ts"
import type { Profile } from "../Profile.ts"
import type { AppState } from "../State.ts"
import type { Workload } from "../Topology.ts"
import { unschedulable } from "./ScaleScheduling.ts"

/** `db-3`, `db-3 and db-4`, `db-3 to db-99`. */
const span = (names: ReadonlyArray<string>): string => {
  if (names.length === 0) return "none"
  if (names.length === 1) return `${names[0]}`
  if (names.length === 2) return `${names[0]} and ${names[1]}`
  return `${names[0]} to ${names[names.length - 1]}`
}

const days = 86_400_000

/** `94 days ago`, or `4m10s ago`. */
const ago = (instant: string, now: string): string => {
  const milliseconds = Date.parse(now) - Date.parse(instant)
  if (!(milliseconds >= 0)) return "at an unknown time"
  return milliseconds >= 2 * days
    ? `${Math.floor(milliseconds / days)} days ago`
    : `${format(milliseconds)} ago`
}

/** When a leftover claim was last used, as far as the API tells. */
const lastUsed = (claim: Claim, now: string): string =>
  claim.unusedSince === null ? `made ${ago(claim.created, now)}` : `last used ${ago(claim.unusedSince, now)}`

const ordinals = (workload: Workload, from: number, to: number): ReadonlyArray<number> =>
  Array.from(
    { length: Math.abs(to - from) },
    (_, index) => workload.firstOrdinal + Math.min(from, to) + index
  )

export const effects = (
  state: AppState,
  workload: Workload,
  to: number,
  plan: {
    readonly left: ReadonlyArray<Claim>
    readonly aside: ReadonlyArray<string>
    readonly whenScaled: string
    readonly was: string
    readonly quorum: readonly [string, string]
    readonly ahead: number
  }
): ReadonlyArray<string> => {
  const from = workload.replicas
  const moved = ordinals(workload, from, to)
  const pods = moved.map((ordinal) => `${workload.name}-${ordinal}`)
  const quorum =
    plan.quorum[0] === "none"
      ? "no quorum guard"
      : `quorum ${plan.quorum[0]} -> ${to === 0 ? "none" : plan.quorum[1]}`
  const kept = plan.left.filter((claim) => !plan.aside.includes(claim.name))
  const made = moved.length * workload.claimTemplates.length - kept.length
  if (to > from) {
    return [
      `${workload.name} ${from} -> ${to}: adds ${span(pods)}; ${quorum}`,
      ...kept.map(
        (claim) => `${claim.name}: attached again with its data, ${lastUsed(claim, state.observed)}`
      ),
      ...plan.aside.map((claim) => `${claim}: set aside under another name; its pod starts empty`),
      ...(made > 0
        ? [
            `${made} new ${made === 1 ? "claim" : "claims"}${plan.ahead > 0 ? `, ${plan.ahead} made ahead, all at once` : ""}`
          ]
        : [])
    ]
  }
  const claims = state.claims.filter(
    (claim) =>
      claim.workload === `StatefulSet/${workload.name}` &&
      claim.ordinal !== null &&
      moved.includes(claim.ordinal)
  )
  const changed = plan.whenScaled === plan.was ? "" : ` for this operation, then ${plan.was} again`
  return [
    `${workload.name} ${from} -> ${to}: removes ${span(pods.toReversed())}; ${quorum}`,
    ...(claims.length === 0
      ? []
      : [
          `${claims.length} ${claims.length === 1 ? "claim" : "claims"} ${plan.whenScaled === "Delete" ? "deleted with their data" : "kept"}: whenScaled ${plan.whenScaled}${changed}`
        ]),
    ...(to === 0 ? [`the count ${from} is remembered: \`--replicas last\` goes back to it`] : [])
  ]
}

/** Pods whose sickness makes OrderedReady stop, without a word from the API. */
const blockers = (state: AppState, workload: Workload, to: number): ReadonlyArray<string> =>
  workload.podManagementPolicy === "Parallel"
    ? []
    : state.replicas
        .filter(
          (replica) =>
            replica.workload === `StatefulSet/${workload.name}` &&
            replica.ordinal !== null &&
            replica.ordinal < workload.firstOrdinal + Math.min(workload.replicas, to) &&
            replica.pod?.ready !== true
        )
        .map((replica) => `${replica.name} (${replica.pod?.reason ?? "no pod"})`)

export const warnings = (
  state: AppState,
  workload: Workload,
  to: number,
  plan: {
    readonly left: ReadonlyArray<Claim>
    readonly aside: ReadonlyArray<Claim>
    readonly profile: Profile
  }
): ReadonlyArray<string> => {
  const up = to > workload.replicas
  const stuck = blockers(state, workload, to)
  const pods = new Set(
    state.replicas.filter((one) => one.workload === `StatefulSet/${workload.name}`).map((one) => one.name)
  )
  const tight = (state.budgets ?? []).filter(
    (budget) => budget.disruptionsAllowed === 0 && budget.pods.some((pod) => pods.has(pod))
  )
  return [
    ...(stuck.length === 0
      ? []
      : [
          `${stuck.join(", ")} not ready: OrderedReady adds and removes nothing until ${stuck.length === 1 ? "it is" : "they are"}`
        ]),
    ...(up
      ? plan.left
          .filter((claim) => !plan.aside.includes(claim))
          .map(
            (claim) =>
              `${claim.name} holds old data, ${lastUsed(claim, state.observed)}; --leftover-claims set-aside starts empty`
          )
      : []),
    ...(up
      ? []
      : tight.map(
          (budget) =>
            `poddisruptionbudget "${budget.name}" allows no disruption now; a change of replicas does not ask it`
        )),
    ...unschedulable(
      state,
      workload,
      to,
      plan.left.filter((claim) => !plan.aside.includes(claim))
    ),
    ...(!up && workload.serviceName !== null && plan.profile.beforeRemove === undefined && to > 0
      ? ["no beforeRemove hook: members leave without a goodbye"]
      : []),
    ...(to === 0 && workload.replicas > 0 ? ["to 0: the application stops"] : []),
    ...workload.writers
      .filter((writer) => writer.replicas)
      .map((writer) => `${writer.name} also writes replicas`)
  ]
}
