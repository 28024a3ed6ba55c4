/**
 * The provisioner of the storage driver: creates the volume for a claim, empty or from a snapshot or
 * another claim.
 */
import { at, stringAt } from "../apimachinery/Json.ts"
import * as Quantity from "../apimachinery/Quantity.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  nodes,
  type PersistentVolumeClaim,
  persistentvolumeclaims,
  persistentvolumes
} from "../registry/kinds/core.ts"
import {
  csidrivers,
  type StorageClass,
  type VolumeSnapshot,
  volumesnapshotcontents,
  volumesnapshots
} from "../registry/kinds/storage.ts"
import { durationIn, type Storage, StorageFailure } from "../storage/Storage.ts"
import { Volume } from "../storage/Volume.ts"
import { Backoff, type Client } from "./Client.ts"
import type { Recorder } from "./Recorder.ts"
import { keyOf } from "../apimachinery/KubeObject.ts"

/** The behaviour of a StorageClass, in addition to the class itself. */
export interface Provisioning {
  /** Between the wish and the volume. Default: the class's parameter `provisionDelay`, or 100. */
  readonly millis?: number
  /** Refuses, with these words, for as long as it answers any. */
  readonly failure?: (claim: PersistentVolumeClaim) => string | undefined
}

export const selectedNode = "volume.kubernetes.io/selected-node"
export const provisionerFinalizer = "external-provisioner.volume.kubernetes.io/finalizer"
const onSnapshot = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
const onSource = "provisioner.storage.kubernetes.io/cloning-protection"
const modeChange = "snapshot.storage.kubernetes.io/allow-volume-mode-change"

export const sizeOf = (claim: PersistentVolumeClaim): string => claim.spec.resources?.requests?.storage ?? "0"

export class Provisioner {
  readonly #client: Client
  readonly #registry: Registry
  readonly #storage: Storage
  readonly #recorder: Recorder
  readonly #classes: Readonly<Record<string, Provisioning>>
  readonly #backoff = new Backoff()
  /** The time at which the current attempt for a claim's uid ends, or the next one starts. */
  readonly #due = new Map<string, { readonly at: number; readonly begun: boolean }>()

  constructor(
    client: Client,
    storage: Storage,
    recorder: Recorder,
    classes: Readonly<Record<string, Provisioning>> = {}
  ) {
    this.#client = client
    this.#registry = client.registry
    this.#storage = storage
    this.#recorder = recorder
    this.#classes = classes
  }

  #say(
    claim: PersistentVolumeClaim,
    component: string,
    reason: string,
    message: string,
    warns = false
  ): void {
    this.#recorder.record(claim, { type: warns ? "Warning" : "Normal", reason, message, component })
  }

  /** Answers after how many milliseconds to look again; 0 when there is a volume now. */
  provision(claim: PersistentVolumeClaim, storageClass: StorageClass): number | undefined {
    const { provisioner } = storageClass
    const node = claim.metadata.annotations?.[selectedNode]
    if (storageClass.volumeBindingMode === "WaitForFirstConsumer" && node === undefined) {
      this.#once(claim, "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
      return undefined
    }
    const asked = this.#client.annotate(
      persistentvolumeclaims,
      this.#client.annotate(
        persistentvolumeclaims,
        claim,
        "volume.beta.kubernetes.io/storage-provisioner",
        provisioner
      ),
      "volume.kubernetes.io/storage-provisioner",
      provisioner
    )
    this.#once(
      claim,
      "ExternalProvisioning",
      `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
    )
    // Nobody of that name is there.
    if (this.#registry.store.get(csidrivers, undefined, provisioner) === undefined) return undefined
    const { uid } = claim.metadata
    const now = this.#registry.now()
    const due = this.#due.get(uid)
    if (due !== undefined && due.at > now) return due.at - now
    if (due?.begun !== true) {
      const millis =
        this.#classes[storageClass.metadata.name]?.millis ??
        durationIn(storageClass.parameters, "provisionDelay", 100)
      this.#say(
        claim,
        provisioner,
        "Provisioning",
        `External provisioner is provisioning volume for claim ${JSON.stringify(keyOf(claim))}`
      )
      this.#due.set(uid, { at: now + millis, begun: true })
      if (millis > 0) return millis
    }
    const made = this.#make(asked, storageClass)
    if (typeof made === "string") {
      const wait = this.#backoff.next(uid)
      this.#due.set(uid, { at: now + wait, begun: false })
      this.#say(claim, provisioner, "ProvisioningFailed", made, true)
      return wait
    }
    this.#due.delete(uid)
    this.#backoff.reset(uid)
    this.#create(asked, storageClass, made)
    return 0
  }

  readonly #said = new Set<string>()

  /** A real one says it at every turn, and it counts up. */
  #once(claim: PersistentVolumeClaim, reason: string, message: string): void {
    const key = `${claim.metadata.uid}/${reason}`
    if (this.#said.has(key)) return
    this.#said.add(key)
    this.#say(claim, "persistentvolume-controller", reason, message)
  }

  /** The new volume's bytes, or why there are none, in the provisioner's words. */
  #make(claim: PersistentVolumeClaim, storageClass: StorageClass): Volume | string {
    const failed = (why: string): string =>
      `failed to provision volume with StorageClass ${JSON.stringify(storageClass.metadata.name)}: ${why}`
    const asked = this.#classes[storageClass.metadata.name]?.failure?.(claim)
    if (asked !== undefined) return failed(asked)
    try {
      const bytes = this.#bytesFor(claim)
      if (typeof bytes === "string") return bytes
      const call = { name: "CreateVolume", about: claim.metadata.name } as const
      this.#storage.attempt(call, claim.metadata.uid, storageClass.parameters?.["failCreate"])
      return bytes
    } catch (failure) {
      if (failure instanceof StorageFailure) return failed(failure.message)
      throw failure
    }
  }

  #bytesFor(claim: PersistentVolumeClaim): Volume | string {
    const capacity = Quantity.parse(sizeOf(claim))
    const source = claim.spec.dataSource
    if (source === undefined) return new Volume(capacity)
    const bytes =
      source.kind === "VolumeSnapshot"
        ? this.#fromSnapshot(claim, source.name, capacity)
        : this.#fromClaim(claim, source.name, capacity)
    return typeof bytes === "string"
      ? `error getting handle for DataSource Type ${source.kind} by Name ${source.name}: ${bytes}`
      : bytes.copy(capacity)
  }

  #fromSnapshot(claim: PersistentVolumeClaim, name: string, capacity: number): Volume | string {
    const { store } = this.#registry
    const snapshot = store.get(volumesnapshots, claim.metadata.namespace, name)
    if (snapshot === undefined) {
      return `error getting snapshot ${name} from api server: volumesnapshots.snapshot.storage.k8s.io ${JSON.stringify(name)} not found`
    }
    if (snapshot.metadata.deletionTimestamp !== undefined) return `snapshot ${name} is being deleted`
    const contentName = snapshot.status?.boundVolumeSnapshotContentName ?? ""
    const content = store.get(volumesnapshotcontents, undefined, contentName)
    if (contentName === "" || content === undefined) return `snapshot ${name} not bound`
    if (content.spec.volumeSnapshotRef.uid !== snapshot.metadata.uid)
      return `snapshotContent ${contentName} for snapshot ${name} is bound to a different snapshot`
    if (snapshot.status?.readyToUse !== true) return `snapshot ${name} is not Ready`
    const size = content.status?.restoreSize ?? 0
    if (capacity < size)
      return `requested volume size ${capacity} is less than the size ${size} for the source snapshot ${name}`
    const mode = claim.spec.volumeMode ?? "Filesystem"
    const before = content.spec.sourceVolumeMode
    if (before !== undefined && before !== mode && content.metadata.annotations?.[modeChange] !== "true") {
      return `requested volume ${keyOf(claim)} modifies the mode of the source volume but does not have permission to do so. ${modeChange} annotation is not present on snapshotcontent ${contentName}`
    }
    this.#client.addFinalizer(volumesnapshots, snapshot, onSnapshot)
    const bytes = this.#storage.snapshots.get(content.status?.snapshotHandle ?? "")?.bytes
    return bytes ?? `snapshot ${content.status?.snapshotHandle} is not there`
  }

  #fromClaim(claim: PersistentVolumeClaim, name: string, capacity: number): Volume | string {
    const { store } = this.#registry
    const { namespace } = claim.metadata
    const source = store.get(persistentvolumeclaims, namespace, name)
    if (source === undefined) {
      return `error getting PVC ${name} (namespace ${JSON.stringify(namespace)}) from api server: persistentvolumeclaim ${JSON.stringify(name)} not found`
    }
    if (source.metadata.deletionTimestamp !== undefined)
      return `the PVC DataSource ${name} is currently being deleted`
    const size = Quantity.parse(sizeOf(source))
    if (capacity < size) {
      return `error, new PVC request must be greater than or equal in size to the specified PVC data source, requested ${capacity} but source is ${size}`
    }
    if (source.status.phase !== "Bound")
      return `the PVC DataSource ${name} must have a status of Bound.  Got {${source.status.phase} [] map[] [] map[] map[] <nil> nil}`
    this.#client.addFinalizer(persistentvolumeclaims, source, onSource)
    const volume = store.get(persistentvolumes, undefined, source.spec.volumeName ?? "")
    const bytes = this.#storage.volumes.get(volume?.spec.csi?.volumeHandle ?? "")
    return bytes ?? `error getting PV ${source.spec.volumeName} from api server`
  }

  #create(claim: PersistentVolumeClaim, storageClass: StorageClass, bytes: Volume): void {
    const { uid, namespace, name: claimName, resourceVersion } = claim.metadata
    const { provisioner, parameters } = storageClass
    const name = `pvc-${uid}`
    const fsType = parameters?.["csi.storage.k8s.io/fstype"]
    this.#storage.volumes.set(name, bytes)
    this.#client.create(persistentvolumes, undefined, {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: {
        name,
        annotations: { "pv.kubernetes.io/provisioned-by": provisioner },
        finalizers: [provisionerFinalizer]
      },
      spec: {
        capacity: { storage: sizeOf(claim) },
        accessModes: claim.spec.accessModes ?? [],
        volumeMode: claim.spec.volumeMode ?? "Filesystem",
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
        storageClassName: storageClass.metadata.name,
        csi: { driver: provisioner, volumeHandle: name, ...(fsType === undefined ? {} : { fsType }) },
        claimRef: {
          kind: "PersistentVolumeClaim",
          apiVersion: "v1",
          namespace,
          name: claimName,
          uid,
          resourceVersion
        },
        ...this.#affinity(storageClass, claim.metadata.annotations?.[selectedNode])
      }
    })
    this.#say(claim, provisioner, "ProvisioningSucceeded", `Successfully provisioned volume ${name}`)
    this.#release(claim)
  }

  /** Releases the source of a finished copy. */
  #release(claim: PersistentVolumeClaim): void {
    const source = claim.spec.dataSource
    if (source === undefined) return
    const { namespace } = claim.metadata
    const type = source.kind === "VolumeSnapshot" ? volumesnapshots : persistentvolumeclaims
    const object: VolumeSnapshot | PersistentVolumeClaim | undefined =
      type === volumesnapshots
        ? this.#registry.store.get(volumesnapshots, namespace, source.name)
        : this.#registry.store.get(persistentvolumeclaims, namespace, source.name)
    if (object !== undefined) this.#client.removeFinalizers(type, object, onSnapshot, onSource)
  }

  /**
   * A StorageClass with parameter `access: zone` or `access: node` provisions volumes that can be used only
   * there.
   */
  #affinity(storageClass: StorageClass, nodeName: string | undefined): { readonly nodeAffinity?: unknown } {
    const key = { zone: "topology.kubernetes.io/zone", node: "kubernetes.io/hostname" }[
      storageClass.parameters?.["access"] ?? ""
    ]
    const { store } = this.#registry
    const node = nodeName === undefined ? store.list(nodes)[0] : store.get(nodes, undefined, nodeName)
    const value = key === undefined ? undefined : stringAt(node, "metadata", "labels", key)
    if (at(node, "metadata") === undefined || value === undefined) return {}
    return {
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key, operator: "In", values: [value] }] }]
        }
      }
    }
  }
}
