/** A set that is taken up more than once: each caller writes a token of its own, which is no change of the application. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { selector } from "../../../packages/sdk/src/App.ts"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import * as SnapshotSet from "../../../packages/sdk/src/SnapshotSet.ts"
import { drive } from "../../simulation/world.ts"
import { ann, bob, on, set } from "../scale/callers.ts"
import {
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { app, contents, dying, names, withStorage } from "./world.ts"

const labels = { tier: "shop" }
const web = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop", labels },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "web:1" }] }
    }
  }
}

const records = ({ method, path }: Request) => method === "POST" && path.endsWith("/secrets")
const takesOver = ({ method, path, body = "" }: Request) =>
  method === "PATCH" && path.includes("/configmaps/kubectl-stateful-") && body.includes("Running")

/** What the record says was changed, where `act` is done before the last caller takes it up. */
const changedAfter = (deaths: ReadonlyArray<(request: Request) => boolean>, act: object | null) =>
  Effect.gen(function* () {
    const world = yield* withStorage({ replicas: 1 })
    yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { metadata: { labels } } }))
    world.sandbox.create(web)
    yield* drive(Effect.sleep("5 seconds"))
    const app = selector("shop", "tier=shop")
    const taking = Snapshot.take(app, { name: "nightly", consistency: "crash", identity: ann })
    yield* drive(Effect.exit(dying(world, records)(taking)))
    const [open] = yield* on(world)(Journal.list("shop"))
    const at = { namespace: "shop", id: open?.plan.id ?? "" }
    const again = { identity: bob, takeOver: true }
    for (const is of deaths) yield* drive(Effect.exit(dying(world, is)(Snapshot.resume(at, again))))
    const deployment = { api: kinds.deployments, namespace: "shop", name: "web" }
    if (act !== null) yield* on(world)(Resource.patch(deployment, { _tag: "Merge", value: act }))
    const { outcome } = yield* drive(on(world)(Snapshot.resume(at, again)))
    assert.strictEqual(outcome, "Succeeded")
    return (yield* on(world)(SnapshotSet.describe({ namespace: "shop", name: "nightly" }))).summary.changed
  })

describe("the record of a set with a Deployment", () => {
  it.effect(
    "names no change where nobody made one, however often it was taken up, and where its callers died",
    () =>
      Effect.gen(function* () {
        for (const deaths of [[], [records, records], [takesOver, records]])
          assert.deepEqual(yield* changedAfter(deaths, null), [], `${deaths.length}`)
      })
  )

  it.effect("names one that somebody made between two callers", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* changedAfter([records], { spec: { minReadySeconds: 1 } }), ["Deployment/web"])
    })
  )
})

describe("a label that somebody has taken off the contents", () => {
  it.effect("keeps no abort from ending, which names what it leaves", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const taking = Snapshot.take(app, { name: "nightly", consistency: "crash", identity: ann })
      yield* drive(Effect.exit(dying(world, records)(taking)))
      for (const { metadata } of world.sandbox.store.list(volumesnapshotcontents)) {
        assert.isDefined(metadata.labels?.["kubectl-stateful.dev/deletion-policy-before"])
        const labels = { "kubectl-stateful.dev/deletion-policy-before": null }
        const content = { api: kinds.volumesnapshotcontents, name: metadata.name }
        yield* on(world)(Resource.patch(content, { _tag: "Merge", value: { metadata: { labels } } }))
      }
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      const at = { namespace: "shop", id: entry?.plan.id ?? "" }
      const aborted = yield* drive(on(world)(Snapshot.abort(at, { identity: ann })))
      assert.strictEqual(aborted.outcome, "Incomplete")
      assert.deepEqual(names(world, volumesnapshots), [])
      for (const { metadata } of contents(world)) assert.include(aborted.unmet.join(), metadata.name)
      assert.lengthOf(contents(world), 3)
    })
  )
})
