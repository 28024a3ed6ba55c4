import { assert, describe, it } from "@effect/vitest"
import {
  answer,
  type Answer,
  type ChecklistOptions,
  type Disruption
} from "../../../packages/sdk/src/Checklist.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import { type Draft, first, healthyApp, named } from "../appState.ts"

type Change = (draft: Draft<AppState>) => void

const restart = (change: Change, options: ChecklistOptions = {}) => {
  const found = answer(healthyApp(change), options).find(({ question }) => question === "restart")
  if (found?.question !== "restart") throw new Error("restart was not answered")
  return found
}

const grades = (change: Change, options: ChecklistOptions = {}) =>
  Object.fromEntries(
    restart(change, options).disruptions.map(({ disruption, answer: said }) => [disruption, said])
  ) as Record<Disruption, Answer>

const one = (change: Change, disruption: Disruption) => {
  const found = restart(change).disruptions.find((each) => each.disruption === disruption)
  if (found === undefined) throw new Error(`${disruption} was not answered`)
  return found
}

const bareMetal: Change = (draft) => {
  for (const node of draft.nodes ?? []) node.provider = null
}

/** One replica of it, with its claims. */
const single: Change = (draft) => {
  Object.assign(first(draft.workloads), { replicas: 1, ready: 1 })
  draft.replicas = draft.replicas.slice(0, 1)
  draft.placements = draft.placements.slice(0, 1)
  draft.claims = draft.claims.filter(({ usedBy }) => usedBy[0] === "db-0")
  draft.budgets = []
}

const together =
  (...changes: ReadonlyArray<Change>): Change =>
  (draft) => {
    for (const change of changes) change(draft)
  }

describe("what befalls a server", () => {
  it("leaves three replicas in three racks of a cloud up, whatever goes", () => {
    assert.deepEqual(
      grades(() => {}),
      {
        ServerRestarts: "Yes",
        RackRestarts: "Yes",
        ServerGone: "Yes",
        RackGone: "Yes",
        Drain: "Yes"
      }
    )
  })

  it("brings one replica back by itself after a restart, and for good only where a cloud deletes the Node", () => {
    assert.deepEqual(grades(single), {
      ServerRestarts: "YesWithDowntime",
      RackRestarts: "YesWithDowntime",
      ServerGone: "YesWithDowntime",
      RackGone: "YesWithDowntime",
      Drain: "YesWithDowntime"
    })
    assert.deepEqual(grades(together(single, bareMetal)), {
      ServerRestarts: "YesWithDowntime",
      RackRestarts: "YesWithDowntime",
      ServerGone: "No",
      RackGone: "No",
      Drain: "YesWithDowntime"
    })
    assert.equal(one(single, "ServerGone").condition, "if the cloud deletes the Node")
    assert.isNull(one(single, "ServerRestarts").condition)
  })

  it("does not take a cluster on one machine, or one node of many, for a cloud", () => {
    for (const provider of ["kind", "k3s", null])
      assert.equal(
        grades((draft) => {
          named(draft.nodes, "node-b").provider = provider
        }).ServerGone,
        "No"
      )
  })

  it("names a claim of several pods once", () => {
    const shared: Change = (draft) => {
      for (const [index, node] of ["node-a", "node-a", "node-b"].entries()) {
        const pin = { by: "volume" as const, name: "data-db-0", nodes: ["node-a", "node-b"], domain: "zone" }
        Object.assign(draft.placements[index] ?? {}, { pins: [pin], node, zone: "a" })
        Object.assign(draft.replicas[index]?.pod ?? {}, { node })
      }
      named(draft.nodes, "node-b").zone = "a"
    }
    assert.match(one(shared, "RackGone").evidence, /^data-db-0 can only be attached in zone a:/)
  })

  it("takes a local volume's data along for good, and not for a restart", () => {
    const local: Change = (draft) => {
      for (const claim of draft.claims)
        if (claim.usedBy.includes("db-2"))
          Object.assign(claim.volume ?? {}, { source: "local", driver: null })
    }
    const seen = grades(local)
    assert.deepEqual([seen.ServerRestarts, seen.RackRestarts, seen.ServerGone], ["Yes", "Yes", "No"])
    assert.match(one(local, "ServerGone").evidence, /data is lost with it/)
  })

  it("takes quorum along for a while where a rack holds it, and not where one server does not", () => {
    const rack: Change = (draft) => {
      named(draft.nodes, "node-b").rack = "r1"
      Object.assign(draft.placements[1] ?? {}, { rack: "r1" })
    }
    const seen = grades(rack)
    assert.deepEqual([seen.ServerRestarts, seen.RackRestarts], ["Yes", "YesWithDowntime"])
    assert.equal(restart(rack).answer, "YesWithDowntime")
  })

  it("is a matter of budgets for a drain alone", () => {
    const seen = grades((draft) => {
      draft.budgets = []
    })
    assert.deepEqual([seen.ServerRestarts, seen.RackRestarts, seen.Drain], ["Yes", "Yes", "YesWithDowntime"])
  })

  it("needs somebody where a pod could not start again, for any of them", () => {
    const seen = grades((draft) => {
      first(draft.references).present = false
    })
    assert.deepEqual(new Set(Object.values(seen).slice(0, 4)), new Set(["No"]))
  })

  it("is not known of volumes that could not be read, but for a server or a rack that comes back", () => {
    const seen = grades((draft) => {
      for (const { volume } of draft.claims)
        Object.assign(volume ?? {}, { driver: null, source: null, nodeAffinity: null, deleted: null })
      draft.unread.push({ resource: "persistentvolumes", reason: "Forbidden", message: "forbidden" })
    })
    assert.deepEqual(seen, {
      ServerRestarts: "Yes",
      RackRestarts: "Yes",
      ServerGone: "Unknown",
      RackGone: "Unknown",
      Drain: "Unknown"
    })
  })

  it("gives a Deployment's next pod the claim at once, unless it is attached or for one pod alone", () => {
    const gone = (modes: ReadonlyArray<string>, source: string, attachRequired: boolean | null) =>
      grades((draft) => {
        bareMetal(draft)
        Object.assign(first(draft.workloads), { kind: "Deployment", claimTemplates: [] })
        for (const replica of draft.replicas) replica.workload = "Deployment/db"
        for (const claim of draft.claims) {
          Object.assign(claim, { accessModes: modes, workload: null })
          Object.assign(claim.volume ?? {}, { source, driver: source === "csi" ? "files.example.com" : null })
        }
        const described = { name: "files.example.com", fsGroupPolicy: "File", modes: ["Persistent"] }
        draft.protection.drivers = attachRequired === null ? [] : [{ ...described, attachRequired }]
      }).ServerGone
    assert.deepEqual(
      [
        gone(["ReadWriteOnce"], "nfs", null),
        gone(["ReadWriteOnce"], "csi", false),
        gone(["ReadWriteMany"], "csi", true),
        gone(["ReadWriteOnce"], "csi", true),
        gone(["ReadWriteOnce"], "csi", null),
        gone(["ReadWriteOncePod"], "csi", false)
      ],
      ["Yes", "Yes", "Yes", "No", "No", "No"]
    )
  })

  it("forgets a pod that gets no time to stop, so that nothing waits for its Node", () => {
    const findings = restart((draft) => {
      bareMetal(draft)
      first(draft.workloads).template.terminationGracePeriodSeconds = 0
    }).findings.map(({ rule }) => rule)
    assert.notInclude(findings, "gone-node-keeps-pods")
    assert.include(findings, "grace-period-zero")
  })
})

describe("how long a replica is away at least", () => {
  const probes: Change = (draft) => {
    const { template } = first(draft.workloads)
    const [probe] = template.probes
    if (probe === undefined) throw new Error("the fixture has no probe")
    template.probes = [
      { ...probe, initialDelaySeconds: 20 },
      { ...probe, kind: "liveness", initialDelaySeconds: 90 }
    ]
    first(draft.workloads).minReadySeconds = 5
  }

  it("is what its probes and minReadySeconds ask for, after a restart", () => {
    assert.equal(one(probes, "ServerRestarts").awaySeconds, 25)
    assert.equal(one(() => {}, "ServerRestarts").awaySeconds, 0)
  })

  it("adds the time for which it tolerates a node that does not answer, 300 s where nothing is said", () => {
    const tolerating =
      (...tolerations: ReadonlyArray<string>): Change =>
      (draft) => {
        first(draft.workloads).template.tolerations = [...tolerations]
      }
    assert.equal(one(probes, "ServerGone").awaySeconds, 325)
    const unreachable = "node.kubernetes.io/unreachable:NoExecute"
    assert.equal(one(tolerating(`${unreachable} for 30s`), "ServerGone").awaySeconds, 30)
    assert.equal(one(tolerating(`${unreachable} for 30s`, "*:NoExecute"), "ServerGone").awaySeconds, 30)
    // For ever: its Node's deletion alone ends it, and when that is, nothing tells.
    assert.equal(one(tolerating(unreachable), "ServerGone").awaySeconds, 0)
  })

  it("is not said of what does not come back by itself", () => {
    assert.isNull(one(bareMetal, "ServerGone").awaySeconds)
  })
})

describe("several StatefulSets of one replica", () => {
  /** db-0 to db-2 as a set each, as with a set for each rack. */
  const sets: Change = (draft) => {
    const [set] = draft.workloads
    if (set === undefined) throw new Error("the fixture has no set")
    draft.workloads = draft.replicas.map((replica) => ({
      ...structuredClone(set),
      name: `rack-${replica.ordinal}`,
      replicas: 1,
      ready: 1
    }))
    for (const replica of draft.replicas) replica.workload = `StatefulSet/rack-${replica.ordinal}`
  }

  it("are not known to be members of one application, and none is told to scale", () => {
    const verdict = restart(sets)
    assert.equal(verdict.answer, "YesWithDowntime")
    assert.equal(
      verdict.findings[0]?.evidence,
      "rack-0, rack-1 and rack-2 have 1 replica each: cannot tell whether they are members of one application"
    )
    assert.notMatch(JSON.stringify(verdict.findings), /scale|run 3/)
  })

  it("have one quorum where that is said", () => {
    const verdict = restart(sets, { jointQuorum: true })
    assert.equal(verdict.answer, "Yes")
    assert.equal(
      verdict.findings.find(({ rule }) => rule === "quorum-kept")?.evidence,
      "quorum (2 of 3) survives the loss of any one node, rack or zone"
    )
    const shared = restart(
      (draft) => {
        sets(draft)
        for (const replica of draft.replicas.slice(0, 2)) if (replica.pod) replica.pod.node = "node-a"
        Object.assign(draft.placements[1] ?? {}, { node: "node-a", rack: "r1", zone: "a" })
      },
      { jointQuorum: true }
    )
    assert.equal(shared.answer, "YesWithDowntime")
    assert.match(shared.findings[0]?.evidence ?? "", /share node-a: without it, quorum \(2 of 3\) is lost/)
  })
})

describe("copies of a Deployment", () => {
  const deployment =
    (replicas: number): Change =>
    (draft) => {
      Object.assign(first(draft.workloads), { kind: "Deployment", replicas, claimTemplates: [] })
      draft.replicas = draft.replicas
        .slice(0, replicas)
        .map((replica) => ({ ...replica, workload: "Deployment/db", ordinal: null }))
      draft.placements = draft.placements.slice(0, replicas)
    }

  it("are enough while one is left", () => {
    assert.equal(grades(deployment(2)).ServerRestarts, "Yes")
    assert.equal(grades(deployment(1)).ServerRestarts, "YesWithDowntime")
  })

  it("go together where they share a node", () => {
    const verdict = restart((draft) => {
      deployment(2)(draft)
      for (const { pod } of draft.replicas) if (pod) pod.node = "node-a"
    })
    assert.equal(verdict.answer, "YesWithDowntime")
    assert.match(verdict.findings[0]?.evidence ?? "", /share node-a: without it, db is down/)
  })

  it("stay on a server that is gone where they tolerate that without a limit", () => {
    const verdict = restart(
      together(deployment(2), bareMetal, (draft) => {
        draft.claims = []
        first(draft.workloads).template.tolerations = ["node.kubernetes.io/unreachable:NoExecute"]
      })
    )
    assert.equal(verdict.disruptions[2]?.answer, "No")
    assert.match(verdict.disruptions[2]?.evidence ?? "", /on the server stay and are not replaced/)
  })

  it("wait for a server that is gone only with a volume that one node at a time may have", () => {
    const onMetal = together(deployment(2), bareMetal)
    assert.equal(grades(onMetal).ServerGone, "No")
    assert.equal(
      grades(
        together(onMetal, (draft) => {
          for (const claim of draft.claims) claim.accessModes = ["ReadWriteMany"]
        })
      ).ServerGone,
      "Yes"
    )
  })
})

describe("a DaemonSet's pods", () => {
  it("are not said to come back elsewhere: there is one for each server", () => {
    const daemons: Change = (draft) => {
      Object.assign(first(draft.workloads), { kind: "DaemonSet" })
      for (const replica of draft.replicas) replica.workload = "DaemonSet/db"
      draft.budgets = []
    }
    for (const disruption of ["ServerGone", "RackGone", "Drain"] as const)
      assert.match(one(daemons, disruption).evidence, /the data on a lost server is lost/)
  })
})
