/** Why an operation did not do what was asked. */
import * as Schema from "effect/Schema"
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
  TaggedStruct("NotFound", {}),
  TaggedStruct("Mismatch", {}),
  TaggedStruct("Closed", {})
])
export type OperationReason = typeof OperationReason.Type

/** `message` is the fact with the object's name, `action` the way out. */
export class OperationError extends Schema.TaggedError<OperationError>()("OperationError", {
  reason: OperationReason,
  message: String,
  action: Schema.optionalKey(String)
}) {}

/** A refusal before anything was changed. */
export const refusedBecause = (reason: string, remedy: string): OperationError =>
  new OperationError({
    reason: { _tag: "Refused", refusals: [{ reason, remedy }] },
    message: reason,
    action: remedy
  })

/** An error whose reason has nothing to say beyond its name. */
export const because = (
  tag: Exclude<OperationReason["_tag"], "Refused" | "Held" | "Unfinished" | "Access">,
  message: string,
  action?: string
): OperationError =>
  new OperationError({ reason: { _tag: tag }, message, ...(action === undefined ? {} : { action }) })
