/**
 * A program that takes a quiesced snapshot of Redis and ends itself with SIGKILL at one of its calls:
 * `dyingCaller.ts NAMESPACE SET CALL`. Without a call, 0, it tells which there were, as JSON.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { statefulSet } from "../../../packages/sdk/src/App.ts"
import { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import { layer } from "../../../packages/sdk/src/kubernetes/index.ts"
import { redis } from "../../../packages/sdk/src/profile/redis.ts"
import { quiesceOf } from "../../../packages/sdk/src/Quiesce.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"

/** How long it may hold its members, in milliseconds. */
export const deadline = 4000

const [namespace = "", name = "", call = "0"] = process.argv.slice(2)

/** What it has asked, in order. */
const calls: Array<string> = []

/** Even ones are sent and not answered, odd ones not even sent. */
const counted = (inner: Cluster["Service"]): Cluster["Service"] => {
  const die = Effect.sync(() => void process.kill(process.pid, "SIGKILL"))
  const next = <A, E, R>(what: string, sent: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const index = calls.push(what)
      if (index !== Number(call)) return sent
      return index % 2 === 0 ? Effect.andThen(sent, Effect.andThen(die, sent)) : Effect.andThen(die, sent)
    })
  return {
    ...inner,
    request: (request) => next(`${request.method} ${request.path}`, inner.request(request)),
    exec: (request) => next(`EXEC ${request.pod}`, inner.exec(request)),
    watch: (request) => Stream.unwrap(next(`WATCH ${request.path}`, Effect.succeed(inner.watch(request))))
  }
}

const { quiesce: held } = redis
if (held === undefined) throw new Error("the profile of redis holds nothing")
const section = { ...redis, quiesce: { ...held, deadline: `${deadline}ms` } }

const taken = Effect.gen(function* () {
  const quiesce = Result.getOrThrow(quiesceOf("redis", section))
  const inner = yield* Cluster
  const options = { name, identity: "a caller that dies", consistency: "quiesced", quiesce } as const
  const ref = statefulSet(namespace, "db")
  const taking = Snapshot.take(ref, { ...options, groupClass: "none", snapshotQps: 50 })
  const { outcome } = yield* Effect.provideService(taking, Cluster, counted(inner))
  process.stdout.write(JSON.stringify({ outcome, calls }))
})

if (import.meta.main) await Effect.runPromise(Effect.provide(taken, Layer.fresh(layer())))
