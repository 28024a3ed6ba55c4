/**
 * Deployments whose volumes are restored with a StatefulSet's: the claims that they name, and the workloads
 * that are stopped with them.
 */
import * as Effect from "effect/Effect"
import { selector } from "../App.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import { isEnd } from "../kind/Pod.ts"
import type { Deployment } from "../kind/Workload.ts"
import { because } from "../operation/OperationError.ts"
import * as Resource from "../Resource.ts"
import { read } from "../State.ts"
import { namedBy } from "../step/holder.ts"
import { deploymentTarget } from "./target.ts"

/** Deployments that are stopped together, since claims may be shared among them. */
export interface Stopped {
  /** As `Kind/name`. */
  readonly workloads: ReadonlyArray<string>
  readonly pods: ReadonlySet<string>
  /** Those that have ended, and keep their claims from being moved. */
  readonly ended: ReadonlySet<string>
}

const deploymentsIn = (namespace: string): Effect.Effect<ReadonlyArray<Deployment>, ClusterError, Cluster> =>
  Resource.list(kinds.deployments, { namespace })

/** The Deployments of a namespace, each with the claims that its pod template names as it is now. */
export const namingIn = (namespace: string) =>
  Effect.map(deploymentsIn(namespace), (all) =>
    all.map((one) => ({ name: one.metadata.name, claims: new Set(namedBy(one).keys()) }))
  )

/**
 * The Deployments whose claims are moved, by name, and those that are stopped because they name one of these
 * claims.
 */
export const byDeployment = <A extends { readonly claim: string }>(
  naming: ReadonlyArray<{ readonly name: string; readonly claims: ReadonlySet<string> }>,
  all: ReadonlyArray<A>
): ReadonlyMap<string, ReadonlyArray<A>> => {
  const users = naming
    .filter(({ claims }) => all.some(({ claim }) => claims.has(claim)))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
  return new Map(
    users.map(({ name }) => [
      name,
      all.filter(({ claim }) => users.find(({ claims }) => claims.has(claim))?.name === name)
    ])
  )
}

/** The workloads with all labels of this Deployment, including itself. */
export const likeDeployment = (namespace: string, name: string) =>
  Effect.map(Resource.get(kinds.deployments, { namespace, name }), ({ metadata }) =>
    selector(namespace, labelsOf(metadata))
  )

const labelsOf = (metadata: { readonly labels?: unknown; readonly name?: string }): string =>
  Object.entries(Object(metadata.labels))
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(",")

/** A Deployment as it is now, with its claims and the pods that are stopped with it. */
export const deploymentNow = (namespace: string, name: string) =>
  Effect.gen(function* () {
    const gone = because("NotFound", `deployment "${name}" not found`, "apply its manifest, and restore then")
    const now = (yield* deploymentsIn(namespace)).find(({ metadata }) => metadata.name === name)
    if (now === undefined) return yield* gone
    // The state of one that has these labels, even if others have them too.
    const like = selector(namespace, labelsOf({ labels: now.metadata.labels }))
    const state = yield* Effect.catchTag(read(like), "AppNotFound", () => Effect.fail(gone))
    const workload = state.workloads.find((one) => one.kind === "Deployment" && one.name === name)
    if (workload === undefined) return yield* gone
    const key = `Deployment/${name}`
    const pods = state.replicas.filter((one) => one.workload === key && one.pod !== null)
    return {
      state,
      workload: deploymentTarget(workload, namedBy(now), state.claims),
      pods: pods.map((one) => ({
        name: one.name,
        hasEnded: isEnd(one.pod?.phase)
      }))
    }
  })
export type DeploymentNow = Effect.Success<ReturnType<typeof deploymentNow>>

/** All of them together. */
export const stoppedBy = (all: ReadonlyArray<DeploymentNow>): Stopped => {
  const pods = all.flatMap((one) => one.pods)
  return {
    workloads: all.map(({ workload }) => `Deployment/${workload.name}`),
    pods: new Set(pods.map(({ name }) => name)),
    ended: new Set(pods.flatMap(({ name, hasEnded }) => (hasEnded ? [name] : [])))
  }
}
