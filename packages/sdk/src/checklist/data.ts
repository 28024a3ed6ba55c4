/** The location of data: claims that are not bound, and data that is in no claim at all. */
import type { Question } from "./verdict.ts"
import type { Claim, OtherVolume } from "../Claim.ts"
import { missingVolumes } from "../MissingVolume.ts"
import { absentDriver } from "../state/Driver.ts"
import { isHostData } from "../state/HostPath.ts"
import type { AppState } from "../state/AppState.ts"
import { claimObjects, claimsToCome, claimsToComeOf, liveClaims, statefulSets } from "./parts.ts"
import { sourceless } from "./dataSource.ts"
import { dataFirst } from "./leaving.ts"
import { heldForGood } from "./otherNodes.ts"
import { type Facts, forGood, no, offServer, rule, type Rule, type Evidence } from "./rule.ts"
import { intoClaim, kubectl, kubectlCluster, names, title, verb } from "./words.ts"
import { isAskedFor } from "../Protection.ts"

/** The lowest first: the controller stops at the first one, and creates none that is deleted above it. */
const withoutVolume = (state: AppState): ReadonlyArray<Evidence> =>
  statefulSets(state).flatMap((workload) => {
    const all = missingVolumes(state, workload)
    const [first] = all
    if (first === undefined) return []
    const pods = all.map(({ pod }) => pod)
    const templates = [...new Set(all.flatMap((one) => one.templates))]
    const order = all.length === 1 ? "" : `one at a time, ${first.pod} first: `
    return [
      no(
        `${names(pods)} ${verb(pods, "lacks", "lack")} a volume of ${verb(templates, "template", "templates")} ${names(templates)}: the controller waits for ${first.pod} to be replaced`,
        pods.map((pod) => `Pod/${pod}`),
        dataFirst(state, pods) ?? `${order}${kubectl(state, "delete", "pod", first.pod)}`
      )
    ]
  })

/** The claims that such pods lack. */
const lacked = (state: AppState): ReadonlySet<string> =>
  new Set(
    statefulSets(state)
      .flatMap((workload) => missingVolumes(state, workload))
      .flatMap(({ pod, templates }) => templates.map((template) => `${template}-${pod}`))
  )

const toCome = (state: AppState): ReadonlyArray<Evidence> => {
  const explained = lacked(state)
  const all = claimsToCome(state).filter((name) => !explained.has(name))
  const [workload] = statefulSets(state).filter(({ claimTemplates }) => claimTemplates.length > 0)
  return all.length === 0 || workload === undefined
    ? []
    : [
        no(
          `${names(all)} ${verb(all, "does", "do")} not exist yet: there is no volume`,
          all.map((name) => `PersistentVolumeClaim/${name}`),
          kubectl(state, "describe", "statefulset", workload.name)
        )
      ]
}

/**
 * Claims without a volume because their StorageClass is missing, by StorageClass; `null` if there is no
 * default one.
 */
const classless = (
  state: AppState
): ReadonlyMap<
  string | null,
  ReadonlyArray<{ readonly name: string; readonly storageClass: string | null }>
> => {
  const { storageClasses } = state.protection
  const waiting = [
    ...liveClaims(state).filter((claim) => claim.phase === "Pending"),
    ...claimsToComeOf(state)
  ]
  return Map.groupBy(
    storageClasses === null
      ? []
      : waiting.filter(
          ({ storageClass }) =>
            // An empty class is none: its volumes are made by hand.
            storageClass !== "" && !storageClasses.some((one) => isAskedFor(storageClass, one))
        ),
    ({ storageClass }) => storageClass
  )
}

const classMissing = ({ state }: Facts): ReadonlyArray<Evidence> =>
  [...classless(state)].map(([name, claims]) => {
    const all = claims.map((claim) => claim.name)
    return no(
      `${name === null ? "there is no default StorageClass" : `StorageClass ${name} not found`}: ${names(all)} ${verb(all, "needs a volume", "need volumes")} created manually`,
      [
        ...(name === null ? [] : [`StorageClass/${name}`]),
        ...all.map((claim) => `PersistentVolumeClaim/${claim}`)
      ],
      kubectlCluster("get", "storageclass")
    )
  })

/** Claims that wait for a driver that is not there, by their class and its driver. */
const driverless = (
  state: AppState
): ReadonlyArray<{
  readonly driver: string
  readonly storageClass: string
  readonly claims: ReadonlyArray<string>
}> => {
  const waiting = [
    // One that names its volume waits for that.
    ...liveClaims(state).filter(({ phase, volume }) => phase === "Pending" && volume === null),
    ...claimsToComeOf(state)
  ]
  const isUnread = (driver: string) =>
    state.unread.some(({ resource }) => resource === `csidrivers.storage.k8s.io/${driver}`)
  return (state.protection.storageClasses ?? []).flatMap((one) => {
    const driver = absentDriver(state.protection, one)
    const claims = waiting.flatMap(({ name, storageClass }) => (isAskedFor(storageClass, one) ? [name] : []))
    return driver === null || claims.length === 0 || isUnread(driver)
      ? []
      : [{ driver, storageClass: one.name, claims }]
  })
}

const driverMissing = ({ state }: Facts): ReadonlyArray<Evidence> =>
  driverless(state).map(({ driver, storageClass, claims }) =>
    no(
      `CSIDriver ${driver} of StorageClass ${storageClass} not found: ${names(claims)} ${verb(claims, "gets", "get")} no volume`,
      [
        `CSIDriver/${driver}`,
        `StorageClass/${storageClass}`,
        ...claims.map((claim) => `PersistentVolumeClaim/${claim}`)
      ],
      `install ${driver}, or name a StorageClass whose driver is installed`
    )
  )

/** Claims that wait for a scheduler to choose their pod's node, which nodeName passes over. */
const unscheduled = (state: AppState): ReadonlyArray<Claim> => {
  const late = new Set(
    state.protection.storageClasses?.flatMap(({ name, bindingMode }) =>
      bindingMode === "WaitForFirstConsumer" ? [name] : []
    )
  )
  const named = new Set(
    state.workloads.filter(({ template }) => template.nodeName !== null).map((workload) => title(workload))
  )
  const pods = new Set(state.replicas.flatMap(({ name, workload }) => (named.has(workload) ? [name] : [])))
  return liveClaims(state).filter(
    ({ phase, storageClass, usedBy }) =>
      phase === "Pending" &&
      storageClass !== null &&
      late.has(storageClass) &&
      usedBy.some((pod) => pods.has(pod))
  )
}

const notBound = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const waiting = unscheduled(state)
  // It names a volume that its claimRef keeps for another claim, of the same name even: nobody gives it away.
  const refused = liveClaims(state).flatMap((claim) =>
    claim.phase === "Pending" && claim.volume?.heldBy === "other"
      ? [{ claim, volume: claim.volume.name }]
      : []
  )
  const explained = new Set([
    ...[...[...classless(state).values()].flat(), ...waiting, ...refused.map(({ claim }) => claim)].map(
      ({ name }) => name
    ),
    ...driverless(state).flatMap(({ claims }) => claims),
    ...sourceless(state).flatMap(({ claims }) => claims),
    ...lacked(state)
  ])
  return [
    ...withoutVolume(state),
    ...toCome(state),
    ...refused.map(({ claim, volume }) =>
      no(
        `${claim.name} is Pending: volume ${volume}, which it names, is reserved for another claim`,
        claimObjects([claim]),
        `if the other claim no longer needs it, remove claimRef from ${volume}, or name another volume`
      )
    ),
    ...(waiting.length === 0
      ? []
      : [
          no(
            `${names(waiting.map(({ name }) => name))} ${verb(waiting, "waits", "wait")} for the scheduler, which nodeName bypasses: there is no volume`,
            claimObjects(waiting),
            "select the node by nodeSelector kubernetes.io/hostname rather than by nodeName"
          )
        ]),
    ...[
      ...Map.groupBy(
        liveClaims(state).filter((claim) => claim.phase !== "Bound" && !explained.has(claim.name)),
        (claim) => claim.phase
      )
    ].flatMap(([phase, claims]) => {
      const all = claims.map((claim) => claim.name)
      return claims[0] === undefined
        ? []
        : [
            no(
              phase === "Lost"
                ? `${names(all)} ${verb(all, "is", "are")} Lost: the volume is gone`
                : `${names(all)} ${verb(all, "is", "are")} ${phase}: there is no volume yet`,
              claimObjects(claims),
              kubectl(state, "describe", "pvc", claims[0].name)
            )
          ]
    })
  ]
}

/** A terminating claim waits only for its pod; when the pod is deleted, so is the data (pvc-protection). */
const beingDeleted = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const claims = liveClaims(state).filter((claim) => claim.deleted !== null)
  const { kept = [], lost = [] } = Object.groupBy(claims, ({ volume }) =>
    volume?.reclaimPolicy === "Retain" ? "kept" : "lost"
  )
  const going = lost.flatMap(({ volume }) => (volume?.reclaimPolicy === "Delete" ? [volume.name] : []))
  const are = (all: ReadonlyArray<Claim>) =>
    `${names(all.map(({ name }) => name))} ${verb(all, "is", "are")} being deleted`
  return [
    ...(lost.length === 0
      ? []
      : [
          no(
            `${are(lost)}: the data is deleted with the pod`,
            claimObjects(lost),
            going.length === 0
              ? "keep the pod until its data is copied: a deletion cannot be undone"
              : kubectlCluster(
                  "patch",
                  "pv",
                  ...going,
                  "--type=merge",
                  "-p",
                  JSON.stringify({ spec: { persistentVolumeReclaimPolicy: "Retain" } })
                )
          )
        ]),
    ...(kept.length === 0
      ? []
      : [
          no(
            `${are(kept)}: the volume is kept (Retain), but a new claim would be empty`,
            claimObjects(kept),
            `once the claim is deleted, bind a new one to volume ${names(kept.map(({ volume }) => volume?.name ?? ""))}`
          )
        ])
  ]
}

/**
 * A volume in deletion waits for its claim alone. Where a volume is attached to nodes, no other node gets it any more:
 * the CSI attacher refuses.
 */
const volumeBeingDeleted = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const { drivers } = state.protection
  const going = liveClaims(state).flatMap((claim) => {
    const { volume } = claim
    if (volume === null || volume.deleted === null || claim.deleted !== null) return []
    const driver = drivers?.find(({ name }) => name === volume.driver)
    const isAttached = driver === undefined ? volume.source === "csi" : driver.attachRequired
    return isAttached ? [{ claim, volume }] : []
  })
  const deleting = going.filter(({ volume }) => volume.reclaimPolicy === "Delete")
  const claims = going.map(({ claim }) => claim)
  return claims.length === 0
    ? []
    : [
        no(
          `${verb(claims, "the volume", "volumes")} of ${names(claims.map(({ name }) => name))} ${verb(claims, "is", "are")} being deleted: no other node can attach ${verb(claims, "it", "them")}`,
          [...claimObjects(claims), ...going.map(({ volume }) => `PersistentVolume/${volume.name}`)],
          deleting.length === 0
            ? "copy the data, or create a new volume from the same disk: a deletion cannot be undone"
            : kubectlCluster(
                "patch",
                "pv",
                ...deleting.map(({ volume }) => volume.name),
                "--type=merge",
                "-p",
                JSON.stringify({ spec: { persistentVolumeReclaimPolicy: "Retain" } })
              )
        )
      ]
}

/** Those who write data to a hostPath, as `container:path`. */
const keeps = (volume: OtherVolume): ReadonlyArray<string> =>
  volume.writers.filter((writer) => isHostData(volume.detail ?? "", writer.slice(writer.indexOf(":") + 1)))

/** hostPath volumes that pods write data to. A DaemonSet is there for its node, and so is what it writes. */
const hostPathData = (state: AppState): ReadonlyArray<OtherVolume> =>
  state.volumes.filter(
    (volume) =>
      !volume.workload.startsWith("DaemonSet/") && volume.source === "hostPath" && keeps(volume).length > 0
  )

/** Each of its pods can start on its own node alone, for other reasons than the hostPath: it comes back to its data. */
const isKept = (state: AppState, workload: string): boolean => {
  const replicas = state.replicas.filter((replica) => replica.workload === workload && replica.wanted)
  const held = heldForGood(state)
  return replicas.length > 0 && replicas.every(({ name }) => held.has(name))
}

/** How the pods that mount a volume get a claim in its place. */
const stored = ({ workloads }: AppState, volume: OtherVolume): string | null => {
  const workload = workloads.find((one) => title(one) === volume.workload)
  return workload === undefined ? null : intoClaim("the data", workload)
}

const hostPath = ({ state }: Facts): ReadonlyArray<Evidence> =>
  hostPathData(state).map((volume) => ({
    ...no(
      `${keeps(volume)[0]} is on hostPath ${volume.detail ?? volume.name}: its data stays on the node`,
      [volume.workload],
      stored(state, volume)
    ),
    ...(isKept(state, volume.workload) ? { disruptions: forGood } : {})
  }))

/** Sources that a pod template names itself: the data outlives the pod, and no claim stands for it. */
const served: ReadonlySet<string> = new Set([
  "awsElasticBlockStore",
  "azureDisk",
  "azureFile",
  "cephfs",
  "cinder",
  "fc",
  "flexVolume",
  "gcePersistentDisk",
  "glusterfs",
  "iscsi",
  "nfs",
  "portworxVolume",
  "quobyte",
  "rbd",
  "scaleIO",
  "storageos",
  "vsphereVolume"
])

/** Paths of backups: their data is elsewhere. */
const backups = /\/backups?(\/|$)/i

const servedData = (state: AppState): ReadonlyArray<OtherVolume> =>
  state.volumes.filter(
    (volume) => served.has(volume.source) && keeps(volume).some((writer) => !backups.test(writer))
  )

/** Data that neither a claim holds nor ends with the pod. */
export const hasDataOutside = (state: AppState): boolean =>
  servedData(state).length > 0 || hostPathData(state).length > 0

const withoutClaim = ({ state }: Facts): ReadonlyArray<Evidence> =>
  servedData(state).map((volume) =>
    no(
      `${keeps(volume).find((writer) => !backups.test(writer))} is on ${volume.source} ${volume.detail ?? volume.name}: its data is on no claim`,
      [volume.workload],
      stored(state, volume)
    )
  )

/** Snapshots, moves and backups are of claims. */
export const withoutClaimRule = (question: Question): Rule =>
  rule(question, "data-without-claim", withoutClaim)
export const notBoundRule = (question: Question): Rule => rule(question, "claim-not-bound", notBound)
export const beingDeletedRule = (question: Question): Rule =>
  rule(question, "claim-being-deleted", beingDeleted)
/** A pod that comes back on its own server finds its volume still attached there. */
export const volumeBeingDeletedRule: Rule = rule(
  "restart",
  "volume-being-deleted",
  volumeBeingDeleted,
  offServer
)
export const classMissingRule = (question: Question): Rule =>
  rule(question, "storage-class-missing", classMissing)
export const driverMissingRule = (question: Question): Rule =>
  rule(question, "driver-not-installed", driverMissing)
export const hostPathRule = (question: Question): Rule => rule(question, "data-on-host-path", hostPath)
