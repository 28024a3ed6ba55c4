/** Scaling, to its end or not. */
import * as Effect from "effect/Effect"
import type { Request } from "../../packages/sdk/src/Cluster.ts"
import { configmaps } from "../../packages/sandbox/src/registry/kinds/core.ts"
import type { World, WorldOptions } from "../simulation/world.ts"
import { aged, done, members, stopped, words } from "./begun.ts"
import type { Scenario } from "./scenario.ts"

interface Scaling {
  readonly when?: string
  readonly from: number
  readonly text: string
  readonly world?: Partial<WorldOptions>
  readonly before?: (world: World) => Effect.Effect<unknown, unknown>
}

const scaling = ({ when, from, text, world: options = {}, before }: Scaling): Scenario => ({
  verb: "scale",
  when: when ?? null,
  stage: Effect.gen(function* () {
    const world = yield* members(from, options)
    if (before !== undefined) yield* before(world)
    return { sandbox: world.sandbox, words: words(text) }
  })
})

const hooks = "--before-remove 'leave {pod}' --after-add 'join {pod}' --probe is-member"

export const movesCount = ({ method, path, body }: Request): boolean =>
  method === "PATCH" && path.endsWith("/statefulsets/db") && (body ?? "").includes("/spec/replicas")

/** `db` with what its second member had before set aside. */
const setAside = (world: World) =>
  Effect.andThen(
    done(world, "scale db --replicas 1"),
    done(world, "scale db --replicas 2 --leftover-claims set-aside")
  )

export const scalings: ReadonlyArray<Scenario> = [
  scaling({ from: 1, text: "scale db --replicas 2", before: (world) => aged(world) }),
  scaling({ from: 3, text: "scale db --replicas 2" }),
  scaling({ from: 2, text: "scale db --replicas 0", world: { whenScaled: "Delete" } }),
  scaling({ from: 2, text: "scale db --replicas 1", world: { whenScaled: "Delete" } }),
  scaling({ from: 1, text: "scale db --replicas 2 --dry-run=server" }),
  scaling({ when: "with hooks", from: 1, text: `scale db --replicas 2 ${hooks}` }),
  scaling({ when: "with hooks", from: 3, text: `scale db --replicas 2 ${hooks}` }),
  scaling({ when: "with --health URL", from: 1, text: "scale db --replicas 2 --health http://:8080/ok" }),
  scaling({ when: "with --drain-wait", from: 3, text: "scale db --replicas 2 --drain-wait 1s" }),
  ...["--all", "-l app=db"].map((which) =>
    scaling({ when: "with --all or -l", from: 1, text: `scale ${which} --replicas 2` })
  ),
  scaling({
    when: "with --leftover-claims set-aside",
    from: 2,
    text: "scale db --replicas 2 --leftover-claims set-aside",
    before: (world) => done(world, "scale db --replicas 1")
  }),
  scaling({ when: "with --purge", from: 2, text: "scale db --purge", before: setAside }),
  scaling({
    when: "with --when-scaled Delete",
    from: 2,
    text: "scale db --replicas 1 --when-scaled Delete"
  }),
  ...["resume", "abort"].flatMap((way) => [
    scaling({
      from: 1,
      text: way,
      before: (world) => stopped(world, "scale db --replicas 2", movesCount)
    }),
    scaling({
      from: 3,
      text: way,
      world: { whenScaled: "Delete" },
      before: (world) => stopped(world, "scale db --replicas 2", movesCount)
    })
  ]),
  scaling({
    when: "with --without-journal",
    from: 2,
    text: "abort db --without-journal --take-over",
    world: { whenScaled: "Delete" },
    before: (world) =>
      Effect.gen(function* () {
        const id = yield* stopped(world, "scale db --replicas 0", movesCount)
        world.sandbox.store.remove(configmaps, "shop", `kubectl-stateful-${id}`)
      })
  })
]
