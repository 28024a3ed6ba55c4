import * as Effect from "effect/Effect"
import { at, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { claim, configMap, headless, lease, pod, secret, set } from "./objects.ts"

const table = { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" } }
const one = { headers: { accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io" } }
const many = { headers: { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" } }

/** Ages grow while a script runs; the embedded object is the metadata form of another test. */
const cells = (body: Json): Json => {
  const columns = at(body, "columnDefinitions")
  const rows = at(body, "rows")
  if (!Array.isArray(columns) || !Array.isArray(rows)) return body
  const age = columns.findIndex((column) => text(column, "name") === "Age")
  return {
    apiVersion: at(body, "apiVersion") ?? null,
    kind: at(body, "kind") ?? null,
    columns: columns.map((column) => [
      text(column, "name"),
      text(column, "type"),
      text(column, "format"),
      at(column, "priority") ?? null
    ]),
    rows: rows.map((row) => {
      const list = at(row, "cells")
      return Array.isArray(list) ? list.map((cell, index) => (index === age ? "<age>" : cell)) : null
    }),
    objects: rows.map((row) => at(row, "object.kind") ?? null)
  }
}

export const forms = scenarios("forms")({
  "metadata alone": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("one", { stringData: { canary: "x" } }))
      yield* to.get("secrets/one", one)
      yield* to.get("secrets", many)
      yield* to.get("secrets?labelSelector=none", many)
      yield* to.get("secrets/none", one)
      yield* to.merge("secrets/one", { metadata: { labels: { a: "b" } } }, one)
      yield* to.post("secrets", secret("two"), one)
    }),
  "tables as kubectl prints them": (to) =>
    Effect.gen(function* () {
      const shown = { ...table, show: cells }
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* to.quietly("POST", "pods", pod("one"))
      yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.quietly("POST", "secrets", secret("one"))
      yield* to.quietly("POST", "services", headless("one"))
      yield* to.quietly("POST", "leases", lease("one"))
      yield* to.quietly("POST", "persistentvolumeclaims", claim("one"))
      for (const path of [
        "statefulsets",
        "statefulsets/one",
        "pods",
        "configmaps?labelSelector=app=web",
        "secrets",
        "services",
        "leases",
        "persistentvolumeclaims",
        "secrets?labelSelector=none",
        "volumesnapshots"
      ])
        yield* to.get(path, shown)
      yield* to.get("secrets/none", table)
      yield* to.get("secrets?includeObject=Object", {
        ...table,
        show: (body) => at(body, "rows.0.object.kind") ?? null
      })
      yield* to.get("secrets?includeObject=None", {
        ...table,
        show: (body) => at(body, "rows.0.object") ?? null
      })
    }),
  "a table has a cell for every column": (to) =>
    Effect.gen(function* () {
      for (const path of [
        "/api/v1/nodes?labelSelector=none",
        "/api/v1/persistentvolumes?labelSelector=none",
        "/apis/storage.k8s.io/v1/storageclasses?labelSelector=none",
        `/api/v1/namespaces?fieldSelector=metadata.name=${to.namespace}`,
        "poddisruptionbudgets",
        "endpointslices",
        "controllerrevisions"
      ])
        yield* to.get(path, { ...table, show: cells })
    }),
  "metadata in a watch": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("one", { stringData: { canary: "x" } }))
      const watch = yield* to.watch("secrets", one)
      yield* watch.next(1)
    })
})
