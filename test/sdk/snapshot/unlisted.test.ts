/** A list without a claim that a pod mounts is no reason to leave it out. */
import { assert, describe, it } from "vitest"
import { plan } from "../../../packages/sdk/src/snapshot/plan.ts"
import { statefulSet } from "../../../packages/sdk/src/App.ts"
import { type Draft, healthyApp } from "../appState.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"

const reasons = (change: (draft: Draft<AppState>) => void) =>
  (plan(healthyApp(change), statefulSet("shop", "db"), "0badcafe", { name: "nightly" })?.refusals ?? []).map(
    ({ reason }) => reason
  )

const without = (claim: string) => (draft: Draft<AppState>) => {
  draft.claims = draft.claims.filter(({ name }) => name !== claim)
}

describe("a snapshot", () => {
  it("is refused where a claim of a pod that runs was not listed", () => {
    assert.deepEqual(reasons(without("data-db-1")), [
      "claim data-db-1 of pod db-1 was not found: a snapshot without it would be incomplete"
    ])
  })

  it("is of what there is where a member has no pod yet", () => {
    assert.deepEqual(
      reasons((draft) => {
        without("data-db-2")(draft)
        for (const replica of draft.replicas) if (replica.name === "db-2") replica.pod = null
      }),
      []
    )
  })
})
