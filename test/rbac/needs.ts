/** What scenarios need, found by running them: the table that `npm run roles` writes, and tests compare. */
import * as Effect from "effect/Effect"
import type { Need, Place } from "../../packages/sdk/src/access/need.ts"
import { without } from "../../packages/sdk/src/access/optional.ts"
import { run, type Scenario } from "./scenario.ts"
import { type Asked, keyOf } from "./wire.ts"
import { isWell, ruleOf, stages } from "./without.ts"

/** Kinds without a namespace; another kind without one is listed in all namespaces. */
const clusterKinds: ReadonlySet<string> = new Set([
  "clustertrustbundles",
  "csidrivers",
  "namespaces",
  "nodes",
  "persistentvolumes",
  "priorityclasses",
  "runtimeclasses",
  "storageclasses",
  "volumeattachments",
  "volumegroupsnapshotclasses",
  "volumegroupsnapshotcontents",
  "volumesnapshotclasses",
  "volumesnapshotcontents"
])

/** The namespaces of the scenarios: the application's, one for a copy or a drill, and the cluster's own. */
export const placeOf = ({ namespace, resource }: Asked, { when }: Scenario): Place => {
  if (namespace === "shop") return "app"
  if (namespace === "rehearsal" || namespace?.startsWith("drill-") === true) return "target"
  return when === "with -A" && !clusterKinds.has(resource) ? "app" : "cluster"
}

export interface Used {
  readonly scenario: Scenario
  readonly asked: Asked
  readonly place: Place
  readonly isOptional: boolean
}

/** One object of the whole cluster that is known by its name. */
const namesOf = ({ resource, namespace }: Asked, place: Place) =>
  place === "cluster" && resource === "namespaces" && namespace !== null ? { names: [namespace] } : {}

/** All that one scenario asks for, and whether it comes to its end without it. */
export const usedBy = (scenario: Scenario) =>
  Effect.gen(function* () {
    const { next, spent } = stages(scenario)
    const whole = yield* run(yield* next)
    if (!isWell(scenario, whole)) throw new Error(`${whole.failure ?? "it did not fail"}\n${whole.err}`)
    yield* spent
    const all = [...new Map([...whole.requests, ...whole.reviews]).values()]
    const optional = new Set<Asked>()
    const goesWithout = (absent: ReadonlyArray<Asked>) =>
      Effect.gen(function* () {
        const ran = yield* run(yield* next, all.filter((one) => !absent.includes(one)).map(ruleOf))
        if (ran.effects.length > 0) yield* spent
        return isWell(scenario, ran)
      })
    // Most lists only refine an answer: so many are tried at once, and halves of them where that fails.
    const sift = (asked: ReadonlyArray<Asked>): Effect.Effect<void, unknown> =>
      Effect.gen(function* () {
        if (asked.length === 0) return
        if (yield* goesWithout(asked)) {
          for (const one of asked) optional.add(one)
          return
        }
        if (asked.length === 1) return
        const half = asked.length >> 1
        yield* sift(asked.slice(0, half))
        yield* sift(asked.slice(half))
      })
    const reviewed = all.filter((one) => whole.reviews.has(keyOf(one)))
    yield* sift(all.filter((one) => !reviewed.includes(one)))
    for (const one of reviewed) yield* sift([one])
    yield* spent
    return all.map((asked): Used => ({
      scenario,
      asked,
      place: placeOf(asked, scenario),
      isOptional: optional.has(asked)
    }))
  })

const listed = (scenarios: ReadonlyArray<Scenario>): ReadonlyArray<string> | null => {
  const phrases = scenarios.map(({ when }) => when)
  return phrases.includes(null) ? null : [...new Set(phrases.filter((one) => one !== null))]
}

const order: ReadonlyArray<string> = ["get", "list", "watch", "create", "patch", "update", "delete"]
const places: ReadonlyArray<Place> = ["app", "target", "cluster"]

/** The table of one verb. */
export const needsOf = (used: ReadonlyArray<Used>): ReadonlyArray<Need> => {
  const each = [
    ...Map.groupBy(used, ({ asked, place }) =>
      [place, asked.group, asked.resource, asked.verb].join(" ")
    ).values()
  ].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const needing = same.filter(({ isOptional }) => !isOptional)
    const by = listed((needing.length === 0 ? same : needing).map(({ scenario }) => scenario))
    const { asked, place, scenario } = first
    // What it asks for with the whole state, and has no use for, is in no Role.
    if (needing.length === 0 && without(scenario.verb, asked.resource) === null) return []
    return [
      {
        in: place,
        group: asked.group,
        resource: asked.resource,
        verbs: [asked.verb],
        ...namesOf(asked, place),
        ...(needing.length === 0 ? { optional: true as const } : {}),
        ...(by === null ? {} : { when: by })
      } satisfies Need
    ]
  })
  return [...Map.groupBy(each, (need) => JSON.stringify({ ...need, verbs: [] })).values()]
    .flatMap(([first, ...more]): ReadonlyArray<Need> => {
      if (first === undefined) return []
      const verbs = [first, ...more].flatMap((one) => one.verbs)
      return [{ ...first, verbs: verbs.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)) }]
    })
    .toSorted((left, right) => {
      const keys = (one: Need) =>
        [
          places.indexOf(one.in),
          one.optional === true ? 1 : 0,
          one.group,
          one.resource,
          one.when?.join() ?? ""
        ].join(" ")
      return keys(left) < keys(right) ? -1 : 1
    })
}
