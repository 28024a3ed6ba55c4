/**
 * Facts that could not be read: one finding a resource, whatever number of rules would have needed it.
 */
import { claimsKnown } from "../Claim.ts"
import type { Disruption, Question } from "./verdict.ts"
import { pluralOf } from "../Dependency.ts"
import type { AppState } from "../state/AppState.ts"
import { boundClaims, deployments, liveClaims } from "./parts.ts"
import { forGood, offServer, rule, type Rule, unknown } from "./rule.ts"

interface Need {
  /** The resource as `unread` names it. */
  readonly resource: string
  /** The finding that needs it. */
  readonly about: string
  readonly missing: (state: AppState) => boolean
  /** The disruptions that it is needed for, if not all. */
  readonly decides?: ReadonlyArray<Disruption>
}

/** `volumesnapshots.snapshot.storage.k8s.io` is `volumesnapshots` to us. */
const isOf = (plural: string, { resource }: AppState["unread"][number]): boolean =>
  resource.match(/^[^./]+/)?.[0] === plural

/** The list, or an object of it: what is not among those that were read may be there all the same. */
const isUnread = (state: AppState, plural: string): boolean => state.unread.some((one) => isOf(plural, one))

/** A selector finds workloads of these kinds, and nothing else reports what it did not find. */
const workloads: ReadonlyArray<Need> = ["statefulsets", "deployments", "daemonsets"].map((resource) => ({
  resource,
  about: "cannot tell whether any belongs to this application",
  missing: (state) =>
    (state.ref._tag === "Selector" || state.workloads.length === 0) && isUnread(state, resource)
}))

/** Pods of a Deployment have no names to be missed by. */
const ofDeployments = (resource: "pods" | "replicasets") => (state: AppState) =>
  deployments(state).length > 0 && isUnread(state, resource)

const pods: Need = {
  resource: "pods",
  about: "cannot tell which replicas run",
  missing: (state) =>
    state.replicas.some(
      ({ known, name, pod, wanted }) =>
        wanted &&
        (!known || (pod === null && state.unread.some(({ resource }) => resource === `pods/${name}`)))
    ) || ofDeployments("pods")(state)
}

/** Pods of others are listed where anti-affinity may be about them. */
const podsAround: Need = {
  resource: "pods",
  about: "cannot tell which nodes anti-affinity leaves",
  missing: (state) => {
    if (!state.workloads.some(({ template }) => template.affinity.length > 0)) return false
    const own = new Set(state.replicas.map(({ name }) => `pods/${name}`))
    return state.unread.some(({ resource }) => resource.startsWith("pods/") && !own.has(resource))
  },
  decides: forGood
}

const replicaSets: Need = {
  resource: "replicasets",
  about: "cannot tell which replicas run",
  missing: ofDeployments("replicasets")
}

const claims: Need = {
  resource: "persistentvolumeclaims",
  about: "cannot tell what data it has",
  missing: (state) => !claimsKnown(state)
}

const volumes: Need = {
  resource: "persistentvolumes",
  about: "cannot tell where the data is",
  missing: (state) =>
    boundClaims(state).some(
      ({ volume }) =>
        volume === null || volume.source === null || (volume.source === "csi" && volume.driver === null)
    )
}

/** Made by hand, or by a class that is not there: it may be a hostPath, which holds no pod to its data. */
const byHand: Need = {
  resource: "persistentvolumes",
  about: "cannot tell whether pods get their data back",
  missing: (state) =>
    boundClaims(state).some(
      ({ storageClass, volume }) =>
        (volume === null || volume.source === null) &&
        state.protection.storageClasses?.every(
          ({ name, provisioner }) => name !== storageClass || /no-provisioner|host-?path/i.test(provisioner)
        ) === true
    ),
  decides: ["ServerRestarts", "RackRestarts", "Drain"]
}

const reference = (kind: "ConfigMap" | "Secret"): Need => ({
  resource: `${kind.toLowerCase()}s`,
  about: "cannot tell whether any is missing",
  missing: (state) =>
    state.references.some((one) => one.kind === kind && one.required && one.present === null)
})

/** Claims that a template names are among those that are listed anyway. */
const dependencies: ReadonlyArray<Need> = (
  [
    "ServiceAccount",
    "PriorityClass",
    "RuntimeClass",
    "SecretProviderClass",
    "ClusterTrustBundle",
    "ResourceClaim",
    "ResourceClaimTemplate"
  ] as const
).map((kind) => ({
  resource: pluralOf(kind),
  about: "cannot tell whether any is missing",
  missing: (state) => state.dependencies.some((one) => one.kind === kind && one.present === null)
}))

const hasClaims = (state: AppState): boolean => boundClaims(state).length > 0

const needs: Readonly<Record<Question, ReadonlyArray<Need>>> = {
  restart: [
    ...workloads,
    {
      resource: "nodes",
      about: "cannot tell what fails together",
      missing: (state) => state.nodes === null || isUnread(state, "nodes")
    },
    pods,
    podsAround,
    replicaSets,
    claims,
    // Where a volume can be attached, and whether it is being deleted, which leaves it to the node it is on.
    { ...volumes, decides: offServer },
    byHand,
    {
      resource: "poddisruptionbudgets",
      about: "cannot tell what a drain may evict",
      missing: (state) => state.budgets === null || isUnread(state, "poddisruptionbudgets"),
      decides: ["Drain"]
    },
    {
      resource: "services",
      about: "cannot tell whether peers find each other",
      missing: (state) =>
        state.services.some((service) => service.governs !== null && service.present === null)
    },
    reference("ConfigMap"),
    reference("Secret"),
    ...dependencies
  ],
  snapshot: [
    ...workloads,
    claims,
    {
      resource: "apis",
      about: "cannot tell whether there are snapshots",
      missing: (state) => hasClaims(state) && state.protection.snapshotApi === null
    },
    {
      resource: "volumesnapshotclasses",
      about: "cannot tell whether one fits",
      missing: (state) =>
        hasClaims(state) && state.protection.snapshotApi === true && state.protection.snapshotClasses === null
    },
    volumes,
    pods
  ],
  move: [
    ...workloads,
    {
      resource: "storageclasses",
      about: "cannot tell what claims without a volume wait for",
      missing: (state) =>
        state.protection.storageClasses === null && liveClaims(state).some(({ phase }) => phase !== "Bound")
    },
    claims,
    volumes,
    reference("ConfigMap"),
    reference("Secret"),
    ...dependencies
  ],
  restore: [
    ...workloads,
    claims,
    {
      resource: "volumesnapshots",
      about: "cannot tell what could be restored",
      missing: (state) =>
        hasClaims(state) && state.protection.snapshotApi !== false && state.protection.snapshots === null
    },
    {
      resource: "backups",
      about: "cannot tell whether a backup exists",
      missing: (state) => hasClaims(state) && state.protection.copies === null
    },
    reference("ConfigMap"),
    reference("Secret"),
    ...dependencies
  ]
}

const reasonOf = (state: AppState, resource: string): string | null =>
  state.unread.find((one) => isOf(resource, one))?.reason ?? null

export const unreadRule = (question: Question): Rule =>
  rule(question, "facts-unreadable", ({ state }) =>
    needs[question]
      .filter((need) => need.missing(state))
      .map((need) => {
        const reason = reasonOf(state, need.resource)
        const said = unknown(
          `cannot read ${need.resource}${reason === null ? "" : ` (${reason})`}: ${need.about}`,
          [],
          reason === "Unavailable" || reason === "TooManyRequests"
            ? "try again"
            : `use an account that can list ${need.resource}`
        )
        return need.decides === undefined ? said : { ...said, disruptions: need.decides }
      })
  )
