import { first, healthyApp, named } from "../appState.ts"
import type { Target } from "../../../packages/sdk/src/Checklist.ts"
import { type Case, ofUnknownImage, aboveImageVolume, withoutClaims } from "./cases.ts"

const { protection } = healthyApp()

/** A cluster that has all that the well application needs. */
export const south: Target = {
  name: "south",
  storageClasses: protection.storageClasses ?? [],
  snapshotClasses: protection.snapshotClasses ?? [],
  drivers: ["csi.example.com"],
  serverVersion: "v1.36.3",
  kinds: [],
  devices: []
}

export const moveCases: ReadonlyArray<Case> = [
  {
    rule: "needs-on-target",
    says: "Yes",
    when: "nothing prevents it; without a target it is any cluster with these classes and drivers",
    change: () => {}
  },
  {
    rule: "volume-on-one-node",
    says: "No",
    when: "a volume is a node's own (local, hostPath)",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2").volume ?? {}, { source: "local", driver: null })
    }
  },
  {
    rule: "volume-without-driver",
    says: "No",
    when: "a volume is of no CSI driver: no snapshot carries it over",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2").volume ?? {}, { source: "nfs", driver: null })
    }
  },
  {
    rule: "driver-in-cluster",
    says: "No",
    when: "the driver stores data on the cluster's own disks and there is no backup on other storage",
    change: (draft) => {
      for (const claim of draft.claims) Object.assign(claim.volume ?? {}, { driver: "driver.longhorn.io" })
      draft.protection.copies = []
    }
  },
  {
    rule: "driver-in-cluster",
    says: "Unknown",
    when: "the driver serves storage within the cluster or outside of it, which the API does not tell",
    change: (draft) => {
      for (const claim of draft.claims)
        Object.assign(claim.volume ?? {}, { driver: "rook-ceph.rbd.csi.ceph.com" })
      draft.protection.copies = []
    }
  },
  {
    rule: "claim-being-deleted",
    says: "No",
    when: "a claim in use is being deleted: no snapshot can move it",
    change: (draft) => {
      const claim = named(draft.claims, "data-db-1")
      claim.deleted = "2026-11-20T11:00:00Z"
      Object.assign(claim.volume ?? {}, { reclaimPolicy: "Delete" })
    }
  },
  {
    rule: "claim-not-bound",
    says: "No",
    when: "a claim is Lost: there is nothing to move",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2"), { phase: "Lost", volume: null })
    }
  },
  {
    rule: "claim-not-bound",
    says: "Unknown",
    when: "a claim waits for a volume that is created manually",
    change: (draft) => {
      named(draft.protection.storageClasses, "shared").provisioner = "kubernetes.io/no-provisioner"
      Object.assign(named(draft.claims, "data-db-2"), { phase: "Pending", volume: null })
    }
  },
  {
    rule: "data-in-empty-dir",
    says: "No",
    when: "data is on an emptyDir, which no move carries",
    change: (draft) => {
      withoutClaims(draft)
      draft.volumes.push({
        workload: "StatefulSet/db",
        name: "data",
        source: "emptyDir",
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
    when: "a claim is mounted above the directory for which the image declares a volume: it stays with the pod",
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
    when: "a known database has no volume for its data: it stays with the pod",
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
    when: "data is on a hostPath",
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
    when: "data is on a volume that the pod template names itself (nfs, rbd, a cloud's disk), which no snapshot carries over",
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
    rule: "storage-class-gone",
    says: "No",
    when: "a claim's StorageClass does not exist, not even here",
    change: (draft) => {
      draft.protection.storageClasses = []
    }
  },
  {
    rule: "storage-class-gone",
    says: "Unknown",
    when: "a claim's StorageClass does not exist, and its volume was created manually under that name",
    change: (draft) => {
      draft.protection.storageClasses = []
      for (const claim of draft.claims) if (claim.volume !== null) claim.volume.driver = null
    }
  },
  {
    rule: "claim-without-class",
    says: "Unknown",
    when: "a claim has no StorageClass: its volume was created manually",
    change: (draft) => {
      named(draft.claims, "data-db-2").storageClass = null
    }
  },
  {
    rule: "class-absent-on-target",
    says: "No",
    when: "the target lacks a claim's StorageClass",
    change: () => {},
    options: { target: { ...south, storageClasses: [] } }
  },
  {
    rule: "driver-absent-on-target",
    says: "No",
    when: "the target lacks a claim's CSI driver: snapshots move within one driver only",
    change: () => {},
    options: { target: { ...south, drivers: ["csi.other.com"] } }
  },
  {
    rule: "snapshot-class-absent-on-target",
    says: "No",
    when: "the target has no VolumeSnapshotClass for the driver",
    change: () => {},
    options: { target: { ...south, snapshotClasses: [] } }
  },
  {
    rule: "target-older",
    says: "Unknown",
    when: "the target's Kubernetes is an older minor version",
    change: () => {},
    options: { target: { ...south, serverVersion: "v1.33.1" } }
  },
  {
    rule: "selector-names-node",
    says: "No",
    when: "nodeSelector or node affinity names a node",
    change: (draft) => {
      first(draft.workloads).template.nodeSelector = { "kubernetes.io/hostname": "node-a" }
    }
  },
  {
    rule: "selector-names-node",
    says: "No",
    when: "nodeName names a node",
    change: (draft) => {
      first(draft.workloads).template.nodeName = "node-a"
    }
  },
  {
    rule: "device-needed",
    says: "Unknown",
    when: "pods need extended resources, ResourceClaims or a device under /dev; no, when the target is known to lack them",
    change: (draft) => {
      first(draft.workloads).template.extendedResources = { "example.com/fpga": "1" }
    }
  },
  {
    rule: "operator-needed",
    says: "Unknown",
    when: "an operator owns the workload and the target needs it; no, when the target is known to lack it",
    change: (draft) => {
      first(draft.workloads).writers.push({
        name: "Cluster.postgresql.cnpg.io/db",
        by: "ownerReferences",
        replicas: true
      })
    }
  },
  {
    rule: "host-network",
    says: "Unknown",
    when: "pods use their nodes' ports",
    change: (draft) => {
      first(draft.workloads).template.hostNetwork = true
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
    when: "a Secret is missing with which the driver is called, by a volume's or its class's word",
    change: (draft) => {
      draft.dependencies.push({
        kind: "Secret",
        name: "csi-provisioner",
        namespace: "storage",
        usedBy: ["StorageClass/shared provisioner"],
        present: false
      })
    }
  },
  {
    rule: "reference-missing",
    says: "No",
    when: "a ConfigMap or Secret that pods need is missing, so that it cannot be copied",
    change: (draft) => {
      named(draft.references, "db-conf").present = false
    }
  },
  {
    rule: "facts-unreadable",
    says: "Unknown",
    when: "claims, volumes or references could not be read",
    change: (draft) => {
      for (const claim of draft.claims) {
        Object.assign(claim.volume ?? {}, { driver: null, source: null, nodeAffinity: null })
      }
      draft.unread.push({ resource: "persistentvolumes", reason: "Forbidden", message: "forbidden" })
    }
  }
]
