/**
 * Failure domains: which replicas are lost together, and whether enough remain.
 *
 * What is lost in a restart recovers by itself, so the worst result of these rules is "with downtime"; if it
 * is unknown whether enough members stay, they say only that.
 */
import { needed } from "../Quorum.ts"
import { noRoomFor } from "../Scheduling.ts"
import type { AppState } from "../state/AppState.ts"
import { isStateless } from "../state/Store.ts"
import type { Workload } from "../Topology.ts"
import { claimsOf, nodeGone, placementOf, replicaNamed, replicasOf, statefulSets } from "./parts.ts"
import {
  type Domain,
  everyDisruption,
  type Facts,
  rule,
  type Rule,
  type Evidence,
  withDowntime,
  yes
} from "./rule.ts"
import { labelOf, spreadOver } from "./spread.ts"
import { kubectlCluster, names, title, verb } from "./words.ts"

/** The unit of quorum: the members of one application, each with its data, or the pods of a Deployment. */
interface Unit {
  readonly workloads: readonly [Workload, ...ReadonlyArray<Workload>]
  readonly replicas: number
  /** The number that must stay. */
  readonly needed: number
}

/** Several sets of one replica under one selector: a set for each rack or shard, or databases of their own. */
const lone = ({ state, settings }: Facts): ReadonlyArray<Workload> => {
  const all = statefulSets(state).filter(({ replicas }) => replicas === 1)
  return settings.jointQuorum || settings.quorum === "none" || all.length < 2 ? [] : all
}

const units = (facts: Facts): ReadonlyArray<Unit> => {
  const { state, settings } = facts
  const [first, ...others] = statefulSets(state)
  const sum = (all: ReadonlyArray<Workload>) => all.reduce((total, { replicas }) => total + replicas, 0)
  const unit = (all: Unit["workloads"]): Unit => ({
    workloads: all,
    replicas: sum(all),
    needed: needed(settings.quorum, sum(all))
  })
  const sets =
    first === undefined
      ? []
      : settings.jointQuorum
        ? [unit([first, ...others])]
        : [first, ...others].map((one) => unit([one]))
  const copies = state.workloads
    .filter(({ kind, replicas }) => kind === "Deployment" && replicas > 0)
    .map((one): Unit => ({
      workloads: [one],
      replicas: one.replicas,
      needed: settings.quorum === "none" ? 0 : 1
    }))
  return [...sets, ...copies]
}

const nameOf = ({ workloads }: Unit): string => names(workloads.map(({ name }) => name))

/** The number of replicas that may be down at once. */
const spare = (unit: Unit): number => unit.replicas - unit.needed

const isCopies = ({ workloads: [{ kind }] }: Unit): boolean => kind === "Deployment"

const quorumWords = (unit: Unit): string =>
  isCopies(unit) ? nameOf(unit) : `quorum (${unit.needed} of ${unit.replicas})`

const lostWords = (unit: Unit): string => `${quorumWords(unit)} is ${isCopies(unit) ? "down" : "lost"}`

interface Place {
  readonly replica: string
  readonly name: string | null
  readonly zone: string | null
}

const places = (state: AppState, unit: Unit, domain: Domain): ReadonlyArray<Place> =>
  unit.workloads.flatMap((workload) =>
    replicasOf(state, workload).flatMap((replica) => {
      const placement = placementOf(state, replica)
      const node = replica.pod?.node ?? placement?.node ?? null
      // The domain of a deleted node is no longer known, and what was on it is already lost.
      if (node === null || nodeGone(state, node)) return []
      return [
        {
          replica: replica.name,
          name: domain === "node" ? node : (placement?.[domain] ?? null),
          zone: placement?.zone ?? null
        }
      ]
    })
  )

interface Group {
  readonly name: string | null
  readonly replicas: ReadonlyArray<string>
}

const grouped = (all: ReadonlyArray<Place>): ReadonlyArray<Group> =>
  [...Map.groupBy(all, ({ name }) => name)].map(([name, same]) => ({
    name,
    replicas: same.map(({ replica }) => replica)
  }))

/**
 * The cluster's zones. In a single zone there is no other one to spread to, and the question is about racks.
 */
const zones = (state: AppState): ReadonlySet<string> =>
  new Set(state.nodes?.flatMap((node) => (node.zone === null ? [] : [node.zone])))

/** The groups whose loss takes quorum along. */
const fatal = ({ state }: Facts, unit: Unit, domain: Domain): ReadonlyArray<Group> => {
  if (domain === "zone" && zones(state).size <= 1) return []
  return grouped(places(state, unit, domain)).filter(
    (group) => group.name !== null && group.replicas.length > Math.max(spare(unit), 0)
  )
}

/**
 * Replicas that may share a domain, if that could lose quorum. A rack is in one zone: nodes in different
 * zones share none.
 */
const undecided = ({ state }: Facts, unit: Unit, domain: Domain): ReadonlyArray<string> => {
  if (state.nodes === null) return []
  if (domain === "zone" && zones(state).size <= 1) return []
  const all = places(state, unit, domain)
  const within = domain === "rack" ? [...new Set(all.map(({ zone }) => zone))] : [null]
  const found = within.flatMap((zone) => {
    const near = zone === null ? all : all.filter((place) => place.zone === zone || place.zone === null)
    const nameless = near.filter(({ name }) => name === null)
    const largest = Math.max(
      0,
      ...grouped(near).map(({ name, replicas }) => (name === null ? 0 : replicas.length))
    )
    return nameless.length > 0 && largest + nameless.length > spare(unit)
      ? nameless.map(({ replica }) => replica)
      : []
  })
  return [...new Set(found)]
}

const smaller: Readonly<Record<Domain, ReadonlyArray<Domain>>> = {
  node: [],
  rack: ["node"],
  zone: ["node", "rack"]
}

const share =
  (domain: Domain) =>
  (facts: Facts): ReadonlyArray<Evidence> => {
    const { state, settings } = facts
    if (!settings.domains.includes(domain)) return []
    return units(facts).flatMap((unit) => {
      // With no replica to spare, any loss is too much, wherever they are.
      if (spare(unit) < 1) return []
      const told = new Set(
        smaller[domain].flatMap((inner) => fatal(facts, unit, inner).map((group) => group.replicas.join()))
      )
      const lost = fatal(facts, unit, domain).filter((group) => !told.has(group.replicas.join()))
      const unlabelled = lost.length > 0 || told.size > 0 ? [] : undecided(facts, unit, domain)
      const nodes = [...new Set(unlabelled.map((name) => replicaNamed(state, name)?.pod?.node ?? ""))].filter(
        (name) => name !== ""
      )
      return [
        ...lost.map((group) =>
          withDowntime(
            `${names(group.replicas)} share ${domain === "node" ? "" : `${domain} `}${group.name}: without it, ${lostWords(unit)}`,
            [
              ...group.replicas.map((name) => `Pod/${name}`),
              ...(domain === "node" ? [`Node/${group.name}`] : [])
            ],
            spreadOver(state, unit.workloads, group, domain, spare(unit))
          )
        ),
        ...(unlabelled.length === 0
          ? []
          : [
              withDowntime(
                `no ${domain} label on ${names(nodes)}: ${names(unlabelled)} may share a ${domain}`,
                nodes.map((name) => `Node/${name}`),
                kubectlCluster(
                  "label",
                  "node",
                  nodes[0] ?? "",
                  `${labelOf(state, domain)}=${domain.toUpperCase()}`
                )
              )
            ])
      ]
    })
  }

/**
 * More replicas are more members only if the application replicates; otherwise they are empty ones behind the
 * same Service. Only its owner knows that, so there is no command to copy.
 */
const moreMembers = (workload: Workload, replicas: number): string => {
  const writer = workload.writers.find((one) => one.replicas)
  return writer === undefined
    ? `if ${workload.name} replicates its data, run ${replicas} replicas (ask its owner)`
    : `if ${workload.name} replicates its data, set ${replicas} replicas in ${writer.name}`
}

/** Caches, web servers and the like: there is nothing that members would replicate. */
const keepsNothing = ({ workloads }: Unit): boolean =>
  workloads.every(({ template: { containers } }) =>
    containers.every(({ image, keeps, store }) => store === null && keeps.length === 0 && isStateless(image))
  )

const tooFew = (facts: Facts): ReadonlyArray<Evidence> => {
  const { settings } = facts
  const apart = lone(facts)
  const alone = new Set(apart)
  return [
    ...(apart.length === 0
      ? []
      : [
          withDowntime(
            `${names(apart.map(({ name }) => name))} have 1 replica each: cannot tell whether they are members of one application`,
            apart.map(title),
            "if they are, use --joint-quorum"
          )
        ]),
    ...units(facts)
      .filter((unit) => settings.quorum !== "none" && spare(unit) < 1 && !alone.has(unit.workloads[0]))
      .map((unit) => {
        const [workload] = unit.workloads
        return withDowntime(
          unit.replicas === 1
            ? `${workload.name} has 1 replica: it is down while its node is down`
            : `${nameOf(unit)} ${verb(unit.workloads, "has", "have")} ${unit.replicas} replicas: losing any one loses ${quorumWords(unit)}`,
          unit.workloads.map(title),
          more(facts.state, unit)
        )
      })
  ]
}

/** More replicas, where the plan to scale would find nodes for them. */
const more = (state: AppState, unit: Unit): string => {
  const [workload] = unit.workloads
  const isCopy = isCopies(unit) || (unit.replicas === 1 && keepsNothing(unit))
  const to = isCopy ? 2 : keepsNothing(unit) ? unit.needed + 1 : Math.max(3, unit.needed + 1)
  const full = unit.workloads.length > 1 ? null : noRoomFor(state, workload, to)
  if (full !== null) return `add a node for another replica first: ${full}`
  if (isCopy) return secondCopy(state, workload)
  return keepsNothing(unit)
    ? `if one pod of ${nameOf(unit)} is not enough, run ${to} replicas`
    : moreMembers(workload, to)
}

/** A second copy on another node never gets a claim that one node has at a time. */
const secondCopy = (state: AppState, workload: Workload): string => {
  const single = claimsOf(state, workload).filter(({ accessModes }) =>
    accessModes.every((mode) => !mode.endsWith("Many"))
  )
  return single.length === 0
    ? `if ${workload.name} can run more than once at a time, run 2 replicas`
    : `if ${workload.name} can run more than once at a time, move ${names(single.map(({ name }) => name))} to a ReadWriteMany PVC and run 2 replicas`
}

const kept = (facts: Facts): ReadonlyArray<Evidence> => {
  const { state, settings } = facts
  const all = units(facts)
  if (state.nodes === null || all.length === 0) return []
  const looked = settings.domains.filter((domain) => domain !== "zone" || zones(state).size > 1)
  const isSafe = (domains: ReadonlyArray<Domain>) =>
    all.every(
      (unit) =>
        (spare(unit) >= 1 || settings.quorum === "none") &&
        // A replica without a node may yet start beside another one.
        (isCopies(unit) || places(state, unit, "node").length === unit.replicas) &&
        domains.every(
          (domain) => fatal(facts, unit, domain).length === 0 && undecided(facts, unit, domain).length === 0
        )
    )
  const safe = isSafe(looked) ? looked : isSafe(["node"]) ? (["node"] as const) : []
  if (safe.length === 0) return []
  return [
    {
      ...yes(
        settings.quorum === "none"
          ? `no quorum is required of ${names(all.map(nameOf))}`
          : `${names(all.map(quorumWords))} ${verb(all, "survives", "survive")} the loss of any one ${names(safe, "or")}`,
        all.flatMap(({ workloads }) => workloads.map(title))
      ),
      disruptions:
        safe === looked ? (["ServerRestarts", "RackRestarts"] as const) : (["ServerRestarts"] as const)
    }
  ]
}

/** The loss of a node is part of the loss of its rack. */
const withServers = everyDisruption.filter((one) => one !== "Drain")

export const quorumRules: ReadonlyArray<Rule> = [
  rule("restart", "quorum-kept", kept),
  rule("restart", "too-few-replicas", tooFew),
  rule("restart", "replicas-share-node", share("node"), withServers),
  rule("restart", "replicas-share-rack", share("rack"), ["RackRestarts", "RackGone"]),
  rule("restart", "replicas-share-zone", share("zone"), ["RackRestarts", "RackGone"])
]
