/** The effects of a plan to scale in words: on pods, claims and quorum, with warnings. */
import { type Claim, claimsOfSet, trouble } from "../Claim.ts"
import { format } from "../GoDuration.ts"
import { missingVolumes } from "../MissingVolume.ts"
import type { Profile } from "../Profile.ts"
import { needed, type Quorum } from "../Quorum.ts"
import type { AppState } from "../state/AppState.ts"
import { releaseOf } from "../state/Writer.ts"
import type { Workload } from "../Topology.ts"
import { filledFrom, fresh, lostWithPods, missing, outgrown, outlives, smaller } from "./data.ts"
import type { ClaimSlot } from "../step/claims.ts"
import { unschedulable } from "../Scheduling.ts"
import type { Ground } from "./ground.ts"
import { span, podName, range } from "../Ordinal.ts"
import { shellWord } from "../ShellWord.ts"

const days = 86_400_000

/** `94 days ago`, or `4m10s ago`. */
const ago = (instant: string, now: string): string => {
  const milliseconds = Date.parse(now) - Date.parse(instant)
  if (!(milliseconds >= 0)) return "at an unknown time"
  return milliseconds >= 2 * days
    ? `${Math.floor(milliseconds / days)} days ago`
    : `${format(milliseconds)} ago`
}

/** The time at which a leftover claim was last used, as far as the API shows it. */
const lastUsed = (claim: Claim, now: string): string =>
  claim.unusedSince === null
    ? `created ${ago(claim.created, now)}`
    : `last used ${ago(claim.unusedSince, now)}`

const ordinals = (workload: Workload, from: number, to: number): ReadonlyArray<number> =>
  range(workload.firstOrdinal + Math.min(from, to), Math.abs(to - from))

/** The Helm releases that it is of: whether a chart sets replicas shows only until another client has. */
const releases = ({ writers }: Workload): ReadonlyArray<string> =>
  writers.map(releaseOf).filter((release) => release !== null)

export const effects = (
  state: AppState,
  workload: Workload,
  to: number,
  plan: {
    readonly left: ReadonlyArray<Claim>
    /** Claims that are kept while their pods are deleted. */
    readonly losing: ReadonlyArray<Claim>
    /** How they are kept: by their volumes' own policy, or only by whenScaled. */
    readonly keptBy: "volumes" | "policy"
    readonly aside: ReadonlyArray<string>
    readonly whenScaled: string
    readonly was: string
    readonly quorum: readonly [string, string]
    readonly ahead: number
  }
): ReadonlyArray<string> => {
  const from = workload.replicas
  const moved = ordinals(workload, from, to)
  const pods = moved.map((ordinal) => podName(workload.name, ordinal))
  const quorum =
    plan.quorum[0] === "none"
      ? "no quorum guard"
      : `quorum ${plan.quorum[0]} -> ${to === 0 ? "none" : plan.quorum[1]}`
  const kept = plan.left.filter((claim) => !plan.aside.includes(claim.name))
  const made = moved.length * workload.claimTemplates.length - kept.length
  if (to > from) {
    return [
      `${workload.name} ${from} -> ${to}: adds ${span(pods)}; ${quorum}`,
      ...kept.map((claim) =>
        claim.phase === "Bound"
          ? `${claim.name}: reused with its data, ${lastUsed(claim, state.observed)}`
          : `${claim.name}: already exists, ${claim.phase}: ${claim.dataSource === null ? "has no data" : `to be filled from ${claim.dataSource}`}`
      ),
      ...plan.left
        .filter(({ name }) => plan.aside.includes(name))
        .map(
          ({ name, template }) =>
            `${name}: set aside under another name; its pod starts with ${fresh(workload, template)}`
        ),
      ...(made > 0
        ? [
            `${made} new ${made === 1 ? "claim" : "claims"}${plan.ahead > 0 ? `, ${plan.ahead} created up front` : ""}${filledFrom(workload)}`
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
  const going = new Set(plan.losing.filter((claim) => trouble(claim) !== null).map(({ name }) => name))
  const stay = claims.filter(({ name }) => !going.has(name)).length
  const only =
    plan.whenScaled === "Retain" && plan.keptBy === "policy"
      ? ", and only as long as whenScaled is not set to Delete"
      : ""
  return [
    `${workload.name} ${from} -> ${to}: removes ${span(pods.toReversed())}; ${quorum}`,
    ...(stay === 0
      ? []
      : [
          `${stay} ${stay === 1 ? "claim" : "claims"} ${plan.whenScaled === "Delete" ? "deleted with their data" : "kept"}: whenScaled ${plan.whenScaled}${changed}${only}`
        ]),
    ...(to === 0 ? [`the number of replicas, ${from}, is saved: \`--replicas last\` restores it`] : [])
  ]
}

/** Unhealthy pods that silently block OrderedReady. */
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

/**
 * With Parallel nothing but quorum stands in the way: members that are not ready and that a change down leaves
 * are waited for, until those that remain are enough.
 */
const awaited = (
  state: AppState,
  workload: Workload,
  quorum: Quorum,
  downs: ReadonlyArray<{ readonly from: number; readonly to: number }>
): ReadonlyArray<string> => {
  if (workload.podManagementPolicy !== "Parallel" || quorum === "none") return []
  const sick = state.replicas.filter(
    ({ ordinal, pod, workload: of }) =>
      of === `StatefulSet/${workload.name}` &&
      ordinal !== null &&
      (pod?.ready !== true || pod.deleted !== null)
  )
  for (const { from, to } of downs) {
    const left = sick.filter(({ ordinal }) => (ordinal ?? 0) < workload.firstOrdinal + to)
    const need = Math.min(to, needed(quorum, from))
    if (to === 0 || to - left.length >= need) continue
    const who = left.map(({ name, pod }) => `${name} (${pod?.reason ?? "no pod"})`)
    return [
      `${who.join(", ")} not ready: ${to - left.length} of the ${to} members that remain ${to - left.length === 1 ? "is" : "are"}, quorum needs ${need}: replicas ${from} -> ${to} waits until then`
    ]
  }
  return []
}

/** Secrets and ConfigMaps that are not there, without which no container starts. Images are pulled without. */
const unstarted = (state: AppState, workload: Workload, to: number): ReadonlyArray<string> => {
  const pods = ordinals(workload, workload.replicas, to).map((ordinal) => podName(workload.name, ordinal))
  const own = `StatefulSet/${workload.name} `
  return state.references.flatMap(({ kind, name, present, required, usedBy, missingKeys }) => {
    const places = usedBy
      .filter((place) => place.startsWith(own) && !place.endsWith(" imagePullSecrets"))
      .map((place) => place.slice(own.length))
    if (!required || places.length === 0) return []
    const what = `${kind} ${name}`
    const end = `${span(pods)} will not start before that (${places.join(", ")})`
    if (present === false) return [`${what} not found: ${end}`]
    return missingKeys === null || missingKeys.length === 0
      ? []
      : [`${what} has no key ${missingKeys.join(", ")}: ${end}`]
  })
}

/**
 * The effect on a quorum that members count themselves: members that did not leave formally still count, so
 * the old majority is required from fewer.
 */
const kept = (from: number, to: number): string => {
  if (from < 2) return ""
  const need = needed("majority", from)
  const lost = need - 1
  if (to >= need) {
    const spare = to - need
    return `; if the application keeps its own member list, it still needs ${need} of ${from}, and ${spare === 0 ? "none of" : `only ${spare} of`} the ${to} may fail`
  }
  return `; if the application keeps its own member list, it still needs ${need} of ${from}: quorum is lost at ${lost}`
}

/** A claim that new pods or `--replicas last` find without its data; nothing where the plan is refused for it. */
const dataless = (claim: Claim): ReadonlyArray<string> => {
  const why = trouble(claim)
  // Without Retain the plan is refused for it, and says so.
  if (why === null || (claim.deleted !== null && claim.volume !== null && !outlives(claim))) return []
  return claim.deleted !== null && claim.volume !== null
    ? [`${why}: volume ${claim.volume.name} keeps its data (Retain), and the claim is deleted with its pod`]
    : [`${why}: it has no data to keep`]
}

/** The lowest pod without the volume of a template: the controller stops there. */
const lacking = (state: AppState, workload: Workload): ReadonlyArray<string> =>
  missingVolumes(state, workload)
    .slice(0, 1)
    .map(
      ({ pod, templates }) =>
        `${pod} has no volume of template ${templates.join(", ")}: the controller adds and removes nothing until that pod is replaced: kubectl delete pod ${shellWord(pod)} -n ${shellWord(state.namespace)}`
    )

/** Budgets that a drain would meet now: a scale-down asks none. */
const tight = (state: AppState, workload: Workload): ReadonlyArray<string> => {
  const pods = new Set(
    state.replicas.filter((one) => one.workload === `StatefulSet/${workload.name}`).map((one) => one.name)
  )
  return (state.budgets ?? [])
    .filter((budget) => budget.disruptionsAllowed === 0 && budget.pods.some((pod) => pods.has(pod)))
    .map(
      ({ name }) => `poddisruptionbudget "${name}" allows no disruptions now, but scaling does not check it`
    )
}

export const warnings = (
  state: AppState,
  workload: Workload,
  to: number,
  plan: {
    readonly left: ReadonlyArray<Claim>
    readonly losing: ReadonlyArray<Claim>
    /** True if only whenScaled keeps them. */
    readonly byPolicyAlone: boolean
    readonly aside: ReadonlyArray<Claim>
    /** Claims that are not there yet. */
    readonly made: ReadonlyArray<ClaimSlot>
    readonly ground: Ground | null
    readonly profile: Profile
    /** The count of the first change: all that it asks for are waited for before the next. */
    readonly first: number
    readonly quorum: Quorum
    /** The changes of the count to fewer. */
    readonly downs: ReadonlyArray<{ readonly from: number; readonly to: number }>
  }
): ReadonlyArray<string> => {
  const up = to > workload.replicas
  const stuck = blockers(state, workload, Math.max(to, plan.first))
  return [
    ...(stuck.length === 0
      ? []
      : [
          `${stuck.join(", ")} not ready: OrderedReady adds and removes nothing until ${stuck.length === 1 ? "it is" : "they are"}`
        ]),
    ...lacking(state, workload),
    ...awaited(state, workload, plan.quorum, plan.downs),
    ...(up
      ? plan.left
          .filter((claim) => !plan.aside.includes(claim) && trouble(claim) === null)
          .map(
            (claim) =>
              `${claim.name} has data from an earlier scale-down, ${lastUsed(claim, state.observed)}; --leftover-claims set-aside starts with ${fresh(workload, claim.template)} instead`
          )
      : []),
    ...(plan.byPolicyAlone && plan.losing.length > 0
      ? [
          "reclaim policies of the volumes cannot be set: if another client sets whenScaled to Delete, or deletes a claim, its data is deleted"
        ]
      : []),
    ...missing(workload, state.protection, plan.left, plan.made),
    ...smaller(
      state.namespace,
      workload,
      plan.left.filter((claim) => !plan.aside.includes(claim))
    ),
    ...outgrown(workload, claimsOfSet(state.claims, workload.name), plan.made),
    ...plan.losing.flatMap(dataless),
    ...(up ? [] : tight(state, workload)),
    ...unschedulable(
      state,
      workload,
      to,
      plan.left.filter((claim) => !plan.aside.includes(claim)),
      plan.ground
    ),
    ...(up ? unstarted(state, workload, to) : []),
    ...(!up && workload.serviceName !== null && plan.profile.beforeRemove === undefined && to > 0
      ? [`no beforeRemove hook: members are removed without leaving first${kept(workload.replicas, to)}`]
      : []),
    ...(to === 0 && workload.replicas > 0 ? ["scaling to 0 stops the application"] : []),
    ...(up || to === workload.replicas ? [] : lostWithPods(state, workload)),
    ...workload.writers
      .filter((writer) => writer.replicas && releaseOf(writer) === null)
      .map((writer) => `${writer.name} also writes replicas`),
    ...(to === workload.replicas ? [] : releases(workload)).map(
      (release) =>
        `Helm release "${release}": set replicas to ${to} in its values too, or its next upgrade undoes this or stops at a conflict`
    )
  ]
}
