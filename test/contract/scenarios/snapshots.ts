/** Snapshots and groups of them: objects that two controllers write to, and the order of what they write. */
import * as Effect from "effect/Effect"
import { at, byText, type Conversation, outcome, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import {
  abandoned,
  bound,
  classOf,
  complete,
  content,
  contentPath,
  contentShape,
  cut,
  dynamic,
  group,
  groupContent,
  members,
  ownClass,
  pair,
  ready,
  snapshot,
  taken,
  waits
} from "./cuts.ts"
import { list } from "./objects.ts"

/** An error that a controller has while it has not heard of all yet goes over into the lasting one. */
const complains = (to: Conversation, name: string, about: string) =>
  to.until(`volumesnapshots/${name}`, (body) => text(body, "status.error.message").includes(about))

const fact = (object: Json, gone: boolean): ReadonlyArray<string> => {
  if (gone) return ["gone"]
  const status = at(object, "status")
  return [
    ...(text(status, content) + text(status, groupContent) === "" ? [] : ["has its content"]),
    ...(text(status, "creationTime") === "" ? [] : ["is cut"]),
    ...(text(status, "restoreSize") === "" ? [] : ["has a size"]),
    ...(at(status, "readyToUse") === true ? ["is ready"] : []),
    ...(at(object, "metadata.deletionTimestamp") === undefined ? [] : ["is being deleted"])
  ]
}

/** Which class and which driver is the cluster's own. */
const shape = (body: Json): Json => ({
  finalizers: list(at(body, "metadata.finalizers")).toSorted(byText),
  labels: at(body, "metadata.labels") ?? null,
  source: at(body, "spec.source") ?? null,
  class: text(body, "spec.volumeSnapshotClassName") === "" ? "none" : "some",
  status: at(body, "status") ?? null
})

export const snapshots = scenarios("snapshots")({
  "a snapshot has its content, is cut, and is ready, in this order": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("data"))
      yield* bound(to, "data")
      const since = yield* to.version("volumesnapshots")
      yield* to.quietly("POST", "volumesnapshots", snapshot("one", { persistentVolumeClaimName: "data" }))
      yield* ready(to, "volumesnapshots/one")
      yield* to.history("what happened", since, ["volumesnapshots"], fact)
      yield* to.get("volumesnapshots/one", { show: shape })
      to.record("the content", contentShape(yield* to.quietly("GET", yield* contentPath(to, "one"))))
    }),
  "a snapshot that makes no sense is invalid": (to) =>
    Effect.gen(function* () {
      const show = { show: outcome("kind") }
      yield* to.post("volumesnapshots", snapshot("one", {}), show)
      yield* to.post(
        "volumesnapshots",
        snapshot("one", { persistentVolumeClaimName: "a", volumeSnapshotContentName: "b" }),
        show
      )
      yield* to.post(
        "volumesnapshots",
        snapshot("one", { persistentVolumeClaimName: "a" }, { volumeSnapshotClassName: "" }),
        show
      )
      yield* to.post("volumesnapshots", { ...snapshot("one", {}), spec: {} }, show)
      yield* to.quietly("POST", "volumesnapshots", snapshot("two", { persistentVolumeClaimName: "a" }))
      yield* to.merge("volumesnapshots/two", { spec: { source: { persistentVolumeClaimName: "b" } } }, show)
    }),
  "a snapshot of a claim that is not there, or not bound, waits and says why": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "volumesnapshots", snapshot("one", { persistentVolumeClaimName: "none" }))
      yield* complains(to, "one", "not found")
      const show = {
        show: (body: Json) => ({
          ready: at(body, "status.readyToUse") ?? null,
          why: text(body, "status.error.message")
        })
      }
      yield* to.get("volumesnapshots/one", show)
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("waits", { storageClassName: "shared" }))
      yield* to.quietly("POST", "volumesnapshots", snapshot("two", { persistentVolumeClaimName: "waits" }))
      yield* complains(to, "two", "not yet bound")
      yield* to.get("volumesnapshots/two", show)
    }),
  "a snapshot of a class that is not there waits and says why": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("data"))
      yield* bound(to, "data")
      yield* cut(to, "one", "none")
      yield* complains(to, "one", "not found")
      yield* to.get("volumesnapshots/one", waits)
      yield* to.quietly("DELETE", "volumesnapshots/one")
      yield* to.until("volumesnapshots/one", (body) => body === undefined)
      to.record("it is gone", true)
    }),
  "a snapshot of a driver that nobody runs has its content, and waits without a word": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("data"))
      yield* bound(to, "data")
      yield* ownClass(to, "other", "nobody.example.com")
      yield* cut(to, "one", classOf(to, "other"))
      yield* to.until("volumesnapshots/one", (body) => text(body, `status.${content}`) !== "")
      yield* Effect.sleep(2000)
      yield* to.get("volumesnapshots/one", waits)
      to.record("the content", contentShape(yield* to.quietly("GET", yield* contentPath(to, "one"))))
      yield* abandoned(to, "one")
    }),
  "a cut that fails is tried again, and its error goes once it is ready": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("data"))
      yield* bound(to, "data")
      yield* ownClass(to, "failing", null, { failCut: "Unavailable:6" })
      const since = yield* to.version("volumesnapshots")
      yield* cut(to, "one", classOf(to, "failing"))
      yield* complains(to, "one", "failure")
      yield* to.get("volumesnapshots/one", waits)
      yield* ready(to, "volumesnapshots/one")
      yield* to.history("what happened", since, ["volumesnapshots"], (object, gone) => [
        ...(text(object, "status.error.message") === "" ? [] : ["has an error"]),
        ...fact(object, gone)
      ])
      yield* to.get("volumesnapshots/one", { show: shape })
    }),
  "a snapshot whose cut always fails can be deleted": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("data"))
      yield* bound(to, "data")
      yield* ownClass(to, "failing", null, { failCut: "InvalidArgument:1000" })
      yield* cut(to, "one", classOf(to, "failing"))
      yield* complains(to, "one", "failure")
      yield* to.get("volumesnapshots/one", waits)
      const content = yield* contentPath(to, "one")
      yield* to.quietly("DELETE", "volumesnapshots/one")
      yield* to.until("volumesnapshots/one", (body) => body === undefined)
      yield* to.until(content, (body) => body === undefined)
      to.record("it is gone with its content", true)
    }),
  "a claim is made from a snapshot": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      const source = { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "one" }
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("restored", { dataSource: source }))
      yield* bound(to, "restored")
      yield* to.get("persistentvolumeclaims/restored", {
        show: (body) => [
          at(body, "spec.dataSource") ?? null,
          at(body, "spec.dataSourceRef") ?? null,
          at(body, "status.capacity") ?? null
        ]
      })
      yield* to.quietly(
        "POST",
        "persistentvolumeclaims",
        dynamic("small", { dataSource: source, resources: { requests: { storage: "300Mi" } } })
      )
      yield* Effect.sleep(4000)
      yield* to.get("persistentvolumeclaims/small", { show: (body) => at(body, "status.phase") ?? null })
    }),
  "a content goes with its snapshot": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      const path = yield* contentPath(to, "one")
      yield* to.remove("volumesnapshots/one", undefined, { show: outcome("metadata.name") })
      yield* to.until("volumesnapshots/one", (body) => body === undefined)
      yield* to.until(path, (body) => body === undefined)
      to.record("the content is gone", true)
    }),
  "a group has a member for every claim that it selects": (to) =>
    Effect.gen(function* () {
      yield* pair(to)
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("apart"))
      yield* bound(to, "apart")
      const since = yield* to.version("volumegroupsnapshots")
      yield* to.quietly("POST", "volumegroupsnapshots", group("all", { cut: "yes" }))
      yield* complete(to, 2)
      yield* to.history("what happened", since, ["volumegroupsnapshots"], fact)
      yield* to.get("volumegroupsnapshots/all", {
        show: (body) => ({
          finalizers: at(body, "metadata.finalizers") ?? null,
          status: at(body, "status") ?? null
        })
      })
      for (const member of yield* members(to)) {
        to.record("a member", {
          name: text(member, "metadata.name"),
          owner: at(member, "metadata.ownerReferences") ?? null,
          annotations: at(member, "metadata.annotations") ?? null,
          ...Object(shape(member))
        })
      }
      const all = yield* to.quietly("GET", "volumegroupsnapshots/all")
      const path = `/apis/groupsnapshot.storage.k8s.io/v1/volumegroupsnapshotcontents/${text(all, `status.${groupContent}`)}`
      const found = yield* to.quietly("GET", path)
      to.record("the content", {
        policy: at(found, "spec.deletionPolicy") ?? null,
        members: list(at(found, "status.volumeSnapshotInfoList")).length,
        keys: Object.keys(Object(at(found, "status.volumeSnapshotInfoList.0"))).toSorted((left, right) =>
          left < right ? -1 : 1
        ),
        ready: at(found, "status.readyToUse") ?? null
      })
    }),
  "a group is the same in each version": (to) =>
    Effect.gen(function* () {
      yield* pair(to)
      yield* to.quietly("POST", "volumegroupsnapshots", group("all", { cut: "yes" }))
      yield* complete(to, 2)
      for (const version of ["v1", "v1beta2", "v1beta1"])
        yield* to.get(
          `/apis/groupsnapshot.storage.k8s.io/${version}/namespaces/${to.namespace}/volumegroupsnapshots/all`,
          {
            show: (body) => [
              at(body, "apiVersion") ?? null,
              at(body, "spec.source") ?? null,
              at(body, "status.readyToUse") ?? null
            ]
          }
        )
    }),
  "a member does not go without its group": (to) =>
    Effect.gen(function* () {
      yield* pair(to)
      yield* to.quietly("POST", "volumegroupsnapshots", group("all", { cut: "yes" }))
      yield* complete(to, 2)
      const [first] = yield* members(to)
      const path = `volumesnapshots/${text(first ?? null, "metadata.name")}`
      yield* to.quietly("DELETE", path)
      yield* Effect.sleep(3000)
      const held = yield* to.quietly("GET", path)
      to.record("the member hangs", at(held, "metadata.finalizers") ?? null)
      yield* to.quietly("DELETE", "volumegroupsnapshots/all")
      yield* to.until("volumegroupsnapshots/all", (body) => body === undefined)
      yield* to.until("volumesnapshots", (body) => list(at(body, "items")).length === 0)
      to.record("all are gone with the group", true)
    })
})
