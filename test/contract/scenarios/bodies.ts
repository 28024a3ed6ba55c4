/** Bodies and queries that make no sense: each is refused, and nothing of it is kept. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { configMap, set } from "./objects.ts"

const one = (to: Conversation) => to.quietly("POST", "configmaps", configMap("one"))

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`

const refusal = {
  show: (body: Json): Json => [at(body, "reason") ?? null, at(body, "message") ?? null]
}

/** What of the object is the script's own. */
const kept = { show: (body: Json): Json => [at(body, "metadata.labels") ?? null, at(body, "data") ?? null] }

const deployment = (selector: Json) => ({
  ...set("web", { selector, serviceName: undefined }),
  kind: "Deployment"
})

export const bodies = scenarios("bodies")({
  "values nested too deep are refused": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"x":${nested(10_500)}}`
      yield* to.post("configmaps", body, refusal)
      yield* to.merge("configmaps/one", `{"x":${nested(10_500)}}`, refusal)
      yield* to.strategic("configmaps/one", `{"x":${nested(10_500)}}`, refusal)
      yield* to.json("configmaps/one", `[{"op":"add","path":"/x","value":${nested(10_500)}}]`, refusal)
    }),
  "a key is a key, whatever it means elsewhere": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      yield* to.merge("configmaps/one", '{"data":{"__proto__":"a","constructor":"b"}}', kept)
      yield* to.merge("configmaps/one", { metadata: { labels: { constructor: "yes" } } }, kept)
      yield* to.json("configmaps/one", [{ op: "remove", path: "/data/toString" }])
      yield* to.json("configmaps/one", [{ op: "copy", from: "/data/valueOf/name", path: "/data/x" }])
      yield* to.quietly("POST", "configmaps", configMap("two"))
      yield* to.get("configmaps?labelSelector=constructor", {
        show: (body) => Object.keys(Object(at(body, "items")))
      })
      yield* to.get("configmaps?labelSelector=toString", {
        show: (body) => Object.keys(Object(at(body, "items")))
      })
    }),
  "a patch that is none is refused": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      for (const body of ["null", '"x"', "5", "", "[]"]) yield* to.merge("configmaps/one", body, refusal)
      for (const body of ['"x"', "5", ""]) yield* to.strategic("configmaps/one", body, refusal)
      for (const body of ["{}", "5", "[null]", "[[]]", "[5]", '[{"op":"add","path":5}]'])
        yield* to.json("configmaps/one", body, refusal)
      yield* to.json("configmaps/one", [{ op: "add", path: "", value: null }], refusal)
      yield* to.json("configmaps/one", [{ op: "replace", path: "", value: 5 }], refusal)
      yield* to.json(
        "configmaps/one",
        Array.from({ length: 10_001 }, () => ({ op: "test", path: "/data/key", value: "value" })),
        refusal
      )
      yield* to.json(
        "configmaps/one",
        Array.from({ length: 40 }, (_, i) => ({ op: "copy", from: "/data", path: `/data/y${i}` })),
        refusal
      )
      yield* to.json("configmaps/one", "null", kept)
      yield* to.get("configmaps/one", kept)
    }),
  "a field of the wrong type is the client's fault": (to) =>
    Effect.gen(function* () {
      for (const wrong of [
        { ownerReferences: 5 },
        { ownerReferences: [5] },
        { managedFields: 5 },
        { creationTimestamp: 7 },
        { generation: "x" },
        { ownerReferences: [{}] },
        { annotations: { a: "x".repeat(300_000) } }
      ])
        yield* to.post("configmaps", { ...configMap("a"), metadata: { name: "a", ...wrong } }, refusal)
      yield* to.post("configmaps", { ...configMap("a"), metadata: [] }, refusal)
      yield* to.post("configmaps", { ...configMap("a"), metadata: "a" }, refusal)
      yield* to.post("configmaps", { ...configMap("a"), kind: 7 }, refusal)
      yield* to.post("statefulsets", set("a", { selector: [] }), refusal)
      yield* to.post("statefulsets", set("a", { selector: { matchLabels: "x" } }), refusal)
      yield* to.post("statefulsets", set("a", { selector: { matchExpressions: [5] } }), refusal)
      yield* to.post("services", { kind: "Service", metadata: { name: "a" }, spec: { ports: [5] } }, refusal)
      yield* to.post("services", { kind: "Service", metadata: { name: "a" }, spec: { selector: 5 } }, refusal)
    }),
  "a Deployment's selector must be one": (to) =>
    Effect.gen(function* () {
      yield* to.post("deployments", deployment({}), refusal)
      yield* to.post("deployments", deployment({ matchExpressions: [{ key: "a" }] }), {
        show: (body) => [at(body, "reason") ?? null, at(body, "details.causes.0") ?? null]
      })
      yield* to.post("deployments", deployment({ matchExpressions: [{ key: "a", operator: "In" }] }), refusal)
      yield* to.post(
        "deployments",
        deployment({ matchExpressions: [{ key: "a", operator: "Foo" }] }),
        refusal
      )
    }),
  "amounts of storage are amounts": (to) =>
    Effect.gen(function* () {
      for (const storage of [{ a: 1 }, "...", "1Zi", true, "-1Gi", "0"]) {
        yield* to.post(
          "persistentvolumeclaims",
          {
            apiVersion: "v1",
            kind: "PersistentVolumeClaim",
            metadata: { name: "a" },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } }
          },
          refusal
        )
      }
    }),
  "a query's numbers are numbers": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      for (const query of [
        "limit=",
        "limit=99999999999999999999",
        "timeoutSeconds=x",
        "resourceVersion=99999999999999999999999",
        "limit=1&resourceVersion=-1"
      ])
        yield* to.get(`configmaps?${query}`, refusal)
      const token = (start: string, rv: number): string =>
        btoa(JSON.stringify({ v: "meta.k8s.io/v1", rv, start })).replaceAll("=", "")
      yield* to.get(`configmaps?limit=1&continue=${token("../x", 5)}`, refusal)
      yield* to.get(`configmaps?limit=1&continue=${token("x", 5.5)}`, refusal)
      yield* to.remove("configmaps/one?gracePeriodSeconds=x", undefined, refusal)
      for (const body of ["[]", "5", '"x"', '{"gracePeriodSeconds":1.5}'])
        yield* to.remove("configmaps/one", body, refusal)
      yield* to.get("configmaps/one", kept)
    }),
  "a body's type is JSON, however it is written": (to) =>
    Effect.gen(function* () {
      const as = (type: string) => ({ headers: { "content-type": type }, ...refusal })
      yield* to.post("configmaps", configMap("a"), as("APPLICATION/JSON"))
      yield* to.post("configmaps", configMap("b"), as("*/*"))
      yield* to.post("configmaps", configMap("b"), as("text/plain"))
      yield* to.post("configmaps", configMap("b"), as("application/json-patch+json"))
    }),
  "a field selector's comma can be escaped": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      for (const query of ["metadata.name%3Done%5C%2Cx", "metadata.name%3Done%2C", "metadata.name"])
        yield* to.get(`configmaps?fieldSelector=${query}`, {
          show: (body) => at(body, "message") ?? Object.keys(Object(at(body, "items")))
        })
    })
})
