/** The initial states of a sandbox, by name: for `kubectl stateful sandbox`, the demo and the examples. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ledger } from "../ledger/Ledger.ts"
import type { NodeOptions } from "../node/Nodes.ts"
import type { Programs } from "../node/Program.ts"
import { pods } from "../registry/kinds/core.ts"
import { make, type Options, type Shape } from "../Sandbox.ts"
import { namespace, shop } from "./Shop.ts"

/** Two nodes in each of three zones, each in a rack of its own. */
const sixNodes: ReadonlyArray<NodeOptions> = ["a", "b", "c"].flatMap((zone) =>
  [1, 2].map((number) => ({
    name: `node-${zone}${number}`,
    zone,
    labels: { "topology.kubectl-stateful.dev/rack": `rack-${zone}${number}` }
  }))
)

/** The default programs of its containers. */
export const programs: Programs = (_, container) =>
  container.image === "ledger" && container.command === undefined ? ledger() : undefined

export interface Scenario {
  /** One line for people. */
  readonly summary: string
  /** The namespace of its application. */
  readonly namespace: string
  /** Runs once the nodes exist. */
  readonly begin: (sandbox: Shape) => Effect.Effect<void>
}

const createShop = (sandbox: Shape): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const draft of shop) sandbox.create(draft)
  })

const isReady = (sandbox: Shape): boolean =>
  sandbox.store
    .list(pods, namespace)
    .every(
      ({ status }) =>
        status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
    ) && sandbox.store.list(pods, namespace).length === 5

/** Until all replicas are ready; after ten seconds it is as it is. */
const settled = (sandbox: Shape): Effect.Effect<void> =>
  Effect.suspend(() =>
    isReady(sandbox) ? Effect.void : Effect.andThen(Effect.sleep("50 millis"), settled(sandbox))
  ).pipe(Effect.timeoutOrElse({ duration: "10 seconds", orElse: () => Effect.void }))

const shopIsUp = (sandbox: Shape): Effect.Effect<void> =>
  Effect.andThen(createShop(sandbox), settled(sandbox))

export const scenarios = {
  ledger: {
    summary: "a ledger of three replicas, and a web tier of two",
    namespace,
    begin: shopIsUp
  },
  "lost-node": {
    summary: "the ledger and the web tier, and the node of ledger-1 no longer answers",
    namespace,
    begin: (sandbox) =>
      Effect.andThen(
        shopIsUp(sandbox),
        Effect.suspend(() => {
          const node = sandbox.store.get(pods, namespace, "ledger-1")?.spec.nodeName
          if (node !== undefined) sandbox.loseNode(node)
          // Until the taints are there too.
          return Effect.sleep("200 millis")
        })
      )
  },
  empty: { summary: "and nothing on them", namespace: "default", begin: () => Effect.void }
} satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof scenarios

/** A sandbox in that state, ready to use. `options` take precedence over those of the scenario. */
export const start = (name: ScenarioName, options: Options = {}): Effect.Effect<Shape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sandbox = yield* make({
      nodes: sixNodes,
      namespaces: [namespace],
      programs,
      // A pod that has nothing to pull is up in less than a kubelet's usual second.
      startMillis: 300,
      // A story does not wait 50 seconds for a node that is silent.
      nodeLifecycle: { graceMillis: 0 },
      ...options
    })
    yield* scenarios[name].begin(sandbox)
    return sandbox
  })
