/** What is going is not kept: terminating, Lost, Pending, and volumes of somebody else are facts of a plan. */
import { assert, describe, it } from "vitest"
import type { Claim } from "../../../packages/sdk/src/Claim.ts"
import type { ScaleOptions } from "../../../packages/sdk/src/scale/options.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { type Draft, healthyApp } from "../appState.ts"

type Change = (claim: Draft<Claim>) => void

/** A plan over three replicas with a data and a WAL claim each, with one claim changed. */
const plan = (
  claim: string,
  change: Change,
  options: ScaleOptions,
  replicas = 3,
  also: (state: Draft<AppState>) => void = () => {}
) => {
  const state = healthyApp((draft) => {
    for (const workload of draft.workloads) workload.replicas = replicas
    for (const replica of draft.replicas) replica.wanted = (replica.ordinal ?? 0) < replicas
    const changed = draft.claims.find(({ name }) => name === claim)
    if (changed === undefined) throw new Error(`the fixture has no ${claim}`)
    change(changed)
    also(draft)
  })
  const made = Scale.plan(state, "0badcafe", options)
  if (made === null) throw new Error("no plan")
  return made
}

const terminating: Change = (claim) => {
  claim.deleted = "2026-11-20T10:00:00Z"
}
const withPolicy =
  (reclaimPolicy: string, also: Change): Change =>
  (claim) => {
    also(claim)
    if (claim.volume !== null) claim.volume.reclaimPolicy = reclaimPolicy
  }
const lost: Change = (claim) => {
  claim.phase = "Lost"
}
const pending: Change = (claim) => {
  claim.phase = "Pending"
  claim.volume = null
}
const ofAnother: Change = (claim) => {
  claim.phase = "Pending"
  if (claim.volume !== null) claim.volume.heldBy = "other"
}
const released: Change = (claim) => {
  if (claim.volume !== null) claim.volume.phase = "Released"
}

const reasons = (made: Scale.ScalePlan) => made.refusals.map(({ reason }) => reason).join("\n")
const remedies = (made: Scale.ScalePlan) => made.refusals.map(({ remedy }) => remedy).join("\n")

describe("a scale-down", () => {
  for (const replicas of [2, 0]) {
    it(`to ${replicas} is refused while a claim that loses its pod is terminating, with the way to save its data`, () => {
      const made = plan("data-db-2", withPolicy("Delete", terminating), { replicas })
      assert.include(
        reasons(made),
        "claim data-db-2 is being deleted: its data would be deleted with its pod"
      )
      assert.include(remedies(made), "kubectl patch pv pvc-data-2")
      assert.notInclude(made.warnings.join(), "keeps its data")
    })
  }

  it("is let through once the volume of a terminating claim is under Retain, and counts it as no kept claim", () => {
    const made = plan("data-db-2", withPolicy("Retain", terminating), { replicas: 2 })
    assert.strictEqual(reasons(made), "")
    assert.include(made.effects.join(), "1 claim kept")
    assert.include(made.warnings.join(), "volume pvc-data-2 keeps its data (Retain)")
  })

  it("says of a Lost claim that it has no data to keep", () => {
    const made = plan("data-db-2", lost, { replicas: 2 })
    assert.include(made.warnings.join(), "claim data-db-2 is Lost")
    assert.include(made.effects.join(), "1 claim kept")
  })

  it("with whenScaled Delete asked for is not refused for what goes anyway", () => {
    const made = plan("data-db-2", withPolicy("Delete", terminating), { replicas: 2, whenScaled: "Delete" })
    assert.strictEqual(reasons(made), "")
  })

  it("sets Retain on the volumes of the claims that it says are kept, before the first pod goes", () => {
    const made = plan(
      "data-db-2",
      withPolicy("Delete", () => {}),
      { replicas: 2 }
    )
    const [first] = made.steps
    assert.strictEqual(first?._tag, "RetainVolumes")
    assert.deepEqual(first?._tag === "RetainVolumes" ? first.claims.map(({ claim }) => claim) : [], [
      "data-db-2",
      "wal-db-2"
    ])
    assert.strictEqual(made.steps.at(-1)?._tag, "RestoreReclaimPolicies")
  })
})

describe("a scale-up onto a leftover claim", () => {
  const up = { replicas: 3 }

  it("is refused while the claim is terminating: the pod would start empty", () => {
    const made = plan("data-db-2", withPolicy("Delete", terminating), up, 2)
    assert.include(reasons(made), "no pod is created until it is gone, and then with an empty volume")
    assert.include(remedies(made), "kubectl patch pv pvc-data-2")
  })

  it("is refused while the claim is Lost, and names the volume", () => {
    assert.include(
      reasons(plan("data-db-2", lost, up, 2)),
      "claim data-db-2 is Lost: volume pvc-data-2 is gone"
    )
  })

  it("is refused where the claim only asks for a volume of another claim", () => {
    assert.include(reasons(plan("data-db-2", ofAnother, up, 2)), "which belongs to another claim")
  })

  it("is refused where its volume is Released", () => {
    assert.include(reasons(plan("data-db-2", released, up, 2)), "volume pvc-data-2 is Released")
  })

  it("says of a claim that was never bound that it has no data, and goes on", () => {
    const made = plan("data-db-2", pending, up, 2)
    assert.strictEqual(reasons(made), "")
    assert.include(made.effects.join("\n"), "data-db-2: already exists, Pending: has no data")
    assert.notInclude(made.warnings.join(), "data-db-2 has data from")
  })

  it("says what a claim that was never bound is to be filled from, and never to delete it", () => {
    const restored: Change = (claim) => {
      pending(claim)
      claim.dataSource = "ReplicationDestination/db-2"
    }
    const kept = plan("data-db-2", restored, up, 2)
    assert.include(
      kept.effects.join("\n"),
      "data-db-2: already exists, Pending: to be filled from Replication"
    )
    const aside = plan("data-db-2", restored, { ...up, leftoverClaims: "set-aside" }, 2)
    assert.include(remedies(aside), "it is to be filled from ReplicationDestination/db-2")
    assert.notInclude(remedies(aside), "kubectl delete pvc")
  })

  it("warns where the claim is smaller than its template asks for by now", () => {
    const grown = (asked: string, options: ScaleOptions) =>
      plan(
        "data-db-2",
        (claim) => (claim.capacity = "10Gi"),
        options,
        2,
        ({ workloads }) => {
          for (const template of workloads.flatMap((one) => one.claimTemplates))
            if (template.name === "data") template.requested = asked
        }
      ).warnings.join("\n")
    assert.include(grown("20Gi", up), "data-db-2 has 10Gi, its template asks for 20Gi by now")
    assert.notInclude(grown("10240Mi", up), "its template asks")
    assert.notInclude(grown("20Gi", { ...up, leftoverClaims: "set-aside" }), "its template asks")
  })

  it("warns that new claims are smaller than each existing one, as where claims were expanded", () => {
    const said = (sizes: ReadonlyArray<string>) =>
      plan(
        "data-db-0",
        () => {},
        { replicas: 5 },
        3,
        (draft) => {
          const data = draft.claims.filter(({ template }) => template === "data")
          for (const [index, claim] of data.entries()) claim.requested = sizes[index] ?? "100Gi"
        }
      ).warnings.join("\n")
    assert.include(
      said([]),
      "data-db-3 and data-db-4 get 20Gi, as template data asks, which is less than each"
    )
    assert.notInclude(said(["20Gi"]), "as template data asks")
  })

  for (const aside of [false, true]) {
    it(`is refused while its pod still ends under whenScaled Delete${aside ? ", to be set aside too" : ""}: the claim goes with that pod`, () => {
      const ended = (whenScaled: "Delete" | "Retain") =>
        plan(
          "data-db-2",
          () => {},
          { ...up, leftoverClaims: aside ? "set-aside" : "keep" },
          2,
          (state) => {
            for (const workload of state.workloads) workload.retention = { whenScaled, whenDeleted: "Retain" }
          }
        )
      const made = ended("Delete")
      assert.include(reasons(made), "claim data-db-2 is deleted with pod db-2, which is being removed")
      assert.include(remedies(made), '"whenScaled":"Retain"')
      assert.strictEqual(reasons(ended("Retain")), "")
    })
  }
})

describe("a scale-up with new claims", () => {
  const templates = (state: Draft<AppState>) => state.workloads.flatMap((one) => one.claimTemplates)
  const warned = (change: (state: Draft<AppState>) => void, from: number, replicas: number) =>
    plan("data-db-2", () => {}, { replicas }, from, change).warnings.join("\n")

  it("warns where nothing makes a volume: no class, one that is not there, one without a provisioner", () => {
    const classed = (storageClass: string) =>
      warned(
        (state) => {
          for (const template of templates(state))
            if (template.name === "data") template.storageClass = storageClass
        },
        3,
        5
      )
    assert.include(
      classed("manual"),
      "template data has StorageClass manual, which does not exist: data-db-3 and data-db-4 get no volume"
    )
    assert.include(classed(""), "template data has no StorageClass: data-db-3 and data-db-4 get no volume")
    const isLocal = (state: Draft<AppState>) => {
      for (const one of state.protection.storageClasses ?? [])
        one.provisioner = "kubernetes.io/no-provisioner"
    }
    assert.include(warned(isLocal, 3, 4), "without a provisioner: data-db-3 gets no volume")
    assert.notInclude(
      warned(() => {}, 3, 5),
      "created manually"
    )
  })

  it("names claims that are gone below one that is there", () => {
    const without = (state: Draft<AppState>) => {
      state.claims = state.claims.filter(({ name }) => name !== "data-db-1")
    }
    assert.include(
      warned(without, 0, 3),
      "data-db-1 is gone, while data-db-2 is there: its pod starts with an empty volume"
    )
    assert.notInclude(
      warned(() => {}, 0, 3),
      "is gone"
    )
  })
})
