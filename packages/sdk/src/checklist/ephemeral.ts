/** Data that ends with its pod: on an emptyDir or an ephemeral volume, on a volume of the image, or on no volume at all. */
import type { Question } from "./verdict.ts"
import type { Claim } from "../Claim.ts"
import { bare, isAside, type Judged, onEphemeral } from "../state/PodData.ts"
import { isForgetful, isStateless, keepsApart } from "../state/Store.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import { type Facts, no, rule, type Rule, type Evidence, unknown } from "./rule.ts"
import { claimsOf } from "./parts.ts"
import { change, intoClaim, names, title } from "./words.ts"

/** Workloads whose pods are to come back with what they had. */
const keepers = (state: AppState): ReadonlyArray<Workload> =>
  state.workloads.filter(({ kind, replicas }) => kind !== "DaemonSet" && replicas > 0)

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
