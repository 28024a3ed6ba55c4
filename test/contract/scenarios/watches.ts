import * as Effect from "effect/Effect"
import { at, scenarios, text } from "../Conversation.ts"
import { secret, set } from "./objects.ts"

export const watches = scenarios("watches")({
  "a watch from a version tells what came after it": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("before"))
      const version = yield* to.version("secrets")
      const watch = yield* to.watch(`secrets?resourceVersion=${version}`)
      yield* to.quietly("POST", "secrets", secret("one"))
      yield* to.quietly(
        "PATCH",
        "secrets/one",
        { metadata: { labels: { a: "b" } } },
        {
          headers: { "content-type": "application/merge-patch+json" }
        }
      )
      yield* to.quietly("DELETE", "secrets/one")
      yield* watch.next(3)
      yield* to.quietly("POST", "secrets", secret("two"))
      yield* watch.next(1)
    }),
  "a watch without a version begins with what is there": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("one"))
      yield* to.quietly("POST", "secrets", secret("two"))
      const plain = yield* to.watch("secrets")
      yield* plain.next(2)
      const any = yield* to.watch("secrets?resourceVersion=0")
      yield* any.next(2)
      yield* to.quietly("DELETE", "secrets/one")
      yield* plain.next(1)
      yield* any.next(1)
    }),
  "a watch replays history in order": (to) =>
    Effect.gen(function* () {
      const version = yield* to.version("secrets")
      yield* to.quietly("POST", "secrets", secret("one"))
      yield* to.quietly("POST", "secrets", secret("two"))
      yield* to.quietly("DELETE", "secrets/one")
      yield* to.quietly("POST", "secrets", secret("one"))
      const watch = yield* to.watch(`secrets?resourceVersion=${version}`)
      yield* watch.next(4)
    }),
  "what no longer fits the selector is deleted for the watch": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("one"))
      const version = yield* to.version("secrets")
      const watch = yield* to.watch(`secrets?resourceVersion=${version}&labelSelector=app=web`)
      const merge = { headers: { "content-type": "application/merge-patch+json" } }
      yield* to.quietly("PATCH", "secrets/one", { metadata: { labels: { app: "other" } } }, merge)
      yield* watch.next(1)
      yield* to.quietly("PATCH", "secrets/one", { metadata: { annotations: { unseen: "x" } } }, merge)
      yield* to.quietly("PATCH", "secrets/one", { metadata: { labels: { app: "web" } } }, merge)
      yield* watch.next(1)
      yield* to.quietly("PATCH", "secrets/one", { metadata: { annotations: { seen: "x" } } }, merge)
      yield* watch.next(1)
      yield* to.quietly("DELETE", "secrets/one")
      yield* watch.next(1)
    }),
  "a watch of one name sees that one alone": (to) =>
    Effect.gen(function* () {
      const version = yield* to.version("secrets")
      const watch = yield* to.watch(`secrets?resourceVersion=${version}&fieldSelector=metadata.name=one`)
      yield* to.quietly("POST", "secrets", secret("two"))
      yield* to.quietly("POST", "secrets", secret("one"))
      yield* watch.next(1)
    }),
  "a no-op patch makes no event": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("one"))
      const version = yield* to.version("secrets")
      const watch = yield* to.watch(`secrets?resourceVersion=${version}`)
      yield* to.merge("secrets/one", { metadata: { labels: { app: "web" } } })
      yield* to.merge("secrets/one", { metadata: { labels: { app: "new" } } })
      yield* watch.next(1)
    }),
  "a finalizer makes of one deletion two events": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", {
        ...secret("one"),
        metadata: { name: "one", finalizers: ["example.com/hold"] }
      })
      const version = yield* to.version("secrets")
      const watch = yield* to.watch(`secrets?resourceVersion=${version}`)
      yield* to.remove("secrets/one")
      yield* to.merge("secrets/one", { metadata: { finalizers: null } })
      yield* watch.next(2)
    }),
  "initial events end with a bookmark": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("one"))
      const watch = yield* to.watch(
        "secrets?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
      )
      yield* watch.next(2)
      yield* to.quietly("POST", "secrets", secret("two"))
      yield* watch.next(1)
    }),
  "an empty list's initial events are the bookmark alone": (to) =>
    Effect.gen(function* () {
      const watch = yield* to.watch(
        "secrets?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion="
      )
      yield* watch.next(1)
    }),
  "timeoutSeconds ends a watch": (to) =>
    Effect.gen(function* () {
      const version = yield* to.version("secrets")
      const watch = yield* to.watch(`secrets?resourceVersion=${version}&timeoutSeconds=1`)
      yield* watch.end
    }),
  "a version that is too old is Gone": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "volumesnapshots", {
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshot",
        metadata: { name: "one" },
        spec: { source: { persistentVolumeClaimName: "none" } }
      })
      yield* to.bed.forget
      // Not of a built-in kind: a server that has run since version 1 remembers those from there on.
      const watch = yield* to.watch("volumesnapshots?resourceVersion=1")
      yield* watch.next(1)
    }),
  "a watch that makes no sense is refused": (to) =>
    Effect.gen(function* () {
      for (const query of [
        "resourceVersion=nonsense",
        "sendInitialEvents=true",
        "sendInitialEvents=true&resourceVersionMatch=Exact",
        "resourceVersionMatch=NotOlderThan",
        "resourceVersion=1&resourceVersionMatch=Exact",
        "fieldSelector=a=b",
        "labelSelector=a%20in"
      ]) {
        const watch = yield* to.watch(`secrets?${query}`)
        yield* watch.next(1)
      }
      const missing = yield* to.watch("things")
      yield* missing.next(1)
    }),
  "a single object can be watched by its path": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("one"))
      const watch = yield* to.watch("secrets/one")
      yield* watch.next(1)
      yield* to.quietly("DELETE", "secrets/one")
      yield* watch.next(1)
    }),
  "a namespace's watch sees no other's": (to) =>
    Effect.gen(function* () {
      const version = yield* to.version("secrets")
      const watch = yield* to.watch(
        `/api/v1/secrets?resourceVersion=${version}&labelSelector=only=${to.namespace}`
      )
      yield* to.quietly("POST", "secrets", {
        ...secret("one"),
        metadata: { name: "one", labels: { only: to.namespace } }
      })
      yield* watch.next(1)
    }),
  "a deleted object carries the version of its deletion": (to) =>
    Effect.gen(function* () {
      const made = yield* to.quietly("POST", "secrets", secret("one"))
      const version = yield* to.version("secrets")
      const watch = yield* to.watch(`secrets?resourceVersion=${version}`)
      yield* to.quietly("DELETE", "secrets/one")
      const [event] = yield* watch.next(1)
      const after = yield* to.version("secrets")
      const seen = text(JSON.parse(JSON.stringify(event?.object ?? null)), "metadata.resourceVersion")
      to.record("newer than the object, not newer than the list", [
        Number(seen) > Number(text(made, "metadata.resourceVersion")),
        Number(seen) <= Number(after)
      ])
      to.record("kind", at(JSON.parse(JSON.stringify(event?.object ?? null)), "kind") ?? null)
    }),
  "dry runs make no events": (to) =>
    Effect.gen(function* () {
      const version = yield* to.version("statefulsets")
      const watch = yield* to.watch(`statefulsets?resourceVersion=${version}`)
      yield* to.post("statefulsets?dryRun=All", set("one"))
      yield* to.quietly("POST", "statefulsets", set("two"))
      const [event] = yield* watch.next(1)
      to.record("the first", text(JSON.parse(JSON.stringify(event?.object ?? null)), "metadata.name"))
    })
})
