import { assert, describe, it } from "@effect/vitest"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import { type Draft, first, healthyApp, named } from "../appState.ts"

/** What the plan says of scheduling, for a change of the healthy application: three replicas, a node and a zone each. */
const said = (replicas: number, change: (draft: Draft<AppState>) => void = () => {}) => {
  const plan = Scale.plan(healthyApp(change), "44b98c3f", { replicas })
  return (plan?.warnings ?? []).filter((line) => /schedul|no node takes/.test(line))
}

/** No replica has to be on a node of its own. */
const together = (draft: Draft<AppState>) => {
  first(draft.workloads).template.antiAffinityKeys = []
  first(draft.workloads).template.spread = []
}

/** Each replica has to be on a node of its own. */
const apart = (draft: Draft<AppState>) => {
  first(draft.workloads).template.antiAffinityKeys = ["kubernetes.io/hostname"]
}

describe("a plan to scale says what will not be scheduled", () => {
  it("nothing, where a node is free for each", () => {
    assert.deepEqual(said(5, together), [])
  })

  it("replicas that want a node each, more than there are", () => {
    assert.deepEqual(said(4, apart), [
      "4 replicas want a node each, 3 nodes can take pods: db-3 will not be scheduled"
    ])
  })

  it("replicas that want a zone each, where a taint closes one", () => {
    const closed = said(4, (draft) => {
      first(draft.workloads).template.antiAffinityKeys = ["topology.kubernetes.io/zone"]
      named(draft.nodes, "node-b").taints = ["dedicated=web:NoSchedule"]
    })
    assert.deepEqual(closed, [
      "4 replicas want a zone each, 2 zones can take pods: db-3 will not be scheduled"
    ])
  })

  it("any replica, where every node is closed, with each reason and how often", () => {
    const closed = (draft: Draft<AppState>) => {
      together(draft)
      named(draft.nodes, "node-a").unschedulable = true
      for (const name of ["node-b", "node-c"]) named(draft.nodes, name).taints = ["dedicated=web:NoSchedule"]
    }
    assert.deepEqual(said(4, closed), [
      "no node takes db-3 (2 taint dedicated=web:NoSchedule not tolerated, 1 cordoned): it will wait until one does, and so will all after it"
    ])
    const tolerant = said(4, (draft) => {
      closed(draft)
      first(draft.workloads).template.tolerations = ["dedicated=web:NoSchedule"]
    })
    assert.deepEqual(tolerant, [])
  })

  it("a replica of a nodeSelector that no node has", () => {
    const lines = said(4, (draft) => {
      together(draft)
      first(draft.workloads).template.nodeSelector = { disk: "fast" }
    })
    assert.deepEqual(lines, [
      "no node takes db-3 (3 not of the nodeSelector): it will wait until one does, and so will all after it"
    ])
  })

  it("a pod whose volume from before is in a zone that takes no pods", () => {
    const leftover = (draft: Draft<AppState>) => {
      together(draft)
      const workload = first(draft.workloads)
      workload.replicas = 2
      draft.replicas = draft.replicas.filter(({ ordinal }) => ordinal !== 2)
      const claim = named(draft.claims, "data-db-2")
      if (claim.volume === null) throw new Error("the claim has no volume")
      claim.volume.nodeAffinity = [[{ key: "topology.kubernetes.io/zone", operator: "In", values: ["c"] }]]
    }
    assert.deepEqual(said(3, leftover), [])
    const lines = said(3, (draft) => {
      leftover(draft)
      named(draft.nodes, "node-c").unschedulable = true
    })
    assert.deepEqual(lines, [
      "data-db-2: no node that takes its pod can reach its volume at c (1 cordoned); the pod will not be scheduled"
    ])
  })

  it("nothing of a label that some node does not have: there is nothing to share there", () => {
    const lines = said(9, (draft) => {
      together(draft)
      first(draft.workloads).template.antiAffinityKeys = ["topology.kubernetes.io/rack"]
      delete named(draft.nodes, "node-b").labels["topology.kubernetes.io/rack"]
    })
    assert.deepEqual(lines, [])
  })

  it("counts a closed place that holds one of its own already, and names all that wait", () => {
    const fourth = (draft: Draft<AppState>) => {
      together(draft)
      first(draft.workloads).template.antiAffinityKeys = ["kubernetes.io/hostname"]
      named(draft.nodes, "node-b").unschedulable = true
      draft.nodes?.push({
        ...named(draft.nodes, "node-a"),
        name: "node-d",
        labels: { ...named(draft.nodes, "node-a").labels, "kubernetes.io/hostname": "node-d" }
      })
    }
    assert.deepEqual(said(4, fourth), [])
    assert.deepEqual(said(6, fourth), [
      "6 replicas want a node each, 3 nodes can take pods: db-4 and db-5 will not be scheduled"
    ])
  })

  it("replicas that may be so far apart, where a place takes none", () => {
    const even = (draft: Draft<AppState>, whenUnsatisfiable = "DoNotSchedule") => {
      together(draft)
      first(draft.workloads).template.spread = [
        {
          topologyKey: "topology.kubernetes.io/zone",
          maxSkew: 1,
          whenUnsatisfiable,
          minDomains: 1,
          nodeAffinityPolicy: "Honor",
          nodeTaintsPolicy: "Ignore",
          own: true
        }
      ]
    }
    assert.deepEqual(said(9, even), [])
    const closed = (draft: Draft<AppState>) => {
      named(draft.nodes, "node-c").unschedulable = true
    }
    const lines = said(6, (draft) => {
      even(draft)
      closed(draft)
    })
    assert.deepEqual(lines, [
      "6 replicas may be at most 1 apart over the zones, and c takes none: db-5 will not be scheduled"
    ])
    const soft = said(6, (draft) => {
      even(draft, "ScheduleAnyway")
      closed(draft)
    })
    assert.deepEqual(soft, [])
  })

  /** db-2 has no node; its volume can be reached by these nodes' values of a label. */
  const waiting = (key: string, value: string) => (draft: Draft<AppState>) => {
    apart(draft)
    Object.assign(named(draft.replicas, "db-2").pod ?? {}, { node: null, ready: false })
    const { volume } = named(draft.claims, "data-db-2")
    if (volume !== null) volume.nodeAffinity = [[{ key, operator: "In", values: [value] }]]
    draft.nodes?.push({
      ...named(draft.nodes, "node-a"),
      name: "node-d",
      labels: { ...named(draft.nodes, "node-a").labels, "kubernetes.io/hostname": "node-d" }
    })
  }

  it("the pod that waits for its volume's zone, and not a new one in its place", () => {
    const lines = said(5, waiting("topology.kubernetes.io/zone", "lost"))
    assert.deepEqual(lines, [
      "data-db-2: no node that takes its pod can reach its volume at lost (there is no node at lost); the pod will not be scheduled"
    ])
  })

  it("the pod whose volume is where another replica is, and not a new one in its place", () => {
    const lines = said(5, waiting("kubernetes.io/hostname", "node-a"))
    assert.deepEqual(lines, [
      "data-db-2: can be reached at node-a only, where another replica is, and replicas want a node each: db-2 will not be scheduled"
    ])
    assert.deepEqual(
      said(7, waiting("kubernetes.io/hostname", "node-a"))[0],
      "7 replicas want a node each, 4 nodes can take pods: db-5 and db-6 will not be scheduled"
    )
  })

  it("replicas that want a device each, more than there are", () => {
    const devices = (count: string) => (draft: Draft<AppState>) => {
      together(draft)
      first(draft.workloads).template.extendedResources = { "nvidia.com/gpu": "1" }
      for (const node of draft.nodes ?? []) node.devices = { "nvidia.com/gpu": count }
    }
    assert.deepEqual(said(6, devices("2")), [])
    assert.deepEqual(said(5, devices("1")), [
      "5 replicas want 1 nvidia.com/gpu each, nodes that can take pods have enough for 3: db-3 and db-4 will not be scheduled"
    ])
  })

  it("nothing, where nodes may not be read or replicas are removed", () => {
    assert.deepEqual(
      said(9, (draft) => {
        draft.nodes = null
      }),
      []
    )
    assert.deepEqual(said(1), [])
  })
})
