/**
 * Takes the volume snapshots of an application while its members are quiesced: quiesce, snapshot and thaw
 * are one step, and nothing is journalled between them. The proof is written on the volume snapshots
 * themselves, after every member has confirmed that it stayed quiesced until all were taken. A run that
 * finds volume snapshots without the proof knows that another one was interrupted, and does not call them
 * quiesced.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { Member } from "../Hook.ts"
import * as Fence from "../operation/Fence.ts"
import { because, OperationError } from "../operation/OperationError.ts"
import { on, rules, type StepKind, stepsOf } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { asWaves, fingerprint, Guarantee, Means, type Quiesce, Reach } from "../Quiesce.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { shellWord } from "../ShellWord.ts"
import { podsOf } from "../wait/pods.ts"
import { CutGroup, cutting as cuttingGroup, groupTarget } from "./cutGroup.ts"
import { type CutSettings, type Cutting, cutting as cuttingVolumes, CutVolumes } from "./cutVolumes.ts"
import { lastClaims } from "./places.ts"
import { type Frozen, type KeptText, probeAll, thawLeft, whileHeld } from "./quiesce.ts"
import { type Proof, proofIn } from "./record.ts"
import { quiescedAnnotation } from "../Labels.ts"
import { isOurs, snapshotTarget } from "./snapshots.ts"
import * as Workload from "./workload.ts"

/** The settings of the verb that this kind needs. */
export interface QuiesceSettings extends CutSettings {
  /** The quiesce that the plan was made with, by its fingerprint; absent if it was not given again. */
  readonly quiesce?: Quiesce
}

type At = StepContext<QuiesceSettings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const QuiescedSchema = Schema.TaggedStruct("CutQuiesced", {
  on,
  guarantee: Guarantee,
  /** The profile's name, for the words that tell how to thaw by hand. */
  profile: Schema.String,
  /** The digest of the commands in the pods. */
  digest: Schema.String,
  /** In milliseconds. */
  deadline: Schema.Natural,
  /** How members are quiesced, if nothing in their pods ends it; absent for a command, which its pod ends. */
  unbounded: Schema.optionalKey(Means),
  /**
   * True if the volumes are snapshotted in stages and nothing waits; absent if all are snapshotted at once,
   * while members are quiesced.
   */
  waves: Schema.optionalKey(Schema.Literal(true)),
  /** How the pods are reached; absent for exec. */
  reaches: Schema.optionalKey(Schema.Array(Reach)),
  members: Schema.Array(
    Schema.Struct({ pod: Schema.String, ordinal: Schema.Natural, fqdn: Schema.String, uid: Schema.String })
  ),
  cut: Schema.Union([CutVolumes.schema, CutGroup.schema])
})
type CutQuiesced = typeof QuiescedSchema.Type

const singleOf = ({ cut }: CutQuiesced) => stepsOf(CutVolumes, [cut])[0] ?? null
const groupOf = ({ cut }: CutQuiesced) => stepsOf(CutGroup, [cut])[0] ?? null

const inner = (step: CutQuiesced): StepKind<CutQuiesced["cut"], CutSettings> =>
  groupOf(step) === null ? CutVolumes : CutGroup

const cutting = (step: CutQuiesced, at: At): Work<Cutting> | null => {
  const [single, group] = [singleOf(step), groupOf(step)]
  return single !== null ? cuttingVolumes(single, at) : group !== null ? cuttingGroup(group, at) : null
}

const membersOf = (step: CutQuiesced, namespace: string): ReadonlyArray<Member> =>
  step.members.map(({ pod, ordinal, fqdn }) => ({ namespace, pod, ordinal, fqdn }))

/** The objects of the volume snapshots. */
const targetsOf = (step: CutQuiesced, namespace: string): ReadonlyArray<Resource.Target> => {
  const group = groupOf(step)
  if (group !== null) return [groupTarget(group, namespace)]
  return (singleOf(step)?.claims ?? []).map(({ as }) => snapshotTarget(namespace, as))
}

const readOurs = (step: CutQuiesced, at: At) =>
  Effect.map(
    Effect.forEach(targetsOf(step, at.fence.namespace), (target) => Resource.findObject(target), {
      concurrency: 16
    }),
    (all) => all.map((found) => (found !== null && isOurs(at.plan.id, found) ? found : null))
  )

/** `kubectl stateful thaw db -n shop --profile redis`: named wherever a freeze is spoken of. */
const thawCommand = ({ profile, unbounded }: CutQuiesced, { fence }: At): string =>
  unbounded === "function"
    ? `the function thaw of ${profile}, by Thaw.thaw`
    : `\`kubectl stateful thaw ${shellWord(fence.name)} -n ${shellWord(fence.namespace)} --profile ${shellWord(profile)}\``

/** When a freeze ends that is not released. */
const howItEnds = (step: CutQuiesced, at: At): string =>
  step.waves === true
    ? `no writes were blocked, and what was started in the members ends by itself within ${step.deadline / 1000}s`
    : step.unbounded === undefined
      ? `every freeze ends by itself within ${step.deadline / 1000}s, and at once with ${thawCommand(step, at)}`
      : `nothing in the pods ends a freeze: end it with ${thawCommand(step, at)}`

/**
 * The error without a proof: the deadline ends every freeze, and the user can end it earlier. The message
 * may contain the application's output; the journal gets only our own text.
 */
const notProven = (step: CutQuiesced, at: At, { why, unthawed }: Frozen): OperationError => {
  const open = unthawed.length === 0 ? "" : `; it is unknown whether ${unthawed.join(", ")} was thawed`
  return new OperationError({
    reason: { _tag: "LevelMissed" },
    message: `${why?.message ?? "it was not confirmed that the members stayed quiesced"}${open}`,
    action: [howItEnds(step, at), ...(why?.action === undefined ? [] : [why.action])].join("; "),
    record: "the members were not confirmed to be quiesced from the first volume snapshot to the last"
  })
}

/** The set's pods, with their uid and the restarts of their containers, including unplanned ones. */
const identities = (at: At): Effect.Effect<ReadonlyMap<string, string>, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Workload.read(at.fence)
    const pods = yield* podsOf(set)
    return new Map(
      [...pods.values()].map(({ metadata, status }) => {
        const restarts = (status?.containerStatuses ?? []).map(
          ({ name, restartCount }) => `${name} ${restartCount}`
        )
        return [metadata.name, `${metadata.uid} ${restarts.toSorted().join(", ")}`]
      })
    )
  })

/** Writes the proof on each volume snapshot, where a resume finds it. */
const prove = (step: CutQuiesced, at: At, frozen: Frozen, kept: ReadonlyArray<KeptText>): Work => {
  const proof: Proof = {
    ...(step.waves === true ? { waves: { profile: step.profile, kept } } : {}),
    operation: at.plan.id,
    guarantee: step.guarantee,
    deadline: step.deadline,
    members: frozen.members,
    ...(step.unbounded === undefined ? {} : { unbounded: step.unbounded })
  }
  return Effect.forEach(
    targetsOf(step, at.fence.namespace),
    (target) =>
      Effect.asVoid(
        Fence.beside(at.standing, {
          look: Resource.getObject(target),
          done: (found) => proofIn(found, at.plan.id) !== null || !isOurs(at.plan.id, found),
          write: (found) =>
            Resource.patch(target, {
              _tag: "Json",
              operations: [
                { op: "test", path: "/metadata/uid", value: found.metadata.uid },
                ...(found.metadata.annotations == null
                  ? [{ op: "add" as const, path: "/metadata/annotations", value: {} }]
                  : []),
                {
                  op: "add",
                  path: `/metadata/annotations/${quiescedAnnotation.replaceAll("/", "~1")}`,
                  value: JSON.stringify(proof)
                }
              ]
            })
        })
      ),
    { concurrency: 16, discard: true }
  )
}

/**
 * A snapshot whose level was requested by name fails here; any other continues with the level that was
 * reached.
 */
const withoutProof = (step: CutQuiesced, at: At, why: OperationError): Work =>
  Effect.gen(function* () {
    if (at.settings.strict === true) yield* why
    yield* at.report({ _tag: "Note", message: `not quiesced: ${why.message}; ${why.action ?? ""}` })
    yield* inner(step).perform(step.cut, at)
  })

/** Reason that members cannot be quiesced as planned; `null` if they can. */
const unready = (step: CutQuiesced, at: At): string | null => {
  const { quiesce } = at.settings
  if (quiesce === undefined) return "its profile was not given again"
  return fingerprint(quiesce) === step.digest ? null : "the profile is not the one that it was planned with"
}

/** What is done if this process cannot quiesce, or must not claim it. */
const missing = (step: CutQuiesced, at: At, why: string): Work =>
  withoutProof(step, at, notProven(step, at, { members: [], unthawed: [], why: because("LevelMissed", why) }))

const notAsked = ({ deadline }: CutQuiesced): OperationError =>
  because("LevelMissed", `the API server did not accept the snapshots within ${deadline / 4000}s`)

/**
 * The volume snapshots between the quiesce and the thaw; `kept` collects the output of members between the
 * stages.
 */
interface Body {
  readonly cut: Parameters<typeof whileHeld>[0]["body"]
  readonly finish: Work
  readonly kept: ReadonlyArray<KeptText>
}

/** A server that refuses a snapshot is asked a few times, as with any write; but not during a freeze. */
const asked = (step: CutQuiesced, ask: Work): Work =>
  Effect.timeoutOrElse(ask, { duration: step.deadline / 4, orElse: () => Effect.fail(notAsked(step)) })

const atOnce = (step: CutQuiesced, cut: Work<Cutting>): Work<Body> =>
  Effect.map(cut, ({ ask, observe, finish }) => ({
    cut: () => Effect.andThen(asked(step, ask), observe(true)),
    finish: finish(step.guarantee === "blocks-writes"),
    kept: []
  }))

/** The maximum size of all texts together: they are on every volume snapshot until they are in the record. */
const mostKept = 128 * 1024

/**
 * First the volumes that can be snapshotted while everything runs, then those that must contain all writes
 * until the end.
 */
const inWaves = (step: CutQuiesced, at: At, quiesce: Quiesce): Work<Body> =>
  Effect.gen(function* () {
    const whole = singleOf(step)
    if (whole === null) return yield* because("LevelMissed", "a group is not taken in stages")
    const names = new Set(whole.claims.map(({ claim }) => claim))
    const last = yield* lastClaims(membersOf(step, at.fence.namespace), quiesce, names)
    const waves = [false, true].map((isLast) => ({
      ...whole,
      claims: whole.claims.filter(({ claim }) => last.has(claim) === isLast)
    }))
    const [first, second] = yield* Effect.forEach(waves, (wave) => cuttingVolumes(wave, at))
    const kept: Array<KeptText> = []
    const one = (wave: Cutting | undefined): Work =>
      wave === undefined ? Effect.void : Effect.andThen(asked(step, wave.ask), wave.observe(false))
    const cut: Body["cut"] = (next) =>
      Effect.gen(function* () {
        yield* one(first)
        const found = yield* next
        const { keeps = [] } = quiesce.waves ?? {}
        kept.push(...found.filter(({ name }) => keeps.includes(name)))
        if (kept.reduce((sum, { text }) => sum + text.length, 0) > mostKept) {
          return yield* because("LevelMissed", "what its members keep is more than the record takes of it")
        }
        yield* one(second)
      })
    return { cut, finish: Effect.void, kept }
  })

/** The note before members are quiesced. */
const announced = (step: CutQuiesced, at: At): string =>
  step.waves === true
    ? `takes snapshots in stages by profile ${step.profile}: no writes are blocked, and it ends within ${step.deadline / 1000}s`
    : `quiesces ${step.members.length} members for at most ${step.deadline / 1000}s; to end that: ${thawCommand(step, at)}`

/** The freeze itself, and its result. */
const frozenCut = (step: CutQuiesced, at: At, quiesce: Quiesce, cut: Work<Cutting>): Work =>
  Effect.gen(function* () {
    const body = yield* step.waves === true ? inWaves(step, at, quiesce) : atOnce(step, cut)
    // Whose quiesce may be attempted from here on: the last word of the journal before the freeze.
    yield* at.intend(step.members.map(({ pod, uid }) => ({ kind: "Pod", name: pod, uid })))
    yield* at.report({ _tag: "Note", message: announced(step, at) })
    const frozen = yield* whileHeld({
      quiesce: step.waves === true ? asWaves(quiesce) : quiesce,
      members: membersOf(step, at.fence.namespace),
      permit: Effect.flatMap(at.standing, ({ why }) => (why === null ? Effect.void : Effect.fail(why))),
      identities: identities(at),
      isPatient: step.waves === true,
      body: body.cut
    })
    for (const { pod, millis } of frozen.members) {
      yield* at.report({
        _tag: "Stage",
        subject: { kind: "Pod", name: pod },
        stage: step.waves === true ? "held" : "quiesced",
        millis
      })
    }
    // A process that was replaced reports that, and not that a level was missed.
    if (frozen.why?.reason._tag === "Fenced") yield* frozen.why
    else if (frozen.why !== null) yield* withoutProof(step, at, notProven(step, at, frozen))
    else {
      yield* body.finish
      yield* prove(step, at, frozen, body.kept)
      yield* at.conclude("Succeeded")
    }
  })

/** True if a process may have started to quiesce members and crashed before it recorded how that ended. */
const isLeftOpen = (mark: At["mark"]): boolean =>
  mark !== null && mark.some(({ state }) => state !== "Succeeded")

/**
 * The pods that were quiesced and may still run, even if it is unknown whether they still belong to the
 * set.
 */
const stillThere = ({ members }: CutQuiesced, at: At): Effect.Effect<ReadonlyArray<string>, never, Cluster> =>
  Resource.listObjects(kinds.pods, { namespace: at.fence.namespace, metadataOnly: true }).pipe(
    Effect.map(({ items }) => {
      const uids = new Set(items.map(({ metadata }) => metadata.uid))
      return members.filter(({ uid }) => uids.has(uid))
    }),
    Effect.orElseSucceed(() => members),
    Effect.map((found) => found.map(({ pod }) => pod))
  )

/**
 * Thaws members that another process may have left frozen, if this process has the profile; otherwise their
 * deadline ends the freeze, unless nothing does. Only the set's own pods: the step comes from a journal,
 * whose author may have named any.
 */
const thawLeftBehind = (step: CutQuiesced, at: At, mark: At["mark"]): Work =>
  Effect.gen(function* () {
    if (!isLeftOpen(mark)) return
    const own = yield* Effect.option(identities(at))
    const { quiesce } = at.settings
    const isGiven = quiesce !== undefined && fingerprint(quiesce) === step.digest
    const known = own._tag === "Some" ? own.value : null
    const members = membersOf(step, at.fence.namespace).filter(({ pod }) => known?.has(pod) === true)
    const open =
      known === null
        ? yield* stillThere(step, at)
        : isGiven
          ? yield* thawLeft(quiesce, members)
          : members.map(({ pod }) => pod)
    if (open.length > 0 && step.unbounded !== undefined) {
      yield* at.fallShort(`it is unknown whether ${open.join(", ")} was thawed: ${howItEnds(step, at)}`)
    }
  })

const perform = (step: CutQuiesced, at: At): Work =>
  Effect.gen(function* () {
    const found = yield* readOurs(step, at)
    if (found.every((object) => object !== null && proofIn(object, at.plan.id) !== null)) return
    yield* thawLeftBehind(step, at, at.mark)
    const why = unready(step, at)
    const { quiesce } = at.settings
    const cut = cutting(step, at)
    // Cuts that somebody asked for who did not live to prove them.
    const isLeft = found.some((object) => object !== null)
    if (isLeft)
      yield* missing(
        step,
        at,
        "the process that took the snapshots ended before the members were confirmed to be quiesced"
      )
    else if (why !== null || quiesce === undefined || cut === null)
      yield* missing(step, at, why ?? "it has no volume snapshots")
    else yield* frozenCut(step, at, quiesce, cut)
  })

const undo = (step: CutQuiesced, at: At, cut: Work): Work =>
  Effect.andThen(thawLeftBehind(step, at, at.forward), cut)

/** The members that a plan quiesces, and how; `null` if it quiesces none. */
export const quiescedBy = (plan: Pick<StepContext["plan"], "steps">): CutQuiesced | null =>
  stepsOf(CutQuiesced, plan.steps)[0] ?? null

/** Verifies that the planned profile works in every member, before anything is started. */
export const probe = (step: CutQuiesced, namespace: string, quiesce: Quiesce | undefined): Work =>
  quiesce === undefined || fingerprint(quiesce) !== step.digest
    ? Effect.fail(
        because("Mismatch", "the profile is not the one that this was planned with", "run the command again")
      )
    : probeAll(quiesce, membersOf(step, namespace))

/** Quiesces every member, takes all volume snapshots, and thaws every member. */
export const CutQuiesced: StepKind<CutQuiesced, QuiesceSettings> = {
  tag: "CutQuiesced",
  schema: QuiescedSchema,
  describe: (step, about) =>
    step.waves === true
      ? `take snapshots of ${singleOf(step)?.claims.length ?? 0} volumes in stages, by profile ${step.profile}`
      : `${inner(step).describe(step.cut, about)}, with ${step.members.length} members quiesced`,
  access: (step, about, settings) => [
    ...rules("", "pods", ["list"], about.namespace),
    ...(step.reaches ?? ["exec"]).flatMap((reach) =>
      rules("", "pods", ["get", "create"], about.namespace, reach)
    ),
    ...inner(step).access(step.cut, about, settings),
    ...(groupOf(step) === null
      ? rules("snapshot.storage.k8s.io", "volumesnapshots", ["patch"], about.namespace)
      : rules("groupsnapshot.storage.k8s.io", "volumegroupsnapshots", ["patch"], about.namespace))
  ],
  marks: ({ members }) => members.length,
  rehearse: (step, at) =>
    Effect.map(inner(step).rehearse(step.cut, at), (unchecked) => [
      ...unchecked,
      "a dry run does not test whether the members can be quiesced"
    ]),
  perform,
  undo: (step, at) => undo(step, at, inner(step).undo(step.cut, at)),
  undoAlone: (step, at) => undo(step, at, inner(step).undoAlone?.(step.cut, at) ?? Effect.void)
}
