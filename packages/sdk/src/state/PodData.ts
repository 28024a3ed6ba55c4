/**
 * Data that ends with its pod: on an emptyDir or an ephemeral volume, or on no volume at all.
 *
 * Each mount is judged by its path, by what its container is known to run, and by what that container
 * keeps elsewhere. Where none of these tells, it is unknown: no volume is not no state.
 */
import type { OtherVolume } from "../Claim.ts"
import type { PodContainer, Workload } from "../Topology.ts"
import type { AppState } from "./AppState.ts"
import { isHostData, isScratch } from "./HostPath.ts"
import { holdsHome, isForgetful, isForgotten, isInHome } from "./Store.ts"

/** Configuration, programs and keys, which are there again when the pod is, and what is hidden elsewhere than in a home. */
const rendered =
  /^\/etc(\/|$)|\/(etc|[^/]*conf(ig)?[^/]*|[^/]+\.d|certs?|tls|ssl|secrets?|keys?|plugins?|scripts?|s?bin|extensions|templates|rules|dashboards|provisioning|backups?|\.[^/]+)(\/|$)/i
const home = /^\/(root|home(\/[^/]+)?)\/?$/

/** A program's own directory in a home, such as a chain, models or flows: what is not known to be settings or a cache. */
const ownOfHome =
  /^\/(root|home\/[^/]+)\/\.(?!(\.?cache|config|ssh|gnupg|pki|kube|docker|aws|azure|gcloud|npm|yarn|m2|gradle|cargo|nuget|ivy2|java|gem|bundle|vscode|local\/(bin|lib)|local\/share\/(mkcert|ca-certificates)|profile|bashrc)(\/|$))[^/]+/i

const isNoData = (path: string): boolean =>
  isScratch(path) || (rendered.test(path) && !ownOfHome.test(path)) || home.test(path)

/** A path by whose name there is data. */
const isData = (path: string): boolean =>
  /(^|\/)((?!meta)[^/]*data[^/]*|db|mnesia|storage|journal|ledgers?|raft)(\/|$)/i.test(path) ||
  /^\/(var\/lib|bitnami|cockroach|prometheus|alertmanager|loki|srv)\/?/i.test(path) ||
  isLog(path)

/** A write-ahead log is as much of the data as the files that it is ahead of. */
const isLog = (path: string): boolean =>
  /(^|\/)(([^/]*[-_])?wal|pg_xlog|redo|commit_?log|translog)(\/|$)/i.test(path)

/**
 * A volume under /run is not for sockets if a claim is mounted there, as etcd's often is, and the node's own
 * directories there are few: any other is a data directory.
 */
const claimedRun =
  /^\/(var\/)?run\/(?!(dbus|udev|systemd|containerd|crio|docker|user|secrets)(\/|$)|.*\.sock$)[^/]/

/** True if the container has a place for its data that outlives the pod. */
export const keepsData = (container: PodContainer): boolean =>
  container.keeps.some(
    (path) => !isNoData(path) || claimedRun.test(path) || (!isScratch(path) && isInHome(container, path))
  )

/** What is kept at such a path tells nothing of where the data is: logs, a socket, the node's time zone. */
export const isAside = (path: string): boolean => !isHostData(path, path) && !claimedRun.test(path)

/** A mount whose contents end with the pod: `No` if they are data, `Unknown` if that cannot be told. */
export interface Judged {
  readonly answer: "No" | "Unknown"
  readonly container: PodContainer
  readonly path: string
}

/** The contents of a mount whose volume ends with the pod; `null` if it is not data. */
const judge = (
  workload: Workload,
  volume: OtherVolume,
  container: PodContainer,
  path: string
): Judged["answer"] | null => {
  // Started as what keeps nothing, it has none in its data directory either.
  if (isForgotten(container)) return null
  // Some keep their databases where others have their configuration.
  const isHome = holdsHome(container, path)
  if (isNoData(path) && !isHome) return null
  if (keepsData(container)) {
    if (isLog(path)) return "No"
    const isKept = container.keeps.some((kept) => isData(kept) || isInHome(container, kept))
    return (isHome || isData(path)) && !isKept ? "Unknown" : null
  }
  if (isHome) return isForgetful(container.store ?? "") && !isData(path) ? "Unknown" : "No"
  const { store } = container
  if (store !== null && (isData(path) || (!volume.rendered && !isForgetful(store)))) return "No"
  const beside = workload.template.containers.some(keepsData)
  if (isData(path)) return beside ? "Unknown" : "No"
  if (ownOfHome.test(path)) return volume.rendered || beside ? null : "Unknown"
  return volume.rendered || beside || store !== null || workload.kind !== "StatefulSet" ? null : "Unknown"
}

const judged = (workload: Workload, volume: OtherVolume): Judged | null => {
  const found = volume.writers.flatMap((writer): ReadonlyArray<Judged> => {
    const path = writer.slice(writer.indexOf(":") + 1)
    const container = workload.template.containers.find(
      ({ name }) => name === writer.slice(0, writer.indexOf(":"))
    )
    const answer = container === undefined ? null : judge(workload, volume, container, path)
    return container === undefined || answer === null ? [] : [{ answer, container, path }]
  })
  const lost = found.filter(({ answer }) => answer === "No")
  return lost.find(({ path }) => isData(path)) ?? lost[0] ?? found[0] ?? null
}

/** What the workload's pods keep on an emptyDir or an ephemeral volume, as far as it is data or may be. */
export const onEphemeral = (
  state: AppState,
  workload: Workload
): ReadonlyArray<Judged & { readonly volume: OtherVolume }> =>
  state.volumes
    .filter(
      (volume) =>
        volume.workload === `${workload.kind}/${workload.name}` &&
        (volume.source === "emptyDir" || volume.source === "ephemeral")
    )
    .flatMap((volume) => {
      const one = judged(workload, volume)
      return one === null ? [] : [{ ...one, volume }]
    })

/** Stores that are known and have no volume for what they hold. */
export const bare = (state: AppState, workload: Workload): ReadonlyArray<PodContainer> => {
  const told = new Set(onEphemeral(state, workload).map(({ container }) => container.store))
  const { containers } = workload.template
  return containers.filter(
    (container) =>
      container.store !== null &&
      // A cache in a Deployment is meant as one: its pods have no identity to come back to.
      (workload.kind === "StatefulSet" || !isForgetful(container.store)) &&
      !told.has(container.store) &&
      !keepsData(container) &&
      // Beside one that keeps its data, another of its image is that one's client.
      !containers.some((other) => other.store === container.store && keepsData(other))
  )
}
