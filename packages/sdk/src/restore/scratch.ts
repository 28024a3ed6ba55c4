/** A namespace for a rehearsal: created, emptied, and deleted again. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Resource from "../Resource.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import { ensure } from "../operation/Ensure.ts"
import * as Journal from "../operation/Journal.ts"
import type { Rule } from "../operation/Plan.ts"
import { rules } from "../operation/Step.ts"
import { madeByAnnotation, drillLabel, managedBy } from "../Labels.ts"
import { claimsIn } from "../step/reclaimPolicy.ts"
import { isMadeFor } from "../step/madeFor.ts"
import { policyPath } from "../step/volume.ts"
import { fieldAt } from "../resource/KubeObject.ts"
import { labelValue } from "../ObjectName.ts"

export interface Scratch {
  readonly name: string
  readonly uid: string
}

type Look<A> = Effect.Effect<A, ClusterError, Cluster>

const target = (name: string): Resource.Target => ({ api: kinds.namespaces, name })

/** Pods are admitted there by the rules of the namespace that they come from. */
const securityOf = (source: Resource.KubeObject | null): Readonly<Record<string, string>> => {
  const labels: unknown = Reflect.get(Object(source?.metadata), "labels")
  return Object.fromEntries(
    Object.entries(Object(labels)).flatMap(([key, value]) =>
      key.startsWith("pod-security.kubernetes.io/") && Predicate.isString(value) ? [[key, value]] : []
    )
  )
}

const mine = (found: Resource.KubeObject | null, id: string): boolean =>
  fieldAt(found?.metadata, "annotations", madeByAnnotation) === id

/** Its name; `id` is the rehearsal's. */
export const scratchName = (set: string, id: string): string =>
  `drill-${set.slice(0, 40).replaceAll(".", "-")}-${id}`

/** The rules to create it, to empty it, and to delete it again. */
export const scratchRules = (name: string): ReadonlyArray<Rule> => [
  ...rules("", "namespaces", ["get", "create", "delete"], null),
  ...rules("", "persistentvolumeclaims", ["list"], name),
  ...rules("", "persistentvolumes", ["get", "patch"], null)
]

/** Creates it; `id` is the rehearsal's. */
export const makeScratch = (
  from: string,
  set: string,
  id: string
): Effect.Effect<Scratch, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const name = scratchName(set, id)
    const source = yield* Resource.findObject(target(from)).pipe(
      Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed(null))
    )
    const labels = {
      ...managedBy,
      [drillLabel]: labelValue(set),
      ...securityOf(source)
    }
    const made = yield* ensure<Resource.KubeObject | null>({
      look: Resource.findObject(target(name)),
      done: (found) => mine(found, id),
      write: () =>
        Resource.create(
          { api: kinds.namespaces },
          { metadata: { name, labels, annotations: { [madeByAnnotation]: id } } }
        )
    }).pipe(Effect.catchTag("OperationError", Effect.die))
    return { name, uid: made?.metadata.uid ?? "" }
  })

/** The claims that this operation has created there, as far as they have volumes. */
const claimsOf = (namespace: string, operation: string): Look<ReadonlyArray<PersistentVolumeClaim>> =>
  Effect.map(
    claimsIn(namespace, ({ annotations }) => annotations?.[madeByAnnotation] === operation),
    (claims) => claims.filter(({ spec }) => Boolean(spec.volumeName))
  )

/** A volume of a claim in there; a stranger's was not made for it, and stays. */
interface There {
  readonly name: string
  readonly isStrangers: boolean
}

/**
 * Volumes that were copied for a rehearsal are deleted with their claim, whatever the policy of their
 * StorageClass, and others stay.
 */
const letGo = (
  namespace: string,
  claim: PersistentVolumeClaim,
  uids: ReadonlyArray<string | null>
): Look<There> =>
  Effect.gen(function* () {
    const name = claim.spec.volumeName ?? ""
    const volume = yield* Resource.find(kinds.persistentvolumes, { name })
    const ref = volume?.spec.claimRef
    const isStrangers = volume !== null && !isMadeFor(claim, volume, uids)
    const policy = isStrangers ? "Retain" : "Delete"
    if (volume === null || ref?.namespace !== namespace) return { name, isStrangers }
    if (volume.spec.persistentVolumeReclaimPolicy === policy) return { name, isStrangers }
    yield* Resource.patch(
      { api: kinds.persistentvolumes, name },
      {
        _tag: "Json",
        operations: [
          { op: "test", path: "/spec/claimRef/uid", value: ref.uid },
          { op: "test", path: "/spec/claimRef/namespace", value: namespace },
          { op: "replace", path: policyPath, value: policy }
        ]
      }
    )
    return { name, isStrangers }
  })

/** The volume, whatever its state: one that cannot be parsed is not deleted. */
const volumeThere = (name: string) =>
  Resource.findObject({ api: kinds.persistentvolumes, name }, { metadataOnly: true })

/** The polling interval and the number of attempts until an object is deleted. */
const every = 500
const times = 600

const untilGone = (look: Look<boolean>): Look<boolean> =>
  look.pipe(
    Effect.flatMap((isGone) => (isGone ? Effect.succeed(true) : Effect.as(Effect.sleep(every), false))),
    Effect.repeat({ until: (isGone) => isGone, times })
  )

const found = <A>(look: Look<A | null>): Look<boolean> => Effect.map(look, (one) => one === null)

/** The claims that its volumes were filled for, by uid, as its journal has noted them: others took their places. */
const filledFor = (namespace: string, operation: string): Look<ReadonlyArray<string | null>> =>
  Journal.read(namespace, operation).pipe(
    Effect.map((entry) =>
      Object.values(entry?.status.marks ?? {}).flatMap((mark) =>
        mark.flatMap(({ kind, uid }) => (kind === "PersistentVolume" ? [uid] : []))
      )
    ),
    Effect.catchReason("ClusterError", "Unreadable", () => Effect.succeed([]))
  )

/**
 * Sets the volumes that were made for it to reclaim policy Delete, and returns all. Done before anything is
 * checked there: if the process is killed during the check, whoever deletes the namespace deletes them with it.
 */
export const letVolumesGo = (namespace: string, operation: string | null): Look<ReadonlyArray<There>> =>
  Effect.gen(function* () {
    if (operation === null) return []
    const [claims, uids] = yield* Effect.all(
      [claimsOf(namespace, operation), filledFor(namespace, operation)],
      { concurrency: 2 }
    )
    return yield* Effect.forEach(claims, (claim) => letGo(namespace, claim, uids), { concurrency: 8 })
  })

/** Deletes it with everything that was restored into it; returns what is left, in words. */
export const removeScratch = (
  { name, uid }: Scratch,
  operation: string | null
): Look<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const volumes = yield* letVolumesGo(name, operation)
    yield* Effect.catchIf(
      Effect.asVoid(Resource.remove(target(name), { uid })),
      ({ reason }) => reason._tag === "NotFound" || reason._tag === "Conflict",
      () => Effect.void
    )
    const own = Effect.map(Resource.findObject(target(name)), (one) =>
      one?.metadata.uid === uid ? one : null
    )
    const isGone = yield* untilGone(found(own))
    const left = yield* Effect.forEach(
      volumes,
      ({ name: volume, isStrangers }) =>
        isStrangers
          ? Effect.succeed([`volume ${volume}, which was not made for it`])
          : Effect.map(untilGone(found(volumeThere(volume))), (gone) => (gone ? [] : [`volume ${volume}`])),
      { concurrency: 8 }
    )
    return [...(isGone ? [] : [`namespace ${name}`]), ...left.flat()]
  })
