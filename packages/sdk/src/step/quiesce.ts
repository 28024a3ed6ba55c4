/**
 * The protocol of a freeze: every member is held before the first cut is asked for, and let go after the
 * last one was seen, all at once, or at the first failure.
 *
 * Nothing here is written down, and nothing is tried twice: whoever dies in the middle leaves members that
 * let go by themselves at their deadline, and cuts of which nobody can say what they are.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Cluster, ClusterError } from "../Cluster.ts"
import * as HeldCalls from "../HeldCalls.ts"
import * as HeldHook from "../HeldHook.ts"
import { type Held, NotHeld, type Release } from "../HeldHook.ts"
import { type Hook, type Member, type Outcome, run } from "../Hook.ts"
import { within } from "../operation/BestEffort.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { Failure } from "../operation/StepContext.ts"
import { format } from "../GoDuration.ts"
import { meansOf, type Quiesce } from "../Quiesce.ts"
import { impatiently } from "../resource/Patience.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** A member, and which pod and containers it is: another one has not been held. */
export interface HeldMember {
  readonly pod: string
  /** How long it was held, in milliseconds, as it was seen here. */
  readonly millis: number
}

/** How a freeze went. */
export interface Frozen {
  readonly members: ReadonlyArray<HeldMember>
  /** Why it is not proven that all were held from before the first cut until after the last; null: it is. */
  readonly why: OperationError | ClusterError | null
  /** Members of which nobody knows whether they were thawed: they let go by themselves. */
  readonly unthawed: ReadonlyArray<string>
}

/** Every pod of the application by name, and which pod and containers it is, as one text. */
export type Identities = ReadonlyMap<string, string>

export interface Freezing {
  readonly quiesce: Quiesce
  readonly members: ReadonlyArray<Member>
  /** Asked once each connection stands: nothing is held by a caller that was replaced. */
  readonly permit: Work<unknown>
  readonly identities: Effect.Effect<Identities, ClusterError, Cluster>
  /** Whether nobody waits for it, so that a server that does not answer may be asked again. Default false. */
  readonly isPatient?: boolean
  /** The cuts: from the question for the first to the sight of the last; `next` has all do what is between two waves. */
  readonly body: (next: Work<ReadonlyArray<KeptText>>) => Work
}

/** A text that a member's command printed between two waves. */
export interface KeptText {
  readonly ordinal: number
  readonly name: string
  readonly text: string
}

/** What was begun in a pod, or may have been. */
interface Attempt {
  readonly member: Member
  held: Held | null
  release: Release | null
  /** Nothing was begun in the pod, by its own word or the server's. */
  isNothing: boolean
}

const nothing: ReadonlyArray<NotHeld["reason"]["_tag"]> = ["NotBegun", "Refused", "NoShell"]

const holdBy = (
  { hold }: Quiesce,
  member: Member,
  permit: Work<unknown>
): Effect.Effect<Held, NotHeld | Failure, Cluster | Scope.Scope> => {
  if (hold._tag === "HeldCalls") return HeldCalls.hold(hold, member, permit)
  return hold._tag === "HeldCommand"
    ? HeldHook.hold(hold, member, permit)
    : Effect.fail(new NotHeld({ reason: { _tag: "Refused" }, message: "its profile holds nothing" }))
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

/** Has every member do what is to be done between two waves, at once. */
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
          const why = done === null ? "it is not held" : done.message
          return yield* missed(`${member.pod} did not go on to the next wave: ${why}`)
        }),
      { concurrency: "unbounded" }
    ),
    (all) => all.flat()
  )

/** Lets all go that are held, at once. */
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

/** Sends the thaw to one pod, as it is there now. */
export const thawOne = (quiesce: Quiesce, member: Member): Effect.Effect<Outcome, never, Cluster> =>
  quiesce.thaw === null
    ? Effect.succeed<Outcome>({ _tag: "Succeeded", output: "" })
    : impatiently(run(quiesce.thaw, member))

/** How often a thaw is sent again that nothing else would replace, in milliseconds. */
const thawEvery = 1000

/** Where nothing in the pod ends what is held, a thaw is sent until it is answered. */
const thawSurely = (quiesce: Quiesce, member: Member): Effect.Effect<Outcome, never, Cluster> =>
  meansOf(quiesce) === "command"
    ? thawOne(quiesce, member)
    : Effect.flatMap(thawOne(quiesce, member), (outcome) =>
        outcome._tag === "Succeeded"
          ? Effect.succeed(outcome)
          : Effect.andThen(Effect.sleep(thawEvery), thawSurely(quiesce, member))
      )

/** Sends the thaw wherever something was begun and its end is not proven, a new pod of the same name too. */
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

/** How long letting go may take on the way out, in milliseconds, above the time that the freeze had. */
const farewell = 20_000

/** Thaws members that somebody else may have left behind; answers with those of which nobody knows. */
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

/** What the application said itself is for a terminal alone. */
const missed = (fact: string, said?: string): OperationError =>
  because("LevelMissed", said === undefined ? fact : `${fact}: ${said}`, undefined, fact)

/** A command that held to the end has a word of its own: its exit code says whether its hold was lost. */
const howEnded = (release: Release | null): string => {
  if (release === null) return "it is unknown when the freeze ended"
  return release._tag === "Released" && release.code !== 0
    ? `its own command says so, with exit code ${release.code}`
    : release.message
}

/** Why it is not proven, as the members' own answers have it. */
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

/** The pods that there are must be the members that are held: one more would write on. */
const whoElse = (before: Identities, members: ReadonlyArray<Member>): OperationError | null => {
  const missing = members.find(({ pod }) => !before.has(pod))
  if (missing !== undefined) return missed(`${missing.pod} is not there to be quiesced`)
  const more = [...before.keys()].find((name) => !members.some(({ pod }) => pod === name))
  return more === undefined ? null : missed(`${more} is a pod that this was not planned with`)
}

/**
 * Holds every member, does the cuts, and lets every member go. It does not fail: how it went is its
 * answer. Whoever is interrupted lets them go first.
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
    const late = missed(`the last cut was not seen within the deadline of ${format(deadline)}`)
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
    `${where}repair what it says, or take it by group`,
    fact
  )
}
