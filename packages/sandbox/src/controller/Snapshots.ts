/** The snapshot controller: binds each VolumeSnapshot to a content, reports its state, and protects both. */
import { keyOf } from "../apimachinery/KubeObject.ts"
import * as Quantity from "../apimachinery/Quantity.ts"
import { type PersistentVolume, persistentvolumeclaims } from "../registry/kinds/core.ts"
import {
  type SnapshotClass,
  volumegroupsnapshots,
  type VolumeSnapshot,
  volumesnapshotclasses,
  type VolumeSnapshotContent,
  volumesnapshotcontents,
  volumesnapshots
} from "../registry/kinds/storage.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import { Backoff, type Client } from "./Client.ts"
import type { Controller } from "./Controller.ts"
import type { Recorder } from "./Recorder.ts"
import { boundVolume, defaultClass, isBeingRestored, Obstacle } from "./SnapshotClasses.ts"

export const component = "snapshot-controller"
const asSource = "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection"
const bound = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"
export const inGroup = "snapshot.storage.kubernetes.io/volumesnapshot-in-group-protection"
const onClaim = "snapshot.storage.kubernetes.io/pvc-as-source-protection"
export const onContent = "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"
export const beingDeleted = "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted"
const isDefault = "snapshot.storage.kubernetes.io/is-default-class"

export const isMember = ({ metadata }: VolumeSnapshot): boolean =>
  metadata.ownerReferences?.some(({ kind }) => kind === "VolumeGroupSnapshot") === true

class Snapshots {
  readonly #client: Client
  readonly #recorder: Recorder
  readonly #backoff = new Backoff()

  constructor(client: Client, recorder: Recorder) {
    this.#client = client
    this.#recorder = recorder
  }

  get #store() {
    return this.#client.registry.store
  }

  #say(about: VolumeSnapshot, reason: string, message: string, type: "Normal" | "Warning" = "Normal"): void {
    this.#recorder.record(about, { type, reason, message, component })
  }

  reconcile(snapshot: VolumeSnapshot): number | undefined {
    const key = keyOf(snapshot)
    const wait =
      snapshot.metadata.deletionTimestamp === undefined ? this.#bring(snapshot) : this.#delete(snapshot)
    if (wait === "again") return this.#backoff.next(key)
    this.#backoff.reset(key)
    return undefined
  }

  #bring(snapshot: VolumeSnapshot): "again" | undefined {
    const found =
      isMember(snapshot) || snapshot.status?.boundVolumeSnapshotContentName !== undefined
        ? this.#boundContent(snapshot)
        : snapshot.spec.source.volumeSnapshotContentName === undefined
          ? this.#made(snapshot)
          : this.#given(snapshot, snapshot.spec.source.volumeSnapshotContentName)
    if (found === undefined) return "again"
    if (found instanceof Obstacle) {
      this.#fail(snapshot, found)
      return "again"
    }
    this.#report(snapshot, found)
    return undefined
  }

  /** The same error is not reported twice. */
  #fail(snapshot: VolumeSnapshot, { reason, message }: Obstacle): void {
    if (snapshot.status?.error?.message === message) return
    const time = Timestamp.fromMillis(this.#client.registry.now())
    const unusable = reason.startsWith("SnapshotContent") ? { readyToUse: false } : {}
    this.#client.setStatus(volumesnapshots, snapshot, {
      ...snapshot.status,
      ...unusable,
      error: { message, time }
    })
    this.#say(snapshot, reason, message, "Warning")
  }

  #boundContent(snapshot: VolumeSnapshot): VolumeSnapshotContent | Obstacle | undefined {
    const name =
      snapshot.status?.boundVolumeSnapshotContentName ??
      // A member's content has the same hash for a name.
      snapshot.metadata.name.replace(/^snapshot-/, "snapcontent-")
    const content = this.#store.get(volumesnapshotcontents, undefined, name)
    if (content === undefined) {
      if (isMember(snapshot) && snapshot.status === undefined) return undefined
      // For a claim it is recreated after its absence was reported, with the policy of the class again.
      const isMade = !isMember(snapshot) && snapshot.spec.source.volumeSnapshotContentName === undefined
      return isMade && snapshot.status?.readyToUse !== true
        ? this.#made(snapshot)
        : new Obstacle("SnapshotContentMissing", "VolumeSnapshotContent is missing")
    }
    const { uid } = content.spec.volumeSnapshotRef
    if (uid === undefined && isMember(snapshot)) return undefined
    return uid === snapshot.metadata.uid
      ? content
      : new Obstacle(
          "SnapshotContentMisbound",
          "VolumeSnapshotContent is not bound to the VolumeSnapshot correctly"
        )
  }

  /** A pre-provisioned content, for this snapshot only. */
  #given(snapshot: VolumeSnapshot, name: string): VolumeSnapshotContent | Obstacle {
    const content = this.#store.get(volumesnapshotcontents, undefined, name)
    if (content === undefined) {
      this.#client.addFinalizer(volumesnapshots, snapshot, asSource)
      return new Obstacle("SnapshotContentMissing", "VolumeSnapshotContent is missing")
    }
    if (content.spec.source.snapshotHandle === undefined) {
      return new Obstacle(
        "SnapshotContentMismatch",
        "VolumeSnapshotContent is dynamically provisioned while expecting a pre-provisioned one"
      )
    }
    const { namespace, name: wanted, uid } = content.spec.volumeSnapshotRef
    const { metadata } = snapshot
    if (
      namespace !== metadata.namespace ||
      wanted !== metadata.name ||
      (uid !== undefined && uid !== metadata.uid)
    ) {
      return new Obstacle(
        "SnapshotContentMisbound",
        `VolumeSnapshotContent [${name}] is bound to a different snapshot`
      )
    }
    this.#client.addFinalizer(volumesnapshots, snapshot, asSource)
    const referred = this.#client.update(volumesnapshotcontents, content, (current) => ({
      ...current,
      spec: { ...content.spec, volumeSnapshotRef: { ...content.spec.volumeSnapshotRef, uid: metadata.uid } }
    }))
    return this.#client.addFinalizer(volumesnapshotcontents, referred, onContent)
  }

  /** The content that the controller makes for a claim. */
  #made(snapshot: VolumeSnapshot): VolumeSnapshotContent | Obstacle {
    const { metadata, spec } = snapshot
    const name = `snapcontent-${metadata.uid}`
    const known = this.#store.get(volumesnapshotcontents, undefined, name)
    if (known !== undefined) {
      return known.metadata.deletionTimestamp === undefined
        ? this.#client.addFinalizer(volumesnapshotcontents, known, onContent)
        : known
    }
    const chosen = this.#classOf(snapshot)
    if (chosen instanceof Obstacle) return chosen
    if (spec.volumeSnapshotClassName === undefined) {
      this.#client.update(volumesnapshots, snapshot, (current) => ({
        ...current,
        spec: { ...spec, volumeSnapshotClassName: chosen.metadata.name }
      }))
    }
    this.#client.addFinalizer(volumesnapshots, snapshot, asSource)
    const failed = (why: string): Obstacle =>
      new Obstacle("SnapshotContentCreationFailed", `Failed to create snapshot content with error ${why}`)
    const claim = this.#claimOf(snapshot)
    if (claim === undefined) {
      return failed(
        `snapshot controller failed to update ${metadata.name} on API server: cannot get claim from snapshot`
      )
    }
    if (claim.metadata.finalizers?.includes(onClaim) !== true) {
      if (claim.metadata.deletionTimestamp !== undefined) {
        return failed(
          `snapshot controller failed to update ${claim.metadata.name} on API server: cannot add finalizer on claim because it is being deleted`
        )
      }
      // It goes on before the claim is known to be bound, and stays on an unbound one (external-snapshotter 1305).
      this.#client.addFinalizer(persistentvolumeclaims, claim, onClaim)
    }
    const volume = boundVolume(this.#client.registry, claim, "snapshot")
    if (typeof volume === "string") {
      return failed(
        `failed to get input parameters to create snapshot ${metadata.name}: ${JSON.stringify(volume)}`
      )
    }
    const { csi } = volume.spec
    if (csi === undefined)
      return failed(`cannot find CSI PersistentVolumeSource for volume ${volume.metadata.name}`)
    this.#client.create(volumesnapshotcontents, undefined, {
      apiVersion: "snapshot.storage.k8s.io/v1",
      kind: "VolumeSnapshotContent",
      metadata: { name },
      spec: {
        deletionPolicy: chosen.deletionPolicy,
        driver: chosen.driver,
        source: { volumeHandle: csi.volumeHandle },
        sourceVolumeMode: volume.spec["volumeMode"],
        volumeSnapshotClassName: chosen.metadata.name,
        volumeSnapshotRef: {
          apiVersion: "snapshot.storage.k8s.io/v1",
          kind: "VolumeSnapshot",
          namespace: metadata.namespace,
          name: metadata.name,
          uid: metadata.uid
        }
      }
    })
    this.#say(
      snapshot,
      "CreatingSnapshot",
      `Waiting for a snapshot ${keyOf(snapshot)} to be created by the CSI driver.`
    )
    const made = this.#client.registry.find(volumesnapshotcontents, undefined, name)
    return this.#client.addFinalizer(volumesnapshotcontents, made, onContent)
  }

  #claimOf({ metadata, spec }: VolumeSnapshot) {
    const name = spec.source.persistentVolumeClaimName ?? ""
    return this.#store.get(persistentvolumeclaims, metadata.namespace, name)
  }

  #classOf(snapshot: VolumeSnapshot): SnapshotClass | Obstacle {
    const name = snapshot.spec.volumeSnapshotClassName
    if (name !== undefined) {
      return (
        this.#store.get(volumesnapshotclasses, undefined, name) ??
        new Obstacle(
          "GetSnapshotClassFailed",
          `Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io ${JSON.stringify(name)} not found`
        )
      )
    }
    const found = this.#defaultFor(snapshot)
    return typeof found === "string"
      ? new Obstacle(
          "SetDefaultSnapshotClassFailed",
          `Failed to set default snapshot class with error ${found}`
        )
      : found
  }

  #defaultFor(snapshot: VolumeSnapshot): SnapshotClass | string {
    const claim = this.#claimOf(snapshot)
    const claimName = snapshot.spec.source.persistentVolumeClaimName ?? ""
    if (claim === undefined) {
      const missing = `persistentvolumeclaim ${JSON.stringify(claimName)} not found`
      return `failed to retrieve PVC ${claimName} from the lister: ${JSON.stringify(missing)}`
    }
    const volume: PersistentVolume | string = boundVolume(this.#client.registry, claim, "snapshot")
    if (typeof volume === "string") return volume
    return volume.spec.csi === undefined
      ? `snapshotting non-CSI volumes is not supported, snapshot:${keyOf(snapshot)}`
      : defaultClass(
          this.#client.registry,
          volumesnapshotclasses,
          isDefault,
          volume.spec.csi.driver,
          "snapshot"
        )
  }

  /** Copies the content's status, in the snapshot's coarser words. */
  #report(snapshot: VolumeSnapshot, content: VolumeSnapshotContent): void {
    const found = content.status
    const before = snapshot.status
    const ready = found?.readyToUse === true
    const error = found?.error
    const groupName = found?.volumeGroupSnapshotHandle
      ? snapshot.metadata.ownerReferences?.find(({ kind }) => kind === "VolumeGroupSnapshot")?.name
      : undefined
    this.#client.setStatus(volumesnapshots, snapshot, {
      boundVolumeSnapshotContentName: content.metadata.name,
      ...(found?.creationTime === undefined
        ? {}
        : { creationTime: Timestamp.fromMillis(Math.floor(found.creationTime / 1e6)) }),
      readyToUse: ready,
      ...(found?.restoreSize === undefined ? {} : { restoreSize: Quantity.bytes(found.restoreSize) }),
      ...(error === undefined ? {} : { error }),
      ...(groupName === undefined ? {} : { volumeGroupSnapshotName: groupName })
    })
    const where = `Snapshot ${keyOf(snapshot)}`
    if (before?.creationTime === undefined && found?.creationTime !== undefined) {
      this.#say(snapshot, "SnapshotCreated", `${where} was successfully created by the CSI driver.`)
      // Said of members of a late group too, although they are not (seen with external-snapshotter 8.6).
      if (isMember(snapshot) && !ready) this.#say(snapshot, "SnapshotReady", `${where} is ready to use.`)
    }
    if (before?.readyToUse !== true && ready)
      this.#say(snapshot, "SnapshotReady", `${where} is ready to use.`)
    if (isMember(snapshot)) this.#client.addFinalizer(volumesnapshots, snapshot, asSource)
    else if (snapshot.spec.source.persistentVolumeClaimName !== undefined)
      this.#client.addFinalizer(volumesnapshots, snapshot, bound)
    if (ready) this.#releaseClaim(snapshot)
  }

  /** Its claim may be deleted once no snapshot of it is being taken. */
  #releaseClaim(snapshot: VolumeSnapshot, without?: VolumeSnapshot): void {
    const claim = this.#claimOf(snapshot)
    if (claim?.metadata.finalizers?.includes(onClaim) !== true) return
    const inUse = this.#store
      .list(volumesnapshots, claim.metadata.namespace)
      .some(
        (other) =>
          other.metadata.uid !== without?.metadata.uid &&
          other.spec.source.persistentVolumeClaimName === claim.metadata.name &&
          other.status?.readyToUse !== true
      )
    if (!inUse) this.#client.removeFinalizers(persistentvolumeclaims, claim, onClaim)
  }

  #delete(snapshot: VolumeSnapshot): "again" | undefined {
    const { metadata, status } = snapshot
    const registry = this.#client.registry
    const name = status?.boundVolumeSnapshotContentName ?? `snapcontent-${metadata.uid}`
    const found = this.#store.get(volumesnapshotcontents, undefined, name)
    const content = found?.spec.volumeSnapshotRef.uid === metadata.uid ? found : undefined
    if (content !== undefined && isBeingRestored(registry, snapshot)) {
      this.#say(snapshot, "SnapshotDeletePending", "Snapshot is being used to restore a PVC", "Warning")
      return "again"
    }
    const group = status?.volumeGroupSnapshotName
    if (
      group !== undefined &&
      this.#store.get(volumegroupsnapshots, metadata.namespace, group) !== undefined
    ) {
      const message = `deletion of the individual volume snapshot ${keyOf(snapshot)} is not allowed as it belongs to group snapshot ${metadata.namespace}/${group}. Deleting the group snapshot will trigger the deletion of all the individual volume snapshots that are part of the group.`
      this.#say(snapshot, "SnapshotDeletePending", message, "Warning")
      return "again"
    }
    if (content !== undefined) {
      this.#client.annotate(volumesnapshotcontents, content, beingDeleted, "yes")
      if (content.spec.deletionPolicy === "Delete") {
        this.#client.remove(volumesnapshotcontents, content)
        // The bound one stays on until the content is gone.
        this.#client.removeFinalizers(volumesnapshots, snapshot, asSource, inGroup)
        if (this.#store.get(volumesnapshotcontents, undefined, name) !== undefined) return undefined
      }
    }
    this.#releaseClaim(snapshot, snapshot)
    this.#client.removeFinalizers(volumesnapshots, snapshot, asSource, inGroup, bound)
    return undefined
  }
}

export const snapshotController = (client: Client, recorder: Recorder): Controller => {
  const snapshots = new Snapshots(client, recorder)
  const { store } = client.registry
  return {
    name: component,
    keysOf: ({ type, object, kind }) => {
      if (type === volumesnapshots) return [keyOf(object)]
      if (type === volumesnapshotcontents) {
        const { volumeSnapshotRef } = (object as VolumeSnapshotContent).spec
        return [`${volumeSnapshotRef.namespace}/${volumeSnapshotRef.name}`]
      }
      // What the members of a deleted group wait for.
      return type === volumegroupsnapshots && kind === "DELETED"
        ? store
            .list(volumesnapshots, object.metadata.namespace)
            .filter(({ status }) => status?.volumeGroupSnapshotName === object.metadata.name)
            .map(keyOf)
        : []
    },
    reconcile: (key) =>
      client.run(() => {
        const [namespace, name = ""] = key.split("/")
        const snapshot = store.get(volumesnapshots, namespace, name)
        return snapshot === undefined ? undefined : snapshots.reconcile(snapshot)
      })
  }
}
