/** The API server's definition of a resource. */
import type { FieldError } from "./FieldError.ts"
import type { Draft, KubeObject } from "./KubeObject.ts"

/** The strategy of a resource: its defaults, its rules, its deletion. */
export interface Strategy {
  /** Fills in what the server fills in; runs on creates and on whole updates. */
  readonly withDefaults?: (draft: Draft) => Draft
  /** Faults of an object, new or changed. */
  readonly faults?: (draft: Draft) => ReadonlyArray<FieldError>
  /** Faults of a change that the new object alone does not show. */
  readonly updateFaults?: (next: Draft, previous: KubeObject) => ReadonlyArray<FieldError>
  /** Faults of a write to the status. */
  readonly statusFaults?: (draft: Draft) => ReadonlyArray<FieldError>
  /** The status of a new object; a client's own is dropped. */
  readonly initialStatus?: unknown
  /** A client may create it with a status of its own. */
  readonly keepsStatus?: boolean
  /** Seconds between the wish to delete and the end; 0 or absent ends it at once. */
  readonly gracePeriodSeconds?: (object: KubeObject) => number
  /** A PUT without a resourceVersion is refused: the kind is one that several writers fight for. */
  readonly updatesNeedVersion?: boolean
  /** A change of annotations counts in metadata.generation as one of spec does. */
  readonly countsAnnotations?: boolean
  /** Finalizers that admission puts on every new object. */
  readonly finalizers?: ReadonlyArray<string>
}

/** The names of fields: `any` where none is looked for, a list of one for the items of a list. */
export type FieldTable =
  | "any"
  | readonly [FieldTable]
  | {
      readonly [name: string]: FieldTable
    }

export interface ResourceType<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string
  /** Preferred first. Objects are held as the first, and answered as what was asked. */
  readonly versions: readonly [string, ...ReadonlyArray<string>]
  /** The plural in paths. */
  readonly resource: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: ReadonlyArray<string>
  readonly categories: ReadonlyArray<string>
  readonly subresources: ReadonlyArray<"status" | "scale" | "eviction" | "exec">
  /** Defined by a CustomResourceDefinition: no strategic merge, no update without a resourceVersion. */
  readonly custom: boolean
  /** The fields of a custom resource, in addition to its metadata. If absent, every field is known. */
  readonly fields?: FieldTable
  /** True if a change of spec increments metadata.generation. */
  readonly counted: boolean
  /** True if DELETE returns the object rather than a Status. */
  readonly answersDeleted: boolean
  readonly strategy: Strategy
  /** Carries the type of the objects; never set. */
  readonly Object?: T
}

type Options = Partial<
  Pick<
    ResourceType,
    | "singular"
    | "shortNames"
    | "categories"
    | "subresources"
    | "custom"
    | "fields"
    | "counted"
    | "answersDeleted"
    | "strategy"
  >
> & { readonly clusterScoped?: boolean }

/**
 * Describes a resource, for example
 * `resourceType("example.com", "v1", "widgets", "Widget")`.
 * `version` may list several, preferred first.
 */
export const resourceType = <T extends KubeObject = KubeObject>(
  group: string,
  version: string | readonly [string, ...ReadonlyArray<string>],
  resource: string,
  kind: string,
  options: Options = {}
): ResourceType<T> => ({
  group,
  versions: typeof version === "string" ? [version] : version,
  resource,
  kind,
  singular: options.singular ?? kind.toLowerCase(),
  namespaced: options.clusterScoped !== true,
  shortNames: options.shortNames ?? [],
  categories: options.categories ?? [],
  subresources: options.subresources ?? [],
  custom: options.custom ?? group.includes("."),
  ...(options.fields === undefined ? {} : { fields: options.fields }),
  counted: options.counted ?? (options.subresources ?? []).includes("status"),
  answersDeleted: options.answersDeleted ?? false,
  strategy: options.strategy ?? {}
})

/** `apps/v1`, or `v1` for the core group. */
export const groupVersion = (type: ResourceType, version: string = type.versions[0]): string =>
  type.group === "" ? version : `${type.group}/${version}`

/** `statefulsets.apps`, the name that messages use. */
export const qualified = (type: ResourceType): string =>
  type.group === "" ? type.resource : `${type.resource}.${type.group}`

/** `StatefulSet.apps`, the name that validation uses. */
export const qualifiedKind = (type: ResourceType): string =>
  type.group === "" ? type.kind : `${type.kind}.${type.group}`
