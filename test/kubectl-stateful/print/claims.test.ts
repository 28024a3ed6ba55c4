import { assert, describe, it } from "vitest"
import {
  claimTable,
  keptConfigTable,
  keptVolumeTable,
  setAsideTable
} from "../../../packages/kubectl-stateful/src/print/claims.ts"
import { render } from "../../../packages/kubectl-stateful/src/print/text.ts"
import { healthyApp } from "../../sdk/appState.ts"

const kept = (change: Parameters<typeof healthyApp>[0]) =>
  render(keptVolumeTable(healthyApp(change), { columns: 80 }), false)

describe("volumes that no claim uses any longer", () => {
  it("are named with the claim that they lost, the policy before, and the operation", () => {
    const text = kept((draft) => {
      draft.keptVolumes = [
        {
          name: "pvc-0a7b",
          claim: "data-db-1",
          phase: "Released",
          reclaimPolicy: "Retain",
          policyBefore: "Delete",
          operation: "8f3a8f3a"
        }
      ]
    })
    assert.match(text, /KEPT VOLUME +ORIGINAL CLAIM +PHASE +RECLAIM/)
    assert.match(text, /pvc-0a7b +data-db-1 +Released +Retain/)
    assert.include(
      text.replaceAll(/\s+/g, " "),
      "claim deleted during operation 8f3a8f3a; data kept (reclaim policy was Delete)"
    )
  })

  it("are told as data of a claim that somebody deleted, ten of them, and how many more there are", () => {
    const text = kept((draft) => {
      draft.keptVolumes = Array.from({ length: 12 }, (_, place) => ({
        name: `pvc-${place}`,
        claim: "data-db-1",
        phase: "Released",
        reclaimPolicy: "Retain",
        policyBefore: null,
        operation: null
      }))
    })
    const words = text.replaceAll(/\s+/g, " ").trim()
    assert.include(words, "its claim was deleted, and the data of that claim is still on it")
    assert.match(words, /pvc-9 .*; and 2 more$/)
    assert.notInclude(words, "pvc-10")
  })

  it("have no block where there are none, or volumes could not be read", () => {
    assert.strictEqual(
      kept(() => {}),
      ""
    )
    assert.strictEqual(
      kept((draft) => {
        draft.keptVolumes = null
      }),
      ""
    )
  })
})

describe("claims", () => {
  it("say the size that their template asks for, once their StatefulSet was recreated with a larger one", () => {
    const text = (change: Parameters<typeof healthyApp>[0]) =>
      render(claimTable(healthyApp(change), { columns: 120, wide: false }), false)
    assert.notInclude(
      text(() => {}),
      "its template asks"
    )
    const recreated = text((draft) => {
      const [template] = draft.workloads[0]?.claimTemplates ?? []
      if (template !== undefined) template.requested = "5Ti"
    })
    assert.include(recreated, "its template asks for 5Ti")
  })
})

describe("claims that were set aside", () => {
  it("are named with the claim they were of, and with the restore that can still be undone", () => {
    const state = healthyApp((draft) => {
      draft.setAside = [
        { name: "data-db-0-8f3a8f3a", of: "data-db-0", operation: "8f3a8f3a", size: "1Gi", volume: "pvc-1" },
        { name: "data-db-1-0badcafe", of: "data-db-1", operation: "0badcafe", size: null, volume: null }
      ]
      draft.operations = [
        {
          id: "8f3a8f3a",
          verb: "restore",
          phase: "Succeeded",
          started: "2026-11-20T00:00:00Z",
          holder: null
        },
        { id: "0badcafe", verb: "scale", phase: "Succeeded", started: "2026-11-20T00:00:00Z", holder: null }
      ]
    })
    const text = render(setAsideTable(state, { columns: 80 }), false)
    assert.match(text, /SET ASIDE +SIZE +ORIGINAL CLAIM +OPERATION/)
    assert.match(text, /data-db-0-8f3a8f3a +1Gi +data-db-0 +8f3a8f3a/)
    assert.include(text, "undo with: kubectl stateful restore --undo 8f3a8f3a -n shop")
    assert.match(text, /data-db-1-0badcafe +<unknown> +data-db-1 +0badcafe/)
    assert.notInclude(text, "--undo 0badcafe")
    const replaced = {
      ...state,
      keptConfig: ["8f3a8f3a", "0badcafe"].map((operation) => ({ workload: "StatefulSet/db", operation }))
    }
    const config = render(keptConfigTable(replaced, { columns: 120 }), false)
    assert.match(config, /configuration of StatefulSet\/db +8f3a8f3a/)
    assert.include(config, "undo with: kubectl stateful restore --undo 8f3a8f3a -n shop")
    assert.notInclude(config, "0badcafe")
  })
})
