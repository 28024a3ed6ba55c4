/** Snapshots: taken, deleted, and brought to another cluster. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Request } from "../../packages/sdk/src/Cluster.ts"
import { configmaps, secrets } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshots } from "../../packages/sandbox/src/registry/kinds/storage.ts"
import type { World } from "../simulation/world.ts"
import {
  aged,
  calling,
  done,
  furnished,
  held,
  holding,
  members,
  stopped,
  transferring,
  withoutGroups,
  words
} from "./begun.ts"
import type { Scenario } from "./scenario.ts"

interface Snapshotting {
  readonly verb?: Scenario["verb"]
  readonly when?: string
  readonly text: string
  readonly world?: Effect.Effect<World, unknown, Scope.Scope>
  readonly before?: (world: World) => Effect.Effect<unknown, unknown>
}

const snapshotting = ({
  verb = "snapshot",
  when,
  text,
  world = members(2),
  before
}: Snapshotting): Scenario => ({
  verb,
  when: when ?? null,
  stage: Effect.gen(function* () {
    const made = yield* world
    if (before !== undefined) yield* before(made)
    return { sandbox: made.sandbox, words: words(text) }
  })
})

const makesRecord = ({ method, path }: Request): boolean => method === "POST" && path.endsWith("/secrets")
const endsRecord = ({ method, path }: Request): boolean => method === "PATCH" && path.includes("/secrets/")
const deletesCut = ({ method, path }: Request): boolean =>
  method === "DELETE" && /\/volume(group)?snapshots\//.test(path)

const take = "snapshot db --name nightly"

/** Its record and its cuts are gone from the namespace; the contents are not. */
const forget = ({ sandbox: { store } }: World) => {
  store.remove(secrets, "shop", "kubectl-stateful.snapshot.nightly")
  store.remove(configmaps, "shop", "kubectl-stateful.snapshot.nightly")
  for (const { metadata } of store.list(volumesnapshots, "shop"))
    store.remove(volumesnapshots, "shop", metadata.name)
}

const levels = ["crash", "group", "offline"].map((level) =>
  snapshotting({
    ...(level === "offline" ? { when: "with --consistency offline" } : {}),
    text: `${take} --consistency ${level}`
  })
)

const takes: ReadonlyArray<Scenario> = [
  snapshotting({ text: take, world: members(1), before: (world) => aged(world) }),
  snapshotting({ text: `${take} --dry-run=server` }),
  snapshotting({ text: `${take} --consistency crash`, world: furnished }),
  ...levels,
  ...["--class snap", "--class snap --group-class group"].map((classes) =>
    snapshotting({ text: `${take} ${classes}` })
  ),
  ...[held(2), held(2, withoutGroups)].map((world) =>
    snapshotting({
      when: "with --profile",
      text: `${take} --consistency quiesced --profile ${holding()}`,
      world
    })
  ),
  snapshotting({
    when: "with --allow-unbounded-freeze",
    text: `${take} --consistency quiesced --profile ${calling()} --allow-unbounded-freeze`,
    world: held(2)
  }),
  snapshotting({ text: "snapshot -l app=db --name nightly" }),
  ...["resume", "abort"].flatMap((way) =>
    ["crash", "group"].flatMap((level) =>
      [makesRecord, endsRecord].map((at) =>
        snapshotting({
          text: way,
          before: (world) => stopped(world, `${take} --consistency ${level}`, at)
        })
      )
    )
  )
]

const prunes: ReadonlyArray<Scenario> = ["crash", "group"].flatMap((level) => [
  snapshotting({
    verb: "snapshots",
    when: "with prune",
    text: "snapshots prune nightly --last --yes",
    before: (world) => done(world, `${take} --consistency ${level}`)
  }),
  snapshotting({
    verb: "snapshots",
    when: "with prune",
    text: "resume",
    before: (world) =>
      Effect.andThen(
        done(world, `${take} --consistency ${level}`),
        stopped(world, "snapshots prune nightly --last --yes", deletesCut)
      )
  })
])

const makesCut = ({ method, path }: Request): boolean =>
  method === "POST" && path.endsWith("/volumesnapshots")

const transfers: ReadonlyArray<Scenario> = (["export", "import", "abort"] as const).map((way) => ({
  verb: "snapshots",
  when: way === "export" ? "with export" : "with import",
  stage: Effect.gen(function* () {
    const world = yield* members(2)
    const flags = yield* transferring
    yield* done(world, `${take} --consistency crash`)
    if (way === "export")
      return { sandbox: world.sandbox, words: words(`snapshots export nightly ${flags.out}`) }
    yield* done(world, `snapshots export nightly ${flags.out}`)
    forget(world)
    const bring = `snapshots import ${flags.in} --yes`
    if (way === "import") return { sandbox: world.sandbox, words: words(bring) }
    yield* stopped(world, bring, makesCut)
    return { sandbox: world.sandbox, words: [way] }
  })
}))

export const snapshottings: ReadonlyArray<Scenario> = [...takes, ...prunes, ...transfers]
