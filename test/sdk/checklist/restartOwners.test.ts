import { assert, describe, it } from "@effect/vitest"
import { first } from "../appState.ts"
import { look } from "./cases.ts"
import { caseOf } from "./restart.ts"

describe("restart", () => {
  it("sends to the operator what only the operator can change for good", () => {
    const { findings } = look("restart", "grace-period-zero", (draft) => {
      const workload = first(draft.workloads)
      workload.template.terminationGracePeriodSeconds = 0
      workload.writers.push({ name: "Cluster.postgresql.cnpg.io/db", by: "ownerReferences", replicas: true })
    })
    assert.strictEqual(first(findings).remedy, "change this in Cluster.postgresql.cnpg.io/db, which owns db")
  })

  it("sends to the operator with data that needs a claim, too", () => {
    const owner = { name: "CephCluster.ceph.rook.io/rook", by: "ownerReferences", replicas: true } as const
    const { findings } = look("restart", "data-in-no-volume", (draft) => {
      const workload = first(draft.workloads)
      draft.claims = []
      draft.volumes = []
      workload.claimTemplates = []
      for (const container of workload.template.containers) container.keeps = []
      workload.writers.push(owner)
    })
    assert.match(
      first(findings).remedy ?? "",
      /store \w+( data)? on a PVC: change this in CephCluster\.ceph\.rook\.io\/rook, which owns db$/
    )
  })

  it("sends to the repository what Argo CD or Flux would put back", () => {
    const { findings } = look("restart", "grace-period-zero", (draft) => {
      const workload = first(draft.workloads)
      workload.template.terminationGracePeriodSeconds = 0
      workload.writers = [{ name: "Application.argoproj.io/shop", by: "annotations", replicas: false }]
    })
    assert.strictEqual(
      first(findings).remedy,
      "change this in the source of Application.argoproj.io/shop, which applies db"
    )
  })

  it("sends to the autoscaler who wants other replicas", () => {
    const { findings } = look("restart", "too-few-replicas", (draft) => {
      caseOf("too-few-replicas").change(draft)
      first(draft.workloads).writers.push({
        name: "HorizontalPodAutoscaler/db",
        by: "scaleTargetRef",
        replicas: true
      })
    })
    assert.strictEqual(
      first(findings).remedy,
      "if db replicates its data, set 3 replicas in HorizontalPodAutoscaler/db"
    )
  })
})
