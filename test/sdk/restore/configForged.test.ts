/** What a restore of the configuration refuses, leaves and names: a record is what somebody wrote into a Secret. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { configmaps, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { encode, type SnapshotRecord } from "../../../packages/sdk/src/step/record.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import { readRecord, readWhole } from "../../../packages/sdk/src/step/recordList.ts"
import { secretOf } from "../../../packages/sdk/src/step/recordWrite.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { headOf, journalOf, stoppedStatus } from "../operation/journal.ts"
import { ann, neighbour, on, refusal } from "../scale/callers.ts"
import { configMap, configOf, merge, target, withConfig } from "./configured.ts"
import { restore, snapshot, stateOf } from "./world.ts"

type Manifest = SnapshotRecord["objects"][number]

/** Puts another record in the place of the snapshot's, as whoever may write Secrets can. */
const forge = (
  world: World,
  change: (objects: ReadonlyArray<Manifest>) => ReadonlyArray<Manifest>,
  sealed = true
) =>
  Effect.gen(function* () {
    const record = yield* on(world)(readRecord("shop", "nightly"))
    if (record === null) return assert.fail("no record")
    const name = recordName("nightly")
    yield* on(world)(Resource.remove(target("Secret", name)))
    const { metadata, immutable, ...rest } = secretOf({ plan: { id: "0a0b0c0d" } }, "nightly", 1, 1)
    const [part = ""] = encode({ ...record, objects: change(record.objects) })
    const data = { record: part }
    return yield* on(world)(
      Resource.create(
        { api: kinds.secrets, namespace: "shop" },
        { ...rest, ...(sealed ? { immutable } : {}), metadata: { ...metadata, name }, data }
      )
    )
  })

/** The record with other fields in its pod's spec. */
const withSpec = (fields: object) => (objects: ReadonlyArray<Manifest>) =>
  objects.map((object) => {
    if (object["kind"] !== "StatefulSet") return object
    const { spec } = object as { readonly spec: { readonly template: { readonly spec: object } } }
    const template = { ...spec.template, spec: { ...spec.template.spec, ...fields } }
    return { ...object, spec: { ...spec, template } }
  })

const refusals = (world: World, options: Restore.RestoreOptions = {}) =>
  Effect.map(on(world)(Restore.prepare(snapshot, { only: "config", ...options })), (plan) =>
    plan.refusals.map(({ reason }) => reason).join("\n")
  )

describe("a record that somebody else wrote", () => {
  it.effect("gives pods no rights that they do not have, unless that is allowed", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      yield* forge(
        world,
        withSpec({
          serviceAccountName: "admin",
          hostPID: true,
          volumes: [
            { name: "root", hostPath: { path: "/" } },
            { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }
          ]
        })
      )
      const said = yield* refusals(world)
      for (const part of ["serviceAccountName", "hostPID", "root (hostPath)", "token (projected)"])
        assert.include(said, part)
      assert.strictEqual(yield* refusals(world, { allowPrivileged: true }), "")
      yield* refusal(restore(world, { only: "config" }))
      assert.strictEqual(configOf(world), "after")
    })
  )

  it.effect("gives pods no port of their node, and no label or annotation that others go by", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      yield* forge(world, (objects) =>
        objects.map((object) => {
          if (object["kind"] !== "StatefulSet") return object
          const copy = structuredClone(object) as {
            readonly spec: {
              readonly template: {
                readonly metadata: { labels?: object; annotations?: object }
                readonly spec: { readonly containers: readonly [{ ports?: ReadonlyArray<object> }] }
              }
            }
          }
          const { metadata, spec } = copy.spec.template
          spec.containers[0].ports = [{ containerPort: 22, hostPort: 22 }]
          metadata.labels = { ...metadata.labels, tier: "payments", "helm.sh/chart": "db-1" }
          metadata.annotations = { "iam.amazonaws.com/role": "admin", "checksum/config": "x" }
          return { ...copy }
        })
      )
      const said = yield* refusals(world)
      assert.match(said, /: db.hostPort 22, annotation iam.amazonaws.com\/role, label tier$/m)
    })
  )

  it.effect("makes no object of a kind or a type that means something to the cluster", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      yield* on(world)(Resource.remove(target("Secret", "pass")))
      yield* forge(world, (objects) => [
        ...objects.map((object) =>
          object["kind"] === "Secret" ? { ...object, type: "kubernetes.io/service-account-token" } : object
        ),
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "admin" } },
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "elsewhere" }, data: { a: "b" } }
      ])
      assert.match(
        yield* refusals(world),
        /Secret\/pass was deleted, and is of type kubernetes.io\/service-account-token/
      )
      const plan = yield* on(world)(Restore.prepare(snapshot, { only: "config" }))
      assert.notInclude(JSON.stringify(plan), "admin")
      assert.notInclude(JSON.stringify(plan), "elsewhere")
    })
  )

  it.effect("touches no ConfigMap of another application: what it holds gets a name of its own", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      configMap(world, "theirs", { data: { a: "theirs" } })
      yield* forge(world, (objects) =>
        withSpec({
          volumes: [{ name: "stolen", configMap: { name: "theirs" } }]
        })([
          ...objects,
          { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "theirs" }, data: { a: "forged" } }
        ])
      )
      const { id, outcome, unmet } = yield* restore(world, { only: "config" })
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      const of = (name: string) =>
        Reflect.get(Object(world.sandbox.store.get(configmaps, "shop", name)), "data")
      assert.deepEqual(of("theirs"), { a: "theirs" })
      assert.deepEqual(of(`theirs-${id}`), { a: "forged" })
    })
  )

  it.effect("mounts no Secret that the application does not name and the record does not hold", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      world.sandbox.create({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "theirs", namespace: "shop" }
      })
      yield* forge(world, withSpec({ volumes: [{ name: "stolen", secret: { secretName: "theirs" } }] }))
      assert.match(yield* refusals(world), /Secret\/theirs, which it does not name now/)
      const mounting = { name: "setup", image: "app", volumeMounts: [{ name: "lost", mountPath: "/lost" }] }
      const lost = { name: "lost", secret: { secretName: "nobodys" } }
      yield* forge(world, withSpec({ volumes: [lost], initContainers: [mounting] }))
      assert.match(yield* refusals(world), /needs Secret\/nobodys, which neither exists nor is in the record/)
    })
  )

  it.effect("is not gone by where it could be changed between the plan and the write", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      const plan = yield* on(world)(Restore.prepare(snapshot, { only: "config" }))
      yield* forge(world, (objects) => objects)
      const error = yield* refusal(drive(on(world)(Restore.run(plan, { identity: ann }))))
      assert.match(error.message, /is not the record that this was planned with/)
      assert.strictEqual(configOf(world), "after")
      yield* forge(world, (objects) => objects, false)
      assert.match(yield* refusals(world), /could be changed at any moment/)
    })
  )
})

describe("a journal of a restore of the configuration that somebody else wrote", () => {
  const id = "8f3a8f3a"
  const created = "2026-11-28T00:00:00Z"

  /** What an administrator's resume of it ends in. */
  const resumed = (
    world: World,
    objects: ReadonlyArray<object>,
    step: object,
    options: Restore.RestoreRun = {}
  ) =>
    Effect.gen(function* () {
      const { uid = "", generation } = world.sandbox.store.get(statefulsets, "shop", "db")?.metadata ?? {}
      const from = { set: "nightly", parts: (yield* on(world)(readWhole("shop", "nightly")))?.parts ?? [] }
      const settings = { set: "nightly", undoes: null, kept: [], allowEmpty: false }
      const steps = [
        { _tag: "RecordBefore", created, objects, made: [] },
        { from, ...step }
      ]
      const plan = { ...headOf(id, "db", uid, generation), verb: "restore", settings, steps }
      world.sandbox.create(journalOf(plan, { ...stoppedStatus(), phase: "Stopped" }))
      const run = Restore.resume(
        { namespace: "shop", id },
        { identity: "admin", stepTimeout: 60_000, ...options }
      )
      return yield* drive(on(world)(run))
    })
  const templateStep = { _tag: "PutTemplate", renames: [], restart: null, rolls: false }
  const secret = (world: World, name: string) =>
    Effect.gen(function* () {
      world.sandbox.create({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "shop" } })
      yield* merge(world, target("Secret", name), { data: { password: "dGhlaXJz" } })
      const { uid, resourceVersion } = (yield* on(world)(Resource.getObject(target("Secret", name)))).metadata
      return { kind: "Secret", name, uid, resourceVersion }
    })

  it.effect("gives pods no rights that they do not have, unless whoever resumes it allows that", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      yield* forge(world, withSpec({ hostPID: true }))
      const error = yield* refusal(resumed(world, [], templateStep))
      assert.match(error.message, /gives the pods of db additional privileges.*: hostPID/)
      const podOf = () => world.sandbox.store.get(statefulsets, "shop", "db")?.spec.template.spec
      assert.notProperty(podOf(), "hostPID")
      const run = { identity: "admin", allowPrivileged: true }
      yield* drive(on(world)(Restore.resume({ namespace: "shop", id }, run)))
      assert.property(podOf(), "hostPID")
    })
  )

  it.effect("mounts no Secret of another application in the place of its own", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      yield* secret(world, "theirs")
      const renames = [{ kind: "Secret", from: "pass", to: "theirs" }]
      const error = yield* refusal(resumed(world, [], { ...templateStep, renames }))
      assert.match(error.message, /Secret\/theirs, which it does not name now/)
      assert.strictEqual(configOf(world), "after")
    })
  )

  it.effect(
    "writes no value of a record into a Secret of another application, and makes none of that name",
    () =>
      Effect.gen(function* () {
        const world = yield* withConfig()
        const theirs = yield* secret(world, "theirs")
        const changes = [{ ...theirs, of: "pass", goes: false, keys: [] }]
        const error = yield* refusal(resumed(world, [theirs], { _tag: "PutConfig", changes }))
        assert.match(
          error.message,
          /writes secret "theirs", as its journal says, which does not belong to db/
        )
        const { data } = (yield* on(world)(Resource.getObject(target("Secret", "theirs")))) as {
          readonly data?: object
        }
        assert.deepEqual(data, { password: "dGhlaXJz" })
        const journal = { api: kinds.configmaps, namespace: "shop", name: `kubectl-stateful-${id}` }
        yield* on(world)(Resource.remove(journal))
        const one = { kind: "Secret", name: "stolen", uid: null, resourceVersion: null }
        yield* refusal(
          resumed(world, [], { _tag: "PutConfig", changes: [{ ...one, of: "pass", goes: false, keys: [] }] })
        )
        assert.isUndefined(world.sandbox.store.get(secrets, "shop", "stolen"))
      })
  )
})

describe("a restore of the configuration", () => {
  it.effect("says who else writes or uses an object, and writes it only with --force-conflicts", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      const labels = { "argocd.argoproj.io/instance": "shop" }
      yield* merge(world, target("ConfigMap", "conf"), { metadata: { labels } })
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "reader", namespace: "shop" },
        spec: { containers: [{ name: "main", image: "x:1", envFrom: [{ secretRef: { name: "pass" } }] }] }
      }
      world.sandbox.create(pod)
      const said = yield* refusals(world)
      assert.include(said, "Application.argoproj.io/shop also writes ConfigMap/conf (labels)")
      assert.include(said, "Secret/pass is also used by Pod/reader")
      assert.strictEqual(yield* refusals(world, { forceConflicts: true }), "")
    })
  )

  it.effect("writes nothing over what changed since it was planned", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      const plan = yield* on(world)(Restore.prepare(snapshot, { withConfig: true }))
      yield* merge(world, target("ConfigMap", "conf"), { data: { a: "changed" } })
      const error = yield* refusal(drive(on(world)(Restore.run(plan, { identity: ann }))))
      assert.match(error.message, /configmap "conf" was changed since this was planned/)
      const id = /abort ([0-9a-f]{8})/.exec(error.action ?? "")?.[1] ?? ""
      const ended = yield* drive(on(world)(Restore.abort({ namespace: "shop", id }, { identity: ann })))
      assert.strictEqual(ended.outcome, "Aborted", ended.unmet.join())
      assert.strictEqual(stateOf(world), "after")
      const found = world.sandbox.store.get(configmaps, "shop", "conf")
      assert.deepEqual(Reflect.get(Object(found), "data"), { a: "changed", c: "new" })
    })
  )

  it.effect("aborts around what somebody else changed meanwhile: that is left, and named", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      const isTemplate = (request: { readonly method: string; readonly body?: unknown }) =>
        request.method === "PATCH" && JSON.stringify(request.body ?? "").includes("/spec/template")
      let wrote = 0
      // Once for the rehearsal before it begins, and then for good.
      const cluster = neighbour(
        world,
        (request) => isTemplate(request) && ++wrote === 2,
        Effect.andThen(
          merge(world, target("Secret", "pass"), { data: { password: "c29tZWJvZHk=" } }),
          Effect.interrupt
        )
      )
      yield* drive(
        Effect.exit(withCluster(cluster)(Restore.restore(snapshot, { withConfig: true, identity: ann })))
      )
      const plan = yield* on(world)(Restore.prepare(snapshot))
      const { refusals: open } = yield* on(world)(Restore.dryRun(plan, "client"))
      const id = /abort ([0-9a-f]{8})/.exec(open[0]?.remedy ?? "")?.[1] ?? ""
      const ended = yield* drive(on(world)(Restore.abort({ namespace: "shop", id }, { identity: ann })))
      assert.strictEqual(ended.outcome, "Incomplete")
      assert.match(
        ended.unmet.join(),
        /secret "pass" was changed by another client in the meantime, and left as it is/
      )
      const kept = world.sandbox.store.get(secrets, "shop", recordName(`before-${id}`))
      assert.isDefined(kept, "what was there before is kept")
      assert.strictEqual(stateOf(world), "after")
      const found = world.sandbox.store.get(configmaps, "shop", "conf")
      assert.deepEqual(Reflect.get(Object(found), "data"), { a: "after", c: "new" })
    })
  )
})
