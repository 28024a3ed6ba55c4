/**
 * Names for completion, read from the cluster: whoever waits for a TAB gets them soon or not at all.
 */
import { Cluster, type ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { list, namespaces, statefulSets } from "@kubectl-stateful/sdk/Resource"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import type { Names } from "./complete.ts"
import { connect, perform } from "./connect.ts"
import { isVisible } from "./print/terminal.ts"

const patience = 2000

/** The names that the cluster of these flags has; none when it cannot be asked. */
export const clusterNames =
  (reach: (flags: Parameters<typeof connect>[0]) => Layer.Layer<Cluster, ClusterError> = connect): Names =>
  async (what, typed) => {
    const flags = Object.fromEntries(
      ["namespace", "context", "kubeconfig", "cluster", "user", "as"].map((flag) => [flag, typed.get(flag)])
    )
    const read = Effect.gen(function* () {
      const { origin } = yield* Cluster
      const { items } =
        what === "namespaces"
          ? yield* list(namespaces, { metadataOnly: true })
          : yield* list(statefulSets, { namespace: origin.namespace, metadataOnly: true })
      return items.map((item) => item.metadata.name).filter(isVisible)
    })
    const exit = await perform(read.pipe(Effect.provide(reach(flags))), AbortSignal.timeout(patience))
    return Exit.isSuccess(exit) ? exit.value.toSorted() : []
  }
