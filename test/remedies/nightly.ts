/** What the remedies of snapshots and restores share: `db` with a snapshot called `nightly`. */
import * as Effect from "effect/Effect"
import { assert } from "vitest"
import type { Draft } from "../../packages/sandbox/src/apimachinery/KubeObject.ts"
import { persistentvolumeclaims, pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { statefulSet } from "../../packages/sdk/src/App.ts"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import * as Restore from "../../packages/sdk/src/Restore.ts"
import * as Snapshot from "../../packages/sdk/src/Snapshot.ts"
import type { Remedy } from "./Remedy.ts"
import { namespace, type Situation, until } from "./Situation.ts"

export const identity = "ann@laptop"

/** What is there before anything is printed needs no process of its own. */
export const on = <A, E>({ sandbox }: Situation, work: Effect.Effect<A, E, Cluster>): Promise<A> =>
  Effect.runPromise(Effect.provideService(work, Cluster, sandbox.cluster))

export const yes = (command: string): string => `${command} --yes`

export const claimOf = ({ sandbox }: Situation, name: string) =>
  sandbox.store.get(persistentvolumeclaims, namespace, name)

export const podOf = ({ sandbox }: Situation, name: string) => sandbox.store.get(pods, namespace, name)

export const bytesOf = (at: Situation, claim: string) =>
  at.sandbox.volumes.get(claimOf(at, claim)?.spec.volumeName ?? "")

export const members = ["data-db-0", "data-db-1", "data-db-2"]

/** Each member's volume says from when it is. */
export const write = (at: Situation, when: string): void => {
  for (const claim of members) bytesOf(at, claim)?.write("mark", when)
}

/** From when all members' volumes are. */
export const stateOf = (at: Situation): string =>
  [...new Set(members.map((claim) => bytesOf(at, claim)?.readText("mark") ?? "nothing"))].join()

export const app = statefulSet(namespace, "db")

export const nightly = { namespace, name: "nightly" }

/** A snapshot of `before`; the members say `after` since. */
export const taken = async (
  at: Situation,
  options: Partial<Snapshot.SnapshotOptions> = {}
): Promise<void> => {
  write(at, "before")
  await on(at, Snapshot.take(app, { name: "nightly", identity, ...options }))
  write(at, "after")
}

/** That, and put back; answers the operation. */
export const restored = async (at: Situation): Promise<string> => {
  await taken(at)
  const { id, outcome } = await on(at, Restore.restore(nightly, { identity }))
  assert.equal(outcome, "Succeeded")
  assert.equal(stateOf(at), "before")
  return id ?? ""
}

export const removed = async (
  at: Situation,
  type: Parameters<Situation["sandbox"]["store"]["list"]>[0],
  name: string
) => {
  at.sandbox.registry.remove(type, namespace, name)
  await until(`${name} is gone`, () => at.sandbox.store.get(type, namespace, name) === undefined)
}

/** Begins to go: its pod holds it. */
export const removedLater = async (at: Situation, claim: string) => {
  at.sandbox.registry.remove(persistentvolumeclaims, namespace, claim)
  await until(`${claim} is in deletion`, () => claimOf(at, claim)?.metadata.deletionTimestamp !== undefined)
}

export const isInDeletion: Remedy["helps"] = (_, { out }) => {
  assert.match(out, /^Name: +data-db-1$/m)
  assert.match(out, /^Status: +Terminating/m)
}

/** What a swap of volumes changes of `db`, and what an operation leaves of itself. */
export const swap =
  /^(StatefulSet\/db|Pod\/db-\d|PersistentVolumeClaim\/data-db-[\w-]+|PersistentVolume\/(of-data-db-|pvc-)[\w-]+|VolumeAttachment\/csi-\w+|(ConfigMap|Lease)\/kubectl-stateful\S*)$/

/** A claim of no class that there is, which nobody has made a volume for. */
export const empty = (name: string): Draft => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, namespace },
  spec: {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } }
  }
})

export const restoring = "restore nightly --yes -n shop"
