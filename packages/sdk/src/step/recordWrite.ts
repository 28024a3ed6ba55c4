/**
 * Writes and deletes a record: its Secrets, the first of which has the operation's token from the start,
 * and the ConfigMap with the data for the list.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import * as Fence from "../operation/Fence.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { levelAnnotation, madeByAnnotation, managedWith, recordLabel, setLabel } from "../Labels.ts"
import { encode, recordType, type SnapshotRecord, summaryOf } from "./record.ts"
import { recordName } from "../RecordName.ts"
import { isOurs, labelsOf, makeBeside, removeOurs } from "./snapshots.ts"
import { textAt } from "../resource/KubeObject.ts"

type At = StepContext
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const target = (api: Resource.ApiResource, namespace: string, name: string): Resource.Target => ({
  api,
  namespace,
  name
})

/** A Secret of a record, without its data. */
export const secretOf = (
  { plan }: { readonly plan: { readonly id: string } },
  set: string,
  part: number,
  of: number
) => ({
  type: recordType,
  immutable: true,
  metadata: {
    labels: labelsOf(set, plan.id),
    annotations: { "kubectl-stateful.dev/part": `${part} of ${of}` }
  }
})

/** Writes the Secrets, the first part last: without it, there is no record. */
export const writeRecord = (at: At, record: SnapshotRecord): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const parts = encode(record)
    for (const [index, part] of parts.entries()) {
      if (index === 0) continue
      const name = recordName(record.name, index + 1)
      const value = secretOf(at, record.name, index + 1, parts.length)
      yield* makeBeside(at, target(kinds.secrets, namespace, name), {
        ...value,
        metadata: { ...value.metadata, name },
        data: { record: part }
      })
    }
    yield* Fence.create(at.fence, at.standing, {
      ...secretOf(at, record.name, 1, parts.length),
      data: { record: parts[0] ?? "" }
    })
  })

/** The ConfigMap: while it is not there, no list shows the set. */
export const writeIndex = (at: At, record: SnapshotRecord): Work =>
  Effect.asVoid(
    makeBeside(at, target(kinds.configmaps, at.fence.namespace, recordName(record.name)), {
      metadata: {
        name: recordName(record.name),
        labels: { ...labelsOf(record.name, at.plan.id), [recordLabel]: "true" },
        annotations: { [levelAnnotation]: record.level }
      },
      data: { "summary.json": JSON.stringify(summaryOf(record)) }
    })
  )

/** True if the ConfigMap exists, and is this operation's. */
export const isListed = (at: At, set: string): Effect.Effect<boolean, ClusterError, Cluster> =>
  Effect.map(
    Resource.find(kinds.configmaps, { namespace: at.fence.namespace, name: recordName(set) }),
    (found) => found !== null && isOurs(at.plan.id, found)
  )

/** A further Secret of a record; `madeBy` is the operation that created it, as its label says. */
export interface Part {
  readonly name: string
  readonly uid: string
  readonly madeBy: string
}

/** The further Secrets of a record: of our type, and named and labelled as such. */
export const furtherParts = (
  namespace: string,
  set: string
): Effect.Effect<ReadonlyArray<Part>, ClusterError, Cluster> =>
  Effect.map(
    Resource.listObjects(kinds.secrets, {
      namespace,
      metadataOnly: true,
      labelSelector: managedWith(`${setLabel}=${set}`),
      fieldSelector: `type=${recordType}`
    }),
    ({ items }) =>
      items.flatMap(({ metadata }) =>
        // A copy of one under another name has its labels and its type too.
        metadata.name.startsWith(`${recordName(set)}.`) &&
        /^\d+$/.test(metadata.name.slice(recordName(set).length + 1))
          ? [
              {
                name: metadata.name,
                uid: metadata.uid ?? "",
                madeBy: textAt(metadata, "labels", madeByAnnotation)
              }
            ]
          : []
      )
  )

/** Deletes the existing parts of the record: the Secret with the token, its other parts, the ConfigMap. */
export const removeRecord = (at: At, set: string): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const parts = yield* furtherParts(namespace, set)
    yield* removeOurs(at, [
      target(kinds.configmaps, namespace, recordName(set)),
      ...parts
        .filter(({ madeBy }) => madeBy === at.plan.id)
        .map(({ name }) => target(kinds.secrets, namespace, name))
    ])
    yield* Fence.remove(at.fence)
  })
