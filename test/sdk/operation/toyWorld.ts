/** Where the toy plays: ConfigMaps in three namespaces, two pods that can be held, and a way to watch. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Cluster, type Request } from "../../../packages/sdk/src/Cluster.ts"
import type { QuiesceCommand } from "../../../packages/sdk/src/QuiesceHook.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { OperationResult } from "../../../packages/sdk/src/operation/Progress.ts"
import type { Failure } from "../../../packages/sdk/src/operation/StepContext.ts"
import { operationAnnotation as tokenNote } from "../../../packages/sdk/src/Labels.ts"
import * as Operation from "../../../packages/sdk/src/Operation.ts"
import { heldExec, isHeld } from "../../../packages/sandbox/src/node/HeldExec.ts"
import type { Command, Host } from "../../../packages/sandbox/src/node/Program.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { leases } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import { make, type Shape } from "../../../packages/sandbox/src/Sandbox.ts"
import { pod } from "../../sandbox/asking.ts"
import { noteOf, prepare, reasonOf, type ToyPlan, type ToySpec, toyVerb } from "./toy.ts"

export const ann = "ann@laptop"
export const bob = "bob@desk"

const freeze: QuiesceCommand = {
  _tag: "QuiesceCommand",
  argv: ["freeze"],
  container: null,
  deadline: 10_000,
  input: null
}
export const options = { freeze }

export interface World {
  readonly sandbox: Shape
  /** The pods that are held now. */
  readonly frozen: Set<string>
}

const runs =
  (frozen: Set<string>) =>
  ({ pod: { metadata } }: Host, { argv, stdin, stdout }: Command): Effect.Effect<number | null> => {
    if (argv[0] !== "freeze") return Effect.succeed(null)
    return Effect.gen(function* () {
      frozen.add(metadata.name)
      yield* stdout("held\n")
      yield* Stream.runDrain(stdin)
      return 0
    }).pipe(Effect.ensuring(Effect.sync(() => void frozen.delete(metadata.name))))
  }

const namespaces = ["shop", "bank", "mall"]
const map = (namespace: string, name: string, data: object) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace },
  data
})

export const makeWorld = Effect.gen(function* () {
  const frozen = new Set<string>()
  const run = runs(frozen)
  const sandbox = yield* make({
    namespaces,
    events: false,
    startMillis: 10,
    programs: () => ({
      onExec: (host, command) => (isHeld(command.argv) ? heldExec(host, command, run) : run(host, command))
    })
  })
  sandbox.create(map("shop", "alpha", { color: "red" }))
  sandbox.create(map("bank", "beta", { size: "small" }))
  sandbox.create(map("bank", "gamma", { taste: "sweet" }))
  sandbox.create(map("mall", "delta", { sound: "loud" }))
  sandbox.create(map("shop", "busy", {}))
  for (const namespace of namespaces) sandbox.create(map(namespace, "other", { kept: "as it is" }))
  for (const name of ["app-0", "app-1"]) {
    const one = pod(name)
    sandbox.create({ ...one, metadata: { ...one.metadata, namespace: "shop" } })
  }
  yield* TestClock.adjust("2 seconds")
  const world: World = { sandbox, frozen }
  return world
})

/** What most tests ask for. */
export const full: ToySpec = {
  home: "shop",
  values: [
    { namespace: "shop", name: "alpha", key: "color", to: "blue" },
    { namespace: "bank", name: "beta", key: "size", to: "large" }
  ],
  made: { namespace: "shop", name: "made" },
  pods: ["app-0", "app-1"],
  busy: "busy"
}

export const withCluster =
  (cluster: Cluster["Service"]) =>
  <A, E>(effect: Effect.Effect<A, E, Cluster>) =>
    Effect.provideService(effect, Cluster, cluster)

/** Lets virtual time pass until it ends, or interrupts it. */
export const drive = <A, E, R>(effect: Effect.Effect<A, E, R>, limit = 1_000_000) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let waited = 0; waited < limit && fiber.pollUnsafe() === undefined; waited += 500)
      yield* TestClock.adjust(500)
    if (fiber.pollUnsafe() === undefined) yield* Fiber.interrupt(fiber)
    return yield* Fiber.join(fiber)
  })

export interface Caller {
  readonly identity: string
  readonly takeOver?: boolean
  readonly namespaces?: ReadonlyArray<string>
}

/** Whoever takes it up has looked at it, and names the other namespace. */
export const knowing: Caller = { identity: bob, namespaces: ["bank"] }

const manner = (caller: Caller) => ({ ...options, ...caller, timeout: 900_000 })
export const execute = (plan: ToyPlan, caller: Caller = { identity: ann }) =>
  Operation.execute(plan, toyVerb, manner(caller))
export const resume = (at: Operation.OperationAt, caller: Caller = knowing) =>
  Operation.resume(at, toyVerb, manner(caller))
export const abort = (at: Operation.OperationAt, caller: Caller = knowing) =>
  Operation.abort(at, toyVerb, manner(caller))

export const mapOf = ({ sandbox }: World, namespace: string, name: string) =>
  sandbox.store.get(configmaps, namespace, name)

/** The journal of the operation that is not over. */
export const openAt = (world: World): Operation.OperationAt | null => {
  for (const namespace of namespaces) {
    for (const { metadata } of world.sandbox.store.list(configmaps, namespace)) {
      const phase = metadata.annotations?.["kubectl-stateful.dev/phase"]
      if (phase !== undefined && Journal.isOpen({ phase }))
        return { namespace, id: metadata.name.slice("kubectl-stateful-".length) }
    }
  }
  return null
}

/** All that an operation may leave, and all that it may not touch. */
export const inspect = (world: World) => {
  const all = namespaces.flatMap((namespace) => world.sandbox.store.list(configmaps, namespace))
  const notes = (name: string) =>
    all.flatMap(({ metadata }) => {
      const value = metadata.annotations?.[name]
      return value === undefined ? [] : [`${metadata.namespace}/${metadata.name} ${value}`]
    })
  const valueOf = (namespace: string, name: string, key: string): unknown =>
    Reflect.get(Object(Reflect.get(Object(mapOf(world, namespace, name)), "data")), key) ?? null
  return {
    color: valueOf("shop", "alpha", "color"),
    size: valueOf("bank", "beta", "size"),
    taste: valueOf("bank", "gamma", "taste"),
    sound: valueOf("mall", "delta", "sound"),
    made: valueOf("shop", "made", "madeBy"),
    cut: mapOf(world, "bank", "beta")?.metadata.annotations?.[noteOf("cut")]?.split(".")[0] ?? null,
    tokens: notes(tokenNote),
    busy: notes(noteOf("busy")),
    kept: [...notes(noteOf("before-color")), ...notes(noteOf("before-size"))],
    leases: namespaces.flatMap((namespace) =>
      world.sandbox.store.list(leases, namespace).map(({ metadata }) => `${namespace}/${metadata.name}`)
    ),
    frozen: [...world.frozen],
    open: openAt(world)?.id ?? null,
    // Of objects that no toy has anything to do with.
    others: all
      .filter(({ metadata: { name } }) => name === "other" || name === "kube-root-ca.crt")
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.resourceVersion}`)
  }
}
export type Inspected = ReturnType<typeof inspect>

/** Nothing of an operation's own is left behind. */
export const nothingLeft = { tokens: [], busy: [], kept: [], leases: [], frozen: [], open: null }

export const left = ({ tokens, busy, kept, leases, frozen, open }: Inspected) => ({
  tokens,
  busy,
  kept,
  leases,
  frozen,
  open
})

export const assertMet = (end: Inspected, words = "") => {
  assert.deepEqual({ color: end.color, size: end.size }, { color: "blue", size: "large" }, words)
  assert.ok(
    end.made !== null && end.cut === end.made,
    `made by ${String(end.made)}, cut by ${end.cut} ${words}`
  )
}

/** All is as the plan says. */
export const assertPlanned = (world: World, start: Inspected, words = "") => {
  const end = inspect(world)
  assert.deepEqual(left(end), nothingLeft, words)
  assertMet(end, words)
  assert.deepEqual(end.others, start.others)
}

/** What is not as it was is named; `but`: the object that somebody else has changed. */
export const assertNamed = (
  start: Inspected,
  end: Inspected,
  unmet: ReadonlyArray<string>,
  but: string | null = null
) => {
  const words = unmet.join("; ")
  for (const [key, name, path] of [
    ["color", "color of shop/alpha", "shop/configmaps/alpha"],
    ["size", "size of bank/beta", "bank/configmaps/beta"],
    ["made", "shop/made", "shop/configmaps/made"],
    ["cut", "bank/beta is cut", "bank/configmaps/beta"]
  ] as const) {
    if (end[key] !== start[key] && but?.endsWith(path) !== true)
      assert.ok(words.includes(name), `${key} is ${String(end[key])}, not named: ${words}`)
  }
}

/** All is as it was, but for values that are named. */
export const assertBefore = (world: World, start: Inspected, unmet: ReadonlyArray<string>) => {
  const end = inspect(world)
  assert.deepEqual({ ...left(end), kept: [] }, nothingLeft, unmet.join("; "))
  assertNamed(start, end, unmet)
  assert.deepEqual(end.others, start.others)
}

const mine = /^\/api\/v1\/namespaces\/(shop\/configmaps\/(alpha|made|busy)|bank\/configmaps\/beta)$/
const engines =
  /^\/api\/v1\/namespaces\/shop\/configmaps\/kubectl-stateful-|^\/apis\/coordination\.k8s\.io\/v1\/namespaces\/(shop|bank)\/leases|accessreviews$/
const makes = /"name":"(made|kubectl-stateful-[0-9a-f]{8})"/

export interface Wire {
  requests: number
  /** Since somebody else has acted; undefined: nobody has. */
  since?: Array<string>
  readonly breaches: Array<string>
  /** Whether the pods were held, of each cut. */
  readonly cuts?: Array<boolean>
}

/** Counts what goes out, and names what should not; `before` is run before each request. */
export const tapped = (
  { sandbox: { cluster: inner }, frozen }: World,
  wire: Wire,
  before: (index: number, request: Request) => Effect.Effect<void> = () => Effect.void
): Cluster["Service"] => ({
  ...inner,
  exec: (asked) =>
    Effect.suspend(() => {
      wire.requests += 1
      const request = { method: "GET", path: `/api/v1/namespaces/shop/pods/${asked.pod}/exec` } as const
      return Effect.andThen(before(wire.requests, request), inner.exec(asked))
    }),
  request: (request) =>
    Effect.gen(function* () {
      const { method, path, body = "" } = request
      wire.requests += 1
      yield* before(wire.requests, request)
      const isWhole = !(request.headers?.["accept"] ?? "").includes("PartialObjectMetadata")
      wire.since?.push(`${isWhole ? "" : "metadata of "}${method} ${path}`)
      const isCut = method === "PATCH" && /"add","path":"[^"]*~1cut"/.test(body)
      const response = yield* inner.request(request)
      if (method === "GET" || response.status >= 300) return response
      const isMaking = method === "POST" && path === "/api/v1/namespaces/shop/configmaps" && makes.test(body)
      if (!mine.test(path) && !engines.test(path) && !isMaking) wire.breaches.push(`${method} ${path}`)
      if (isCut) wire.cuts?.push(frozen.size === 2)
      return response
    })
})

/** How a run ended, in words. */
export const told = (exit: Exit.Exit<OperationResult, Failure>): string => {
  if (Exit.isSuccess(exit)) return `${exit.value.outcome} unmet[${exit.value.unmet.join("; ")}]`
  const [reason] = exit.cause.reasons
  if (reason?._tag !== "Fail")
    return reason?._tag === "Die" ? `died: ${String(reason.defect)}` : "interrupted"
  return `${reasonOf(reason.error)}: ${reason.error.message}`
}

export const planned = (world: World, spec: ToySpec = full) =>
  withCluster(world.sandbox.cluster)(prepare(spec, options))
