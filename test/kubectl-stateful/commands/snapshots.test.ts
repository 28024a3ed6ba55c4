import { assert, describe, it } from "@effect/vitest"
import { statefulSet as reference } from "@kubectl-stateful/sdk/App"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { kinds } from "@kubectl-stateful/sdk/Kind"
import { operationAnnotation } from "@kubectl-stateful/sdk/Labels"
import * as Resource from "@kubectl-stateful/sdk/Resource"
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import * as Effect from "effect/Effect"
import { ReportCommand } from "../../../packages/kubectl-stateful/src/commands/report.ts"
import { Snapshots } from "../../../packages/kubectl-stateful/src/commands/snapshots.ts"
import { make } from "../../../packages/sandbox/src/Sandbox.ts"
import { statefulSet } from "../../sandbox/asking.ts"
import { outcome } from "./outcome.ts"

const why =
  'configmap "kubectl-stateful.snapshot.nightly" is not a snapshot\'s record that this version can read'
const line = `error: ${why}; use the version of kubectl-stateful that wrote it`

const record = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name: "kubectl-stateful.snapshot.nightly",
    namespace: "default",
    labels: {
      "app.kubernetes.io/managed-by": "kubectl-stateful",
      "kubectl-stateful.dev/record": "true"
    }
  },
  data: { "summary.json": "{}" }
}

const withRecord = Effect.map(make({ startMillis: 10 }), (sandbox) => {
  sandbox.create(statefulSet("db"))
  sandbox.create(record)
  return (argv: string) =>
    Effect.promise(() =>
      outcome({ command: Snapshots, called: "kubectl stateful snapshots" }, sandbox.cluster, argv.split(" "))
    ).pipe((listed) =>
      argv === "report"
        ? Effect.promise(() => outcome({ command: ReportCommand, called: "" }, sandbox.cluster, ["db"]))
        : listed
    )
})

describe("a snapshot whose record this version cannot read", () => {
  it.live("is named, and nothing says that there is none", () =>
    Effect.gen(function* () {
      const typed = yield* withRecord
      assert.deepEqual(yield* typed("list"), { out: "", err: `${line}\n`, failure: "" })
      assert.strictEqual((yield* typed("describe nightly")).failure, line)
      assert.strictEqual((yield* typed("prune nightly --last --yes")).failure, line)
      assert.match((yield* typed("describe other")).failure, /^error: no snapshot other in namespace default/)
    })
  )

  it.live("is in the report as not read", () =>
    Effect.gen(function* () {
      const { out } = yield* (yield* withRecord)("report")
      assert.include(out, `Not read: ${why.replaceAll('"', "&quot;").replaceAll("'", "&#39;")}`)
      assert.notInclude(out, "It has no snapshot")
    })
  )
})

describe("words that are no action of snapshots", () => {
  it.live("are answered with what was meant", () =>
    Effect.gen(function* () {
      const typed = yield* withRecord
      const { failure } = yield* typed("nightly")
      assert.match(failure, /^error: unknown subcommand "nightly" for "snapshots"; use list, /)
      assert.include(failure, 'if nightly is a snapshot, put "describe" before it')
      assert.strictEqual(
        (yield* typed("export")).failure,
        'error: wrong arguments for "snapshots export"; use snapshots export NAME'
      )
      assert.strictEqual(
        (yield* typed("list all")).failure,
        'error: wrong arguments for "snapshots list"; use snapshots list'
      )
    })
  )
})

describe("snapshots of all namespaces", () => {
  it.live("are listed with theirs, and by no other action", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({ startMillis: 10, namespaces: ["shop"] })
      for (const namespace of ["default", "shop"]) {
        const { metadata, ...set } = statefulSet("db")
        sandbox.create({ ...set, metadata: { ...metadata, namespace } })
      }
      yield* Effect.sleep(200)
      for (const namespace of ["default", "shop"])
        yield* Effect.provideService(
          Snapshot.take(reference(namespace, "db"), { name: `of-${namespace}`, identity: "ann@laptop" }),
          Cluster,
          sandbox.cluster
        )
      const typed = (...words: ReadonlyArray<string>) =>
        Effect.promise(() =>
          outcome({ command: Snapshots, called: "kubectl stateful snapshots" }, sandbox.cluster, words)
        )
      const { out } = yield* typed("-A")
      assert.match(out, /^NAMESPACE +NAME +APP .*\nshop +of-shop +db .*\ndefault +of-default +db /)
      assert.notInclude((yield* typed()).out, "of-shop")
      assert.match(
        (yield* typed("prune", "of-shop", "-A")).failure,
        /prune takes no --all-namespaces; name a/
      )
    })
  )
})

describe("several snapshots", () => {
  const taken = Effect.gen(function* () {
    const sandbox = yield* make({ startMillis: 10 })
    sandbox.create(statefulSet("db"))
    yield* Effect.sleep(200)
    for (const name of ["one", "two"])
      yield* Effect.provideService(
        Snapshot.take(reference("default", "db"), { name, identity: "ann@laptop" }),
        Cluster,
        sandbox.cluster
      )
    const prune = (words: string) =>
      Effect.promise(() =>
        outcome({ command: Snapshots, called: "kubectl stateful snapshots" }, sandbox.cluster, [
          "prune",
          ...words.split(" "),
          "--last",
          "--yes"
        ])
      )
    return { sandbox, prune }
  })

  it.live("are deleted once each, however often they are named", () =>
    Effect.gen(function* () {
      const { prune } = yield* taken
      const { out, failure } = yield* prune("one two one")
      assert.strictEqual(failure, "")
      assert.strictEqual(out, "snapshot/one deleted\nsnapshot/two deleted\n")
    })
  )

  it.live("all stay while an unfinished operation is in the way of one of them", () =>
    Effect.gen(function* () {
      const { sandbox, prune } = yield* taken
      const target = { api: kinds.secrets, namespace: "default", name: "kubectl-stateful.snapshot.two" }
      const value = { metadata: { annotations: { [operationAnnotation]: "0badcafe.12345678" } } }
      yield* Effect.provideService(Resource.patch(target, { _tag: "Merge", value }), Cluster, sandbox.cluster)
      const { out, err, failure } = yield* prune("one two")
      assert.match(failure, /two" is annotated with an operation whose journal no longer exists/)
      assert.strictEqual(out, "")
      assert.notInclude(err, "[1/")
    })
  )
})
