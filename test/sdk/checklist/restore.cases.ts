import { first, named } from "../appState.ts"
import { type Case, ofUnknownImage, aboveImageVolume, sourceIsGone, withoutClaims } from "./cases.ts"

export const restoreCases: ReadonlyArray<Case> = [
  {
    rule: "copy-elsewhere",
    says: "Yes",
    when: "there is a consistent and recent backup of every claim on other storage",
    change: () => {}
  },
  {
    rule: "no-snapshot",
    says: "No",
    when: "a claim has no snapshot; a remark if there is a backup of every claim on other storage",
    change: (draft) => {
      draft.protection.copies = []
      draft.protection.snapshots = (draft.protection.snapshots ?? []).filter(
        (one) => one.claim !== "data-db-2"
      )
    }
  },
  {
    rule: "snapshot-not-ready",
    says: "No",
    when: "none of a claim's snapshots is ready and bound both ways; a remark if there are backups on other storage",
    change: (draft) => {
      draft.protection.copies = []
      named(draft.protection.snapshots, "nightly-1120-data-db-2").readyToUse = false
    }
  },
  {
    rule: "same-storage-only",
    says: "No",
    when: "claims have no backup on other storage that a backup tool's objects show",
    change: (draft) => {
      draft.protection.copies = []
    }
  },
  {
    rule: "same-storage-only",
    says: "Unknown",
    when: "a backup exists but does not show which claims it contains",
    change: (draft) => {
      draft.protection.copies = [{ name: "Backup/nightly", claim: null, taken: null, location: null }]
    }
  },
  {
    rule: "copy-too-old",
    says: "No",
    when: "the newest backup is older than allowed (24 h by default)",
    change: (draft) => {
      for (const copy of draft.protection.copies ?? []) copy.taken = "2026-11-17T10:00:00Z"
    }
  },
  {
    rule: "copy-too-old",
    says: "Unknown",
    when: "a backup has no timestamp",
    change: (draft) => {
      for (const copy of draft.protection.copies ?? []) copy.taken = null
    }
  },
  {
    rule: "copies-torn",
    says: "No",
    when: "claims were backed up one by one, at different times",
    change: (draft) => {
      for (const [index, copy] of (draft.protection.copies ?? []).entries()) {
        copy.name = `ReplicationSource/${copy.claim}`
        copy.taken = `2026-11-20T10:0${index}:00Z`
      }
      for (const one of draft.protection.snapshots ?? []) one.set = "nightly"
    }
  },
  {
    rule: "snapshot-too-old",
    says: "No",
    when: "a claim's newest snapshot is older than allowed; a remark if there are backups on other storage",
    change: (draft) => {
      draft.protection.copies = []
      for (const one of draft.protection.snapshots ?? []) one.cut = "2026-11-17T10:00:00Z"
    }
  },
  {
    rule: "snapshots-torn",
    says: "No",
    when: "no single group or snapshot contains all claims, or its parts were taken at different times; a remark if there are backups on other storage",
    change: (draft) => {
      draft.protection.copies = []
      for (const [index, one] of (draft.protection.snapshots ?? []).entries()) {
        one.group = null
        one.cut = `2026-11-20T10:0${index}:00Z`
      }
    }
  },
  {
    rule: "storage-class-missing",
    says: "No",
    when: "the class of a claim without a volume does not exist: there is nothing to restore it from",
    change: (draft) => {
      for (const claim of draft.claims.filter(({ template }) => template === "data"))
        Object.assign(claim, { phase: "Pending", volume: null, storageClass: "standard" })
    }
  },
  {
    rule: "driver-not-installed",
    says: "No",
    when: "a claim waits for a volume of a CSI driver that the cluster does not have: there is nothing to restore it from",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2"), { phase: "Pending", volume: null })
      for (const one of draft.protection.storageClasses ?? []) one.provisioner = "disk.csi.example.com"
    }
  },
  {
    rule: "data-source-missing",
    says: "No",
    when: "a claim waits for a volume that is filled from an object which does not exist, as its template says: there is nothing to restore it from",
    change: sourceIsGone
  },
  {
    rule: "claim-not-bound",
    says: "No",
    when: "a claim has no volume, so there is nothing to restore it from",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2"), { phase: "Lost", volume: null })
    }
  },
  {
    rule: "data-in-empty-dir",
    says: "No",
    when: "data is on an emptyDir, which no backup of claims contains",
    change: (draft) => {
      withoutClaims(draft)
      draft.volumes.push({
        workload: "StatefulSet/db",
        name: "data",
        source: "ephemeral",
        detail: null,
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
    when: "a claim is mounted above the directory for which the image declares a volume: no backup of claims contains it",
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
    when: "a known database has no volume for its data: no backup of claims contains it",
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
    when: "data is on a hostPath, which no backup of claims contains",
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
    when: "data is on a volume that the pod template names itself (nfs, rbd, a cloud's disk), which no backup of claims contains",
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
    rule: "fs-group-at-each-mount",
    says: "No",
    when: "PostgreSQL or RabbitMQ has fsGroup without OnRootMismatch: it refuses to start from a restored volume",
    change: (draft) => {
      first(draft.workloads).template.fsGroupChangePolicy = "Always"
    }
  },
  {
    rule: "name-too-long",
    says: "No",
    when: "the StatefulSet's name is over 52 characters: restored, its pods could not be created",
    change: (draft) => {
      first(draft.workloads).name = "a-database-whose-name-says-everything-about-what-it-is"
    }
  },
  {
    rule: "reference-missing",
    says: "No",
    when: "a ServiceAccount, class, claim or bundle that the pod template names does not exist",
    change: (draft) => {
      first(draft.dependencies).present = false
    }
  },
  {
    rule: "reference-missing",
    says: "No",
    when: "a ConfigMap or Secret that pods need is missing, so that no backup can hold it",
    change: (draft) => {
      named(draft.references, "db-pass").present = false
    }
  },
  {
    rule: "configuration-not-kept",
    says: "Unknown",
    when: "only volumes are kept: ConfigMaps and Secrets are in no backup that can be seen",
    change: (draft) => {
      for (const copy of draft.protection.copies ?? []) copy.name = "ReplicationSource/db"
    }
  },
  {
    rule: "snapshots-go-with-namespace",
    says: "No",
    when: "all snapshots of a claim have deletionPolicy Delete; a remark if there are backups on other storage",
    change: (draft) => {
      draft.protection.copies = []
      for (const one of draft.protection.snapshots ?? []) one.deletionPolicy = "Delete"
    }
  },
  {
    rule: "volumes-go-with-claims",
    says: "No",
    when: "volumes have reclaimPolicy Delete; a remark if there are backups on other storage",
    change: (draft) => {
      draft.protection.copies = []
      for (const claim of draft.claims) Object.assign(claim.volume ?? {}, { reclaimPolicy: "Delete" })
    }
  },
  {
    rule: "claims-go-with-workload",
    says: "No",
    when: "whenDeleted is Delete; a remark if there are backups on other storage",
    change: (draft) => {
      draft.protection.copies = []
      first(draft.workloads).retention = { whenScaled: "Retain", whenDeleted: "Delete" }
    }
  },
  {
    rule: "autoscaler-deletes-claims",
    says: "No",
    when: "whenScaled is Delete and an autoscaler may scale down; a remark if there are backups on other storage",
    change: (draft) => {
      draft.protection.copies = []
      first(draft.workloads).retention = { whenScaled: "Delete", whenDeleted: "Retain" }
      draft.autoscalers = [{ name: "db", target: "StatefulSet/db", minReplicas: 3, maxReplicas: 5 }]
    }
  },
  {
    rule: "facts-unreadable",
    says: "Unknown",
    when: "claims, snapshots, backups or references could not be read",
    change: (draft) => {
      draft.protection.copies = null
      draft.unread.push({ resource: "backups.velero.io", reason: "Forbidden", message: "forbidden" })
    }
  }
]
