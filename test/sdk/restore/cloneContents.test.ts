/** The imported contents of a copy point to its source's snapshots: they go without the data, or not at all. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { volumesnapshotcontents } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import { drive, withCluster } from "../../simulation/world.ts"
import { ann, neighbour, on } from "../scale/callers.ts"
import { take, withStorage } from "../snapshot/world.ts"
import { elsewhere, namespaceNamed } from "./cloneWorld.ts"
import { snapshot, write } from "./world.ts"

const isDelete =
  (what: string) =>
  ({ method, path }: Request) =>
    method === "DELETE" && path.includes(what)

const isFill = ({ method, path }: Request) =>
  method === "POST" && path.endsWith(`/${elsewhere}/persistentvolumeclaims`)

/** A copy whose imported contents somebody sets to Delete, at one moment; and whether its source is as it was. */
const copied = (when: (request: Request) => boolean) =>
  Effect.gen(function* () {
    const world = yield* withStorage()
    write(world, "before")
    yield* take(world, { consistency: "crash" })
    yield* namespaceNamed(world, elsewhere)
    const imported = () =>
      world.sandbox.store
        .list(volumesnapshotcontents)
        .filter(({ spec }) => spec.volumeSnapshotRef.namespace === elsewhere)
    const act = Effect.suspend(() =>
      Effect.forEach(imported(), ({ metadata: { name } }) =>
        Resource.patch(
          { api: kinds.volumesnapshotcontents, name },
          { _tag: "Merge", value: { spec: { deletionPolicy: "Delete" } } }
        )
      )
    )
    const options = { toNamespace: elsewhere, identity: ann }
    const cluster = neighbour(world, when, act)
    const { outcome, unmet } = yield* drive(withCluster(cluster)(RestoreClone.clone(snapshot, options)))
    const again = yield* drive(
      on(world)(Effect.exit(RestoreClone.clone(snapshot, { as: "copy", identity: ann })))
    )
    return { outcome, unmet: unmet.join("; "), again, kept: imported().length }
  })

describe("a copy in another namespace", () => {
  it.effect("keeps contents that somebody sets to Delete meanwhile, says so, and its source is whole", () =>
    Effect.gen(function* () {
      for (const when of [isFill, isDelete("/volumesnapshotcontents/")]) {
        const { outcome, unmet, again, kept } = yield* copied(when)
        assert.strictEqual(outcome, "Incomplete")
        assert.include(unmet, "no longer has deletionPolicy Retain")
        assert.isAbove(kept, 0)
        assert.strictEqual(again._tag, "Success")
      }
    })
  )

  it.effect("is no success where that comes between the last look and the deletion", () =>
    Effect.gen(function* () {
      const { outcome, unmet } = yield* copied(isDelete(`/${elsewhere}/volumesnapshots/`))
      assert.strictEqual(outcome, "Incomplete")
      assert.include(unmet, "deletionPolicy Retain")
    })
  )
})
