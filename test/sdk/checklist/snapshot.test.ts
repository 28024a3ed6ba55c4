import { assert, describe, it } from "@effect/vitest"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import { first, healthyApp, named } from "../appState.ts"
import { type Case, finding, look, withoutClaims } from "./cases.ts"
import { snapshotCases } from "./snapshot.cases.ts"

describe("snapshot", () => {
  for (const one of snapshotCases) {
    it(`${one.rule} says ${one.says} when ${one.when}`, () => {
      assert.strictEqual(finding("snapshot", one).answer, one.says)
      assert.strictEqual(look("snapshot", one.rule, one.change, one.options).answer, one.says)
    })
  }

  it("asks for no snapshot API where no volume is of a CSI driver: it would cut none", () => {
    const remedy = (source: "csi" | "nfs") =>
      first(
        look("snapshot", "snapshot-api-missing", (draft) => {
          draft.protection.snapshotApi = false
          for (const { volume } of draft.claims)
            if (volume !== null)
              Object.assign(volume, { source, driver: source === "csi" ? volume.driver : null })
        }).findings
      ).remedy
    assert.isNull(remedy("nfs"))
    assert.match(remedy("csi") ?? "", /external-snapshotter/)
  })

  it("asks for no group where there is one claim in all", () => {
    const verdict = look("snapshot", "one-cut", (draft) => {
      first(draft.workloads).replicas = 1
      draft.replicas = draft.replicas.slice(0, 1)
      draft.claims = draft.claims.slice(0, 1)
      first(draft.workloads).claimTemplates = first(draft.workloads).claimTemplates.slice(0, 1)
      draft.protection.groupSnapshotApi = null
      draft.protection.snapshotClasses = (draft.protection.snapshotClasses ?? []).filter((one) => !one.group)
    })
    assert.strictEqual(verdict.answer, "Yes")
    assert.strictEqual(
      first(verdict.findings).evidence,
      "data-db-0 is the only claim: one snapshot is enough (VolumeSnapshotClass snap)"
    )
  })

  it("asks for no group of a claim beside others that no container mounts, and reaches no level without any", () => {
    const options =
      (mounted: ReadonlyArray<string>): Case["change"] =>
      (draft) => {
        Object.assign(first(draft.workloads), { replicas: 1 })
        draft.replicas = draft.replicas.slice(0, 1)
        draft.claims = draft.claims.slice(0, 2)
        for (const claim of draft.claims) claim.mounted = mounted.includes(claim.name)
        draft.protection.groupSnapshotApi = null
        draft.protection.snapshotClasses = (draft.protection.snapshotClasses ?? []).filter(
          (one) => !one.group
        )
      }
    const said = (mounted: ReadonlyArray<string>) => {
      const verdict = answer(healthyApp(options(mounted))).find(({ question }) => question === "snapshot")
      if (verdict?.question !== "snapshot") throw new Error("snapshot was not answered")
      return [verdict.answer, verdict.level, verdict.findings[0]?.evidence]
    }
    assert.deepStrictEqual(said(["data-db-0", "wal-db-0"]).slice(0, 2), ["YesWithDowntime", "crash"])
    assert.deepStrictEqual(said(["data-db-0"]), [
      "Yes",
      "crash",
      "data-db-0 is the only claim that is mounted: one snapshot is enough (VolumeSnapshotClass snap)"
    ])
    assert.strictEqual(said([])[1], null)
    const three = look("snapshot", "group-api-missing", (draft) => {
      for (const claim of draft.claims) claim.mounted = claim.template === "data"
      draft.protection.groupSnapshotApi = null
    })
    assert.match(first(three.findings).evidence, /^3 claims and no group snapshots/)
  })

  it("has nothing to cut where there are no claims, whatever the cluster offers", () => {
    const verdict = look("snapshot", "one-cut", (draft) => {
      first(draft.workloads).claimTemplates = []
      draft.claims = []
      Object.assign(draft.protection, { snapshotApi: null, snapshotClasses: null, groupSnapshotApi: null })
    })
    assert.strictEqual(verdict.answer, "Yes")
  })

  it("takes a claim that a scale-down left behind into no group", () => {
    const verdict = look("snapshot", "claims-across-drivers", (draft) => {
      const claim = structuredClone(named(draft.claims, "data-db-0"))
      Object.assign(claim.volume ?? {}, { driver: "old.example.com" })
      draft.claims.push(Object.assign(claim, { name: "data-db-3", ordinal: 3, leftover: true, usedBy: [] }))
    })
    assert.deepStrictEqual([verdict.answer, verdict.findings.length], ["Yes", 0])
  })

  it("takes cuts a second apart for one cut, since their times are whole seconds", () => {
    const verdict = look("snapshot", "group-cut-apart", (draft) => {
      named(draft.protection.snapshots, "nightly-1120-wal-db-2").cut = "2026-11-20T10:00:01Z"
    })
    assert.deepStrictEqual([verdict.answer, verdict.findings.length], ["Yes", 0])
  })

  it("believes a driver whose documentation says that its groups are not atomic", () => {
    const verdict = look("snapshot", "group-cut-apart", (draft) => {
      for (const claim of draft.claims) Object.assign(claim.volume ?? {}, { driver: "driver.longhorn.io" })
      for (const one of draft.protection.snapshotClasses ?? []) one.driver = "driver.longhorn.io"
      draft.protection.snapshots = []
    })
    assert.strictEqual(verdict.answer, "YesWithDowntime")
    assert.include(first(verdict.findings).evidence, "driver.longhorn.io")
  })

  it("asks nothing of a provisioner whose volumes are not its own to cut, and advises nothing that would be refused", () => {
    const change: Parameters<typeof look>[2] = (draft) => {
      for (const { volume } of draft.claims)
        Object.assign(volume ?? {}, { source: "nfs", driver: "example.com/efs" })
      Object.assign(draft.protection, { snapshotClasses: [], groupSnapshotApi: null })
    }
    for (const rule of ["snapshot-class-missing", "group-api-missing"])
      assert.deepStrictEqual(look("snapshot", rule, change).findings, [], rule)
    assert.lengthOf(look("snapshot", "volume-without-driver", change).findings, 1)
    const { findings } = look("snapshot", "group-api-missing", (draft) => {
      draft.protection.groupSnapshotApi = null
      Object.assign(first(draft.claims), { phase: "Pending", volume: null })
    })
    assert.deepStrictEqual(
      findings.map(({ answer: said, remedy }) => [said, remedy]),
      [["YesWithDowntime", null]]
    )
  })

  it("waits for a snapshot that was just asked for", () => {
    const verdict = look("snapshot", "snapshot-stuck", (draft) => {
      Object.assign(first(draft.protection.snapshots), {
        created: "2026-11-20T11:55:00Z",
        cut: null,
        readyToUse: false,
        group: null
      })
    })
    assert.deepStrictEqual([verdict.answer, verdict.findings.length], ["Yes", 0])
  })

  it("sees a member that never turned ready although its group did", () => {
    const verdict = look("snapshot", "snapshot-stuck", (draft) => {
      named(draft.protection.snapshots, "nightly-1120-data-db-1").readyToUse = false
    })
    assert.strictEqual(
      first(verdict.findings).evidence,
      "snapshot nightly-1120-data-db-1: never ready, though its group is"
    )
  })

  it("forgets an older failure once a newer snapshot of the claim is ready", () => {
    const verdict = look("snapshot", "snapshot-stuck", (draft) => {
      const old = structuredClone(first(draft.protection.snapshots))
      draft.protection.snapshots?.push(
        Object.assign(old, {
          name: "old",
          created: "2026-11-19T10:00:00Z",
          readyToUse: false,
          error: "no space"
        })
      )
    })
    assert.deepStrictEqual([verdict.answer, verdict.findings.length], ["Yes", 0])
  })

  it("does not count a snapshot that names a class which is not there", () => {
    const failed = (of: string) => {
      const verdict = look("snapshot", "snapshot-stuck", (draft) => {
        const mistaken = structuredClone(first(draft.protection.snapshots))
        const wrong = { created: "2026-11-20T11:59:00Z", readyToUse: false, error: "no class", class: of }
        draft.protection.snapshots?.push(Object.assign(mistaken, { name: "mistaken", ...wrong }))
      })
      return verdict.findings.map(({ evidence }) => evidence)
    }
    assert.deepStrictEqual(failed("no-such-class"), [])
    assert.deepStrictEqual(failed("snap"), ["snapshot mistaken: no class"])
  })

  it("puts a driver's message of several lines on one", () => {
    const { findings } = look("snapshot", "snapshot-stuck", (draft) => {
      Object.assign(first(draft.protection.snapshots), {
        readyToUse: false,
        error: `first\n second ${"x".repeat(200)}`
      })
    })
    assert.match(first(findings).evidence, /: first second x+…$/)
  })

  it("removes the default of a group class by its own annotation", () => {
    const { findings } = look("snapshot", "two-default-classes", (draft) => {
      draft.protection.snapshotClasses?.push({
        ...named(draft.protection.snapshotClasses, "group"),
        name: "group-2"
      })
    })
    assert.strictEqual(
      first(findings).remedy,
      "kubectl annotate volumegroupsnapshotclass group-2 groupsnapshot.storage.kubernetes.io/is-default-class-"
    )
  })

  it("asks nothing of a sick pod's volumes where there are none", () => {
    const sick = (change: Case["change"]) =>
      look("snapshot", "replica-not-ready", (draft) => {
        change(draft)
        const pod = draft.replicas[1]?.pod
        if (pod) pod.ready = false
      }).findings
    assert.lengthOf(
      sick(() => {}),
      1
    )
    assert.lengthOf(sick(withoutClaims), 0)
  })
})
