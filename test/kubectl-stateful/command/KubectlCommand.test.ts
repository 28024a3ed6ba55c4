import { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { Config } from "@oclif/core/config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { assert, describe, it } from "vitest"
import { KubectlCommand } from "../../../packages/kubectl-stateful/src/command/KubectlCommand.ts"
import type { CommonFlags } from "../../../packages/kubectl-stateful/src/flags/cluster.ts"
import { rootPlugin } from "../../../packages/kubectl-stateful/src/program.ts"
import type { Screen } from "../../../packages/kubectl-stateful/src/command/screen.ts"

const fake = Cluster.of({
  request: () => Effect.succeed({ status: 200, headers: {}, body: Stream.empty }),
  watch: () => Stream.empty,
  exec: () => Effect.die("no exec"),
  origin: { context: "here", server: "https://127.0.0.1", namespace: "shop", user: "me" }
})

/** A command that does what the test says, on a cluster and a screen of its own. */
const runWith = async (
  argv: ReadonlyArray<string>,
  program: (flags: CommonFlags) => Effect.Effect<void, ClusterError, Cluster>,
  cluster: Cluster["Service"] = fake
) => {
  const said = { out: "", err: "" }
  class Probe extends KubectlCommand {
    static override flags = {}
    protected override screen: Screen = {
      columns: 80,
      colour: false,
      out: (text) => void (said.out += text),
      page: (text) => void (said.out += text),
      err: (text) => void (said.err += text)
    }
    protected override connect() {
      return Layer.succeed(Cluster, cluster)
    }
    async run(): Promise<void> {
      const { flags } = await this.parse(Probe)
      await this.perform(flags, program(flags))
    }
  }
  const plugin = await rootPlugin([])
  const config = await Config.load({
    root: plugin.root,
    pjson: plugin.pjson,
    plugins: new Map([[plugin.name, plugin]])
  })
  await Probe.run([...argv], config)
  return said
}

const version = Effect.scoped(
  Effect.flatMap(Cluster, (cluster) => cluster.request({ method: "GET", path: "/version" }))
).pipe(Effect.asVoid)

describe("every command", () => {
  it("reads kubectl's flags as kubectl does", async () => {
    let seen: CommonFlags | undefined
    await runWith(
      [
        "-n=shop",
        "--context",
        "here",
        "--as=ann",
        "--as-group=a",
        "--as-group=b",
        "--request-timeout=1m30s",
        "-v=6"
      ],
      (flags) => Effect.sync(() => (seen = flags)).pipe(Effect.asVoid)
    )
    assert.deepInclude(seen, {
      namespace: "shop",
      context: "here",
      as: "ann",
      "as-group": ["a", "b"],
      "request-timeout": 90_000,
      v: 6
    })
  })

  it("says with -v on stderr what it asked for, and nothing without", async () => {
    assert.deepEqual(await runWith(["-v"], () => Effect.andThen(version, version)), {
      out: "",
      err: "2 requests in 2 rounds\n"
    })
    assert.deepEqual(await runWith([], () => version), { out: "", err: "" })
  })

  it("warns once on stderr of a server whose certificate is not verified, and of no other", async () => {
    const twice = () => Effect.andThen(version, version)
    const insecure = { ...fake, origin: { ...fake.origin, insecure: true } }
    const { out, err } = await runWith([], twice, insecure)
    assert.strictEqual(out, "")
    assert.match(
      err,
      /^Warning: the certificate of https:\/\/127\.0\.0\.1 \(context "here"\) is not verified .*\n$/
    )
    const secure = { ...fake, origin: { ...fake.origin, insecure: false } }
    assert.deepEqual(await runWith([], twice, secure), { out: "", err: "" })
  })

  it("rejects with the effect's own error, so that it is printed once", async () => {
    const failure = new ClusterError({ reason: { _tag: "Forbidden" }, message: "no" })
    let caught: unknown
    await runWith([], () => Effect.fail(failure)).catch((error: unknown) => (caught = error))
    assert.strictEqual(caught, failure)
  })

  it("is interrupted by the first signal, cleans up, and leaves no listener behind", async () => {
    const before = process.exitCode
    const listeners = () => process.listenerCount("SIGTERM") + process.listenerCount("SIGINT")
    const count = listeners()
    let cleaned = false
    await runWith([], () =>
      Effect.gen(function* () {
        yield* Effect.sync(() => process.emit("SIGTERM", "SIGTERM"))
        yield* Effect.never
      }).pipe(Effect.onInterrupt(() => Effect.sync(() => (cleaned = true))))
    )
    assert.isTrue(cleaned)
    assert.strictEqual(process.exitCode, 143)
    assert.strictEqual(listeners(), count)
    process.exitCode = before
  })
})
