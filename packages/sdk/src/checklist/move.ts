/**
 * Can it move to another cluster? Without a target the question is about some cluster with the
 * same classes and drivers, and the evidence says so.
 */
import type { Claim } from "../Claim.ts"
import type { AppState } from "../state/AppState.ts"
import { homeOf } from "../state/Driver.ts"
import { copiesOf } from "./copies.ts"
import { referenceMissingRule } from "./configuration.ts"
import { beingDeletedRule, hostPathRule, withoutClaimRule } from "./data.ts"
import { boundClaims, byDriver, claimNames, claimObjects, liveClaims } from "./parts.ts"
import { hostDevicesOf } from "./needs.ts"
import { portable } from "./portable.ts"
import { ephemeralRules } from "./ephemeral.ts"
import { onOneNode } from "./otherNodes.ts"
import { aloneWords, volumeObjects } from "./pins.ts"
import { type Facts, no, rule, type Rule, type Evidence, type Target, unknown } from "./rule.ts"
import { unreadRule } from "./unread.ts"
import { kubectl, kubectlCluster, names, title, verb } from "./words.ts"

const classesOf = (state: AppState): ReadonlyArray<string> =>
  [
    ...new Set(liveClaims(state).flatMap((claim) => (claim.storageClass ? [claim.storageClass] : [])))
  ].toSorted()

const nodeBound = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const volumes = onOneNode(state)
  return volumes.length === 0
    ? []
    : [
        no(
          aloneWords(volumes),
          volumeObjects(state, volumes),
          "move the data to a StorageClass whose volumes are not local to a node"
        )
      ]
}

/** Local and hostPath volumes are reported by the rule above. */
const withoutDriver = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const claims = boundClaims(state).filter(
    (claim) => claim.volume?.source != null && !["csi", "local", "hostPath"].includes(claim.volume.source)
  )
  const sources = [...new Set(claims.map((claim) => claim.volume?.source ?? ""))]
  return claims.length === 0
    ? []
    : [
        no(
          `${claimNames(state, claims)}: ${names(sources)} volumes do not support snapshots`,
          claimObjects(claims),
          "move the data to a StorageClass whose CSI driver supports snapshots"
        )
      ]
}

/** Snapshots of such a driver end with the cluster; only a copy elsewhere moves. */
const inClusterOnly = ({ state }: Facts): ReadonlyArray<Evidence> =>
  [...byDriver(state)].flatMap(([driver, claims]) => {
    const home = homeOf(driver)
    const stay = claims.filter((claim) => copiesOf(state, claim).length === 0)
    if (home === null || stay.length === 0) return []
    const objects = [`CSIDriver/${driver}`, ...claimObjects(stay)]
    const copy = "copy the data out with a backup tool (Velero, VolSync)"
    return home === "cluster"
      ? [no(`${driver} keeps ${claimNames(state, stay)} on this cluster's own disks`, objects, copy)]
      : [
          unknown(
            `${driver}: cannot tell whether ${claimNames(state, stay)} ${verb(stay, "is", "are")} on this cluster's own disks`,
            objects,
            `if ${verb(stay, "it is", "they are")}, ${copy}`
          )
        ]
  })

/** Its volume is created manually, or is the one that it names. */
const waitsForHand = (state: AppState, { phase, storageClass, volume }: Claim): boolean =>
  phase === "Pending" &&
  (volume !== null ||
    storageClass === "" ||
    state.protection.storageClasses?.find(({ name }) => name === storageClass)?.provisioner ===
      "kubernetes.io/no-provisioner")

/** A Lost claim cannot move; a claim that waits for its first volume has no data to leave behind. */
const withoutVolume = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const lost = liveClaims(state).filter(({ phase }) => phase === "Lost")
  const byHand = liveClaims(state).filter((claim) => waitsForHand(state, claim))
  const say = (claims: ReadonlyArray<Claim>, answer: typeof no, why: string): ReadonlyArray<Evidence> =>
    claims[0] === undefined
      ? []
      : [
          answer(
            `${claimNames(state, claims)} ${verb(claims, "is", "are")} ${why}`,
            claimObjects(claims),
            kubectl(state, "describe", "pvc", claims[0].name)
          )
        ]
  return [
    ...say(lost, no, "Lost: the volume is gone"),
    ...say(byHand, unknown, "Pending: the volume is not known yet")
  ]
}

const withoutClass = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const claims = boundClaims(state).filter((claim) => !claim.storageClass && claim.volume?.source === "csi")
  return claims.length === 0
    ? []
    : [
        unknown(
          `${claimNames(state, claims)}: no StorageClass, so volumes must be created manually there too`,
          claimObjects(claims),
          "give the claims a StorageClass"
        )
      ]
}

const hostnameKey = "kubernetes.io/hostname"
/** Within a line of node affinity; `notin` names nodes to stay away from, which does no harm elsewhere. */
const namedNode = /(kubernetes\.io\/hostname|metadata\.name) in \(/

const namesNode = ({ state }: Facts): ReadonlyArray<Evidence> =>
  state.workloads.flatMap((workload) => {
    const { nodeName } = workload.template
    if (nodeName !== null) {
      return [
        no(
          `nodeName of ${workload.name} is ${nodeName}, which no other cluster has`,
          [title(workload), `Node/${nodeName}`],
          "remove nodeName from the manifest for the other cluster"
        )
      ]
    }
    const chosen = workload.template.nodeSelector[hostnameKey]
    if (chosen !== undefined) {
      return [
        no(
          `nodeSelector of ${workload.name} names ${chosen}, which no other cluster has`,
          [title(workload), `Node/${chosen}`],
          // Here it may be what keeps a pod with data that is on that node.
          `remove ${hostnameKey} from the manifest for the other cluster`
        )
      ]
    }
    const line = workload.template.affinity.find((one) => one.startsWith("node ") && namedNode.test(one))
    return line === undefined
      ? []
      : [
          no(
            `affinity of ${workload.name} names nodes, which no other cluster has`,
            [title(workload)],
            `in the manifest for the other cluster, select labels other than ${hostnameKey}`
          )
        ]
  })

const devicesOf = (state: AppState): ReadonlyArray<string> =>
  [
    ...new Set(
      state.workloads.flatMap(({ template }) => [
        ...Object.keys(template.extendedResources),
        ...template.resourceClaims.map((name) => `ResourceClaim ${name}`)
      ])
    )
  ].toSorted()

/** Device files on another cluster's nodes are in no list of the API. */
const hostDevices = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const volumes = hostDevicesOf(state)
  const paths = [...new Set(volumes.map(({ path }) => path))].toSorted()
  return paths.length === 0
    ? []
    : [
        unknown(`it needs ${names(paths)} of its nodes: cannot tell whether other nodes have it`, [
          ...new Set(volumes.map(({ workload }) => workload))
        ])
      ]
}

const devices = ({ state, settings }: Facts): ReadonlyArray<Evidence> => {
  const all = devicesOf(state)
  const there = settings.target?.devices
  const apps = state.workloads.map(title)
  if (there === undefined) {
    return all.length === 0
      ? []
      : [unknown(`it needs ${names(all)}: cannot tell whether another cluster has it`, apps)]
  }
  const absent = all.filter((device) => !there.includes(device))
  return absent.length === 0
    ? []
    : [no(`${names(absent)} is not available on ${settings.target?.name}`, apps)]
}

const operator = ({ state, settings }: Facts): ReadonlyArray<Evidence> =>
  state.workloads.flatMap((workload) =>
    workload.writers
      .filter((writer) => writer.by === "ownerReferences")
      .flatMap((writer) => {
        const kind = writer.name.split("/")[0] ?? writer.name
        const kinds = settings.target?.kinds
        if (kinds?.includes(kind) === true) return []
        return [
          (kinds === undefined ? unknown : no)(
            kinds === undefined
              ? `${workload.name} is owned by ${writer.name}: the other cluster needs its operator too`
              : `${workload.name} is owned by ${writer.name}, and ${settings.target?.name} has no ${kind}`,
            [title(workload), writer.name],
            "install the operator there, and move the custom resource rather than the workload"
          )
        ]
      })
  )

const hostNetwork = ({ state }: Facts): ReadonlyArray<Evidence> =>
  state.workloads
    .filter(({ template }) => template.hostNetwork || template.hostPorts.length > 0)
    .map((workload) =>
      unknown(
        `${workload.name} uses host ports: cannot tell whether they are free on the other cluster`,
        [title(workload)],
        // Here its members, or others, may know each other by their nodes' addresses.
        `reserve ${workload.template.hostPorts.length === 0 ? "its ports" : names(workload.template.hostPorts)} on the nodes there`
      )
    )

/** Does nothing without a target, or where the target's list was not read. */
const absent =
  (
    wanted: (state: AppState) => ReadonlyArray<string>,
    there: (target: Target) => ReadonlyArray<string> | undefined,
    kind: string,
    label: string,
    remedy: string
  ) =>
  ({ state, settings }: Facts): ReadonlyArray<Evidence> => {
    const target = settings.target
    const all = wanted(state)
    if (target === null || all.length === 0) return []
    const offered = there(target)
    if (offered === undefined) {
      return [
        unknown(
          `cannot read whether ${target.name} has ${label} ${names(all)}`,
          all.map((name) => `${kind}/${name}`)
        )
      ]
    }
    const gone = all.filter((name) => !offered.includes(name))
    return gone.length === 0
      ? []
      : [
          no(
            `${target.name} has no ${label} ${names(gone)}`,
            gone.map((name) => `${kind}/${name}`),
            remedy
          )
        ]
  }

const driversOf = (state: AppState): ReadonlyArray<string> => [...byDriver(state).keys()].toSorted()

/** `v1.36.3` as 136 would be ambiguous; major times a thousand is not. */
const minor = (version: string): number | null => {
  const found = /^v?(\d+)\.(\d+)/.exec(version)
  return found === null ? null : Number(found[1]) * 1000 + Number(found[2])
}

const older = ({ state, settings }: Facts): ReadonlyArray<Evidence> => {
  const [here, there] = [state.serverVersion, settings.target?.serverVersion]
  if (here == null || there === undefined) return []
  const [from, to] = [minor(here), minor(there)]
  return from !== null && to !== null && to < from
    ? [
        unknown(
          `${settings.target?.name} runs ${there}, this cluster ${here}: fields may be unknown there`,
          [],
          "try its manifests there with a server-side dry run"
        )
      ]
    : []
}

/** Its volumes have no driver, and nothing provisioned them: their StorageClass is only a name. */
const isByHand = (state: AppState, storageClass: string): boolean => {
  const volumes = liveClaims(state).flatMap((claim) =>
    claim.storageClass === storageClass ? [claim.volume] : []
  )
  return volumes.every((volume) => volume !== null && volume.driver === null)
}

/** Its class does not exist here either: the next claim of the template would wait for ever, or for a volume by hand. */
const classGone = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const known = state.protection.storageClasses?.map((one) => one.name)
  const absent = known === undefined ? [] : classesOf(state).filter((name) => !known.includes(name))
  const { byHand = [], gone = [] } = Object.groupBy(absent, (name) =>
    isByHand(state, name) ? "byHand" : "gone"
  )
  return [
    ...(gone.length === 0
      ? []
      : [
          no(
            `StorageClass ${names(gone)} not found: no new volume can be provisioned`,
            gone.map((name) => `StorageClass/${name}`),
            kubectlCluster("get", "storageclass")
          )
        ]),
    ...byHand.map((name) =>
      unknown(
        `StorageClass ${name} does not exist: its volumes must be created manually, there too`,
        [`StorageClass/${name}`],
        "create volumes of that class there first, or give the claims a StorageClass that provisions them"
      )
    )
  ]
}

/** Lists its requirements only if nothing prevents the move. */
const only = (found: ReadonlyArray<Rule>): Rule =>
  rule("move", "needs-on-target", (facts) =>
    found.some((one) => one.check(facts).some((finding) => finding.answer !== "Yes")) ? [] : portable(facts)
  )

const obstacles: ReadonlyArray<Rule> = [
  rule("move", "volume-on-one-node", nodeBound),
  rule("move", "volume-without-driver", withoutDriver),
  rule("move", "driver-in-cluster", inClusterOnly),
  beingDeletedRule("move"),
  rule("move", "claim-not-bound", withoutVolume),
  ...ephemeralRules("move"),
  hostPathRule("move"),
  withoutClaimRule("move"),
  rule("move", "storage-class-gone", classGone),
  rule("move", "claim-without-class", withoutClass),
  rule(
    "move",
    "class-absent-on-target",
    absent(
      classesOf,
      (target) => target.storageClasses?.map((one) => one.name),
      "StorageClass",
      "StorageClass",
      "create that StorageClass there, or map it to another one of the same driver"
    )
  ),
  rule(
    "move",
    "driver-absent-on-target",
    absent(
      driversOf,
      (target) => target.drivers,
      "CSIDriver",
      "driver",
      "copy the data: snapshots move within one driver only"
    )
  ),
  rule(
    "move",
    "snapshot-class-absent-on-target",
    absent(
      driversOf,
      (target) => target.snapshotClasses?.filter((one) => !one.group).map((one) => one.driver),
      "CSIDriver",
      "VolumeSnapshotClass for",
      "create a VolumeSnapshotClass for that driver there"
    )
  ),
  rule("move", "target-older", older),
  rule("move", "selector-names-node", namesNode),
  rule("move", "device-needed", (facts) => [...devices(facts), ...hostDevices(facts)]),
  rule("move", "operator-needed", operator),
  rule("move", "host-network", hostNetwork),
  referenceMissingRule("move"),
  unreadRule("move")
]

export const moveRules: ReadonlyArray<Rule> = [only(obstacles), ...obstacles]
