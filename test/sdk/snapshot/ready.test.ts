/** When a cut counts as ready to use: what its controllers write once, and take back, is not believed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, withCluster } from "../../simulation/world.ts"
import { ann, on } from "../scale/callers.ts"
import { app, withStorage } from "./world.ts"

/** As the cluster is, but for objects of one plural that come with another readyToUse. */
const saying = (
  inner: Cluster["Service"],
  plural: string,
  ready: (name: string) => boolean | undefined
): Cluster["Service"] => {
  // oxlint-disable-next-line typescript/no-explicit-any -- an object as it came over the wire
  const changed = (object: any) => {
    const said = ready(String(object.metadata?.name))
    return said === undefined ? object : { ...object, status: { ...object.status, readyToUse: said } }
  }
  return {
    ...inner,
    request: (request) =>
      Effect.gen(function* () {
        const response = yield* inner.request(request)
        if (request.method !== "GET" || !request.path.includes(`/${plural}`)) return response
        const chunks = yield* Stream.runCollect(response.body)
        const value = JSON.parse(Buffer.concat([...chunks]).toString())
        if (value.kind === "Status") return { ...response, body: Stream.fromIterable(chunks) }
        const given = Array.isArray(value.items)
          ? { ...value, items: value.items.map(changed) }
          : changed(value)
        return { ...response, body: Stream.succeed(new TextEncoder().encode(JSON.stringify(given))) }
      })
  }
}

const taken = (cluster: Cluster["Service"]) =>
  drive(
    Effect.flip(
      withCluster(cluster)(Snapshot.take(app, { name: "nightly", identity: ann, stepTimeout: 5000 }))
    )
  )

describe("a snapshot whose members", () => {
  it.effect("say ready, and whose content stays not ready, is not ready", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      let late: string | undefined
      const lies = saying(world.sandbox.cluster, "volumesnapshotcontents", (name) => {
        late ??= name
        return name === late ? false : undefined
      })
      const error = yield* taken(lies)
      assert.match(error.message, /not ready to use in 5s: data-db-\d \(/)
      const [listed] = yield* withCluster(lies)(Snapshot.list("shop"))
      assert.lengthOf(listed?.ready ?? [], 2)
      const [after] = yield* on(world)(Snapshot.list("shop"))
      assert.lengthOf(after?.ready ?? [], 3)
    })
  )

  it.effect("and contents say ready, is not before its group says so as well", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const error = yield* taken(saying(world.sandbox.cluster, "volumegroupsnapshots", () => false))
      assert.match(error.message, /not ready to use in 5s: data-db-0 .*data-db-1 .*data-db-2/)
    })
  )

  it.effect("are ready, and are not at the last look, is named by it", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      let looks = 0
      const lies = saying(world.sandbox.cluster, "volumegroupsnapshots", () => {
        // One look for the cut, one while it is recorded, one that finds it ready.
        looks += 1
        return undefined
      })
      const result = yield* drive(withCluster(lies)(Snapshot.take(app, { name: "nightly", identity: ann })))
      assert.strictEqual(result.outcome, "Succeeded", result.unmet.join())
      assert.isAbove(looks, 2)
      const total = looks
      looks = 0
      const again = saying(world.sandbox.cluster, "volumegroupsnapshots", (name) => {
        if (name !== "weekly") return undefined
        looks += 1
        return looks >= total ? false : undefined
      })
      const late = yield* drive(
        withCluster(again)(Snapshot.take(app, { name: "weekly", identity: ann, stepTimeout: 5000 }))
      )
      assert.strictEqual(late.outcome, "Incomplete")
      assert.match(late.unmet.join("; "), /the snapshot of data-db-0 is no longer ready to use/)
    })
  )
})
