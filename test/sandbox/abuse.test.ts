import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { at } from "../../packages/sandbox/src/apimachinery/Json.ts"
import { type Asking, apps, bare, configMap, home, pod, statefulSet } from "./asking.ts"

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`

const merge = { "content-type": "application/merge-patch+json" }

/** What a request that makes no sense gets: a refusal, and the server goes on. */
const stillAnswers = ({ ask }: Asking): void => {
  assert.strictEqual(ask("GET", `${home}/configmaps`).status, 200)
  assert.strictEqual(ask("GET", apps).status, 200)
}

describe("names that JavaScript's own objects have", () => {
  it.effect("are keys like any other", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", `${home}/configmaps`, configMap("one"))
      const body = '{"data":{"__proto__":"a","constructor":"b","toString":"c"}}'
      ask("PATCH", `${home}/configmaps/one`, body, merge)
      const { data } = JSON.parse(JSON.stringify(ask("GET", `${home}/configmaps/one`).body))
      assert.deepEqual(Object.entries(data), [
        ["key", "value"],
        ["__proto__", "a"],
        ["constructor", "b"],
        ["toString", "c"]
      ])
    })
  )

  it.effect("are no labels of an object that has none", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", `${home}/pods`, pod("one"))
      const found = ask("GET", `${home}/pods?labelSelector=constructor`)
      assert.deepEqual(at(found.body, "items"), [])
    })
  )

  it.effect("are nothing that a JSON patch could find", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", `${home}/configmaps`, configMap("one"))
      for (const operation of [
        { op: "remove", path: "/data/toString" },
        { op: "test", path: "/data/constructor/name", value: "Object" },
        { op: "copy", from: "/data/constructor/name", path: "/data/other" }
      ])
        assert.strictEqual(patch("json", `${home}/configmaps/one`, [operation]).status, 422)
    })
  )
})

describe("values nested in each other", () => {
  it.effect(
    "up to 400 deep are kept, deeper ones refused by name, and past 10,000 in the server's words",
    () =>
      Effect.gen(function* () {
        const asking = yield* bare()
        const post = (depth: number) =>
          asking.ask(
            "POST",
            `${home}/configmaps`,
            `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"x":${nested(depth)}}`
          )
        assert.strictEqual(post(5_000).status, 501)
        assert.match(String(post(20_000).message), /exceeded max depth/)
        assert.strictEqual(post(400).status, 201)
        stillAnswers(asking)
      })
  )

  it.effect("grow neither past that depth nor past memory by JSON patches", () =>
    Effect.gen(function* () {
      const asking = yield* bare()
      asking.ask("POST", `${home}/configmaps`, { ...configMap("one"), x: JSON.parse(nested(300)) })
      const deeper = [{ op: "add", path: `/x${"/a".repeat(299)}`, value: JSON.parse(nested(300)) }]
      assert.strictEqual(asking.patch("json", `${home}/configmaps/one`, deeper).status, 501)
      const bomb = Array.from({ length: 60 }, (_, i) => ({ op: "copy", from: "/x", path: `/x/y${i}` }))
      assert.strictEqual(asking.patch("json", `${home}/configmaps/one`, bomb).status, 422)
      stillAnswers(asking)
    })
  )
})

it.effect("a JSON patch has 10,000 operations at most", () =>
  Effect.gen(function* () {
    const { ask, patch } = yield* bare()
    ask("POST", `${home}/configmaps`, configMap("one"))
    const operations = Array.from({ length: 10_001 }, () => ({
      op: "test",
      path: "/data/key",
      value: "value"
    }))
    assert.strictEqual(patch("json", `${home}/configmaps/one`, operations).status, 413)
    assert.strictEqual(patch("json", `${home}/configmaps/one`, operations.slice(1)).status, 200)
  })
)

describe("a field of the wrong type", () => {
  const deployments = "/apis/apps/v1/namespaces/default/deployments"
  const deployment = (selector: unknown) => ({
    ...statefulSet("web", { selector, serviceName: undefined }),
    kind: "Deployment"
  })

  it.effect("is the client's fault, wherever it stands", () =>
    Effect.gen(function* () {
      const asking = yield* bare()
      const { ask } = asking
      const bad: ReadonlyArray<readonly [string, unknown, number]> = [
        [`${home}/configmaps`, configMap("a", { metadata: { name: "a", ownerReferences: 5 } }), 400],
        [`${home}/configmaps`, configMap("a", { metadata: { name: "a", ownerReferences: [null] } }), 400],
        [`${home}/configmaps`, configMap("a", { metadata: { name: "a", managedFields: 5 } }), 400],
        [`${home}/configmaps`, configMap("a", { metadata: { name: "a", creationTimestamp: 7 } }), 400],
        [`${home}/configmaps`, configMap("a", { metadata: [] }), 400],
        [`${home}/configmaps`, { apiVersion: "v1", kind: 7, metadata: { name: "a" } }, 400],
        [apps, statefulSet("a", { selector: { matchExpressions: [5] } }), 400],
        [apps, statefulSet("a", { selector: { matchExpressions: [{ key: "a" }] } }), 422],
        [apps, statefulSet("a", { selector: [] }), 400],
        [apps, statefulSet("a", { template: { spec: { containers: [null, 1] } } }), 400],
        [deployments, deployment({ matchExpressions: [{ key: "a" }] }), 422],
        [deployments, deployment({ matchExpressions: [null] }), 400],
        [deployments, deployment({}), 422],
        [`${home}/services`, { kind: "Service", metadata: { name: "a" }, spec: { ports: 7 } }, 400]
      ]
      for (const [url, body, status] of bad)
        assert.strictEqual(ask("POST", url, body).status, status, JSON.stringify(body))
      stillAnswers(asking)
    })
  )
})

describe("a query that makes no sense", () => {
  it.effect("is refused", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      ask("POST", `${home}/pods`, pod("one"))
      const token = (start: string, rv: number): string =>
        btoa(JSON.stringify({ v: "meta.k8s.io/v1", rv, start }))
      for (const [query, status] of [
        ["limit=", 400],
        ["limit=99999999999999999999", 400],
        ["timeoutSeconds=x", 400],
        ["resourceVersion=99999999999999999999999", 400],
        [`limit=1&continue=${token("../x", 5)}`, 400],
        [`limit=1&continue=${token("x", 5.5)}`, 400],
        [`limit=1&continue=${token("x", 999_999)}`, 504],
        ["limit=-1", 200]
      ] as const)
        assert.strictEqual(ask("GET", `${home}/pods?${query}`).status, status, query)
      assert.strictEqual(ask("GET", `${home}/pods/%zz`).status, 400)
      assert.strictEqual(ask("GET", `${home}/pods/..`).status, 400)
      assert.strictEqual(ask("DELETE", `${home}/pods/one?gracePeriodSeconds=x`).status, 400)
      assert.strictEqual(ask("DELETE", `${home}/pods/one`, []).status, 400)
      assert.strictEqual(ask("GET", `${home}/pods/one`).status, 200)
    })
  )
})
