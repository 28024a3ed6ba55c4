/**
 * An abort without a journal: it was damaged or deleted, so the previous values are read from the annotations
 * that each change left on the object.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { preflight } from "../Access.ts"
import { statefulSet } from "../App.ts"
import type { Cluster } from "../Cluster.ts"
import { kinds, reading } from "../Kind.ts"
import { PartialObjectMetadata } from "../kind/Meta.ts"
import type { PersistentVolume } from "../kind/Storage.ts"
import * as Fence from "../operation/Fence.ts"
import { journalBehind } from "../operation/InTheWay.ts"
import { Holder } from "../operation/Holder.ts"
import * as Journal from "../operation/Journal.ts"
import { because } from "../operation/OperationError.ts"
import {
  appLabel,
  madeByAnnotation,
  operationLabel,
  reclaimPolicyBeforeAnnotation,
  setAsideLabel
} from "../Labels.ts"
import { type AnyPlan, newId, type Rule } from "../operation/Plan.ts"
import type { OperationResult } from "../operation/Progress.ts"
import { runLog } from "../operation/RunLog.ts"
import { rules } from "../operation/Step.ts"
import { detached, type Failure, type StepContext } from "../operation/StepContext.ts"
import { newToken, operationOf, tokenOf } from "../operation/Token.ts"
import * as Run from "../operation/Run.ts"
import type { RunOptions } from "../operation/Verb.ts"
import { wanted } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import { Patience } from "../resource/Patience.ts"
import { abortCommand } from "../operation/OperationId.ts"
import { byName } from "../step/templates.ts"
import { putBackRetention } from "../step/retention.ts"
import { releaseVolume } from "../step/volume.ts"
import * as Workload from "../step/workload.ts"
import { untilSettled } from "../wait/pods.ts"
import { scaleVerb } from "./verb.ts"
import { millisSince } from "../Elapsed.ts"

interface Ref {
  readonly namespace: string
  readonly name: string
}

/** Of claims only names and marks are asked for. */
const claimMetadata = reading(kinds.persistentvolumeclaims, PartialObjectMetadata)

type Claims = ReadonlyMap<string, PartialObjectMetadata>

/** The volumes that operations on this StatefulSet have set to Retain. */
const markedVolumes = (ref: Ref) =>
  Effect.map(
    Resource.list(kinds.persistentvolumes, {
      which: ({ annotations }) =>
        annotations?.[reclaimPolicyBeforeAnnotation] !== undefined && annotations[appLabel] === ref.name
    }),
    (marked) => marked.filter(({ spec }) => spec.claimRef?.namespace === ref.namespace)
  )

/** Restores reclaim policies, except on volumes of claims that were set aside, which are meant to stay. */
const release = (at: StepContext, volumes: ReadonlyArray<PersistentVolume>, claims: Claims) =>
  Effect.forEach(
    volumes,
    ({ metadata, spec }) =>
      Effect.gen(function* () {
        const own = { claim: spec.claimRef?.name ?? "", uid: spec.claimRef?.uid ?? "", volume: metadata.name }
        if (claims.get(own.claim)?.metadata.labels?.[setAsideLabel] !== undefined) return
        const operation = operationOf(metadata.annotations?.[operationLabel] ?? "")
        const { reason } = yield* releaseVolume(at, own, operation).pipe(
          Effect.catchReason("ClusterError", "Forbidden", () =>
            Effect.succeed({ reason: "no permission to patch persistentvolumes" })
          )
        )
        if (reason === null) return
        yield* at.fallShort(`${reason}; volume ${own.volume} keeps reclaim policy Retain`)
      }),
    { concurrency: 8, discard: true }
  )

/** What an operation may have left that cannot be undone without its journal. */
const rest = (ref: Ref, claims: Claims): ReadonlyArray<string> => {
  const all = [...claims.values()].map(({ metadata }) => metadata)
  const ahead = all.filter(
    ({ annotations, labels }) => annotations?.[madeByAnnotation] && !labels?.[setAsideLabel]
  )
  const aside = all.filter(({ labels }) => labels?.[setAsideLabel] === ref.name)
  return [
    ...ahead.map(({ name }) => `claim ${name} was created ahead of its pod by an operation, and is kept`),
    ...aside.map(
      ({ name }) => `claim ${name} was set aside, and stays; \`scale ${ref.name} --purge\` deletes it`
    )
  ]
}

/** True if an abort can still use this journal: no abort has failed, and this version can parse its steps. */
const isUsable = ({ plan, status }: Journal.Entry): boolean =>
  !(status.aborting && status.phase === "Stopped") &&
  // What another verb has made is not undone from marks on volumes and on the StatefulSet.
  (plan.verb !== scaleVerb.name || Result.isSuccess(scaleVerb.decode(plan)))

/** What it needs before it changes anything; volumes that it may only read keep Retain, which it reports. */
const rulesOf = ({ namespace }: Ref, hasJournals: boolean): ReadonlyArray<Rule> => [
  ...rules("apps", "statefulsets", ["get", "patch"], namespace),
  ...rules("coordination.k8s.io", "leases", ["get", "create", "patch", "delete"], namespace),
  ...rules("", "configmaps", hasJournals ? ["get", "list", "patch"] : ["list"], namespace),
  ...rules("", "pods", ["list"], namespace),
  ...rules("", "persistentvolumeclaims", ["get", "list"], namespace),
  ...rules("", "persistentvolumes", ["get", "list"], null)
]

/** Ends the journal of an operation that was reverted without it. */
const close = (entry: Journal.Entry, token: string, unmet: ReadonlyArray<string>) =>
  Effect.flatMap(Run.timestamp, (ended) => {
    const phase = unmet.length > 0 ? ("Incomplete" as const) : ("Aborted" as const)
    const message = ["restored without its journal", ...unmet].join("; ")
    const status = { ...entry.status, phase, aborting: true, ended, message }
    return Journal.write({ ...entry, run: token, status }, token)
  })

/**
 * Restores what the annotations say, on volumes and on the StatefulSet, removes the operation's annotation,
 * and reports the rest. Refused if the journal can be read and no abort with it has failed: the journal
 * contains more.
 */
export const abortWithoutJournal = (
  ref: Ref,
  options: RunOptions
): Effect.Effect<OperationResult, Failure, Cluster> =>
  Effect.gen(function* () {
    const place = { kind: "StatefulSet" as const, ...ref }
    const { entries, unreadable } = yield* Journal.survey(ref.namespace, [place])
    const open = entries.filter((entry) => Journal.isOpen(entry.status))
    const usable = open.find((entry) => isUsable(entry))
    if (usable !== undefined) {
      return yield* because(
        "Mismatch",
        `operation ${usable.plan.id} on ${ref.name} has a journal that can be read`,
        `abort it: ${abortCommand(usable.plan)}; if that fails, this reverts what it can`
      )
    }
    const set = yield* Resource.find(kinds.statefulsets, ref)
    // That of an operation which began elsewhere lies there; so does one that lost its labels here.
    const mark = set === null ? null : tokenOf(set)
    const marker = mark === null ? null : yield* journalBehind(mark, place)
    if (marker !== null && Journal.isOpen(marker.entry.status) && isUsable(marker.entry)) {
      const { plan } = marker.entry
      return yield* because(
        "Mismatch",
        `operation ${plan.id} on ${ref.name} has a journal that can be read, in namespace ${plan.home}`,
        `abort it: ${abortCommand(plan)}; if that fails, this reverts what it can`
      )
    }
    yield* preflight(rulesOf(ref, open.length + unreadable.length > 0), [place])
    const id = yield* newId
    const uid = set?.metadata.uid ?? ""
    const plan = planOf(ref, id, uid, set?.metadata.generation ?? null)
    const token = yield* newToken(plan)
    const here = yield* runLog(plan, options)
    const fence: Fence.Fence = { ...place, uid, token }
    const candidate = { ...place, token, identity: options.identity ?? (yield* Holder).identity }
    const at = detached({
      plan,
      settings: {},
      fence,
      report: here.report,
      fallShort: here.fallShort,
      standing: set === null ? Effect.succeed({ why: null, object: null }) : Fence.standing(fence),
      elapsed: millisSince(0n)
    })
    const note = (message: string) => here.report({ _tag: "Note", message })
    const body = Effect.gen(function* () {
      for (const entry of open) yield* Journal.write({ ...entry, run: token }, entry.run)
      // From here on the process that ran the lost operation changes nothing more.
      if (set !== null) {
        yield* Fence.acquire(fence, () => Effect.succeed(null))
        yield* untilSettled(at, yield* Workload.assertHeld(fence))
      }
      const claims = byName(yield* Resource.list(claimMetadata, { namespace: ref.namespace }))
      yield* release(at, yield* markedVolumes(ref), claims)
      if (set !== null) {
        yield* putBackRetention(at, null, null)
        yield* note(`replicas of ${ref.name} stay at ${wanted(set).count}: how many there were is not known`)
      }
      for (const message of rest(ref, claims)) yield* note(message)
      for (const entry of open) yield* close(entry, token, yield* here.unmet)
      for (const journal of unreadable) {
        yield* Journal.closeUnreadable(ref.namespace, journal)
        yield* note(`configmap "${journal.name}" is marked as over; it may be deleted`)
      }
      if (set !== null) yield* Fence.release(fence)
    })
    const held = Run.holding([candidate], { takeOver: options.takeOver ?? false }, body)
    yield* Run.within(
      options.timeout ?? null,
      plan,
      Effect.succeed(false),
      Effect.provideService(held, Patience, here.outage.patience)
    )
    return yield* here.result((yield* here.unmet).length > 0 ? "Incomplete" : "Aborted", id, {
      aborted: true
    })
  })

/** As much of a plan as a token and a result speak of. */
const planOf = (
  { namespace, name }: Ref,
  id: string,
  uid: string,
  generation: number | null
): AnyPlan & { readonly steps: readonly [] } => ({
  apiVersion: "kubectl-stateful.dev/v1",
  kind: "Plan",
  id,
  verb: "scale",
  app: statefulSet(namespace, name),
  home: namespace,
  guards: [{ kind: "StatefulSet", namespace, name, uid, generation }],
  facts: "",
  hooks: [],
  access: [],
  effects: [],
  warnings: [],
  refusals: [],
  unchecked: [],
  settings: {},
  steps: []
})
