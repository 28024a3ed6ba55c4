/** The two clusters that the scripts run on. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster, ClusterError } from "../../packages/sdk/src/Cluster.ts"
import { fieldNames } from "../../packages/sandbox/src/apiserver/FieldNames.ts"
import * as Sandbox from "../../packages/sandbox/src/Sandbox.ts"
import { type Bed, Conversation, type Exchange, type Rule, type Scenario, text } from "./Conversation.ts"

/** A script's own namespace is its title in few letters, and the run's. */
const namespaceOf = (scenario: Scenario, nth: number, run: string): string =>
  `contract-${scenario.area.replaceAll(/[^a-z]+/g, "-")}-${nth}-${run}`

export interface Transcript {
  readonly scenario: Scenario
  readonly exchanges: ReadonlyArray<Exchange>
}

const cutShort = "(the script ended)"

/** Whether the script could not go on. */
export const isCutShort = (exchanges: ReadonlyArray<Exchange>): boolean => exchanges.at(-1)?.ask === cutShort

/** A script that cannot go on says so in its last exchange. */
const converse = (bed: Bed, scenario: Scenario, namespace: string): Effect.Effect<Transcript> =>
  Effect.gen(function* () {
    const conversation = new Conversation(bed, namespace)
    const exit = yield* Effect.exit(Effect.scoped(scenario.script(conversation)))
    if (exit._tag === "Failure") conversation.record(cutShort, String(exit.cause).slice(0, 2000))
    return { scenario, exchanges: conversation.exchanges }
  })

const tick = 50

/** Lets virtual time pass until the effect is over. */
const drive = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    // An hour: no script waits longer.
    for (let waited = 0; waited < 3_600_000 && fiber.pollUnsafe() === undefined; waited += tick)
      yield* TestClock.adjust(tick)
    return yield* Fiber.join(fiber)
  })

/** Every script gets a sandbox of its own, in virtual time. */
export const onSandbox = (
  scenario: Scenario,
  nth: number,
  options: Sandbox.Options = {}
): Effect.Effect<Transcript> => {
  const namespace = namespaceOf(scenario, nth, "rlocal")
  const script = Effect.gen(function* () {
    const sandbox = yield* Sandbox.make({ ...options, namespaces: [namespace] })
    // As a served sandbox does.
    sandbox.api.learn(yield* fieldNames)
    const bed: Bed = {
      name: "sandbox",
      cluster: sandbox.cluster,
      forget: Effect.sync(sandbox.compact),
      silence: sandbox.loseNode,
      as: (name, home, rules) =>
        Effect.succeed(
          sandbox.as({
            name,
            groups: ["system:authenticated"],
            allow: rules.map((rule) => ({ ...rule, namespaces: [home] }))
          })
        )
    }
    return yield* converse(bed, scenario, namespace)
  })
  return drive(script).pipe(Effect.provide(TestClock.layer()), Effect.scoped)
}

const send = (
  cluster: Cluster["Service"],
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: object
): Effect.Effect<{ readonly status: number; readonly text: string }, ClusterError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const answer = yield* cluster.request({
        method,
        path,
        headers: { "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const chunks = yield* Stream.runCollect(answer.body)
      const decoder = new TextDecoder()
      return { status: answer.status, text: chunks.map((chunk) => decoder.decode(chunk)).join("") }
    })
  )

/** Until the answer is 200: what a controller makes comes a moment later. */
const appears = (cluster: Cluster["Service"], path: string): Effect.Effect<void, ClusterError> =>
  Effect.gen(function* () {
    for (let tries = 0; tries < 1200; tries++) {
      if ((yield* send(cluster, "GET", path)).status === 200) return
      yield* Effect.sleep(100)
    }
    throw new Error(`${path} never came to be`)
  })

/** The caller as somebody else: what the administrator may do, and a Role allows it. */
const impersonated = (cluster: Cluster["Service"], user: string): Cluster["Service"] => {
  const headers = { "impersonate-user": user, "impersonate-group": "system:authenticated" }
  return {
    ...cluster,
    request: (request) => cluster.request({ ...request, headers: { ...request.headers, ...headers } }),
    watch: (request) => cluster.watch({ ...request, headers: { ...request.headers, ...headers } })
  }
}

const realAs =
  (cluster: Cluster["Service"]) =>
  (
    user: string,
    namespace: string,
    rules: ReadonlyArray<Rule>
  ): Effect.Effect<Cluster["Service"], ClusterError, Scope.Scope> =>
    Effect.gen(function* () {
      const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
      const group = "rbac.authorization.k8s.io"
      yield* send(cluster, "POST", `${path}/roles`, { metadata: { name: "contract" }, rules })
      yield* send(cluster, "POST", `${path}/rolebindings`, {
        metadata: { name: "contract" },
        roleRef: { apiGroup: group, kind: "Role", name: "contract" },
        subjects: [{ apiGroup: group, kind: "User", name: user }]
      })
      const other = impersonated(cluster, user)
      const rule = rules[0]
      // The authorizer reads Roles from a cache of its own.
      if (rule === undefined) return other
      for (let tries = 0; tries < 1200; tries++) {
        const review = yield* send(other, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
          spec: {
            resourceAttributes: {
              namespace,
              verb: rule.verbs[0],
              group: rule.apiGroups[0],
              resource: rule.resources[0],
              name: rule.resourceNames?.[0] ?? ""
            }
          }
        })
        if (review.text.includes('"allowed":true')) return other
        yield* Effect.sleep(100)
      }
      throw new Error(`${user} was never allowed what the Role says`)
    })

/** Until the first version is forgotten: an API server does that by itself, ten minutes after its first start. */
const forgotten = (cluster: Cluster["Service"], namespace: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const first = `${namespace}/configmaps?limit=1&resourceVersion=1&resourceVersionMatch=Exact`
    for (let waited = 0; waited < 720; waited++) {
      if ((yield* send(cluster, "GET", first)).status === 410) return
      yield* Effect.sleep(1000)
    }
    throw new Error("the first version was never forgotten")
  }).pipe(Effect.orDie)

/** On a real cluster every script gets a namespace, which is taken away without waiting for its end. */
export const onReal = (
  cluster: Cluster["Service"],
  scenario: Scenario,
  nth: number,
  run: string
): Effect.Effect<Transcript, ClusterError> =>
  Effect.gen(function* () {
    const namespace = namespaceOf(scenario, nth, run)
    const path = `/api/v1/namespaces/${namespace}`
    yield* send(cluster, "POST", "/api/v1/namespaces", {
      metadata: { name: namespace, labels: { "contract-run": run } }
    })
    yield* appears(cluster, `${path}/serviceaccounts/default`)
    yield* appears(cluster, `${path}/configmaps/kube-root-ca.crt`)
    const forget = forgotten(cluster, path)
    const bed: Bed = { name: "real", cluster, silence: () => {}, forget, as: realAs(cluster) }
    return yield* converse(bed, scenario, namespace).pipe(
      Effect.ensuring(Effect.ignore(send(cluster, "DELETE", path)))
    )
  })

/** Ends with nothing of any run left, in the namespaces and in the whole cluster. */
export const sweep = (cluster: Cluster["Service"]): Effect.Effect<void, ClusterError> =>
  Effect.gen(function* () {
    const list = yield* send(cluster, "GET", "/api/v1/namespaces?labelSelector=contract-run")
    const { items } = JSON.parse(list.text)
    for (const item of items)
      yield* send(cluster, "DELETE", `/api/v1/namespaces/${text(item, "metadata.name")}`)
    for (const kind of [
      "/apis/storage.k8s.io/v1/storageclasses",
      "/api/v1/persistentvolumes",
      "/api/v1/nodes",
      "/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses",
      "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents",
      "/apis/groupsnapshot.storage.k8s.io/v1/volumegroupsnapshotclasses"
    ])
      yield* send(cluster, "DELETE", `${kind}?labelSelector=contract-script`)
  })
