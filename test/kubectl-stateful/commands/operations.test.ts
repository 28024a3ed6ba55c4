import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Operations } from "../../../packages/kubectl-stateful/src/commands/operations.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { make } from "../../../packages/sandbox/src/Sandbox.ts"
import { headOf, journalOf, stoppedStatus } from "../../sdk/operation/journal.ts"
import { outcome } from "./outcome.ts"

const operations = { command: Operations, called: "kubectl stateful operations" }

describe("the list of operations", () => {
  it.live("names a journal that this version cannot read, and does not say that there is none", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({ startMillis: 10 })
      const { metadata, ...journal } = journalOf(headOf("0badcafe", "db", "no-uid"), {
        ...stoppedStatus(),
        phase: "Paused"
      })
      sandbox.create({ ...journal, metadata: { ...metadata, namespace: "default" } })
      const said = yield* Effect.promise(() => outcome(operations, sandbox.cluster, []))
      assert.strictEqual(said.failure, "")
      assert.strictEqual(
        said.err,
        'error: configmap "kubectl-stateful-0badcafe" is not a journal that this version can read; use the version of kubectl-stateful that wrote it\n'
      )
    })
  )
})

describe("operations -w", () => {
  it.live("leaves nothing on the screen of an operation whose journal was deleted", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({ namespaces: ["shop"], startMillis: 10 })
      const cluster = { ...sandbox.cluster, origin: { ...sandbox.cluster.origin, namespace: "shop" } }
      const journal = journalOf(headOf("0badcafe", "db", "no-uid"), stoppedStatus())
      sandbox.create(journal)
      const pages: Array<string> = []
      const { err, failure } = yield* Effect.promise(() =>
        outcome(operations, cluster, ["-w"], (page) => {
          pages.push(page)
          if (page === "") throw new Error("nothing is shown")
          setImmediate(() => sandbox.registry.remove(configmaps, "shop", journal.metadata.name))
        })
      )
      assert.match(pages[0] ?? "", /^0badcafe/m)
      assert.match(failure, /nothing is shown/)
      assert.strictEqual(err, "")
    })
  )
})
