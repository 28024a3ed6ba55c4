/** Errors of an operation. */
import * as Schema from "effect/Schema"
import { ClusterError, MissingPermission } from "../Cluster.ts"
import { Refusal, Rule } from "./Plan.ts"

const { String, TaggedStruct } = Schema

/**
 * Why an operation has not succeeded, and what to do.
 *
 * - `Refused`: the plan must not run; nothing was changed. Each refusal has its remedy.
 * - `Held`: another process is working on the app. Wait for it, or take over.
 * - `Unfinished`: another operation on the app was interrupted. Resume or abort it first.
 * - `Fenced`: another process has taken over; this one changed nothing more. Follow the other.
 * - `Changed`: a fact of the plan is no longer true. Plan again.
 * - `Access`: permissions are missing; nothing was changed. Grant the rules that are listed.
 * - `HookFailed`: a hook reported a failure, and the operation stopped there. Fix what it reports, and resume.
 * - `HookUnknown`: a hook may have run or not, and no probe tells. Check it yourself, and resume with its outcome.
 * - `TimedOut`: a step made no progress before its timeout. Remove the cause in the message, and resume or abort.
 * - `LevelMissed`: the requested consistency was not reached; no snapshot is left. Try again, or allow a lower level.
 * - `Unfenced`: a restored copy cannot be isolated from its source: the network enforces no NetworkPolicies.
 * - `NotFound`: no such app or operation. Check the name and the namespace.
 * - `Mismatch`: the given hooks differ from those of the operation, or a file is no snapshot. Pass the right ones.
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
  TaggedStruct("Mismatch", {})
])
export type OperationReason = typeof OperationReason.Type

/**
 * `message` is the fact with the object's name, `action` what to do. A message may contain output of a hook
 * or the server, so it is only for the terminal; `record` is the fact without it.
 */
export class OperationError extends Schema.TaggedError<OperationError>()("OperationError", {
  reason: OperationReason,
  message: String,
  action: Schema.optionalKey(String),
  permission: Schema.optionalKey(MissingPermission),
  record: Schema.optionalKey(String),
  /** The operation that this has stopped: resume or abort it by this. Absent: none was begun, or none is left. */
  operation: Schema.optionalKey(Schema.Struct({ namespace: String, id: String }))
}) {}

/** What an error is given on its way up. */
type Amendment = Partial<Pick<ClusterError, "message" | "action" | "permission" | "operation">>

/** The same error in other words; whatever else it says stays. */
export const amended = (
  error: OperationError | ClusterError,
  change: Amendment
): OperationError | ClusterError => {
  // An error's message is no property that a spread takes along.
  const { message } = error
  return error._tag === "OperationError"
    ? new OperationError({ ...error, message, ...change })
    : new ClusterError({ ...error, message, ...change })
}

/**
 * The part of an error that a journal may contain: only our own words, since anyone who can read ConfigMaps
 * can read it. `doing` is the current step; `null` without one.
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

/** An error whose reason has no fields; `record` is the text for the journal. */
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
