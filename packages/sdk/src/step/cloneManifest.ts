/**
 * The manifests of a record as those of another application, perhaps in another namespace: pure.
 *
 * Only user-written fields are copied: fields that the cluster has filled in are dropped, and so are labels
 * and annotations by which a GitOps tool, Helm or a DNS controller would take the copy for the original.
 */
import { cloneLabel, retentionBeforeAnnotation, managedByLabel } from "../Labels.ts"
import { nameOf, labelsOf, hostsIn, type ClonedKind, type Renaming, renamed } from "./cloneNames.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- manifests as a record has them, of any shape
type Json = any

/** Marks of tools that own the original, and of ours. */
const foreign = [
  "argocd.argoproj.io/",
  "config.k8s.io/",
  "config.kubernetes.io/",
  "external-dns.alpha.kubernetes.io/",
  "helm.toolkit.fluxcd.io/",
  "kubectl-stateful.dev/",
  "kubectl.kubernetes.io/last-applied-configuration",
  "kustomize.toolkit.fluxcd.io/",
  "meta.helm.sh/",
  "deployment.kubernetes.io/"
]

const withoutForeign = (entries: unknown): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(Object(entries)).filter(([key]) => !foreign.some((mark) => key.startsWith(mark)))
  )

const given = (fields: Json): Json =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))

const isEmpty = (value: object): boolean => Object.keys(value).length === 0

const metadataOf = (renaming: Renaming, name: string, { labels, annotations }: Json): Json => {
  const kept = withoutForeign(labelsOf(renaming, labels))
  const { [managedByLabel]: manager, ...others } = kept
  const ours = manager === undefined || manager === "Helm" ? others : kept
  const notes = withoutForeign(annotations)
  return {
    name,
    ...(isEmpty(ours) ? {} : { labels: ours }),
    ...(isEmpty(notes) ? {} : { annotations: notes })
  }
}

export const selectorOf = (renaming: Renaming, selector: Json): Json =>
  selector == null
    ? selector
    : given({
        matchLabels: selector.matchLabels == null ? undefined : labelsOf(renaming, selector.matchLabels),
        matchExpressions: selector.matchExpressions?.map((one: Json) => ({
          ...one,
          ...(one.values == null
            ? {}
            : { values: one.values.map((value: Json) => labelsOf(renaming, { [one.key]: value })[one.key]) })
        }))
      })

/** Fields of a pod's spec that name an object: of which kind, and in which field. */
const references: Readonly<Record<string, readonly [ClonedKind, ReadonlyArray<string>]>> = {
  configMap: ["ConfigMap", ["name"]],
  configMapRef: ["ConfigMap", ["name"]],
  configMapKeyRef: ["ConfigMap", ["name"]],
  secret: ["Secret", ["name", "secretName"]],
  azureFile: ["Secret", ["secretName"]],
  secretRef: ["Secret", ["name"]],
  secretKeyRef: ["Secret", ["name"]],
  nodePublishSecretRef: ["Secret", ["name"]]
}

/** Fields of a container whose texts may name hosts of the source. */
const texts = ["args", "command", "value"]

/** A part of a pod's spec with each reference followed. */
const followed = (renaming: Renaming, value: Json, field = ""): Json => {
  if (typeof value === "string") return texts.includes(field) ? hostsIn(renaming, value) : value
  if (Array.isArray(value)) return value.map((item) => followed(renaming, item, field))
  if (typeof value !== "object" || value === null) return value
  if (field === "labelSelector") return selectorOf(renaming, value)
  const [kind, names] = references[field] ?? []
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      kind !== undefined && names?.includes(key) === true && typeof inner === "string"
        ? nameOf(renaming, kind, inner)
        : followed(renaming, inner, key)
    ])
  )
}

/** The spec of a pod that may run anywhere, with its references followed. */
export const podSpecOf = (renaming: Renaming, spec: Json): Json => {
  const { nodeName: _, serviceAccount, serviceAccountName, imagePullSecrets, ...rest } = Object(spec)
  const account = serviceAccountName ?? serviceAccount
  return {
    ...followed(renaming, rest),
    ...(account == null ? {} : { serviceAccountName: nameOf(renaming, "ServiceAccount", account) }),
    ...(imagePullSecrets == null
      ? {}
      : {
          imagePullSecrets: imagePullSecrets.map((one: Json) => ({
            name: nameOf(renaming, "Secret", one.name)
          }))
        })
  }
}

/** The labels of the restored pods, but for those that the controller adds. */
export const podLabelsOf = (renaming: Renaming, template: Json, operation: string): Json => ({
  ...labelsOf(renaming, template?.metadata?.labels),
  [cloneLabel]: operation
})

const claimTemplateOf = (renaming: Renaming, { metadata, spec }: Json): Json => {
  const { volumeName: _, dataSource: __, dataSourceRef: ___, ...kept } = Object(spec)
  return { metadata: metadataOf(renaming, metadata.name, metadata), spec: kept }
}

/** Claims are kept until everything is done: the final policy is remembered on the StatefulSet. */
const retention = ({ persistentVolumeClaimRetentionPolicy: policy }: Json): Json =>
  policy?.whenScaled === "Delete"
    ? {
        annotations: { [retentionBeforeAnnotation]: JSON.stringify({ whenDeleted: "Retain", ...policy }) },
        spec: { persistentVolumeClaimRetentionPolicy: { ...policy, whenScaled: "Retain" } }
      }
    : { annotations: {}, spec: {} }

/** The StatefulSet with no replicas: it is started once its volumes are checked. */
export const setManifest = (renaming: Renaming, operation: string, { metadata, spec }: Json): Json => {
  const { template, volumeClaimTemplates, selector, serviceName, replicas: _, ...kept } = spec
  const annotations = withoutForeign(template.metadata?.annotations)
  const own = metadataOf(renaming, renaming.to.name, metadata)
  const during = retention(spec)
  return {
    metadata: { ...own, annotations: { ...own.annotations, ...during.annotations } },
    spec: {
      ...kept,
      ...during.spec,
      replicas: 0,
      selector: selectorOf(renaming, selector),
      ...(serviceName ? { serviceName: nameOf(renaming, "Service", serviceName) } : {}),
      template: {
        metadata: {
          labels: podLabelsOf(renaming, template, operation),
          ...(isEmpty(annotations) ? {} : { annotations })
        },
        spec: podSpecOf(renaming, template.spec)
      },
      ...(volumeClaimTemplates == null
        ? {}
        : { volumeClaimTemplates: volumeClaimTemplates.map((one: Json) => claimTemplateOf(renaming, one)) })
    }
  }
}

/** Addresses and ports are reassigned; a headless Service stays headless. */
const serviceSpec = (renaming: Renaming, spec: Json): Json =>
  given({
    type: spec.type,
    ...(spec.clusterIP === "None" ? { clusterIP: "None" } : {}),
    selector: spec.selector == null ? undefined : labelsOf(renaming, spec.selector),
    ports: spec.ports?.map((port: Json) => given({ ...port, nodePort: undefined })),
    publishNotReadyAddresses: spec.publishNotReadyAddresses,
    sessionAffinity: spec.sessionAffinity,
    sessionAffinityConfig: spec.sessionAffinityConfig,
    internalTrafficPolicy: spec.internalTrafficPolicy,
    externalTrafficPolicy: spec.externalTrafficPolicy,
    loadBalancerClass: spec.loadBalancerClass,
    externalName: spec.externalName === undefined ? undefined : hostsIn(renaming, spec.externalName)
  })

const bodies: Readonly<Record<ClonedKind, (renaming: Renaming, object: Json) => Json>> = {
  // Who it is in a cloud, and its tokens, are the original's alone.
  ServiceAccount: (renaming, { imagePullSecrets, automountServiceAccountToken }) =>
    given({
      automountServiceAccountToken,
      imagePullSecrets: imagePullSecrets?.map((one: Json) => ({ name: nameOf(renaming, "Secret", one.name) }))
    }),
  ConfigMap: (renaming, { data, binaryData, immutable }) =>
    given({
      data:
        data == null
          ? undefined
          : Object.fromEntries(
              Object.entries(data).map(([key, text]) => [key, hostsIn(renaming, String(text))])
            ),
      binaryData,
      immutable
    }),
  Secret: (_, { data, type, immutable }) => given({ data, type, immutable }),
  Service: (renaming, { spec }) => ({ spec: serviceSpec(renaming, spec) }),
  PodDisruptionBudget: (renaming, { spec }) => ({
    spec: given({
      minAvailable: spec.minAvailable,
      maxUnavailable: spec.maxUnavailable,
      unhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy,
      selector: selectorOf(renaming, spec.selector)
    })
  })
}

/**
 * An object of the copy. Objects of the StatefulSet get an owner reference to the new one; other owners are
 * dropped.
 */
export const objectManifest = (
  renaming: Renaming,
  kind: ClonedKind,
  object: Json,
  owner: { readonly uid: string; readonly ofSource: boolean } | null
): Json => {
  const metadata = metadataOf(renaming, nameOf(renaming, kind, object.metadata.name), object.metadata)
  return {
    metadata: {
      ...metadata,
      ...(kind === "ServiceAccount" ? { annotations: undefined } : {}),
      ...(owner?.ofSource === true
        ? {
            ownerReferences: [
              { apiVersion: "apps/v1", kind: "StatefulSet", name: renaming.to.name, uid: owner.uid }
            ]
          }
        : {})
    },
    ...bodies[kind](renaming, object)
  }
}

/** A new name for an object: the application's own in it replaced, or put before it. */
export const freeNames = (
  renaming: Pick<Renaming, "from" | "to">,
  name: string
): readonly [string, ...ReadonlyArray<string>] => {
  const own = renamed(renaming, name)
  const before = `${renaming.to.name}-${name}`
  return own === name && renaming.from.namespace === renaming.to.namespace ? [before] : [own, before]
}
