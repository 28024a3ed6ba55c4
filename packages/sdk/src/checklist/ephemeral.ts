/**
 * Data that ends with its pod: on an emptyDir or an ephemeral volume, on a volume of the image, or on no volume at all.
 *
 * Each mount is judged by its path, by what its container is known to run, and by what that container
 * keeps elsewhere. Where none of these tells, it is unknown: no volume is not no state.
 */
import type { Question } from "./verdict.ts"
import type { Claim, OtherVolume } from "../Claim.ts"
import { isHostData, isScratch } from "../state/HostPath.ts"
import { holdsHome, isForgetful, isForgotten, isInHome, isStateless, keepsApart } from "../state/Store.ts"
import type { AppState } from "../state/AppState.ts"
import type { PodContainer, Workload } from "../Topology.ts"
import { type Facts, no, rule, type Rule, type Evidence, unknown } from "./rule.ts"
import { claimsOf } from "./parts.ts"
import { change, intoClaim, names, title } from "./words.ts"

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

const keepsData = (container: PodContainer): boolean =>
  container.keeps.some(
    (path) => !isNoData(path) || claimedRun.test(path) || (!isScratch(path) && isInHome(container, path))
  )

/** What is kept at such a path tells nothing of where the data is: logs, a socket, the node's time zone. */
const isAside = (path: string): boolean => !isHostData(path, path) && !claimedRun.test(path)

/** Workloads whose pods are to come back with what they had. */
const keepers = (state: AppState): ReadonlyArray<Workload> =>
  state.workloads.filter(({ kind, replicas }) => kind !== "DaemonSet" && replicas > 0)

interface Judged {
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

const onEphemeral = (
  state: AppState,
  workload: Workload
): ReadonlyArray<Judged & { readonly volume: OtherVolume }> =>
  state.volumes
    .filter(
      (volume) =>
        volume.workload === title(workload) && (volume.source === "emptyDir" || volume.source === "ephemeral")
    )
    .flatMap((volume) => {
      const one = judged(workload, volume)
      return one === null ? [] : [{ ...one, volume }]
    })

/** If it is unknown whether it is data, only its owner knows. */
const claimIt = (workload: Workload, answer: Judged["answer"], store: string | null): string =>
  store !== null && isForgetful(store)
    ? `unless it may be lost, ${intoClaim("the data", workload)}`
    : answer === "No"
      ? intoClaim("the data", workload)
      : `if it is data, ${intoClaim("it", workload)}`

const emptyDirData = ({ state }: Facts): ReadonlyArray<Evidence> =>
  keepers(state).flatMap((workload) =>
    onEphemeral(state, workload).map(({ answer, container, path, volume }) => {
      const memory = volume.detail === "Memory" ? " in memory" : ""
      const at = `${container.name}:${path} is on ${volume.source} ${volume.name}${memory}`
      const remedy = claimIt(workload, answer, container.store)
      return answer === "No"
        ? no(`${at}: its data is lost with the pod`, [volume.workload], remedy)
        : unknown(`${at}: cannot tell whether it is data`, [volume.workload], remedy)
    })
  )

/** Stores that are known and have no volume for what they hold. */
const bare = (state: AppState, workload: Workload): ReadonlyArray<PodContainer> => {
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

/** Its claims, if no container mounts any of them. */
const unmounted = (state: AppState, workload: Workload): ReadonlyArray<Claim> => {
  const claims = claimsOf(state, workload)
  return claims.some(({ mounted }) => mounted) ? [] : claims
}

/** True if nothing in the configuration of the pods shows whether they keep data. */
const isUntold = (state: AppState, workload: Workload): boolean =>
  workload.kind === "StatefulSet" &&
  (workload.claimTemplates.length === 0 || unmounted(state, workload).length > 0) &&
  onEphemeral(state, workload).length === 0 &&
  !workload.template.containers.some(
    ({ keeps, store }) => store !== null || keeps.some((path) => !isAside(path))
  ) &&
  workload.template.containers.some(({ image, readOnly }) => !readOnly && !isStateless(image))

const noVolume = ({ state }: Facts): ReadonlyArray<Evidence> =>
  keepers(state).flatMap((workload) => {
    // A volume is there, and needs but a place in a container.
    const idle = names([...new Set(unmounted(state, workload).map(({ name, template }) => template ?? name))])
    return [
      ...bare(state, workload).map(({ name, store }) => {
        const answer = isForgetful(store ?? "") ? "Unknown" : "No"
        const runs = `${name} runs ${store}${idle === "" ? " without a volume" : `, and no container mounts ${idle}`}`
        const remedy =
          idle === "" ? claimIt(workload, answer, store) : `mount ${idle} where ${store} stores its data`
        return answer === "Unknown"
          ? unknown(`${runs}: cannot tell whether it stores data`, [title(workload)], remedy)
          : no(`${runs}: its data is lost with the pod`, [title(workload)], remedy)
      }),
      ...(isUntold(state, workload)
        ? [
            unknown(
              idle === ""
                ? `${workload.name} has no volume: cannot tell whether its containers store data`
                : `no container of ${workload.name} mounts ${idle}: cannot tell whether they store data`,
              [title(workload)],
              idle === ""
                ? `if they store data, ${intoClaim("it", workload)}`
                : `if they store data, mount ${idle} where they do`
            )
          ]
        : [])
    ]
  })

/**
 * The container runtime's own volume covers that part of the claim. A remedy starts with the copy: each
 * change of the mounts makes new pods, and those begin empty.
 */
const inImageVolume = ({ state }: Facts): ReadonlyArray<Evidence> =>
  keepers(state).flatMap((workload) =>
    workload.template.containers.flatMap(({ imageVolumes, name }) => {
      const [volume] = imageVolumes
      if (volume === undefined) return []
      const { certain, path } = volume
      const mount = change(workload, `mount the claim at ${path}, not above it`)
      const remedy = `copy the data out of the running pod first, as a restart loses it, then ${mount}`
      const on = `${name}:${path} is on a volume of its image`
      return [
        certain
          ? no(`${on}: its data is lost with the pod`, [title(workload)], remedy)
          : unknown(`${on}: cannot tell whether data is there`, [title(workload)], `if it is, ${remedy}`)
      ]
    })
  )

/** True if its claims hold nothing: all that is written is on volumes of the images below them. */
export const isAllInImageVolumes = (state: AppState): boolean => {
  const containers = keepers(state).flatMap(({ template }) => template.containers)
  return containers.some(({ keeps }) => keeps.length > 0) && !containers.some(keepsApart)
}

/** Something is known, or may be, that ends with its pod: no claims are not no data then. */
export const hasEphemeralData = (facts: Facts): boolean =>
  emptyDirData(facts).length > 0 || inImageVolume(facts).length > 0 || noVolume(facts).length > 0

export const ephemeralRules = (question: Question): ReadonlyArray<Rule> => [
  rule(question, "data-in-empty-dir", emptyDirData),
  rule(question, "data-in-image-volume", inImageVolume),
  rule(question, "data-in-no-volume", noVolume)
]
