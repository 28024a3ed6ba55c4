import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { type Answer, port } from "./port.ts"

const aggregatedPods = {
  resource: "pods",
  responseKind: { group: "", version: "v1", kind: "Pod" },
  scope: "Namespaced",
  singularResource: "pod",
  shortNames: ["po"],
  verbs: ["get", "list"],
  subresources: [{ subresource: "exec", verbs: ["create", "get"] }]
}

const aggregated: Readonly<Record<string, unknown>> = {
  "/api": {
    kind: "APIGroupDiscoveryList",
    items: [
      { metadata: {}, versions: [{ version: "v1", resources: [aggregatedPods], freshness: "Current" }] }
    ]
  },
  "/apis": {
    kind: "APIGroupDiscoveryList",
    items: [
      {
        metadata: { name: "snapshot.storage.k8s.io" },
        versions: ["v1", "v1beta1"].map((version) => ({
          version,
          resources: [
            { resource: "volumesnapshots", responseKind: { kind: "VolumeSnapshot" }, scope: "Namespaced" }
          ]
        }))
      },
      { metadata: { name: "metrics.k8s.io" }, versions: [{ version: "v1beta1", freshness: "Stale" }] }
    ]
  }
}

const old: Readonly<Record<string, Answer>> = {
  "/api": { body: { kind: "APIVersions", versions: ["v1"] } },
  "/apis": {
    body: {
      kind: "APIGroupList",
      groups: [
        {
          name: "apps",
          preferredVersion: { version: "v1" },
          versions: [{ version: "v1beta1" }, { version: "v1" }]
        },
        { name: "broken.io", versions: [{ version: "v1" }] }
      ]
    }
  },
  "/api/v1": {
    body: {
      resources: [
        {
          name: "pods",
          kind: "Pod",
          namespaced: true,
          verbs: ["get"],
          singularName: "pod",
          shortNames: ["po"]
        },
        { name: "pods/exec", kind: "PodExecOptions", namespaced: true, verbs: ["create"] }
      ]
    }
  },
  "/apis/apps/v1": {
    body: { resources: [{ name: "statefulsets", kind: "StatefulSet", namespaced: true, verbs: [] }] }
  },
  "/apis/apps/v1beta1": { body: { resources: [] } },
  "/apis/broken.io/v1": { status: 404, body: "404 page not found" }
}

describe("what a cluster serves", () => {
  it.effect("is known from two requests where discovery is aggregated", () =>
    Effect.gen(function* () {
      const server = port((request) => ({ body: aggregated[request.path] }))
      const found = yield* Effect.provide(Resource.discover, server.layer)
      assert.lengthOf(server.requests, 2)
      assert.deepEqual(Resource.served(found, "", "pods"), {
        group: "",
        version: "v1",
        plural: "pods",
        kind: "Pod",
        namespaced: true,
        verbs: ["get", "list"],
        subresources: ["exec"],
        singular: "pod",
        shortNames: ["po"]
      })
      assert.deepEqual(found.failed, ["metrics.k8s.io/v1beta1"])
    })
  )

  it.effect("is asked the old way of servers that answer the old way, and is the same", () =>
    Effect.gen(function* () {
      const server = port((request) => old[request.path] ?? { status: 404 })
      const found = yield* Effect.provide(Resource.discover, server.layer)
      const pods = Resource.served(found, "", "pods")
      assert.deepEqual([pods?.kind, pods?.subresources, pods?.namespaced], ["Pod", ["exec"], true])
      assert.strictEqual(Resource.served(found, "apps", "statefulsets")?.version, "v1")
      assert.deepEqual(found.failed, ["broken.io/v1"])
    })
  )

  it.effect("is chosen by the caller's order of versions, else by the server's", () =>
    Effect.gen(function* () {
      const found = yield* Effect.provide(
        Resource.discover,
        port((request) => ({ body: aggregated[request.path] })).layer
      )
      const group = "snapshot.storage.k8s.io"
      assert.strictEqual(Resource.served(found, group, "volumesnapshots")?.version, "v1")
      assert.strictEqual(
        Resource.served(found, group, "volumesnapshots", ["v2", "v1beta1"])?.version,
        "v1beta1"
      )
      assert.isNull(Resource.served(found, group, "volumesnapshots", ["v9"]))
      assert.isNull(Resource.served(found, "nope.io", "things"))
    })
  )

  it.effect("of junk is nothing, and no crash", () =>
    Effect.gen(function* () {
      for (const body of [{}, [], { kind: "APIGroupDiscoveryList", items: [null, 3, { versions: [{}] }] }]) {
        const found = yield* Effect.provide(Resource.discover, port(() => ({ body })).layer)
        assert.isEmpty(found.resources)
      }
    })
  )
})
