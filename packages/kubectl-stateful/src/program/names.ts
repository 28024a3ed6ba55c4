/** Names for completion, read from the cluster within a short time limit. */
import { Cluster, type ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { kinds } from "@kubectl-stateful/sdk/Kind"
import { isOver } from "@kubectl-stateful/sdk/operation/Phase"
import { operationLabel, phaseAnnotation, recordLabels, verbAnnotation } from "@kubectl-stateful/sdk/Labels"
import { listObjects, listReadable } from "@kubectl-stateful/sdk/Resource"
import { recordName } from "@kubectl-stateful/sdk/RecordName"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import type { Names } from "./complete.ts"
import { connect, execute } from "../command/connect.ts"
import type { ClusterFlags } from "../flags/cluster.ts"
import { milliseconds } from "../flags/duration.ts"

/** The flags that choose a cluster by a single text. */
const textFlags = [
  "namespace",
  "context",
  "kubeconfig",
  "cluster",
  "user",
  "as",
  "as-uid",
  "server",
  "certificate-authority",
  "tls-server-name",
  "token",
  "username",
  "password",
  "client-certificate",
  "client-key"
] as const satisfies ReadonlyArray<keyof ClusterFlags>

/** Milliseconds, unless `--request-timeout` says otherwise. */
const patience = 2000

const patienceOf = (asked: string | undefined): number => {
  try {
    return asked === undefined ? patience : milliseconds(asked)
  } catch {
    // Half typed.
    return patience
  }
}

/** The names that the cluster of these flags has; none when it cannot be asked. */
export const clusterNames =
  (reach: (flags: ClusterFlags) => Layer.Layer<Cluster, ClusterError> = connect): Names =>
  async (what, typed) => {
    const group = typed.get("as-group")
    const flags: ClusterFlags = {
      ...Object.fromEntries(textFlags.map((flag) => [flag, typed.get(flag)])),
      "as-group": group === undefined ? undefined : [group],
      // `=false` says the opposite, and so may what is half typed.
      "insecure-skip-tls-verify": typed.get("insecure-skip-tls-verify") === "true"
    }
    if (what === "contexts" || what === "clusters" || what === "users") {
      const { kubeconfigNames } = await import("@kubectl-stateful/sdk/kubernetes")
      const { kubeconfig } = flags
      const found = kubeconfigNames(kubeconfig === undefined ? {} : { kubeconfig })
      const exit = await execute(found, AbortSignal.timeout(patience))
      return Exit.isSuccess(exit) ? exit.value[what].toSorted() : []
    }
    const read = Effect.gen(function* () {
      const { origin } = yield* Cluster
      const { namespace } = origin
      if (what === "operations" || what === "restores" || what === "copies") {
        const { items } = yield* listReadable(kinds.configmaps, { namespace, labelSelector: operationLabel })
        return items.flatMap(({ metadata: { labels, annotations } }) => {
          const isDone = isOver(annotations?.[phaseAnnotation] ?? "")
          const verb = what === "restores" ? "restore" : "clone"
          const isWanted = what === "operations" ? !isDone : isDone && annotations?.[verbAnnotation] === verb
          return isWanted ? [labels?.[operationLabel] ?? ""] : []
        })
      }
      if (what === "snapshots") {
        const { items } = yield* listReadable(kinds.configmaps, { namespace, labelSelector: recordLabels })
        const start = recordName("")
        return items.flatMap(({ metadata: { name } }) =>
          name.startsWith(start) ? [name.slice(start.length)] : []
        )
      }
      const { items } =
        what === "namespaces"
          ? yield* listReadable(kinds.namespaces)
          : yield* listObjects(kinds.statefulsets, { namespace, metadataOnly: true })
      return items.map((item) => item.metadata.name)
    })
    const exit = await execute(
      read.pipe(Effect.provide(reach(flags))),
      AbortSignal.timeout(patienceOf(typed.get("request-timeout")))
    )
    return Exit.isSuccess(exit) ? exit.value.toSorted() : []
  }
