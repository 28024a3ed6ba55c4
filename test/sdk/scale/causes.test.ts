/** What keeps a pod away is in the progress, and in the error at the step's timeout, in the words of whoever refused. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { configmaps, pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Shape } from "../../../packages/sandbox/src/Sandbox.ts"
import { statefulSet as statefulSetOf } from "../../../packages/sdk/src/App.ts"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import * as State from "../../../packages/sdk/src/State.ts"
import { statefulSet } from "../../sandbox/asking.ts"
import { drive, withCluster } from "../../simulation/world.ts"

const ref = { namespace: "default", name: "q" }
const main = { name: "main", image: "db:1" }

interface Trouble {
  readonly spec?: object
  readonly claims?: ReadonlyArray<object>
  /** Befalls the cluster once the plan is made. */
  readonly befalls?: (sandbox: Shape) => void
  readonly policy?: string
}

/** What a change from one to three says while it waits, and where it ends; and the sandbox. */
const waits = ({ spec = {}, claims = [], befalls, policy = "OrderedReady" }: Trouble) =>
  Effect.gen(function* () {
    const sandbox = yield* make()
    const whole = {
      replicas: 0,
      podManagementPolicy: policy,
      template: { metadata: { labels: { app: "q" } }, spec: { containers: [main], ...spec } },
      volumeClaimTemplates: claims
    }
    sandbox.create(statefulSet("q", whole))
    yield* TestClock.adjust("10 seconds")
    const on = withCluster(sandbox.cluster)
    const plan = yield* on(Scale.prepare(ref, { replicas: 2 }))
    befalls?.(sandbox)
    const lines: Array<string> = []
    const report = (event: Progress) =>
      Effect.sync(() => {
        if (event._tag === "Waiting" && event.for !== null) lines.push(`${event.subject.name} ${event.for}`)
      })
    const failure = yield* drive(
      on(Effect.flip(Scale.run(plan, { identity: "ann@laptop", report, stepTimeout: 20_000 })))
    )
    return { lines: [...new Set(lines)], message: failure.message, sandbox, id: plan.id }
  })

const quota = {
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "team" },
  spec: { hard: { pods: "0" } }
}
const noRoom = (sandbox: Shape): void => {
  sandbox.create(quota)
}
const forbidden = (sandbox: Shape): void => {
  sandbox.refuse({
    name: "policy.example.com",
    refuse: (_, { kind }) => (kind === "Pod" ? "no such image here" : undefined)
  })
}
const data = (storageClassName: string) => ({
  metadata: { name: "data" },
  spec: { storageClassName, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
})

describe("what is waited for names its cause", () => {
  it.effect.each([
    [
      "a quota",
      { befalls: noRoom },
      'its pod to be created: pods "q-0" is forbidden: exceeded quota: team, requested: pods=1, used: pods=0, limited: pods=0'
    ],
    [
      "a webhook",
      { befalls: forbidden },
      'its pod to be created: admission webhook "policy.example.com" denied the request: no such image here'
    ],
    [
      "a Secret that is not there",
      {
        spec: {
          containers: [{ ...main, volumeMounts: [{ name: "key", mountPath: "/key" }] }],
          volumes: [{ name: "key", secret: { secretName: "nowhere" } }]
        }
      },
      'container main ContainerCreating: MountVolume.SetUp failed for volume "key" : secret "nowhere" not found'
    ],
    [
      "a key that is not there",
      {
        spec: {
          containers: [
            { ...main, env: [{ name: "P", valueFrom: { secretKeyRef: { name: "nowhere", key: "p" } } }] }
          ]
        }
      },
      'container main CreateContainerConfigError: secret "nowhere" not found'
    ],
    [
      "a class that is not there",
      { claims: [data("gone")] },
      'claim data-q-0 Pending: storageclass.storage.k8s.io "gone" not found'
    ],
    [
      "the scheduler",
      { spec: { nodeSelector: { disk: "fast" } } },
      "Unschedulable: 0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
    ]
  ] as const)("%s", ([, trouble, cause]) =>
    Effect.gen(function* () {
      const { lines, message, sandbox, id } = yield* waits(trouble)
      assert.include(lines, `q-0 ${cause}`)
      assert.include(message, `waiting for q-0 (${cause})`)
      // Whoever may read ConfigMaps reads the journal, and may not be shown events.
      const journal = sandbox.registry.find(configmaps, "default", `kubectl-stateful-${id}`)
      assert.notInclude(JSON.stringify(journal), cause.split(": ").at(-1) ?? "")
    })
  )

  it.effect("a pod that lacks the volume of a further claim template, which the plan warns of", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      const template = { metadata: { labels: { app: "q" } }, spec: { containers: [main] } }
      sandbox.create(statefulSet("q", { replicas: 1, template }))
      yield* TestClock.adjust("10 seconds")
      sandbox.registry.remove(statefulsets, "default", "q", { propagation: "Orphan" })
      yield* TestClock.adjust("10 seconds")
      sandbox.create(statefulSet("q", { replicas: 1, template, volumeClaimTemplates: [data("shared")] }))
      yield* TestClock.adjust("10 seconds")
      const on = withCluster(sandbox.cluster)
      const plan = yield* on(Scale.prepare(ref, { replicas: 2 }))
      assert.include(
        plan.warnings.join("\n"),
        "q-0 has no volume of template data: the controller adds and removes nothing until that pod is replaced: kubectl delete pod q-0 -n default"
      )
      const { message } = yield* drive(
        on(Effect.flip(Scale.run(plan, { identity: "ann@laptop", stepTimeout: 20_000 })))
      )
      assert.include(
        message,
        'its pod to be created: Update Pod q-0 in StatefulSet q failed error: Pod "q-0" is invalid: spec'
      )
      const advice = Effect.map(on(State.read(statefulSetOf("default", "q"))), (state) =>
        answer(state)
          .flatMap(({ findings }) => findings)
          .flatMap(({ remedy }) => /kubectl delete pod (\S+) -n default$/.exec(remedy ?? "")?.[1] ?? [])
      )
      assert.deepEqual(new Set(yield* advice), new Set(["q-0"]))
      sandbox.registry.remove(pods, "default", "q-0")
      yield* TestClock.adjust("10 seconds")
      assert.deepEqual(yield* advice, [])
      const at = { namespace: "default", id: plan.id }
      const { outcome } = yield* drive(on(Scale.resume(at, { identity: "ann@laptop" })))
      assert.strictEqual(outcome, "Succeeded")
    })
  )

  it.effect("and no longer once that is over", () =>
    Effect.gen(function* () {
      const { id, sandbox } = yield* waits({ befalls: noRoom })
      sandbox.api.handle({
        method: "DELETE",
        path: "/api/v1/namespaces/default/resourcequotas/team",
        query: []
      })
      const lines: Array<string> = []
      const report = (event: Progress) =>
        Effect.sync(() => {
          if (event._tag === "Waiting" && event.for !== null) lines.push(event.for)
        })
      const at = { namespace: "default", id }
      const result = yield* drive(
        withCluster(sandbox.cluster)(Scale.resume(at, { identity: "ann@laptop", report }))
      )
      assert.strictEqual(result.outcome, "Succeeded")
      assert.notInclude(lines.join("\n"), "q-1 is forbidden")
    })
  )

  it.effect("nothing, and no failure, where events may not be read", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(statefulSet("q", { replicas: 0 }))
      const plan = yield* withCluster(sandbox.cluster)(Scale.prepare(ref, { replicas: 1 }))
      sandbox.create(quota)
      const deny = [{ verbs: ["*"], apiGroups: ["*"], resources: ["events"] }]
      const blind = sandbox.as({ name: "ann", deny })
      const failure = yield* drive(
        withCluster(blind)(
          Effect.flip(
            Scale.run(plan, { identity: "ann@laptop", report: () => Effect.void, stepTimeout: 10_000 })
          )
        )
      )
      assert.include(failure.message, "waiting for q-0 (its pod to be created)")
    })
  )

  /** Plans from none to one, and a quota in the way; `asked` takes each list of events, and answers later, or never. */
  const slowly = (answer: (asked: string) => Effect.Effect<void>) =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(statefulSet("q", { replicas: 0 }))
      const plan = yield* withCluster(sandbox.cluster)(Scale.prepare(ref, { replicas: 1 }))
      sandbox.create(quota)
      const slow: Cluster["Service"] = {
        ...sandbox.cluster,
        request: (request) =>
          request.method === "GET" && request.path.endsWith("/events")
            ? Effect.andThen(answer(request.path), sandbox.cluster.request(request))
            : sandbox.cluster.request(request)
      }
      const run = (stepTimeout: number) =>
        withCluster(slow)(
          Effect.flip(Scale.run(plan, { identity: "ann@laptop", report: () => Effect.void, stepTimeout }))
        )
      return { sandbox, run }
    })

  it.effect("nothing waits for events that do not come: somebody else's change is seen all the same", () =>
    Effect.gen(function* () {
      const { sandbox, run } = yield* slowly(() => Effect.never)
      const other = Effect.andThen(
        Effect.sleep("5 seconds"),
        Effect.sync(() =>
          sandbox.api.handle({
            method: "PATCH",
            path: "/apis/apps/v1/namespaces/default/statefulsets/q",
            query: [],
            headers: { "content-type": "application/merge-patch+json" },
            body: JSON.stringify({ spec: { replicas: 3 } })
          })
        )
      )
      const [failure] = yield* drive(Effect.all([run(60_000), other], { concurrency: 2 }))
      assert.include(failure.message, "replicas")
      assert.notInclude(failure.message, "no progress")
    })
  )

  it.effect("a server that is slow to find them is asked the less often", () =>
    Effect.gen(function* () {
      let asked = 0
      const { run } = yield* slowly(() =>
        Effect.suspend(() => {
          asked += 1
          return Effect.sleep("1 second")
        })
      )
      const failure = yield* drive(run(60_000))
      assert.include(failure.message, "exceeded quota")
      assert.isAtMost(asked, 7)
    })
  )

  describe("nothing of what befell another of the same name before", () => {
    const warned = (kind: string, name: string, message: string) => ({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name}.before`, namespace: "default" },
      involvedObject: { kind, name, namespace: "default", uid: "of-another-one" },
      reason: "Failed",
      type: "Warning",
      message,
      lastTimestamp: "2100-01-01T00:00:00Z"
    })

    it.effect("a StatefulSet", () =>
      Effect.gen(function* () {
        const message = "create Pod q-0 in StatefulSet q failed error: of long ago"
        const { lines } = yield* waits({
          befalls: (sandbox) => {
            noRoom(sandbox)
            sandbox.create(warned("StatefulSet", "q", message))
          }
        })
        assert.notInclude(lines.join("\n"), "of long ago")
        assert.include(lines.join("\n"), "exceeded quota")
      })
    )

    it.effect("a claim", () =>
      Effect.gen(function* () {
        const { lines } = yield* waits({
          claims: [data("gone")],
          befalls: (sandbox) =>
            void sandbox.create(warned("PersistentVolumeClaim", "data-q-0", "of long ago"))
        })
        assert.notInclude(lines.join("\n"), "of long ago")
        assert.include(lines.join("\n"), 'storageclass.storage.k8s.io "gone" not found')
      })
    )
  })
})
