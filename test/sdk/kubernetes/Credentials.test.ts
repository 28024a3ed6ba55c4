import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { join } from "node:path"
import type { TLSSocket } from "node:tls"
import { Cluster, type ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import { base64, certificate, folder, json, kubeconfig, live, serve } from "./server.ts"

const get = Effect.scoped(
  Effect.gen(function* () {
    const cluster = yield* Cluster
    return (yield* cluster.request({ method: "GET", path: "/api/v1/pods" })).status
  })
)

const fine = (_: IncomingMessage, response: ServerResponse) => json(response, 200, {})
const apiVersion = "client.authentication.k8s.io/v1"

/** A plugin whose n-th run prints what `statuses[n]` holds; its folder has a space in its name. */
const plugin = (directory: string, statuses: ReadonlyArray<unknown>, extra: Record<string, unknown> = {}) => {
  const bin = join(directory, "my plugins")
  mkdirSync(bin)
  statuses.forEach((status, nth) =>
    writeFileSync(join(bin, `${nth}`), JSON.stringify({ apiVersion, kind: "ExecCredential", status }))
  )
  const command = join(bin, "log in")
  const script = [
    "#!/bin/sh",
    'cd "$(dirname "$0")"',
    'printf "%s\\n" "$#" "$@" "$EXTRA" > arguments',
    'printf "%s" "$KUBERNETES_EXEC_INFO" > info',
    "nth=$(cat runs 2>/dev/null || echo 0)",
    "echo $((nth + 1)) > runs",
    `cat "$nth" 2>/dev/null || cat ${statuses.length - 1}`
  ]
  writeFileSync(command, script.join("\n"))
  chmodSync(command, 0o755)
  const read = (name: string) => readFileSync(join(bin, name), "utf8")
  return {
    user: { exec: { apiVersion, command, interactiveMode: "Never", ...extra } },
    runs: () => (existsSync(join(bin, "runs")) ? Number(read("runs")) : 0),
    read
  }
}

const isPolite = (error: ClusterError, message: RegExp) => {
  assert.strictEqual(error.reason._tag, "Config")
  assert.match(error.message, message)
  assert.isAbove(error.action?.length ?? 0, 0)
  assert.notInclude(JSON.stringify(error), "canary")
}

describe("an exec plugin", () => {
  it.live("is run without a shell: its arguments arrive as they are, with its environment", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve(fine)
      const args = ["two words", "$(touch gone wrong); `id`", ""]
      const login = plugin(dir, [{ token: "t" }], {
        args,
        env: [{ name: "EXTRA", value: "a b" }],
        provideClusterInfo: true
      })
      yield* Effect.provide(get, live(dir, kubeconfig(server.url, login.user)))
      assert.strictEqual(server.requests[0]?.headers.authorization, "Bearer t")
      assert.strictEqual(login.read("arguments"), `${["3", ...args, "a b"].join("\n")}\n`)
      assert.deepEqual(JSON.parse(login.read("info")), {
        apiVersion,
        kind: "ExecCredential",
        spec: { interactive: false, cluster: { server: server.url } }
      })
    })
  )

  it.live(
    "gets what kubectl would give it of its cluster: the extension for plugins, however it is written",
    () =>
      Effect.gen(function* () {
        const dir = yield* folder
        const server = yield* serve(fine)
        const login = plugin(dir, [{ token: "t" }], { provideClusterInfo: true })
        const config = kubeconfig(server.url, login.user)
        const extension = { shootRef: { namespace: "garden", name: "y" }, list: [1, null] }
        const extensions = [
          { name: "other", extension: { not: "for plugins" } },
          { name: "client.authentication.k8s.io/exec", extension }
        ]
        const clusters = config.clusters.map(({ name, cluster }) => ({
          name,
          cluster: { ...cluster, "disable-compression": true, extensions }
        }))
        yield* Effect.provide(get, live(dir, { ...config, clusters }))
        assert.deepEqual(JSON.parse(login.read("info")).spec.cluster, {
          server: server.url,
          "disable-compression": true,
          config: extension
        })
      })
  )

  it.live("is run once for many requests, however many come at once", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve(fine)
      const later = new Date(Date.now() + 3_600_000).toISOString()
      const login = plugin(dir, [{ token: "t", expirationTimestamp: later }])
      yield* Effect.provide(
        Effect.forEach(Array.from({ length: 20 }), () => get, { concurrency: "unbounded" }),
        live(dir, kubeconfig(server.url, login.user))
      )
      assert.strictEqual(login.runs(), 1)
    })
  )

  it.live("is run again when its credential has expired", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve(fine)
      const past = new Date(Date.now() - 1000).toISOString()
      const login = plugin(dir, [{ token: "old", expirationTimestamp: past }, { token: "new" }])
      yield* Effect.provide(Effect.andThen(get, get), live(dir, kubeconfig(server.url, login.user)))
      assert.deepEqual(
        server.requests.map((request) => request.headers.authorization),
        ["Bearer old", "Bearer new"]
      )
    })
  )

  it.live("is run again on a 401, once, and the request with it", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve((request, response) =>
        json(response, request.headers.authorization === "Bearer good" ? 200 : 401, {})
      )
      const login = plugin(dir, [{ token: "revoked" }, { token: "good" }])
      assert.strictEqual(yield* Effect.provide(get, live(dir, kubeconfig(server.url, login.user))), 200)
      assert.strictEqual(login.runs(), 2)
      const refused = yield* serve((_, response) => json(response, 401, {}))
      const again = yield* folder
      const hopeless = plugin(again, [{ token: "never" }])
      assert.strictEqual(yield* Effect.provide(get, live(again, kubeconfig(refused.url, hopeless.user))), 401)
      assert.strictEqual(hopeless.runs(), 2)
      assert.lengthOf(refused.requests, 2)
    })
  )

  it.live("may give a client certificate", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const tls = certificate(dir, "IP:127.0.0.1")
      let subject: unknown
      const server = yield* serve(
        (request, response) => {
          subject = (request.socket as TLSSocket).getPeerCertificate().subject?.CN
          json(response, 200, {})
        },
        { tls: { ...tls, requestCert: true, rejectUnauthorized: false } }
      )
      const login = plugin(dir, [{ clientCertificateData: tls.cert, clientKeyData: tls.key }])
      const config = kubeconfig(server.url, login.user, { "certificate-authority-data": base64(tls.cert) })
      yield* Effect.provide(get, live(dir, config))
      assert.strictEqual(subject, "test")
    })
  )

  const faults: ReadonlyArray<readonly [string, Record<string, unknown>, RegExp]> = [
    ["that is not installed", { command: "no-such-plugin-here" }, /executable not found$/],
    ["that fails", { command: "false" }, /failed with exit code 1$/],
    ["that prints no JSON", { command: "echo", args: ["s3cr3t-canary"] }, /not JSON$/],
    [
      "that prints something else",
      { command: "echo", args: ['{"token":"canary"}'] },
      /not an ExecCredential$/
    ],
    [
      "that answers in another version",
      { command: "echo", args: [`{"kind":"ExecCredential","apiVersion":"v0","status":{"token":"canary"}}`] },
      /in another version/
    ],
    [
      "that gives nothing",
      { command: "echo", args: [JSON.stringify({ kind: "ExecCredential", apiVersion })] },
      /neither a token nor a certificate$/
    ]
  ]
  for (const [what, exec, message] of faults) {
    it.live(`${what} is told in one line, without its output`, () =>
      Effect.gen(function* () {
        const dir = yield* folder
        const user = { exec: { apiVersion, interactiveMode: "Never", ...exec } }
        const error = yield* Effect.flip(
          Effect.provide(get, live(dir, kubeconfig("http://127.0.0.1:1", user)))
        )
        isPolite(error, message)
      })
    )
  }

  it.live("that is missing is told with its own install hint", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const user = { exec: { apiVersion, command: "nope", installHint: "brew install\n  nope\n" } }
      const error = yield* Effect.flip(Effect.provide(get, live(dir, kubeconfig("http://127.0.0.1:1", user))))
      assert.strictEqual(error.action, "brew install nope")
    })
  )
})

describe("other credentials", () => {
  it.live("a token file wins over a token, and is read again when it was refused", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const file = join(dir, "token")
      writeFileSync(file, "first\n")
      const server = yield* serve((request, response) =>
        json(
          response,
          request.headers.authorization === `Bearer ${readFileSync(file, "utf8").trim()}` ? 200 : 401,
          {}
        )
      )
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* get, 200)
        writeFileSync(file, "rotated\n")
        assert.strictEqual(yield* get, 200)
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url, { token: "inline", tokenFile: "token" }))))
      assert.deepEqual(
        server.requests.map((request) => request.headers.authorization),
        ["Bearer first", "Bearer first", "Bearer rotated"]
      )
    })
  )

  it.live("a token file that is gone is the kubeconfig's fault", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const config = kubeconfig("http://127.0.0.1:1", { tokenFile: "gone" })
      isPolite(yield* Effect.flip(Effect.provide(get, live(dir, config))), /missing or empty$/)
    })
  )

  it.live("a fixed token that is refused is not tried twice", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve((_, response) => json(response, 401, {}))
      assert.strictEqual(yield* Effect.provide(get, live(dir, kubeconfig(server.url, { token: "t" }))), 401)
      assert.lengthOf(server.requests, 1)
    })
  )

  it.live("name and password, and whom one acts as", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve(fine)
      const user = {
        username: "me",
        password: "pa:ss",
        as: "jane",
        "as-groups": ["a", "b"],
        "as-user-extra": { "Reason/Why": ["x"] }
      }
      yield* Effect.provide(get, live(dir, kubeconfig(server.url, user)))
      const { headers, rawHeaders } = server.requests[0]!
      assert.strictEqual(headers.authorization, `Basic ${base64("me:pa:ss")}`)
      assert.strictEqual(headers["impersonate-user"], "jane")
      assert.strictEqual(headers["impersonate-extra-reason%2fwhy"], "x")
      assert.deepEqual(
        rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === "impersonate-group"),
        ["a", "b"]
      )
    })
  )

  it.live("a client certificate and its key, as data or as files", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const tls = certificate(dir, "IP:127.0.0.1")
      const seen: Array<unknown> = []
      const server = yield* serve(
        (request, response) => {
          seen.push((request.socket as TLSSocket).getPeerCertificate().subject?.CN)
          json(response, 200, {})
        },
        { tls: { ...tls, requestCert: true, rejectUnauthorized: false } }
      )
      const authority = { "certificate-authority": "cert.pem" }
      const files = { "client-certificate": "cert.pem", "client-key": "key.pem" }
      const data = { "client-certificate-data": base64(tls.cert), "client-key-data": base64(tls.key) }
      for (const user of [files, data]) {
        yield* Effect.provide(get, live(dir, kubeconfig(server.url, user, authority)))
      }
      assert.deepEqual(seen, ["test", "test"])
      const broken = { "client-certificate-data": base64("canary"), "client-key-data": base64("canary") }
      const error = yield* Effect.flip(
        Effect.provide(get, live(dir, kubeconfig(server.url, broken, authority)))
      )
      isPolite(error, /not in PEM/)
    })
  )

  it.live("a client certificate's rotated files are used from the next refusal on, whole or not at all", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const old = certificate(dir, "IP:127.0.0.1")
      const seen: Array<string | undefined> = []
      const server = yield* serve(
        (request, response) => {
          const { fingerprint256 } = (request.socket as TLSSocket).getPeerCertificate()
          seen.push(fingerprint256)
          json(response, fingerprint256 === seen[0] ? 401 : 200, {})
        },
        { tls: { ...old, requestCert: true, rejectUnauthorized: false } }
      )
      const user = { "client-certificate": "cert.pem", "client-key": "key.pem" }
      const config = kubeconfig(server.url, user, { "certificate-authority-data": base64(old.cert) })
      const statuses = Effect.gen(function* () {
        const before = yield* get
        const rotated = certificate(dir, "IP:127.0.0.1")
        writeFileSync(join(dir, "key.pem"), old.key)
        const half = yield* get
        writeFileSync(join(dir, "key.pem"), rotated.key)
        return [before, half, yield* get]
      })
      assert.deepEqual(yield* Effect.provide(statuses, live(dir, config)), [401, 401, 200])
    })
  )

  it.live("what no header can carry is told as such, however many requests there are", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve(fine)
      const asked = Effect.all(
        Array.from({ length: 40 }, () => Effect.flip(get)),
        { concurrency: "unbounded" }
      )
      const errors = yield* Effect.provide(
        asked,
        live(dir, kubeconfig(server.url, { token: "canary\ncanary" }))
      )
      for (const error of errors) isPolite(error, /credential of user "[^"]+" has a line break/)
      yield* Effect.provide(get, live(dir, kubeconfig(server.url, { token: "t", as: "jürgen" })))
      const sent = server.requests[0]?.headers["impersonate-user"]
      assert.strictEqual(Buffer.from(String(sent), "latin1").toString("utf8"), "jürgen")
    })
  )

  it.live("an OpenID Connect token is used while it lasts, and its end is told", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve(fine)
      const token = (seconds: number) =>
        [
          Buffer.from('{"alg":"none"}').toString("base64url"),
          Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + seconds })).toString("base64url"),
          "canary"
        ].join(".")
      const user = (id: string) => ({ "auth-provider": { name: "oidc", config: { "id-token": id } } })
      const good = token(3600)
      yield* Effect.provide(get, live(dir, kubeconfig(server.url, user(good))))
      assert.strictEqual(server.requests[0]?.headers.authorization, `Bearer ${good}`)
      const old = Effect.provide(get, live(dir, kubeconfig(server.url, user(token(-10)))))
      isPolite(yield* Effect.flip(old), /has expired$/)
      const gone = Effect.provide(
        get,
        live(dir, kubeconfig(server.url, { "auth-provider": { name: "gcp" } }))
      )
      isPolite(yield* Effect.flip(gone), /gone from kubectl/)
    })
  )
})
