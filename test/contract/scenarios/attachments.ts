/** Volumes while they are used: attached, grown, and cut by snapshots that somebody prepared. */
import * as Effect from "effect/Effect"
import { at, type Conversation, outcome, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { contents, snapshot } from "./cuts.ts"
import { claim, list, pod } from "./objects.ts"

const used = (to: Conversation) =>
  Effect.gen(function* () {
    yield* to.quietly(
      "POST",
      "persistentvolumeclaims",
      claim("data", { storageClassName: "shared-immediate", resources: { requests: { storage: "320Mi" } } })
    )
    yield* to.until("persistentvolumeclaims/data", (body) => at(body, "status.phase") === "Bound")
    yield* to.quietly(
      "POST",
      "pods",
      pod("user", {
        schedulerName: "default-scheduler",
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "main",
            image: "docker.io/local/busybox:1",
            imagePullPolicy: "Never",
            command: ["sleep", "3600"],
            volumeMounts: [{ name: "data", mountPath: "/data" }]
          }
        ],
        volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }]
      })
    )
    yield* to.until("pods/user", (body) =>
      list(at(body, "status.conditions")).some(
        (each) => text(each, "type") === "Ready" && text(each, "status") === "True"
      )
    )
    return text(yield* to.quietly("GET", "persistentvolumeclaims/data"), "spec.volumeName")
  })

const attachmentsOf = (body: Json | undefined, volume: string): ReadonlyArray<Json> =>
  list(at(body, "items")).filter((each) => text(each, "spec.source.persistentVolumeName") === volume)

const ready = (to: Conversation, name: string) =>
  to.until(`volumesnapshots/${name}`, (body) => at(body, "status.readyToUse") === true)

export const attachments = scenarios("attachments")({
  "a volume is attached to its pod's node, and detached after the pod": (to) =>
    Effect.gen(function* () {
      const all = "/apis/storage.k8s.io/v1/volumeattachments"
      const volume = yield* used(to)
      const [found] = attachmentsOf(yield* to.quietly("GET", all), volume)
      const user = yield* to.quietly("GET", "pods/user")
      to.record("the attachment", {
        onItsNode: text(found ?? null, "spec.nodeName") === text(user, "spec.nodeName"),
        source: Object.keys(Object(at(found, "spec.source"))),
        attached: at(found, "status.attached") ?? null,
        error: at(found, "status.attachError") ?? null,
        held: list(at(found, "metadata.finalizers")).length > 0
      })
      yield* to.quietly("DELETE", "pods/user")
      yield* to.until(all, (body) => attachmentsOf(body, volume).length === 0)
      to.record("the attachment is gone", true)
    }),
  "a claim grows while it is used, and never shrinks": (to) =>
    Effect.gen(function* () {
      yield* used(to)
      yield* to.quietly(
        "PATCH",
        "persistentvolumeclaims/data",
        { spec: { resources: { requests: { storage: "640Mi" } } } },
        { headers: { "content-type": "application/merge-patch+json" } }
      )
      yield* to.until(
        "persistentvolumeclaims/data",
        (body) =>
          text(body, "status.capacity.storage") === "640Mi" &&
          list(at(body, "status.conditions")).length === 0
      )
      yield* to.get("persistentvolumeclaims/data", {
        show: (body) => [at(body, "spec.resources") ?? null, at(body, "status") ?? null]
      })
      yield* to.merge(
        "persistentvolumeclaims/data",
        { spec: { resources: { requests: { storage: "320Mi" } } } },
        { show: outcome("spec.resources.requests.storage") }
      )
    }),
  "a snapshot of a class that is not there waits and says why": (to) =>
    Effect.gen(function* () {
      yield* to.quietly(
        "POST",
        "persistentvolumeclaims",
        claim("data", { storageClassName: "shared-immediate", resources: { requests: { storage: "320Mi" } } })
      )
      yield* to.until("persistentvolumeclaims/data", (body) => at(body, "status.phase") === "Bound")
      yield* to.quietly(
        "POST",
        "volumesnapshots",
        snapshot("one", { persistentVolumeClaimName: "data" }, { volumeSnapshotClassName: "none-such" })
      )
      yield* to.until("volumesnapshots/one", (body) => text(body, "status.error.message") !== "")
      yield* to.get("volumesnapshots/one", {
        show: (body) => [at(body, "status.readyToUse") ?? null, at(body, "status.error.message") ?? null]
      })
    }),
  "a content that somebody prepared is bound to the snapshot that it names": (to) =>
    Effect.gen(function* () {
      yield* to.quietly(
        "POST",
        "persistentvolumeclaims",
        claim("data", { storageClassName: "shared-immediate", resources: { requests: { storage: "320Mi" } } })
      )
      yield* to.until("persistentvolumeclaims/data", (body) => at(body, "status.phase") === "Bound")
      yield* to.quietly("POST", "volumesnapshots", snapshot("one", { persistentVolumeClaimName: "data" }))
      yield* ready(to, "one")
      const one = yield* to.quietly("GET", "volumesnapshots/one")
      const path = `${contents}/${text(one, "status.boundVolumeSnapshotContentName")}`
      const made = yield* to.quietly("GET", path)
      const name = `prepared-${to.namespace}`
      yield* Effect.addFinalizer(() => Effect.ignore(to.quietly("DELETE", `${contents}/${name}`)))
      yield* to.quietly("POST", contents, {
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshotContent",
        metadata: { name },
        spec: {
          deletionPolicy: "Retain",
          driver: text(made, "spec.driver"),
          source: { snapshotHandle: text(made, "status.snapshotHandle") },
          volumeSnapshotRef: { name: "two", namespace: to.namespace }
        }
      })
      yield* to.quietly("POST", "volumesnapshots", snapshot("two", { volumeSnapshotContentName: name }))
      yield* ready(to, "two")
      const two = yield* to.quietly("GET", "volumesnapshots/two")
      to.record("the snapshot", {
        source: at(two, "spec.source") ?? null,
        bound: at(two, "status.boundVolumeSnapshotContentName") ?? null,
        size: at(two, "status.restoreSize") ?? null
      })
      const prepared = yield* to.quietly("GET", `${contents}/${name}`)
      to.record("the content", {
        sameHandle: text(prepared, "status.snapshotHandle") === text(made, "status.snapshotHandle"),
        of: at(prepared, "spec.volumeSnapshotRef.uid") === at(two, "metadata.uid"),
        ready: at(prepared, "status.readyToUse") ?? null
      })
      yield* to.quietly("DELETE", "volumesnapshots/two")
      yield* to.until("volumesnapshots/two", (body) => body === undefined)
      yield* to.get(`${contents}/${name}`, { show: (body) => at(body, "spec.deletionPolicy") ?? null })
    }),
  "an autoscaler is held as it is": (to) =>
    Effect.gen(function* () {
      const path = `/apis/autoscaling/v2/namespaces/${to.namespace}/horizontalpodautoscalers`
      const scaleTargetRef = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" }
      const show = {
        show: (body: Json) => [
          at(body, "spec.scaleTargetRef") ?? null,
          at(body, "spec.minReplicas") ?? null,
          at(body, "spec.maxReplicas") ?? null
        ]
      }
      yield* to.post(
        path,
        {
          apiVersion: "autoscaling/v2",
          kind: "HorizontalPodAutoscaler",
          metadata: { name: "db" },
          spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 5 }
        },
        show
      )
      yield* to.get(`${path}/db`, show)
      yield* to.remove(`${path}/db`, undefined, { show: outcome("status") })
    })
})
