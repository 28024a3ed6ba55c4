/** The pod template of a record: whether its StatefulSet confirms it, and its refusals. Pure. */
import * as Result from "effect/Result"
import type { Refusal } from "../operation/Plan.ts"
import { contentIn, contentOf, isSame, keyOf } from "../step/content.ts"
import { isPinned, pinOf } from "../step/recordBefore.ts"
import { mentionsIn, templateGains } from "../step/templateDiff.ts"
import type { Workload } from "../Topology.ts"
import type { ConfigFacts } from "./configFacts.ts"
import { metadataOf } from "./configObjects.ts"
import type { ConfigOptions } from "./configOptions.ts"

/** True if the StatefulSet itself confirms that this record is its previous configuration. */
export const isVouched = ({ read: { record, parts }, set }: ConfigFacts): boolean => {
  const accepted = metadataOf(set)
  if (Result.isFailure(accepted)) return false
  return isPinned(pinOf(accepted.success), { set: record.name, parts })
}

/** Refusals of the template of a record. */
export const templateRefusals = (
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
            reason: `the pod template of the record gives its pods additional privileges: ${gains.join(", ")}`,
            remedy: "check it, and use --allow-privileged if that is intended"
          }
        ]),
    ...[...new Set(missing.map(keyOf))].map((key) => ({
      reason: `the pod template of the record needs ${key}, which neither exists nor is in the record`,
      remedy: "create it first"
    })),
    ...writers.map(({ name, by }) => ({
      reason: `${name} also writes the pod template of statefulset "${workload.name}" (${by}), and would revert it`,
      remedy: "pause it there, and use --force-conflicts"
    }))
  ]
}
