/** What has to hold after a run that a rival has met, in every namespace. */
import type { OperationResult } from "../../packages/sdk/src/operation/Progress.ts"
import { leases } from "../../packages/sandbox/src/registry/kinds/index.ts"
import { persistentvolumeclaims, persistentvolumes } from "../../packages/sandbox/src/registry/kinds/core.ts"
import type * as Effect from "effect/Effect"
import type { Cluster, Request } from "../../packages/sdk/src/Cluster.ts"
import type { Profile } from "../../packages/sdk/src/Profile.ts"
import type * as Scale from "../../packages/sdk/src/Scale.ts"
import { type Act, markOf, setOf } from "./acts.ts"
import type { World, WorldOptions } from "./world.ts"

export interface Scenario {
  readonly world: WorldOptions
  /** What happened before: a count that somebody set, or a scaling. */
  readonly before?: ReadonlyArray<number | Scale.ScaleOptions>
  readonly asked: Scale.ScaleOptions
  /** Stopped at this line of the log, and then taken up: the rival acts during that. */
  readonly stopAt?: string
  /** A request that is never answered before that: its caller is stopped there. */
  readonly hangs?: (request: Request) => boolean
  readonly taken?: "resume" | "abort" | "again"
  /** What is asked for by whoever begins `again`. */
  readonly again?: Scale.ScaleOptions
  /** The claims that acts are about. */
  readonly claims: ReadonlyArray<string>
  /** Claims whose volumes are meant to go. */
  readonly goes?: RegExp
  /** Hooks, of the caller and of whoever takes over. */
  readonly profile?: Profile
  /** How whoever takes over goes on, beside its hooks. */
  readonly manner?: Scale.RunSettings
  /** What somebody else did before this was planned. */
  readonly given?: (world: World) => Effect.Effect<unknown, unknown, Cluster>
}

export interface Wire {
  requests: number
  acted: boolean
  forbidden: boolean
  /** Our requests since the act, and all of them; `count` stands for a change of the count. */
  readonly since: Array<string>
  readonly all: Array<string>
  /** The claims, with their volumes, as our last list of them found them. */
  claims: Inventory["claims"] | null
  /** By which changes are judged. */
  plan: Scale.ScalePlan
  readonly asked: Scale.ScaleOptions
  /** Who was there, by uid, when we listed pods and Jobs, and which pods were ready the last time. */
  readonly listed: Set<string>
  ready: ReadonlyArray<string> | null
  /** The uids of claims that came with the act, and the operations that were planned. */
  theirs: ReadonlySet<string>
  readonly operations: Set<string>
  readonly breaches: Array<string>
}

/** Before the first request of what was planned. */
export const newWire = (plan: Scale.ScalePlan, asked: Scale.ScaleOptions): Wire => ({
  requests: 0,
  acted: false,
  forbidden: false,
  since: [],
  all: [],
  breaches: [],
  claims: null,
  plan,
  asked,
  listed: new Set(),
  ready: null,
  theirs: new Set(),
  operations: new Set([plan.id])
})

/** Everything that an operation may not lose, as it is now. */
export const inventory = (world: World) => ({
  volumes: new Map(
    world.sandbox.store.list(persistentvolumes).map(({ metadata, spec }) => [
      metadata.name,
      {
        policy: spec.persistentVolumeReclaimPolicy,
        claim: `${spec.claimRef?.namespace}/${spec.claimRef?.name}`,
        uid: spec.claimRef?.uid,
        deleted: metadata.deletionTimestamp
      }
    ])
  ),
  claims: new Map(
    world.sandbox.store.list(persistentvolumeclaims).map(({ metadata, spec }) => [
      `${metadata.namespace}/${metadata.name}`,
      {
        uid: metadata.uid,
        volume: spec.volumeName,
        deleted: metadata.deletionTimestamp,
        made: metadata.annotations?.[markOf("made-by")],
        marked: metadata.labels?.["tier"] === "gold" && metadata.annotations?.["backup/keep"] === "yes"
      }
    ])
  ),
  whenScaled: setOf(world)?.spec.persistentVolumeClaimRetentionPolicy?.whenScaled,
  count: setOf(world)?.spec.replicas
})
export type Inventory = ReturnType<typeof inventory>

export interface Outcome {
  readonly requests: number
  readonly wire: Wire
  readonly start: Inventory
  /** Just before the act. */
  readonly acting: Inventory
  /** As soon as the first caller had its answer. */
  readonly answered: Inventory
  readonly end: Inventory
  readonly plan: Scale.ScalePlan
  readonly story: ReadonlyArray<string>
  readonly result: OperationResult | null
  readonly faults: ReadonlyArray<string>
}

export const judge = (
  world: World,
  scenario: Scenario,
  act: Act,
  given: Omit<Outcome, "faults"> & { readonly words: string; readonly isOpen: boolean }
): ReadonlyArray<string> => {
  const { wire, start, acting, answered, end, plan, result, words, isOpen } = given
  const faults = [...wire.breaches]
  const fault = (text: string) => faults.push(text)
  const short = (claim: string) => claim.slice(claim.indexOf("/") + 1)
  // Nothing is lost by an act of ours.
  for (const [name, { claim }] of start.volumes) {
    if (end.volumes.has(name) || scenario.goes?.test(short(claim))) continue
    const mayGo =
      (act.takes === "claim" && acting.volumes.get(name)?.policy === "Delete") ||
      ((act.takes === "count" || act.takes === "set") && acting.whenScaled === "Delete")
    if (!mayGo) fault(`lost: ${claim}'s volume`)
  }
  // Nothing crosses: a volume's claim names that very volume.
  for (const [name, { claim, uid }] of end.volumes) {
    const holder = end.claims.get(claim)
    const isWished = holder?.volume === undefined || holder.volume === name
    if (holder?.uid === uid && !isWished) fault(`crossed: ${claim} has ${name}, and names ${holder?.volume}`)
    // A claim that we have made for it has what people wrote on the one from before.
    const isMoved = holder?.made === plan.id && holder.volume === name && holder.uid === uid
    if (isMoved && start.volumes.has(name) && /^shop\/data-db-\d/.test(claim) && !holder.marked)
      fault(`bare: ${claim} lost its labels and annotations`)
  }
  // What was under Retain before somebody deleted it stays so, or is named.
  for (const [name, { policy, deleted, claim }] of end.volumes)
    if (deleted !== undefined && policy === "Delete" && acting.volumes.get(name)?.policy === "Retain")
      fault(`given up: the volume of ${claim}, which is being deleted`)
  // Nothing else is written to.
  for (const claim of ["bank/money", "bank/data-db-1", "shop/report"]) {
    const volume = start.claims.get(claim)?.volume ?? ""
    const [was, is] = [start.volumes.get(volume), end.volumes.get(volume)]
    if (JSON.stringify(was) !== JSON.stringify(is))
      fault(`written to: ${claim}'s volume ${JSON.stringify(is)}`)
    if (start.claims.get(claim)?.uid !== end.claims.get(claim)?.uid) fault(`written to: ${claim}`)
  }
  // It has an end, with nothing left that nobody names.
  if (isOpen && !act.name.startsWith("a journal without labels")) fault("cannot be ended")
  for (const name of ["operation", "retention-before"])
    if (setOf(world)?.metadata.annotations?.[markOf(name)] !== undefined && !isOpen) fault(`left: ${name}`)
  if (world.sandbox.store.list(leases, "shop").length > 0 && !act.name.includes("Lease"))
    fault("left: the Lease")
  for (const [name, { policy, claim }] of end.volumes) {
    // One that somebody bound to a claim of another namespace is not spoken of.
    if (!claim.startsWith("shop/")) continue
    const was = start.volumes.get(name)?.policy ?? "Delete"
    const marked =
      world.sandbox.store.get(persistentvolumes, undefined, name)?.metadata.annotations?.[
        markOf("reclaim-policy-before")
      ] !== undefined
    const isTheirs = act.name.startsWith("policy") || act.name.startsWith("our marks")
    const aside = claim.match(/-[0-9a-f]{8}$/)
    if (!isTheirs && !aside && (policy !== was || marked) && !words.includes(name))
      fault(
        `left: ${policy} (was ${was}${marked ? ", marked" : ""}) on the volume of ${start.volumes.get(name)?.claim}`
      )
  }
  const isSaid = words.includes("whenScaled") || act.name.startsWith("whenScaled")
  if (end.whenScaled !== undefined && end.whenScaled !== start.whenScaled && !isSaid && act.takes !== "set")
    fault(`left: whenScaled ${end.whenScaled}`)
  // Success is said only of what is so, as far as the last look goes.
  const looks = (path: RegExp) => (wire.acted ? wire.since.filter((line) => path.test(line)).length : 2)
  const sawClaims = looks(/^GET .*\/persistentvolumeclaims$/) > 0
  const sawVolume = (volume: string | null) => looks(new RegExp(`^GET .*/persistentvolumes/${volume}$`)) > 0
  // The last one is of whoever takes the mark away.
  const sawSet = looks(/^GET .*\/statefulsets\/db$/) > 1
  if (result?.outcome === "Succeeded" && !result.aborted) {
    const to = plan.steps.findLast((step) => step._tag === "SetReplicas")?.to
    if (to !== undefined && end.count !== to && sawSet) fault(`no success: ${end.count} replicas`)
    for (const step of sawClaims ? plan.steps : []) {
      const kept = step._tag === "RetainVolumes" ? step.claims : []
      for (const { claim, uid, volume } of kept) {
        const is = end.claims.get(`shop/${claim}`)
        if (is?.uid !== uid || is.volume !== volume || is.deleted !== undefined) fault(`no success: ${claim}`)
        if (sawVolume(volume) && end.volumes.get(volume ?? "")?.uid !== uid)
          fault(`no success: ${claim}'s volume`)
      }
      if (step._tag === "MoveVolume" && !end.claims.has(`shop/${step.to}`)) fault(`no success: ${step.to}`)
    }
  }
  const isDone = result?.outcome === "Succeeded" || result?.outcome === "Aborted"
  if (act.name === "nothing" && (!isDone || result.unmet.length > 0)) fault("no success: without any act")
  if (result?.outcome === "Succeeded" && !result.aborted) {
    // Nobody knows what is so who has not looked since the count was changed last.
    const after = wire.all.slice(wire.all.lastIndexOf("count") + 1)
    for (const step of plan.steps) {
      if (step._tag !== "RetainVolumes") continue
      if (!after.some((line) => /^GET .*\/persistentvolumeclaims$/.test(line))) fault("no look: claims")
      for (const { volume, reclaimPolicy } of step.retain ? step.claims : [])
        if (
          reclaimPolicy === "Delete" &&
          !after.some((line) => line.endsWith(`/persistentvolumes/${volume}`))
        )
          fault(`no look: volume ${volume}`)
    }
    const isSet = plan.steps.some((step) => step._tag === "SetRetention")
    const was = plan.settings.facts?.whenScaled
    if (!isSet && was !== undefined && end.whenScaled !== was && sawSet && !words.includes("whenScaled"))
      fault(`not said: whenScaled ${end.whenScaled}`)
  }
  // What an abort removes is gone when it says that it is done.
  if (result?.outcome === "Aborted" && act.takes === undefined)
    for (const [claim, { made, deleted }] of answered.claims)
      if (made === plan.id && deleted !== undefined && !words.includes(short(claim)))
        fault(`no end: ${claim} still goes`)
  if (scenario.profile?.afterAdd !== undefined && isDone) {
    const there = [...world.members].toSorted().join()
    const wanted = Array.from({ length: end.count ?? 0 }, (_, index) => `db-${index}`).join()
    if (there !== wanted) fault(`members: ${there}, and pods: ${wanted}`)
  }
  const cared = new Set(
    [
      ...plan.steps.flatMap((step) => (step._tag === "RetainVolumes" ? step.claims : [])),
      ...(plan.settings.attached ?? [])
    ].map(({ claim }) => `shop/${claim}`)
  )
  if (result?.outcome === "Aborted" && scenario.taken === "abort" && act.takes !== "set") {
    if (sawSet && end.count !== start.count && !words.includes("replicas of db stay"))
      fault(`no abort: ${end.count} replicas`)
    for (const [claim, { volume }] of start.claims)
      // One that was there at the last look, and went after it, is nobody's to tell; and one that the plan
      // does not name goes by the count, which is looked at by itself.
      if (
        sawClaims &&
        (cared.has(claim) || sawSet) &&
        end.claims.get(claim)?.volume !== volume &&
        wire.claims?.get(claim)?.volume !== volume &&
        !words.includes(short(claim))
      )
        fault(`no abort: ${claim}`)
  }
  return faults
}
