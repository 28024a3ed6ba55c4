/**
 * Defects planted in taking, deleting and restoring sets: each is what the engine would send, or believe,
 * with one of its lines left out, or its plan with a step left out or moved, and whatever it takes to show.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster, ExecRequest, Request } from "../../packages/sdk/src/Cluster.ts"
import { driver } from "../../packages/sandbox/src/node/Nodes.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { when } from "../../packages/sandbox/src/Fault.ts"
import { isHeld } from "../../packages/sandbox/src/node/HeldExec.ts"
import {
  persistentvolumeclaims,
  persistentvolumes,
  pods
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshotcontents, volumesnapshots } from "../../packages/sandbox/src/registry/kinds/storage.ts"
import { quiescedAnnotation } from "../../packages/sdk/src/Labels.ts"
import { wire as lines } from "../sdk/freezer.ts"
import { claimObject, on } from "../sdk/scale/callers.ts"
import { dropped, isClaim, isPatch, isVolume, type Json, objects, says, sets, wire } from "./defects.ts"
import type { Decorate } from "./scaling.ts"
import { type Means, type Scenario, scenarios, type Stage } from "./sets.ts"
import { inventory } from "./setVerdict.ts"
import type { World } from "./world.ts"

const { crash, group, alone, prune, restore } = scenarios(3)

export interface PlantedSet {
  readonly name: string
  readonly scenario: Scenario
  /** What it takes to show, with the defect and without it. */
  readonly means?: Omit<Means, "bug" | "recast">
  readonly defect: Pick<Means, "bug" | "recast">
  /** By what it is noticed. */
  readonly says: RegExp
}

const isCut = ({ method, path }: Request) => method === "POST" && /\/volume(group)?snapshots$/.test(path)
const isContent = ({ path }: Request) => /snapshotcontents\//.test(path)

/** These requests are not made, and what they were for is believed to be so from then on. */
const believes = (
  matches: (request: Request) => boolean,
  take: (object: Json, request: Request) => Json
): Decorate =>
  wire(() => {
    let isBelieved = false
    return {
      send: (request) => {
        if (!matches(request)) return request
        isBelieved = true
        return dropped(request)
      },
      take: (object, request) => (isBelieved ? take(object, request) : object)
    }
  })

/** Commands changed on their way into a pod. */
const execs =
  (change: (request: ExecRequest, world: World) => ExecRequest): Decorate =>
  (inner, world) => ({ ...inner, exec: (request) => inner.exec(change(request, world)) })

const word = (from: string, to: string) => (request: ExecRequest) => ({
  ...request,
  command: request.command.map((one) => (one === from ? to : one))
})

/** Somebody else acts once, before the first request like this; `on`: the name of ours that it takes away, or makes anew. */
const once =
  (
    matches: (request: Request, world: World) => boolean,
    act: (stage: Stage) => Effect.Effect<unknown, unknown, Cluster>,
    about = "nothing of ours"
  ): NonNullable<Means["between"]> =>
  (stage, inner) => {
    let hasActed = false
    const { world, others } = stage
    const mine = () => [...inventory(world)].filter((line) => line.includes(`of ${about}`))
    const acts = Effect.gen(function* () {
      const before = mine()
      yield* Effect.ignore(on(world)(act(stage)))
      const after = mine()
      for (const line of before) if (!after.includes(line)) others.gone.add(line)
      for (const line of after) if (!before.includes(line)) others.made.add(line)
    })
    return {
      ...inner,
      request: (request) => {
        if (hasActed || !matches(request, world)) return inner.request(request)
        hasActed = true
        return Effect.andThen(acts, inner.request(request))
      }
    }
  }

/** What a server says on an exec's standard output, changed. */
const hears =
  (change: (text: string) => string): Decorate =>
  (inner) => ({
    ...inner,
    exec: (request) =>
      Effect.map(inner.exec(request), (session) => ({
        ...session,
        stdout: session.stdout.pipe(
          Stream.decodeText(),
          Stream.map((text) => new TextEncoder().encode(change(text)))
        )
      }))
  })

const cutOf = (world: World, name: string) => world.sandbox.store.get(volumesnapshots, "shop", name)

const contentOf = (world: World, cut: string) =>
  world.sandbox.store.list(volumesnapshotcontents).find(({ spec }) => spec.volumeSnapshotRef.name === cut)

const handleOf = (world: World, volume: string) =>
  world.sandbox.store.get(persistentvolumes, undefined, volume)?.spec.csi?.volumeHandle

const target = (api: Resource.ApiResource, name: string) => ({ api, namespace: "shop", name })

const step = (tag: string) => (one: { readonly _tag: string }) => one._tag === tag

/** The plan without the steps of a kind. */
const omits =
  (tag: string): NonNullable<Means["recast"]> =>
  ({ steps }) => ({
    steps: steps.filter((one) => !step(tag)(one))
  })

/** The plan with the count raised before any volume is attached. */
const raisesFirst: NonNullable<Means["recast"]> = ({ steps }) => {
  const up = steps.findLastIndex(step("SetReplicas"))
  const attach = steps.findIndex(step("AttachVolume"))
  const [raise] = steps.slice(up, up + 1)
  const rest = steps.filter((one) => one !== raise)
  return { steps: raise === undefined ? steps : [...rest.slice(0, attach), raise, ...rest.slice(attach)] }
}

/** Somebody's own cut has the name of one of the set. */
const retakes = once(
  ({ method, path }) => method === "PATCH" && /volumesnapshotcontents/.test(path),
  () =>
    Effect.gen(function* () {
      const cut = target(kinds.volumesnapshots, "nightly-data-db-1")
      yield* Resource.remove(cut)
      yield* Effect.sleep(300)
      yield* Resource.create(
        { api: kinds.volumesnapshots, namespace: "shop" },
        {
          metadata: { name: cut.name, namespace: "shop" },
          spec: { source: { persistentVolumeClaimName: "data-db-1" } }
        }
      )
      yield* Effect.sleep(300)
    }),
  "nightly-data-db-1"
)

export const plantedSets: ReadonlyArray<PlantedSet> = [
  {
    name: "a quiesce that failed is not thawed",
    scenario: alone,
    means: { before: ({ freezer }) => Effect.sync(() => void freezer.answers.set("freeze db-1", 3)) },
    defect: { bug: execs(word("thaw", ":")) },
    says: /held after its caller had ended/
  },
  {
    name: "members are held until the cuts are ready to use",
    scenario: { ...alone, parameters: { readyAfter: "5s" } },
    defect: {
      bug: wire(() => ({
        take: (object: Json) =>
          object?.status?.creationTime != null && object.status.readyToUse !== true
            ? sets("status creationTime", undefined)(object)
            : object
      }))
    },
    says: /ms after the last cut/
  },
  {
    name: "the deadline is not passed on to the pod",
    scenario: { ...alone, parameters: { cutDelay: "20s" } },
    means: {
      between: (stage, inner) => {
        const line = lines(inner)
        return once(isCut, () => line.silence)(stage, line.cluster)
      }
    },
    defect: {
      bug: execs((request) => (isHeld(request.command) ? word("10", "600")(request) : request))
    },
    says: /was held for/
  },
  {
    name: "a cut is believed before it is seen",
    scenario: { ...alone, parameters: { cutDelay: "2s" } },
    defect: {
      bug: wire(() => ({
        take: (object: Json, request) =>
          request.path.includes("/volumesnapshots") && object?.status?.creationTime == null
            ? sets("status creationTime", "2026-11-28T00:00:00Z")(object)
            : object
      }))
    },
    says: /was not held from/
  },
  {
    name: "a member that says its hold was lost is believed to have held",
    scenario: alone,
    means: { before: ({ freezer }) => Effect.sync(() => void freezer.robbed.add("db-1")) },
    defect: { bug: hears((text) => text.replace(/ended 1\n/, "ended 0\n")) },
    says: /was not held from/
  },
  {
    name: "the proof is written with the cut, and not after the release",
    scenario: { ...scenarios(1).alone, parameters: { cutDelay: "2s" } },
    means: {
      way: "resume",
      // What is held ends with its process, and that with its caller's connection.
      before: ({ freezer }) => Effect.sync(() => void (freezer.sticks = false)),
      faults: () => when(({ request, write }) => write && isCut(request), { _tag: "Kill", applied: true })
    },
    defect: {
      bug: wire(() => ({
        take: objects("VolumeSnapshot", (object) => {
          const operation = object.metadata.labels?.["kubectl-stateful.dev/made-by"]
          if (operation === undefined) return object
          const proof = { operation, guarantee: "blocks-writes", deadline: 10_000, members: [] }
          return sets(`metadata annotations ${quiescedAnnotation}`, JSON.stringify(proof))(object)
        })
      }))
    },
    says: /was not held from/
  },
  {
    name: "a container that was replaced is not thawed",
    scenario: { ...alone, parameters: { cutDelay: "3s" } },
    means: {
      between: once(isCut, ({ world }) =>
        Effect.andThen(
          Effect.sync(() => world.sandbox.registry.remove(pods, "shop", "db-1", { gracePeriodSeconds: 0 })),
          Effect.sleep(1500)
        )
      )
    },
    defect: {
      bug: (inner, world) => {
        const first = new Map(
          world.sandbox.store.list(pods, "shop").map(({ metadata }) => [metadata.name, metadata.uid])
        )
        return execs((request) => {
          const now = world.sandbox.store.get(pods, "shop", request.pod)?.metadata.uid
          return first.get(request.pod) === now ? request : word("thaw", ":")(request)
        })(inner, world)
      }
    },
    says: /held after its caller had ended/
  },
  {
    name: "the members of a group are not looked at",
    scenario: group,
    means: {
      before: ({ world }) => Effect.sync(() => void world.sandbox.create(claimObject("stranger", "shop"))),
      between: once(isCut, ({ world }) => {
        const own = world.sandbox.store.get(persistentvolumeclaims, "shop", "data-db-0")
        const label = own?.metadata.labels?.["kubectl-stateful.dev/cut-with"]
        return Resource.patch(target(kinds.persistentvolumeclaims, "stranger"), {
          _tag: "Merge",
          value: { metadata: { labels: { "kubectl-stateful.dev/cut-with": label } } }
        })
      })
    },
    defect: {
      bug: wire((world) => {
        const planned = world.sandbox.store
          .list(persistentvolumeclaims, "shop")
          .filter(({ metadata }) => metadata.name !== "stranger")
          .map(({ spec }) => handleOf(world, spec.volumeName ?? ""))
        return {
          take: objects("VolumeGroupSnapshotContent", (content) =>
            sets(
              "status volumeSnapshotInfoList",
              content.status?.volumeSnapshotInfoList?.filter(({ volumeHandle }: Json) =>
                planned.includes(volumeHandle)
              )
            )(content)
          )
        }
      })
    },
    says: /cut was also/
  },
  {
    name: "the label of the group is left on the claims",
    scenario: group,
    defect: {
      bug: believes(
        (request) => isPatch(request) && isClaim(request) && says('"op":"remove"')(request),
        objects("PersistentVolumeClaim", sets("metadata labels", undefined))
      )
    },
    says: /the label of a group was left/
  },
  {
    name: "a set is told to be done before its cuts are ready",
    scenario: { ...crash, parameters: { readyAfter: "60s" } },
    defect: {
      bug: wire(() => ({
        take: (object: Json) =>
          object?.status?.readyToUse === false ? sets("status readyToUse", true)(object) : object
      }))
    },
    says: /not ready/
  },
  {
    name: "contents are not set to Retain",
    scenario: crash,
    defect: {
      bug: wire(() => ({
        send: (request) => (isPatch(request) && isContent(request) ? dropped(request) : request),
        take: objects("VolumeSnapshotContent", sets("spec deletionPolicy", "Retain"))
      }))
    },
    says: /Retain/
  },
  {
    name: "an abort leaves contents under Retain, and with them the cuts",
    scenario: crash,
    means: {
      faults: () =>
        when(({ write, request }) => write && request.path.endsWith("/secrets"), {
          _tag: "Kill",
          applied: true
        })
    },
    defect: {
      bug: believes(
        (request) => isPatch(request) && isContent(request) && says('"value":"Delete"')(request),
        objects("VolumeSnapshotContent", sets("metadata labels", undefined))
      )
    },
    says: /left of a set that is not listed/
  },
  {
    name: "an abort removes the last good set too",
    scenario: crash,
    means: {
      faults: () =>
        when(({ write, request }) => write && request.path.endsWith("/secrets"), {
          _tag: "Kill",
          applied: true
        })
    },
    defect: {
      bug: (inner, world) => ({
        ...inner,
        request: (request) => {
          if (request.method === "DELETE" && request.path.endsWith("/volumesnapshots/nightly-data-db-1"))
            world.sandbox.registry.remove(volumesnapshots, "shop", "weekly-data-db-1", {})
          return inner.request(request)
        }
      })
    },
    says: /another set was touched/
  },
  {
    name: "a prune goes by the name",
    scenario: prune,
    means: { between: retakes },
    defect: {
      bug: wire((world) => {
        const uid = cutOf(world, "nightly-data-db-1")?.metadata.uid
        return {
          send: (request) => {
            if (request.method !== "DELETE") return request
            const { body: _, ...bare } = request
            return bare
          },
          take: (object: Json, request) =>
            request.path.endsWith("/nightly-data-db-1") ? sets("metadata uid", uid)(object) : object
        }
      })
    },
    says: /without a uid/
  },
  {
    name: "a prune sets Delete on a cut that another content holds too",
    scenario: prune,
    means: {
      before: ({ world }) =>
        Effect.sync(() => {
          const content = contentOf(world, "nightly-data-db-1")
          world.sandbox.create({
            apiVersion: "snapshot.storage.k8s.io/v1",
            kind: "VolumeSnapshotContent",
            metadata: { name: "of-another-namespace" },
            spec: {
              deletionPolicy: "Retain",
              driver,
              source: { snapshotHandle: content?.status?.snapshotHandle ?? "" },
              volumeSnapshotRef: { namespace: "bank", name: "ledger" }
            }
          })
        })
    },
    defect: {
      bug: wire(() => ({
        take: (object: Json) => (object?.metadata?.name === "of-another-namespace" ? null : object)
      }))
    },
    says: /a cut is gone that of-another-namespace holds/
  },
  {
    name: "Retain is not set before the swap",
    scenario: restore,
    defect: {
      bug: wire(() => ({
        send: (request) =>
          isPatch(request) && isVolume(request) && says('"value":"Retain"')(request)
            ? dropped(request)
            : request,
        take: objects("PersistentVolume", sets("spec persistentVolumeReclaimPolicy", "Retain"))
      }))
    },
    says: /is not kept/
  },
  {
    name: "claims are deleted without their uid",
    scenario: restore,
    defect: {
      bug: wire(() => ({
        send: (request) => {
          if (request.method !== "DELETE" || !isClaim(request)) return request
          const { body: _, ...bare } = request
          return bare
        }
      }))
    },
    says: /without a uid/
  },
  {
    name: "pods are started before the final claims are asserted",
    scenario: restore,
    defect: { recast: raisesFirst },
    says: /pods are started before/
  },
  {
    name: "a restore goes by the handle of the record alone",
    scenario: restore,
    means: {
      between: once(
        ({ method, path }) => method === "POST" && path.endsWith("/leases"),
        ({ world }) =>
          Effect.gen(function* () {
            const other = contentOf(world, "nightly-data-db-2")?.status?.snapshotHandle ?? ""
            yield* Resource.remove(target(kinds.volumesnapshots, "nightly-data-db-1"))
            yield* Effect.sleep(300)
            world.sandbox.create({
              apiVersion: "snapshot.storage.k8s.io/v1",
              kind: "VolumeSnapshotContent",
              metadata: { name: "forged" },
              spec: {
                deletionPolicy: "Retain",
                driver,
                source: { snapshotHandle: other },
                volumeSnapshotRef: { namespace: "shop", name: "nightly-data-db-1" }
              }
            })
            world.sandbox.create({
              apiVersion: "snapshot.storage.k8s.io/v1",
              kind: "VolumeSnapshot",
              metadata: { name: "nightly-data-db-1", namespace: "shop" },
              spec: { source: { volumeSnapshotContentName: "forged" } }
            })
            yield* Effect.sleep(500)
          }),
        "nightly-data-db-1"
      )
    },
    defect: {
      bug: wire((world) => {
        const cut = structuredClone(cutOf(world, "nightly-data-db-1"))
        const handle = contentOf(world, "nightly-data-db-1")?.status?.snapshotHandle
        return {
          take: (object: Json, request) =>
            request.path.endsWith("/volumesnapshots/nightly-data-db-1")
              ? sets("spec source", cut?.spec.source)(object)
              : request.path.endsWith("/forged")
                ? sets("status snapshotHandle", handle)(object)
                : object
        }
      })
    },
    says: /has "before data-db-2"|pods are started before/
  },
  {
    name: "the policies of the old volumes do not go over to the new",
    scenario: restore,
    defect: { recast: omits("HandOverPolicies") },
    says: /the policy of the volume/
  }
]
