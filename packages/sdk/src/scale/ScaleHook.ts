/**
 * Hellos and goodbyes: hooks of one member, with their intent in the journal first and an outcome
 * that is proven or asked for, never assumed.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Cluster } from "../Cluster.ts"
import * as Fences from "../operation/Fence.ts"
import { run, type Hook, type Member, type Outcome } from "../Hook.ts"
import type { Mark } from "../operation/Journal.ts"
import type { Pod } from "../kind/Pod.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { because } from "../operation/OperationError.ts"
import type { At, Failure } from "../operation/Performer.ts"
import type { Profile } from "../Profile.ts"
import { podsOf } from "./ScaleWait.ts"

/** What a person says of a hook whose outcome nobody knows: it had its effect, or it did not and runs again. */
export type Verdict = "succeeded" | "failed"

/** Who the member is, before anything is done to it. */
export const memberOf = (set: StatefulSet, ordinal: number): Member => {
  const pod = `${set.metadata.name}-${ordinal}`
  const namespace = set.metadata.namespace ?? ""
  const service = set.spec.serviceName
  return { namespace, pod, ordinal, fqdn: service ? `${pod}.${service}.${namespace}.svc` : pod }
}

/** Whether the member is in its application, as `probe` says; null: there is no probe, or it cannot say. */
const isIn = (profile: Profile, member: Member): Effect.Effect<boolean | null, never, Cluster> =>
  profile.probe === undefined
    ? Effect.succeed(null)
    : Effect.map(run(profile.probe, member), (outcome) =>
        outcome._tag === "Succeeded"
          ? true
          : outcome._tag === "Failed" && /^exit code 1\b/.test(outcome.message)
            ? false
            : null
      )

/** What a role hook prints. */
export type Role = "leader" | "voter" | "learner"

const roles: ReadonlyArray<Role> = ["leader", "voter", "learner"]

/** The member's role; null: there is no roles hook, or it says something else. */
export const roleOf = (profile: Profile, member: Member): Effect.Effect<Role | null, never, Cluster> =>
  profile.roles === undefined
    ? Effect.succeed(null)
    : Effect.map(run(profile.roles, member), (outcome) => {
        if (outcome._tag !== "Succeeded") return null
        const said = outcome.output.trim().split(/\s+/).pop()?.toLowerCase()
        return roles.find((role) => role === said) ?? null
      })

interface Call {
  readonly name: "beforeRemove" | "afterAdd"
  readonly hook: Hook
  readonly set: StatefulSet
  readonly ordinal: number
  readonly profile: Profile
  readonly verdict: Verdict | null
}

const unknown = (call: Call, member: Member, message: string) =>
  because(
    "HookUnknown",
    `${call.name} in ${member.pod}: its outcome is unknown: ${message}`,
    `look whether it had its effect; then resume with --hook-outcome succeeded, or failed to run it again; a probe hook would answer this`
  )

/** Whether a hook that was begun has had its effect: asked, or said by a person; fails where nobody knows. */
const settled = (call: Call, member: Member, message: string): Effect.Effect<boolean, Failure, Cluster> =>
  Effect.gen(function* () {
    const within = yield* isIn(call.profile, member)
    if (within !== null) return within === (call.name === "afterAdd")
    if (call.verdict !== null) return call.verdict === "succeeded"
    return yield* Effect.fail(unknown(call, member, message))
  })

const podOf = (call: Call, member: Member): Effect.Effect<Pod, Failure, Cluster> =>
  Effect.flatMap(podsOf(call.set), (pods) => {
    const pod = pods.get(call.ordinal)
    return pod === undefined || pod.metadata.deletionTimestamp || pod.status?.phase !== "Running"
      ? Effect.fail(
          because(
            "HookFailed",
            `${member.pod} has no running pod to run ${call.name} in`,
            "wait until it runs, or scale without the hook"
          )
        )
      : Effect.succeed(pod)
  })

/** The hook with the container that an exec would have to ask for: the annotated one, else the first. */
const inContainerOf = ({ metadata, spec }: Pod, hook: Hook): Hook => {
  if (hook._tag !== "Command" || hook.container !== null) return hook
  const named = metadata.annotations?.["kubectl.kubernetes.io/default-container"]
  return { ...hook, container: named ?? spec.containers?.[0]?.name ?? null }
}

/** Runs a member's hook, once: what the journal says of it comes first. */
export const perform = (call: Call, at: At): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { mark } = at
    if (mark?.state === "Succeeded") return
    const member = memberOf(call.set, call.ordinal)
    if (mark !== null && mark.state !== "Failed") {
      if (yield* settled(call, member, "whoever ran it ended before it answered")) {
        yield* at.conclude("Succeeded")
        return
      }
    }
    const pod = yield* podOf(call, member)
    yield* at.report({ _tag: "Waiting", replica: member.pod, for: call.name })
    const began = yield* Clock.monotonicTimeNanos
    // The intent is written while the connection is made; the word to begin waits for both. The fence
    // is looked at last: an exec cannot carry the token.
    const intent = yield* Effect.forkChild(at.intend(pod.metadata.uid ?? null))
    const permit = Effect.andThen(Fiber.join(intent), Fences.check(at.fence))
    const outcome = yield* run(inContainerOf(pod, call.hook), member, permit).pipe(
      Effect.tap(() => Fiber.join(intent)),
      Effect.tapError(() => at.conclude("Failed"))
    )
    const proven = yield* stillThere(call, pod, outcome)
    if (proven._tag === "Failed") {
      yield* at.conclude("Failed")
      yield* Effect.fail(
        because(
          "HookFailed",
          `${call.name} in ${member.pod} failed: ${proven.message}`,
          call.name === "beforeRemove"
            ? "the member stays; repair what the hook says"
            : "repair what the hook says"
        )
      )
    }
    if (proven._tag === "Unknown") {
      yield* at.conclude("Unknown")
      if (!(yield* settled({ ...call, verdict: null }, member, proven.message))) {
        yield* at.conclude("Failed")
        yield* Effect.fail(
          because("HookFailed", `${call.name} in ${member.pod} had no effect: ${proven.message}`)
        )
      }
    }
    yield* at.conclude("Succeeded")
    const millis = Number((yield* Clock.monotonicTimeNanos) - began) / 1e6
    yield* at.report({ _tag: "Replica", replica: member.pod, stage: call.name, millis })
  })

/** A pod that was replaced while its hook ran is another member than the one that was spoken to. */
const stillThere = (call: Call, pod: Pod, outcome: Outcome): Effect.Effect<Outcome, Failure, Cluster> =>
  outcome._tag === "Failed"
    ? Effect.succeed(outcome)
    : Effect.map(podsOf(call.set), (pods) =>
        pods.get(call.ordinal)?.metadata.uid === pod.metadata.uid
          ? outcome
          : { _tag: "Unknown", message: `${pod.metadata.name} was replaced meanwhile` }
      )

/** Whether a hook may have had an effect that an abort has to answer. */
export const isOwed = (mark: Mark | null): boolean => mark !== null && mark.state !== "Failed"

/** Gives leadership away where the leader is about to leave, and waits until it is gone. */
export const stepDown = (
  at: At,
  member: Member,
  manner: { readonly profile?: Profile; readonly stepTimeout?: number }
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { profile = {} } = manner
    if (profile.stepDown === undefined || (yield* roleOf(profile, member)) !== "leader") return
    const outcome = yield* run(profile.stepDown, member, Fences.check(at.fence))
    if (outcome._tag === "Failed") {
      yield* Effect.fail(
        because(
          "HookFailed",
          `stepDown in ${member.pod} failed: ${outcome.message}`,
          "the leader stays; repair what the hook says"
        )
      )
    }
    // Whatever came of the command, the role tells.
    for (let waited = 0; (yield* roleOf(profile, member)) === "leader"; waited += 500) {
      if (waited >= (manner.stepTimeout ?? 60_000)) {
        yield* Effect.fail(because("TimedOut", `${member.pod} is still the leader after stepDown`))
      }
      yield* Effect.sleep(500)
    }
    yield* at.report({ _tag: "Note", message: `${member.pod} gave leadership away` })
  })
