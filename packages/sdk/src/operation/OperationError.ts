/** Why an operation did not do what was asked. */
import * as Schema from "effect/Schema"
import type { ClusterError } from "../Cluster.ts"
import { Refusal, Rule } from "./Plan.ts"

const { String, TaggedStruct } = Schema

/**
 * - `Refused`: the plan may not run; nothing was changed.
 * - `Held`: another caller acts on the app now.
 * - `Unfinished`: another operation on the app was interrupted, and nobody took it up again.
 * - `Fenced`: this caller was replaced by another; it changed nothing more.
 * - `Changed`: a fact that the plan rests on is not so any more.
 * - `Access`: permissions are missing; nothing was changed.
 * - `HookFailed`, `HookUnknown`: a hook stopped the operation; `HookUnknown` needs a person.
 * - `TimedOut`: what was waited for did not come.
 * - `LevelMissed`: the consistency that was asked for was not reached.
 * - `Unfenced`: nothing keeps a restored application from the one that it was copied from.
 * - `NotFound`: no such app or operation.
 * - `Mismatch`: the hooks given now are not those of the operation.
 * - `Closed`: the operation is over.
 */
export const OperationReason = Schema.Union([
  TaggedStruct("Refused", { refusals: Schema.Array(Refusal) }),
  TaggedStruct("Held", { operation: String, holder: String, since: String }),
  TaggedStruct("Unfinished", { operation: String }),
  TaggedStruct("Fenced", {}),
  TaggedStruct("Changed", {}),
  TaggedStruct("Access", { missing: Schema.Array(Rule) }),
  TaggedStruct("HookFailed", {}),
  TaggedStruct("HookUnknown", {}),
  TaggedStruct("TimedOut", {}),
  TaggedStruct("LevelMissed", {}),
  TaggedStruct("Unfenced", {}),
  TaggedStruct("NotFound", {}),
  TaggedStruct("Mismatch", {}),
  TaggedStruct("Closed", {})
])
export type OperationReason = typeof OperationReason.Type

/**
 * `message` is the fact with the object's name, `action` the way out. A message may have a hook's or
 * the server's words in it, so it stays on the terminal; `record` is the fact without them.
 */
export class OperationError extends Schema.TaggedError<OperationError>()("OperationError", {
  reason: OperationReason,
  message: String,
  action: Schema.optionalKey(String),
  record: Schema.optionalKey(String),
  /** The operation that this has stopped: resume or abort it by this. Absent: none was begun, or none is left. */
  operation: Schema.optionalKey(Schema.Struct({ namespace: String, id: String }))
}) {}

/**
 * What a journal may say of an error: words of ours alone, since whoever may read ConfigMaps reads it.
 * `doing` is the step that was on; null: none was.
 */
export const recordOf = (error: OperationError | ClusterError, doing: string | null): string => {
  if (error._tag === "OperationError" && error.record !== undefined) return error.record
  const status = error._tag === "ClusterError" ? error.status : undefined
  const reason = `${error.reason._tag}${status === undefined ? "" : ` (HTTP ${status})`}`
  return doing === null ? reason : `${doing}: ${reason}`
}

/** A refusal before anything was changed. */
export const refusedBecause = (reason: string, remedy: string): OperationError =>
  new OperationError({
    reason: { _tag: "Refused", refusals: [{ reason, remedy }] },
    message: reason,
    action: remedy
  })

/** An error whose reason has nothing to say beyond its name; `record` is what the journal says of it. */
export const because = (
  tag: Exclude<OperationReason["_tag"], "Refused" | "Held" | "Unfinished" | "Access">,
  message: string,
  action?: string,
  record?: string
): OperationError =>
  new OperationError({
    reason: { _tag: tag },
    message,
    ...(action === undefined ? {} : { action }),
    ...(record === undefined ? {} : { record })
  })
