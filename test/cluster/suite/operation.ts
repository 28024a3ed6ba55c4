/** What an operation may leave behind, asked of kubectl. */
import { assert } from "vitest"
import { kubectl } from "./commands.ts"
import { get } from "./read.ts"

interface List<T> {
  readonly items: ReadonlyArray<T>
}
interface Named {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
}
interface Journal extends Named {
  readonly data: { readonly "status.json"?: string; readonly "plan.json"?: string }
}

export interface Operation {
  readonly id: string
  readonly phase: string
  readonly app: string
}

/** The operations of a namespace, read from their journals. */
export const operations = async (namespace: string): Promise<ReadonlyArray<Operation>> => {
  const { items } = await get<List<Journal>>([
    "configmaps",
    "-n",
    namespace,
    "-l",
    "app.kubernetes.io/managed-by=kubectl-stateful"
  ])
  return items.flatMap(({ data }): ReadonlyArray<Operation> => {
    // The records of snapshots are ours too, and no journals.
    if (data["plan.json"] === undefined) return []
    const plan = JSON.parse(data["plan.json"]) as {
      readonly id: string
      readonly app: { readonly name: string }
    }
    const progress = JSON.parse(data["status.json"] ?? "") as { readonly phase: string }
    return [{ id: plan.id, phase: progress.phase, app: plan.app.name }]
  })
}

export const isOpen = ({ phase }: Operation): boolean =>
  !["Succeeded", "Aborted", "Incomplete"].includes(phase)

/** Neither Lease nor token nor an open journal: nobody would find anything to resume. */
export const assertOver = async (namespace: string, app: string): Promise<void> => {
  const leases = await get<List<Named>>(["leases", "-n", namespace])
  assert.notInclude(
    leases.items.map(({ metadata }) => metadata.name),
    `kubectl-stateful.${app}`
  )
  const set = await get<Named>(["statefulset", app, "-n", namespace])
  assert.isUndefined(set.metadata.annotations?.["kubectl-stateful.dev/operation"])
  const mine = (await operations(namespace)).filter((operation) => operation.app === app)
  assert.deepEqual(mine.filter(isOpen), [])
}

/** The names of a StatefulSet's pods that are there, in the order of their ordinals. */
export const podsOf = async (namespace: string, app: string): Promise<ReadonlyArray<string>> => {
  const names = await kubectl(["get", "pods", "-n", namespace, "-l", `app=${app}`, "-o", "name"])
  return names
    .split("\n")
    .filter(Boolean)
    .map((name) => name.replace("pod/", ""))
    .toSorted()
}
