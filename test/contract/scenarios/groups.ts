/** Groups that do not come to be, whom they take in, and what of one stays. */
import * as Effect from "effect/Effect"
import { at, byText, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import {
  bound,
  classOf,
  complete,
  contentPath,
  driverOf,
  dynamic,
  gone,
  group,
  groupClasses,
  groupContent,
  groupContents,
  members,
  merge,
  ownClaim,
  pair,
  plainly,
  waits
} from "./cuts.ts"
import * as Heard from "./heard.ts"
import { claim, list } from "./objects.ts"

const ask = (to: Conversation, name: string, labels: object, extra: object = {}) =>
  to.quietly("POST", "volumegroupsnapshots", group(name, labels, extra))

/** Other complaints come first where the controller has not heard of the claims or the class yet. */
const complains = (to: Conversation, name: string, about: string, plain = (why: string) => why) =>
  Effect.andThen(
    to.until(`volumegroupsnapshots/${name}`, (body) => text(body, "status.error.message").includes(about)),
    to.get(`volumegroupsnapshots/${name}`, {
      show: (body) => ({
        ready: at(body, "status.readyToUse") ?? null,
        why: plain(text(body, "status.error.message"))
      })
    })
  )

const labelled = (name: string, cut: string) => ({ metadata: { name, labels: { cut } } })

/** A class of the script's own. */
const ownClass = (to: Conversation, name: string, parameters: object) =>
  Effect.gen(function* () {
    const path = `${groupClasses}/${classOf(to, name)}`
    yield* Effect.addFinalizer(() => Effect.ignore(to.silently("DELETE", path)))
    yield* to.quietly("POST", groupClasses, {
      apiVersion: "groupsnapshot.storage.k8s.io/v1",
      kind: "VolumeGroupSnapshotClass",
      metadata: { name: classOf(to, name), labels: { "contract-script": "yes" } },
      driver: yield* driverOf(to),
      deletionPolicy: "Delete",
      parameters
    })
    return { volumeGroupSnapshotClassName: classOf(to, name) }
  })

const groupContentPath = (to: Conversation) =>
  Effect.map(
    to.quietly("GET", "volumegroupsnapshots/all"),
    (body) => `${groupContents}/${text(body, `status.${groupContent}`)}`
  )

const held = (body: Json): Json => ({
  finalizers: list(at(body, "metadata.finalizers")).toSorted(byText),
  annotations: Object.keys(Object(at(body, "metadata.annotations"))).toSorted(byText),
  going: at(body, "metadata.deletionTimestamp") !== undefined
})

const claimsOf = (items: ReadonlyArray<Json>) =>
  items.map((each) => text(each, "spec.source.persistentVolumeClaimName"))

export const groups = scenarios("groups")({
  "a group that cannot be cut waits and says why": (to) =>
    Effect.gen(function* () {
      yield* ask(to, "empty", { cut: "none" })
      yield* complains(to, "empty", "not applied")
      yield* to.quietly("POST", "persistentvolumeclaims", {
        ...claim("waits", { storageClassName: "shared" }),
        ...labelled("waits", "waits")
      })
      yield* ask(to, "waits", { cut: "waits" })
      yield* complains(to, "waits", "not yet bound")
      yield* ask(to, "classless", { cut: "none" }, { volumeGroupSnapshotClassName: "none" })
      yield* complains(to, "classless", "not found")
      const driver = `${to.namespace}.example.com`
      yield* ownClaim(to, "other", { csi: { driver, volumeHandle: "one" } })
      yield* merge(to, "persistentvolumeclaims/other", { metadata: { labels: { cut: "other" } } })
      yield* ask(to, "other", { cut: "other" })
      yield* complains(to, "other", "cannot find default")
      const own = yield* ownClass(to, "mine", {})
      yield* ask(to, "mixed", { cut: "other" }, own)
      const ours = yield* driverOf(to)
      yield* complains(to, "mixed", "mismatch", (why) => why.replace(ours, "<driver>"))
      for (const name of ["empty", "waits", "classless", "other", "mixed"]) {
        yield* to.quietly("DELETE", `volumegroupsnapshots/${name}`)
        yield* gone(to, `volumegroupsnapshots/${name}`)
      }
      to.record("they go", true)
    }),
  "only the labels of a group's selector count": (to) =>
    Effect.gen(function* () {
      yield* pair(to)
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("apart"))
      yield* bound(to, "apart")
      yield* Heard.bySnapshots(to)
      const matchExpressions = [{ key: "cut", operator: "In", values: ["no"] }]
      yield* to.quietly("POST", "volumegroupsnapshots", {
        ...group("all", {}),
        spec: { source: { selector: { matchExpressions } } }
      })
      yield* complete(to, 3)
      to.record("the members", claimsOf(yield* members(to)))
      yield* to.quietly("DELETE", "volumegroupsnapshots/all")
      yield* gone(to, "volumegroupsnapshots/all")
    }),
  "a claim that is labelled later is no member, and one that loses its label stays one": (to) =>
    Effect.gen(function* () {
      yield* pair(to)
      yield* ask(to, "all", { cut: "yes" }, yield* ownClass(to, "slow", { cutDelay: "1500ms" }))
      yield* to.until("volumegroupsnapshots/all", (body) => text(body, `status.${groupContent}`) !== "")
      yield* to.quietly("POST", "persistentvolumeclaims", { ...dynamic("late"), ...labelled("late", "yes") })
      yield* merge(to, "persistentvolumeclaims/data-1", { metadata: { labels: { cut: null } } })
      yield* complete(to, 2)
      to.record("the members", claimsOf(yield* members(to)))
      yield* to.quietly("DELETE", "volumegroupsnapshots/all")
      yield* gone(to, "volumegroupsnapshots/all")
    }),
  "a group is cut at one instant, or one after another where its class has it so": (to) =>
    Effect.gen(function* () {
      yield* pair(to)
      const apart = { mode: "sequential", memberDelay: "300ms" }
      for (const [mode, extra] of [
        ["atomic", {}],
        ["sequential", yield* ownClass(to, "apart", apart)]
      ] as const) {
        yield* ask(to, "all", { cut: "yes" }, extra)
        yield* complete(to, 2)
        const cuts: Array<number> = []
        for (const member of yield* members(to)) {
          const found = yield* to.quietly("GET", yield* contentPath(to, text(member, "metadata.name")))
          cuts.push(Number(text(found, "status.creationTime")))
        }
        const [first = 0, second = 0] = cuts
        const millis = Math.abs(first - second) / 1e6
        to.record(mode, millis === 0 ? "one instant" : millis >= 300 ? "at least the delay apart" : millis)
        yield* to.quietly("DELETE", "volumegroupsnapshots/all")
        yield* gone(to, "volumegroupsnapshots/all")
        yield* to.until("volumesnapshots", (body) => list(at(body, "items")).length === 0)
      }
    }),
  "a group whose cut fails is tried again": (to) =>
    Effect.gen(function* () {
      yield* pair(to)
      // The error passes with the tries: six of them last for half a minute, time for all to hear of it.
      yield* ask(to, "all", { cut: "yes" }, yield* ownClass(to, "failing", { failCut: "Unavailable:6" }))
      yield* complains(to, "all", "failure", (why) =>
        plainly(why).replace(/pvc-[^ ]+ pvc-[^: \]]+/, "<both>")
      )
      yield* complete(to, 2)
      yield* to.get("volumegroupsnapshots/all", waits)
      yield* to.quietly("DELETE", "volumegroupsnapshots/all")
      yield* gone(to, "volumegroupsnapshots/all")
    }),
  "contents that are kept outlive their group, and go once they may": (to) =>
    Effect.gen(function* () {
      yield* pair(to)
      yield* ask(to, "all", { cut: "yes" })
      yield* complete(to, 2)
      const whole = yield* groupContentPath(to)
      const each: Array<string> = []
      for (const member of yield* members(to))
        each.push(yield* contentPath(to, text(member, "metadata.name")))
      for (const path of [whole, ...each]) yield* merge(to, path, { spec: { deletionPolicy: "Retain" } })
      yield* Heard.byContents(to)
      yield* Heard.byGroupContents(to)
      yield* to.quietly("DELETE", "volumegroupsnapshots/all")
      yield* gone(to, "volumegroupsnapshots/all")
      yield* to.until("volumesnapshots", (body) => list(at(body, "items")).length === 0)
      yield* Effect.sleep(1000)
      to.record("the group's content", held(yield* to.quietly("GET", whole)))
      for (const path of each) to.record("a member's content", held(yield* to.quietly("GET", path)))
      for (const path of [...each, whole]) {
        yield* merge(to, path, { spec: { deletionPolicy: "Delete" } })
        yield* to.quietly("DELETE", path)
      }
      for (const path of [...each, whole]) yield* gone(to, path)
      to.record("they go", true)
    })
})
