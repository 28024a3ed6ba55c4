/**
 * The attach and detach controller, and the attacher of the storage driver: a volume is attached to the
 * nodes whose pods use it, to one node at a time if its access mode requires it. It is detached from a
 * silent node only after a long time, or if the node is declared out of service.
 */
import { createHash } from "node:crypto"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  type Node,
  nodes,
  type PersistentVolume,
  persistentvolumeclaims,
  persistentvolumes,
  type Pod,
  pods
} from "../registry/kinds/core.ts"
import { csidrivers, type VolumeAttachment, volumeattachments } from "../registry/kinds/storage.ts"
import { type Storage, StorageFailure } from "../storage/Storage.ts"
import type { Change } from "../registry/Store.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import { claimsOf, usersOf } from "./ClaimUse.ts"
import { Backoff, Client } from "./Client.ts"
import type { Controller } from "./Controller.ts"
import type { Recorder } from "./Recorder.ts"
import { isEnd } from "../registry/PodPhase.ts"

/** Time until a volume is detached from a silent node by force. */
const forcedMillis = 360_000

const finalizerOf = (driver: string): string => `external-attacher/${driver.replaceAll(".", "-")}`

const attachmentName = (volume: PersistentVolume, node: string): string =>
  `csi-${createHash("sha256")
    .update(`${volume.spec.csi?.volumeHandle}${volume.spec.csi?.driver}${node}`)
    .digest("hex")}`

const needsAttaching = (registry: Registry, volume: PersistentVolume): boolean => {
  const driver = volume.spec.csi?.driver
  if (driver === undefined) return false
  return registry.store.get(csidrivers, undefined, driver)?.spec.attachRequired !== false
}

/** True if a node's kubelet can mount the volume. */
const isAttached = (registry: Registry, volume: PersistentVolume, node: string): boolean =>
  !needsAttaching(registry, volume) ||
  registry.store.get(volumeattachments, undefined, attachmentName(volume, node))?.status?.attached === true

const isOutOfService = (node: Node): boolean =>
  (node.spec.taints ?? []).some(
    ({ key, effect }) => key === "node.kubernetes.io/out-of-service" && effect === "NoExecute"
  )

const isReady = (node: Node): boolean =>
  node.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true

class Attachments {
  readonly #registry: Registry
  readonly #client: Client
  readonly #storage: Storage
  readonly #recorder: Recorder
  readonly #lost: { readonly has: (node: string) => boolean }
  /** Names, by volume. */
  readonly #attachments = new Map<string, Set<string>>()
  /** The time since which an attachment is being created, or is no longer needed. */
  readonly #since = new Map<string, number>()
  /** Pods with an event that their volume is attached elsewhere. */
  readonly #told = new Set<string>()
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

  /** Answers the volumes that a change concerns. */
  concerned({ type, kind, object, previous }: Change): ReadonlyArray<string> {
    if (type === volumeattachments) {
      const volume = (object as VolumeAttachment).spec.source.persistentVolumeName ?? ""
      const names = this.#attachments.get(volume) ?? new Set()
      if (kind === "DELETED") names.delete(object.metadata.name)
      else names.add(object.metadata.name)
      if (names.size > 0) this.#attachments.set(volume, names)
      else this.#attachments.delete(volume)
      return [volume]
    }
    if (type === pods) {
      const { namespace = "" } = object.metadata
      return claimsOf(object as Pod).flatMap((claim) => this.#volumeOf(namespace, claim))
    }
    if (type === persistentvolumeclaims)
      return this.#volumeOf(object.metadata.namespace ?? "", object.metadata.name)
    if (type === persistentvolumes && object.metadata.deletionTimestamp !== undefined)
      return [object.metadata.name]
    if (type !== nodes) return []
    // Heartbeats concern nobody.
    const [now, before] = [object as Node, previous as Node | undefined]
    const same =
      kind === "MODIFIED" &&
      before !== undefined &&
      isOutOfService(now) === isOutOfService(before) &&
      isReady(now) === isReady(before)
    if (same) return []
    return this.#registry.store
      .list(volumeattachments)
      .filter(({ spec }) => spec.nodeName === object.metadata.name)
      .map(({ spec }) => spec.source.persistentVolumeName ?? "")
  }

  #volumeOf(namespace: string, claim: string): ReadonlyArray<string> {
    const name = this.#registry.store.get(persistentvolumeclaims, namespace, claim)?.spec.volumeName
    return name === undefined ? [] : [name]
  }

  /** Pods that are on a node and use the volume, by node. */
  #wanted(volume: PersistentVolume): Map<string, Array<Pod>> {
    const wanted = new Map<string, Array<Pod>>()
    const { namespace = "", name = "", uid } = volume.spec.claimRef ?? {}
    const claim = this.#registry.store.get(persistentvolumeclaims, namespace, name)
    if (claim?.metadata.uid !== uid || claim?.status.phase !== "Bound") return wanted
    for (const pod of usersOf(this.#registry, claim)) {
      const node = pod.spec.nodeName
      if (node === undefined) continue
      if (isEnd(pod.status.phase)) continue
      const there = wanted.get(node)
      if (there === undefined) wanted.set(node, [pod])
      else there.push(pod)
    }
    return wanted
  }

  reconcile(volumeName: string): number | undefined {
    const { store } = this.#registry
    const volume = store.get(persistentvolumes, undefined, volumeName)
    const waits: Array<number> = []
    const required = volume !== undefined && needsAttaching(this.#registry, volume)
    const wanted = required ? this.#wanted(volume) : new Map<string, Array<Pod>>()
    const holders = new Set<string>()
    for (const name of this.#attachments.get(volumeName) ?? []) {
      const attachment = store.get(volumeattachments, undefined, name)
      if (attachment === undefined) continue
      const users = wanted.get(attachment.spec.nodeName)
      const wait =
        users !== undefined && volume !== undefined && attachment.metadata.deletionTimestamp === undefined
          ? this.#attach(volume, attachment, users)
          : this.#detach(volume, attachment)
      if (wait !== undefined) waits.push(wait)
      if (store.get(volumeattachments, undefined, name) !== undefined) holders.add(attachment.spec.nodeName)
    }
    if (volume !== undefined && required) {
      this.#spread(volume, wanted, holders)
      if (volume.metadata.deletionTimestamp !== undefined && holders.size === 0)
        this.#client.removeFinalizers(persistentvolumes, volume, finalizerOf(volume.spec.csi?.driver ?? ""))
    }
    return waits.length === 0 ? undefined : Math.min(...waits)
  }

  /** Begins an attachment on each node that waits for one, and may have it. */
  #spread(
    volume: PersistentVolume,
    wanted: ReadonlyMap<string, ReadonlyArray<Pod>>,
    holders: Set<string>
  ): void {
    const shared = volume.spec.accessModes.some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany")
    for (const [node, users] of wanted) {
      if (holders.has(node)) continue
      const waiting = users.filter((pod) => pod.metadata.deletionTimestamp === undefined)
      if (waiting.length === 0) continue
      if (!shared && holders.size > 0) {
        const others = [...holders].flatMap((holder) => wanted.get(holder) ?? [])
        for (const pod of waiting) this.#refuse(volume, pod, others)
        continue
      }
      holders.add(node)
      this.#begin(volume, node)
    }
  }

  #refuse(volume: PersistentVolume, pod: Pod, others: ReadonlyArray<Pod>): void {
    if (this.#told.has(pod.metadata.uid)) return
    this.#told.add(pod.metadata.uid)
    const names = others.map(({ metadata }) => metadata.name).join(", ")
    const why =
      names === ""
        ? "Volume is already exclusively attached to one node and can't be attached to another"
        : `Volume is already used by pod(s) ${names}`
    this.#recorder.record(pod, {
      type: "Warning",
      reason: "FailedAttachVolume",
      message: `Multi-Attach error for volume ${JSON.stringify(volume.metadata.name)} ${why}`,
      component: "attachdetach-controller"
    })
  }

  #begin(volume: PersistentVolume, node: string): void {
    const driver = volume.spec.csi?.driver ?? ""
    const name = attachmentName(volume, node)
    this.#since.set(name, this.#registry.now())
    const annotations = { "csi.alpha.kubernetes.io/node-id": node }
    this.#client.create(volumeattachments, undefined, {
      apiVersion: "storage.k8s.io/v1",
      kind: "VolumeAttachment",
      metadata: { name, annotations, finalizers: [finalizerOf(driver)] },
      spec: { attacher: driver, nodeName: node, source: { persistentVolumeName: volume.metadata.name } }
    })
    this.#client.addFinalizer(persistentvolumes, volume, finalizerOf(driver))
  }

  #attach(
    volume: PersistentVolume,
    attachment: VolumeAttachment,
    users: ReadonlyArray<Pod>
  ): number | undefined {
    const { name } = attachment.metadata
    if (attachment.status?.attached === true) {
      this.#since.delete(name)
      return undefined
    }
    const { store } = this.#registry
    if (store.get(csidrivers, undefined, attachment.spec.attacher) === undefined) return undefined
    const now = this.#registry.now()
    const since = this.#since.get(name) ?? now
    this.#since.set(name, since)
    const due = since + (this.#storage.options.attachMillis ?? 100)
    if (due > now) return due - now
    try {
      const about = volume.metadata.name
      this.#storage.attempt({ name: "ControllerPublishVolume", about }, attachment.metadata.uid)
    } catch (failure) {
      if (!(failure instanceof StorageFailure)) throw failure
      return this.#fail(attachment, users, failure)
    }
    this.#backoff.reset(name)
    this.#client.setStatus(volumeattachments, attachment, { attached: true })
    for (const pod of users) {
      this.#recorder.record(pod, {
        reason: "SuccessfulAttachVolume",
        message: `AttachVolume.Attach succeeded for volume ${JSON.stringify(volume.metadata.name)} `,
        component: "attachdetach-controller"
      })
    }
    return undefined
  }

  #fail(attachment: VolumeAttachment, users: ReadonlyArray<Pod>, failure: StorageFailure): number {
    const { name } = attachment.metadata
    const wait = this.#backoff.next(name)
    const now = this.#registry.now()
    this.#since.set(name, now + wait - (this.#storage.options.attachMillis ?? 100))
    const { message } = failure
    this.#client.setStatus(volumeattachments, attachment, {
      attached: false,
      attachError: { message, time: Timestamp.fromMillis(now) }
    })
    const volume = attachment.spec.source.persistentVolumeName
    for (const pod of users) {
      this.#recorder.record(pod, {
        type: "Warning",
        reason: "FailedAttachVolume",
        message: `AttachVolume.Attach failed for volume ${JSON.stringify(volume)} : ${message}`,
        component: "attachdetach-controller"
      })
    }
    return wait
  }

  #detach(volume: PersistentVolume | undefined, attachment: VolumeAttachment): number | undefined {
    const { metadata, spec } = attachment
    const now = this.#registry.now()
    const node = this.#registry.store.get(nodes, undefined, spec.nodeName)
    const silent = node !== undefined && (this.#lost.has(spec.nodeName) || !isReady(node))
    if (metadata.deletionTimestamp === undefined) {
      const since = this.#since.get(metadata.name) ?? now
      this.#since.set(metadata.name, since)
      const forced = since + forcedMillis
      if (silent && !isOutOfService(node) && forced > now) return forced - now
      // What still runs there writes to nobody from now on, as when a driver unpublishes a mounted volume.
      if (silent) this.#storage.fence(volume?.spec.csi?.volumeHandle ?? "")
      this.#since.set(metadata.name, now)
      this.#client.remove(volumeattachments, attachment)
      return this.#storage.options.detachMillis ?? 100
    }
    const due = (this.#since.get(metadata.name) ?? now) + (this.#storage.options.detachMillis ?? 100)
    if (due > now) return due - now
    this.#since.delete(metadata.name)
    this.#client.removeFinalizers(volumeattachments, attachment, finalizerOf(spec.attacher))
    return undefined
  }
}

/** `lost`: nodes whose kubelet is not heard of, from the moment that it is so. */
export const attachController = (
  registry: Registry,
  storage: Storage,
  recorder: Recorder,
  lost: { readonly has: (node: string) => boolean }
): Controller => {
  const attachments = new Attachments(registry, storage, recorder, lost)
  return {
    name: "attachdetach",
    keysOf: (change) => attachments.concerned(change),
    reconcile: (volume) => attachments.reconcile(volume)
  }
}

/** True if all volumes of a pod are attached to its node. */
export const hasVolumes = (registry: Registry, pod: Pod): boolean =>
  claimsOf(pod).every((name) => {
    const { store } = registry
    const claim = store.get(persistentvolumeclaims, pod.metadata.namespace, name)
    const volume = store.get(persistentvolumes, undefined, claim?.spec.volumeName ?? "")
    return (
      claim?.status.phase === "Bound" &&
      volume !== undefined &&
      isAttached(registry, volume, pod.spec.nodeName ?? "")
    )
  })

/** Handles of the volumes that are attached to a node. */
export const volumesOn = ({ store }: Registry, node: string): ReadonlyArray<string> =>
  store
    .list(volumeattachments)
    .filter(({ spec, status }) => spec.nodeName === node && status?.attached === true)
    .flatMap(({ spec }) => {
      const name = spec.source.persistentVolumeName ?? ""
      const handle = store.get(persistentvolumes, undefined, name)?.spec.csi?.volumeHandle
      return handle === undefined ? [] : [handle]
    })

/** The claim of an attachment, as `namespace/name`. */
export const claimOfAttachment = (registry: Registry, object: KubeObject): string => {
  const name = (object as VolumeAttachment).spec.source.persistentVolumeName ?? ""
  const reference = registry.store.get(persistentvolumes, undefined, name)?.spec.claimRef
  return `${reference?.namespace ?? ""}/${reference?.name ?? ""}`
}
