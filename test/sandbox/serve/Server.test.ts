import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { X509Certificate } from "node:crypto"
import { once } from "node:events"
import { request as insecure } from "node:http"
import { gunzipSync } from "node:zlib"
import { make as certificate } from "../../../packages/sandbox/src/serve/Certificate.ts"
import { make } from "../../../packages/sandbox/src/Sandbox.ts"
import { serve } from "../../../packages/sandbox/src/serve/Server.ts"
import { get, head, json, up } from "./served.ts"

const pods = "/api/v1/namespaces/shop/pods"
const configMaps = "/api/v1/namespaces/shop/configmaps"
const asJson = { "content-type": "application/json" }

const configMap = (name: string, size: number) =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: "x".repeat(size) } })

describe("the certificate", () => {
  it("is signed by itself, for the loopback alone, from an hour ago for a year", () => {
    const now = Date.UTC(2026, 10, 20, 12)
    const x509 = new X509Certificate(certificate(now).cert)
    assert.isTrue(x509.verify(x509.publicKey))
    assert.deepEqual(
      [x509.checkIP("127.0.0.1"), x509.checkIP("::1"), x509.checkHost("localhost"), x509.checkIP("10.0.0.1")],
      ["127.0.0.1", "::1", "localhost", undefined]
    )
    assert.isFalse(x509.ca)
    assert.strictEqual(x509.validFromDate.getTime(), now - 3_600_000)
    assert.strictEqual(x509.validToDate.getTime(), now + 365 * 24 * 3_600_000)
  })

  it("is never the same twice", () => {
    const [a, b] = [new X509Certificate(certificate(0).cert), new X509Certificate(certificate(0).cert)]
    assert.notStrictEqual(a.serialNumber, b.serialNumber)
    assert.notStrictEqual(a.publicKey.export({ format: "jwk" }).x, b.publicKey.export({ format: "jwk" }).x)
  })
})

describe("a served sandbox", () => {
  it.live("listens on the loopback only, and speaks nothing but TLS", () =>
    Effect.gen(function* () {
      const { served } = yield* up()
      assert.match(served.url, /^https:\/\/127\.0\.0\.1:\d+$/)
      const plain = insecure(`${served.url.replace("https", "http")}/version`).end()
      const [error] = yield* Effect.promise(() => once(plain, "error"))
      assert.instanceOf(error, Error)
    }).pipe(Effect.scoped)
  )

  it.live("answers 401 to a token that is none, and 403 to a request without one", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const bad = yield* get(server, pods, { token: "guess" })
      assert.deepInclude(json(bad), {
        kind: "Status",
        reason: "Unauthorized",
        message: "Unauthorized",
        code: 401
      })
      assert.strictEqual(bad.status, 401)
      const none = yield* get(server, pods, { token: null })
      assert.strictEqual(none.status, 403)
      assert.match(String(json(none)["message"]), /User "system:anonymous" cannot list resource "pods"/)
      const apis = yield* get(server, "/apis", { token: null })
      assert.deepEqual([apis.status, json(apis)["reason"]], [403, "Forbidden"])
      assert.strictEqual((yield* get(server, "/version", { token: null })).status, 200)
      assert.strictEqual((yield* get(server, "/readyz", { token: null })).bytes.toString(), "ok")
    }).pipe(Effect.scoped)
  )

  it.live("gives each user a token and the rules that go with it; whom it knows not may do nothing", () =>
    Effect.gen(function* () {
      const reader = {
        name: "reader",
        allow: [{ verbs: ["list"], apiGroups: [""], resources: ["pods"] }]
      }
      const server = yield* up({}, { users: [reader] })
      const token = server.served.logins[1]?.token ?? ""
      assert.strictEqual((yield* get(server, pods, { token })).status, 200)
      assert.strictEqual((yield* get(server, configMaps, { token })).status, 403)
      const as = (name: string, more = {}) =>
        Effect.map(
          get(server, pods, { headers: { "impersonate-user": name, ...more } }),
          ({ status }) => status
        )
      assert.deepEqual(
        [yield* as("reader"), yield* as("bob"), yield* as("bob", { "impersonate-group": "system:masters" })],
        [200, 403, 200]
      )
      const up2 = yield* get(server, pods, { token, headers: { "impersonate-user": "kubernetes-admin" } })
      assert.match(String(json(up2)["message"]), /cannot impersonate resource "users"/)
    }).pipe(Effect.scoped)
  )

  it.live("answers malformed, huge and strange requests as the real server does", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const post = (body: string, headers: Record<string, string> = asJson) =>
        Effect.map(get(server, configMaps, { method: "POST", body, headers }), (got) => [
          got.status,
          json(got)["reason"]
        ])
      assert.deepEqual(yield* post("{"), [400, "BadRequest"])
      assert.deepEqual(yield* post(configMap("a", 3 * 1024 * 1024)), [413, "RequestEntityTooLarge"])
      assert.deepEqual(yield* post("a: b", { "content-type": "text/plain" }), [415, "UnsupportedMediaType"])
      assert.deepEqual(
        yield* post("k8s\0rubbish", { "content-type": "application/vnd.kubernetes.protobuf" }),
        [400, "BadRequest"]
      )
      assert.deepEqual(yield* post(configMap("a", 10)), [201, undefined])
      const status = (path: string, method: string) =>
        Effect.map(get(server, path, { method }), (got) => got.status)
      assert.deepEqual(
        [
          yield* status(configMaps, "PUT"),
          yield* status(configMaps, "OPTIONS"),
          yield* status("/api/v1/nothing", "GET"),
          yield* status("/nothing", "GET"),
          yield* status(`${pods}/%ZZ`, "GET"),
          yield* status(`${pods}/db-0/exec?command=true&stdout=true`, "POST"),
          yield* status(`${pods}/db-0/log`, "GET")
        ],
        [405, 405, 404, 404, 400, 400, 501]
      )
    }).pipe(Effect.scoped)
  )

  it.live("goes on after a client that went away in the middle of its body", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const gone = yield* Effect.exit(
        Effect.timeout(
          head(server, configMaps, {
            method: "POST",
            headers: { ...asJson, "content-length": "1000" },
            body: "{"
          }),
          "200 millis"
        )
      )
      assert.isTrue(Exit.isFailure(gone))
      assert.strictEqual((yield* get(server, pods)).status, 200)
    }).pipe(Effect.scoped)
  )

  it.live("compresses large answers for those who ask, and only those", () =>
    Effect.gen(function* () {
      const server = yield* up()
      for (const name of ["a", "b"]) {
        yield* get(server, configMaps, { method: "POST", body: configMap(name, 100_000), headers: asJson })
      }
      const asking = { headers: { "accept-encoding": "gzip" } }
      const zipped = yield* get(server, configMaps, asking)
      const plain = yield* get(server, configMaps)
      assert.strictEqual(zipped.headers["content-encoding"], "gzip")
      assert.isBelow(zipped.bytes.length, 5000)
      assert.strictEqual(gunzipSync(zipped.bytes).toString(), plain.bytes.toString())
      assert.isUndefined(plain.headers["content-encoding"])
      assert.isUndefined((yield* get(server, pods, asking)).headers["content-encoding"])
    }).pipe(Effect.scoped)
  )

  it.live("says which port is taken, and ends its connections with its scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const first = yield* Effect.provideService(up(), Scope.Scope, scope)
      const port = Number(new URL(first.served.url).port)
      const second = yield* Effect.flip(serve(yield* make(), { port }))
      assert.deepInclude(second, { _tag: "ServeError", message: `port ${port} of 127.0.0.1 is in use` })
      const watching = yield* head(first, `${pods}?watch=true`)
      const cut = once(watching, "error")
      watching.resume()
      yield* Scope.close(scope, Exit.void)
      yield* Effect.promise(() => cut)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(get(first, pods))))
    }).pipe(Effect.scoped)
  )
})
