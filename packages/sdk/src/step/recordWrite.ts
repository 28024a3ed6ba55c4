/**
 * Writes and deletes a record: its Secrets, the first of which has the operation's token from the start,
 * and the ConfigMap with the data for the list.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import * as Fence from "../operation/Fence.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { levelAnnotation, recordLabel } from "../Labels.ts"
import { encode, recordType, type SnapshotRecord, summaryOf } from "./record.ts"
import { recordName } from "../RecordName.ts"
import { isOurs, labelsOf, makeBeside, removeOurs } from "./snapshots.ts"
import { format } from "../LabelSelector.ts"

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

/** Deletes the existing parts of the record: the Secret with the token, its other parts, the ConfigMap. */
export const removeRecord = (at: At, set: string): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const { items } = yield* Resource.listObjects(kinds.secrets, {
      namespace,
      metadataOnly: true,
      labelSelector: format({ matchLabels: labelsOf(set, at.plan.id) })
    })
    const parts = items
      .map(({ metadata }) => metadata.name)
      .filter((name) => name !== recordName(set) && Predicate.isString(name))
    yield* removeOurs(at, [
      target(kinds.configmaps, namespace, recordName(set)),
      ...parts.map((name) => target(kinds.secrets, namespace, name))
    ])
    yield* Fence.remove(at.fence)
  })
