/** Growing volumes: first on the storage, then the file system on the node of a pod that has it mounted. */
import * as Quantity from "../apimachinery/Quantity.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  type Condition,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentvolumeclaims,
  persistentvolumes,
  type Pod,
  pods
} from "../registry/kinds/core.ts"
import { csidrivers, storageclasses } from "../registry/kinds/storage.ts"
import { type Storage, StorageFailure } from "../storage/Storage.ts"
import { classOf } from "../registry/StorageClassOf.ts"
import { claimsOf, usersOf } from "./ClaimUse.ts"
import { Backoff, Client } from "./Client.ts"
import { withCondition } from "./Condition.ts"
import type { Controller } from "./Controller.ts"
import { sizeOf } from "./Provisioner.ts"
import type { Recorder } from "./Recorder.ts"

type Status = PersistentVolumeClaim["status"]

const pending: Condition = {
  type: "FileSystemResizePending",
  status: "True",
  message: "Waiting for user to (re-)start a pod to finish file system resize of volume on node."
}

const stepOf = ({ status }: PersistentVolumeClaim): string | undefined =>
  status.allocatedResourceStatuses?.storage

class Expansion {
  readonly #registry: Registry
  readonly #client: Client
  readonly #storage: Storage
  readonly #recorder: Recorder
  readonly #lost: { readonly has: (node: string) => boolean }
  /** The end of the current step, by the claim's uid. */
  readonly #due = new Map<string, number>()
  readonly #backoff = new Backoff()

  constructor(
    registry: Registry,
    storage: Storage,
    recorder: Recorder,
    lost: { readonly has: (node: string) => boolean }
  ) {
    this.#registry = registry
    this.#client = new Client(registry)
    this.#storage = storage
    this.#recorder = recorder
    this.#lost = lost
  }

  #say(
    about: PersistentVolumeClaim | Pod,
    component: string,
    reason: string,
    message: string,
    warns = false
  ) {
    this.#recorder.record(about, { type: warns ? "Warning" : "Normal", reason, message, component })
  }

  reconcile(claim: PersistentVolumeClaim): number | undefined {
    if (claim.status.phase !== "Bound" || claim.metadata.deletionTimestamp !== undefined) return undefined
    const wanted = Quantity.parse(sizeOf(claim))
    if (wanted <= Quantity.parse(claim.status.capacity?.storage ?? "0")) return undefined
    const { store } = this.#registry
    const storageClass = store.get(storageclasses, undefined, classOf(claim))
    const volume = store.get(persistentvolumes, undefined, claim.spec.volumeName ?? "")
    const driver = volume?.spec.csi?.driver
    if (storageClass?.allowVolumeExpansion !== true || volume === undefined || driver === undefined)
      return undefined
    if (store.get(csidrivers, undefined, driver) === undefined) return undefined
    const step = stepOf(claim)
    const asked = claim.status.allocatedResources?.storage === sizeOf(claim)
    if (step === undefined || !asked) return this.#begin(claim, volume, driver)
    const now = this.#registry.now()
    const due = this.#due.get(claim.metadata.uid) ?? now
    if (step === "ControllerResizeInProgress")
      return due > now ? due - now : this.#onStorage(claim, volume, driver)
    if (step === "NodeResizePending") return this.#beginOnNode(claim)
    return due > now ? due - now : this.#onNode(claim, volume)
  }

  #stepMillis(): number {
    return this.#storage.options.expandMillis ?? 200
  }

  #set(claim: PersistentVolumeClaim, status: Partial<Status>, ...conditions: ReadonlyArray<Condition>): void {
    let all = claim.status.conditions ?? []
    for (const condition of conditions)
      all = withCondition(all, { lastProbeTime: null, ...condition }, this.#registry.now())
    this.#client.setStatus(persistentvolumeclaims, claim, { ...claim.status, ...status, conditions: all })
  }

  #begin(claim: PersistentVolumeClaim, volume: PersistentVolume, driver: string): number {
    this.#say(
      claim,
      "volume_expand",
      "ExternalExpanding",
      "waiting for an external controller to expand this PVC"
    )
    const message = `External resizer is resizing volume ${volume.metadata.name}`
    this.#say(claim, `external-resizer ${driver}`, "Resizing", message)
    this.#due.set(claim.metadata.uid, this.#registry.now() + this.#stepMillis())
    this.#set(
      claim,
      {
        allocatedResources: { storage: sizeOf(claim) },
        allocatedResourceStatuses: { storage: "ControllerResizeInProgress" }
      },
      { type: "Resizing", status: "True" }
    )
    return this.#stepMillis()
  }

  #onStorage(claim: PersistentVolumeClaim, volume: PersistentVolume, driver: string): number | undefined {
    const wait = this.#attempt(claim, volume, "ControllerExpandVolume", "ControllerResizeError")
    if (wait !== undefined) return wait
    const capacity = { storage: sizeOf(claim) }
    this.#client.update(persistentvolumes, volume, (current) => ({
      ...current,
      spec: { ...volume.spec, capacity }
    }))
    const component = `external-resizer ${driver}`
    this.#say(claim, component, "FileSystemResizeRequired", "Require file system resize of volume on node")
    this.#set(claim, { allocatedResourceStatuses: { storage: "NodeResizePending" } }, pending)
    return undefined
  }

  /** A pod that runs with the volume mounted, on a node that is heard of. */
  #userOf(claim: PersistentVolumeClaim): Pod | undefined {
    return usersOf(this.#registry, claim).find(
      ({ spec, status, metadata }) =>
        status.phase === "Running" &&
        metadata.deletionTimestamp === undefined &&
        spec.nodeName !== undefined &&
        !this.#lost.has(spec.nodeName)
    )
  }

  #beginOnNode(claim: PersistentVolumeClaim): number | undefined {
    if (this.#userOf(claim) === undefined) return undefined
    this.#due.set(claim.metadata.uid, this.#registry.now() + this.#stepMillis())
    this.#set(claim, { allocatedResourceStatuses: { storage: "NodeResizeInProgress" } })
    return this.#stepMillis()
  }

  #onNode(claim: PersistentVolumeClaim, volume: PersistentVolume): number | undefined {
    const pod = this.#userOf(claim)
    if (pod === undefined) return undefined
    const wait = this.#attempt(claim, volume, "NodeExpandVolume", "NodeResizeError", pod)
    if (wait !== undefined) return wait
    const bytes = this.#storage.volumes.get(volume.spec.csi?.volumeHandle ?? "")
    if (bytes !== undefined) bytes.capacity = Quantity.parse(sizeOf(claim))
    const message = `MountVolume.NodeExpandVolume succeeded for volume ${JSON.stringify(volume.metadata.name)} ${pod.spec.nodeName}`
    for (const about of [claim, pod]) this.#say(about, "kubelet", "FileSystemResizeSuccessful", message)
    this.#due.delete(claim.metadata.uid)
    const { allocatedResourceStatuses: _, conditions: __, ...status } = claim.status
    this.#client.setStatus(persistentvolumeclaims, claim, {
      ...status,
      capacity: { storage: sizeOf(claim) }
    })
    return undefined
  }

  /** The retry delay after a failure: the step stays, and a condition gives the reason. */
  #attempt(
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
    name: "ControllerExpandVolume" | "NodeExpandVolume",
    type: string,
    pod?: Pod
  ): number | undefined {
    const { uid } = claim.metadata
    try {
      this.#storage.attempt({ name, about: claim.metadata.name }, uid)
      this.#backoff.reset(uid)
      return undefined
    } catch (failure) {
      if (!(failure instanceof StorageFailure)) throw failure
      const wait = this.#backoff.next(uid)
      this.#due.set(uid, this.#registry.now() + wait)
      const words = JSON.stringify(volume.metadata.name)
      const message =
        pod === undefined
          ? `resize volume ${words} by resizer failed: ${failure.message}`
          : `NodeExpandVolume failed for volume ${words}: ${failure.message}`
      this.#say(
        claim,
        pod === undefined ? "external-resizer" : "kubelet",
        "VolumeResizeFailed",
        message,
        true
      )
      if (pod !== undefined) this.#say(pod, "kubelet", "VolumeResizeFailed", message, true)
      this.#set(claim, {}, { type, status: "True", message })
      return wait
    }
  }
}

export const expansionController = (
  registry: Registry,
  storage: Storage,
  recorder: Recorder,
  lost: { readonly has: (node: string) => boolean }
): Controller => {
  const expansion = new Expansion(registry, storage, recorder, lost)
  const { store } = registry
  return {
    name: "resizer",
    keysOf: ({ type, kind, object, previous }) => {
      const { namespace, name } = object.metadata
      if (type === persistentvolumeclaims) return [`${namespace}/${name}`]
      // A pod that has begun to run may be what a file system waits for.
      const [pod, before] = [object as Pod, previous as Pod | undefined]
      return type === pods &&
        kind !== "DELETED" &&
        pod.status.phase === "Running" &&
        before?.status.phase !== "Running"
        ? claimsOf(pod).map((claim) => `${namespace}/${claim}`)
        : []
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const claim = store.get(persistentvolumeclaims, namespace, name)
      return claim === undefined ? undefined : expansion.reconcile(claim)
    }
  }
}
