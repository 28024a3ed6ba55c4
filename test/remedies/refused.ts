/** Printed by a `restore` that is refused. */
import * as Effect from "effect/Effect"
import { assert } from "vitest"
import type { Draft } from "../../packages/sandbox/src/apimachinery/KubeObject.ts"
import { driver } from "../../packages/sandbox/src/node/Nodes.ts"
import { nodes, persistentvolumeclaims, pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshots } from "../../packages/sandbox/src/registry/kinds/storage.ts"
import { selector } from "../../packages/sdk/src/App.ts"
import type { Cluster } from "../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Operation from "../../packages/sdk/src/Operation.ts"
import * as Restore from "../../packages/sdk/src/Restore.ts"
import * as Snapshot from "../../packages/sdk/src/Snapshot.ts"
import type { Remedy } from "./Remedy.ts"
import { namespace, type Situation, until } from "./Situation.ts"
import {
  identity,
  on,
  claimOf,
  podOf,
  members,
  stateOf,
  nightly,
  taken,
  removed,
  removedLater,
  isInDeletion,
  swap,
  empty,
  restoring
} from "./nightly.ts"

/** By the names that a snapshot of each volume alone gives them. */
const chosen = Object.fromEntries(members.map((claim) => [claim, `nightly-${claim}`]))

const allowed = <P extends Parameters<typeof Operation.allowed>[0], E>(plan: Effect.Effect<P, E, Cluster>) =>
  Effect.flatMap(plan, Operation.allowed)

/** A cut of data-db-1 that takes an hour to be ready. */
const slowCut: ReadonlyArray<Draft> = [
  {
    apiVersion: "snapshot.storage.k8s.io/v1",
    kind: "VolumeSnapshotClass",
    metadata: { name: "slow" },
    driver,
    deletionPolicy: "Delete",
    parameters: { readyAfter: "1h" }
  } as Draft,
  {
    apiVersion: "snapshot.storage.k8s.io/v1",
    kind: "VolumeSnapshot",
    metadata: { name: "slow", namespace },
    spec: { volumeSnapshotClassName: "slow", source: { persistentVolumeClaimName: "data-db-1" } }
  }
]

const mounting = (name: string, claim: string, nodeName: string): Draft => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace },
  spec: {
    nodeName,
    containers: [{ name: "main", image: "backup", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim } }]
  }
})

const goesOn: Remedy["helps"] = async (at) => {
  await on(at, Restore.restore(nightly, { identity }))
  assert.equal(stateOf(at), "before")
}

const all = { namespace, name: "all" }

/** `web`, a Deployment with a claim of its own, is in one snapshot with `db`. */
const withWeb = async (at: Situation): Promise<void> => {
  await at.patch(kinds.statefulsets, "db", { metadata: { labels: { tier: "shop" } } })
  const labels = { app: "web" }
  at.sandbox.create(empty("uploads"))
  at.sandbox.create({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace, labels: { tier: "shop" } },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [{ name: "web", image: "web", volumeMounts: [{ name: "files", mountPath: "/files" }] }],
          volumes: [{ name: "files", persistentVolumeClaim: { claimName: "uploads" } }]
        }
      }
    }
  })
  await at.ready(7)
  await on(
    at,
    Snapshot.take(selector(namespace, "tier=shop"), { name: "all", identity, consistency: "crash" })
  )
}

const refusals = { from: "sdk/src/restore/refusal.ts" }

/** A restore from VolumeSnapshots of other tools, for which the list names those that exist. */
const ofOthers = (when: string, flags: string): Remedy => ({
  ...refusals,
  shape: "get volumesnapshots",
  when,
  print: async (at) => {
    await taken(at, { consistency: "crash" })
    return at.refused(`restore --from-volume-snapshots db ${flags}--yes -n shop`)
  },
  helps: async (at, { out }) => {
    assert.match(out, /^nightly-data-db-1 +true +data-db-1 /m)
    await on(
      at,
      Restore.prepareFromVolumeSnapshots({ namespace, name: "db" }, { volumeSnapshots: chosen }).pipe(allowed)
    )
  }
})

/** The storage makes no volume, as long as it is so. */
let isFull = false

export const remedies: ReadonlyArray<Remedy> = [
  ofOthers("where none of the claims has one that others made", ""),
  ofOthers("where the one that is named is not there", "--volume-snapshot data-db-1=data-db-1 "),
  {
    ...refusals,
    shape: "delete pvc",
    when: "where a claim that no pod has was never bound",
    print: async (at) => {
      await taken(at)
      await at.run("kubectl scale statefulset db --replicas=2 -n shop")
      await at.ready(5)
      await removed(at, persistentvolumeclaims, "data-db-2")
      at.sandbox.create(empty("data-db-2"))
      return at.refused(restoring)
    },
    changes: /^PersistentVolumeClaim\/data-db-2$/,
    helps: goesOn
  },
  {
    ...refusals,
    shape: "stateful scale && delete pvc",
    when: "where a claim was never bound whose pod waits for it",
    options: { storage: { fail: () => (isFull ? "ResourceExhausted: pool is full" : undefined) } },
    print: async (at) => {
      await taken(at)
      isFull = true
      at.sandbox.registry.remove(persistentvolumeclaims, namespace, "data-db-2")
      at.sandbox.registry.remove(pods, namespace, "db-2")
      await until("data-db-2 waits", () => claimOf(at, "data-db-2")?.status.phase === "Pending")
      return at.refused(restoring)
    },
    changes: swap,
    helps: async (at, ran, message) => {
      isFull = false
      await goesOn(at, ran, message)
    }
  },
  {
    ...refusals,
    shape: "describe pvc",
    when: "where a claim is in deletion",
    print: async (at) => {
      await taken(at)
      await removedLater(at, "data-db-1")
      return at.refused(restoring)
    },
    helps: isInDeletion
  },
  {
    ...refusals,
    shape: "get volumesnapshots,pvc",
    when: "where a claim is being cut",
    print: async (at) => {
      await taken(at)
      for (const one of slowCut) at.sandbox.create(one)
      await until("it is being cut", () =>
        claimOf(at, "data-db-1")?.metadata.finalizers?.some((each) => each.includes("as-source"))
      )
      return at.refused(restoring)
    },
    helps: async (at, { out }) => {
      assert.match(out, /\/slow +false +data-db-1 /)
      await removed(at, volumesnapshots, "slow")
      await goesOn(at, { code: 0, out, err: "" }, "")
    }
  },
  {
    ...refusals,
    shape: "describe pod",
    when: "where another pod has a claim mounted",
    print: async (at) => {
      await taken(at)
      at.sandbox.create(mounting("backup", "data-db-1", podOf(at, "db-1")?.spec.nodeName ?? ""))
      await at.ready(7)
      return at.refused(restoring)
    },
    helps: async (at, { out }) => {
      assert.match(out, /^Name: +backup$/m)
      assert.match(out, /ClaimName: +data-db-1$/m)
      await removed(at, pods, "backup")
      await goesOn(at, { code: 0, out, err: "" }, "")
    }
  },
  {
    ...refusals,
    shape: "describe pod",
    when: "where a pod of a Deployment that has ended holds its claim",
    print: async (at) => {
      await withWeb(at)
      const [web] = at.sandbox.store
        .list(pods, namespace)
        .filter(({ metadata }) => metadata.name.startsWith("web-"))
      if (web === undefined) return assert.fail("no pod of web")
      // As a node does that evicts it.
      const status = { ...web.status, phase: "Failed", reason: "Evicted", conditions: [] }
      at.sandbox.store.put(pods, { ...web, status })
      await at.ready(8, 1)
      return at.refused("restore all --yes -n shop")
    },
    helps: async (at, { out }) => {
      assert.match(out, /^Status: +Failed$/m)
      assert.match(out, /^Reason: +Evicted$/m)
      await removed(at, pods, /^Name: +(\S+)$/m.exec(out)?.[1] ?? "")
      await on(at, Restore.prepare(all).pipe(allowed))
    }
  },
  {
    from: "sdk/src/restore/ground.ts",
    shape: "uncordon",
    when: "where every node is cordoned",
    print: async (at) => {
      await taken(at)
      for (const node of at.sandbox.store.list(nodes))
        at.sandbox.store.put(nodes, { ...node, spec: { ...node.spec, unschedulable: true } })
      return at.refused(restoring)
    },
    changes: /^Node\/node-a$/,
    helps: async (at) => {
      await on(at, Restore.prepare(nightly).pipe(allowed))
    }
  }
]
