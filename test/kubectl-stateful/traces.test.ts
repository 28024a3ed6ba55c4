import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { afterAll, assert, describe, it } from "vitest"
import { program } from "../shipped.ts"
import { exporter } from "../../packages/kubectl-stateful/src/command/trace.ts"
import { ClusterError } from "../../packages/sdk/src/Cluster.ts"
import { OperationError } from "../../packages/sdk/src/operation/OperationError.ts"

const main = program()

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-traces-"))
afterAll(() => rmSync(folder, { recursive: true }))

interface Span {
  readonly name: string
  readonly spanId: string
  readonly parentSpanId?: string
}

const plugin = (args: ReadonlyArray<string>, env: Record<string, string> = {}) => {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env["PATH"], HOME: folder, TMPDIR: folder, ...env }
  })
  const said = { out: "", err: "" }
  child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()))
  return { child, said, closed: once(child, "close") }
}

/** A collector on this machine, and the spans that it was sent. */
const collector = async () => {
  const spans: Array<Span> = []
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      assert.strictEqual(request.url, "/v1/traces")
      const body = JSON.parse(Buffer.concat(chunks).toString())
      for (const { scopeSpans } of body.resourceSpans) for (const one of scopeSpans) spans.push(...one.spans)
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return { spans, url: `http://127.0.0.1:${port}`, close: () => server.close() }
}

describe("OTEL_EXPORTER_OTLP_ENDPOINT", () => {
  it("has an operation sent as a trace: its verb, and each of its steps below", async () => {
    const { spans, url, close } = await collector()
    const sandbox = plugin(["sandbox", "--seed", "7"])
    try {
      while (!sandbox.said.err.includes("Ctrl-C")) await once(sandbox.child.stderr, "data")
      const file = /^export KUBECONFIG=(\S+)\n$/.exec(sandbox.said.out)?.[1] ?? assert.fail(sandbox.said.out)
      const { said, closed } = plugin(["scale", "ledger", "--kubeconfig", file, "--replicas", "4"], {
        OTEL_EXPORTER_OTLP_ENDPOINT: url
      })
      assert.deepEqual(await closed, [0, null], said.err)
      const verb = spans.find(({ name }) => name === "scale") ?? assert.fail(JSON.stringify(spans))
      const step = spans.find(({ name }) => name === "SetReplicas") ?? assert.fail(JSON.stringify(spans))
      const above = new Map(spans.map(({ spanId, parentSpanId }) => [spanId, parentSpanId]))
      const path: Array<string> = []
      for (let at: string | undefined = step.spanId; at !== undefined && at !== ""; at = above.get(at))
        path.push(at)
      assert.include(path, verb.spanId)
    } finally {
      sandbox.child.kill("SIGINT")
      await sandbox.closed
      close()
    }
  })

  it("is sent errors in our own words, as a journal has them, and nothing that a hook or a server said", async () => {
    const { spans, url, close } = await collector()
    const hook = new OperationError({
      reason: { _tag: "HookFailed" },
      message: "beforeRemove in db-2 exited with 1: password is canary",
      record: "beforeRemove in db-2 exited with 1"
    })
    const server = new ClusterError({
      reason: { _tag: "Forbidden" },
      message: "the webhook says canary",
      status: 403
    })
    const ends: ReadonlyArray<Effect.Effect<never, unknown>> = [
      Effect.fail(hook),
      Effect.fail(server),
      Effect.die(new TypeError("canary"))
    ]
    try {
      for (const end of ends) {
        const exit = await Effect.runPromiseExit(
          end.pipe(Effect.withSpan("step"), Effect.withSpan("verb"), Effect.provide(exporter(url)))
        )
        // It is the trace alone that is told less.
        assert.include(JSON.stringify(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : null), "canary")
      }
      const said = JSON.stringify(spans)
      assert.lengthOf(spans, 6)
      assert.notInclude(said, "canary")
      for (const words of ["beforeRemove in db-2 exited with 1", "Forbidden (HTTP 403)", "TypeError"])
        assert.include(said, words)
    } finally {
      close()
    }
  })

  it("keeps nobody from working where the collector does not answer", async () => {
    const { said, closed } = plugin(["profile", "-o", "name"], {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9"
    })
    assert.deepEqual(await closed, [0, null], said.err)
  })
})
