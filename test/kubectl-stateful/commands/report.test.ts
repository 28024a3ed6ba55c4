import { assert, describe, it } from "@effect/vitest"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { Config } from "@oclif/core/config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Screen } from "../../../packages/kubectl-stateful/src/command/screen.ts"
import { Usage } from "../../../packages/kubectl-stateful/src/command/usage.ts"
import { ReportCommand } from "../../../packages/kubectl-stateful/src/commands/report.ts"
import { rootPlugin } from "../../../packages/kubectl-stateful/src/program.ts"
import { statefulSet } from "../../sandbox/asking.ts"
import { make } from "../../../packages/sandbox/src/Sandbox.ts"

/** What it prints on a terminal or elsewhere, and the methods of its requests. */
const report = (
  argv: ReadonlyArray<string>,
  isTerminal: boolean,
  refused: RegExp | null = null,
  spec: object = {}
) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ startMillis: 10 })
    sandbox.create(statefulSet("db", spec))
    const said = { out: "", asked: new Array<string>(), failure: null as unknown }
    const cluster: Cluster["Service"] = {
      ...sandbox.cluster,
      request: (request) => {
        said.asked.push(`${request.method} ${request.path}`)
        return refused?.test(request.path) === true
          ? sandbox.as({ name: "nobody", allow: [] }).request(request)
          : sandbox.cluster.request(request)
      }
    }
    class Reporting extends ReportCommand {
      protected override screen: Screen = {
        columns: 80,
        ...(isTerminal ? { width: 80 } : {}),
        colour: false,
        out: (text) => void (said.out += text),
        page: () => {},
        err: () => {}
      }
      protected override connect() {
        return Layer.succeed(Cluster, cluster)
      }
    }
    yield* Effect.promise(async () => {
      const plugin = await rootPlugin([])
      const plugins = new Map([[plugin.name, plugin]])
      const config = await Config.load({ root: plugin.root, pjson: plugin.pjson, plugins })
      await Reporting.run([...argv], config).catch((error: unknown) => (said.failure = error))
    })
    return said
  }).pipe(Effect.scoped)

describe("report", () => {
  it.live("writes the page to a pipe, and to a terminal only if it is asked for", () =>
    Effect.gen(function* () {
      assert.match((yield* report(["db"], false)).out, /^<!doctype html>[\s\S]*<\/html>\n$/)
      assert.match((yield* report(["db", "-o", "html"], true)).out, /^<!doctype html>/)
      const { out, failure, asked } = yield* report(["db"], true)
      assert.strictEqual(out, "")
      assert.deepEqual(asked, [])
      assert.instanceOf(failure, Usage)
      const { fact, action } = failure instanceof Usage ? failure : new Usage("", "")
      assert.strictEqual(fact, "the report is an HTML page, and this is a terminal")
      assert.strictEqual(action, "write it to a file, e.g. report db > report.html")
    })
  )

  it.live("only reads, and no Secret", () =>
    Effect.map(report(["db", "-o", "json"], true), ({ asked, out }) => {
      assert.strictEqual(JSON.parse(out).kind, "Report")
      assert.isAbove(asked.length, 5)
      assert.deepEqual(
        asked.filter((one) => !one.startsWith("GET ") || one.includes("/secrets/")),
        []
      )
    })
  )

  it.live("says what it could not read, and shows the rest", () =>
    Effect.map(report(["db"], false, /\/configmaps/), ({ out, failure }) => {
      assert.isNull(failure)
      assert.match(out, /<p class="alert">\s*Not read: snapshots: configmaps is forbidden/)
      assert.match(out, /<p class="alert">\s*Not read: operations: configmaps is forbidden/)
      assert.include(out, "db-0")
      assert.notInclude(out, "It has no snapshot")
      assert.notInclude(out, "No operation of kubectl-stateful is recorded")
    })
  )

  it.live("has the flags that chose the cluster in each command, as data and as text of the page", () =>
    Effect.gen(function* () {
      const argv = ["db", "--context", "<b>&prod"]
      const template = {
        metadata: { labels: { app: "db" } },
        spec: { serviceAccountName: "ghost", containers: [{ name: "main", image: "db:1" }] }
      }
      const command = "kubectl --context '<b>&prod' create serviceaccount ghost -n default"
      for (const output of ["json", "yaml"]) {
        const { out } = yield* report([...argv, "-o", output], false, null, { template })
        assert.include(out, command)
        assert.notInclude(out, "kubectl create")
      }
      const { out } = yield* report(argv, false, null, { template })
      assert.include(
        out,
        "kubectl --context &#39;&lt;b&gt;&amp;prod&#39; create serviceaccount ghost -n default"
      )
      assert.notInclude(out, "kubectl create")
      assert.notInclude(out, "<b>&prod")
    })
  )

  it.live("counts nothing that it could not read as none", () =>
    Effect.map(report(["db"], false, /\/(configmaps|persistentvolumeclaims|volumesnapshots)$/), ({ out }) => {
      const words = out.replaceAll(/<[^>]+>|\s+/g, " ").replaceAll(/ +/g, " ")
      assert.include(words, " 0 claims that could be read ")
      assert.include(words, " 0 snapshots that could be read ")
      assert.notInclude(words, "Latest backup: none")
      assert.match(out, /<td class="id">&lt;unknown&gt;<\/td>/)
    })
  )

  it.live("says that there is none of what it could read", () =>
    Effect.map(report(["db"], false), ({ out }) => {
      const words = out.replaceAll(/<[^>]+>|\s+/g, " ").replaceAll(/ +/g, " ")
      assert.include(words, " 0 claims 0 snapshots ")
      assert.include(words, "Latest backup: none.")
      assert.notMatch(out, /<td class="id">&lt;unknown&gt;<\/td>/)
    })
  )
})
