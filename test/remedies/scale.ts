/** Printed by `scale`. */
import { setTimeout as sleep } from "node:timers/promises"
import { assert } from "vitest"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { persistentvolumeclaims, pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import type { Remedy } from "./Remedy.ts"
import { db, namespace, type Situation, until } from "./Situation.ts"
import { hooks, idIn, isGoing, claim } from "./stopped.ts"

/** Pods whose programs are not ready, by uid. */
const sick = new Set<string>()

const isSo = async (what: string, ask: () => boolean): Promise<void> => {
  await until(what, ask)
}

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
    from: "kubectl-stateful/src/command/sets.ts",
    shape: "stateful describe",
    when: "where a selector finds no StatefulSet",
    print: (at) => at.refused("scale -l app=nothing --replicas 2 -n shop"),
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
    from: "sdk/src/scale/predictions.ts",
    shape: "delete pod",
    when: "where a pod lacks the volume of a template that its StatefulSet was recreated with",
    print: async (at) => {
      at.sandbox.registry.remove(statefulsets, namespace, "db", { propagation: "Orphan" })
      await until("it is gone", () => at.sandbox.store.get(statefulsets, namespace, "db") === undefined)
      const set = db()
      const [data] = set.spec.volumeClaimTemplates
      const volumeClaimTemplates = [...set.spec.volumeClaimTemplates, { ...data, metadata: { name: "wal" } }]
      at.sandbox.create({ ...set, spec: { ...set.spec, volumeClaimTemplates } })
      await until("its claim is there", () =>
        at.sandbox.store.get(persistentvolumeclaims, namespace, "wal-db-0")
      )
      return at.printed("scale db --replicas 4 --dry-run=client -n shop")
    },
    changes: /^(Pod\/db-0|PersistentVolume.*wal-db-[01]|StatefulSet\/db)$/,
    helps: async (at) => {
      await isSo(
        "db-0 has it, and db-1 is next",
        () => at.sandbox.store.get(persistentvolumeclaims, namespace, "wal-db-1") !== undefined
      )
      assert.match(
        await at.printed("scale db --replicas 4 --dry-run=client -n shop"),
        /db-1 has no volume of template wal/
      )
    }
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
