/** The change of each ConfigMap and Secret of a record: pure over the record and the current objects. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { PartialObjectMetadata } from "../kind/Meta.ts"
import type { Refusal } from "../operation/Plan.ts"
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
  newNameOf
} from "../step/content.ts"
import type { ConfigChange } from "../step/putConfig.ts"
import type { Rename } from "../step/putTemplate.ts"
import { unusable } from "../step/recordSet.ts"
import { isOurs } from "../step/snapshots.ts"
import type { ConfigFacts } from "./configFacts.ts"
import type { ConfigOptions } from "./configOptions.ts"

/** One object of the record: its plan, and its message. */
export interface Planned {
  readonly change?: ConfigChange
  readonly rename?: Rename
  readonly effect?: string
  readonly warning?: string
  readonly refusals?: ReadonlyArray<Refusal>
}

/** The objects that the application names now, and that its template will name, as `Kind/name`. */
export interface Mentioned {
  readonly own: ReadonlySet<string>
  readonly wanted: ReadonlySet<string>
}

export const metadataOf = Schema.decodeUnknownResult(PartialObjectMetadata)

/** Other users of an object, and controllers that would revert it. */
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
      reason: `${name} also writes ${key} (${by}), and would revert it`,
      remedy: "pause it there, and use --force-conflicts"
    })),
    ...(others.length === 0
      ? []
      : [
          {
            reason: `${key} is also used by ${others.join(", ")}`,
            remedy: "use --force-conflicts if it may be changed for them too"
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

/** Objects under another name: an earlier restore may have created them already. */
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
    return {
      warning: `${key} differs and ${why}: it is left as it is, and the template does not refer to it`
    }
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
    effect: `${key} ${why}: restored as ${name}, which the pod template then names`
  }
}

const planned = (
  one: Named,
  id: string,
  facts: ConfigFacts,
  { own, wanted }: Mentioned,
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
          remedy: "the record was changed: choose another snapshot"
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
            reason: `${key} was deleted, and is of type ${to.type}: that is not created from a record`,
            remedy: "create it first"
          }
        ]
      }
    }
    const keys = keysThatDiffer(null, to)
    return {
      change: { ...changeOf(one, null), keys },
      effect: `${key} was deleted, and is recreated: ${keys.join(", ")}`
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

/** Objects that an earlier restore created, and that still exist. */
const removals = ({ read, live, users }: ConfigFacts): ReadonlyArray<Planned> => {
  const { before } = read.record
  if (before === undefined) return []
  return before.made.flatMap(({ kind, name }): ReadonlyArray<Planned> => {
    if (kind !== "ConfigMap" && kind !== "Secret") return []
    const object = live.get(`${kind}/${name}`) ?? null
    if (object === null || !isOurs(before.operation, object)) return []
    const others = users.get(`${kind}/${name}`) ?? []
    if (others.length > 0) {
      return [
        { warning: `${kind}/${name}, which that restore created, is kept: ${others.join(", ")} uses it` }
      ]
    }
    const keys = keysThatDiffer(contentOf(object), null)
    return [
      {
        change: { ...changeOf({ kind, name }, object), goes: true, keys },
        effect: `${kind}/${name}, which that restore created, is deleted`
      }
    ]
  })
}

/** Each object of the record, and each that an earlier restore created in addition. */
export const plannedObjects = (
  id: string,
  facts: ConfigFacts,
  mentioned: Mentioned,
  options: ConfigOptions
): ReadonlyArray<Planned> => [
  ...namedIn(facts.read.record).map((one) => planned(one, id, facts, mentioned, options)),
  ...removals(facts)
]
