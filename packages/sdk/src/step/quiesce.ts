/**
 * The protocol of a freeze: every member is quiesced before the first volume snapshot is requested, and all
 * are released at once after the last one is taken, or at the first failure.
 *
 * Nothing here is journalled, and nothing is tried twice: a process that crashes leaves members that are
 * released at their deadline, and volume snapshots of unknown consistency.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Cluster, ClusterError } from "../Cluster.ts"
import * as QuiesceCalls from "../QuiesceCalls.ts"
import * as QuiesceHook from "../QuiesceHook.ts"
import { type Held, NotHeld, type Release } from "../QuiesceHook.ts"
import { type Hook, type Member, type Outcome, run } from "../Hook.ts"
import { within } from "../operation/BestEffort.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { Failure } from "../operation/StepContext.ts"
import { format } from "../GoDuration.ts"
import { meansOf, type Quiesce } from "../Quiesce.ts"
import { impatiently } from "../resource/Patience.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** A member, with the identity of its pod and containers: a replaced one was not quiesced. */
export interface HeldMember {
  readonly pod: string
  /** Time that it was quiesced, in milliseconds, as measured here. */
  readonly millis: number
}

/** The result of a freeze. */
export interface Frozen {
  readonly members: ReadonlyArray<HeldMember>
  /**
   * Reason that it is not proven that all members stayed quiesced from before the first volume snapshot
   * until after the last; `null` if it is.
   */
  readonly why: OperationError | ClusterError | null
  /** Members for which it is unknown whether they were thawed: their deadline releases them. */
  readonly unthawed: ReadonlyArray<string>
}

/** Every pod of the application by name, and which pod and containers it is, as one text. */
export type Identities = ReadonlyMap<string, string>

export interface Freezing {
  readonly quiesce: Quiesce
  readonly members: ReadonlyArray<Member>
  /** Checked once each connection is open: a process that was replaced quiesces nothing. */
  readonly permit: Work<unknown>
  readonly identities: Effect.Effect<Identities, ClusterError, Cluster>
  /**
   * True if nothing waits for it, so that a request to an unresponsive server may be repeated. Default
   * false.
   */
  readonly isPatient?: boolean
  /**
   * The volume snapshots: from the first request until the last one is visible; `next` runs the work between
   * two stages.
   */
  readonly body: (next: Work<ReadonlyArray<KeptText>>) => Work
}

/** A text that a member's command printed between two stages. */
export interface KeptText {
  readonly ordinal: number
  readonly name: string
  readonly text: string
}

/** A quiesce that was, or may have been, started in a pod. */
interface Attempt {
  readonly member: Member
  held: Held | null
  release: Release | null
  /** Nothing was started in the pod, according to the pod or the server. */
  isNothing: boolean
}

const nothing: ReadonlyArray<NotHeld["reason"]["_tag"]> = ["NotBegun", "Refused", "NoShell"]

const holdBy = (
  { hold }: Quiesce,
  member: Member,
  permit: Work<unknown>
): Effect.Effect<Held, NotHeld | Failure, Cluster | Scope.Scope> => {
  if (hold._tag === "QuiesceCalls") return QuiesceCalls.hold(hold, member, permit)
  return hold._tag === "QuiesceCommand"
    ? QuiesceHook.hold(hold, member, permit)
    : Effect.fail(new NotHeld({ reason: { _tag: "Refused" }, message: "its profile quiesces nothing" }))
}

const holdOne = (attempt: Attempt, { quiesce, permit }: Freezing) =>
  holdBy(quiesce, attempt.member, permit).pipe(
    Effect.tap((held) => Effect.sync(() => (attempt.held = held))),
    Effect.catchTag("NotHeld", (error) => {
      attempt.isNothing = nothing.includes(error.reason._tag)
      const fact = `${attempt.member.pod} could not be quiesced`
      return Effect.fail(because("LevelMissed", `${fact}: ${error.message}`, undefined, fact))
    })
  )

/** Runs the work between two stages in every member, at once. */
const nextOfAll = (attempts: ReadonlyArray<Attempt>): Work<ReadonlyArray<KeptText>> =>
  Effect.map(
    Effect.forEach(
      attempts,
      ({ member, held }) =>
        Effect.gen(function* () {
          const done = yield* held?.next ?? Effect.succeed(null)
          if (done?._tag === "Done") {
            return done.kept.map(({ name, text }) => ({ ordinal: member.ordinal, name, text }))
          }
          const why = done === null ? "it is not quiesced" : done.message
          return yield* missed(`${member.pod} did not continue to the next stage: ${why}`)
        }),
      { concurrency: "unbounded" }
    ),
    (all) => all.flat()
  )

/** Releases all quiesced members, at once. */
const releaseAll = (attempts: ReadonlyArray<Attempt>) =>
  Effect.forEach(
    attempts,
    (attempt) =>
      attempt.held === null
        ? Effect.void
        : Effect.map(attempt.held.release, (release) => void (attempt.release = release)),
    { concurrency: "unbounded", discard: true }
  )

const isProven = ({ release }: Attempt): boolean =>
  release?._tag === "Released" && release.neverLapsed && release.code === 0

/** Sends the thaw to one pod, as it is now. */
export const thawOne = (quiesce: Quiesce, member: Member): Effect.Effect<Outcome, never, Cluster> =>
  quiesce.thaw === null
    ? Effect.succeed<Outcome>({ _tag: "Succeeded", output: "" })
    : impatiently(run(quiesce.thaw, member))

/** Interval at which a thaw is repeated if nothing else ends the freeze, in milliseconds. */
const thawEvery = 1000

/** Repeats a thaw until it is answered, for a freeze that nothing in the pod ends. */
const thawSurely = (quiesce: Quiesce, member: Member): Effect.Effect<Outcome, never, Cluster> =>
  meansOf(quiesce) === "command"
    ? thawOne(quiesce, member)
    : Effect.flatMap(thawOne(quiesce, member), (outcome) =>
        outcome._tag === "Succeeded"
          ? Effect.succeed(outcome)
          : Effect.andThen(Effect.sleep(thawEvery), thawSurely(quiesce, member))
      )

/**
 * Sends the thaw to every pod where a quiesce was started and its end is not proven, including a new pod of
 * the same name.
 */
const thawRest = (attempts: ReadonlyArray<Attempt>, { quiesce }: Freezing, unthawed: Set<string>) => {
  const open = attempts.filter((attempt) => !attempt.isNothing && !isProven(attempt))
  for (const { member } of open) unthawed.add(member.pod)
  return Effect.forEach(
    open,
    ({ member }) =>
      Effect.map(thawSurely(quiesce, member), ({ _tag }) => {
        if (_tag === "Succeeded") unthawed.delete(member.pod)
      }),
    { concurrency: "unbounded", discard: true }
  )
}

/** Time that a release may take on the way out, in milliseconds, in addition to the freeze's own time. */
const farewell = 20_000

/** Thaws members that another process may have left frozen; returns those for which it is unknown. */
export const thawLeft = (
  quiesce: Quiesce,
  members: ReadonlyArray<Member>
): Effect.Effect<ReadonlyArray<string>, never, Cluster> =>
  Effect.map(
    Effect.forEach(
      members,
      (member) =>
        Effect.map(
          Effect.timeoutOption(thawSurely(quiesce, member), quiesce.hold.deadline + farewell),
          (sent) => (sent._tag === "Some" && sent.value._tag === "Succeeded" ? [] : [member.pod])
        ),
      { concurrency: "unbounded" }
    ),
    (pods) => pods.flat()
  )

/** The application's own output is only for a terminal. */
const missed = (fact: string, said?: string): OperationError =>
  because("LevelMissed", said === undefined ? fact : `${fact}: ${said}`, undefined, fact)

/** The exit code of a command that was released says whether the freeze was lost. */
const howEnded = (release: Release | null): string => {
  if (release === null) return "it is unknown when the freeze ended"
  return release._tag === "Released" && release.code !== 0
    ? `its command reported it with exit code ${release.code}`
    : release.message
}

/** Reason that it is not proven, from the members' own answers. */
const whyNot = (
  attempts: ReadonlyArray<Attempt>,
  before: Identities,
  after: Identities | null
): OperationError | null => {
  const open = attempts.find((attempt) => !isProven(attempt))
  if (open !== undefined) {
    const { pod } = open.member
    const replaced = after !== null && after.get(pod) !== before.get(pod)
    if (replaced) return missed(`${pod} was replaced while it was quiesced`)
    const { release } = open
    const said = release?._tag === "Released" ? release.said : undefined
    return missed(`${pod} did not stay quiesced: ${howEnded(release)}`, said)
  }
  if (after === null) return missed("whether a member was replaced while it was quiesced could not be read")
  const other = [...before.keys(), ...after.keys()].find((pod) => after.get(pod) !== before.get(pod))
  return other === undefined ? null : missed(`${other} was replaced while the others were quiesced`)
}

/** The existing pods must be exactly the quiesced members: an additional one would continue to write. */
const whoElse = (before: Identities, members: ReadonlyArray<Member>): OperationError | null => {
  const missing = members.find(({ pod }) => !before.has(pod))
  if (missing !== undefined) return missed(`${missing.pod} does not exist, so it cannot be quiesced`)
  const more = [...before.keys()].find((name) => !members.some(({ pod }) => pod === name))
  return more === undefined ? null : missed(`${more} is a pod that this was not planned with`)
}

/**
 * Quiesces every member, takes the volume snapshots, and releases every member. It does not fail: the result
 * says how it went. An interruption releases them first.
 */
export const whileHeld = (freezing: Freezing): Effect.Effect<Frozen, never, Cluster> =>
  Effect.gen(function* () {
    const { deadline } = freezing.quiesce.hold
    const attempts = freezing.members.map((member): Attempt => ({
      member,
      held: null,
      release: null,
      isNothing: false
    }))
    const unthawed = new Set<string>()
    const looked = yield* Effect.result(freezing.identities)
    if (looked._tag === "Failure") return { members: [], why: looked.failure, unthawed: [] }
    const stranger = whoElse(looked.success, freezing.members)
    if (stranger !== null) return { members: [], why: stranger, unthawed: [] }
    const late = missed(`the last volume snapshot was not taken within the deadline of ${format(deadline)}`)
    const held = Effect.gen(function* () {
      yield* Effect.forEach(attempts, (attempt) => holdOne(attempt, freezing), {
        concurrency: "unbounded",
        discard: true
      })
      const body = freezing.body(nextOfAll(attempts))
      yield* Effect.timeoutOrElse(freezing.isPatient === true ? body : impatiently(body), {
        duration: deadline,
        orElse: () => Effect.fail(late)
      })
    })
    // What calls hold has no timer but this one, from the first call on.
    const bounded =
      meansOf(freezing.quiesce) === "command"
        ? held
        : Effect.timeoutOrElse(held, { duration: deadline, orElse: () => Effect.fail(late) })
    const frozen = bounded.pipe(
      // Within the connections' scope, and whatever comes: one that closes first would be the end of the hold.
      Effect.onExit(() => within(deadline + farewell, releaseAll(attempts))),
      Effect.scoped,
      Effect.onExit(() => within(deadline + farewell, thawRest(attempts, freezing, unthawed)))
    )
    const exit = yield* Effect.exit(frozen)
    if (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)) return yield* Effect.interrupt
    const after = yield* Effect.option(impatiently(freezing.identities))
    const members = attempts.map(({ member: { pod }, release }) => ({
      pod,
      millis: Math.round(release?.millisHeld ?? 0)
    }))
    const failed = Exit.isFailure(exit) ? (Cause.squash(exit.cause) as OperationError | ClusterError) : null
    const why = failed ?? whyNot(attempts, looked.success, after._tag === "Some" ? after.value : null)
    return { members, why, unthawed: [...unthawed] }
  })

/** Shows beforehand that credentials are right and that the thaw works, in every member. */
export const probeAll = (quiesce: Quiesce, members: ReadonlyArray<Member>): Work =>
  Effect.forEach(
    members,
    (member) =>
      Effect.gen(function* () {
        const asked = quiesce.probe === null ? null : yield* run(quiesce.probe, member)
        if (asked !== null && asked._tag !== "Succeeded")
          yield* notReady("probe", quiesce.probe, member, asked)
        const thawed = yield* thawOne(quiesce, member)
        if (thawed._tag !== "Succeeded") yield* notReady("thaw", quiesce.thaw, member, thawed)
      }),
    { concurrency: "unbounded", discard: true }
  )

const notReady = (
  what: string,
  hook: Hook | null,
  { pod }: Member,
  { message }: Exclude<Outcome, { _tag: "Succeeded" }>
) => {
  const fact = `${what} in ${pod} failed, so it was not quiesced`
  const isElsewhere = hook?._tag === "Command" && hook.container === null
  const where = isElsewhere
    ? "it ran in the pod's default container, and a profile's `container` names another; "
    : ""
  return because(
    "HookFailed",
    `${fact}: ${message}`,
    `${where}fix what it reports, or use --consistency group`,
    fact
  )
}
