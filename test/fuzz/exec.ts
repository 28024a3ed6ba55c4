/** The frames of an exec as they come over a socket, from a server on the loopback that says anything. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createServer, type Server } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { type WebSocket, WebSocketServer } from "ws"
import { ClusterError, type ExecSession } from "../../packages/sdk/src/Cluster.ts"
import type { Connection } from "../../packages/sdk/src/kubernetes/connection.ts"
import { subprotocol } from "../../packages/sdk/src/kubernetes/execFrames.ts"
import { liveExec } from "../../packages/sdk/src/kubernetes/liveExec.ts"
import { hostile, type Mutation, mutations } from "./mutation.ts"
import { target, type Verdict } from "./target.ts"

/** What a server does next. */
type Act =
  /** `last` false: more of the same message follows. */
  | { readonly _tag: "Frame"; readonly bytes: Buffer; readonly binary: boolean; readonly last: boolean }
  | { readonly _tag: "Close"; readonly code: number | null }
  /** Bytes that are no frame. */
  | { readonly _tag: "Raw"; readonly bytes: Buffer }
  | { readonly _tag: "Ping" }

const frame = (channel: number, text: string | Buffer): Act => ({
  _tag: "Frame",
  bytes: Buffer.concat([Buffer.from([channel]), Buffer.from(text)]),
  binary: true,
  last: true
})

const success = JSON.stringify({ kind: "Status", status: "Success", metadata: {} })
const failure = JSON.stringify({
  status: "Failure",
  reason: "NonZeroExitCode",
  message: `command terminated with exit code 3 ${hostile}`,
  details: { causes: [{ reason: "ExitCode", message: "3" }] }
})
const broken = JSON.stringify({ status: "Failure", message: `no such file ${hostile} ${"x".repeat(3000)}` })

const normal: Act = { _tag: "Close", code: 1000 }
const sessions: ReadonlyArray<ReadonlyArray<Act>> = [
  [frame(1, "proof\n"), frame(2, `warning ${hostile}\n`), frame(1, "more"), frame(3, success), normal],
  [frame(2, "no"), frame(3, failure), normal],
  [frame(1, ""), frame(2, ""), frame(3, success), normal],
  [frame(3, broken), normal],
  [frame(2, Buffer.alloc(700_000, "e")), frame(1, "o"), frame(3, success), normal]
]

/** What a frame's text may be instead. */
const texts: ReadonlyArray<string> = [
  success,
  failure,
  broken,
  "",
  "{]",
  "null",
  '"Success"',
  '["Success"]',
  '{"status":"success"}',
  '{"status":["Success"]}',
  '{"__proto__":{"status":"Success"}}',
  '{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"0"}]}}',
  '{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"1e999"}]}}',
  '{"status":"Failure","details":{"causes":{"length":3}}}',
  hostile,
  "[".repeat(3000)
]
const channels = [0, 1, 2, 3, 4, 5, 127, 255]
const codes = [null, 1000, 1001, 1002, 1006, 1011, 3000, 4999]
const raws = [
  "",
  "\u0083\u0000",
  "\u00ff\u00ff\u00ff\u00ff",
  "\u0082\u007f",
  "\u0000\u0001x",
  "\u0088\u0001\u0003"
]

const pick = <A>(all: ReadonlyArray<A>, place: number): A => {
  const found = all[place % all.length]
  if (found === undefined) throw new Error("an empty list")
  return found
}

/** Bytes of a text, with or without the byte that names a channel. */
const other = (by: number): Act => frame(pick(channels, by), pick(texts, by >> 3))

/** One frame, or what stands in its place, by one edit. */
const edited = (act: Act, next: Act | undefined, kind: number, by: number): ReadonlyArray<Act> => {
  if (kind === 6) {
    const closes: Act = { _tag: "Close", code: pick(codes, by >> 2) }
    const raw: Act = { _tag: "Raw", bytes: Buffer.from(pick(raws, by >> 2), "latin1") }
    return [pick([closes, raw, { _tag: "Ping" } as const, other(by)], by), act]
  }
  if (act._tag !== "Frame") return kind === 5 ? [act, other(by)] : [act]
  const { bytes, binary } = act
  const place = by % (bytes.length + 1)
  const [head, rest] = [bytes.subarray(0, place), bytes.subarray(place)]
  switch (kind) {
    case 0:
      return [{ ...act, bytes: Buffer.concat([Buffer.from([pick(channels, by)]), bytes.subarray(1)]) }]
    case 1:
      return by % 2 === 0 ? [{ ...act, bytes: Buffer.alloc(0) }] : [act, { ...act, bytes: Buffer.alloc(0) }]
    case 2:
      // One message in two frames, or two messages of which one names no channel.
      return [
        { ...act, bytes: head, last: by % 3 > 0 },
        { ...act, bytes: rest }
      ]
    case 3:
      return next?._tag === "Frame" ? [{ ...act, bytes: Buffer.concat([bytes, next.bytes]) }] : [act, act]
    case 4:
      return by % 2 === 0 ? [] : [act, act]
    default:
      return by % 2 === 0 ? [{ ...act, binary: !binary }] : [frame(bytes[0] ?? 0, pick(texts, by >> 1))]
  }
}

const actsOf = ({ base, edits }: Mutation): ReadonlyArray<Act> => {
  let acts: ReadonlyArray<Act> = pick(sessions, base)
  for (const { kind, at, with: by } of edits) {
    const place = at % Math.max(1, acts.length)
    const act = acts[place]
    if (act === undefined) acts = [other(by)]
    else acts = [...acts.slice(0, place), ...edited(act, acts[place + 1], kind, by), ...acts.slice(place + 1)]
    acts = acts.slice(0, 24)
  }
  return acts
}

interface Message {
  readonly bytes: Buffer
  readonly binary: boolean
}

/** The messages that these frames make, up to what ends them: no more of them can come. */
const messagesOf = (acts: ReadonlyArray<Act>): ReadonlyArray<Message> => {
  const messages: Array<Message> = []
  const open: Array<Extract<Act, { readonly _tag: "Frame" }>> = []
  for (const act of acts) {
    if (act._tag === "Close") break
    if (act._tag !== "Frame") continue
    open.push(act)
    if (!act.last) continue
    // The first one says what all of them are.
    messages.push({ bytes: Buffer.concat(open.map(({ bytes }) => bytes)), binary: open[0]?.binary ?? false })
    open.length = 0
  }
  return messages
}

const saysSuccess = (bytes: Buffer): boolean => {
  try {
    return JSON.parse(bytes.toString("utf8").replace(/^\ufeff/, ""))?.status === "Success"
  } catch {
    return false
  }
}

const play = async (socket: WebSocket, acts: ReadonlyArray<Act>) => {
  for (const act of acts) {
    if (act._tag === "Frame") socket.send(act.bytes, { binary: act.binary, fin: act.last }, () => {})
    else if (act._tag === "Ping") socket.ping(undefined, undefined, () => {})
    // As `ws` has it below itself: what it would refuse to send.
    else if (act._tag === "Raw") Reflect.get(socket, "_socket")?.write(act.bytes)
    else if (act.code === null || act.code === 1006) return socket.terminate()
    else return socket.close(act.code)
  }
  socket.close()
}

/** One server for all inputs, which ends with the process. */
const scripts = new Map<string, ReadonlyArray<Act>>()
const start = (): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer()
    const upgrades = new WebSocketServer({ noServer: true, handleProtocols: () => subprotocol })
    server.on("upgrade", (request, raw, head) => {
      raw.on("error", () => {})
      const id = new URL(request.url ?? "", "http://server").searchParams.get("command") ?? ""
      upgrades.handleUpgrade(request, raw, head, (socket) => {
        socket.on("error", () => {})
        void play(socket, scripts.get(id) ?? [])
        scripts.delete(id)
      })
    })
    server.on("connection", (raw) => raw.unref())
    server.listen(0, "127.0.0.1", () => resolve(server.unref()))
  })
let started: Promise<Server> | undefined

const connectionTo = (port: number): Connection => ({
  server: new URL(`http://127.0.0.1:${port}`),
  userAgent: "fuzz",
  compression: false,
  requestTimeoutMillis: 5000,
  turn: Effect.void,
  refused: () => Effect.succeed(false),
  channel: Effect.succeed({
    credential: { headers: {} },
    dial: () =>
      new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1", () => resolve(socket))
        socket.once("error", reject)
      })
    // oxlint-disable-next-line typescript/no-explicit-any -- an exec uses no more of it
  } as any)
})

// oxlint-disable-next-line no-control-regex -- these are what must not be there
const controls = /[\u0000-\u001f\u007f-\u009f]/

const wordsOf = (message: string): Verdict => {
  if (controls.test(message)) return `a control character in ${JSON.stringify(message.slice(0, 200))}`
  return message.length <= 2300 ? null : "a message without end"
}

/** All of one output, or why there is no more; `null`: it ends in something else than our own error. */
const outputOf = (stream: ExecSession["stdout"]) =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    return Stream.runForEach(stream, (chunk) => Effect.sync(() => chunks.push(chunk))).pipe(
      Effect.exit,
      Effect.map((exit) => {
        const error = exit._tag === "Success" ? null : Cause.squash(exit.cause)
        return { bytes: Buffer.concat(chunks), error }
      })
    )
  })

/** What is not read is kept so far, and no further. */
const mostKept = 1024 * 1024

const isStart = (part: Buffer, whole: Buffer) => whole.subarray(0, part.length).equals(part)

/** What its caller has been told, against what the server has said. */
const judged = (
  acts: ReadonlyArray<Act>,
  exit: Effect.Success<ExecSession["exit"]>,
  outputs: ReadonlyArray<Effect.Success<ReturnType<typeof outputOf>>>,
  isReadLate: boolean
): Verdict => {
  const messages = messagesOf(acts).filter(({ binary, bytes }) => binary && bytes.length > 0)
  const said = (channel: number) =>
    messages.flatMap(({ bytes }) => (bytes[0] === channel ? [bytes.subarray(1)] : []))
  const [status] = said(3)
  if (exit._tag === "Exited" && exit.code === 0 && (status === undefined || !saysSuccess(status)))
    return "a success that nobody said"
  if (exit._tag === "Exited" && !Number.isFinite(exit.code)) return `exit code ${exit.code}`
  if (exit._tag === "Unknown" && wordsOf(exit.message) !== null) return wordsOf(exit.message)
  for (const [place, { bytes, error }] of outputs.entries()) {
    // Nobody reads before the status; what comes after it is read as it comes.
    const after = messages.slice(messages.findIndex((message) => message.bytes[0] === 3) + 1)
    const since = status === undefined ? 0 : after.reduce((sum, message) => sum + message.bytes.length, 0)
    if (isReadLate && bytes.length > mostKept + since) return `${bytes.length} bytes were kept`
    if (!isStart(bytes, Buffer.concat(said(place + 1)))) return `channel ${place + 1} is not what was sent`
    if (error === null) continue
    if (!(error instanceof ClusterError)) return "another error"
    const words = wordsOf(`${error.message} ${error.action ?? ""}`)
    if (words !== null) return words
  }
  return null
}

/** The machine's own time: that of a test stands still. */
const soon = <A, E>(effect: Effect.Effect<A, E>, millis: number): Effect.Effect<A | "late", E> =>
  Effect.raceFirst(
    effect,
    Effect.callback<"late">((resume) => {
      const timer = setTimeout(() => resume(Effect.succeed("late")), millis)
      return Effect.sync(() => clearTimeout(timer))
    })
  )

let count = 0
export const execFrames = target(
  "exec-frames",
  "frames of an exec",
  mutations,
  (mutation): Effect.Effect<Verdict, unknown> =>
    Effect.gen(function* () {
      const acts = actsOf(mutation)
      const isReadLate = mutation.base % 2 === 1
      const server = yield* Effect.promise(() => (started ??= start()))
      const id = `${++count}`
      scripts.set(id, acts)
      const { port } = server.address() as AddressInfo
      const asked = { namespace: "shop", pod: "db-0", container: "db", command: [id] }
      const session = Effect.gen(function* () {
        const { stdout, stderr, exit } = yield* liveExec(connectionTo(port))(asked)
        const reads = Effect.all([outputOf(stdout), outputOf(stderr)], { concurrency: 2 })
        // Read as it comes, or only once it is over.
        if (isReadLate) return [yield* exit, yield* reads] as const
        return yield* Effect.all([exit, reads], { concurrency: 2 })
      })
      const given = yield* soon(Effect.result(Effect.scoped(session)), 30_000)
      if (given === "late") return "it does not end"
      if (given._tag === "Success") return judged(acts, ...given.success, isReadLate)
      // A server that breaks the protocol at once may do so in the handshake.
      return given.failure instanceof ClusterError ? wordsOf(given.failure.message) : "another error"
    }),
  4
)
