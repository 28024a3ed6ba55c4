import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import * as Heard from "./heard.ts"
import { configMap, secret, set } from "./objects.ts"

const held = (name: string, finalizers: ReadonlyArray<string> = ["example.com/hold"]) => ({
  ...configMap(name),
  metadata: { name, finalizers }
})

const own = (owner: Json, extra: object = {}) => ({
  apiVersion: text(owner, "apiVersion"),
  kind: text(owner, "kind"),
  name: text(owner, "metadata.name"),
  uid: text(owner, "metadata.uid"),
  ...extra
})

const owned = (to: Conversation, name: string, owner: Json, extra: object = {}) =>
  to.quietly("POST", "secrets", { ...secret(name), metadata: { name, ownerReferences: [own(owner, extra)] } })

/**
 * A dependent, once the garbage collector knows it: of one that it has not heard of yet an owner
 * does not wait, nor is it left to itself; it is collected as a child of nobody.
 */
const known = (to: Conversation, name: string, owner: Json) =>
  Effect.andThen(owned(to, name, owner), Heard.byCollector(to, "secrets"))

const gone = (to: Conversation, path: string) =>
  Effect.gen(function* () {
    yield* to.until(path, (body) => body === undefined)
    to.record(`${path} is collected`, true)
  })

export const deletion = scenarios("deletion")({
  "a deletion answers by a Status, or by the object": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.remove("configmaps/one")
      yield* to.remove("configmaps/one")
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* to.remove("statefulsets/one")
    }),
  "preconditions guard a deletion": (to) =>
    Effect.gen(function* () {
      const made = yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.remove("configmaps/one", { preconditions: { uid: "another" } })
      yield* to.remove("configmaps/one", { preconditions: { resourceVersion: "1" } })
      yield* to.remove("configmaps/one", {
        preconditions: {
          uid: text(made, "metadata.uid"),
          resourceVersion: text(made, "metadata.resourceVersion")
        }
      })
    }),
  "with a body no option counts that stands in the query, not even a dry run": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.remove("configmaps/one", { kind: "DeleteOptions", apiVersion: "v1", dryRun: ["All"] })
      yield* to.get("configmaps/one")
      yield* to.remove("configmaps/one?dryRun=All")
      yield* to.get("configmaps/one")
      yield* to.remove("configmaps/one?dryRun=All", { kind: "DeleteOptions", apiVersion: "v1" })
      yield* to.get("configmaps/one")
      yield* to.quietly("POST", "configmaps", configMap("two"))
      yield* to.remove("configmaps/two?propagationPolicy=Sideways", {
        kind: "DeleteOptions",
        apiVersion: "v1"
      })
    }),
  "options that make no sense are refused": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "configmaps", configMap("one"))
      yield* to.remove("configmaps/one", { propagationPolicy: "Sideways" })
      yield* to.remove("configmaps/one", { propagationPolicy: "Orphan", orphanDependents: true })
      yield* to.remove("configmaps/one", { kind: "ConfigMap", apiVersion: "v1" })
      yield* to.remove("configmaps/one", "{")
      yield* to.remove("configmaps/one", { gracePeriodSeconds: "soon" })
      yield* to.remove("configmaps/one?propagationPolicy=Background")
    }),
  "a finalizer holds an object until it is taken off": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", held("one", ["example.com/a", "example.com/b"]))
      yield* to.remove("configmaps/one")
      yield* to.get("configmaps/one")
      yield* to.remove("configmaps/one")
      yield* to.merge("configmaps/one", { data: { still: "writable" } })
      yield* to.merge("configmaps/one", { metadata: { finalizers: ["example.com/a", "example.com/new"] } })
      yield* to.merge("configmaps/one", { metadata: { deletionTimestamp: null } })
      yield* to.post("configmaps", configMap("one"))
      yield* to.merge("configmaps/one", { metadata: { finalizers: ["example.com/b"] } })
      yield* to.merge("configmaps/one", { metadata: { finalizers: [] } })
      yield* to.get("configmaps/one")
    }),
  "a finalizer's name has a rule": (to) =>
    Effect.gen(function* () {
      yield* to.post("configmaps", held("one", ["plain"]))
      yield* to.post("configmaps", held("one", ["bad name/x"]))
      yield* to.post("configmaps", held("two", ["example.com/a", "example.com/a"]))
      yield* to.quietly(
        "PATCH",
        "configmaps/two",
        { metadata: { finalizers: null } },
        {
          headers: { "content-type": "application/merge-patch+json" }
        }
      )
    }),
  "a collection is deleted by selector": (to) =>
    Effect.gen(function* () {
      for (const name of ["a", "b"]) yield* to.quietly("POST", "secrets", secret(name))
      yield* to.quietly("POST", "secrets", { ...secret("c"), metadata: { name: "c" } })
      yield* to.remove("secrets?labelSelector=app=web")
      yield* to.get("secrets", {
        show: (body) => {
          const items = at(body, "items")
          return Array.isArray(items) ? items.map((item) => text(item, "metadata.name")) : body
        }
      })
      yield* to.remove("secrets?labelSelector=app%20in")
      yield* to.remove("secrets?fieldSelector=metadata.name=c&dryRun=All", undefined, {
        show: (body) => at(body, "kind") ?? null
      })
      yield* to.get("secrets/c")
      yield* to.remove("secrets?labelSelector=nobody=has")
    }),
  "dependents go after their owner": (to) =>
    Effect.gen(function* () {
      const owner = yield* to.quietly("POST", "configmaps", configMap("owner"))
      yield* owned(to, "child", owner)
      yield* to.get("secrets/child")
      yield* to.remove("configmaps/owner", { propagationPolicy: "Background" })
      yield* gone(to, "secrets/child")
    }),
  "an owner in the foreground waits for those that block it": (to) =>
    Effect.gen(function* () {
      const owner = yield* to.quietly("POST", "configmaps", configMap("owner"))
      yield* to.quietly("POST", "secrets", {
        ...secret("child"),
        metadata: {
          name: "child",
          finalizers: ["example.com/hold"],
          ownerReferences: [own(owner, { blockOwnerDeletion: true })]
        }
      })
      yield* Heard.byCollector(to, "secrets")
      yield* to.remove("configmaps/owner", { propagationPolicy: "Foreground" })
      yield* to.until("secrets/child", (body) => at(body, "metadata.deletionTimestamp") !== undefined)
      yield* to.get("secrets/child")
      yield* to.get("configmaps/owner")
      yield* to.quietly(
        "PATCH",
        "secrets/child",
        { metadata: { finalizers: null } },
        {
          headers: { "content-type": "application/merge-patch+json" }
        }
      )
      yield* gone(to, "configmaps/owner")
    }),
  "orphans lose their owner and stay": (to) =>
    Effect.gen(function* () {
      const owner = yield* to.quietly("POST", "configmaps", configMap("owner"))
      yield* known(to, "child", owner)
      yield* to.remove("configmaps/owner", { propagationPolicy: "Orphan" })
      yield* gone(to, "configmaps/owner")
      yield* to.until("secrets/child", (body) => at(body, "metadata.ownerReferences") === undefined)
      yield* to.get("secrets/child")
    }),
  "orphanDependents is the old word for Orphan": (to) =>
    Effect.gen(function* () {
      const owner = yield* to.quietly("POST", "configmaps", configMap("owner"))
      yield* known(to, "child", owner)
      yield* to.remove("configmaps/owner", { orphanDependents: true })
      yield* gone(to, "configmaps/owner")
      yield* to.until("secrets/child", (body) => at(body, "metadata.ownerReferences") === undefined)
      yield* to.get("secrets/child")
    }),
  "a dependent of two owners stays while one lives": (to) =>
    Effect.gen(function* () {
      const [one, two] = [
        yield* to.quietly("POST", "configmaps", configMap("one")),
        yield* to.quietly("POST", "configmaps", configMap("two"))
      ]
      yield* to.quietly("POST", "secrets", {
        ...secret("child"),
        metadata: { name: "child", ownerReferences: [own(one), own(two)] }
      })
      yield* to.quietly("DELETE", "configmaps/one")
      yield* to.until("secrets/child", (body) => at(body, "metadata.ownerReferences.1") === undefined)
      yield* to.get("secrets/child")
      yield* to.quietly("DELETE", "configmaps/two")
      yield* gone(to, "secrets/child")
    }),
  "an owner that never was takes its dependent along": (to) =>
    Effect.gen(function* () {
      const owner = yield* to.quietly("POST", "configmaps", configMap("owner"))
      yield* to.quietly("DELETE", "configmaps/owner")
      yield* owned(to, "child", owner)
      yield* gone(to, "secrets/child")
    }),
  "an owner of a kind that is not served keeps its dependent, and all other owners": (to) =>
    Effect.gen(function* () {
      const owner = yield* to.quietly("POST", "configmaps", configMap("owner"))
      yield* to.quietly("DELETE", "configmaps/owner")
      yield* to.quietly("POST", "secrets", {
        ...secret("child"),
        metadata: {
          name: "child",
          ownerReferences: [
            { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: text(owner, "metadata.uid") },
            {
              apiVersion: "keda.sh/v1alpha1",
              kind: "ScaledObject",
              name: "queue",
              uid: "0b1c2d3e-0000-4000-8000-000000000001"
            }
          ]
        }
      })
      yield* Effect.sleep(4000)
      yield* to.get("secrets/child", { show: (body) => at(body, "metadata.ownerReferences") ?? null })
    }),
  "one owner alone is the controller": (to) =>
    Effect.gen(function* () {
      const [one, two] = [
        yield* to.quietly("POST", "configmaps", configMap("one")),
        yield* to.quietly("POST", "configmaps", configMap("two"))
      ]
      yield* to.post("secrets", {
        ...secret("child"),
        metadata: {
          name: "child",
          ownerReferences: [own(one, { controller: true }), own(two, { controller: true })]
        }
      })
      yield* to.post("secrets", {
        ...secret("child"),
        metadata: { name: "child", ownerReferences: [own(one), own(one)] }
      })
    }),
  "a namespace on its way out takes nothing new and then goes": (to) =>
    Effect.gen(function* () {
      const name = `${to.namespace}-too`
      const path = `/api/v1/namespaces/${name}`
      yield* to.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } })
      yield* to.quietly("POST", `${path}/configmaps`, held("one"))
      yield* to.remove(path, undefined, { without: ["status"] })
      yield* to.post(`${path}/configmaps`, configMap("two"))
      yield* to.until(
        `${path}/configmaps/one`,
        (body) => at(body, "metadata.deletionTimestamp") !== undefined
      )
      yield* to.get(`${path}/configmaps/one`)
      yield* to.remove(path, undefined, { show: (body) => at(body, "message") ?? at(body, "kind") ?? null })
      yield* to.quietly(
        "PATCH",
        `${path}/configmaps/one`,
        { metadata: { finalizers: null } },
        {
          headers: { "content-type": "application/merge-patch+json" }
        }
      )
      yield* gone(to, path)
    }),
  "some namespaces stay": (to) =>
    Effect.gen(function* () {
      yield* to.remove("/api/v1/namespaces/default?dryRun=All")
      yield* to.remove("/api/v1/namespaces/kube-system?dryRun=All")
      yield* to.post("/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "Upper" }
      })
      yield* to.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "a.b" } })
      yield* to.post("/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "default" }
      })
    })
})
