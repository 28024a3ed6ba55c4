import { assert, describe, it } from "@effect/vitest"
import { type Draft, first, healthyApp, named } from "../appState.ts"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import { type Case, finding, look } from "./cases.ts"
import { restartCases } from "./restart.cases.ts"

const worst = ["No", "Unknown", "YesWithDowntime", "Yes"]

describe("restart", () => {
  for (const one of restartCases) {
    it(`${one.rule} says ${one.says} when ${one.when}`, () => {
      const found = finding("restart", one)
      assert.strictEqual(found.answer, one.says)
      const verdict = answer(healthyApp(one.change), one.options).find(
        ({ question }) => question === "restart"
      )
      for (const each of verdict?.question === "restart" ? verdict.disruptions : [])
        if (found.disruptions.includes(each.disruption))
          assert.isAtMost(worst.indexOf(each.answer), worst.indexOf(one.says), each.disruption)
    })
  }

  const told = (...args: Parameters<typeof healthyApp>) =>
    (answer(healthyApp(...args)).find((one) => one.question === "restart")?.findings ?? [])
      .filter((one) => one.answer !== "Yes")
      .map((one) => one.rule)

  const caseOf = (rule: string) => {
    const found = restartCases.find((one) => one.rule === rule)
    if (found === undefined) throw new Error(`no case for ${rule}`)
    return found
  }

  it("names the replicas, the rack and the quorum that goes with it", () => {
    assert.strictEqual(
      finding("restart", caseOf("replicas-share-rack")).evidence,
      "db-0 and db-1 share rack r1: without it, quorum (2 of 3) is lost"
    )
  })

  it("tells a lost node once, and not again as a replica that is not ready", () => {
    assert.deepStrictEqual(told(caseOf("node-lost").change), ["node-lost"])
  })

  it("taints a lost node only if another usable node could take one of its pods: they resume when it is back", () => {
    const remedies = (change: Case["change"]) =>
      ["node-lost", "terminating-on-lost-node"].map((rule) =>
        look("restart", rule, (draft) => {
          caseOf(rule).change(draft)
          change(draft)
        }).findings.map(({ remedy }) => remedy)
      )
    const others =
      (changes: object): Case["change"] =>
      (draft) => {
        for (const node of draft.nodes ?? []) if (node.name !== "node-c") Object.assign(node, changes)
      }
    for (const taken of remedies(() => undefined)) assert.match(first(taken) ?? "", /kubectl taint/)
    const back = "power node-c on, or add a node: no other usable node can run db-2"
    for (const changes of [{ unschedulable: true }, { ready: false }, { ready: null }])
      for (const left of remedies(others(changes))) assert.include(left, back)
    for (const left of remedies((draft) => {
      first(draft.workloads).template.antiAffinityKeys = ["kubernetes.io/hostname"]
    }))
      assert.deepStrictEqual(left, [back])
  })

  it("tells what one node holds once, and not again as a rack and a zone", () => {
    assert.deepStrictEqual(told(caseOf("replicas-share-node").change), ["replicas-share-node"])
  })

  it("tells replicas that wait for a sick one once, with the sick one", () => {
    assert.deepStrictEqual(told(caseOf("ordered-ready-blocked").change), [
      "ordered-ready-blocked",
      "replica-not-ready"
    ])
    const { findings } = look("restart", "replica-not-ready", caseOf("ordered-ready-blocked").change)
    assert.deepStrictEqual(first(findings).objects, ["Pod/db-0"])
  })

  it("tells a scale-down that a sick lower ordinal holds up", () => {
    const { findings } = look("restart", "ordered-ready-blocked", (draft) => {
      Object.assign(named(draft.replicas, "db-0").pod ?? {}, { ready: false, reason: "probe fails" })
      first(draft.workloads).replicas = 2
      named(draft.replicas, "db-2").wanted = false
    })
    assert.deepStrictEqual(first(findings).objects, ["Pod/db-0", "Pod/db-2"])
  })

  it("does not make replicas wait for each other with Parallel", () => {
    const { findings } = look("restart", "ordered-ready-blocked", (draft) => {
      caseOf("ordered-ready-blocked").change(draft)
      first(draft.workloads).podManagementPolicy = "Parallel"
    })
    assert.deepStrictEqual(findings, [])
  })

  it("asks to delete a pod that is stuck on an old revision after the rollout was undone", () => {
    const { findings } = look("restart", "rollout-stuck", (draft) => {
      caseOf("replica-not-ready").change(draft)
      Object.assign(named(draft.replicas, "db-2").pod ?? {}, { current: false, revision: "db-bad" })
    })
    assert.strictEqual(first(findings).remedy, "kubectl delete pod db-2 -n shop")
  })

  /** Its one pod is that of a Deployment. */
  const deployed = (draft: Parameters<Case["change"]>[0]) => {
    Object.assign(first(draft.workloads), { kind: "Deployment", replicas: 1, claimTemplates: [] })
    draft.replicas = draft.replicas.slice(0, 1)
    first(draft.replicas).workload = "Deployment/db"
  }

  describe("replicas that share a rack", () => {
    const rack = "topology.rook.io/rack"
    /** Two of three in one of three racks, which a label says. */
    const shared = (draft: Draft<AppState>) => {
      const fourth = { ...structuredClone(named(draft.nodes, "node-b")), name: "node-d", rack: "r4" }
      draft.nodes?.push(fourth)
      caseOf("replicas-share-rack").change(draft)
      for (const { labels, rack: value } of draft.nodes ?? []) {
        delete labels["topology.kubernetes.io/rack"]
        labels[rack] = value ?? ""
      }
    }
    const advice = (change: (draft: Draft<AppState>) => void = () => {}) =>
      look("restart", "replicas-share-rack", (draft) => {
        shared(draft)
        change(draft)
      }).findings.map(({ remedy }) => remedy)
    const spread = `spread StatefulSet/db over racks: topologySpreadConstraints with ${rack}`

    it("are spread by the label that racks were read from", () => {
      assert.deepStrictEqual(advice(), [spread])
    })

    it("are told a label that nodes lack by the key that others have", () => {
      const lacking = look("restart", "replicas-share-rack", (draft) => {
        shared(draft)
        for (const node of draft.nodes ?? []) node.zone = null
        for (const name of ["node-a", "node-b"]) {
          named(draft.nodes, name).rack = null
          delete named(draft.nodes, name).labels[rack]
        }
        for (const placement of draft.placements)
          if (placement.replica !== "db-2") Object.assign(placement, { rack: null, zone: null })
      })
      assert.match(
        first(lacking.findings).remedy ?? "",
        new RegExp(`^kubectl label node node-a ${rack}=RACK`)
      )
    })

    it("are held by volumes of that rack until their data is in another one", () => {
      const held = (nodes: ReadonlyArray<string>) =>
        advice((draft) => {
          for (const index of [0, 1])
            draft.placements[index]?.pins.push({
              by: "volume",
              name: `data-db-${index}`,
              nodes: [...nodes],
              domain: null
            })
        })
      assert.deepStrictEqual(held(["node-a", "node-b"]), [
        "move the data of db-0 or db-1 to another rack first: their volumes can be attached in rack r1 only"
      ])
      assert.deepStrictEqual(held(["node-a", "node-c"]), [spread])
    })

    it("need racks to go to", () => {
      const few = advice((draft) => {
        named(draft.nodes, "node-d").taints = ["dedicated=web:NoSchedule"]
      })
      assert.deepStrictEqual(few, [`add nodes in 1 more rack first, then ${spread}`])
    })

    it("are told DoNotSchedule of a spread that they have, and to be placed anew under one that forbids", () => {
      const has = (whenUnsatisfiable: string) =>
        advice((draft) => {
          Object.assign(first(first(draft.workloads).template.spread), {
            topologyKey: rack,
            whenUnsatisfiable
          })
        })
      assert.deepStrictEqual(has("ScheduleAnyway"), [`${spread} and DoNotSchedule`])
      assert.match(first(has("DoNotSchedule")) ?? "", /^have one of db-0 and db-1 recreated: /)
    })
  })

  it("advises no more replicas than the plan to scale finds nodes for", () => {
    const advice = (change: (draft: Draft<AppState>) => void) =>
      first(
        look("restart", "too-few-replicas", (draft) => {
          caseOf("too-few-replicas").change(draft)
          change(draft)
        }).findings
      ).remedy
    const ports = advice((draft) => {
      first(draft.workloads).template.hostPorts = ["53/UDP"]
      draft.nodes = (draft.nodes ?? []).slice(0, 2)
    })
    assert.strictEqual(
      ports,
      "add a node for another replica first: 3 replicas want a node each (hostPort 53/UDP), 2 nodes can take pods"
    )
    const device = look("restart", "too-few-replicas", (draft) => {
      deployed(draft)
      first(draft.workloads).template.extendedResources = { "nvidia.com/gpu": "1" }
      named(draft.nodes, "node-a").devices = { "nvidia.com/gpu": "1" }
    })
    assert.match(
      first(device.findings).remedy ?? "",
      /^add a node for another replica first: 2 replicas want 1 nvidia.com\/gpu each, nodes that can take pods have enough for 1$/
    )
  })

  it("undoes a rollout once, and deletes all pods that it is stuck at: a second undo takes back the first", () => {
    const { findings } = look("restart", "rollout-stuck", (draft) => {
      const { change } = caseOf("rollout-stuck")
      change(draft)
      const { containers } = named(draft.replicas, "db-2").pod ?? { containers: [] }
      Object.assign(named(draft.replicas, "db-1").pod ?? {}, {
        ready: false,
        readySince: "2026-11-20T11:59:00Z",
        current: true,
        revision: "db-bad",
        containers: structuredClone(containers)
      })
    })
    assert.deepStrictEqual(
      findings.map(({ remedy }) => remedy),
      ["kubectl rollout undo statefulset db -n shop && kubectl delete pod db-1 db-2 -n shop"]
    )
    assert.match(
      first(findings).evidence,
      /stuck at db-1 and db-2; rolling back does not replace those pods$/
    )
  })

  it("leaves a pod alone that the partition keeps old", () => {
    const { findings } = look("restart", "rollout-stuck", (draft) => {
      caseOf("replica-not-ready").change(draft)
      first(draft.workloads).partition = 3
      Object.assign(named(draft.replicas, "db-2").pod ?? {}, { current: false })
    })
    assert.deepStrictEqual(findings, [])
  })

  it("does not call a rollout stuck whose pod has just started", () => {
    const { findings } = look("restart", "rollout-stuck", (draft) => {
      first(draft.workloads).updateRevision = "db-next"
      const { pod } = named(draft.replicas, "db-2")
      Object.assign(pod ?? {}, {
        ready: false,
        readySince: "2026-11-20T11:59:30Z",
        reason: "ContainerCreating"
      })
      for (const container of pod?.containers ?? []) container.state = "ContainerCreating"
    })
    assert.deepStrictEqual(findings, [])
  })

  it("puts replicas with the same trouble on one line", () => {
    const { findings } = look("restart", "replica-not-ready", (draft) => {
      for (const { pod } of draft.replicas)
        Object.assign(pod ?? {}, { ready: false, reason: "ImagePullBackOff" })
    })
    assert.deepStrictEqual(
      findings.map((one) => one.evidence),
      ["db-0, db-1 and db-2 are not ready: ImagePullBackOff"]
    )
  })

  it("says nothing of pods that could not be read but that they could not", () => {
    assert.deepStrictEqual(
      told((draft) => {
        for (const replica of draft.replicas) Object.assign(replica, { pod: null, known: false })
      }),
      ["facts-unreadable"]
    )
  })

  it("knows from pods alone that replicas share a node, where nodes could not be read", () => {
    const verdict = look("restart", "replicas-share-node", (draft) => {
      caseOf("replicas-share-node").change(draft)
      draft.nodes = null
    })
    assert.deepStrictEqual(
      verdict.findings.map((one) => one.answer),
      ["YesWithDowntime"]
    )
  })

  it("says of unreadable nodes that they could not be read, once", () => {
    assert.deepStrictEqual(told(caseOf("facts-unreadable").change), ["facts-unreadable"])
  })

  it("is in no doubt about a missing rack label where quorum stays even in the worst case", () => {
    const change: Case["change"] = (draft) => {
      for (const [index, placement] of draft.placements.entries())
        Object.assign(placement, { zone: "a", ...(index === 2 ? { rack: null } : {}) })
      for (const node of draft.nodes ?? []) node.zone = "a"
      named(draft.nodes, "node-c").rack = null
    }
    assert.strictEqual(look("restart", "replicas-share-rack", change, { quorum: 1 }).answer, "Yes")
    assert.strictEqual(look("restart", "replicas-share-rack", change).answer, "YesWithDowntime")
  })

  it("knows that nodes of two zones share no rack, whatever labels are missing", () => {
    const verdict = look("restart", "replicas-share-rack", (draft) => {
      for (const node of draft.nodes ?? []) node.rack = null
      for (const placement of draft.placements) placement.rack = null
    })
    assert.deepStrictEqual([verdict.answer, verdict.findings.length], ["Yes", 0])
  })

  it("looks only at the domains that are asked for", () => {
    const unlabelled = restartCases.find(
      (one) => one.rule === "replicas-share-rack" && one.when.startsWith("nodes have no")
    )
    const verdict = look("restart", "replicas-share-rack", unlabelled?.change ?? (() => {}), {
      domains: ["node", "zone"]
    })
    assert.deepStrictEqual([verdict.answer, verdict.findings.length], ["Yes", 0])
  })

  it("does not hold it against an application that its cluster is one zone, and claims nothing about zones", () => {
    const verdict = look("restart", "quorum-kept", (draft) => {
      for (const node of draft.nodes ?? []) node.zone = "a"
      for (const placement of draft.placements) placement.zone = "a"
    })
    assert.strictEqual(verdict.answer, "Yes")
    assert.strictEqual(
      first(verdict.findings).evidence,
      "quorum (2 of 3) survives the loss of any one node or rack"
    )
  })

  it("asks for another quorum when told so", () => {
    assert.strictEqual(look("restart", "too-few-replicas", () => {}, { quorum: 3 }).answer, "YesWithDowntime")
    assert.strictEqual(
      look("restart", "replicas-share-rack", caseOf("replicas-share-rack").change, { quorum: "none" }).answer,
      "Yes"
    )
  })

  it("has nothing against scratch space: /tmp without claims, or an emptyDir beside claims", () => {
    const scratch = look("restart", "data-in-empty-dir", (draft) => {
      first(draft.workloads).claimTemplates = []
      draft.claims = []
    })
    const beside = look("restart", "data-in-empty-dir", (draft) => {
      first(draft.volumes).writers = ["postgres:/var/lib/postgresql/sort"]
    })
    assert.deepStrictEqual([scratch.findings, beside.findings], [[], []])
  })

  it("has nothing against a hostPath that is only read, or that is a DaemonSet's", () => {
    const read = look("restart", "data-on-host-path", (draft) => {
      caseOf("data-on-host-path").change(draft)
      for (const volume of draft.volumes) volume.writers = []
    })
    const daemon = look("restart", "data-on-host-path", (draft) => {
      caseOf("data-on-host-path").change(draft)
      for (const volume of draft.volumes) volume.workload = "DaemonSet/agent"
    })
    assert.deepStrictEqual([read.findings, daemon.findings], [[], []])
  })

  it("has nothing against a file of the node's own system, mounted to be written or not", () => {
    for (const path of [
      "/etc/localtime",
      "/etc/timezone",
      "/lib/modules",
      "/usr/share/zoneinfo",
      "/var/lib/kubelet/pods",
      "/var/lib/kubelet/plugins/csi-hostpath"
    ]) {
      const { findings } = look("restart", "data-on-host-path", (draft) => {
        caseOf("data-on-host-path").change(draft)
        Object.assign(draft.volumes.at(-1) ?? {}, { detail: path, writers: [`postgres:${path}`] })
      })
      assert.deepStrictEqual(findings, [], path)
    }
  })

  it("does without what is optional", () => {
    const verdict = look("restart", "reference-missing", (draft) => {
      Object.assign(named(draft.references, "db-pass"), { present: false, required: false })
    })
    assert.strictEqual(verdict.answer, "Yes")
  })

  it("ignores claims that a scale-down left behind", () => {
    assert.deepStrictEqual(
      told((draft) => {
        const claim = structuredClone(named(draft.claims, "data-db-0"))
        draft.claims.push(
          Object.assign(claim, {
            name: "data-db-3",
            ordinal: 3,
            leftover: true,
            usedBy: [],
            phase: "Lost",
            volume: null
          })
        )
      }),
      []
    )
  })

  it("rounds a budget's percentages up, as the disruption controller does", () => {
    const allowing = look("restart", "budget-blocks", (draft) => {
      first(draft.budgets).maxUnavailable = "30%"
    })
    const blocking = look("restart", "budget-blocks", (draft) => {
      Object.assign(first(draft.budgets), { maxUnavailable: null, minAvailable: "67%" })
    })
    assert.deepStrictEqual([allowing.findings.length, blocking.findings.length], [0, 1])
  })

  describe("says what a budget can do for two members, of which quorum needs both", () => {
    const two =
      (budget: object): Case["change"] =>
      (draft) => {
        Object.assign(first(draft.workloads), { replicas: 2, ready: 2 })
        draft.replicas = draft.replicas.slice(0, 2)
        Object.assign(first(draft.budgets), { expectedPods: 2, pods: ["db-0", "db-1"], ...budget })
      }
    const said = (rule: string, budget: object, options = {}) =>
      look("restart", rule, two(budget), options).findings.map(({ answer, evidence, remedy }) => [
        answer,
        evidence,
        remedy
      ])
    const one = { minAvailable: null, maxUnavailable: "1" }
    const none = { minAvailable: "2", maxUnavailable: null }

    it("one that allows an eviction keeps no quorum, and no other budget would", () => {
      assert.deepStrictEqual(said("budget-keeps-quorum", one), [])
      assert.deepStrictEqual(said("budget-below-quorum", one), [
        [
          "YesWithDowntime",
          "PodDisruptionBudget db allows 1 of 2 evictions: quorum (2 of 2) is lost",
          "no budget both keeps quorum and allows drains: that takes more members"
        ]
      ])
    })

    it("one that allows none is opened only where its owner lets quorum go", () => {
      assert.deepStrictEqual(said("budget-blocks", none), [
        [
          "No",
          "PodDisruptionBudget db never allows an eviction (minAvailable 2 of 2)",
          "if db may lose quorum during a drain, set maxUnavailable 1 in PodDisruptionBudget db"
        ]
      ])
      assert.deepStrictEqual(
        said("budget-blocks", none, { quorum: 1 })[0]?.[2]?.slice(0, 13),
        "kubectl patch"
      )
    })

    it("one that allows both at once is to let go one at a time", () => {
      assert.match(
        said("budget-below-quorum", { ...one, maxUnavailable: "2" })[0]?.[2] ?? "",
        /^kubectl patch/
      )
    })
  })

  it("asks for no budget of a single replica, which it could only block", () => {
    const { findings } = look("restart", "budget-missing", (draft) => {
      first(draft.workloads).replicas = 1
      draft.replicas = draft.replicas.slice(0, 1)
      draft.budgets = []
    })
    assert.deepStrictEqual(findings, [])
  })

  it("advises a second copy of a Deployment on one node's claim only with a claim that many nodes can have", () => {
    const advice = (mode: "ReadWriteOnce" | "ReadWriteMany") =>
      look("restart", "too-few-replicas", (draft) => {
        deployed(draft)
        for (const claim of draft.claims)
          Object.assign(claim, {
            workload: null,
            template: null,
            ordinal: null,
            usedBy: [],
            accessModes: [mode]
          })
        Object.assign(first(draft.claims), { usedBy: [first(draft.replicas).name] })
      }).findings.map(({ remedy }) => remedy)
    assert.match(first(advice("ReadWriteOnce")) ?? "", /ReadWriteMany PVC and run 2 replicas$/)
    assert.match(first(advice("ReadWriteMany")) ?? "", /more than once at a time, run 2 replicas$/)
  })

  it("knows that a Deployment's pod has no other node either, by its device, its selector or its volume", () => {
    for (const [by, name, rule] of [
      ["device", "nvidia.com/gpu", "device-on-one-node"],
      ["nodeSelector", "example.com/gpu=true", "selector-fits-one-node"],
      ["volume", "data-db-0", "volume-on-one-node"]
    ] as const) {
      const { findings } = look("restart", rule, (draft) => {
        deployed(draft)
        first(draft.placements).pins = [{ by, name, nodes: ["node-a"], domain: "node" }]
      })
      assert.deepStrictEqual(
        findings.map((one) => [one.answer, one.disruptions]),
        [["No", ["ServerGone", "RackGone"]]],
        by
      )
    }
  })

  describe("lets no pod start away from data that stays on its node, unless that is said first", () => {
    const onFolder: Case["change"] = (draft) => {
      const [, second] = draft.placements
      second?.pins.push({ by: "hostPath", name: "/mnt/db", nodes: ["node-b"], domain: "node" })
    }
    const onBareVolume: Case["change"] = (draft) => {
      const { volume } = named(draft.claims, "data-db-1")
      Object.assign(volume ?? {}, { source: "hostPath", driver: null, nodeAffinity: [] })
    }
    const remedies = (rule: string, ...changes: ReadonlyArray<Case["change"]>) =>
      look("restart", rule, (draft) => {
        for (const change of changes) change(draft)
      }).findings.map((one) => one.remedy ?? "")
    const lost: Case["change"] = (draft) => {
      named(draft.nodes, "node-b").ready = null
      Object.assign(named(draft.replicas, "db-1").pod ?? {}, { ready: false })
    }
    const ending: Case["change"] = (draft) => {
      Object.assign(named(draft.replicas, "db-1").pod ?? {}, { deleted: "2026-11-20T11:50:00Z" })
    }
    const gone: Case["change"] = (draft) => {
      draft.nodes = (draft.nodes ?? []).filter(({ name }) => name !== "node-b")
    }
    const nobodys: Case["change"] = (draft) => {
      for (const node of draft.nodes ?? []) node.provider = null
    }
    const first =
      /^bring (node-b|its server|the server) back with its disk: elsewhere db-1 starts without its data/

    for (const [where, change] of [
      ["a folder that the template names", onFolder],
      ["a volume that is a folder and names no node", onBareVolume]
    ] as const)
      it(where, () => {
        assert.deepStrictEqual(
          [
            ...remedies("node-lost", lost, change),
            ...remedies("terminating-on-lost-node", lost, ending, change),
            ...remedies("node-gone", gone, change),
            ...remedies("gone-node-keeps-pods", nobodys, change)
          ].map((remedy) => first.test(remedy)),
          [true, true, true, true]
        )
        assert.notMatch(remedies("node-gone", gone, change).join(), /kubectl/)
        // Nor is it said to be well once a cloud's controller has deleted the Node.
        assert.deepStrictEqual(remedies("gone-node-keeps-pods", change), [])
      })

    it("nor deletes a Node whose disks' drivers would delete its claims with it", () => {
      const local: Case["change"] = (draft) => {
        draft.placements[1]?.pins.push({ by: "volume", name: "data-db-1", nodes: ["node-b"], domain: "node" })
      }
      const back =
        /^bring (node-b|the server) back with its disk: data-db-1 exists only there; only if that may be lost/
      for (const remedy of [
        ...remedies("gone-node-keeps-pods", nobodys, local),
        ...remedies("node-lost", lost, local),
        ...remedies("terminating-on-lost-node", lost, ending, local)
      ])
        assert.match(remedy, back)
      assert.lengthOf(remedies("gone-node-keeps-pods", nobodys, local), 1)
      assert.lengthOf(remedies("node-lost", lost, local), 1)
    })

    it("and no budget is opened for a drain that would do the same", () => {
      const blocking: Case["change"] = (draft) => {
        for (const budget of draft.budgets ?? [])
          Object.assign(budget, { minAvailable: "3", maxUnavailable: null })
      }
      assert.match(remedies("budget-blocks", blocking).join(), /^kubectl patch/)
      assert.deepStrictEqual(remedies("budget-blocks", blocking, onFolder), [
        "move the data off node-b first: on another node a pod does not find it"
      ])
    })

    it("and no pod is deleted, nor a node added, before the data is elsewhere", () => {
      const stuck = caseOf("rollout-stuck").change
      const folder: Case["change"] = (draft) => {
        draft.placements[2]?.pins.push({ by: "hostPath", name: "/mnt/db", nodes: ["node-c"], domain: "node" })
      }
      const only: Case["change"] = (draft) => {
        draft.nodes = (draft.nodes ?? []).filter(({ name }) => name === "node-c")
      }
      const before = /^move the data off node-c first/
      for (const remedy of [
        ...remedies("rollout-stuck", stuck, folder),
        ...remedies("no-other-node", only, folder)
      ])
        assert.match(remedy, before)
      assert.lengthOf(remedies("rollout-stuck", stuck, folder), 1)
      assert.lengthOf(remedies("no-other-node", only, folder), 1)
    })
  })

  it("does not wait for a Deployment's pod on a lost node once others have taken its place, and does before", () => {
    const evidence = (wanted: boolean) =>
      look("restart", "terminating-on-lost-node", (draft) => {
        deployed(draft)
        const replica = first(draft.replicas)
        Object.assign(replica, { ordinal: null, wanted })
        Object.assign(replica.pod ?? {}, { deleted: "2026-11-20T11:50:00Z", ready: false })
        named(draft.nodes, "node-a").ready = null
      }).findings.map((one) => one.evidence)
    assert.deepStrictEqual(evidence(false), [])
    assert.deepStrictEqual(evidence(true), [
      "db-0 is stuck terminating: node-a is unreachable, so volumes are not released"
    ])
  })

  it("misses a driver where it is known to be one, by the name that does the work of an older one too", () => {
    const said = (provisioner: string, change: Case["change"] = () => {}) => {
      const { findings } = look("restart", "driver-not-installed", (draft) => {
        caseOf("driver-not-installed").change(draft)
        for (const one of draft.protection.storageClasses ?? []) one.provisioner = provisioner
        change(draft)
      })
      return findings.map(({ evidence }) => evidence)
    }
    const missing = (driver: string) => [
      `CSIDriver ${driver} of StorageClass shared not found: data-db-2 gets no volume`
    ]
    assert.deepStrictEqual(said("ebs.csi.aws.com"), missing("ebs.csi.aws.com"))
    assert.deepStrictEqual(said("kubernetes.io/aws-ebs"), missing("ebs.csi.aws.com"))
    assert.deepStrictEqual(said("driver.longhorn.io"), missing("driver.longhorn.io"))
    // Provisioners that are no CSI drivers have no such object.
    for (const other of ["rancher.io/local-path", "k8s-sigs.io/nfs-subdir-external-provisioner"])
      assert.deepStrictEqual(said(other), [])
    assert.deepStrictEqual(
      said("ebs.csi.aws.com", (draft) => {
        draft.protection.drivers = null
      }),
      []
    )
    assert.deepStrictEqual(
      said("kubernetes.io/aws-ebs", (draft) => {
        draft.protection.drivers?.push({
          name: "ebs.csi.aws.com",
          attachRequired: true,
          fsGroupPolicy: "File",
          modes: ["Persistent"]
        })
      }),
      []
    )
    assert.deepStrictEqual(
      look("restart", "claim-not-bound", caseOf("driver-not-installed").change).findings,
      []
    )
  })

  it("says of a selector that not even its own node matches that a drained pod does not come back", () => {
    const said = (nodes: ReadonlyArray<string>) =>
      look("restart", "selector-fits-one-node", (draft) => {
        draft.placements[2]?.pins.push({
          by: "nodeSelector",
          name: "pool=db",
          nodes: [...nodes],
          domain: "node"
        })
      }).findings.map(({ disruptions, evidence }) => [evidence, disruptions])
    assert.deepStrictEqual(said(["node-c"]), [
      ["only node-c matches nodeSelector pool=db for db-2", ["ServerGone", "RackGone"]]
    ])
    assert.deepStrictEqual(said([]), [
      ["no usable node matches nodeSelector pool=db for db-2", ["ServerGone", "RackGone", "Drain"]]
    ])
  })

  describe("names what a replica needs that no node has together", () => {
    type Pin = Draft<AppState["placements"][number]["pins"][number]>
    const zone = (name: string, node: string): Pin => ({
      by: "volume",
      name,
      nodes: [node],
      domain: "zone"
    })
    const selector: Pin = { by: "affinity", name: "disk", nodes: ["node-a", "node-b"], domain: null }
    const said = (...pins: ReadonlyArray<Pin>) =>
      look("restart", "no-node-fits-all", (draft) => {
        named(draft.replicas, "db-2").pod = null
        draft.placements[2]?.pins.push(...pins)
      }).findings.map(({ evidence, remedy }) => [evidence, remedy])

    it("a volume and the nodes that are asked for", () => {
      assert.deepStrictEqual(said(zone("data-db-2", "node-c"), selector), [
        [
          "data-db-2 can only be attached in zone c, where no node matches affinity disk",
          "relax affinity disk, or move the data of data-db-2 to a volume where it matches"
        ]
      ])
      assert.deepStrictEqual(said(zone("data-db-2", "node-b"), selector), [])
    })

    it("two volumes in two places", () => {
      assert.deepStrictEqual(said(zone("data-db-2", "node-c"), zone("wal-db-2", "node-b")), [
        [
          "no node can attach both data-db-2 and wal-db-2",
          "move the data of one of them to a volume where the other is"
        ]
      ])
    })

    it("two things that are asked for of a node", () => {
      const other: Pin = { ...selector, by: "nodeSelector", name: "pool=db", nodes: ["node-c"] }
      assert.deepStrictEqual(said(selector, other), [
        ["no node matches both affinity disk and nodeSelector pool=db", "relax one of them"]
      ])
    })

    it("and one that runs comes back on its own server, but from no drain", () => {
      const { findings } = look("restart", "no-node-fits-all", (draft) => {
        draft.placements[2]?.pins.push(zone("data-db-2", "node-c"), selector)
      })
      assert.deepStrictEqual(
        findings.map(({ disruptions }) => disruptions),
        [["ServerGone", "RackGone", "Drain"]]
      )
      const { findings: again } = look("restart", "no-other-node", (draft) => {
        draft.placements[2]?.pins.push(zone("data-db-2", "node-c"), selector)
      })
      assert.deepStrictEqual(again, [])
    })
  })

  it("keeps the disk of a volume in deletion first, and lets a volume that is not attached go to any node", () => {
    const found = (change: Case["change"]) =>
      look("restart", "volume-being-deleted", (draft) => {
        Object.assign(named(draft.claims, "data-db-1").volume ?? {}, {
          deleted: "2026-11-20T11:00:00Z",
          reclaimPolicy: "Delete"
        })
        change(draft)
      }).findings.map((one) => [one.disruptions, one.remedy])
    assert.deepStrictEqual(
      found(() => {}),
      [
        [
          ["ServerGone", "RackGone", "Drain"],
          `kubectl patch pv pvc-data-1 --type=merge -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'`
        ]
      ]
    )
    assert.deepStrictEqual(
      found((draft) => {
        for (const driver of draft.protection.drivers ?? []) driver.attachRequired = false
      }),
      []
    )
  })

  it("says which volume a claim asks for in vain, because another claim had it", () => {
    const { findings } = look("restart", "claim-not-bound", (draft) => {
      const claim = named(draft.claims, "data-db-1")
      claim.phase = "Pending"
      Object.assign(claim.volume ?? {}, { heldBy: "other" })
    })
    assert.deepStrictEqual(
      findings.map((one) => one.evidence),
      ["data-db-1 is Pending: volume pvc-data-1, which it names, is reserved for another claim"]
    )
  })

  it("knows that a budget never lets a Deployment's only pod go", () => {
    const { findings } = look("restart", "budget-blocks", (draft) => {
      deployed(draft)
      Object.assign(first(draft.budgets), {
        minAvailable: "1",
        maxUnavailable: null,
        desiredHealthy: 1,
        expectedPods: 1,
        pods: ["db-0"]
      })
    })
    assert.deepStrictEqual(
      findings.map((one) => [one.answer, one.disruptions, one.remedy]),
      [["No", ["Drain"], "if db may be down during a drain, set maxUnavailable 1 in PodDisruptionBudget db"]]
    )
  })

  /** Two copies of a Deployment on one node. */
  const copies = (draft: Parameters<Case["change"]>[0]) => {
    Object.assign(first(draft.workloads), { kind: "Deployment", replicas: 2, claimTemplates: [] })
    draft.replicas = draft.replicas.slice(0, 2)
    for (const replica of draft.replicas) replica.workload = "Deployment/db"
  }

  it("tells that a drain may take all copies of a Deployment, where no budget keeps one", () => {
    const missing = look("restart", "budget-missing", (draft) => {
      copies(draft)
      draft.budgets = []
    })
    assert.deepStrictEqual(
      missing.findings.map((one) => [one.answer, one.disruptions]),
      [["YesWithDowntime", ["Drain"]]]
    )
    const allowing = (maxUnavailable: string) =>
      look("restart", "budget-below-quorum", (draft) => {
        copies(draft)
        Object.assign(first(draft.budgets), { maxUnavailable, expectedPods: 2, pods: ["db-0", "db-1"] })
      }).findings.map(({ evidence }) => evidence)
    assert.deepStrictEqual(allowing("100%"), ["PodDisruptionBudget db allows 2 of 2 evictions: db is down"])
    assert.deepStrictEqual(allowing("1"), [])
  })

  it("names the zone that a volume asks for, though no node is in it, and holds all else against that", () => {
    const found = finding("restart", {
      ...caseOf("volume-without-spare-node"),
      change: (draft) => {
        first(draft.placements).pins.push({ by: "volume", name: "data-db-0", nodes: [], domain: null })
      }
    })
    assert.strictEqual(found.evidence, "no node can attach data-db-0")
    assert.include(found.disruptions, "ServerRestarts")
  })

  it("lets a volume of one node be where its affinity names no other, or no other node is free", () => {
    const evidence = (nodeAffinity: ReadonlyArray<unknown>, nodes: ReadonlyArray<string>) =>
      look("restart", "volume-on-one-node", (draft) => {
        Object.assign(named(draft.claims, "data-db-0").volume ?? {}, {
          source: "hostPath",
          driver: null,
          nodeAffinity
        })
        first(draft.placements).pins.push({
          by: "volume",
          name: "data-db-0",
          nodes: [...nodes],
          domain: "node"
        })
      }).findings.map((one) => [one.evidence, one.disruptions.length])
    const asked = [[{ key: "kubernetes.io/hostname", operator: "In", values: ["node-a"] }]]
    const bound = ["data-db-0 exists only on node-a: its data is lost with it", 2]
    assert.deepStrictEqual(evidence(asked, ["node-a"]), [bound])
    assert.deepStrictEqual(evidence([], ["node-a"])[0], [
      "data-db-0 is on a local disk but has no nodeAffinity: pods may start elsewhere, without their data",
      5
    ])
  })

  it("names the node that a local volume asks for, though that is gone", () => {
    const { findings } = look("restart", "volume-on-one-node", (draft) => {
      first(draft.placements).pins.push({ by: "volume", name: "data-db-0", nodes: [], domain: "node" })
      Object.assign(named(draft.claims, "data-db-0").volume ?? {}, {
        nodeAffinity: [[{ key: "kubernetes.io/hostname", operator: "In", values: ["node-x"] }]]
      })
    })
    assert.strictEqual(
      first(findings).evidence,
      "data-db-0 exists only on node-x, which is gone from the cluster: its pod cannot start"
    )
  })

  it("gives no command for a budget whose selector the command does not take", () => {
    const { findings } = look("restart", "budget-missing", (draft) => {
      first(draft.workloads).selector = "app in (db, pg)"
      draft.budgets = []
    })
    assert.match(first(findings).remedy ?? "", /^create a PodDisruptionBudget/)
  })

  it("has nothing against fsGroup where the driver's volumes keep their modes", () => {
    const { findings } = look("restart", "fs-group-at-each-mount", (draft) => {
      first(draft.workloads).template.fsGroupChangePolicy = null
      first(draft.protection.drivers).fsGroupPolicy = "None"
    })
    assert.deepStrictEqual(findings, [])
  })

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

  it("only remarks that a node is cordoned whose replica can start elsewhere", () => {
    const verdict = look("restart", "node-cordoned", (draft) => {
      named(draft.nodes, "node-a").unschedulable = true
      draft.nodes?.push({ ...named(draft.nodes, "node-b"), name: "node-d", rack: "r4" })
    })
    assert.deepStrictEqual([verdict.answer, first(verdict.findings).answer], ["Yes", "Yes"])
  })

  it("knows a local volume without nodes or pins, from its source alone", () => {
    const verdict = look("restart", "volume-on-one-node", (draft) => {
      draft.nodes = null
      Object.assign(named(draft.claims, "data-db-2").volume ?? {}, { source: "local", driver: null })
    })
    assert.strictEqual(
      first(verdict.findings).evidence,
      "data-db-2 exists only on node-c: its data is lost with it"
    )
  })

  it("creates a missing Service with the selector that finds the pods", () => {
    const { findings } = look("restart", "service-missing", (draft) => {
      named(draft.services, "db").present = false
      first(draft.workloads).selector = "app.kubernetes.io/name=postgres"
    })
    assert.strictEqual(
      first(findings).remedy,
      "kubectl create service clusterip db --clusterip=None -n shop && kubectl set selector service db app.kubernetes.io/name=postgres -n shop"
    )
  })

  it("sends nobody away from a folder of its node, nor from a claim that is one and names none", () => {
    const remedy = (change: Case["change"], name = "disk=ssd") =>
      first(
        look("restart", "selector-fits-one-node", (draft) => {
          const placement = first(draft.placements)
          placement.pins.push({
            by: "nodeSelector",
            name,
            nodes: ["node-a"],
            domain: "node"
          })
          change(draft)
        }).findings
      ).remedy
    const writes =
      (name: string): Case["change"] =>
      (draft) => {
        first(draft.placements).pins.push({ by: "hostPath", name, nodes: ["node-a"], domain: "node" })
      }
    const stay = "move the data off node-a first: on another node a pod does not find it"
    assert.strictEqual(remedy(writes("/srv/db")), stay)
    assert.strictEqual(remedy(writes("/srv/db"), "kubernetes.io/hostname=node-a"), stay)
    assert.strictEqual(
      remedy((draft) => {
        const volume = { source: "hostPath", driver: null, nodeAffinity: [] }
        Object.assign(named(draft.claims, "data-db-0").volume ?? {}, volume)
      }),
      stay
    )
    assert.match(remedy(writes("/dev/ttyUSB0")) ?? "", /label another node/)
  })

  it("leaves a budget that somebody owns to its owner", () => {
    const owner = "Cluster.postgresql.cnpg.io/db"
    for (const rule of ["budget-blocks", "budget-below-quorum", "budgets-overlap"] as const) {
      for (const { change, says } of restartCases.filter(
        (one) => one.rule === rule && one.says !== "Unknown"
      )) {
        const { findings } = look("restart", rule, (draft) => {
          change(draft)
          for (const budget of draft.budgets ?? []) budget.owner = owner
        })
        const [found] = findings.filter(({ answer }) => answer === says)
        assert.notInclude(found?.remedy ?? "kubectl", "kubectl", rule)
      }
    }
  })

  it("tells a pod that waits for a claim which another pod has on its own node", () => {
    const waits = (accessModes: Array<string>) =>
      first(
        look("restart", "replica-not-ready", (draft) => {
          const pod = draft.replicas[1]?.pod
          if (pod) Object.assign(pod, { ready: false, reason: "ContainerCreating" })
          Object.assign(named(draft.claims, "data-db-0"), { accessModes, usedBy: ["db-0", "db-1"] })
        }).findings
      )
    const found = waits(["ReadWriteOnce"])
    assert.strictEqual(found.evidence, "db-1 is not ready: data-db-0 is attached to node-a, for db-0")
    assert.match(found.remedy ?? "", /its own PVC instead of data-db-0/)
    assert.strictEqual(waits(["ReadWriteMany"]).evidence, "db-1 is not ready: ContainerCreating")
  })

  it("gives pods of a Deployment no claims of their own: one of them runs, or all can share", () => {
    const found = look("restart", "replica-not-ready", (draft) => {
      Object.assign(first(draft.workloads), { kind: "Deployment", claimTemplates: [] })
      for (const one of draft.replicas) Object.assign(one, { workload: "Deployment/db", ordinal: null })
      const pod = draft.replicas[1]?.pod
      if (pod) Object.assign(pod, { ready: false, reason: "ContainerCreating" })
      Object.assign(named(draft.claims, "data-db-0"), { usedBy: ["db-0", "db-1"] })
    }).findings
    assert.strictEqual(
      first(found).remedy,
      "run 1 replica; only if db can run more than once at a time, move data-db-0 to a ReadWriteMany PVC"
    )
  })

  it("adds no node where a volume holds a replica in the place that it is kept apart over", () => {
    const zone = "topology.kubernetes.io/zone"
    const remedies = look("restart", "no-other-node", (draft) => {
      first(draft.workloads).template.antiAffinityKeys = [zone]
      draft.nodes?.push({ ...structuredClone(named(draft.nodes, "node-b")), name: "node-e" })
      for (const [index, nodes] of [["node-a"], ["node-b", "node-e"], ["node-c"]].entries())
        draft.placements[index]?.pins.push({ by: "volume", name: `data-db-${index}`, nodes, domain: "zone" })
      const home = named(draft.nodes, "node-e")
      Object.assign(named(draft.replicas, "db-0").pod ?? {}, { node: "node-e" })
      Object.assign(home, { ready: true })
      draft.placements[0]?.pins.splice(0, 1, {
        by: "volume",
        name: "data-db-0",
        nodes: ["node-b", "node-e"],
        domain: "zone"
      })
    }).findings.map(({ remedy }) => remedy)
    assert.deepStrictEqual(remedies, [
      `relax the anti-affinity over ${zone}, or move the data of db-0 or db-1 to another one`
    ])
  })

  it("lets a pod with a hostPath for its logs start on any node", () => {
    assert.deepStrictEqual(
      told((draft) => {
        for (const placement of draft.placements) {
          placement.pins.push({
            by: "hostPath",
            name: "/var/log/db",
            nodes: placement.node === null ? null : [placement.node],
            domain: "node"
          })
        }
        draft.volumes.push({
          workload: "StatefulSet/db",
          name: "logs",
          source: "hostPath",
          detail: "/var/log/db",
          writers: ["postgres:/logs"],
          rendered: false
        })
      }),
      []
    )
  })

  it("counts no node as spare whose taint the pods do not tolerate", () => {
    const withTaint = (tolerations: Array<string>) =>
      look("restart", "no-other-node", (draft) => {
        first(draft.workloads).template.tolerations = tolerations
        for (const name of ["node-a", "node-b"])
          named(draft.nodes, name).taints = ["dedicated=web:NoSchedule"]
      }).findings.map((one) => one.objects)
    assert.deepStrictEqual(withTaint([]), [["Pod/db-2"]])
    assert.deepStrictEqual(withTaint(["dedicated=web:NoSchedule"]), [])
  })

  it("counts for a budget the pods that are asked for, also while the first of them starts", () => {
    const { findings } = look("restart", "budget-blocks", (draft) => {
      for (const name of ["db-1", "db-2"]) named(draft.replicas, name).pod = null
      Object.assign(first(draft.budgets), {
        minAvailable: "2",
        maxUnavailable: null,
        expectedPods: 1,
        currentHealthy: 1,
        disruptionsAllowed: 0,
        pods: ["db-0"]
      })
    })
    assert.deepStrictEqual(findings, [])
  })

  it("claims nothing of quorum while a replica has no node yet", () => {
    const { findings } = look("restart", "quorum-kept", (draft) => {
      named(draft.replicas, "db-2").pod = null
      Object.assign(draft.placements[2] ?? {}, { node: null, zone: null, rack: null })
    })
    assert.deepStrictEqual(findings, [])
  })
})
