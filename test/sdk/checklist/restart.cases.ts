import { first, named } from "../appState.ts"
import { type Case, ofUnknownImage, aboveImageVolume, sourceIsGone, withoutClaims } from "./cases.ts"

const lostNode: Case["change"] = (draft) => {
  named(draft.nodes, "node-c").ready = null
  const { pod } = named(draft.replicas, "db-2")
  if (pod !== null) Object.assign(pod, { ready: false, reason: "node-c is unreachable" })
}

const sick =
  (name: string, more: object = {}): Case["change"] =>
  (draft) => {
    const { pod } = named(draft.replicas, name)
    if (pod === null) throw new Error(`${name} has no pod`)
    Object.assign(pod, {
      ready: false,
      readySince: "2026-11-20T11:59:00Z",
      reason: "CrashLoopBackOff",
      ...more
    })
    Object.assign(first(pod.containers), { ready: false, state: "CrashLoopBackOff" })
  }

export const restartCases: ReadonlyArray<Case> = [
  {
    rule: "workload-being-deleted",
    says: "No",
    when: "the workload is being deleted: its controller no longer replaces pods",
    change: (draft) => {
      first(draft.workloads).deleted = "2026-11-20T11:00:00Z"
    }
  },
  {
    rule: "node-lost",
    says: "No",
    when: "a node no longer answers: its pods look as if they were running, and it is unknown whether they are",
    change: lostNode
  },
  {
    rule: "node-gone",
    says: "No",
    when: "a replica's Node object no longer exists: nothing more can be known about it",
    change: (draft) => {
      draft.nodes = (draft.nodes ?? []).filter((node) => node.name !== "node-c")
      const { pod } = named(draft.replicas, "db-2")
      if (pod !== null) Object.assign(pod, { ready: false, reason: "node-c is gone from the cluster" })
      Object.assign(draft.placements[2] ?? {}, { zone: null, rack: null })
    }
  },
  {
    rule: "terminating-on-lost-node",
    says: "No",
    when: "a pod that is being deleted is on a node that no longer answers: the controller waits for it forever",
    change: (draft) => {
      lostNode(draft)
      const { pod } = named(draft.replicas, "db-2")
      if (pod !== null) pod.deleted = "2026-11-20T11:50:00Z"
    }
  },
  {
    rule: "ordered-ready-blocked",
    says: "No",
    when: "a lower ordinal is unhealthy and, with OrderedReady, higher ones wait for it to become ready or to be removed",
    change: (draft) => {
      sick("db-0")(draft)
      named(draft.replicas, "db-1").pod = null
      named(draft.replicas, "db-2").pod = null
    }
  },
  {
    rule: "rollout-stuck",
    says: "No",
    when: "a pod of the new revision does not get ready: undoing the rollout leaves it as it is (kubernetes#67250)",
    change: (draft) => {
      const workload = first(draft.workloads)
      workload.updateRevision = "db-bad"
      workload.revisions.unshift({ name: "db-bad", revision: 2, created: "2026-11-20T11:40:00Z" })
      for (const name of ["db-0", "db-1"])
        Object.assign(named(draft.replicas, name).pod ?? {}, { current: false })
      sick("db-2", { revision: "db-bad" })(draft)
    }
  },
  {
    rule: "replica-not-ready",
    says: "No",
    when: "a replica is not ready, is being deleted or has no pod",
    change: sick("db-2")
  },
  {
    rule: "too-few-replicas",
    says: "YesWithDowntime",
    when: "there are too few replicas: losing any one loses quorum",
    change: (draft) => {
      first(draft.workloads).replicas = 2
      draft.replicas = draft.replicas.slice(0, 2)
      draft.claims = draft.claims.filter((claim) => claim.ordinal !== 2)
    }
  },
  {
    rule: "replicas-share-node",
    says: "YesWithDowntime",
    when: "so many replicas are on one node that losing it loses quorum",
    change: (draft) => {
      Object.assign(named(draft.replicas, "db-1").pod ?? {}, { node: "node-a" })
      Object.assign(draft.placements[1] ?? {}, { node: "node-a", rack: "r1", zone: "a" })
    }
  },
  {
    rule: "replicas-share-rack",
    says: "YesWithDowntime",
    when: "so many replicas are in one rack that losing it loses quorum",
    change: (draft) => {
      named(draft.nodes, "node-b").rack = "r1"
      Object.assign(draft.placements[1] ?? {}, { rack: "r1" })
    }
  },
  {
    rule: "replicas-share-rack",
    says: "YesWithDowntime",
    when: "nodes have no rack label, and their replicas could share one: no label is not the same rack",
    change: (draft) => {
      for (const node of draft.nodes ?? []) Object.assign(node, { rack: null, zone: "a" })
      for (const placement of draft.placements) Object.assign(placement, { rack: null, zone: "a" })
    }
  },
  {
    rule: "replicas-share-zone",
    says: "YesWithDowntime",
    when: "quorum is in one zone although the cluster has others",
    change: (draft) => {
      named(draft.nodes, "node-b").zone = "a"
      Object.assign(draft.placements[1] ?? {}, { zone: "a" })
    }
  },
  {
    rule: "gone-node-keeps-pods",
    says: "No",
    when: "nothing deletes the Node of a server that is gone: its pods stay, and are not replaced",
    change: (draft) => {
      for (const node of draft.nodes ?? []) node.provider = null
    }
  },
  {
    rule: "gone-node-keeps-pods",
    says: "Yes",
    when: "its nodes are instances of a cloud whose controller deletes the Node of one that is gone",
    change: () => {}
  },
  {
    rule: "rack-without-spare",
    says: "No",
    when: "a volume can be attached only in one zone or rack",
    change: (draft) => {
      draft.nodes?.push({ ...named(draft.nodes, "node-c"), name: "node-d" })
      draft.placements[2]?.pins.push({
        by: "volume",
        name: "data-db-2",
        nodes: ["node-c", "node-d"],
        domain: "zone"
      })
    }
  },
  {
    rule: "racks-untold",
    says: "Unknown",
    when: "no node has a rack label, and the cluster is one zone: a rack that is gone may be all there is",
    change: (draft) => {
      for (const node of draft.nodes ?? []) Object.assign(node, { rack: null, zone: "a" })
      for (const placement of draft.placements) Object.assign(placement, { rack: null, zone: "a" })
    }
  },
  {
    rule: "budget-blocks",
    says: "No",
    when: "a budget protects the only pod",
    change: (draft) => {
      Object.assign(first(draft.workloads), { replicas: 1 })
      draft.replicas = draft.replicas.slice(0, 1)
      draft.placements = draft.placements.slice(0, 1)
      Object.assign(first(draft.budgets), {
        minAvailable: "1",
        maxUnavailable: null,
        pods: ["db-0"],
        expectedPods: 1
      })
    }
  },
  {
    rule: "claim-being-deleted",
    says: "No",
    when: "its volume stays, as Retain has it: the pod would come back to an empty claim",
    change: (draft) => {
      named(draft.claims, "data-db-1").deleted = "2026-11-20T11:00:00Z"
    }
  },
  {
    rule: "budget-keeps-quorum",
    says: "Yes",
    when: "budgets cover all pods and keep quorum",
    change: () => {}
  },
  {
    rule: "quorum-kept",
    says: "Yes",
    when: "quorum survives the loss of any one node, rack or zone",
    change: () => {}
  },
  {
    rule: "volume-on-one-node",
    says: "No",
    when: "a replica's volume is local or hostPath: lost with its node, or away until it is back",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2").volume ?? {}, { source: "local", driver: null })
      draft.placements[2]?.pins.push({ by: "volume", name: "data-db-2", nodes: ["node-c"], domain: "node" })
    }
  },
  {
    rule: "volume-on-one-node",
    says: "No",
    when: "a hostPath or local volume does not name its node: its pod may start on another one",
    change: (draft) => {
      const { volume } = named(draft.claims, "data-db-2")
      Object.assign(volume ?? {}, { source: "hostPath", driver: null, nodeAffinity: [] })
      draft.placements[2]?.pins.push({ by: "volume", name: "data-db-2", nodes: ["node-c"], domain: "node" })
    }
  },
  {
    rule: "volume-on-one-node",
    says: "No",
    when: "the node of a local volume is gone from the cluster",
    change: (draft) => {
      const values = ["node-x"]
      const { volume } = named(draft.claims, "data-db-2")
      Object.assign(volume ?? {}, {
        source: "local",
        driver: null,
        nodeAffinity: [[{ key: "kubernetes.io/hostname", operator: "In", values }]]
      })
      draft.placements[2]?.pins.push({ by: "volume", name: "data-db-2", nodes: [], domain: "node" })
    }
  },
  {
    rule: "volume-without-spare-node",
    says: "No",
    when: "a volume can only be attached in a zone that has no other usable node",
    change: (draft) => {
      draft.placements[2]?.pins.push({ by: "volume", name: "data-db-2", nodes: ["node-c"], domain: "zone" })
    }
  },
  {
    rule: "volume-without-spare-node",
    says: "No",
    when: "a volume can only be attached in a zone without any node: its pod cannot start",
    change: (draft) => {
      draft.placements[2]?.pins.push({ by: "volume", name: "data-db-2", nodes: [], domain: "zone" })
      Object.assign(named(draft.claims, "data-db-2").volume ?? {}, {
        nodeAffinity: [[{ key: "topology.kubernetes.io/zone", operator: "In", values: ["d"] }]]
      })
    }
  },
  {
    rule: "selector-fits-one-node",
    says: "No",
    when: "nodeSelector or affinity lets only one usable node take a replica",
    change: (draft) => {
      draft.placements[2]?.pins.push({
        by: "nodeSelector",
        name: "disk=ssd",
        nodes: ["node-c"],
        domain: "node"
      })
    }
  },
  {
    rule: "selector-fits-one-node",
    says: "No",
    when: "what a node is (its zone, its architecture) is asked for, and one usable node is that",
    change: (draft) => {
      draft.placements[2]?.pins.push({
        by: "nodeSelector",
        name: "topology.kubernetes.io/zone=c",
        nodes: ["node-c"],
        domain: "node"
      })
    }
  },
  {
    rule: "selector-fits-one-node",
    says: "No",
    when: "nodeName gives a replica to one node, and no scheduler looks for another",
    change: (draft) => {
      draft.placements[2]?.pins.push({
        by: "nodeName",
        name: "node-c",
        nodes: ["node-c"],
        domain: "node"
      })
    }
  },
  {
    rule: "device-on-one-node",
    says: "No",
    when: "only one usable node has a device or what a ResourceClaim was given",
    change: (draft) => {
      draft.placements[2]?.pins.push({
        by: "device",
        name: "example.com/fpga",
        nodes: ["node-c"],
        domain: "node"
      })
    }
  },
  {
    rule: "no-node-fits-all",
    says: "No",
    when: "a volume is where no node is that the template asks for: its pod starts nowhere",
    change: (draft) => {
      named(draft.replicas, "db-2").pod = null
      draft.placements[2]?.pins.push(
        { by: "volume", name: "data-db-2", nodes: ["node-c"], domain: "zone" },
        { by: "nodeSelector", name: "pool=db", nodes: ["node-a", "node-b"], domain: null }
      )
    }
  },
  {
    rule: "no-other-node",
    says: "No",
    when: "all that holds a replica leaves no usable node but its own",
    change: (draft) => {
      draft.placements[2]?.pins.push(
        { by: "nodeSelector", name: "disk=ssd", nodes: ["node-a", "node-c"], domain: null },
        { by: "volume", name: "data-db-2", nodes: ["node-b", "node-c"], domain: "zone" }
      )
    }
  },
  {
    rule: "no-other-node",
    says: "No",
    when: "anti-affinity, forbidding spread constraints or host ports leave a replica no other node than its own",
    change: (draft) => {
      first(draft.workloads).template.antiAffinityKeys = ["kubernetes.io/hostname"]
    }
  },
  {
    rule: "node-cordoned",
    says: "No",
    when: "a replica is on a cordoned node and cannot run anywhere else",
    change: (draft) => {
      named(draft.nodes, "node-a").unschedulable = true
      first(draft.workloads).template.antiAffinityKeys = ["kubernetes.io/hostname"]
    }
  },
  {
    rule: "waits-for-cordoned-node",
    says: "No",
    when: "a pod waits for a cordoned node, the only one where its volume can be attached",
    change: (draft) => {
      named(draft.nodes, "node-b").unschedulable = true
      const replica = named(draft.replicas, "db-1")
      if (replica.pod !== null) Object.assign(replica.pod, { node: null, ready: false, phase: "Pending" })
      const placement = draft.placements.find((one) => one.replica === "db-1")
      if (placement !== undefined)
        Object.assign(placement, {
          node: null,
          pins: [{ by: "volume", name: "data-db-1", nodes: ["node-b"], domain: "node" }]
        })
    }
  },
  {
    rule: "scaled-to-zero",
    says: "Unknown",
    when: "nothing is asked for: where replicas would run cannot be judged",
    change: (draft) => {
      first(draft.workloads).replicas = 0
      draft.replicas = []
      draft.placements = []
    }
  },
  {
    rule: "claim-being-deleted",
    says: "No",
    when: "a claim in use is being deleted: only its pod keeps it, and a restart of the node takes the pod",
    change: (draft) => {
      const claim = named(draft.claims, "data-db-1")
      claim.deleted = "2026-11-20T11:00:00Z"
      Object.assign(claim.volume ?? {}, { reclaimPolicy: "Delete" })
    }
  },
  {
    rule: "volume-being-deleted",
    says: "No",
    when: "a volume that has to be attached is being deleted: its claim keeps it, but no other node gets it",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-1").volume ?? {}, { deleted: "2026-11-20T11:00:00Z" })
    }
  },
  {
    rule: "storage-class-missing",
    says: "No",
    when: "the class of a claim without a volume does not exist: it waits forever, and its pod with it",
    change: (draft) => {
      for (const claim of draft.claims.filter(({ template }) => template === "data"))
        Object.assign(claim, { phase: "Pending", volume: null, storageClass: "standard" })
    }
  },
  {
    rule: "driver-not-installed",
    says: "No",
    when: "a claim waits for a volume of a CSI driver that the cluster does not have",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2"), { phase: "Pending", volume: null })
      for (const one of draft.protection.storageClasses ?? []) one.provisioner = "disk.csi.example.com"
    }
  },
  {
    rule: "data-source-missing",
    says: "No",
    when: "a claim waits for a volume that is filled from an object which does not exist, as its template says",
    change: sourceIsGone
  },
  {
    rule: "claim-not-bound",
    says: "No",
    when: "a claim is Pending or Lost",
    change: (draft) => {
      Object.assign(named(draft.claims, "data-db-2"), { phase: "Pending", volume: null })
    }
  },
  {
    rule: "claim-not-bound",
    says: "No",
    when: "its pods lack the volume of a claim template, as after the StatefulSet was recreated with a further one (kubernetes/kubernetes#141876)",
    change: (draft) => {
      for (const claim of draft.claims.filter(({ template }) => template === "wal")) claim.usedBy = []
    }
  },
  {
    rule: "claim-not-bound",
    says: "No",
    when: "a claim gets its volume only when a scheduler gives its pod a node, and nodeName does so instead",
    change: (draft) => {
      first(draft.workloads).template.nodeName = "node-c"
      first(draft.protection.storageClasses).bindingMode = "WaitForFirstConsumer"
      Object.assign(named(draft.claims, "data-db-2"), { phase: "Pending", volume: null })
    }
  },
  {
    rule: "data-in-empty-dir",
    says: "No",
    when: "data is on an emptyDir or ephemeral volume, even if it has claims too (not /tmp, caches, logs, configuration, homes)",
    change: (draft) => {
      withoutClaims(draft)
      draft.volumes.push({
        workload: "StatefulSet/db",
        name: "data",
        source: "emptyDir",
        detail: null,
        writers: ["postgres:/var/lib/postgresql"],
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
    when: "a claim is mounted above the directory for which the image declares a volume",
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
    when: "a known database has no volume for its data",
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
    when: "a container writes to a hostPath (not /tmp, /run, logs, nor the node's own system)",
    change: (draft) => {
      draft.volumes.push({
        workload: "StatefulSet/db",
        name: "data",
        source: "hostPath",
        detail: "/mnt/db",
        writers: ["postgres:/var/lib/postgresql"],
        rendered: false
      })
    }
  },
  {
    rule: "claim-on-host-path",
    says: "No",
    when: "a claim's volume is a hostPath without a node affinity, and its pod could start on another node",
    change: (draft) => {
      for (const { volume } of draft.claims)
        if (volume !== null) Object.assign(volume, { source: "hostPath", driver: null, nodeAffinity: [] })
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
    when: "a ConfigMap or Secret that a pod needs to start does not exist",
    change: (draft) => {
      named(draft.references, "db-pass").present = false
    }
  },
  {
    rule: "reference-missing",
    says: "Unknown",
    when: "a Secret is missing that only images are pulled with: a public image, or one that is there, needs none",
    change: (draft) => {
      Object.assign(named(draft.references, "db-pass"), {
        present: false,
        usedBy: ["StatefulSet/db imagePullSecrets"]
      })
    }
  },
  {
    rule: "reference-key-missing",
    says: "No",
    when: "a ConfigMap or Secret lacks a key that a pod needs (only where keys were looked at)",
    change: (draft) => {
      Object.assign(named(draft.references, "db-pass"), { keys: ["user"], missingKeys: ["password"] })
    }
  },
  {
    rule: "service-missing",
    says: "Unknown",
    when: "the governing Service does not exist: pods run without its names, and it is unknown whether peers ever use them",
    change: (draft) => {
      draft.services = []
    }
  },
  {
    rule: "service-without-selector",
    says: "Yes",
    when: "the governing Service has no selector: its endpoints, a leader's mostly, are written by something else",
    change: (draft) => {
      Object.assign(named(draft.services, "db"), {
        headless: false,
        hasSelector: false,
        selectsPods: false,
        writtenBy: ["leader.example.com"]
      })
    }
  },
  {
    rule: "service-not-headless",
    says: "Yes",
    when: "the governing Service has an address of its own, so pods get no names",
    change: (draft) => {
      named(draft.services, "db").headless = false
    }
  },
  {
    rule: "service-selects-others",
    says: "Unknown",
    when: "the governing Service's selector does not find the pods: they run without its names, as above",
    change: (draft) => {
      Object.assign(named(draft.services, "db"), {
        selectsPods: false,
        endpoints: { ready: 0, notReady: 0 }
      })
    }
  },
  {
    rule: "fs-group-at-each-mount",
    says: "No",
    when: "PostgreSQL or RabbitMQ has fsGroup without OnRootMismatch: each mount makes files group-writable, which they refuse",
    change: (draft) => {
      first(draft.workloads).template.fsGroupChangePolicy = null
    }
  },
  {
    rule: "budget-missing",
    says: "YesWithDowntime",
    when: "no PodDisruptionBudget covers the pods: drains of several nodes may take them all",
    change: (draft) => {
      draft.budgets = []
    }
  },
  {
    rule: "budget-missing",
    says: "YesWithDowntime",
    when: "budgets cover some of the pods, by a role's label, and drains may take so many others that quorum is lost",
    change: (draft) => {
      Object.assign(first(draft.budgets), {
        maxUnavailable: null,
        minAvailable: "1",
        expectedPods: 1,
        pods: ["db-0"]
      })
    }
  },
  {
    rule: "budget-blocks",
    says: "Unknown",
    when: "a budget protects the pods of one role, a leader's mostly: a drain waits for the role to be handed over",
    change: (draft) => {
      Object.assign(first(draft.budgets), {
        maxUnavailable: null,
        minAvailable: "1",
        expectedPods: 1,
        pods: ["db-0"]
      })
      draft.budgets?.push({
        ...first(draft.budgets),
        name: "db-replicas",
        minAvailable: null,
        maxUnavailable: "1",
        expectedPods: 2,
        pods: ["db-1", "db-2"]
      })
    }
  },
  {
    rule: "budget-blocks",
    says: "No",
    when: "a budget never allows an eviction: every drain waits forever",
    change: (draft) => {
      Object.assign(first(draft.budgets), { minAvailable: "3", maxUnavailable: null, desiredHealthy: 3 })
    }
  },
  {
    rule: "budget-below-quorum",
    says: "YesWithDowntime",
    when: "a budget allows so many evictions at once that quorum is lost",
    change: (draft) => {
      first(draft.budgets).maxUnavailable = "2"
    }
  },
  {
    rule: "budgets-overlap",
    says: "No",
    when: "two budgets cover one pod: the eviction API refuses to evict it",
    change: (draft) => {
      draft.budgets?.push({ ...first(draft.budgets), name: "db-second" })
    }
  },
  {
    rule: "grace-period-zero",
    says: "No",
    when: "pods get no time to stop: the next one may start while the last still writes",
    change: (draft) => {
      first(draft.workloads).template.terminationGracePeriodSeconds = 0
    }
  },
  {
    rule: "name-too-long",
    says: "No",
    when: "a StatefulSet's name is over 52 characters: its pods cannot be created (kubernetes#64023)",
    change: (draft) => {
      first(draft.workloads).name = "a-database-whose-name-says-everything-about-what-it-is"
    }
  },
  {
    rule: "scale-down-deletes-claims",
    says: "Yes",
    when: "whenScaled is Delete: a remark, since a restart deletes nothing",
    change: (draft) => {
      first(draft.workloads).retention = { whenScaled: "Delete", whenDeleted: "Retain" }
    }
  },
  {
    rule: "data-source-missing",
    says: "Yes",
    when: "no claim waits for such an object: a remark, since only a replica that is added needs it",
    change: (draft) => {
      first(first(draft.workloads).claimTemplates).dataSource = {
        kind: "VolumeSnapshot",
        name: "seed",
        present: false
      }
    }
  },
  {
    rule: "facts-unreadable",
    says: "Unknown",
    when: "nodes, pods, claims, volumes, budgets, Services or references could not be read",
    change: (draft) => {
      draft.nodes = null
      for (const placement of draft.placements)
        Object.assign(placement, { rack: null, zone: null, storage: null })
      draft.unread.push({ resource: "nodes", reason: "Forbidden", message: "nodes is forbidden" })
    }
  }
]
