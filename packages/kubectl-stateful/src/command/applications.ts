/**
 * The applications that a command line means, read from the cluster, with their answers.
 */
import { type AppRef, selector, statefulSet } from "@kubectl-stateful/sdk/App"
import { answer } from "@kubectl-stateful/sdk/Checklist"
import { Cluster, type ClusterError } from "@kubectl-stateful/sdk/Cluster"
import {
  type AppNotFound,
  type AppState,
  read,
  readAll,
  type ReadOptions,
  watch,
  watchAll
} from "@kubectl-stateful/sdk/State"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { failureLine } from "../print/failure.ts"
import type { Answered } from "../print/list.ts"
import { ended } from "../print/terminal.ts"
import type { Screen } from "./screen.ts"
import type { AppTarget, Target } from "./target.ts"

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

/** The application that a command line names, in this namespace unless it names another. */
export const reference = (target: AppTarget, namespace: string): AppRef =>
  target._tag === "Named"
    ? statefulSet(target.namespace ?? namespace, target.name)
    : selector(namespace, target.selector)

const answeredWith =
  ({ jointQuorum }: Looking) =>
  (state: AppState): Answered => ({ state, checklist: answer(state, { jointQuorum }) })

type Failure = ClusterError | AppNotFound

/** Those that were read, and why others of them were not. */
export interface Found {
  readonly apps: ReadonlyArray<Answered>
  readonly failures: ReadonlyArray<Failure>
}

const together = (apps: ReadonlyArray<Answered>): Found => ({ apps, failures: [] })

/** One, several or all of them. */
export const applications = (target: Target, looking: Looking): Effect.Effect<Found, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const options = readOptions(looking)
    if (target._tag === "All") {
      const states = yield* readAll({ namespace: target.allNamespaces ? null : namespace }, options)
      return together(states.map(answeredWith(looking)))
    }
    const [states, failures] = yield* Effect.partition(
      target.apps,
      (app) => read(reference(app, namespace), options),
      { concurrency: "unbounded" }
    )
    return { apps: states.map(answeredWith(looking)), failures }
  })

/** Prints all failures but the last, and fails with that one. */
export const failed = (
  screen: Pick<Screen, "err">,
  failures: Found["failures"]
): Effect.Effect<void, Failure> => {
  const last = failures.at(-1)
  if (last === undefined) return Effect.void
  for (const other of failures.slice(0, -1)) screen.err(ended([failureLine(other, "")]))
  return Effect.fail(last)
}

/** The same, again and again as they change; fails when one that is named is not there. */
export const watchApplications = (
  target: Target,
  looking: Looking
): Stream.Stream<ReadonlyArray<Answered>, Failure, Cluster> =>
  Stream.unwrap(
    Effect.map(Cluster, ({ origin: { namespace } }) => {
      const options = readOptions(looking)
      const states: Stream.Stream<ReadonlyArray<AppState>, Failure, Cluster> = target._tag === "All"
        ? watchAll({ namespace: target.allNamespaces ? null : namespace }, options)
        : Stream.zipLatestAll(...target.apps.map((app) => watch(reference(app, namespace), options)))
      return Stream.map(states, (each) => each.map(answeredWith(looking)))
    })
  )
