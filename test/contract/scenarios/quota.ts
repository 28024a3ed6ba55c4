import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, merge } from "../Conversation.ts"
import * as Heard from "./heard.ts"
import { claim, configMap, list, pod, secret, set } from "./objects.ts"

const quota = (to: Conversation, hard: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    yield* to.post(
      "resourcequotas",
      {
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "limit" },
        spec: { hard }
      },
      { without: ["status"] }
    )
    // The server believes the last count of whoever keeps the quotas; its own copy of it is a little older.
    yield* to.until("resourcequotas/limit", (body) => at(body, "status.used") !== undefined)
    yield* Heard.byQuotas(to, "canary-made")
  })

export const quotas = scenarios("quotas")({
  "a quota counts objects": (to) =>
    Effect.gen(function* () {
      yield* quota(to, { secrets: "1", "count/statefulsets.apps": "0" })
      yield* to.post("secrets", secret("one"))
      yield* to.post("secrets", secret("two"))
      yield* to.post("secrets?dryRun=All", secret("two"))
      yield* to.post("configmaps", configMap("one"))
      yield* to.post("statefulsets", {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "one" },
        spec: {
          replicas: 0,
          selector: { matchLabels: { a: "b" } },
          template: { metadata: { labels: { a: "b" } }, spec: pod("x").spec }
        }
      })
      // Who keeps the quotas counts anew when a secret goes, and writes only what differs from its copy of the
      // quota: one from before the secret would never be put right.
      yield* Heard.byQuotas(to, "canary-used")
      yield* to.quietly("DELETE", "secrets/one")
      yield* to.until("resourcequotas/limit", (body) => at(at(body, "status.used"), "secrets") === "0")
      yield* Heard.byQuotas(to, "canary-counted")
      yield* to.post("secrets", secret("two"))
    }),
  "a quota sums storage": (to) =>
    Effect.gen(function* () {
      yield* quota(to, { "requests.storage": "3Gi", persistentvolumeclaims: "5" })
      yield* to.post("persistentvolumeclaims", claim("one"), { show: (body) => at(body, "kind") ?? null })
      yield* to.post("persistentvolumeclaims", claim("two", { resources: { requests: { storage: "3Gi" } } }))
      yield* Effect.sleep(2000)
      yield* to.get("resourcequotas/limit", { show: (body) => at(body, "status") ?? null })
    }),
  "a quota of one class": (to) =>
    Effect.gen(function* () {
      yield* quota(to, {
        "nobody.storageclass.storage.k8s.io/requests.storage": "1Gi",
        "nobody.storageclass.storage.k8s.io/persistentvolumeclaims": "1"
      })
      yield* to.post("persistentvolumeclaims", claim("one"), { show: (body) => at(body, "kind") ?? null })
      yield* to.post("persistentvolumeclaims", claim("two"))
      yield* to.post("persistentvolumeclaims", claim("three", { storageClassName: "other" }), {
        show: (body) => at(body, "kind") ?? null
      })
    }),
  "a quota of pods and what they ask for": (to) =>
    Effect.gen(function* () {
      const asks = (cpu: string) => ({
        containers: [{ name: "main", image: "local/none:1", resources: { requests: { cpu } } }]
      })
      yield* quota(to, { pods: "2", "requests.cpu": "1" })
      yield* to.post("pods", pod("none"))
      yield* to.post("pods", pod("one", asks("600m")), { show: (body) => at(body, "kind") ?? null })
      yield* to.post("pods", pod("two", asks("600m")))
      yield* to.post("pods", pod("two", asks("100m")), { show: (body) => at(body, "kind") ?? null })
      yield* to.post("pods", pod("three", asks("100m")))
    }),
  "a StatefulSet that a quota stops says so, and goes on when there is room": (to) =>
    Effect.gen(function* () {
      yield* quota(to, { pods: "1" })
      yield* to.quietly("POST", "statefulsets", set("db", { replicas: 2, podManagementPolicy: "Parallel" }))
      const events = "events?fieldSelector=involvedObject.name=db,reason=FailedCreate"
      yield* to.until(events, (body) => list(at(body, "items")).length > 0)
      yield* to.get(events, {
        show: (body) =>
          list(at(body, "items"))
            .slice(0, 1)
            .map((each) => [
              at(each, "type") ?? null,
              at(each, "reason") ?? null,
              at(each, "message") ?? null
            ])
      })
      yield* to.until("statefulsets/db", (body) => at(body, "status.replicas") === 1)
      yield* to.get("statefulsets/db", { show: (body) => at(body, "status") ?? null })
      yield* to.quietly("PATCH", "resourcequotas/limit", { spec: { hard: { pods: "2" } } }, merge)
      yield* to.until("pods", (body) => list(at(body, "items")).length === 2)
      to.record("both are there", true)
    })
})
