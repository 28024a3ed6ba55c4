/** Printed by a `restore` that was interrupted, and by its abort. */
import { assert } from "vitest"
import type { Options } from "../../packages/sandbox/src/Sandbox.ts"
import { driver } from "../../packages/sandbox/src/node/Nodes.ts"
import {
  configmaps,
  persistentvolumeclaims,
  persistentvolumes,
  pods
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { csidrivers } from "../../packages/sandbox/src/registry/kinds/storage.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import { proverLabel } from "../../packages/sdk/src/Labels.ts"
import * as Restore from "../../packages/sdk/src/Restore.ts"
import type { Remedy } from "./Remedy.ts"
import { type Ended, namespace, type Running, type Situation, until } from "./Situation.ts"
import { identity, on, claimOf, podOf, stateOf, taken, restored, empty, restoring } from "./nightly.ts"

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

export const remedies: ReadonlyArray<Remedy> = [
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
