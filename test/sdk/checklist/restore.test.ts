import { assert, describe, it } from "@effect/vitest"
import { first, healthyApp, named } from "../appState.ts"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import { type Case, finding, look } from "./cases.ts"
import { restoreCases } from "./restore.cases.ts"

describe("restore", () => {
  for (const one of restoreCases) {
    it(`${one.rule} says ${one.says} when ${one.when}`, () => {
      assert.strictEqual(finding("restore", one).answer, one.says)
      assert.strictEqual(look("restore", one.rule, one.change, one.options).answer, one.says)
    })
  }

  const weaknesses = ["no-snapshot", "snapshot-not-ready", "snapshot-too-old", "snapshots-torn"]
  const policies = [
    "snapshots-go-with-namespace",
    "volumes-go-with-claims",
    "claims-go-with-workload",
    "autoscaler-deletes-claims"
  ]

  for (const rule of [...weaknesses, ...policies]) {
    const change = restoreCases.find((one) => one.rule === rule)?.change ?? (() => {})

    it(`only remarks ${rule} where a copy of every claim is elsewhere`, () => {
      const { copies } = healthyApp().protection
      const verdict = look("restore", rule, (draft) => {
        change(draft)
        draft.protection.copies = structuredClone(copies) as typeof draft.protection.copies
      })
      assert.deepStrictEqual([verdict.answer, first(verdict.findings).answer], ["Yes", "Yes"])
    })

    it(`does not know what ${rule} means where copies could not be read`, () => {
      const verdict = look("restore", rule, (draft) => {
        change(draft)
        draft.protection.copies = null
      })
      assert.deepStrictEqual([verdict.answer, first(verdict.findings).answer], ["Unknown", "Unknown"])
    })
  }

  it("wants a copy of every claim", () => {
    const { answer: said, findings } = look("restore", "same-storage-only", (draft) => {
      draft.protection.copies = (draft.protection.copies ?? []).filter((copy) => copy.claim !== "wal-db-1")
    })
    assert.strictEqual(said, "No")
    assert.strictEqual(first(findings).evidence, "no backup of wal-db-1 on other storage found")
  })

  it("advises no snapshot where none can be taken: no API, no class, a volume that no driver cuts, or none yet", () => {
    const remedies = (change: Case["change"]) =>
      look("restore", "no-snapshot", (draft) => {
        draft.protection.snapshots = []
        draft.protection.copies = []
        change(draft)
      }).findings.map(({ answer: said, remedy }) => [said, remedy])
    const none: ReadonlyArray<Case["change"]> = [
      (draft) => {
        draft.protection.snapshotApi = false
      },
      (draft) => {
        draft.protection.snapshotClasses = []
      },
      (draft) => {
        Object.assign(first(draft.claims).volume ?? {}, { source: "nfs" })
      },
      (draft) => {
        Object.assign(first(draft.claims), { phase: "Pending", volume: null })
      }
    ]
    for (const change of none) assert.deepStrictEqual(remedies(change), [["No", null]])
    assert.deepStrictEqual(
      remedies(() => {}),
      [["No", "take a snapshot of all claims: kubectl stateful snapshot db -n shop"]]
    )
  })

  it("holds both copies and snapshots to the age that is asked for", () => {
    const verdict = (maxAge: "1 hour" | "2 hours") =>
      answer(healthyApp(), { maxAge }).find((one) => one.question === "restore")
    assert.strictEqual(verdict("2 hours")?.answer, "Yes")
    assert.deepStrictEqual(
      verdict("1 hour")
        ?.findings.map((one) => `${one.answer} ${one.rule}`)
        .toSorted(),
      ["No copy-too-old", "Yes snapshot-too-old"]
    )
  })

  it("trusts a set of ours, whose record says how it was cut, and a group whose cuts are a second apart", () => {
    for (const [set, group] of [
      ["nightly", null],
      [null, "nightly"]
    ] as const) {
      const { findings } = look("restore", "snapshots-torn", (draft) => {
        for (const [index, one] of (draft.protection.snapshots ?? []).entries()) {
          Object.assign(one, { set, group, cut: `2026-11-20T10:00:0${set === null ? index % 2 : index}Z` })
        }
      })
      assert.deepStrictEqual(findings, [])
    }
  })

  it("does not restore from a snapshot whose content names another", () => {
    const { findings } = look("restore", "snapshot-not-ready", (draft) => {
      draft.protection.copies = []
      named(draft.protection.snapshots, "nightly-1120-data-db-2").bound = false
    })
    assert.strictEqual(first(findings).evidence, "no snapshot of data-db-2 is ready to use")
  })

  it("takes the policy of a snapshot's class where its content could not be read", () => {
    const { findings } = look("restore", "snapshots-go-with-namespace", (draft) => {
      named(draft.protection.snapshotClasses, "snap").deletionPolicy = "Delete"
      for (const one of draft.protection.snapshots ?? [])
        Object.assign(one, { deletionPolicy: null, class: "snap" })
    })
    assert.lengthOf(findings, 1)
  })

  it("needs no copy of what has no claims", () => {
    const verdict = look("restore", "copy-elsewhere", (draft) => {
      first(draft.workloads).claimTemplates = []
      draft.claims = []
    })
    assert.strictEqual(verdict.answer, "Yes")
  })

  it("takes a group for torn whose members were cut two seconds apart, and single snapshots always", () => {
    const evidence = (group: string | null, seconds: number) =>
      look("restore", "snapshots-torn", (draft) => {
        for (const one of draft.protection.snapshots ?? []) one.group = group
        first(draft.protection.snapshots).cut = `2026-11-20T10:00:0${seconds}Z`
      }).findings.map((one) => one.evidence)
    assert.deepStrictEqual(evidence("nightly", 1), [])
    assert.deepStrictEqual(evidence("nightly", 2), [
      "no single snapshot contains all 6 claims: the last ones are 2s apart"
    ])
    assert.deepStrictEqual(evidence(null, 0), [
      "no single snapshot contains all 6 claims: each was taken separately"
    ])
  })

  const velero =
    (taken: string | null): Case["change"] =>
    (draft) => {
      draft.protection.copies = [
        { name: "Backup/older", claim: null, taken: "2026-11-10T10:00:00Z", location: null },
        { name: "Backup/nightly", claim: null, taken, location: "BackupStorageLocation/offsite" }
      ]
      for (const claim of draft.claims) Object.assign(claim.volume ?? {}, { reclaimPolicy: "Delete" })
    }

  it("does not know what a backup of the whole namespace holds, and says how to look", () => {
    const verdict = look("restore", "same-storage-only", velero("2026-11-20T10:00:00Z"))
    assert.strictEqual(verdict.answer, "Unknown")
    assert.deepStrictEqual(
      verdict.findings.map((one) => [one.evidence, one.remedy]),
      [
        [
          "Backup/nightly does not show whether it contains all 6 claims",
          "velero backup describe nightly --details"
        ]
      ]
    )
  })

  it("knows that a backup is too old whatever it holds", () => {
    assert.strictEqual(look("restore", "copy-too-old", velero("2026-11-17T10:00:00Z")).answer, "No")
  })
})
