/** What no request of ours may do, seen at the wire: judged by what is so in the cluster just before it. */
import type { Request } from "../../packages/sdk/src/Cluster.ts"
import { jobs } from "../../packages/sandbox/src/registry/kinds/index.ts"
import {
  persistentvolumeclaims,
  persistentvolumes,
  pods
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { needed } from "../../packages/sdk/src/Quorum.ts"
import { markOf, setOf } from "./acts.ts"
import type { Wire } from "./verdict.ts"
import type { World } from "./world.ts"

interface Change {
  readonly op: string
  readonly path: string
  readonly value?: unknown
}

const changesOf = ({ body }: Request): ReadonlyArray<Change> => {
  const parsed: unknown = JSON.parse(body ?? "null")
  return Array.isArray(parsed) ? parsed.filter(({ op }) => op !== "test") : []
}

/** A change of the count rests on facts of the plan: they are so when it is made. */
const onCount = (world: World, request: Request, wire: Wire): ReadonlyArray<string> => {
  const { plan } = wire
  const to = changesOf(request).find(({ path }) => path === "/spec/replicas")?.value
  const spec = setOf(world)?.spec
  const { facts } = plan.settings
  if (to === undefined || spec === undefined || facts === undefined) return []
  const { whenScaled } = spec.persistentVolumeClaimRetentionPolicy
  const templates = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name)
  const is = {
    ...(Number(to) < spec.replicas ? { whenScaled } : {}),
    firstOrdinal: spec.ordinals?.start ?? 0,
    podManagementPolicy: spec.podManagementPolicy,
    templates
  }
  const moved = Object.entries(is).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(facts, name))
  )
  return [
    ...moved.map(([name, value]) => `changes the count where ${name} is ${JSON.stringify(value)}`),
    ...belowQuorum(spec.replicas, Number(to), wire)
  ]
}

/** Members that stay, and were not ready when pods were listed last, leave less than the majority of those that there are. */
const belowQuorum = (from: number, to: number, wire: Wire): ReadonlyArray<string> => {
  const { quorum = "majority" } = wire.asked
  if (to >= from || to === 0 || quorum !== "majority" || wire.ready === null) return []
  const start = wire.plan.settings.facts?.firstOrdinal ?? 0
  const staying = wire.ready.filter((name) => name.startsWith("db-") && Number(name.slice(3)) < start + to)
  return staying.length < Math.min(to, needed(quorum, from))
    ? [`goes below quorum: ${staying.length} ready of ${to} that stay, ${from} before`]
    : []
}

/** Notes who is there when we list who may use claims: who comes after that is a race that no write can test. */
const note = (world: World, { method, path }: Request, wire: Wire) => {
  if (method !== "GET") return
  const { store } = world.sandbox
  if (path.endsWith("/pods")) {
    const found = store.list(pods, "shop")
    for (const { metadata } of found) wire.listed.add(metadata.uid)
    wire.ready = found.flatMap(({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true
        ? [metadata.name]
        : []
    )
  }
  if (path.endsWith("/jobs"))
    for (const { metadata } of store.list(jobs, "shop")) wire.listed.add(metadata.uid)
}

/** Pods that mount the claim, as far as we have listed them. */
const mounters = (world: World, claim: string, { listed }: Wire) =>
  world.sandbox.store
    .list(pods, "shop")
    .filter(({ spec }) => spec.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === claim))
    .flatMap(({ metadata }) => (listed.has(metadata.uid) ? [metadata.name] : []))

/** Jobs whose pods would mount the claim. */
const jobsOn = (world: World, claim: string, { listed }: Wire) =>
  world.sandbox.store
    .list(jobs, "shop")
    .filter((job) => JSON.stringify(Reflect.get(job, "spec") ?? {}).includes(`"claimName":"${claim}"`))
    .flatMap(({ metadata }) => (listed.has(metadata.uid) ? [metadata.name] : []))

/** Whether we have asked since the act, so that it is no race that no write can test. */
const isSeen = ({ acted, since }: Wire, ...asked: ReadonlyArray<RegExp>): boolean => {
  if (!acted) return true
  let from = -1
  for (const path of asked) {
    from = since.findIndex((line, index) => index > from && path.test(line))
    if (from < 0) return false
  }
  return true
}

const onVolume = (world: World, name: string, request: Request, wire: Wire): ReadonlyArray<string> => {
  const { claimRef } = world.sandbox.store.get(persistentvolumes, undefined, name)?.spec ?? {}
  const isOurs = claimRef?.namespace === "shop" && /^data-db-\d/.test(claimRef.name)
  const wrong = isOurs ? [] : [`writes to the volume of ${claimRef?.namespace}/${claimRef?.name}`]
  const moves = changesOf(request).some(({ path }) => path === "/spec/claimRef")
  const users = moves && claimRef !== undefined ? mounters(world, claimRef.name, wire) : []
  return users.length > 0
    ? [...wrong, `moves the volume of ${claimRef?.name}, that ${users[0]} mounts`]
    : wrong
}

const onDeletion = (world: World, name: string, wire: Wire): ReadonlyArray<string> => {
  const claim = world.sandbox.store.get(persistentvolumeclaims, "shop", name)
  if (claim === undefined) return []
  const { uid, annotations } = claim.metadata
  const isMade = wire.operations.has(annotations?.[markOf("made-by")] ?? "")
  const wrong: Array<string> = []
  if (!/^data-db-\d/.test(name)) wrong.push(`deletes claim ${name}`)
  if (!isMade && wire.theirs.has(uid)) wrong.push(`deletes claim ${name}, that somebody else made`)
  const [pod] = mounters(world, name, wire)
  if (pod !== undefined) wrong.push(`deletes claim ${name}, that ${pod} mounts`)
  const [job] = jobsOn(world, name, wire)
  if (job !== undefined) wrong.push(`deletes claim ${name}, that Job ${job} uses`)
  const [, ordinal] = /^data-db-(\d+)$/.exec(name) ?? []
  const isWritten = isMade && ordinal !== undefined && world.log.includes(`create db-${ordinal}`)
  if (isWritten && isSeen(wire, /^GET .*\/statefulsets\/db$/, /^GET .*\/persistentvolumeclaims$/))
    wrong.push(`deletes claim ${name}, that a pod has had`)
  return wrong
}

export const wrongs = (world: World, request: Request, wire: Wire): ReadonlyArray<string> => {
  const { method, path, query = [] } = request
  note(world, request, wire)
  // Whatever the answer: it was asked.
  if (path.includes("/proxy") && wire.asked.health === undefined) wire.breaches.push(`asks ${path}`)
  if (method === "GET" || query.some(([name]) => name === "dryRun")) return []
  const name = path.slice(path.lastIndexOf("/") + 1)
  const wrong = path.includes("/namespaces/bank") ? [`${method} ${path}`] : []
  if (method === "PATCH" && path.endsWith("/statefulsets/db")) {
    return [...wrong, ...onCount(world, request, wire)]
  }
  if (method === "PATCH" && path.includes("/persistentvolumes/")) {
    return [...wrong, ...onVolume(world, name, request, wire)]
  }
  return method === "DELETE" && path.includes("/persistentvolumeclaims/")
    ? [...wrong, ...onDeletion(world, name, wire)]
    : wrong
}
