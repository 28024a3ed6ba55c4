import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import { claimSpec, podSpec, set, template, withClaims } from "./objects.ts"

const settled = (to: Conversation, name = "one") =>
  to.until(
    `statefulsets/${name}`,
    (body) => at(body, "status.observedGeneration") === at(body, "metadata.generation")
  )

const withPod = (spec: object, metadata: object = template.metadata) => ({
  template: { metadata, spec: { ...podSpec, ...spec } }
})

const scale = (replicas: unknown, metadata: object = { name: "one" }) => ({
  apiVersion: "autoscaling/v1",
  kind: "Scale",
  metadata,
  spec: { replicas }
})

export const statefulsets = scenarios("statefulsets")({
  "what is left out is filled in": (to) =>
    Effect.gen(function* () {
      yield* to.post("statefulsets", {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "least" },
        spec: {
          replicas: 0,
          selector: { matchLabels: { app: "web" } },
          template: { metadata: template.metadata, spec: { containers: podSpec.containers } }
        }
      })
      yield* to.post("statefulsets?dryRun=All", {
        ...set("one"),
        spec: { selector: set("one").spec.selector, template, serviceName: "web" }
      })
      yield* to.post(
        "statefulsets",
        set("claims", {
          volumeClaimTemplates: [
            {
              metadata: { name: "data", labels: { own: "x" } },
              spec: { resources: claimSpec.resources, accessModes: ["ReadWriteOnce"] }
            }
          ]
        })
      )
      yield* to.post(
        "statefulsets",
        set("partition", { updateStrategy: { rollingUpdate: { partition: 2 } } })
      )
      yield* to.post("statefulsets", set("ondelete", { updateStrategy: { type: "OnDelete" } }))
      yield* to.post("statefulsets", set("ordinals", { ordinals: { start: 5 }, minReadySeconds: 3 }))
      yield* to.post(
        "statefulsets",
        set("retention", { persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } })
      )
    }),
  "pods in a template are filled in too": (to) =>
    Effect.gen(function* () {
      yield* to.post(
        "statefulsets?dryRun=All",
        set(
          "one",
          withPod({
            initContainers: [{ name: "init", image: "local/none:latest" }],
            containers: [
              {
                name: "main",
                image: "local/none",
                ports: [{ containerPort: 80, name: "http" }],
                env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
                readinessProbe: { httpGet: { port: 80 } },
                livenessProbe: { exec: { command: ["true"] } },
                lifecycle: { preStop: { exec: { command: ["true"] } } },
                resources: { limits: { memory: "64Mi" } }
              }
            ],
            volumes: [
              { name: "a", configMap: { name: "x" } },
              { name: "b", secret: { secretName: "x" } },
              { name: "c" }
            ]
          })
        )
      )
    }),
  "a set that makes no sense is invalid": (to) =>
    Effect.gen(function* () {
      const post = (spec: object, name = "one") => to.post("statefulsets", set(name, spec))
      yield* post({}, "Upper")
      yield* post({}, "")
      yield* post({}, "a.b")
      yield* post({}, "x".repeat(64))
      yield* post({ replicas: -1 })
      yield* post({ selector: { matchLabels: { app: "other" } } })
      yield* post({ selector: undefined })
      yield* post({ selector: {} })
      yield* post({ selector: { matchExpressions: [{ key: "app", operator: "Like", values: ["x"] }] } })
      yield* post({ podManagementPolicy: "Sometimes" })
      yield* post({ updateStrategy: { type: "Sometimes" } })
      yield* post({ updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } })
      yield* post({ updateStrategy: { rollingUpdate: { partition: -1 } } })
      yield* post({ persistentVolumeClaimRetentionPolicy: { whenScaled: "Maybe" } })
      yield* post({ ordinals: { start: -1 } })
      yield* post({ minReadySeconds: -1 })
      yield* post({ revisionHistoryLimit: -1 })
      yield* post({ template: undefined })
      yield* post(withPod({ restartPolicy: "Never" }))
      yield* post(withPod({ activeDeadlineSeconds: 5 }))
      yield* post(withPod({}, {}))
    }),
  "a template that makes no sense is invalid": (to) =>
    Effect.gen(function* () {
      const containers = (...list: ReadonlyArray<object>) =>
        to.post("statefulsets", set("one", withPod({ containers: list })))
      yield* containers()
      yield* containers({ name: "main" })
      yield* containers({ image: "local/none:1" })
      yield* containers({ name: "Main", image: "local/none:1" })
      yield* containers({ name: "main", image: "local/none:1" }, { name: "main", image: "local/none:1" })
      yield* containers({
        name: "main",
        image: "local/none:1",
        volumeMounts: [{ name: "none", mountPath: "/x" }]
      })
      yield* containers({ name: "main", image: "local/none:1", ports: [{ containerPort: 0 }] })
      yield* to.post(
        "statefulsets",
        set(
          "one",
          withPod({
            volumes: [
              { name: "a", emptyDir: {} },
              { name: "a", emptyDir: {} }
            ]
          })
        )
      )
    }),
  "a claim's template is mounted by its name": (to) =>
    Effect.gen(function* () {
      yield* to.post(
        "statefulsets?dryRun=All",
        set("one", {
          ...withPod({
            containers: [{ ...podSpec.containers[0], volumeMounts: [{ name: "data", mountPath: "/data" }] }]
          }),
          ...withClaims
        }),
        {
          show: (body) =>
            at(body, "spec.template.spec.containers.0.volumeMounts") ?? at(body, "message") ?? null
        }
      )
    }),
  "what may change is changed, all else is refused": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("one", withClaims))
      const change = (spec: object) =>
        Effect.andThen(settled(to), to.merge("statefulsets/one", { spec }, { without: ["status"] }))
      yield* change({ serviceName: "other" })
      yield* change({ selector: { matchLabels: { app: "other" } } })
      yield* change({ podManagementPolicy: "Parallel" })
      yield* change({ volumeClaimTemplates: [] })
      yield* change({ volumeClaimTemplates: null })
      yield* change({ template: { metadata: { labels: { app: "other" } } } })
      yield* change({ minReadySeconds: 5 })
      yield* change({ updateStrategy: { rollingUpdate: { partition: 3 } } })
      yield* change({ updateStrategy: { type: "OnDelete", rollingUpdate: null } })
      yield* change({ persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" } })
      yield* change({ persistentVolumeClaimRetentionPolicy: null })
      yield* change({ ordinals: { start: 4 } })
      yield* change({ ordinals: null })
      yield* change({ revisionHistoryLimit: 3 })
      yield* change({ template: { spec: { containers: [{ name: "main", image: "local/none:2" }] } } })
      yield* change({ replicas: null })
    }),
  "scale is a face of replicas": (to) =>
    Effect.gen(function* () {
      yield* to.quietly(
        "POST",
        "statefulsets",
        set("one", {
          selector: {
            matchExpressions: [{ key: "app", operator: "In", values: ["web", "db"] }],
            matchLabels: { app: "web" }
          }
        })
      )
      yield* settled(to)
      yield* to.get("statefulsets/one/scale")
      yield* to.merge("statefulsets/one/scale", { spec: { replicas: 0 } })
      yield* to.json("statefulsets/one/scale", [
        { op: "test", path: "/spec/replicas", value: 7 },
        { op: "replace", path: "/spec/replicas", value: 0 }
      ])
      yield* to.json("statefulsets/one/scale", [{ op: "test", path: "/spec/replicas", value: 0 }])
      yield* to.put("statefulsets/one/scale", scale(0))
      yield* to.put("statefulsets/one/scale", scale(-1))
      yield* to.put("statefulsets/one/scale", scale("x"))
      yield* to.put("statefulsets/one/scale", scale(0, { name: "two" }))
      yield* to.put("statefulsets/one/scale", scale(0, { name: "one", resourceVersion: "1" }))
      yield* to.put("statefulsets/one/scale", scale(0, { name: "one", uid: "another" }))
      const read = yield* to.quietly("GET", "statefulsets/one/scale")
      yield* to.put(
        "statefulsets/one/scale",
        scale(0, { name: "one", resourceVersion: text(read, "metadata.resourceVersion") })
      )
      yield* to.merge("statefulsets/one/scale", { spec: { replicas: -1 } })
      yield* to.merge("statefulsets/one/scale", { metadata: { resourceVersion: "1" }, spec: { replicas: 0 } })
      yield* to.merge("statefulsets/one/scale", { metadata: { labels: { a: "b" } } })
      yield* to.merge("statefulsets/one/scale?dryRun=All", { spec: { replicas: 3 } }, { without: ["status"] })
      yield* to.get("statefulsets/one", { show: (body) => at(body, "spec.replicas") ?? null })
      yield* to.strategic("statefulsets/one/scale", { spec: { replicas: 0 } })
      yield* to.put("statefulsets/none/scale", scale(0, { name: "none" }))
    }),
  "the status of a set without pods": (to) =>
    Effect.gen(function* () {
      yield* to.post("statefulsets", set("one"), { show: (body) => at(body, "status") ?? null })
      yield* settled(to)
      yield* to.get("statefulsets/one", { show: (body) => at(body, "status") ?? null })
      yield* to.get("statefulsets/one/status", { show: (body) => at(body, "status") ?? null })
    })
})
