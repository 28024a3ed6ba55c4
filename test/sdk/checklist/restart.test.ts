import { assert, describe, it } from "@effect/vitest"
import { type Draft, first, healthyApp, named } from "../appState.ts"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import { type Case, finding, look } from "./cases.ts"
import { restartCases } from "./restart.cases.ts"
import { caseOf, deployed, told } from "./restart.ts"

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

  it("only remarks that a node is cordoned whose replica can start elsewhere", () => {
    const verdict = look("restart", "node-cordoned", (draft) => {
      named(draft.nodes, "node-a").unschedulable = true
      draft.nodes?.push({ ...named(draft.nodes, "node-b"), name: "node-d", rack: "r4" })
    })
    assert.deepStrictEqual([verdict.answer, first(verdict.findings).answer], ["Yes", "Yes"])
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

  it("claims nothing of quorum while a replica has no node yet", () => {
    const { findings } = look("restart", "quorum-kept", (draft) => {
      named(draft.replicas, "db-2").pod = null
      Object.assign(draft.placements[2] ?? {}, { node: null, zone: null, rack: null })
    })
    assert.deepStrictEqual(findings, [])
  })
})
