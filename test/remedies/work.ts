/** Printed by `scale`, `resume`, `abort`, `operations`, `thaw`, `describe`, and what they share. */
import { setTimeout as sleep } from "node:timers/promises"
import { assert } from "vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import {
  configmaps,
  persistentvolumeclaims,
  pods,
  secrets
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { heldExec, isHeld } from "../../packages/sandbox/src/node/HeldExec.ts"
import { hookExec, isHook } from "../../packages/sandbox/src/node/HookExec.ts"
import type { Options } from "../../packages/sandbox/src/Sandbox.ts"
import type { Remedy } from "./Remedy.ts"
import { namespace, type Situation, until } from "./Situation.ts"
import type { Unplayed } from "./table.ts"

/** What an operation keeps of itself, and the two objects that a member is made of. */
const ofMember =
  /^(StatefulSet\/db|Pod\/db-3|PersistentVolumeClaim\/data-db-3|PersistentVolume\/of-data-db-3)$/
const ofOperation = /^(ConfigMap|Lease)\/kubectl-stateful/
const scaled = new RegExp(`${ofMember.source}|${ofOperation.source}`)

/** A scale to four that stops, since no node takes the fourth member; what it printed. */
const stopped = async (at: Situation, flags = ""): Promise<string> => {
  await at.nodesTake(false)
  return at.refused(`scale db --replicas 4 --step-timeout 1s ${flags} -n shop`)
}

/** Containers with a shell, whose hooks do nothing and succeed. */
const hooks: Options = {
  programs: () => ({
    onExec: (host, command) =>
      isHook(command.argv) ? hookExec(host, command, () => Effect.succeed(0)) : Effect.succeed(null)
  })
}

/** Pods whose programs are not ready, by uid. */
const sick = new Set<string>()

const isSo = async (what: string, ask: () => boolean): Promise<void> => {
  await until(what, ask)
}

const idIn = (message: string): string =>
  /resume ([0-9a-f]{8})/.exec(message)?.[1] ?? assert.fail(`no operation in: ${message}`)

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

const isGoing = async (at: Situation, count: number): Promise<void> => {
  await at.printed(`scale db --replicas ${count} -n shop`)
  await at.ready(3 + count)
}

/** A claim by hand, of a member that is not there yet. */
const claim = (spec: object, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "data-db-3", namespace, labels: { app: "db" }, ...metadata },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec }
})

const pod = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, ...metadata },
  spec: { containers: [{ name: "main", image: "app" }], ...spec }
})

const planned = (at: Situation, flags: string): Promise<string> =>
  at.refused(`scale db --dry-run=client -n shop ${flags}`)

export const remedies: ReadonlyArray<Remedy> = [
  {
    from: "sdk/src/state/AppNotFound.ts",
    shape: "stateful describe",
    when: "where no StatefulSet is called so",
    print: (at) => at.refused("describe nobody -n shop"),
    helps: (_, { out }) => assert.match(out, /^db /m)
  },
  {
    from: "sdk/src/App.ts",
    shape: "stateful describe",
    when: "where somebody else writes the count",
    print: (at) => {
      at.sandbox.rival({ manager: "argocd-controller", namespace, name: "db", replicas: 3, afterMillis: 200 })
      return at.refused("scale db --replicas 5 -n shop")
    },
    helps: (_, { out }) => assert.match(out, /argocd-controller/)
  },
  {
    from: "sdk/src/operation/OperationId.ts",
    shape: "stateful resume",
    when: "where a step got nowhere",
    print: async (at) => {
      const message = await stopped(at)
      await at.nodesTake(true)
      return message
    },
    changes: scaled,
    helps: (at) => at.ready(7)
  },
  {
    from: "sdk/src/operation/OperationId.ts",
    shape: "stateful resume",
    when: "where another caller holds the application",
    print: async (at) => {
      const { id } = await running(at)
      const message = await at.refused(`resume ${id} -n shop`)
      await at.nodesTake(true)
      return message
    },
    changes: scaled,
    helps: (at) => at.ready(7)
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
    from: "kubectl-stateful/src/print/surroundings.ts",
    shape: "get events",
    when: "where there are more events than describe shows",
    print: async (at) => {
      for (const [index, { metadata }] of at.sandbox.store.list(pods, namespace).entries())
        for (const reason of ["A", "B", "C", "D", "E"]) {
          const event = {
            apiVersion: "v1",
            kind: "Event",
            metadata: { name: `event-${index}-${reason.toLowerCase()}`, namespace },
            involvedObject: { kind: "Pod", namespace, name: metadata.name, uid: metadata.uid },
            type: "Warning",
            reason: `Bad${reason}${index}`,
            message: `it is bad ${reason}${index}`,
            count: 1,
            firstTimestamp: metadata.creationTimestamp,
            lastTimestamp: new Date(Date.now() + 60_000).toISOString()
          }
          at.sandbox.create(event)
        }
      return at.printed("describe db -n shop")
    },
    helps: (_, { out }) => {
      for (const reason of ["BadA0", "BadE2"]) assert.include(out, reason)
    }
  },
  {
    from: "sdk/src/Operation.ts",
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
    from: "sdk/src/scale/data.ts",
    shape: "patch pv spec.persistentVolumeReclaimPolicy",
    when: "where a claim in deletion takes its volume with it",
    print: async (at) => {
      await at.remove(kinds.persistentvolumeclaims, "data-db-2")
      return planned(at, "--replicas 2")
    },
    changes: /^PersistentVolume\/of-data-db-2$/,
    helps: async (at) => {
      await at.printed("scale db --replicas 2 --dry-run=client -n shop")
    }
  },
  {
    from: "sdk/src/scale/data.ts",
    shape: "wait --for=delete",
    when: "where a claim is on its way out that a new pod would find",
    print: async (at) => {
      at.sandbox.create(claim({ storageClassName: "" }, { finalizers: ["example.com/held"] }))
      await at.remove(kinds.persistentvolumeclaims, "data-db-3")
      const message = await planned(at, "--replicas 4")
      void sleep(500).then(() =>
        at.patch(kinds.persistentvolumeclaims, "data-db-3", { metadata: { finalizers: null } })
      )
      return message
    },
    changes: /^PersistentVolumeClaim\/data-db-3$/,
    helps: (at) => isGoing(at, 4)
  },
  {
    from: "sdk/src/scale/data.ts",
    shape: "delete pvc",
    when: "where a claim without a volume is to be set aside",
    print: (at) => {
      at.sandbox.create(claim({ storageClassName: "" }))
      return planned(at, "--replicas 4 --leftover-claims set-aside")
    },
    changes: /^PersistentVolumeClaim\/data-db-3$/,
    helps: (at) => isGoing(at, 4)
  },
  {
    from: "sdk/src/scale/data.ts",
    shape: "get volumesnapshots,pvc",
    when: "where a claim that is to be set aside is being cut",
    print: async (at) => {
      await at.printed("scale db --replicas 2 -n shop")
      at.sandbox.create({
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshot",
        metadata: { name: "reading", namespace },
        spec: { source: { persistentVolumeClaimName: "data-db-2" } }
      })
      return planned(at, "--replicas 3 --leftover-claims set-aside")
    },
    options: {
      storage: { fail: ({ name }) => (name === "CreateSnapshot" ? "Unavailable: later" : undefined) }
    },
    helps: (_, { out }) => assert.match(out, /reading/)
  },
  {
    from: "sdk/src/scale/data.ts",
    shape: "patch statefulset spec.persistentVolumeClaimRetentionPolicy.whenScaled",
    when: "where a claim goes with a pod that is still there",
    print: async (at) => {
      const policy = { persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } }
      await at.patch(kinds.statefulsets, "db", { spec: policy })
      await at.patch(kinds.pods, "db-2", { metadata: { finalizers: ["example.com/held"] } })
      await at.patch(kinds.statefulsets, "db", { spec: { replicas: 2 } })
      await until(
        "db-2 is ending",
        () => at.sandbox.store.get(pods, namespace, "db-2")?.metadata.deletionTimestamp !== undefined
      )
      return planned(at, "--replicas 3")
    },
    changes: /^(StatefulSet\/db|PersistentVolumeClaim\/data-db-\d)$/,
    helps: async (at) => {
      await at.patch(kinds.pods, "db-2", { metadata: { finalizers: null } })
      await isGoing(at, 3)
    }
  },
  {
    from: "sdk/src/scale/data.ts",
    shape: "describe pod",
    when: "where another pod has a claim that a new one would find",
    print: async (at) => {
      await at.printed("scale db --replicas 2 -n shop")
      const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data-db-2" } }]
      at.sandbox.create(pod("reader", { volumes }))
      await at.ready(6)
      return planned(at, "--replicas 3")
    },
    helps: (_, { out }) => assert.match(out, /reader[^]*data-db-2/)
  },
  {
    from: "sdk/src/scale/data.ts",
    shape: "edit pvc",
    when: "where a claim is smaller than its template",
    print: async (at) => {
      at.sandbox.create(
        claim({ storageClassName: "shared-immediate", resources: { requests: { storage: "512Mi" } } })
      )
      await until(
        "it is bound",
        () => at.sandbox.store.get(persistentvolumeclaims, namespace, "data-db-3")?.status?.phase === "Bound"
      )
      return at.printed("scale db --replicas 4 --dry-run=client -n shop")
    },
    fill: (command) => `env KUBE_EDITOR='sed -i s/512Mi/1Gi/' ${command}`,
    changes: /^(PersistentVolumeClaim\/data-db-3|PersistentVolume\/of-data-db-3)$/,
    helps: async (at) => {
      await isGoing(at, 4)
      await isSo("it has grown", () => {
        const { status } = at.sandbox.store.get(persistentvolumeclaims, namespace, "data-db-3") ?? {}
        return status?.capacity?.storage === "1Gi"
      })
    }
  },
  {
    from: "sdk/src/scale/ground.ts",
    shape: "create serviceaccount",
    when: "where new pods name one that is not there",
    print: async (at) => {
      const template = { spec: { serviceAccountName: "runner" } }
      const updateStrategy = { type: "OnDelete", rollingUpdate: null }
      await at.patch(kinds.statefulsets, "db", { spec: { updateStrategy, template } })
      return planned(at, "--replicas 4")
    },
    changes: /^ServiceAccount\/runner$/,
    helps: (at) => isGoing(at, 4)
  },
  {
    from: "sdk/src/scale/ground.ts",
    shape: "describe pod",
    when: "where a pod of somebody else has the name of a new one",
    print: (at) => {
      at.sandbox.create(pod("db-3", {}, { labels: { of: "another" } }))
      return planned(at, "--replicas 4")
    },
    helps: (_, { out }) => assert.match(out, /of=another/)
  },
  {
    from: "sdk/src/wait/replicas.ts",
    shape: "delete pod",
    when: "where an ordered set takes away no pod while another is not ready",
    options: { programs: () => ({ isReady: ({ pod: { metadata } }) => !sick.has(metadata.uid) }) },
    print: async (at) => {
      for (const name of ["db-1", "db-2"])
        sick.add(at.sandbox.store.get(pods, namespace, name)?.metadata.uid ?? "")
      await at.ready(6, 2)
      const run = at.start("kubectl stateful scale db --replicas 1 --quorum none -n shop")
      await until("it says what it waits for", () => run.said.err.includes("delete pod"))
      return run.said.err
    },
    changes:
      /^(Pod\/db-[12]|StatefulSet\/db|PersistentVolume.*data-db-[12]|(Lease|ConfigMap)\/kubectl-stateful.*)$/,
    helps: (at) => at.ready(4)
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
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config get-contexts",
    when: "where there is no such context",
    print: (at) => at.refused("describe db --context nowhere -n shop"),
    helps: (_, { out }) => assert.match(out, /\bsandbox\b/)
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config get-clusters",
    when: "where there is no such cluster",
    print: (at) => at.refused("describe db --cluster nowhere -n shop"),
    helps: (_, { out }) => assert.match(out, /^sandbox$/m)
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config get-users",
    when: "where there is no such user",
    print: (at) => at.refused("describe db --user nowhere -n shop"),
    helps: (_, { out }) => assert.match(out, /^sandbox$/m)
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config use-context",
    when: "where no context is current",
    print: async (at) => {
      await at.run("kubectl config unset current-context")
      return at.refused("describe db -n shop")
    },
    fill: (command) => command.replace("NAME", "sandbox"),
    helps: async (at) => void (await at.printed("describe db -n shop"))
  },
  {
    from: "sdk/src/kubernetes/kubeconfig.ts",
    shape: "config set-cluster",
    when: "where a cluster has no server",
    print: async (at) => {
      await at.run("kubectl config unset clusters.sandbox.server")
      return at.refused("describe db -n shop")
    },
    fill: (command, { url }) => command.replace("URL", url),
    helps: async (at) => void (await at.printed("describe db -n shop"))
  },
  {
    from: "sdk/src/resource/Status.ts",
    shape: "api-resources",
    when: "where the cluster does not serve snapshots",
    options: { without: ["volumesnapshots.snapshot.storage.k8s.io"] },
    print: (at) => at.refused("snapshot db --consistency crash -n shop"),
    helps: (_, { out }) => assert.notMatch(out, /volumesnapshots /)
  },
  {
    from: "sdk/src/operation/Turn.ts",
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
  },
  {
    from: "sdk/src/step/claims.ts",
    shape: "describe pvc",
    when: "where a claim that an abort removes is held",
    options: hooks,
    print: async (at) => {
      for (const [name, is] of [
        ["shared", "false"],
        ["shared-immediate", "true"]
      ] as const)
        await at.patch(kinds.storageclasses, name, {
          metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": is } }
        })
      await at.nodesTake(false)
      const id = idIn(await at.refused("scale db --replicas 5 --step-timeout 1s --after-add true -n shop"))
      await at.patch(kinds.persistentvolumeclaims, "data-db-4", {
        metadata: { finalizers: ["example.com/held"] }
      })
      return at.refusedLate(`abort ${id} --after-add true -n shop`)
    },
    helps: async (at, { out }, message) => {
      assert.match(out, /^Status: +Terminating/m)
      assert.match(out, /^Finalizers: +\[example\.com\/held\]/m)
      await at.patch(kinds.persistentvolumeclaims, "data-db-4", { metadata: { finalizers: null } })
      await at.printed(
        `abort ${/abort ([0-9a-f]{8})/.exec(message)?.[1] ?? message} --after-add true -n shop`
      )
    }
  }
]

export const unplayed: ReadonlyArray<Unplayed> = [
  { from: "kubectl-stateful/src/commands/rbac.ts", start: "apply", why: "the help's own example" },
  { from: "kubectl-stateful/src/commands/rbac.ts", start: "apply", why: "the help's own words" },
  { from: "kubectl-stateful/src/commands/rbac.ts", start: "create rolebinding", why: "the help's own words" },
  { from: "sdk/src/kubernetes/credentials.ts", start: "since", why: "says which kubectl, and no command" }
]
