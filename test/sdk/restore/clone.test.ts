/** Restoring as another application: it has the state of the cut, and is kept from the one that it was copied from. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import * as RestoreRelease from "../../../packages/sdk/src/RestoreRelease.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { pods, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { decode, encode, type SnapshotRecord } from "../../../packages/sdk/src/step/record.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import { drive, type World, withCluster } from "../../simulation/world.ts"
import { ann, bob, neighbour, on, refusal } from "../scale/callers.ts"
import {
  assertGone,
  clone,
  cloneInto,
  elsewhere,
  fences,
  marks,
  namespaceNamed,
  snapshot,
  stateOf,
  withSnapshot
} from "./cloneWorld.ts"

const reasons = (world: World, options: RestoreClone.CloneOptions) =>
  Effect.map(on(world)(RestoreClone.prepare(snapshot, options)), ({ refusals }) =>
    refusals.map(({ reason }) => reason).join("; ")
  )

describe("a restore as another name", () => {
  it.effect("has the state of the cut, labels of its own and a fence, and leaves its source as it is", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const { outcome, unmet } = yield* clone(world)
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.deepEqual(marks(world, "shop", "copy"), [
        "before data-db-0",
        "before data-db-1",
        "before data-db-2"
      ])
      assert.strictEqual(stateOf(world), "after")
      assert.lengthOf(fences(world, "shop"), 1)
      const set = world.sandbox.store.get(statefulsets, "shop", "copy")
      assert.deepEqual(set?.spec.selector.matchLabels, { app: "copy" })
      assert.strictEqual(set?.spec.template.metadata?.labels?.["app"], "copy")
      const entries = yield* on(world)(Journal.list("shop"))
      assert.isNotEmpty(entries.filter(({ plan }) => plan.verb === "clone"))
      assert.notInclude(JSON.stringify(entries), "bm9ib2R5", "a Secret's value in a journal")
      const left = world.sandbox.store.list(pods, "shop").map(({ metadata }) => metadata.name)
      assert.deepEqual(left.toSorted(), ["copy-0", "copy-1", "copy-2", "db-0", "db-1", "db-2"])
    })
  )

  it.effect("is let out by a release, and only by that", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const { id } = yield* clone(world)
      const at = { namespace: "shop", id: id ?? "" }
      const plan = yield* on(world)(RestoreRelease.prepare(at))
      const { outcome } = yield* drive(on(world)(RestoreRelease.run(plan, { identity: ann })))
      assert.strictEqual(outcome, "Succeeded")
      assert.deepEqual(fences(world, "shop"), [])
      const { message } = yield* refusal(on(world)(RestoreRelease.prepare(at)))
      assert.match(message, /has no isolation/)
    })
  )

  it.effect("leaves nothing where the network does not enforce its fence", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ enforces: false })
      const { reason, message } = yield* refusal(clone(world))
      assert.strictEqual(reason._tag, "Unfenced", message)
      assertGone(world, "shop", "copy")
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("needs no network that enforces anything where it may do without a fence", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ enforces: false })
      const { outcome } = yield* clone(world, { noFence: true })
      assert.strictEqual(outcome, "Succeeded")
      assert.deepEqual(fences(world, "shop"), [])
    })
  )
})

describe("a restore into another namespace", () => {
  it.effect("brings the cuts there, takes them away again, and never lets go of what is in the storage", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const before = world.sandbox.store.list(volumesnapshotcontents).map(({ metadata }) => metadata.name)
      const policies = new Set<string>()
      const stop = world.sandbox.store.listen(({ type, object }) => {
        if (type !== volumesnapshotcontents || before.includes(object.metadata.name)) return
        policies.add(String(Reflect.get(Object(Reflect.get(object, "spec")), "deletionPolicy")))
      })
      const { outcome, unmet } = yield* cloneInto(world, {})
      stop()
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.deepEqual(marks(world, elsewhere, "db"), [
        "before data-db-0",
        "before data-db-1",
        "before data-db-2"
      ])
      assert.deepEqual([...policies], ["Retain"])
      const after = world.sandbox.store.list(volumesnapshotcontents).map(({ metadata }) => metadata.name)
      assert.deepEqual(after, before)
      assert.deepEqual(world.sandbox.store.list(volumesnapshots, elsewhere), [])
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("is refused where the namespace is not there", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      assert.match(yield* reasons(world, { toNamespace: "nowhere" }), /namespace nowhere not found/)
    })
  )
})

const service = (selector: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "all", namespace: "shop" },
  spec: { selector, ports: [{ port: 1 }] }
})

const policy = (spec: object) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "lets", namespace: "shop" },
  spec
})

const budget = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "all", namespace: "shop" },
  spec: { maxUnavailable: 1, selector: {} }
}

describe("a restore as another name is refused", () => {
  const cases: ReadonlyArray<readonly [string, object, RegExp | null]> = [
    ["a Service that would send to it", service({ "apps.kubernetes.io/pod-index": "1" }), /service "all"/],
    ["a budget that would count it", budget, /poddisruptionbudget "all"/],
    [
      "a policy that lets it talk to its source",
      policy({ podSelector: {}, egress: [{ to: [{ podSelector: { matchLabels: { app: "db" } } }] }] }),
      /networkpolicy "lets"/
    ],
    [
      "a policy that lets its source talk to it",
      policy({ podSelector: {}, policyTypes: ["Ingress"], ingress: [{}] }),
      /networkpolicy "lets"/
    ],
    ["a policy that only denies", policy({ podSelector: {}, policyTypes: ["Ingress", "Egress"] }), null],
    [
      "a policy that lets it talk to others",
      policy({ podSelector: {}, egress: [{ to: [{ podSelector: { matchLabels: { app: "mail" } } }] }] }),
      null
    ],
    ["a Service of its source alone", service({ app: "db" }), null]
  ]
  for (const [what, object, expected] of cases) {
    it.effect(`${expected === null ? "not for" : "for"} ${what}`, () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        world.sandbox.create(object as never)
        const found = yield* reasons(world, { as: "copy" })
        if (expected === null) assert.strictEqual(found, "")
        else assert.match(found, expected)
      })
    )
  }

  it.effect("for a name that is taken, or none", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      assert.match(yield* reasons(world, { as: "db" }), /db is the source itself/)
      assert.match(yield* reasons(world, { as: "No" }), /"No" is not a valid name/)
      yield* clone(world)
      assert.match(yield* reasons(world, { as: "copy" }), /StatefulSet\/copy already exists/)
    })
  )
})

const secret = { api: kinds.secrets, namespace: "shop", name: recordName("nightly") }

/** Writes the record as whoever may write Secrets can, immutable or not. */
const forge = (
  world: World,
  immutable: boolean,
  change: (record: SnapshotRecord) => Partial<SnapshotRecord>
) =>
  Effect.gen(function* () {
    const found: unknown = world.sandbox.store.get(secrets, "shop", secret.name)
    const text = String(Reflect.get(Object(Reflect.get(Object(found), "data")), "record"))
    const record = decode([text]) as SnapshotRecord
    const [data] = encode({ ...record, ...change(record) })
    yield* on(world)(Resource.remove(secret))
    yield* on(world)(
      Resource.create(
        { api: kinds.secrets, namespace: "shop" },
        {
          metadata: { name: secret.name },
          type: "kubectl-stateful.dev/snapshot.v1",
          data: { record: data },
          immutable
        }
      )
    )
  })

const pod = { volumes: [{ name: "root", hostPath: { path: "/" } }] }

describe("a record that somebody has written", () => {
  it.effect("is refused where it can be changed between the plan and the run", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* forge(world, false, () => ({}))
      assert.match(yield* reasons(world, { as: "copy" }), /not immutable/)
    })
  )

  it.effect("makes no object of a kind that a snapshot does not hold", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const role = {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        metadata: { name: "all" }
      }
      yield* forge(world, true, ({ objects }) => ({ objects: [...objects, role] }))
      const plan = yield* on(world)(RestoreClone.prepare(snapshot, { as: "copy" }))
      assert.notInclude(JSON.stringify(plan.settings), "RoleBinding")
      assert.match(plan.warnings.join(), /RoleBinding\/all is left out/)
    })
  )

  it.effect("brings no pod into its node unless that is allowed", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* forge(world, true, ({ objects }) => ({
        objects: objects.map((object) => {
          if (object["kind"] !== "StatefulSet") return object
          const copy = structuredClone(object) as {
            readonly spec: { readonly template: { readonly spec: object } }
          }
          Object.assign(copy.spec.template.spec, pod)
          return { ...copy }
        })
      }))
      assert.match(yield* reasons(world, { as: "copy" }), /volume root is hostPath/)
      assert.strictEqual(yield* reasons(world, { as: "copy", hostAccess: true }), "")
    })
  )

  it.effect("mounts no storage beside its claims that its source has as well, unless that is allowed", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const volumes = [
        { name: "shared", nfs: { server: "10.0.0.9", path: "/prod" } },
        { name: "inline", csi: { driver: "secrets-store.csi.k8s.io" } },
        { name: "scratch", emptyDir: {} }
      ]
      yield* forge(world, true, ({ objects }) => ({
        objects: objects.map((object) => {
          const copy = structuredClone(object) as {
            readonly spec: { readonly template: { readonly spec: object } }
          }
          if (object["kind"] === "StatefulSet") Object.assign(copy.spec.template.spec, { volumes })
          return { ...copy }
        })
      }))
      const said = yield* reasons(world, { as: "copy" })
      assert.match(said, /volume shared is nfs; .*volume inline is csi/)
      assert.notInclude(said, "scratch")
    })
  )

  it.effect("restores no claim of another application", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* forge(world, true, ({ cuts }) => ({
        cuts: cuts.map((cut) => ({ ...cut, claim: cut.claim.replace("db", "other") }))
      }))
      assert.match(
        yield* reasons(world, { as: "copy" }),
        /data-other-0 does not belong to a volume claim template of db/
      )
    })
  )

  it.effect("restores no cut but the live one of its claim", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* namespaceNamed(world, elsewhere)
      yield* forge(world, true, ({ cuts }) => ({
        cuts: cuts.map((cut) => ({ ...cut, snapshotHandle: "somebody-elses" }))
      }))
      assert.match(
        yield* reasons(world, { toNamespace: elsewhere }),
        /has another snapshot handle than the recorded one/
      )
    })
  )

  it.effect("that was replaced since the plan is not used", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const plan = yield* on(world)(RestoreClone.prepare(snapshot, { as: "copy" }))
      yield* forge(world, true, () => ({}))
      const { message } = yield* refusal(drive(on(world)(RestoreClone.run(plan, { identity: ann }))))
      assert.match(message, /not the one that was planned with/)
      assertGone(world, "shop", "copy")
    })
  )
})

describe("a fence that somebody opens", () => {
  it.effect("once it is proven, starts nothing behind it", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const open = Effect.suspend(() => {
        const [name = ""] = fences(world, "shop")
        const value = { spec: { egress: [{}] } }
        const at = { api: Resource.networkPolicies, namespace: "shop", name }
        return Resource.patch(at, { _tag: "Merge", value })
      })
      // Its pods go once they have proven it.
      const cluster = neighbour(
        world,
        ({ method, path }) => method === "DELETE" && path.includes("-behind-fence-"),
        open
      )
      const run = RestoreClone.clone(snapshot, { as: "copy", identity: ann })
      const { message } = yield* refusal(drive(withCluster(cluster)(run)))
      assert.match(message, /another client changed networkpolicy copy-fence-/)
      assert.isUndefined(world.sandbox.store.get(statefulsets, "shop", "copy"))
      const left = world.sandbox.store.list(pods, "shop").map(({ metadata }) => metadata.name)
      assert.deepEqual(
        left.filter((name) => name.startsWith("copy-")),
        []
      )
    })
  )
})

describe("a label by which a copy is isolated", () => {
  it.effect("starts nothing where a webhook took it off the pod template", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const inner = world.sandbox.cluster
      const cluster: typeof inner = {
        ...inner,
        request: (request) => {
          if (request.method !== "POST" || !request.path.endsWith("/statefulsets"))
            return inner.request(request)
          const body = (request.body ?? "").replace(/"kubectl-stateful.dev\/restored-by":"\w+",?/, "")
          return inner.request({ ...request, body: body.replaceAll(",}", "}") })
        }
      }
      const run = RestoreClone.clone(snapshot, { as: "copy", identity: ann })
      const { message } = yield* refusal(drive(withCluster(cluster)(run)))
      assert.match(message, /pod template of copy has lost the label kubectl-stateful.dev\/restored-by/)
      assert.notInclude(world.log.join(), "create copy-")
    })
  )

  it.effect("is no success where a webhook took it off the pods", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const stop = world.sandbox.store.listen(({ type, kind, object }) => {
        if (type !== pods || kind !== "ADDED" || !/^copy-\d$/.test(object.metadata.name)) return
        const labels = { ...object.metadata.labels }
        delete labels["kubectl-stateful.dev/restored-by"]
        world.sandbox.registry.update(pods, "shop", object.metadata.name, (pod) => ({
          ...pod,
          metadata: { ...pod.metadata, labels }
        }))
      })
      const { outcome, unmet } = yield* clone(world)
      stop()
      assert.strictEqual(outcome, "Incomplete")
      assert.match(unmet.join(), /pod copy-0 has lost the label .*: nothing isolates copy from its source/)
    })
  )
})

describe("an operation that makes a copy", () => {
  it.effect("is resumed only by who names what it makes, and from where", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* namespaceNamed(world, elsewhere)
      const plan = yield* on(world)(RestoreClone.prepare(snapshot, { toNamespace: elsewhere }))
      const inner = world.sandbox.cluster
      const isMade = () => world.sandbox.store.get(statefulsets, elsewhere, "db") !== undefined
      const cluster = {
        ...inner,
        request: (request: Parameters<typeof inner.request>[0]) =>
          Effect.suspend(() => (isMade() ? Effect.die("killed") : inner.request(request)))
      }
      yield* Effect.exit(drive(withCluster(cluster)(RestoreClone.run(plan, { identity: ann }))))
      assert.isTrue(isMade())
      const at = { namespace: elsewhere, id: plan.id }
      const { reason, action } = yield* refusal(drive(on(world)(RestoreClone.resume(at, { identity: bob }))))
      assert.strictEqual(reason._tag, "Mismatch")
      assert.match(action ?? "", /--clone db --allow-namespace shop/)
      const consent = { clone: "db", namespaces: ["shop"] }
      const { outcome } = yield* drive(on(world)(RestoreClone.resume(at, { identity: bob, ...consent })))
      assert.strictEqual(outcome, "Succeeded")
      assert.deepEqual(marks(world, elsewhere, "db"), [
        "before data-db-0",
        "before data-db-1",
        "before data-db-2"
      ])
    })
  )
})
