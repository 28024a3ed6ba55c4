import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fieldNames, known, open } from "../../../packages/sandbox/src/apiserver/FieldNames.ts"
import { at } from "../../../packages/sandbox/src/apimachinery/Json.ts"
import { standard } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import { resourceType } from "../../../packages/sandbox/src/apimachinery/ResourceType.ts"
import { start } from "../../../packages/sandbox/src/scenario/Scenario.ts"
import { faultsOf } from "../../../packages/sandbox/src/apiserver/Strict.ts"
import { get, json, up, type Up } from "./served.ts"

const inShop = "/apis/apps/v1/namespaces/shop"
const configMaps = "/api/v1/namespaces/shop/configmaps"

const set = (spec: object, container: object = {}) =>
  JSON.stringify({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: { containers: [{ name: "db", image: "db", ...container }] }
      },
      ...spec
    }
  })

const ask = (server: Up, method: string, path: string, body: string, contentType = "application/json") =>
  Effect.map(get(server, path, { method, body, headers: { "content-type": contentType } }), (got) => ({
    status: got.status,
    warning: got.headers["warning"],
    message: json(got)["message"],
    object: json(got)
  }))

const merge = "application/merge-patch+json"
const strategic = "application/strategic-merge-patch+json"

describe("fieldValidation", () => {
  it.live("Strict refuses a create with the path of each unknown field, and keeps nothing", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const path = `${inShop}/statefulsets?fieldValidation=Strict`
      const { status, message } = yield* ask(server, "POST", path, set({ replcas: 3 }, { prots: [] }))
      assert.strictEqual(status, 400)
      assert.strictEqual(
        message,
        'StatefulSet in version "v1" cannot be handled as a StatefulSet: strict decoding error: unknown field "spec.template.spec.containers[0].prots", unknown field "spec.replcas"'
      )
      assert.strictEqual((yield* get(server, `${inShop}/statefulsets/db`)).status, 404)
    }).pipe(Effect.scoped)
  )

  it.live("Warn, the default, tells each in a header of its own, and drops it", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const body = set({ replcas: 3 }, { prots: [] })
      const dry = `${inShop}/statefulsets?dryRun=All`
      const said = yield* ask(server, "POST", `${dry}&fieldValidation=Warn`, body)
      const bySilence = yield* ask(server, "POST", dry, body)
      assert.deepEqual([said.status, bySilence.status], [201, 201])
      assert.strictEqual(
        said.warning,
        String.raw`299 - "unknown field \"spec.template.spec.containers[0].prots\"", 299 - "unknown field \"spec.replcas\""`
      )
      assert.strictEqual(bySilence.warning, said.warning)
      assert.isUndefined(at(said.object, "spec", "replcas"))
    }).pipe(Effect.scoped)
  )

  it.live("Ignore says nothing, and drops them too", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const path = `${inShop}/statefulsets?fieldValidation=Ignore`
      const { status, warning, object } = yield* ask(server, "POST", path, set({ replcas: 3 }))
      assert.deepEqual([status, warning], [201, undefined])
      assert.isUndefined(at(object, "spec", "replcas"))
      assert.strictEqual(at(object, "spec", "serviceName"), "db")
    }).pipe(Effect.scoped)
  )

  it.live("of a field that comes twice the last counts, unless that is refused", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const twice = '{"metadata":{"name":"a","name":"a"},"data":{"x":"1","y":"2","x":"3"}}'
      const strict = yield* ask(server, "POST", `${configMaps}?fieldValidation=Strict`, twice)
      assert.strictEqual(
        strict.message,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "metadata.name", duplicate field "data.x"'
      )
      const warned = yield* ask(server, "POST", configMaps, twice)
      assert.strictEqual(
        warned.warning,
        String.raw`299 - "duplicate field \"metadata.name\"", 299 - "duplicate field \"data.x\""`
      )
      assert.deepEqual(warned.object["data"], { x: "3", y: "2" })
    }).pipe(Effect.scoped)
  )

  it.live("holds for updates, patches of each form, status and scale", () =>
    Effect.gen(function* () {
      const server = yield* up()
      yield* ask(server, "POST", `${inShop}/statefulsets`, set({}))
      const strict = (method: string, face: string, body: string, contentType?: string) =>
        Effect.map(
          ask(server, method, `${inShop}/statefulsets/db${face}?fieldValidation=Strict`, body, contentType),
          ({ status, message }) => [status, String(message).replace(/^.*(?=strict decoding)/, "")]
        )
      const unknown = (field: string) => `strict decoding error: unknown field "${field}"`
      const spec = '{"spec":{"replcas":1}}'
      assert.deepEqual(yield* strict("PUT", "", set({ replcas: 1 })), [400, unknown("spec.replcas")])
      assert.deepEqual(yield* strict("PATCH", "", spec, merge), [422, unknown("spec.replcas")])
      assert.deepEqual(yield* strict("PATCH", "", spec, strategic), [422, unknown("spec.replcas")])
      assert.deepEqual(yield* strict("PATCH", "", '{"metadata":{"labels":{"a":"1","a":"2"}}}', merge), [
        422,
        'strict decoding error: duplicate field "metadata.labels.a"'
      ])
      assert.deepEqual(
        yield* strict(
          "PATCH",
          "",
          '[{"op":"add","path":"/spec/replcas","value":1,"why":"no"}]',
          "application/json-patch+json"
        ),
        [422, `strict decoding error: json patch unknown field "[0].why", unknown field "spec.replcas"`]
      )
      assert.deepEqual(yield* strict("PATCH", "/status", '{"status":{"reddy":1}}', merge), [
        422,
        unknown("status.reddy")
      ])
      assert.deepEqual(yield* strict("PATCH", "/scale", spec, merge), [422, unknown("spec.replcas")])
      assert.deepEqual(
        yield* strict("PUT", "/scale", '{"metadata":{"name":"db"},"spec":{"replicas":1,"why":2}}'),
        [400, unknown("spec.why")]
      )
      const warned = yield* ask(server, "PATCH", `${inShop}/statefulsets/db`, spec, merge)
      assert.strictEqual(warned.warning, String.raw`299 - "unknown field \"spec.replcas\""`)
      assert.isUndefined(at(warned.object, "spec", "replcas"))
    }).pipe(Effect.scoped)
  )

  it.live(
    "judges custom resources by the fields that they name, and lets those take any that name none",
    () =>
      Effect.gen(function* () {
        const widget = (
          resource: string,
          kind: string,
          fields?: { readonly spec: { readonly size: "any" } }
        ) => resourceType("example.com", "v1", resource, kind, fields === undefined ? {} : { fields })
        const resources = [
          widget("widgets", "Widget", { spec: { size: "any" } }),
          widget("gadgets", "Gadget")
        ]
        const server = yield* up({ resources })
        const post = (plural: string) =>
          ask(
            server,
            "POST",
            `/apis/example.com/v1/namespaces/shop/${plural}?fieldValidation=Strict`,
            '{"metadata":{"name":"a"},"spec":{"size":{"x":1},"shape":2}}'
          )
        assert.strictEqual(
          (yield* post("widgets")).message,
          'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.shape"'
        )
        const gadget = yield* post("gadgets")
        assert.deepEqual([gadget.status, gadget.object["spec"]], [201, { size: { x: 1 }, shape: 2 }])
        const snapshots = "/apis/snapshot.storage.k8s.io/v1/namespaces/shop/volumesnapshots"
        const snapshot = '{"metadata":{"name":"a"},"spec":{"source":{"persistentVolumeClaim":"a"}}}'
        assert.match(
          String((yield* ask(server, "POST", `${snapshots}?fieldValidation=Strict`, snapshot)).message),
          /strict decoding error: unknown field "spec.source.persistentVolumeClaim"$/
        )
      }).pipe(Effect.scoped)
  )

  it.live("takes the fields of every version of a kind: it holds an object as it came", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const scaler = (spec: object) => JSON.stringify({ metadata: { name: "a" }, spec })
      const path = (version: string) =>
        `/apis/autoscaling/${version}/namespaces/shop/horizontalpodautoscalers?dryRun=All&fieldValidation=Strict`
      const old = yield* ask(server, "POST", path("v1"), scaler({ targetCPUUtilizationPercentage: 50 }))
      const metrics = [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization" } } }]
      assert.deepEqual(
        [old.status, (yield* ask(server, "POST", path("v2"), scaler({ metrics }))).status],
        [201, 201]
      )
      const wrong = yield* ask(server, "POST", path("v2"), scaler({ metrics: [{ sort: "Resource" }] }))
      assert.match(String(wrong.message), /unknown field "spec.metrics\[0\].sort"$/)
    }).pipe(Effect.scoped)
  )

  it.live("writes any name into the header, and not without end", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const warningOf = (name: string, fields: object) =>
        Effect.map(
          ask(server, "POST", configMaps, JSON.stringify({ metadata: { name }, ...fields })),
          ({ status, warning }) => {
            assert.strictEqual(status, 201)
            return Buffer.from(warning ?? "", "latin1").toString()
          }
        )
      assert.strictEqual(
        yield* warningOf("a", { "größe\r\n\x7f\u0085 名": 1 }),
        String.raw`299 - "unknown field \"größe\\r\\n${"\\u007f\\u0085"} 名\""`
      )
      const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}-${"x".repeat(500)}`, 1]))
      assert.isBelow((yield* warningOf("b", many)).length, 5000)
    }).pipe(Effect.scoped)
  )
})

describe("the names of fields", () => {
  it.effect("are there for every kind that is served", () =>
    Effect.gen(function* () {
      const names = yield* fieldNames
      const without = standard.filter((type) => names.of(type)._tag !== "Fields").map(({ kind }) => kind)
      assert.deepEqual(without, [])
    })
  )

  it.live("cover all that the sandbox itself writes", () =>
    Effect.gen(function* () {
      const { api, store } = yield* start("ledger")
      const names = yield* fieldNames
      for (const type of api.types) {
        for (const object of store.list(type)) assert.strictEqual(known(object, names.of(type)), object)
      }
    }).pipe(Effect.scoped)
  )
})

describe("faults of a text", () => {
  const twice = '"a": 1, "a": 2'

  it("are found below lists and maps, past escapes and whitespace, each once", () => {
    const text = ` { "x\\"}" : [ [ ] , { ${twice}, "a" : [ ] } ] , "\\u0079" :{"z":"\\\\"},"y": -1e5 }\n`
    assert.deepEqual(faultsOf(text, open), [String.raw`duplicate field "x\"}[1].a"`, 'duplicate field "y"'])
  })

  it("are none of a value that is no object", () => {
    for (const text of ["null", " 1 ", '"a"', "[]", "{}", "[ { } , 2 ]"])
      assert.deepEqual(faultsOf(text, open), [])
  })

  it("are a hundred at most", () => {
    const fields = Array.from({ length: 200 }, (_, i) => `"${i}":1,"${i}":1`)
    assert.lengthOf(faultsOf(`{${fields.join()}}`, open), 100)
  })
})
