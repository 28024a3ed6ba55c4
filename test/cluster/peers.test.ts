/** What may be wrong with a StatefulSet's names, or with who asks for them, on a real API server. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Peers } from "../../packages/sdk/src/Discovery.ts"
import { layer } from "../../packages/sdk/src/kubernetes/index.ts"
import * as Router from "../../packages/sdk/src/Router.ts"
import * as Routing from "../../packages/sdk/src/Routing.ts"
import { hasParts, kubectl, namespace, stateful } from "./suite/commands.ts"

const space = namespace("find-odd")
const n = ["-n", space.name]

describe.runIf(hasParts())("what cannot be found, or routed to, is told in one line", () => {
  const set = (name: string, serviceName: string, replicas = 1) => ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name },
    spec: {
      replicas,
      serviceName,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: "main",
              image: "docker.io/local/busybox:1",
              imagePullPolicy: "Never",
              command: ["sleep", "3600"]
            }
          ]
        }
      }
    }
  })
  const service = (name: string, spec: object) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { ports: [{ port: 7000 }], ...spec }
  })
  beforeAll(async () => {
    await space.create()
    const items = [
      set("unnamed", ""),
      set("missing", "nowhere"),
      service("one-address", { selector: { app: "not-headless" } }),
      set("not-headless", "one-address"),
      service("unselecting", { clusterIP: "None" }),
      set("selectorless", "unselecting"),
      service("others", { clusterIP: "None", selector: { app: "web" } }),
      set("other-selector", "others"),
      service("empty", { clusterIP: "None", selector: { app: "empty" } }),
      set("empty", "empty", 0)
    ]
    const list = { apiVersion: "v1", kind: "List", items }
    await kubectl(["create", ...n, "-f", "-"], JSON.stringify(list))
    await kubectl(["rollout", "status", "sts/selectorless", ...n, "--timeout=60s"])
  }, 90_000)
  afterAll(() => space.remove())

  it.concurrent.each([
    ["unnamed", "NoGoverningService", /names no governing Service/],
    ["missing", "ServiceMissing", /nowhere, .* does not exist, .* create it headless/],
    ["not-headless", "NotHeadless", /has a cluster IP/],
    ["selectorless", "NoSelector", /has no selector/],
    ["other-selector", "OtherSelector", /selects app=web, and they are labelled app=other-selector/],
    ["empty", "NoReplicas", /is scaled to/]
  ])("%s: %s", async (name, reason, said) => {
    const { code, out, err } = await stateful(["peers", name, ...n, "-o", "json"])
    assert.equal(code, 0, err)
    const { problems, peers } = JSON.parse(out) as Peers
    assert.deepEqual(
      problems.map((problem) => problem.reason),
      [reason]
    )
    assert.match(problems[0]?.message ?? "", said)
    assert.notInclude(problems[0]?.message ?? "", "\n")
    assert.lengthOf(peers, name === "empty" ? 0 : 1)
  })

  it.concurrent("nobody may look: who, at what, and where", async () => {
    const nobody = ["--as", `system:serviceaccount:${space.name}:default`]
    const { code, out, err } = await stateful(["peers", "selectorless", ...n, ...nobody])
    assert.deepEqual([code, out], [1, ""])
    assert.match(err, /^Error from server \(Forbidden\): statefulsets[^\n]*forbidden[^\n]*\n$/)
  })

  it.concurrent("no replicas, an empty key, and an ordinal that is not there", async () => {
    const failure = (name: string, strategy: Routing.Strategy, key: string) =>
      Effect.map(Router.make({ namespace: space.name, name }, strategy), ({ find }) => {
        const found = find(key)
        return Result.isFailure(found) ? [found.failure.reason._tag, found.failure.message] : null
      }).pipe(Effect.scoped, Effect.provide(layer()), Effect.runPromise)
    const [none, empty, unknown] = await Promise.all([
      failure("empty", Routing.jump, "acme"),
      failure("selectorless", Routing.jump, ""),
      failure("selectorless", Routing.table([[7]]), "acme")
    ])
    assert.deepEqual(none, [
      "NoReplicas",
      "empty has 0 replicas, so no ordinal can hold a key: scale it up first"
    ])
    assert.deepEqual(empty, ["EmptyKey", "the key is empty: pass the id that the data is kept under"])
    assert.deepEqual(unknown, [
      "UnknownOrdinal",
      "shard 0 is on 7 by the table, and selectorless has no such ordinal: give the shard another"
    ])
  })
})
