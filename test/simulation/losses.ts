/**
 * Defects that lose data, or take somebody else's, planted once more: what the engine sends, or what it
 * believes of an answer, is changed as if one of its lines were left out, and somebody else acts as it
 * takes for that defect to show. The verdict has to notice it, and to find nothing without the defect.
 *
 * Some lines guard what another guards as well, so that one of them left out loses nothing. They are
 * planted with their neighbour: a terminating claim that counts as kept has its volume under Retain; a wait
 * that notices nothing is followed by a patch that tests; whenScaled of claims that are attached is tested
 * where it was not set; management policy and templates are another only in another set, by its uid.
 *
 * Not planted, since nothing is lost by them: a claim that is Lost or Pending and counts as attached (its
 * pod never starts, and the last look names it); a plan that promises too much to whoever may not patch
 * volumes (it writes to none); a leftover claim that goes with its pod under whenScaled Delete (whoever
 * lowered the count has lost it, and the last look names it).
 */
import * as Effect from "effect/Effect"
import type { AnyStep } from "../../packages/sdk/src/Operation.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { replicasOf, assertHeld } from "../../packages/sdk/src/step/workload.ts"
import { persistentvolumes } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { type Act, createClaim, markOf, setOf } from "./acts.ts"
import { type Means, type Moment } from "./rival.ts"
import {
  dropped,
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
import { hooks } from "./scaling.ts"
import type { Scenario } from "./verdict.ts"
import {
  toPolicy,
  isDeleted,
  claimsIn,
  journals,
  volumeNameIsTheFact,
  remembersClaims,
  remembersAll,
  filtered,
  noPolicy,
  noFacts,
  noTests,
  plannedFacts,
  withKinds,
  sureOf,
  nothing,
  act,
  first,
  countPatch,
  countIs,
  atOnce,
  forgePlan,
  recreated,
  claimTarget,
  held,
  rejoins,
  of,
  passesOver,
  elsewhere
} from "./lossDefects.ts"

export interface Loss {
  /** The kind of defect, as a line that was left out. */
  readonly name: string
  readonly scenario: Scenario
  readonly act: Act
  readonly moment: Moment
  /** Milliseconds between the act and the request. */
  readonly pause?: number
  readonly means: Means
  /** What the verdict says of it. */
  readonly says: RegExp
}

const fourToOne: Scenario = {
  world: { readyAfter: 50, replicas: 4 },
  asked: { replicas: 1 },
  claims: ["data-db-3"]
}
const downHalfway = of("down", {
  world: { readyAfter: 50, replicas: 3 },
  stopAt: "delete db-2",
  taken: "resume"
})

export const losses: ReadonlyArray<Loss> = [
  {
    name: "set-aside takes a claim's volumeName for the fact",
    scenario: of("aside"),
    act: act("bind the volume of data-db-2 to another claim"),
    moment: first(isVolume),
    means: { bug: volumeNameIsTheFact },
    says: /writes to the volume of bank\/thief/
  },
  {
    name: "purge takes a claim's volumeName for the fact",
    scenario: of("purge"),
    act: act("bind the volume of aside to another claim"),
    moment: first(isVolume),
    means: { bug: volumeNameIsTheFact },
    says: /writes to the volume of bank\/thief/
  },
  {
    name: "a scale-down takes a claim's volumeName for the fact",
    scenario: of("zero"),
    act: act("bind the volume of data-db-2 to another claim"),
    moment: first(isVolume),
    means: { bug: volumeNameIsTheFact },
    says: /writes to the volume of bank\/thief/
  },
  {
    name: "purge compares the uid with that of whatever is there",
    scenario: of("purge"),
    act: act("delete and recreate aside"),
    moment: first(isClaim, ({ path }) => /-[0-9a-f]{8}$/.test(path)),
    means: {
      bug: wire((world) => ({
        take: remembersClaims(world),
        send: (request) => {
          if (request.method !== "DELETE" || !isClaim(request)) return request
          const { body: _, ...bare } = request
          return bare
        }
      }))
    },
    says: /that somebody else made/
  },
  {
    name: "a volume is written to for a claim that is none of the application's",
    // By its name alone it would be one that was set aside.
    scenario: of("resume of down", { given: () => createClaim("report-db-1-0badcafe", "shop") }),
    act: forgePlan("a journal that keeps report", ({ steps }, world) => ({
      steps: steps.map((step: Json) => {
        const report = claimsIn(world).find(({ metadata }) => metadata.name === "report-db-1-0badcafe")
        const kept = {
          claim: report?.metadata.name,
          uid: report?.metadata.uid,
          volume: report?.spec.volumeName
        }
        return step._tag === "RetainVolumes"
          ? { ...step, claims: [...step.claims, { ...kept, reclaimPolicy: "Delete" }] }
          : step
      })
    })),
    moment: atOnce,
    means: {
      bug: wire(() => ({
        take: objects("PersistentVolumeClaim", (claim) =>
          claim.metadata.name.startsWith("report-")
            ? sets(`metadata labels ${markOf("set-aside")}`, "db")(claim)
            : claim
        )
      }))
    },
    says: /writes to the volume of shop\/report-db-1/
  },
  {
    name: "a claim that is being deleted counts as kept, and its volume is not set to Retain",
    scenario: of("down", { given: () => Resource.remove(claimTarget("data-db-2")) }),
    act: { name: "what was done before", does: () => Effect.void },
    moment: 0,
    means: {
      bug: wire(() => ({
        take: objects("PersistentVolumeClaim", isDeleted),
        send: (request) => (toPolicy("Retain")(request) ? dropped(request) : request)
      }))
    },
    says: /lost: shop\/data-db-2/
  },
  {
    name: "Delete is put back on a volume that lost its claim",
    scenario: of("zero"),
    act: act("delete data-db-2"),
    moment: countIs(0),
    means: { bug: remembersAll },
    says: /lost: shop\/data-db-2/
  },
  {
    name: "an abort puts Delete back on a volume that lost its claim",
    scenario: of("abort of down"),
    act: act("delete data-db-3"),
    moment: atOnce,
    means: { bug: remembersAll },
    says: /lost: shop\/data-db-3/
  },
  {
    name: "Delete that was put back meanwhile stays, although the claim is gone by then",
    scenario: of("zero"),
    act: act("delete data-db-0"),
    moment: first(toPolicy("Delete")),
    means: {
      bug: wire(() => {
        let isPutBack = false
        return {
          send: (request) => {
            isPutBack ||= toPolicy("Delete")(request)
            return isPutBack && toPolicy("Retain")(request) ? dropped(request) : request
          }
        }
      })
    },
    says: /lost: shop\/data-db-0/
  },
  {
    name: "a partial scale-down sets no volume to Retain",
    scenario: of("down"),
    act: act("whenScaled Delete"),
    moment: countIs(2),
    means: { bug: noPolicy("Retain") },
    says: /lost: shop\/data-db-2/
  },
  {
    name: "a scale to zero sets no volume to Retain",
    scenario: of("zero"),
    act: act("whenScaled Delete"),
    moment: countIs(0),
    means: { bug: noPolicy("Retain") },
    says: /lost: shop\/data-db/
  },
  {
    name: "an abort that takes pods away sets no volume to Retain",
    scenario: of("abort of attach under Delete"),
    act: act("whenScaled Delete"),
    moment: countIs(1),
    means: { bug: noPolicy("Retain") },
    says: /lost: shop\/data-db-1/
  },
  {
    name: "the patch of the count does not test whenScaled",
    scenario: of("down"),
    act: act("whenScaled Delete"),
    moment: countPatch,
    means: { bug: noFacts },
    says: /changes the count where whenScaled is "Delete"/
  },
  {
    name: "the patch of the count does not test ordinals.start",
    scenario: of("down"),
    act: act("ordinals.start 1"),
    moment: countPatch,
    means: { bug: noFacts },
    says: /changes the count where firstOrdinal is 1/
  },
  {
    name: "the patch of the count tests neither podManagementPolicy nor whose set it is",
    scenario: of("down"),
    act: recreated("that is Parallel", () => ({ podManagementPolicy: "Parallel" })),
    moment: countPatch,
    means: { bug: noTests },
    says: /changes the count where podManagementPolicy is "Parallel"/
  },
  {
    name: "the patch of the count tests neither the claim templates nor whose set it is",
    scenario: of("down"),
    act: recreated("with another template", ({ volumeClaimTemplates: [template] }) => ({
      volumeClaimTemplates: [template, { ...template, metadata: { name: "logs" } }]
    })),
    moment: countPatch,
    means: { bug: noTests },
    says: /changes the count where templates is \["data","logs"\]/
  },
  {
    name: "neither waits nor patches notice that whenScaled has moved",
    scenario: fourToOne,
    act: act("whenScaled Delete"),
    moment: countIs(3),
    pause: 3000,
    means: { bug: plannedFacts(false) },
    says: /changes the count where whenScaled is "Delete"/
  },
  {
    name: "success does not say that whenScaled has moved",
    scenario: of("down"),
    act: act("whenScaled Delete"),
    moment: first(toPolicy("Delete")),
    means: { bug: plannedFacts(true) },
    says: /not said: whenScaled Delete/
  },
  {
    name: "success is said without a look at claims and volumes",
    scenario: of("zero"),
    act: act("delete data-db-2"),
    moment: countIs(0),
    means: {
      verb: {
        ...withKinds((kind) =>
          kind.tag === "RestoreReclaimPolicies" ? { ...kind, perform: () => Effect.void } : kind
        ),
        conclude: (_, at) => Effect.map(assertHeld(at.fence), (set) => ({ replicas: replicasOf(set) }))
      }
    },
    says: /no look: claims/
  },
  {
    name: "an abort deletes a claim made ahead that a pod mounts",
    scenario: of("abort of up"),
    act: act("a pod that mounts data-db-3"),
    moment: atOnce,
    pause: 700,
    means: { bug: filtered("Pod", "reader") },
    says: /deletes claim data-db-3, that reader mounts/
  },
  {
    name: "an abort deletes a claim made ahead that a Job uses",
    scenario: of("abort of up"),
    act: act("a Job that mounts data-db-3"),
    moment: atOnce,
    pause: 700,
    means: { bug: filtered("Job", "report") },
    says: /deletes claim data-db-3, that Job report uses/
  },
  {
    name: "an abort deletes a claim made ahead that a pod has had by somebody else's count",
    scenario: of("abort of up", { asked: { replicas: 5, step: 1 } }),
    act: act("one replica more"),
    moment: atOnce,
    pause: 3000,
    means: {
      verb: withKinds((kind) =>
        kind.tag === "CreateClaims"
          ? {
              ...kind,
              undo: (step: AnyStep, at: Json) =>
                Effect.flatMap(assertHeld(at.fence), ({ metadata: { generation } }) =>
                  kind.undo(step, { ...at, captured: { beyond: 2, generation } })
                )
            }
          : kind
      )
    },
    says: /that a pod has had/
  },
  {
    name: "an abort ends while claims that it removed are still terminating",
    scenario: of("abort of up"),
    act: held("data-db-3"),
    moment: atOnce,
    means: {
      bug: wire(() => ({
        take: (object, request) =>
          request.path.endsWith("/persistentvolumeclaims") && object.metadata?.deletionTimestamp
            ? null
            : object
      }))
    },
    says: /no end: shop\/data-db-3 still goes/
  },
  {
    name: "the reclaim policy from before is the journal's",
    scenario: of("resume of down"),
    act: forgePlan("a journal of other policies", ({ steps }) => ({
      steps: steps.map((step: Json) =>
        step._tag === "RetainVolumes"
          ? { ...step, claims: step.claims.map(sets("reclaimPolicy", "Recycle")) }
          : step
      )
    })),
    moment: atOnce,
    means: {
      bug: wire((world) => ({
        take: objects("PersistentVolume", (volume) => {
          const claims: ReadonlyArray<Json> = journals(world).flatMap((one) =>
            JSON.parse(Reflect.get(one, "data")["plan.json"]).steps.flatMap((step: Json) => step.claims ?? [])
          )
          const kept = claims.find((claim) => claim.volume === volume.metadata.name)
          const mark = markOf("reclaim-policy-before")
          return kept === undefined || volume.metadata.annotations?.[mark] === undefined
            ? volume
            : sets(`metadata annotations ${mark}`, kept.reclaimPolicy)(volume)
        })
      }))
    },
    says: /left: Recycle \(was Delete\)/
  },
  {
    name: "the reclaim policy from before is not kept on the volume",
    scenario: of("down"),
    act: nothing,
    moment: 0,
    means: {
      bug: wire(() => ({
        send: (request) =>
          toPolicy("Retain")(request)
            ? without(request, ({ path }) => path.startsWith("/metadata/annotations"))
            : request
      }))
    },
    says: /without any act/
  },
  {
    name: "the retention policy from before is not kept on the StatefulSet",
    scenario: of("zero from Delete"),
    act: nothing,
    moment: 0,
    means: {
      bug: wire(() => ({
        send: (request) =>
          isPatch(request) && isSet(request)
            ? without(request, ({ op, path }) => op === "add" && path.endsWith("~1retention-before"))
            : request
      }))
    },
    says: /without any act/
  },
  {
    name: "without its journal an abort puts no policy back",
    scenario: of("resume of down"),
    act: act("delete the journal"),
    moment: atOnce,
    means: { bug: noPolicy("Delete") },
    says: /left: Retain/
  },
  {
    name: "what needs no StatefulSet is not undone where that was made anew",
    scenario: of("abort of down"),
    act: act("delete and recreate the set"),
    moment: atOnce,
    means: { verb: withKinds((kind) => ({ ...kind, undoAlone: () => Effect.void })) },
    says: /left: Retain/
  },
  {
    name: "a journal that speaks of another namespace is believed",
    scenario: of("resume of down", {
      given: (world) =>
        Resource.create(
          { api: kinds.statefulsets, namespace: "bank" },
          { metadata: { name: "db", namespace: "bank" }, spec: setOf(world)?.spec }
        )
    }),
    act: {
      name: "a journal that speaks of bank",
      does: (world) => {
        const bank = world.sandbox.store.list(statefulsets, "bank")[0]
        return forgePlan("", (plan) => ({
          home: "bank",
          app: { ...plan.app, namespace: "bank" },
          guards: plan.guards.map((guard: Json) => ({
            ...guard,
            namespace: "bank",
            uid: bank?.metadata.uid,
            generation: bank?.metadata.generation
          }))
        })).does(world)
      }
    },
    moment: atOnce,
    means: { bug: elsewhere },
    says: /namespaces\/bank/
  },
  {
    name: "a journal that cannot be read is passed over",
    scenario: of("resume of down", { taken: "again", again: { replicas: 3 } }),
    act: act("cut the journal"),
    moment: atOnce,
    means: { bug: passesOver },
    says: /cannot be ended/
  },
  {
    name: "a journal is believed that says Succeeded while its mark is on the set",
    scenario: of("resume of down"),
    act: act("a journal that says Succeeded"),
    moment: atOnce,
    means: {
      bug: wire((world) => ({
        take: (object, request) =>
          isSet(request) && journals(world).some((one) => JSON.stringify(one).includes("Succeeded"))
            ? sets(`metadata annotations ${markOf("operation")}`, undefined)(object)
            : object
      }))
    },
    says: /left: Retain/
  },
  {
    name: "a journal's purge is done without its caller asking",
    scenario: of("resume of aside"),
    act: forgePlan("a journal that purges", ({ steps }, world) => {
      const aside = claimsIn(world).find(({ metadata }) => metadata.labels?.[markOf("set-aside")] === "db")
      const { name: claim, uid } = aside?.metadata ?? {}
      return { steps: [...steps, { _tag: "Purge", claim, uid, volume: aside?.spec.volumeName, size: "1Gi" }] }
    }),
    moment: atOnce,
    means: { verb: sureOf },
    says: /lost: shop\/data-db-2/
  },
  {
    name: "a journal's whenScaled Delete is set without its caller asking",
    scenario: downHalfway,
    act: forgePlan("a journal under whenScaled Delete", ({ steps, settings }) => {
      const from = { whenScaled: "Retain", whenDeleted: "Retain" }
      const to = { whenScaled: "Delete", whenDeleted: "Retain" }
      return {
        settings: { ...settings, facts: { ...settings.facts, whenScaled: "Delete" } },
        steps: [{ _tag: "SetRetention", from, to }, ...steps]
      }
    }),
    moment: atOnce,
    means: { verb: sureOf },
    says: /whenScaled is "Delete"/
  },
  {
    name: "a journal's lower quorum is gone by without its caller asking",
    scenario: {
      world: { readyAfter: 50, replicas: 4, policy: "Parallel" },
      asked: { replicas: 2 },
      stopAt: "delete db-3",
      taken: "resume",
      claims: ["data-db-3"]
    },
    act: {
      name: "a sick member, and a journal without quorum",
      does: (world) =>
        Effect.gen(function* () {
          world.sick.add("db-0")
          yield* Resource.remove({ api: kinds.pods, namespace: "shop", name: "db-0" })
          yield* forgePlan("", ({ settings }) => ({ settings: { ...settings, quorum: "none" } })).does(world)
        })
    },
    moment: atOnce,
    pause: 3000,
    means: { verb: sureOf },
    says: /goes below quorum/
  },
  {
    name: "a journal's health is asked for without its caller asking",
    scenario: of("resume of down"),
    act: forgePlan("a journal that asks pods", ({ settings }) => ({
      settings: { ...settings, health: { scheme: "http", port: 80, path: "/shutdown" } }
    })),
    moment: atOnce,
    means: { verb: sureOf },
    says: /asks .*\/proxy/
  },
  {
    name: "the mark of a hook counts for a pod that was recreated since",
    scenario: {
      world: { readyAfter: 50, replicas: 3 },
      asked: { replicas: 2 },
      profile: hooks,
      stopAt: "leave db-2",
      hangs: (request) => isPatch(request) && isSet(request) && says('"/spec/replicas"')(request),
      taken: "resume",
      claims: ["data-db-2"]
    },
    act: rejoins,
    moment: atOnce,
    means: {
      bug: wire((world) => ({
        take: objects("Pod", (pod) => {
          const mark = journals(world)
            .flatMap((one) => Object.values(JSON.parse(Reflect.get(one, "data")["status.json"]).marks))
            .flatMap((found: Json) => found)
            .find(({ name, uid }) => name === pod.metadata.name && uid !== null)
          return mark === undefined ? pod : sets("metadata uid", mark.uid)(pod)
        })
      }))
    },
    says: /members: /
  },
  {
    name: "set-aside loses the labels and annotations of a claim",
    scenario: of("aside"),
    act: nothing,
    moment: 0,
    means: {
      bug: wire(() => ({
        send: (request) => {
          if (request.method !== "POST" || !isClaim(request)) return request
          const value: Json = JSON.parse(request.body ?? "{}")
          const ours = (all: object) =>
            Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith("kubectl-stateful")))
          const { labels = {}, annotations = {} } = value.metadata
          const metadata = { ...value.metadata, labels: ours(labels), annotations: ours(annotations) }
          return { ...request, body: JSON.stringify({ ...value, metadata }) }
        }
      }))
    },
    says: /bare: /
  },
  {
    name: "a volume that was set aside goes back to a namesake of its claim",
    scenario: of("abort of aside"),
    act: act("a new claim data-db-2"),
    moment: atOnce,
    pause: 700,
    means: {
      bug: wire((world) => ({
        take: objects("PersistentVolumeClaim", (claim) => {
          const aside = claimsIn(world).find(({ metadata }) => metadata.name.startsWith("data-db-2-"))
          if (claim.metadata.name !== "data-db-2" || aside === undefined) return claim
          const made = aside.metadata.annotations?.[markOf("made-by")]
          const marked = sets(`metadata annotations ${markOf("made-by")}`, made)(claim)
          return sets("spec volumeName", aside.spec.volumeName)(marked)
        })
      }))
    },
    says: /crossed|no abort/
  },
  {
    name: "a claim that a pod mounts is set aside",
    scenario: of("aside"),
    act: act("a pod that mounts data-db-2"),
    moment: atOnce,
    pause: 700,
    means: { bug: filtered("Pod", "reader") },
    says: /moves the volume of data-db-2, that reader mounts/
  },
  {
    name: "a claim that a pod mounts is purged",
    scenario: of("purge"),
    act: act("a pod that mounts aside"),
    moment: atOnce,
    pause: 700,
    means: { bug: filtered("Pod", "reader") },
    says: /that reader mounts/
  },
  {
    name: "a claim is purged for its label alone",
    scenario: of("purge", {
      given: () => createClaim("data-db-1-0badcafe", "shop", {}, { labels: { [markOf("set-aside")]: "db" } })
    }),
    act: nothing,
    moment: 0,
    means: {
      bug: wire(() => ({
        take: objects("PersistentVolumeClaim", (claim) =>
          claim.metadata.name === "data-db-1-0badcafe"
            ? sets(`metadata annotations ${markOf("made-by")}`, "0badcafe")(claim)
            : claim
        )
      }))
    },
    says: /lost: shop\/data-db-1-0badcafe/
  },
  {
    name: "Delete is put back on a volume that is being deleted",
    scenario: of("zero"),
    act: act("delete the volume of data-db-2"),
    moment: countIs(0),
    means: { bug: wire(() => ({ take: objects("PersistentVolume", isDeleted) })) },
    says: /given up/
  },
  {
    name: "whenScaled is not set to Retain before claims are attached, and nobody tests it",
    scenario: of("abort of attach under Delete"),
    act: nothing,
    moment: 0,
    means: {
      bug: wire(() => ({
        send: (request) => {
          if (!isPatch(request) || !isSet(request)) return request
          if (says('"whenScaled":"Retain"')(request)) return dropped(request)
          return without(request, ({ op, path }) => op === "test" && /generation|^\/spec\/p/.test(path))
        },
        take: objects("StatefulSet", sets("spec persistentVolumeClaimRetentionPolicy whenScaled", "Retain"))
      }))
    },
    says: /changes the count where whenScaled is "Delete"|lost/
  },
  {
    name: "a volume that belongs to another claim is taken for the planned claim's, which says Bound still",
    scenario: of("resume of down"),
    act: act("bind the volume of data-db-0 to another claim"),
    // After its reclaim policy was put back, before the last look.
    moment: (request, world) => {
      const own = world.sandbox.store
        .list(persistentvolumes)
        .find(({ spec }) => spec.claimRef?.name === "data-db-0" && spec.claimRef.namespace === "shop")
      const isMarked = own?.metadata.annotations?.[markOf("reclaim-policy-before")] !== undefined
      return (
        !isMarked && setOf(world)?.spec.replicas === 0 && request.path.endsWith("/persistentvolumeclaims")
      )
    },
    means: {
      bug: wire((world) => ({
        take: objects("PersistentVolume", (volume) => {
          const claim = claimsIn(world).find(({ spec }) => spec.volumeName === volume.metadata.name)
          if (claim?.metadata.name !== "data-db-0") return volume
          const { name, namespace, uid } = claim.metadata
          return sets("spec claimRef", { ...volume.spec.claimRef, name, namespace, uid })(volume)
        })
      }))
    },
    says: /no success: data-db-0's volume/
  }
]
