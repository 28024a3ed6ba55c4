/** Printed by `restore`, `snapshot`, `snapshots`, and discovery, and of a kubeconfig. */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "vitest"
import { selector, statefulSet } from "../../packages/sdk/src/App.ts"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Operation from "../../packages/sdk/src/Operation.ts"
import * as Restore from "../../packages/sdk/src/Restore.ts"
import * as RestoreClone from "../../packages/sdk/src/RestoreClone.ts"
import { hookExec } from "../../packages/sandbox/src/node/HookExec.ts"
import type { Draft } from "../../packages/sandbox/src/apimachinery/KubeObject.ts"
import { driver } from "../../packages/sandbox/src/node/Nodes.ts"
import type { Options } from "../../packages/sandbox/src/Sandbox.ts"
import {
  configmaps,
  nodes,
  persistentvolumeclaims,
  persistentvolumes,
  pods,
  secrets
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import {
  csidrivers,
  volumesnapshotcontents,
  volumesnapshots
} from "../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Snapshot from "../../packages/sdk/src/Snapshot.ts"
import { exportSet } from "../../packages/sdk/src/SnapshotTransfer.ts"
import { probeLabel, proverLabel } from "../../packages/sdk/src/Labels.ts"
import { ends } from "../../packages/sdk/src/step/fenceProbe.ts"
import type { Remedy } from "./Remedy.ts"
import { type Ended, namespace, type Running, type Situation, until } from "./Situation.ts"
import type { Unplayed } from "./table.ts"

const identity = "ann@laptop"

/** What is there before anything is printed needs no process of its own. */
const on = <A, E>({ sandbox }: Situation, work: Effect.Effect<A, E, Cluster>): Promise<A> =>
  Effect.runPromise(Effect.provideService(work, Cluster, sandbox.cluster))

const yes = (command: string): string => `${command} --yes`

const claimOf = ({ sandbox }: Situation, name: string) =>
  sandbox.store.get(persistentvolumeclaims, namespace, name)

const podOf = ({ sandbox }: Situation, name: string) => sandbox.store.get(pods, namespace, name)

const bytesOf = (at: Situation, claim: string) =>
  at.sandbox.volumes.get(claimOf(at, claim)?.spec.volumeName ?? "")

const members = ["data-db-0", "data-db-1", "data-db-2"]

/** Each member's volume says from when it is. */
const write = (at: Situation, when: string): void => {
  for (const claim of members) bytesOf(at, claim)?.write("mark", when)
}

/** From when all members' volumes are. */
const stateOf = (at: Situation): string =>
  [...new Set(members.map((claim) => bytesOf(at, claim)?.readText("mark") ?? "nothing"))].join()

const app = statefulSet(namespace, "db")
const nightly = { namespace, name: "nightly" }

/** A snapshot of `before`; the members say `after` since. */
const taken = async (at: Situation, options: Partial<Snapshot.SnapshotOptions> = {}): Promise<void> => {
  write(at, "before")
  await on(at, Snapshot.take(app, { name: "nightly", identity, ...options }))
  write(at, "after")
}

/** That, and put back; answers the operation. */
const restored = async (at: Situation): Promise<string> => {
  await taken(at)
  const { id, outcome } = await on(at, Restore.restore(nightly, { identity }))
  assert.equal(outcome, "Succeeded")
  assert.equal(stateOf(at), "before")
  return id ?? ""
}

const removed = async (
  at: Situation,
  type: Parameters<Situation["sandbox"]["store"]["list"]>[0],
  name: string
) => {
  at.sandbox.registry.remove(type, namespace, name)
  await until(`${name} is gone`, () => at.sandbox.store.get(type, namespace, name) === undefined)
}

/** Begins to go: its pod holds it. */
const removedLater = async (at: Situation, claim: string) => {
  at.sandbox.registry.remove(persistentvolumeclaims, namespace, claim)
  await until(`${claim} is in deletion`, () => claimOf(at, claim)?.metadata.deletionTimestamp !== undefined)
}

const isInDeletion: Remedy["helps"] = (_, { out }) => {
  assert.match(out, /^Name: +data-db-1$/m)
  assert.match(out, /^Status: +Terminating/m)
}

/** `nightly` as a file; answers the words that would bring it in here. */
const importing = async (at: Situation): Promise<string> => {
  const bytes = await on(at, exportSet(nightly, { passphrase: "correct horse battery", workFactor: 2 }))
  const file = join(at.folder, `nightly-${randomUUID()}.age`)
  writeFileSync(file, bytes)
  writeFileSync(join(at.folder, "passphrase"), "correct horse battery\n", { mode: 0o600 })
  return `snapshots import ${file} --passphrase-file ${at.folder}/passphrase --dry-run=client -n shop`
}

/** Its record is lost, and its cuts are not. */
const forgotten = async (at: Situation) => {
  await removed(at, secrets, "kubectl-stateful.snapshot.nightly")
  await removed(at, configmaps, "kubectl-stateful.snapshot.nightly")
}

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

/** What a swap of volumes changes of `db`, and what an operation leaves of itself. */
const swap =
  /^(StatefulSet\/db|Pod\/db-\d|PersistentVolumeClaim\/data-db-[\w-]+|PersistentVolume\/(of-data-db-|pvc-)[\w-]+|VolumeAttachment\/csi-\w+|(ConfigMap|Lease)\/kubectl-stateful\S*)$/

/** The network enforces policies, as the pods find that prove a fence. */
const fenced: Options = {
  namespaces: [namespace, "rehearsal"],
  programs: ({ metadata }) => {
    const side = metadata.labels?.[probeLabel]
    return side === undefined
      ? undefined
      : { onStart: () => Effect.succeed(side === "behind" ? ends.none : ends.source) }
  }
}

/** `nightly` as another application in another namespace, behind its fence; answers the operation. */
const copied = async (at: Situation): Promise<string> => {
  await taken(at)
  const { id, outcome } = await on(
    at,
    RestoreClone.clone(nightly, { toNamespace: "rehearsal", as: "db", identity })
  )
  assert.equal(outcome, "Succeeded")
  return id ?? ""
}

/** Two snapshots, the later of which has lost a cut. */
const torn = async (at: Situation): Promise<void> => {
  await taken(at, { name: "older", consistency: "crash" })
  await taken(at, { consistency: "crash" })
  await removed(at, volumesnapshots, "nightly-data-db-1")
}

const isListed: Remedy["helps"] = async (at, { out }) => {
  assert.match(out, /^nightly +db /m)
  await on(at, Restore.restore(nightly, { identity }))
}

const otherIsListed: Remedy["helps"] = async (at, { out }) => {
  assert.match(out, /^nightly .* no /m)
  assert.match(out, /^older .* yes /m)
  await on(at, Restore.restore({ namespace, name: "older" }, { identity }))
}

const lists = { from: "sdk/src/step/recordList.ts", shape: "stateful snapshots" }

const snapshots: ReadonlyArray<Remedy> = [
  {
    ...lists,
    when: "where no snapshot is called so",
    print: async (at) => {
      await taken(at)
      return at.refused("restore nigthly --yes -n shop")
    },
    helps: isListed
  },
  {
    ...lists,
    when: "where a cut of it is gone",
    print: async (at) => {
      await torn(at)
      return at.refused("restore nightly --yes -n shop")
    },
    helps: otherIsListed
  },
  {
    ...lists,
    when: "where a cut of what is to be copied is gone",
    print: async (at) => {
      await torn(at)
      return at.refused("restore nightly --as copy --yes -n shop")
    },
    helps: otherIsListed
  },
  {
    ...lists,
    when: "where a claim that a restore kept is gone",
    print: async (at) => {
      const id = await restored(at)
      await removed(at, persistentvolumeclaims, `data-db-1-${id}`)
      return at.refused(`restore --undo ${id} --yes -n shop`)
    },
    helps: isListed
  },
  {
    from: "kubectl-stateful/src/print/snapshot.ts",
    shape: "stateful restore",
    when: "where members that are unsafe together were cut apart",
    print: (at) => at.printed("snapshot db --name nightly -n shop --profile etcd --consistency crash"),
    fill: (command) => yes(command.replace("ORDINAL", "1")),
    changes: swap,
    helps: (_, { out }) => assert.match(out, /restored from nightly: 3 volumes/)
  },
  {
    from: "sdk/src/restore/seed.ts",
    shape: "stateful restore",
    when: "where members that are unsafe together would be put back as they were cut",
    print: async (at) => {
      await taken(at, { oneMember: "etcd", consistency: "crash" })
      return at.refused("restore nightly --yes -n shop")
    },
    fill: (command) => yes(command.replace("ORDINAL", "1")),
    changes: swap,
    helps: (_, { out }) => assert.match(out, /restored from nightly: 3 volumes/)
  },
  {
    from: "sdk/src/snapshot/plan.ts",
    shape: "describe pvc",
    when: "where a claim is in deletion",
    print: async (at) => {
      await removedLater(at, "data-db-1")
      return at.refused("snapshot db --name nightly -n shop")
    },
    helps: isInDeletion
  },
  {
    from: "sdk/src/snapshot/importPlan.ts",
    shape: "stateful snapshots",
    when: "where a snapshot of that name is there",
    print: async (at) => {
      await taken(at)
      return at.refused(await importing(at))
    },
    helps: (_, { out }) => {
      assert.match(out, /^Name: +nightly/m)
      assert.match(out, /data-db-2/)
    }
  },
  {
    from: "sdk/src/snapshot/importPlan.ts",
    shape: "describe volumesnapshotcontent",
    when: "where its cut is held in another namespace",
    print: async (at) => {
      await taken(at, { consistency: "crash" })
      const words = await importing(at)
      await forgotten(at)
      const [cut] = at.sandbox.store.list(volumesnapshotcontents)
      at.sandbox.create({
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshotContent",
        metadata: { name: "taken-over" },
        spec: {
          driver: cut?.spec.driver,
          deletionPolicy: "Retain",
          source: { snapshotHandle: cut?.status?.snapshotHandle },
          volumeSnapshotRef: { namespace: "default", name: "mine" }
        }
      })
      return at.refused(words)
    },
    helps: (at, { out }) => {
      const [cut] = at.sandbox.store.list(volumesnapshotcontents)
      assert.match(out, /^Name: +taken-over$/m)
      assert.match(out, /Namespace: +default/)
      assert.include(out, cut?.status?.snapshotHandle ?? "no handle")
    }
  },
  {
    from: "sdk/src/snapshot/importPlan.ts",
    shape: "describe volumesnapshot",
    when: "where its cut is another snapshot's by its label",
    print: async (at) => {
      await taken(at, { consistency: "crash" })
      const words = await importing(at)
      await forgotten(at)
      const name = "nightly-data-db-1"
      const found = at.sandbox.store.get(volumesnapshots, namespace, name)
      if (found === undefined) return assert.fail(`no ${name}`)
      at.sandbox.store.put(volumesnapshots, { ...found, metadata: { ...found.metadata, labels: {} } })
      return at.refused(words)
    },
    helps: (_, { out }) => {
      assert.match(out, /^Name: +nightly-data-db-1$/m)
      assert.match(out, /^Labels: +<none>$/m)
    }
  }
]

const undone: Remedy["helps"] = (at, { out }) => {
  assert.match(out, /undone: 3 volumes/)
  assert.equal(stateOf(at), "after")
}

const goesOn: Remedy["helps"] = async (at) => {
  await on(at, Restore.restore(nightly, { identity }))
  assert.equal(stateOf(at), "before")
}

/** A claim of no class that there is, which nobody has made a volume for. */
const empty = (name: string): Draft => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, namespace },
  spec: {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } }
  }
})

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
const restoring = "restore nightly --yes -n shop"

/** The storage makes no volume, as long as it is so. */
let isFull = false

const refused: ReadonlyArray<Remedy> = [
  {
    ...refusals,
    shape: "get volumesnapshots",
    when: "where none of the claims has one that others made",
    print: async (at) => {
      await taken(at, { consistency: "crash" })
      return at.refused("restore --from-volume-snapshots db --yes -n shop")
    },
    helps: async (at, { out }) => {
      assert.match(out, /^nightly-data-db-1 +true +data-db-1 /m)
      await on(
        at,
        Restore.prepareFromVolumeSnapshots({ namespace, name: "db" }, { volumeSnapshots: chosen }).pipe(
          allowed
        )
      )
    }
  },
  {
    ...refusals,
    shape: "get volumesnapshots",
    when: "where the one that is named is not there",
    print: async (at) => {
      await taken(at, { consistency: "crash" })
      return at.refused(
        "restore --from-volume-snapshots db --volume-snapshot data-db-1=data-db-1 --yes -n shop"
      )
    },
    helps: async (at, { out }) => {
      assert.match(out, /^nightly-data-db-1 +true +data-db-1 /m)
      await on(
        at,
        Restore.prepareFromVolumeSnapshots({ namespace, name: "db" }, { volumeSnapshots: chosen }).pipe(
          allowed
        )
      )
    }
  },
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

const restores: ReadonlyArray<Remedy> = [
  {
    from: "kubectl-stateful/src/print/restore.ts",
    shape: "stateful restore",
    when: "at the end of a restore",
    print: async (at) => {
      await taken(at)
      return at.printed(restoring)
    },
    fill: yes,
    changes: swap,
    helps: undone
  },
  {
    from: "kubectl-stateful/src/print/claims.ts",
    shape: "stateful restore",
    when: "where something is set aside",
    print: async (at) => {
      await restored(at)
      return at.printed("describe db -n shop")
    },
    fill: yes,
    changes: swap,
    helps: undone
  },
  {
    from: "sdk/src/Restore.ts",
    shape: "get pvc",
    when: "where there was no such restore",
    print: async (at) => {
      await restored(at)
      return at.refused("restore --undo 00000000 --yes -n shop")
    },
    helps: async (at, { out }) => {
      const [, id = ""] = /^data-db-0-([0-9a-f]{8}) /m.exec(out) ?? []
      await on(at, Restore.undo({ namespace, id }, { identity }))
      assert.equal(stateOf(at), "after")
    }
  },
  {
    from: "kubectl-stateful/src/print/clone.ts",
    shape: "stateful restore",
    when: "at the end of a restore as another one",
    options: fenced,
    print: async (at) => {
      await taken(at)
      return at.printed("restore nightly --to-namespace rehearsal --yes -n shop")
    },
    fill: yes,
    changes:
      /^(NetworkPolicy\/rehearsal\/db-fence-\w+|StatefulSet\/rehearsal\/db|(ConfigMap|Lease)\/rehearsal\/kubectl-stateful\S*)$/,
    helps: (at, { out }) => {
      assert.match(out, /db released$/m)
      assert.notMatch([...at.objects().keys()].join(), /NetworkPolicy/)
    }
  },
  {
    from: "sdk/src/RestoreRelease.ts",
    shape: "get networkpolicies",
    when: "where the fence is in another namespace",
    options: fenced,
    print: async (at) => at.refused(`restore --release ${await copied(at)} --yes -n shop`),
    helps: async (at, { out }, message) => {
      const [, id = ""] = /restore ([0-9a-f]{8}) has no fence/.exec(message) ?? []
      assert.match(out, new RegExp(`^rehearsal +db-fence-${id} .* ${id}$`, "m"))
      await at.printed(`restore --release ${id} --yes -n rehearsal`)
    }
  },
  {
    from: "sdk/src/restore/cloneRefusals.ts",
    shape: "create namespace",
    when: "where the namespace for a copy is not there",
    options: { ...fenced, namespaces: [namespace] },
    print: async (at) => {
      await taken(at)
      return at.refused("restore nightly --to-namespace rehearsal --yes -n shop")
    },
    changes: /^(Namespace\/rehearsal|(ConfigMap|ServiceAccount)\/rehearsal\/\S+)$/,
    helps: async (at) => {
      await at.printed("restore nightly --to-namespace rehearsal --yes -n shop")
    }
  }
]

const idOf = (message: string): string =>
  /(?:resume|abort) ([0-9a-f]{8})/.exec(message)?.[1] ?? assert.fail(`no operation in: ${message}`)

/** A rolling update to an image with which no pod gets ready. */
const broken: Options = {
  programs: () => ({ isReady: ({ pod: { spec } }) => spec.containers[0]?.image !== "broken" })
}

/** Members of `db` do not get ready, as long as it is so. */
let hangs = false

/** When members so called are ready. What proves their volumes is named after them, and is let alone. */
const ready = (member: RegExp, isReady: (namespace: string) => boolean): Options => ({
  programs: ({ metadata }) =>
    member.test(metadata.name) ? { isReady: () => isReady(metadata.namespace ?? "") } : undefined
})

/** Interrupts a run, as Ctrl-C does, and aborts it as it says; answers what that says. */
const abortedAfter = async (at: Situation, { ended, kill }: Running): Promise<string> => {
  kill("SIGINT")
  const stopped = await ended
  assert.equal(stopped.code, 130, stopped.err)
  const abort = /kubectl stateful (abort [^`]*)/.exec(stopped.err)?.[1]
  assert.isDefined(abort, stopped.err)
  const { out, err } = await at.run(`kubectl stateful ${abort}`)
  return out + err
}

/** An abort keeps what pods may have written. It is deleted with its volume, and no other that was kept. */
const writtenSince = {
  from: "sdk/src/step/removeFilled.ts",
  shape: "patch pv spec.persistentVolumeReclaimPolicy && delete pvc",
  changes: /^(PersistentVolumeClaim\/|PersistentVolume\/of-)data-\w+-\d-new-\w+$/,
  helps: async (at: Situation, _: Ended, message: string) => {
    const [, claim = ""] = /(data-\S+) is kept/.exec(message) ?? []
    const [, volume = ""] = /patch pv (\S+)/.exec(message) ?? []
    assert.isUndefined(claimOf(at, claim))
    await until(
      "its volume is gone",
      () => at.sandbox.store.get(persistentvolumes, undefined, volume) === undefined
    )
    const kept = at.sandbox.store.list(persistentvolumeclaims, namespace)
    assert.lengthOf(
      kept.filter(({ metadata }) => metadata.name.includes("-new-")),
      2
    )
  }
}

const withoutDriver = ({ sandbox: { registry, store } }: Situation): void => {
  if (store.get(csidrivers, undefined, driver) !== undefined) registry.remove(csidrivers, undefined, driver)
}

/** The volume that is described waits for its driver, which then comes back. */
const isReleased = async (at: Situation, out: string): Promise<void> => {
  assert.match(out, /^Status: +Released$/m)
  assert.match(out, /^Reclaim Policy: +Delete$/m)
  const [, name = ""] = /^Name: +(\S+)$/m.exec(out) ?? []
  at.sandbox.create({
    apiVersion: "storage.k8s.io/v1",
    kind: "CSIDriver",
    metadata: { name: driver },
    spec: {}
  })
  await at.patch(kinds.persistentvolumes, name, { metadata: { annotations: { seen: "again" } } })
  await until(`${name} is gone`, () => at.sandbox.store.get(persistentvolumes, undefined, name) === undefined)
}

/** What the journal of an operation says of it now. */
const statusOf = ({ sandbox }: Situation, id: string): object => {
  const journal = sandbox.store.get(configmaps, namespace, `kubectl-stateful-${id}`)
  const { data } = journal as { readonly data?: Readonly<Record<string, string>> }
  return JSON.parse(data?.["status.json"] ?? "") as object
}

const interrupted: ReadonlyArray<Remedy> = [
  {
    from: "sdk/src/operation/InTheWay.ts",
    shape: "delete configmap",
    when: "where somebody has opened the journal of a restore that is over",
    print: async (at) => {
      const id = await restored(at)
      await at.patch(kinds.configmaps, `kubectl-stateful-${id}`, {
        metadata: { annotations: { "kubectl-stateful.dev/phase": "Stopped" } },
        data: { "status.json": JSON.stringify({ ...statusOf(at, id), phase: "Stopped", ended: null }) }
      })
      return at.refused(`abort ${id} -n shop`)
    },
    changes: /^ConfigMap\/kubectl-stateful-/,
    helps: async (at, _, message) => {
      const [, id = ""] = /configmap kubectl-stateful-([0-9a-f]{8})/.exec(message) ?? []
      await on(at, Restore.undo({ namespace, id }, { identity }))
      assert.equal(stateOf(at), "after")
    }
  },
  {
    from: "sdk/src/step/moveVolume.ts",
    shape: "delete pvc",
    when: "where somebody made a claim while its volume was set aside",
    print: async (at) => {
      await taken(at)
      let isMade = false
      at.sandbox.store.listen(({ object: { kind } }) => {
        if (isMade || kind !== "PersistentVolumeClaim" || claimOf(at, "data-db-1") !== undefined) return
        isMade = true
        queueMicrotask(() => at.sandbox.create(empty("data-db-1")))
      })
      const id = idOf(await at.refused(restoring))
      return at.refused(`abort ${id} -n shop`)
    },
    changes: /^PersistentVolumeClaim\/data-db-1$/,
    helps: async (at) => {
      const { out } = await at.run("kubectl stateful operations -n shop")
      await at.printed(`abort ${/^([0-9a-f]{8}) +restore /m.exec(out)?.[1] ?? out} -n shop`)
      assert.equal(stateOf(at), "after")
    }
  },
  {
    from: "sdk/src/step/reclaimPolicy.ts",
    shape: "patch pv spec.persistentVolumeReclaimPolicy",
    when: "where somebody deletes a claim between a plan and its run",
    print: (at) => {
      let isDone = false
      at.sandbox.store.listen(({ object: { kind, metadata } }) => {
        if (isDone || kind !== "ConfigMap" || !metadata.name.startsWith("kubectl-stateful-")) return
        isDone = true
        queueMicrotask(() => at.sandbox.registry.remove(persistentvolumeclaims, namespace, "data-db-2"))
      })
      return at.refused("scale db --replicas 2 -n shop")
    },
    changes: /^PersistentVolume\/of-data-db-2$/,
    helps: async (at, _, message) => {
      await at.run(`kubectl stateful abort ${idOf(message)} -n shop`)
      const volume = claimOf(at, "data-db-2")?.spec.volumeName ?? ""
      await at.printed("scale db --replicas 2 -n shop")
      await until("the claim is gone", () => claimOf(at, "data-db-2") === undefined)
      assert.isDefined(at.sandbox.volumes.get(volume))
    }
  },
  {
    from: "sdk/src/step/putTemplate.ts",
    shape: "delete pod",
    when: "where a pod that never got ready holds up the template that is put back",
    options: broken,
    print: async (at) => {
      await taken(at)
      const template = { spec: { containers: [{ name: "main", image: "broken" }] } }
      await at.patch(kinds.statefulsets, "db", { spec: { template } })
      await until("db-2 is replaced", () => podOf(at, "db-2")?.spec.containers[0]?.image === "broken")
      await at.ready(6, 1)
      const run = at.start("kubectl stateful restore nightly --only config --yes -n shop")
      await until("it says what it waits for", () => run.said.err.includes("delete pod"))
      return run.said.err
    },
    changes: /^(Pod\/db-\d|StatefulSet\/db|(ConfigMap|Lease)\/kubectl-stateful.*)$/,
    helps: (at) => at.ready(6)
  },
  {
    ...writtenSince,
    when: "where a restore is aborted whose pods may have written",
    options: ready(/^db-\d$/, (where) => !hangs || where !== namespace),
    print: async (at) => {
      await taken(at)
      const run = at.start(`kubectl stateful ${restoring}`)
      await until("it is stopped", () => at.count() === 0)
      hangs = true
      await until("it is started", () => at.count() > 0 && podOf(at, "db-0")?.status.phase === "Running")
      const end = abortedAfter(at, run)
      await until("it is stopped again", () => at.count() === 0)
      hangs = false
      return end
    },
    helps: async (at, ran, message) => {
      await writtenSince.helps(at, ran, message)
      assert.equal(stateOf(at), "after")
    }
  },
  {
    ...writtenSince,
    when: "where a copy is aborted whose pods may have written",
    options: ready(/^copy-\d$/, () => false),
    print: async (at) => {
      await taken(at)
      const run = at.start("kubectl stateful restore nightly --as copy --no-fence --yes -n shop")
      await until("it is started", () => podOf(at, "copy-0")?.status.phase === "Running")
      return abortedAfter(at, run)
    }
  },
  {
    from: "sdk/src/step/removeFilled.ts",
    shape: "describe pv",
    when: "where the driver is gone that is to delete the volume of an aborted restore",
    options: { programs: ({ metadata }) => (metadata.labels?.[proverLabel] ? {} : undefined) },
    print: async (at) => {
      await taken(at)
      const run = at.start(`kubectl stateful ${restoring}`)
      await until("its volumes are looked at", () =>
        at.sandbox.store
          .list(pods, namespace)
          .some(({ metadata, status }) => metadata.labels?.[proverLabel] && status.phase === "Running")
      )
      run.kill("SIGINT")
      const { err } = await run.ended
      // The application needs it until then.
      at.sandbox.store.listen(({ object: { kind, metadata } }) => {
        if (kind === "PersistentVolumeClaim" && metadata.deletionTimestamp !== undefined)
          queueMicrotask(() => withoutDriver(at))
      })
      return at.refusedLate(`abort ${idOf(err)} -n shop`)
    },
    helps: async (at, { out }, message) => {
      await isReleased(at, out)
      await at.printed(`abort ${idOf(message)} -n shop`)
    }
  },
  {
    from: "sdk/src/step/purge.ts",
    shape: "describe pv",
    when: "where the driver is gone that is to delete a purged volume",
    print: async (at) => {
      await restored(at)
      withoutDriver(at)
      return at.refusedLate("scale db --purge -n shop")
    },
    helps: async (at, { out }, message) => {
      await isReleased(at, out)
      await at.printed(`resume ${idOf(message)} --purge -n shop`)
    }
  }
]

/** A kubeconfig of its own, whose context is called `elsewhere`. */
const elsewhere = async (at: Situation): Promise<string> => {
  const other = join(at.folder, randomUUID())
  await at.run(`sh -c 'cp $KUBECONFIG ${other}'`)
  await at.run(`kubectl config rename-context sandbox elsewhere --kubeconfig ${other}`)
  return other
}

/** Which kubeconfig a command names. */
const fileIn = (message: string): string =>
  /--kubeconfig ([\w./-]+)/.exec(message)?.[1] ?? assert.fail(message)

/** Of the cluster, which a kubeconfig has lost. */
let server = ""
/** Of db-0. */
let address = ""

const kubeconfigs: ReadonlyArray<Remedy> = [
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config get-contexts",
    when: "where another kubeconfig has no such context",
    print: async (at) =>
      at.refused(`snapshots --kubeconfig ${await elsewhere(at)} --context nowhere -n shop`),
    helps: async (at, { out }, message) => {
      assert.match(out, / elsewhere /)
      await at.printed(`snapshots --kubeconfig ${fileIn(message)} --context elsewhere -n shop`)
    }
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config use-context",
    when: "where no context is chosen",
    print: async (at) => {
      const other = await elsewhere(at)
      await at.run(`kubectl config unset current-context --kubeconfig ${other}`)
      return at.refused(`snapshots --kubeconfig ${other} -n shop`)
    },
    fill: (command) => command.replace("NAME", "elsewhere"),
    helps: async (at, _, message) => {
      await at.printed(`snapshots --kubeconfig ${fileIn(message)} -n shop`)
    }
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config set-cluster",
    when: "where a cluster has no server",
    print: async (at) => {
      const other = await elsewhere(at)
      const { out } = await at.run("kubectl config view -o jsonpath={.clusters[0].cluster.server}")
      server = out.trim()
      await at.run(`kubectl config unset clusters.sandbox.server --kubeconfig ${other}`)
      return at.refused(`snapshots --kubeconfig ${other} -n shop`)
    },
    fill: (command) => command.replace("URL", server),
    helps: async (at, _, message) => {
      await at.printed(`snapshots --kubeconfig ${fileIn(message)} -n shop`)
    }
  },
  {
    from: "sdk/src/discovery/dns.ts",
    shape: "get endpointslices",
    when: "where a name resolves to what is no pod's",
    options: {
      programs: () => ({
        onExec: (host, command) =>
          hookExec(host, command, (_, { stdout }) => Effect.as(stdout(`0 ${address} 10.9.9.9\n`), 0))
      })
    },
    print: (at) => {
      address = podOf(at, "db-0")?.status.podIP ?? ""
      at.sandbox.create({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "by-hand", namespace, labels: { "kubernetes.io/service-name": "db" } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.9.9.9"] }],
        ports: []
      } as Draft)
      return at.printed("peers db --check-dns -n shop")
    },
    helps: (_, { out }) => assert.match(out, /^by-hand .* 10\.9\.9\.9 /m)
  }
]

export const remedies: ReadonlyArray<Remedy> = [
  ...snapshots,
  ...refused,
  ...restores,
  ...interrupted,
  ...kubeconfigs
]

export const unplayed: ReadonlyArray<Unplayed> = []
