/** What a defect changes of what the engine sends or believes, and what somebody else does for it to show: the parts of losses.ts. */
import * as Effect from "effect/Effect"
import type { Request } from "../../packages/sdk/src/Cluster.ts"
import type { AnyStep } from "../../packages/sdk/src/Operation.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { configmaps, persistentvolumeclaims } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { scaleVerb } from "../../packages/sdk/src/scale/verb.ts"
import { type Act, actsOn, markOf, onJournal, setOf } from "./acts.ts"
import { type Moment, scenarios } from "./rival.ts"
import {
  type Defect,
  dropped,
  each,
  isClaim,
  isPatch,
  isSet,
  isVolume,
  type Json,
  objects,
  says,
  sets,
  wire,
  without
} from "./defects.ts"
import type { Scenario } from "./verdict.ts"
import type { World } from "./world.ts"

export const toPolicy = (policy: string) => (request: Request) =>
  isPatch(request) &&
  isVolume(request) &&
  says(`"replace","path":"/spec/persistentVolumeReclaimPolicy","value":"${policy}"`)(request)

export const isDeleted = sets("metadata deletionTimestamp", undefined)

export const claimsIn = (world: World) => world.sandbox.store.list(persistentvolumeclaims, "shop")
export const journals = (world: World) => world.sandbox.store.list(configmaps, "shop")
/** A claim that names the volume is taken for the one that has it. */
export const volumeNameIsTheFact = wire((world) => ({
  send: (request) =>
    isPatch(request) && isVolume(request)
      ? without(request, ({ op, path }) => op === "test" && path.startsWith("/spec/claimRef"))
      : request,
  take: each(
    objects("PersistentVolumeClaim", sets("status phase", "Bound")),
    objects("PersistentVolume", (volume) => {
      const claim = claimsIn(world).find(({ spec }) => spec.volumeName === volume.metadata.name)
      if (claim === undefined || volume.spec.claimRef?.namespace === "shop") return volume
      const { name, namespace, uid } = claim.metadata
      const bound = sets("status phase", "Bound")(volume)
      return sets("spec claimRef", { ...volume.spec.claimRef, name, namespace, uid })(bound)
    })
  )
}))

/** What was read of a claim once is what is so: another of its name is the same, and none is being deleted. */
export const remembersClaims = (world: World): NonNullable<Defect["take"]> => {
  const known = new Map<string, Json>(
    claimsIn(world).map((claim) => [claim.metadata.name, structuredClone(claim)])
  )
  return each(
    objects("PersistentVolume", sets("status phase", "Bound")),
    objects("PersistentVolumeClaim", (claim) => {
      const first = known.get(claim.metadata.name)
      return first === undefined || claim.metadata.namespace !== "shop"
        ? claim
        : {
            ...claim,
            spec: first.spec,
            status: first.status,
            metadata: {
              ...claim.metadata,
              uid: first.metadata.uid,
              labels: first.metadata.labels,
              annotations: first.metadata.annotations,
              ownerReferences: undefined,
              deletionTimestamp: undefined
            }
          }
    })
  )
}

/** And one that is gone is still there. */
export const remembersAll = wire((world) => {
  const take = remembersClaims(world)
  const known = new Map<string, Json>(claimsIn(world).map((claim) => [claim.metadata.name, claim]))
  return {
    take,
    answer: (value, request) => {
      if (request.method !== "GET" || !isClaim(request) || !request.path.includes("/shop/")) return value
      const gone = known.get(request.path.slice(request.path.lastIndexOf("/") + 1))
      if (value?.kind === "Status") return gone ?? value
      if (!Array.isArray(value?.items)) return value
      const here = new Set(value.items.map(({ metadata }: Json) => metadata.name))
      return {
        ...value,
        items: [...value.items, ...[...known.values()].filter((one) => !here.has(one.metadata.name))]
      }
    }
  }
})

export const filtered = (kind: string, name: string) =>
  wire(() => ({ take: objects(kind, (one) => (one.metadata.name === name ? null : one)) }))

export const noPolicy = (policy: string) =>
  wire(() => ({ send: (request) => (toPolicy(policy)(request) ? dropped(request) : request) }))

export const noFacts = wire(() => ({
  send: (request) =>
    isPatch(request) && isSet(request)
      ? without(
          request,
          ({ op, path }) => op === "test" && (path === "/metadata/generation" || path.startsWith("/spec/"))
        )
      : request
}))

export const noTests = wire(() => ({
  send: (request) =>
    isPatch(request) && isSet(request) && says('"/spec/replicas"')(request)
      ? without(request, ({ op }) => op === "test")
      : request
}))

export const plannedFacts = (isTested: boolean) =>
  wire((world) => {
    const was = setOf(world)?.spec.persistentVolumeClaimRetentionPolicy.whenScaled
    return {
      send: (request) =>
        !isTested && isPatch(request) && isSet(request)
          ? without(request, ({ op, path }) => op === "test" && /generation|^\/spec\/p/.test(path))
          : request,
      take: objects("StatefulSet", sets("spec persistentVolumeClaimRetentionPolicy whenScaled", was))
    }
  })

type Kind = (typeof scaleVerb.steps)[number]
export const withKinds = (change: (kind: Kind) => Kind): typeof scaleVerb => {
  const kinds = new Map(scaleVerb.steps.map((kind) => [kind.tag, change(kind)]))
  const kindOf = (step: AnyStep) => kinds.get(step._tag) ?? scaleVerb.kindOf(step)
  return { ...scaleVerb, steps: [...kinds.values()], kindOf }
}

export const sureOf: typeof scaleVerb = { ...scaleVerb, consent: () => null }

const acts = new Map(
  actsOn(["data-db-0", "data-db-1", "data-db-2", "data-db-3", "aside"]).map((act) => [act.name, act])
)
export const nothing: Act = { name: "nothing", does: () => Effect.void }
export const act = (name: string): Act => {
  const found = acts.get(name)
  if (found === undefined) throw new Error(`no act "${name}"`)
  return found
}

export const first =
  (...all: ReadonlyArray<(request: Request) => boolean>): Moment =>
  (request) =>
    all.every((one) => one(request))
export const countPatch = first(isPatch, isSet, says('"/spec/replicas"'))
export const countIs =
  (count: number): Moment =>
  (_, world) =>
    setOf(world)?.spec.replicas === count
export const atOnce: Moment = 1

/** Of an operation that an earlier version began: the fence says nothing of its plan, and each step stands alone. */
export const forgePlan = (name: string, change: (plan: Json, world: World) => object): Act => ({
  name,
  does: (world) =>
    Effect.andThen(
      Resource.patch(
        { api: kinds.statefulsets, namespace: "shop", name: "db" },
        { _tag: "Merge", value: { metadata: { annotations: { [markOf("plan")]: null } } } }
      ),
      onJournal((data) => {
        const plan: Json = JSON.parse(data["plan.json"] ?? "{}")
        return { data: { "plan.json": JSON.stringify({ ...plan, ...change(plan, world) }) } }
      })(world)
    )
})

export const recreated = (name: string, change: (spec: Json) => object): Act => ({
  name: `a set of its name ${name}`,
  takes: "set",
  does: (world) =>
    Effect.gen(function* () {
      const set = { api: kinds.statefulsets, namespace: "shop", name: "db" }
      const spec = setOf(world)?.spec
      yield* Resource.remove(set, { propagation: "Orphan" })
      for (let waited = 0; waited < 3000 && setOf(world) !== undefined; waited += 50) yield* Effect.sleep(50)
      yield* Resource.create(
        { api: kinds.statefulsets, namespace: "shop" },
        { metadata: { name: "db", namespace: "shop" }, spec: { ...spec, ...change(spec) } }
      )
    })
})

export const claimTarget = (name: string) => ({ api: kinds.persistentvolumeclaims, namespace: "shop", name })
export const held = (claim: string): Act => ({
  name: `a finalizer holds ${claim} for ten seconds`,
  does: () => {
    const finalizers = (value: ReadonlyArray<string>) =>
      Resource.patch(claimTarget(claim), { _tag: "Merge", value: { metadata: { finalizers: value } } })
    const letGo = Effect.andThen(Effect.sleep("10 seconds"), finalizers([]))
    return Effect.andThen(finalizers(["backup/hold"]), Effect.forkDetach(Effect.ignore(letGo)))
  }
})

export const rejoins: Act = {
  name: "delete pod db-2, which then joins by itself",
  does: (world) =>
    Effect.gen(function* () {
      yield* Resource.remove({ api: kinds.pods, namespace: "shop", name: "db-2" })
      yield* Effect.sleep("5 seconds")
      yield* Effect.sync(() => world.members.add("db-2"))
    })
}

const scenarioOf = (name: string): Scenario => {
  const found = scenarios[name]
  if (found === undefined) throw new Error(`no scenario "${name}"`)
  return found
}
export const of = (name: string, more: Partial<Scenario> = {}): Scenario => ({ ...scenarioOf(name), ...more })

/** Whether a journal of ours can be read. */
const isReadable = (data: Json): boolean => {
  try {
    return JSON.parse(data["status.json"]) !== null
  } catch {
    return false
  }
}

/** One that is passed over, with the mark that it left on its set. */
export const passesOver = wire((world) => {
  const lost = () =>
    journals(world)
      .filter((one) => !isReadable(Reflect.get(one, "data")))
      .map(({ metadata }) => metadata.name)
  return {
    take: (object, request) => {
      if (request.path.endsWith("/configmaps") && lost().includes(object.metadata.name)) return null
      const token: string | undefined = object.metadata?.annotations?.[markOf("operation")]
      return isSet(request) && lost().includes(`kubectl-stateful-${token?.split(".")[0]}`)
        ? sets(`metadata annotations ${markOf("operation")}`, undefined)(object)
        : object
    }
  }
})

export const elsewhere = wire(() => ({
  send: (request) => ({
    ...request,
    path: request.path.replace("/namespaces/bank/configmaps", "/namespaces/shop/configmaps")
  }),
  take: objects("ConfigMap", (journal) => {
    const home: Json = JSON.parse(journal.data?.["plan.json"] ?? "{}").home
    return home === undefined ? journal : sets("metadata namespace", home)(journal)
  })
}))
