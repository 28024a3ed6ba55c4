/**
 * Workloads of the app, with the parts of their pod template that decide where pods may be.
 */
import { type Home, repelledBy } from "../../AntiAffinity.ts"
import * as LabelSelector from "../../LabelSelector.ts"
import * as Quantity from "../../Quantity.ts"
import type { ClaimTemplate, DataSource, PodContainer, PodTemplate, Probe, Workload } from "../../Topology.ts"
import { isExtendedResource } from "./nodeFacts.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { controllerOf } from "../../kind/Meta.ts"
import type { Lists } from "../observation.ts"
import { imageVolumesOf, storeOf } from "../Store.ts"
import { formatToleration } from "../../Taint.ts"
import { writersOf } from "../Writer.ts"
import { type ContainerSpec, type PodAffinityTerm, type PodTemplateSpec, sideCarsOf } from "../../kind/Pod.ts"
import { classOf } from "../../kind/Storage.ts"
import {
  type ClaimTemplateSpec,
  type DaemonSet,
  type Deployment,
  type StatefulSet,
  retentionOf
} from "../../kind/Workload.ts"
import { hostPortsOf } from "../../HostPort.ts"

const required = "requiredDuringSchedulingIgnoredDuringExecution"

const nodeTermsOf = ({ spec: { affinity } }: PodTemplateSpec) =>
  affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? []

const affinityLines = (template: PodTemplateSpec): ReadonlyArray<string> => {
  const { affinity } = template.spec
  const node = nodeTermsOf(template)
    .map((term) =>
      [...(term.matchExpressions ?? []), ...(term.matchFields ?? [])]
        .map(LabelSelector.formatRequirement)
        .join(" and ")
    )
    .join(" or ")
  const pods = (kind: "podAffinity" | "podAntiAffinity", words: string) =>
    (affinity?.[kind]?.[required] ?? []).map(
      (term) =>
        `${words} ${LabelSelector.format(term.labelSelector ?? {}) || "<any>"} per ${term.topologyKey}`
    )
  return [
    ...(node === "" ? [] : [`node ${node}`]),
    ...pods("podAffinity", "with pods"),
    ...pods("podAntiAffinity", "not with pods")
  ]
}

/** The extended resources of one pod, summed over its containers, which all run at once. */
export const extendedResourcesOf = ({ spec }: PodTemplateSpec): Readonly<Record<string, string>> => {
  const asked = new Map<string, Array<string | number>>()
  for (const container of spec.containers) {
    // For extended resources the limit is the request.
    const all = { ...container.resources?.limits, ...container.resources?.requests }
    for (const [name, quantity] of Object.entries(all)) {
      if (isExtendedResource(name)) asked.set(name, [...(asked.get(name) ?? []), quantity])
    }
  }
  return Object.fromEntries(
    [...asked].map(([name, quantities]) => {
      const total = Quantity.sum(quantities)
      return [name, total === null ? quantities.join(" + ") : Quantity.format(total)]
    })
  )
}

/** The API's own defaults apply if a probe sets none. */
const probesOf = (container: ContainerSpec): ReadonlyArray<Probe> =>
  (["startup", "readiness", "liveness"] as const).flatMap((kind) => {
    const probe = container[`${kind}Probe`]
    const by = (["exec", "httpGet", "tcpSocket", "grpc"] as const).find((key) => probe?.[key] != null)
    if (!probe || by === undefined) return []
    const { initialDelaySeconds, periodSeconds, failureThreshold } = probe
    return [
      {
        container: container.name,
        kind,
        by,
        initialDelaySeconds: initialDelaySeconds ?? 0,
        periodSeconds: periodSeconds ?? 10,
        failureThreshold: failureThreshold ?? 3
      }
    ]
  })

/** Volumes that end with their pod, and those that hold configuration. */
const notKept = ["emptyDir", "ephemeral", "configMap", "secret", "projected", "downwardAPI", "image"]

const containersOf = (
  { spec }: PodTemplateSpec,
  claimTemplates: ReadonlyArray<string>
): ReadonlyArray<PodContainer> => {
  const lasting = new Set([
    ...claimTemplates,
    ...(spec.volumes ?? [])
      // One without any source is an emptyDir.
      .filter((volume) => Object.keys(volume).some((key) => key !== "name" && !notKept.includes(key)))
      .map(({ name }) => name)
  ])
  return [...sideCarsOf(spec), ...spec.containers].map((container) => {
    const store = storeOf(container)
    const keeps = [
      ...(container.volumeMounts ?? []).flatMap(({ mountPath, name, readOnly }) =>
        lasting.has(name) && readOnly !== true ? [mountPath] : []
      ),
      ...(container.volumeDevices ?? []).map(({ devicePath }) => devicePath)
    ]
    return {
      name: container.name,
      image: container.image ?? "",
      store,
      keeps,
      imageVolumes: store === null ? [] : imageVolumesOf(container, keeps),
      readOnly: container.securityContext?.readOnlyRootFilesystem === true
    }
  })
}

type Labels = Readonly<Record<string, string>>

/**
 * True if a term matches the template's own pods. A key of `mismatchLabelKeys` excludes the pods that have
 * the same value, and so the template's own.
 */
const isOfOwn = (
  { labelSelector, mismatchLabelKeys, namespaces, namespaceSelector }: PodAffinityTerm,
  labels: Labels,
  home: Home
): boolean => {
  const isNamed = namespaces?.includes(home.namespace) === true
  const isHere = (namespaces ?? []).length === 0 && !namespaceSelector
  const everywhere = LabelSelector.matches(namespaceSelector, home.labels ?? {})
  return (
    (isHere || isNamed || everywhere) &&
    LabelSelector.matches(labelSelector, labels) &&
    !(mismatchLabelKeys ?? []).some((key) => Object.hasOwn(labels, key))
  )
}

const observeTemplate = (
  template: PodTemplateSpec,
  claimTemplates: ReadonlyArray<string>,
  home: Home
): typeof PodTemplate.Type => {
  const { spec } = template
  const labels = template.metadata?.labels ?? {}
  const antiAffinity = spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  return {
    serviceAccount: spec.serviceAccountName || "default",
    nodeName: spec.nodeName || null,
    nodeSelector: spec.nodeSelector ?? {},
    affinity: affinityLines(template),
    nodeAffinity: nodeTermsOf(template).map((term) =>
      [...(term.matchExpressions ?? []), ...(term.matchFields ?? [])].map(({ key, operator, values }) => ({
        key,
        operator,
        values: values ?? []
      }))
    ),
    antiAffinityKeys: [
      ...new Set(antiAffinity.filter((term) => isOfOwn(term, labels, home)).map((term) => term.topologyKey))
    ],
    spread: (spec.topologySpreadConstraints ?? []).map(
      ({ labelSelector, minDomains, nodeAffinityPolicy, nodeTaintsPolicy, ...rest }) => ({
        topologyKey: rest.topologyKey,
        maxSkew: rest.maxSkew,
        whenUnsatisfiable: rest.whenUnsatisfiable,
        minDomains: minDomains ?? 1,
        nodeAffinityPolicy: nodeAffinityPolicy ?? "Honor",
        nodeTaintsPolicy: nodeTaintsPolicy ?? "Ignore",
        own: LabelSelector.matches(labelSelector, labels)
      })
    ),
    hostPorts: [...new Set(hostPortsOf(spec).map(({ hostPort, protocol }) => `${hostPort}/${protocol}`))],
    containers: containersOf(template, claimTemplates),
    runtimeClass: spec.runtimeClassName ?? null,
    tolerations: (spec.tolerations ?? []).map(formatToleration),
    priorityClass: spec.priorityClassName ?? null,
    fsGroup: spec.securityContext?.fsGroup ?? null,
    fsGroupChangePolicy: spec.securityContext?.fsGroupChangePolicy ?? null,
    hostNetwork: spec.hostNetwork === true,
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    resourceClaims: (spec.resourceClaims ?? []).map(
      (claim) => claim.resourceClaimName ?? claim.resourceClaimTemplateName ?? claim.name
    ),
    extendedResources: extendedResourcesOf(template),
    probes: [...(spec.initContainers ?? []), ...spec.containers].flatMap(probesOf)
  }
}

/** Where the objects are that fill volumes and that are read. */
const sources = {
  VolumeSnapshot: "volumesnapshots",
  PersistentVolumeClaim: "persistentvolumeclaims"
} as const
const isRead = (kind: string): kind is keyof typeof sources => Object.hasOwn(sources, kind)

/** `null` for none: the volumes begin empty. */
const dataSourceOf = ({ spec }: ClaimTemplateSpec, lists: Lists): DataSource | null => {
  const source = spec?.dataSourceRef ?? spec?.dataSource ?? null
  if (source === null) return null
  const { kind, name, namespace = null } = source
  const all: ReadonlyArray<{ readonly metadata: { readonly name: string } }> | null =
    isRead(kind) && namespace === null ? lists[sources[kind]] : null
  return { kind, name, present: all === null ? null : all.some(({ metadata }) => metadata.name === name) }
}

const claimTemplatesOf = (set: StatefulSet, lists: Lists): ReadonlyArray<ClaimTemplate> =>
  (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { metadata, spec } = template
    const requested = spec?.resources?.requests?.["storage"]
    return {
      name: metadata.name,
      storageClass: classOf(template),
      requested: requested === undefined ? null : `${requested}`,
      accessModes: spec?.accessModes ?? [],
      volumeMode: spec?.volumeMode ?? "Filesystem",
      dataSource: dataSourceOf(template, lists)
    }
  })

interface Counts {
  readonly replicas?: number | null | undefined
  readonly readyReplicas?: number | null | undefined
  readonly availableReplicas?: number | null | undefined
  readonly updatedReplicas?: number | null | undefined
}

/** Counts that are 0 are absent in the API. */
const countsOf = (status: Counts | null | undefined) => ({
  replicas: status?.replicas ?? 0,
  ready: status?.readyReplicas ?? 0,
  available: status?.availableReplicas ?? 0,
  updated: status?.updatedReplicas ?? 0
})

/** Fields that only some kinds of workload have. */
type Specifics = Pick<
  Workload,
  | "replicas"
  | "status"
  | "observedGeneration"
  | "firstOrdinal"
  | "podManagementPolicy"
  | "updateStrategy"
  | "partition"
  | "retention"
  | "claimTemplates"
  | "serviceName"
  | "currentRevision"
  | "updateRevision"
>

const withoutOrdinals = {
  firstOrdinal: 0,
  podManagementPolicy: null,
  partition: 0,
  retention: null,
  claimTemplates: [],
  serviceName: null,
  currentRevision: null,
  updateRevision: null
} as const

const ofStatefulSet = (set: StatefulSet, lists: Lists): Specifics => {
  const { spec, status } = set
  return {
    replicas: spec.replicas ?? 1,
    status: countsOf(status),
    observedGeneration: status?.observedGeneration ?? 0,
    firstOrdinal: spec.ordinals?.start ?? 0,
    podManagementPolicy: spec.podManagementPolicy === "Parallel" ? "Parallel" : "OrderedReady",
    updateStrategy: spec.updateStrategy?.type ?? "RollingUpdate",
    partition: spec.updateStrategy?.rollingUpdate?.partition ?? 0,
    retention: retentionOf(set),
    claimTemplates: claimTemplatesOf(set, lists),
    serviceName: spec.serviceName || null,
    currentRevision: status?.currentRevision ?? null,
    updateRevision: status?.updateRevision ?? null
  }
}

const ofDeployment = ({ spec, status }: Deployment): Specifics => ({
  ...withoutOrdinals,
  replicas: spec.replicas ?? 1,
  status: countsOf(status),
  observedGeneration: status?.observedGeneration ?? 0,
  updateStrategy: spec.strategy?.type ?? "RollingUpdate"
})

const ofDaemonSet = ({ spec, status }: DaemonSet, newest: string | null): Specifics => ({
  ...withoutOrdinals,
  replicas: status?.desiredNumberScheduled ?? 0,
  status: countsOf({
    replicas: status?.currentNumberScheduled,
    readyReplicas: status?.numberReady,
    availableReplicas: status?.numberAvailable,
    updatedReplicas: status?.updatedNumberScheduled
  }),
  observedGeneration: status?.observedGeneration ?? 0,
  updateStrategy: spec.updateStrategy?.type ?? "RollingUpdate",
  updateRevision: newest
})

const specificsOf = (appWorkload: AppWorkload, newest: string | null, lists: Lists): Specifics => {
  if (appWorkload.kind === "StatefulSet") return ofStatefulSet(appWorkload.object, lists)
  return appWorkload.kind === "Deployment"
    ? ofDeployment(appWorkload.object)
    : ofDaemonSet(appWorkload.object, newest)
}

/** One workload; `ready` and `status` are the controller's own counts, absent in the API when 0. */
export const observeWorkload = (appWorkload: AppWorkload, lists: Lists): Workload => {
  const { metadata, template } = appWorkload
  const revisions = (lists.controllerrevisions ?? [])
    .filter((revision) => controllerOf(revision.metadata)?.uid === metadata.uid)
    .toSorted((a, b) => b.revision - a.revision)
  const newest = revisions[0]?.metadata.labels?.["controller-revision-hash"] ?? null
  const specifics = specificsOf(appWorkload, newest, lists)
  const home = {
    namespace: metadata.namespace ?? "",
    labels: lists.namespaces?.find((one) => one.metadata.name === metadata.namespace)?.metadata.labels ?? null
  }
  const own = new Set(appWorkload.pods ?? [])
  return {
    kind: appWorkload.kind,
    name: metadata.name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    generation: metadata.generation ?? 0,
    created: metadata.creationTimestamp ?? "",
    deleted: metadata.deletionTimestamp ?? null,
    labels: metadata.labels ?? {},
    selector: LabelSelector.format(appWorkload.selector),
    minReadySeconds: appWorkload.object.spec.minReadySeconds ?? 0,
    ...specifics,
    ready: specifics.status.ready,
    revisions: revisions.map(({ metadata: { name, creationTimestamp }, revision }) => ({
      name,
      revision,
      created: creationTimestamp ?? ""
    })),
    images: [...(template.spec.initContainers ?? []), ...template.spec.containers].flatMap(({ image }) =>
      image ? [image] : []
    ),
    template: observeTemplate(
      template,
      specifics.claimTemplates.map(({ name }) => name),
      home
    ),
    repelling: repelledBy(
      template,
      home,
      (lists.pods ?? []).filter((pod) => !own.has(pod))
    ),
    writers: writersOf(appWorkload, lists.horizontalpodautoscalers)
  }
}
