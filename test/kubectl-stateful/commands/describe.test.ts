import { Checklist } from "@kubectl-stateful/sdk/Checklist"
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { parseYaml } from "@kubectl-stateful/sdk/Manifest"
import { make } from "@kubectl-stateful/sandbox"
import { AppState } from "@kubectl-stateful/sdk/State"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Describe } from "../../../packages/kubectl-stateful/src/commands/describe.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { published, violations } from "../../sdk/jsonSchema.ts"
import { outcome } from "./outcome.ts"

const canary = "canary-7f3a9c-value-of-a-secret"

const metadata = (name: string, labels: Record<string, string> = { app: "db" }) => ({
  name,
  namespace: "shop",
  labels
})

/** A StatefulSet `db` with one pod and one claim, and what the pod refers to but for one Secret. */
const shop = Effect.map(make({ bare: true, namespaces: ["shop", "empty"] }), (sandbox) => {
  const template = {
    metadata: { labels: { app: "db" } },
    spec: {
      containers: [
        {
          name: "postgres",
          image: "postgres:15",
          envFrom: [{ secretRef: { name: "db-pass" } }, { secretRef: { name: "db-tls" } }],
          volumeMounts: [{ name: "data", mountPath: "/data" }]
        }
      ]
    }
  }
  const create = (apiVersion: string, kind: string, rest: object) =>
    sandbox.create({ apiVersion, kind, ...rest } as Parameters<typeof sandbox.create>[0])
  create("v1", "Secret", { metadata: metadata("db-pass"), data: { password: btoa(canary) } })
  create("v1", "Service", { metadata: metadata("db"), spec: { clusterIP: "None", selector: { app: "db" } } })
  create("apps/v1", "StatefulSet", {
    metadata: metadata("db"),
    spec: {
      replicas: 1,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template,
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
        }
      ]
    }
  })
  return sandbox
})

const tool = { command: Describe, called: "kubectl stateful describe" }

/** Runs the command on the shop's cluster, as its administrator in this namespace. */
const run = (argv: ReadonlyArray<string>, namespace = "shop") =>
  Effect.flatMap(shop, ({ cluster }) =>
    Effect.promise(() => outcome(tool, { ...cluster, origin: { ...cluster.origin, namespace } }, argv))
  )

describe("describe", () => {
  it.effect("shows an application's page", () =>
    Effect.gen(function* () {
      const { out, err, failure } = yield* run(["sts/db"])
      assert.deepEqual({ err, failure }, { err: "", failure: "" })
      assert.match(out, /^Name: {8}db {37}Namespace: {2}shop\nWorkload: {4}StatefulSet, \d of 1 ready/)
      assert.include(out, "Secrets:     db-pass, db-tls (missing)\n")
      assert.match(out, /\nREPLICA .*\ndb-0 +(True|False) /)
      assert.include(out, "  move to another cluster?")
    })
  )

  it.effect("prints a document that its schema reads, the answers beside it", () =>
    Effect.gen(function* () {
      const { out } = yield* run(["db", "-o", "json"])
      const document: unknown = JSON.parse(out)
      const state = Schema.decodeUnknownSync(AppState)(document)
      assert.strictEqual(state.name, "db")
      assert.deepEqual(violations(published("AppDocument"), document), [])
      const { checklist } = Schema.decodeUnknownSync(Schema.Struct({ checklist: Checklist }))(document)
      assert.deepEqual(
        checklist.map((verdict) => verdict.question),
        ["restart", "snapshot", "move", "restore"]
      )
    })
  )

  it.effect("prints the same as YAML", () =>
    Effect.gen(function* () {
      const { out } = yield* run(["db", "-o", "yaml"])
      const state = Schema.decodeUnknownSync(AppState)(yield* parseYaml(out))
      assert.strictEqual(state.workloads[0]?.name, "db")
    })
  )

  it.effect("prints names as kubectl does", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* run(["-o", "name"])).out, "statefulset.apps/db\n")
    })
  )

  it.effect("without a name has one line for each, with four answers", () =>
    Effect.gen(function* () {
      const lines = (yield* run([])).out.split("\n")
      assert.match(lines[0] ?? "", /^NAME {3}READY {3}RESTART {3}SNAPSHOT {3}MOVE {3,}RESTORE {3,}AGE$/)
      assert.match(lines[1] ?? "", /^db {5}\d\/1 {5}No /)
      const all = (yield* run(["-A"], "empty")).out.split("\n")
      assert.match(all[1] ?? "", /^shop {8}db /)
      const list: unknown = JSON.parse((yield* run(["-A", "-o", "json"])).out)
      assert.propertyVal(list, "kind", "AppStateList")
      assert.deepEqual(violations(published("AppStateList"), list), [])
    })
  )

  it.live("with -w leaves nothing on the screen of an application that was deleted", () =>
    Effect.gen(function* () {
      const { cluster, registry } = yield* shop
      const pages: Array<string> = []
      const here = { ...cluster, origin: { ...cluster.origin, namespace: "shop" } }
      const { failure } = yield* Effect.promise(() =>
        outcome(tool, here, ["-w"], (page) => {
          pages.push(page)
          if (page === "") throw new Error("nothing is shown")
          setImmediate(() => registry.remove(statefulsets, "shop", "db"))
        })
      )
      assert.match(pages[0] ?? "", /^db /m)
      assert.match(failure, /nothing is shown/)
    })
  )

  it.effect(
    "says on stderr that a namespace has none, which is no failure, and an empty list to programs",
    () =>
      Effect.gen(function* () {
        assert.deepEqual(yield* run([], "empty"), {
          out: "",
          err: "No resources found in empty namespace.\n",
          failure: ""
        })
        const { out, err } = yield* run(["-o", "json"], "empty")
        assert.deepEqual(JSON.parse(out), {
          apiVersion: "kubectl-stateful.dev/v1",
          kind: "AppStateList",
          items: []
        })
        assert.strictEqual(err, "")
      })
  )

  it.effect("names near names when there is none of this name", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* run(["dbb"]), {
        out: "",
        err: "",
        failure:
          'Error from server (NotFound): statefulsets.apps "dbb" not found in namespace shop; did you mean db?'
      })
    })
  )

  it.effect("refuses a selector that is none before it shows anything", () =>
    Effect.gen(function* () {
      const { out, failure } = yield* run(["-l", "app in (db"])
      assert.strictEqual(out, "")
      assert.match(failure, /^(error|Error from server \(BadRequest\)): /)
    })
  )

  it.effect("takes all workloads of a selector as one application", () =>
    Effect.gen(function* () {
      const { out } = yield* run(["-l", "app=db"])
      assert.match(out, /^Selector: {4}app=db {33}Namespace: {2}shop\nWorkload: {4}StatefulSet\/db, /)
    })
  )

  it.effect("shows no value of a Secret in any format, key names only when asked", () =>
    Effect.gen(function* () {
      for (const output of [[], ["-o", "wide"], ["-o", "json"], ["-o", "yaml"]]) {
        for (const check of [[], ["--check-keys"]]) {
          const { out, err } = yield* run(["db", "-v=9", ...output, ...check])
          for (const secret of [canary, btoa(canary)]) assert.notInclude(out + err, secret)
          if (check.length > 0) assert.include(out, "password")
          else assert.notInclude(out, "password")
        }
      }
    })
  )

  it.effect("says with -v how many requests it took, in at most four rounds", () =>
    Effect.gen(function* () {
      const { cluster } = yield* shop
      const distant: Cluster["Service"] = {
        ...cluster,
        origin: { ...cluster.origin, namespace: "shop" },
        request: (request) => Effect.andThen(Effect.sleep("20 millis"), () => cluster.request(request))
      }
      const { err } = yield* Effect.promise(() => outcome(tool, distant, ["db", "-v"]))
      const [, rounds] = /^\d+ requests in (\d+) rounds?\n$/.exec(err) ?? []
      assert.isAtMost(Number(rounds), 4)
    })
  )
})
