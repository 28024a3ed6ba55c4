/** The cloud's identity that a ServiceAccount takes. */
import * as Schema from "effect/Schema"

const { String, Struct } = Schema

export const CloudRole = Struct({
  /** The annotation or label. */
  key: String,
  value: String,
  /** What it is on, as `Kind/name`. */
  of: String
})
export type CloudRole = typeof CloudRole.Type
