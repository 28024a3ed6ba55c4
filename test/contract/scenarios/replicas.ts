/**
 * The StatefulSet controller. Its pods name a scheduler that nobody runs, and the
 * script is their kubelet: it says when a pod is ready, so that the order of all
 * that happens is the controller's own.
 */
import * as Effect from "effect/Effect"
import { at, type Conversation, outcome, scenarios, text, merge } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import * as Heard from "./heard.ts"
import { become, fact, happened } from "./kubelet.ts"
import { claim, list, podSpec, set, template, withClaims } from "./objects.ts"

/**
 * The status has caught up with the spec, and says so many pods. Where a pod is made anew the numbers
 * are the same before and after: then the ones of the update's revision tell.
 */
const settled = (to: Conversation, replicas: number, ready = replicas, updated?: number) =>
  to.until(
    "statefulsets/db",
    (body) =>
      at(body, "status.observedGeneration") === at(body, "metadata.generation") &&
      at(body, "status.replicas") === replicas &&
      (at(body, "status.readyReplicas") ?? 0) === ready &&
      (updated === undefined || (at(body, "status.updatedReplicas") ?? 0) === updated)
  )

const scale = (to: Conversation, replicas: number) =>
  to.quietly("PATCH", "statefulsets/db/scale", { spec: { replicas } }, merge)

const change = (to: Conversation, spec: object) => to.quietly("PATCH", "statefulsets/db", { spec }, merge)

const image = (name: string) => ({
  template: { ...template, spec: { ...podSpec, containers: [{ name: "main", image: name }] } }
})

/** A set `db` whose pods are all ready. */
const running = (to: Conversation, replicas: number, spec: object = {}, start = 0) =>
  Effect.gen(function* () {
    yield* to.quietly("POST", "statefulsets", set("db", { replicas, ...spec }))
    for (let ordinal = start; ordinal < start + replicas; ordinal++) yield* become(to, `db-${ordinal}`)
    yield* settled(to, replicas)
  })

/** Time in which nothing should happen. */
const meanwhile = Effect.sleep(2500)

const status = { show: (body: Json) => at(body, "status") ?? null }
const names = {
  show: (body: Json) => list(at(body, "items")).map((each) => text(each, "metadata.name"))
}
/** Their names are hashes, and so is the order in which they are listed. */
const oldestFirst = {
  show: (body: Json) =>
    [...list(at(body, "items"))]
      .toSorted((left, right) => Number(at(left, "revision")) - Number(at(right, "revision")))
      .map((each) => ({
        revision: at(each, "revision") ?? null,
        owner: at(each, "metadata.ownerReferences.0") ?? null,
        labels: at(each, "metadata.labels") ?? null
      }))
}
const revisions = {
  show: (body: Json) => list(at(body, "items")).map((each) => at(each, "metadata.labels") ?? null)
}

export const replicas = scenarios("replicas")({
  "each replica waits for the one before it": (to) =>
    Effect.gen(function* () {
      const since = yield* to.version("pods")
      yield* running(to, 3, withClaims)
      yield* happened(to, since)
      yield* to.get("statefulsets/db", status)
      yield* to.get("pods/db-1", { without: ["status"] })
      yield* to.get("persistentvolumeclaims/data-db-1")
      yield* to.get("controllerrevisions", oldestFirst)
      yield* to.get("statefulsets/db/scale", status)
    }),
  "replicas go from the top, one by one, and leave their claims": (to) =>
    Effect.gen(function* () {
      yield* running(to, 4, withClaims)
      const since = yield* to.version("pods")
      yield* scale(to, 1)
      yield* settled(to, 1)
      yield* happened(to, since)
      yield* to.get("persistentvolumeclaims", names)
      yield* to.get("statefulsets/db", status)
      const again = yield* to.version("pods")
      yield* scale(to, 2)
      yield* become(to, "db-1")
      yield* settled(to, 2)
      yield* happened(to, again)
    }),
  "a replica that is not ready blocks a scale-down": (to) =>
    Effect.gen(function* () {
      yield* running(to, 3)
      const since = yield* to.version("pods")
      yield* become(to, "db-0", false)
      yield* settled(to, 3, 2)
      yield* scale(to, 1)
      yield* meanwhile
      yield* happened(to, since)
      yield* become(to, "db-0")
      yield* settled(to, 1)
      yield* happened(to, since)
    }),
  "a replica that is not ready blocks a scale-up": (to) =>
    Effect.gen(function* () {
      yield* running(to, 2)
      yield* become(to, "db-0", false)
      yield* settled(to, 2, 1)
      const since = yield* to.version("pods")
      yield* scale(to, 3)
      yield* meanwhile
      yield* happened(to, since)
    }),
  "whenScaled=Delete: the condemned pod owns the claim": (to) =>
    Effect.gen(function* () {
      yield* running(to, 3, { ...withClaims, persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } })
      const since = yield* to.version("pods")
      yield* scale(to, 1)
      yield* settled(to, 1)
      yield* to.until("persistentvolumeclaims/data-db-1", (body) => body === undefined)
      yield* to.until("persistentvolumeclaims/data-db-2", (body) => body === undefined)
      // Pods go on while the garbage collector takes the claims of those that went.
      for (const path of ["pods", "data-db-2", "data-db-1"].map((name) =>
        name === "pods" ? name : `persistentvolumeclaims?fieldSelector=metadata.name=${name}`
      ))
        yield* to.history(`what happened to ${path}`, since, [path], fact)
      yield* to.get("persistentvolumeclaims", names)
    }),
  "whenDeleted=Delete: the set owns its claims": (to) =>
    Effect.gen(function* () {
      yield* running(to, 2, {
        ...withClaims,
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" }
      })
      // A claim that the controller has made it may not have heard of when it makes the pod: it is owned later.
      for (const name of ["data-db-0", "data-db-1"])
        yield* to.until(
          `persistentvolumeclaims/${name}`,
          (body) => at(body, "metadata.ownerReferences") !== undefined
        )
      yield* to.get("persistentvolumeclaims/data-db-0", {
        show: (body) => at(body, "metadata.ownerReferences") ?? null
      })
      yield* to.quietly("DELETE", "statefulsets/db")
      yield* to.until("persistentvolumeclaims/data-db-0", (body) => body === undefined)
      yield* to.until("persistentvolumeclaims/data-db-1", (body) => body === undefined)
      yield* to.get("persistentvolumeclaims", names)
    }),
  "a policy that changes changes the owners": (to) =>
    Effect.gen(function* () {
      yield* running(to, 1, withClaims)
      const show = { show: (body: Json) => at(body, "metadata.ownerReferences.0.kind") ?? null }
      yield* to.get("persistentvolumeclaims/data-db-0", show)
      yield* change(to, { persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" } })
      yield* to.until(
        "persistentvolumeclaims/data-db-0",
        (body) => at(body, "metadata.ownerReferences") !== undefined
      )
      yield* to.get("persistentvolumeclaims/data-db-0", show)
      yield* change(to, { persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain" } })
      yield* to.until(
        "persistentvolumeclaims/data-db-0",
        (body) => at(body, "metadata.ownerReferences") === undefined
      )
      yield* to.get("persistentvolumeclaims/data-db-0", show)
    }),
  "ordinals begin where the set says": (to) =>
    Effect.gen(function* () {
      const since = yield* to.version("pods")
      yield* running(to, 2, { ...withClaims, ordinals: { start: 5 } }, 5)
      yield* happened(to, since)
      yield* to.get("pods/db-6", { show: (body) => at(body, "metadata.labels") ?? null })
      const moved = yield* to.version("pods")
      yield* change(to, { ordinals: { start: 6 } })
      yield* become(to, "db-7")
      yield* settled(to, 2)
      yield* to.until("pods/db-5", (body) => body === undefined)
      yield* happened(to, moved)
    }),
  "parallel replicas wait for nobody": (to) =>
    Effect.gen(function* () {
      const parallel = { podManagementPolicy: "Parallel" }
      yield* to.quietly("POST", "statefulsets", set("db", { replicas: 3, ...parallel }))
      yield* settled(to, 3, 0)
      yield* to.get("pods", names)
      yield* become(to, "db-1")
      yield* settled(to, 3, 1)
      yield* to.get("statefulsets/db", status)
      yield* scale(to, 1)
      yield* settled(to, 1, 0)
      yield* to.get("pods", names)
    }),
  "an update goes from the top, and waits for each": (to) =>
    Effect.gen(function* () {
      yield* running(to, 3)
      const since = yield* to.version("pods")
      yield* change(to, image("local/none:2"))
      for (const ordinal of [2, 1, 0]) {
        yield* to.until(
          `pods/db-${ordinal}`,
          (body) => text(body, "spec.containers.0.image") === "local/none:2"
        )
        yield* become(to, `db-${ordinal}`)
      }
      yield* to.until(
        "statefulsets/db",
        (body) => text(body, "status.currentRevision") === text(body, "status.updateRevision")
      )
      yield* to.get("statefulsets/db", status)
      yield* happened(to, since)
      yield* to.get("controllerrevisions", oldestFirst)
      yield* to.get("pods", revisions)
    }),
  "a partition keeps those below it": (to) =>
    Effect.gen(function* () {
      yield* running(to, 3, { updateStrategy: { rollingUpdate: { partition: 2 } } })
      const since = yield* to.version("pods")
      yield* change(to, image("local/none:2"))
      yield* to.until("pods/db-2", (body) => text(body, "spec.containers.0.image") === "local/none:2")
      yield* become(to, "db-2")
      yield* settled(to, 3, 3, 1)
      yield* meanwhile
      yield* happened(to, since)
      yield* to.get("statefulsets/db", status)
      const again = yield* to.version("pods")
      yield* to.quietly("DELETE", "pods/db-0")
      yield* become(to, "db-0")
      yield* settled(to, 3)
      yield* happened(to, again)
    }),
  "a partition counts from the first replica, not from zero": (to) =>
    Effect.gen(function* () {
      yield* running(
        to,
        3,
        { ordinals: { start: 4 }, updateStrategy: { rollingUpdate: { partition: 2 } } },
        4
      )
      const since = yield* to.version("pods")
      yield* change(to, image("local/none:2"))
      yield* to.until("pods/db-6", (body) => text(body, "spec.containers.0.image") === "local/none:2")
      yield* become(to, "db-6")
      yield* settled(to, 3)
      yield* meanwhile
      yield* happened(to, since)
    }),
  "OnDelete updates what somebody deletes": (to) =>
    Effect.gen(function* () {
      yield* running(to, 2, { updateStrategy: { type: "OnDelete" } })
      const since = yield* to.version("pods")
      yield* change(to, image("local/none:2"))
      yield* meanwhile
      yield* happened(to, since)
      yield* to.quietly("DELETE", "pods/db-0")
      yield* become(to, "db-0")
      yield* settled(to, 2, 2, 1)
      yield* happened(to, since)
      yield* to.get("statefulsets/db", status)
    }),
  "a broken update stays after its template is taken back, until its pod is deleted": (to) =>
    Effect.gen(function* () {
      yield* running(to, 2)
      const since = yield* to.version("pods")
      yield* change(to, image("local/broken:1"))
      yield* to.until("pods/db-1", (body) => text(body, "spec.containers.0.image") === "local/broken:1")
      yield* settled(to, 2, 1)
      yield* change(to, image("local/none:1"))
      yield* settled(to, 2, 1)
      yield* meanwhile
      yield* happened(to, since)
      yield* to.quietly("DELETE", "pods/db-1")
      yield* to.until("pods/db-1", (body) => text(body, "spec.containers.0.image") === "local/none:1")
      yield* become(to, "db-1")
      yield* settled(to, 2)
      yield* happened(to, since)
      yield* to.get("statefulsets/db", status)
    }),
  "a pod that has ended is made anew": (to) =>
    Effect.gen(function* () {
      yield* running(to, 2)
      const since = yield* to.version("pods")
      const before = text(yield* to.quietly("GET", "pods/db-0"), "metadata.uid")
      yield* to.quietly("PATCH", "pods/db-0/status", { status: { phase: "Failed", conditions: [] } }, merge)
      yield* to.until("pods/db-0", (body) => body !== undefined && text(body, "metadata.uid") !== before)
      yield* become(to, "db-0")
      yield* settled(to, 2)
      yield* happened(to, since)
    }),
  "a claim that was there before is used as it is": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", claim("data-db-0", { storageClassName: "older" }))
      const since = yield* to.version("pods")
      yield* running(to, 1, withClaims)
      yield* happened(to, since)
      yield* to.get("persistentvolumeclaims/data-db-0", {
        show: (body) => [
          at(body, "metadata.labels") ?? null,
          at(body, "spec.storageClassName") ?? null,
          at(body, "metadata.ownerReferences") ?? null
        ]
      })
    }),
  "a claim that goes while its pod waits is made anew, and empty": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("db", { replicas: 1, ...withClaims }))
      yield* to.until("pods/db-0", (body) => body !== undefined)
      const before = text(yield* to.quietly("GET", "persistentvolumeclaims/data-db-0"), "metadata.uid")
      yield* to.quietly("DELETE", "persistentvolumeclaims/data-db-0")
      yield* to.until(
        "persistentvolumeclaims/data-db-0",
        (body) => body === undefined || text(body, "metadata.uid") !== before
      )
      // Something must wake the controller, and again if it has not heard yet that the claim is gone.
      const waking = Effect.forEach(
        Array.from({ length: 120 }, (_, i) => ({ a: String(i) })),
        (annotations) =>
          Effect.andThen(
            to.quietly("PATCH", "pods/db-0", { metadata: { annotations } }, merge),
            Effect.sleep(1000)
          ),
        { discard: true }
      )
      yield* Effect.raceFirst(
        to.until(
          "persistentvolumeclaims/data-db-0",
          (body) => body !== undefined && text(body, "metadata.uid") !== before
        ),
        Effect.andThen(waking, Effect.never)
      )
      yield* to.get("persistentvolumeclaims/data-db-0", { show: (body) => at(body, "status") ?? null })
    }),
  "pods go with their set, or are left to themselves": (to) =>
    Effect.gen(function* () {
      yield* running(to, 2, withClaims)
      // Dependents that the garbage collector does not know are neither left nor waited for.
      yield* Heard.byCollector(to, "pods")
      yield* to.remove("statefulsets/db", { propagationPolicy: "Orphan" }, { show: outcome("metadata.name") })
      yield* to.until("statefulsets/db", (body) => body === undefined)
      yield* to.get("pods", names)
      yield* to.get("pods/db-0", { show: (body) => at(body, "metadata.ownerReferences") ?? null })
      // A controller that still has the old set in hand may adopt the pods and then never count them
      // (seen on 1.36.3: its write of the old status is refused after the new set is there).
      yield* Heard.bySets(to)
      yield* meanwhile
      yield* to.quietly("POST", "statefulsets", set("db", { replicas: 2, ...withClaims }))
      yield* settled(to, 2)
      yield* to.get("pods/db-0", { show: (body) => at(body, "metadata.ownerReferences.0.name") ?? null })
      yield* Heard.byCollector(to, "pods")
      yield* to.quietly("DELETE", "statefulsets/db", { propagationPolicy: "Foreground" })
      yield* to.until("statefulsets/db", (body) => body === undefined)
      yield* to.get("pods", names)
      yield* to.get("persistentvolumeclaims", names)
    }),
  "a replica counts as available only after minReadySeconds": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("db", { replicas: 2, minReadySeconds: 30 }))
      yield* to.until("pods/db-0", (body) => body !== undefined)
      const now = yield* Effect.clockWith((clock) => Effect.sync(() => clock.currentTimeMillisUnsafe()))
      yield* to.quietly(
        "PATCH",
        "pods/db-0/status",
        {
          status: {
            phase: "Running",
            conditions: [
              {
                type: "Ready",
                status: "True",
                lastTransitionTime: new Date(now).toISOString().replace(/\.\d+/, "")
              }
            ]
          }
        },
        merge
      )
      yield* settled(to, 1, 1)
      yield* to.get("statefulsets/db", status)
      yield* to.until("statefulsets/db", (body) => at(body, "status.availableReplicas") === 1)
      yield* to.until("pods/db-1", (body) => body !== undefined)
      yield* to.get("pods", names)
    }),
  "a pod of another owner is not taken for one's own": (to) =>
    Effect.gen(function* () {
      yield* running(to, 1)
      yield* to.quietly("POST", "pods", {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "db-extra", labels: { app: "web" } },
        spec: podSpec
      })
      yield* meanwhile
      yield* to.get("pods/db-extra", { show: (body) => at(body, "metadata.ownerReferences") ?? null })
      yield* to.get("statefulsets/db", { show: (body) => at(body, "status.replicas") ?? null })
    })
})
