import { assert, describe, it } from "vitest"
import { forbidden, object, stateOf } from "./objects.ts"
import { isDefaultClass } from "../../packages/sdk/src/kind/Storage.ts"

type Changes = Parameters<typeof stateOf>[0]
const snapshotsOf = (changes: Changes) => stateOf(changes).protection.snapshots

const snapshot = (name: string, claim: string | null, changes: Record<string, unknown> = {}) =>
  object(name, {
    spec: { source: { persistentVolumeClaimName: claim } },
    status: {
      boundVolumeSnapshotContentName: `content-${name}`,
      creationTime: "2026-11-20T09:00:00Z",
      readyToUse: true,
      restoreSize: "1Gi"
    },
    ...changes
  })

const content = (name: string, handle: string, changes: Record<string, unknown> = {}) => ({
  metadata: { name: `content-${name}` },
  spec: {
    driver: "csi.example.com",
    deletionPolicy: "Retain",
    source: { volumeHandle: handle },
    volumeSnapshotRef: { namespace: "shop", name, uid: `uid-${name}` },
    ...changes
  }
})

describe("snapshots of the app's claims", () => {
  it("are found by the claim they were taken of, newest cut first", () => {
    const older = snapshot("older", "data-db-0", { status: { creationTime: "2026-11-19T09:00:00Z" } })
    const volumesnapshots = [older, snapshot("newer", "data-db-0"), snapshot("other", "data-web-0")]
    assert.deepEqual(
      snapshotsOf({ volumesnapshots })?.map(({ name, claim }) => [name, claim]),
      [
        ["newer", "data-db-0"],
        ["older", "data-db-0"]
      ]
    )
  })

  it("G28: a member of a group has a hash for a name, and its claim stands in its source", () => {
    const member = snapshot("snapshot-0a1b2c", "wal-db-1", {
      metadata: {
        name: "snapshot-0a1b2c",
        namespace: "shop",
        ownerReferences: [
          {
            apiVersion: "groupsnapshot.storage.k8s.io/v1",
            kind: "VolumeGroupSnapshot",
            name: "nightly",
            uid: "u"
          }
        ]
      }
    })
    const group = object("nightly", { metadata: { labels: { "kubectl-stateful.dev/set": "nightly-1120" } } })
    const labels = { "kubectl-stateful.dev/set": "nightly-1120", "kubectl-stateful.dev/record": "true" }
    const record = object("any", {
      metadata: { labels, annotations: { "kubectl-stateful.dev/level": "group" } }
    })
    const lists = { volumesnapshots: [member], volumegroupsnapshots: [group], configmaps: [record] }
    const [found] = snapshotsOf(lists) ?? []
    assert.deepInclude(found, { claim: "wal-db-1", group: "nightly", set: "nightly-1120", level: "group" })
  })

  it("G28: a member whose source is empty is told by its content's volume handle", () => {
    const [found] =
      snapshotsOf({
        volumesnapshots: [snapshot("hash", "")],
        volumesnapshotcontents: [content("hash", "handle-data-db-2")]
      }) ?? []
    assert.equal(found?.claim, "data-db-2")
  })

  it("are bound only when snapshot and content name each other", () => {
    const volumesnapshots = [snapshot("a", "data-db-0")]
    const bound = (changes: Changes) => snapshotsOf({ volumesnapshots, ...changes })?.[0]?.bound
    assert.isTrue(bound({ volumesnapshotcontents: [content("a", "h")] }))
    const stolen = content("a", "h", { volumeSnapshotRef: { namespace: "shop", name: "a", uid: "another" } })
    assert.isFalse(bound({ volumesnapshotcontents: [stolen] }))
    assert.isNull(
      bound({ volumesnapshotcontents: forbidden("volumesnapshotcontents.snapshot.storage.k8s.io") })
    )
  })

  it("keep the driver's error, which a later success takes away again", () => {
    const failed = snapshot("a", "data-db-0", {
      status: { error: { message: "no space" }, readyToUse: false }
    })
    const [found] = snapshotsOf({ volumesnapshots: [failed] }) ?? []
    assert.deepInclude(found, { error: "no space", readyToUse: false, cut: null, bound: false })
  })

  it("are none where the API is not installed, and unknown where they could not be read", () => {
    assert.deepEqual(stateOf({}, { apis: {} }).protection.snapshots, [])
    assert.isFalse(stateOf({}, { apis: {} }).protection.snapshotApi)
    assert.isNull(snapshotsOf({ volumesnapshots: forbidden("volumesnapshots.snapshot.storage.k8s.io") }))
    assert.isNull(stateOf({}, { apis: null }).protection.snapshotApi)
  })
})

describe("what the cluster offers", () => {
  const storageClass = (name: string, isDefault = false) => ({
    metadata: {
      name,
      annotations: isDefault ? { "storageclass.kubernetes.io/is-default-class": "true" } : {}
    },
    provisioner: "csi.example.com"
  })
  const snapshotClass = (name: string, driver: string) => ({
    metadata: { name },
    driver,
    deletionPolicy: "Delete"
  })

  it("storage classes of the app's claims, and no others", () => {
    const storageclasses = [storageClass("shared"), storageClass("standard", true)]
    assert.deepEqual(
      stateOf({ storageclasses }).protection.storageClasses?.map(({ name, bindingMode, reclaimPolicy }) => [
        name,
        bindingMode,
        reclaimPolicy
      ]),
      [["shared", "Immediate", "Delete"]]
    )
  })

  it.each(["storageclass.kubernetes.io", "storageclass.beta.kubernetes.io"])(
    "a default StorageClass is one by its annotation of %s, for a state and for a copy",
    (prefix) => {
      const annotated = (value: string) => ({
        metadata: { name: "fast", annotations: { [`${prefix}/is-default-class`]: value } }
      })
      assert.isTrue(isDefaultClass(annotated("true")))
      assert.isFalse(isDefaultClass(annotated("false")))
    }
  )

  it("snapshot classes of the app's drivers, groups among them", () => {
    const state = stateOf(
      {
        volumesnapshotclasses: [snapshotClass("snap", "csi.example.com"), snapshotClass("x", "other")],
        volumegroupsnapshotclasses: [snapshotClass("group", "csi.example.com")]
      },
      { apis: { "snapshot.storage.k8s.io": ["v1"], "groupsnapshot.storage.k8s.io": ["v1beta2", "v1beta1"] } }
    )
    assert.deepEqual(
      state.protection.snapshotClasses?.map(({ name, group }) => [name, group]),
      [
        ["snap", false],
        ["group", true]
      ]
    )
    assert.equal(state.protection.groupSnapshotApi, "v1beta2")
  })

  it("the driver's own words on fsGroup and attachment", () => {
    const csidrivers = [{ metadata: { name: "csi.example.com" }, spec: { attachRequired: false } }]
    assert.deepEqual(stateOf({ csidrivers }).protection.drivers, [
      {
        name: "csi.example.com",
        attachRequired: false,
        fsGroupPolicy: "ReadWriteOnceWithFSType",
        modes: ["Persistent"]
      }
    ])
  })
})

describe("copies elsewhere", () => {
  const backup = (spec: Record<string, unknown>, phase = "Completed") =>
    object("nightly", {
      spec: { storageLocation: "offsite", ...spec },
      status: { phase, startTimestamp: "t" }
    })
  const copies = (changes: Changes) =>
    stateOf(changes, { apis: { "velero.io": ["v1"] } }).protection.copies?.map(({ name }) => name)

  it("a Velero backup counts when it is complete, moved data, and holds the namespace", () => {
    assert.deepEqual(copies({ backups: [backup({ snapshotMoveData: true })] }), ["Backup/nightly"])
    assert.deepEqual(copies({ backups: [backup({})] }), [])
    assert.deepEqual(copies({ backups: [backup({ snapshotMoveData: true, includedNamespaces: ["x"] })] }), [])
    assert.deepEqual(copies({ backups: [backup({ snapshotMoveData: true }, "Failed")] }), [])
  })

  it("a VolSync source counts for its claim once it has synced", () => {
    const source = object("off", {
      spec: { sourcePVC: "data-db-0", restic: { repository: "bucket" } },
      status: { lastSyncTime: "2026-11-20T01:00:00Z" }
    })
    assert.deepEqual(
      stateOf({ replicationsources: [source] }, { apis: { "volsync.backube": ["v1alpha1"] } }).protection
        .copies,
      [
        {
          name: "ReplicationSource/off",
          claim: "data-db-0",
          taken: "2026-11-20T01:00:00Z",
          location: "Secret/bucket"
        }
      ]
    )
  })

  it("are unknown where the tool is installed and its objects could not be read", () => {
    assert.isUndefined(copies({ backups: forbidden("backups.velero.io") }))
  })
})
