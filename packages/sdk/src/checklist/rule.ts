/**
 * A rule of the checklist: one way in which an application can fail a question, with a name of its own.
 */
import type * as Duration from "effect/Duration"
import type { Answer, Disruption, Finding, Question } from "./verdict.ts"
import type { SnapshotClass, StorageClass } from "../Protection.ts"
import type { Quorum } from "../Quorum.ts"
import type { AppState } from "../state/AppState.ts"

/** The known facts about another cluster. An absent field was not read, and what needs it is unknown. */
export interface Target {
  readonly name: string
  readonly storageClasses?: ReadonlyArray<StorageClass>
  readonly snapshotClasses?: ReadonlyArray<SnapshotClass>
  /** Names of its CSIDrivers. */
  readonly drivers?: ReadonlyArray<string>
  /** The API server's version, e.g. `v1.36.3`. */
  readonly serverVersion?: string
  /** API kinds it serves, as `Kind.group`, e.g. `Cluster.postgresql.cnpg.io`. */
  readonly kinds?: ReadonlyArray<string>
  /** Extended resources that its nodes offer. */
  readonly devices?: ReadonlyArray<string>
}

/** The failure domains. */
export type Domain = "node" | "rack" | "zone"

export interface Settings {
  readonly quorum: Quorum
  readonly maxAge: Duration.Duration
  readonly domains: ReadonlyArray<Domain>
  /** The StatefulSets are members of one application, and quorum is over all of them. */
  readonly jointQuorum: boolean
  /** `null` for any cluster with the same StorageClasses. */
  readonly target: Target | null
}

export interface Facts {
  readonly state: AppState
  readonly settings: Settings
}

/** A finding without the name of its rule. */
export type Evidence = Omit<Finding, "rule" | "disruptions"> & {
  /** The disruptions, if they differ from those of its rule. */
  readonly disruptions?: ReadonlyArray<Disruption>
}

export interface Rule {
  readonly rule: string
  readonly question: Question
  readonly check: (facts: Facts) => ReadonlyArray<Finding>
}

/** Restarts are not in question: the data is back once its node is. */
export const forGood: ReadonlyArray<Disruption> = ["ServerGone", "RackGone"]

/** The disruptions that remove a pod from its node: a pod that restarts on it is not scheduled again. */
export const offServer: ReadonlyArray<Disruption> = [...forGood, "Drain"]

export const everyDisruption: ReadonlyArray<Disruption> = [
  "ServerRestarts",
  "RackRestarts",
  "ServerGone",
  "RackGone",
  "Drain"
]

export const rule = (
  question: Question,
  name: string,
  check: (facts: Facts) => ReadonlyArray<Evidence>,
  /** The disruptions of the first question that it decides. */
  decides: ReadonlyArray<Disruption> = everyDisruption
): Rule => ({
  rule: name,
  question,
  check: (facts) =>
    check(facts).map(({ disruptions, ...said }) => ({
      rule: name,
      ...said,
      disruptions: question === "restart" ? (disruptions ?? decides) : []
    }))
})

const say =
  (answer: Answer) =>
  (evidence: string, objects: ReadonlyArray<string>, remedy: string | null = null): Evidence => ({
    answer,
    evidence,
    objects,
    remedy
  })

export const no = say("No")
export const withDowntime = say("YesWithDowntime")
export const unknown = say("Unknown")
export const yes = say("Yes")
