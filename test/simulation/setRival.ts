/** Somebody else does one legal act before one request of a set's run: what has to hold after that. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster, ClusterError } from "../../packages/sdk/src/Cluster.ts"
import type { OperationResult } from "../../packages/sdk/src/operation/Progress.ts"
import { persistentvolumeclaims, pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshotcontents, volumesnapshots } from "../../packages/sandbox/src/registry/kinds/storage.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import * as Snapshot from "../../packages/sdk/src/Snapshot.ts"
import { ann, bob, on } from "../sdk/scale/callers.ts"
import { endOf } from "../sdk/snapshot/freezing.ts"
import { type Act, markOf, openJournal, setOf } from "./acts.ts"
import { setName, stranger, withStranger } from "./setActs.ts"
import { running, type Scenario, type Stage, stageOf, ways } from "./sets.ts"
import { inventory } from "./setVerdict.ts"
import type { Seen } from "./rival.ts"
import { drive, withCluster, type World } from "./world.ts"
import { told } from "./story.ts"
import { textOf, volumesIn } from "./volumes.ts"

export interface Met {
  /** The requests of the run itself, without those of who took it up. */
  readonly trace: ReadonlyArray<Seen>
  readonly faults: ReadonlyArray<string>
  readonly story: ReadonlyArray<string>
}

interface Watched {
  readonly trace: Array<Seen>
  acted: boolean
  /** Reads of cuts, of groups, of contents and of records since the act. */
  cuts: number
  groups: number
  contents: number
  records: number
  /** Of the ConfigMap that lists show. */
  lists: number
  /** What the act has made, and what it has taken away, at once. */
  readonly made: Set<string>
  readonly gone: Set<string>
}

const note = (seen: Watched, path: string) => {
  if (/\/volumesnapshots(\/|$)/.test(path)) seen.cuts += 1
  if (/\/volumegroupsnapshots(\/|$)/.test(path)) seen.groups += 1
  if (/\/volume(group)?snapshotcontents(\/|$)/.test(path)) seen.contents += 1
  if (path.includes("/secrets/kubectl-stateful.snapshot.")) seen.records += 1
  if (path.includes("/configmaps/kubectl-stateful.snapshot.")) seen.lists += 1
}

const rivalled = (
  world: World,
  act: Act,
  index: number,
  pause: number,
  seen: Watched
): Cluster["Service"] => ({
  ...world.sandbox.cluster,
  request: (request) =>
    Effect.gen(function* () {
      const { method, path } = request
      seen.trace.push({ method, path, at: yield* Clock.currentTimeMillis })
      if (seen.trace.length === index) {
        const before = inventory(world)
        yield* Effect.exit(on(world)(act.does(world)))
        const after = inventory(world)
        for (const line of before) if (!after.has(line)) seen.gone.add(line)
        // An act takes its time, in which our own are made as well.
        if (/anew|stranger|of the record's name/.test(act.name))
          for (const line of after) if (!before.has(line)) seen.made.add(line)
        seen.acted = true
        if (pause > 0) yield* Effect.sleep(pause)
      }
      if (seen.acted && request.method === "GET") note(seen, request.path)
      return yield* world.sandbox.cluster.request(request)
    })
})

const isOpen = (world: World): boolean =>
  openJournal(world) !== undefined || setOf(world)?.metadata.annotations?.[markOf("operation")] !== undefined

/** The uids of what the act has made, with the contents that controllers have made of it. */
const madeBy = (world: World, lines: ReadonlySet<string>): ReadonlySet<string> => {
  const uids = new Set([...lines].map((line) => line.split(" ")[2] ?? ""))
  for (const { metadata, spec } of world.sandbox.store.list(volumesnapshotcontents))
    if (uids.has(spec.volumeSnapshotRef.uid ?? "")) uids.add(metadata.uid)
  return uids
}

/** What somebody can do about an act once a refusal has named it. */
const remedied = (world: World, act: Act): Effect.Effect<unknown, ClusterError, Cluster> | null => {
  const pod = { api: kinds.pods, namespace: "shop", name: "reader" }
  const set = { api: kinds.statefulsets, namespace: "shop", name: "db" }
  const claim = { api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-1" }
  const start = { _tag: "Merge", value: { spec: { ordinals: { start: 0 } } } } as const
  if (act.name.startsWith("a pod that mounts")) return Resource.remove(pod)
  // What was being cut goes with its side-car's next round.
  if (act.name === "delete a content") return TestClock.adjust("16 minutes")
  if (act.name === "ordinals.start 1") return Resource.patch(set, start)
  // A claim that asks for a volume which is another's is never Bound: its pod waits for it.
  const found = world.sandbox.store.get(persistentvolumeclaims, "shop", claim.name)
  return found?.status.phase === "Pending" ? Resource.remove(claim) : null
}

/** What is wrong with a set that is told to be there. */
const judgeListed = (
  stage: Stage,
  { summary, ready }: Snapshot.Listed,
  made: ReadonlySet<string>
): ReadonlyArray<string> => {
  const { world, freezer, scenario } = stage
  const { store, cuts } = world.sandbox
  const faults: Array<string> = []
  if (summary.cuts.length === 0) faults.push("no success: it has no cuts")
  const own = store
    .list(volumesnapshots, "shop")
    .filter(
      ({ metadata }) =>
        !made.has(metadata.uid ?? "") &&
        (metadata.name.startsWith(`${setName}-`) || metadata.ownerReferences?.[0]?.name === setName)
    )
  for (const { claim, snapshotHandle } of summary.cuts) {
    const its = store
      .list(volumesnapshotcontents)
      .find(({ spec, status }) => snapshotHandle === (status?.snapshotHandle ?? spec.source.snapshotHandle))
    // A member of a group names no claim that is gone.
    const cut = own.find(
      ({ metadata, spec }) =>
        spec.source.persistentVolumeClaimName === claim || metadata.uid === its?.spec.volumeSnapshotRef.uid
    )
    const content = store
      .list(volumesnapshotcontents)
      .find(({ spec }) => cut !== undefined && spec.volumeSnapshotRef.uid === cut.metadata.uid)
    const handle = content?.status?.snapshotHandle ?? content?.spec.source.snapshotHandle ?? ""
    if (cut === undefined) faults.push(`no success: no cut of ${claim}`)
    else if (!cuts.has(handle)) faults.push(`no success: nothing is stored of ${cut.metadata.name}`)
    else if (content?.spec.deletionPolicy !== "Retain") faults.push(`no success: ${claim} is not kept`)
    if (store.get(persistentvolumeclaims, "shop", claim) === undefined) continue
    if (ready?.includes(claim) !== true) faults.push(`no success: ${claim} is not ready`)
  }
  if (own.some(({ spec }) => spec.source.persistentVolumeClaimName === stranger))
    faults.push("crossed: a stranger's claim is in the set")
  if (summary.level === "quiesced" && freezer.holds.length < scenario.replicas)
    faults.push("no success: quiesced, and not held")
  return faults
}

/** One run, met by one act, and taken up until it ends. */
export const attempt = (scenario: Scenario, act: Act, index: number, pause: number) =>
  Effect.gen(function* () {
    const stage = yield* stageOf(scenario)
    const { world, freezer } = stage
    yield* drive(withStranger(world))
    freezer.holds.length = 0
    const start = inventory(world)
    const volumes = volumesIn(world)
    const acting: { policies?: ReturnType<typeof volumesIn>; whenScaled?: string } = {}
    const watched: Act = {
      ...act,
      does: (here) =>
        Effect.suspend(() => {
          acting.policies = volumesIn(here)
          acting.whenScaled = setOf(here)?.spec.persistentVolumeClaimRetentionPolicy?.whenScaled ?? "Retain"
          return act.does(here)
        })
    }
    const seen: Watched = {
      trace: [],
      acted: false,
      cuts: 0,
      groups: 0,
      contents: 0,
      records: 0,
      lists: 0,
      made: new Set(),
      gone: new Set()
    }
    const cluster = rivalled(world, watched, index, pause, seen)
    const story: Array<string> = []
    const results: Array<OperationResult> = []
    const go = (name: string, run: Effect.Effect<OperationResult, unknown, Cluster>) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(drive(withCluster(cluster)(run), 600_000))
        story.push(`${name}: ${told(exit)}`)
        if (Exit.isSuccess(exit)) results.push(exit.value)
        return Exit.isSuccess(exit)
      })
    const manner = { identity: bob, stepTimeout: 20_000 }
    let ended = yield* go("run", running(stage, undefined))
    const trace = [...seen.trace]
    const uids = world.sandbox.store.list(pods, "shop").map(({ metadata }) => metadata.uid)
    // What was held in a pod that is gone went with it.
    const held = freezer.holds.filter((hold) => endOf(hold) > freezer.now() && uids.includes(hold.uid)).length
    yield* TestClock.adjust("12 seconds")
    for (const way of ["resume", "abort", "abort"] as const) {
      const id = openJournal(world)?.metadata.name.slice("kubectl-stateful-".length)
      if (ended || !isOpen(world) || id === undefined) break
      ended = yield* go(
        way,
        ways[scenario.verb][way]({ namespace: "shop", id }, { ...manner, identity: ann })
      )
    }
    const remedy = !ended && isOpen(world) ? remedied(world, act) : null
    const id = openJournal(world)?.metadata.name.slice("kubectl-stateful-".length)
    if (remedy !== null && id !== undefined) {
      yield* Effect.ignore(on(world)(remedy))
      const at = { namespace: "shop", id }
      yield* go("abort again", ways[scenario.verb].abort(at, { ...manner, identity: ann }))
    }
    yield* TestClock.adjust("35 seconds")
    const end = inventory(world)
    const faults: Array<string> = []
    const words = [...story, ...results.flatMap(({ unmet, notes }) => [...unmet, ...notes])].join("; ")
    // Nothing that a member has written is lost by an act of ours.
    for (const [name, { text, policy }] of volumes) {
      if (textOf(world, name) === text && volumesIn(world).has(name)) continue
      const then = acting.policies?.get(name)?.policy ?? policy
      const mayGo =
        act.name.startsWith("delete the volume") ||
        act.name.startsWith("policy Delete") ||
        (act.takes !== undefined && (then === "Delete" || acting.whenScaled === "Delete"))
      if (!mayGo) faults.push(`lost: "${text}" of ${name}`)
    }
    // Nobody is held once its caller has ended, nor for longer than the deadline.
    if (held > 0) faults.push(`${held} held after the end`)
    for (const hold of freezer.holds)
      if (Math.min(endOf(hold), freezer.now()) - hold.begin > 11_000)
        faults.push(`${hold.pod} was held for long`)
    // What is another set's, or a stranger's, is as it was.
    for (const line of start)
      if (!end.has(line) && !seen.gone.has(line) && !line.includes(setName)) faults.push(`touched: ${line}`)
    const result = results.at(-1)
    const isDone = result?.outcome === "Succeeded" && !result.aborted
    const listed = Exit.match(yield* Effect.exit(on(world)(Snapshot.list("shop"))), {
      onFailure: () => undefined,
      onSuccess: (all) => all.find(({ summary }) => summary.name === setName)
    })
    const made = madeBy(world, seen.made)
    const lines = [...end].filter((line) => line.includes(setName) && !made.has(line.split(" ")[2] ?? ""))
    const isAbout = (what: RegExp) => what.test(act.name)
    const isUnseen =
      (isAbout(/cut/) && seen.cuts === 0) ||
      (isAbout(/group/) && seen.groups === 0) ||
      (isAbout(/content/) && seen.contents === 0) ||
      (isAbout(/record/) && seen.records === 0) ||
      (isAbout(/list shows|ConfigMap/) && seen.lists === 0)
    if (act.name === "nothing" && !isDone) faults.push("without any act")
    if (scenario.verb === "take" && isDone && !isUnseen) {
      if (listed === undefined) faults.push("no success: it is not listed")
      else faults.push(...judgeListed(stage, listed, made))
    }
    if (scenario.verb === "prune" && isDone && lines.length > 0) faults.push(`no success: ${lines.join()}`)
    // What a set that is not there has left is named.
    if (scenario.verb === "take" && !isDone && !isOpen(world) && listed === undefined) {
      const left = lines.filter((line) => {
        const [, name = "", , , of = ""] = line.split(" ")
        return !words.includes(name) && !words.includes(`"${of}"`)
      })
      if (left.length > 0 && !act.name.includes("journal")) faults.push(`left: ${left.join()}`)
    }
    if (isOpen(world) && act.takes !== "set" && !/journal|annotation operation/.test(act.name))
      faults.push("cannot be ended")
    const set = setOf(world)
    if (act.takes === undefined && !isOpen(world) && set?.spec.replicas !== scenario.replicas)
      faults.push(`${set?.spec.replicas} replicas`)
    const { whenScaled } = set?.spec.persistentVolumeClaimRetentionPolicy ?? {}
    if (
      !/whenScaled|retention/.test(act.name) &&
      act.takes !== "set" &&
      !isOpen(world) &&
      whenScaled !== "Delete"
    )
      faults.push(`whenScaled ${whenScaled}`)
    return { trace, faults, story } satisfies Met
  })
