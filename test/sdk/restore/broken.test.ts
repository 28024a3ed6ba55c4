/** Restores met by bad days, and by records and journals that somebody has forged. */
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import { type Request } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { newId } from "../../../packages/sdk/src/operation/Plan.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { pods, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { proverLabel } from "../../../packages/sdk/src/Labels.ts"
import { disproof, isOver } from "../../../packages/sdk/src/step/checkPodResult.ts"
import { decode, encode, type SnapshotRecord } from "../../../packages/sdk/src/step/record.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import { drive, ref, withCluster, type World } from "../../simulation/world.ts"
import { headOf, journalOf, stoppedStatus } from "../operation/journal.ts"
import {
  ann,
  bob,
  claimNamed,
  claimObject,
  neighbour,
  removeClaim,
  on,
  refusal,
  set,
  volumeNamed,
  volumeOf
} from "../scale/callers.ts"
import { replicasOf } from "../snapshot/world.ts"
import { assertNothingLost, claimNames, restore, snapshot, stateOf, withSnapshot, write } from "./world.ts"

const secret = { api: kinds.secrets, namespace: "shop", name: recordName("nightly") }

const dataOf = (world: World, name: string): string => {
  const found: unknown = world.sandbox.store.get(secrets, "shop", name)
  return String(Reflect.get(Object(Reflect.get(Object(found), "data")), "record"))
}

/** Writes the record as whoever may write Secrets can: it is immutable, and one that is made anew is not. */
const forgeRecord = (world: World, change: (record: SnapshotRecord) => Partial<SnapshotRecord>) =>
  Effect.gen(function* () {
    const record = decode([dataOf(world, secret.name)]) as SnapshotRecord
    const [data] = encode({ ...record, ...change(record) })
    const object = {
      metadata: { name: secret.name, namespace: "shop" },
      type: "kubectl-stateful.dev/snapshot.v1",
      data: { record: data }
    }
    yield* on(world)(Resource.remove(secret))
    yield* on(world)(Resource.create({ api: kinds.secrets, namespace: "shop" }, object))
  })

/** A pod of somebody else that mounts a claim. */
const podOn = (name: string, claim: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "shop" },
  spec: {
    restartPolicy: "Never",
    containers: [{ name: "main", image: "job:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim } }]
  }
})

describe("a record that somebody has written", () => {
  for (const count of [2.5, -1, 3e9, 1e9]) {
    it.effect(`with ${count} replicas is refused before anything is done`, () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        yield* forgeRecord(world, () => ({ replicas: { "StatefulSet/db": count } }))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(restore(world))))
        assert.strictEqual(stateOf(world), "after")
        const entries = yield* on(world)(Journal.list("shop", "db"))
        assert.deepEqual(
          entries.filter(({ plan }) => plan.verb === "restore"),
          []
        )
      })
    )
  }

  it.effect("that names one claim twice is refused before anything is made", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* forgeRecord(world, ({ cuts }) => ({ cuts: [...cuts, ...cuts] }))
      const { refusals } = yield* on(world)(Restore.prepare(snapshot))
      assert.match(refusals.map(({ reason }) => reason).join(), /data-db-0 is in the snapshot twice/)
    })
  )
})

describe("an undo", () => {
  it.effect("of a restore of a stopped application leaves it stopped", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* forgeRecord(world, () => ({ replicas: { "StatefulSet/db": 0 } }))
      yield* drive(on(world)(Scale.scale(ref, { replicas: 0, identity: ann })))
      const { id, outcome } = yield* restore(world)
      assert.strictEqual(outcome, "Succeeded")
      const at = { namespace: "shop", id: id ?? "" }
      yield* drive(on(world)(Restore.undo(at, { identity: ann })))
      assert.strictEqual(replicasOf(world), 0)
    })
  )
})

describe("before a restore", () => {
  it.effect(
    "a claim that somebody made by hand for a member that is not there now is a member's by its name",
    () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
        const target = { api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-2" }
        yield* on(world)(Resource.patch(target, { _tag: "Merge", value: { metadata: { labels: null } } }))
        const { id, outcome } = yield* restore(world)
        assert.strictEqual(outcome, "Succeeded")
        assert.strictEqual(stateOf(world), "before")
        assert.include(claimNames(world), `data-db-2-${id ?? ""}`)
        assertNothingLost(world, "after")
      })
  )

  it.effect("a claim that a finished pod still holds is refused, while the application runs", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const job = podOn("backup", "data-db-1")
      // A pod of this label ends when it has read its volumes.
      const metadata = { ...job.metadata, labels: { [proverLabel]: "x" } }
      const nodeName = world.sandbox.store.get(pods, "shop", "db-1")?.spec.nodeName
      world.sandbox.create({ ...job, metadata, spec: { ...job.spec, nodeName } })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(world.sandbox.store.get(pods, "shop", "backup")?.status.phase, "Succeeded")
      const { refusals } = yield* on(world)(Restore.prepare(snapshot))
      assert.match(refusals.map(({ reason }) => reason).join(), /data-db-1 is mounted by backup/)
      yield* Effect.exit(restore(world))
      assert.strictEqual(replicasOf(world), 3)
    })
  )
})

describe("an abort", () => {
  it.effect("keeps what pods have written that somebody else started before the last check", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const plan = yield* on(world)(Restore.prepare(snapshot))
      const last = "data-db-2"
      const isAttached = () =>
        volumeOf(world, last)?.spec.claimRef?.name === last &&
        claimNamed(world, `${last}-${plan.id}`) !== undefined &&
        claimNamed(world, `${last}-new-${plan.id}`) === undefined
      const inner = world.sandbox.cluster
      const cluster = {
        ...inner,
        request: (request: Parameters<typeof inner.request>[0]) =>
          Effect.suspend(() => (isAttached() ? Effect.die("killed") : inner.request(request)))
      }
      yield* Effect.exit(drive(withCluster(cluster)(Restore.run(plan, { identity: ann }))))
      assert.isTrue(isAttached())
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { replicas: 3 } } }))
      yield* drive(Effect.sleep("30 seconds"))
      assert.strictEqual(stateOf(world), "before")
      write(world, "written")
      const at = { namespace: "shop", id: plan.id }
      yield* Effect.exit(drive(on(world)(Restore.abort(at, { identity: bob }))))
      assert.strictEqual(stateOf(world), "after")
      assertNothingLost(world, "written")
    })
  )
})

describe("a journal that somebody has written", () => {
  const id = "8f3a8f3a"

  /** A claim of another application, with marks as whoever may write claims can put on it. */
  const withMoney = Effect.gen(function* () {
    const world = yield* withSnapshot()
    const marks = {
      labels: { "kubectl-stateful.dev/set-aside": "db" },
      annotations: {
        "kubectl-stateful.dev/made-by": id,
        "kubectl-stateful.dev/set-aside-by": id,
        "kubectl-stateful.dev/not-used-yet": id
      }
    }
    const claim = claimObject("money", "shop")
    world.sandbox.create({ ...claim, metadata: { ...claim.metadata, ...marks } })
    // Bound by a pod that came and went.
    world.sandbox.create(podOn("teller", "money"))
    yield* TestClock.adjust("10 seconds")
    yield* on(world)(Resource.remove({ api: kinds.pods, namespace: "shop", name: "teller" }))
    yield* TestClock.adjust("40 seconds")
    const name = claimNamed(world, "money")?.spec.volumeName ?? ""
    assert.notStrictEqual(name, "")
    const spec = { persistentVolumeReclaimPolicy: "Retain" }
    yield* on(world)(
      Resource.patch({ api: kinds.persistentvolumes, name }, { _tag: "Merge", value: { spec } })
    )
    const uid = claimNamed(world, "money")?.metadata.uid ?? ""
    return { world, money: { uid, volume: name } }
  })

  const forge = (
    world: World,
    verb: string,
    settings: object,
    steps: ReadonlyArray<object>,
    phase: string
  ) => {
    const { uid = "", generation } = world.sandbox.store.get(statefulsets, "shop", "db")?.metadata ?? {}
    const plan = { ...headOf(id, "db", uid, generation), verb, settings, steps }
    world.sandbox.create(journalOf(plan, { ...stoppedStatus(), phase }))
  }
  const settings = { set: "nightly", undoes: null, kept: [], allowEmpty: false }
  const at = { namespace: "shop", id }
  const admin = { identity: "admin" }

  const wholeOf = (world: World, volume: string) => {
    const found = volumeNamed(world, volume)
    return [found?.spec.claimRef?.name, found?.spec.persistentVolumeReclaimPolicy]
  }

  for (const [way, takeUp] of Object.entries({ resume: Restore.resume, abort: Restore.abort })) {
    it.effect(`deletes no claim of another application by ${way}, whatever marks it has`, () =>
      Effect.gen(function* () {
        const { world, money } = yield* withMoney
        const cut = { snapshot: "x", handle: null, volumeHandle: null, driver: "x", storageClass: null }
        const claim = { ...cut, as: "money", claim: "data-db-0", template: "data", ordinal: 0, size: "1Gi" }
        forge(world, "restore", settings, [{ _tag: "FillClaims", claims: [claim] }], "Stopped")
        yield* Effect.exit(drive(on(world)(takeUp(at, admin))))
        assert.deepEqual(wholeOf(world, money.volume), ["money", "Retain"])
      })
    )

    it.effect(`moves no volume of another application by ${way}, whatever marks its claim has`, () =>
      Effect.gen(function* () {
        const { world, money } = yield* withMoney
        const steps = [
          { _tag: "MoveVolume", from: "money", ...money, to: "money-8f3a8f3a", reclaimPolicy: "Delete" },
          { _tag: "AttachVolume", from: "money", ...money, to: "data-db-7" },
          { _tag: "HandOverPolicies", claims: [{ claim: "money", reclaimPolicy: "Delete" }] }
        ]
        for (const step of steps) {
          forge(world, "restore", settings, [step], "Stopped")
          yield* Effect.exit(drive(on(world)(takeUp(at, admin))))
          assert.deepEqual(wholeOf(world, money.volume), ["money", "Retain"], step._tag)
          const journal = { api: kinds.configmaps, namespace: "shop", name: `kubectl-stateful-${id}` }
          yield* on(world)(Resource.remove(journal))
        }
      })
    )

    it.effect(`purges no claim that has not the name of one that was set aside by ${way}`, () =>
      Effect.gen(function* () {
        const { world, money } = yield* withMoney
        const step = { _tag: "Purge", claim: "money", ...money, size: "1Gi" }
        forge(world, "scale", {}, [step], "Stopped")
        const scale = way === "abort" ? Scale.abort : Scale.resume
        yield* Effect.exit(drive(on(world)(scale(at, { ...admin, purge: true }))))
        assert.deepEqual(wholeOf(world, money.volume), ["money", "Retain"])
      })
    )
  }

  it.effect("gives an undo no volume of another application, whatever marks its claim has", () =>
    Effect.gen(function* () {
      const { world, money } = yield* withMoney
      const { uid, volume } = money
      const step = {
        _tag: "MoveVolume",
        from: "data-db-0",
        uid,
        volume,
        to: "money",
        reclaimPolicy: "Delete"
      }
      const one = { _tag: "SetReplicas", from: 1, to: 0, remember: 1 }
      forge(world, "restore", settings, [one, step], "Succeeded")
      const error = yield* refusal(on(world)(Restore.prepareUndo(at)))
      assert.match(
        error.message,
        /claim money, in which restore 8f3a8f3a kept the data of data-db-0, no longer exists/
      )
      assert.deepEqual(wholeOf(world, money.volume), ["money", "Retain"])
    })
  )
})

describe("a check pod", () => {
  const pod = (phase: string, ...containers: ReadonlyArray<readonly [string, object]>) => ({
    metadata: { name: "db-0-prove-1", uid: "1" },
    status: { phase, containerStatuses: containers.map(([name, state]) => ({ name, state })) }
  })
  const ended = (exitCode: number, reason = "Completed", message = "") => ({
    terminated: { exitCode, reason, message }
  })

  it("is over when its own container is, whatever a webhook has put beside it", () => {
    const found = pod("Running", ["mesh", {}], ["prove", ended(0)])
    assert.isTrue(isOver(found))
    assert.isNull(disproof(found, {}))
    assert.match(disproof(pod("Running", ["mesh", {}], ["prove", ended(2)]), {}) ?? "", /exit code 2/)
    assert.isFalse(isOver(pod("Running", ["mesh", ended(0)], ["prove", {}])))
  })

  it("with a profile's command is over with both, and what that finds counts", () => {
    const both = (...containers: Parameters<typeof pod> extends [string, ...infer C] ? C : never) => ({
      ...pod("Running", ...containers),
      spec: { containers: [{ name: "prove" }, { name: "verify" }] }
    })
    assert.isFalse(isOver(both(["prove", ended(0)], ["verify", {}])))
    assert.isNull(disproof(both(["prove", ended(0)], ["verify", ended(0)]), {}))
    const found = both(["prove", ended(0)], ["verify", ended(1, "Error", "reading\nblock 7 is damaged")])
    assert.strictEqual(disproof(found, {}), "not verified: block 7 is damaged (exit code 1)")
    // An image without a shell has its volumes mounted, and its command may run all the same.
    const bare = 'exec: "sh": executable file not found in $PATH'
    const shell = ended(128, "StartError", bare)
    assert.isNull(disproof(both(["prove", shell], ["verify", ended(0)]), {}))
    assert.match(disproof(both(["prove", shell], ["verify", ended(1)]), {}) ?? "", /exit code 1/)
  })

  it("whose volume could not be mounted has proven nothing", () => {
    const mount =
      'failed to create containerd task: OCI runtime create failed: error mounting "/var/lib/kubelet/pods/1/volumes/v" to rootfs at "/prove/data": no such file or directory'
    assert.match(disproof(pod("Failed", ["prove", ended(128, "StartError", mount)]), {}) ?? "", /mounting/)
    const bare = 'runc create failed: exec: "sh": executable file not found in $PATH: unknown'
    assert.isNull(disproof(pod("Failed", ["prove", ended(128, "StartError", bare)]), {}))
  })
})

describe("a record that unpacks to more than a record may", () => {
  it("is damaged, and fills no memory", () => {
    const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024)).toString("base64")
    assert.throws(() => decode([bomb]), /larger than 268435456 bytes/)
  })
})

describe("an operation's id", () => {
  it.effect("has a letter: what is set aside by it is no claim of a StatefulSet with such a name", () =>
    Effect.gen(function* () {
      const ids = yield* Effect.all(Array.from({ length: 2000 }, () => newId))
      assert.deepEqual(
        ids.filter((id) => !/^(?=.*[a-f])[0-9a-f]{8}$/.test(id)),
        []
      )
    })
  )
})

describe("a check pod that is done", () => {
  it.effect("is waited for as long as its kubelet takes to end it", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const held = (finalizers: ReadonlyArray<string>) =>
        Effect.suspend(() => {
          const checkPods = world.sandbox.store
            .list(pods, "shop")
            .filter(({ metadata }) => metadata.name.includes("prove"))
          return Effect.forEach(checkPods, ({ metadata: { name } }) =>
            Resource.patch(
              { api: kinds.pods, namespace: "shop", name },
              { _tag: "Merge", value: { metadata: { finalizers } } }
            )
          )
        })
      const ends = ({ method, path }: Request) => method === "DELETE" && path.includes("prove")
      const lets = Effect.ignore(on(world)(Effect.delay(held([]), "20 seconds")))
      const cluster = neighbour(
        world,
        ends,
        Effect.andThen(held(["x.example.com/held"]), Effect.forkDetach(lets))
      )
      const run = Restore.restore(snapshot, { identity: ann })
      const { outcome, unmet } = yield* drive(withCluster(cluster)(run))
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(stateOf(world), "before")
    })
  )
})

describe("a copy whose claim somebody deletes", () => {
  it.effect("is named by the abort: its volume keeps reclaim policy Retain", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const plan = yield* on(world)(Restore.prepare(snapshot))
      const staged = `data-db-2-new-${plan.id}`
      const inner = world.sandbox.cluster
      const isStopped = () => replicasOf(world) === 0
      const cluster = {
        ...inner,
        request: (request: Parameters<typeof inner.request>[0]) =>
          Effect.suspend(() => (isStopped() ? Effect.die("killed") : inner.request(request)))
      }
      yield* Effect.exit(drive(withCluster(cluster)(Restore.run(plan, { identity: ann }))))
      const volume = claimNamed(world, staged)?.spec.volumeName ?? ""
      yield* on(world)(removeClaim(staged))
      yield* drive(Effect.sleep("10 seconds"))
      const at = { namespace: "shop", id: plan.id }
      const { outcome, unmet } = yield* drive(on(world)(Restore.abort(at, { identity: bob })))
      assert.strictEqual(volumeNamed(world, volume)?.status.phase, "Released")
      assert.strictEqual(outcome, "Incomplete")
      assert.include(unmet.join(), volume)
      assert.strictEqual(stateOf(world), "after")
    })
  )
})
