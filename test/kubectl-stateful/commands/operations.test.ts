import { assert, describe, it } from "@effect/vitest"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { Config } from "@oclif/core/config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Screen } from "../../../packages/kubectl-stateful/src/command/screen.ts"
import { Operations } from "../../../packages/kubectl-stateful/src/commands/operations.ts"
import { rootPlugin } from "../../../packages/kubectl-stateful/src/program.ts"
import { make } from "../../../packages/sandbox/src/Sandbox.ts"
import { headOf, journalOf, stoppedStatus } from "../../sdk/operation/journal.ts"

describe("the list of operations", () => {
  it.live("names a journal that this version cannot read, and does not say that there is none", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({ startMillis: 10 })
      const { metadata, ...journal } = journalOf(headOf("0badcafe", "db", "no-uid"), {
        ...stoppedStatus(),
        phase: "Paused"
      })
      sandbox.create({ ...journal, metadata: { ...metadata, namespace: "default" } })
      const said = { out: "", err: "" }
      class Listing extends Operations {
        protected override screen: Screen = {
          columns: 80,
          colour: false,
          out: (text) => void (said.out += text),
          page: (text) => void (said.out += text),
          err: (text) => void (said.err += text)
        }
        protected override connect() {
          return Layer.succeed(Cluster, sandbox.cluster)
        }
      }
      yield* Effect.promise(async () => {
        const plugin = await rootPlugin([])
        const plugins = new Map([[plugin.name, plugin]])
        await Listing.run([], await Config.load({ root: plugin.root, pjson: plugin.pjson, plugins }))
      })
      assert.strictEqual(
        said.err,
        'error: configmap "kubectl-stateful-0badcafe" is not a journal that this version can read; use the version of kubectl-stateful that wrote it\n'
      )
    })
  )
})
