/**
 * Schemas of the Kubernetes objects that we read and write, and the one way to accept them.
 *
 * Only the fields that we use are named. An accepted object is the very object that came,
 * so fields we do not know are kept; an object with a field of an unexpected type is
 * reported by its name and path, never guessed at.
 */
import * as Schema from "effect/Schema"

/** Absent and null are the same to the API's clients. */
const optional = <S extends Schema.Top>(schema: S) => Schema.optional(Schema.NullOr(schema))

export const OwnerReference = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  uid: Schema.String,
  controller: optional(Schema.Boolean)
})

export const ObjectMeta = Schema.Struct({
  name: Schema.String,
  namespace: optional(Schema.String),
  uid: optional(Schema.String),
  resourceVersion: optional(Schema.String),
  generation: optional(Schema.Number),
  creationTimestamp: optional(Schema.String),
  deletionTimestamp: optional(Schema.String),
  labels: optional(Schema.Record(Schema.String, Schema.String)),
  annotations: optional(Schema.Record(Schema.String, Schema.String)),
  finalizers: optional(Schema.Array(Schema.String)),
  ownerReferences: optional(Schema.Array(OwnerReference))
})
export type ObjectMeta = typeof ObjectMeta.Type
