/**
 * The frames of `v5.channel.k8s.io`: the first byte names the channel.
 *
 * Source: KEP-4006 and k8s.io/apimachinery/pkg/util/remotecommand.
 */
import * as Predicate from "effect/Predicate"
import type { ExecExit } from "../Cluster.ts"
import { oneLine } from "../resource/Status.ts"

export const subprotocol = "v5.channel.k8s.io"

export const channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, close: 255 } as const

/** client-go copies in pieces of this size too. */
const maxFrame = 32 * 1024

/** Standard input, split into frames. */
export const stdinFrames = (chunk: Uint8Array): ReadonlyArray<Uint8Array> => {
  const frames: Array<Uint8Array> = []
  for (let start = 0; start < chunk.length; start += maxFrame) {
    const piece = chunk.subarray(start, start + maxFrame)
    const frame = new Uint8Array(piece.length + 1)
    frame[0] = channel.stdin
    frame.set(piece, 1)
    frames.push(frame)
  }
  return frames
}

/** The frame that v5 adds to v4: it closes standard input. */
export const closeStdinFrame: Uint8Array = Uint8Array.of(channel.close, channel.stdin)

const unknown = (message: string): ExecExit => ({ _tag: "Unknown", message })

/** The exit status, from the Status of channel 3. Only an explicit success is one. */
export const exitOf = (payload: Uint8Array): ExecExit => {
  let status: unknown
  try {
    status = JSON.parse(new TextDecoder().decode(payload))
  } catch {
    return unknown("the exit status is unreadable")
  }
  if (!Predicate.isObject(status)) return unknown("the exit status is unreadable")
  const fields: Readonly<Record<PropertyKey, unknown>> = status
  if (fields["status"] === "Success") return { _tag: "Exited", code: 0 }
  const details = fields["details"]
  const causes =
    Predicate.hasProperty(details, "causes") && Array.isArray(details.causes) ? details.causes : []
  for (const cause of causes) {
    if (!Predicate.hasProperty(cause, "reason") || cause.reason !== "ExitCode") continue
    const text = Predicate.hasProperty(cause, "message") ? cause.message : undefined
    if (typeof text === "string" && /^-?\d+$/.test(text) && Number(text) !== 0) {
      return { _tag: "Exited", code: Number(text) }
    }
  }
  return unknown(
    typeof fields["message"] === "string" ? oneLine(fields["message"]) : "the server named no exit code"
  )
}
