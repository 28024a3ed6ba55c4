/** A pod of somebody's starts on a claim that an abort is about to delete: what it writes is kept, or named as lost. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { persistentvolumeclaims } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { drive, withCluster } from "../../simulation/world.ts"
import { ann, movesCount, neighbour, on, volumeNamed } from "../scale/callers.ts"
import { dying } from "../snapshot/world.ts"
import { openOf, snapshot, stateOf, withSnapshot } from "./world.ts"

const writer = (claimName: string) =>
  Resource.create(
    { api: kinds.pods, namespace: "shop" },
    {
      metadata: { name: "writer", namespace: "shop" },
      spec: {
        containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
        restartPolicy: "Never",
        volumes: [{ name: "data", persistentVolumeClaim: { claimName } }]
      }
    }
  )

/** A restore that died before it stopped the application, and the claim that it has filled for one member. */
const died = Effect.gen(function* () {
  const world = yield* withSnapshot()
  yield* drive(Effect.exit(dying(world, movesCount)(Restore.restore(snapshot, { identity: ann }))))
  yield* drive(Effect.sleep("30 seconds"))
  const at = (yield* openOf(world)) ?? assert.fail("nothing is open")
  const claim = world.sandbox.store
    .list(persistentvolumeclaims, "shop")
    .find(({ metadata }) => metadata.name.startsWith("data-db-1-new-"))
  return { world, at, name: claim?.metadata.name ?? "", volume: claim?.spec.volumeName ?? "" }
})

describe("an abort of a restore", () => {
  for (const [when, is] of [
    ["its volume's policy is written", "PATCH"],
    ["it is deleted", "DELETE"]
  ] as const)
    it.effect(`keeps what a pod writes that starts on a filled claim just before ${when}`, () =>
      Effect.gen(function* () {
        const { world, at, name, volume } = yield* died
        const before = ({ method, path }: Request) =>
          method === is && path.endsWith(is === "PATCH" ? `/persistentvolumes/${volume}` : `/${name}`)
        const act = Effect.andThen(writer(name), Effect.sleep("400 millis"))
        const aborting = Restore.abort(at, { identity: ann, takeOver: true })
        const aborted = yield* drive(withCluster(neighbour(world, before, act))(aborting))
        assert.strictEqual(aborted.outcome, "Incomplete")
        assert.match(aborted.unmet.join(), /writer.* kept, with what was written since/)
        world.sandbox.volumes.get(volume)?.write("work", "precious")
        yield* on(world)(Resource.remove({ api: kinds.pods, namespace: "shop", name: "writer" }))
        yield* drive(Effect.sleep("1 minute"))
        assert.strictEqual(volumeNamed(world, volume)?.spec.persistentVolumeReclaimPolicy, "Retain")
        assert.strictEqual(world.sandbox.volumes.get(volume)?.readText("work"), "precious")
        assert.strictEqual(stateOf(world), "after")
      })
    )
})
