/**
 * The state of an application: everything it is made of, as one plain value.
 *
 * `observe` is pure: it turns lists of objects into an AppState. `read` asks a cluster for
 * those lists: one list per kind, at most four rounds one after another, whatever the
 * number of pods and claims.
 *
 * Null always means "could not be read"; `unread` says what and why. An empty list means none.
 */
import * as Schema from "effect/Schema"
import { AppRef, statefulSet } from "./App.ts"
import { Claim, observeClaims, observeOtherVolumes, OtherVolume } from "./Claim.ts"
import { observeAutoscalers, observeBudgets } from "./Disruption.ts"
import { compareNames, membersOf, type Member, podsByController } from "./Member.ts"
import { accept, type Accepted, byNamespace, type Observation } from "./Observation.ts"
import { observeOperations } from "./OperationMark.ts"
import {
  Node,
  observeGround,
  observePlacements,
  observeResourceClaims,
  Placement,
  ResourceClaim
} from "./Placement.ts"
import { observeProtection, Protection } from "./Protection.ts"
import { observeReferences, Reference } from "./Reference.ts"
import { observeReplicas, Replica } from "./Replica.ts"
import { observeServices } from "./Service.ts"
import { Autoscaler, DisruptionBudget, Service, Workload } from "./Topology.ts"
import { observeWarnings } from "./Warning.ts"
import { observeWorkload } from "./Workload.ts"

const { Literal, NullOr, String, Struct } = Schema

/** A list or an object that could not be read, or not be understood. */
export const Unread = Struct({
  /** `nodes`, `persistentvolumes`, `volumesnapshots.snapshot.storage.k8s.io`, or `pods/db-1`. */
  resource: String,
  /** The ClusterError's reason tag: `Forbidden`, `Unsupported`, `Unavailable`, `Unreadable` … */
  reason: String,
  message: String
})

export type Unread = typeof Unread.Type

/** An operation of ours that is running, interrupted or done. */
export const OperationSummary = Struct({
  id: String,
  verb: String,
  phase: String,
  started: String,
  holder: NullOr(String)
})

/** A Warning event about one of the app's objects, newest first. */
export const Event = Struct({
  object: String,
  type: String,
  reason: String,
  message: String,
  count: Schema.Number,
  last: String
})

export const AppState = Struct({
  apiVersion: Literal("kubectl-stateful.dev/v1"),
  kind: Literal("AppState"),
  /** The app's name: the StatefulSet's, or the selector. */
  name: String,
  namespace: String,
  /** The namespace's own labels, e.g. its pod security level; null: could not be read. */
  namespaceLabels: NullOr(Schema.Record(String, String)),
  ref: AppRef,
  /** When it was read, by this machine's clock. */
  observed: String,
  /** The API server's version, e.g. `v1.36.3`; null when not asked. */
  serverVersion: NullOr(String),
  workloads: Schema.Array(Workload),
  replicas: Schema.Array(Replica),
  claims: Schema.Array(Claim),
  volumes: Schema.Array(OtherVolume),
  references: Schema.Array(Reference),
  services: Schema.Array(Service),
  /** Null: could not be read, as with every NullOr below. */
  budgets: NullOr(Schema.Array(DisruptionBudget)),
  autoscalers: NullOr(Schema.Array(Autoscaler)),
  nodes: NullOr(Schema.Array(Node)),
  placements: Schema.Array(Placement),
  resourceClaims: NullOr(Schema.Array(ResourceClaim)),
  protection: Protection,
  operations: NullOr(Schema.Array(OperationSummary)),
  events: NullOr(Schema.Array(Event)),
  unread: Schema.Array(Unread)
})
export type AppState = typeof AppState.Type

const nameOf = (ref: AppRef): string => (ref._tag === "StatefulSet" ? ref.name : ref.selector)

const compose = (
  observation: Omit<Observation, "lists">,
  { lists, unread }: Accepted,
  members: ReadonlyArray<Member>
): AppState => {
  const { ref, apis, domainLabels } = observation
  const workloads = members.map((member) => observeWorkload(member, lists))
  const updateRevisions = new Map(
    workloads.map(({ kind, name, updateRevision }) => [`${kind}/${name}`, updateRevision])
  )
  const nodesByName = lists.nodes && new Map(lists.nodes.map((node) => [node.metadata.name, node]))
  const serviceNames = lists.services && new Set(lists.services.map(({ metadata }) => metadata.name))
  const replicas = members.flatMap((member) =>
    observeReplicas(member, {
      nodes: nodesByName,
      services: serviceNames,
      updateRevision: updateRevisions.get(member.key) ?? null
    })
  )
  const claims = observeClaims(members, lists)
  const ground = observeGround(members, claims, lists, domainLabels)
  const resourceClaims = observeResourceClaims(members, lists, ground)
  const services = observeServices(members, lists)
  const budgets = observeBudgets(members, lists)
  const protection = observeProtection(ref.namespace, members, claims, lists, apis)
  const namespace = lists.namespaces?.find(({ metadata }) => metadata.name === ref.namespace)
  return {
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "AppState",
    name: nameOf(ref),
    namespace: ref.namespace,
    namespaceLabels: namespace ? (namespace.metadata.labels ?? {}) : null,
    ref,
    observed: observation.observed,
    serverVersion: observation.serverVersion,
    workloads,
    replicas,
    claims,
    volumes: observeOtherVolumes(members),
    references: observeReferences(members, lists, observation.keys),
    services,
    budgets,
    autoscalers: observeAutoscalers(members, lists),
    nodes: ground.nodes?.map(({ facts }) => facts) ?? null,
    placements: observePlacements(replicas, members, claims, resourceClaims, ground),
    resourceClaims,
    protection,
    operations: observeOperations(members, lists),
    events: observeWarnings(
      new Set([
        ...workloads.map(({ kind, name }) => `${kind}/${name}`),
        ...replicas.map(({ name }) => `Pod/${name}`),
        ...claims.map(({ name }) => `PersistentVolumeClaim/${name}`),
        ...services.map(({ name }) => `Service/${name}`),
        ...(budgets ?? []).map(({ name }) => `PodDisruptionBudget/${name}`),
        ...(protection.snapshots ?? []).map(({ name }) => `VolumeSnapshot/${name}`)
      ]),
      lists
    ),
    unread: unread.map(({ resource, reason, message }) => ({ resource, reason, message }))
  }
}

/** The state that these lists show. Pure; what cannot be understood stands in `unread`. */
export const observe = (observation: Observation): AppState => {
  const accepted = accept(observation)
  return compose(observation, accepted, membersOf(observation.ref, accepted.lists))
}

/** The states of all StatefulSets in these lists, each an app of its own, by namespace and name. */
export const observeAll = (observation: Omit<Observation, "ref">): ReadonlyArray<AppState> => {
  const everything = accept(observation)
  const namespaces = new Set(
    (everything.lists.statefulsets ?? []).map(({ metadata }) => metadata.namespace ?? "")
  )
  const inNamespace = byNamespace(everything)
  return [...namespaces].toSorted(compareNames).flatMap((namespace) => {
    const accepted = inNamespace(namespace)
    const pods = podsByController(accepted.lists)
    return (accepted.lists.statefulsets ?? [])
      .map(({ metadata }) => metadata.name)
      .toSorted(compareNames)
      .map((name) => {
        const ref = statefulSet(namespace, name)
        return compose({ ...observation, ref }, accepted, membersOf(ref, accepted.lists, pods))
      })
  })
}
