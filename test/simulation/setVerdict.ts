/** What has to be so after a set was taken, deleted or restored, whoever ended it, and whatever it met. */
import assert from "node:assert/strict"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Cluster, Request } from "../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import type { OperationResult } from "../../packages/sdk/src/operation/Progress.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import {
  configmaps,
  persistentvolumeclaims,
  persistentvolumes,
  pods,
  secrets
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { leases } from "../../packages/sandbox/src/registry/kinds/index.ts"
import {
  volumegroupsnapshotcontents,
  volumegroupsnapshots,
  volumesnapshotcontents,
  volumesnapshots
} from "../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Snapshot from "../../packages/sdk/src/Snapshot.ts"
import { assertSettled, stateOf } from "../sdk/restore/world.ts"
import { assertThawed, assertTruth, endOf } from "../sdk/snapshot/freezing.ts"
import type { Stage } from "./sets.ts"
import { withCluster, type World } from "./world.ts"

/** What stands for sets, one line an object: what nobody may touch whose set it is not. */
export type Inventory = ReadonlySet<string>

interface Named {
  readonly name: string
  readonly uid: string
}

const claimsIn = (world: World) => world.sandbox.store.list(persistentvolumeclaims, "shop")

export const inventory = ({ sandbox: { store } }: World): Inventory => {
  const lines: Array<string> = []
  const snapshots = store.list(volumesnapshots, "shop")
  /** A member of a group has no name of ours. */
  const setOf = (name = ""): string => {
    const found = snapshots.find(({ metadata }) => metadata.name === name)
    return found?.metadata.ownerReferences?.[0]?.name ?? name
  }
  const add = (kind: string, { name, uid }: Named, more: string) =>
    lines.push(`${kind} ${name} ${uid} of ${more}`)
  for (const { metadata } of snapshots) add("cut", metadata, setOf(metadata.name))
  for (const { metadata } of store.list(volumegroupsnapshots, "shop")) add("group", metadata, metadata.name)
  for (const { metadata, spec } of store.list(volumesnapshotcontents))
    add("content", metadata, `${setOf(spec.volumeSnapshotRef.name)} ${spec.deletionPolicy}`)
  for (const { metadata, spec } of store.list(volumegroupsnapshotcontents))
    add("content", metadata, `${spec.volumeGroupSnapshotRef.name} ${spec.deletionPolicy}`)
  for (const { metadata } of [...store.list(secrets, "shop"), ...store.list(configmaps, "shop")])
    if (metadata.name.startsWith("kubectl-stateful.snapshot.")) add("record", metadata, metadata.name)
  return new Set(lines)
}

/** Whether a line of the inventory is of the set that the run is about. */
const isOf = (set: string) => (line: string) => line.includes(set)

/** Of a claim that was set aside: that its operation is over, and nothing else. */
const sealed =
  /^\{"metadata":\{"uid":"[^"]+","annotations":\{"kubectl-stateful\.dev\/ended":"[0-9a-f]{8}"\}\}\}$/

/**
 * What is wrong at the wire whatever it comes to: something deleted by its name alone, a change before there
 * is a journal, and a pod started on a claim that has not its restored volume.
 */
export const watched = (
  inner: Cluster["Service"],
  { world, scenario }: Stage,
  breaches: Array<string>
): Cluster["Service"] => {
  const look = ({ method, path, body = "", query = [] }: Request) => {
    if (method === "GET" || path.includes("accessreviews") || query.some(([key]) => key === "dryRun")) return
    if (method === "DELETE" && !body.includes('"uid"')) breaches.push(`${method} ${path} without a uid`)
    const isOwn = /\/leases|\/configmaps/.test(path)
    const journals = world.sandbox.store
      .list(configmaps, "shop")
      .filter(({ metadata }) =>
        ["Running", "Aborting", "Stopped"].includes(
          metadata.annotations?.["kubectl-stateful.dev/phase"] ?? ""
        )
      )
    // Behind the journal's end: that the operation is over stands on what it made as well.
    const isEnd =
      method === "PATCH" &&
      (body.includes('"path":"/metadata/annotations/kubectl-stateful.dev~1ended"') || sealed.test(body))
    if (!isOwn && !isEnd && journals.length === 0) breaches.push(`${method} ${path} without a journal`)
    const set = world.sandbox.store.get(statefulsets, "shop", "db")
    const raises = /"path":"\/spec\/replicas","value":[1-9]/.test(body) && set?.spec.replicas === 0
    if (raises && (scenario.verb === "restore" || scenario.verb === "undo") && method === "PATCH") {
      for (const claim of finalClaims(world)) {
        if (claim !== null && claim.text !== null) continue
        breaches.push("pods are started before each claim has a volume that was one of a member")
      }
    }
  }
  return {
    ...inner,
    request: (request) =>
      Effect.suspend(() => {
        look(request)
        return inner.request(request)
      })
  }
}

/** The members' claims with what their volumes say; `text` null: it is not its volume, or there is no word of a member in it. */
const finalClaims = (world: World) =>
  Array.from({ length: world.options.replicas }, (_, ordinal) => {
    const name = `data-db-${ordinal}`
    const claim = claimsIn(world).find(({ metadata }) => metadata.name === name)
    if (claim === undefined) return null
    const volume = world.sandbox.store.get(persistentvolumes, undefined, claim.spec.volumeName ?? "")
    const isIts = volume?.spec.claimRef?.uid === claim.metadata.uid && claim.status.phase === "Bound"
    const text = world.sandbox.volumes.get(claim.spec.volumeName ?? "")?.readText("mark") ?? ""
    return { name, text: isIts && text.endsWith(` ${name}`) ? text : null }
  })

export interface Ending {
  readonly exit: Exit.Exit<OperationResult, unknown>
  readonly told: ReadonlyArray<Exit.Exit<OperationResult, unknown>>
  readonly breaches: ReadonlyArray<string>
  /** Nothing went wrong on the way: what takes long is its own doing. */
  readonly isQuiet: boolean
  /** Somebody else has acted. */
  readonly isMet: boolean
}

/** No freeze outlasts its last cut by more than a few looks. */
const judgeFreeze = ({ world, freezer }: Stage, isQuiet: boolean) => {
  assertThawed(freezer)
  if (!isQuiet) return
  const cuts = world.sandbox.store
    .list(volumesnapshotcontents)
    .map(({ status }) => (status?.creationTime ?? 0) / 1e6)
  const end = Math.max(0, ...freezer.holds.map(endOf))
  const began = Math.min(Infinity, ...freezer.holds.map(({ begin }) => begin))
  const last = Math.max(began, ...cuts)
  assert.ok(end - last < 1500, `held for ${end - last} ms after the last cut`)
}

/** A set that is listed is what it says; one that is not has left nothing. */
const judgeTaken = (stage: Stage) =>
  Effect.gen(function* () {
    const { world, freezer, start, scenario, others } = stage
    const end = inventory(world)
    const listed = (yield* withCluster(world.sandbox.cluster)(Snapshot.list("shop"))).find(
      ({ summary }) => summary.name === "nightly"
    )
    const own = claimsIn(world).filter(({ metadata }) => /^data-db-\d+$/.test(metadata.name))
    const claims = JSON.stringify(own.map(({ metadata }) => metadata))
    assert.ok(!claims.includes("cut-with"), "the label of a group was left on a claim")
    const ours = [...end].filter((line) => !start.has(line) && !others.made.has(line))
    if (listed === undefined) {
      assert.deepEqual(ours, [], "left of a set that is not listed")
      return
    }
    const { summary, ready } = listed
    const { consistency: asked = "auto" } = scenario.options
    if (asked === "quiesced" || asked === "offline") assert.equal(summary.level, asked)
    assertTruth(world, freezer, summary.level)
    assert.equal(ready?.length, scenario.replicas, "a set that was told to be done is not ready")
    for (const { metadata, status } of world.sandbox.store.list(volumesnapshots, "shop"))
      assert.equal(status?.readyToUse, true, `${metadata.name} is not ready`)
    const cuts = ours.filter((line) => line.startsWith("cut "))
    assert.equal(cuts.length, scenario.replicas, `cut was also ${cuts.join()}`)
    for (const line of ours) if (line.startsWith("content ")) assert.match(line, / Retain$/)
  })

/** Either all of it is there still, under Retain, or nothing of it; of somebody else's nothing went. */
const judgePruned = ({ world, start, others }: Stage, last: Exit.Exit<OperationResult, unknown>) => {
  const end = inventory(world)
  const left = [...end].filter((line) => isOf("nightly")(line) && !others.made.has(line))
  const held = world.sandbox.store.list(volumesnapshotcontents).flatMap(({ spec, metadata }) => {
    const { snapshotHandle } = spec.source
    return snapshotHandle === undefined ? [] : [{ name: metadata.name, snapshotHandle }]
  })
  for (const { name, snapshotHandle } of held)
    assert.ok(world.sandbox.cuts.has(snapshotHandle), `a cut is gone that ${name} holds`)
  if (last._tag === "Success" && last.value.outcome === "Succeeded")
    assert.deepEqual(left, [], "left of a set that was deleted")
  else if ([...start].every((line) => end.has(line) || !line.startsWith("cut ")))
    for (const line of left) if (line.startsWith("content ")) assert.match(line, / Retain$/)
}

const textsIn = (world: World) =>
  world.sandbox.store
    .list(persistentvolumes)
    .map(({ metadata }) => world.sandbox.volumes.get(metadata.name)?.readText("mark"))

/** One state whole, the wanted one or the old one; of what members have ever written nothing is lost. */
const judgeRestored = (
  stage: Stage,
  last: Exit.Exit<OperationResult, unknown>,
  { isMet }: Pick<Ending, "isMet">
) => {
  const { world, scenario } = stage
  const [old, wanted] = scenario.verb === "undo" ? ["before", "after"] : ["after", "before"]
  const is = stateOf(world, scenario.replicas)
  if (last._tag === "Success") {
    const { outcome, unmet, aborted } = last.value
    // What somebody else has taken away is named.
    if (!isMet) assert.ok(outcome === "Succeeded" || outcome === "Aborted", `${outcome}: ${unmet.join()}`)
    assert.equal(is, aborted ? old : wanted)
    // Killed, it may have come to its end before that: then nobody took it up.
  } else if (!Cause.hasInterrupts(last.cause)) assert.equal(is, old, "it has failed, and changed the state")
  else assert.ok(is === old || is === wanted, `the state is ${is}`)
  const texts = textsIn(world)
  for (let ordinal = 0; ordinal < scenario.replicas; ordinal++)
    assert.ok(texts.includes(`after data-db-${ordinal}`), `what db-${ordinal} has written is lost`)
  for (const { spec } of world.sandbox.store.list(persistentvolumes))
    if (/^data-db-\d+-/.test(spec.claimRef?.name ?? ""))
      assert.equal(spec.persistentVolumeReclaimPolicy, "Retain", `${spec.claimRef?.name} is not kept`)
  if (!isMet) assertSettled(world)
}

/** The application runs as before, nothing is open, and nobody is held by it. */
const judgeApp = ({ world, scenario: { replicas } }: Stage) =>
  Effect.gen(function* () {
    const { store } = world.sandbox
    const journals = yield* withCluster(world.sandbox.cluster)(Journal.list("shop"))
    const open = journals.filter(({ status }) => Journal.isOpen(status))
    assert.deepEqual(
      open.map(({ plan }) => plan.verb),
      [],
      "an operation cannot be ended"
    )
    assert.deepEqual(
      store.list(leases, "shop").map(({ metadata }) => metadata.name),
      [],
      "a Lease was left"
    )
    const set = store.get(statefulsets, "shop", "db")
    assert.equal(set?.spec.replicas, replicas, "the count")
    assert.equal(set?.spec.persistentVolumeClaimRetentionPolicy.whenScaled, "Delete", "whenScaled")
    assert.deepEqual(Object.keys(set?.metadata.annotations ?? {}), [], "annotations of the set")
    const names = Array.from({ length: replicas }, (_, ordinal) => `db-${ordinal}`)
    assert.deepEqual(
      store
        .list(pods, "shop")
        .map(({ metadata }) => metadata.name)
        .toSorted(),
      names,
      "pods"
    )
    for (const name of names) {
      const claim = claimsIn(world).find(({ metadata }) => metadata.name === `data-${name}`)
      const volume = store.get(persistentvolumes, undefined, claim?.spec.volumeName ?? "")
      assert.equal(
        volume?.spec.persistentVolumeReclaimPolicy,
        "Delete",
        `the policy of the volume of ${name}`
      )
    }
  })

export const judge = (stage: Stage, { exit, told, breaches, isQuiet, isMet }: Ending) =>
  Effect.gen(function* () {
    const { world, start, scenario, others } = stage
    const last = told.at(-1) ?? exit
    assert.deepEqual(breaches, [])
    judgeFreeze(stage, isQuiet)
    const isOwn = scenario.verb === "prune" ? isOf("nightly") : () => false
    const end = inventory(world)
    const stays = [...[...start].filter((line) => !isOwn(line) && !others.gone.has(line)), ...others.made]
    const touched = stays.filter((line) => !end.has(line))
    assert.deepEqual(touched, [], "another set was touched")
    yield* judgeApp(stage)
    if (scenario.verb === "take") yield* judgeTaken(stage)
    else if (scenario.verb === "prune") judgePruned(stage, last)
    else judgeRestored(stage, last, { isMet })
  }).pipe(
    Effect.catchDefect((defect) => {
      const words = defect instanceof Error ? defect.message : String(defect)
      const story = [exit, ...told]
        .map((one) => (one._tag === "Success" ? one.value.outcome : String(one.cause).slice(0, 300)))
        .join("; then ")
      return Effect.die(new Error(`${stage.scenario.name}: ${words}\n  ${story}`, { cause: defect }))
    })
  )
