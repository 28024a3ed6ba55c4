/**
 * The objects that can carry an operation's token, by their kind: where each is served, and how it is
 * read. Of ConfigMaps and Secrets nothing but metadata is asked for: a Secret's values never come here.
 */
import * as Effect from "effect/Effect"
import { type Cluster, ClusterError } from "../Cluster.ts"
import { type Kind, kinds } from "../Kind.ts"
import type { PartialObjectMetadata } from "../kind/Meta.ts"
import { type Guard, type GuardKind, keyOf } from "./Plan.ts"
import * as Resource from "../Resource.ts"

/** A guarded object of any kind: the fields that all have. */
export type Guarded = PartialObjectMetadata

/** The location of a guarded object. */
export type Place = Pick<Guard, "kind" | "namespace" | "name">

const guarded: Readonly<Record<GuardKind, Kind<Guarded>>> = {
  StatefulSet: kinds.statefulsets,
  Deployment: kinds.deployments,
  ConfigMap: kinds.configmaps,
  Secret: kinds.secrets
}

export const targetOf = ({ kind, namespace, name }: Place): Resource.Target => ({
  api: guarded[kind],
  namespace,
  name
})

/** By how much a token that is written raises the generation: of a Deployment the API counts its annotations too. */
export const raisedBy = ({ kind }: Pick<Guard, "kind">): number => (kind === "Deployment" ? 1 : 0)

/** `statefulset "db"`: the object in messages, with its namespace if that is not the operation's. */
export const titleOf = (
  { kind, namespace, name }: { readonly kind: string; readonly namespace?: string; readonly name: string },
  home?: string
): string =>
  `${kind.toLowerCase()} "${home === undefined || home === namespace ? "" : `${namespace}/`}${name}"`

/** Fails before a request with one kind for an object of another: a Secret is never read as a whole. */
const sameKind = <A extends Guarded, B>(
  kind: Kind<A>,
  place: Place,
  then: Effect.Effect<B, ClusterError, Cluster>
): Effect.Effect<B, ClusterError, Cluster> =>
  kind.kind === place.kind
    ? then
    : Effect.fail(
        new ClusterError({
          reason: { _tag: "Unreadable" },
          message: `${titleOf(place)} is not a ${kind.kind}`
        })
      )

/** As it is now, read from the store and not from a cache. */
export const readAs = <A extends Guarded>(
  kind: Kind<A>,
  place: Place
): Effect.Effect<A, ClusterError, Cluster> => sameKind(kind, place, Resource.get(kind, place))

/** The current object, with the fields common to every kind. */
export const read = (place: Place): Effect.Effect<Guarded, ClusterError, Cluster> =>
  Resource.get(guarded[place.kind], place)

/** `null` if it does not exist. */
export const find = (place: Place): Effect.Effect<Guarded | null, ClusterError, Cluster> =>
  Resource.find(guarded[place.kind], place)

/** Changes it, and returns the result. */
export const patchAs = <A extends Guarded>(
  kind: Kind<A>,
  place: Place,
  operations: ReadonlyArray<Resource.JsonPatchOperation>,
  options: Resource.WriteOptions = {}
): Effect.Effect<A, ClusterError, Cluster> =>
  sameKind(
    kind,
    place,
    Effect.flatMap(
      Resource.patch(
        targetOf(place),
        { _tag: "Json", operations },
        { ...options, metadataOnly: kind.metadataOnly }
      ),
      (object) => Resource.accept(kind, object)
    )
  )

/** The same, with the fields of every kind. */
export const patch = (
  place: Place,
  operations: ReadonlyArray<Resource.JsonPatchOperation>,
  options: Resource.WriteOptions = {}
): Effect.Effect<Guarded, ClusterError, Cluster> => patchAs(guarded[place.kind], place, operations, options)

export const isSame = (left: Place, right: Place): boolean => keyOf(left) === keyOf(right)
