import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { at, isArray, isObject } from "../../../packages/sandbox/src/apimachinery/Json.ts"
import { standard } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import { resourceType } from "../../../packages/sandbox/src/apimachinery/ResourceType.ts"
import { make } from "../../../packages/sandbox/src/Sandbox.ts"
import { get, json, up, type Up } from "./served.ts"

const widgets = resourceType("example.com", "v1", "widgets", "Widget", { subresources: ["scale"] })

const kindOf = (operation: unknown): string =>
  ["group", "version", "kind"]
    .map((part) => String(at(operation, "x-kubernetes-group-version-kind", part)))
    .join("/")

const namesOf = (operation: unknown): ReadonlyArray<string> => {
  const parameters = at(operation, "parameters")
  return isArray(parameters) ? parameters.map((each) => String(at(each, "name"))) : []
}

/** All documents that the server names, one after the other as kubectl would get them. */
const documents = (server: Up) =>
  Effect.gen(function* () {
    const paths = Object.entries(Object(json(yield* get(server, "/openapi/v3"))["paths"]))
    return yield* Effect.forEach(paths, ([name, entry]) =>
      Effect.gen(function* () {
        const url = String(at(entry, "serverRelativeURL"))
        assert.match(url, new RegExp(`^/openapi/v3/${name}\\?hash=[0-9a-f]{64}$`))
        const got = yield* get(server, url)
        assert.strictEqual(got.status, 200)
        return [name, json(got)] as const
      })
    )
  })

describe("/openapi/v3", () => {
  it.live("names a document for each group and version that is served, reviews among them", () =>
    Effect.gen(function* () {
      const server = yield* up({ resources: [widgets] })
      const names = (yield* documents(server)).map(([name]) => name)
      const served = [...standard, widgets].flatMap(({ group, versions }) =>
        versions.map((version) => (group === "" ? `api/${version}` : `apis/${group}/${version}`))
      )
      assert.sameMembers(names, [
        ...new Set([...served, "apis/authentication.k8s.io/v1", "apis/authorization.k8s.io/v1"])
      ])
      assert.deepEqual(names, names.toSorted())
      assert.strictEqual((yield* get(server, "/openapi/v3/apis/nobody.io/v1")).status, 404)
      assert.strictEqual((yield* get(server, "/openapi/v3", { token: null })).status, 403)
    }).pipe(Effect.scoped)
  )

  it.live("says of each kind's PATCH that it takes fieldValidation, and of no strategic merge", () =>
    Effect.gen(function* () {
      const all = (yield* documents(yield* up({ resources: [widgets] }))).flatMap(([, document]) =>
        Object.values(Object(document["paths"]))
      )
      const operations = all.flatMap((path) => (isObject(path) ? Object.entries(path) : []))
      const patches = operations.filter(([method]) => method === "patch").map(([, operation]) => operation)
      const kinds = [...standard, widgets].flatMap(({ group, versions, kind }) =>
        versions.map((version) => `${group}/${version}/${kind}`)
      )
      assert.sameMembers([...new Set(patches.map(kindOf))], [...kinds, "autoscaling/v1/Scale"])
      // A review is asked, and kept nowhere.
      const writes = operations.filter(
        ([method, operation]) =>
          ["patch", "post", "put"].includes(method) && !kindOf(operation).endsWith("Review")
      )
      for (const [, operation] of writes) {
        assert.includeMembers([...namesOf(operation)], ["dryRun", "fieldManager", "fieldValidation"])
      }
      for (const patch of patches) {
        const content = Object(at(patch, "requestBody", "content"))
        assert.hasAllKeys(content, ["application/json-patch+json", "application/merge-patch+json"])
      }
    }).pipe(Effect.scoped)
  )

  it.live("has each path that the resource is served at", () =>
    Effect.gen(function* () {
      const server = yield* up({ resources: [widgets] })
      const pathsOf = (name: string) =>
        Effect.map(get(server, `/openapi/v3/${name}`), (got) => Object(json(got)["paths"]))
      const own = "/apis/example.com/v1/namespaces/{namespace}/widgets"
      const custom = yield* pathsOf("apis/example.com/v1")
      assert.hasAllKeys(custom, ["/apis/example.com/v1/widgets", own, `${own}/{name}`, `${own}/{name}/scale`])
      assert.hasAllKeys(custom[`${own}/{name}`], ["parameters", "get", "put", "patch", "delete"])
      const core = yield* pathsOf("api/v1")
      // Namespaces go one by one, and nodes are in none.
      assert.doesNotHaveAnyKeys(core["/api/v1/namespaces"], ["delete"])
      assert.hasAllKeys(core["/api/v1/nodes"], ["get", "post", "delete"])
    }).pipe(Effect.scoped)
  )

  it.live("changes a document's hash with what is in it, and only then", () =>
    Effect.gen(function* () {
      const hashes = (resources: ReadonlyArray<typeof widgets>) =>
        Effect.map(
          Effect.flatMap(up({ resources }), (server) => get(server, "/openapi/v3")),
          (got) => Object(json(got)["paths"])
        )
      const [before, after] = [
        yield* hashes([]),
        yield* hashes([{ ...widgets, group: "apps", custom: false }])
      ]
      assert.deepEqual(before["api/v1"], after["api/v1"])
      assert.notDeepEqual(before["apis/apps/v1"], after["apis/apps/v1"])
    }).pipe(Effect.scoped)
  )

  it.effect("promises no fieldValidation before the sandbox knows the names of fields", () =>
    Effect.gen(function* () {
      const { api } = yield* make()
      const { body } = api.handle({ method: "GET", path: "/openapi/v3/api/v1" })
      assert.include(body, '"fieldManager"')
      assert.notInclude(body, '"fieldValidation"')
    }).pipe(Effect.scoped)
  )
})

describe("/openapi/v2", () => {
  it.live("is an empty document, as JSON and as the protobuf that kubectl asks for", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const plain = json(yield* get(server, "/openapi/v2"))
      assert.deepInclude(plain, { swagger: "2.0", paths: {} })
      const accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
      const { headers, bytes } = yield* get(server, "/openapi/v2", { headers: { accept } })
      assert.strictEqual(headers["content-type"], accept.replace("@", "."))
      assert.strictEqual(
        bytes.toString("latin1"),
        "\x0a\x032.0\x12\x28\x0a\x18kubectl-stateful sandbox\x12\x0bunversioned".replace(
          "\x28",
          String.fromCharCode(2 + 24 + 2 + 11)
        )
      )
    }).pipe(Effect.scoped)
  )
})
