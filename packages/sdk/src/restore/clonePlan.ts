/** The plan to restore an application under another name, or into another namespace: pure over what was read. */
import { nameOf as appName, statefulSet } from "../App.ts"
import { kinds } from "../Kind.ts"
import { classOf } from "../kind/Storage.ts"
import { type StatefulSet, retentionOf } from "../kind/Workload.ts"
import { digest } from "../Digest.ts"
import type { Refusal } from "../operation/Plan.ts"
import { make, type StepOf, stepsOf } from "../operation/Step.ts"
import { after, claimName } from "../Ordinal.ts"
import * as Quantity from "../Quantity.ts"
import { AssertClaims, AttachVolume, HandOverPolicies } from "../step/attachVolume.ts"
import { BringCuts, type BroughtCut, ReturnCuts } from "../step/bringCuts.ts"
import { freeNames } from "../step/cloneManifest.ts"
import {
  type ClonedObject,
  clonedKinds,
  type ClonedKind,
  distinguishing,
  type Renaming
} from "../step/cloneNames.ts"
import { manifestIn } from "../step/cloneRecord.ts"
import { countSteps } from "../step/countSteps.ts"
import { FillClaims } from "../step/fillClaims.ts"
import { type FilledClaim, filledName } from "../step/filledClaim.ts"
import { fenceName, Isolate } from "../step/isolate.ts"
import { MakeObjects } from "../step/makeObjects.ts"
import { MakeSet } from "../step/makeSet.ts"
import { ProveFence } from "../step/proveFence.ts"
import { SetReplicas } from "../step/replicas.ts"
import { RestoreRetention } from "../step/retention.ts"
import { errandsBy, writesBy } from "../step/errands.ts"
import type { CloneFacts } from "./cloneFacts.ts"
import type { CloneOptions, Slot } from "./cloneOptions.ts"
import { leftOut, refusalsOf, warningsOf } from "./cloneRefusals.ts"
import { type ClonePlan, type CloneStep, cloneVerb } from "./cloneVerb.ts"
import { type FoundCut, type Waves, wavesOf } from "./source.ts"
import { wavesEffects, wavesRefusals } from "./waves.ts"
import { counted } from "../Plural.ts"

/** The volume snapshots that belong to the source's templates. */
const slotsOf = (set: StatefulSet, to: string, cuts: ReadonlyArray<FoundCut>): ReadonlyArray<Slot> =>
  cuts.flatMap((cut) =>
    (set.spec.volumeClaimTemplates ?? []).flatMap(({ metadata: { name } }) => {
      const ordinal = after(`${name}-${set.metadata.name}-`, cut.claim)
      return ordinal === null ? [] : [{ cut, template: name, ordinal, claim: claimName(name, to, ordinal) }]
    })
  )

/** The objects that are copied too, each under a name that is free there. */
const objectsOf = (
  { sealed, taken }: CloneFacts,
  renaming: Pick<Renaming, "from" | "to">
): ReadonlyArray<ClonedObject> => {
  const used = new Set(taken)
  return clonedKinds.flatMap((kind) =>
    sealed.record.objects.flatMap((object) => {
      const name = nameIn(object)
      if (object["kind"] !== kind || name === null || leftOut(kind, object) !== null) return []
      const names = freeNames(renaming, name)
      const to = names.find((one) => !used.has(`${kind}/${one}`)) ?? names[0]
      used.add(`${kind}/${to}`)
      return [
        { kind, from: name, to } satisfies {
          readonly kind: ClonedKind
          readonly from: string
          readonly to: string
        }
      ]
    })
  )
}

const nameIn = (object: Readonly<Record<string, unknown>>): string | null => {
  const name: unknown = Reflect.get(Object(object["metadata"]), "name")
  return typeof name === "string" ? name : null
}

/** The recorded number of replicas, if it is valid. */
const countOf = ({ sealed: { record } }: CloneFacts, set: StatefulSet): number => {
  const said = record.replicas[`StatefulSet/${set.metadata.name}`] ?? 0
  return Number.isSafeInteger(said) && said > 0 && said <= 10_000 ? said : (set.spec.replicas ?? 1)
}

const filled = (
  { sealed: { record } }: CloneFacts,
  id: string,
  set: StatefulSet,
  slots: ReadonlyArray<Slot>,
  isElsewhere: boolean
): ReadonlyArray<FilledClaim> =>
  slots.map(({ cut, template, ordinal, claim }) => {
    const own = record.cuts.find((one) => one.claim === cut.claim)
    const from = set.spec.volumeClaimTemplates?.find(({ metadata }) => metadata.name === template)
    return {
      as: filledName(claim, id),
      claim,
      cutOf: cut.claim,
      template,
      ordinal,
      snapshot: isElsewhere ? broughtName(claim, id) : cut.snapshot,
      handle: cut.handle,
      volumeHandle: cut.volumeHandle,
      driver: cut.driver,
      storageClass: classOf(from ?? {}) ?? own?.storageClass ?? null,
      size:
        Quantity.largest([own?.size, cut.size, quantity(from?.spec?.resources?.requests?.["storage"])]) ??
        "1Gi"
    }
  })

const quantity = (value: string | number | undefined): string | null =>
  value === undefined ? null : `${value}`

const broughtName = (claim: string, id: string): string => `${claim}-cut-${id}`

const brought = (id: string, slots: ReadonlyArray<Slot>): ReadonlyArray<BroughtCut> =>
  slots.map(({ cut: { claim, snapshot, handle, volumeHandle, driver }, claim: to }) => ({
    claim,
    snapshot,
    handle: handle ?? "",
    volumeHandle,
    driver,
    as: broughtName(to, id)
  }))

interface Parts {
  readonly id: string
  readonly set: StatefulSet
  readonly renaming: Renaming
  readonly slots: ReadonlyArray<Slot>
  readonly claims: ReadonlyArray<FilledClaim>
  readonly count: number
  readonly fence: string | null
  readonly isElsewhere: boolean
  readonly errands: Partial<StepOf<typeof FillClaims>>
}

const stepsFor = ({
  id,
  set,
  renaming,
  slots,
  claims,
  count,
  fence,
  isElsewhere,
  errands
}: Parts): ReadonlyArray<CloneStep> => {
  const retention = retentionOf(set)
  const cuts = brought(id, slots)
  const names = claims.map(({ claim }) => claim)
  const parallel = set.spec.podManagementPolicy === "Parallel"
  const workload = {
    firstOrdinal: set.spec.ordinals?.start ?? 0,
    podManagementPolicy: parallel ? ("Parallel" as const) : ("OrderedReady" as const)
  }
  const up = stepsOf(SetReplicas, countSteps(workload, { from: 0, to: count }, { quorum: "none" }))
  return [
    ...(fence === null ? [] : [make(Isolate, { policy: fence })]),
    make(MakeSet, { name: renaming.to.name }),
    ...(renaming.objects.length === 0 ? [] : [make(MakeObjects, {})]),
    ...(fence === null ? [] : [make(ProveFence, { policy: fence })]),
    ...(isElsewhere && cuts.length > 0 ? [make(BringCuts, { cuts })] : []),
    ...(claims.length === 0 ? [] : [make(FillClaims, { claims, ...errands })]),
    ...(isElsewhere && cuts.length > 0 ? [make(ReturnCuts, { cuts })] : []),
    ...claims.map(({ as, claim }) => make(AttachVolume, { from: as, uid: null, volume: null, to: claim })),
    make(AssertClaims, { claims: names }),
    ...up,
    ...(retention.whenScaled === "Delete"
      ? [make(RestoreRetention, { from: { ...retention, whenScaled: "Retain" }, to: retention, again: true })]
      : []),
    make(HandOverPolicies, { claims: names.map((claim) => ({ claim, reclaimPolicy: null })) })
  ]
}

/** The texts in its record for volumes of a staged snapshot; undefined for other snapshots. */
const wavesIn = ({ record, uid, immutable }: CloneFacts["sealed"]): Waves | undefined =>
  wavesOf(record, { record, parts: uid.split(" "), sealed: immutable }).waves

/** Refusals of a profile's tasks if there is nothing to run them on. */
const errandRefusals = (
  { sealed }: CloneFacts,
  { name, ...options }: CloneOptions,
  claims: ReadonlyArray<FilledClaim>
): ReadonlyArray<Refusal> => [
  ...wavesRefusals(
    sealed.record.name,
    wavesIn(sealed),
    options,
    claims.map(({ ordinal }) => ordinal)
  ),
  ...(options.beforeStart === undefined || claims.length > 0
    ? []
    : [
        {
          reason: `profile ${options.beforeStart.profile} has beforeStart, but ${name} has no volumes to run it on`,
          remedy: "leave out --profile"
        }
      ])
]

const effectsOf = ({ sealed: { record } }: CloneFacts, parts: Parts): ReadonlyArray<string> => {
  const { renaming, claims, count, fence } = parts
  const { from, to } = renaming
  const place = from.namespace === to.namespace ? "" : ` in namespace ${to.namespace}`
  return [
    `restore ${from.name} as ${to.name}${place} from snapshot ${record.name} of ${record.created} (${record.level}): ${counted(claims.length, "volume")}, ${counted(count, "replica")}`,
    `creates ${[`StatefulSet/${to.name}`, ...renaming.objects.map(({ kind, from: old, to: now }) => (old === now ? `${kind}/${now}` : `${kind}/${now} (of ${old})`))].join(", ")}`,
    ...(fence === null
      ? [`no isolation: it can reach ${from.name}, and be reached by it`]
      : [
          `networkpolicy ${fence} isolates it: only its own pods and DNS are reachable, until restore --release removes it`
        ]),
    `${from.name} is left as it is`
  ]
}

/** The plan of a restore as another application. `id` names the operation. */
export const plan = (facts: CloneFacts, id: string, options: CloneOptions): ClonePlan | Refusal => {
  const { record, uid } = facts.sealed
  const from = { namespace: record.namespace, name: appName(record.app) }
  const to = { namespace: options.namespace, name: options.name }
  const manifest = manifestIn(record, "StatefulSet", from.name)
  const accepted = kinds.statefulsets.accept(manifest)
  if (accepted._tag === "Failure") {
    return {
      reason: `snapshot ${record.name} has no StatefulSet ${from.name} that could be restored`,
      remedy: "only a snapshot of a StatefulSet by its name can be restored as another one"
    }
  }
  const set = accepted.success
  const label = distinguishing({ from, to }, set.spec.selector.matchLabels ?? {})
  const renaming: Renaming = { from, to, objects: objectsOf(facts, { from, to }), label }
  const isElsewhere = from.namespace !== to.namespace
  const slots = slotsOf(set, to.name, facts.cuts)
  const claims = filled(facts, id, set, slots, isElsewhere)
  const fence = options.noFence === true ? null : fenceName(to.name, id)
  const count = countOf(facts, set)
  const waves = wavesIn(facts.sealed)
  const errands = {
    ...errandsBy(options),
    ...(waves?.record == null ? {} : writesBy(options, waves.record))
  }
  const parts: Parts = { id, set, renaming, slots, claims, count, fence, isElsewhere, errands }
  const start = set.spec.ordinals?.start ?? 0
  const settings = {
    set: record.name,
    record: { namespace: record.namespace, uid },
    renaming,
    fence,
    allowEmpty: options.allowEmpty === true,
    facts: {
      whenScaled: "Retain" as const,
      firstOrdinal: start,
      podManagementPolicy: set.spec.podManagementPolicy ?? "OrderedReady",
      templates: (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name)
    }
  }
  const judged = { facts, options, manifest, start, ...parts }
  const withoutAccess: Omit<ClonePlan, "access"> = {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Plan",
    id,
    verb: "clone",
    app: statefulSet(to.namespace, to.name),
    home: to.namespace,
    guards: [{ kind: "StatefulSet", ...to, uid: null, generation: null }],
    facts: digest([uid, renaming, claims]),
    hooks: [],
    effects: [
      ...effectsOf(facts, parts),
      ...wavesEffects(waves, options),
      ...(options.beforeStart === undefined
        ? []
        : [
            `before its first start each member's volumes are changed by profile ${options.beforeStart.profile}`
          ])
    ],
    warnings: warningsOf(judged),
    refusals: [...refusalsOf(judged), ...errandRefusals(facts, options, claims)],
    unchecked: [
      "quota, pod security and webhooks, and whether the driver can fill a volume from its snapshot, are known only once they are created"
    ],
    settings,
    steps: stepsFor(parts)
  }
  return { ...withoutAccess, access: cloneVerb.rules({ ...withoutAccess, access: [] }, {}) }
}
