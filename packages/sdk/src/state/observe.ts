/**
 * `observe`: from lists of objects to the state of an application. Pure.
 */
import { nameOf, statefulSet } from "../App.ts"
import { observeClaims, observeOtherVolumes } from "./observe/claims.ts"
import { observeAutoscalers, observeBudgets } from "./observe/disruption.ts"
import { observeCloudRoles } from "./observe/cloudRole.ts"
import { observeDependencies } from "./observe/dependencies.ts"
import { resourceName } from "../Kind.ts"
import { observeKeptVolumes } from "./observe/keptVolume.ts"
import { observeKeptConfig } from "./observe/keptConfig.ts"
import { observeSetAside } from "./observe/setAside.ts"
import { appWorkloadsOf, type AppWorkload, podsByController } from "./AppWorkload.ts"
import { compareNames } from "../NameOrder.ts"
import { accept, type Accepted, byNamespace, type Observation } from "./observation.ts"
import { observeOperations } from "./observe/operations.ts"
import { observeNodes, observePlacements, observeResourceClaims } from "./observe/placements.ts"
import { observeProtection } from "./observe/protection.ts"
import { observeReferences } from "./observe/references.ts"
import { observeReplicas } from "./observe/replicas.ts"
import { observeServices } from "./observe/service.ts"
import { sharing } from "./observe/share.ts"
import type { AppState } from "./AppState.ts"
import { observeWarnings } from "./observe/warning.ts"
import { observeWorkload } from "./observe/workload.ts"

/**
 * The context in which replicas are observed: the nodes, the Services that name pods, the update revisions.
 */
const replicasOf = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  lists: Accepted["lists"],
  workloads: AppState["workloads"]
): AppState["replicas"] => {
  const updateRevisions = new Map(
    workloads.map(({ kind, name, updateRevision }) => [`${kind}/${name}`, updateRevision])
  )
  const nodes = lists.nodes && new Map(lists.nodes.map((node) => [node.metadata.name, node]))
  // Endpoints that something else writes give no pod its name.
  const services =
    lists.services &&
    new Set(
      lists.services.flatMap(({ metadata, spec }) =>
        Object.keys(spec.selector ?? {}).length === 0 ? [] : [metadata.name]
      )
    )
  return appWorkloads.flatMap((appWorkload) =>
    observeReplicas(appWorkload, {
      nodes,
      services,
      updateRevision: updateRevisions.get(appWorkload.key) ?? null
    })
  )
}

type Named = ReadonlyArray<{ readonly name: string }> | null

/** The objects whose events are the application's, as `Kind/name`. */
const eventSubjects = (
  workloads: AppState["workloads"],
  named: Readonly<Record<string, Named>>
): ReadonlySet<string> =>
  new Set([
    ...workloads.map(({ kind, name }) => `${kind}/${name}`),
    ...Object.entries(named).flatMap(([kind, all]) => (all ?? []).map(({ name }) => `${kind}/${name}`))
  ])

const compose = (
  observation: Omit<Observation, "lists">,
  { lists, unread }: Accepted,
  appWorkloads: ReadonlyArray<AppWorkload>
): AppState => {
  const { ref, apis, domainLabels } = observation
  const workloads = appWorkloads.map((appWorkload) => observeWorkload(appWorkload, lists))
  const replicas = replicasOf(appWorkloads, lists, workloads)
  const claims = observeClaims(appWorkloads, lists, observation.replicas)
  const onNodes = observeNodes(appWorkloads, claims, lists, domainLabels, workloads)
  const resourceClaims = observeResourceClaims(appWorkloads, lists, onNodes)
  const services = observeServices(appWorkloads, lists)
  const budgets = observeBudgets(appWorkloads, lists)
  const protection = observeProtection(ref.namespace, appWorkloads, claims, lists, apis)
  const namespace = lists.namespaces?.find(({ metadata }) => metadata.name === ref.namespace)
  const behindClaims = {
    namespace: ref.namespace,
    claims,
    classes: new Set((protection.storageClasses ?? []).map(({ name }) => name)),
    secretsElsewhere: observation.secretsElsewhere
  }
  const subjects = eventSubjects(workloads, {
    Pod: replicas,
    PersistentVolumeClaim: claims,
    Service: services,
    PodDisruptionBudget: budgets,
    VolumeSnapshot: protection.snapshots
  })
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
    keptVolumes: observeKeptVolumes(ref.namespace, appWorkloads, lists),
    setAside: observeSetAside(appWorkloads, lists),
    keptConfig: observeKeptConfig(appWorkloads),
    volumes: observeOtherVolumes(appWorkloads),
    references: observeReferences(appWorkloads, lists, observation.keys),
    dependencies: observeDependencies(appWorkloads, behindClaims, lists),
    cloudRoles: observeCloudRoles(appWorkloads, lists),
    services,
    budgets,
    autoscalers: observeAutoscalers(appWorkloads, lists),
    nodes: onNodes.nodes?.map(({ facts }) => facts) ?? null,
    placements: observePlacements(replicas, appWorkloads, claims, resourceClaims, onNodes),
    resourceClaims,
    protection,
    operations: observeOperations(appWorkloads, lists),
    events: observeWarnings(subjects, lists),
    unread: unread.map(({ resource, reason, message }) => ({ resource, reason, message }))
  }
}

/** The state that these lists show. Pure; what cannot be understood stands in `unread`. */
export const observe = (observation: Observation): AppState => {
  const accepted = accept(observation)
  return compose(observation, accepted, appWorkloadsOf(observation.ref, accepted.lists))
}

/** How `unread` names a StatefulSet that could not be understood, before its name. */
const setPrefix = `${resourceName("statefulsets")}/`

/**
 * The states of all StatefulSets in these lists, each an app of its own, by namespace and name.
 * One that cannot be understood is there too, with no workload and the fault in `unread`.
 */
export const observeAll = (observation: Omit<Observation, "ref">): ReadonlyArray<AppState> => {
  const everything = accept(observation)
  const refused = everything.unread.filter(({ resource }) => resource.startsWith(setPrefix))
  const apps = [
    ...(everything.lists.statefulsets ?? []).map(({ metadata }) =>
      statefulSet(metadata.namespace ?? "", metadata.name)
    ),
    ...refused.map(({ namespace, resource }) =>
      statefulSet(namespace ?? "", resource.slice(setPrefix.length))
    )
  ]
  const inNamespace = byNamespace(everything)
  const shareIn = sharing(everything.lists)
  return [...Map.groupBy(apps, ({ namespace }) => namespace)]
    .toSorted(([a], [b]) => compareNames(a, b))
    .flatMap(([namespace, refs]) => {
      const { lists, unread } = inNamespace(namespace)
      const pods = podsByController(lists)
      const shareOf = shareIn(lists)
      const sets = Map.groupBy(lists.statefulsets ?? [], ({ metadata }) => metadata.name)
      return refs
        .toSorted((a, b) => compareNames(nameOf(a), nameOf(b)))
        .map((ref) => {
          const appWorkloads = appWorkloadsOf(
            ref,
            { ...lists, statefulsets: sets.get(nameOf(ref)) ?? [] },
            pods
          )
          return compose(
            { ...observation, ref },
            { lists: shareOf(ref.namespace, appWorkloads), unread },
            appWorkloads
          )
        })
    })
}
