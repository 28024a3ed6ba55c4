/** The cloud's identity that a ServiceAccount takes. */
import * as Schema from "effect/Schema"
import { documented } from "./Documented.ts"

const { String } = Schema

export interface CloudRole {
  /** The annotation or label. */
  readonly key: string
  readonly value: string
  /** The annotated object, as `Kind/name`. */
  readonly of: string
}
export const CloudRole = documented<CloudRole>({
  key: String,
  value: String,
  of: String
})
