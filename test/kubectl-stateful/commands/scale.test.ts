import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { Config } from "@oclif/core/config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Abort } from "../../../packages/kubectl-stateful/src/commands/abort.ts"
import { ScaleCommand } from "../../../packages/kubectl-stateful/src/commands/scale.ts"
import { failureLine } from "../../../packages/kubectl-stateful/src/print/failure.ts"
import { rootPlugin } from "../../../packages/kubectl-stateful/src/program.ts"
import type { Screen } from "../../../packages/kubectl-stateful/src/command/screen.ts"
import { make } from "../../../packages/sandbox/src/Sandbox.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import type { Draft } from "../../../packages/sandbox/src/apimachinery/KubeObject.ts"

const set = (name: string, annotations: Readonly<Record<string, string>> = {}) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name, namespace: "shop", annotations },
  spec: {
    replicas: 1,
    serviceName: name,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "main", image: "app" }] }
    }
  }
})

/** An autoscaler of `db` that KEDA made. */
const autoscaler = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: {
    name: "keda-hpa-queue",
    namespace: "shop",
    ownerReferences: [
      { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "queue", uid: "u-1", controller: true }
    ]
  },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" },
    minReplicas: 1,
    maxReplicas: 5
  }
}

/** The command on a sandbox with two StatefulSets, in real time. */
const run = (
  argv: ReadonlyArray<string>,
  options: {
    readonly annotations?: Readonly<Record<string, string>>
    readonly more?: ReadonlyArray<Draft>
    /** What is scaled before, for an abort of that: `ID` stands for its operation. */
    readonly first?: ReadonlyArray<string>
    /** The columns of a terminal; absent: it is piped. */
    readonly width?: number
  } = {}
) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ namespaces: ["shop"], startMillis: 10 })
    sandbox.create(set("web"))
    sandbox.create(set("db", options.annotations))
    for (const object of options.more ?? []) sandbox.create(object)
    yield* Effect.sleep(200)
    const said = { out: "", err: "", failure: "" }
    const screen: Screen = {
      columns: 80,
      width: options.width,
      colour: false,
      out: (text) => void (said.out += text),
      page: (text) => void (said.out += text),
      err: (text) => void (said.err += text)
    }
    const origin = { ...sandbox.cluster.origin, namespace: "shop" }
    const layer = Layer.succeed(Cluster, { ...sandbox.cluster, origin })
    class Probe extends ScaleCommand {
      protected override screen = screen
      protected override connect() {
        return layer
      }
    }
    class AbortProbe extends Abort {
      protected override screen = screen
      protected override connect() {
        return layer
      }
    }
    const plugin = yield* Effect.promise(() => rootPlugin([]))
    const config = yield* Effect.promise(() =>
      Config.load({
        root: plugin.root,
        pjson: plugin.pjson,
        plugins: new Map([[plugin.name, plugin]])
      })
    )
    const { first } = options
    if (first !== undefined) {
      yield* Effect.promise(async () => {
        await Probe.run([...first], config)
      })
    }
    const id = /operation ([0-9a-f]{8})/.exec(said.err)?.[1] ?? ""
    const ran =
      first === undefined
        ? () => Probe.run([...argv], config)
        : () =>
            AbortProbe.run(
              argv.map((word) => (word === "ID" ? id : word)),
              config
            )
    const ending = Effect.promise(async () => {
      await ran().catch((error: unknown) => {
        said.failure = failureLine(error, "kubectl stateful scale")
      })
    })
    // One that hangs tells how far it came.
    yield* Effect.timeoutOrElse(ending, {
      duration: "2 minutes",
      orElse: () => Effect.die(new Error(`not ended in two minutes: ${JSON.stringify(said)}`))
    })
    const counts = sandbox.store.list(statefulsets, "shop").map(({ spec }) => spec.replicas)
    return { ...said, counts }
  }).pipe(Effect.scoped)

describe("scale", () => {
  it.live("scales several StatefulSets in the given order", () =>
    Effect.gen(function* () {
      const { out, failure, counts } = yield* run(["sts/web", "sts/db", "--replicas", "2"])
      assert.strictEqual(failure, "")
      assert.strictEqual(out, "statefulset.apps/web scaled\nstatefulset.apps/db scaled\n")
      assert.deepEqual(counts, [2, 2])
    })
  )

  it.live("begins none of them where one is not there", () =>
    Effect.gen(function* () {
      const { failure, counts } = yield* run(["sts/web", "sts/nobody", "--replicas", "2"])
      assert.include(failure, "nobody")
      assert.deepEqual(counts, [1, 1])
    })
  )

  it.live("begins none of them where one is refused, and names KEDA's own object", () =>
    Effect.gen(function* () {
      const { failure, counts } = yield* run(["sts/web", "sts/db", "--replicas", "2"], { more: [autoscaler] })
      assert.include(failure, "ScaledObject.keda.sh/queue also writes the replicas")
      assert.deepEqual(counts, [1, 1])
    })
  )

  it.live("shows a plan on a terminal as it is piped, in lines that fit", () =>
    Effect.gen(function* () {
      const argv = ["db", "--replicas", "3", "--dry-run=client"]
      const piped = yield* run(argv, { more: [autoscaler] })
      const shown = yield* run(argv, { more: [autoscaler], width: 60 })
      const words = (text: string) => text.replaceAll(/ \\\n|\s+/g, " ")
      assert.strictEqual(words(shown.out), words(piped.out))
      assert.isAbove(Math.max(...piped.out.split("\n").map((line) => line.length)), 80)
      for (const line of shown.out.split("\n")) assert.isAtMost(line.length, 60, line)
    })
  )

  it.live("begins none of them where an unfinished operation is in the way of a later one", () =>
    Effect.gen(function* () {
      const marked = { "kubectl-stateful.dev/operation": "0badcafe.12345678" }
      const { failure, counts, err } = yield* run(["web", "db", "--replicas", "2"], { annotations: marked })
      assert.include(
        failure,
        'statefulset "db" is annotated with an operation whose journal no longer exists'
      )
      assert.deepEqual(counts, [1, 1])
      assert.notInclude(err, "[1/1]")
    })
  )

  it.live("names those that were not begun where one of them stops", () =>
    Effect.gen(function* () {
      const argv = ["sts/web", "sts/db", "--replicas", "2", "--timeout", "1ms"]
      const { err, failure, counts } = yield* run(argv)
      assert.include(failure, "timed out after")
      assert.include(err, "Not started: db.\n")
      assert.strictEqual(counts[0], 1)
    })
  )

  const annotations = {
    "kubectl-stateful.dev/profile": JSON.stringify({
      apiVersion: "kubectl-stateful.dev/v1",
      kind: "Profile",
      hooks: { afterAdd: { command: ["join", "{pod}\u001b[2J"] } }
    })
  }

  it.live("shows what an annotation would have it run, without what a terminal obeys", () =>
    Effect.gen(function* () {
      const { out, err, counts } = yield* run(
        ["db", "--replicas", "2", "--trust-annotations", "--dry-run", "client"],
        { annotations }
      )
      assert.include(err, 'db: afterAdd runs "join" "{pod}')
      assert.notInclude(err, "\u001b[2J")
      assert.include(out, "afterAdd in db-1")
      assert.deepEqual(counts, [1, 1])
    })
  )

  it.live("leaves an annotation alone that it is not told to trust", () =>
    Effect.gen(function* () {
      const { out, failure } = yield* run(["db", "--replicas", "2"], { annotations })
      assert.strictEqual(failure, "")
      assert.strictEqual(out, "statefulset.apps/db scaled\n")
    })
  )

  it.live("begins nothing where an annotation that is to be trusted is not there", () =>
    Effect.gen(function* () {
      const { failure, counts } = yield* run(["db", "--replicas", "2", "--trust-annotations"])
      assert.include(failure, 'statefulset "db" has no annotation kubectl-stateful.dev/profile')
      assert.deepEqual(counts, [1, 1])
    })
  )
})

describe("scale -l", () => {
  it.live("takes no empty selector for everything", () =>
    Effect.gen(function* () {
      for (const selector of ["", " "]) {
        const { failure, counts } = yield* run(["-l", selector, "--replicas", "0"])
        assert.include(failure, "the label selector is empty")
        assert.deepEqual(counts, [1, 1])
      }
    })
  )
})

describe("scale -f", () => {
  /** A file with these manifests, in the order in which they are given. */
  const file = (text: string) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-scale-"))
        writeFileSync(join(folder, "sets.yaml"), text)
        return { folder, path: join(folder, "sets.yaml") }
      }),
      ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true }))
    )
  const manifest = (name: string, more = "", apiVersion = "apps/v1") =>
    `apiVersion: ${apiVersion}\nkind: StatefulSet\nmetadata: {name: ${name}${more}}\n---\n`

  it.live("scales a StatefulSet once that the file names twice", () =>
    Effect.gen(function* () {
      const text = `${manifest("web")}${manifest("db")}${manifest("web", ", namespace: shop")}`
      const { path } = yield* file(text)
      const down = yield* run(["-f", path, "--replicas", "0"])
      assert.strictEqual(down.failure, "")
      assert.strictEqual(down.out, "statefulset.apps/web scaled\nstatefulset.apps/db scaled\n")
      assert.deepEqual(down.counts, [0, 0])
    }).pipe(Effect.scoped)
  )

  it.live("does not take another API's StatefulSet for that of Kubernetes", () =>
    Effect.gen(function* () {
      const { path } = yield* file(manifest("db", "", "apps.kruise.io/v1beta1"))
      const { failure, counts } = yield* run(["-f", path, "--replicas", "0"])
      assert.include(failure, "no apps/v1 StatefulSet in it")
      assert.deepEqual(counts, [1, 1])
      const both = yield* file(`${manifest("db")}${manifest("web", "", "apps.kruise.io/v1beta1")}`)
      const one = yield* run(["-f", both.path, "--replicas", "2"])
      assert.deepEqual(one.counts, [2, 1])
    }).pipe(Effect.scoped)
  )

  it.live("says in one line that a file's lists are nested without end", () =>
    Effect.gen(function* () {
      const deep = 20_000
      const lists = yield* file(`${'{"items":['.repeat(deep)}${"]}".repeat(deep)}`)
      const { failure } = yield* run(["-f", lists.path, "--replicas", "0"])
      assert.match(failure, /^error: .*sets\.yaml has no apps\/v1 StatefulSet in it; .*$/)
      const yaml = yield* file("- ".repeat(deep))
      const other = yield* run(["-f", yaml.path, "--replicas", "0"])
      assert.match(other.failure, /^error: .*sets\.yaml: not YAML: .*; correct the file$/)
    }).pipe(Effect.scoped)
  )

  it.live("asks nothing of a namespace that is none", () =>
    Effect.gen(function* () {
      for (const namespace of ['".."', '"."']) {
        const { path } = yield* file(manifest("db", `, namespace: ${namespace}`))
        const { failure, counts } = yield* run(["-f", path, "--replicas", "0"])
        assert.include(failure, "a name or namespace is empty")
        assert.deepEqual(counts, [1, 1])
      }
    }).pipe(Effect.scoped)
  )
})

describe("abort", () => {
  it.live("of an ID that is empty is none of the operation that there is", () =>
    Effect.gen(function* () {
      for (const id of ["", "operation/"]) {
        const { failure } = yield* run([id], { first: ["sts/db", "--replicas", "2"] })
        assert.include(failure, "the operation's ID is empty")
      }
    })
  )

  it.live("of an operation that did all its steps is no success: nothing is undone", () =>
    Effect.gen(function* () {
      const { failure, counts } = yield* run(["ID"], { first: ["sts/db", "--replicas", "2"] })
      assert.match(failure, /operation [0-9a-f]{8} has finished all its steps, and an abort would undo none/)
      assert.include(failure, "kubectl stateful scale db --replicas COUNT")
      assert.deepEqual(counts, [2, 1])
    })
  )
})
