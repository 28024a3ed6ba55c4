/** Reasons that an application is not restored as another one, and warnings about it: pure. */
import { mentionsOf } from "../Reference.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import type { Refusal } from "../operation/Plan.ts"
import { podLabelsOf } from "../step/cloneManifest.ts"
import { type ClonedKind, clonedKinds, type Renaming } from "../step/cloneNames.ts"
import type { FilledClaim } from "../step/filledClaim.ts"
import { listOf } from "../step/recordList.ts"
import type { CloneFacts } from "./cloneFacts.ts"
import { bridges, memberLabels, takers } from "./cloneNetwork.ts"
import type { CloneOptions, Slot } from "./cloneOptions.ts"
import { directClaims, hostAccess, imagesOf, usesHostNetwork } from "./clonePods.ts"
import { driverRefusals, lackingRefusals } from "./refusal.ts"
import { isLabel } from "../ObjectName.ts"
import { claimName, range } from "../Ordinal.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- manifests as a record has them, of any shape
type Json = any

/** The facts to check. */
export interface Judged {
  readonly facts: CloneFacts
  readonly options: CloneOptions
  /** The StatefulSet as the record has it. */
  readonly manifest: Json
  readonly set: StatefulSet
  readonly id: string
  readonly renaming: Renaming
  readonly slots: ReadonlyArray<Slot>
  readonly claims: ReadonlyArray<FilledClaim>
  readonly count: number
  readonly start: number
  readonly isElsewhere: boolean
}

/** Reason that an object of the record is not copied; `null` if it is. */
export const leftOut = (kind: string, { spec }: Json): string | null => {
  if (!clonedKinds.some((one) => one === kind)) return "of a kind that is not restored"
  const isLoose = kind === "Service" && spec?.selector == null && spec?.type !== "ExternalName"
  return isLoose ? "it has no selector, and its endpoints are the source's" : null
}

const nameRefusals = ({ facts, renaming, options }: Judged): ReadonlyArray<Refusal> => {
  const { from, to } = renaming
  return [
    ...(from.name === to.name && from.namespace === to.namespace
      ? [
          {
            reason: `${to.name} is the source itself`,
            remedy: "choose another name with --as; without it the volumes are restored in place"
          }
        ]
      : []),
    // The controller puts a revision behind the name, and both have to fit into a label.
    ...(isLabel(options.name, 52)
      ? []
      : [
          {
            reason: `"${options.name}" is not a valid name for a StatefulSet`,
            remedy: "use at most 52 lowercase letters, digits and dashes"
          }
        ]),
    ...(facts.target === null
      ? [
          {
            reason: `namespace ${to.namespace} not found`,
            remedy: isLabel(to.namespace)
              ? `create it: kubectl create namespace ${to.namespace}`
              : "the name of a namespace has at most 63 lowercase letters, digits and dashes"
          }
        ]
      : facts.target.going
        ? [{ reason: `namespace ${to.namespace} is being deleted`, remedy: "choose another one" }]
        : [])
  ]
}

const takenRefusals = ({ facts: { taken }, renaming, claims }: Judged): ReadonlyArray<Refusal> =>
  [
    `StatefulSet/${renaming.to.name}`,
    ...claims.map(({ claim }) => `PersistentVolumeClaim/${claim}`),
    ...renaming.objects.map(({ kind, to }) => `${kind}/${to}`)
  ]
    .filter((name) => taken.has(name))
    .map((name) => ({
      reason: `${name} already exists in namespace ${renaming.to.namespace}`,
      remedy: "choose another name with --as, or remove it"
    }))

const cutRefusals = ({ facts, slots, claims, renaming, isElsewhere }: Judged): ReadonlyArray<Refusal> => {
  const { record, immutable } = facts.sealed
  const stray = facts.cuts.filter((cut) => !slots.some((slot) => slot.cut === cut))
  const seen = slots.map(({ claim }) => claim)
  return [
    ...(immutable
      ? []
      : [
          {
            reason: `the record of snapshot ${record.name} is not immutable: it was not written by a snapshot`,
            remedy: "choose another snapshot"
          }
        ]),
    ...(record.app._tag === "StatefulSet"
      ? []
      : [
          {
            reason: `snapshot ${record.name} is of a selector`,
            remedy: "take a snapshot of each StatefulSet by its name"
          }
        ]),
    ...stray.map(({ claim }) => ({
      reason: `${claim} does not belong to a volume claim template of ${renaming.from.name}`,
      remedy: "only those are restored as another application"
    })),
    ...seen
      .filter((claim, index) => seen.indexOf(claim) < index)
      .map((claim) => ({
        reason: `${claim} is in the snapshot twice`,
        remedy: "the record was changed: choose another snapshot"
      })),
    ...slots.flatMap(({ cut: { claim, why, handle } }) =>
      why === null && (handle !== null || !isElsewhere)
        ? []
        : [
            {
              reason: `${claim} cannot be restored: ${why ?? "its record does not say which volume snapshot it is"}`,
              remedy: `${listOf(renaming.from.namespace)} shows which snapshots are ready; choose another one`
            }
          ]
    ),
    ...driverRefusals(claims, facts.classes)
  ]
}

/** Ordinals without a volume would start empty. */
const missingRefusals = ({ set, claims, renaming, count, start }: Judged): ReadonlyArray<Refusal> => {
  const has = new Set(claims.map(({ claim }) => claim))
  const lacking = range(start, Math.min(count, has.size + 1)).flatMap((ordinal) =>
    (set.spec.volumeClaimTemplates ?? []).flatMap(({ metadata: { name } }) =>
      has.has(claimName(name, renaming.to.name, ordinal))
        ? []
        : [claimName(name, renaming.from.name, ordinal)]
    )
  )
  return lackingRefusals(lacking)
}

const podRefusals = ({ manifest, options }: Judged): ReadonlyArray<Refusal> => [
  ...(options.hostAccess === true
    ? []
    : hostAccess(manifest).map((reason) => ({
        reason: `its pods have access to more than their own resources: ${reason}`,
        remedy: "use --allow-privileged to allow that"
      }))),
  ...(usesHostNetwork(manifest) && options.noFence !== true
    ? [
        {
          reason: "its pods use the host network, where a NetworkPolicy has no effect",
          remedy: "--no-fence, if the copy may reach its source"
        }
      ]
    : []),
  ...directClaims(manifest).map((claim) => ({
    reason: `its pods mount claim ${claim}, which no template creates`,
    remedy: "only claims of templates are restored as another application"
  }))
]

const labelsIn = (manifest: Json): Readonly<Record<string, string>> =>
  manifest?.spec?.template?.metadata?.labels ?? {}

/** Existing objects that would take the copy for its source. */
const neighbourRefusals = (judged: Judged): ReadonlyArray<Refusal> => {
  const { facts, manifest, renaming, id, count, start, options } = judged
  const { from, to } = renaming
  const range = { start, count }
  const pods = memberLabels(to.name, podLabelsOf(renaming, manifest.spec.template, id), range)
  const source = {
    namespace: from.namespace,
    namespaceLabels: facts.from.labels,
    labels: memberLabels(from.name, labelsIn(facts.live ?? manifest), range),
    addresses: facts.addresses
  }
  return [
    ...takers(pods, facts).map((taker) => ({
      reason: `${taker} of namespace ${to.namespace} selects pods of ${to.name} as well`,
      remedy: "restore it into another namespace with --to-namespace"
    })),
    ...(options.noFence === true
      ? []
      : bridges(pods, facts.policies, source).map((policy) => ({
          reason: `${policy} lets pods of ${to.name} and of ${from.name} talk to each other`,
          remedy: "restore it into another namespace with --to-namespace; or --no-fence"
        })))
  ]
}

/** Members that must not be combined are unsafe under another name too. */
const apartRefusals = ({ facts: { sealed }, claims }: Judged): ReadonlyArray<Refusal> => {
  const { name, seedOnly } = sealed.record
  return seedOnly === undefined || claims.length < 2
    ? []
    : [
        {
          reason: `the members in snapshot ${name} were snapshotted at different moments, which is unsafe with ${seedOnly}`,
          remedy: "take a group or an offline snapshot, and restore that under another name"
        }
      ]
}

export const refusalsOf = (judged: Judged): ReadonlyArray<Refusal> => [
  ...nameRefusals(judged),
  ...takenRefusals(judged),
  ...cutRefusals(judged),
  ...apartRefusals(judged),
  ...missingRefusals(judged),
  ...podRefusals(judged),
  ...neighbourRefusals(judged)
]

const kindOf = (object: Json): string => String(object.kind)

export const warningsOf = ({
  facts,
  set,
  manifest,
  renaming,
  claims,
  isElsewhere
}: Judged): ReadonlyArray<string> => {
  const { record } = facts.sealed
  const left = record.objects.filter(
    (object) => kindOf(object) !== "StatefulSet" && leftOut(kindOf(object), object) !== null
  )
  const goes = (kind: ClonedKind, name: string) =>
    renaming.objects.some((one) => one.kind === kind && one.from === name)
  const stay = mentionsOf(set.spec.template.spec).filter(({ kind, name }) => !goes(kind, name))
  const now = facts.live === null ? null : imagesOf(facts.live)
  const others = now === null ? [] : imagesOf(manifest).filter((image) => !now.includes(image))
  return [
    ...(record.level === "crash" && claims.length > 1
      ? [
          "volumes were snapshotted separately: what one member has sent to another may be in one volume and not in the other"
        ]
      : []),
    ...left.map(
      (object: Json) =>
        `${kindOf(object)}/${object.metadata?.name} is left out: ${leftOut(kindOf(object), object)}`
    ),
    ...record.leftOut.map(({ what, why }) => `${what} is not in the snapshot: ${why}`),
    ...new Set(
      stay.map(({ kind, name }) =>
        isElsewhere
          ? `${kind}/${name} is not in the snapshot, and must exist in namespace ${renaming.to.namespace}`
          : `${kind}/${name} is not in the snapshot: the copy uses that of ${renaming.from.name}`
      )
    ),
    ...renaming.objects
      .filter(({ kind }) => kind === "ServiceAccount")
      .map(({ to }) => `ServiceAccount/${to} has none of its source's permissions: grant what it needs`),
    ...others.map((image) => `its image ${image} is not one that ${renaming.from.name} runs now`)
  ]
}
