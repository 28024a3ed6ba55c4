/** What a write to the status may change, and what it leaves. */
import * as Effect from "effect/Effect"
import { at, type Conversation, outcome, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { budget, claim, pod, set } from "./objects.ts"

const settled = (to: Conversation) =>
  to.until(
    "statefulsets/one",
    (body) => at(body, "status.observedGeneration") === at(body, "metadata.generation")
  )

const kept = {
  show: (body: Json): Json =>
    text(body, "kind") === "Status"
      ? [text(body, "reason"), text(body, "message")]
      : [
          at(body, "metadata.labels") ?? null,
          at(body, "metadata.annotations") ?? null,
          at(body, "metadata.finalizers") ?? null,
          at(body, "metadata.generation") ?? null
        ]
}

const marked = { labels: { new: "x" }, annotations: { note: "x" }, finalizers: ["example.com/hold"] }

const snapshot = {
  apiVersion: "snapshot.storage.k8s.io/v1",
  kind: "VolumeSnapshot",
  metadata: { name: "one" },
  spec: { source: { persistentVolumeClaimName: "none" }, volumeSnapshotClassName: "nobody" }
}

export const statuses = scenarios("statuses")({
  "metadata goes along with the status of some kinds alone": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* settled(to)
      yield* to.quietly("POST", "persistentvolumeclaims", claim("one"))
      yield* to.quietly("POST", "pods", pod("one"))
      yield* to.quietly("POST", "poddisruptionbudgets", budget("one", { minAvailable: 1 }))
      yield* to.quietly("POST", "volumesnapshots", snapshot)
      for (const path of [
        "statefulsets/one",
        "persistentvolumeclaims/one",
        "pods/one",
        "poddisruptionbudgets/one",
        "volumesnapshots/one"
      ])
        yield* to.merge(`${path}/status?dryRun=All`, { metadata: marked }, kept)
    }),
  "a status is validated": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* settled(to)
      yield* to.quietly("POST", "persistentvolumeclaims", claim("one"))
      yield* to.quietly("POST", "volumesnapshots", snapshot)
      const patch = (path: string, status: object) =>
        to.merge(`${path}/status?dryRun=All`, { status }, { show: outcome("kind") })
      yield* patch("statefulsets/one", { replicas: -1 })
      yield* patch("statefulsets/one", { readyReplicas: 5 })
      yield* patch("statefulsets/one", { replicas: "many" })
      yield* patch("persistentvolumeclaims/one", { capacity: { storage: "-1" } })
      yield* patch("persistentvolumeclaims/one", { capacity: { storage: "much" } })
      yield* patch("volumesnapshots/one", { readyToUse: "yes" })
      yield* patch("volumesnapshots/one", { creationTime: "yesterday" })
      yield* patch("volumesnapshots/one", { boundVolumeSnapshotContentName: "" })
    }),
  "a JSON patch of a status tests the spec, and leaves it": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* settled(to)
      const shown = {
        show: (body: Json): Json =>
          text(body, "message") || [
            at(body, "spec.replicas") ?? null,
            at(body, "status.collisionCount") ?? null
          ]
      }
      const path = "statefulsets/one/status?dryRun=All"
      const count = { op: "replace", path: "/status/collisionCount", value: 3 }
      yield* to.json(path, [{ op: "test", path: "/spec/replicas", value: 5 }, count], shown)
      yield* to.json(path, [{ op: "test", path: "/spec/replicas", value: 0 }, count], shown)
      yield* to.json(path, [{ op: "replace", path: "/spec/replicas", value: 5 }, count], shown)
      yield* to.json(path, [{ op: "test", path: "/metadata/resourceVersion", value: "1" }, count], shown)
    }),
  "scale is answered by each workload that has it": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "deployments", {
        ...set("web", { serviceName: undefined }),
        kind: "Deployment"
      })
      yield* to.quietly("POST", "replicasets", {
        ...set("rs", { serviceName: undefined }),
        kind: "ReplicaSet"
      })
      const scale = {
        show: (body: Json): Json =>
          text(body, "message") || [at(body, "kind") ?? null, at(body, "spec") ?? null]
      }
      yield* to.get("deployments/web/scale", scale)
      yield* to.merge("deployments/web/scale?dryRun=All", { spec: { replicas: 3 } }, scale)
      yield* to.merge("deployments/web/scale?dryRun=All", { spec: { replicas: -3 } }, scale)
      yield* to.json(
        "deployments/web/scale?dryRun=All",
        [{ op: "test", path: "/spec/replicas", value: 7 }],
        scale
      )
      yield* to.get("replicasets/rs/scale", scale)
      yield* to.get("configmaps/one/scale", scale)
      yield* to.get(`/apis/apps/v1/namespaces/${to.namespace}/daemonsets/one/scale`, scale)
      yield* to.get("volumesnapshots/one/scale", scale)
    })
})
