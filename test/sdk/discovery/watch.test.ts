import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Cluster, type ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import * as Discovery from "../../../packages/sdk/src/Discovery.ts"
import { type Kind, kinds } from "../../../packages/sdk/src/Kind.ts"
import type * as Access from "../../../packages/sandbox/src/apiserver/Access.ts"
import { set } from "../../../packages/sandbox/src/apimachinery/Json.ts"
import { Fault, inject } from "../../../packages/sandbox/src/index.ts"
import type { KubeObject } from "../../../packages/sandbox/src/apimachinery/KubeObject.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { nodes, pods, services } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { endpointslices } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import { make, type Options, type Shape } from "../../../packages/sandbox/src/Sandbox.ts"
import { statefulSet } from "../../sandbox/asking.ts"
import { seeded } from "../routing/oracle.ts"

const ref = { namespace: "default", name: "db" }

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "db" },
  spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ name: "sql", port: 5432 }] }
}

const started = (options: Options = {}) =>
  Effect.gen(function* () {
    const sandbox = yield* make(options)
    sandbox.create(service)
    sandbox.create(statefulSet("db", { replicas: 3 }))
    yield* TestClock.adjust("30 seconds")
    return sandbox
  })

/** In steps: a fiber that is still busy when the clock jumps would begin its sleep after the jump. */
const pass = (seconds: number, step = 1) =>
  Effect.forEach(
    Array.from({ length: Math.ceil(seconds / step) }),
    () => TestClock.adjust(`${step} seconds`),
    {
      discard: true
    }
  )

interface Seen {
  readonly views: Array<Discovery.Peers>
  readonly failures: Array<unknown>
  readonly stop: Effect.Effect<void>
}

const following = (cluster: Cluster["Service"], options: Discovery.WatchOptions = {}) =>
  Effect.gen(function* () {
    const views: Array<Discovery.Peers> = []
    const failures: Array<unknown> = []
    const fiber = yield* Discovery.watch(ref, options).pipe(
      Stream.runForEach((view) => Effect.sync(() => void views.push(view))),
      Effect.catch((error) => Effect.sync(() => void failures.push(error))),
      Effect.provideService(Cluster, cluster),
      Effect.forkChild
    )
    const seen: Seen = { views, failures, stop: Effect.asVoid(Fiber.interrupt(fiber)) }
    return seen
  })

const last = ({ views, failures }: Seen): Discovery.Peers =>
  views.at(-1) ?? assert.fail(`nothing was seen: ${String(failures[0])}`)

const inBrief = ({ peers }: Discovery.Peers): string =>
  peers.map(({ ordinal, availability }) => `${ordinal} ${availability}`).join(", ")

const scale = (sandbox: Shape, replicas: number) =>
  sandbox.registry.update(statefulsets, "default", "db", (current) => ({
    ...current,
    spec: set(current.spec, ["replicas"], replicas)
  }))

/** The view that the store itself would give. */
const ofStore = (sandbox: Shape, by: "pods" | "endpointslices" = "pods"): Discovery.Peers => {
  const { store } = sandbox
  const accepted = <A>({ accept }: Kind<A>, objects: ReadonlyArray<KubeObject>) =>
    objects.map((object) => Result.getOrThrow(accept(object)))
  const [found] = accepted(kinds.statefulsets, store.list(statefulsets, "default"))
  return Discovery.observe({
    set: found ?? assert.fail("there is no set"),
    pods: by === "pods" ? accepted(kinds.pods, store.list(pods, "default")) : null,
    services: accepted(kinds.services, store.list(services, "default")),
    slices: by === "pods" ? null : accepted(kinds.endpointslices, store.list(endpointslices, "default")),
    nodes: accepted(kinds.nodes, store.list(nodes)),
    clusterDomain: null
  })
}

const without = (...resources: ReadonlyArray<string>): Access.User => ({
  name: "router",
  deny: [{ verbs: ["*"], apiGroups: ["*"], resources }]
})

describe("watching peers", () => {
  it.effect("shows them whole at once, and never in part", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      const seen = yield* following(sandbox.cluster)
      yield* pass(30)
      assert.lengthOf(seen.views, 1)
      assert.equal(inBrief(last(seen)), "0 Ready, 1 Ready, 2 Ready")
      assert.deepEqual(last(seen), ofStore(sandbox))
      yield* seen.stop
    })
  )

  it.effect("follows a scale up and down, with who is leaving before it is gone", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      const seen = yield* following(sandbox.cluster)
      yield* pass(30)
      scale(sandbox, 4)
      yield* pass(30)
      assert.equal(inBrief(last(seen)), "0 Ready, 1 Ready, 2 Ready, 3 Ready")
      scale(sandbox, 2)
      yield* pass(60)
      assert.equal(inBrief(last(seen)), "0 Ready, 1 Ready")
      const briefs = seen.views.map(inBrief)
      assert.isTrue(briefs.some((brief) => brief.endsWith("3 Leaving")))
      yield* seen.stop
    })
  )

  it.effect("tells nothing where nothing changed that peers show", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      const seen = yield* following(sandbox.cluster)
      yield* pass(30)
      sandbox.registry.update(pods, "default", "db-1", (pod) => ({
        ...pod,
        metadata: { ...pod.metadata, annotations: { note: "seen by nobody" } }
      }))
      // Through two lists as well.
      yield* pass(700, 5)
      assert.lengthOf(seen.views, 1)
      yield* seen.stop
    })
  )

  it.effect("sees a mark of draining at once", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      const seen = yield* following(sandbox.cluster)
      yield* pass(30)
      sandbox.registry.update(pods, "default", "db-2", (pod) => ({
        ...pod,
        metadata: { ...pod.metadata, annotations: { [Discovery.drainingAnnotation]: "op-1" } }
      }))
      yield* pass(30)
      assert.equal(inBrief(last(seen)), "0 Ready, 1 Ready, 2 Leaving")
      yield* seen.stop
    })
  )

  it.effect("names a lost node as the reason, and does without where nodes may not be read", () =>
    Effect.gen(function* () {
      const sandbox = yield* started({ nodeLifecycle: { graceMillis: 0 } })
      const seen = yield* following(sandbox.cluster)
      const blind = yield* following(sandbox.as(without("nodes")))
      yield* pass(30)
      assert.equal(inBrief(last(blind)), "0 Ready, 1 Ready, 2 Ready")
      const node = sandbox.registry.find(pods, "default", "db-1").spec.nodeName ?? ""
      sandbox.loseNode(node)
      yield* pass(10)
      assert.equal(inBrief(last(seen)), "0 Ready, 1 NotReady, 2 Ready")
      assert.equal(last(seen).peers[1]?.reason, `${node} is unreachable`)
      assert.equal(inBrief(last(blind)), "0 Ready, 1 NotReady, 2 Ready")
      yield* seen.stop
      yield* blind.stop
    })
  )

  it.effect("goes by EndpointSlices where pods may not be read, and sees the same readiness", () =>
    Effect.gen(function* () {
      const sandbox = yield* started({ dualStack: true })
      const seen = yield* following(sandbox.as(without("pods")))
      yield* pass(30)
      assert.equal(last(seen).source, "endpointslices")
      assert.deepEqual(last(seen), ofStore(sandbox, "endpointslices"))
      scale(sandbox, 2)
      yield* pass(60)
      assert.equal(inBrief(last(seen)), "0 Ready, 1 Ready")
      assert.deepEqual(last(seen), ofStore(sandbox, "endpointslices"))
      yield* seen.stop
    })
  )

  it.effect("knows the names alone where neither may be read", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      const seen = yield* following(sandbox.as(without("pods", "endpointslices", "services", "nodes")), {
        clusterDomain: "cluster.local"
      })
      yield* pass(30)
      assert.deepEqual(seen.failures, [])
      assert.deepEqual(
        last(seen).problems.map(({ reason }) => reason),
        ["ServicesUnread", "PodsUnread"]
      )
      assert.equal(last(seen).peers[2]?.fqdn, "db-2.db.default.svc.cluster.local")
      yield* seen.stop
    })
  )

  it.effect("takes up pods once they may be read, and goes on by slices once they may not", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      const denied = [...(without("pods").deny ?? [])]
      const seen = yield* following(sandbox.as({ name: "router", deny: denied }), {
        relistEvery: "1 minute"
      })
      yield* pass(30)
      assert.equal(last(seen).source, "endpointslices")
      const [rule] = denied.splice(0)
      yield* pass(70)
      assert.equal(last(seen).source, "pods")
      denied.push(rule ?? assert.fail("there was no rule"))
      yield* pass(70)
      assert.equal(last(seen).source, "endpointslices")
      // On the way no view was without its peers.
      assert.isTrue(seen.views.every((view) => inBrief(view) === "0 Ready, 1 Ready, 2 Ready"))
      assert.deepEqual(seen.failures, [])
      yield* seen.stop
    })
  )

  it.effect("is another application after a deletion, with a uid of its own and none of its pods", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      const seen = yield* following(sandbox.cluster)
      yield* pass(30)
      const { uid } = last(seen)
      sandbox.registry.remove(statefulsets, "default", "db")
      yield* pass(60)
      assert.deepEqual(
        [last(seen).uid, last(seen).peers, last(seen).problems[0]?.reason],
        [null, [], "Deleted"]
      )
      sandbox.create(statefulSet("db", { replicas: 2 }))
      yield* pass(60)
      assert.equal(inBrief(last(seen)), "0 Ready, 1 Ready")
      assert.notEqual(last(seen).uid, uid)
      // From there on nothing of the one before is shown.
      const after = seen.views.slice(seen.views.findIndex((view) => view.uid === null) + 1)
      assert.isTrue(after.every((view) => view.uid !== uid))
      yield* seen.stop
    })
  )

  it.effect("fails where there is no such application, with what may have been meant", () =>
    Effect.gen(function* () {
      const sandbox = yield* make({})
      sandbox.create(statefulSet("dbs", { replicas: 1 }))
      const seen = yield* following(sandbox.cluster)
      yield* pass(30)
      assert.lengthOf(seen.views, 0)
      assert.include(String(seen.failures[0]), `statefulsets.apps "db" not found`)
    })
  )

  it.effect("fails where the StatefulSet itself may not be read", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      const seen = yield* following(sandbox.as(without("statefulsets")))
      yield* pass(30)
      assert.equal((seen.failures[0] as ClusterError).reason._tag, "Forbidden")
    })
  )

  it.effect(
    "keeps the last view while watches are cut and lists throttled, and then shows what was missed",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* started()
        let isDown = false
        const { cluster } = inject(sandbox.cluster, () => (isDown ? { _tag: "Fail" } : undefined))
        const seen = yield* following(cluster, { relistEvery: "1 minute" })
        yield* pass(30)
        isDown = true
        scale(sandbox, 2)
        yield* pass(120)
        const during = seen.views.length
        isDown = false
        yield* pass(120)
        assert.deepEqual(seen.failures, [])
        assert.isAtMost(during, 12)
        assert.equal(inBrief(last(seen)), "0 Ready, 1 Ready")
        assert.deepEqual(last(seen), ofStore(sandbox))
        yield* seen.stop
      })
  )

  it.effect("waits out an outage in which the application is made anew, and its first lists fail", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      let isDown = false
      const { cluster } = inject(sandbox.cluster, ({ request }) =>
        isDown && !request.path.endsWith("/statefulsets") ? { _tag: "Fail" } : undefined
      )
      const seen = yield* following(cluster)
      yield* pass(30)
      sandbox.registry.remove(statefulsets, "default", "db")
      yield* pass(60)
      isDown = true
      sandbox.create(statefulSet("db", { replicas: 2 }))
      yield* pass(120)
      isDown = false
      yield* pass(60)
      assert.deepEqual(seen.failures, [])
      assert.deepEqual(last(seen), ofStore(sandbox))
      yield* seen.stop
    })
  )

  /** An API server that starts refuses for some seconds what its Roles allow. */
  const refusing = (inner: Cluster["Service"], isRefused: (path: string) => boolean): Cluster["Service"] => ({
    ...inner,
    request: (request) =>
      isRefused(request.path)
        ? Effect.succeed({
            status: 403,
            headers: {},
            body: Stream.succeed(
              new TextEncoder().encode(
                '{"kind":"Status","reason":"Forbidden","code":403,"message":"not yet"}'
              )
            )
          })
        : inner.request(request)
  })

  it.effect("does not flap, nor end, for a refusal that passes", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      let isStarting = false
      const seen = yield* following(
        refusing(sandbox.cluster, () => isStarting),
        { relistEvery: "1 minute" }
      )
      yield* pass(50)
      isStarting = true
      yield* pass(25)
      isStarting = false
      yield* pass(120)
      assert.deepEqual(seen.failures, [])
      assert.lengthOf(seen.views, 1)
      scale(sandbox, 2)
      yield* pass(60)
      assert.equal(inBrief(last(seen)), "0 Ready, 1 Ready")
      yield* seen.stop
    })
  )

  it.effect("fails once the StatefulSet is refused for longer than the last view is to be kept", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      let isRevoked = false
      const seen = yield* following(
        refusing(sandbox.cluster, (path) => isRevoked && path.endsWith("/statefulsets")),
        { relistEvery: "1 minute", keepFor: "40 seconds" }
      )
      yield* pass(30)
      isRevoked = true
      // It is listed again after 54 to 66 seconds, and given up 40 seconds later.
      yield* pass(60)
      assert.deepEqual(seen.failures, [])
      yield* pass(60)
      assert.equal((seen.failures[0] as ClusterError).reason._tag, "Forbidden")
      yield* seen.stop
    })
  )

  it.effect("lives through a compaction of all history", () =>
    Effect.gen(function* () {
      const sandbox = yield* started()
      const { cluster } = inject(sandbox.cluster, ({ kind, index }) =>
        kind === "watch" && index % 3 === 0 ? { _tag: "Cut", after: 1 } : undefined
      )
      const seen = yield* following(cluster)
      yield* pass(30)
      for (const replicas of [4, 1, 3]) {
        scale(sandbox, replicas)
        yield* pass(30)
        sandbox.compact()
        yield* pass(60)
      }
      assert.deepEqual(last(seen), ofStore(sandbox))
      yield* seen.stop
    })
  )
})

/** What is held once everything that nobody holds is gone, in MB. */
const heldMegabytes = (): number => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
  return process.memoryUsage().heapUsed / 1e6
}

/** Virtual hours of churn; `npm run prove -- discovery` gives a week. */
const hours = Number(process.env["DISCOVERY_HOURS"] ?? 2)

describe("days of churn with rival writers", () => {
  it.effect.each([1, 2, 3])(
    "with faults at one call in ten end, at each quiet moment, in the view that the store gives (seed %i)",
    (seed) =>
      Effect.gen(function* () {
        const random = seeded(seed)
        const sandbox = yield* started()
        let isQuiet = false
        const plan = Fault.random(seed, 0.1)
        const { cluster, record } = inject(sandbox.cluster, (call) => {
          // A list from a cache that lags is for the API server to prevent.
          const fault = isQuiet ? undefined : plan(call)
          return fault?._tag === "Lag" ? undefined : fault
        })
        const seen = yield* following(cluster)
        yield* pass(30)
        const anyPod = () => {
          const all = sandbox.store.list(pods, "default")
          return all[Math.floor(random() * all.length)]
        }
        const acts: ReadonlyArray<() => void> = [
          () => void scale(sandbox, Math.floor(random() * 6)),
          () => {
            const victim = anyPod()
            if (victim !== undefined) sandbox.registry.remove(pods, "default", victim.metadata.name)
          },
          () => {
            const marked = anyPod()
            if (marked === undefined) return
            sandbox.registry.update(pods, "default", marked.metadata.name, (current) => {
              const { [Discovery.drainingAnnotation]: mark, ...others } = (current.metadata.annotations ??
                {}) as Record<string, string>
              const annotations =
                mark === undefined ? { ...others, [Discovery.drainingAnnotation]: "rival" } : others
              return { ...current, metadata: { ...current.metadata, annotations } }
            })
          },
          () => sandbox.compact(),
          () => {
            sandbox.registry.remove(statefulsets, "default", "db")
          }
        ]
        let most = 0
        let afterDay = 0
        for (let round = 0; round * 11 < hours * 60; round++) {
          isQuiet = false
          for (let step = 0; step < 4; step++) {
            // Deleted already, there is nothing to write to.
            if (sandbox.store.list(statefulsets, "default").length > 0)
              acts[Math.floor(random() ** 2 * acts.length)]?.()
            yield* pass(20, 2)
          }
          isQuiet = true
          yield* pass(60, 5)
          // Whoever deleted it makes it anew.
          if (sandbox.store.list(statefulsets, "default").length === 0)
            sandbox.create(statefulSet("db", { replicas: 3 }))
          // Longer than the interval between lists.
          yield* pass(540, 10)
          assert.deepEqual(last(seen), ofStore(sandbox))
          // A view is told for each change, and not for each list.
          most = Math.max(most, seen.views.length)
          seen.views.splice(0, seen.views.length - 1)
          // Of what this test itself has noted.
          ;(record.calls as Array<unknown>).length = 0
          if (hours > 24 && afterDay === 0 && round * 11 >= 24 * 60) {
            sandbox.compact()
            afterDay = heldMegabytes()
          }
        }
        if (afterDay > 0) {
          sandbox.compact()
          const after = heldMegabytes()
          console.log(
            `seed ${seed}: heap ${afterDay.toFixed(1)} MB after a day, ${after.toFixed(1)} MB after ${hours / 24}`
          )
          assert.isAtMost(after, afterDay * 1.1)
        }
        assert.isAtMost(most, 150)
        assert.deepEqual(seen.failures, [])
        yield* seen.stop
      })
  )
})
