/**
 * The snapshotter's part for groups: all snapshots taken at one instant, or one after another if the class
 * says so.
 */
import { createHash } from "node:crypto"
import {
  csidrivers,
  type GroupMember,
  volumegroupsnapshotclasses,
  type VolumeGroupSnapshotContent,
  volumegroupsnapshotcontents
} from "../registry/kinds/storage.ts"
import { durationIn, type Storage, StorageFailure } from "../storage/Storage.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import { Backoff, type Client } from "./Client.ts"
import type { Controller } from "./Controller.ts"
import { groupBeingDeleted, onGroupContent, groupPrefix } from "./GroupSnapshots.ts"

const beingCreated = `${groupPrefix}/volumegroupsnapshot-being-created`

const memberHandle = (group: string, volumeHandle: string): string =>
  `member-${createHash("sha256").update(`${group}/${volumeHandle}`).digest("hex").slice(0, 32)}`

/** Polling interval until ready: without a pause, about 17 times a second. */
const pollMillis = 60

class GroupSnapshotContents {
  readonly #client: Client
  readonly #storage: Storage
  readonly #backoff = new Backoff()
  /** The time at which the group's first snapshot is taken, by the content's uid. */
  readonly #cutAt = new Map<string, number>()
  /** The time at which a failed group is retried. */
  readonly #due = new Map<string, number>()

  constructor(client: Client, storage: Storage) {
    this.#client = client
    this.#storage = storage
  }

  reconcile(content: VolumeGroupSnapshotContent): number | undefined {
    const { metadata, spec, status } = content
    const { store } = this.#client.registry
    if (store.get(csidrivers, undefined, spec.driver) === undefined) return undefined
    if (metadata.deletionTimestamp !== undefined) {
      this.#delete(content)
      return undefined
    }
    if (status?.readyToUse === true || spec.source.volumeHandles === undefined) return undefined
    const now = this.#client.registry.now()
    const again = this.#due.get(metadata.uid) ?? now
    if (again > now) return again - now
    return this.#cut(content, spec.source.volumeHandles)
  }

  #cut(content: VolumeGroupSnapshotContent, volumes: ReadonlyArray<string>): number | undefined {
    const { metadata, spec, status } = content
    const { store, now: clock } = this.#client.registry
    const now = clock()
    const { uid } = metadata
    const { parameters } =
      store.get(volumegroupsnapshotclasses, undefined, spec.volumeGroupSnapshotClassName ?? "") ?? {}
    const cutAt =
      this.#cutAt.get(uid) ?? now + durationIn(parameters, "cutDelay", this.#storage.options.cutMillis ?? 50)
    if (!this.#cutAt.has(uid)) {
      this.#cutAt.set(uid, cutAt)
      this.#client.annotate(volumegroupsnapshotcontents, content, beingCreated, "yes")
    }
    if (cutAt > now) return cutAt - now
    const handle = `groupsnapshot-${spec.volumeGroupSnapshotRef.uid}`
    const step = parameters?.["mode"] === "sequential" ? durationIn(parameters, "memberDelay") : 0
    const readyAfter = durationIn(parameters, "readyAfter")
    const cut = { readyAfter, isFrozen: parameters?.["freeze"] !== "false", group: handle }
    try {
      if (!volumes.every((each) => this.#storage.snapshots.has(memberHandle(handle, each)))) {
        const about = spec.volumeGroupSnapshotRef.name
        this.#storage.attempt({ name: "CreateVolumeGroupSnapshot", about }, uid, parameters?.["failCut"])
      }
      for (const [nth, volume] of volumes.entries()) {
        const at = cutAt + nth * step
        if (at > now) return at - now
        this.#storage.cut(memberHandle(handle, volume), volume, now, cut)
      }
    } catch (failure) {
      if (!(failure instanceof StorageFailure)) throw failure
      return this.#fail(content, failure)
    }
    const infos = volumes.flatMap((volumeHandle): ReadonlyArray<GroupMember> => {
      const snapshotHandle = memberHandle(handle, volumeHandle)
      const member = this.#storage.snapshots.get(snapshotHandle)
      if (member === undefined) return []
      const readyToUse = member.readyAt <= now
      const creationTime = member.cutAt * 1e6
      return [{ creationTime, readyToUse, restoreSize: member.size, snapshotHandle, volumeHandle }]
    })
    const ready = infos.every(({ readyToUse }) => readyToUse)
    const last = infos.reduce((latest, { creationTime }) => Math.max(latest, creationTime), 0)
    const next = this.#client.setStatus(volumegroupsnapshotcontents, content, {
      creationTime: status?.creationTime ?? Timestamp.fromMillis(last / 1e6),
      readyToUse: ready,
      volumeGroupSnapshotHandle: handle,
      // What the first answer said of each stays, until the group is ready.
      volumeSnapshotInfoList: ready ? infos : (status?.volumeSnapshotInfoList ?? infos)
    })
    this.#client.annotate(volumegroupsnapshotcontents, next, beingCreated, undefined)
    if (ready) return undefined
    const readyAt = cutAt + (volumes.length - 1) * step + readyAfter
    return Math.max(pollMillis, Math.ceil((readyAt - now) / pollMillis) * pollMillis)
  }

  #fail(content: VolumeGroupSnapshotContent, failure: StorageFailure): number {
    const { uid } = content.metadata
    const now = this.#client.registry.now()
    const opening =
      content.status === undefined
        ? "Failed to create group snapshot"
        : "Failed to check and update group snapshot content"
    const wait = this.#backoff.next(uid)
    this.#due.set(uid, now + wait)
    this.#client.setStatus(volumegroupsnapshotcontents, content, {
      ...content.status,
      readyToUse: false,
      error: {
        message: `${opening}: failed to take group snapshot of the volumes [${(content.spec.source.volumeHandles ?? []).join(" ")}]: ${JSON.stringify(failure.message)}`,
        time: Timestamp.fromMillis(now)
      }
    })
    return wait
  }

  #delete(content: VolumeGroupSnapshotContent): void {
    const { metadata, spec, status } = content
    if (metadata.annotations?.[groupBeingDeleted] === undefined) return
    const handle = status?.volumeGroupSnapshotHandle
    if (spec.deletionPolicy === "Delete" && handle !== undefined) {
      for (const [key, snapshot] of this.#storage.snapshots)
        if (snapshot.group === handle) this.#storage.snapshots.delete(key)
    }
    this.#client.removeFinalizers(volumegroupsnapshotcontents, content, onGroupContent)
  }
}

export const groupSnapshotContentController = (client: Client, storage: Storage): Controller => {
  const contents = new GroupSnapshotContents(client, storage)
  return {
    name: "csi-group-snapshotter",
    keysOf: ({ type, object }) => (type === volumegroupsnapshotcontents ? [object.metadata.name] : []),
    reconcile: (key) =>
      client.run(() => {
        const content = client.registry.store.get(volumegroupsnapshotcontents, undefined, key)
        return content === undefined ? undefined : contents.reconcile(content)
      })
  }
}
