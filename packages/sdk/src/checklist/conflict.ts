/**
 * Requirements of a replica that no single node meets: a volume here and a selector there. Each alone leaves
 * nodes, so neither is wrong by itself, and the scheduler only reports that none fits.
 */
import type { Placement } from "../Placement.ts"
import type { Replica } from "../Replica.ts"
import type { AppState } from "../state/AppState.ts"
import { nodeNamed, placementOf } from "./parts.ts"
import { everyDisruption, type Facts, no, offServer, rule, type Rule, type Evidence } from "./rule.ts"
import { names } from "./words.ts"

type Pin = Placement["pins"][number] & { readonly nodes: ReadonlyArray<string> }

/** Data on a hostPath does not prevent a pod from moving, and `onlyNode` is the result of the others. */
const holds = (pin: Placement["pins"][number]): pin is Pin =>
  pin.by !== "hostPath" && pin.by !== "onlyNode" && pin.nodes !== null && pin.nodes.length > 0

/** The first two that leave no node in common. */
const apart = (pins: ReadonlyArray<Pin>): readonly [Pin, Pin] | null => {
  // A volume is reported first: the rest can be changed.
  const all = pins.toSorted((a, b) => Number(b.by === "volume") - Number(a.by === "volume"))
  for (const [at, one] of all.entries())
    for (const other of all.slice(at + 1))
      if (!one.nodes.some((node) => other.nodes.includes(node))) return [one, other]
  return null
}

const conflicts = (
  state: AppState
): ReadonlyArray<{ readonly replica: Replica; readonly pins: readonly [Pin, Pin] }> =>
  state.replicas.flatMap((replica) => {
    const pins = replica.wanted ? apart(placementOf(state, replica)?.pins.filter(holds) ?? []) : null
    return pins === null ? [] : [{ replica, pins }]
  })

/** Replicas that no node can ever run. */
export const inConflict = (state: AppState): ReadonlyArray<string> =>
  conflicts(state).map(({ replica }) => replica.name)

/** `in zone c`, or on which nodes. */
const where = (state: AppState, { domain, nodes }: Pin): string => {
  const place = domain === "zone" || domain === "rack" ? nodeNamed(state, nodes[0] ?? null)?.[domain] : null
  return place == null ? `on ${names(nodes)}` : `in ${domain} ${place}`
}

const termOf = ({ by, name }: Pin): string => (by === "device" ? name : `${by} ${name}`)

const words = (state: AppState, [one, other]: readonly [Pin, Pin]): readonly [string, string] => {
  if (one.by !== "volume")
    return [`no node matches both ${termOf(one)} and ${termOf(other)}`, "relax one of them"]
  if (other.by === "volume")
    return [
      `no node can attach both ${one.name} and ${other.name}`,
      "move the data of one of them to a volume where the other is"
    ]
  const term = termOf(other)
  return [
    `${one.name} can only be attached ${where(state, one)}, where no node matches ${term}`,
    `relax ${term}, or move the data of ${one.name} to a volume where it matches`
  ]
}

const noneFits = ({ state }: Facts): ReadonlyArray<Evidence> =>
  conflicts(state).map(({ replica, pins }) => {
    const [evidence, remedy] = words(state, pins)
    const volumes = pins.flatMap(({ by, name }) => (by === "volume" ? [`PersistentVolumeClaim/${name}`] : []))
    return {
      ...no(evidence, [`Pod/${replica.name}`, ...volumes], remedy),
      // One that runs is asked for none of it on its own server.
      disruptions: replica.pod?.node == null ? everyDisruption : offServer
    }
  })

export const conflictRule: Rule = rule("restart", "no-node-fits-all", noneFits)
