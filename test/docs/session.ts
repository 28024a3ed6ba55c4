/**
 * A terminal in which the commands of a documentation page are run in order: the plugin's own commands on a sandbox
 * in this process, in virtual time, and the few of kubectl that the pages need.
 */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { kinds } from "@kubectl-stateful/sdk/Kind"
import { parseDocuments } from "@kubectl-stateful/sdk/Manifest"
import { Holder } from "@kubectl-stateful/sdk/operation/Holder"
import * as Resource from "@kubectl-stateful/sdk/Resource"
import type { Draft, Shape } from "@kubectl-stateful/sandbox"
import { scenarios, start } from "@kubectl-stateful/sandbox/Scenario"
import { Config } from "@oclif/core/config"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Screen } from "../../packages/kubectl-stateful/src/command/screen.ts"
import { commands } from "../../packages/kubectl-stateful/src/commands/index.ts"
import type { ClusterFlags } from "../../packages/kubectl-stateful/src/flags/cluster.ts"
import { failureLine } from "../../packages/kubectl-stateful/src/print/failure.ts"
import { usable } from "../../packages/kubectl-stateful/src/print/sandbox.ts"
import { ended } from "../../packages/kubectl-stateful/src/print/terminal.ts"
import { rootPlugin } from "../../packages/kubectl-stateful/src/program.ts"

const { namespace } = scenarios.ledger

/** What `kubectl stateful sandbox` prints; it runs here already, and is served nowhere. */
const { environment, help } = usable({
  file: "/tmp/kubectl-stateful-sandbox-4Cq1Zc/kubeconfig",
  url: "https://127.0.0.1:36161",
  scenario: scenarios.ledger,
  name: "ledger"
})

/** The words of a command line, as a shell splits them. */
const wordsOf = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? ""
  )

/** `kubectl exec POD -- COMMAND`, as kubectl prints it. */
const exec = (sandbox: Shape, pod: string, command: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const session = yield* sandbox.cluster.exec({ namespace, pod, command })
      let said = ""
      yield* Stream.runForEach(session.stdout, (bytes) =>
        Effect.sync(() => void (said += new TextDecoder().decode(bytes)))
      )
      const exit = yield* session.exit
      const code = exit._tag === "Exited" ? exit.code : 1
      return code === 0 ? said : `${said}command terminated with exit code ${code}\n`
    })
  )

const removed = {
  pvc: { api: kinds.persistentvolumeclaims, word: "persistentvolumeclaim" },
  pod: { api: kinds.pods, word: "pod" }
} as const

/** `kubectl delete pvc|pod NAME`. */
const remove = (kind: keyof typeof removed, name: string) => {
  const { api, word } = removed[kind]
  return Effect.as(
    Resource.remove({ api, namespace, name }),
    `${word} "${name}" deleted from ${namespace} namespace\n`
  )
}

/** `kubectl apply -f -`, of objects that are not there yet. */
const apply = (sandbox: Shape, text: string) =>
  Effect.map(parseDocuments(text), (objects) =>
    objects
      .map((object) => {
        const { apiVersion, kind, metadata } = sandbox.create(object as Draft)
        const [group = "", version] = (apiVersion ?? "").split("/")
        const resource = `${kind?.toLowerCase()}${version === undefined ? "" : `.${group}`}`
        return `${resource}/${metadata.name} created\n`
      })
      .join("")
  )

const kubectl = (sandbox: Shape, words: ReadonlyArray<string>) => {
  const [verb, ...rest] = words
  const [first = "", second = ""] = rest
  if (verb === "exec") return exec(sandbox, first, rest.slice(rest.indexOf("--") + 1))
  if (verb === "delete" && (first === "pvc" || first === "pod")) return remove(first, second)
  return Effect.die(new Error(`a page may not use \`kubectl ${words.join(" ")}\`: no test runs it`))
}

/** Stands still while files are read and modules are loaded, which takes as long as it takes. */
interface Time {
  runs: boolean
}

/** `kubectl stateful WORDS`: what it prints on a terminal of 80 columns, both streams as they come. */
const stateful = (
  time: Time,
  config: Config,
  layer: (user: string | undefined) => Layer.Layer<Cluster>,
  words: ReadonlyArray<string>
) =>
  Effect.promise(async () => {
    time.runs = false
    const [id = "", ...argv] = words
    const load = commands[id]
    if (load === undefined) throw new Error(`no command ${id}`)
    let said = ""
    const say = (text: string) => void (said += text)
    const screen: Screen = {
      columns: 80,
      width: 80,
      colour: false,
      out: say,
      page: say,
      err: say,
      live: null
    }
    const Command = await load()
    class Typed extends Command {
      static override id = id
      protected override screen = screen
      protected override connect({ as }: ClusterFlags) {
        time.runs = true
        return layer(as)
      }
      // The table's type says no more of a command than that it can be run.
      override run(): Promise<unknown> {
        return Command.prototype.run.call(this)
      }
    }
    await Typed.run(argv, config).catch((error: unknown) =>
      say(ended([failureLine(error, `kubectl stateful ${id}`)]))
    )
    time.runs = true
    return said
  })

const configured = Effect.promise(async () => {
  const plugin = await rootPlugin([])
  return Config.load({
    root: plugin.root,
    pjson: plugin.pjson,
    plugins: new Map([[plugin.name, plugin]])
  })
})

/** A page's terminal: runs a line, and answers what it prints. */
const open = Effect.fnUntraced(function* (time: Time, config: Config) {
  const sandbox = yield* start("ledger")
  const portOf = (cluster: Cluster["Service"]) => ({ ...cluster, origin: { ...cluster.origin, namespace } })
  const clock = yield* Clock.Clock
  return Effect.fnUntraced(function* (line: string, seed: number) {
    const [typed = "", piped] = line.split(" | ")
    const [program, ...words] = wordsOf(typed)
    if (program !== "kubectl") return yield* Effect.die(new Error(`not a command of kubectl: ${line}`))
    if (line === "kubectl stateful sandbox") return environment + help
    // A command runs its effects itself: they get the page's time, and chance of their own.
    const chance = yield* Random.withSeed(Random.Random, `documentation ${seed}`)
    const surroundings = Context.make(Clock.Clock, clock).pipe(
      Context.add(Random.Random, chance),
      Context.add(Cluster, portOf(sandbox.cluster)),
      Context.add(Holder, { identity: "ann@laptop", self: null, isGone: () => Effect.succeed(false) })
    )
    if (words[0] !== "stateful")
      return yield* Effect.orDie(Effect.provide(kubectl(sandbox, words), surroundings))
    // A user that is impersonated may do what is bound to it, and nothing else.
    const layer = (user: string | undefined) =>
      Layer.succeedContext(
        user === undefined
          ? surroundings
          : Context.add(surroundings, Cluster, portOf(sandbox.as({ name: user, allow: [] })))
      )
    const said = yield* stateful(time, config, layer, words.slice(1))
    if (piped === undefined) return said
    if (piped !== "kubectl apply -f -") return yield* Effect.die(new Error(`no test runs \`${piped}\``))
    return yield* Effect.orDie(apply(sandbox, said))
  })
})

/** Between two commands somebody reads for two seconds. */
const reading = 2000

/** What each of the lines prints, one after another on one sandbox. */
export const outputs = (lines: ReadonlyArray<string>): Promise<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    yield* TestClock.setTime(Date.parse("2026-11-29T09:00:00Z"))
    const config = yield* configured
    const time = { runs: true }
    const session = Effect.gen(function* () {
      const type = yield* open(time, config)
      const all: Array<string> = []
      for (const [index, line] of lines.entries()) {
        all.push(yield* type(line, index))
        yield* Effect.sleep(reading)
      }
      return all
    })
    const fiber = yield* Effect.forkChild(session)
    while (fiber.pollUnsafe() === undefined) {
      if (time.runs) yield* TestClock.adjust("10 millis")
      yield* Effect.promise(() => new Promise((resolve) => void setImmediate(resolve)))
    }
    return yield* Fiber.join(fiber)
  }).pipe(
    Effect.scoped,
    Random.withSeed("documentation"),
    Effect.provide(TestClock.layer({ warningDelay: "2 minutes" })),
    Effect.runPromise
  )
