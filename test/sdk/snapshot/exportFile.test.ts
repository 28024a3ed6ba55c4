/** The file that `snapshots export` writes. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Screen } from "../../../packages/kubectl-stateful/src/command/screen.ts"
import { exportSet } from "../../../packages/kubectl-stateful/src/commands/snapshots/transfer.ts"
import type { SetFlags } from "../../../packages/kubectl-stateful/src/flags/snapshots.ts"
import { withCluster } from "../../simulation/world.ts"
import { take, withStorage } from "./world.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kubectl-stateful-export-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)
const quiet: Screen = { columns: 80, colour: false, out: () => {}, page: () => {}, err: () => {} }
const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

describe("an exported file", () => {
  it.effect("is its owner's alone, and takes no other file's place", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const world = yield* withStorage()
        yield* take(world, { consistency: "crash" })
        const file = join(yield* folder, "nightly.age")
        const { cluster } = world.sandbox
        const inShop = withCluster({ ...cluster, origin: { ...cluster.origin, namespace: "shop" } })
        const flags = { recipient: [recipient], file } as SetFlags
        yield* inShop(exportSet(quiet, "nightly", flags))
        assert.strictEqual(statSync(file).mode & 0o777, 0o600)
        writeFileSync(file, "mine")
        const { message } = yield* Effect.flip(inShop(exportSet(quiet, "nightly", flags)))
        assert.include(message, "EEXIST")
        assert.strictEqual(readFileSync(file, "utf8"), "mine")
      })
    )
  )
})
