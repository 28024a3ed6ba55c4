/** A scripted server on the loopback, a folder of its own, and a kubeconfig that leads there. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import * as Http from "node:http"
import * as Https from "node:https"
import type { AddressInfo, Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WebSocketServer, type WebSocket } from "ws"
import type { Cluster, ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import { layer, type Options } from "../../../packages/sdk/src/kubernetes/index.ts"

export interface Scripted {
  readonly url: string
  readonly port: number
  readonly requests: Array<Http.IncomingMessage>
  /** Connections accepted so far. */
  readonly connections: () => number
  readonly open: () => number
}

export type Handler = (request: Http.IncomingMessage, response: Http.ServerResponse, nth: number) => void

export interface ServeOptions {
  readonly tls?: Https.ServerOptions
  readonly exec?: (socket: WebSocket, request: Http.IncomingMessage) => void
}

export const serve = (
  handler: Handler,
  options: ServeOptions = {}
): Effect.Effect<Scripted, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Scripted & { close: () => Promise<void> }>((resume) => {
      const requests: Array<Http.IncomingMessage> = []
      const sockets = new Set<Socket>()
      let connections = 0
      const listener = (request: Http.IncomingMessage, response: Http.ServerResponse) => {
        requests.push(request)
        handler(request, response, requests.length)
      }
      const server =
        options.tls === undefined ? Http.createServer(listener) : Https.createServer(options.tls, listener)
      server.on("connection", (socket: Socket) => {
        connections += 1
        sockets.add(socket)
        socket.on("error", () => {})
        socket.once("close", () => sockets.delete(socket))
      })
      server.on("tlsClientError", () => {})
      const { exec } = options
      if (exec !== undefined) {
        const sessions = new WebSocketServer({
          noServer: true,
          handleProtocols: (offered) => (offered.has("v5.channel.k8s.io") ? "v5.channel.k8s.io" : false)
        })
        server.on("upgrade", (request, socket, head) => {
          requests.push(request)
          sessions.handleUpgrade(request, socket, head, (session) => exec(session, request))
        })
      }
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(
          Effect.succeed({
            url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
            port,
            requests,
            connections: () => connections,
            open: () => sockets.size,
            close: () =>
              new Promise<void>((done) => {
                for (const socket of sockets) socket.destroy()
                server.close(() => done())
              })
          })
        )
      })
    }),
    (server) => Effect.promise(() => server.close())
  )

/** A folder that goes with the scope. */
export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubectl stateful "))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const write = (directory: string, name: string, content: unknown): string => {
  const path = join(directory, name)
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
  return path
}

type Fields = Readonly<Record<string, unknown>>

/** One cluster, one user, one context that is current. */
export const kubeconfig = (server: string, user: Fields = {}, cluster: Fields = {}) => ({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "test",
  clusters: [{ name: "test", cluster: { server, ...cluster } }],
  users: [{ name: "me", user }],
  contexts: [{ name: "test", context: { cluster: "test", user: "me", namespace: "shop" } }]
})

/** The live cluster that a kubeconfig leads to, in an environment of nothing but PATH. */
export const live = (
  directory: string,
  config: unknown,
  options: Options = {}
): Layer.Layer<Cluster, ClusterError> =>
  layer({
    kubeconfig: write(directory, "config", config),
    environment: { PATH: process.env["PATH"] },
    ...options
  })

export interface Identity {
  readonly cert: string
  readonly key: string
}

const authority = `
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
`

/** A self-signed certificate made by openssl, valid now or (`expired`) for one day of 2020. */
export const certificate = (directory: string, names: string, expired = false): Identity => {
  const openssl = (...words: ReadonlyArray<string>) =>
    execFileSync("openssl", words, { cwd: directory, stdio: "ignore" })
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"]
  const subject = ["-subj", "/CN=test", "-addext", `subjectAltName=${names}`]
  if (expired) {
    write(directory, "ca.cnf", authority)
    write(directory, "index", "")
    write(directory, "serial", "01")
    openssl("req", "-new", ...key, ...subject, "-out", "request.pem")
    const dates = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"]
    const signing = ["-batch", "-notext", "-selfsign", "-config", "ca.cnf", "-keyfile", "key.pem"]
    openssl("ca", ...signing, ...dates, "-in", "request.pem", "-out", "cert.pem")
  } else {
    openssl("req", "-x509", ...key, ...subject, "-days", "2", "-out", "cert.pem")
  }
  const read = (name: string) => readFileSync(join(directory, name), "utf8")
  return { cert: read("cert.pem"), key: read("key.pem") }
}

/** A server's certificate, and the intermediate authority that signed it: its own authority is in no file. */
export const belowIntermediate = (directory: string, names: string): Identity & { readonly ca: string } => {
  const above = certificate(directory, "DNS:root")
  const sign = (name: string, extension: string, by: { readonly cert: string; readonly key: string }) => {
    const file = (end: string) => join(directory, `${name}.${end}`)
    const openssl = (...words: ReadonlyArray<string>) => execFileSync("openssl", words, { stdio: "ignore" })
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      file("key")
    ]
    openssl("req", "-new", ...key, "-subj", `/CN=${name}`, "-out", file("csr"))
    write(directory, `${name}.ext`, extension)
    write(directory, `${name}.by.cert`, by.cert)
    write(directory, `${name}.by.key`, by.key)
    const signing = ["-CA", file("by.cert"), "-CAkey", file("by.key"), "-set_serial", "2", "-days", "2"]
    openssl("x509", "-req", "-in", file("csr"), ...signing, "-extfile", file("ext"), "-out", file("crt"))
    return { cert: readFileSync(file("crt"), "utf8"), key: readFileSync(file("key"), "utf8") }
  }
  const ca = sign("intermediate", "basicConstraints=critical,CA:TRUE", above)
  return { ...sign("server", `subjectAltName=${names}`, ca), ca: ca.cert }
}

export const json = (
  response: Http.ServerResponse,
  status: number,
  body: unknown,
  headers: Fields = {}
): void => {
  response.writeHead(status, { "content-type": "application/json", ...(headers as Record<string, string>) })
  response.end(JSON.stringify(body))
}

export const base64 = (text: string): string => Buffer.from(text).toString("base64")
