import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { arrayAt, at } from "../../packages/sandbox/src/apimachinery/Json.ts"
import { resourceType } from "../../packages/sandbox/src/apimachinery/ResourceType.ts"
import { apps, bare, configMap, home, pod, statefulSet } from "./asking.ts"

const namesOf = (body: unknown) => arrayAt(body, "items").map((item) => at(item, "metadata", "name"))

describe("a write", () => {
  it.effect("under an old resourceVersion is a Conflict in the server's words", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      const made = ask("POST", `${home}/configmaps`, configMap("one"))
      const old = at(made.body, "metadata", "resourceVersion")
      patch("merge", `${home}/configmaps/one`, { data: { key: "other" } })
      const late = ask(
        "PUT",
        `${home}/configmaps/one`,
        configMap("one", { metadata: { name: "one", resourceVersion: old } })
      )
      assert.strictEqual(late.status, 409)
      assert.strictEqual(late.reason, "Conflict")
      assert.strictEqual(
        late.message,
        'Operation cannot be fulfilled on configmaps "one": the object has been modified; please apply your changes to the latest version and try again'
      )
    })
  )

  it.effect("that changes nothing keeps the version", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      const made = ask("POST", `${home}/configmaps`, configMap("one"))
      const again = patch("merge", `${home}/configmaps/one`, { data: { key: "value" } })
      assert.strictEqual(
        at(again.body, "metadata", "resourceVersion"),
        at(made.body, "metadata", "resourceVersion")
      )
    })
  )

  it.effect("of a spec counts in the generation, of a status or a label does not", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", apps, statefulSet("db"))
      patch("merge", `${apps}/db`, { spec: { replicas: 2 } })
      patch("merge", `${apps}/db/status`, { status: { replicas: 1 } })
      const labelled = patch("merge", `${apps}/db`, { metadata: { labels: { tier: "data" } } })
      assert.strictEqual(at(labelled.body, "metadata", "generation"), 2)
      assert.strictEqual(at(labelled.body, "status", "replicas"), 1)
    })
  )

  it.effect("of a status through the object itself is dropped", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", apps, statefulSet("db"))
      const after = patch("merge", `${apps}/db`, { status: { replicas: 9 } })
      assert.strictEqual(at(after.body, "status", "replicas"), 0)
    })
  )

  it.effect("with dryRun=All answers as if and leaves nothing", () =>
    Effect.gen(function* () {
      const { ask, sandbox } = yield* bare()
      const before = sandbox.store.revision
      const dry = ask("POST", `${home}/configmaps?dryRun=All`, configMap("one"))
      assert.strictEqual(dry.status, 201)
      assert.isDefined(at(dry.body, "metadata", "uid"))
      assert.strictEqual(ask("GET", `${home}/configmaps/one`).status, 404)
      assert.strictEqual(sandbox.store.revision, before)
    })
  )

  it.effect("of an immutable field of a StatefulSet is refused with the real message", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", apps, statefulSet("db"))
      const refused = patch("merge", `${apps}/db`, { spec: { serviceName: "other" } })
      assert.strictEqual(refused.status, 422)
      assert.strictEqual(
        refused.message,
        "StatefulSet.apps \"db\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
      )
    })
  )

  it.effect("into a namespace that is not there is refused by the namespace's name", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      const refused = ask("POST", "/api/v1/namespaces/missing/configmaps", configMap("one"))
      assert.strictEqual(refused.message, 'namespaces "missing" not found')
    })
  )

  it.effect("with generateName gets five letters of its own", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      const draft = configMap("", { metadata: { generateName: "part-" } })
      const [one, two] = [ask("POST", `${home}/configmaps`, draft), ask("POST", `${home}/configmaps`, draft)]
      assert.match(String(at(one.body, "metadata", "name")), /^part-[a-z0-9]{5}$/)
      assert.notStrictEqual(at(one.body, "metadata", "name"), at(two.body, "metadata", "name"))
    })
  )

  it.effect("by server-side apply is refused by name, with 501", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      const refused = ask("PATCH", `${home}/configmaps/one`, configMap("one"), {
        "content-type": "application/apply-patch+yaml"
      })
      assert.strictEqual(refused.status, 501)
      assert.include(String(refused.message), "server-side apply")
    })
  )
})

describe("a JSON patch", () => {
  it.effect("applies only when its tests hold, all of it or nothing", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", apps, statefulSet("db", { replicas: 3 }))
      const operations = (replicas: number) => [
        { op: "test", path: "/spec/replicas", value: replicas },
        { op: "replace", path: "/spec/replicas", value: 5 }
      ]
      assert.strictEqual(patch("json", `${apps}/db`, operations(4)).status, 422)
      assert.strictEqual(at(patch("json", `${apps}/db`, operations(3)).body, "spec", "replicas"), 5)
    })
  )

  it.effect("finds escaped keys, appends to lists and moves", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask(
        "POST",
        `${home}/configmaps`,
        configMap("one", { metadata: { name: "one", annotations: { "a/b": "1" } } })
      )
      const done = patch("json", `${home}/configmaps/one`, [
        { op: "test", path: "/metadata/annotations/a~1b", value: "1" },
        { op: "add", path: "/metadata/finalizers", value: ["example.com/one"] },
        { op: "add", path: "/metadata/finalizers/-", value: "example.com/two" },
        { op: "move", from: "/data/key", path: "/data/moved" }
      ])
      assert.deepStrictEqual(at(done.body, "metadata", "finalizers"), ["example.com/one", "example.com/two"])
      assert.deepStrictEqual(at(done.body, "data"), { moved: "value" })
    })
  )
})

describe("a strategic merge patch", () => {
  it.effect("finds containers by name and env by name, and leaves the rest", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", apps, statefulSet("db"))
      const env = (name: string) => ({
        spec: { template: { spec: { containers: [{ name: "main", env: [{ name, value: "1" }] }] } } }
      })
      patch("strategic", `${apps}/db`, env("A"))
      const after = patch("strategic", `${apps}/db`, env("B"))
      const [container] = arrayAt(after.body, "spec", "template", "spec", "containers")
      assert.strictEqual(at(container, "image"), "db:1")
      assert.sameMembers(
        arrayAt(container, "env").map((each) => at(each, "name")),
        ["A", "B"]
      )
    })
  )

  it.effect("is not for custom resources", () =>
    Effect.gen(function* () {
      const { patch } = yield* bare()
      const refused = patch(
        "strategic",
        "/apis/snapshot.storage.k8s.io/v1/namespaces/default/volumesnapshots/one",
        {}
      )
      assert.strictEqual(refused.status, 415)
    })
  )
})

describe("a delete", () => {
  it.effect("with another's uid deletes nothing", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", apps, statefulSet("db"))
      const refused = ask("DELETE", `${apps}/db`, { preconditions: { uid: "other" } })
      assert.strictEqual(refused.status, 409)
      assert.include(
        String(refused.message),
        "the UID in the precondition (other) does not match the UID in record"
      )
      assert.strictEqual(ask("GET", `${apps}/db`).status, 200)
    })
  )

  it.effect("waits for finalizers, takes no new ones, and ends with the last", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      const url = `${home}/configmaps/one`
      ask(
        "POST",
        `${home}/configmaps`,
        configMap("one", { metadata: { name: "one", finalizers: ["example.com/a"] } })
      )
      assert.isDefined(at(ask("DELETE", url).body, "metadata", "deletionTimestamp"))
      const added = patch("merge", url, { metadata: { finalizers: ["example.com/a", "example.com/b"] } })
      assert.strictEqual(added.status, 422)
      assert.strictEqual(patch("merge", url, { metadata: { finalizers: null } }).status, 200)
      assert.strictEqual(ask("GET", url).status, 404)
    })
  )

  it.effect("of a pod on a node gives it its grace period; by force it is gone", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", `${home}/pods`, { ...pod("db-0"), spec: { ...pod("").spec, nodeName: "node-a" } })
      const asked = ask("DELETE", `${home}/pods/db-0`)
      assert.strictEqual(at(asked.body, "metadata", "deletionGracePeriodSeconds"), 30)
      ask("DELETE", `${home}/pods/db-0?gracePeriodSeconds=0`)
      assert.strictEqual(ask("GET", `${home}/pods/db-0`).status, 404)
    })
  )

  it.effect("of a collection takes only what its selector matches", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", `${home}/pods`, pod("a", { app: "db" }))
      ask("POST", `${home}/pods`, pod("b", { app: "web" }))
      ask("DELETE", `${home}/pods?labelSelector=app%3Ddb`)
      assert.deepStrictEqual(namesOf(ask("GET", `${home}/pods`).body), ["b"])
    })
  )
})

describe("a list", () => {
  it.effect("knows all operators of label selectors", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      for (const [name, labels] of [
        ["a", { app: "db", shard: "1" }],
        ["b", { app: "db", shard: "2" }],
        ["c", { app: "web" }]
      ] as const) {
        ask("POST", `${home}/pods`, pod(name, labels))
      }
      const of = (selector: string) =>
        namesOf(ask("GET", `${home}/pods?labelSelector=${encodeURIComponent(selector)}`).body).join("")
      assert.strictEqual(of("app=db"), "ab")
      assert.strictEqual(of("app==db,shard!=1"), "b")
      assert.strictEqual(of("app in (db, web)"), "abc")
      assert.strictEqual(of("shard notin (1)"), "bc")
      assert.strictEqual(of("shard"), "ab")
      assert.strictEqual(of("!shard"), "c")
      assert.strictEqual(of("shard>1"), "b")
      assert.strictEqual(of("shard<2"), "a")
      assert.strictEqual(ask("GET", `${home}/pods?labelSelector=-a`).status, 400)
    })
  )

  it.effect("knows a kind's own field selectors and refuses others", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", `${home}/pods`, pod("a"))
      ask("POST", `${home}/pods`, { ...pod("b"), spec: { ...pod("").spec, nodeName: "node-a" } })
      const of = (selector: string) =>
        ask("GET", `${home}/pods?fieldSelector=${encodeURIComponent(selector)}`)
      assert.deepStrictEqual(namesOf(of("spec.nodeName=node-a").body), ["b"])
      assert.deepStrictEqual(namesOf(of("metadata.name!=b,status.phase=Pending").body), ["a"])
      assert.strictEqual(of("spec.other=1").message, "field label not supported: spec.other")
    })
  )

  it.effect("in pages is the list of one moment, whatever happens between", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      for (const name of ["a", "b", "c", "d"]) ask("POST", `${home}/pods`, pod(name))
      const one = ask("GET", `${home}/pods?limit=2`)
      assert.strictEqual(at(one.body, "metadata", "remainingItemCount"), 2)
      ask("DELETE", `${home}/pods/c`)
      ask("POST", `${home}/pods`, pod("e"))
      const two = ask("GET", `${home}/pods?limit=9&continue=${String(at(one.body, "metadata", "continue"))}`)
      assert.deepStrictEqual([...namesOf(one.body), ...namesOf(two.body)], ["a", "b", "c", "d"])
      const [first, second] = [one, two].map((page) => at(page.body, "metadata", "resourceVersion"))
      assert.strictEqual(first, second)
    })
  )

  it.effect("whose continue token is compacted away is a 410 with a token to go on inconsistently", () =>
    Effect.gen(function* () {
      const { ask, sandbox } = yield* bare()
      for (const name of ["a", "b", "c"]) ask("POST", `${home}/pods`, pod(name))
      const token = String(at(ask("GET", `${home}/pods?limit=1`).body, "metadata", "continue"))
      ask("POST", `${home}/pods`, pod("d"))
      sandbox.compact()
      const gone = ask("GET", `${home}/pods?limit=1&continue=${token}`)
      assert.strictEqual(gone.status, 410)
      assert.strictEqual(gone.reason, "Expired")
      const next = String(at(gone.body, "metadata", "continue"))
      assert.deepStrictEqual(namesOf(ask("GET", `${home}/pods?continue=${next}`).body), ["b", "c", "d"])
    })
  )

  it.effect("at an exact version is as it was then", () =>
    Effect.gen(function* () {
      const { ask, sandbox } = yield* bare()
      ask("POST", `${home}/pods`, pod("a"))
      const then = sandbox.store.revision
      ask("DELETE", `${home}/pods/a`)
      ask("POST", `${home}/pods`, pod("b"))
      const exact = ask("GET", `${home}/pods?resourceVersion=${then}&resourceVersionMatch=Exact`)
      assert.deepStrictEqual(namesOf(exact.body), ["a"])
      assert.strictEqual(ask("GET", `${home}/pods?resourceVersion=${then + 1000}`).status, 504)
    })
  )

  it.effect("as a table has the columns that kubectl prints", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", apps, statefulSet("db", { replicas: 3 }))
      const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
      const table = ask("GET", apps, undefined, { accept })
      assert.deepStrictEqual(
        arrayAt(table.body, "columnDefinitions").map((column) => at(column, "name")),
        ["Name", "Ready", "Age", "Containers", "Images"]
      )
      assert.deepStrictEqual(at(arrayAt(table.body, "rows")[0], "cells"), ["db", "0/3", "0s", "main", "db:1"])
    })
  )

  it.effect("of metadata alone carries no value", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", `${home}/secrets`, { ...configMap("one"), kind: "Secret", data: { key: btoa("hidden") } })
      const accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
      const answer = ask("GET", `${home}/secrets`, undefined, { accept })
      assert.strictEqual(at(answer.body, "kind"), "PartialObjectMetadataList")
      assert.notInclude(JSON.stringify(answer.body), btoa("hidden"))
    })
  )
})

describe("the scale subresource", () => {
  it.effect("changes replicas alone, under its own preconditions", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", apps, statefulSet("db", { replicas: 3 }))
      const scale = ask("GET", `${apps}/db/scale`)
      assert.strictEqual(at(scale.body, "status", "selector"), "app=db")
      assert.strictEqual(patch("merge", `${apps}/db/scale`, { spec: { replicas: 5 } }).status, 200)
      assert.strictEqual(at(ask("GET", `${apps}/db`).body, "spec", "replicas"), 5)
      const stale = ask("PUT", `${apps}/db/scale`, scale.body)
      assert.strictEqual(stale.status, 409)
    })
  )
})

describe("an eviction", () => {
  it.effect("that a budget forbids is a 429 that names the budget", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", `${home}/pods`, pod("db-0"))
      ask(
        "PATCH",
        `${home}/pods/db-0/status`,
        { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } },
        {
          "content-type": "application/merge-patch+json"
        }
      )
      ask("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: "budget" },
        spec: { minAvailable: 1, selector: { matchLabels: { app: "db" } } }
      })
      const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "db-0" } }
      const refused = ask("POST", `${home}/pods/db-0/eviction`, eviction)
      assert.strictEqual(refused.status, 429)
      assert.include(
        JSON.stringify(refused.body),
        "The disruption budget budget needs 1 healthy pods and has 1 currently"
      )
      assert.strictEqual(ask("DELETE", `${home}/pods/db-0`).status, 200)
    })
  )
})

describe("what is refused on purpose", () => {
  const reader = {
    name: "alice",
    allow: [
      { verbs: ["get", "list"], apiGroups: ["apps"], resources: ["statefulsets"], namespaces: ["default"] }
    ]
  }

  it.effect("a user without the rule gets a 403 that says what was tried, and a review that says no", () =>
    Effect.gen(function* () {
      const admin = yield* bare()
      admin.ask("POST", apps, statefulSet("db"))
      const { ask } = admin.as(reader)
      assert.strictEqual(ask("GET", `${apps}/db`).status, 200)
      const refused = ask("DELETE", `${apps}/db`)
      assert.strictEqual(
        refused.message,
        'statefulsets.apps "db" is forbidden: User "alice" cannot delete resource "statefulsets" in API group "apps" in the namespace "default"'
      )
      const review = (verb: string) =>
        ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SelfSubjectAccessReview",
          spec: {
            resourceAttributes: { verb, group: "apps", resource: "statefulsets", namespace: "default" }
          }
        })
      assert.isTrue(at(review("get").body, "status", "allowed"))
      assert.isFalse(at(review("delete").body, "status", "allowed"))
    })
  )

  it.effect("a quota says what was asked, used and allowed", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", `${home}/resourcequotas`, {
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "small" },
        spec: { hard: { pods: "1" } }
      })
      ask("POST", `${home}/pods`, pod("a"))
      const refused = ask("POST", `${home}/pods`, pod("b"))
      assert.strictEqual(refused.status, 403)
      assert.strictEqual(
        refused.message,
        'pods "b" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1'
      )
    })
  )

  it.effect("a webhook refuses for as long as it is there", () =>
    Effect.gen(function* () {
      const { ask, sandbox } = yield* bare()
      const stop = sandbox.refuse({
        name: "policy.example.com",
        refuse: (verb) => (verb === "CREATE" ? "not today" : undefined)
      })
      const refused = ask("POST", `${home}/configmaps`, configMap("one"))
      assert.strictEqual(
        refused.message,
        'admission webhook "policy.example.com" denied the request: not today'
      )
      stop()
      assert.strictEqual(ask("POST", `${home}/configmaps`, configMap("one")).status, 201)
    })
  )

  it.effect("a resource that is left out answers as one that was never installed", () =>
    Effect.gen(function* () {
      const group = "snapshot.storage.k8s.io"
      const { ask } = yield* bare({
        without: ["volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses"].map(
          (each) => `${each}.${group}`
        )
      })
      assert.strictEqual(
        ask("GET", `/apis/${group}/v1/namespaces/default/volumesnapshots`).body,
        "404 page not found\n"
      )
      const groups = arrayAt(ask("GET", "/apis").body, "groups").map((each) => at(each, "name"))
      assert.notInclude(groups, group)
      assert.include(groups, "apps")
    })
  )

  it.effect("a registered resource is served, discovered and watched like any other", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare({ resources: [resourceType("example.com", "v1", "widgets", "Widget")] })
      const url = "/apis/example.com/v1/namespaces/default/widgets"
      const widget = {
        apiVersion: "example.com/v1",
        kind: "Widget",
        metadata: { name: "one" },
        spec: { size: 1 }
      }
      assert.strictEqual(ask("POST", url, widget).status, 201)
      assert.deepStrictEqual(namesOf(ask("GET", url).body), ["one"])
      assert.strictEqual(
        at(arrayAt(ask("GET", "/apis/example.com/v1").body, "resources")[0], "kind"),
        "Widget"
      )
    })
  )
})
