/**
 * The fence: a token on the StatefulSet that every write of an operation tests.
 *
 * A Lease says who acts but stops nobody: a caller that slept through its own lease wakes up and
 * writes. Whoever takes an operation up writes a token of its own first, and each write carries a
 * JSON patch `test` on it, so that the API server itself refuses the caller from before.
 */
import * as Effect from "effect/Effect"
import { type Cluster, ClusterError } from "../Cluster.ts"
import { ensure } from "./Ensure.ts"
import { kinds } from "../Kind.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { because, type OperationError } from "./OperationError.ts"
import * as Resource from "../Resource.ts"

export const annotation = "kubectl-stateful.dev/operation"

/** How a JSON patch spells an annotation's place. */
export const annotationPath = (name: string): string =>
  `/metadata/annotations/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`

/** Which StatefulSet, and as whom. */
export interface Fence {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** `<operation>.<run>`. */
  readonly token: string
}

const target = (at: { readonly namespace: string; readonly name: string }): Resource.Target => ({
  api: Resource.statefulSets,
  namespace: at.namespace,
  name: at.name
})

const accept = (object: unknown, name: string): Effect.Effect<StatefulSet, ClusterError> => {
  const accepted = kinds.statefulsets.accept(object)
  return accepted._tag === "Success"
    ? Effect.succeed(accepted.success)
    : Effect.fail(
        new ClusterError({
          reason: { _tag: "Unreadable" },
          message: `statefulset "${name}": ${accepted.failure.slice(0, 3).join("; ")}`
        })
      )
}

/** The StatefulSet as it is now, read from the store and not from a cache. */
export const read = (at: {
  readonly namespace: string
  readonly name: string
}): Effect.Effect<StatefulSet, ClusterError, Cluster> =>
  Effect.flatMap(Resource.get(target(at)), (object) => accept(object, at.name))

export const tokenOf = (set: StatefulSet): string | null => set.metadata.annotations?.[annotation] ?? null

/** The operation a token belongs to. */
export const operationOf = (token: string): string => token.split(".")[0] ?? token

const replaced = (fence: Fence) =>
  because(
    "Changed",
    `statefulset "${fence.name}" was deleted and made anew while the operation ran`,
    "look at it, and start again"
  )

const fencedOff = (fence: Fence, token: string | null) =>
  because(
    "Fenced",
    token === null
      ? `operation ${operationOf(fence.token)} is over: another caller ended it`
      : `another caller has taken over statefulset "${fence.name}" (operation ${operationOf(token)})`,
    "this caller changes nothing more; `kubectl stateful operations` shows what goes on"
  )

/** Why this caller may not write any more; null: it may. */
export const verdict = (fence: Fence, set: StatefulSet): OperationError | null => {
  if (set.metadata.uid !== fence.uid) return replaced(fence)
  return tokenOf(set) === fence.token ? null : fencedOff(fence, tokenOf(set))
}

/**
 * Writes the token, over whatever stands there, for the caller whose turn it is: `mine` answers why
 * it is not, and is asked after the StatefulSet was read, so that a caller that slept at any point
 * since then is refused by the patch's test.
 */
export const raise = <R>(
  fence: Fence,
  mine: Effect.Effect<OperationError | null, ClusterError, R>
): Effect.Effect<StatefulSet, ClusterError | OperationError, Cluster | R> =>
  Effect.map(
    ensure<{ readonly set: StatefulSet; readonly why: OperationError | null }, Cluster | R>({
      look: Effect.flatMap(read(fence), (set) => Effect.map(mine, (why) => ({ set, why }))),
      done: ({ set }) => set.metadata.uid === fence.uid && tokenOf(set) === fence.token,
      stop: ({ set, why }) => (set.metadata.uid === fence.uid ? why : replaced(fence)),
      write: ({ set }) => {
        const token = tokenOf(set)
        const operations: ReadonlyArray<Resource.JsonPatchOperation> = [
          { op: "test", path: "/metadata/uid", value: fence.uid },
          // The absence of a key cannot be tested, so the version stands for it.
          ...(token === null
            ? [
                {
                  op: "test" as const,
                  path: "/metadata/resourceVersion",
                  value: set.metadata.resourceVersion
                }
              ]
            : [{ op: "test" as const, path: annotationPath(annotation), value: token }]),
          ...(set.metadata.annotations == null
            ? [{ op: "add" as const, path: "/metadata/annotations", value: { [annotation]: fence.token } }]
            : [{ op: "add" as const, path: annotationPath(annotation), value: fence.token }])
        ]
        return Effect.flatMap(Resource.patch(target(fence), { _tag: "Json", operations }), (object) =>
          Effect.map(accept(object, fence.name), (changed) => ({ set: changed, why: null }))
        )
      }
    }),
    ({ set }) => set
  )

/** Changes the StatefulSet until `done`, as long as the token stands; `known`: as it was a moment ago. */
export const change = (
  fence: Fence,
  done: (set: StatefulSet) => boolean,
  operations: (set: StatefulSet) => ReadonlyArray<Resource.JsonPatchOperation>,
  stop: (set: StatefulSet) => OperationError | null = () => null,
  known?: StatefulSet
): Effect.Effect<StatefulSet, ClusterError | OperationError, Cluster> =>
  ensure({
    look: read(fence),
    ...(known === undefined ? {} : { known }),
    done,
    stop: (set) => verdict(fence, set) ?? stop(set),
    write: (set) =>
      Effect.flatMap(
        Resource.patch(target(fence), {
          _tag: "Json",
          operations: [
            { op: "test", path: "/metadata/uid", value: fence.uid },
            { op: "test", path: annotationPath(annotation), value: fence.token },
            ...operations(set)
          ]
        }),
        (object) => accept(object, fence.name)
      )
  })

/** Takes the token away; done too when it is not there any more. */
export const lower = (fence: Fence): Effect.Effect<void, ClusterError | OperationError, Cluster> =>
  Effect.asVoid(
    ensure({
      look: read(fence),
      done: (set) => set.metadata.uid !== fence.uid || tokenOf(set) !== fence.token,
      write: () =>
        Effect.flatMap(
          Resource.patch(target(fence), {
            _tag: "Json",
            operations: [
              { op: "test", path: "/metadata/uid", value: fence.uid },
              { op: "test", path: annotationPath(annotation), value: fence.token },
              { op: "remove", path: annotationPath(annotation) }
            ]
          }),
          (object) => accept(object, fence.name)
        )
    })
  )

/** Fails unless this caller may still write: asked before a write that cannot carry the token. */
export const check = (fence: Fence): Effect.Effect<StatefulSet, ClusterError | OperationError, Cluster> =>
  Effect.flatMap(read(fence), (set) => {
    const why = verdict(fence, set)
    return why === null ? Effect.succeed(set) : Effect.fail(why)
  })
