/** The metadata of every object, and the shared parts of many kinds. */
import * as Schema from "effect/Schema"

/** Absent and null are the same to the API's clients. */
export const optional = <S extends Schema.Top>(schema: S) => Schema.optional(Schema.NullOr(schema))

export const StringMap = Schema.Record(Schema.String, Schema.String)

/** The API writes quantities and ports as a string or as a number. */
export const IntOrString = Schema.Union([Schema.String, Schema.Number])

export const OwnerReference = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  uid: Schema.String,
  controller: optional(Schema.Boolean)
})

/** The writer of each field; `fieldsV1` is a set of keys such as `f:spec`, never of values. */
export const ManagedFields = Schema.Struct({
  manager: optional(Schema.String),
  operation: optional(Schema.String),
  subresource: optional(Schema.String),
  fieldsV1: optional(Schema.Record(Schema.String, Schema.Unknown))
})
export type ManagedFields = typeof ManagedFields.Type

export const ObjectMeta = Schema.Struct({
  name: Schema.String,
  namespace: optional(Schema.String),
  uid: optional(Schema.String),
  resourceVersion: optional(Schema.String),
  generation: optional(Schema.Number),
  creationTimestamp: optional(Schema.String),
  deletionTimestamp: optional(Schema.String),
  labels: optional(StringMap),
  annotations: optional(StringMap),
  finalizers: optional(Schema.Array(Schema.String)),
  ownerReferences: optional(Schema.Array(OwnerReference)),
  managedFields: optional(Schema.Array(ManagedFields))
})
export type ObjectMeta = typeof ObjectMeta.Type

/** Any object of which only the metadata is used; the items of a `PartialObjectMetadataList`. */
export const PartialObjectMetadata = Schema.Struct({ metadata: ObjectMeta })
export type PartialObjectMetadata = typeof PartialObjectMetadata.Type

export const SelectorRequirement = Schema.Struct({
  key: Schema.String,
  operator: Schema.String,
  values: optional(Schema.Array(Schema.String))
})
export type SelectorRequirement = typeof SelectorRequirement.Type

/** `metav1.LabelSelector`: all of both must hold; an empty one selects everything, an absent one nothing. */
export const LabelSelector = Schema.Struct({
  matchLabels: optional(StringMap),
  matchExpressions: optional(Schema.Array(SelectorRequirement))
})
export type LabelSelector = typeof LabelSelector.Type

/** Terms are alternatives; within one, every requirement must hold. */
export const NodeSelectorTerm = Schema.Struct({
  matchExpressions: optional(Schema.Array(SelectorRequirement)),
  matchFields: optional(Schema.Array(SelectorRequirement))
})
export const NodeSelector = Schema.Struct({ nodeSelectorTerms: Schema.Array(NodeSelectorTerm) })
export type NodeSelector = typeof NodeSelector.Type

export const Condition = Schema.Struct({
  type: Schema.String,
  status: Schema.String,
  reason: optional(Schema.String),
  message: optional(Schema.String),
  lastTransitionTime: optional(Schema.String)
})
export type Condition = typeof Condition.Type

/** A name in the same namespace. */
export const NameReference = Schema.Struct({ name: optional(Schema.String) })

/** A Secret that a volume refers to, in any namespace. */
export const SecretReference = Schema.Struct({
  name: optional(Schema.String),
  namespace: optional(Schema.String)
})

/** The ownerReference that controls the object, of which there is at most one. */
export const controllerOf = (metadata: ObjectMeta) =>
  metadata.ownerReferences?.find((owner) => owner.controller === true)
