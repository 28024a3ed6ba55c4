/** Printed by `snapshot`, `snapshots` and `thaw`. */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "vitest"
import { heldExec, isHeld } from "../../packages/sandbox/src/node/HeldExec.ts"
import { hookExec, isHook } from "../../packages/sandbox/src/node/HookExec.ts"
import {
  configmaps,
  persistentvolumeclaims,
  secrets
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshotcontents, volumesnapshots } from "../../packages/sandbox/src/registry/kinds/storage.ts"
import * as Restore from "../../packages/sdk/src/Restore.ts"
import { exportSet } from "../../packages/sdk/src/SnapshotTransfer.ts"
import type { Remedy } from "./Remedy.ts"
import { namespace, type Situation } from "./Situation.ts"
import {
  identity,
  on,
  yes,
  nightly,
  taken,
  restored,
  removed,
  removedLater,
  isInDeletion,
  swap
} from "./nightly.ts"
import { claim } from "./stopped.ts"

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

export const remedies: ReadonlyArray<Remedy> = [
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
  },
  {
    from: "sdk/src/step/cutQuiesced.ts",
    shape: "stateful thaw",
    when: "where nobody can prove that the members were held",
    // The pause is begun, and its end comes too early.
    options: {
      programs: () => ({
        onExec: (host, command) => {
          if (isHeld(command.argv))
            return heldExec(host, command, () =>
              Effect.sync(() => host.memory.set("held", true)).pipe(Effect.as(1))
            )
          if (!isHook(command.argv)) return Effect.succeed(null)
          return hookExec(host, command, (_, { argv }) =>
            Effect.sync(() => {
              if (argv.join(" ").includes("UNPAUSE")) host.memory.set("held", false)
              return 0
            })
          )
        }
      })
    },
    print: (at) => at.refused("snapshot db --name nightly --consistency quiesced --profile redis -n shop"),
    helps: (_, { out }) => assert.equal(out, "pod/db-0 thawed\npod/db-1 thawed\npod/db-2 thawed\n")
  },
  {
    from: "sdk/src/step/cutGroup.ts",
    shape: "label pvc kubectl-stateful.dev/cut-with",
    when: "where a claim of nobody carries the label by which a group is cut",
    print: (at) => {
      at.sandbox.store.listen(({ object: { kind, metadata } }) => {
        const member = metadata.labels?.["kubectl-stateful.dev/cut-with"]
        if (kind !== "PersistentVolumeClaim" || member === undefined || metadata.name === "stray") return
        const labels = { "kubectl-stateful.dev/cut-with": member }
        queueMicrotask(() => {
          if (at.sandbox.store.get(persistentvolumeclaims, namespace, "stray") === undefined)
            at.sandbox.create(claim({ storageClassName: "" }, { name: "stray", labels }))
        })
      })
      return at.refused("snapshot db --name nightly --consistency group -n shop")
    },
    changes: /^PersistentVolumeClaim\/stray$/,
    helps: async (at, _, message) =>
      void (await at.printed(/stateful (resume [^`]*)/.exec(message)?.[1] ?? ""))
  }
]
