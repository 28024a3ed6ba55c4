/** The result of a check pod about the volumes that it mounts. */
import * as Schema from "effect/Schema"
import { isEnd } from "../kind/Pod.ts"
import { beforeStartContainer, isEmpty, checkContainer, verifyContainer, writeContainer } from "./checkPod.ts"

const Statuses = Schema.optional(
  Schema.Array(
    Schema.Struct({
      name: Schema.String,
      state: Schema.optional(
        Schema.Struct({
          waiting: Schema.optional(Schema.Struct({ reason: Schema.optional(Schema.String) })),
          terminated: Schema.optional(
            Schema.Struct({
              exitCode: Schema.Number,
              reason: Schema.optional(Schema.String),
              message: Schema.optional(Schema.String)
            })
          )
        })
      )
    })
  )
)

export const CheckPod = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    uid: Schema.String,
    deletionTimestamp: Schema.optional(Schema.String)
  }),
  spec: Schema.optional(Schema.Struct({ containers: Schema.Array(Schema.Struct({ name: Schema.String })) })),
  status: Schema.optional(
    Schema.Struct({
      phase: Schema.optional(Schema.String),
      reason: Schema.optional(Schema.String),
      message: Schema.optional(Schema.String),
      conditions: Schema.optional(
        Schema.Array(
          Schema.Struct({
            type: Schema.String,
            status: Schema.String,
            reason: Schema.optional(Schema.String),
            message: Schema.optional(Schema.String)
          })
        )
      ),
      initContainerStatuses: Statuses,
      containerStatuses: Statuses
    })
  )
})
export type CheckPod = typeof CheckPod.Type

/** The state of the container that reads: a webhook may have added others, which need not end. */
const stateOf = ({ status }: CheckPod, container = checkContainer) =>
  status?.containerStatuses?.find(({ name }) => name === container)?.state ?? null

const said = (end: { readonly message?: string | undefined; readonly reason?: string | undefined }): string =>
  end.message?.trim().split("\n").at(-1) || end.reason || "no word"

/** Reason that an init container failed; `null` if none did. */
const failedFirst = ({ status }: CheckPod): string | null => {
  const found = status?.initContainerStatuses?.find(
    ({ name, state }) =>
      [writeContainer, beforeStartContainer].includes(name) && (state?.terminated?.exitCode ?? 0) !== 0
  )
  const end = found?.state?.terminated
  return end == null || found === undefined ? null : `${found.name}: ${said(end)} (exit code ${end.exitCode})`
}

const endOf = (pod: CheckPod, container = checkContainer) => stateOf(pod, container)?.terminated ?? null

/** True if a command of the profile runs in addition to the container that reads. */
const verifies = ({ spec }: CheckPod): boolean =>
  spec?.containers.some(({ name }) => name === verifyContainer) === true

/** Reason that a profile's command rejects the content; `null` if it does not, or there is none. */
const refuted = (pod: CheckPod): string | null => {
  const end = endOf(pod, verifyContainer)
  if (!verifies(pod) || end?.exitCode === 0) return null
  if (end === null) return `its verify command did not exit: ${pod.status?.reason ?? "<unknown>"}`
  return `not verified: ${said(end)} (exit code ${end.exitCode})`
}

/** The image has no shell: the volumes were mounted before that was found, and nothing was read. */
export const isWithoutShell = (pod: CheckPod): boolean =>
  ["StartError", "ContainerCannotRun", "RunContainerError"].includes(endOf(pod)?.reason ?? "") &&
  // By the shell's name: that a mount fails for want of a file or directory proves nothing.
  /exec: "sh"|executable file `sh` not found/.test(endOf(pod)?.message ?? "")

/** The criteria for a volume. */
export interface Asked {
  /** True if a volume without any file is accepted. Default false. */
  readonly allowEmpty?: boolean
  /** True if its pod runs further tasks. Default false. */
  readonly runs?: boolean
}

/** Reason that a check pod rejects a volume; `null` if it does not. */
export const disproof = (pod: CheckPod, { allowEmpty, runs }: Asked): string | null => {
  const end = endOf(pod)
  if (runs === true && isWithoutShell(pod)) return "the image has no sh, and nothing was run"
  if (!isOver(pod)) return null
  const first = failedFirst(pod)
  if (first !== null) return first
  if (isWithoutShell(pod) || end?.exitCode === 0) return refuted(pod)
  if (end === null && pod.status?.phase === "Succeeded") return refuted(pod)
  if (end?.exitCode === isEmpty && allowEmpty === true) return null
  const words = [end?.message?.trim().split("\n").at(-1), pod.status?.message, pod.status?.reason]
  const said = words.find((one) => one) ?? `it failed with exit code ${end?.exitCode ?? "<unknown>"}`
  return end?.exitCode === isEmpty ? `${said}, which --allow-empty accepts` : said
}

export const isOver = (pod: CheckPod | null): boolean =>
  pod !== null &&
  ((endOf(pod) !== null && (!verifies(pod) || endOf(pod, verifyContainer) !== null)) ||
    isEnd(pod.status?.phase))

/** The reason that a check pod is waiting. */
export const waitsFor = (pod: CheckPod | null): string => {
  if (pod === null) return "its check pod"
  const unscheduled = pod.status?.conditions?.find(
    ({ type, status }) => type === "PodScheduled" && status !== "True"
  )
  if (unscheduled?.message) return `its check pod: ${unscheduled.message}`
  const reason = stateOf(pod)?.waiting?.reason
  return reason === undefined ? "its check pod" : `its check pod: ${reason}`
}
