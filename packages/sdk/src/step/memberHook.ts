/**
 * Join and leave hooks of one member, with their intent in the journal first and an outcome that is proven or
 * asked for, never assumed.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { run, type Hook, type Member, type Outcome } from "../Hook.ts"
import { type Pod, defaultContainer } from "../kind/Pod.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { type Mark, markOf } from "../operation/Journal.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { wanted, isWanted, podName } from "../Ordinal.ts"
import type { Profile } from "../Profile.ts"
import { type HealthSettings, healthy, quorumGuard } from "../wait/healthy.ts"
import { podsOf } from "../wait/pods.ts"
import { polled, until } from "../wait/until.ts"
import { isIn, roleOf } from "./roles.ts"
import * as Workload from "./workload.ts"
import { millisSince } from "../Elapsed.ts"

const { memberOf } = Workload

/** The user's answer about a hook whose outcome is unknown: it succeeded, or it did not and runs again. */
export type Verdict = "succeeded" | "failed"

/** The settings of the verb that this kind needs. */
export interface HookSettings extends HealthSettings {
  /** The user's answer about a hook whose outcome was unknown. */
  readonly hookOutcome?: Verdict
}

type At = StepContext<HookSettings>
type MemberMark = Mark[number]

interface Call {
  readonly name: "beforeRemove" | "afterAdd"
  readonly hook: Hook
  readonly set: StatefulSet
  readonly ordinal: number
  readonly profile: Profile
  readonly verdict: Verdict | null
}

/** `said` is the hook's own or the server's, and stays out of the journal. */
const unknown = (call: Call, member: Member, said: string) => {
  const fact = `${call.name} in ${member.pod}: its outcome is unknown`
  return because(
    "HookUnknown",
    `${fact}: ${said}`,
    `check whether it took effect; then resume with --hook-outcome succeeded, or failed to run it again; a probe hook would determine this`,
    fact
  )
}

const failed = (
  name: string,
  pod: string,
  outcome: Outcome & { readonly _tag: "Failed" },
  action: string
) => {
  const fact = `${name} in ${pod} failed`
  const record = outcome.code === null ? fact : `${fact}: exit code ${outcome.code}`
  return because("HookFailed", `${fact}: ${outcome.message}`, action, record)
}

/**
 * Decides whether a hook that was started has had its effect: by the probe, or by the user's answer; fails
 * if it is unknown.
 */
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

/** The hook with the container that an exec would have to ask for. */
const inContainerOf = (pod: Pod, hook: Hook): Hook =>
  hook._tag !== "Command" || hook.container !== null ? hook : { ...hook, container: defaultContainer(pod) }

const subjectOf = (member: Member) => ({ kind: "Pod", name: member.pod })

/** Runs a member's hook once, after its intent is in the journal. */
const perform = (call: Call, at: At): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const member = memberOf(call.set, call.ordinal)
    const subject = subjectOf(member)
    const mark = markOf(at.mark, subject)
    const isOther = mark !== null && (yield* isRecreated(call.set, call.ordinal, mark))
    if (mark?.state === "Succeeded" && !isOther) return
    if (mark !== null && mark.state !== "Failed") {
      const why = isOther
        ? `${member.pod} was recreated since it ran`
        : "the process that ran it exited before it answered"
      if (yield* settled(call, member, why)) {
        yield* at.conclude("Succeeded")
        return
      }
    }
    const pod = yield* podOf(call, member)
    yield* at.report({ _tag: "Waiting", subject, for: call.name })
    const began = yield* Clock.monotonicTimeNanos
    // The intent is written while the connection is made; the word to begin waits for both. The fence
    // is looked at last: an exec cannot carry the token.
    const intent = yield* Effect.forkChild(at.intend([{ ...subject, uid: pod.metadata.uid ?? null }]))
    const permit = Effect.andThen(Fiber.join(intent), Workload.assertHeld(at.fence))
    const outcome = yield* run(inContainerOf(pod, call.hook), member, permit).pipe(
      Effect.tap(() => Fiber.join(intent)),
      Effect.tapError(() => at.conclude("Failed"))
    )
    const proven = yield* stillThere(call, pod, outcome)
    if (proven._tag === "Failed") {
      yield* at.conclude("Failed")
      const stays = call.name === "beforeRemove" ? "the member stays; " : ""
      return yield* Effect.fail(failed(call.name, member.pod, proven, `${stays}fix what the hook reports`))
    }
    if (proven._tag === "Unknown") {
      yield* at.conclude("Unknown")
      if (!(yield* settled({ ...call, verdict: null }, member, proven.message))) {
        yield* at.conclude("Failed")
        const fact = `${call.name} in ${member.pod} had no effect`
        return yield* because("HookFailed", `${fact}: ${proven.message}`, undefined, fact)
      }
    }
    yield* at.conclude("Succeeded")
    const millis = yield* millisSince(began)
    yield* at.report({ _tag: "Stage", subject, stage: call.name, millis })
  })

/** A pod that was replaced while its hook ran is another member than the one that was spoken to. */
const stillThere = (call: Call, pod: Pod, outcome: Outcome): Effect.Effect<Outcome, Failure, Cluster> =>
  outcome._tag === "Failed"
    ? Effect.succeed(outcome)
    : Effect.map(podsOf(call.set), (pods) =>
        pods.get(call.ordinal)?.metadata.uid === pod.metadata.uid
          ? outcome
          : { _tag: "Unknown", message: `${pod.metadata.name} was replaced in the meantime` }
      )

/** True if the pod that an annotation refers to was replaced by another one of its name. */
const isRecreated = (set: StatefulSet, ordinal: number, mark: MemberMark) =>
  mark.uid === null
    ? Effect.succeed(false)
    : Effect.map(podsOf(set), (pods) => {
        const uid = pods.get(ordinal)?.metadata.uid
        return uid != null && uid !== mark.uid
      })

/**
 * True if `probe` shows that a member that was recreated since its hook ran is already in the state of the
 * opposite hook.
 */
const isAnswered = (
  at: At,
  set: StatefulSet,
  ordinal: number,
  answer: Call["name"],
  profile: Profile
): Effect.Effect<boolean, Failure, Cluster> =>
  Effect.gen(function* () {
    const member = memberOf(set, ordinal)
    const forward = markOf(at.forward, subjectOf(member))
    if (forward === null || !(yield* isRecreated(set, ordinal, forward))) return false
    return (yield* isIn(profile, member)) === (answer === "afterAdd")
  })

/** True if a hook may have had an effect that an abort has to revert. */
const isOwed = (mark: MemberMark | null): boolean => mark !== null && mark.state !== "Failed"

/** Gives leadership away where the leader is about to leave, and waits until it is gone. */
const stepDown = (
  at: At,
  member: Member,
  settings: { readonly profile?: Profile; readonly stepTimeout?: number }
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { profile = {} } = settings
    if (profile.stepDown === undefined || (yield* roleOf(profile, member)) !== "leader") return
    const outcome = yield* run(profile.stepDown, member, Workload.assertHeld(at.fence))
    if (outcome._tag === "Failed") {
      const action = "the leader stays; fix what the hook reports"
      return yield* Effect.fail(failed("stepDown", member.pod, outcome, action))
    }
    // Whatever came of the command, the role tells.
    yield* until(at, {
      views: polled(roleOf(profile, member), 500),
      until: (role) =>
        role === "leader" ? [{ subject: subjectOf(member), for: "another leader, after stepDown" }] : [],
      limit: settings.stepTimeout ?? 60_000,
      late: () => Effect.succeed(because("TimedOut", `${member.pod} is still the leader after stepDown`))
    })
    yield* at.report({ _tag: "Note", message: `${member.pod} gave leadership away` })
  })

const HookSchema = Schema.TaggedStruct("RunHook", {
  on,
  hook: Schema.Literals(["beforeRemove", "afterAdd"]),
  ordinal: Schema.Natural
})
type RunHook = typeof HookSchema.Type

const performStep = (step: RunHook, at: At): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { settings } = at
    const { profile = {} } = settings
    const hook = profile[step.hook]
    const first = yield* Workload.assertHeld(at.fence)
    // A join is due after our own change of the count: a read that does not show it may lag behind.
    const isLate = step.hook === "afterAdd" && !isWanted(first, step.ordinal)
    const set = isLate ? yield* Effect.andThen(Effect.sleep(250), Workload.assertHeld(at.fence)) : first
    if (hook === undefined) return
    const member = memberOf(set, step.ordinal)
    const mark = markOf(at.mark, subjectOf(member))
    if (!isWanted(set, step.ordinal)) {
      // We take the count below a member only after it has left; somebody else may not have waited for it.
      // Before our beforeRemove has begun, the same change of the count is another client's.
      const isOurs = mark !== null && mark.state !== "Failed" && at.isOurs(set)
      const isSaid = mark?.state === "Succeeded" || settings.hookOutcome === "succeeded" || isOurs
      if (step.hook === "beforeRemove" && !isSaid) {
        return yield* because(
          "HookUnknown",
          `another client changed ${at.fence.name}, and it is unknown whether beforeRemove ran in ${member.pod} before it was removed`,
          "check the application; then resume with --hook-outcome succeeded"
        )
      }
      return
    }
    if (step.hook === "beforeRemove" && mark === null) {
      const { start, count } = wanted(set)
      yield* quorumGuard(at, set, count, step.ordinal - start, settings)
      yield* stepDown(at, member, settings)
    }
    const verdict = settings.hookOutcome ?? null
    yield* perform({ name: step.hook, hook, set, ordinal: step.ordinal, profile, verdict }, at)
  })

/**
 * A member that has left rejoins, and one that has joined leaves, before the number of replicas is restored.
 */
const undoStep = (step: RunHook, at: At): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { settings } = at
    const { profile = {} } = settings
    const answer = step.hook === "beforeRemove" ? ("afterAdd" as const) : ("beforeRemove" as const)
    const hook = profile[answer]
    const set = yield* Workload.assertHeld(at.fence)
    const member = memberOf(set, step.ordinal)
    if (!isOwed(markOf(at.forward, subjectOf(member))) || !isWanted(set, step.ordinal)) return
    if (yield* isAnswered(at, set, step.ordinal, answer, profile)) return
    if (hook === undefined) {
      const said =
        step.hook === "beforeRemove"
          ? "has run beforeRemove and is still running"
          : "has joined and is removed"
      yield* at.report({
        _tag: "Note",
        message: `${member.pod} ${said}: there is no ${answer} hook to tell its application`
      })
      return
    }
    if (answer === "afterAdd") yield* healthy(at, member, settings)
    const verdict = settings.hookOutcome ?? null
    yield* perform({ name: answer, hook, set, ordinal: step.ordinal, profile, verdict }, at)
  })

/** The rules that hooks and probes of a profile need. */
export const profileRules = (namespace: string, { profile = {}, health }: HealthSettings) => [
  ...(Object.values(profile).some((hook) => hook._tag === "Command")
    ? rules("", "pods", ["get", "create"], namespace, "exec")
    : []),
  ...(health === undefined ? [] : rules("", "pods", ["get"], namespace, "proxy"))
]

const describe = ({ hook, ordinal }: RunHook, name: string): string => `${hook} in ${podName(name, ordinal)}`

/** Runs a hook in one member's pod; an intent is written to the journal first. */
export const RunHook: StepKind<RunHook, HookSettings> = {
  tag: "RunHook",
  schema: HookSchema,
  describe: (step, { name }) => describe(step, name),
  access: (_, { namespace }, settings) => [
    ...rules("", "pods", ["list"], namespace),
    ...profileRules(namespace, settings)
  ],
  marks: () => 1,
  rehearse: (step, at) => Effect.succeed([`${describe(step, at.fence.name)}: hooks do not run in a dry run`]),
  perform: performStep,
  undo: undoStep
}
