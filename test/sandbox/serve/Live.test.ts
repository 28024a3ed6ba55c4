import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import {
  appendFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { dirname, join } from "node:path"
import { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import { layer } from "../../../packages/sdk/src/kubernetes/index.ts"
import { kubeconfig, kubeconfigFile } from "../../../packages/sandbox/src/serve/Kubeconfig.ts"
import * as WatchResponse from "../../../packages/sandbox/src/serve/WatchResponse.ts"
import { folder } from "../../sdk/kubernetes/server.ts"
import { head, type Up, up } from "./served.ts"

const pods = "/api/v1/namespaces/shop/pods"

/** The live cluster, led by the kubeconfig that the sandbox writes. */
const live = (server: Up) =>
  Effect.gen(function* () {
    const file = yield* kubeconfigFile(yield* kubeconfig(server.served, "shop"))
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    return layer({ kubeconfig: file, environment: {} })
  })

const text = (stream: Stream.Stream<Uint8Array, unknown>) => Stream.mkString(Stream.decodeText(stream))

describe("our own client on a served sandbox", () => {
  it.live("reads, and watches changes as they come", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const seen = yield* Effect.gen(function* () {
        const cluster = yield* Cluster
        const watching = yield* Effect.forkChild(
          Stream.runCollect(Stream.take(cluster.watch({ method: "GET", path: pods }), 3))
        )
        yield* Effect.sleep("200 millis")
        server.sandbox.create({
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: "new", namespace: "shop" },
          spec: { containers: [{ name: "a", image: "a" }] }
        })
        return yield* Fiber.join(watching)
      }).pipe(Effect.provide(yield* live(server)))
      assert.deepEqual(
        seen.map(({ type }) => type),
        ["ADDED", "ADDED", "ADDED"]
      )
      assert.nestedPropertyVal(seen[2], "object.metadata.name", "new")
    }).pipe(Effect.scoped)
  )

  it.live("execs: standard input, both outputs, and the exit code", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const said = "é".repeat(100_000)
      const ended = yield* Effect.gen(function* () {
        const { exec } = yield* Cluster
        const session = yield* exec({ namespace: "shop", pod: "db-0", command: ["parrot", "3"], stdin: true })
        const out = yield* Effect.forkChild(text(session.stdout))
        const err = yield* Effect.forkChild(text(session.stderr))
        yield* session.write(new TextEncoder().encode(said))
        yield* session.closeStdin
        return [yield* session.exit, yield* Fiber.join(out), yield* Fiber.join(err)] as const
      }).pipe(Effect.scoped, Effect.provide(yield* live(server)))
      assert.deepEqual(ended[0], { _tag: "Exited", code: 3 })
      assert.strictEqual(ended[1], said)
      assert.strictEqual(ended[2], "200000 bytes\n")
    }).pipe(Effect.scoped)
  )

  it.live("is told why an exec cannot be", () =>
    Effect.gen(function* () {
      const server = yield* up()
      yield* Effect.gen(function* () {
        const { exec } = yield* Cluster
        const missing = yield* Effect.flip(
          exec({ namespace: "shop", pod: "db-9", command: ["true"], container: "db" })
        )
        assert.strictEqual(missing.reason._tag, "NotFound")
        for (const name of ["node-a", "node-b", "node-c"]) server.sandbox.loseNode(name)
        const session = yield* exec({ namespace: "shop", pod: "db-0", command: ["true"] })
        const exit = yield* session.exit
        assert.deepInclude(exit, { _tag: "Unknown" })
        assert.match(exit._tag === "Unknown" ? exit.message : "", /no route to node/)
      }).pipe(Effect.scoped, Effect.provide(yield* live(server)))
    }).pipe(Effect.scoped)
  )

  it.live("loses an exec with its connection: the outcome is unknown", () =>
    Effect.gen(function* () {
      const server = yield* up()
      yield* Effect.gen(function* () {
        const { exec } = yield* Cluster
        const session = yield* exec({ namespace: "shop", pod: "db-0", command: ["sleep"] })
        yield* Effect.sleep("50 millis")
        const uid = server.sandbox.processes.byPod("shop", "db-0")?.host.pod.metadata.uid ?? ""
        server.sandbox.loseNode(server.sandbox.processes.get(uid, "db")?.host.pod.spec.nodeName ?? "")
        yield* server.sandbox.processes.end
        assert.deepInclude(yield* session.exit, { _tag: "Unknown" })
      }).pipe(Effect.scoped, Effect.provide(yield* live(server)))
    }).pipe(Effect.scoped)
  )

  it.live("a kubeconfig that is there is never written over, and one of ours goes with the scope", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "config")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* kubeconfigFile("first", file)
          const refused = yield* Effect.flip(kubeconfigFile("second", file))
          assert.strictEqual(refused.message, `${file} exists`)
        })
      )
      assert.isUndefined(statSync(file, { throwIfNoEntry: false }))
    }).pipe(Effect.scoped)
  )

  it.live("a kubeconfig that was changed, or replaced, stays with its folder when the scope ends", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const written = (change: (file: string) => void) =>
        Effect.scoped(
          Effect.gen(function* () {
            const file = yield* kubeconfigFile("ours", undefined, (kept) => told.push(kept))
            change(file)
            return file
          })
        )
      const cleanUp = (file: string) => rmSync(dirname(file), { recursive: true })
      const edited = yield* written((file) => appendFileSync(file, " and a login"))
      assert.strictEqual(readFileSync(edited, "utf8"), "ours and a login")
      cleanUp(edited)
      const replaced = yield* written((file) => {
        rmSync(file)
        symlinkSync("/etc/hostname", file)
      })
      assert.isTrue(lstatSync(replaced).isSymbolicLink())
      cleanUp(replaced)
      const beside = yield* written((file) => writeFileSync(join(dirname(file), "other"), "theirs"))
      assert.deepEqual(readdirSync(dirname(beside)), ["other"])
      cleanUp(beside)
      assert.deepEqual(told, [edited, replaced])
      const removed = yield* written((file) => rmSync(file))
      assert.isFalse(existsSync(dirname(removed)))
    })
  )

  it.live("a watch is pulled no faster than its response is read", () =>
    Effect.gen(function* () {
      // A response without a connection takes what fits in its buffer, and nothing is ever sent.
      const response = new ServerResponse(new IncomingMessage(new Socket()))
      let pulled = 0
      const object = { kind: "ConfigMap", metadata: { name: "a" }, data: { blob: "x".repeat(10_000) } }
      const events = Stream.fromEffectRepeat(
        Effect.sync(() => {
          pulled += 1
          return { type: "ADDED", object } as const
        })
      )
      const going = yield* Effect.forkChild(WatchResponse.stream(response, events))
      yield* Effect.sleep("100 millis")
      assert.isAtLeast(pulled, 1)
      assert.isBelow(pulled, 20)
      yield* Fiber.interrupt(going)
    }).pipe(Effect.scoped)
  )

  it.live("a watch ends on the server when its client goes away", () =>
    Effect.gen(function* () {
      const server = yield* up()
      let listening = 0
      const { store } = server.sandbox
      const listen = store.listen.bind(store)
      store.listen = (listener) => {
        listening += 1
        const stop = listen(listener)
        return () => {
          listening -= 1
          stop()
        }
      }
      const response = yield* head(server, `${pods}?watch=true`)
      response.on("error", () => {})
      yield* Effect.sleep("50 millis")
      assert.strictEqual(listening, 1)
      response.destroy()
      yield* Effect.sleep("100 millis")
      assert.strictEqual(listening, 0)
    }).pipe(Effect.scoped)
  )
})
