/**
 * Claims of a StatefulSet's templates, created before their pods and equal to those of the controller: so
 * provisioning runs in parallel while the order of pods stays the controller's.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { wanted } from "../Ordinal.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { shellWord } from "../ShellWord.ts"
import { noneLeft } from "../wait/condition.ts"
import { polled, until } from "../wait/until.ts"
import { givenNotes, isGiven, isGoing, leftNotes } from "./leftClaims.ts"
import { movedBy, vacatedBy } from "./moveVolume.ts"
import { claimsOf } from "./templates.ts"
import { usersOf } from "./users.ts"
import { madeByAnnotation } from "../Labels.ts"
import * as Workload from "./workload.ts"

type At = StepContext

/** A claim by its template and ordinal. */
export const ClaimSlot = Schema.Struct({
  name: Schema.String,
  template: Schema.String,
  ordinal: Schema.Natural
})
export type ClaimSlot = typeof ClaimSlot.Type

/**
 * The claim that the controller would create for this slot (stateful_set_utils.go); `null` if there is no
 * such template.
 */
export const manifest = (set: StatefulSet, slot: ClaimSlot, operation: string): object | null => {
  const template = set.spec.volumeClaimTemplates?.find((one) => one.metadata.name === slot.template)
  if (template === undefined) return null
  const deletedWithSet = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === "Delete"
  return {
    metadata: {
      name: slot.name,
      namespace: set.metadata.namespace,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
      annotations: { ...template.metadata.annotations, [madeByAnnotation]: operation },
      ...(deletedWithSet
        ? {
            ownerReferences: [
              {
                apiVersion: "apps/v1",
                kind: "StatefulSet",
                name: set.metadata.name,
                uid: set.metadata.uid,
                controller: true,
                blockOwnerDeletion: true
              }
            ]
          }
        : {})
    },
    // Fields that we do not name are kept: an accepted object is the very object that came.
    spec: template.spec
  }
}

const target = (set: StatefulSet, name: string): Resource.Target => ({
  api: kinds.persistentvolumeclaims,
  namespace: set.metadata.namespace ?? "",
  name
})

const lookUp = (
  set: StatefulSet,
  name: string
): Effect.Effect<Resource.KubeObject | null, ClusterError, Cluster> => Resource.findObject(target(set, name))

/** Time that claims may take to be deleted, in milliseconds. */
const patience = 120_000

/** Number of claims that are created at a time. */
const breadth = 16

/**
 * Deletes a claim that this process created after another one had taken over: a creation cannot carry the
 * token. It is seconds old; if its ordinal has been requested by now, it is left to the controller.
 */
const takeBack = (
  at: At,
  claim: Resource.KubeObject,
  slot: ClaimSlot
): Effect.Effect<void, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Workload.read(at.fence)
    const { start, count } = wanted(set)
    if (slot.ordinal < start + count) return
    const now = yield* lookUp(set, slot.name)
    if (now === null || now.metadata.uid !== claim.metadata.uid || now.metadata.uid === undefined) return
    yield* Resource.remove(target(set, slot.name), Resource.asRead(now.metadata))
  })

/** Creates the missing ones; existing ones are not changed. */
export const createAhead = (
  slots: ReadonlyArray<ClaimSlot>,
  at: At,
  operation: string
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Workload.assertHeld(at.fence)
    const present = yield* claimsOf(set)
    const missing = slots.filter((slot) => !present.has(slot.name))
    const api = { api: kinds.persistentvolumeclaims, namespace: set.metadata.namespace ?? "" }
    yield* Effect.forEach(
      missing,
      (slot): Effect.Effect<void, Failure, Cluster> => {
        const value = manifest(set, slot, operation)
        if (value === null) return Effect.void
        return Effect.asVoid(
          Fence.beside<Resource.KubeObject | null>(at.standing, {
            look: lookUp(set, slot.name),
            known: null,
            done: (found) => found !== null,
            write: () => Resource.create(api, value),
            takeBack: (made, why) =>
              why === null || made === null ? Effect.succeed(null) : Effect.as(takeBack(at, made, slot), null)
          })
        )
      },
      { concurrency: breadth, discard: true }
    )
    yield* Workload.assertHeld(at.fence)
  })

/**
 * Deletes the claims that this operation created up front and no pod ever had: those of ordinals that were
 * never requested. A claim that a pod may have written to is kept, and named.
 */
export const removeUnused = (
  slots: ReadonlyArray<ClaimSlot>,
  at: At,
  operation: string,
  /**
   * The first ordinal that was not requested when the abort began, and the expected generation of the
   * StatefulSet. With another generation, another client has changed it, and any number of replicas may
   * have been requested.
   */
  { beyond = 0, generation }: { readonly beyond?: number; readonly generation?: number },
  /**
   * Volumes of claims that were set aside: a claim that was created to return one of them was not created
   * up front.
   */
  broughtBack: ReadonlyArray<string> = []
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Workload.assertHeld(at.fence)
    const present = yield* claimsOf(set)
    const ours = slots.filter((slot) => {
      const { metadata, spec } = present.get(slot.name) ?? {}
      return (
        metadata?.annotations?.[madeByAnnotation] === operation &&
        !broughtBack.includes(spec?.volumeName ?? "")
      )
    })
    const isOursAlone = generation !== undefined && set.metadata.generation === generation
    const isUsed = (slot: ClaimSlot) => !isOursAlone || slot.ordinal < beyond
    if (ours.length === 0) return
    const used = ours.filter(isUsed)
    const users = yield* usersOf(
      at.fence.namespace,
      ours.map((slot) => slot.name)
    )
    const found = used.flatMap(({ name }) => present.get(name) ?? [])
    const leaving = found.filter(isGoing)
    if (leaving.length > 0) {
      const message = `${leaving.map(({ metadata }) => metadata.name).join(", ")} removed with ${leaving.length === 1 ? "its pod" : "their pods"}: whenScaled Delete`
      yield* at.report({ _tag: "Note", message })
    }
    const kept = found.filter((claim) => !isGoing(claim))
    const why = isOursAlone ? "" : `another client changed ${at.fence.name} in the meantime, `
    for (const message of leftNotes(at.fence.namespace, kept, why))
      yield* at.report({ _tag: "Note", message })
    const neverUsed = ours.filter((slot) => !isUsed(slot))
    const given = neverUsed.flatMap(({ name }) => present.get(name) ?? []).filter(isGiven)
    for (const message of givenNotes(given)) yield* at.report({ _tag: "Note", message })
    const unused = neverUsed.filter(({ name }) => !given.some(({ metadata }) => metadata.name === name))
    const referred = unused.filter((slot) => users.of(slot.name).length > 0)
    for (const { name } of referred) {
      yield* at.report({ _tag: "Note", message: `${name} kept: ${users.of(name).join(", ")} refers to it` })
    }
    // Without permission to list every Job and workload, it is unknown whether one has written to a claim.
    if (unused.length > referred.length && users.unknown.length > 0) {
      const names = unused.filter((slot) => !referred.includes(slot)).map(({ name }) => name)
      yield* at.report({
        _tag: "Note",
        message: `${names.join(", ")} kept: ${users.unknown.join(", ")} cannot be listed, so it is unknown whether something uses ${names.length === 1 ? "it" : "them"}`
      })
      return
    }
    const going = unused.filter((slot) => !referred.includes(slot))
    yield* Effect.forEach(
      going,
      (slot) => {
        const uid = present.get(slot.name)?.metadata.uid
        return Fence.beside<Resource.KubeObject | null>(at.standing, {
          look: lookUp(set, slot.name),
          // A namesake made since is not ours.
          done: (found) =>
            found === null || found.metadata.uid !== uid || found.metadata["deletionTimestamp"] !== undefined,
          write: (found) =>
            Resource.remove(target(set, slot.name), {
              ...(uid === undefined || uid === null ? {} : { uid }),
              ...(found?.metadata.resourceVersion === undefined
                ? {}
                : { resourceVersion: found.metadata.resourceVersion })
            })
        })
      },
      { concurrency: breadth, discard: true }
    )
    yield* untilGone(at, set, new Map(going.map(({ name }) => [name, present.get(name)?.metadata.uid ?? ""])))
  })

/**
 * Waits until exactly these claims are deleted: a claim that is created under their names before that would
 * be deleted too.
 */
const untilGone = (
  at: At,
  set: StatefulSet,
  uids: ReadonlyMap<string, string>
): Effect.Effect<void, Failure, Cluster> =>
  uids.size === 0
    ? Effect.void
    : Effect.asVoid(
        until(at, {
          views: polled(
            Effect.map(claimsOf(set), (now) =>
              [...uids].flatMap(([name, uid]) => (now.get(name)?.metadata.uid === uid ? [name] : []))
            )
          ),
          until: noneLeft((name: string) => ({
            subject: { kind: "PersistentVolumeClaim", name },
            for: "its deletion"
          })),
          limit: patience,
          late: (left) => {
            const names = left.map(({ subject }) => subject.name)
            const [first = ""] = names
            return Effect.map(usersOf(at.fence.namespace, [first]), (users) => {
              const by = users.of(first).join(", ")
              return because(
                "TimedOut",
                `${names.join(", ")} stuck terminating${by === "" ? "" : `: ${by} uses ${first}, and its data would be deleted with it`}`,
                `check it: kubectl describe pvc ${shellWord(first)} -n ${shellWord(at.fence.namespace)}`
              )
            })
          }
        })
      )

const CreateSchema = Schema.TaggedStruct("CreateClaims", { on, slots: Schema.Array(ClaimSlot) })

/** Creates claims before their pods, all at once, as the controller would make them one by one. */
export const CreateClaims: StepKind<typeof CreateSchema.Type, object> = {
  tag: "CreateClaims",
  schema: CreateSchema,
  describe: ({ slots }) =>
    slots.length === 1 ? `create claim ${slots[0]?.name ?? ""}` : `create ${slots.length} claims`,
  access: (_, { namespace }) =>
    rules("", "persistentvolumeclaims", ["list", "get", "create", "delete"], namespace),
  rehearse: ({ slots }, at) =>
    Effect.flatMap(Workload.assertThere(at), (set) =>
      Effect.map(
        Effect.forEach(
          slots,
          (slot) => {
            const value = manifest(set, slot, at.plan.id)
            if (value === null) return Effect.succeed([])
            if (vacatedBy(at.plan).includes(slot.name)) {
              return Effect.succeed([`create claim ${slot.name}: its name is not free yet`])
            }
            const api = { api: kinds.persistentvolumeclaims, namespace: at.fence.namespace }
            return Effect.as(Resource.create(api, value, { dryRun: true }), [])
          },
          { concurrency: 8 }
        ),
        (unchecked) => unchecked.flat()
      )
    ),
  perform: ({ slots }, at) => createAhead(slots, at, at.plan.id),
  undo: ({ slots }, at) => removeUnused(slots, at, at.plan.id, at.captured, movedBy(at.plan)),
  undoAlone: ({ slots }, at) =>
    at.report({
      _tag: "Note",
      message: `claims that were created up front are kept: ${slots.map(({ name }) => name).join(", ")}, if they exist`
    })
}
