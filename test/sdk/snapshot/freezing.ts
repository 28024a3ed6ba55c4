/**
 * A world whose members can be held still, and what is to be true of every freeze: none is longer than its
 * deadline, and cuts that are called quiesced were made while every member was held.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { QuiesceCommand } from "../../../packages/sdk/src/QuiesceHook.ts"
import { Command as Hook, script as oneShot } from "../../../packages/sdk/src/Hook.ts"
import type { Quiesce } from "../../../packages/sdk/src/Quiesce.ts"
import { heldExec, isHeld } from "../../../packages/sandbox/src/node/HeldExec.ts"
import type { Command, Host } from "../../../packages/sandbox/src/node/Program.ts"
import {
  volumegroupsnapshotcontents,
  volumesnapshotcontents
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import type * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import type { World, WorldOptions } from "../../simulation/world.ts"
import { withStorage } from "./world.ts"

const command = (name: string) => Hook.make({ argv: [name], container: null, timeout: 10_000 })

/** How the application of these tests is held. */
export const quiesce: Quiesce = {
  profile: "./toy.yaml",
  guarantee: "blocks-writes",
  hold: QuiesceCommand.make({ argv: ["freeze"], container: null, deadline: 10_000, input: null }),
  thaw: command("thaw"),
  probe: command("check")
}

/** A time in which one member was held, by the pod's own word; `end` null: it is still. */
export interface Hold {
  readonly pod: string
  readonly uid: string
  readonly begin: number
  end: number | null
  /** Its process ended without undoing it: the application ends it by itself at the deadline, or a thaw does. */
  isStuck: boolean
}

export interface Freezer {
  readonly holds: Array<Hold>
  /** `freeze db-0`, `let go db-0`, `thaw db-0`, `check db-0`, in the order in which they happened. */
  readonly log: Array<string>
  /** Members whose hold somebody else ends: they say so when they are asked to let go. */
  readonly robbed: Set<string>
  /** Exit codes of commands, by name; `freeze db-1` is that of one member. */
  readonly answers: Map<string, number>
  /** Whether what is held outlasts a process that fails or is killed, as a pause of a server does. */
  sticks: boolean
  /** How long a member takes to hold, in milliseconds. */
  slow: number
  now: () => number
}

const newFreezer = (): Freezer => ({
  holds: [],
  log: [],
  robbed: new Set(),
  answers: new Map(),
  sticks: false,
  slow: 0,
  now: () => 0
})

const held =
  (freezer: Freezer) =>
  (host: Host, { stdin, stdout }: Command) => {
    const { name: pod, uid } = host.pod.metadata
    return Effect.gen(function* () {
      const refused = freezer.answers.get("freeze") ?? freezer.answers.get(`freeze ${pod}`)
      const hold: Hold = { pod, uid, begin: freezer.now(), end: null, isStuck: refused !== undefined }
      if (refused === undefined || freezer.sticks) freezer.holds.push(hold)
      if (refused !== undefined) return refused
      freezer.log.push(`freeze ${pod}`)
      const letGo = Effect.sync(() => {
        hold.end ??= freezer.now()
        freezer.log.push(`let go ${pod}`)
      })
      return yield* Effect.gen(function* () {
        yield* Effect.sleep(freezer.slow)
        yield* stdout("held\n")
        yield* Stream.runDrain(stdin)
        return freezer.robbed.has(pod) ? 1 : 0
      }).pipe(
        Effect.onExit(({ _tag }) => {
          if (_tag === "Success" || !freezer.sticks) return letGo
          return Effect.sync(() => void (hold.isStuck = true))
        })
      )
    })
  }

const once = (freezer: Freezer, { argv, stdout }: Command, pod: string) => {
  const [, , , , token = "", , name = ""] = argv
  freezer.log.push(`${name} ${pod}`)
  const code = freezer.answers.get(name) ?? 0
  if (name === "thaw") for (const hold of freezer.holds) if (hold.pod === pod) hold.end ??= freezer.now()
  return Effect.as(stdout(`\n${token} ${code}\n`), code)
}

/** A world whose members can be held. */
export const freezable = (options: Partial<WorldOptions> = {}) =>
  Effect.gen(function* () {
    const freezer = newFreezer()
    const world = yield* withStorage({
      ...options,
      onExec: (host, asked) => {
        if (isHeld(asked.argv)) return heldExec(host, asked, held(freezer))
        const isOurs = asked.argv[2] === oneShot && ["thaw", "check"].includes(asked.argv[6] ?? "")
        return isOurs ? once(freezer, asked, host.pod.metadata.name) : null
      }
    })
    freezer.now = () => world.sandbox.registry.now()
    return { world, freezer }
  })

export const options = (more: Partial<Snapshot.SnapshotOptions> = {}) => ({
  name: "nightly",
  identity: "ann@laptop",
  consistency: "quiesced" as const,
  quiesce,
  ...more
})

/** When every volume of the set of `options` was cut, by the storage's clock, which is the world's. */
const cutTimes = ({ sandbox }: World): ReadonlyArray<number> => [
  ...sandbox.store
    .list(volumesnapshotcontents)
    .flatMap(({ spec, status }) =>
      spec.volumeSnapshotRef.name?.startsWith("nightly-") ? [status?.creationTime ?? NaN] : []
    ),
  ...sandbox.store
    .list(volumegroupsnapshotcontents)
    .flatMap(({ spec, status }) =>
      spec.volumeGroupSnapshotRef.name === "nightly" ? (status?.volumeSnapshotInfoList ?? []) : []
    )
    .map(({ creationTime }) => creationTime ?? NaN)
]

/** Until when a member was held: the application itself ends what its process left. */
export const endOf = ({ begin, end, isStuck }: Hold): number =>
  Math.min(end ?? Infinity, isStuck ? begin + quiesce.hold.deadline : Infinity)

/** No member was held beyond its deadline and a second, whatever happened. */
export const assertThawed = ({ holds, now }: Freezer, what = "") => {
  for (const hold of holds) {
    const { pod, begin } = hold
    const millis = Math.min(endOf(hold), now()) - begin
    assert.isAtMost(millis, quiesce.hold.deadline + 1000, `${what}: ${pod} was held for ${millis} ms`)
  }
}

/** What the record says of the level is so: each member was held, without a break, while all were cut. */
export const assertTruth = (world: World, { holds, robbed }: Freezer, level: string, what = "") => {
  if (level !== "quiesced") return
  // The world counts in milliseconds, and a cut and what is made of it may be in the same one.
  const times = cutTimes(world).map((nanos) => Math.floor(nanos / 1e6))
  const { replicas } = world.options
  assert.isAtLeast(times.length, replicas, what)
  const [first, last] = [Math.min(...times), Math.max(...times)]
  for (const pod of Array.from({ length: replicas }, (_, ordinal) => `db-${ordinal}`)) {
    const isHeldThen = holds.some((hold) => hold.pod === pod && hold.begin <= first && endOf(hold) >= last)
    assert.isTrue(isHeldThen && !robbed.has(pod), `${what}: ${pod} was not held from ${first} to ${last}`)
  }
}
