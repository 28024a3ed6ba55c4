/**
 * The share of each StatefulSet in the lists of all: the objects that can concern it, found by
 * index. Without it a state for each of many sets would go through everything every time.
 *
 * A share may hold too much, since `observe` decides what belongs to an app; never too little.
 */
import { mayRepelOthers } from "../../AntiAffinity.ts"
import { claimsOfPod } from "../../Claim.ts"
import type { Plural } from "../../Kind.ts"
import { controllerOf, type LabelSelector, type ObjectMeta } from "../../kind/Meta.ts"
import { type Pod, accountOf } from "../../kind/Pod.ts"
import type { StatefulSet } from "../../kind/Workload.ts"
import { appLabel, operationLabel } from "../../Labels.ts"
import { referencedNames } from "./references.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import type { Lists } from "../observation.ts"
import { handleOf } from "./volume.ts"
import { secretsOfClass, secretsOfVolume } from "./volumeSecret.ts"
import { groupOf } from "../../kind/Snapshot.ts"
import { labelValue } from "../../ObjectName.ts"

type Keys = ReadonlyArray<string>

/** Objects by key, in the order of their list; `null` if there is no list. */
type Find<A> = (keys: Iterable<string>) => ReadonlyArray<A> | null

const indexed = <A>(list: ReadonlyArray<A> | null, keysOf: (object: A) => Keys): Find<A> => {
  if (list === null) return () => null
  const places = new Map<string, Array<number>>()
  for (const [place, object] of list.entries()) {
    for (const key of keysOf(object)) {
      const found = places.get(key)
      if (found === undefined) places.set(key, [place])
      else found.push(place)
    }
  }
  return (keys) => {
    const found = new Set<number>()
    for (const key of keys) for (const place of places.get(key) ?? []) found.add(place)
    return [...found].toSorted((a, b) => a - b).flatMap((place) => list[place] ?? [])
  }
}

const nameOf = ({ metadata }: { readonly metadata: ObjectMeta }): Keys => [metadata.name]

/** `data-db-` of `data-db-7`: what the names of all ordinals have in common. No name ends with a dash. */
const stemOf = (name: string): string => name.slice(0, name.lastIndexOf("-") + 1)

const pairs = (labels: Readonly<Record<string, string>> | null | undefined): Keys =>
  Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)

/** Selectors without a label to look them up by. */
const anyLabels = "*"

/** The key of every pod: no claim has this name. */
const anyPod = "*"

const mayRepel = (apps: ReadonlyArray<AppWorkload>): boolean =>
  apps.some(({ selector, template }) => mayRepelOthers(template, selector))

/** One label that all of a selector's objects must have is enough to look it up by. */
const selectorKeys = (selector: LabelSelector | null | undefined): Keys =>
  selector ? [pairs(selector.matchLabels)[0] ?? anyLabels] : []

/** Journals that name no app concern every app of their namespace. */
const journalKey = (app: string | undefined): string =>
  `operation of ${app === undefined ? "any" : labelValue(app)}`

type Lookup = { readonly [P in Plural]?: Find<NonNullable<Lists[P]>[number]> }

/** The shared cluster-scoped objects, indexed once for all namespaces. */
const clusterWide = (lists: Lists) =>
  ({
    persistentvolumes: indexed(lists.persistentvolumes, nameOf),
    volumeattachments: indexed(lists.volumeattachments, ({ spec }) => [
      spec.source.persistentVolumeName ?? ""
    ]),
    volumesnapshotcontents: indexed(lists.volumesnapshotcontents, nameOf),
    namespaces: indexed(lists.namespaces, nameOf)
  }) satisfies Lookup

const ofNamespace = (lists: Lists, contents: ReturnType<typeof clusterWide>["volumesnapshotcontents"]) =>
  ({
    controllerrevisions: indexed(lists.controllerrevisions, ({ metadata }) => [
      controllerOf(metadata)?.uid ?? ""
    ]),
    pods: indexed(lists.pods, (pod) => [anyPod, ...claimsOfPod(pod).map(([claim]) => claim)]),
    persistentvolumeclaims: indexed(lists.persistentvolumeclaims, ({ metadata: { name } }) => [
      name,
      `PersistentVolumeClaim/${name}`,
      stemOf(name)
    ]),
    services: indexed(lists.services, ({ metadata: { name }, spec }) => [
      name,
      ...pairs(spec.selector).slice(0, 1)
    ]),
    endpointslices: indexed(lists.endpointslices, ({ metadata }) => [
      metadata.labels?.["kubernetes.io/service-name"] ?? ""
    ]),
    configmaps: indexed(lists.configmaps, ({ metadata: { labels, name } }) =>
      labels?.[operationLabel] === undefined ? [name] : [name, journalKey(labels[appLabel])]
    ),
    secrets: indexed(lists.secrets, nameOf),
    serviceaccounts: indexed(lists.serviceaccounts, nameOf),
    events: indexed(lists.events, ({ involvedObject: { kind, name } }) => [
      `${kind ?? ""}/${name ?? ""}`,
      `${kind ?? ""}/${stemOf(name ?? "")}`
    ]),
    poddisruptionbudgets: indexed(lists.poddisruptionbudgets, ({ spec }) => selectorKeys(spec.selector)),
    horizontalpodautoscalers: indexed(lists.horizontalpodautoscalers, ({ spec }) => [
      spec.scaleTargetRef.name
    ]),
    volumesnapshots: indexed(lists.volumesnapshots, ({ metadata, spec, status }) => {
      const content = contents([status?.boundVolumeSnapshotContentName ?? ""])?.[0]
      return [
        `VolumeSnapshot/${metadata.name}`,
        spec.source.persistentVolumeClaimName || (content?.spec.source.volumeHandle ?? "")
      ]
    }),
    volumegroupsnapshots: indexed(lists.volumegroupsnapshots, nameOf),
    resourceclaims: indexed(lists.resourceclaims, nameOf),
    replicationsources: indexed(lists.replicationsources, ({ spec }) => [spec.sourcePVC ?? ""])
  }) satisfies Lookup

const claimNames = (set: StatefulSet, pods: ReadonlyArray<Pod>): ReadonlySet<string> =>
  new Set([
    ...(set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => `${metadata.name}-${set.metadata.name}-`),
    ...(set.spec.template.spec.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) =>
      claim ? [claim.claimName] : []
    ),
    ...pods.flatMap((pod) => claimsOfPod(pod).map(([claim]) => claim))
  ])

const namesOf = (objects: ReadonlyArray<{ readonly metadata: ObjectMeta }> | null): Keys =>
  (objects ?? []).map(({ metadata }) => metadata.name)

const handlesOf = (volumes: Lists["persistentvolumes"]): Keys =>
  (volumes ?? []).flatMap((volume) => handleOf(volume) ?? [])

const resourceClaimNames = ({ spec, status }: Pod): Keys =>
  [...(status?.resourceClaimStatuses ?? []), ...(spec.resourceClaims ?? [])].flatMap(
    ({ resourceClaimName }) => (resourceClaimName ? [resourceClaimName] : [])
  )

/** What fills new claims of the templates, as `VolumeSnapshot/first`. */
const sourcesOf = (sets: ReadonlyArray<StatefulSet>): Keys =>
  sets.flatMap(({ spec: { volumeClaimTemplates } }) =>
    (volumeClaimTemplates ?? []).flatMap(({ spec }) => {
      const source = spec?.dataSourceRef ?? spec?.dataSource
      return source ? [`${source.kind}/${source.name}`] : []
    })
  )

/**
 * The share of one app in the lists of its namespace. `apps` are its workloads: one StatefulSet, or none
 * where that could not be understood.
 */
export type Share = (namespace: string, apps: ReadonlyArray<AppWorkload>) => Lists

/** `everything` in the cluster first, for what has no namespace; then the lists of each namespace. */
export const sharing = (everything: Lists): ((lists: Lists) => Share) => {
  const cluster = clusterWide(everything)
  return (lists) => {
    const local = ofNamespace(lists, cluster.volumesnapshotcontents)
    return (namespace, apps) => {
      const sets = apps.flatMap((app) => (app.kind === "StatefulSet" ? [app.object] : []))
      const pods = apps.flatMap((app) => app.pods ?? [])
      const templates = apps.map(({ template }) => template)
      const labels = new Set([...templates, ...pods].flatMap(({ metadata }) => pairs(metadata?.labels)))
      const names = sets.flatMap((set) => [...claimNames(set, pods)])
      const claims = local.persistentvolumeclaims(names)
      const claimed = namesOf(claims)
      const volumes = cluster.persistentvolumes(
        (claims ?? []).flatMap(({ spec }) => (spec.volumeName ? [spec.volumeName] : []))
      )
      const services = local.services([
        ...sets.flatMap(({ spec }) => spec.serviceName ?? []),
        ...pods.flatMap(({ spec }) => spec.subdomain ?? []),
        ...labels
      ])
      const budgets = local.poddisruptionbudgets([anyLabels, ...labels])
      const snapshots = local.volumesnapshots([...sourcesOf(sets), ...claimed, ...handlesOf(volumes)])
      const serviceaccounts = local.serviceaccounts([...templates, ...pods].map(accountOf))
      const referred = referencedNames(apps, { serviceaccounts })
      return {
        ...lists,
        namespaces: cluster.namespaces([namespace]),
        statefulsets: sets,
        controllerrevisions: local.controllerrevisions(apps.map(({ metadata }) => metadata.uid ?? "")),
        // Of other apps' pods, those that use a claim of this one, or all where anti-affinity may be about them.
        pods: local.pods(mayRepel(apps) ? [anyPod] : claimed),
        persistentvolumeclaims: local.persistentvolumeclaims([...names, ...sourcesOf(sets)]),
        persistentvolumes: volumes,
        volumeattachments: cluster.volumeattachments(namesOf(volumes)),
        services,
        endpointslices: local.endpointslices(namesOf(services)),
        configmaps: local.configmaps([
          ...referred.ConfigMap,
          journalKey(undefined),
          ...apps.map(({ metadata }) => journalKey(metadata.name))
        ]),
        secrets: local.secrets([
          ...referred.Secret,
          ...(volumes ?? []).flatMap(secretsOfVolume).map(({ name }) => name),
          ...(lists.storageclasses ?? [])
            .flatMap((one) => secretsOfClass(one, namespace))
            .map(({ name }) => name)
        ]),
        serviceaccounts,
        events: local.events([
          ...apps.map(({ key }) => key),
          // A pod that is missing has events too.
          ...apps.map(({ metadata }) => `Pod/${metadata.name}-`),
          ...namesOf(pods).map((pod) => `Pod/${pod}`),
          ...claimed.map((claim) => `PersistentVolumeClaim/${claim}`),
          ...namesOf(services).map((service) => `Service/${service}`),
          ...sets.map(({ spec }) => `Service/${spec.serviceName ?? ""}`),
          ...namesOf(budgets).map((budget) => `PodDisruptionBudget/${budget}`),
          ...namesOf(snapshots).map((snapshot) => `VolumeSnapshot/${snapshot}`)
        ]),
        poddisruptionbudgets: budgets,
        horizontalpodautoscalers: local.horizontalpodautoscalers(namesOf(apps)),
        volumesnapshots: snapshots,
        volumesnapshotcontents: cluster.volumesnapshotcontents(
          (snapshots ?? []).flatMap(({ status }) => status?.boundVolumeSnapshotContentName ?? [])
        ),
        volumegroupsnapshots: local.volumegroupsnapshots(
          (snapshots ?? []).flatMap((snapshot) => groupOf(snapshot) ?? [])
        ),
        resourceclaims: local.resourceclaims([
          ...pods.flatMap(resourceClaimNames),
          ...templates.flatMap(({ spec }) =>
            (spec.resourceClaims ?? []).flatMap(({ resourceClaimName }) => resourceClaimName ?? [])
          )
        ]),
        replicationsources: local.replicationsources(claimed)
      }
    }
  }
}
