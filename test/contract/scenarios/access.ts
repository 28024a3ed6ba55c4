import * as Effect from "effect/Effect"
import { at, byText, type Conversation, scenarios } from "../Conversation.ts"
import { configMap, pod, secret, set } from "./objects.ts"

const reader = (to: Conversation) =>
  to.bed.as("contract-reader", to.namespace, [
    { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["configmaps", "pods"] },
    { verbs: ["get"], apiGroups: [""], resources: ["secrets"], resourceNames: ["mine"] },
    { verbs: ["patch"], apiGroups: ["apps"], resources: ["statefulsets/scale"] },
    { verbs: ["create"], apiGroups: ["policy"], resources: ["poddisruptionbudgets"] }
  ])

const review = (attributes: object) => ({
  apiVersion: "authorization.k8s.io/v1",
  kind: "SelfSubjectAccessReview",
  spec: { resourceAttributes: attributes }
})

const reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
const allowed = {
  show: (body: Parameters<typeof at>[0]) => at(body, "status.allowed") ?? at(body, "message") ?? null
}

export const access = scenarios("access")({
  "what no rule allows is forbidden": (to) =>
    Effect.gen(function* () {
      const as = yield* reader(to)
      yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.quietly("POST", "secrets", secret("mine"))
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* to.get("configmaps/one", { as })
      yield* to.get("configmaps/none", { as })
      yield* to.post("configmaps", configMap("two"), { as })
      yield* to.merge("configmaps/one", {}, { as })
      yield* to.put("configmaps/one", configMap("one"), { as })
      yield* to.remove("configmaps/one", undefined, { as })
      yield* to.remove("configmaps", undefined, { as })
      yield* to.get("secrets", { as })
      yield* to.get("secrets/other", { as })
      yield* to.get("secrets/mine", { as })
      yield* to.get("secrets?fieldSelector=metadata.name=mine", { as })
      yield* to.get("/api/v1/configmaps", { as })
      yield* to.get("/api/v1/nodes", { as })
      yield* to.get("/api/v1/nodes/one", { as })
      yield* to.get("/api/v1/namespaces/elsewhere/pods", { as })
      yield* to.get(`/api/v1/namespaces/${to.namespace}`, { as })
      yield* to.get("/apis/storage.k8s.io/v1/storageclasses", { as })
      yield* to.get("statefulsets/one/scale", { as })
      yield* to.merge(
        "statefulsets/one/scale",
        { spec: { replicas: 0 } },
        { as, show: (body) => at(body, "kind") ?? null }
      )
      yield* to.merge("statefulsets/one", { spec: { replicas: 0 } }, { as })
      yield* to.post("pods/one/eviction", { metadata: { name: "one" } }, { as })
      yield* to.get("things", { as })
      yield* to.post("configmaps?dryRun=All", configMap("two"), { as })
      yield* to.post("configmaps", "{", { as })
    }),
  "a watch that no rule allows is forbidden": (to) =>
    Effect.gen(function* () {
      const as = yield* reader(to)
      const refused = yield* to.watch("secrets", { as })
      yield* refused.next(1)
      yield* to.quietly("POST", "pods", pod("one"))
      const granted = yield* to.watch("pods?fieldSelector=metadata.name=one", { as })
      const [event] = yield* granted.next(1)
      to.record("the watch that is allowed", event?.type ?? null)
    }),
  "a review answers as the request would be": (to) =>
    Effect.gen(function* () {
      const as = yield* reader(to)
      const { namespace } = to
      for (const attributes of [
        { verb: "get", resource: "configmaps", namespace },
        { verb: "list", resource: "configmaps", namespace },
        { verb: "create", resource: "configmaps", namespace },
        { verb: "list", resource: "configmaps" },
        { verb: "get", resource: "secrets", namespace },
        { verb: "get", resource: "secrets", namespace, name: "mine" },
        { verb: "get", resource: "secrets", namespace, name: "other" },
        { verb: "patch", resource: "statefulsets", group: "apps", namespace },
        { verb: "patch", resource: "statefulsets", group: "apps", subresource: "scale", namespace },
        { verb: "*", resource: "*", group: "*" },
        { verb: "get", resource: "pods", namespace: "elsewhere" }
      ])
        yield* to.post(reviews, review(attributes), { as, ...allowed })
    }),
  "an administrator may do everything": (to) =>
    Effect.gen(function* () {
      yield* to.post(reviews, review({ verb: "*", resource: "*", group: "*" }), allowed)
      yield* to.post(
        reviews,
        review({ verb: "create", resource: "pods", subresource: "exec", namespace: "default" }),
        allowed
      )
    }),
  "a review is made, not read": (to) =>
    Effect.gen(function* () {
      const as = yield* reader(to)
      yield* to.post(
        reviews,
        review({ verb: "get", resource: "configmaps", namespace: to.namespace, name: "one" }),
        {
          as,
          show: (body) => ({
            kind: at(body, "kind") ?? null,
            apiVersion: at(body, "apiVersion") ?? null,
            spec: at(body, "spec") ?? null
          })
        }
      )
      yield* to.get(reviews)
      yield* to.post(reviews, "{")
      yield* to.post(reviews, {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: {}
      })
    }),
  "the caller learns its own name and rules": (to) =>
    Effect.gen(function* () {
      const as = yield* reader(to)
      yield* to.post(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
        {
          as,
          show: (body) => [
            at(body, "status.userInfo.username") ?? null,
            at(body, "status.userInfo.groups") ?? null
          ]
        }
      )
      yield* to.post(
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SelfSubjectRulesReview",
          spec: { namespace: to.namespace }
        },
        {
          as,
          show: (body) => {
            const rules = at(body, "status.resourceRules")
            return Array.isArray(rules)
              ? rules
                  .filter((rule) => !JSON.stringify(rule).includes("selfsubject"))
                  .map((rule) => JSON.stringify(rule))
                  .toSorted(byText)
              : (at(body, "message") ?? null)
          }
        }
      )
    })
})
