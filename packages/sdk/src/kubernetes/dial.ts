/**
 * One socket to the API server: straight or through a proxy, plain or TLS. REST,
 * watch and exec all come through here, so they agree on proxy, certificates and name.
 */
import * as Net from "node:net"
import * as Tls from "node:tls"

/** The server's address, and how to verify it. */
export interface Endpoint {
  /** Origin and base path (`https://rancher.example/k8s/clusters/c-1`). */
  readonly url: URL
  readonly proxy: URL | null
  /** The name that the certificate must bear, if not the host of the URL. */
  readonly serverName: string | null
  readonly insecure: boolean
}

/** Whom TLS trusts, and the client's certificate: of the server, and of a proxy. `null`: it speaks no TLS. */
export interface Trust {
  readonly server: Tls.SecureContext | null
  readonly proxy: Tls.SecureContext | null
}

/** With the default of its scheme. */
export const portOf = (url: URL): number =>
  url.port === ""
    ? url.protocol === "https:"
      ? 443
      : url.protocol === "http:"
        ? 80
        : 1080
    : Number(url.port)

/** URL keeps an IPv6 address in its brackets; sockets want it bare. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "")

const opened = (socket: Net.Socket, event: "connect" | "secureConnect"): Promise<void> =>
  new Promise((resolve, reject) => {
    const closed = () => reject(new Error("the connection was closed before it was ready"))
    socket.once("error", reject)
    socket.once("close", closed)
    socket.once(event, () => {
      socket.off("error", reject)
      socket.off("close", closed)
      resolve()
    })
  })

/**
 * Called with each socket when it is created, not when it is ready, so that it can be closed after a timeout.
 */
type Keep = (socket: Net.Socket) => void

const plain = async (url: URL, keep: Keep): Promise<Net.Socket> => {
  const socket = Net.connect({ host: hostOf(url), port: portOf(url), noDelay: true })
  keep(socket)
  // 30 s as client-go: load balancers forget a silent connection after 60 s.
  socket.setKeepAlive(true, 30_000)
  await opened(socket, "connect")
  return socket
}

const secure = async (
  socket: Net.Socket,
  host: string,
  serverName: string | null,
  options: Tls.ConnectionOptions,
  keep: Keep
): Promise<Tls.TLSSocket> => {
  const expected = serverName ?? host
  const wrapped = Tls.connect({
    ...options,
    socket,
    // Whom the certificate must name.
    host: expected,
    ALPNProtocols: ["http/1.1"],
    // An address is no name that a server could be asked for (RFC 6066, section 3).
    ...(Net.isIP(expected) === 0 ? { servername: expected } : {})
  })
  keep(wrapped)
  await opened(wrapped, "secureConnect")
  return wrapped
}

/** Reads small, known pieces from a socket before the tunnel is established. */
const pieces = (socket: Net.Socket) => {
  let buffered = Buffer.alloc(0)
  const wait = () =>
    new Promise<void>((resolve, reject) => {
      const gone = () => reject(new Error("the proxy closed the connection"))
      socket.once("close", gone)
      socket.once("error", reject)
      socket.once("data", (chunk: Buffer) => {
        socket.pause()
        socket.off("close", gone)
        socket.off("error", reject)
        buffered = Buffer.concat([buffered, chunk])
        resolve()
      })
      socket.resume()
    })
  const take = async (length: number): Promise<Buffer> => {
    while (buffered.length < length) await wait()
    const piece = buffered.subarray(0, length)
    buffered = buffered.subarray(length)
    return piece
  }
  const until = async (mark: string): Promise<string> => {
    while (!buffered.includes(mark)) {
      if (buffered.length > 16_384) throw new Error("the proxy's response is not HTTP")
      await wait()
    }
    return (await take(buffered.indexOf(mark) + mark.length)).toString("latin1")
  }
  return { take, until }
}

const credentialsOf = (proxy: URL): string =>
  `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`

const throughHttp = async (socket: Net.Socket, proxy: URL, target: string): Promise<void> => {
  const authorization =
    proxy.username === ""
      ? ""
      : `Proxy-Authorization: Basic ${Buffer.from(credentialsOf(proxy)).toString("base64")}\r\n`
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`)
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(await pieces(socket).until("\r\n\r\n"))?.[1]
  if (status !== "200") throw new Error(`the proxy ${proxy.host} answered ${status ?? "no HTTP"} to CONNECT`)
}

/** RFC 1928 with RFC 1929's name and password; the proxy resolves the name. */
const throughSocks = async (socket: Net.Socket, proxy: URL, host: string, port: number): Promise<void> => {
  const { take } = pieces(socket)
  const refused = (why: string) => new Error(`the proxy ${proxy.host} ${why}`)
  const named = proxy.username !== ""
  socket.write(Buffer.from(named ? [5, 2, 0, 2] : [5, 1, 0]))
  const method = (await take(2))[1]
  if (method === 2) {
    const name = Buffer.from(decodeURIComponent(proxy.username))
    const password = Buffer.from(decodeURIComponent(proxy.password))
    socket.write(
      Buffer.concat([Buffer.from([1, name.length]), name, Buffer.from([password.length]), password])
    )
    if ((await take(2))[1] !== 0) throw refused("refused the name and password of proxy-url")
  } else if (method !== 0) throw refused("wants a way to log in that we do not know")
  const address = Buffer.from(host)
  socket.write(
    Buffer.concat([Buffer.from([5, 1, 0, 3, address.length]), address, Buffer.from([port >> 8, port & 255])])
  )
  const [, reply, , kind] = await take(4)
  if (reply !== 0) throw refused(`could not reach ${host}:${port} (SOCKS reply ${reply})`)
  const length = kind === 1 ? 4 : kind === 4 ? 16 : (await take(1))[0]!
  await take(length + 2)
}

const connect = async (
  { url, proxy, serverName, insecure }: Endpoint,
  trust: Trust,
  keep: Keep
): Promise<Net.Socket> => {
  const options = (context: Tls.SecureContext | null): Tls.ConnectionOptions => ({
    ...(context === null ? {} : { secureContext: context }),
    rejectUnauthorized: !insecure
  })
  const host = hostOf(url)
  let socket = await plain(proxy ?? url, keep).catch((error: NodeJS.ErrnoException) => {
    // Node's own error would be reported as the server's.
    throw proxy === null
      ? error
      : new Error(`the proxy ${proxy.host} cannot be reached (${error.code ?? error.message})`)
  })
  if (proxy !== null) {
    if (proxy.protocol === "https:")
      socket = await secure(socket, hostOf(proxy), null, options(trust.proxy), keep).catch(
        (error: NodeJS.ErrnoException) => {
          throw new Error(`no TLS with the proxy ${proxy.host} (${error.code ?? error.message})`)
        }
      )
    if (proxy.protocol.startsWith("socks")) await throughSocks(socket, proxy, host, portOf(url))
    else await throughHttp(socket, proxy, `${url.hostname}:${portOf(url)}`)
  }
  if (url.protocol !== "https:") return socket
  return await secure(socket, host, serverName, options(trust.server), keep)
}

/**
 * Opens a socket that is ready for HTTP. Rejects with Node's own error, after
 * `timeoutMillis`, or when the signal aborts; nothing was sent to the server then,
 * and no socket is left.
 */
export const dial = async (
  endpoint: Endpoint,
  trust: Trust,
  timeoutMillis: number,
  signal: AbortSignal
): Promise<Net.Socket> => {
  const sockets: Array<Net.Socket> = []
  const keep = (socket: Net.Socket): void => {
    // An error between two owners is nobody's, and would end the process.
    socket.on("error", () => {})
    if (signal.aborted) socket.destroy()
    sockets.push(socket)
  }
  let timer: NodeJS.Timeout | undefined
  let aborted = (): void => {}
  const givenUp = new Promise<never>((_, reject) => {
    const late = () => reject(Object.assign(new Error("i/o timeout"), { code: "ETIMEDOUT" }))
    timer = setTimeout(late, timeoutMillis)
    aborted = () => reject(new Error("aborted"))
    signal.addEventListener("abort", aborted)
    if (signal.aborted) aborted()
  })
  try {
    return await Promise.race([connect(endpoint, trust, keep), givenUp])
  } catch (error) {
    for (const socket of sockets) socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener("abort", aborted)
  }
}
