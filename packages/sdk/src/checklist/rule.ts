/**
 * A rule of the checklist: one way in which an application can fail a question, with a name of its own.
 */
import type * as Duration from "effect/Duration"
import type { Answer, Disruption, Finding, Question } from "./verdict.ts"
import type { SnapshotClass, StorageClass } from "../Protection.ts"
import type { Quorum } from "../Quorum.ts"
import type { AppState } from "../state/AppState.ts"

/** What is known of another cluster. A field left out was not read, and what needs it is unknown. */
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

/** What can fail at once. */
export type Domain = "node" | "rack" | "zone"

export interface Settings {
  readonly quorum: Quorum
  readonly maxAge: Duration.Duration
  readonly domains: ReadonlyArray<Domain>
  /** The StatefulSets are members of one application, and quorum is over all of them. */
  readonly jointQuorum: boolean
  /** Null: some cluster with the same classes. */
  readonly target: Target | null
}

export interface Facts {
  readonly state: AppState
  readonly settings: Settings
}

/** What a rule says, before its name is put to it. */
export type Said = Omit<Finding, "rule" | "disruptions"> & {
  /** Where it decides others than its rule does. */
  readonly disruptions?: ReadonlyArray<Disruption>
}

export interface Rule {
  readonly rule: string
  readonly question: Question
  readonly check: (facts: Facts) => ReadonlyArray<Finding>
}

/** What comes back on its own server, once that is there again, is not in question. */
export const forGood: ReadonlyArray<Disruption> = ["ServerGone", "RackGone"]

/** What takes a pod off its server: one that comes back on it is not scheduled anew. */
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
  check: (facts: Facts) => ReadonlyArray<Said>,
  /** What it decides, of the first question. */
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
  (evidence: string, objects: ReadonlyArray<string>, remedy: string | null = null): Said => ({
    answer,
    evidence,
    objects,
    remedy
  })

export const no = say("No")
export const withDowntime = say("YesWithDowntime")
export const unknown = say("Unknown")
export const yes = say("Yes")
