/**
 * The cluster that the examples run on: an in-memory sandbox, or with `--context NAME` the cluster of
 * that context in your kubeconfig.
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
