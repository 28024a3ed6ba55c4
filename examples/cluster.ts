/**
 * The cluster that the examples run on: the sandbox's shop, in memory, or with `--context NAME` the
 * one that this context of your kubeconfig leads to.
 */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { layer } from "@kubectl-stateful/sdk/kubernetes"
import { start } from "@kubectl-stateful/sandbox/Scenario"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { parseArgs } from "node:util"

const { context } = parseArgs({ options: { context: { type: "string" } } }).values

const sandbox = Layer.effect(
  Cluster,
  Effect.map(start("ledger"), ({ cluster }) => cluster)
)

export const cluster = context === undefined ? sandbox : layer({ context })
