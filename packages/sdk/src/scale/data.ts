/**
 * Claims that cannot be kept, as facts of a plan: terminating, Lost or Pending ones, and those that name a
 * volume bound to another claim. Pure.
 */
import { type Claim, trouble } from "../Claim.ts"
import * as Quantity from "../Quantity.ts"
import { type Protection, isAskedFor } from "../Protection.ts"
import type { AppState } from "../state/AppState.ts"
import { absentDriver } from "../state/Driver.ts"
import { bare, onEphemeral } from "../state/PodData.ts"
import { isForgetful } from "../state/Store.ts"
import type { Workload } from "../Topology.ts"
import type { ClaimSlot } from "../step/claims.ts"
import type { Refusal } from "../operation/Plan.ts"
import { span } from "../Ordinal.ts"
import { shellWord } from "../ShellWord.ts"
import { beingRead } from "../wait/holders.ts"

const retain = (volume: string): string =>
  `kubectl patch pv ${shellWord(volume)} -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'`

const untilGone = (object: string, namespace: string): string =>
  `kubectl wait --for=delete ${shellWord(object)} -n ${shellWord(namespace)} --timeout=10m`

const sourceOf = ({ claimTemplates }: Workload, template: string | null): string | null => {
  const source = claimTemplates.find(({ name }) => name === template)?.dataSource ?? null
  return source === null ? null : `${source.kind}/${source.name}`
}

/** The volume that the controller asks for in a new claim: a template may name what fills it. */
export const fresh = (workload: Workload, template: string | null): string => {
  const source = sourceOf(workload, template)
  return source === null ? "an empty volume" : `a volume filled from ${source}`
}

/** The templates whose new claims are not empty, as the end of a line. */
export const filledFrom = (workload: Workload): string => {
  const filled = workload.claimTemplates.flatMap(({ name }) => {
    const source = sourceOf(workload, name)
    return source === null ? [] : [`${name} is filled from ${source}`]
  })
  return filled.length === 0 ? "" : `: ${filled.join(", ")}`
}

/** True if the data survives the claim. */
export const outlives = ({ volume }: Claim): boolean => volume?.reclaimPolicy === "Retain"

/**
 * A claim that loses its pod while it is being deleted: its data is deleted with the pod, unless the volume
 * is retained.
 */
const going = (claim: Claim): ReadonlyArray<Refusal> =>
  claim.deleted === null || outlives(claim)
    ? []
    : [
        {
          reason: `claim ${claim.name} is being deleted: its data would be deleted with its pod`,
          remedy:
            claim.volume === null
              ? "wait until it is gone"
              : `to keep the data: ${retain(claim.volume.name)}; then scale again`
        }
      ]

/** A leftover claim that a new pod could not start with, or would start without the data that it is recorded to have. */
const unusable = (
  namespace: string,
  workload: Workload,
  claim: Claim,
  aside: boolean
): ReadonlyArray<Refusal> => {
  const then = fresh(workload, claim.template)
  const { name, deleted, phase, volume } = claim
  const why = trouble(claim)
  const reader = beingRead(claim.finalizers)
  if (why === null && aside && reader !== null) {
    return [
      {
        reason: `claim ${name} is in use by ${reader}: it cannot be set aside`,
        remedy: `wait until that is done, or delete what reads it, which \`kubectl get volumesnapshots,pvc -n ${shellWord(namespace)}\` shows`
      }
    ]
  }
  if (why === null) return []
  const remove = `kubectl delete pvc ${shellWord(name)} -n ${shellWord(namespace)}`
  if (deleted !== null) {
    const save = volume === null || outlives(claim) ? "" : `to keep its data: ${retain(volume.name)}; then `
    return [
      {
        reason: `${why}: no pod is created until it is gone, and then with ${then}`,
        remedy: `${save}wait until it is gone: ${untilGone(`pvc/${name}`, namespace)}`
      }
    ]
  }
  if (phase === "Pending" && volume?.heldBy !== "other") {
    return aside
      ? [
          {
            reason: `${name} has no volume to set aside`,
            remedy:
              claim.dataSource === null
                ? `it has no data: ${remove}, or use --leftover-claims keep`
                : `it is to be filled from ${claim.dataSource}: use --leftover-claims keep to start with that`
          }
        ]
      : []
  }
  return [
    {
      reason: `${why}: no pod can mount it, and it has no data to keep`,
      remedy: `to start with ${then}: ${remove}; to start on data, bind the claim to the volume that has it first`
    }
  ]
}

/** A leftover claim whose pod still exists under whenScaled Delete: it is deleted with that pod. */
const doomed = (namespace: string, workload: Workload, claim: Claim): Refusal => {
  const set = workload.name
  const { name, ordinal } = claim
  const pod = `${set}-${ordinal}`
  const policy = `{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Retain"}}}`
  return {
    reason: `claim ${name} is deleted with pod ${pod}, which is being removed (whenScaled Delete): the new pod would start with ${fresh(workload, claim.template)}`,
    remedy: `to keep its data, while that pod is there: kubectl patch statefulset ${shellWord(set)} -n ${shellWord(namespace)} -p '${policy}'; to start on that, wait: ${untilGone(`pod/${pod}`, namespace)}`
  }
}

/** Refusals about claims whose pods are deleted (`losing`), and about claims that new pods would find (`left`). */
export const dataRefusals = (
  namespace: string,
  workload: Workload,
  claims: {
    readonly losing: ReadonlyArray<Claim>
    readonly left: ReadonlyArray<Claim>
    readonly isAside: (name: string) => boolean
    /** True if the controller deletes it as soon as its pod has ended. */
    readonly isDoomed: (claim: Claim) => boolean
  }
): ReadonlyArray<Refusal> => [
  ...claims.losing.flatMap(going),
  ...claims.left.flatMap((claim) =>
    claim.deleted === null && claims.isDoomed(claim)
      ? [doomed(namespace, workload, claim)]
      : unusable(namespace, workload, claim, claims.isAside(claim.name))
  )
]

/** Access modes by which several pods are meant to have the volume at once. */
const isShared = ({ accessModes }: Claim): boolean =>
  accessModes.some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany")

/**
 * Refusals about claims that other workloads' pods have mounted: a claim belongs to a StatefulSet only by its
 * name, and another set, a Job or a user may have one of that name.
 */
export const mountRefusals = (
  { namespace, name }: { readonly namespace: string; readonly name: string },
  mountedBy: Readonly<Record<string, ReadonlyArray<string>>>,
  claims: {
    readonly left: ReadonlyArray<Claim>
    readonly isAside: (name: string) => boolean
    /** Claims that are deleted with their data once their pods are deleted. */
    readonly deleted: ReadonlyArray<Claim>
  }
): ReadonlyArray<Refusal> => {
  const others = (claim: Claim): ReadonlyArray<string> =>
    (mountedBy[claim.name] ?? []).filter((pod) => pod !== `${name}-${claim.ordinal}`)
  const end = (pods: ReadonlyArray<string>) =>
    `find out what it belongs to (kubectl describe pod ${shellWord(pods[0] ?? "POD")} -n ${shellWord(namespace)}), and delete it or wait`
  return [
    ...claims.left.flatMap((claim) => {
      const pods = others(claim)
      if (pods.length === 0) return []
      const reason = `claim ${claim.name} is mounted by ${pods.join(", ")}`
      if (claims.isAside(claim.name)) {
        return [{ reason: `${reason}: it cannot be set aside`, remedy: end(pods) }]
      }
      return isShared(claim)
        ? []
        : [{ reason: `${reason}: two would write to one volume, or wait for it`, remedy: end(pods) }]
    }),
    ...claims.deleted.flatMap((claim) => {
      const pods = others(claim)
      return pods.length === 0
        ? []
        : [
            {
              reason: `claim ${claim.name} is mounted by ${pods.join(", ")} too: whenScaled Delete takes its data from there`,
              remedy: `use --when-scaled Retain; or ${end(pods)}`
            }
          ]
    })
  ]
}

/** Leftover claims that are smaller than a new one would be: the template was changed since. */
export const smaller = (
  namespace: string,
  { claimTemplates }: Workload,
  left: ReadonlyArray<Claim>
): ReadonlyArray<string> =>
  left.flatMap(({ name, template, capacity }) => {
    const asked = claimTemplates.find((one) => one.name === template)?.requested ?? null
    return asked === null || capacity === null || Quantity.compare(capacity, asked) !== -1
      ? []
      : [
          `${name} has ${capacity}, its template asks for ${asked} by now: to expand it, kubectl edit pvc ${shellWord(name)} -n ${shellWord(namespace)}`
        ]
  })

/** Templates that ask for less than each existing claim: those were expanded, which a template cannot be. */
export const outgrown = (
  { claimTemplates }: Workload,
  claims: ReadonlyArray<Claim>,
  made: ReadonlyArray<ClaimSlot>
): ReadonlyArray<string> =>
  claimTemplates.flatMap(({ name, requested }) => {
    const sizes = claims.flatMap((one) =>
      one.template === name && one.requested !== null ? [one.requested] : []
    )
    const here = made.filter(({ template }) => template === name).map((slot) => slot.name)
    const isLess = (size: string) => requested !== null && Quantity.compare(requested, size) === -1
    const [gets, them] = here.length === 1 ? ["gets", "it"] : ["get", "them"]
    return here.length === 0 || sizes.length === 0 || !sizes.every(isLess)
      ? []
      : [
          `${span(here)} ${gets} ${requested}, as template ${name} asks, which is less than each existing claim: expand ${them} afterwards`
        ]
  })

/**
 * New claims that point to a problem: those that nothing provisions a volume for, those that nothing fills, and
 * those below an ordinal with a leftover claim, which therefore had one, with data.
 */
export const missing = (
  workload: Workload,
  protection: Protection,
  left: ReadonlyArray<Claim>,
  made: ReadonlyArray<ClaimSlot>
): ReadonlyArray<string> =>
  workload.claimTemplates.flatMap(({ name, storageClass, dataSource }) => {
    const here = made.filter(({ template }) => template === name)
    const [first] = here
    if (first === undefined) return []
    const { storageClasses: classes } = protection
    const found = classes?.find((one) => isAskedFor(storageClass, one))
    const driver = found === undefined ? null : absentDriver(protection, found)
    const why =
      storageClass === ""
        ? "has no StorageClass"
        : found?.provisioner === "kubernetes.io/no-provisioner"
          ? `has StorageClass ${found.name} without a provisioner`
          : driver !== null
            ? `has StorageClass ${found?.name}, whose CSIDriver ${driver} does not exist`
            : classes !== null && found === undefined
              ? storageClass === null
                ? "has no StorageClass, and there is no default"
                : `has StorageClass ${storageClass}, which does not exist`
              : null
    const highest = Math.max(-1, ...left.flatMap((one) => (one.template === name ? [one.ordinal ?? -1] : [])))
    const gone = here.filter(({ ordinal }) => ordinal < highest)
    const list = (slots: ReadonlyArray<ClaimSlot>) => slots.map((slot) => slot.name).join(", ")
    const withoutVolume = `${span(here.map((slot) => slot.name))} ${here.length === 1 ? "gets" : "get"} no volume`
    return [
      ...(dataSource?.present === false
        ? [
            `template ${name} is filled from ${dataSource.kind}/${dataSource.name}, which does not exist: ${withoutVolume} until it does`
          ]
        : []),
      ...(why === null
        ? []
        : [`template ${name} ${why}: ${withoutVolume} unless one is created manually and is Available`]),
      ...(gone.length === 0
        ? []
        : [
            `${list(gone)} ${gone.length === 1 ? "is" : "are"} gone, while ${name}-${workload.name}-${highest} is there: ${gone.length === 1 ? "its pod starts" : "their pods start"} with ${fresh(workload, name)}`
          ])
    ]
  })

/** Data that no claim keeps: it is deleted with the pods that a scale-down removes. */
export const lostWithPods = (state: AppState, workload: Workload): ReadonlyArray<string> => {
  const lost = "its data is deleted with each pod that is removed"
  return [
    ...onEphemeral(state, workload).flatMap(({ answer, container, path, volume }) =>
      answer === "No" ? [`${container.name}:${path} is on ${volume.source} ${volume.name}: ${lost}`] : []
    ),
    ...bare(state, workload).flatMap(({ name, store }) =>
      store === null || isForgetful(store) ? [] : [`${name} runs ${store} without a volume: ${lost}`]
    )
  ]
}
