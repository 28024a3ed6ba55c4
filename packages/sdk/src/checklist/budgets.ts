/**
 * PodDisruptionBudgets: they limit evictions, so a drain for a server's restart obeys them and nothing else does.
 */
import { needed } from "../Quorum.ts"
import type { DisruptionBudget, Workload } from "../Topology.ts"
import { deployments, replicasOf, statefulSets } from "./parts.ts"
import { dataFirst } from "./leaving.ts"
import { type Facts, no, rule, type Rule, type Evidence, unknown, withDowntime, yes } from "./rule.ts"
import { equalities, kubectl, names, title, verb } from "./words.ts"

/** Percentages are rounded up, as the disruption controller does for both fields. */
const scaled = (value: string, total: number): number | null => {
  if (/^\d+%$/.test(value)) return Math.ceil((Number.parseInt(value, 10) * total) / 100)
  return /^\d+$/.test(value) ? Number(value) : null
}

/** Pods that a budget counts, and whose place others have taken: no eviction needs them, and none is spared for them. */
const replaced = ({ state }: Facts, workload: Workload, budget: DisruptionBudget): number =>
  state.replicas.filter(
    ({ name, pod, wanted, workload: of }) =>
      of === title(workload) && !wanted && pod !== null && budget.pods.includes(name)
  ).length

/** An integer minAvailable is counted over the pods there are: while a workload starts, those are fewer than it asks for. */
const expected = (facts: Facts, workload: Workload, budget: DisruptionBudget): number =>
  Math.max(budget.expectedPods - replaced(facts, workload, budget), workload.replicas)

/**
 * The number of pods that it allows to be evicted when all are healthy; `null` if its fields do not show it.
 */
const allowance = (facts: Facts, workload: Workload, budget: DisruptionBudget): number | null => {
  const total = expected(facts, workload, budget)
  if (budget.maxUnavailable !== null) return scaled(budget.maxUnavailable, total)
  const least = budget.minAvailable === null ? budget.desiredHealthy : scaled(budget.minAvailable, total)
  return least === null ? null : Math.max(0, total - least)
}

const fields = (facts: Facts, workload: Workload, budget: DisruptionBudget): string =>
  budget.maxUnavailable === null
    ? `minAvailable ${budget.minAvailable ?? budget.desiredHealthy} of ${expected(facts, workload, budget)}`
    : `maxUnavailable ${budget.maxUnavailable}`

/** The pods of this workload that there are. */
const podsOf = (facts: Facts, workload: Workload): ReadonlyArray<string> =>
  replicasOf(facts.state, workload).flatMap(({ name, pod }) => (pod === null ? [] : [name]))

/** Those of a workload's pods that a budget counts. */
const counted = (facts: Facts, workload: Workload, budget: DisruptionBudget): ReadonlyArray<string> => {
  const pods = new Set(budget.pods)
  return podsOf(facts, workload).filter((name) => pods.has(name))
}

const covering = (facts: Facts, workload: Workload): ReadonlyArray<DisruptionBudget> =>
  (facts.state.budgets ?? []).filter((budget) => counted(facts, workload, budget).length > 0)

/** Those whose pods are known, and the budgets that may count them. */
const judged = (facts: Facts): ReadonlyArray<Workload> =>
  facts.state.budgets === null
    ? []
    : [...statefulSets(facts.state), ...deployments(facts.state)].filter((workload) =>
        replicasOf(facts.state, workload).every((replica) => replica.known)
      )

/** A budget is missed from two replicas on: with one, a drain either waits for ever or stops it. */
const guarded = (facts: Facts): ReadonlyArray<Workload> =>
  judged(facts).filter(({ replicas }) => replicas > 1)

/** The number of pods that must stay: for a Deployment any one is enough. */
const mustStay = ({ settings: { quorum } }: Facts, { kind, replicas }: Workload): number =>
  kind === "Deployment" && quorum !== "none" ? 1 : needed(quorum, replicas)

/** None of its pods can be spared: a budget either allows quorum to be lost, or blocks every drain. */
const isTight = (facts: Facts, workload: Workload): boolean => workload.replicas <= mustStay(facts, workload)

const pairsOf = (facts: Facts): ReadonlyArray<readonly [Workload, DisruptionBudget]> => {
  const pairs = judged(facts).flatMap((workload) =>
    covering(facts, workload).map((budget) => [workload, budget] as const)
  )
  return [...Map.groupBy(pairs, ([, budget]) => budget.name).values()].flatMap((same) => same.slice(0, 1))
}

/** It counts some of the pods only: the one that leads, say, by a label that its role gives it. */
const isOfSome = (facts: Facts, [workload, budget]: readonly [Workload, DisruptionBudget]): boolean =>
  counted(facts, workload, budget).length < podsOf(facts, workload).length

const each = (facts: Facts): ReadonlyArray<readonly [Workload, DisruptionBudget]> =>
  pairsOf(facts).filter((pair) => !isOfSome(facts, pair))

const object = (budget: DisruptionBudget): string => `PodDisruptionBudget/${budget.name}`

const missing = (facts: Facts): ReadonlyArray<Evidence> =>
  guarded(facts)
    .filter((workload) => covering(facts, workload).length === 0)
    .map((workload) => {
      const taken = facts.state.budgets?.some((budget) => budget.name === workload.name)
      return withDowntime(
        `no PodDisruptionBudget covers the pods of ${workload.name}: drains may evict all of them`,
        [title(workload)],
        // The command takes equalities only.
        equalities.test(workload.selector)
          ? kubectl(
              facts.state,
              "create",
              "poddisruptionbudget",
              taken === true ? `${workload.name}-pods` : workload.name,
              `--selector=${workload.selector}`,
              "--max-unavailable=1"
            )
          : `create a PodDisruptionBudget with the selector of ${workload.name} and maxUnavailable 1`
      )
    })

/** True if it counts only pods of this application, as far as its status shows. */
const isOwn = (facts: Facts, budget: DisruptionBudget): boolean =>
  budget.expectedPods <=
  Math.max(
    budget.pods.length,
    facts.state.workloads.reduce((sum, one) => sum + one.replicas, 0)
  )

/** A command where the budget is this application's alone, and of all its pods; else others rely on it as it is. */
const repair = (facts: Facts, workload: Workload, budget: DisruptionBudget): string => {
  const before = dataFirst(facts.state, podsOf(facts, workload))
  if (before !== null) return before
  if (budget.owner !== null) return `change this in ${budget.owner}, which owns ${budget.name}`
  // That it is not stopped without a word may be what the budget is for.
  if (isTight(facts, workload) && allowance(facts, workload, budget) === 0)
    return `if ${workload.name} may ${workload.replicas === 1 ? "be down" : "lose quorum"} during a drain, set maxUnavailable 1 in PodDisruptionBudget ${budget.name}`
  if (!isOwn(facts, budget))
    return `PodDisruptionBudget ${budget.name} covers other pods too: create one for ${workload.name} only`
  return counted(facts, workload, budget).length < workload.replicas
    ? `once all pods are running, check that PodDisruptionBudget ${budget.name} covers all of them`
    : kubectl(
        facts.state,
        "patch",
        "poddisruptionbudget",
        budget.name,
        "--type=merge",
        "-p",
        JSON.stringify({ spec: { minAvailable: null, maxUnavailable: 1 } })
      )
}

/** The pods of no budget, where another counts some: one over all of them would count those twice. */
const partly = (facts: Facts): ReadonlyArray<Evidence> =>
  guarded(facts).flatMap((workload) => {
    const budgets = covering(facts, workload)
    const there = new Set(budgets.flatMap((budget) => counted(facts, workload, budget)))
    const left = podsOf(facts, workload).filter((name) => !there.has(name))
    const spare = workload.replicas - mustStay(facts, workload)
    return budgets.length === 0 || left.length <= Math.max(spare, 0)
      ? []
      : [
          withDowntime(
            `no PodDisruptionBudget covers ${names(left)}: drains may evict ${left.length === 1 ? "it" : "all of them"}`,
            [title(workload), ...left.map((name) => `Pod/${name}`)],
            `create one whose selector excludes ${names([...there])}, covered by ${names(budgets.map(({ name }) => name))}`
          )
        ]
  })

/** A budget of a single role that never allows an eviction: its holder must hand the role over first. */
const holds = (facts: Facts): ReadonlyArray<Evidence> =>
  pairsOf(facts)
    .filter((pair) => isOfSome(facts, pair))
    .flatMap(([workload, budget]) => {
      const pods = counted(facts, workload, budget)
      const total = Math.max(budget.expectedPods, pods.length)
      const least = budget.minAvailable === null ? budget.desiredHealthy : scaled(budget.minAvailable, total)
      const allowed =
        budget.maxUnavailable === null ? total - (least ?? 0) : scaled(budget.maxUnavailable, total)
      return allowed === null || allowed > 0
        ? []
        : [
            unknown(
              `PodDisruptionBudget ${budget.name} protects ${names(pods)}: a drain waits until ${verb(pods, "its role has", "their roles have")} moved to another pod`,
              [object(budget), ...pods.map((name) => `Pod/${name}`)],
              `before a drain, move the role of ${names(pods)} to another pod; leave the budget as it is`
            )
          ]
    })

const blocks = (facts: Facts): ReadonlyArray<Evidence> =>
  each(facts)
    .filter(([workload, budget]) => allowance(facts, workload, budget) === 0)
    .map(([workload, budget]) =>
      no(
        `PodDisruptionBudget ${budget.name} never allows an eviction (${fields(facts, workload, budget)})`,
        [object(budget)],
        repair(facts, workload, budget)
      )
    )

const belowQuorum = (facts: Facts): ReadonlyArray<Evidence> =>
  each(facts).flatMap(([workload, budget]) => {
    const quorum = mustStay(facts, workload)
    const allowed = allowance(facts, workload, budget)
    // For a single pod a budget keeps nothing available; another rule reports that.
    if (allowed === null || allowed < 1 || workload.replicas < 2) return []
    const isLost = isTight(facts, workload)
    // A budget over more than this workload's pods may spend all it allows on these.
    return workload.replicas - allowed >= quorum
      ? []
      : [
          withDowntime(
            `PodDisruptionBudget ${budget.name} allows ${allowed} of ${workload.replicas} evictions: ${workload.kind === "Deployment" ? `${workload.name} is down` : `quorum (${quorum} of ${workload.replicas}) is lost`}`,
            [object(budget), title(workload)],
            isLost && allowed === 1
              ? "no budget both keeps quorum and allows drains: that takes more members"
              : repair(facts, workload, budget)
          )
        ]
  })

/** Of two budgets for the same pods, the one that allows more evictions is redundant. */
const surplus = (
  facts: Facts,
  workload: Workload,
  budgets: ReadonlyArray<DisruptionBudget>,
  isOnlyTheirs: boolean
): DisruptionBudget | undefined => {
  const pods = new Set(budgets.map((budget) => budget.pods.toSorted().join()))
  if (!isOnlyTheirs || budgets.length !== 2 || pods.size !== 1) return undefined
  const [one, other] = budgets.map((budget) => ({ budget, allowed: allowance(facts, workload, budget) }))
  if (one === undefined || other === undefined || one.allowed === null || other.allowed === null)
    return undefined
  return one.allowed > other.allowed ? one.budget : other.budget
}

const overlap = (facts: Facts): ReadonlyArray<Evidence> =>
  judged(facts).flatMap((workload) => {
    const budgets = covering(facts, workload)
    const times = Map.groupBy(
      budgets.flatMap((budget) => [...new Set(budget.pods)]),
      (pod) => pod
    )
    const pods = replicasOf(facts.state, workload).filter(
      (replica) => (times.get(replica.name)?.length ?? 0) > 1
    )
    const twice = budgets.filter((budget) => pods.some(({ name }) => budget.pods.includes(name)))
    if (pods.length === 0) return []
    const all = twice.map((budget) => budget.name)
    const spare = surplus(
      facts,
      workload,
      twice,
      twice.every((budget) => isOwn(facts, budget))
    )
    return [
      no(
        pods.length === podsOf(facts, workload).length
          ? `${names(all)} cover the same pods: none of them can be evicted`
          : `${names(all)} both cover ${names(pods.map(({ name }) => name))}: evictions are refused`,
        twice.map(object),
        dataFirst(facts.state, podsOf(facts, workload)) ??
          (spare === undefined || spare.owner !== null
            ? `let only one budget select each pod: narrow the selector of ${names(all, "or")}`
            : kubectl(facts.state, "delete", "poddisruptionbudget", spare.name))
      )
    ]
  })

/** Whether a drain waits for pods, or may evict too many of them: only evictions respect budgets. */
const obstacles: ReadonlyArray<Rule> = [
  rule("restart", "budget-missing", (facts) => [...missing(facts), ...partly(facts)], ["Drain"]),
  rule("restart", "budget-blocks", (facts) => [...blocks(facts), ...holds(facts)], ["Drain"]),
  rule("restart", "budget-below-quorum", belowQuorum, ["Drain"]),
  rule("restart", "budgets-overlap", overlap, ["Drain"])
]

const keepsQuorum = (facts: Facts): ReadonlyArray<Evidence> => {
  const all = guarded(facts)
  if (all.length === 0 || obstacles.some((one) => one.check(facts).length > 0)) return []
  const budgets = [...new Set(all.flatMap((workload) => covering(facts, workload).map(({ name }) => name)))]
  return [
    yes(
      `PodDisruptionBudget ${names(budgets)} ${verb(budgets, "limits", "limit")} evictions so that ${all.every(({ kind }) => kind === "Deployment") ? "other pods keep running" : "quorum is kept"}`,
      budgets.map((name) => `PodDisruptionBudget/${name}`)
    )
  ]
}

export const budgetRules: ReadonlyArray<Rule> = [
  ...obstacles,
  rule("restart", "budget-keeps-quorum", keepsQuorum, ["Drain"])
]
