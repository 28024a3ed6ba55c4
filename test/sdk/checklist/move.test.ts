import { assert, describe, it } from "@effect/vitest"
import { first, named } from "../appState.ts"
import { finding, look } from "./cases.ts"
import { moveCases, south } from "./move.cases.ts"

describe("move", () => {
  for (const one of moveCases) {
    it(`${one.rule} says ${one.says} when ${one.when}`, () => {
      assert.strictEqual(finding("move", one).answer, one.says)
      assert.strictEqual(look("move", one.rule, one.change, one.options).answer, one.says)
    })
  }

  it("knows where drivers keep data by what they say of themselves", () => {
    const said = (driver: string) =>
      look("move", "driver-in-cluster", (draft) => {
        for (const claim of draft.claims) Object.assign(claim.volume ?? {}, { driver })
        draft.protection.copies = []
      }).findings[0]?.answer
    for (const driver of [
      "topolvm.io",
      "lvm.hwameistor.io",
      "disk.hwameistor.io",
      "carina.storage.io",
      "cstor.csi.openebs.io",
      "jiva.csi.openebs.io",
      "rawfile.csi.openebs.io",
      "io.openebs.csi-mayastor",
      "linstor.csi.linbit.com",
      "lvm.driver.harvesterhci.io",
      "lvm.csi.metal-stack.io"
    ])
      assert.strictEqual(said(driver), "No", driver)
    // Rook's Ceph may be another cluster's, and Portworx' pools disks of a cloud or an array.
    for (const driver of ["rook-ceph.cephfs.csi.ceph.com", "storage.rbd.csi.ceph.com", "pxd.portworx.com"])
      assert.strictEqual(said(driver), "Unknown", driver)
    for (const driver of ["rbd.csi.ceph.com", "ebs.csi.aws.com", "driver.harvesterhci.io", "nfs.csi.k8s.io"])
      assert.isUndefined(said(driver), driver)
  })

  it("names the labels that nodes must have there too, but for those that every node has", () => {
    const { answer: said, findings } = look("move", "needs-on-target", (draft) => {
      first(draft.workloads).template.nodeSelector = { disk: "nvme", "kubernetes.io/os": "linux" }
    })
    assert.strictEqual(said, "Yes")
    assert.match(first(findings).evidence, / and nodes with label disk=nvme$/)
  })

  it("does not know where data will be whose claims wait without a class, where none is the default", () => {
    const waiting = (isDefault: boolean) =>
      look("move", "needs-on-target", (draft) => {
        for (const claim of draft.claims)
          Object.assign(claim, { volume: null, phase: "Pending", storageClass: null })
        draft.protection.storageClasses = (draft.protection.storageClasses ?? []).map((one) => ({
          ...one,
          isDefault
        }))
      })
    assert.strictEqual(waiting(false).answer, "Unknown")
    assert.match(first(waiting(false).findings).evidence, /wait for a volume without a StorageClass/)
    assert.strictEqual(waiting(true).answer, "Yes")
  })

  it("does not know whether nodes there have a device of these nodes, whatever the target tells", () => {
    const asked = (detail: string, options = {}) =>
      look(
        "move",
        "device-needed",
        (draft) => {
          const writers = [`postgres:${detail}`]
          draft.volumes.push({
            workload: "StatefulSet/db",
            name: "dev",
            source: "hostPath",
            detail,
            writers,
            rendered: false
          })
        },
        options
      )
    for (const options of [{}, { target: south }]) {
      const { answer: said, findings } = asked("/dev/ttyUSB0", options)
      assert.deepStrictEqual([said, first(findings).objects], ["Unknown", ["StatefulSet/db"]])
    }
    for (const path of ["/dev/log", "/dev/net/tun", "/dev/fuse", "/dev/shm"])
      assert.strictEqual(asked(path).answer, "Yes", path)
  })

  it("says of a target that has all that is needed that it has", () => {
    const verdict = look("move", "needs-on-target", () => {}, { target: south })
    assert.strictEqual(verdict.answer, "Yes")
    assert.strictEqual(
      first(verdict.findings).evidence,
      "south has what it needs: StorageClass shared and driver csi.example.com"
    )
  })

  it("does not know of a target what was not read of it", () => {
    for (const rule of [
      "class-absent-on-target",
      "driver-absent-on-target",
      "snapshot-class-absent-on-target"
    ]) {
      const verdict = look("move", rule, () => {}, { target: { name: "south" } })
      assert.deepStrictEqual([verdict.answer, first(verdict.findings).answer], ["Unknown", "Unknown"], rule)
    }
  })

  it("moves to a newer cluster, also across 1.9 to 1.10", () => {
    const verdict = look(
      "move",
      "target-older",
      (draft) => {
        draft.serverVersion = "v1.9.3"
      },
      { target: { ...south, serverVersion: "v1.10.0" } }
    )
    assert.strictEqual(verdict.answer, "Yes")
  })

  it("knows of a target whether it has the device and the operator", () => {
    for (const rule of ["device-needed", "operator-needed"]) {
      const one = moveCases.find((candidate) => candidate.rule === rule)
      const change = one?.change ?? (() => {})
      const without = look("move", rule, change, { target: south })
      const equipped = look("move", rule, change, {
        target: { ...south, devices: ["example.com/fpga"], kinds: ["Cluster.postgresql.cnpg.io"] }
      })
      assert.deepStrictEqual([without.answer, equipped.answer], ["No", "Yes"], rule)
    }
  })

  it("lets data of an in-cluster driver go that has a copy elsewhere", () => {
    const verdict = look("move", "driver-in-cluster", (draft) => {
      for (const claim of draft.claims) Object.assign(claim.volume ?? {}, { driver: "driver.longhorn.io" })
    })
    assert.strictEqual(verdict.answer, "Yes")
  })

  it("does not take anti-affinity by host, or a node to stay away from, for the name of a node", () => {
    const affinity = (line: string) =>
      look("move", "selector-names-node", (draft) => {
        first(draft.workloads).template.affinity = [line]
      }).answer
    assert.strictEqual(affinity("not with pods app=db per kubernetes.io/hostname"), "Yes")
    assert.strictEqual(affinity("node kubernetes.io/hostname notin (node-a)"), "Yes")
    assert.strictEqual(affinity("node disk in (ssd) and kubernetes.io/hostname in (node-a,node-b)"), "No")
    assert.strictEqual(affinity("node metadata.name in (node-a)"), "No")
  })

  it("moves an application without claims to any cluster", () => {
    const verdict = look("move", "needs-on-target", (draft) => {
      first(draft.workloads).claimTemplates = []
      draft.claims = []
    })
    assert.strictEqual(first(verdict.findings).evidence, "to any cluster: it has no claims")
  })

  it("names the priority class, which is the cluster's and not the namespace's", () => {
    const verdict = look("move", "needs-on-target", (draft) => {
      first(draft.workloads).template.priorityClass = "high"
    })
    assert.include(first(verdict.findings).evidence, "PriorityClass high")
  })

  it("finds nothing wrong with a zonal volume, which a snapshot carries to other zones", () => {
    const verdict = look("move", "volume-on-one-node", (draft) => {
      draft.placements[0]?.pins.push({ by: "volume", name: "data-db-0", nodes: ["node-a"], domain: "zone" })
      named(draft.claims, "data-db-0").storageClass = "shared"
    })
    assert.deepStrictEqual([verdict.answer, verdict.findings.length], ["Yes", 0])
  })

  it("does not know what a claim will hold that waits for the volume that it names", () => {
    const { answer: said, findings } = look("move", "claim-not-bound", (draft) => {
      const claim = named(draft.claims, "data-db-1")
      claim.phase = "Pending"
      Object.assign(claim.volume ?? {}, { heldBy: "other" })
    })
    assert.deepStrictEqual([said, findings.map((one) => one.answer)], ["Unknown", ["Unknown"]])
  })
})
