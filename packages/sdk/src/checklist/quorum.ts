/**
 * Failure domains: which replicas go together, and whether enough stay.
 */
import { needed } from "../Quorum.ts"
import type { AppState } from "../State.ts"
import type { Workload } from "../Topology.ts"
import { nodeGone, placementOf, replicaNamed, replicasOf, statefulSets } from "./parts.ts"
import {
  type Domain,
  type Facts,
  no,
  rule,
  type Rule,
  type Said,
  type Settings,
  unknown,
  yes
} from "./rule.ts"
import { change, kubectlCluster, names, title } from "./words.ts"

/** How many of a workload's replicas may be away at once. */
const spare = (workload: Workload, settings: Settings): number =>
  workload.replicas - needed(settings.quorum, workload.replicas)

const quorumWords = (workload: Workload, settings: Settings): string =>
  `quorum (${needed(settings.quorum, workload.replicas)} of ${workload.replicas})`

interface Group {
  readonly name: string | null
  readonly replicas: ReadonlyArray<string>
}

const groups = (state: AppState, workload: Workload, domain: Domain): ReadonlyArray<Group> => {
  const placed = replicasOf(state, workload).flatMap((replica) => {
    const placement = placementOf(state, replica)
    const node = replica.pod?.node ?? placement?.node ?? null
    // What a gone node was in is not known any more, and what was on it is lost already.
    if (node === null || nodeGone(state, node)) return []
    return [{ replica: replica.name, domain: domain === "node" ? node : (placement?.[domain] ?? null) }]
  })
  return [...Map.groupBy(placed, (place) => place.domain)].map(([name, places]) => ({
    name,
    replicas: places.map((place) => place.replica)
  }))
}

/** The cluster's zones. Where it is all one there is no other to spread to, and the question is about racks. */
const zones = (state: AppState): ReadonlySet<string> =>
  new Set(state.nodes?.flatMap((node) => (node.zone === null ? [] : [node.zone])))

/** The groups whose loss takes quorum along. */
const fatal = ({ state, settings }: Facts, workload: Workload, domain: Domain): ReadonlyArray<Group> => {
  if (domain === "zone" && zones(state).size <= 1) return []
  return groups(state, workload, domain).filter(
    (group) => group.name !== null && group.replicas.length > Math.max(spare(workload, settings), 0)
  )
}

/** Replicas of which it is not known whether they share a domain, where that could take quorum along. */
const undecided = ({ state, settings }: Facts, workload: Workload, domain: Domain): ReadonlyArray<string> => {
  if (state.nodes === null) return []
  if (domain === "zone" && zones(state).size <= 1) return []
  const all = groups(state, workload, domain)
  const nameless = all.find((group) => group.name === null)?.replicas ?? []
  const largest = Math.max(0, ...all.map((group) => (group.name === null ? 0 : group.replicas.length)))
  return nameless.length > 0 && largest + nameless.length > spare(workload, settings) ? nameless : []
}

const labelKeys: Readonly<Record<Domain, string>> = {
  node: "kubernetes.io/hostname",
  rack: "topology.kubectl-stateful.dev/rack",
  zone: "topology.kubernetes.io/zone"
}

const smaller: Readonly<Record<Domain, ReadonlyArray<Domain>>> = {
  node: [],
  rack: ["node"],
  zone: ["node", "rack"]
}

const share =
  (domain: Domain) =>
  (facts: Facts): ReadonlyArray<Said> => {
    const { state, settings } = facts
    if (!settings.domains.includes(domain)) return []
    return statefulSets(state).flatMap((workload) => {
      // With no replica to spare, any loss is too much, wherever they are.
      if (spare(workload, settings) < 1) return []
      const told = new Set(
        smaller[domain].flatMap((inner) =>
          fatal(facts, workload, inner).map((group) => group.replicas.join())
        )
      )
      const lost = fatal(facts, workload, domain).filter((group) => !told.has(group.replicas.join()))
      const unlabelled = lost.length > 0 ? [] : undecided(facts, workload, domain)
      const nodes = [...new Set(unlabelled.map((name) => replicaNamed(state, name)?.pod?.node ?? ""))].filter(
        (name) => name !== ""
      )
      return [
        ...lost.map((group) =>
          no(
            `${names(group.replicas)} share ${domain === "node" ? "" : `${domain} `}${group.name}, and with it ${quorumWords(workload, settings)} is lost`,
            [
              ...group.replicas.map((name) => `Pod/${name}`),
              ...(domain === "node" ? [`Node/${group.name}`] : [])
            ],
            change(
              workload,
              `spread ${title(workload)} over ${domain}s: topologySpreadConstraints with ${labelKeys[domain]}`
            )
          )
        ),
        ...(unlabelled.length === 0
          ? []
          : [
              unknown(
                `no ${domain} label on ${names(nodes)}: ${names(unlabelled)} may share one`,
                nodes.map((name) => `Node/${name}`),
                kubectlCluster(
                  "label",
                  "node",
                  nodes[0] ?? "",
                  `${labelKeys[domain]}=${domain.toUpperCase()}`
                )
              )
            ])
      ]
    })
  }

/**
 * More replicas are more members only where the application replicates; else they are as many empty
 * ones behind the same Service. That is its owner's to know, so there is no command to copy.
 */
const moreMembers = (workload: Workload, replicas: number): string => {
  const writer = workload.writers.find((one) => one.replicas)
  return writer === undefined
    ? `if ${workload.name} replicates its data among members, run ${replicas} of them: its owner knows`
    : `if ${workload.name} replicates its data among members, ask for ${replicas} in ${writer.name}`
}

const tooFew = ({ state, settings }: Facts): ReadonlyArray<Said> =>
  statefulSets(state)
    .filter((workload) => settings.quorum !== "none" && spare(workload, settings) < 1)
    .map((workload) =>
      no(
        workload.replicas === 1
          ? `${workload.name} has 1 replica: while its node is away, none serves`
          : `${workload.name} has ${workload.replicas} replicas: without any one, ${quorumWords(workload, settings)} is lost`,
        [title(workload)],
        moreMembers(workload, Math.max(3, needed(settings.quorum, workload.replicas) + 1))
      )
    )

const kept = (facts: Facts): ReadonlyArray<Said> => {
  const { state, settings } = facts
  const sets = statefulSets(state)
  if (state.nodes === null || sets.length === 0) return []
  const safe = sets.every(
    (workload) =>
      spare(workload, settings) >= 1 &&
      // A replica without a node may yet start beside another one.
      groups(state, workload, "node").flatMap((group) => group.replicas).length === workload.replicas &&
      settings.domains.every(
        (domain) =>
          fatal(facts, workload, domain).length === 0 && undecided(facts, workload, domain).length === 0
      )
  )
  if (!safe) return []
  const quorum = sets.map((workload) => quorumWords(workload, settings))
  const looked = settings.domains.filter((domain) => domain !== "zone" || zones(state).size > 1)
  return [
    yes(
      settings.quorum === "none"
        ? `no quorum is asked of ${names(sets.map((workload) => workload.name))}`
        : `without any one ${names(looked, "or")}, ${names(quorum)} is kept`,
      sets.map(title)
    )
  ]
}

export const quorumRules: ReadonlyArray<Rule> = [
  rule("restart", "quorum-kept", kept),
  rule("restart", "too-few-replicas", tooFew),
  rule("restart", "replicas-share-node", share("node")),
  rule("restart", "replicas-share-rack", share("rack")),
  rule("restart", "replicas-share-zone", share("zone"))
]
