/**
 * The sandbox for programs that know no Effect: one that is started, asked by the SDK's Promises, and closed.
 *
 * It lives on the real clock: a pod takes as long to start as `startMillis` says, and a node that is silent is waited
 * for. Its own timers keep the process alive until it is closed. For virtual time, use the Effect face with a
 * `TestClock`.
 */
import { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { type Connection, connectTo } from "@kubectl-stateful/sdk/promise"
import { fromStatus } from "@kubectl-stateful/sdk/resource/Status"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { Refusal } from "./apimachinery/Status.ts"
import type { User } from "./apiserver/Access.ts"
import type { Plan } from "./Fault.ts"
import { inject as between, type Record } from "./FaultyCluster.ts"
import * as Effects from "./Sandbox.ts"
import * as Scenario from "./scenario/Scenario.ts"
import type { ServeOptions } from "./serve/Server.ts"

export * as Fault from "./Fault.ts"

export interface Options extends Effects.Options {
  /** Seed for everything random: names, uids, and the programs' random values. Default: random. */
  readonly seed?: string | number
}

/** The data that another client needs to connect. */
export interface Served {
  /** `https://127.0.0.1:PORT` */
  readonly url: string
  /**
   * A context for each user; the administrator's is current. It contains tokens: anyone who has it has the
   * users' permissions.
   */
  readonly kubeconfig: string
}

export interface Sandbox
  extends
    AsyncDisposable,
    Pick<Effects.Shape, "volumes" | "loseNode" | "findNode" | "rival" | "refuse" | "compact" | "create"> {
  /** The SDK's verbs on it, as an administrator, or as a user with rules of its own. Closed with the sandbox. */
  readonly connect: (user?: User) => Connection
  /** A connection with faults injected, counted from its first call; and the recorded calls. */
  readonly inject: (plan: Plan, user?: User) => { readonly connection: Connection; readonly record: Record }
  /** Serves it on 127.0.0.1 to kubectl, and to clients in any language, until it is closed. */
  readonly serve: (options?: ServeOptions) => Promise<Served>
  /** Ends its connections, its programs and its controllers. */
  readonly close: () => Promise<void>
}

/** Rejected and thrown errors are the SDK's, as from a live cluster. */
const orClusterError = <A>(path: string, act: () => A): A => {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw fromStatus({ method: "POST", path }, error.status.code, {}, error.status)
  }
}

const closedError = (): ClusterError =>
  new ClusterError({
    reason: { _tag: "Closed" },
    message: "this sandbox is closed",
    action: "start another, and close it when its last call is done"
  })

const held = async (
  making: Effect.Effect<Effects.Shape, never, Scope.Scope>,
  namespace: string,
  seed: Options["seed"]
): Promise<Sandbox> => {
  const scope = Scope.makeUnsafe()
  const run = async <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => {
    if (scope.state._tag === "Closed") throw closedError()
    return await Effect.runPromise(Effect.provideService(effect, Scope.Scope, scope))
  }
  const shape = await run(seed === undefined ? making : Random.withSeed(making, seed))
  const connections = new Set<Connection>()
  const connected = (cluster: Cluster["Service"]): Connection => {
    if (scope.state._tag === "Closed") throw closedError()
    const connection = connectTo(Layer.succeed(Cluster, cluster))
    connections.add(connection)
    return connection
  }
  const clusterOf = (user: User | undefined) => (user === undefined ? shape.cluster : shape.as(user))
  const close = async (): Promise<void> => {
    await Promise.all([...connections].map((connection) => connection.close()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
  return {
    volumes: shape.volumes,
    loseNode: shape.loseNode,
    findNode: shape.findNode,
    rival: shape.rival,
    refuse: shape.refuse,
    compact: shape.compact,
    create: (object) => orClusterError(`/${object.apiVersion}/${object.kind}`, () => shape.create(object)),
    connect: (user) => connected(clusterOf(user)),
    inject: (plan, user) => {
      const { cluster, record } = between(clusterOf(user), plan)
      return { connection: connected(cluster), record }
    },
    serve: (options) =>
      run(
        Effect.gen(function* () {
          // TLS, WebSockets and protobuf are loaded by who serves.
          const [{ serve }, { kubeconfig }] = yield* Effect.promise(() =>
            Promise.all([import("./serve/Server.ts"), import("./serve/Kubeconfig.ts")])
          )
          const served = yield* serve(shape, options)
          return { url: served.url, kubeconfig: yield* kubeconfig(served, namespace) }
        })
      ),
    close,
    [Symbol.asyncDispose]: close
  }
}

/** An empty cluster of three nodes, or whatever the options say. */
export const make = ({ seed, ...options }: Options = {}): Promise<Sandbox> =>
  held(Effects.make(options), "default", seed)

/** One in a state that has a name; ready to be used when the Promise resolves. */
export const start = (name: Scenario.ScenarioName, { seed, ...options }: Options = {}): Promise<Sandbox> =>
  held(Scenario.start(name, options), Scenario.scenarios[name].namespace, seed)
