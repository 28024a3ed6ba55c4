/** Facts about the target namespace of a copy, and about its source. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { clonedKinds } from "../step/cloneNames.ts"
import type { Sealed } from "../step/cloneRecord.ts"
import { clonedApis } from "../step/makeObjects.ts"
import { cutsNow, type FoundCut } from "./source.ts"
import { isDefaultClass } from "../kind/Storage.ts"
import type { StorageClass } from "../Protection.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- objects as the API has them, of any shape
type Json = any

/** The facts of a StorageClass that decide about a copy's claims. */
export type ClassFact = Pick<StorageClass, "name" | "provisioner" | "isDefault" | "reclaimPolicy">

export interface CloneFacts {
  readonly sealed: Sealed
  readonly cuts: ReadonlyArray<FoundCut>
  readonly from: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }
  /** `null` if it does not exist. `going` is true if it is terminating. */
  readonly target: { readonly going: boolean } | null
  /** Names that are taken there, as `Kind/name`. */
  readonly taken: ReadonlySet<string>
  readonly services: ReadonlyArray<Json>
  readonly budgets: ReadonlyArray<Json>
  readonly policies: ReadonlyArray<Json>
  /** Addresses of the source's pods. */
  readonly addresses: ReadonlyArray<string>
  /** `null` if they cannot be read. */
  readonly classes: ReadonlyArray<ClassFact> | null
  /** The current source; `null` if it was deleted, or cannot be read. */
  readonly live: Json
}

const listed = (api: Resource.ApiResource, namespace: string, metadataOnly = false) =>
  Effect.map(
    Resource.listObjects(api, { namespace, metadataOnly }),
    ({ items }): ReadonlyArray<Json> => items
  )

/** `null` also without permission to read it. */
const seen = <A>(effect: Effect.Effect<A, ClusterError, Cluster>) =>
  Effect.catchIf(
    effect,
    ({ reason }) => reason._tag === "NotFound" || reason._tag === "Forbidden",
    () => Effect.succeed(null)
  )

/** A namespace that cannot be read is assumed to exist: creating an object in it will tell. */
const namespaceOf = (name: string): Effect.Effect<Json, ClusterError, Cluster> =>
  Resource.findObject({ api: kinds.namespaces, name }).pipe(
    Effect.catchReason("ClusterError", "Forbidden", () =>
      Effect.succeed({ metadata: { labels: { "kubernetes.io/metadata.name": name } } })
    )
  )

const takenIn = (namespace: string) =>
  Effect.map(
    Effect.forEach(
      [...clonedKinds.map((kind) => clonedApis[kind]), kinds.statefulsets, kinds.persistentvolumeclaims],
      (api) =>
        Effect.map(listed(api, namespace, true), (items) =>
          items.map(({ metadata }) => `${api.kind}/${metadata.name}`)
        ),
      { concurrency: 7 }
    ),
    (all) => new Set(all.flat())
  )

const classes = seen(
  Effect.map(Resource.list(kinds.storageclasses), (all) =>
    all.map((one): ClassFact => ({
      name: one.metadata.name,
      provisioner: one.provisioner,
      isDefault: isDefaultClass(one),
      reclaimPolicy: one.reclaimPolicy ?? "Delete"
    }))
  )
)

export const readFacts = (
  sealed: Sealed,
  app: string,
  namespace: string
): Effect.Effect<CloneFacts, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const from = sealed.record.namespace
    const [cuts, source, target, taken, services, budgets, policies, pods, known, live] = yield* Effect.all(
      [
        cutsNow(sealed.record),
        namespaceOf(from),
        namespaceOf(namespace),
        takenIn(namespace),
        listed(kinds.services, namespace),
        listed(kinds.poddisruptionbudgets, namespace),
        listed(Resource.networkPolicies, namespace),
        listed(kinds.pods, from),
        classes,
        seen(Resource.getObject({ api: kinds.statefulsets, namespace: from, name: app }))
      ],
      { concurrency: 10 }
    )
    const isOfSource = ({ metadata }: Json): boolean =>
      (metadata.ownerReferences ?? []).some(({ kind, name }: Json) => kind === "StatefulSet" && name === app)
    return {
      sealed,
      cuts,
      from: { namespace: from, labels: source?.metadata.labels ?? { "kubernetes.io/metadata.name": from } },
      target: target === null ? null : { going: target.metadata.deletionTimestamp !== undefined },
      taken,
      services,
      budgets,
      policies,
      addresses: pods.filter(isOfSource).flatMap(({ status }) => (status?.podIP ? [status.podIP] : [])),
      classes: known,
      live
    }
  })
