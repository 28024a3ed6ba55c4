/** Printed by `resume`, `abort` and `operations`. */
import { assert } from "vitest"
import {
  configmaps,
  persistentvolumeclaims,
  secrets
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import type { Remedy } from "./Remedy.ts"
import { namespace, type Situation, until } from "./Situation.ts"
import { stopped, hooks, idIn, isGoing } from "./stopped.ts"

/** What an operation keeps of itself, and the two objects that a member is made of. */
const ofMember =
  /^(StatefulSet\/db|Pod\/db-3|PersistentVolumeClaim\/data-db-3|PersistentVolume\/of-data-db-3)$/

const ofOperation = /^(ConfigMap|Lease)\/kubectl-stateful/

const scaled = new RegExp(`${ofMember.source}|${ofOperation.source}`)

/** One that runs until a node takes the fourth member. */
const running = async (at: Situation) => {
  await at.nodesTake(false)
  const run = at.start("kubectl stateful scale db --replicas 4 -n shop")
  await until("the count is set", () => at.count() === 4)
  const [journal] = at.sandbox.store
    .list(configmaps, namespace)
    .filter(({ metadata }) => metadata.name.startsWith("kubectl-stateful-"))
  return { run, id: journal?.metadata.name.slice("kubectl-stateful-".length) ?? "" }
}

/** A resume that brings all members up. */
const resumed = {
  from: "sdk/src/operation/OperationId.ts",
  shape: "stateful resume",
  changes: scaled,
  helps: (at: Situation) => at.ready(7)
}

export const remedies: ReadonlyArray<Remedy> = [
  {
    ...resumed,
    when: "where a step got nowhere",
    print: async (at) => {
      const message = await stopped(at)
      await at.nodesTake(true)
      return message
    }
  },
  {
    ...resumed,
    when: "where another caller holds the application",
    print: async (at) => {
      const { id } = await running(at)
      const message = await at.refused(`resume ${id} -n shop`)
      await at.nodesTake(true)
      return message
    }
  },
  {
    from: "sdk/src/operation/OperationId.ts",
    shape: "stateful operations",
    when: "where another process has taken over",
    print: async (at) => {
      const { run, id } = await running(at)
      const other = at.start(`kubectl stateful resume ${id} --take-over -n shop`)
      const { code, err } = await run.ended
      assert.equal(code, 1, err)
      await at.nodesTake(true)
      assert.equal((await other.ended).code, 0)
      return err.slice(err.indexOf("error:"))
    },
    helps: (_, { out }) => assert.match(out, /scale +db +Succeeded/)
  },
  {
    from: "sdk/src/operation/OperationId.ts",
    shape: "stateful operations",
    when: "where an operation went below quorum, and is taken up without saying so",
    print: async (at) => {
      const id = idIn(await stopped(at, "--quorum none"))
      return at.refused(`resume ${id} -n shop`)
    },
    helps: (_, { out }) => assert.match(out, /scale +db +Stopped/)
  },
  {
    from: "sdk/src/operation/OperationId.ts",
    shape: "stateful operations",
    when: "where there is no operation of that id",
    print: async (at) => {
      await at.printed("scale db --replicas 2 -n shop")
      return at.refused("resume deadbeef -n shop")
    },
    helps: (_, { out }) => assert.match(out, /scale +db +Succeeded/)
  },
  {
    from: "sdk/src/operation/OperationId.ts",
    shape: "stateful abort",
    when: "where a step got nowhere",
    print: (at) => stopped(at),
    changes: scaled,
    helps: async (at) => {
      assert.equal(at.count(), 3)
      await at.nodesTake(true)
      await isGoing(at, 4)
    }
  },
  {
    from: "sdk/src/operation/OperationId.ts",
    shape: "stateful abort",
    when: "where the journal of an operation is gone",
    print: async (at) => {
      const id = idIn(await stopped(at))
      await at.remove(kinds.configmaps, `kubectl-stateful-${id}`)
      await at.nodesTake(true)
      return at.refused("scale db --replicas 3 -n shop")
    },
    changes: scaled,
    helps: (at) => isGoing(at, 3)
  },
  {
    from: "sdk/src/step/leftClaims.ts",
    shape: "delete pvc",
    when: "where a scale-up is aborted that has added a member",
    print: async (at) => {
      const id = idIn(await stopped(at))
      const { err } = await at.run(`kubectl stateful abort ${id} -n shop`)
      await at.nodesTake(true)
      return err
    },
    changes: /^PersistentVolumeClaim\/data-db-3$/,
    helps: async (at) => {
      assert.isUndefined(at.sandbox.store.get(persistentvolumeclaims, namespace, "data-db-3"))
      await isGoing(at, 4)
    }
  },
  {
    from: "kubectl-stateful/src/command/OperationCommand.ts",
    shape: "stateful scale",
    when: "where a scale is aborted that is over",
    print: async (at) => {
      await at.printed("scale db --replicas 4 -n shop")
      const { out } = await at.run("kubectl stateful operations -n shop")
      return at.refused(`abort ${/^([0-9a-f]{8}) /m.exec(out)?.[1] ?? ""} -n shop`)
    },
    fill: (command) => command.replace("COUNT", "3"),
    changes: scaled,
    helps: (at) => at.ready(6)
  },
  {
    from: "kubectl-stateful/src/command/OperationCommand.ts",
    shape: "stateful snapshots",
    when: "where a snapshot is aborted that is over",
    print: async (at) => {
      await at.printed("snapshot db --name nightly --consistency crash -n shop")
      const { out } = await at.run("kubectl stateful operations -n shop")
      return at.refused(`abort ${/^([0-9a-f]{8}) /m.exec(out)?.[1] ?? ""} -n shop`)
    },
    fill: (command) => `${command.replace("NAME", "nightly")} --yes`,
    changes:
      /^(VolumeSnapshot|VolumeSnapshotContent|VolumeGroupSnapshot|ConfigMap|Secret|Lease|StatefulSet|PersistentVolumeClaim)\//,
    helps: async (at) => {
      assert.notMatch(await at.printed("snapshots -n shop"), /nightly/)
    }
  },
  {
    from: "sdk/src/operation/way.ts",
    shape: "delete configmap",
    when: "where nobody has the hooks of an operation any more",
    options: hooks,
    print: async (at) => {
      const id = idIn(await stopped(at, "--after-add true"))
      return at.refused(`resume ${id} -n shop`)
    },
    changes: /^ConfigMap\/kubectl-stateful-/,
    helps: async (at, _, message) => {
      const { code, err } = await at.run(/kubectl stateful abort db [^`]*/.exec(message)?.[0] ?? "")
      assert.equal(code, 0, err)
      await at.nodesTake(true)
      await isGoing(at, 4)
    }
  },
  {
    from: "sdk/src/operation/Run.ts",
    shape: "annotate secret kubectl-stateful.dev/operation",
    when: "where a snapshot's record is annotated with an operation that nobody knows",
    print: async (at) => {
      await at.printed("snapshot db --name nightly --consistency crash -n shop")
      const [record] = at.sandbox.store
        .list(secrets, namespace)
        .filter(({ metadata }) => metadata.name.includes("nightly"))
      const annotations = { "kubectl-stateful.dev/operation": "deadbeef.00000001" }
      await at.patch(kinds.secrets, record?.metadata.name ?? "", { metadata: { annotations } })
      return at.refused("snapshots prune nightly --last --yes -n shop")
    },
    changes: /^Secret\//,
    helps: async (at) => void (await at.printed("snapshots prune nightly --last --yes -n shop"))
  }
]
