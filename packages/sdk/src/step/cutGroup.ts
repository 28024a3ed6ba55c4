/**
 * Takes the volume snapshots of some claims as one group, with a VolumeGroupSnapshot: one point in time, if
 * the driver keeps its promise, which the timestamps show.
 *
 * The group's controller selects claims only by labels, and ignores expressions; so exactly the planned
 * claims get a label of this operation, and the group is compared afterwards, volume by volume.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fence from "../operation/Fence.ts"
import * as Resource from "../Resource.ts"
import type { Cluster } from "../Cluster.ts"
import { kinds, volumeGroupSnapshotContents } from "../Kind.ts"
import {
  groupOf,
  type VolumeGroupSnapshot,
  type VolumeGroupSnapshotContent,
  type VolumeSnapshot
} from "../kind/Snapshot.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import { on, rules, type StepKind, stepsOf, withInner } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { noneLeft, type Unmet } from "../wait/condition.ts"
import { wakingSidecars } from "./wakeSidecars.ts"
import { defaultStepTimeout, polled, steadily, until } from "../wait/until.ts"
import { type CutSettings, type Cutting, goneCut, notCut, whileFrozen } from "./cutVolumes.ts"
import { claimsByName } from "./reclaimPolicy.ts"
import { apart, skewOf } from "./record.ts"
import {
  assertClaims,
  CutClaim,
  labelsOf,
  makeBeside,
  removeOurs,
  contentsOf,
  isBeingCut,
  isOurs,
  unconfirmed,
  untilContentsGone,
  untilNoneUnderWay
} from "./snapshots.ts"
import { assertUnmounted } from "./unmounted.ts"
import { claimTarget, readClaim } from "./volume.ts"
import { shellWord } from "../ShellWord.ts"
import { cutWithLabel } from "../Labels.ts"

type At = StepContext<CutSettings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const GroupSchema = Schema.TaggedStruct("CutGroup", {
  on,
  set: Schema.String,
  claims: Schema.Array(CutClaim),
  /** The VolumeGroupSnapshot's name. */
  as: Schema.String,
  class: Schema.String,
  /** The version of `groupsnapshot.storage.k8s.io` that the server has. */
  version: Schema.String
})
type CutGroup = typeof GroupSchema.Type
export type Group = CutGroup

const memberPath = `/metadata/labels/${cutWithLabel.replaceAll("/", "~1")}`

export const groupTarget = (step: CutGroup, namespace: string): Resource.Target => ({
  api: { ...kinds.volumegroupsnapshots, version: step.version },
  namespace,
  name: step.as
})

export const readGroup = (step: CutGroup, namespace: string) =>
  Resource.find({ ...kinds.volumegroupsnapshots, version: step.version }, { namespace, name: step.as })

/** The group's content; `null` if there is none of this name. */
export const readGroupContent = (step: CutGroup, name: string) =>
  Resource.find({ ...volumeGroupSnapshotContents, version: step.version }, { name })

/** Puts the operation's label on a claim, or takes it away, while the claim is the planned one. */
const label = (at: At, { claim, uid }: CutClaim, wanted: string | null): Work =>
  Effect.asVoid(
    Fence.beside(at.standing, {
      look: readClaim(at.fence.namespace, claim),
      done: (found) =>
        found === null ||
        found.metadata.uid !== uid ||
        (wanted === null
          ? found.metadata.labels?.[cutWithLabel] !== at.plan.id
          : found.metadata.labels?.[cutWithLabel] === wanted),
      write: (found) =>
        Effect.andThen(
          Resource.patch(claimTarget(at.fence.namespace, claim), {
            _tag: "Json",
            operations: [
              { op: "test", path: "/metadata/uid", value: uid },
              ...(wanted === null
                ? [
                    { op: "test" as const, path: memberPath, value: at.plan.id },
                    { op: "remove" as const, path: memberPath }
                  ]
                : found?.metadata.labels == null
                  ? [{ op: "add" as const, path: "/metadata/labels", value: { [cutWithLabel]: wanted } }]
                  : [{ op: "add" as const, path: memberPath, value: wanted }])
            ]
          }),
          readClaim(at.fence.namespace, claim)
        )
    })
  )

const labelAll = (at: At, step: CutGroup, wanted: string | null): Work =>
  Effect.forEach(step.claims, (claim) => label(at, claim, wanted), { concurrency: 16, discard: true })

/** Fails if other claims than the planned ones would be in the group. */
const assertMembers = (at: At, step: CutGroup): Work =>
  Effect.gen(function* () {
    const { items } = yield* Resource.listObjects(kinds.persistentvolumeclaims, {
      namespace: at.fence.namespace,
      labelSelector: `${cutWithLabel}=${at.plan.id}`
    })
    const planned = new Set(step.claims.map(({ uid }) => uid))
    const stranger = items.find(({ metadata }) => !planned.has(metadata.uid ?? ""))
    if (stranger !== undefined) {
      return yield* because(
        "Changed",
        `claim ${stranger.metadata.name} has the label of this operation, but is not in its plan`,
        `remove it: kubectl label pvc ${stranger.metadata.name} ${cutWithLabel}- -n ${shellWord(at.fence.namespace)}`
      )
    }
    if (items.length < step.claims.length) {
      return yield* because(
        "Changed",
        "another client removed the label of this operation from a claim",
        "run the command again"
      )
    }
  })

const subjectOf = ({ as }: CutGroup) => ({ kind: "VolumeGroupSnapshot", name: as })

/** The planned volumes without a volume snapshot, and unplanned volumes with one. */
const uncut = (
  step: CutGroup,
  group: VolumeGroupSnapshot | null,
  content: VolumeGroupSnapshotContent | null
): ReadonlyArray<Unmet> => {
  const subject = subjectOf(step)
  const error = group?.status?.error?.message
  const members = content?.status?.volumeSnapshotInfoList ?? []
  if (members.length === 0) return [{ subject, for: error ?? "its snapshot" }]
  const open = members.filter(({ creationTime }) => creationTime == null)
  return open.length === 0 ? [] : [{ subject, for: `the volume snapshots of ${open.length} members` }]
}

/** By the name that the group says, or that its controller will give it. */
const contentOf = (step: CutGroup, group: VolumeGroupSnapshot | null) => {
  const uid = group?.metadata.uid
  const name = group?.status?.boundVolumeGroupSnapshotContentName ?? (uid ? `groupsnapcontent-${uid}` : null)
  return name ? readGroupContent(step, name) : Effect.succeed(null)
}

/** The difference between the group's volumes and the planned ones; `null` if they are the same. */
const wrongMembers = (step: CutGroup, content: VolumeGroupSnapshotContent | null): string | null => {
  const cut = (content?.status?.volumeSnapshotInfoList ?? []).map(({ volumeHandle }) => volumeHandle ?? "")
  const missing = step.claims.filter(({ handle }) => handle !== null && !cut.includes(handle))
  const handles = new Set(step.claims.map(({ handle }) => handle))
  const more = cut.filter((handle) => !handles.has(handle))
  if (missing.length > 0) return `without ${missing.map(({ claim }) => claim).join(", ")}`
  return more.length > 0 ? `with ${more.length} volumes that are not in the plan` : null
}

const observe = (step: CutGroup, at: At, isFrozen: boolean) => {
  const { namespace } = at.fence
  const look = Effect.gen(function* () {
    const group = yield* readGroup(step, namespace)
    return { group, content: yield* contentOf(step, group) }
  })
  return until(at, {
    views: isFrozen ? steadily(look, whileFrozen) : polled(look, 100),
    until: (view) => uncut(step, view.group, view.content),
    limit: at.settings.stepTimeout ?? defaultStepTimeout,
    vain: ({ group }) => (isFrozen ? failedCut(step, group) : null),
    late: (unmet) => Effect.succeed(notCut(unmet, at.settings.stepTimeout))
  })
}

/** A failed snapshot during a freeze: its controller's next attempt may be too late. */
const failedCut = (step: CutGroup, group: VolumeGroupSnapshot | null): OperationError | null => {
  if (group === null || group.metadata.deletionTimestamp != null)
    return goneCut(`volumegroupsnapshot "${step.as}"`)
  const error = group?.status?.error?.message
  return error == null
    ? null
    : because(
        "LevelMissed",
        `the snapshot of group ${step.as} failed: ${error}`,
        "check the logs of the snapshot controller and of the CSI driver"
      )
}

/**
 * Fails if it is not the planned group, or not of one moment. With `isHeld`, nothing was written from the
 * first volume snapshot to the last.
 */
const finish = (step: CutGroup, at: At, isHeld: boolean): Work =>
  Effect.gen(function* () {
    const group = yield* readGroup(step, at.fence.namespace)
    const content = yield* contentOf(step, group)
    yield* labelAll(at, step, null)
    const wrong = wrongMembers(step, content)
    if (wrong !== null) {
      return yield* because("LevelMissed", `group ${step.as} was taken ${wrong}`, "take another snapshot")
    }
    const times = content?.status?.volumeSnapshotInfoList ?? []
    const skew = skewOf(times.map(({ creationTime }) => ({ cutAt: creationTime ?? null })))
    if (!isHeld && at.settings.strict === true && skew !== null && skew > apart) {
      return yield* because(
        "LevelMissed",
        `the snapshots of group ${step.as} were taken ${skew / 1000} s apart, so they are not from a single point in time`,
        "use --consistency offline, or --allow-lower to accept it as it is"
      )
    }
  })

/** Everything that can be done before the snapshot is requested. */
export const cutting = (step: CutGroup, at: At): Work<Cutting> =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    if ((yield* readGroup(step, namespace)) === null) {
      yield* assertClaims(at, step.claims)
      yield* assertUnmounted(at, step.claims)
      yield* labelAll(at, step, at.plan.id)
      yield* assertMembers(at, step)
    }
    const ask = makeBeside(at, groupTarget(step, namespace), {
      metadata: { name: step.as, labels: labelsOf(step.set, at.plan.id) },
      spec: {
        volumeGroupSnapshotClassName: step.class,
        source: { selector: { matchLabels: { [cutWithLabel]: at.plan.id } } }
      }
    })
    return {
      ask: Effect.asVoid(ask),
      observe: (isFrozen) =>
        Effect.gen(function* () {
          const began = yield* at.elapsed
          yield* observe(step, at, isFrozen)
          const millis = (yield* at.elapsed) - began
          const subject = { kind: "VolumeGroupSnapshot", name: step.as }
          yield* at.report({ _tag: "Stage", subject, stage: "taken", millis })
        }),
      finish: (isHeld) => finish(step, at, isHeld)
    }
  })

const perform = (step: CutGroup, at: At): Work =>
  Effect.gen(function* () {
    const { ask, observe: watch, finish: look } = yield* cutting(step, at)
    yield* ask
    yield* watch(false)
    yield* look(false)
  })

/** The existing snapshots of a group: by their owner, since they have no labels. */
export const membersOf = (step: CutGroup, namespace: string) =>
  Effect.map(Resource.list(kinds.volumesnapshots, { namespace }), (all) =>
    all.filter((snapshot) => groupOf(snapshot) === step.as)
  )

/**
 * Its controller may make members while the group is on its way out already: those go with it a moment
 * later, by the garbage collector, and the storage has them until then.
 */
const untilMembersGone = (step: CutGroup, at: At): Work =>
  Effect.asVoid(
    until(at, {
      views: polled(
        Effect.map(
          Effect.all([readGroup(step, at.fence.namespace), membersOf(step, at.fence.namespace)]),
          // Another group of this name is somebody else's, and so are its members.
          ([group, members]) => (group === null ? members : [])
        )
      ),
      until: noneLeft(({ metadata: { name } }: VolumeSnapshot) => ({
        subject: { kind: "VolumeSnapshot", name },
        for: "its deletion"
      })),
      limit: at.settings.stepTimeout ?? defaultStepTimeout
    })
  )

const undo = (step: CutGroup, at: At): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    yield* untilNoneUnderWay(
      at,
      Effect.gen(function* () {
        const now = yield* readGroup(step, namespace)
        if (now === null || now.metadata.deletionTimestamp || !isOurs(at.plan.id, now)) return []
        const content = yield* contentOf(step, now)
        const open = uncut(step, now, content)
        if (!isBeingCut(content)) return now.status?.error == null ? open : []
        return open.length > 0 ? open : [{ subject: subjectOf(step), for: unconfirmed }]
      })
    )
    const found = yield* readGroup(step, namespace)
    // What is not deleted does not go: one that has lost our mark stays, with its members.
    const group = found !== null && isOurs(at.plan.id, found) ? found : null
    const own = group?.status?.boundVolumeGroupSnapshotContentName
    const contents = contentsOf(group === null ? [] : yield* membersOf(step, namespace))
    const api = { ...volumeGroupSnapshotContents, version: step.version }
    yield* wakingSidecars(
      namespace,
      contents,
      Effect.gen(function* () {
        yield* removeOurs(at, [groupTarget(step, namespace)])
        yield* untilMembersGone(step, at)
        yield* untilContentsGone(at, own ? [...contents, { api, name: own }] : contents)
      })
    )
    const now = yield* claimsByName(
      at.fence.namespace,
      step.claims.map(({ claim }) => claim)
    )
    yield* labelAll(at, { ...step, claims: step.claims.filter(({ claim }) => now.has(claim)) }, null)
  })

/** The groups of a plan. */
export const groupsOf = (plan: Pick<StepContext["plan"], "steps">): ReadonlyArray<CutGroup> =>
  stepsOf<CutGroup>(CutGroup, withInner(plan.steps))

/** One VolumeGroupSnapshot over exactly these claims. */
export const CutGroup: StepKind<CutGroup, CutSettings> = {
  tag: "CutGroup",
  schema: GroupSchema,
  describe: ({ claims }) => `take a group snapshot of ${claims.length} volumes`,
  access: (_, { namespace }) => [
    ...rules("", "persistentvolumeclaims", ["get", "list", "patch"], namespace),
    ...rules("snapshot.storage.k8s.io", "volumesnapshots", ["list"], namespace),
    ...rules("groupsnapshot.storage.k8s.io", "volumegroupsnapshots", ["get", "create", "delete"], namespace),
    ...rules("groupsnapshot.storage.k8s.io", "volumegroupsnapshotcontents", ["get"], null)
  ],
  rehearse: (step, at) =>
    Effect.as(
      Resource.create(
        { api: { ...kinds.volumegroupsnapshots, version: step.version }, namespace: at.fence.namespace },
        {
          metadata: { name: step.as, labels: labelsOf(step.set, at.plan.id) },
          spec: {
            volumeGroupSnapshotClassName: step.class,
            source: { selector: { matchLabels: { [cutWithLabel]: at.plan.id } } }
          }
        },
        { dryRun: true }
      ),
      []
    ),
  perform,
  undo,
  undoAlone: undo
}
