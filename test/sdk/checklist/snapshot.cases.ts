import { named } from "../appState.ts"
import { type Case, ofUnknownImage, aboveImageVolume, sourceIsGone, withoutClaims } from "./cases.ts"

export const snapshotCases: ReadonlyArray<Case> = [
  {
    rule: "one-cut",
    says: "Yes",
    when: "all claims fit in one group of one driver, or there is but one claim (or none)",
    change: () => {}
  },
  {
    rule: "snapshot-api-missing",
    says: "No",
    when: "the cluster has no VolumeSnapshot API",
    change: (draft) => {
      Object.assign(draft.protection, {
        snapshotApi: false,
        snapshots: [],
        snapshotClasses: [],
        groupSnapshotApi: null
      })
    }
  },
  {
    rule: "volume-without-driver",
    says: "No",
    when: "a volume is not of a CSI driver (hostPath, local, nfs …): nothing can snapshot it",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2").volume ?? {}, { source: "nfs", driver: null })
    }
  },
  {
    rule: "snapshot-class-missing",
    says: "No",
    when: "a claim's driver has no VolumeSnapshotClass",
    change: (draft) => {
      draft.protection.snapshotClasses = (draft.protection.snapshotClasses ?? []).filter((one) => one.group)
    }
  },
  {
    rule: "two-default-classes",
    says: "No",
    when: "two classes are the default for one driver, which the API takes as an error",
    change: (draft) => {
      draft.protection.snapshotClasses?.push({
        ...named(draft.protection.snapshotClasses, "snap"),
        name: "snap-2"
      })
    }
  },
  {
    rule: "claims-across-drivers",
    says: "YesWithDowntime",
    when: "claims are of several drivers: a group is of one",
    change: (draft) => {
      for (const claim of draft.claims.filter((one) => one.template === "wal")) {
        Object.assign(claim.volume ?? {}, { driver: "nvme.example.com" })
      }
      draft.protection.snapshotClasses?.push({
        name: "nvme",
        driver: "nvme.example.com",
        deletionPolicy: "Retain",
        isDefault: true,
        group: false
      })
    }
  },
  {
    rule: "group-api-missing",
    says: "YesWithDowntime",
    when: "there are several claims and no group snapshots: only each volume by itself is consistent",
    change: (draft) => {
      draft.protection.groupSnapshotApi = null
    }
  },
  {
    rule: "group-api-missing",
    says: "Unknown",
    when: "whether there are group snapshots could not be read",
    change: (draft) => {
      draft.protection.groupSnapshotApi = null
      draft.unread.push({
        resource: "volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io",
        reason: "Forbidden",
        message: "forbidden"
      })
    }
  },
  {
    rule: "group-class-missing",
    says: "YesWithDowntime",
    when: "the driver has no VolumeGroupSnapshotClass",
    change: (draft) => {
      draft.protection.snapshotClasses = (draft.protection.snapshotClasses ?? []).filter((one) => !one.group)
    }
  },
  {
    rule: "group-cut-apart",
    says: "YesWithDowntime",
    when: "volumes of a group were seen to be snapshotted at different times, or the driver's documentation says that they are",
    change: (draft) => {
      named(draft.protection.snapshots, "nightly-1120-wal-db-2").cut = "2026-11-20T10:00:02Z"
    }
  },
  {
    rule: "storage-class-missing",
    says: "No",
    when: "the class of a claim without a volume does not exist: there is nothing to snapshot",
    change: (draft) => {
      for (const claim of draft.claims.filter(({ template }) => template === "data"))
        Object.assign(claim, { phase: "Pending", volume: null, storageClass: "standard" })
    }
  },
  {
    rule: "driver-not-installed",
    says: "No",
    when: "a claim waits for a volume of a CSI driver that the cluster does not have: there is nothing to snapshot",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2"), { phase: "Pending", volume: null })
      for (const one of draft.protection.storageClasses ?? []) one.provisioner = "disk.csi.example.com"
    }
  },
  {
    rule: "data-source-missing",
    says: "No",
    when: "a claim waits for a volume that is filled from an object which does not exist, as its template says: there is nothing to snapshot",
    change: sourceIsGone
  },
  {
    rule: "claim-not-bound",
    says: "No",
    when: "a claim has no volume yet: a snapshot of it is never ready, and an unbound claim fails a whole group",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2"), { phase: "Pending", volume: null })
    }
  },
  {
    rule: "claim-being-deleted",
    says: "No",
    when: "a claim in use is being deleted: the snapshot controller takes no snapshot of a claim that is being deleted",
    change: (draft) => {
      const claim = named(draft.claims, "data-db-1")
      claim.deleted = "2026-11-20T11:00:00Z"
      Object.assign(claim.volume ?? {}, { reclaimPolicy: "Delete" })
    }
  },
  {
    rule: "data-in-empty-dir",
    says: "No",
    when: "data is on an emptyDir, which no snapshot contains",
    change: (draft) => {
      withoutClaims(draft)
      draft.volumes.push({
        workload: "StatefulSet/db",
        name: "data",
        source: "emptyDir",
        detail: "Memory",
        writers: ["postgres:/data"],
        rendered: false
      })
    }
  },
  {
    rule: "data-in-empty-dir",
    says: "Unknown",
    when: "it is unknown whether what is on an emptyDir is data: neither the path nor the image",
    change: (draft) => {
      ofUnknownImage(draft)
      draft.volumes.push({
        workload: "StatefulSet/db",
        name: "work",
        source: "emptyDir",
        detail: null,
        writers: ["main:/work"],
        rendered: false
      })
    }
  },
  {
    rule: "data-in-image-volume",
    says: "No",
    when: "a claim is mounted above the directory for which the image declares a volume: no snapshot contains it",
    change: aboveImageVolume(true)
  },
  {
    rule: "data-in-image-volume",
    says: "Unknown",
    when: "it is unknown whether the data is on a volume that the image declares below the claim",
    change: aboveImageVolume(false)
  },
  {
    rule: "data-in-no-volume",
    says: "No",
    when: "a known database has no volume for its data: no snapshot contains it",
    change: withoutClaims
  },
  {
    rule: "data-in-no-volume",
    says: "Unknown",
    when: "there is no volume, and what the containers are does not tell whether they keep data",
    change: ofUnknownImage
  },
  {
    rule: "data-on-host-path",
    says: "No",
    when: "data is on a hostPath, which no snapshot contains",
    change: (draft) => {
      draft.volumes.push({
        workload: "StatefulSet/db",
        name: "data",
        source: "hostPath",
        detail: "/mnt/db",
        writers: ["postgres:/data"],
        rendered: false
      })
    }
  },
  {
    rule: "data-without-claim",
    says: "No",
    when: "data is on a volume that the pod template names itself (nfs, rbd, a cloud's disk), which no snapshot contains",
    change: (draft) => {
      draft.volumes.push({
        workload: "StatefulSet/db",
        name: "archive",
        source: "nfs",
        detail: "10.0.0.5:/archive",
        writers: ["postgres:/archive"],
        rendered: false
      })
    }
  },
  {
    rule: "snapshot-stuck",
    says: "No",
    when: "a claim's newest snapshot has an error, was not taken within 10 minutes, or is not ready though its group is",
    change: (draft) => {
      Object.assign(named(draft.protection.snapshots, "nightly-1120-data-db-1"), {
        readyToUse: false,
        error: "driver is out of space"
      })
    }
  },
  {
    rule: "replica-not-ready",
    says: "Unknown",
    when: "a replica is not ready: its volumes can be snapshotted, but their content may be inconsistent",
    change: (draft) => {
      Object.assign(named(draft.replicas, "db-2").pod ?? {}, { ready: false, reason: "CrashLoopBackOff" })
    }
  },
  {
    rule: "claim-shared",
    says: "Unknown",
    when: "pods outside the application mount a claim that can be written to, on one node (ReadWriteOnce) or on many",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-0"), { usedBy: ["db-0", "report-7f9"] })
    }
  },
  {
    rule: "class-deletes",
    says: "Yes",
    when: "a class has deletionPolicy Delete: a remark",
    change: (draft) => {
      named(draft.protection.snapshotClasses, "snap").deletionPolicy = "Delete"
    }
  },
  {
    rule: "facts-unreadable",
    says: "Unknown",
    when: "the APIs, snapshot classes, claims, volumes or pods could not be read",
    change: (draft) => {
      draft.protection.snapshotClasses = null
      draft.unread.push({
        resource: "volumesnapshotclasses.snapshot.storage.k8s.io",
        reason: "Forbidden",
        message: "forbidden"
      })
    }
  }
]
