/** Scaling whose caller dies, and whoever takes it up as well: a third one ends it, and all holds as after one death. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Cluster } from "../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import type { OperationResult } from "../../packages/sdk/src/operation/Progress.ts"
import * as Operation from "../../packages/sdk/src/Operation.ts"
import { leases } from "../../packages/sandbox/src/registry/kinds/index.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { scaleVerb } from "../../packages/sdk/src/scale/verb.ts"
import { ann, bob, carol } from "../sdk/scale/callers.ts"
import { caller, type Deaths, type Faults, lineOf, nothingLeft } from "./again.ts"
import * as Rival from "./rival.ts"
import {
  checkClaims,
  checkEnd,
  checkOrder,
  claimNames,
  type Decorate,
  optionsOf,
  plain,
  type Scenario,
  scenarios as counts,
  watched
} from "./scaling.ts"
import type { Way } from "./sets.ts"
import { told } from "./story.ts"
import * as Verdict from "./verdict.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "./world.ts"

type Go = Effect.Effect<OperationResult, unknown, Cluster>

export interface Means {
  readonly faults?: () => Faults
  readonly again?: () => Faults
  readonly way?: Way
  readonly end?: Way
  readonly bug?: Decorate
}

/** The verb as these callers run it. */
interface Verb {
  readonly begin: (identity: string) => Go
  readonly resume: (id: string, identity: string) => Go
  readonly abort: (id: string, identity: string) => Go
}

const journalOf = (world: World) =>
  Effect.map(withCluster(world.sandbox.cluster)(Journal.list("shop", "db")), ([newest]) => newest ?? null)

/** Ends what is open, and does what had not begun, but for its Lease. */
const takeUp = (world: World, port: Cluster["Service"], verb: Verb, way: Way, identity: string) =>
  Effect.gen(function* () {
    const entry = yield* journalOf(world)
    const isOpen = entry !== null && Journal.isOpen(entry.status)
    if (!isOpen && world.sandbox.store.list(leases, "shop").length === 0) return []
    const go = isOpen ? verb[way](entry.plan.id, identity) : verb.begin(identity)
    return [yield* drive(Effect.exit(withCluster(port)(go)))]
  })

interface Ran {
  readonly exits: ReadonlyArray<Exit.Exit<OperationResult, unknown>>
  /** As its journal says, which is what whoever lived to see it was told. */
  readonly phase: string
  /** The journal names what an abort could not put back any more. */
  readonly isShort: boolean
  readonly calls: number
  readonly replay: string
  readonly deaths: Deaths
  readonly deathsAgain: Deaths
}

const ran = (world: World, port: Cluster["Service"], verb: Verb, means: Means) =>
  Effect.gen(function* () {
    const { faults = () => () => undefined, again = () => () => undefined, way = "resume" } = means
    const [one, two] = [caller(port, faults()), caller(port, again())]
    const exits = [yield* drive(Effect.exit(withCluster(one.cluster)(verb.begin(ann))))]
    exits.push(...(yield* takeUp(world, two.cluster, verb, way, bob)))
    exits.push(...(yield* takeUp(world, port, verb, means.end ?? way, carol)))
    const entry = yield* journalOf(world)
    const last = exits.at(-1)
    if (last?._tag === "Success")
      assert.equal(entry?.status.phase, last.value.outcome, "I13: another end than its journal's")
    return {
      exits,
      phase: entry?.status.phase ?? nothingLeft,
      isShort:
        entry?.status.phase === "Incomplete" && entry.status.aborting && (entry.status.message ?? "") !== "",
      calls: one.record.calls.length,
      replay: lineOf(one.record.replay(), two.record.replay()),
      deaths: one.deaths(),
      deathsAgain: two.deaths()
    } satisfies Ran
  })

/** What is wrong, with what everybody was told. */
const saying =
  (exits: ReadonlyArray<Exit.Exit<OperationResult, unknown>>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.catchDefect(effect, (defect) => {
      const words = defect instanceof Error ? defect.message : String(defect)
      return Effect.die(new Error(`${words}\n  ${exits.map(told).join("; then ")}`, { cause: defect }))
    })

/**
 * Whichever way it went: a member joins once it is ready, no hook runs twice in a row, and nobody goes who has not
 * left. One whose outcome nobody knows may be answered by its opposite.
 */
const checkCalls = ({ log, options: { replicas } }: World) => {
  const story = log.join(", ")
  const start = Array.from({ length: replicas }, (_, ordinal) => `db-${ordinal}`)
  const members = new Set(start)
  const ready = new Set(start)
  const said = new Map<string, string>()
  for (const line of log) {
    const [what = "", pod = ""] = line.split(" ")
    if (what === "ready") ready.add(pod)
    if (what === "delete") assert.ok(!members.has(pod), `${pod} goes and has not left: ${story}`)
    if (what === "gone") {
      ready.delete(pod)
      said.delete(pod)
    }
    if (what !== "join" && what !== "leave") continue
    assert.notEqual(said.get(pod), what, `${line} twice: ${story}`)
    said.set(pod, what)
    if (what === "leave") members.delete(pod)
    else {
      assert.ok(ready.has(pod), `a hello before readiness: ${story}`)
      members.add(pod)
    }
  }
}

const attemptCount = (scenario: Scenario, means: Means) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const breaches: Array<string> = []
    const wire = watched(world.sandbox.cluster, world, breaches, scenario.drainWait)
    const mine = (identity: string) => optionsOf(scenario, identity)
    const verb: Verb = {
      begin: (identity) => Scale.scale(ref, mine(identity)),
      resume: (id, identity) => Scale.resume(at(id), mine(identity)),
      abort: (id, identity) => Scale.abort(at(id), mine(identity))
    }
    const {
      exits,
      phase,
      isShort: _,
      ...met
    } = yield* ran(world, (means.bug ?? plain)(wire, world), verb, means)
    const { replicas } = world.options
    const { to, profile } = scenario
    const isForward = phase === "Succeeded"
    yield* Effect.gen(function* () {
      assert.deepEqual(breaches, [])
      yield* checkEnd(world, isForward ? to : replicas, profile)
      if (profile.afterAdd !== undefined) checkCalls(world)
      if (isForward) {
        checkOrder(world)
        checkClaims(world, claimNames(Math.max(to, replicas)))
      } else {
        // Claims that no pod ever had are gone; one that a pod may have written to is kept.
        const had = world.log.flatMap((line) => (line.startsWith("create ") ? [`data-${line.slice(7)}`] : []))
        checkClaims(world, [...new Set([...claimNames(replicas), ...had])].toSorted())
      }
    }).pipe(saying(exits))
    return { ...met, outcome: phase }
  }).pipe(Effect.scoped)

const nobody = { name: "nothing", does: () => Effect.void }

/** With volumes that are moved, kept and deleted: judged by what may be lost. */
const attemptClaims = (scenario: Verdict.Scenario, means: Means) =>
  Effect.gen(function* () {
    const world = yield* Rival.prepared(scenario)
    const start = Verdict.inventory(world)
    const { purge = false } = scenario.asked
    const manner = (identity: string) => ({ ...Rival.mannerOf(scenario), purge, identity })
    const on = withCluster(world.sandbox.cluster)
    const plan = yield* on(Scale.prepare(ref, { ...scenario.asked, ...manner(ann) }))
    const wire = Verdict.newWire(plan, scenario.asked)
    const port = (means.bug ?? plain)(Rival.rivalled(world, nobody, -1, 0, wire, []), world)
    const verb: Verb = {
      begin: (identity) => Operation.execute(plan, scaleVerb, manner(identity)),
      resume: (id, identity) => Operation.resume(at(id), scaleVerb, manner(identity)),
      abort: (id, identity) => Operation.abort(at(id), scaleVerb, manner(identity))
    }
    const { exits, phase, isShort, ...met } = yield* ran(world, port, verb, means)
    const answered = Verdict.inventory(world)
    // Two rounds of the slowest controller.
    yield* drive(Effect.sleep("35 seconds"))
    const results = exits.flatMap((exit) => (exit._tag === "Success" ? [exit.value] : []))
    const result = results.at(-1) ?? null
    const end = Verdict.inventory(world)
    const seen = { requests: wire.requests, wire, start, acting: start, answered, end, plan, result }
    const words = results.flatMap(({ notes, unmet }) => [...notes, ...unmet]).join()
    // Nobody may be left who is told anything.
    const act = result === null || isShort ? { ...nobody, name: "not all is as it was" } : nobody
    const ends = ["Succeeded", "Aborted", nothingLeft, ...(isShort ? ["Incomplete"] : [])]
    const wrong = Verdict.judge(world, scenario, act, { ...seen, words, story: [], isOpen: false })
    yield* Effect.sync(() => {
      assert.deepEqual(wrong, [])
      assert.ok(ends.includes(phase), `it is ${phase}`)
    }).pipe(saying(exits))
    return { ...met, outcome: phase }
  }).pipe(Effect.scoped)

const { attach, aside, purge } = Rival.scenarios
const claims = { attach, aside, purge, "zero from Delete": Rival.scenarios["zero from Delete"] }

export const scenarios: ReadonlyArray<string> = [...Object.keys(counts), ...Object.keys(claims)]

/** One run, and whoever takes it up. Dies with what is wrong after it. */
export const attempt = (key: string, means: Means = {}) => {
  const count = Object.entries<Scenario>(counts).find(([name]) => name === key)
  if (count !== undefined) return attemptCount(count[1], means)
  const claim = Object.entries(claims).find(([name]) => name === key)
  return claim?.[1] === undefined ? null : attemptClaims(claim[1], means)
}
