/** Which operation an ID means; without one, the only one that is unfinished. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Journal from "@kubectl-stateful/sdk/operation/Journal"
import * as Effect from "effect/Effect"
import { Usage } from "./Usage.ts"

export interface FoundOperation {
  readonly namespace: string
  readonly id: string
  readonly verb: string
  /** The StatefulSet. */
  readonly name: string
}

export const findOperation = Effect.fnUntraced(function* (id: string | undefined) {
  const { origin } = yield* Cluster
  const entries = yield* Journal.list(origin.namespace)
  const found =
    id === undefined
      ? entries.filter((entry) => Journal.isOpen(entry.progress))
      : entries.filter((entry) => entry.plan.id.startsWith(id))
  const [first] = found
  if (first !== undefined && found.length === 1) {
    const { id, verb, app } = first.plan
    return { namespace: origin.namespace, id, verb, name: app.name } satisfies FoundOperation
  }
  const which = id === undefined ? "unfinished operation" : `operation ${id}`
  return yield* Effect.fail(
    first === undefined
      ? new Usage(`no ${which} in namespace ${origin.namespace}`, "`kubectl stateful operations` lists them")
      : new Usage(
          `${found.length} operations match: ${found.map((entry) => entry.plan.id).join(", ")}`,
          "give one ID"
        )
  )
})
