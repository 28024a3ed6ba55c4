import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Cluster, ClusterError, type ExecRequest } from "../../../packages/sdk/src/Cluster.ts"
import type * as Hook from "../../../packages/sdk/src/Hook.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { Profile } from "../../../packages/sdk/src/Profile.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, command, hooks, on, refusal } from "../scale/callers.ts"

/** What a hook or a server may say, and nobody should read in a ConfigMap. */
const canary = "postgres://admin:CANARY-PW@db-0/postgres"
const bytes = new TextEncoder()

type Port = Cluster["Service"]

/** The cluster of this world, but for execs of one command. */
const execOf =
  (name: string, change: (port: Port, request: ExecRequest) => ReturnType<Port["exec"]>) =>
  ({ sandbox: { cluster } }: World): Port => ({
    ...cluster,
    exec: (request) => (request.command.includes(name) ? change(cluster, request) : cluster.exec(request))
  })

/** One that writes the canary to stderr and ends with this code. */
const loud = (name: string, code: number) => (world: World) => {
  world.answers.set(name, code)
  return execOf(name, (port, request) =>
    Effect.map(port.exec(request), (session) => ({
      ...session,
      stderr: Stream.succeed(bytes.encode(`could not connect to ${canary}\n`))
    }))
  )(world)
}

const forbidden = { reason: { _tag: "Forbidden" as const }, message: `no exec, says ${canary}`, status: 403 }

/** A server that refuses to change the count, in words of its own. */
const refusing = ({ sandbox: { cluster } }: World): Port => ({
  ...cluster,
  request: (request) =>
    request.method === "PATCH" && request.body?.includes("/spec/replicas") === true
      ? Effect.succeed({
          status: 403,
          headers: { "content-type": "application/json" },
          body: Stream.succeed(
            bytes.encode(
              JSON.stringify({
                kind: "Status",
                reason: "Forbidden",
                message: `webhook: ${canary}`,
                code: 403
              })
            )
          )
        })
      : cluster.request(request)
})

const cases: ReadonlyArray<readonly [string, (world: World) => Port, Profile, string, number?]> = [
  ["a goodbye that fails", loud("leave", 3), hooks, "beforeRemove in db-1 failed: exit code 3"],
  [
    "a goodbye that the server refuses to run",
    execOf("leave", () => Effect.fail(new ClusterError(forbidden))),
    hooks,
    "beforeRemove in db-1 failed"
  ],
  [
    "a goodbye whose end nobody knows",
    execOf("leave", (port, request) =>
      Effect.map(port.exec(request), (session) => ({
        ...session,
        stdout: Stream.empty,
        exit: Effect.succeed({ _tag: "Unknown" as const, message: `cut: ${canary}` })
      }))
    ),
    hooks,
    "beforeRemove in db-1: its outcome is unknown"
  ],
  [
    "a health hook that never gets well",
    loud("is-well", 7),
    { ...hooks, health: command("is-well") },
    "replicas 2 -> 3: TimedOut",
    3
  ],
  [
    "a function that fails",
    ({ sandbox }) => sandbox.cluster,
    {
      beforeRemove: {
        _tag: "Run",
        version: "1",
        run: () => Effect.fail({ message: `no ${canary}`, exitCode: 4 })
      }
    },
    "beforeRemove in db-1 failed: exit code 4"
  ],
  ["a server that refuses a write", refusing, {}, "replicas 2 -> 1: Forbidden (HTTP 403)"]
]

describe("the journal has words of ours alone, and the terminal all of them,", () => {
  for (const [what, cluster, profile, message, replicas = 1] of cases) {
    it.effect(`after ${what}`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
        const options = { replicas, profile, identity: ann, stepTimeout: 10_000 }
        const failure = yield* Effect.flip(drive(withCluster(cluster(world))(Scale.scale(ref, options))))
        assert.include(failure.message, canary)
        assert.notInclude(JSON.stringify(world.sandbox.store.list(configmaps, "shop")), "CANARY")
        const [entry] = yield* on(world)(Journal.list("shop", "db"))
        assert.deepInclude(entry?.status, { phase: "Stopped", message })
      })
    )
  }
})

describe("a probe", () => {
  const asked = (world: World, port: Port, probe: Hook.Hook) => {
    // Nobody knows what became of this goodbye, so the probe is asked.
    world.hanging.add("leave")
    const options = { replicas: 1, profile: { ...hooks, probe }, identity: ann }
    return drive(withCluster(port)(Scale.scale(ref, options)))
  }

  it.effect("says by its exit code that a member is out, a function too", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
      const run = () => Effect.fail({ message: "gone", exitCode: 1 })
      const result = yield* asked(world, world.sandbox.cluster, { _tag: "Run", version: "1", run })
      assert.strictEqual(result.outcome, "Succeeded")
      assert.include(world.log, "gone db-1")
    })
  )

  it.effect("says nothing by words that look like an exit code", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
      const port = execOf("is-member", () =>
        Effect.fail(new ClusterError({ ...forbidden, message: "exit code 1: not a member" }))
      )(world)
      const error = yield* refusal(asked(world, port, command("is-member")))
      assert.strictEqual(error.reason._tag, "HookUnknown")
      assert.notInclude(world.log.join(), "delete")
    })
  )
})
