/** Every command and every output format, on a cluster whose every text would drive a terminal. */
import { assert, describe, it } from "@effect/vitest"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { parseYaml } from "@kubectl-stateful/sdk/Manifest"
import { Config } from "@oclif/core/config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { commands } from "../../packages/kubectl-stateful/src/commands/index.ts"
import { failureLine } from "../../packages/kubectl-stateful/src/print/failure.ts"
import { visible } from "../../packages/kubectl-stateful/src/print/terminal.ts"
import { rootPlugin } from "../../packages/kubectl-stateful/src/program.ts"
import type { Screen } from "../../packages/kubectl-stateful/src/command/screen.ts"
import { make } from "../../packages/sandbox/src/Sandbox.ts"
import { headOf, journalOf, stoppedStatus } from "../sdk/operation/journal.ts"

/** C0, C1, DEL, bidi, zero width, separators, an invisible letter beyond the first plane. */
const evil = "\u001b]0;T\u0007\u009b2J\u0085\u007f\u202e\u2066\u200e\u061c\u200b\ufeff\u2028\u2029\u{e0041}"
/** Stands for it in the sandbox, which takes no such names. */
const mark = "evil"

// oxlint-disable-next-line no-control-regex -- these are what must not be there
const acted = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Cf}\u2028\u2029]/u

const escaped = (text: string) => JSON.stringify(text).slice(1, -1)

/** The same value with the mark spelled out; JSON inside of a string stays JSON. */
const spelled = (value: unknown): unknown => {
  if (typeof value === "string") return value.replaceAll(mark, value.startsWith("{") ? escaped(evil) : evil)
  if (Array.isArray(value)) return value.map(spelled)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [spelled(key), spelled(each)]))
}

const marked = (text: string) =>
  [escaped(escaped(evil)), escaped(evil), encodeURIComponent(evil), evil].reduce(
    (left, each) => left.replaceAll(each, mark),
    text
  )

const hostile = (cluster: Cluster["Service"]): Cluster["Service"] => ({
  ...cluster,
  origin: { ...cluster.origin, namespace: "shop" },
  request: (request) =>
    Effect.flatMap(
      cluster.request({
        ...request,
        path: marked(request.path),
        query: (request.query ?? []).map(([key, value]) => [key, marked(value)] as const),
        ...(request.body === undefined ? {} : { body: marked(request.body) })
      }),
      (response) =>
        Effect.map(Stream.mkString(Stream.decodeText(response.body)), (text) => ({
          ...response,
          body: Stream.succeed(new TextEncoder().encode(JSON.stringify(spelled(JSON.parse(text)))))
        }))
    ),
  watch: (request) =>
    Stream.map(
      cluster.watch({
        ...request,
        query: (request.query ?? []).map(([key, value]) => [key, marked(value)] as const)
      }),
      (event) => ({ ...event, object: spelled(event.object) })
    )
})

const name = `db-${mark}-x`
const set = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name, namespace: "shop", labels: { app: mark } },
  spec: {
    replicas: 1,
    serviceName: mark,
    selector: { matchLabels: { app: mark } },
    template: {
      metadata: { labels: { app: mark } },
      spec: {
        containers: [
          {
            name: "main",
            image: mark,
            envFrom: [{ secretRef: { name: mark } }, { configMapRef: { name: mark } }]
          }
        ]
      }
    }
  }
}

/** As forge.py made them: whoever may write ConfigMaps says all of it. */
const operation = (id: string, uid = mark) => ({
  plan: {
    ...headOf(id, name, uid),
    verb: mark,
    facts: mark,
    effects: [mark],
    warnings: [mark],
    unchecked: [mark]
  },
  status: { ...stoppedStatus(mark), message: mark }
})
const ids = ["0badcafe", "1badcafe"]
const journal = (id: string, uid: string) => {
  const { plan, status } = operation(id, uid)
  const made = journalOf(plan, status, mark)
  const annotations = { "kubectl-stateful.dev/phase": "Stopped", "kubectl-stateful.dev/holder": mark }
  return { ...made, metadata: { ...made.metadata, annotations } }
}

/** What a command says on a cluster of its own, in real time. */
const say = (argv: ReadonlyArray<string>, journals: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ namespaces: ["shop"], startMillis: 10 })
    const { metadata } = sandbox.create(set)
    for (const id of journals) sandbox.create(journal(id, metadata.uid))
    // A pod starts with all that it refers to alone; what is missing is described.
    if (argv[0] === "scale")
      for (const kind of ["Secret", "ConfigMap"])
        sandbox.create({ apiVersion: "v1", kind, metadata: { name: mark, namespace: "shop" } })
    yield* Effect.sleep(100)
    const said = { out: "", err: "", failure: "" }
    const screen: Screen = {
      columns: 80,
      colour: false,
      out: (text) => void (said.out += text),
      page: (text) => void (said.out += text),
      err: (text) => void (said.err += text)
    }
    const cluster = hostile(sandbox.cluster)
    yield* Effect.promise(async () => {
      const plugin = await rootPlugin([])
      const plugins = new Map([[plugin.name, plugin]])
      const config = await Config.load({ root: plugin.root, pjson: plugin.pjson, plugins })
      const [id = "", ...rest] = argv
      const Command = (await commands[id]?.()) as unknown as new (
        argv: Array<string>,
        config: Config
      ) => {
        _run: () => Promise<void>
      }
      const command = Object.assign(new Command([...rest], config), {
        screen,
        connect: () => Layer.succeed(Cluster, cluster)
      })
      await command._run().catch((error: unknown) => {
        said.failure = `${failureLine(error, "kubectl stateful")}\n`
      })
    })
    return said
  }).pipe(Effect.scoped)

const formats = [[], ["-o", "wide"], ["-o", "name"], ["-o", "json"], ["-o", "yaml"]]
const hostileName = `db-${evil}-x`
const every = (...argv: ReadonlyArray<string>) => formats.map((format) => [...argv, ...format])

const cases: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<string>]> = [
  ...every("describe", hostileName).map((argv) => [argv, ids.slice(1)] as const),
  ...every("describe").map((argv) => [argv, []] as const),
  ...every("operations").map((argv) => [argv, ids] as const),
  ...every("peers", hostileName).map((argv) => [argv, []] as const),
  ...["html", "json", "yaml"].map((format) => [["report", hostileName, "-o", format], ids] as const),
  [["rbac", "peers", hostileName, "-o", "yaml"], []],
  [["peers", `other-${evil}`], []],
  ...every("scale", hostileName, "--replicas", "2", "--dry-run", "client").map((argv) => [argv, []] as const),
  ...every("scale", hostileName, "--replicas", "2").map((argv) => [argv, []] as const),
  [["scale", hostileName, "--replicas", "2"], ids.slice(1)],
  [["scale", `other-${evil}`, "--replicas", "2"], []],
  [["describe", `other-${evil}`], []],
  [["scale", hostileName, "--replicas", "2"], [mark]],
  [["resume"], ids.slice(1)],
  [["resume", evil], ids.slice(1)]
]

const documentOf = (output: string, text: string): Effect.Effect<unknown, unknown> =>
  output === "json" ? Effect.sync((): unknown => JSON.parse(text)) : parseYaml(text)

describe("nothing that a terminal obeys or hides is written", () => {
  for (const [argv, journals] of cases) {
    it.live(
      `by ${argv.map((word) => word.replaceAll(evil, "<evil>")).join(" ")}, with ${journals.length}`,
      () =>
        Effect.gen(function* () {
          const { out, err, failure } = yield* say(argv, journals)
          assert.notMatch(out, acted)
          assert.notMatch(err, acted)
          assert.notMatch(failure, acted)
          const output = argv.at(-2) === "-o" ? (argv.at(-1) ?? "") : ""
          const shown = out + err + failure
          // A journal whose id is none is not one of ours, and names are all ids.
          if (argv[0] === "operations" && output === "name")
            assert.equal(shown.trim().split("\n").length, journals.length)
          else if (output !== "json" && output !== "yaml") assert.include(shown, visible(evil))
          // Programs read what the cluster said.
          else assert.include(JSON.stringify(yield* documentOf(output, out)), escaped(evil))
        })
    )
  }

  for (const output of ["json", "yaml"]) {
    it.live(`by operations -o ${output}, which reads back as it was`, () =>
      Effect.gen(function* () {
        const { out } = yield* say(["operations", "-o", output], ids.slice(1))
        const { plan, status } = operation(ids[1] ?? "")
        const { id, verb, app, effects } = plan
        assert.deepEqual(
          yield* documentOf(output, out),
          spelled({
            apiVersion: "kubectl-stateful.dev/v1",
            kind: "OperationList",
            items: [{ id, verb, app, effects, ...status }]
          })
        )
      })
    )
  }
})

describe("a hint", () => {
  it.live("has no id of a journal that is no id", () =>
    Effect.gen(function* () {
      for (const [argv, hint] of [
        [["describe", hostileName], "see `kubectl stateful operations -n "],
        [["scale", hostileName, "--replicas", "2"], "--without-journal"]
      ] as const) {
        const { out, err, failure } = yield* say(argv, [mark])
        const said = (out + err + failure).replaceAll(/\s+/g, " ")
        assert.include(said, hint)
        // Nor a name that no StatefulSet can have.
        assert.notMatch(said, /stateful (resume|abort) (?!NAME )/)
      }
    })
  )
})
