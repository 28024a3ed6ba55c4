import * as Effect from "effect/Effect"
import { scenarios } from "../Conversation.ts"
import { configMap, secret } from "./objects.ts"

export const configuration = scenarios("configuration")({
  "an immutable ConfigMap keeps its data": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", configMap("one", { immutable: true }))
      yield* to.merge("configmaps/one", { data: { key: "other" } })
      yield* to.merge("configmaps/one", { immutable: false })
      yield* to.merge("configmaps/one", { immutable: null })
      yield* to.merge("configmaps/one", { binaryData: { bytes: "AAAA" } })
      yield* to.merge("configmaps/one", { metadata: { labels: { may: "change" } } })
      yield* to.put("configmaps/one", configMap("one"))
      yield* to.remove("configmaps/one")
    }),
  "a ConfigMap can become immutable": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.merge("configmaps/one", { immutable: true, data: { key: "last" } })
      yield* to.merge("configmaps/one", { data: { key: "too late" } })
    }),
  "keys of data have rules": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", configMap("one", { data: { "bad key": "x" } }))
      yield* to.post("configmaps", configMap("one", { data: { "..": "x" } }))
      yield* to.post("configmaps", configMap("one", { data: { a: "x" }, binaryData: { a: "AAAA" } }))
      yield* to.post("configmaps", configMap("one", { data: null }))
      yield* to.post("secrets", secret("one", { data: { "bad key": "eA==" } }))
    }),
  "a Secret's stringData becomes data": (to) =>
    Effect.gen(function* () {
      yield* to.post("secrets", secret("one", { stringData: { name: "value" } }))
      yield* to.merge("secrets/one", { stringData: { other: "word", name: "new" } })
      yield* to.get("secrets/one")
    }),
  "a Secret has a type that stays": (to) =>
    Effect.gen(function* () {
      yield* to.post("secrets", secret("one"))
      yield* to.merge("secrets/one", { type: "example.com/other" })
      yield* to.post("secrets", secret("two", { type: "example.com/mine", data: { a: "eA==" } }))
      yield* to.post("secrets", secret("three", { type: "kubernetes.io/tls" }))
      yield* to.post(
        "secrets",
        secret("four", { type: "kubernetes.io/tls", stringData: { "tls.crt": "", "tls.key": "" } })
      )
      yield* to.post("secrets", secret("five", { type: "kubernetes.io/basic-auth" }))
    }),
  "an immutable Secret keeps its data": (to) =>
    Effect.gen(function* () {
      yield* to.post("secrets", secret("one", { immutable: true, data: { a: "eA==" } }))
      yield* to.merge("secrets/one", { data: { a: "eQ==" } })
      yield* to.merge("secrets/one", { stringData: { a: "y" } })
      yield* to.merge("secrets/one", { immutable: null })
    }),
  "a Secret's data is base64": (to) =>
    Effect.gen(function* () {
      yield* to.post("secrets", secret("one", { data: { a: "!!!" } }), {
        show: (body) => JSON.parse(JSON.stringify(body))
      })
      yield* to.post("secrets", secret("one", { data: { a: 5 } }))
    }),
  "a Secret's data counts by the bytes that it stands for": (to) =>
    Effect.gen(function* () {
      const show = (body: unknown) => String(Reflect.get(Object(body), "kind"))
      yield* to.post("secrets", secret("one", { data: { key: "A".repeat(1_200_000) } }), { show })
      yield* to.post("secrets", secret("two", { data: { key: "A".repeat(1_400_000) } }), { show })
    }),
  "what is over a mebibyte is too large": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", configMap("one", { data: { key: "x".repeat(1024 * 1024 + 1) } }))
      yield* to.post("secrets", secret("one", { stringData: { key: "x".repeat(1024 * 1024 + 1) } }))
      // A little over what the server reads at all: it takes in the rest of so much. Of more it closes the
      // connection, and whether its answer comes before the client notices is chance.
      yield* to.post(
        "configmaps",
        configMap("one", { data: { key: "x".repeat(3 * 1024 * 1024 + 64 * 1024) } })
      )
    })
})
