/** The snapshot controller's part for groups: which claims belong to one, its content, and its members' objects. */
import { createHash } from "node:crypto"
import { type KubeObject, keyOf } from "../apimachinery/KubeObject.ts"
import { type PersistentVolume, persistentvolumeclaims, persistentvolumes } from "../registry/kinds/core.ts"
import {
  type GroupMember,
  type SnapshotClass,
  type VolumeGroupSnapshot,
  volumegroupsnapshotclasses,
  type VolumeGroupSnapshotContent,
  volumegroupsnapshotcontents,
  volumegroupsnapshots,
  volumesnapshotcontents,
  volumesnapshots
} from "../registry/kinds/storage.ts"
import type { Storage } from "../storage/Storage.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import { Backoff, type Client } from "./Client.ts"
import type { Controller } from "./Controller.ts"
import type { Recorder } from "./Recorder.ts"
import { boundVolume, defaultClass, isBeingRestored, Obstacle } from "./SnapshotClasses.ts"
import { groupHandle } from "./SnapshotContents.ts"
import { component, inGroup, onContent } from "./Snapshots.ts"

export const groupPrefix = "groupsnapshot.storage.kubernetes.io"
const bound = `${groupPrefix}/volumegroupsnapshot-bound-protection`
export const onGroupContent = `${groupPrefix}/volumegroupsnapshotcontent-bound-protection`
export const groupBeingDeleted = `${groupPrefix}/volumegroupsnapshot-being-deleted`

const hashOf = (group: KubeObject, volumeHandle: string): string =>
  createHash("sha256").update(`${group.metadata.uid}${volumeHandle}`).digest("hex")

/** As a selector is printed; only its labels count. */
const selectorText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(",") || "<none>"

class GroupSnapshots {
  readonly #client: Client
  readonly #storage: Storage
  readonly #recorder: Recorder
  readonly #backoff = new Backoff()
  /** The time at which the objects of the group's snapshots are created, by the group's uid. */
  readonly #membersAt = new Map<string, number>()

  constructor(client: Client, storage: Storage, recorder: Recorder) {
    this.#client = client
    this.#storage = storage
    this.#recorder = recorder
  }

  get #store() {
    return this.#client.registry.store
  }

  #say(about: VolumeGroupSnapshot, reason: string, message: string, type: "Normal" | "Warning" = "Normal") {
    this.#recorder.record(about, { type, reason, message, component })
  }

  reconcile(group: VolumeGroupSnapshot): number | undefined {
    const key = keyOf(group)
    if (group.metadata.deletionTimestamp !== undefined) {
      if (this.#delete(group)) return this.#backoff.next(key)
      return undefined
    }
    const content = this.#contentOf(group)
    if (content instanceof Obstacle) {
      this.#fail(group, content)
      return this.#backoff.next(key)
    }
    this.#backoff.reset(key)
    return this.#report(group, content)
  }

  #fail(group: VolumeGroupSnapshot, { reason, message }: Obstacle): void {
    if (group.status?.error?.message === message) return
    const time = Timestamp.fromMillis(this.#client.registry.now())
    const unusable = reason.startsWith("GroupSnapshotContent") ? { readyToUse: false } : {}
    this.#client.setStatus(volumegroupsnapshots, group, {
      ...group.status,
      ...unusable,
      error: { message, time }
    })
    this.#say(group, reason, message, "Warning")
  }

  #contentOf(group: VolumeGroupSnapshot): VolumeGroupSnapshotContent | Obstacle {
    const { metadata, spec, status } = group
    const name =
      status?.boundVolumeGroupSnapshotContentName ??
      spec.source.volumeGroupSnapshotContentName ??
      `groupsnapcontent-${metadata.uid}`
    const known = this.#store.get(volumegroupsnapshotcontents, undefined, name)
    if (known !== undefined) {
      const reference = known.spec.volumeGroupSnapshotRef
      const ours =
        reference.namespace === metadata.namespace &&
        reference.name === metadata.name &&
        (reference.uid ?? metadata.uid) === metadata.uid
      return ours
        ? known
        : new Obstacle(
            "GroupSnapshotContentMisbound",
            `VolumeGroupSnapshotContent [${name}] is bound to a different group snapshot`
          )
    }
    if (status?.readyToUse === true || spec.source.volumeGroupSnapshotContentName !== undefined)
      return new Obstacle("GroupSnapshotContentMissing", "VolumeGroupSnapshotContent is missing")
    return this.#make(group, name)
  }

  /** The members are chosen here, once: a claim that is labelled later is not one. */
  #make(group: VolumeGroupSnapshot, name: string): VolumeGroupSnapshotContent | Obstacle {
    const chosen = this.#classOf(group)
    if (chosen instanceof Obstacle) return chosen
    if (group.spec.volumeGroupSnapshotClassName === undefined) {
      this.#client.update(volumegroupsnapshots, group, (current) => ({
        ...current,
        spec: { ...group.spec, volumeGroupSnapshotClassName: chosen.metadata.name }
      }))
    }
    const failed = (why: string): Obstacle =>
      new Obstacle(
        "GroupSnapshotContentCreationFailed",
        `failed to create group snapshot content with error ${why}`
      )
    const volumes = this.#volumesOf(group)
    if (typeof volumes === "string") {
      const inner = JSON.stringify(volumes)
      return failed(
        `failed to get input parameters to create group snapshot ${group.metadata.name}: ${inner}`
      )
    }
    const handles: Array<string> = []
    for (const volume of volumes) {
      const { csi } = volume.spec
      if (csi === undefined)
        return failed(
          `cannot snapshot a non-CSI volume for group snapshot ${keyOf(group)}: ${volume.metadata.name}`
        )
      if (csi.driver !== chosen.driver) {
        const mismatch = `Volume CSI driver (${csi.driver}) mismatch with VolumeGroupSnapshotClass (${chosen.driver}) ${keyOf(group)}: ${volume.metadata.name}`
        this.#say(group, "CreateGroupSnapshotContentFailed", mismatch, "Warning")
        return failed(`snapshot controller failed to update ${keyOf(group)} on API server: ${mismatch}`)
      }
      handles.push(csi.volumeHandle)
    }
    const { namespace, name: groupName, uid } = group.metadata
    this.#client.create(volumegroupsnapshotcontents, undefined, {
      apiVersion: "groupsnapshot.storage.k8s.io/v1",
      kind: "VolumeGroupSnapshotContent",
      metadata: { name },
      spec: {
        deletionPolicy: chosen.deletionPolicy,
        driver: chosen.driver,
        source: { volumeHandles: handles },
        volumeGroupSnapshotClassName: chosen.metadata.name,
        volumeGroupSnapshotRef: {
          apiVersion: "groupsnapshot.storage.k8s.io/v1",
          kind: "VolumeGroupSnapshot",
          namespace,
          name: groupName,
          uid
        }
      }
    })
    this.#say(
      group,
      "CreatingGroupSnapshot",
      `Waiting for a group snapshot ${keyOf(group)} to be created by the CSI driver.`
    )
    return this.#client.registry.find(volumegroupsnapshotcontents, undefined, name)
  }

  #classOf(group: VolumeGroupSnapshot): SnapshotClass | Obstacle {
    const name = group.spec.volumeGroupSnapshotClassName
    if (name !== undefined) {
      return (
        this.#store.get(volumegroupsnapshotclasses, undefined, name) ??
        new Obstacle(
          "GetGroupSnapshotClassFailed",
          `failed to get group snapshot class with error volumegroupsnapshotclass.groupsnapshot.storage.k8s.io ${JSON.stringify(name)} not found`
        )
      )
    }
    const volumes = this.#volumesOf(group)
    const driver = typeof volumes === "string" ? undefined : volumes[0]?.spec.csi?.driver
    const found =
      typeof volumes === "string"
        ? volumes
        : driver === undefined
          ? `snapshotting non-CSI volumes is not supported, group snapshot:${keyOf(group)}`
          : defaultClass(
              this.#client.registry,
              volumegroupsnapshotclasses,
              `${groupPrefix}/is-default-class`,
              driver,
              "group snapshot"
            )
    return typeof found === "string"
      ? new Obstacle(
          "SetDefaultGroupSnapshotClassFailed",
          `Failed to set default group snapshot class with error ${found}`
        )
      : found
  }

  /** `matchExpressions` are ignored: a selector with only these selects every claim of the namespace. */
  #volumesOf(group: VolumeGroupSnapshot): ReadonlyArray<PersistentVolume> | string {
    const labels = group.spec.source.selector?.matchLabels ?? {}
    const claims = this.#store
      .list(persistentvolumeclaims, group.metadata.namespace)
      .filter(({ metadata }) =>
        Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value)
      )
    if (claims.length === 0)
      return `label selector ${selectorText(labels)} for group snapshot not applied to any PVC`
    const volumes: Array<PersistentVolume> = []
    for (const claim of claims) {
      const volume = boundVolume(this.#client.registry, claim, "group snapshot")
      if (typeof volume === "string") return volume
      volumes.push(volume)
    }
    return volumes
  }

  #report(group: VolumeGroupSnapshot, content: VolumeGroupSnapshotContent): number | undefined {
    this.#client.addFinalizer(volumegroupsnapshotcontents, content, onGroupContent)
    const found = content.status
    const before = group.status
    const ready = found?.readyToUse === true
    const error = found?.error ?? (ready ? undefined : before?.error)
    this.#client.setStatus(volumegroupsnapshots, group, {
      boundVolumeGroupSnapshotContentName: content.metadata.name,
      ...(found?.creationTime === undefined ? {} : { creationTime: found.creationTime }),
      readyToUse: ready,
      ...(error === undefined ? {} : { error })
    })
    this.#client.addFinalizer(volumegroupsnapshots, group, bound)
    const where = `GroupSnapshot ${keyOf(group)}`
    if (before?.creationTime === undefined && found?.creationTime !== undefined)
      this.#say(group, "GroupSnapshotCreated", `${where} was successfully created by the CSI driver.`)
    if (before?.readyToUse !== true && ready)
      this.#say(group, "GroupSnapshotReady", `${where} is ready to use.`)
    return found?.volumeSnapshotInfoList === undefined
      ? undefined
      : this.#members(group, content, found.volumeSnapshotInfoList)
  }

  /** Their objects come a moment after the group may be ready already. */
  #members(
    group: VolumeGroupSnapshot,
    content: VolumeGroupSnapshotContent,
    members: ReadonlyArray<GroupMember>
  ): number | undefined {
    const now = this.#client.registry.now()
    const { uid } = group.metadata
    const at = this.#membersAt.get(uid) ?? now + (this.#storage.options.memberMillis ?? 100)
    this.#membersAt.set(uid, at)
    if (at > now) return at - now
    for (const member of members) this.#member(group, content, member)
    return undefined
  }

  #member(group: VolumeGroupSnapshot, content: VolumeGroupSnapshotContent, member: GroupMember): void {
    const { namespace = "", name: groupName, uid } = group.metadata
    const hash = hashOf(group, member.volumeHandle)
    const name = `snapshot-${hash}`
    const contentName = `snapcontent-${hash}`
    const handle = content.status?.volumeGroupSnapshotHandle ?? ""
    if (this.#store.get(volumesnapshotcontents, undefined, contentName) === undefined) {
      this.#client.create(volumesnapshotcontents, undefined, {
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshotContent",
        metadata: { name: contentName, annotations: { [groupHandle]: handle } },
        spec: {
          deletionPolicy: content.spec.deletionPolicy,
          driver: content.spec.driver,
          source: { volumeHandle: member.volumeHandle },
          sourceVolumeMode: "Filesystem",
          volumeSnapshotRef: { kind: "VolumeSnapshot", namespace, name }
        }
      })
    }
    if (this.#store.get(volumesnapshots, namespace, name) === undefined) {
      const claim = this.#store
        .list(persistentvolumes)
        .find(({ spec }) => spec.csi?.volumeHandle === member.volumeHandle)?.spec.claimRef?.name
      this.#client.create(volumesnapshots, namespace, {
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshot",
        metadata: {
          name,
          finalizers: [inGroup],
          ownerReferences: [
            {
              apiVersion: "groupsnapshot.storage.k8s.io/v1",
              kind: "VolumeGroupSnapshot",
              name: groupName,
              uid
            }
          ]
        },
        // Without a volume that names its claim it is empty, as upstream has it.
        spec: { source: { persistentVolumeClaimName: claim ?? "" } }
      })
    }
    const snapshot = this.#client.registry.find(volumesnapshots, namespace, name)
    const known = this.#client.registry.find(volumesnapshotcontents, undefined, contentName)
    const referred = this.#client.update(volumesnapshotcontents, known, (current) => ({
      ...current,
      spec: {
        ...known.spec,
        volumeSnapshotRef: { ...known.spec.volumeSnapshotRef, uid: snapshot.metadata.uid }
      }
    }))
    const held = this.#client.addFinalizer(volumesnapshotcontents, referred, onContent)
    // Written once: what is not ready of a late group by then is, in most cases, not requested again.
    if (held.status?.readyToUse === true) return
    const stuck = held.status !== undefined && this.#isStuck(held)
    this.#client.setStatus(volumesnapshotcontents, held, {
      creationTime: member.creationTime,
      readyToUse: member.readyToUse && !stuck,
      restoreSize: member.restoreSize,
      snapshotHandle: member.snapshotHandle,
      volumeGroupSnapshotHandle: handle
    })
  }

  readonly #stuck = new Map<string, boolean>()

  /** Decided once for each member, by the seed. */
  #isStuck({ metadata }: KubeObject): boolean {
    const known = this.#stuck.get(metadata.uid)
    if (known !== undefined) return known
    const stuck = this.#client.registry.random() < (this.#storage.options.stuckMembers ?? 1)
    this.#stuck.set(metadata.uid, stuck)
    return stuck
  }

  /** Answers whether it has to be tried again. */
  #delete(group: VolumeGroupSnapshot): boolean {
    const { metadata, status } = group
    const name = status?.boundVolumeGroupSnapshotContentName ?? ""
    const found = this.#store.get(volumegroupsnapshotcontents, undefined, name)
    const content = found?.spec.volumeGroupSnapshotRef.uid === metadata.uid ? found : undefined
    const members = this.#store
      .list(volumesnapshots, metadata.namespace)
      .filter((each) => each.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true)
    const used = members.find((each) => isBeingRestored(this.#client.registry, each))
    if (used !== undefined) {
      const message = `Snapshot ${keyOf(used)} belonging to VolumeGroupSnapshot ${keyOf(group)} is being used to restore a PVC`
      this.#say(group, "SnapshotDeletePending", message, "Warning")
      return true
    }
    const cascades = content?.spec.deletionPolicy === "Delete"
    if (content !== undefined) {
      this.#client.annotate(volumegroupsnapshotcontents, content, groupBeingDeleted, "yes")
      if (cascades) this.#client.remove(volumegroupsnapshotcontents, content)
    }
    for (const member of members) this.#client.remove(volumesnapshots, member)
    const left = this.#store.get(volumegroupsnapshotcontents, undefined, name)
    if (!cascades || left === undefined) this.#client.removeFinalizers(volumegroupsnapshots, group, bound)
    return false
  }
}

export const groupSnapshotController = (client: Client, storage: Storage, recorder: Recorder): Controller => {
  const groups = new GroupSnapshots(client, storage, recorder)
  const { store } = client.registry
  return {
    name: "group-snapshot-controller",
    keysOf: ({ type, object }) => {
      if (type === volumegroupsnapshots) return [keyOf(object)]
      if (type !== volumegroupsnapshotcontents) return []
      const { namespace, name } = (object as VolumeGroupSnapshotContent).spec.volumeGroupSnapshotRef
      return [`${namespace}/${name}`]
    },
    reconcile: (key) =>
      client.run(() => {
        const [namespace, name = ""] = key.split("/")
        const group = store.get(volumegroupsnapshots, namespace, name)
        return group === undefined ? undefined : groups.reconcile(group)
      })
  }
}
