import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Routing from "../../packages/sdk/src/Routing.ts"
import { seeded } from "./routing/oracle.ts"

const keys = (count: number, prefix = "tenant-"): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

const over = (strategy: Routing.Strategy, count: number, start = 0) =>
  Routing.picker(strategy, Routing.allReady(count, start, "db"))

/** A view in shorthand: `RRNLM` are ordinals 0 to 4, each by the first letter of its availability. */
const view = (letters: string, start = 0): Routing.Members => ({
  name: "db",
  start,
  members: Array.from(letters, (letter, index) => ({
    ordinal: start + index,
    availability: { R: "Ready", N: "NotReady", L: "Leaving", M: "Missing" }[letter] as Routing.Availability
  }))
})

const picked = (picker: Routing.Picker, key: string, sticky?: number): number =>
  Result.getOrThrow(picker.pick(key, sticky))

const reason = (result: Result.Result<unknown, Routing.RoutingError>) =>
  Result.isFailure(result) ? result.failure : assert.fail("a key was given an ordinal")

const strategies: ReadonlyArray<readonly [string, Routing.Strategy]> = [
  ["modulo", Routing.modulo],
  ["jump", Routing.jump],
  ["rendezvous", Routing.rendezvous(2)],
  ["table", Result.getOrThrow(Routing.tableOf(over(Routing.rendezvous(2), 5), 256))]
]

describe("a key's ordinal is the same in every language", () => {
  // Printed by Go: cespare/xxhash v2.3.0, dgryski/go-jump e1f439676b57, dgryski/go-rendezvous
  // 9f7001d12a5f over nodes named "0" to "4".
  it.each([
    ["a", 0xd24ec4f1a98c6e5bn, 0, 1, 1, 894, 0],
    ["tenant-1", 0xe5af04048faa8656n, 0, 2, 3, 105, 4],
    ["tenant-42", 0xf9fbb9a903514f40n, 1, 0, 0, 422, 2],
    ["customer/7f3c2d", 0x813a2d05cb4dde4dn, 1, 2, 2, 769, 3],
    ["ünïcødé 🦀", 0x941ee4c0a1c667den, 2, 0, 0, 945, 0],
    ["a key that is longer than thirty-two bytes, on purpose", 0x59b91be0df690c39n, 2, 2, 3, 117, 4]
  ])("%j goes where Go's libraries send it", (key, hash, modulo, jump3, jump5, jump1000, rendezvous) => {
    assert.equal(Routing.hash(key), hash)
    assert.equal(picked(over(Routing.modulo, 5), key), modulo)
    assert.equal(picked(over(Routing.jump, 3), key), jump3)
    assert.equal(picked(over(Routing.jump, 5), key), jump5)
    assert.equal(picked(over(Routing.jump, 1000), key), jump1000)
    assert.equal(picked(over(Routing.rendezvous(), 5), key), rendezvous)
  })

  it("ordinals that begin at another number than 0 are counted from there by modulo and jump", () => {
    for (const key of keys(200)) {
      for (const strategy of [Routing.modulo, Routing.jump]) {
        assert.equal(picked(over(strategy, 5, 7), key), picked(over(strategy, 5), key) + 7)
      }
    }
  })
})

describe("whatever the key and the number of replicas", () => {
  const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))
  const Key = Schema.NonEmptyString

  it.prop(
    "every strategy names an ordinal that is there, and the same one each time",
    [Key, Count],
    ([key, count]) => {
      for (const [, strategy] of strategies.slice(0, 3)) {
        const ordinal = picked(over(strategy, count, 3), key)
        assert.isTrue(ordinal >= 3 && ordinal < 3 + count)
        assert.equal(picked(over(strategy, count, 3), key), ordinal)
      }
    }
  )

  it.prop(
    "with one replica more, jump and rendezvous move a key to the new one or not at all",
    [Key, Count],
    ([key, count]) => {
      for (const strategy of [Routing.jump, Routing.rendezvous()]) {
        const [before, after] = [picked(over(strategy, count), key), picked(over(strategy, count + 1), key)]
        assert.isTrue(after === before || after === count)
      }
    }
  )

  it.prop(
    "rendezvous gives a key as many ordinals as it asks for, each once, and the first is the pick",
    [Key, Count],
    ([key, count]) => {
      const picker = over(Routing.rendezvous(3), count)
      const all = Result.getOrThrow(picker.pickAll(key))
      assert.equal(all.length, Math.min(3, count))
      assert.equal(new Set(all).size, all.length)
      assert.equal(all[0], picked(picker, key))
    }
  )

  it.prop(
    "an ordinal that is lost changes only what it held, under rendezvous and jump",
    [Key, Schema.Int],
    ([key, which]) => {
      const lost = Math.abs(which) % 9
      const letters = `${"R".repeat(lost)}N${"R".repeat(9 - lost)}`
      for (const strategy of [Routing.jump, Routing.rendezvous()]) {
        const before = picked(over(strategy, 10), key)
        const after = picked(Routing.picker(strategy, view(letters)), key)
        assert.isTrue(before === lost ? after !== lost : after === before)
      }
    }
  )
})

describe("keys that move, from N to N + 1 replicas", () => {
  const sample = keys(60_000)

  it.each([3, 4, 9])("are by jump and by rendezvous the expected part, for N = %i", (count) => {
    for (const strategy of [Routing.jump, Routing.rendezvous()]) {
      const [before, after] = [over(strategy, count), over(strategy, count + 1)]
      const moved = [...Routing.moves(before, after, sample)].length / sample.length
      const expected = 1 / (count + 1)
      assert.approximately(Routing.movedShare(strategy, count, count + 1) ?? 0, expected, 1e-12)
      // Four standard deviations of so many draws; the benchmark takes enough keys for 1 %.
      assert.approximately(moved, expected, 4 * Math.sqrt((expected * (1 - expected)) / sample.length))
    }
  })

  it.each([
    [3, 5, 0],
    [5, 3, 0],
    [2, 6, 0],
    [4, 4, 0],
    [6, 4, 3],
    [2, 5, 3],
    [5, 2, 3],
    [2, 3, 5]
  ])("are what movedShare says they are, from %i to %i replicas (%i copies)", (from, to, copies) => {
    const under =
      copies === 0 ? [Routing.modulo, Routing.jump, Routing.rendezvous()] : [Routing.rendezvous(copies)]
    for (const strategy of under) {
      const [before, after] = [over(strategy, from), over(strategy, to)]
      let [gained, held] = [0, 0]
      for (const key of sample.slice(0, 40_000)) {
        held += Result.getOrThrow(after.owners(key)).length
        gained += Result.getOrThrow(Routing.moveOf(before, after, key))?.to.length ?? 0
      }
      assert.approximately(gained / held, Routing.movedShare(strategy, from, to) ?? -1, 0.01)
    }
  })

  it("are all of them from none, and none to none", () => {
    assert.equal(Routing.movedShare(Routing.jump, 0, 3), 1)
    assert.equal(Routing.movedShare(Routing.jump, 3, 0), 0)
    assert.isNull(Routing.movedShare(Routing.table([[0]]), 3, 5))
  })

  it("are listed with the ordinal they leave and the one they go to, as the keys come", () => {
    const seen: Array<string> = []
    const endless = function* () {
      for (let index = 0; ; index++) {
        seen.push(`tenant-${index}`)
        yield `tenant-${index}`
      }
    }
    const moves = Routing.moves(over(Routing.jump, 3), over(Routing.jump, 5), endless())
    const first = moves.next()
    assert.deepEqual(first.value, { key: "tenant-1", from: [2], to: [3] })
    assert.deepEqual(seen, ["tenant-0", "tenant-1"])
  })

  it("are spread evenly: no ordinal holds more than a twentieth above its share", () => {
    for (const strategy of [Routing.modulo, Routing.jump, Routing.rendezvous()]) {
      const picker = over(strategy, 10)
      const held = new Map<number, number>()
      for (const key of sample) held.set(picked(picker, key), (held.get(picked(picker, key)) ?? 0) + 1)
      for (const count of held.values()) assert.approximately(count / sample.length, 0.1, 0.005)
    }
  })
})

describe("an ordinal that takes no new keys", () => {
  for (const [name, strategy] of strategies) {
    it(`gets none by ${name}: neither unready, nor leaving, nor missing`, () => {
      for (const letters of ["RNRRR", "RRRRN", "NRRRR", "RRRLL", "RRLRR", "RMRRM", "NNRLM"]) {
        const picker = Routing.picker(strategy, view(letters))
        for (const key of keys(500)) {
          const result = picker.pick(key)
          // A shard whose ordinals are all away has none: its data is nowhere else.
          if (Result.isFailure(result)) assert.equal(name, "table")
          else assert.equal(letters[result.success], "R")
        }
      }
    })

    it(`keeps by ${name} the keys that are sticky on it, until its pod is gone`, () => {
      const [there, gone] = [Routing.picker(strategy, view("RRRNL")), Routing.picker(strategy, view("RRRM"))]
      for (const key of keys(200)) {
        assert.equal(picked(there, key, 3), 3)
        assert.equal(picked(there, key, 4), 4)
        assert.deepEqual(gone.pick(key, 3), gone.pick(key))
        assert.deepEqual(gone.pick(key, 4), gone.pick(key))
      }
    })
  }

  it("is not counted by jump before it is ready, so that a key moves once while a set grows", () => {
    for (const key of keys(2000)) {
      assert.equal(
        picked(Routing.picker(Routing.jump, view("RRRMM")), key),
        picked(over(Routing.jump, 3), key)
      )
      assert.equal(
        picked(Routing.picker(Routing.jump, view("RRRRN")), key),
        picked(over(Routing.jump, 4), key)
      )
    }
  })

  it("sends its keys by jump, while it leaves, to where they are once it is gone", () => {
    for (const key of keys(2000)) {
      assert.equal(
        picked(Routing.picker(Routing.jump, view("RRRLL")), key),
        picked(over(Routing.jump, 3), key)
      )
    }
  })

  it("moves no other ordinal's keys by modulo, not even as the last one", () => {
    for (const key of keys(2000)) {
      const before = picked(over(Routing.modulo, 5), key)
      const after = picked(Routing.picker(Routing.modulo, view("RRRRN")), key)
      assert.isTrue(before === 4 || after === before)
    }
  })

  it("leaves its load, when it is lost in the middle, to all others alike", () => {
    for (const strategy of [Routing.modulo, Routing.jump, Routing.rendezvous()]) {
      const [before, after] = [over(strategy, 5), Routing.picker(strategy, view("RNRRR"))]
      const gained = [0, 0, 0, 0, 0]
      for (const key of keys(40_000)) {
        if (picked(before, key) === 1) gained[picked(after, key)]! += 1
      }
      const total = gained.reduce((sum, count) => sum + count, 0)
      for (const ordinal of [0, 2, 3, 4]) assert.approximately((gained[ordinal] ?? 0) / total, 0.25, 0.03)
    }
  })

  it("still owns its keys: where data belongs does not change with readiness", () => {
    for (const [, strategy] of strategies) {
      const [ready, lost] = [Routing.picker(strategy, view("RRRRR")), Routing.picker(strategy, view("RNMRR"))]
      for (const key of keys(300)) assert.deepEqual(lost.owners(key), ready.owners(key))
    }
  })

  it("owns nothing any more once it leaves", () => {
    for (const [, strategy] of strategies) {
      const picker = Routing.picker(strategy, view("RRRRL"))
      for (const key of keys(300)) {
        assert.notInclude(
          Result.getOrElse(picker.owners(key), () => []),
          4
        )
      }
    }
  })
})

describe("a shard map", () => {
  const before = Result.getOrThrow(Routing.tableOf(over(Routing.jump, 3), 128))

  it("sends all keys of a shard to the first of its ordinals that is ready", () => {
    const picker = Routing.picker(Routing.table([[0, 1]]), view("NR"))
    for (const key of keys(50)) assert.equal(picked(picker, key), 1)
    assert.deepEqual(picker.owners("x"), Result.succeed([0, 1]))
    assert.deepEqual(picker.pickAll("x"), Result.succeed([1]))
  })

  it("is stored and read as plain JSON", () => {
    const decode = Schema.decodeUnknownSync(Routing.Strategy)
    for (const [, strategy] of strategies)
      assert.deepEqual(decode(JSON.parse(JSON.stringify(strategy))), strategy)
    assert.throws(() => decode({ _tag: "Table", shards: [] }))
    assert.throws(() => decode({ _tag: "Table", shards: [[]] }))
    assert.throws(() => decode({ _tag: "Table", shards: [[-1]] }))
    assert.throws(() => decode({ _tag: "Rendezvous", replicas: 0 }))
  })

  it("lists what moves in runs of shards with the same change", () => {
    const after = Routing.table([[0], [0], [3], [3], [1, 2], [3]])
    const was = Routing.table([[0], [1], [1], [1], [1], [2]])
    assert.deepEqual(Routing.shardMoves(was, after), [
      { first: 1, last: 1, from: [1], to: [0] },
      { first: 2, last: 3, from: [1], to: [3] },
      { first: 4, last: 4, from: [], to: [2] },
      { first: 5, last: 5, from: [2], to: [3] }
    ])
    assert.deepEqual(Routing.shardMoves(was, was), [])
    assert.isNull(Routing.shardMoves(was, Routing.table([[0]])))
  })

  it.each([[[0, 1, 2, 3, 4]], [[0, 1]], [[2]], [[5, 6, 7]], [[0, 1, 2]]])(
    "rebalanced over %j gives each ordinal its share and moves no shard without need",
    (ordinals) => {
      const after = Routing.rebalanced(before, ordinals) ?? assert.fail("no table")
      const load = (table: Routing.Table, ordinal: number) =>
        table.shards.filter(([first]) => first === ordinal).length
      const loads = ordinals.map((ordinal) => load(after, ordinal))
      assert.isAtMost(Math.max(...loads) - Math.min(...loads), 1)
      assert.equal(
        loads.reduce((sum, count) => sum + count, 0),
        128
      )
      const moved = after.shards.filter(([first], shard) => before.shards[shard]?.[0] !== first).length
      // No ordinal gives away a shard and gets another.
      const gained = ordinals.reduce(
        (sum, each) => sum + Math.max(0, load(after, each) - load(before, each)),
        0
      )
      assert.equal(moved, gained)
    }
  )

  it("keeps the number of copies of each shard, on different ordinals, while there are enough", () => {
    const two = Result.getOrThrow(Routing.tableOf(over(Routing.rendezvous(2), 4), 64))
    const random = seeded(3)
    let table = two
    for (let round = 0; round < 30; round++) {
      const ordinals = [0, 1, 2, 3, 4, 5].filter(() => random() < 0.6)
      const next =
        Routing.rebalanced(table, ordinals.length < 2 ? [0, 1] : ordinals) ?? assert.fail("no table")
      for (const owners of next.shards) {
        assert.equal(owners.length, 2)
        assert.equal(new Set(owners).size, 2)
      }
      table = next
    }
    assert.isNull(Routing.rebalanced(two, []))
  })
})

describe("what cannot be routed says why", () => {
  it("an empty key", () => {
    for (const [, strategy] of strategies) {
      const picker = over(strategy, 3)
      for (const result of [picker.pick(""), picker.pick("", 1), picker.pickAll(""), picker.owners("")]) {
        assert.equal(reason(result).reason._tag, "EmptyKey")
      }
    }
    assert.throws(
      () => [...Routing.moves(over(Routing.jump, 3), over(Routing.jump, 5), [""])],
      /the key is empty/
    )
  })

  it("no replicas", () => {
    for (const [, strategy] of strategies) {
      for (const members of [view(""), view("L")]) {
        const { reason: why, message } = reason(Routing.picker(strategy, members).pick("x"))
        assert.equal(why._tag, "NoReplicas")
        assert.equal(message, "db has 0 replicas, so no ordinal can hold a key: scale it up first")
      }
    }
  })

  it("no ordinal that takes keys, and what each is instead", () => {
    const { reason: why, message } = reason(Routing.picker(Routing.jump, view("NLM")).pick("x"))
    assert.equal(why._tag, "NoneReady")
    assert.equal(
      message,
      "no ordinal of db takes new keys: 0 is not ready, 1 is leaving, 2 is missing; wait for one to become ready"
    )
  })

  it("an ordinal that a table names and the application has not", () => {
    const { reason: why, message } = reason(Routing.picker(Routing.table([[7]]), view("RRR")).pick("x"))
    assert.deepEqual(why, { _tag: "UnknownOrdinal", shard: 0 })
    assert.equal(message, "shard 0 is on 7 by the table, and db has no such ordinal: give the shard another")
  })

  it("a strategy that names nothing", () => {
    for (const strategy of [Routing.rendezvous(0), Routing.rendezvous(-1), Routing.rendezvous(Number.NaN)]) {
      assert.equal(reason(over(strategy, 3).pickAll("x")).reason._tag, "InvalidStrategy")
      assert.equal(reason(over(strategy, 3).pick("x")).reason._tag, "InvalidStrategy")
    }
  })

  it("never with the key in the message, which may be a customer's", () => {
    for (const members of [view(""), view("NN")]) {
      assert.notInclude(
        reason(Routing.picker(Routing.jump, members).pick("secret-customer")).message,
        "secret"
      )
    }
  })
})

describe("a pick", () => {
  it("gives the same answer object again: it allocates nothing", () => {
    for (const [, strategy] of strategies) {
      const picker = over(strategy, 5)
      assert.strictEqual(picker.pick("tenant-1"), picker.pick("tenant-1"))
      assert.strictEqual(picker.pick("x", 2), picker.pick("y", 2))
    }
  })

  it("makes an error once, however often it is asked while nothing is ready", () => {
    const picker = Routing.picker(Routing.jump, view("NN"))
    assert.strictEqual(picker.pick("a"), picker.pick("b"))
  })
})
