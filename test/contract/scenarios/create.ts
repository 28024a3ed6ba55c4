import * as Effect from "effect/Effect"
import { scenarios } from "../Conversation.ts"
import { configMap, pod, secret, set } from "./objects.ts"

const plain = { headers: { "content-type": "text/plain" } }

export const create = scenarios("create")({
  "an object is given a uid, a version, a time and its namespace": (to) =>
    to.post("configmaps", configMap("one")),
  "a name is taken once": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", configMap("one"))
      yield* to.post("configmaps", configMap("one"))
      yield* to.post("statefulsets", set("one"))
      yield* to.post("statefulsets", set("one"))
    }),
  "generateName adds five letters": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", {
        ...configMap(""),
        metadata: { generateName: "generated-" }
      })
      yield* to.post(
        "configmaps",
        {
          ...configMap(""),
          metadata: { generateName: "Bad_" }
        },
        { show: (body) => JSON.parse(JSON.stringify(body).replaceAll(/Bad_[a-z0-9]{5}/g, "Bad_<letters>")) }
      )
    }),
  "a name is a DNS subdomain": (to) =>
    Effect.gen(function* () {
      for (const name of ["", "Upper", "under_score", "-dash", "dash-", "a..b", "a/b", "x".repeat(254)])
        yield* to.post("configmaps", configMap(name))
    }),
  "labels and annotations have rules": (to) =>
    Effect.gen(function* () {
      const labels = (value: object) => ({ ...configMap("one"), metadata: { name: "one", labels: value } })
      yield* to.post("configmaps", labels({ "bad key": "x" }))
      yield* to.post("configmaps", labels({ key: "bad value" }))
      yield* to.post("configmaps", labels({ key: "x".repeat(64) }))
      yield* to.post("configmaps", labels({ "a/b/c": "x" }))
      yield* to.post("configmaps", labels({ "Upper.example.com/x": "y" }))
      yield* to.post("configmaps", labels({ "": "y" }))
      yield* to.post("configmaps", {
        ...configMap("one"),
        metadata: { name: "one", annotations: { "bad key": "any value at all" } }
      })
      yield* to.post("configmaps", {
        ...configMap("one"),
        metadata: { name: "one", finalizers: ["no-slash"] }
      })
      yield* to.post("configmaps", {
        ...configMap("one"),
        metadata: { name: "one", ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x" }] }
      })
    }),
  "what a client may not say is refused or dropped": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", {
        ...configMap("one"),
        metadata: { name: "one", resourceVersion: "5" }
      })
      yield* to.post("configmaps", { ...configMap("one"), metadata: { name: "one", namespace: "other" } })
      yield* to.post("configmaps", {
        ...configMap("two"),
        metadata: {
          name: "two",
          uid: "mine",
          generation: 7,
          creationTimestamp: "2001-01-01T00:00:00Z",
          deletionTimestamp: "2001-01-01T00:00:00Z",
          deletionGracePeriodSeconds: 5,
          selfLink: "/x"
        }
      })
      yield* to.post("statefulsets", { ...set("three"), status: { replicas: 9 } })
      yield* to.post("configmaps", { ...configMap("four"), unknown: 1 })
    }),
  "a body of another kind or version is a bad request": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", secret("one"))
      yield* to.post("configmaps", { ...configMap("one"), apiVersion: "v2" })
      yield* to.post("statefulsets", { ...set("one"), apiVersion: "apps/v9" })
      yield* to.post("statefulsets", { ...set("one"), kind: "Thing" })
      yield* to.post("statefulsets", pod("one"))
      yield* to.post("configmaps", { metadata: { name: "short" } })
    }),
  "a malformed body is a bad request": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", "")
      yield* to.post("configmaps", "{")
      yield* to.post("configmaps", "nonsense")
      yield* to.post("configmaps", "[]")
      yield* to.post("configmaps", '"text"')
      yield* to.post("configmaps", "null")
      yield* to.post("configmaps", '{"kind": "ConfigMap", "apiVersion": "v1"')
    }),
  "a field of the wrong type is a bad request": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", { ...configMap("one"), data: { key: 1 } })
      yield* to.post("configmaps", { ...configMap("one"), data: "text" })
      yield* to.post("configmaps", { ...configMap("one"), immutable: "yes" })
      yield* to.post("statefulsets", set("one", { replicas: "1" }))
      yield* to.post("statefulsets", set("one", { replicas: 1.5 }))
      yield* to.post("statefulsets", set("one", { serviceName: 5 }))
      yield* to.post("configmaps", { ...configMap("one"), metadata: { name: "one", labels: { a: 1 } } })
      yield* to.post("configmaps", { ...configMap("one"), metadata: { name: 5 } })
    }),
  "a namespace that is not there takes nothing": (to) =>
    Effect.gen(function* () {
      yield* to.post("/api/v1/namespaces/nowhere/configmaps", configMap("one"))
      yield* to.post("/apis/apps/v1/namespaces/nowhere/statefulsets", set("one"))
      yield* to.get("/api/v1/namespaces/nowhere/configmaps")
      yield* to.get("/api/v1/namespaces/nowhere/configmaps/one")
      yield* to.get("/api/v1/namespaces/nowhere")
      yield* to.remove("/api/v1/namespaces/nowhere/configmaps/one")
    }),
  "a method that a path does not have is not allowed": (to) =>
    Effect.gen(function* () {
      yield* to.post("/api/v1/configmaps", configMap("one"))
      yield* to.remove("/api/v1/configmaps")
      yield* to.put("configmaps", configMap("one"))
      yield* to.merge("configmaps", {})
      yield* to.post("configmaps/one", configMap("one"))
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* to.post("statefulsets/one/scale", {})
      yield* to.remove("statefulsets/one/scale")
      yield* to.remove("statefulsets/one/status")
      yield* to.get("/api/v1/namespaces/default/pods/one/eviction")
    }),
  "content types that the server cannot read or write are refused": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", configMap("one"), plain)
      yield* to.put("configmaps/one", configMap("one"), plain)
      yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.ask("PATCH", "configmaps/one", {}, plain)
      yield* to.ask("PATCH", "configmaps/one", {}, { headers: { "content-type": "application/json" } })
      yield* to.get("configmaps/one", { headers: { accept: "text/html" } })
      yield* to.get("configmaps?labelSelector=app", { headers: { accept: "image/png" } })
      yield* to.get("configmaps/one", { headers: { accept: "*/*" } })
      yield* to.get("configmaps/one", { headers: { accept: "text/html, application/json" } })
    }),
  "a dry run checks and keeps nothing": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps?dryRun=All", configMap("one"))
      yield* to.get("configmaps/one")
      yield* to.post("configmaps?dryRun=Some", configMap("one"))
      yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.post("configmaps?dryRun=All", configMap("one"))
      yield* to.merge("configmaps/one?dryRun=All", { data: { key: "other" } })
      yield* to.remove("configmaps/one?dryRun=All")
      yield* to.remove("configmaps/one", { dryRun: ["All"] })
      yield* to.remove("configmaps/one", { dryRun: ["Some"] })
      yield* to.get("configmaps/one")
    }),
  "fieldValidation=Strict refuses unknown fields": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps?fieldValidation=Strict", { ...configMap("one"), unknown: 1 })
      yield* to.post("configmaps?fieldValidation=Loose", configMap("two"))
      yield* to.post("configmaps?fieldValidation=Strict&fieldManager=me", configMap("three"))
    })
})
