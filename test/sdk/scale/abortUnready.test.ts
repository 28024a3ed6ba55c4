/** A scale-up that got nowhere since the application is not ready: an abort takes nobody out, and waits for nobody. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { make } from "../../../packages/sandbox/src/Sandbox.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { statefulSet } from "../../sandbox/asking.ts"
import { drive, withCluster } from "../../simulation/world.ts"
import { refusal } from "./callers.ts"

const ref = { namespace: "default", name: "q" }
const data = {
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
}

/** Scales two that never become ready, of which one waits for the other, to three; then aborts that. */
const aborted = (volumeClaimTemplates: ReadonlyArray<object>, policy = "OrderedReady") =>
  Effect.gen(function* () {
    const sandbox = yield* make()
    const spec = { containers: [{ name: "main", image: "db:1" }], nodeSelector: { disk: "none" } }
    sandbox.create(
      statefulSet("q", {
        replicas: 2,
        podManagementPolicy: policy,
        template: { metadata: { labels: { app: "q" } }, spec },
        volumeClaimTemplates
      })
    )
    yield* TestClock.adjust("30 seconds")
    const on = withCluster(sandbox.cluster)
    const stepTimeout = 20_000
    const { operation } = yield* refusal(
      drive(on(Scale.scale(ref, { replicas: 3, identity: "ann", stepTimeout })))
    )
    const at = operation ?? assert.fail("no operation was begun")
    const exit = yield* drive(on(Effect.exit(Scale.abort(at, { identity: "ann", stepTimeout }))))
    const [set] = sandbox.store.list(statefulsets, "default")
    return { exit, replicas: set?.spec.replicas }
  })

describe("an abort of a scale-up of what is not ready", () => {
  it.effect("puts the count back at once where no pod of the new member, and no volume, has come", () =>
    Effect.gen(function* () {
      const { exit, replicas } = yield* aborted([data])
      assert.strictEqual(exit._tag, "Success", JSON.stringify(exit))
      assert.strictEqual(replicas, 2)
    })
  )

  it.effect("waits for a quorum where the new member is there, or may have been", () =>
    Effect.gen(function* () {
      for (const tried of [aborted([data], "Parallel"), aborted([])]) {
        const { exit, replicas } = yield* tried
        assert.strictEqual(exit._tag, "Failure")
        assert.strictEqual(replicas, 3)
      }
    })
  )
})
