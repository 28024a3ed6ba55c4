/**
 * What a pick costs on one core, against what one would write without this module, and how many keys
 * move from N to N + 1 replicas. Needs no cluster.
 *
 * `npx node --conditions=source test/bench/routing.ts`; with `--quick` it only shows that all runs.
 */
import { createHash } from "node:crypto"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as HashRing from "effect/HashRing"
import * as PrimaryKey from "effect/PrimaryKey"
import * as Result from "effect/Result"
import * as Routing from "../../packages/sdk/src/Routing.ts"
import { jump as inBigInt } from "../sdk/routing/oracle.ts"
import { median } from "./pairs.ts"
import { table } from "./table.ts"

const quick = process.argv.includes("--quick")
const replicas = 5
const shards = 1024
const rounds = quick ? 1 : 7
const picks = quick ? 2_000 : 200_000

const keys = Array.from({ length: 4096 }, (_, index) => `customer/${(index * 2654435761) % 1_000_003}`)
const over = (strategy: Routing.Strategy, count = replicas) =>
  Routing.picker(strategy, Routing.allReady(count))

const md5 = (text: string): Buffer => createHash("md5").update(text).digest()
const ordinals = Array.from({ length: replicas }, (_, index) => index)
const shardMap = Result.getOrThrow(Routing.tableOf(over(Routing.rendezvous()), shards))

const fnv = (text: string): number => {
  let hash = 2166136261
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 16777619)
  }
  return hash >>> 0
}

const highest = (key: string): number => {
  let [best, found] = [-1, -1]
  for (const ordinal of ordinals) {
    const weight = md5(`${key}/${ordinal}`).readUInt32BE()
    if (weight > best) [best, found] = [weight, ordinal]
  }
  return found
}

/** The consistent hashing that Effect brings, at its own default of 128 points a node. */
const ring = HashRing.addMany(
  HashRing.make<PrimaryKey.PrimaryKey & { readonly ordinal: number }>(),
  ordinals.map((ordinal) => ({ ordinal, [PrimaryKey.symbol]: () => `db-${ordinal}` }))
)

type Pick = (key: string) => unknown
const ours = (strategy: Routing.Strategy): Pick => over(strategy).pick

const rows: ReadonlyArray<readonly [what: string, ours: Pick, against: string, theirs: Pick]> = [
  ["modulo", ours(Routing.modulo), "md5 mod 5", (key) => md5(key).readUInt32BE() % replicas],
  ["modulo", ours(Routing.modulo), "FNV-1a loop mod 5", (key) => fnv(key) % replicas],
  [
    "jump",
    ours(Routing.jump),
    "md5, and the paper's loop in BigInt",
    (key) => inBigInt(md5(key).readBigUInt64BE(), replicas)
  ],
  ["rendezvous", ours(Routing.rendezvous()), "the highest md5(key/ordinal)", highest],
  ["rendezvous", ours(Routing.rendezvous()), "Effect's HashRing", (key) => HashRing.get(ring, key)?.ordinal],
  [
    "table of 1024 shards",
    ours(shardMap),
    "md5 mod 1024, and the array",
    (key) => shardMap.shards[md5(key).readUInt32BE() % shards]?.[0]
  ]
]

/** Nanoseconds of this thread's own time a pick: what else runs on the machine does not count. */
const timed = (pick: Pick): number => {
  const began = process.threadCpuUsage()
  let used = 0
  for (let index = 0; index < picks; index++) if (pick(keys[index & 4095] ?? "") !== undefined) used += 1
  const { user, system } = process.threadCpuUsage(began)
  if (used !== picks) throw new Error("a key got no ordinal")
  return (1000 * (user + system)) / picks
}

const collect: () => void = (setFlagsFromString("--expose-gc"), runInNewContext("gc"))

/** Bytes of heap a pick leaves behind, over fewer picks than make a collection. */
const allocated = (pick: Pick): number => {
  const count = 20_000
  collect()
  const before = process.memoryUsage().heapUsed
  for (let index = 0; index < count; index++) pick(keys[index & 4095] ?? "")
  return Math.max(0, process.memoryUsage().heapUsed - before) / count
}

const nanos = (value: number): string => `${Math.round(value)} ns`

const speed = rows.map(([what, mine, against, theirs]) => {
  for (const pick of [mine, theirs]) timed(pick)
  const [our, their] = [new Array<number>(), new Array<number>()]
  for (let round = 0; round < rounds; round++) {
    // ABBA, so that a machine that is busy for a while is so for both.
    if (round % 2 === 0) {
      our.push(timed(mine))
      their.push(timed(theirs))
    } else {
      their.push(timed(theirs))
      our.push(timed(mine))
    }
  }
  const [a, b] = [median(our), median(their)]
  return [what, nanos(a), `${allocated(mine).toFixed(1)} B`, against, nanos(b), (a / b).toFixed(2)]
})
console.log(table([["strategy, 5 ordinals", "a pick", "heap", "against", "takes", "ratio"], ...speed]))

/** The most by which the part of moved keys may differ from 1 / (N + 1), as a part of it. */
const bound = 0.01

const sample = function* (count: number): Generator<string> {
  for (let index = 0; index < count; index++) yield `customer/${index}`
}

const moved = [3, 4, 9, 29].flatMap((count) =>
  ([Routing.jump, Routing.rendezvous()] as const).map((strategy) => {
    // So many that chance alone is 0.16 %.
    const total = quick ? 10_000 : count * 400_000
    let seen = 0
    for (const { to } of Routing.moves(over(strategy, count), over(strategy, count + 1), sample(total))) {
      seen += to.length
    }
    const off = (seen / total) * (count + 1) - 1
    return { name: `${strategy._tag}, ${count} to ${count + 1}`, part: seen / total, off }
  })
)
console.log(
  table([
    ["keys that move", "part", "off 1/(N + 1) by", "bound"],
    ...moved.map(({ name, part, off }) => [
      name,
      part.toFixed(5),
      `${(100 * off).toFixed(2)} %`,
      `${100 * bound} %`
    ])
  ])
)
if (!quick && moved.some(({ off }) => Math.abs(off) > bound)) process.exitCode = 1
