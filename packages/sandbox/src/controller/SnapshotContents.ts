/**
 * The snapshotter of the storage driver: takes the snapshot of each content, and polls until it is ready to
 * use.
 */
import {
  csidrivers,
  type VolumeSnapshotContent,
  volumesnapshotclasses,
  volumesnapshotcontents,
  volumesnapshots
} from "../registry/kinds/storage.ts"
import { durationIn, type Snapshot, type Storage, StorageFailure } from "../storage/Storage.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import { Backoff, type Client } from "./Client.ts"
import type { Controller } from "./Controller.ts"
import type { Recorder } from "./Recorder.ts"
import { beingDeleted, onContent } from "./Snapshots.ts"

const beingCreated = "snapshot.storage.kubernetes.io/volumesnapshot-being-created"
export const groupHandle = "groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle"

/** Resync interval of the sidecar, in milliseconds (external-snapshotter 8.6). */
const resync = 15 * 60_000

/** A snapshot in progress. */
interface Cutting {
  readonly cutAt: number
  readonly replyAt: number
}

class SnapshotContents {
  readonly #client: Client
  readonly #storage: Storage
  readonly #recorder: Recorder
  readonly #backoff = new Backoff()
  /** By the content's uid. */
  readonly #cutting = new Map<string, Cutting>()
  /**
   * The time of the next attempt for a failed snapshot, or of the next poll for one that is not ready, by
   * the content's uid.
   */
  readonly #due = new Map<string, number>()
  /** The annotations of contents whose deletion was put off, by the content's uid. */
  readonly #left = new Map<string, string>()

  constructor(client: Client, storage: Storage, recorder: Recorder) {
    this.#client = client
    this.#storage = storage
    this.#recorder = recorder
  }

  reconcile(content: VolumeSnapshotContent): number | undefined {
    const { metadata, spec, status } = content
    const { store } = this.#client.registry
    if (store.get(csidrivers, undefined, spec.driver) === undefined) return undefined
    if (metadata.deletionTimestamp !== undefined) return this.#leave(content)
    if (status?.readyToUse === true) return undefined
    if (spec.source.snapshotHandle !== undefined) return this.#find(content, spec.source.snapshotHandle)
    // Members are cut by their group, and nobody asks for them again.
    if (metadata.annotations?.[groupHandle] !== undefined) return undefined
    return this.#cut(content, spec.source.volumeHandle ?? "")
  }

  #cut(content: VolumeSnapshotContent, volumeHandle: string): number | undefined {
    const { metadata, spec, status } = content
    const now = this.#client.registry.now()
    const { uid } = metadata
    const { parameters } =
      this.#client.registry.store.get(volumesnapshotclasses, undefined, spec.volumeSnapshotClassName ?? "") ??
      {}
    const waits = status?.creationTime === undefined && this.#cutting.get(uid) === undefined
    if (waits) {
      const again = this.#due.get(uid) ?? now
      if (again > now) return again - now
      this.#client.annotate(volumesnapshotcontents, content, beingCreated, "yes")
      const cutAt = now + durationIn(parameters, "cutDelay", this.#storage.options.cutMillis ?? 50)
      this.#cutting.set(uid, { cutAt, replyAt: cutAt + durationIn(parameters, "replyDelay") })
    }
    const cutting = this.#cutting.get(uid)
    if (cutting !== undefined && cutting.cutAt > now) return cutting.cutAt - now
    const handle = `snapshot-${spec.volumeSnapshotRef.uid}`
    try {
      if (!this.#storage.snapshots.has(handle)) {
        const { name } = spec.volumeSnapshotRef
        this.#storage.attempt({ name: "CreateSnapshot", about: name }, uid, parameters?.["failCut"])
      }
      const cut = this.#storage.cut(handle, volumeHandle, now, {
        readyAfter: durationIn(parameters, "readyAfter"),
        isFrozen: parameters?.["freeze"] !== "false"
      })
      if (cutting !== undefined && cutting.replyAt > now) return cutting.replyAt - now
      this.#cutting.delete(uid)
      return this.#report(content, handle, cut, true)
    } catch (failure) {
      if (!(failure instanceof StorageFailure)) throw failure
      this.#cutting.delete(uid)
      return this.#fail(content, `failed to take snapshot of the volume ${volumeHandle}`, failure)
    }
  }

  /** A snapshot that the storage has already. */
  #find(content: VolumeSnapshotContent, handle: string): number | undefined {
    const found = this.#storage.snapshots.get(handle)
    if (found !== undefined) return this.#report(content, handle, found, false)
    const failure = { message: `can not find snapshot for snapshotID ${handle}`, final: true }
    return this.#fail(content, `failed to list snapshot for content ${content.metadata.name}`, failure, true)
  }

  #report(content: VolumeSnapshotContent, handle: string, cut: Snapshot, made: boolean): number | undefined {
    const { uid } = content.metadata
    const known = this.#due.get(uid)
    const now = this.#client.registry.now()
    const polled = content.status?.creationTime === undefined || (known !== undefined && known <= now)
    // Between two polls nobody knows.
    const readyToUse = cut.readyAt <= now && polled
    const next = this.#client.setStatus(volumesnapshotcontents, content, {
      creationTime: cut.cutAt * 1e6,
      readyToUse,
      restoreSize: cut.size,
      snapshotHandle: handle,
      ...(cut.group === undefined || made ? {} : { volumeGroupSnapshotHandle: cut.group })
    })
    this.#client.annotate(volumesnapshotcontents, next, beingCreated, undefined)
    if (readyToUse) {
      this.#due.delete(uid)
      this.#backoff.reset(uid)
      return undefined
    }
    if (!polled && known !== undefined) return known - now
    if (content.status?.creationTime === undefined) this.#backoff.reset(uid)
    const wait = this.#backoff.next(uid)
    this.#due.set(uid, now + wait)
    return wait
  }

  /** Reported as status.error; retried after 1, 2, 4 … seconds. */
  #fail(
    content: VolumeSnapshotContent,
    what: string,
    failure: Pick<StorageFailure, "message" | "final">,
    listed = false
  ): number | undefined {
    const { uid } = content.metadata
    const { registry } = this.#client
    const first = content.status === undefined && !listed
    const opening = first ? "Failed to create snapshot" : "Failed to check and update snapshot content"
    const message = `${opening}: ${what}: ${JSON.stringify(failure.message)}`
    const time = Timestamp.fromMillis(registry.now())
    const known = this.#due.get(uid)
    if (known !== undefined && known > registry.now()) return known - registry.now()
    if (content.status?.error?.message !== message) {
      const next = this.#client.setStatus(volumesnapshotcontents, content, {
        ...content.status,
        error: { message, time },
        readyToUse: false
      })
      if (failure.final) this.#client.annotate(volumesnapshotcontents, next, beingCreated, undefined)
    }
    this.#recorder.record(content, {
      type: "Warning",
      reason: first ? "SnapshotCreationFailed" : "SnapshotContentCheckandUpdateFailed",
      message,
      component: `csi-snapshotter ${content.spec.driver}`
    })
    const wait = this.#backoff.next(uid)
    this.#due.set(uid, registry.now() + wait)
    return wait
  }

  /**
   * The content is kept until its driver has reported the outcome. It is checked again at the next resync, or
   * when it changes: a change of the sidecar's own annotation alone is none.
   */
  #leave(content: VolumeSnapshotContent): number | undefined {
    const { metadata, spec } = content
    const { [beingCreated]: open, ...others } = metadata.annotations ?? {}
    const seen = JSON.stringify(others)
    const isOpen = spec.volumeSnapshotRef.uid !== undefined && open !== undefined
    const until = Timestamp.toMillis(metadata.deletionTimestamp ?? "") + resync
    const now = this.#client.registry.now()
    if (until > now && (isOpen || this.#left.get(metadata.uid) === seen)) {
      this.#left.set(metadata.uid, seen)
      return until - now
    }
    this.#left.delete(metadata.uid)
    this.#delete(content)
    return undefined
  }

  /** Only once its snapshot is deleted, or never existed: otherwise it stays in deletion. */
  #delete(content: VolumeSnapshotContent): void {
    const { metadata, spec, status } = content
    const { uid, namespace, name } = spec.volumeSnapshotRef
    const owner = this.#client.registry.store.get(volumesnapshots, namespace, name)
    const free =
      metadata.annotations?.[beingDeleted] !== undefined || uid === undefined || owner?.metadata.uid !== uid
    if (!free) return
    const handle = status?.snapshotHandle
    // A member's bytes are deleted with its group.
    if (
      spec.deletionPolicy === "Delete" &&
      handle !== undefined &&
      status?.volumeGroupSnapshotHandle === undefined
    )
      this.#storage.snapshots.delete(handle)
    this.#cutting.delete(metadata.uid)
    this.#due.delete(metadata.uid)
    this.#client.removeFinalizers(volumesnapshotcontents, content, onContent)
  }
}

export const snapshotContentController = (
  client: Client,
  storage: Storage,
  recorder: Recorder
): Controller => {
  const contents = new SnapshotContents(client, storage, recorder)
  const { store } = client.registry
  return {
    name: "csi-snapshotter",
    keysOf: ({ type, object, kind }) => {
      if (type === volumesnapshotcontents) return [object.metadata.name]
      return type === volumesnapshots && kind === "DELETED"
        ? store
            .list(volumesnapshotcontents)
            .filter(
              ({ metadata, spec }) =>
                metadata.deletionTimestamp !== undefined && spec.volumeSnapshotRef.uid === object.metadata.uid
            )
            .map(({ metadata }) => metadata.name)
        : []
    },
    reconcile: (key) =>
      client.run(() => {
        const content = store.get(volumesnapshotcontents, undefined, key)
        return content === undefined ? undefined : contents.reconcile(content)
      })
  }
}
