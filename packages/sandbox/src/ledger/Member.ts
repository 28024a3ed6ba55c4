/** One running member: it commits records one by one, sends money and takes it. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Host } from "../node/Program.ts"
import { NoSpace, type Volume } from "../storage/Volume.ts"
import { type Account, apply, type Entry, line, replay } from "./Account.ts"
import { files } from "./Check.ts"

/** The key of the member in its container's memory. */
const memoryKey = "ledger"

/** The mount path of the volume. */
export const mountPath = "/data"

export const memberOf = (host: Host | undefined): Member | undefined => {
  const member = host?.memory.get(memoryKey)
  return member instanceof Member ? member : undefined
}

/** Delay between a record in the log and its effect on the balance, in which a snapshot may be taken. */
const applyMillis = 1
/** One way over the network, at most. */
const networkMillis = 3
/** After a transfer that got no answer. */
const retryMillis = 200
/** Records in a log before a checkpoint takes their place. */
const checkpointEvery = 2000
/** Members are looked for up to this ordinal. */
const mostMembers = 32

export class Member {
  readonly name: string
  readonly volume: Volume
  readonly #host: Host
  readonly #one = Semaphore.makeUnsafe(1)
  readonly #underWay = new Set<string>()
  #account: Account
  #records: number
  #quietUntil = 0
  #stopped = false

  private constructor(host: Host, volume: Volume, account: Account, records: number) {
    this.name = host.pod.metadata.name
    this.volume = volume
    this.#host = host
    this.#account = account
    this.#records = records
  }

  /** Recovers from the volume, or opens a new account; a text when it cannot. */
  static start(host: Host, opening: number): Member | string {
    const volume = host.volume(mountPath)
    if (volume === undefined) return `nothing is mounted at ${mountPath}`
    const found = volume.readText(files.log) ?? ""
    // A last line that a power cut tore was never acted on; what follows must not stand on it.
    const whole = found.slice(0, found.lastIndexOf("\n") + 1)
    const log = whole === "" ? line({ _tag: "Open", member: host.pod.metadata.name, amount: opening }) : whole
    const { account, balances, fault } = replay(log)
    if (fault !== undefined || account === undefined) return fault ?? "the log is empty"
    const started = new Member(host, volume, account, balances.size)
    if (!started.#written(() => volume.write(files.log, log)) || !started.#save()) return "the volume is full"
    host.memory.set(memoryKey, started)
    return started
  }

  get account(): Account {
    return this.#account
  }

  #written(write: () => void): boolean {
    try {
      write()
      return true
    } catch (cause) {
      if (cause instanceof NoSpace) return false
      throw cause
    }
  }

  #save(): boolean {
    const { position, balance } = this.#account
    return this.#written(() => this.volume.write(files.balance, JSON.stringify({ position, balance })))
  }

  /**
   * Durable first, then applied. `make` sees the account when its turn has come; false when there
   * was nothing to write, or no room.
   */
  #commit(make: (account: Account) => Entry | undefined): Effect.Effect<boolean> {
    const turn = Effect.gen({ self: this }, function* () {
      const entry = this.#stopped ? undefined : make(this.#account)
      const next = entry === undefined ? undefined : apply(this.#account, entry)
      if (entry === undefined || next === undefined || typeof next === "string") return false
      if (!this.#written(() => this.volume.append(files.log, line(entry)))) return false
      // The fiber may be a peer's and end at any time: what is in the log is applied all the same.
      yield* Effect.ensuring(
        Effect.sleep(applyMillis),
        Effect.sync(() => this.#apply(next))
      )
      return !this.#stopped
    })
    return this.#one.withPermit(turn)
  }

  #apply(next: Account): void {
    // It has ended meanwhile: the process that starts on this volume finds the record in the log.
    if (this.#stopped) return
    this.#account = next
    this.#save()
    this.#records += 1
    if (this.#records < checkpointEvery) return
    const checkpoint = line({ _tag: "Checkpoint", account: next })
    if (this.#written(() => this.volume.write(files.log, checkpoint))) this.#records = 1
  }

  /** Takes a transfer, once, however often it comes. True acknowledges it. */
  receive(from: string, n: number, amount: number): Effect.Effect<boolean> {
    const known = (account: Account): boolean => n <= (account.received[from]?.count ?? 0)
    return Effect.map(
      this.#commit((account) => (known(account) ? undefined : { _tag: "Receive", from, n, amount })),
      (taken) => taken || (!this.#stopped && known(this.#account))
    )
  }

  /** Until it is acknowledged: the newest transfer to a member, again after a restart. */
  #deliver(to: string): Effect.Effect<void> {
    const { count: n = 0, last: amount = 0 } = this.#account.sent[to] ?? {}
    const attempt: Effect.Effect<boolean> = Effect.gen({ self: this }, function* () {
      yield* Effect.sleep(yield* Random.nextIntBetween(1, networkMillis))
      const peer = memberOf(this.#host.peer(to))
      if (peer === undefined) return false
      const acknowledged = yield* peer.receive(this.name, n, amount)
      yield* Effect.sleep(yield* Random.nextIntBetween(1, networkMillis))
      return acknowledged
    })
    const until: Effect.Effect<void> = Effect.flatMap(attempt, (done) =>
      done ? Effect.void : Effect.andThen(Effect.sleep(retryMillis), until)
    )
    return until.pipe(Effect.ensuring(Effect.sync(() => this.#underWay.delete(to))))
  }

  #begin(to: string): Effect.Effect<void, never, Scope.Scope> {
    this.#underWay.add(to)
    return Effect.asVoid(Effect.forkScoped(this.#deliver(to)))
  }

  /** Running members of the same StatefulSet, this one left out. */
  peers(): ReadonlyArray<Member> {
    const set = this.name.replace(/-\d+$/, "")
    const names = Array.from({ length: mostMembers }, (_, ordinal) => `${set}-${ordinal}`)
    return names.flatMap((name) => {
      const peer = name === this.name ? undefined : memberOf(this.#host.peer(name))
      return peer === undefined ? [] : [peer]
    })
  }

  /** Transfers that are not acknowledged yet. */
  get inFlight(): number {
    return this.#underWay.size
  }

  /** Sends no more for so long, and returns when nothing of its own is in flight. */
  quiesce(millis: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.#quietUntil = (yield* Clock.currentTimeMillis) + millis
      while (this.#underWay.size > 0) yield* Effect.sleep(applyMillis)
    })
  }

  /** True if it stayed quiet until now. */
  unquiesce(): Effect.Effect<boolean> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      const held = now < this.#quietUntil
      this.#quietUntil = 0
      return held
    })
  }

  /** Sends transfers to its peers forever, on average one per this number of milliseconds. */
  run(everyMillis: number): Effect.Effect<never, never, Scope.Scope> {
    const round = Effect.gen({ self: this }, function* () {
      yield* Effect.sleep(yield* Random.nextIntBetween(1, 2 * everyMillis))
      if ((yield* Clock.currentTimeMillis) < this.#quietUntil) return
      const free = this.peers().filter(({ name }) => !this.#underWay.has(name))
      const peer = free[yield* Random.nextIntBetween(0, Math.max(1, free.length), { halfOpen: true })]
      if (peer === undefined) return
      const to = peer.name
      const wished = yield* Random.nextIntBetween(1, 10)
      const sent = yield* this.#commit(({ balance, sent }) =>
        balance === 0
          ? undefined
          : { _tag: "Send", to, n: (sent[to]?.count ?? 0) + 1, amount: Math.min(wished, balance) }
      )
      if (sent) yield* this.#begin(to)
    })
    return Effect.gen({ self: this }, function* () {
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          this.#stopped = true
        })
      )
      // Whether the newest was acknowledged is not in the log: say it again, it is taken once.
      for (const to of Object.keys(this.#account.sent)) yield* this.#begin(to)
      return yield* Effect.forever(round)
    })
  }
}
