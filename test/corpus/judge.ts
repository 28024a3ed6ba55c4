/** Compares what is said of a case with what is right. */
import type {
  Checklist,
  MoveVerdict,
  RestartVerdict,
  SnapshotVerdict,
  Verdict
} from "../../packages/sdk/src/Checklist.ts"
import { needText } from "../../packages/sdk/src/checklist/needs.ts"
import type { AppState } from "../../packages/sdk/src/state/AppState.ts"
import type { Right } from "./case.ts"

/** One thing in which what was said is not what is right. */
export interface Difference {
  readonly of: string
  readonly right: unknown
  readonly said: unknown
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Every text in a value, however deep. */
export const textsOf = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : Array.isArray(value)
      ? value.flatMap(textsOf)
      : isRecord(value)
        ? Object.values(value).flatMap(textsOf)
        : []

const differs = (of: string, right: unknown, said: unknown): ReadonlyArray<Difference> =>
  JSON.stringify(right) === JSON.stringify(said) ? [] : [{ of, right, said }]

/** The evidence that an answer rests on, for whoever reads the difference. */
const withReasons = (verdict: Verdict | undefined): string =>
  [
    verdict?.answer ?? "nothing",
    ...(verdict?.findings ?? [])
      .filter(({ answer }) => answer !== "Yes")
      .map(({ rule, answer, evidence }) => `${answer} ${rule}: ${evidence}`)
  ].join("\n    ")

const answered = (of: string, right: string, verdict: Verdict | undefined): ReadonlyArray<Difference> =>
  right === verdict?.answer ? [] : [{ of, right, said: withReasons(verdict) }]

const restart = (right: Right["restart"], verdict: RestartVerdict | undefined): ReadonlyArray<Difference> => {
  const { answer, ...grades } = right
  return [
    ...answered("restart", answer, verdict),
    ...Object.entries(grades).flatMap(([name, grade]) => {
      const said = verdict?.disruptions.find(({ disruption }) => disruption === name)
      return grade === said?.answer ? [] : [{ of: name, right: grade, said }]
    })
  ]
}

const snapshot = (
  right: Right["snapshot"],
  verdict: SnapshotVerdict | undefined
): ReadonlyArray<Difference> => [
  ...answered("snapshot", right.answer, verdict),
  ...differs("level", right.level, verdict?.level)
]

const move = (right: Right["move"], verdict: MoveVerdict | undefined): ReadonlyArray<Difference> => {
  const said = (verdict?.needs ?? []).map(needText)
  const untold = (right.needs ?? []).filter((need) => !said.some((one) => one.includes(need)))
  return [
    ...answered("move", right.answer, verdict),
    ...(untold.length === 0 ? [] : [{ of: "needs", right: untold, said }])
  ]
}

/** The rules that name what is not there. */
const missingRules = new Set([
  "reference-missing",
  "service-missing",
  "storage-class-missing",
  "storage-class-gone"
])
const present = /^(PersistentVolumeClaim|StatefulSet|Deployment|DaemonSet)\//

const missing = (answers: Checklist): ReadonlyArray<string> =>
  [
    ...new Set(
      answers
        .flatMap(({ findings }) => findings)
        .filter(({ rule }) => missingRules.has(rule))
        // A claim that a rule of missing classes names is there, and waits.
        .flatMap(({ rule, objects }) =>
          objects.filter((object) => rule === "reference-missing" || !present.test(object))
        )
    )
  ].toSorted()

const pinnedBy = (state: AppState, pod: string): string => {
  const placement = state.placements.find(({ replica }) => replica === pod)
  if (placement === undefined) return "<unknown>"
  const pins = placement.pins.map(({ by, domain }) =>
    domain === null || domain === "node" ? by : `${by} (${domain})`
  )
  return pins.length === 0 ? "<none>" : [...new Set(pins)].join(",")
}

const fragments = (
  of: string,
  all: ReadonlyArray<string>,
  right: { readonly says?: ReadonlyArray<string>; readonly never?: ReadonlyArray<string> }
): ReadonlyArray<Difference> => [
  ...(right.says ?? [])
    .filter((fragment) => !all.some((text) => text.includes(fragment)))
    .map((fragment) => ({ of: `${of} says`, right: fragment, said: all })),
  ...(right.never ?? []).flatMap((fragment) =>
    all
      .filter((text) => text.includes(fragment))
      .map((text) => ({ of: `${of} never says`, right: fragment, said: text }))
  )
]

/** What a plan says, in words. */
export interface Plan {
  readonly effects: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
  readonly unchecked: ReadonlyArray<string>
  readonly refusals: ReadonlyArray<{ readonly reason: string; readonly remedy: string }>
}

export const comparePlan = (
  right: NonNullable<Right["plan"]>[number],
  plan: Plan
): ReadonlyArray<Difference> => {
  const of = `plan for ${right.replicas}`
  const reasons = plan.refusals.map(({ reason }) => reason)
  const { refused } = right
  return [
    ...(refused === undefined
      ? differs(`${of} refused`, [], reasons)
      : reasons.some((reason) => reason.includes(refused))
        ? []
        : [{ of: `${of} refused`, right: refused, said: reasons }]),
    ...fragments(of, textsOf([plan.effects, plan.warnings, plan.unchecked, plan.refusals]), right)
  ]
}

export const compare = (right: Right, state: AppState, answers: Checklist): ReadonlyArray<Difference> => {
  const of = <Q extends Verdict["question"]>(question: Q) =>
    answers.find((one): one is Extract<Verdict, { readonly question: Q }> => one.question === question)
  return [
    ...restart(right.restart, of("restart")),
    ...snapshot(right.snapshot, of("snapshot")),
    ...move(right.move, of("move")),
    ...answered("restore", right.restore.answer, of("restore")),
    ...differs("missing", (right.missing ?? []).toSorted(), missing(answers)),
    ...Object.entries(right.placements ?? {}).flatMap(([pod, pins]) =>
      differs(`placement of ${pod}`, pins, pinnedBy(state, pod))
    ),
    ...fragments("checklist", textsOf(answers), right)
  ]
}
