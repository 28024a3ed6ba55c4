/**
 * Claims and volumes: binding, provisioning (immediate or for the first consumer), expansion, in-use
 * protection, and the reclaim policy of volumes.
 */
import { stringAt } from "../apimachinery/Json.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import * as Quantity from "../apimachinery/Quantity.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentvolumeclaims,
  persistentvolumes,
  pods
} from "../registry/kinds/core.ts"
import {
  csidrivers,
  type StorageClass,
  storageclasses,
  type VolumeAttachment,
  volumeattachments
} from "../registry/kinds/storage.ts"
import type { Storage } from "../storage/Storage.ts"
import { classOf } from "../registry/StorageClassOf.ts"
import type { Change } from "../registry/Store.ts"
import { claimsOf, usersOf } from "./ClaimUse.ts"
import { Client } from "./Client.ts"
import type { Controller } from "./Controller.ts"
import { holds } from "../node/Placement.ts"
import { Provisioner, provisionerFinalizer, type Provisioning, selectedNode, sizeOf } from "./Provisioner.ts"
import type { Recorder } from "./Recorder.ts"

export interface ClaimsOptions {
  /** By the name of the storage class. */
  readonly provisioning?: Readonly<Record<string, Provisioning>>
  readonly storage: Storage
  readonly recorder: Recorder
}

const protection = "kubernetes.io/pvc-protection"
const volumeProtection = "kubernetes.io/pv-protection"

const nobody = "/"

/** The claim that a volume is kept for. */
const ownerOf = ({ spec: { claimRef } }: PersistentVolume): string =>
  claimRef === undefined ? nobody : `${claimRef.namespace}/${claimRef.name}`

/** True if a volume satisfies a claim, whatever it is bound to. */
const fits = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  volume.metadata.deletionTimestamp === undefined &&
  classOf(volume) === classOf(claim) &&
  Quantity.parse(volume.spec.capacity.storage) >= Quantity.parse(sizeOf(claim)) &&
  (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes.includes(mode))

/** True if a manually created volume could be bound to a claim. */
export const isFreeFor = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean => {
  const { namespace, name, uid } = claim.metadata
  const { claimRef } = volume.spec
  return (
    fits(volume, claim) &&
    volume.status.phase !== "Released" &&
    (claimRef === undefined ||
      (claimRef.namespace === namespace &&
        claimRef.name === name &&
        (claimRef.uid === undefined || claimRef.uid === uid)))
  )
}

class Claims {
  readonly #registry: Registry
  readonly #options: ClaimsOptions
  readonly #client: Client
  readonly #provisioner: Provisioner
  readonly #volumes = new Map<string, Set<string>>()

  constructor(registry: Registry, options: ClaimsOptions) {
    this.#registry = registry
    this.#options = options
    this.#client = new Client(registry)
    this.#provisioner = new Provisioner(this.#client, options.storage, options.recorder, options.provisioning)
  }

  #class(claim: PersistentVolumeClaim): StorageClass | undefined {
    return this.#registry.store.get(storageclasses, undefined, classOf(claim))
  }

  claim(claim: PersistentVolumeClaim): number | undefined {
    if (claim.metadata.deletionTimestamp !== undefined) {
      this.#unprotect(claim)
      return undefined
    }
    if (claim.status.phase !== "Pending") {
      this.#watchOver(claim)
      return undefined
    }
    const volume = this.#match(claim)
    if (volume !== undefined) {
      this.#bind(claim, volume)
      return undefined
    }
    // One that names a volume waits for that one.
    if ((claim.spec.volumeName ?? "") !== "") return undefined
    // A source of another kind is left to the populator for it.
    if (!["VolumeSnapshot", "PersistentVolumeClaim", undefined].includes(claim.spec.dataSource?.kind))
      return undefined
    const storageClass = this.#class(claim)
    if (storageClass === undefined && classOf(claim) !== "") this.#sayNoClass(claim)
    return storageClass === undefined || storageClass.provisioner === "kubernetes.io/no-provisioner"
      ? undefined
      : this.#provisioner.provision(claim, storageClass)
  }

  #sayNoClass(claim: PersistentVolumeClaim): void {
    this.#options.recorder.record(claim, {
      type: "Warning",
      reason: "ProvisioningFailed",
      message: `storageclass.storage.k8s.io ${JSON.stringify(classOf(claim))} not found`,
      component: "persistentvolume-controller"
    })
  }

  /** A bound claim whose volume was deleted is lost; it is bound again if the volume is recreated. */
  #watchOver(claim: PersistentVolumeClaim): void {
    const volume = this.#registry.store.get(persistentvolumes, undefined, claim.spec.volumeName ?? "")
    const there = volume?.spec.claimRef?.uid === claim.metadata.uid
    if (there === (claim.status.phase === "Bound")) return
    if (there) {
      this.#setClaimStatus(claim, {
        phase: "Bound",
        accessModes: volume.spec.accessModes,
        capacity: { storage: volume.spec.capacity.storage }
      })
      return
    }
    this.#setClaimStatus(claim, { phase: "Lost" })
    this.#options.recorder.record(claim, {
      type: "Warning",
      reason: "ClaimLost",
      message: "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
      component: "persistentvolume-controller"
    })
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
    const late = this.#class(claim)?.volumeBindingMode === "WaitForFirstConsumer"
    const node = this.#registry.store.get(nodes, undefined, claim.metadata.annotations?.[selectedNode] ?? "")
    // A claim that waits for its consumer takes a volume only where the consumer is scheduled.
    const isHere = (volume: PersistentVolume): boolean =>
      late ? node !== undefined && holds(node, volume) : true
    const candidates = (key: string): ReadonlyArray<PersistentVolume> =>
      [...(this.#volumes.get(key) ?? [])]
        .flatMap((each) => this.#registry.store.get(persistentvolumes, undefined, each) ?? [])
        .filter((volume) => fits(volume, claim))
        .toSorted(
          (left, right) =>
            Quantity.parse(left.spec.capacity.storage) - Quantity.parse(right.spec.capacity.storage) ||
            (left.metadata.name < right.metadata.name ? -1 : 1)
        )
    const kept = candidates(`${namespace}/${name}`).find(
      ({ spec: { claimRef } }) => claimRef?.uid === undefined || claimRef.uid === uid
    )
    if (kept !== undefined) return kept
    // Whatever the claim is to be filled from: as a real controller, it asks for a volume only if none is free.
    return candidates(nobody).find((volume) => volume.status.phase !== "Released" && isHere(volume))
  }

  /** Notes whose a volume is: names of volumes by the claim that they name. */
  note({ type, kind, object, previous }: Change): void {
    if (type !== persistentvolumes) return
    const { name } = object.metadata
    if (previous !== undefined) this.#volumes.get(ownerOf(previous as PersistentVolume))?.delete(name)
    if (kind === "DELETED") return
    const owner = ownerOf(object as PersistentVolume)
    const names = this.#volumes.get(owner)
    if (names === undefined) this.#volumes.set(owner, new Set([name]))
    else names.add(name)
  }

  #bind(claim: PersistentVolumeClaim, volume: PersistentVolume): void {
    const { namespace, name, uid } = claim.metadata
    this.#registry.update(persistentvolumes, undefined, volume.metadata.name, (current) => ({
      ...current,
      // One that was kept for the claim was so by somebody else.
      ...(volume.spec.claimRef === undefined
        ? {
            metadata: {
              ...current.metadata,
              annotations: { ...current.metadata.annotations, "pv.kubernetes.io/bound-by-controller": "yes" }
            }
          }
        : {}),
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

  volume(volume: PersistentVolume): void {
    const { claimRef, persistentVolumeReclaimPolicy: policy, csi } = volume.spec
    const { name, deletionTimestamp } = volume.metadata
    if (claimRef?.uid === undefined) {
      if (deletionTimestamp !== undefined) this.#drop(volume)
      else if (volume.status.phase !== "Available") this.#setVolumeStatus(name, { phase: "Available" })
      return
    }
    const { store } = this.#registry
    const claim = store.get(persistentvolumeclaims, claimRef.namespace, claimRef.name)
    // In use, though it may have been deleted: it stays.
    if (claim?.metadata.uid === claimRef.uid) return
    this.#setVolumeStatus(name, { phase: "Released" })
    const attached = store
      .list(volumeattachments)
      .some(({ spec }) => spec.source.persistentVolumeName === name)
    if (attached) return
    const served = csi !== undefined && store.get(csidrivers, undefined, csi.driver) !== undefined
    if (policy === "Delete" && served) {
      this.#options.storage.volumes.delete(csi.volumeHandle)
      this.#drop(volume)
    } else if (deletionTimestamp !== undefined) this.#drop(volume)
  }

  #drop(volume: PersistentVolume): void {
    this.#client.remove(persistentvolumes, volume)
    this.#client.removeFinalizers(persistentvolumes, volume, volumeProtection, provisionerFinalizer)
  }
}

const claimKey = ({ metadata }: KubeObject): string => `claim/${metadata.namespace}/${metadata.name}`

export const claimsController = (registry: Registry, options: ClaimsOptions): Controller => {
  const claims = new Claims(registry, options)
  return {
    name: "claims",
    keysOf: (change) => {
      const { type, object, kind } = change
      claims.note(change)
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
        const [namespace, name] = ["namespace", "name"].map((field) =>
          stringAt(object.spec, "claimRef", field)
        )
        // A deleted one is handled too: its claim is lost.
        return [
          `volume//${object.metadata.name}`,
          ...(name === undefined ? [] : [`claim/${namespace}/${name}`])
        ]
      }
      if (type === volumeattachments) {
        const { persistentVolumeName } = (object as VolumeAttachment).spec.source
        return kind === "DELETED" ? [`volume//${persistentVolumeName}`] : []
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
