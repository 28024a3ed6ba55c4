/**
 * Which of an application's configuration a restore puts back: pure over a record and what is there now.
 *
 * A record is what somebody wrote into a Secret. So nothing is written but what the application refers to as
 * it is, or what its template names and is missing; no kind but ConfigMaps, Secrets and its own pod template;
 * and what such a template's pods could do beyond what they can now has to be allowed.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ObjectMeta } from "../kind/Meta.ts"
import type { Refusal } from "../operation/Plan.ts"
import { make } from "../operation/Step.ts"
import type { Reference } from "../Reference.ts"
import type * as Resource from "../Resource.ts"
import { writersOf } from "../state/Writer.ts"
import {
  contentIn,
  contentOf,
  isNewNameOf,
  isPlain,
  isSame,
  keyOf,
  keysThatDiffer,
  type Named,
  namedIn,
  newNameOf,
  templateIn
} from "../step/content.ts"
import { type ConfigChange, PutConfig } from "../step/putConfig.ts"
import { PutTemplate, type Rename, templateOf } from "../step/putTemplate.ts"
import { beforeSet } from "../step/record.ts"
import { recordName } from "../RecordName.ts"
import { isPinned, pinOf, RecordBefore } from "../step/recordBefore.ts"
import type { ReadRecord } from "../step/recordList.ts"
import { unusable } from "../step/recordSet.ts"
import { isOurs } from "../step/snapshots.ts"
import { mentionsIn, templateChanges, templateGains } from "../step/templateDiff.ts"
import type { Workload } from "../Topology.ts"
import type { RestoreStep } from "./verb.ts"

export interface ConfigOptions {
  /** Write also what another tool or workload has a claim on. Default false. */
  readonly forceConflicts?: boolean
  /** Put back also a pod template that reaches further than the live one. Default false. */
  readonly allowPrivileged?: boolean
}

/** What is there to plan with. */
export interface ConfigFacts {
  readonly read: ReadRecord
  /** The StatefulSet, every field of it. */
  readonly set: Resource.KubeObject
  /** The record's ConfigMaps and Secrets as they are, by `Kind/name`; null: there is none. */
  readonly live: ReadonlyMap<string, Resource.KubeObject | null>
  readonly references: ReadonlyArray<Reference>
  /** What else in the namespace names each of them. */
  readonly users: ReadonlyMap<string, ReadonlyArray<string>>
  readonly now: string
}

/** What of a plan is about the configuration. */
export interface Config {
  readonly before: ReadonlyArray<RestoreStep>
  readonly put: ReadonlyArray<RestoreStep>
  readonly effects: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
  readonly refusals: ReadonlyArray<Refusal>
  /** What is put back, as `Kind/name`. */
  readonly names: ReadonlyArray<string>
}

/** One object of the record: what is planned for it, and what is said. */
interface Planned {
  readonly change?: ConfigChange
  readonly rename?: Rename
  readonly effect?: string
  readonly warning?: string
  readonly refusals?: ReadonlyArray<Refusal>
}

const metadataOf = Schema.decodeUnknownResult(Schema.Struct({ metadata: ObjectMeta }))

/** Who else would write an object back, or uses it. */
const conflicts = (
  key: string,
  object: Resource.KubeObject,
  { users }: ConfigFacts,
  { forceConflicts }: ConfigOptions
): ReadonlyArray<Refusal> => {
  if (forceConflicts === true) return []
  const accepted = metadataOf(object)
  const writers = Result.isSuccess(accepted)
    ? writersOf({ kind: object.kind, metadata: accepted.success.metadata }, [])
    : []
  const others = users.get(key) ?? []
  return [
    ...writers.map(({ name, by }) => ({
      reason: `${name} also writes ${key} (${by}), and would take it back`,
      remedy: "pause it there and use --force-conflicts"
    })),
    ...(others.length === 0
      ? []
      : [
          {
            reason: `${key} is also used by ${others.join(", ")}`,
            remedy: "use --force-conflicts if that may get it too"
          }
        ])
  ]
}

const changeOf = ({ kind, name }: Named, object: Resource.KubeObject | null): Omit<ConfigChange, "keys"> => ({
  kind,
  name,
  of: name,
  uid: object?.metadata.uid ?? null,
  resourceVersion: object?.metadata.resourceVersion ?? null,
  goes: false
})

/** What stands under another name: an earlier restore may have put it there already. */
const elsewhere = (
  one: Named,
  id: string,
  {
    why,
    keys,
    isWanted
  }: { readonly why: string; readonly keys: ReadonlyArray<string>; readonly isWanted: boolean },
  { read, live, references }: ConfigFacts
): Planned => {
  const key = keyOf(one)
  if (!isWanted)
    return { warning: `${key} differs and ${why}: it is left, and the template does not name it` }
  const to = contentIn(read.record, one)
  const there = references.find(
    (of) => isNewNameOf(one, of) && isSame(contentOf(live.get(keyOf(of)) ?? null), to)
  )
  const name = there?.name ?? newNameOf(one, id)
  const rename: Rename = { kind: one.kind, from: one.name, to: name }
  if (there !== undefined) return { rename }
  return {
    change: { ...changeOf(one, null), name, keys },
    rename,
    effect: `${key} ${why}: put back as ${name}, which the pod template then names`
  }
}

const planned = (
  one: Named,
  id: string,
  facts: ConfigFacts,
  /** What the application names now, and what its template will. */
  { own, wanted }: { readonly own: ReadonlySet<string>; readonly wanted: ReadonlySet<string> },
  options: ConfigOptions
): Planned => {
  const key = keyOf(one)
  const { record } = facts.read
  const object = facts.live.get(key) ?? null
  const to = contentIn(record, one)
  const is = object === null ? null : contentOf(object)
  if (to === null) {
    return {
      refusals: [
        {
          reason: `the record has no ${key} that could be written`,
          remedy: "somebody has changed the record: choose another snapshot"
        }
      ]
    }
  }
  if (object === null) {
    if (!own.has(key) && !wanted.has(key)) return {}
    if (!isPlain(one, to)) {
      return {
        refusals: [
          {
            reason: `${key} is gone, and of type ${to.type}: that is not made from a record`,
            remedy: "make it yourself first"
          }
        ]
      }
    }
    const keys = keysThatDiffer(null, to)
    return {
      change: { ...changeOf(one, null), keys },
      effect: `${key} is gone, and is made again: ${keys.join(", ")}`
    }
  }
  if (isSame(is, to)) return {}
  const keys = keysThatDiffer(is, to)
  const type = is?.type ?? "Opaque"
  if (one.kind === "Secret" && (unusable.includes(type) || type !== (to.type ?? "Opaque"))) {
    return { warning: `${key} is of type ${type}, and is left as it is` }
  }
  const why =
    object["immutable"] === true ? "is immutable" : own.has(key) ? null : "is not the application's now"
  if (why !== null) return elsewhere(one, id, { why, keys, isWanted: wanted.has(key) }, facts)
  return {
    change: { ...changeOf(one, object), keys },
    effect: `${key}: ${keys.join(", ")} as in the record`,
    refusals: conflicts(key, object, facts, options)
  }
}

/** What an earlier restore had made, and is there still. */
const removals = ({ read, live, users }: ConfigFacts): ReadonlyArray<Planned> => {
  const { before } = read.record
  if (before === undefined) return []
  return before.made.flatMap(({ kind, name }): ReadonlyArray<Planned> => {
    if (kind !== "ConfigMap" && kind !== "Secret") return []
    const object = live.get(`${kind}/${name}`) ?? null
    if (object === null || !isOurs(before.operation, object)) return []
    const others = users.get(`${kind}/${name}`) ?? []
    if (others.length > 0) {
      return [{ warning: `${kind}/${name}, which that restore made, is left: ${others.join(", ")} uses it` }]
    }
    const keys = keysThatDiffer(contentOf(object), null)
    return [
      {
        change: { ...changeOf({ kind, name }, object), goes: true, keys },
        effect: `${kind}/${name}, which that restore made, is removed`
      }
    ]
  })
}

/** Whether the StatefulSet itself says that this record is what was there before. */
const isVouched = ({ read: { record, parts }, set }: ConfigFacts): boolean => {
  const accepted = metadataOf(set)
  if (Result.isFailure(accepted)) return false
  return isPinned(pinOf(accepted.success), { set: record.name, parts })
}

const nothing = (refusal: Refusal): Config => ({
  before: [],
  put: [],
  effects: [],
  warnings: [],
  refusals: [refusal],
  names: []
})

/** What is said against the template of a record. */
const templateRefusals = (
  facts: ConfigFacts,
  workload: Workload,
  { was, to }: { readonly was: unknown; readonly to: object },
  own: ReadonlySet<string>,
  options: ConfigOptions
): ReadonlyArray<Refusal> => {
  const { record } = facts.read
  const mentions = mentionsIn(to) ?? []
  const before = new Set((mentionsIn(was) ?? []).map(keyOf))
  // What the record itself holds, as it is, its writer knows already.
  const strange = mentions.filter((one) => {
    const object = facts.live.get(keyOf(one)) ?? null
    const isKnown = own.has(keyOf(one)) || before.has(keyOf(one))
    return !isKnown && object !== null && !isSame(contentOf(object), contentIn(record, one))
  })
  const missing = mentions.filter(
    (one) => !one.optional && facts.live.get(keyOf(one)) === null && contentIn(record, one) === null
  )
  const gains = isVouched(facts)
    ? []
    : [
        ...templateGains(was, to),
        ...new Set(strange.map((one) => `${keyOf(one)}, which it does not name now`))
      ]
  const writers =
    options.forceConflicts === true ? [] : workload.writers.filter(({ by }) => by !== "scaleTargetRef")
  return [
    ...(gains.length === 0 || options.allowPrivileged === true
      ? []
      : [
          {
            reason: `the pod template of the record gives its pods what they do not have now: ${gains.join(", ")}`,
            remedy: "look at it, and use --allow-privileged if that is right"
          }
        ]),
    ...[...new Set(missing.map(keyOf))].map((key) => ({
      reason: `the pod template of the record needs ${key}, which is neither there nor in the record`,
      remedy: "make it first"
    })),
    ...writers.map(({ name, by }) => ({
      reason: `${name} also writes the pod template of statefulset "${workload.name}" (${by}), and would take it back`,
      remedy: "pause it there and use --force-conflicts"
    }))
  ]
}

/** What is planned for the configuration; `only`: nothing else is restored, and pods run meanwhile. */
export const configOf = (
  facts: ConfigFacts,
  workload: Workload,
  id: string,
  only: boolean,
  options: ConfigOptions
): Config => {
  const { record, parts, sealed } = facts.read
  if (!sealed) {
    return nothing({
      reason: `the record of ${record.name} could be changed at any moment: its Secrets are not immutable`,
      remedy: "somebody else wrote it: choose another snapshot"
    })
  }
  const was: unknown = Reflect.get(Object(facts.set["spec"]), "template")
  const recorded = templateIn(record, workload.name)
  if (recorded === null || mentionsIn(recorded) === null) {
    return nothing({
      reason: `the record has no pod template of statefulset "${workload.name}" that could be read`,
      remedy: "choose another snapshot"
    })
  }
  const wanted = new Set((mentionsIn(recorded) ?? []).map(keyOf))
  const own = new Set([
    ...facts.references
      .filter(({ usedBy }) => usedBy.some((by) => !by.startsWith("ServiceAccount/")))
      .map(keyOf),
    ...(isVouched(facts) ? wanted : [])
  ])
  const all = [
    ...namedIn(record).map((one) => planned(one, id, facts, { own, wanted }, options)),
    ...removals(facts)
  ]
  const changes = all.flatMap(({ change }) => (change === undefined ? [] : [change]))
  const renames = all.flatMap(({ rename }) => (rename === undefined ? [] : [rename]))
  const to = templateOf({ renames, restart: null }, recorded)
  const differences = templateChanges(was, to)
  const isRolling = workload.updateStrategy !== "OnDelete" && workload.replicas > 0
  const restarts = only && isRolling && differences.length === 0 && changes.length > 0
  const from = { set: record.name, parts: [...parts] }
  const hasTemplate = differences.length > 0 || restarts
  const hasAny = hasTemplate || changes.length > 0
  const replaced = changes.flatMap(({ kind, name, uid, resourceVersion }) =>
    uid === null || resourceVersion === null ? [] : [{ kind, name, uid, resourceVersion }]
  )
  const made = changes.flatMap(({ kind, name, uid }) => (uid === null ? [{ kind, name }] : []))
  return {
    before: hasAny ? [make(RecordBefore, { created: facts.now, objects: replaced, made })] : [],
    put: [
      ...(changes.length === 0 ? [] : [make(PutConfig, { from, changes })]),
      ...(hasTemplate
        ? [
            make(PutTemplate, {
              from,
              renames,
              restart: restarts ? facts.now : null,
              rolls: only && isRolling
            })
          ]
        : [])
    ],
    effects: [
      ...all.flatMap(({ effect }) => effect ?? []),
      ...(differences.length === 0 ? [] : [`pod template: ${differences.join(", ")}`]),
      ...(only && hasTemplate && isRolling
        ? [`the pods of ${workload.name} are replaced one after another, as by kubectl rollout restart`]
        : []),
      ...(hasAny ? [`what is replaced is kept in secret "${recordName(beforeSet(id))}"`] : [])
    ],
    warnings: [
      ...all.flatMap(({ warning }) => warning ?? []),
      ...(only && hasAny && !isRolling && workload.replicas > 0
        ? [`the update strategy of ${workload.name} is OnDelete: its pods get this when you delete them`]
        : []),
      ...(hasTemplate && only && workload.partition > 0
        ? [`the first ${workload.partition} pods are kept as they are by its partition`]
        : [])
    ],
    refusals: [
      ...all.flatMap(({ refusals }) => refusals ?? []),
      ...(differences.length === 0 ? [] : templateRefusals(facts, workload, { was, to }, own, options))
    ],
    names: [
      ...changes.map(keyOf),
      ...(differences.length === 0 ? [] : [`StatefulSet/${workload.name} pod template`])
    ]
  }
}
