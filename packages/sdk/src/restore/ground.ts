/**
 * Requirements of the new volumes and of their check pods, as far as they can be known in advance: room in
 * quotas, nodes that accept the pods, devices, a runtime, and a volume snapshot of the requested volume mode.
 */
import { fitted, type Limit } from "../LimitRange.ts"
import type { Refusal } from "../operation/Plan.ts"
import { counted, obstacle } from "../Obstacle.ts"
import type { Node } from "../Placement.ts"
import { claimNeeds, type Needs, overrun, podNeeds, type Quota } from "../Quota.ts"
import { shellWord } from "../ShellWord.ts"
import type { AppState } from "../state/AppState.ts"
import type { FilledClaim } from "../step/filledClaim.ts"
import { atOneTime } from "../operation/RunSteps.ts"
import { checkPodResources } from "../step/checkPod.ts"
import type { Workload } from "../Topology.ts"
import type { Verify } from "../Verify.ts"
import { slotOf, type Target } from "./target.ts"
import type { Stopped } from "./deployments.ts"
import type { FoundCut } from "./source.ts"

/** The facts that were read; absent if not requested, or without permission. */
export interface Ground {
  readonly quotas?: ReadonlyArray<Quota>
  /** What the namespace's LimitRanges say of pods. */
  readonly limits?: ReadonlyArray<Limit>
  /** RuntimeClasses that pod templates name and that are not there, by StatefulSet. */
  readonly noRuntime?: Readonly<Record<string, string>>
  /** The other users of claims in their pod template, as `Kind/name`, by claim. */
  readonly sharedWith?: Readonly<Record<string, ReadonlyArray<string>>>
}

/**
 * New claims in addition to the existing ones, their check pods at the same time, and then claims that move
 * to another name.
 */
const needsOf = (
  claims: ReadonlyArray<FilledClaim>,
  limits: ReadonlyArray<Limit>,
  verifies: boolean
): ReadonlyArray<{ what: string; needs: Needs }> => {
  const ordinals = new Set(claims.map(({ ordinal }) => ordinal))
  const count = verifies ? 2 : 1
  const container = { name: "prove", resources: fitted(checkPodResources, limits, count) }
  const containers = verifies ? [container, container] : [container]
  const claim = ({ size, storageClass }: FilledClaim) => claimNeeds({ requested: size, storageClass })
  return [
    ...claims.map((one) => ({ what: `claim ${one.as}`, needs: claim(one) })),
    ...[...ordinals].map(() => ({
      what: "a pod that checks it",
      needs: podNeeds({ spec: { containers } })
    })),
    ...claims.slice(0, atOneTime).map((one) => ({
      what: `claim ${one.claim} on its way to another name`,
      needs: claim(one)
    }))
  ]
}

const quotaRefusals = (
  quotas: ReadonlyArray<Quota>,
  ...[claims, limits, verifies]: Parameters<typeof needsOf>
): ReadonlyArray<Refusal> => {
  const all = needsOf(claims, limits, verifies)
  return quotas
    .filter(({ scoped }) => !scoped)
    .flatMap((quota) => {
      const found = overrun(
        quota,
        all.map(({ needs }) => needs)
      )
      return found === null
        ? []
        : [
            {
              reason: `${all[found.place]?.what ?? ""} does not fit into quota "${quota.name}": ${found.resource} would be ${found.sum} of ${found.limit}`,
              remedy: "raise the quota: old and new volumes exist at the same time"
            }
          ]
    })
}

/** As it would be without its cordon. */
const uncordoned = (node: Node): Node => ({
  ...node,
  unschedulable: false,
  taints: node.taints.filter((taint) => !taint.startsWith("node.kubernetes.io/unschedulable:"))
})

/** Devices that the pods ask for and that no node offers which takes them. */
const nodeRefusals = ({ nodes }: AppState, { name, template }: Workload): ReadonlyArray<Refusal> => {
  if (nodes === null) return []
  const obstacles = nodes.map((node) => ({ node, reason: obstacle(template, node) }))
  const open = obstacles.flatMap(({ node, reason }) => (reason === null ? [node] : []))
  if (open.length === 0) {
    const cordoned = nodes.find((node) => node.unschedulable && obstacle(template, uncordoned(node)) === null)
    const why = counted(obstacles.flatMap(({ reason }) => (reason === null ? [] : [reason])))
    return [
      {
        reason: `no node accepts the pods of ${name}${why === "" ? "" : ` (${why})`}: they would not start again`,
        remedy:
          cordoned === undefined
            ? "make a node accept them first, by its labels and taints or by the template's nodeSelector and tolerations"
            : `make a node accept them first; after its maintenance: kubectl uncordon ${shellWord(cordoned.name)}`
      }
    ]
  }
  return Object.keys(template.extendedResources)
    .filter((device) => !open.some(({ devices }) => Object.hasOwn(devices, device)))
    .map((device) => ({
      reason: `the pods of ${name} request ${device}, and no node that accepts them has any: they would not start again`,
      remedy: "bring back the node or the device plugin first"
    }))
}

const modeRefusals = (workload: Target, cuts: ReadonlyArray<FoundCut>): ReadonlyArray<Refusal> =>
  cuts.flatMap(({ claim, mode }) => {
    const asked = slotOf(workload, claim)?.template.volumeMode
    return mode == null || asked === undefined || mode === asked
      ? []
      : [
          {
            reason: `${claim}: its snapshot is of a volume with mode ${mode}, and its template requests ${asked}`,
            remedy: "choose a snapshot from before the mode was changed, or restore it manually"
          }
        ]
  })

export const groundRefusals = (
  state: AppState,
  workload: Target,
  cuts: ReadonlyArray<FoundCut>,
  claims: ReadonlyArray<FilledClaim>,
  {
    quotas = [],
    limits = [],
    noRuntime = {},
    sharedWith = {},
    verify,
    stopped,
    moved
  }: Ground & {
    readonly verify?: Verify
    readonly stopped?: Stopped
    /** Claims that get another volume. */
    readonly moved: ReadonlyArray<string>
  }
): ReadonlyArray<Refusal> => [
  ...quotaRefusals(quotas, claims, limits, verify !== undefined),
  ...nodeRefusals(state, workload),
  ...(noRuntime[workload.name] === undefined
    ? []
    : [
        {
          reason: `the pods of ${workload.name} request RuntimeClass ${noRuntime[workload.name]}, which does not exist: they would not start again`,
          remedy: "apply that RuntimeClass first"
        }
      ]),
  ...modeRefusals(workload, cuts),
  ...state.claims.flatMap(({ name, workload: of }) => {
    const isOwn = workload.named === undefined ? of === `StatefulSet/${workload.name}` : moved.includes(name)
    const users = isOwn ? (sharedWith[name] ?? []) : []
    const others = users.filter((user) => stopped?.workloads.includes(user) !== true)
    return others.length === 0
      ? []
      : [
          {
            reason: `claim ${name} is also in the pod template of ${others.join(", ")}: a volume that another workload uses is not replaced`,
            remedy: "remove it there first, then restore"
          }
        ]
  })
]
