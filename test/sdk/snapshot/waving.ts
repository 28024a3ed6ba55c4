/** A world whose members have two volumes, which are cut in waves, and what is to be true of every such set. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { script as oneShot } from "../../../packages/sdk/src/Hook.ts"
import { quiesceOf, type QuiesceSection } from "../../../packages/sdk/src/Quiesce.ts"
import { heldExec, isHeld } from "../../../packages/sandbox/src/node/HeldExec.ts"
import type { Command, Host } from "../../../packages/sandbox/src/node/Program.ts"
import { persistentvolumeclaims } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import type * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import type { Writes } from "../../../packages/sdk/src/Writes.ts"
import type { World, WorldOptions } from "../../simulation/world.ts"
import { withStorage } from "./world.ts"

const section: QuiesceSection = {
  guarantee: "recoverable-per-member",
  oneVolume: { command: ["where"] },
  probe: { command: ["check"] },
  waves: { command: ["backup"], deadline: "30s", keeps: ["label"] }
}
export const quiesce = Result.getOrThrow(quiesceOf("./toy.yaml", section))
export const writes: Writes = { profile: "./toy.yaml", files: [{ text: "label", beside: "mark" }] }

/** A backup of one member, by its pod's own clock. */
interface Backup {
  readonly pod: string
  readonly begin: number
  stop: number | null
  end: number | null
}

export interface Waver {
  readonly backups: Array<Backup>
  /** Exit codes: `next` instead of the second wave, `end` after it, `check`. */
  readonly answers: Map<string, number>
  /** What it prints between the waves, beside its own text. */
  says: string
}

export const labelOf = (pod: string): string => `START of ${pod}\nTHE END $(id) $HOME\n`

const backup =
  (waver: Waver, now: () => number) =>
  (host: Host, { stdin, stdout }: Command) =>
    Effect.gen(function* () {
      const { name: pod } = host.pod.metadata
      const own: Backup = { pod, begin: now(), stop: null, end: null }
      waver.backups.push(own)
      yield* stdout("held\n")
      const line = (text: string) =>
        Effect.gen(function* () {
          if (text !== "next" || waver.answers.has("next")) return false
          own.stop = now()
          const kept = labelOf(pod)
            .trimEnd()
            .split("\n")
            .map((each) => `keep label ${each}\n`)
          yield* stdout(`${kept.join("")}keep other of no interest\n${waver.says}next\n`)
          return true
        })
      yield* stdin.pipe(Stream.decodeText(), Stream.splitLines, Stream.takeWhileEffect(line), Stream.runDrain)
      return waver.answers.get("next") ?? waver.answers.get("end") ?? 0
    }).pipe(
      Effect.onExit(() =>
        Effect.sync(() => {
          for (const one of waver.backups) if (one.pod === host.pod.metadata.name) one.end ??= now()
        })
      )
    )

const once = (waver: Waver, { argv, stdout }: Command) => {
  const [, , , , token = "", , name = ""] = argv
  const code = waver.answers.get(name) ?? 0
  const said = name === "where" ? "/data/pg\nlast /wal/pg_wal\n" : ""
  return Effect.as(stdout(`${said}\n${token} ${code}\n`), code)
}

/** Members with data and WAL, whose volumes say `before`. */
export const withWaves = (options: Partial<WorldOptions> = {}) =>
  Effect.gen(function* () {
    const waver: Waver = { backups: [], answers: new Map(), says: "" }
    const hands = { now: () => 0 }
    const world = yield* withStorage({
      ...options,
      wal: true,
      onExec: (host, asked) => {
        if (isHeld(asked.argv))
          return heldExec(
            host,
            asked,
            backup(waver, () => hands.now())
          )
        const isOurs = asked.argv[2] === oneShot && ["where", "check"].includes(asked.argv[6] ?? "")
        return isOurs ? once(waver, asked) : null
      }
    })
    hands.now = () => world.sandbox.registry.now()
    for (const { metadata, spec } of world.sandbox.store.list(persistentvolumeclaims, "shop")) {
      const isData = metadata.name.startsWith("data-")
      world.sandbox.volumes
        .get(spec.volumeName ?? "")
        ?.write(isData ? "mark" : "segment", `before ${metadata.name}`)
    }
    return { world, waver }
  })

export const options = (more: Partial<Snapshot.SnapshotOptions> = {}) => ({
  name: "nightly",
  identity: "ann@laptop",
  consistency: "quiesced" as const,
  groupClass: "none",
  quiesce,
  ...more
})

/** Each member's data was cut between its backup's begin and its stop, and its WAL after that, within the session. */
export const assertWaves = ({ sandbox }: World, { backups }: Waver, what = "") => {
  const claims = new Map(
    sandbox.store
      .list(volumesnapshots, "shop")
      .map(({ metadata, spec }) => [metadata.uid, spec.source.persistentVolumeClaimName ?? ""])
  )
  const cuts = new Map(
    sandbox.store
      .list(volumesnapshotcontents)
      .map(({ spec, status }) => [
        claims.get(spec.volumeSnapshotRef.uid ?? "") ?? "",
        Math.floor((status?.creationTime ?? NaN) / 1e6)
      ])
  )
  for (const { pod, begin, stop, end } of backups) {
    const [data = NaN, wal = NaN] = [cuts.get(`data-${pod}`), cuts.get(`wal-${pod}`)]
    const isSo = begin <= data && data <= (stop ?? NaN) && (stop ?? NaN) <= wal && wal <= (end ?? Infinity)
    assert.isTrue(isSo, `${what}: ${pod}: ${begin} ${data} ${stop} ${wal} ${end}`)
  }
}
