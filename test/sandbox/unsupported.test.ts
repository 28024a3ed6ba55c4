import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { apps, bare, home, pod, statefulSet } from "./asking.ts"

const required = "requiredDuringSchedulingIgnoredDuringExecution"
const preferred = "preferredDuringSchedulingIgnoredDuringExecution"
const near = { [required]: [{ topologyKey: "zone", labelSelector: {} }] }

const podWith = (spec: object, container: object = {}) => ({
  ...pod("one"),
  spec: { containers: [{ name: "main", image: "db:1", ...container }], ...spec }
})

const setWith = (spec: object) =>
  statefulSet("db", {
    template: { metadata: { labels: { app: "db" } }, spec: podWith(spec).spec }
  })

const classes = "/apis/storage.k8s.io/v1/storageclasses"
const storageClass = (rest: object) => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "fast" },
  provisioner: "x",
  ...rest
})

const autoscalers = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
const autoscaler = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "db" },
  spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" } }
}

const keeps = (fields: string) => `299 - "the sandbox keeps, and does not act upon: ${fields}"`

describe("what the sandbox would not do as a cluster does", () => {
  it.effect.each([
    [
      `${home}/pods`,
      podWith({ affinity: { podAffinity: near } }),
      `spec.affinity.podAffinity.${required} of a Pod`
    ],
    [`${home}/pods`, podWith({ schedulingGates: [{ name: "a" }] }), "spec.schedulingGates of a Pod"],
    [`${home}/pods`, podWith({ resourceClaims: [{ name: "gpu" }] }), "spec.resourceClaims of a Pod"],
    [
      apps,
      setWith({ affinity: { podAffinity: near } }),
      `spec.template.spec.affinity.podAffinity.${required} of a StatefulSet`
    ],
    [
      apps,
      statefulSet("db", { updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 2 } } }),
      "spec.updateStrategy.rollingUpdate.maxUnavailable of a StatefulSet"
    ],
    [
      classes,
      storageClass({ allowedTopologies: [{ matchLabelExpressions: [{ key: "zone", values: ["a"] }] }] }),
      "allowedTopologies of a StorageClass"
    ]
  ] as const)("is refused by name, and nothing is made: %#", ([path, object, field]) =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      const answer = ask("POST", path, object)
      assert.strictEqual(answer.status, 501)
      assert.strictEqual(answer.message, `the sandbox does not do this: ${field}`)
      assert.strictEqual(ask("GET", `${path}/${object.metadata.name}`).status, 404)
    })
  )

  it.effect("is refused when a change brings it, and the object stays as it was", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", apps, setWith({}))
      const before = ask("GET", `${apps}/db`).body
      const answer = patch("merge", `${apps}/db`, {
        spec: { template: { spec: { affinity: { podAffinity: near } } } }
      })
      assert.strictEqual(answer.status, 501)
      assert.deepEqual(ask("GET", `${apps}/db`).body, before)
    })
  )

  it.effect("is refused in a dry run too", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      const answer = ask("POST", `${home}/pods?dryRun=All`, podWith({ schedulingGates: [{ name: "a" }] }))
      assert.strictEqual(answer.status, 501)
    })
  )
})

describe("what the sandbox only keeps", () => {
  it.effect("is named once in a warning, however many containers have it", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      const probe = { livenessProbe: { tcpSocket: { port: 1 } } }
      const spec = {
        securityContext: { fsGroup: 1 },
        affinity: { nodeAffinity: { [preferred]: [{ weight: 1, preference: {} }] } },
        containers: [
          { name: "one", image: "a:1", ...probe },
          { name: "two", image: "a:1", ...probe }
        ]
      }
      const answer = ask("POST", `${home}/pods`, podWith(spec))
      assert.strictEqual(answer.status, 201)
      assert.strictEqual(
        answer.warning,
        keeps(`spec.affinity.nodeAffinity.${preferred}, spec.securityContext, spec.containers.livenessProbe`)
      )
    })
  )

  it.effect("is said of a sidecar, which ends as other init containers do", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      const spec = {
        initContainers: [{ name: "mesh", image: "a:1", restartPolicy: "Always" }],
        containers: [{ name: "one", image: "a:1" }]
      }
      const answer = ask("POST", `${home}/pods`, podWith(spec))
      assert.strictEqual(answer.warning, keeps("spec.initContainers.restartPolicy"))
    })
  )

  it.effect("is said of whole kinds that nobody acts upon, when one is made and not at each change", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      const made = ask("POST", autoscalers, autoscaler)
      assert.strictEqual(
        made.warning,
        '299 - "the sandbox keeps a HorizontalPodAutoscaler and does not act upon it"'
      )
      const labelled = patch("merge", `${autoscalers}/db`, { metadata: { labels: { a: "b" } } })
      assert.strictEqual(labelled.status, 200)
      assert.isUndefined(labelled.warning)
    })
  )

  it.effect("is said of a change that brings it, and not of the next that leaves it", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      assert.isUndefined(ask("POST", apps, setWith({})).warning)
      const kept = { spec: { template: { spec: { priorityClassName: "high" } } } }
      const changed = patch("merge", `${apps}/db`, kept)
      assert.strictEqual(changed.warning, keeps("spec.template.spec.priorityClassName"))
      assert.isUndefined(patch("merge", `${apps}/db`, { spec: { replicas: 2 } }).warning)
    })
  )

  it.effect("is nothing where a field is there and empty, as the server's defaults are", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      const answer = ask("POST", `${home}/pods`, podWith({ securityContext: {}, affinity: {} }))
      assert.strictEqual(answer.status, 201)
      assert.isUndefined(answer.warning)
    })
  )
})
