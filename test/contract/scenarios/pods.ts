import * as Effect from "effect/Effect"
import { at, byText, type Conversation, scenarios, outcome } from "../Conversation.ts"
import { budget, pod, podSpec, readyStatus } from "./objects.ts"

const ready = (to: Conversation, name: string, is = true) =>
  to.quietly("PATCH", `pods/${name}/status`, readyStatus(is), {
    headers: { "content-type": "application/merge-patch+json" }
  })

const eviction = (name: string, extra: object = {}) => ({
  apiVersion: "policy/v1",
  kind: "Eviction",
  metadata: { name },
  ...extra
})

/** The server believes the last count of whoever keeps the budgets. */
const counted = (to: Conversation, healthy: number, all: number) =>
  to.until(
    "poddisruptionbudgets/guard",
    (body) => at(body, "status.currentHealthy") === healthy && at(body, "status.expectedPods") === all
  )

export const pods = scenarios("pods")({
  "what is left out is filled in": (to) =>
    Effect.gen(function* () {
      yield* to.post("pods", pod("one"))
      yield* to.post(
        "pods",
        pod("two", {
          hostname: "two",
          subdomain: "web",
          terminationGracePeriodSeconds: 5,
          nodeSelector: { a: "b" },
          containers: [
            {
              name: "main",
              image: "local/none",
              resources: {
                requests: { cpu: "100m", memory: "64Mi" },
                limits: { cpu: "100m", memory: "64Mi" }
              },
              volumeMounts: [{ name: "data", mountPath: "/data" }]
            }
          ],
          volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }]
        })
      )
    }),
  "a pod that makes no sense is invalid": (to) =>
    Effect.gen(function* () {
      yield* to.post("pods", pod("one", { containers: [] }))
      yield* to.post("pods", pod("one", { containers: [{ name: "main" }] }))
      yield* to.post("pods", pod("one", { restartPolicy: "Sometimes" }))
      yield* to.post("pods", pod("negative", { terminationGracePeriodSeconds: -5 }))
      yield* to.post("pods", pod("one", { hostname: "Not.Good" }))
      yield* to.post("pods", pod("one", { volumes: [{ name: "Bad_", emptyDir: {} }] }))
      yield* to.post("pods", pod("one", { serviceAccountName: "nobody" }))
    }),
  "of a pod's spec little may change": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "pods", pod("one"))
      const message = {
        show: outcome("metadata.labels.z")
      }
      yield* to.merge("pods/one", { spec: { nodeName: "elsewhere" } }, message)
      yield* to.merge("pods/one", { spec: { hostname: "other" } }, message)
      yield* to.merge("pods/one", { metadata: { labels: { z: "1" } } }, message)
      yield* to.strategic(
        "pods/one",
        { spec: { containers: [{ name: "main", image: "local/none:2" }] } },
        {
          show: (body) => at(body, "spec.containers.0.image") ?? null
        }
      )
      yield* to.strategic(
        "pods/one",
        { spec: { tolerations: [{ key: "x", operator: "Exists" }] } },
        {
          show: (body) => at(body, "spec.tolerations") ?? null
        }
      )
    }),
  "a pod that no node has goes at once": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "pods", pod("one"))
      const version = yield* to.version("pods")
      const watch = yield* to.watch(`pods?resourceVersion=${version}`)
      yield* to.remove("pods/one")
      yield* watch.next(2)
      yield* to.get("pods/one")
    }),
  "a status is written by whoever may": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "pods", pod("one"))
      yield* to.merge("pods/one/status", readyStatus(), {
        show: (body) => ({
          phase: at(body, "status.phase") ?? null,
          ready: at(body, "status.conditions.0.status") ?? null
        })
      })
      yield* to.get("pods/one", { show: (body) => at(body, "metadata.generation") ?? null })
      yield* to.strategic(
        "pods/one/status",
        { status: { conditions: [{ type: "example.com/gate", status: "False" }] } },
        {
          show: (body) => {
            const conditions = at(body, "status.conditions")
            return Array.isArray(conditions)
              ? conditions.map((each) => at(each, "type") ?? null).toSorted(byText)
              : null
          }
        }
      )
    }),
  "an eviction without a budget deletes": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "pods", pod("one"))
      yield* to.post("pods/one/eviction?dryRun=All", eviction("one"))
      yield* to.get("pods/one", { show: (body) => at(body, "kind") ?? null })
      yield* to.post("pods/one/eviction", eviction("one"))
      yield* to.get("pods/one")
      yield* to.post("pods/one/eviction", eviction("one"))
    }),
  "an eviction's body is checked": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "pods", pod("one"))
      yield* to.post("pods/one/eviction", eviction("two"))
      yield* to.post("pods/one/eviction", "{")
      yield* to.post("pods/one/eviction", { ...eviction("one"), kind: "Pod", apiVersion: "v1" })
      yield* to.post(
        "pods/one/eviction",
        eviction("one", { deleteOptions: { preconditions: { uid: "another" } } })
      )
      yield* to.get("pods/one/eviction")
    }),
  "a budget that is not met refuses evictions, not deletions": (to) =>
    Effect.gen(function* () {
      yield* to.post("poddisruptionbudgets", budget("guard", { minAvailable: 2 }))
      for (const name of ["one", "two"]) {
        yield* to.quietly("POST", "pods", pod(name))
        yield* ready(to, name)
      }
      yield* counted(to, 2, 2)
      yield* to.get("poddisruptionbudgets/guard", {
        show: (body) => ({
          allowed: at(body, "status.disruptionsAllowed") ?? null,
          healthy: at(body, "status.currentHealthy") ?? null,
          desired: at(body, "status.desiredHealthy") ?? null,
          expected: at(body, "status.expectedPods") ?? null
        })
      })
      yield* to.post("pods/one/eviction", eviction("one"))
      yield* to.get("pods/one", { show: (body) => at(body, "kind") ?? null })
      yield* to.remove("pods/one", undefined, { show: (body) => at(body, "kind") ?? null })
    }),
  "a budget that is met allows as many as it can spare": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "poddisruptionbudgets", budget("guard", { minAvailable: 1 }))
      for (const name of ["one", "two"]) {
        yield* to.quietly("POST", "pods", pod(name))
        yield* ready(to, name)
      }
      yield* counted(to, 2, 2)
      yield* to.post("pods/one/eviction", eviction("one"))
      yield* counted(to, 1, 1)
      yield* to.post("pods/two/eviction", eviction("two"))
    }),
  "a pod that is not ready may go while the budget is met without it": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "poddisruptionbudgets", budget("guard", { minAvailable: 1 }))
      for (const name of ["one", "two"]) {
        yield* to.quietly("POST", "pods", pod(name))
        yield* ready(to, name, name === "one")
      }
      yield* counted(to, 1, 2)
      yield* to.post("pods/two/eviction", eviction("two"))
      yield* to.post("pods/one/eviction", eviction("one"))
    }),
  "a pending pod is no budget's": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "poddisruptionbudgets", budget("guard", { minAvailable: 5 }))
      yield* to.quietly("POST", "pods", pod("one"))
      yield* counted(to, 0, 1)
      yield* to.post("pods/one/eviction", eviction("one"))
    }),
  "two budgets for one pod are an error": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "poddisruptionbudgets", budget("guard", { minAvailable: 0 }))
      yield* to.quietly("POST", "poddisruptionbudgets", budget("other", { minAvailable: 0 }))
      yield* to.quietly("POST", "pods", pod("one"))
      yield* ready(to, "one")
      yield* to.post("pods/one/eviction", eviction("one"))
    }),
  "a budget says one thing": (to) =>
    Effect.gen(function* () {
      yield* to.post("poddisruptionbudgets", budget("guard", { minAvailable: 1, maxUnavailable: 1 }))
      yield* to.post("poddisruptionbudgets", budget("guard", { minAvailable: -1 }))
      yield* to.post("poddisruptionbudgets", budget("guard", { maxUnavailable: "150%" }))
      yield* to.post("poddisruptionbudgets", budget("guard", { maxUnavailable: "some" }))
      yield* to.post(
        "poddisruptionbudgets",
        budget("guard", { unhealthyPodEvictionPolicy: "Maybe", minAvailable: 1 })
      )
      yield* to.post("poddisruptionbudgets", budget("guard", { maxUnavailable: "50%" }), {
        without: ["status"]
      })
    }),
  "a command needs a pod that runs": (to) =>
    Effect.gen(function* () {
      yield* to.exec("none", ["true"])
      yield* to.quietly("POST", "pods", pod("one"))
      yield* to.exec("one", ["true"])
      yield* to.exec("one", ["true"], { container: "other" })
    }),
  "a pod's containers have unique names": (to) =>
    to.post("pods", pod("one", { containers: [podSpec.containers[0], podSpec.containers[0]] }))
})
