import type { AppState } from "@kubectl-stateful/sdk/State"
import { assert, describe, it } from "@effect/vitest"
import { eventTable } from "../../../packages/kubectl-stateful/src/print/surroundings.ts"
import { type Draft, first, healthyApp, named } from "../../sdk/appState.ts"
import { answers, page } from "./answers.ts"

/** The healthy page, and in place of some lines others. */
const replicaLines = (state: AppState) => block(page(state), "REPLICA")
const claimLines = (state: AppState) => block(page(state), "CLAIM")

/** The lines from the one that starts so to the next empty one. */
const block = (text: string, start: string): ReadonlyArray<string> => {
  const lines = text.split("\n")
  const from = lines.findIndex((each) => each.startsWith(start))
  const to = lines.findIndex((each, index) => index > from && each === "")
  return lines.slice(from, to)
}
const lineOf = (text: string, start: string) => text.split("\n").find((each) => each.startsWith(start))

const podOf = (draft: Draft<AppState>, name: string) => {
  const pod = named(draft.replicas, name).pod
  if (pod === null) throw new Error(`${name} has no pod`)
  return pod
}
const placementOf = (draft: Draft<AppState>, name: string) => {
  const found = draft.placements.find((each) => each.replica === name)
  if (found === undefined) throw new Error(`${name} has no place`)
  return found
}

describe("the page of an application", () => {
  it("of which all is well, fits in 80 columns and says where everything is", () => {
    assert.strictEqual(
      page(healthyApp(), answers),
      `Name:        db                                     Namespace:  shop
Workload:    StatefulSet, 3 of 3 ready, ordinals 0-2, OrderedReady
Image:       docker.io/local/postgres:15
Profile:     looks like postgres: \`--profile postgres\`
Peers:       db-{0..2}.db.shop.svc
Retention:   whenScaled Retain, whenDeleted Retain

REPLICA   READY   NODE     ZONE   RACK   PINNED BY   AGE
db-0      True    node-a   a      r1     <none>      12d
db-1      True    node-b   b      r2     <none>      12d
db-2      True    node-c   c      r3     <none>      12d

CLAIM       SIZE   USED BY   CLASS    SNAPSHOT
data-db-0   20Gi   db-0      shared   nightly-1120, 120m ago
wal-db-0    5Gi    db-0      shared   nightly-1120, 120m ago
data-db-1   20Gi   db-1      shared   nightly-1120, 120m ago
wal-db-1    5Gi    db-1      shared   nightly-1120, 120m ago
data-db-2   20Gi   db-2      shared   nightly-1120, 120m ago
wal-db-2    5Gi    db-2      shared   nightly-1120, 120m ago

Volumes:     tmp (emptyDir Memory, postgres:/tmp)
ConfigMaps:  db-conf
Secrets:     db-pass
Services:    db (headless, 3 of 3 ready)
Budgets:     db (maxUnavailable 1, allows 1 disruption now)

Can this application ...
  recover from a rack or server restart?   Yes, with downtime
    node restart                           Yes
      quorum (2 of 3) survives the loss of any one node
    rack or zone restart                   Yes, with downtime
      for at least 5s
      db-0 and db-1 share rack r1: without it, quorum (2 of 3) is lost
      -> spread the replicas over racks: topologySpreadConstraints with
         topologyKey rack in the pod template
    permanent node loss                    Yes
      if the cloud deletes the Node
      once the cloud deletes the Node, db is made anew
    permanent rack or zone loss            No
      no usable node outside rack r1 can run db-0
      -> add a node in another rack
    node drain                             Unknown
      PodDisruptionBudgets could not be read
  be snapshotted consistently?             Yes, as one group
    class group cuts all six claims at once
  move to another cluster?                 Unknown
    requires on the target: StorageClass/shared, node label disk=nvme
  be restored after a disaster?            No
    every snapshot is on the same storage
    latest backup: nightly-1120, 120m ago, on the same storage
`
    )
  })

  it("says of a replica on a lost node why it is not ready, on its own line", () => {
    const state = healthyApp((draft) => {
      Object.assign(podOf(draft, "db-2"), { ready: false, reason: "node-c is unreachable" })
      placementOf(draft, "db-2").pins.push({
        by: "volume",
        name: "data-db-2",
        nodes: ["node-c"],
        domain: "node"
      })
      first(draft.workloads).ready = 2
    })
    assert.deepEqual(replicaLines(state), [
      "REPLICA   READY   NODE     ZONE   RACK   PINNED BY   AGE",
      "db-0      True    node-a   a      r1     <none>      12d",
      "db-1      True    node-b   b      r2     <none>      12d",
      "db-2      False   node-c   c      r3     volume      12d   node-c is unreachable"
    ])
    assert.strictEqual(
      lineOf(page(state), "Workload:"),
      "Workload:    StatefulSet, 2 of 3 ready, ordinals 0-2, OrderedReady"
    )
  })

  it("puts a pending pod's long reason below its row", () => {
    const state = healthyApp((draft) => {
      const reason =
        "0/3 nodes are available: 1 node had an untolerated taint, 2 nodes did not match the volume's affinity"
      Object.assign(podOf(draft, "db-2"), { ready: false, phase: "Pending", node: null, reason, ips: [] })
      Object.assign(placementOf(draft, "db-2"), { node: null, zone: null, rack: null })
    })
    assert.deepEqual(replicaLines(state).slice(3), [
      "db-2      False   <none>   <none>   <none>   <none>      12d",
      "   0/3 nodes are available: 1 node had an untolerated taint, 2 nodes did not",
      "   match the volume's affinity"
    ])
  })

  it("counts down the grace period of a pod that is being deleted", () => {
    const state = healthyApp((draft) => {
      podOf(draft, "db-2").deleted = "2026-11-20T12:00:28Z"
    })
    assert.include(replicaLines(state), "   Terminating, up to 28s left")
  })

  it("names a missing replica, one too many, and one of an old revision", () => {
    const state = healthyApp((draft) => {
      named(draft.replicas, "db-0").pod = null
      Object.assign(podOf(draft, "db-1"), { current: false })
      named(draft.replicas, "db-2").wanted = false
      podOf(draft, "db-2").deleted = "2026-11-20T11:59:00Z"
    })
    assert.deepEqual(replicaLines(state).slice(1), [
      "db-0      False   <none>   <none>   <none>   <none>      <none>   no pod",
      "db-1      True    node-b   b        r2       <none>      12d      old revision",
      "db-2      True    node-c   c        r3       <none>      12d",
      "   beyond spec.replicas; Terminating for 60s"
    ])
  })

  it("marks a claim that a scale-down left over, and for how long", () => {
    const state = healthyApp((draft) => {
      draft.claims = draft.claims.filter((claim) => claim.template === "data")
      draft.claims.push({
        ...structuredClone(first(draft.claims)),
        name: "data-db-3",
        ordinal: 3,
        usedBy: [],
        leftover: true,
        unusedSince: "2026-08-18T12:00:00Z"
      })
    })
    assert.deepEqual(claimLines(state).slice(3), [
      "data-db-2   20Gi   db-2      shared   nightly-1120, 120m ago",
      "data-db-3   20Gi   <none>    shared   never   left by a scale-down, unused 94d"
    ])
  })

  it("says of a claim that it waits, grows, or is held while it is deleted", () => {
    const state = healthyApp((draft) => {
      Object.assign(named(draft.claims, "data-db-0"), { phase: "Pending", volume: null, capacity: null })
      Object.assign(named(draft.claims, "data-db-1"), { requested: "30Gi", resize: "NodeResizeInProgress" })
      Object.assign(named(draft.claims, "data-db-2"), { deleted: "2026-11-20T11:55:00Z" })
      draft.protection.snapshots = null
    })
    const lines = claimLines(state)
    assert.include(lines, "data-db-0   20Gi   db-0      shared   <unknown>   Pending")
    assert.include(lines, "data-db-1   20Gi   db-1      shared   <unknown>   requested 30Gi;")
    assert.match(
      lines.join(" "),
      /data-db-2 +20Gi +db-2 +shared +<unknown> +Terminating for 5m, +finalizers: +kubernetes/
    )
  })

  it("shows the newest usable snapshot, else that it failed or is not ready", () => {
    const state = healthyApp((draft) => {
      const snapshots = draft.protection.snapshots ?? []
      Object.assign(named(snapshots, "nightly-1120-data-db-0"), { readyToUse: false, cut: null })
      Object.assign(named(snapshots, "nightly-1120-wal-db-0"), { readyToUse: false, error: "out of space" })
    })
    assert.include(claimLines(state), "data-db-0   20Gi   db-0      shared   nightly-1120, not ready")
    assert.include(claimLines(state), "wal-db-0    5Gi    db-0      shared   nightly-1120, failed")
  })

  it("marks missing ConfigMaps and Secrets where they are named", () => {
    const state = healthyApp((draft) => {
      const secret = named(draft.references, "db-pass")
      draft.references.push(
        { ...secret, name: "db-tls", present: false },
        { ...secret, name: "db-extra", present: false, required: false },
        { ...secret, name: "db-unread", present: null },
        { ...secret, name: "db-keys", keys: ["user"], missingKeys: ["password"] }
      )
    })
    const text = page(state)
    assert.deepEqual(
      text.slice(text.indexOf("Secrets:"), text.indexOf("Services:")),
      `Secrets:     db-pass, db-tls (missing), db-extra (optional, missing),
             db-unread (<unknown>), db-keys (missing key password)
`
    )
  })

  it("tells a namespace's user what could not be read, and marks it unknown", () => {
    const state = healthyApp((draft) => {
      draft.nodes = null
      draft.budgets = null
      draft.protection.snapshots = null
      for (const each of draft.placements) Object.assign(each, { zone: null, rack: null, storage: null })
      draft.unread = [
        { resource: "nodes", reason: "Forbidden", message: "nodes is forbidden" },
        { resource: "persistentvolumes", reason: "Forbidden", message: "persistentvolumes is forbidden" },
        { resource: "volumesnapshots.snapshot.storage.k8s.io", reason: "Unsupported", message: "not found" },
        { resource: "pods/db-1", reason: "Unreadable", message: "pods/db-1: status.phase is no text" }
      ]
    })
    const text = page(state)
    assert.include(text, "db-0      True    node-a   <unknown>   <unknown>   <unknown>   12d\n")
    assert.include(text, "data-db-0   20Gi   db-0      shared   <unknown>\n")
    assert.include(text, "Budgets:     <unknown>\n")
    assert.include(
      text,
      `Not read:    Forbidden: nodes, persistentvolumes
             Not served: volumesnapshots
             pods/db-1: status.phase is no text
`
    )
  })

  it("does not call a Service that could not be read missing, nor claims that could not be read none", () => {
    const state = healthyApp((draft) => {
      draft.claims = []
      Object.assign(first(draft.services), { present: null, type: "", selectsPods: false })
      for (const resource of ["services", "persistentvolumeclaims"]) {
        draft.unread.push({ resource, reason: "Forbidden", message: "forbidden" })
      }
    })
    assert.match(page(state), /\nServices: {4}db \(<unknown>\)/)
    assert.include(page(state), "\nClaims:      <unknown>\n")
    const none = { ...state, services: [] }
    assert.include(page(none), "\nServices:    <unknown>\n")
  })

  it("does not call replicas missing when pods could not be read", () => {
    const state = healthyApp((draft) => {
      for (const replica of draft.replicas) Object.assign(replica, { known: false, pod: null })
    })
    assert.include(replicaLines(state).at(1), "db-0      <unknown>   <unknown>")
    assert.notInclude(page(state), "no pod")
  })

  const warning = (object: string, message: string) => ({
    object,
    type: "Warning",
    reason: "BackOff",
    message,
    count: 12,
    last: "2026-11-20T11:55:00Z"
  })

  it("ends warnings after five and says where the rest is", () => {
    const state = healthyApp((draft) => {
      draft.events = Array.from({ length: 7 }, (_, index) => warning(`Pod/db-${index}`, `failed ${index}`))
    })
    assert.deepEqual(block(page(state), "LAST SEEN"), [
      "LAST SEEN   REASON    OBJECT     MESSAGE",
      ...[0, 1, 2, 3, 4].map((index) => `5m (x12)    BackOff   Pod/db-${index}   failed ${index}`),
      "and 2 more: kubectl get events -n shop --field-selector type=Warning"
    ])
  })

  it("leaves out warnings about a pod that has got ready since, unless all is asked for", () => {
    const state = healthyApp((draft) => {
      draft.events = [
        { ...warning("Pod/db-0", "no node fitted"), last: "2026-11-08T09:00:10Z" },
        warning("Pod/db-1", "is slow")
      ]
    })
    assert.lengthOf(block(page(state), "LAST SEEN"), 2)
    assert.lengthOf(eventTable(state, { wide: true, columns: 80 }), 3)
  })

  it("leaves out what a claim was told before it got its volume, and the diff in a warning", () => {
    const state = healthyApp((draft) => {
      draft.events = [
        { ...warning("PersistentVolumeClaim/data-db-0", "no volume yet"), reason: "FailedBinding" },
        warning("StatefulSet/db", "Pod is invalid: spec: Forbidden\n@@ -1 +1 @@"),
        warning("StatefulSet/db", "x".repeat(400))
      ]
    })
    const lines = block(page(state), "LAST SEEN").join("\n")
    assert.notInclude(lines, "no volume yet")
    assert.include(lines, "spec: Forbidden ...")
    assert.notInclude(lines, "@@")
    assert.lengthOf(lines.match(/x/g)?.slice(2) ?? [], 300)
    assert.include(JSON.stringify(eventTable(state, { wide: true, columns: 80 })), "@@")
  })

  it("says a warning about many objects once", () => {
    const state = healthyApp((draft) => {
      draft.events = Array.from({ length: 100 }, (_, index) => warning(`Pod/db-${index}`, "no node fits"))
      // The same pod again, as a new event object.
      draft.events.push(warning("Pod/db-7", "no node fits"))
    })
    assert.deepEqual(block(page(state), "LAST SEEN"), [
      "LAST SEEN    REASON    OBJECT                 MESSAGE",
      "5m (x1212)   BackOff   Pod/db-0 and 99 more   no node fits"
    ])
  })

  it("says who else writes the workload, and what holds a rollout", () => {
    const state = healthyApp((draft) => {
      Object.assign(first(draft.workloads), {
        partition: 2,
        updateRevision: "db-new",
        status: { replicas: 3, ready: 3, available: 3, updated: 1 },
        writers: [
          { name: "HorizontalPodAutoscaler/db", by: "scaleTargetRef", replicas: true },
          { name: "argocd-controller", by: "managedFields", replicas: false }
        ]
      })
    })
    assert.strictEqual(
      lineOf(page(state), "Update:"),
      "Update:      RollingUpdate, 1 of 3 on the new revision, partition 2"
    )
    assert.strictEqual(
      lineOf(page(state), "Managed by:"),
      "Managed by:  HorizontalPodAutoscaler/db (replicas), argocd-controller"
    )
  })

  it("has a block for each workload of a selector's application", () => {
    const state = healthyApp((draft) => {
      const db = first(draft.workloads)
      draft.ref = { _tag: "Selector", namespace: "shop", selector: "app.kubernetes.io/instance=shop" }
      draft.name = "app.kubernetes.io/instance=shop"
      draft.workloads.push({
        ...structuredClone(db),
        kind: "Deployment",
        name: "web",
        replicas: 1,
        ready: 1,
        podManagementPolicy: null,
        retention: null,
        serviceName: null
      })
      draft.replicas.push({
        ...structuredClone(first(draft.replicas)),
        workload: "Deployment/web",
        ordinal: null,
        name: "web-5d4f"
      })
    })
    const text = page(state)
    assert.include(text, "Selector:    app.kubernetes.io/instance=shop        Namespace:  shop\n")
    assert.include(text, "Workload:    StatefulSet/db, 3 of 3 ready, ordinals 0-2, OrderedReady\n")
    assert.include(
      text,
      `db-2      True    node-c   c      r3     <none>      12d

Workload:    Deployment/web, 1 of 1 ready
Image:       docker.io/local/postgres:15

REPLICA    READY   NODE     ZONE        RACK        PINNED BY   AGE
web-5d4f   True    node-a   <unknown>   <unknown>   <unknown>   12d
`
    )
  })

  it("wide adds columns and every rule that was looked at", () => {
    const text = page(healthyApp(), answers, true)
    assert.include(text, "AGE   RESTARTS   IP         REVISION        INSTANCE-TYPE   REGION   STORAGE\n")
    assert.include(
      text,
      "SNAPSHOT                 ACCESS          MODE         VOLUME       DRIVER            HANDLE       RECLAIM\n"
    )
    assert.include(text, "    scaling db down deletes claims\n")
  })

  it("shows each of hundreds of replicas on one line", () => {
    const state = healthyApp((draft) => {
      const replica = first(draft.replicas)
      draft.replicas = Array.from({ length: 500 }, (_, ordinal) => ({
        ...structuredClone(replica),
        ordinal,
        name: `db-${ordinal}`
      }))
      Object.assign(first(draft.workloads), { replicas: 500, ready: 500 })
    })
    assert.lengthOf(replicaLines(state), 501)
  })
})
