/** The contents behind snapshots: what is one, whose it is, and when it goes. */
import * as Effect from "effect/Effect"
import { at, byText, type Conversation, outcome, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import {
  abandoned,
  bound,
  calm,
  classes,
  classOf,
  content,
  contentPath,
  contents,
  contentShape,
  cut,
  driverOf,
  dynamic,
  gone,
  groupClasses,
  groupContents,
  merge,
  ownClaim,
  ownClass,
  ready,
  snapshot,
  taken,
  waits
} from "./cuts.ts"
import * as Heard from "./heard.ts"
import { list } from "./objects.ts"

const prepared = (to: Conversation, name: string, spec: object = {}) => ({
  apiVersion: "snapshot.storage.k8s.io/v1",
  kind: "VolumeSnapshotContent",
  metadata: { name: `${to.namespace}-${name}`, labels: { "contract-script": "yes" } },
  spec: {
    deletionPolicy: "Retain",
    driver: "nobody.example.com",
    source: { snapshotHandle: "none" },
    volumeSnapshotRef: { name: "one", namespace: to.namespace },
    ...spec
  }
})

/** A content that the script made, which goes with it. */
const prepare = (to: Conversation, name: string, spec: object) =>
  Effect.gen(function* () {
    const path = `${contents}/${to.namespace}-${name}`
    yield* Effect.addFinalizer(() => Effect.ignore(to.silently("DELETE", path)))
    yield* to.quietly("POST", contents, prepared(to, name, spec))
    return path
  })

/** The content is kept from now on, and whoever deletes contents knows it. */
const keep = (to: Conversation, path: string) =>
  Effect.tap(merge(to, path, { spec: { deletionPolicy: "Retain" } }), () => Heard.byContents(to))

const complains = (to: Conversation, name: string, about: string) =>
  Effect.andThen(
    to.until(`volumesnapshots/${name}`, (body) => text(body, "status.error.message").includes(about)),
    to.get(`volumesnapshots/${name}`, waits)
  )

const held = (body: Json): Json => ({
  finalizers: list(at(body, "metadata.finalizers")).toSorted(byText),
  annotations: Object.keys(Object(at(body, "metadata.annotations"))).toSorted(byText),
  going: at(body, "metadata.deletionTimestamp") !== undefined,
  policy: at(body, "spec.deletionPolicy") ?? null,
  ready: at(body, "status.readyToUse") ?? null
})

const show = { show: outcome("kind") }

export const snapshotContents = scenarios("snapshot contents")({
  "a content that makes no sense is invalid": (to) =>
    Effect.gen(function* () {
      const path = `${contents}?dryRun=All`
      for (const spec of [
        {},
        { deletionPolicy: undefined },
        { deletionPolicy: "Keep" },
        { driver: undefined },
        { source: undefined },
        { source: {} },
        { source: { snapshotHandle: "a", volumeHandle: "b" } },
        { volumeSnapshotRef: undefined },
        { volumeSnapshotRef: { name: "one" } },
        { volumeSnapshotRef: { namespace: to.namespace } }
      ])
        yield* to.post(path, prepared(to, "one", spec), show)
      yield* to.get(`${contents}/${to.namespace}-one`, show)
    }),
  "of a content its source stays, and its policy may change": (to) =>
    Effect.gen(function* () {
      const path = yield* prepare(to, "one", {})
      yield* to.merge(path, { spec: { source: { snapshotHandle: "other" } } }, show)
      yield* to.merge(path, { spec: { deletionPolicy: "Delete" } }, { show: outcome("spec.deletionPolicy") })
      yield* to.merge(path, { spec: { deletionPolicy: "Keep" } }, show)
    }),
  "a class of snapshots or of groups that makes no sense is invalid": (to) =>
    Effect.gen(function* () {
      for (const [path, apiVersion, kind] of [
        [classes, "snapshot.storage.k8s.io/v1", "VolumeSnapshotClass"],
        [groupClasses, "groupsnapshot.storage.k8s.io/v1", "VolumeGroupSnapshotClass"]
      ] as const) {
        const made = { apiVersion, kind, metadata: { name: classOf(to, "one") } }
        const driver = "nobody.example.com"
        yield* to.post(`${path}?dryRun=All`, { ...made, driver, deletionPolicy: "Delete" }, show)
        yield* to.post(`${path}?dryRun=All`, { ...made, driver }, show)
        yield* to.post(`${path}?dryRun=All`, { ...made, deletionPolicy: "Delete" }, show)
        yield* to.post(`${path}?dryRun=All`, { ...made, driver, deletionPolicy: "Keep" }, show)
      }
    }),
  "a group that makes no sense, or its content, is invalid": (to) =>
    Effect.gen(function* () {
      const group = (spec: object) => ({
        apiVersion: "groupsnapshot.storage.k8s.io/v1",
        kind: "VolumeGroupSnapshot",
        metadata: { name: "one" },
        spec
      })
      const selector = { matchLabels: { cut: "yes" } }
      for (const spec of [
        { source: { selector } },
        {},
        { source: {} },
        { source: { selector, volumeGroupSnapshotContentName: "b" } },
        { source: { selector }, volumeGroupSnapshotClassName: "" }
      ])
        yield* to.post("volumegroupsnapshots?dryRun=All", group(spec), show)
      const whole = {
        deletionPolicy: "Retain",
        driver: "nobody.example.com",
        source: { volumeHandles: ["a"] },
        volumeGroupSnapshotRef: { name: "one", namespace: to.namespace }
      }
      for (const spec of [
        whole,
        { ...whole, deletionPolicy: "Keep" },
        { ...whole, source: {} },
        { ...whole, volumeGroupSnapshotRef: { name: "one" } }
      ])
        yield* to.post(
          `${groupContents}?dryRun=All`,
          {
            apiVersion: "groupsnapshot.storage.k8s.io/v1",
            kind: "VolumeGroupSnapshotContent",
            metadata: { name: `${to.namespace}-one` },
            spec
          },
          show
        )
    }),
  "a snapshot takes a prepared content only where both name each other": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      const made = (yield* contentPath(to, "one")).split("/").at(-1) ?? ""
      yield* to.quietly("POST", "volumesnapshots", snapshot("none", { volumeSnapshotContentName: "none" }))
      yield* complains(to, "none", "missing")
      yield* to.quietly("POST", "volumesnapshots", snapshot("theirs", { volumeSnapshotContentName: made }))
      yield* complains(to, "theirs", "dynamically provisioned")
      const path = yield* prepare(to, "other", { driver: yield* driverOf(to) })
      yield* Heard.byContents(to)
      const volumeSnapshotContentName = path.split("/").at(-1)
      yield* to.quietly("POST", "volumesnapshots", snapshot("two", { volumeSnapshotContentName }))
      yield* complains(to, "two", "bound to a different")
      for (const name of ["none", "theirs", "two"]) {
        yield* to.get(`volumesnapshots/${name}`, {
          show: (body) => list(at(body, "metadata.finalizers")).toSorted(byText)
        })
        yield* to.quietly("DELETE", `volumesnapshots/${name}`)
        yield* gone(to, `volumesnapshots/${name}`)
      }
      to.record("they go", true)
    }),
  "a handle that the storage does not know is never ready": (to) =>
    Effect.gen(function* () {
      const path = yield* prepare(to, "lost", { driver: yield* driverOf(to) })
      yield* Heard.byContents(to)
      yield* to.quietly(
        "POST",
        "volumesnapshots",
        snapshot("one", { volumeSnapshotContentName: path.split("/").at(-1) })
      )
      yield* complains(to, "one", "can not find")
      yield* to.get(path, waits)
    }),
  "a content that is kept outlives its snapshot, and goes once it may": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      const path = yield* contentPath(to, "one")
      yield* keep(to, path)
      yield* to.quietly("DELETE", "volumesnapshots/one")
      yield* gone(to, "volumesnapshots/one")
      yield* Effect.sleep(1000)
      to.record("the content stays", held(yield* to.quietly("GET", path)))
      yield* merge(to, path, { spec: { deletionPolicy: "Delete" } })
      yield* Effect.sleep(1000)
      to.record("and stays, for nobody deletes it", held(yield* to.quietly("GET", path)))
      yield* to.quietly("DELETE", path)
      yield* gone(to, path)
      to.record("it goes", true)
    }),
  "a content that is deleted waits for its snapshot": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      const path = yield* contentPath(to, "one")
      yield* to.quietly("DELETE", path)
      yield* Effect.sleep(2000)
      to.record("it waits", held(yield* to.quietly("GET", path)))
      yield* to.get("volumesnapshots/one", { show: held })
      yield* to.quietly("DELETE", "volumesnapshots/one")
      yield* gone(to, "volumesnapshots/one")
      yield* gone(to, path)
      to.record("both are gone", true)
    }),
  "a content that is taken away from its snapshot is made anew, as its class has it": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      const path = yield* contentPath(to, "one")
      const before = yield* to.quietly("GET", path)
      yield* keep(to, path)
      const since = yield* to.version("volumesnapshots")
      yield* to.quietly("DELETE", path)
      yield* merge(to, path, { metadata: { finalizers: null } })
      yield* to.until(
        path,
        (body) =>
          text(body, "metadata.uid") !== text(before, "metadata.uid") &&
          at(body, "status.readyToUse") === true
      )
      yield* ready(to, "volumesnapshots/one")
      yield* calm(to, path)
      yield* to.history("what happened", since, ["volumesnapshots"], (object) => [
        `${at(object, "status.readyToUse") === true ? "ready" : "not ready"} ${text(object, "status.error.message")}`
      ])
      const after = yield* to.quietly("GET", path)
      to.record("the content", held(after))
      to.record("its cut", {
        sameHandle: text(after, "status.snapshotHandle") === text(before, "status.snapshotHandle"),
        sameMoment: text(after, "status.creationTime") === text(before, "status.creationTime")
      })
      yield* to.quietly("DELETE", "volumesnapshots/one")
      yield* gone(to, "volumesnapshots/one")
    }),
  "a content without a snapshot is ready, and goes at once": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      const path = yield* contentPath(to, "one")
      const made = yield* keep(to, path)
      yield* to.quietly("DELETE", "volumesnapshots/one")
      yield* gone(to, "volumesnapshots/one")
      yield* to.quietly("DELETE", path)
      yield* gone(to, path)
      to.record("a kept content that is deleted goes, and its bytes stay", true)
      const again = yield* prepare(to, "again", {
        deletionPolicy: "Delete",
        driver: text(made, "spec.driver"),
        source: { snapshotHandle: text(made, "status.snapshotHandle") }
      })
      yield* to.until(again, (body) => at(body, "status.readyToUse") === true)
      to.record("the content", contentShape(yield* to.quietly("GET", again)))
      yield* to.quietly("DELETE", again)
      yield* gone(to, again)
      to.record("it goes", true)
    }),
  "a driver needs one default class, and a volume a driver": (to) =>
    Effect.gen(function* () {
      const driver = `${to.namespace}.example.com`
      yield* ownClaim(to, "data", { csi: { driver, volumeHandle: "one" } })
      yield* ownClaim(to, "plain", { hostPath: { path: "/nowhere" } })
      const ofClaim = (name: string, claimName: string) =>
        to.quietly("POST", "volumesnapshots", snapshot(name, { persistentVolumeClaimName: claimName }))
      yield* ofClaim("plain", "plain")
      yield* complains(to, "plain", "CSI")
      yield* ofClaim("none", "data")
      yield* complains(to, "none", "cannot find default")
      yield* to.quietly("DELETE", "volumesnapshots/none")
      const annotation = "snapshot.storage.kubernetes.io/is-default-class"
      for (const name of ["a", "b"]) {
        yield* ownClass(to, name, driver)
        yield* merge(to, `${classes}/${classOf(to, name)}`, {
          metadata: { annotations: { [annotation]: "true" } }
        })
      }
      // With one default class alone that is known the snapshot would be of that one.
      yield* ownClass(to, "c", driver)
      yield* ofClaim("two", "data")
      yield* complains(to, "two", "2 default")
      yield* to.quietly("DELETE", "volumesnapshots/two")
      yield* to.quietly("DELETE", `${classes}/${classOf(to, "b")}`)
      yield* ofClaim("one", "data")
      yield* to.until("volumesnapshots/one", (body) => text(body, `status.${content}`) !== "")
      yield* to.get("volumesnapshots/one", {
        show: (body) => [
          at(body, "spec.volumeSnapshotClassName") ?? null,
          at(body, "status.readyToUse") ?? null
        ]
      })
      yield* abandoned(to, "one")
      to.record("it is gone", true)
    }),
  "a claim stays until its snapshot is ready": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("data"))
      yield* bound(to, "data")
      yield* ownClass(to, "late", null, { cutDelay: "2s", readyAfter: "20s" })
      yield* cut(to, "one", classOf(to, "late"))
      yield* to.until("volumesnapshots/one", (body) => text(body, `status.${content}`) !== "")
      yield* to.remove("persistentvolumeclaims/data", undefined, {
        show: (body) => list(at(body, "metadata.finalizers")).toSorted(byText)
      })
      yield* to.until("volumesnapshots/one", (body) => text(body, "status.creationTime") !== "")
      // Nobody uses the claim: its own protection is off soon, and the snapshot's stays.
      yield* to.until(
        "persistentvolumeclaims/data",
        (body) => !list(at(body, "metadata.finalizers")).includes("kubernetes.io/pvc-protection")
      )
      yield* to.get("persistentvolumeclaims/data", {
        show: (body) => list(at(body, "metadata.finalizers")).toSorted(byText)
      })
      yield* ready(to, "volumesnapshots/one")
      yield* gone(to, "persistentvolumeclaims/data")
      to.record("it goes with its cut's being ready", true)
    })
})
