import { assert, describe, it } from "@effect/vitest"
import { statefulSet } from "../../../packages/sdk/src/App.ts"
import { QuiesceCommand } from "../../../packages/sdk/src/QuiesceHook.ts"
import type { Quiesce } from "../../../packages/sdk/src/Quiesce.ts"
import { plan, type SnapshotOptions } from "../../../packages/sdk/src/Snapshot.ts"
import type { Probe } from "../../../packages/sdk/src/Topology.ts"
import { first, healthyApp } from "../appState.ts"

const quiesce: Quiesce = {
  profile: "redis",
  guarantee: "blocks-writes",
  hold: QuiesceCommand.make({ argv: ["freeze"], container: null, deadline: 10_000, input: null }),
  thaw: null,
  probe: null
}
const app = statefulSet("shop", "db")

/** The plan with these probes; `millis`: how long its last freeze took. */
const planned = (
  probes: ReadonlyArray<Partial<Probe>>,
  millis: number,
  more: Partial<SnapshotOptions> = {}
) => {
  const state = healthyApp((draft) => {
    first(draft.workloads).template.probes = probes.map((probe) => ({
      container: "db",
      kind: "liveness",
      by: "exec",
      initialDelaySeconds: 0,
      periodSeconds: 10,
      failureThreshold: 3,
      ...probe
    }))
  })
  const options = {
    name: "a",
    consistency: "quiesced",
    quiesce,
    recent: { claims: 6, millis },
    ...more
  } as const
  return plan(state, app, "44b98c3f", options) ?? assert.fail("no plan")
}

const of = ({ warnings, refusals }: ReturnType<typeof planned>) => ({
  warnings,
  refusals: refusals.map(({ reason }) => reason)
})

describe("probes during a freeze", () => {
  it("say nothing where they give a member more time than the freeze has", () => {
    assert.deepEqual(of(planned([{}, { kind: "readiness" }], 3000)), { warnings: [], refusals: [] })
    const startup = { kind: "startup", periodSeconds: 1 } as const
    assert.deepEqual(of(planned([startup], 3000)), { warnings: [], refusals: [] })
  })

  it("that could restart a member before its deadline are a warning, with the numbers and the way out", () => {
    const { warnings, refusals } = of(
      planned([{ periodSeconds: 2 }, { kind: "readiness", periodSeconds: 1 }], 3000)
    )
    assert.deepEqual(refusals, [])
    assert.deepEqual(warnings, [
      "livenessProbe of container db may fail while members are quiesced, and 3 failures 2s apart restart it after 4s; a freeze may last 10s: raise failureThreshold, or use a profile with a shorter deadline",
      "readinessProbe of container db may fail while members are quiesced, and 3 failures 1s apart take its pod out of its Services after 2s; a freeze may last 10s: raise failureThreshold, or use a profile with a shorter deadline"
    ])
  })

  it("that are expected to restart a member are a refusal; readiness never is", () => {
    const { refusals } = of(planned([{ periodSeconds: 1 }, { kind: "readiness", periodSeconds: 1 }], 3000))
    assert.deepEqual(refusals, [
      "livenessProbe of container db may fail while members are quiesced, and 3 failures 1s apart restart it after 2s, and the freeze takes about 3s"
    ])
  })

  it("that only connect are taken by the kernel, and count for nothing", () => {
    const tcp = { by: "tcpSocket", periodSeconds: 1, failureThreshold: 1 } as const
    assert.deepEqual(of(planned([tcp], 3000)), { warnings: [], refusals: [] })
  })

  it("matter to no set that holds nobody", () => {
    const { warnings } = of(planned([{ periodSeconds: 1 }], 3000, { consistency: "group" }))
    assert.deepEqual(warnings, [])
  })
})
