/**
 * PodDisruptionBudgets: they limit evictions, so a drain for a server's restart obeys them and nothing else does.
 */
import { needed } from "../Quorum.ts"
import type { DisruptionBudget, Workload } from "../Topology.ts"
import { replicasOf, statefulSets } from "./parts.ts"
import { type Facts, no, rule, type Rule, type Said } from "./rule.ts"
import { kubectl, names, title } from "./words.ts"

/** Percentages are rounded up, as the disruption controller does for both fields. */
const scaled = (value: string, total: number): number | null => {
  if (/^\d+%$/.test(value)) return Math.ceil((Number.parseInt(value, 10) * total) / 100)
  return /^\d+$/.test(value) ? Number(value) : null
}

/** An integer minAvailable is counted over the pods there are: while a workload starts, those are fewer than it asks for. */
const expected = (workload: Workload, budget: DisruptionBudget): number =>
  Math.max(budget.expectedPods, workload.replicas)

/** How many pods it lets go when all are well; null: not known from its fields. */
const allowance = (workload: Workload, budget: DisruptionBudget): number | null => {
  const total = expected(workload, budget)
  if (budget.maxUnavailable !== null) return scaled(budget.maxUnavailable, total)
  const least = budget.minAvailable === null ? budget.desiredHealthy : scaled(budget.minAvailable, total)
  return least === null ? null : Math.max(0, total - least)
}

const fields = (workload: Workload, budget: DisruptionBudget): string =>
  budget.maxUnavailable === null
    ? `minAvailable ${budget.minAvailable ?? budget.desiredHealthy} of ${expected(workload, budget)}`
    : `maxUnavailable ${budget.maxUnavailable}`

const covering = (facts: Facts, workload: Workload): ReadonlyArray<DisruptionBudget> => {
  const pods = new Set(replicasOf(facts.state, workload).map((replica) => replica.name))
  return (facts.state.budgets ?? []).filter((budget) => budget.pods.some((pod) => pods.has(pod)))
}

/** Budgets matter from two replicas on: with one, a drain either waits for ever or stops it. */
const guarded = (facts: Facts): ReadonlyArray<Workload> =>
  facts.state.budgets === null ? [] : statefulSets(facts.state).filter((workload) => workload.replicas > 1)

const each = (facts: Facts): ReadonlyArray<readonly [Workload, DisruptionBudget]> => {
  const pairs = guarded(facts).flatMap((workload) =>
    covering(facts, workload).map((budget) => [workload, budget] as const)
  )
  return [...Map.groupBy(pairs, ([, budget]) => budget.name).values()].flatMap((same) => same.slice(0, 1))
}

const object = (budget: DisruptionBudget): string => `PodDisruptionBudget/${budget.name}`

const equalities = /^[^\s!()=,]+=[^\s!()=,]+(,[^\s!()=,]+=[^\s!()=,]+)*$/

const missing = (facts: Facts): ReadonlyArray<Said> =>
  guarded(facts)
    .filter((workload) => covering(facts, workload).length === 0)
    .map((workload) => {
      const taken = facts.state.budgets?.some((budget) => budget.name === workload.name)
      return no(
        `no PodDisruptionBudget counts the pods of ${workload.name}: drains may take all`,
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

const repair = (facts: Facts, budget: DisruptionBudget): string =>
  kubectl(
    facts.state,
    "patch",
    "poddisruptionbudget",
    budget.name,
    "--type=merge",
    "-p",
    JSON.stringify({ spec: { minAvailable: null, maxUnavailable: 1 } })
  )

const blocks = (facts: Facts): ReadonlyArray<Said> =>
  each(facts)
    .filter(([workload, budget]) => allowance(workload, budget) === 0)
    .map(([workload, budget]) =>
      no(
        `PodDisruptionBudget ${budget.name} never lets a pod go (${fields(workload, budget)})`,
        [object(budget)],
        repair(facts, budget)
      )
    )

const belowQuorum = (facts: Facts): ReadonlyArray<Said> =>
  each(facts).flatMap(([workload, budget]) => {
    const quorum = needed(facts.settings.quorum, workload.replicas)
    const allowed = allowance(workload, budget)
    if (allowed === null || allowed < 1 || workload.replicas - quorum < 1) return []
    // A budget over more than this workload's pods may spend all it allows on these.
    return workload.replicas - allowed >= quorum
      ? []
      : [
          no(
            `PodDisruptionBudget ${budget.name} lets ${allowed} of ${workload.replicas} go: quorum (${quorum} of ${workload.replicas}) is lost`,
            [object(budget), title(workload)],
            repair(facts, budget)
          )
        ]
  })

const overlap = (facts: Facts): ReadonlyArray<Said> =>
  guarded(facts).flatMap((workload) => {
    const budgets = covering(facts, workload)
    const counted = Map.groupBy(
      budgets.flatMap((budget) => [...new Set(budget.pods)]),
      (pod) => pod
    )
    const pods = replicasOf(facts.state, workload).filter(
      (replica) => (counted.get(replica.name)?.length ?? 0) > 1
    )
    const last = budgets.at(-1)
    return pods.length === 0 || last === undefined
      ? []
      : [
          no(
            `${names(budgets.map((budget) => budget.name))} count the same pods: none can be evicted`,
            budgets.map(object),
            kubectl(facts.state, "delete", "poddisruptionbudget", last.name)
          )
        ]
  })

export const budgetRules: ReadonlyArray<Rule> = [
  rule("restart", "budget-missing", missing),
  rule("restart", "budget-blocks", blocks),
  rule("restart", "budget-below-quorum", belowQuorum),
  rule("restart", "budgets-overlap", overlap)
]
