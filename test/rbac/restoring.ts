/** Restores: in place, as another application, and tested. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Request } from "../../packages/sdk/src/Cluster.ts"
import type { Command, Host } from "../../packages/sandbox/src/node/Program.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { drive, type World } from "../simulation/world.ts"
import { on } from "../sdk/scale/callers.ts"
import { write } from "../sdk/restore/world.ts"
import { withConfig } from "../sdk/restore/configured.ts"
import { aged, cut, done, file, furnished, members, seeding, stopped, words } from "./begun.ts"
import type { Scenario, Stage } from "./scenario.ts"

const elsewhere = "rehearsal"

interface Restoring {
  readonly verb?: Scenario["verb"]
  readonly when?: string
  readonly world?: Effect.Effect<World, unknown, Scope.Scope>
  /** Answers what is typed, unless `text` says it. */
  readonly before?: (world: World) => Effect.Effect<unknown, unknown>
  readonly text: string | ((id: string) => string)
  readonly stage?: Partial<Stage>
  readonly fails?: RegExp
}

const restoring = ({
  verb = "restore",
  when,
  world = cut(),
  before,
  text,
  stage,
  fails
}: Restoring): Scenario => ({
  ...(fails === undefined ? {} : { fails }),
  verb,
  when: when ?? null,
  stage: Effect.gen(function* () {
    const made = yield* world
    const said = before === undefined ? "" : String(yield* before(made))
    const id = /(?:operation )?([0-9a-f]{8})/.exec(said)?.[1] ?? ""
    return { sandbox: made.sandbox, words: words(typeof text === "string" ? text : text(id)), ...stage }
  })
})

const place = (world: World) =>
  on(world)(Resource.create({ api: kinds.namespaces }, { metadata: { name: elsewhere } }))

const swaps = ({ method, path }: Request): boolean =>
  method === "DELETE" && path.includes("/persistentvolumeclaims/")

const copies = ({ method, path }: Request): boolean => method === "POST" && path.endsWith("/statefulsets")

export const putsConfig = ({ method, path, query }: Request): boolean =>
  method === "PATCH" && path.endsWith("/configmaps/conf") && query?.some(([key]) => key === "dryRun") !== true

/** The copy is there, and is about to be started. */
const starts = ({ method, path }: Request): boolean =>
  method === "PATCH" && path.endsWith("/statefulsets/copy")
const startsThere = ({ method, path }: Request): boolean =>
  method === "PATCH" && path.endsWith(`/namespaces/${elsewhere}/statefulsets/db`)

const nightly = "restore nightly --yes"

/** Each member cut alone. */
/** What a copy is cut from stays in the storage where its class says so. */
const retained = (world: World) =>
  on(world)(
    Effect.flatMap(Resource.list(kinds.volumesnapshotclasses), (all) =>
      Effect.forEach(all, ({ metadata: { name } }) =>
        Resource.patch(
          { api: kinds.volumesnapshotclasses, name },
          { _tag: "Merge", value: { deletionPolicy: "Retain" } }
        )
      )
    )
  )

const apart = Effect.tap(members(2), (world) => {
  write(world, "before")
  return done(world, `snapshot db --name nightly --consistency crash --profile ${seeding()}`)
})

/** As a backup tool makes them. */
const found = (world: World) => {
  write(world, "before")
  return Effect.andThen(
    on(world)(
      Effect.forEach([0, 1], (ordinal) =>
        Resource.create(
          { api: kinds.volumesnapshots, namespace: "shop" },
          {
            metadata: { name: `cut-${ordinal}` },
            spec: { source: { persistentVolumeClaimName: `data-db-${ordinal}` } }
          }
        )
      )
    ),
    drive(Effect.sleep("30 seconds"))
  )
}

const checking = () =>
  file(
    "checking.yaml",
    `apiVersion: kubectl-stateful.dev/v1
kind: Profile
restore:
  verify: { command: [look, "{path}"] }
`
  )

const inPlace: ReadonlyArray<Scenario> = [
  restoring({ text: nightly, world: Effect.tap(cut(), (world) => aged(world)) }),
  restoring({ text: `${nightly} --dry-run=server` }),
  restoring({ text: nightly, world: cut({ whenScaled: "Delete" }) }),
  restoring({ text: `${nightly} --ordinal 1` }),
  restoring({
    text: (id) => `restore --undo ${id} --yes`,
    before: (world) => done(world, nightly)
  }),
  restoring({
    text: "restore --from-volume-snapshots db --yes",
    world: members(2),
    before: found
  }),
  restoring({
    when: "with --seed",
    text: `${nightly} --profile ${seeding()} --seed 1`,
    world: apart,
    before: (world) => Effect.as(retained(world), "")
  }),
  restoring({
    text: "restore all --yes",
    world: members(2),
    before: (world) => {
      write(world, "before")
      return done(world, "snapshot -l app=db --name all")
    }
  }),
  restoring({ when: "with --profile", text: `${nightly} --profile ${checking()}` }),
  restoring({ when: "with --with-config", text: `${nightly} --with-config`, world: withConfig() }),
  restoring({ when: "with --only config", text: `${nightly} --only config`, world: withConfig() }),
  ...["resume", "abort"].flatMap((way) => [
    restoring({ text: way, before: (world) => stopped(world, nightly, swaps) }),
    restoring({
      when: "with --with-config",
      text: `${way} --allow-privileged`,
      world: withConfig(),
      before: (world) => stopped(world, `${nightly} --with-config`, putsConfig)
    })
  ])
]

const cloned: ReadonlyArray<Scenario> = [
  restoring({ when: "with --as", text: `${nightly} --as copy` }),
  restoring({
    when: "with --as",
    text: `${nightly} --as copy`,
    world: furnished,
    before: (world) => done(world, "snapshot db --name nightly --consistency crash")
  }),
  restoring({
    when: "with --to-namespace",
    text: `${nightly} --to-namespace ${elsewhere}`,
    world: furnished,
    before: (world) =>
      Effect.andThen(place(world), done(world, "snapshot db --name nightly --consistency crash"))
  }),
  restoring({ when: "with --as", text: `${nightly} --as copy --dry-run=server` }),
  restoring({
    when: "with --release",
    text: (id) => `restore --release ${id} --yes`,
    before: (world) => done(world, `${nightly} --as copy`)
  }),
  ...["resume", "abort"].map((way) =>
    restoring({
      when: "with --as",
      text: `${way} --clone copy`,
      before: (world) => stopped(world, `${nightly} --as copy`, copies)
    })
  ),
  restoring({
    when: "with --as",
    text: "abort --clone copy",
    before: (world) => stopped(world, `${nightly} --as copy`, starts)
  }),
  restoring({
    when: "with --to-namespace",
    text: `${nightly} --to-namespace ${elsewhere}`,
    before: (world) => Effect.andThen(place(world), aged(world, elsewhere))
  }),
  restoring({
    when: "with --to-namespace",
    text: `abort --clone db --allow-namespace shop`,
    stage: { namespace: elsewhere },
    before: (world) =>
      Effect.andThen(place(world), stopped(world, `${nightly} --to-namespace ${elsewhere}`, startsThere))
  }),
  ...["resume", "abort"].map((way) =>
    restoring({
      when: "with --to-namespace",
      text: `${way} --clone db --allow-namespace shop`,
      stage: { namespace: elsewhere },
      before: (world) =>
        Effect.andThen(place(world), stopped(world, `${nightly} --to-namespace ${elsewhere}`, copies))
    })
  )
]

/** A shell to which every check passes. */
const passes = (_: Host, { argv, stdout }: Command) => {
  const [, , , , token = "", , name = ""] = argv
  return name === "sh" ? Effect.as(stdout(`\n${token} 0\n`), 0) : null
}

const drilled: ReadonlyArray<Scenario> = [
  restoring({
    verb: "drill",
    text: `drill nightly --profile ${checking()}`,
    world: furnished,
    before: (world) => done(world, "snapshot db --name nightly --consistency crash")
  }),
  restoring({
    verb: "drill",
    when: "with --verify",
    text: "drill nightly --verify ok",
    world: cut({ onExec: passes })
  }),
  restoring({
    verb: "drill",
    when: "with --verify",
    text: "drill nightly --verify ok --step-timeout 20s",
    before: (world) => Effect.sync(() => void world.sick.add("db-1")),
    fails: /db-1/
  }),
  restoring({ verb: "drill", when: "with --profile", text: `drill nightly --profile ${checking()}` })
]

export const restorings: ReadonlyArray<Scenario> = [...inPlace, ...cloned, ...drilled]
