import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { gzipSync } from "node:zlib"
import { Cluster, type ClusterError, type Request } from "../../../packages/sdk/src/Cluster.ts"
import manifest from "../../../packages/sdk/package.json" with { type: "json" }
import { proxyFromEnvironment } from "../../../packages/sdk/src/kubernetes/proxy.ts"
import { base64, belowIntermediate, certificate, folder, json, kubeconfig, live, serve } from "./server.ts"

const path = "/api/v1/namespaces/shop/configmaps"
const get: Request = { method: "GET", path }
const post: Request = { method: "POST", path, body: "{}" }

/** Sends and reads to the end. */
const call = (request: Request) =>
  Effect.scoped(
    Effect.gen(function* () {
      const cluster = yield* Cluster
      const response = yield* cluster.request(request)
      const body = yield* Stream.mkString(Stream.decodeText(response.body))
      return { status: response.status, headers: response.headers, body }
    })
  )

const isPolite = (error: ClusterError, reason: ClusterError["reason"]["_tag"], message: RegExp) => {
  assert.strictEqual(error.reason._tag, reason)
  assert.match(error.message, message)
  assert.notInclude(error.message, "\n")
  assert.isAbove(error.action?.length ?? 0, 0)
}

describe("the pool", () => {
  it.live("fifty requests at once share sixteen connections, and fifty in a row share one", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => setTimeout(() => json(response, 200, {}), 5))
      const dir = yield* folder
      yield* Effect.gen(function* () {
        yield* Effect.forEach(Array.from({ length: 50 }), () => call(get), { concurrency: "unbounded" })
        assert.isAtMost(server.connections(), 16)
        const before = server.connections()
        for (let nth = 0; nth < 50; nth++) yield* call(get)
        assert.strictEqual(server.connections(), before)
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url))))
    })
  )

  it.live("closing the layer closes every connection", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => json(response, 200, {}))
      const dir = yield* folder
      yield* Effect.provide(call(get), live(dir, kubeconfig(server.url)))
      yield* Effect.sleep(50)
      assert.strictEqual(server.open(), 0)
    })
  )

  it.live("interrupting a request aborts it on the wire", () =>
    Effect.gen(function* () {
      let gone = false
      const server = yield* serve((request) => request.once("close", () => (gone = true)))
      const dir = yield* folder
      yield* Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(call(get))
        while (server.requests.length === 0) yield* Effect.sleep(5)
        yield* Fiber.interrupt(fiber)
        yield* Effect.sleep(50)
        assert.isTrue(gone)
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url))))
    })
  )

  it.live("a body that nobody finishes gives its connection up with its scope", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => {
        response.writeHead(200)
        response.write("x".repeat(1000))
      })
      const dir = yield* folder
      yield* Effect.gen(function* () {
        const cluster = yield* Cluster
        yield* Effect.scoped(
          Effect.flatMap(cluster.request(get), (response) => Stream.runDrain(Stream.take(response.body, 1)))
        )
        yield* Effect.sleep(50)
        assert.strictEqual(server.open(), 0)
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url))))
    })
  )
})

describe("what is sent and what comes back", () => {
  it.live("the base path, the query with repeated keys, the agent, the token, and gzip undone", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => {
        response.writeHead(200, { "content-encoding": "gzip", "X-Thing": "a" })
        response.end(gzipSync("été ".repeat(1000)))
      })
      const dir = yield* folder
      const config = kubeconfig(`${server.url}/k8s/c-1/`, { token: "t0ken" })
      const query = [["a", "1 &"] as const, ["a", "2"] as const]
      const { body, headers } = yield* Effect.provide(call({ ...get, query }), live(dir, config))
      assert.strictEqual(body, "été ".repeat(1000))
      assert.strictEqual(headers["x-thing"], "a")
      const [seen] = server.requests
      assert.strictEqual(seen?.url, `/k8s/c-1${path}?a=1+%26&a=2`)
      assert.strictEqual(seen?.headers.authorization, "Bearer t0ken")
      const { version } = JSON.parse(readFileSync("packages/sdk/package.json", "utf8")) as { version: string }
      assert.strictEqual(seen?.headers["user-agent"], `kubectl-stateful/${version}`)
    })
  )

  it.live("disable-compression of the cluster asks for no gzip", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => json(response, 200, {}))
      const dir = yield* folder
      yield* Effect.provide(call(get), live(dir, kubeconfig(server.url)))
      yield* Effect.provide(call(get), live(dir, kubeconfig(server.url, {}, { "disable-compression": true })))
      assert.deepEqual(
        server.requests.map((request) => request.headers["accept-encoding"]),
        ["gzip", undefined]
      )
    })
  )

  it.live("an answer other than 2xx is an answer, not a failure", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => json(response, 418, { a: 1 }))
      const dir = yield* folder
      const answer = yield* Effect.provide(call(get), live(dir, kubeconfig(server.url)))
      assert.deepEqual([answer.status, answer.body], [418, '{"a":1}'])
    })
  )

  it.live("the origin names the context, the server, the namespace and the user, and no credential", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const config = kubeconfig("https://127.0.0.1:1", { token: "canary" })
      const { origin } = yield* Effect.provide(Cluster, live(dir, config))
      assert.deepEqual(origin, {
        context: "test",
        server: "https://127.0.0.1:1",
        namespace: "shop",
        user: "me",
        insecure: false
      })
    })
  )
})

describe("an answer that is lost", () => {
  const cut = serve((request) => request.socket.destroy())

  it.live("leaves a read unavailable, and a write with an unknown outcome", () =>
    Effect.gen(function* () {
      const server = yield* cut
      const dir = yield* folder
      yield* Effect.gen(function* () {
        isPolite(yield* Effect.flip(call(get)), "Unavailable", /was lost$/)
        isPolite(yield* Effect.flip(call(post)), "OutcomeUnknown", /whether it took effect is unknown$/)
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url))))
    })
  )

  it.live("in the middle of its body is lost too", () =>
    Effect.gen(function* () {
      const server = yield* serve((request, response) => {
        response.writeHead(200, { "content-length": "100" })
        response.write("half")
        setTimeout(() => request.socket.destroy(), 20)
      })
      const dir = yield* folder
      yield* Effect.gen(function* () {
        isPolite(yield* Effect.flip(call(get)), "Unavailable", /was lost$/)
        isPolite(yield* Effect.flip(call(post)), "OutcomeUnknown", /unknown$/)
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url))))
    })
  )

  it.live("for longer than --request-timeout is a timeout, or for a write an unknown outcome", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => {})
      const dir = yield* folder
      yield* Effect.gen(function* () {
        isPolite(yield* Effect.flip(call(get)), "Timeout", /no answer from .* within 0.1s$/)
        isPolite(yield* Effect.flip(call(post)), "OutcomeUnknown", /no answer within 0.1s/)
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url), { requestTimeout: "100 millis" })))
    })
  )

  it.live("because it is no HTTP is unreadable", () =>
    Effect.gen(function* () {
      const server = yield* serve((request) => request.socket.end("SSH-2.0-OpenSSH\r\n\r\n"))
      const dir = yield* folder
      const error = yield* Effect.flip(Effect.provide(call(get), live(dir, kubeconfig(server.url))))
      isPolite(error, "Unreadable", /does not speak HTTP$/)
    })
  )
})

describe("a server that is not reached changes nothing, and is told in kubectl's words", () => {
  const fails = (server: string, request: Request = get) =>
    Effect.gen(function* () {
      const dir = yield* folder
      return yield* Effect.flip(Effect.provide(call(request), live(dir, kubeconfig(server))))
    })

  it.live("a refused connection, for a write as for a read", () =>
    Effect.gen(function* () {
      for (const request of [get, post]) {
        const error = yield* fails("https://127.0.0.1:1", request)
        isPolite(error, "Unavailable", /^The connection to the server 127.0.0.1:1 was refused/)
      }
    })
  )

  it.live("a name that does not exist", () =>
    Effect.gen(function* () {
      const error = yield* fails("https://no-such-host.invalid")
      isPolite(
        error,
        "Unavailable",
        /^Unable to connect to the server: lookup no-such-host.invalid: no such host$/
      )
    })
  )

  it.live("a plain server behind https", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => json(response, 200, {}))
      isPolite(yield* fails(`https://127.0.0.1:${server.port}`), "Config", /does not speak TLS$/)
    })
  )

  it.effect("an address that is none", () =>
    Effect.gen(function* () {
      isPolite(yield* fails("https://[oops"), "Config", /server is not an address$/)
      isPolite(yield* fails("ftp://x"), "Config", /neither http nor https$/)
    })
  )
})

it.live("a connection that is still being made ends with its layer", () =>
  Effect.gen(function* () {
    const dir = yield* folder
    // Accepts and says nothing, so that the TLS handshake never ends.
    const mute = yield* Effect.acquireRelease(
      Effect.callback<{ server: Net.Server; open: Set<Net.Socket> }>((resume) => {
        const open = new Set<Net.Socket>()
        const server = Net.createServer((socket) => {
          open.add(socket)
          socket
            .on("error", () => {})
            .once("close", () => open.delete(socket))
            .resume()
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, open })))
      }),
      ({ server, open }) =>
        Effect.sync(() => {
          for (const socket of open) socket.destroy()
          server.close()
        })
    )
    const { port } = mute.server.address() as Net.AddressInfo
    const asking = Effect.provide(
      call(get),
      live(dir, kubeconfig(`https://127.0.0.1:${port}`), { requestTimeout: 100 })
    )
    isPolite(yield* Effect.flip(asking), "Timeout", /within 0.1s$/)
    yield* Effect.sleep(50)
    assert.strictEqual(mute.open.size, 0)
  })
)

describe("certificates", () => {
  const secure = (names: string, expired = false) =>
    Effect.gen(function* () {
      const dir = yield* folder
      const tls = certificate(dir, names, expired)
      const server = yield* serve((_, response) => json(response, 200, {}), { tls })
      return { dir, server, tls, authority: { "certificate-authority-data": base64(tls.cert) } }
    })
  const ask = (dir: string, url: string, cluster: Readonly<Record<string, unknown>>) =>
    Effect.provide(call(get), live(dir, kubeconfig(url, {}, cluster)))

  it.live("the authority of the kubeconfig, as data or as a file, is what a server is trusted by", () =>
    Effect.gen(function* () {
      const { dir, server, authority } = yield* secure("IP:127.0.0.1")
      assert.strictEqual((yield* ask(dir, server.url, authority)).status, 200)
      assert.strictEqual((yield* ask(dir, server.url, { "certificate-authority": "cert.pem" })).status, 200)
      isPolite(yield* Effect.flip(ask(dir, server.url, {})), "Config", /unknown authority$/)
      assert.strictEqual((yield* ask(dir, server.url, { "insecure-skip-tls-verify": true })).status, 200)
    })
  )

  it.live("an intermediate authority, or the server's own certificate, is trusted without its root", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const { ca, ...tls } = belowIntermediate(dir, "IP:127.0.0.1")
      const server = yield* serve((_, response) => json(response, 200, {}), { tls })
      for (const pem of [ca, tls.cert]) {
        const authority = { "certificate-authority-data": base64(pem) }
        assert.strictEqual((yield* ask(dir, server.url, authority)).status, 200)
      }
      const other = { "certificate-authority-data": base64(certificate(dir, "DNS:other").cert) }
      isPolite(yield* Effect.flip(ask(dir, server.url, other)), "Config", /unknown authority$/)
    })
  )

  it.live("a certificate for another host is refused, unless tls-server-name expects that one", () =>
    Effect.gen(function* () {
      const { dir, server, authority } = yield* secure("DNS:api.example")
      isPolite(yield* Effect.flip(ask(dir, server.url, authority)), "Config", /is for another name/)
      const named = { ...authority, "tls-server-name": "api.example" }
      assert.strictEqual((yield* ask(dir, server.url, named)).status, 200)
      const other = { ...authority, "tls-server-name": "other.example" }
      isPolite(yield* Effect.flip(ask(dir, server.url, other)), "Config", /is for another name/)
    })
  )

  it.live("tls-server-name may be an address, as behind a tunnel", () =>
    Effect.gen(function* () {
      const { dir, server, authority } = yield* secure("IP:192.0.2.1")
      const named = { ...authority, "tls-server-name": "192.0.2.1" }
      assert.strictEqual((yield* ask(dir, server.url, named)).status, 200)
      const other = { ...authority, "tls-server-name": "192.0.2.2" }
      isPolite(yield* Effect.flip(ask(dir, server.url, other)), "Config", /is for another name/)
    })
  )

  it.live("an expired certificate is said to be that", () =>
    Effect.gen(function* () {
      const { dir, server, authority } = yield* secure("IP:127.0.0.1", true)
      isPolite(yield* Effect.flip(ask(dir, server.url, authority)), "Config", /has expired$/)
    })
  )

  it.live("a missing or broken authority file is the kubeconfig's fault", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const missing = ask(dir, "https://127.0.0.1:1", { "certificate-authority": "gone.crt" })
      isPolite(yield* Effect.flip(missing), "Config", /gone.crt cannot be read: ENOENT$/)
      const broken = ask(dir, "https://127.0.0.1:1", { "certificate-authority-data": base64("canary") })
      isPolite(yield* Effect.flip(broken), "Config", /not a PEM certificate$/)
    })
  )
})

describe("proxy-url", () => {
  /** A proxy that lets one kind of tunnel through. */
  const proxy = (kind: "http" | "https" | "socks5", tls: Tls.TlsOptions = {}) =>
    Effect.acquireRelease(
      Effect.callback<{ server: Net.Server; port: number; targets: Array<string> }>((resume) => {
        const targets: Array<string> = []
        const join = (socket: Net.Socket, host: string, port: number, ready: Buffer | string) => {
          targets.push(`${host}:${port}`)
          const far = Net.connect(port, "127.0.0.1", () => {
            socket.write(ready)
            far.pipe(socket)
            socket.pipe(far)
          })
          far.on("error", () => socket.destroy())
          socket.on("error", () => far.destroy())
        }
        const accept = (socket: Net.Socket) => {
          socket.on("error", () => {})
          socket.once("data", (first) => {
            if (kind !== "socks5") {
              const [, host = "", port = ""] = /^CONNECT ([^:]+):(\d+) /.exec(first.toString("latin1")) ?? []
              join(socket, host, Number(port), "HTTP/1.1 200 OK\r\n\r\n")
              return
            }
            socket.write(Buffer.from([5, 0]))
            socket.once("data", (ask) => {
              const bytes = Buffer.from(ask)
              const length = bytes[4] ?? 0
              const host = bytes.subarray(5, 5 + length).toString()
              join(socket, host, bytes.readUInt16BE(5 + length), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
            })
          })
        }
        const server = kind === "https" ? Tls.createServer(tls, accept) : Net.createServer(accept)
        server.on("tlsClientError", () => {})
        server.listen(0, "127.0.0.1", () =>
          resume(Effect.succeed({ server, targets, port: (server.address() as Net.AddressInfo).port }))
        )
      }),
      ({ server }) => Effect.sync(() => server.close())
    )

  for (const kind of ["http", "socks5"] as const) {
    it.live(`${kind}: TLS to the server goes through a tunnel`, () =>
      Effect.gen(function* () {
        const dir = yield* folder
        const tls = certificate(dir, "IP:127.0.0.1")
        const server = yield* serve((_, response) => json(response, 200, {}), { tls })
        const through = yield* proxy(kind)
        const config = kubeconfig(
          server.url,
          {},
          {
            "certificate-authority-data": base64(tls.cert),
            "proxy-url": `${kind}://127.0.0.1:${through.port}`
          }
        )
        assert.strictEqual((yield* Effect.provide(call(get), live(dir, config))).status, 200)
        assert.deepEqual(through.targets, [`127.0.0.1:${server.port}`])
      })
    )
  }

  it.live("https: trusts the proxy as it does the server, and says which of the two it does not trust", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const [tls, other] = [
        certificate(yield* folder, "IP:127.0.0.1"),
        certificate(yield* folder, "IP:127.0.0.1")
      ]
      const server = yield* serve((_, response) => json(response, 200, {}), { tls })
      const through = (proxyPort: number, cluster: Readonly<Record<string, unknown>>) =>
        Effect.provide(
          call(get),
          live(dir, kubeconfig(server.url, {}, { "proxy-url": `https://127.0.0.1:${proxyPort}`, ...cluster }))
        )
      const own = yield* proxy("https", tls)
      const ofCluster = { "certificate-authority-data": base64(tls.cert) }
      assert.strictEqual((yield* through(own.port, ofCluster)).status, 200)
      assert.deepEqual(own.targets, [`127.0.0.1:${server.port}`])
      const unknown = yield* proxy("https", other)
      const error = yield* Effect.flip(through(unknown.port, ofCluster))
      isPolite(
        error,
        "Unavailable",
        /no TLS with the proxy 127\.0\.0\.1:\d+ \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/
      )
      assert.deepEqual(unknown.targets, [])
      assert.strictEqual((yield* through(unknown.port, { "insecure-skip-tls-verify": true })).status, 200)
    })
  )

  it.live("says which version asks: this package's, unless another name is given", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve((_, response) => json(response, 200, {}))
      yield* Effect.provide(call(get), live(dir, kubeconfig(server.url)))
      assert.strictEqual(server.requests[0]?.headers["user-agent"], `kubectl-stateful/${manifest.version}`)
    })
  )

  it.live(
    "a proxy that is down is named; NO_PROXY takes names, domains and ranges of addresses, as Go reads it",
    () =>
      Effect.gen(function* () {
        const dir = yield* folder
        const outcome = (noProxy: string) =>
          Effect.map(
            Effect.flip(
              Effect.provide(
                call(get),
                live(dir, kubeconfig("http://0.0.0.0:2"), {
                  environment: { HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: noProxy }
                })
              )
            ),
            ({ message }) => message.includes("the proxy 127.0.0.1:1 cannot be reached")
          )
        for (const rule of ["", "192.0.3.0/24", "example.com", "0.0.0.0/99"])
          assert.isTrue(yield* outcome(rule), rule)
        for (const rule of ["0.0.0.0/8", "x, 0.0.0.0/31", "0.0.0.0"])
          assert.isFalse(yield* outcome(rule), rule)
      })
  )

  it("a port in NO_PROXY is that port alone, and a domain with a dot before it its subdomains alone", () => {
    const isProxied = (server: string, rules: string) =>
      proxyFromEnvironment(new URL(server), { HTTPS_PROXY: "http://proxy", NO_PROXY: rules }) !== null
    const excepted: ReadonlyArray<readonly [string, string]> = [
      ["https://api.example.com", "api.example.com:443"],
      ["https://api.example.com:6443", "example.com:6443"],
      ["https://api.example.com", "*.example.com"],
      ["https://api.example.com", ".example.com"],
      ["https://10.0.0.1:6443", "10.0.0.1:6443"],
      ["https://[fd00::1]:6443", "[fd00:0::1]:6443"],
      ["https://[fd00::1]", "fd00:0:0::1"],
      ["https://a", "b, A"],
      ["https://127.9.9.9", ""],
      ["https://[::1]", ""]
    ]
    const proxied: ReadonlyArray<readonly [string, string]> = [
      ["https://api.example.com:6443", "api.example.com:443"],
      ["https://api.example.com", "example.com:6443"],
      ["https://example.com", "*.example.com, .example.com"],
      ["https://badexample.com", "example.com"],
      ["https://10.0.0.1:6443", "10.0.0.1:443, 10.0.0.2"],
      ["https://[fd00::1]:6443", "[fd00::1]:443, ::1"],
      ["https://127.example.com", ":443, ., "]
    ]
    for (const [server, rules] of excepted) assert.isFalse(isProxied(server, rules), `${server} ${rules}`)
    for (const [server, rules] of proxied) assert.isTrue(isProxied(server, rules), `${server} ${rules}`)
  })

  it.live("HTTPS_PROXY is not asked for the loopback, and a proxy that refuses is named", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve((_, response) => json(response, 200, {}))
      const environment = { HTTP_PROXY: "http://127.0.0.1:1" }
      const fine = yield* Effect.provide(call(get), live(dir, kubeconfig(server.url), { environment }))
      assert.strictEqual(fine.status, 200)
      const refusing = yield* serve((_, response) => json(response, 200, {}))
      const config = kubeconfig(
        "https://10.255.0.1",
        {},
        { "proxy-url": `http://me:canary@127.0.0.1:${refusing.port}` }
      )
      const error = yield* Effect.flip(Effect.provide(call(get), live(dir, config)))
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.notInclude(JSON.stringify(error), "canary")
    })
  )
})

it.live("a slow reader holds the server back", () =>
  Effect.gen(function* () {
    let written = 0
    const piece = Buffer.alloc(64 * 1024)
    const total = 64 * 1024 * 1024
    const server = yield* serve((_, response) => {
      const fill = () => {
        while (written < total) {
          written += piece.length
          if (!response.write(piece)) {
            response.once("drain", fill)
            return
          }
        }
        response.end()
      }
      fill()
    })
    const dir = yield* folder
    yield* Effect.gen(function* () {
      const cluster = yield* Cluster
      const response = yield* cluster.request(get)
      yield* Effect.sleep(200)
      assert.isBelow(written, total / 2)
      const bytes = yield* Stream.runFold(
        response.body,
        () => 0,
        (sum, chunk) => sum + chunk.length
      )
      assert.strictEqual(bytes, total)
    }).pipe(Effect.scoped, Effect.provide(live(dir, kubeconfig(server.url))))
  })
)
