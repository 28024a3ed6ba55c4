import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import { isObject } from "../Normal.ts"
import { configMap, lease, set } from "./objects.ts"

const one = (to: Conversation) => to.quietly("POST", "configmaps", configMap("one"))

const settled = (to: Conversation, name = "one") =>
  to.until(
    `statefulsets/${name}`,
    (body) => at(body, "status.observedGeneration") === at(body, "metadata.generation")
  )

export const update = scenarios("update")({
  "an update replaces the whole object": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      yield* to.put("configmaps/one", {
        ...configMap("one"),
        data: { other: "x" },
        metadata: { name: "one" }
      })
      yield* to.get("configmaps/one")
    }),
  "an update with the version that was read wins once": (to) =>
    Effect.gen(function* () {
      const read = yield* one(to)
      yield* to.put("configmaps/one", read)
      const first = { ...(isObject(read) ? read : {}), data: { a: "1" } }
      yield* to.put("configmaps/one", first)
      yield* to.put("configmaps/one", { ...first, data: { a: "2" } })
    }),
  "the uid of an update must be the object's": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      const uid = "00000000-0000-4000-8000-000000000000"
      yield* to.put("configmaps/one", { ...configMap("one"), metadata: { name: "one", uid } })
      yield* to.merge("configmaps/one", { metadata: { uid } })
      yield* to.merge("configmaps/one", { metadata: { resourceVersion: "1" } })
      yield* to.put("configmaps/one", {
        ...configMap("one"),
        metadata: { name: "one", resourceVersion: "1" }
      })
      yield* to.put("configmaps/one", {
        ...configMap("one"),
        metadata: { name: "one", resourceVersion: "x" }
      })
    }),
  "names of path and body agree": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      yield* to.put("configmaps/one", configMap("two"))
      yield* to.put("configmaps/one", { ...configMap("one"), metadata: { name: "one", namespace: "other" } })
      yield* to.put("configmaps/two", configMap("two"))
      yield* to.merge("configmaps/one", { metadata: { name: "two" } })
      yield* to.merge("configmaps/one", { metadata: { namespace: "two" } })
      yield* to.merge("configmaps/one", { kind: "Secret" })
      yield* to.merge("configmaps/one", { apiVersion: "v2" })
      yield* to.put("configmaps/one", { data: {} })
    }),
  "a lease alone is made by an update": (to) =>
    Effect.gen(function* () {
      yield* to.put("leases/one", lease("one"))
      yield* to.put("leases/one", lease("one", { holderIdentity: "you", leaseDurationSeconds: 15 }))
      yield* to.post("leases", lease("two", { holderIdentity: "me", leaseDurationSeconds: 0 }))
      yield* to.post(
        "leases",
        lease("two", { holderIdentity: "me", renewTime: "2026-01-01T00:00:00.123456Z" })
      )
      yield* to.post("leases", lease("three", { holderIdentity: "me", renewTime: "2026-01-01T00:00:00Z" }))
      yield* to.post("leases", lease("four", { holderIdentity: "me", renewTime: "yesterday" }))
      yield* to.post("leases", lease("five", { holderIdentity: "me", leaseTransitions: -1 }))
      yield* to.remove("leases/one")
    }),
  "a merge patch sets, and null removes": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      yield* to.merge("configmaps/one", { data: { new: "x", key: null } })
      yield* to.merge("configmaps/one", { metadata: { labels: null, annotations: { a: "b" } } })
      yield* to.merge("configmaps/one", { data: null })
      yield* to.merge("configmaps/one", {})
      yield* to.merge("configmaps/one", { data: { key: 5 } })
      yield* to.merge("configmaps/one", [])
      yield* to.merge("configmaps/one", "{")
      yield* to.merge("configmaps/one", "")
    }),
  "a JSON patch does each thing that RFC 6902 says": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      yield* to.json("configmaps/one", [{ op: "add", path: "/data/new", value: "x" }])
      yield* to.json("configmaps/one", [{ op: "replace", path: "/data/new", value: "y" }])
      yield* to.json("configmaps/one", [{ op: "copy", from: "/data/new", path: "/data/copy" }])
      yield* to.json("configmaps/one", [{ op: "move", from: "/data/copy", path: "/data/moved" }])
      yield* to.json("configmaps/one", [{ op: "test", path: "/data/moved", value: "y" }])
      yield* to.json("configmaps/one", [{ op: "remove", path: "/data/moved" }])
      yield* to.json("configmaps/one", [
        { op: "add", path: "/metadata/labels/example.com~1name", value: "a" },
        { op: "test", path: "/metadata/labels/example.com~1name", value: "a" }
      ])
      yield* to.json("configmaps/one", [
        { op: "add", path: "/metadata/finalizers", value: ["example.com/a"] }
      ])
      yield* to.json("configmaps/one", [
        { op: "add", path: "/metadata/finalizers/-", value: "example.com/b" }
      ])
      yield* to.json("configmaps/one", [
        { op: "add", path: "/metadata/finalizers/0", value: "example.com/c" }
      ])
      yield* to.json("configmaps/one", [{ op: "remove", path: "/metadata/finalizers/1" }])
      yield* to.json("configmaps/one", [{ op: "remove", path: "/metadata/finalizers" }])
    }),
  "a JSON patch that does not apply changes nothing": (to) =>
    Effect.gen(function* () {
      yield* one(to)
      yield* to.json("configmaps/one", [
        { op: "add", path: "/data/new", value: "x" },
        { op: "test", path: "/data/key", value: "other" }
      ])
      yield* to.json("configmaps/one", [{ op: "test", path: "/data/absent", value: "x" }])
      yield* to.json("configmaps/one", [{ op: "test", path: "/data/absent", value: null }])
      yield* to.json("configmaps/one", [{ op: "remove", path: "/data/absent" }])
      yield* to.json("configmaps/one", [{ op: "replace", path: "/data/absent", value: "x" }])
      yield* to.json("configmaps/one", [{ op: "add", path: "/absent/deep/path", value: "x" }])
      yield* to.json("configmaps/one", [
        { op: "add", path: "/metadata/finalizers/-", value: "example.com/a" }
      ])
      yield* to.json("configmaps/one", [{ op: "invent", path: "/data/key" }])
      yield* to.json("configmaps/one", [{ path: "/data/key" }])
      yield* to.json("configmaps/one", [{ op: "add", value: "x" }])
      yield* to.json("configmaps/one", [{ op: "add", path: "data/key", value: "x" }])
      yield* to.json("configmaps/one", {})
      yield* to.json("configmaps/one", "[")
      yield* to.json("configmaps/one", [])
      yield* to.json("configmaps/one", [{ op: "replace", path: "/data", value: "x" }])
      yield* to.get("configmaps/one")
    }),
  "a test on a version or uid guards a patch": (to) =>
    Effect.gen(function* () {
      const made = yield* one(to)
      const uid = text(made, "metadata.uid")
      const version = text(made, "metadata.resourceVersion")
      const guarded = (path: string, value: unknown) =>
        to.json("configmaps/one", [
          { op: "test", path, value },
          { op: "add", path: "/data/n", value: path }
        ])
      yield* guarded("/metadata/uid", "another")
      yield* guarded("/metadata/uid", uid)
      yield* guarded("/metadata/resourceVersion", version)
      yield* to.json("configmaps/one", [{ op: "replace", path: "/metadata/resourceVersion", value: version }])
      yield* to.merge("configmaps/one", { metadata: { resourceVersion: version }, data: { n: "3" } })
    }),
  "a strategic patch merges lists by key": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* settled(to)
      const spec = (containers: ReadonlyArray<object>) => ({ spec: { template: { spec: { containers } } } })
      const asking = { without: ["status"] }
      yield* to.strategic("statefulsets/one", { metadata: { labels: { new: "x", app: null } } }, asking)
      yield* settled(to)
      yield* to.strategic(
        "statefulsets/one",
        spec([
          {
            name: "main",
            env: [
              { name: "A", value: "1" },
              { name: "B", value: "2" }
            ]
          }
        ]),
        asking
      )
      yield* settled(to)
      yield* to.strategic(
        "statefulsets/one",
        spec([{ name: "main", env: [{ name: "A", value: "3" }] }]),
        asking
      )
      yield* settled(to)
      yield* to.strategic("statefulsets/one", spec([{ name: "side", image: "local/side:1" }]), asking)
      yield* settled(to)
      yield* to.strategic("statefulsets/one", spec([{ name: "side", $patch: "delete" }]), asking)
      yield* settled(to)
      yield* to.strategic(
        "statefulsets/one",
        spec([{ name: "main", env: [{ name: "A", $patch: "delete" }] }]),
        asking
      )
      yield* settled(to)
      yield* to.strategic(
        "statefulsets/one",
        { spec: { template: { spec: { tolerations: [{ key: "a", operator: "Exists" }] } } } },
        asking
      )
    }),
  "a strategic patch merges finalizers and replaces others": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", {
        ...configMap("one"),
        metadata: { name: "one", finalizers: ["example.com/a"] }
      })
      yield* to.strategic("configmaps/one", { metadata: { finalizers: ["example.com/b"] } })
      yield* to.strategic("configmaps/one", {
        metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"] }
      })
      yield* to.strategic("configmaps/one", { data: { $patch: "replace", only: "x" } })
      yield* to.strategic("configmaps/one", { metadata: { finalizers: null } })
    }),
  "a strategic patch edits a node's taints by key": (to) =>
    Effect.gen(function* () {
      const name = `contract-node-${to.namespace.split("-").at(-1)}`
      const node = `/api/v1/nodes/${name}`
      const asking = {
        show: (body: Parameters<typeof at>[0]) => at(body, "spec.taints") ?? at(body, "message") ?? null
      }
      yield* to.quietly("POST", "/api/v1/nodes", {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name, labels: { "contract-script": "yes" } },
        spec: { unschedulable: true, taints: [{ key: "a", effect: "NoSchedule" }] }
      })
      const ours = (body: Parameters<typeof at>[0]) => {
        const taints = at(body, "spec.taints")
        return Array.isArray(taints)
          ? taints.filter((taint) => ["a", "b"].includes(text(taint, "key")))
          : (at(body, "message") ?? null)
      }
      const patch = { show: ours }
      yield* to.strategic(node, { spec: { taints: [{ key: "b", value: "x", effect: "NoExecute" }] } }, patch)
      yield* to.strategic(node, { spec: { taints: [{ key: "a", effect: "NoExecute" }] } }, patch)
      yield* to.strategic(node, { spec: { taints: [{ key: "b", $patch: "delete" }] } }, patch)
      yield* to.strategic(node, { spec: { taints: [{ key: "b", effect: "Sometimes" }] } }, asking)
      yield* to.quietly("DELETE", node)
    }),
  "generation counts changes of spec alone": (to) =>
    Effect.gen(function* () {
      const asking = { show: (body: Parameters<typeof at>[0]) => at(body, "metadata.generation") ?? null }
      yield* to.post("statefulsets", set("one"), asking)
      yield* settled(to)
      yield* to.merge("statefulsets/one", { metadata: { labels: { a: "b" } } }, asking)
      yield* to.merge("statefulsets/one", { spec: { replicas: 0 } }, asking)
      yield* to.merge("statefulsets/one", { spec: { minReadySeconds: 5 } }, asking)
      yield* settled(to)
      yield* to.merge(
        "statefulsets/one/scale",
        { spec: { replicas: 0 } },
        {
          show: (body) => at(body, "spec") ?? null
        }
      )
      yield* to.merge("statefulsets/one/status", { status: { replicas: 0 } }, asking)
      yield* to.get("statefulsets/one", asking)
      yield* to.post("configmaps", configMap("one"), asking)
    }),
  "a status is written through its subresource alone": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* settled(to)
      const spec = { show: (body: Parameters<typeof at>[0]) => at(body, "spec.minReadySeconds") ?? null }
      yield* to.merge("statefulsets/one/status", { spec: { minReadySeconds: 9 } }, spec)
      const asking = { show: (body: Parameters<typeof at>[0]) => at(body, "status.collisionCount") ?? null }
      yield* to.merge("statefulsets/one", { status: { collisionCount: 77 } }, asking)
      yield* to.merge("configmaps/one/status", {})
      yield* to.merge("statefulsets/one/nothing", {})
    }),
  "a custom resource takes no strategic patch, and no update without a version": (to) =>
    Effect.gen(function* () {
      const snapshot = {
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshot",
        metadata: { name: "one", annotations: { note: "x" } },
        spec: { source: { persistentVolumeClaimName: "none" }, volumeSnapshotClassName: "nobody" }
      }
      const asking = {
        show: (body: Parameters<typeof at>[0]) => at(body, "message") ?? at(body, "kind") ?? null
      }
      yield* to.post("volumesnapshots?dryRun=All", snapshot, { without: ["status"] })
      yield* to.quietly("POST", "volumesnapshots", snapshot)
      yield* to.strategic("volumesnapshots/one", {}, asking)
      yield* to.put("volumesnapshots/one", snapshot, asking)
      yield* to.ask(
        "PATCH",
        "volumesnapshots/one",
        {},
        { ...asking, headers: { "content-type": "text/plain" } }
      )
      yield* to.post("volumesnapshots", "{", asking)
      yield* to.post("volumesnapshots", { ...snapshot, kind: "Thing" }, asking)
      yield* to.post("volumesnapshots", { ...snapshot, metadata: { name: "Bad" } }, asking)
      yield* to.post("volumesnapshots", snapshot, asking)
      yield* to.quietly("DELETE", "volumesnapshots/one")
    })
})
