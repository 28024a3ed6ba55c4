/**
 * An application on a bad day, as a cluster has it: snapshots of three levels within two hours, a scaling that
 * stopped half way, a node that is lost. Everything that must not be in a report is somewhere on it.
 */
import { statefulSet } from "@kubectl-stateful/sdk/App"
import { answer } from "@kubectl-stateful/sdk/Checklist"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { ofFunctions } from "@kubectl-stateful/sdk/Quiesce"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import { read } from "@kubectl-stateful/sdk/State"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { readReport, type Report } from "../../../packages/kubectl-stateful/src/report/Report.ts"
import { pods } from "../../../packages/sandbox/src/Kind.ts"
import { make, type Shape } from "../../../packages/sandbox/src/Sandbox.ts"

export const db = statefulSet("shop", "db")

/** Each is a secret, or would act if a page let it. */
export const canaries = {
  secret: "canary-of-a-secret",
  config: "canary-of-a-configmap",
  environment: "canary-of-an-environment",
  argument: "canary-of-an-argument",
  annotation: "<script>document.title='canary-of-an-annotation'</script>",
  token: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnktdG9rZW4ifQ.c2lnbmF0dXJl",
  password: "canary-of-a-password"
} as const

/** The message of an event, in which somebody's program says too much. */
export const chatter = `Readiness probe failed: <img src=x onerror=alert(1)> GET https://ann:${canaries.password}@db:7000: Authorization: Bearer ${canaries.token}; PGPASSWORD=${canaries.password} \u202etxt.exe`

const annotations = {
  note: canaries.annotation,
  [`note.example.com/b`]: `\u001b]0;${canaries.annotation}\u0007`
}

const objects = [
  { apiVersion: "v1", kind: "Secret", metadata: { name: "db-pass" }, data: { key: btoa(canaries.secret) } },
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "db-conf" }, data: { key: canaries.config } },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db", annotations },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 7000 }] }
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db", annotations },
    spec: {
      serviceName: "db",
      replicas: 3,
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" }, annotations },
        spec: {
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "topology.kubernetes.io/zone",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: { app: "db" } }
            }
          ],
          containers: [
            {
              name: "db",
              image: "docker.io/library/postgres:17",
              args: [`--key=${canaries.argument}`],
              env: [{ name: "KEY", value: canaries.environment }],
              envFrom: [{ secretRef: { name: "db-pass" } }, { configMapRef: { name: "db-conf" } }],
              volumeMounts: [{ name: "data", mountPath: "/data" }]
            }
          ]
        }
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "20Gi" } } }
        }
      ]
    }
  }
].map((object) => ({ ...object, metadata: { ...object.metadata, namespace: "shop" } }))

const nodes = ["a", "b", "c"].flatMap((zone) =>
  [1, 2].map((number) => ({
    name: `node-${zone}${number}`,
    zone: `eu-central-1${zone}`,
    labels: { "topology.kubectl-stateful.dev/rack": `r${number}` }
  }))
)

/** Members are frozen for some time each. */
const quiesce = ofFunctions({
  name: "db",
  guarantee: "blocks-writes",
  version: "1",
  deadline: 10_000,
  quiesce: ({ ordinal }) => Effect.sleep(100 * (ordinal + 1)),
  release: () => Effect.sleep(50),
  thaw: () => Effect.void
})

/** A hook that fails, and says too much. */
const join = { _tag: "Run", version: "1", run: () => Effect.fail({ message: chatter }) } as const

/** The storage is busy when the last volume of this snapshot is taken. */
const busyFor = "one-by-one-data-db-2"

/** Runs an effect while time passes quickly. */
const passing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
    return yield* Fiber.join(fiber)
  })

const eventOf = (sandbox: Shape, now: string) => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: "db-1.1", namespace: "shop" },
  involvedObject: {
    apiVersion: "v1",
    kind: "Pod",
    namespace: "shop",
    name: "db-1",
    uid: sandbox.registry.find(pods, "shop", "db-1").metadata.uid
  },
  type: "Warning",
  reason: "Unhealthy",
  message: chatter,
  count: 3,
  firstTimestamp: now,
  lastTimestamp: now
})

const story = Effect.gen(function* () {
  yield* TestClock.setTime(Date.parse("2026-11-28T09:00:00Z"))
  let isBusy = true
  const sandbox = yield* make({
    nodes,
    namespaces: ["shop"],
    startMillis: 300,
    nodeLifecycle: { graceMillis: 0 },
    storage: {
      fail: ({ name, about }) => {
        if (!isBusy || name !== "CreateSnapshot" || about !== busyFor) return undefined
        isBusy = false
        return "Unavailable: busy"
      }
    }
  })
  for (const object of objects) sandbox.create(object)
  yield* TestClock.adjust("5 seconds")
  const work = Effect.gen(function* () {
    const identity = "ann@laptop"
    yield* passing(Snapshot.take(db, { name: "nightly", consistency: "group", identity }))
    yield* TestClock.adjust("40 minutes")
    yield* passing(Snapshot.take(db, { name: "one-by-one", consistency: "crash", identity }))
    yield* TestClock.adjust("35 minutes")
    yield* passing(
      Snapshot.take(db, {
        name: "frozen",
        consistency: "quiesced",
        quiesce,
        allowUnboundedFreeze: true,
        identity
      })
    )
    yield* TestClock.adjust("15 minutes")
    yield* passing(Effect.ignore(Scale.scale(db, { replicas: 4, profile: { afterAdd: join }, identity })))
    sandbox.create(eventOf(sandbox, DateTime.formatIso(yield* DateTime.now)))
    sandbox.loseNode(sandbox.registry.find(pods, "shop", "db-1").spec.nodeName ?? "")
    yield* TestClock.adjust("2 minutes")
    return yield* Effect.flatMap(read(db), (state) => readReport({ state, checklist: answer(state) }))
  })
  return yield* Effect.provideService(work, Cluster, sandbox.cluster)
})

/** The report of that day. */
export const badDay = story.pipe(Effect.scoped, Effect.provide(TestClock.layer()))

const evil = `"'\`><script>alert(1)</script></title></style><img src=x onerror=alert(1)>\u202e\u001b[2J\u2028--><!--`

/** Words of our own, which decide how something is shown. */
const ours = new Set(["answer", "question", "disruption", "disruptions", "_tag", "kind"])

const spelled = (value: unknown, key = ""): unknown => {
  if (typeof value === "string") return ours.has(key) ? value : `${value}${evil}`
  if (Array.isArray(value)) return value.map((one) => spelled(one, key))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, spelled(each, name)]))
}

/** The same report, and in every text of it what would act on a page or a terminal. */
export const hostile = (report: Report): Report => ({
  ...(spelled(report) as Report),
  created: report.created
})
