import * as Effect from "effect/Effect"
import { at, byText, scenarios, text } from "../Conversation.ts"
import { isObject, type Json } from "../Normal.ts"
import { list } from "./objects.ts"

const aggregated = {
  headers: { accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" }
}

/** Of a real server's many, those that the sandbox says it serves. */
const only =
  (key: string, by: string, names: ReadonlyArray<string>, then: (item: Json) => Json = (item) => item) =>
  (body: Json): Json => ({
    ...(isObject(body) ? body : {}),
    [key]: list(at(body, key))
      .filter((item) => names.includes(text(item, by)))
      .map(then)
  })

/** A server lists kinds that were defined later in an order of no meaning, another one each time. */
const byName =
  (show: (body: Json) => Json) =>
  (body: Json): Json => {
    const shown = show(body)
    if (!isObject(shown)) return shown
    const resources = list(at(shown, "resources")).toSorted((left, right) =>
      text(left, "name") < text(right, "name") ? -1 : 1
    )
    return { ...shown, resources }
  }

const withoutHash = (item: Json): Json => {
  if (!isObject(item)) return item
  const { storageVersionHash: _, ...rest } = item
  return rest
}

/** The hash of a storage version, and what only clients of other kinds read. */
const plainly = (item: Json): Json =>
  isObject(item)
    ? {
        resource: item["resource"] ?? null,
        kind: at(item, "responseKind.kind") ?? null,
        scope: item["scope"] ?? null,
        singular: item["singularResource"] ?? null,
        verbs: list(item["verbs"]).toSorted(byText),
        shortNames: item["shortNames"] ?? null,
        categories: item["categories"] ?? null
      }
    : item

export const discovery = scenarios("discovery")({
  "the core group is there in v1": (to) => to.get("/api", { show: (body) => at(body, "versions") ?? null }),
  "groups say their versions and which they prefer": (to) =>
    Effect.gen(function* () {
      for (const group of [
        "apps",
        "policy",
        "storage.k8s.io",
        "snapshot.storage.k8s.io",
        "groupsnapshot.storage.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "batch"
      ])
        yield* to.get(`/apis/${group}`)
    }),
  "resources of apps are listed with their verbs": (to) =>
    to.get("/apis/apps/v1", {
      show: only(
        "resources",
        "name",
        ["statefulsets", "statefulsets/status", "statefulsets/scale", "controllerrevisions"],
        withoutHash
      )
    }),
  "resources of the core group are listed with their verbs": (to) =>
    to.get("/api/v1", {
      show: only(
        "resources",
        "name",
        [
          "configmaps",
          "secrets",
          "pods",
          "pods/status",
          "pods/eviction",
          "persistentvolumeclaims",
          "persistentvolumeclaims/status",
          "persistentvolumes",
          "namespaces",
          "services"
        ],
        withoutHash
      )
    }),
  "custom resources are listed like the others": (to) =>
    Effect.gen(function* () {
      const names = ["volumesnapshots", "volumesnapshots/status", "volumesnapshotcontents"]
      yield* to.get("/apis/snapshot.storage.k8s.io/v1", {
        show: byName(only("resources", "name", names, withoutHash))
      })
      yield* to.get("/apis/groupsnapshot.storage.k8s.io/v1", {
        show: byName(
          only("resources", "name", ["volumegroupsnapshots", "volumegroupsnapshotclasses"], withoutHash)
        )
      })
    }),
  "what is not there is not found": (to) =>
    Effect.gen(function* () {
      yield* to.get("/apis/nobody.example.com")
      yield* to.get("/apis/nobody.example.com/v1")
      yield* to.get("/apis/apps/v9")
      yield* to.get("/apis/nobody.example.com/v1/things")
      yield* to.get("/apis/apps/v9/statefulsets")
      yield* to.get("/apis/apps/v1/things")
      yield* to.get("/api/v1/things")
      yield* to.get("things")
      yield* to.get("/apis/snapshot.storage.k8s.io/v1/things")
      yield* to.get("/apis/snapshot.storage.k8s.io/v9/volumesnapshots")
      yield* to.get("pods/one/things")
      yield* to.get("/nothing")
    }),
  "all groups come in one aggregated answer": (to) =>
    to.get("/apis", {
      ...aggregated,
      show: (body) => ({
        kind: at(body, "kind") ?? null,
        apiVersion: at(body, "apiVersion") ?? null,
        groups: list(at(body, "items"))
          .filter((item) => ["apps", "snapshot.storage.k8s.io"].includes(text(item, "metadata.name")))
          .map((item) => ({
            name: at(item, "metadata.name") ?? null,
            versions: list(at(item, "versions")).map((version) => ({
              version: at(version, "version") ?? null,
              freshness: at(version, "freshness") ?? null,
              resources: list(at(version, "resources"))
                .filter((resource) =>
                  ["statefulsets", "deployments", "controllerrevisions", "volumesnapshots"].includes(
                    text(resource, "resource")
                  )
                )
                .map(plainly)
            }))
          }))
      })
    }),
  "the version says 1.36": (to) =>
    to.get("/version", {
      show: (body) => [at(body, "major") ?? null, at(body, "minor") ?? null, at(body, "gitVersion") ?? null]
    }),
  "the server says that it is well": (to) =>
    Effect.gen(function* () {
      yield* to.get("/readyz")
      yield* to.get("/livez")
      yield* to.get("/healthz")
    })
})
