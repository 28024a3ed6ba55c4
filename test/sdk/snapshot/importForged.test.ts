/** Importing a snapshot while somebody else writes in its namespace what is to pass for it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Transfer from "../../../packages/sdk/src/SnapshotTransfer.ts"
import { strange } from "../../../packages/sdk/src/snapshot/forgery.ts"
import { encode } from "../../../packages/sdk/src/step/record.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import { readRecord } from "../../../packages/sdk/src/step/recordList.ts"
import { record } from "../../fuzz/corpus.ts"
import { drive, withCluster } from "../../simulation/world.ts"
import { ann, neighbour, on, refusal } from "../scale/callers.ts"
import { take, withStorage } from "./world.ts"

const ref = { namespace: "shop", name: "nightly" }
const key = { passphrase: "correct horse battery staple" }

describe("an import", () => {
  it.effect("is no success where somebody else has written its record", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      const file = yield* on(world)(Transfer.exportSet(ref, { ...key, workFactor: 2 }))
      const record = (yield* on(world)(readRecord("shop", "nightly"))) ?? assert.fail("there is no record")
      const name = recordName("nightly")
      for (const api of [kinds.secrets, kinds.configmaps])
        yield* on(world)(Resource.remove({ api, namespace: "shop", name }))
      const prepared = yield* on(world)(Transfer.prepareImport("shop", file, key))
      const { id } = prepared.plan
      // Whoever sees the journal knows all that it takes to pass for this operation.
      const cluster = neighbour(
        world,
        ({ path }) =>
          path.endsWith(`/secrets/${name}`) &&
          world.sandbox.store.get(configmaps, "shop", Journal.nameOf(id)) !== undefined,
        Resource.create(
          { api: kinds.secrets, namespace: "shop" },
          {
            metadata: { name, annotations: { "kubectl-stateful.dev/made-by": id } },
            type: "kubectl-stateful.dev/snapshot.v1",
            immutable: true,
            data: { record: encode({ ...record, objects: [] })[0] }
          }
        )
      )
      const error = yield* refusal(drive(withCluster(cluster)(Transfer.run(prepared, { identity: ann }))))
      assert.include(error.message, "does not contain what the file says")
      const at = { namespace: "shop", id }
      assert.strictEqual((yield* drive(on(world)(Transfer.abort(at, { identity: ann })))).outcome, "Aborted")
    })
  )

  it("of a file with something else in the place of a kind is refused in one line without it", () => {
    const objects = [{ kind: "password: x\ny", apiVersion: "v1", metadata: { name: "a", namespace: "shop" } }]
    assert.equal(strange({ ...record, objects }, "shop"), "a manifest of no kind")
  })
})
