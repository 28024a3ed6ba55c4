/**
 * The full counts, in pieces: `npm run prove -- scale [--seeds N] [--from SEED] [--minutes M]`, and one
 * run again: `npm run prove -- scale --scenario NAME --replay "7 LoseReply, 9 Kill after"`.
 *
 * `npm run prove -- rival [--scenario NAME] [--every N] [--all] [--minutes M]`: every legal act of somebody
 * else before every request where it is another act than before the one before, each Nth of those, or
 * before all requests; one again: `--scenario NAME --replay "delete data-db-2 @ 40 + 700"`.
 *
 * `npm run prove -- snapshot|restore|scale --part again [--every N] [--all]`: the first caller dies before a request
 * that finds another state than the one before, somebody else resumes or aborts and dies so too, and a third one
 * resumes or aborts that; `--all`: they die before and behind every request. One run again:
 * `--scenario NAME --members N --replay "7 Kill before; 3 Kill before"`, in each of the ways to end it.
 *
 * `npm run prove -- snapshot|restore [--part singles|rival|tests|pairs|seeds|cluster] [--every N] [--from N]
 * [--seeds N] [--members N] [--scenario NAME]`: `singles`: every fault, and a death before and behind, at every
 * call of every way. `rival`: every legal act of somebody else before every request where it is another
 * act. `tests`: the sweeps that
 * `npm test` takes a part of. `pairs`: each two calls of a way with three members have a fault: of the quiesced
 * snapshot that cuts each claim alone, or of the restore. `seeds`: sets are taken, deleted and restored under
 * random faults, from seed `--from` on. `cluster`: on the real one, as often as its docs say. One run again:
 * `--scenario NAME --members N --replay "7 LoseReply"`.
 *
 * `npm run prove -- kills`: on the real cluster, a caller of a quiesced snapshot is killed at each of its calls, and one
 * of scaling at 140 moments.
 *
 * `npm run prove -- discovery`: a week of churn with rival writers and faults, for each seed; what is held
 * after it is at most a tenth more than after its first day.
 *
 * `npm run prove -- fuzz [--runs N] [--seed S] [--target NAME]`: valid inputs of every parser, each with a few
 * edits. One again: `--target NAME --replay '[...]'`.
 *
 * `npm run prove -- planted`: every defect that is planted is noticed, and there are forty at least.
 *
 * `npm run prove -- contract`: each recorded answer of a real cluster, against the sandbox's.
 *
 * `npm run prove -- rbac [--every N]`: each situation of each command with the Role that `rbac` prints for it, and
 * without each of its rules. `npm run prove -- unread [--every N]`: each list of each case of the corpus refused,
 * and one of its objects damaged. `npm run prove -- remedies [--every N]`: each command of the plugin's own that it
 * prints, in the situation in which it is printed.
 *
 * `npm run prove -- toy [--every N]`: each fault, each death, each second caller, each nap and each act of
 * somebody else at every request of a verb that the engine alone makes.
 */
import { spawnSync } from "node:child_process"
import { parseArgs } from "node:util"
import { proveFuzz } from "./fuzz/prove.ts"
import type { Limit } from "./limit.ts"
import { losses } from "./simulation/losses.ts"
import { planted } from "./simulation/planted.ts"
import { plantedSets } from "./simulation/plantedSets.ts"
import { proveAgain } from "./simulation/proveAgain.ts"
import { proveSets } from "./simulation/proveSets.ts"
import { proveRival } from "./simulation/proveRival.ts"
import { proveScale } from "./simulation/prove.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    minutes: { type: "string" },
    runs: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    target: { type: "string" },
    every: { type: "string", default: "1" },
    all: { type: "boolean", default: false },
    part: { type: "string" },
    members: { type: "string" },
    scenario: { type: "string" },
    replay: { type: "string" }
  }
})

/** Of each count. */
const limit: Limit = { minutes: Number(values.minutes ?? "60"), isAsked: values.minutes !== undefined }

/** The test that `npm test` runs a fixed part of. Answers whether it failed. */
const proveTests = (what: string, every: string) => (): number => runTests([what], { [every]: values.every })

const runTests = (what: ReadonlyArray<string>, variables: Readonly<Record<string, string>> = {}): number => {
  const env = { ...process.env, ...variables }
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--testTimeout=3600000", ...what]
  return spawnSync(process.execPath, vitest, { stdio: "inherit", env }).status === 0 ? 0 : 1
}

/** The suites of the real cluster that run a few times in CI, as often as it takes to believe them. */
const proveCluster = (...suites: ReadonlyArray<string>): number => {
  const what = suites.map((name) => `test/cluster/${name}.test.ts`)
  const env = { ...process.env, PROVE_RUNS: "20" }
  const config = ["--config", "vitest.cluster.config.ts", "--testTimeout=7200000"]
  const vitest = ["node_modules/vitest/vitest.mjs", "run", ...config, ...what]
  return spawnSync(process.execPath, vitest, { stdio: "inherit", env }).status === 0 ? 0 : 1
}

/** Two deaths are written with a semicolon between them. */
const isAgain = values.part === "again" || values.replay?.includes(";") === true

/** A second death, during the recovery from the first. */
const again = (verb: "snapshot" | "restore" | "scale") => () =>
  proveAgain({
    verb,
    scenario: values.scenario ?? null,
    members: Number(values.members ?? 2),
    every: Number(values.every),
    all: values.all,
    limit,
    replay: values.replay ?? null
  })

/** The parts of a level, one or all of them. */
const parts =
  (verb: "snapshot" | "restore", more: Readonly<Record<string, () => number>>) =>
  async (): Promise<number> => {
    const simulated = (part: "singles" | "rival" | "pairs" | "seeds") => () =>
      proveSets({
        part,
        verb,
        scenario: values.scenario ?? null,
        members: Number(values.members ?? (part === "singles" || part === "rival" ? 2 : 3)),
        seeds: Number(values.seeds),
        from: Number(values.from),
        every: Number(values.every),
        limit,
        replay: values.replay ?? null
      })
    const all: Readonly<Record<string, () => number | Promise<number>>> = {
      singles: simulated("singles"),
      rival: simulated("rival"),
      again: again(verb),
      ...more,
      pairs: simulated("pairs"),
      seeds: simulated("seeds")
    }
    const chosen = isAgain ? "again" : values.replay === undefined ? values.part : "pairs"
    let failures = 0
    for (const [name, run] of Object.entries(all))
      if (chosen === undefined || chosen === name) failures += await run()
    if (chosen !== undefined && !Object.hasOwn(all, chosen)) {
      process.stderr.write(`error: unknown part "${chosen}"; use one of ${Object.keys(all).join(", ")}\n`)
      return 1
    }
    return failures
  }

/** A week of virtual time for each seed. */
const proveDiscovery = (): number =>
  runTests(["test/sdk/discovery/watch.test.ts", "-t", "days of churn"], { DISCOVERY_HOURS: "168" })

/** Of fewer than these nobody could say that the simulation finds what is wrong. */
const leastPlanted = 40

/** Each defect that is planted is a test of its own, whose only way to pass is that it is noticed. */
const provePlanted = (): number => {
  const rows = [
    ["engine, at its wire", planted.length],
    ["lost data, with somebody else's act", losses.length],
    ["taking, deleting, restoring sets", plantedSets.length]
  ] as const
  const all = rows.reduce((sum, [, count]) => sum + count, 0)
  const failed = runTests(
    ["planted", "plantedSets", "losses"].map((name) => `test/simulation/${name}.test.ts`),
    { PLANTED_EVERY: "1" }
  )
  for (const [what, count] of rows) process.stdout.write(`${String(count).padStart(4)}  ${what}\n`)
  process.stdout.write(`planted: ${all} defects, ${failed === 0 ? "all noticed" : "NOT all noticed"}\n`)
  return failed + (all < leastPlanted ? 1 : 0)
}

const levels: Readonly<Record<string, () => number | Promise<number>>> = {
  snapshot: parts("snapshot", {
    tests: proveTests("test/sdk/snapshot", "SNAPSHOT_EVERY"),
    cluster: () => proveCluster("consistency", "etcd")
  }),
  restore: parts("restore", { tests: proveTests("test/sdk/restore", "RESTORE_EVERY") }),
  fuzz: () =>
    proveFuzz({
      runs: Number(values.runs),
      seed: Number(values.seed),
      limit,
      target: values.target ?? null,
      replay: values.replay ?? null
    }),
  planted: provePlanted,
  kills: () => proveCluster("quiesce-kills", "scale-kills", "restore"),
  neighbour: () => proveCluster("scale-neighbour"),
  contract: () => runTests(["test/contract/contract.test.ts"]),
  discovery: proveDiscovery,
  rbac: proveTests("test/rbac", "RBAC_EVERY"),
  remedies: proveTests("test/remedies", "REMEDIES_EVERY"),
  unread: proveTests("test/corpus/unread.test.ts", "UNREAD_EVERY"),
  toy: proveTests("test/sdk/operation/toy.test.ts", "TOY_EVERY"),
  rival: () =>
    proveRival({
      scenario: values.scenario ?? null,
      every: Number(values.every),
      all: values.all,
      limit,
      replay: values.replay ?? null
    }),
  scale: () =>
    isAgain
      ? again("scale")()
      : proveScale({
          seeds: Number(values.seeds),
          from: Number(values.from),
          limit,
          scenario: values.scenario ?? null,
          replay: values.replay ?? null
        })
}

/** Of each level of docs/reliability.md: its command, what that takes, and what it does. */
const usage: ReadonlyArray<readonly [string, string, string]> = [
  ["L0", "scale --seeds 0", "each fault at each request of scaling"],
  ["L0 L1", "snapshot --part singles [--every N]", "each fault and each crash at each request"],
  ["L0 L1", "restore --part singles [--every N]", "the same of restores and their undo"],
  ["L0 L1", "toy [--every N]", "the same of the engine alone, and second callers"],
  ["L0 L1", "rival [--every N] [--all]", "each act of somebody else before each request"],
  ["L1", "snapshot --part again [--every N] [--all]", "a second crash while the first is recovered from"],
  ["L1", "restore --part again [--every N] [--all]", "the same of restores and their undo"],
  ["L1", "scale --part again [--every N] [--all]", "the same of scaling"],
  ["L2", "snapshot --part pairs [--every N]", "a fault at every two requests, three members"],
  ["L2", "restore --part pairs [--every N]", "the same of a restore"],
  ["L2 L3", "scale [--seeds N] [--from SEED]", "pairs of faults, and random ones by seed"],
  ["L3", "snapshot --part seeds [--seeds N]", "random lives of snapshots, by seed"],
  ["L4", "planted", "each planted defect is noticed"],
  ["L5", "kills", "the real cluster: SIGKILLs of a snapshot, of scaling and of restores"],
  ["L5", "neighbour", "the real cluster: somebody else at ten moments of a scale-down"],
  ["L5", "snapshot --part cluster", "the real cluster: each level, again and again"],
  ["L6", "contract", "the sandbox against recorded answers"],
  ["L7", "fuzz [--runs N] [--seed S] [--target NAME]", "edits of valid inputs of each parser"],
  ["L9", "discovery", "a week of churn for each seed"],
  ["", "rbac [--every N]", "each command with its Role, and without each rule"],
  ["", "remedies [--every N]", "each command that the plugin prints of its own, run for its effect"],
  ["", "unread [--every N]", "each list of each known situation refused, or damaged"]
]
const widest = Math.max(...usage.map(([, command]) => command.length))
const usageText = [
  "usage: npm run prove -- LEVEL [--minutes M]; what failed prints the line that runs it again",
  "a count that takes longer than 60 minutes, or M, is cut short, and has failed if M was not given",
  ...usage.map(([levelName, command, what]) => `${levelName.padEnd(7)}${command.padEnd(widest + 3)}${what}`)
].join("\n")

const [level = ""] = positionals
const prove = Object.hasOwn(levels, level) ? levels[level] : undefined
if (level === "") process.stdout.write(`${usageText}\n`)
else if (prove === undefined) {
  process.stderr.write(`error: unknown level "${level}"; use one of ${Object.keys(levels).join(", ")}\n`)
  process.exitCode = 1
} else if ((await prove()) > 0) process.exitCode = 1
