/**
 * Selects the configuration of an application that a restore restores: pure over a record and the current
 * objects.
 *
 * A record could have been written by anyone who can write Secrets. So a restore writes only objects that the
 * application refers to now, or that its template names and that are missing; no kinds except ConfigMaps,
 * Secrets and its own pod template; and additional privileges of such a template's pods must be allowed.
 */
import type { Refusal } from "../operation/Plan.ts"
import { make } from "../operation/Step.ts"
import { keyOf, templateIn } from "../step/content.ts"
import { PutConfig } from "../step/putConfig.ts"
import { PutTemplate, templateOf } from "../step/putTemplate.ts"
import { beforeSet } from "../step/record.ts"
import { recordName } from "../RecordName.ts"
import { RecordBefore } from "../step/recordBefore.ts"
import { mentionsIn, templateChanges } from "../step/templateDiff.ts"
import type { Workload } from "../Topology.ts"
import type { ConfigFacts } from "./configFacts.ts"
import { type Mentioned, type Planned, plannedObjects } from "./configObjects.ts"
import type { ConfigOptions } from "./configOptions.ts"
import { isVouched, templateRefusals } from "./configTemplate.ts"
import type { RestoreStep } from "./verb.ts"

/** The configuration part of a plan. */
export interface Config {
  readonly before: ReadonlyArray<RestoreStep>
  readonly put: ReadonlyArray<RestoreStep>
  readonly effects: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
  readonly refusals: ReadonlyArray<Refusal>
  /** The objects to restore, as `Kind/name`. */
  readonly names: ReadonlyArray<string>
}

const nothing = (refusal: Refusal): Config => ({
  before: [],
  put: [],
  effects: [],
  warnings: [],
  refusals: [refusal],
  names: []
})

const mentionedOf = (facts: ConfigFacts, recorded: object): Mentioned => {
  const wanted = new Set((mentionsIn(recorded) ?? []).map(keyOf))
  const own = facts.references
    .filter(({ usedBy }) => usedBy.some((by) => !by.startsWith("ServiceAccount/")))
    .map(keyOf)
  return { wanted, own: new Set([...own, ...(isVouched(facts) ? wanted : [])]) }
}

/** The differences between the record and the cluster, and those that the pods get. */
const differenceOf = (
  facts: ConfigFacts,
  workload: Workload,
  recorded: object,
  objects: ReadonlyArray<Planned>,
  only: boolean
) => {
  const changes = objects.flatMap(({ change }) => (change === undefined ? [] : [change]))
  const renames = objects.flatMap(({ rename }) => (rename === undefined ? [] : [rename]))
  const was: unknown = Reflect.get(Object(facts.set["spec"]), "template")
  const to = templateOf({ renames, restart: null }, recorded)
  const differences = templateChanges(was, to)
  const rolls = only && workload.updateStrategy !== "OnDelete" && workload.replicas > 0
  const restarts = rolls && differences.length === 0 && changes.length > 0
  const hasTemplate = differences.length > 0 || restarts
  return {
    objects,
    changes,
    renames,
    was,
    to,
    differences,
    /** True if pods run during the restore, and are replaced by their StatefulSet. */
    rolls,
    /** True if they are replaced although their template stays: the environment is read only at the start. */
    restarts,
    hasTemplate,
    hasAny: hasTemplate || changes.length > 0
  }
}

type Difference = ReturnType<typeof differenceOf>

/** Saves everything that is replaced, before any of it is. */
const recordSteps = ({ now }: ConfigFacts, { changes, hasAny }: Difference): ReadonlyArray<RestoreStep> => {
  if (!hasAny) return []
  const objects = changes.flatMap(({ kind, name, uid, resourceVersion }) =>
    uid === null || resourceVersion === null ? [] : [{ kind, name, uid, resourceVersion }]
  )
  const made = changes.flatMap(({ kind, name, uid }) => (uid === null ? [{ kind, name }] : []))
  return [make(RecordBefore, { created: now, objects, made })]
}

const putSteps = (
  { now, read: { record, parts } }: ConfigFacts,
  { changes, hasTemplate, renames, restarts, rolls }: Difference
): ReadonlyArray<RestoreStep> => {
  const from = { set: record.name, parts: [...parts] }
  return [
    ...(changes.length === 0 ? [] : [make(PutConfig, { from, changes })]),
    ...(hasTemplate ? [make(PutTemplate, { from, renames, restart: restarts ? now : null, rolls })] : [])
  ]
}

const effectsOf = (
  { name }: Workload,
  id: string,
  { differences, hasAny, hasTemplate, objects, rolls }: Difference
): ReadonlyArray<string> => [
  ...objects.flatMap(({ effect }) => effect ?? []),
  ...(differences.length === 0 ? [] : [`pod template: ${differences.join(", ")}`]),
  ...(rolls && hasTemplate ? [`the pods of ${name} are replaced one after another, as in a rollout`] : []),
  ...(hasAny ? [`what is replaced is kept in secret "${recordName(beforeSet(id))}"`] : [])
]

const warningsOf = (
  { name, partition, replicas }: Workload,
  { hasAny, hasTemplate, objects, rolls }: Difference,
  only: boolean
): ReadonlyArray<string> => [
  ...objects.flatMap(({ warning }) => warning ?? []),
  ...(only && hasAny && !rolls && replicas > 0
    ? [`the update strategy of ${name} is OnDelete: its pods get this when you delete them`]
    : []),
  ...(hasTemplate && only && partition > 0
    ? [`the first ${partition} pods are kept as they are by its partition`]
    : [])
]

/** The plan for the configuration; with `only` nothing else is restored, and pods run during the restore. */
export const configOf = (
  facts: ConfigFacts,
  workload: Workload,
  id: string,
  only: boolean,
  options: ConfigOptions
): Config => {
  const { record, sealed } = facts.read
  if (!sealed) {
    return nothing({
      reason: `the record of ${record.name} could be changed at any moment: its Secrets are not immutable`,
      remedy: "another client wrote it: choose another snapshot"
    })
  }
  const recorded = templateIn(record, workload.name)
  if (recorded === null || mentionsIn(recorded) === null) {
    return nothing({
      reason: `the record has no pod template of statefulset "${workload.name}" that could be read`,
      remedy: "choose another snapshot"
    })
  }
  const mentioned = mentionedOf(facts, recorded)
  const objects = plannedObjects(id, facts, mentioned, options)
  const difference = differenceOf(facts, workload, recorded, objects, only)
  const { changes, differences } = difference
  const isSameTemplate = differences.length === 0
  return {
    before: recordSteps(facts, difference),
    put: putSteps(facts, difference),
    effects: effectsOf(workload, id, difference),
    warnings: warningsOf(workload, difference, only),
    refusals: [
      ...objects.flatMap(({ refusals }) => refusals ?? []),
      ...(isSameTemplate ? [] : templateRefusals(facts, workload, difference, mentioned.own, options))
    ],
    names: [...changes.map(keyOf), ...(isSameTemplate ? [] : [`StatefulSet/${workload.name} pod template`])]
  }
}
