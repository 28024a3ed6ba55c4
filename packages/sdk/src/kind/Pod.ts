/** Pods, pod templates, and their references to other objects. */
import * as Schema from "effect/Schema"
import {
  Condition,
  IntOrString,
  LabelSelector,
  NameReference,
  NodeSelector,
  ObjectMeta,
  optional,
  StringMap
} from "./Meta.ts"

const { Array, Boolean, Number, Record, String, Struct, Unknown } = Schema

const KeyReference = Struct({ name: optional(String), key: String, optional: optional(Boolean) })
const OptionalReference = Struct({ name: optional(String), optional: optional(Boolean) })

const EnvVar = Struct({
  name: String,
  value: optional(String),
  valueFrom: optional(
    Struct({ configMapKeyRef: optional(KeyReference), secretKeyRef: optional(KeyReference) })
  )
})
const EnvFrom = Struct({
  configMapRef: optional(OptionalReference),
  secretRef: optional(OptionalReference)
})

/** Its other key is the type of the probe. */
const Probe = Struct({
  initialDelaySeconds: optional(Number),
  periodSeconds: optional(Number),
  failureThreshold: optional(Number),
  exec: optional(Unknown),
  httpGet: optional(Unknown),
  tcpSocket: optional(Unknown),
  grpc: optional(Unknown)
})

/** Of a container, or of a pod as a whole. */
const Resources = Struct({
  requests: optional(Record(String, IntOrString)),
  limits: optional(Record(String, IntOrString)),
  claims: optional(Array(Struct({ name: String })))
})

/** A container of any type: main, init (with `restartPolicy: Always` a sidecar) or ephemeral. */
export const ContainerSpec = Struct({
  name: String,
  image: optional(String),
  command: optional(Array(String)),
  args: optional(Array(String)),
  restartPolicy: optional(String),
  ports: optional(
    Array(
      Struct({
        containerPort: Number,
        hostPort: optional(Number),
        hostIP: optional(String),
        protocol: optional(String)
      })
    )
  ),
  securityContext: optional(Struct({ readOnlyRootFilesystem: optional(Boolean) })),
  env: optional(Array(EnvVar)),
  envFrom: optional(Array(EnvFrom)),
  resources: optional(Resources),
  volumeMounts: optional(
    Array(Struct({ name: String, mountPath: String, readOnly: optional(Boolean), subPath: optional(String) }))
  ),
  volumeDevices: optional(Array(Struct({ name: String, devicePath: String }))),
  livenessProbe: optional(Probe),
  readinessProbe: optional(Probe),
  startupProbe: optional(Probe),
  lifecycle: optional(Unknown)
})
export type ContainerSpec = typeof ContainerSpec.Type

const KeyToPath = Struct({ key: String, path: optional(String) })
const ConfigMapSource = Struct({
  name: optional(String),
  optional: optional(Boolean),
  items: optional(Array(KeyToPath))
})

/** A volume; its source is whichever other key it has, so that sources of tomorrow are seen as well. */
export const VolumeSpec = Struct({
  name: String,
  persistentVolumeClaim: optional(Struct({ claimName: String, readOnly: optional(Boolean) })),
  ephemeral: optional(
    Struct({
      volumeClaimTemplate: optional(
        Struct({
          metadata: optional(Struct({ annotations: optional(StringMap) })),
          spec: optional(Struct({ storageClassName: optional(String) }))
        })
      )
    })
  ),
  configMap: optional(ConfigMapSource),
  secret: optional(
    Struct({
      secretName: optional(String),
      optional: optional(Boolean),
      items: optional(Array(KeyToPath))
    })
  ),
  projected: optional(
    Struct({
      sources: optional(
        Array(
          Struct({
            configMap: optional(ConfigMapSource),
            secret: optional(ConfigMapSource),
            clusterTrustBundle: optional(Struct({ name: optional(String), optional: optional(Boolean) }))
          })
        )
      )
    })
  ),
  emptyDir: optional(Struct({ medium: optional(String), sizeLimit: optional(IntOrString) })),
  hostPath: optional(Struct({ path: String, type: optional(String) })),
  nfs: optional(Struct({ server: String, path: String })),
  csi: optional(
    Struct({
      driver: String,
      nodePublishSecretRef: optional(NameReference),
      volumeAttributes: optional(StringMap)
    })
  ),
  azureFile: optional(Struct({ secretName: optional(String) })),
  cephfs: optional(Struct({ secretRef: optional(NameReference) })),
  rbd: optional(Struct({ secretRef: optional(NameReference) })),
  iscsi: optional(Struct({ secretRef: optional(NameReference) })),
  flexVolume: optional(Struct({ driver: optional(String), secretRef: optional(NameReference) }))
})
export type VolumeSpec = typeof VolumeSpec.Type

const PodAffinityTerm = Struct({
  topologyKey: String,
  labelSelector: optional(LabelSelector),
  matchLabelKeys: optional(Array(String)),
  mismatchLabelKeys: optional(Array(String)),
  namespaces: optional(Array(String)),
  namespaceSelector: optional(LabelSelector)
})
export type PodAffinityTerm = typeof PodAffinityTerm.Type
const PodAffinity = Struct({
  requiredDuringSchedulingIgnoredDuringExecution: optional(Array(PodAffinityTerm))
})

export const Toleration = Struct({
  key: optional(String),
  operator: optional(String),
  value: optional(String),
  effect: optional(String),
  tolerationSeconds: optional(Number)
})
export type Toleration = typeof Toleration.Type

export const PodSpec = Struct({
  nodeName: optional(String),
  hostname: optional(String),
  subdomain: optional(String),
  serviceAccountName: optional(String),
  containers: Array(ContainerSpec),
  initContainers: optional(Array(ContainerSpec)),
  resources: optional(Resources),
  ephemeralContainers: optional(Array(ContainerSpec)),
  volumes: optional(Array(VolumeSpec)),
  imagePullSecrets: optional(Array(NameReference)),
  nodeSelector: optional(StringMap),
  affinity: optional(
    Struct({
      nodeAffinity: optional(
        Struct({ requiredDuringSchedulingIgnoredDuringExecution: optional(NodeSelector) })
      ),
      podAffinity: optional(PodAffinity),
      podAntiAffinity: optional(PodAffinity)
    })
  ),
  topologySpreadConstraints: optional(
    Array(
      Struct({
        topologyKey: String,
        maxSkew: Number,
        whenUnsatisfiable: String,
        minDomains: optional(Number),
        nodeAffinityPolicy: optional(String),
        nodeTaintsPolicy: optional(String),
        labelSelector: optional(LabelSelector)
      })
    )
  ),
  tolerations: optional(Array(Toleration)),
  priorityClassName: optional(String),
  runtimeClassName: optional(String),
  securityContext: optional(Struct({ fsGroup: optional(Number), fsGroupChangePolicy: optional(String) })),
  hostNetwork: optional(Boolean),
  terminationGracePeriodSeconds: optional(Number),
  resourceClaims: optional(
    Array(
      Struct({
        name: String,
        resourceClaimName: optional(String),
        resourceClaimTemplateName: optional(String)
      })
    )
  ),
  readinessGates: optional(Array(Struct({ conditionType: String }))),
  schedulingGates: optional(Array(Struct({ name: String })))
})
export type PodSpec = typeof PodSpec.Type

export const PodTemplateSpec = Struct({
  metadata: optional(Struct({ labels: optional(StringMap), annotations: optional(StringMap) })),
  spec: PodSpec
})
export type PodTemplateSpec = typeof PodTemplateSpec.Type

const Waiting = Struct({ reason: optional(String), message: optional(String) })
const Terminated = Struct({
  reason: optional(String),
  message: optional(String),
  exitCode: optional(Number),
  signal: optional(Number)
})

export const ContainerStatus = Struct({
  name: String,
  image: optional(String),
  ready: optional(Boolean),
  /** False until the startup probe has passed. */
  started: optional(Boolean),
  restartCount: optional(Number),
  state: optional(
    Struct({ running: optional(Unknown), waiting: optional(Waiting), terminated: optional(Terminated) })
  )
})
export type ContainerStatus = typeof ContainerStatus.Type

export const Pod = Struct({
  metadata: ObjectMeta,
  spec: PodSpec,
  status: optional(
    Struct({
      phase: optional(String),
      reason: optional(String),
      message: optional(String),
      conditions: optional(Array(Condition)),
      podIPs: optional(Array(Struct({ ip: optional(String) }))),
      qosClass: optional(String),
      containerStatuses: optional(Array(ContainerStatus)),
      initContainerStatuses: optional(Array(ContainerStatus)),
      resourceClaimStatuses: optional(Array(Struct({ name: String, resourceClaimName: optional(String) })))
    })
  )
})
export type Pod = typeof Pod.Type

/** The ServiceAccount that pods run as. */
export const accountOf = ({ spec }: { readonly spec: PodSpec }): string =>
  spec.serviceAccountName || "default"

/** The container that a command in a pod runs in by default, as kubectl chooses it: the annotated one, else the first. */
export const defaultContainer = ({ metadata, spec }: Pick<Pod, "metadata" | "spec">): string | null =>
  metadata.annotations?.["kubectl.kubernetes.io/default-container"] ?? spec.containers[0]?.name ?? null

/** Init containers that keep running next to the others. */
export const sideCarsOf = ({ initContainers }: PodSpec): ReadonlyArray<ContainerSpec> =>
  (initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")

/**
 * True if a pod of this phase has ended: completed, evicted, or with the shutdown of its node. A ReplicaSet
 * does not count such a pod and creates another, and it stays as a record; a StatefulSet replaces it only
 * once it is deleted.
 */
export const isEnd = (phase: string | null | undefined): phase is "Failed" | "Succeeded" =>
  phase === "Failed" || phase === "Succeeded"

/** True if the pod has ended. */
export const hasEnded = ({ status }: Pick<Pod, "status">): boolean => isEnd(status?.phase)
