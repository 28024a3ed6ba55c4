/**
 * Claims and volumes: binding, provisioning (at once or for the first consumer),
 * growth, protection while in use, and what becomes of a volume whose claim is gone.
 */
import type { KubeObject } from "../KubeObject.ts"
import * as Quantity from "../Quantity.ts"
import type { Registry } from "../Registry.ts"
import {
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentvolumeclaims,
  persistentvolumes,
  pods
} from "../resource/core.ts"
import { type StorageClass, storageclasses } from "../resource/storage.ts"
import { Volume } from "../Volume.ts"
import { claimsOf, usersOf } from "./ClaimUse.ts"
import type { Controller } from "./Controller.ts"

/** How a storage class behaves, beyond what the class itself says. */
export interface Provisioning {
  /** Between the wish and the volume. Default 100. */
  readonly millis?: number
  /** Refuses, with these words, for as long as it answers any. */
  readonly failure?: (claim: PersistentVolumeClaim) => string | undefined
}

export interface ClaimsOptions {
  /** By the name of the storage class. */
  readonly provisioning?: Readonly<Record<string, Provisioning>>
  /** The bytes of each volume, by its handle. */
  readonly volumes: Map<string, Volume>
}

const protection = "kubernetes.io/pvc-protection"
export const selectedNode = "volume.kubernetes.io/selected-node"

const sizeOf = (claim: PersistentVolumeClaim): string => claim.spec.resources?.requests?.storage ?? "0"

class Claims {
  readonly #registry: Registry
  readonly #options: ClaimsOptions
  /** When the provisioning that was begun for a claim's uid ends. */
  readonly #begun = new Map<string, number>()

  constructor(registry: Registry, options: ClaimsOptions) {
    this.#registry = registry
    this.#options = options
  }

  #class(claim: PersistentVolumeClaim): StorageClass | undefined {
    return this.#registry.store.get(storageclasses, undefined, claim.spec.storageClassName ?? "")
  }

  claim(claim: PersistentVolumeClaim): number | undefined {
    if (claim.metadata.deletionTimestamp !== undefined) {
      this.#unprotect(claim)
      return undefined
    }
    if (claim.status.phase === "Bound") return this.#grow(claim)
    if (claim.status.phase === "Lost") return undefined
    const volume = this.#match(claim)
    if (volume !== undefined) {
      this.#bind(claim, volume)
      return undefined
    }
    return this.#provision(claim)
  }

  /** A pod that was never scheduled uses nothing; one that has ended still does (trap G38). */
  #unprotect(claim: PersistentVolumeClaim): void {
    if (claim.metadata.finalizers?.includes(protection) !== true) return
    if (usersOf(this.#registry, claim).some((pod) => pod.spec.nodeName !== undefined)) return
    this.#registry.update(
      persistentvolumeclaims,
      claim.metadata.namespace,
      claim.metadata.name,
      (current) => ({
        ...current,
        metadata: {
          ...current.metadata,
          finalizers: (current.metadata.finalizers ?? []).filter((each) => each !== protection)
        }
      })
    )
  }

  /** The volume that the claim names or that names the claim; else the smallest free one that fits. */
  #match(claim: PersistentVolumeClaim): PersistentVolume | undefined {
    const { namespace, name, uid } = claim.metadata
    const { volumeName } = claim.spec
    if (volumeName !== undefined && volumeName !== "") {
      const named = this.#registry.store.get(persistentvolumes, undefined, volumeName)
      const reference = named?.spec.claimRef
      const free = reference === undefined || (reference.namespace === namespace && reference.name === name)
      return free && (reference?.uid === undefined || reference.uid === uid) ? named : undefined
    }
    const fits = (volume: PersistentVolume): boolean =>
      (volume.spec.storageClassName ?? "") === (claim.spec.storageClassName ?? "") &&
      Quantity.parse(volume.spec.capacity.storage) >= Quantity.parse(sizeOf(claim)) &&
      (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes.includes(mode))
    return this.#registry.store
      .list(persistentvolumes)
      .filter((volume) => volume.metadata.deletionTimestamp === undefined && fits(volume))
      .filter(({ spec: { claimRef }, status }) =>
        claimRef === undefined
          ? status.phase !== "Released" && claim.spec.dataSource === undefined
          : claimRef.namespace === namespace &&
            claimRef.name === name &&
            (claimRef.uid === undefined || claimRef.uid === uid)
      )
      .toSorted(
        (left, right) =>
          Quantity.parse(left.spec.capacity.storage) - Quantity.parse(right.spec.capacity.storage)
      )[0]
  }

  #bind(claim: PersistentVolumeClaim, volume: PersistentVolume): void {
    const { namespace, name, uid } = claim.metadata
    this.#registry.update(persistentvolumes, undefined, volume.metadata.name, (current) => ({
      ...current,
      spec: {
        ...volume.spec,
        claimRef: { kind: "PersistentVolumeClaim", apiVersion: "v1", namespace, name, uid }
      }
    }))
    this.#setVolumeStatus(volume.metadata.name, { phase: "Bound" })
    this.#registry.update(persistentvolumeclaims, namespace, name, (current) => ({
      ...current,
      metadata: {
        ...current.metadata,
        annotations: {
          ...current.metadata.annotations,
          "pv.kubernetes.io/bind-completed": "yes",
          ...(claim.spec.volumeName === undefined ? { "pv.kubernetes.io/bound-by-controller": "yes" } : {})
        }
      },
      spec: { ...claim.spec, volumeName: volume.metadata.name }
    }))
    this.#setClaimStatus(claim, {
      phase: "Bound",
      accessModes: volume.spec.accessModes,
      capacity: { storage: volume.spec.capacity.storage }
    })
  }

  #setVolumeStatus(name: string, status: PersistentVolume["status"]): void {
    const current = this.#registry.store.get(persistentvolumes, undefined, name)
    if (current !== undefined) this.#registry.setStatus(persistentvolumes, current, status)
  }

  #setClaimStatus(claim: PersistentVolumeClaim, status: PersistentVolumeClaim["status"]): void {
    this.#registry.setStatus(persistentvolumeclaims, claim, status)
  }

  #provision(claim: PersistentVolumeClaim): number | undefined {
    const storageClass = this.#class(claim)
    if (storageClass === undefined || storageClass.provisioner === "kubernetes.io/no-provisioner")
      return undefined
    const node = claim.metadata.annotations?.[selectedNode]
    if (storageClass.volumeBindingMode === "WaitForFirstConsumer" && node === undefined) return undefined
    const behaviour = this.#options.provisioning?.[storageClass.metadata.name] ?? {}
    const { uid } = claim.metadata
    const now = this.#registry.now()
    const ready = this.#begun.get(uid) ?? now + (behaviour.millis ?? 100)
    this.#begun.set(uid, ready)
    if (ready > now) return ready - now
    if (behaviour.failure?.(claim) !== undefined) {
      // As the provisioner does, with a backoff; ours is even.
      this.#begun.delete(uid)
      return 1000
    }
    const bytes = this.#bytesFor(claim)
    if (bytes === undefined) return undefined
    this.#begun.delete(uid)
    const name = `pvc-${uid}`
    this.#options.volumes.set(name, bytes)
    const { namespace } = claim.metadata
    this.#registry.create(persistentvolumes, undefined, {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: {
        name,
        annotations: { "pv.kubernetes.io/provisioned-by": storageClass.provisioner }
      },
      spec: {
        capacity: { storage: sizeOf(claim) },
        accessModes: claim.spec.accessModes ?? [],
        volumeMode: claim.spec.volumeMode ?? "Filesystem",
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
        storageClassName: storageClass.metadata.name,
        csi: { driver: storageClass.provisioner, volumeHandle: name },
        claimRef: {
          kind: "PersistentVolumeClaim",
          apiVersion: "v1",
          namespace,
          name: claim.metadata.name,
          uid
        },
        ...this.#affinity(storageClass, node)
      }
    })
    return 0
  }

  /** New and empty, or a copy of another claim's volume. Undefined: its source is not there, or of a kind for others. */
  #bytesFor(claim: PersistentVolumeClaim): Volume | undefined {
    const capacity = Quantity.parse(sizeOf(claim))
    const source = claim.spec.dataSource
    if (source === undefined) return new Volume(capacity)
    if (source.kind !== "PersistentVolumeClaim") return undefined
    const other = this.#registry.store.get(persistentvolumeclaims, claim.metadata.namespace, source.name)
    const volume = this.#registry.store.get(persistentvolumes, undefined, other?.spec.volumeName ?? "")
    return this.#options.volumes.get(volume?.spec.csi?.volumeHandle ?? "")?.copy(capacity)
  }

  /** A class with parameter `access: zone` or `access: node` makes volumes that only there can be used. */
  #affinity(storageClass: StorageClass, nodeName: string | undefined): { readonly nodeAffinity?: unknown } {
    const access = storageClass.parameters?.["access"]
    const key =
      access === "zone"
        ? "topology.kubernetes.io/zone"
        : access === "node"
          ? "kubernetes.io/hostname"
          : undefined
    if (key === undefined) return {}
    const node =
      nodeName === undefined
        ? this.#registry.store.list(nodes)[0]
        : this.#registry.store.get(nodes, undefined, nodeName)
    const value = node?.metadata.labels?.[key]
    return value === undefined
      ? {}
      : {
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [{ matchExpressions: [{ key, operator: "In", values: [value] }] }]
            }
          }
        }
  }

  #grow(claim: PersistentVolumeClaim): number | undefined {
    const wanted = Quantity.parse(sizeOf(claim))
    if (wanted <= Quantity.parse(claim.status.capacity?.storage ?? "0")) return undefined
    if (this.#class(claim)?.allowVolumeExpansion !== true) return undefined
    const volume = this.#registry.store.get(persistentvolumes, undefined, claim.spec.volumeName ?? "")
    if (volume === undefined) return undefined
    const bytes = this.#options.volumes.get(volume.spec.csi?.volumeHandle ?? "")
    if (bytes !== undefined) bytes.capacity = wanted
    const capacity = { storage: sizeOf(claim) }
    this.#registry.update(persistentvolumes, undefined, volume.metadata.name, (current) => ({
      ...current,
      spec: { ...volume.spec, capacity }
    }))
    this.#setClaimStatus(claim, { ...claim.status, capacity })
    return undefined
  }

  volume(volume: PersistentVolume): void {
    const { claimRef, persistentVolumeReclaimPolicy: policy } = volume.spec
    if (volume.metadata.deletionTimestamp !== undefined) {
      if (volume.status.phase !== "Bound") this.#dropVolume(volume)
      return
    }
    if (claimRef?.uid === undefined) {
      if (volume.status.phase !== "Available")
        this.#setVolumeStatus(volume.metadata.name, { phase: "Available" })
      return
    }
    const claim = this.#registry.store.get(persistentvolumeclaims, claimRef.namespace, claimRef.name)
    if (claim?.metadata.uid === claimRef.uid) return
    if (policy === "Delete" && volume.spec.csi !== undefined) {
      this.#options.volumes.delete(volume.spec.csi.volumeHandle)
      this.#dropVolume(volume)
    } else this.#setVolumeStatus(volume.metadata.name, { phase: "Released" })
  }

  #dropVolume({ metadata }: PersistentVolume): void {
    this.#registry.update(persistentvolumes, undefined, metadata.name, (current) => ({
      ...current,
      metadata: { ...current.metadata, finalizers: [] }
    }))
    if (metadata.deletionTimestamp === undefined)
      this.#registry.remove(persistentvolumes, undefined, metadata.name)
  }
}

const claimKey = ({ metadata }: KubeObject): string => `claim/${metadata.namespace}/${metadata.name}`

export const claimsController = (registry: Registry, options: ClaimsOptions): Controller => {
  const claims = new Claims(registry, options)
  return {
    name: "claims",
    keysOf: ({ type, object }) => {
      if (type === persistentvolumeclaims) {
        const claim = registry.store.get(
          persistentvolumeclaims,
          object.metadata.namespace,
          object.metadata.name
        )
        const bound = registry.store.list(persistentvolumes).length > 0
        const volume = claim?.spec.volumeName ?? volumeNameIn(object)
        return [claimKey(object), ...(bound && volume !== undefined ? [`volume//${volume}`] : [])]
      }
      if (type === persistentvolumes) {
        const volume = registry.store.get(persistentvolumes, undefined, object.metadata.name)
        const reference = volume?.spec.claimRef
        return [
          `volume//${object.metadata.name}`,
          ...(reference === undefined ? [] : [`claim/${reference.namespace}/${reference.name}`])
        ]
      }
      if (type === pods) {
        const pod = registry.store.get(pods, object.metadata.namespace, object.metadata.name)
        const names = pod === undefined ? claimsIn(object) : claimsOf(pod)
        return names.map((name) => `claim/${object.metadata.namespace}/${name}`)
      }
      return []
    },
    reconcile: (key) => {
      const [kind, namespace, name = ""] = key.split("/")
      if (kind === "volume") {
        const volume = registry.store.get(persistentvolumes, undefined, name)
        if (volume !== undefined) claims.volume(volume)
        return undefined
      }
      const claim = registry.store.get(persistentvolumeclaims, namespace, name)
      return claim === undefined ? undefined : claims.claim(claim)
    }
  }
}

/** Of an object that is gone from the store, and so has its kind's type no more. */
const volumeNameIn = (object: KubeObject): string | undefined =>
  (object as PersistentVolumeClaim).spec.volumeName

const claimsIn = (object: KubeObject): ReadonlyArray<string> =>
  claimsOf(object as Parameters<typeof claimsOf>[0])
