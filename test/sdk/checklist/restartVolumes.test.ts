import { assert, describe, it } from "@effect/vitest"
import { first, named } from "../appState.ts"
import { type Case, finding, look } from "./cases.ts"
import { caseOf, told } from "./restart.ts"

describe("restart", () => {
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

  it("has nothing against fsGroup where the driver's volumes keep their modes", () => {
    const { findings } = look("restart", "fs-group-at-each-mount", (draft) => {
      first(draft.workloads).template.fsGroupChangePolicy = null
      first(draft.protection.drivers).fsGroupPolicy = "None"
    })
    assert.deepStrictEqual(findings, [])
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
})
