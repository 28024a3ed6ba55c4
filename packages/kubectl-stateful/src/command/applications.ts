/**
 * The applications that a command line means, read from the cluster, with their answers.
 */
import { type AppRef, selector, statefulSet } from "@kubectl-stateful/sdk/App"
import { answer } from "@kubectl-stateful/sdk/Checklist"
import { Cluster, type ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { type AppNotFound, read, readAll, type ReadOptions, watch } from "@kubectl-stateful/sdk/State"
import type { AppState } from "@kubectl-stateful/sdk/State"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Answered } from "../print/list.ts"
import type { Target } from "./target.ts"

/** Level of detail. */
export interface Looking {
  /** Read which keys ConfigMaps and Secrets have. */
  readonly checkKeys: boolean
  /** The node label that names a rack; absent: those that are in use. */
  readonly rackLabel: string | undefined
  /** The StatefulSets of a selector are members of one application. */
  readonly jointQuorum: boolean
}

const readOptions = (looking: Looking): ReadOptions => ({
  checkKeys: looking.checkKeys,
  ...(looking.rackLabel === undefined ? {} : { domainLabels: { rack: [looking.rackLabel] } })
})

export const reference = (target: Exclude<Target, { _tag: "All" }>, namespace: string): AppRef =>
  target._tag === "Named" ? statefulSet(namespace, target.name) : selector(namespace, target.selector)

const answeredWith =
  ({ jointQuorum }: Looking) =>
  (state: AppState): Answered => ({ state, checklist: answer(state, { jointQuorum }) })

type Failure = ClusterError | AppNotFound

/** One or all of them; fails when the one that is named is not there. */
export const applications = (
  target: Target,
  looking: Looking
): Effect.Effect<ReadonlyArray<Answered>, Failure, Cluster> =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const options = readOptions(looking)
    const states =
      target._tag === "All"
        ? yield* readAll({ namespace: target.allNamespaces ? null : namespace }, options)
        : [yield* read(reference(target, namespace), options)]
    return states.map(answeredWith(looking))
  })

/** Polling interval for all applications: there is no single list of objects to watch. */
const lookAtAllEvery = "15 seconds"

/** The same, again and again as they change. */
export const watchApplications = (
  target: Target,
  looking: Looking
): Stream.Stream<ReadonlyArray<Answered>, Failure, Cluster> =>
  target._tag === "All"
    ? Stream.mapEffect(Stream.tick(lookAtAllEvery), () => applications(target, looking))
    : Stream.unwrap(
        Effect.map(Cluster, ({ origin }) =>
          Stream.map(watch(reference(target, origin.namespace), readOptions(looking)), (state) => [
            answeredWith(looking)(state)
          ])
        )
      )
