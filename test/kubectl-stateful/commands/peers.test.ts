import { drainingAnnotation, Peers } from "@kubectl-stateful/sdk/Discovery"
import { parseYaml } from "@kubectl-stateful/sdk/Manifest"
import { make } from "@kubectl-stateful/sandbox"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { PeersCommand } from "../../../packages/kubectl-stateful/src/commands/peers.ts"
import { Rbac } from "../../../packages/kubectl-stateful/src/commands/rbac.ts"
import type * as Access from "../../../packages/sandbox/src/apiserver/Access.ts"
import { pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { statefulSet } from "../../sandbox/asking.ts"
import { outcome } from "./outcome.ts"

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "db" },
  spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ name: "sql", port: 5432 }] }
}

const peers = { command: PeersCommand, called: "kubectl stateful peers" }
const rbac = { command: Rbac, called: "kubectl stateful rbac" }

interface Given {
  readonly objects?: ReadonlyArray<object>
  readonly deny?: ReadonlyArray<string>
  readonly replicas?: number
}

const run = (argv: ReadonlyArray<string>, { objects = [service], deny = [], replicas = 3 }: Given = {}) =>
  Effect.gen(function* () {
    const sandbox = yield* make({})
    for (const object of objects) sandbox.create(object as Parameters<typeof sandbox.create>[0])
    sandbox.create(statefulSet("db", { replicas }))
    yield* TestClock.adjust("30 seconds")
    const user: Access.User = {
      name: "router",
      deny: [{ verbs: ["*"], apiGroups: ["*"], resources: [...deny] }]
    }
    return yield* Effect.promise(() => outcome(peers, sandbox.as(user), argv))
  })

describe("peers", () => {
  it.effect("has a line for each ordinal, within 80 columns", () =>
    Effect.gen(function* () {
      const { out, failure } = yield* run(["sts/db"])
      assert.equal(failure, "")
      const lines = out.trimEnd().split("\n")
      assert.match(lines[0] ?? "", /^NAME +STATUS +DNS +IP +NODE +ZONE +AGE$/)
      assert.lengthOf(lines, 4)
      assert.match(lines[3] ?? "", /^db-2 +Ready +yes +\d/)
      assert.isTrue(lines.every((line) => line.length <= 80))
    })
  )

  it.effect("prints a document that its schema reads, in JSON and YAML, and names as kubectl does", () =>
    Effect.gen(function* () {
      const json = Schema.decodeUnknownSync(Peers)(JSON.parse((yield* run(["db", "-o", "json"])).out))
      assert.equal(json.peers[0]?.fqdn, "db-0.db.default.svc")
      const yaml = yield* parseYaml((yield* run(["db", "-o", "yaml"])).out)
      assert.equal(Schema.decodeUnknownSync(Peers)(yaml).peers.length, 3)
      assert.equal((yield* run(["db", "-o", "name"])).out, "pod/db-0\npod/db-1\npod/db-2\n")
      assert.match((yield* run(["db", "-o", "wide"])).out, /FQDN +IPV6 +PORTS +REVISION\n.*sql:5432/)
    })
  )

  it.effect.each<readonly [string, Given, RegExp]>([
    ["no governing Service", { objects: [] }, /! Service default\/db, .*does not exist/],
    [
      "one that is not headless",
      { objects: [{ ...service, spec: { selector: { app: "db" }, ports: [{ port: 1 }] } }] },
      /! Service default\/db has a cluster IP/
    ],
    [
      "one without a selector",
      { objects: [{ ...service, spec: { clusterIP: "None", ports: [{ port: 1 }] } }] },
      /! Service default\/db has no selector/
    ],
    [
      "one that selects others",
      { objects: [{ ...service, spec: { clusterIP: "None", selector: { app: "web" } } }] },
      /! Service default\/db selects app=web/
    ],
    [
      "no permission to read pods",
      { deny: ["pods"] },
      /db-0 +Ready +yes[^]*! pods of StatefulSet default\/db could not be read/
    ],
    ["nor EndpointSlices", { deny: ["pods", "endpointslices"] }, /db-0 +<unknown>[^]*only the names/],
    ["no replicas", { replicas: 0 }, /^! StatefulSet default\/db is scaled to/]
  ])("says so: %s", ([, given, said]) =>
    Effect.gen(function* () {
      const { out, failure } = yield* run(["db"], given)
      assert.equal(failure, "")
      assert.match(out, said)
      assert.isTrue(
        out.split("\n").every((line) => line.length <= 80),
        out
      )
    })
  )

  it.effect("with -w prints a view again on each change that it shows, and on no other", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({})
      sandbox.create(service)
      sandbox.create(statefulSet("db", { replicas: 2 }))
      yield* TestClock.adjust("30 seconds")
      const annotate = (name: string, annotations: Record<string, string>) =>
        void sandbox.registry.update(pods, "default", name, (pod) => ({
          ...pod,
          metadata: { ...pod.metadata, annotations }
        }))
      const pages: Array<string> = []
      const statuses = () =>
        pages.map((page) => page.match(/db-\d +\w+/g)?.map((row) => row.replace(/ +/, " ")))
      const { failure } = yield* Effect.promise(() =>
        outcome(peers, sandbox.cluster, ["db", "-w"], (page) => {
          pages.push(page)
          if (pages.length === 3) throw new Error("enough was seen")
          setImmediate(() => {
            annotate("db-0", { note: "shown to nobody" })
            annotate("db-1", pages.length === 1 ? { [drainingAnnotation]: "op" } : {})
          })
        })
      )
      assert.match(failure, /enough was seen/)
      assert.deepEqual(statuses(), [
        ["db-0 Ready", "db-1 Ready"],
        ["db-0 Ready", "db-1 Draining"],
        ["db-0 Ready", "db-1 Ready"]
      ])
    })
  )

  it.effect("refuses what it cannot find or is not named, with the way out", () =>
    Effect.gen(function* () {
      assert.match((yield* run(["nope"])).failure, /statefulsets.apps "nope" not found in namespace default/)
      assert.match((yield* run([])).failure, /resource name is required/)
      assert.match((yield* run(["pod/db-0"])).failure, /is not a StatefulSet/)
      assert.match((yield* run(["db"], { deny: ["statefulsets"] })).failure, /forbidden/i)
    })
  )
})

describe("rbac peers", () => {
  it.effect("prints a Role by which peers are found, and without which they are not", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({})
      const printed = yield* Effect.promise(() => outcome(rbac, sandbox.cluster, ["peers", "db"]))
      const role = yield* parseYaml(printed.out)
      assert.deepInclude(role, {
        kind: "Role",
        metadata: { name: "peers-of-db", namespace: "default" },
        rules: [
          {
            apiGroups: ["apps"],
            resources: ["statefulsets"],
            verbs: ["list", "watch"],
            resourceNames: ["db"]
          },
          { apiGroups: [""], resources: ["pods", "services"], verbs: ["list", "watch"] }
        ]
      })
      const other = yield* Effect.promise(() => outcome(rbac, sandbox.cluster, ["pods"]))
      assert.match(other.failure, /no command "pods" needs a Role; use one or more of describe, drill, /)
      const two = yield* Effect.promise(() => outcome(rbac, sandbox.cluster, ["peers", "sts/db", "sts/web"]))
      assert.match(two.failure, /a Role is for one StatefulSet, or for all/)
    })
  )
})
