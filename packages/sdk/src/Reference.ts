/**
 * ConfigMaps and Secrets that an app's pods refer to: by whom, whether they are there, whether they can change.
 *
 * Only metadata is asked for; a Secret's value never reaches this machine.
 */
import * as Schema from "effect/Schema"

const { Boolean, Literals, Natural, NullOr, String, Struct } = Schema

export const Reference = Struct({
  kind: Literals(["ConfigMap", "Secret"]),
  name: String,
  /** Who refers to it and how: `StatefulSet/db volume conf`, `ServiceAccount/db imagePullSecrets`. */
  usedBy: Schema.Array(String),
  /** False when every reference to it is optional. */
  required: Boolean,
  /** True: it is there. Null: it could not be read. */
  present: NullOr(Boolean),
  /** Null: not known from metadata. */
  immutable: NullOr(Boolean),
  resourceVersion: NullOr(String),
  /** Key names, only with key checking; null otherwise. */
  keys: NullOr(Schema.Array(String)),
  /** Keys that a pod asks for and the object lacks; only with key checking, null otherwise. */
  missingKeys: NullOr(Schema.Array(String)),
  /** How many bytes its data takes, only with key checking; null otherwise. */
  bytes: NullOr(Natural)
})
export type Reference = typeof Reference.Type
