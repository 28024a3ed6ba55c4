/**
 * Data that stays on a node when its pod starts on another one: folders of the node's that the template names,
 * and volumes that are folders and name no node. No command that lets such a pod go is advised before that is said.
 */
import type { Placement } from "../Placement.ts"
import type { AppState } from "../state/AppState.ts"
import { isHostDevice } from "../state/HostPath.ts"
import { liveClaims, replicaNamed } from "./parts.ts"
import { names, verb } from "./words.ts"

/** A hostPath that the template names itself; a device is another thing than what is written. */
const isData = ({ by, name }: Placement["pins"][number]): boolean => by === "hostPath" && !isHostDevice(name)

/** Pods whose claims are folders that name no node: nothing but the pod's own selector keeps them together. */
const onBareFolders = (state: AppState): ReadonlySet<string> =>
  new Set(
    liveClaims(state)
      .filter(({ volume }) => volume?.source === "hostPath" && volume.nodeAffinity?.length === 0)
      .flatMap(({ usedBy }) => usedBy)
  )

/** Asked for of one replica after another, of which there may be thousands. */
const known = new WeakMap<AppState, ReadonlySet<string>>()

/** Replicas that would start on another node without data that stays on theirs. */
const leavers = (state: AppState): ReadonlySet<string> => {
  const found =
    known.get(state) ??
    new Set([
      ...onBareFolders(state),
      ...state.placements.flatMap(({ pins, replica }) => (pins.some(isData) ? [replica] : []))
    ])
  known.set(state, found)
  return found
}

/** Those of these replicas. */
const leaving = (state: AppState, replicas: ReadonlyArray<string>): ReadonlyArray<string> => {
  const all = leavers(state)
  return replicas.filter((replica) => all.has(replica))
}

/**
 * Volumes of these replicas that are on their servers' own disks. Some drivers delete the claims of a Node that
 * is deleted, so that its server would come back to none.
 */
const onServers = (state: AppState, replicas: ReadonlySet<string>): ReadonlyArray<string> => [
  ...new Set(
    state.placements.flatMap(({ pins, replica }) =>
      replicas.has(replica)
        ? pins.flatMap(({ by, domain, name }) => (by === "volume" && domain === "node" ? [name] : []))
        : []
    )
  )
]

/** The remedy before anything allows a pod to start on another node; `null` if it leaves no data behind. */
export const dataFirst = (state: AppState, replicas: ReadonlyArray<string>): string | null => {
  const all = leaving(state, replicas)
  const nodes = new Set(all.flatMap((name) => replicaNamed(state, name)?.pod?.node ?? []))
  return all.length === 0
    ? null
    : `move the data off ${nodes.size === 0 ? "their nodes" : names([...nodes])} first: on another node a pod does not find it`
}

/** The same if the node is gone, so that nothing can be moved off it; `null` if it leaves no data behind. */
export const backFirst = (
  state: AppState,
  replicas: ReadonlyArray<string>,
  server: string
): string | null => {
  const all = leaving(state, replicas)
  const volumes = onServers(state, new Set(replicas))
  if (all.length === 0 && volumes.length > 0)
    return `bring ${server} back with its disk: ${names(volumes)} ${verb(volumes, "exists only there", "exist on one server each")}`
  return all.length === 0
    ? null
    : `bring ${server} back with its disk: elsewhere ${names(all)} ${verb(all, "starts", "start")} without ${verb(all, "its", "their")} data`
}
