/** Somebody else does one legal act before one request of a restore of the configuration. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { configmaps, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import { configBeforeAnnotation } from "../../../packages/sdk/src/Labels.ts"
import { readRecord } from "../../../packages/sdk/src/step/recordList.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on, set } from "../scale/callers.ts"
import { configMap, merge, target, withConfig } from "./configured.ts"
import { snapshot } from "./world.ts"

/** A fixed part of all points; `RESTORE_EVERY=1` takes each of them (`npm run prove -- restore`). */
const every = Number(process.env["RESTORE_EVERY"] ?? 149)

interface Act {
  readonly name: string
  readonly does: (world: World) => Effect.Effect<unknown, unknown, Cluster>
  /** What it writes must be somewhere in the end. */
  readonly writes?: string
}

const beforeOf = (world: World) =>
  world.sandbox.store
    .list(secrets, "shop")
    .find(({ metadata }) => metadata.name.startsWith(recordName("before-")))

const template = (fields: object) => ({ spec: { template: { metadata: { annotations: fields } } } })

const acts: ReadonlyArray<Act> = [
  {
    name: "edit the ConfigMap",
    writes: "stranger",
    does: (world) => merge(world, target("ConfigMap", "conf"), { data: { a: "stranger" } })
  },
  { name: "delete the ConfigMap", does: () => Resource.remove(target("ConfigMap", "conf")) },
  {
    name: "recreate the ConfigMap",
    writes: "stranger",
    does: (world) =>
      Effect.map(Resource.remove(target("ConfigMap", "conf")), () =>
        configMap(world, "conf", { data: { a: "stranger" } })
      )
  },
  {
    name: "edit the pod template",
    writes: "stranger",
    does: (world) => merge(world, set, template({ by: "stranger" }))
  },
  {
    name: "take the pin off",
    does: (world) => merge(world, set, { metadata: { annotations: { [configBeforeAnnotation]: null } } })
  },
  {
    name: "delete the record of what was before",
    does: (world) => {
      const found = beforeOf(world)
      return found === undefined ? Effect.void : Resource.remove(target("Secret", found.metadata.name))
    }
  },
  {
    name: "delete the snapshot's record",
    does: () => Resource.remove(target("Secret", recordName("nightly")))
  },
  {
    name: "a ConfigMap of the new name",
    writes: "stranger",
    does: (world) => {
      const journal = world.sandbox.store
        .list(configmaps, "shop")
        .find(({ metadata }) => /^kubectl-stateful-[0-9a-f]{8}$/.test(metadata.name))
      const id = journal?.metadata.name.slice(-8)
      return Effect.sync(() => {
        if (id !== undefined) configMap(world, `fixed-${id}`, { data: { a: "stranger" } })
      })
    }
  }
]

/** Everything that is written anywhere: in objects, and in records. */
const allText = (world: World) =>
  Effect.gen(function* () {
    const records = yield* Effect.forEach(
      world.sandbox.store
        .list(secrets, "shop")
        .flatMap(({ metadata }) => /^kubectl-stateful\.snapshot\.(.+)$/.exec(metadata.name)?.[1] ?? []),
      (name) => on(world)(readRecord("shop", name))
    )
    return JSON.stringify([
      world.sandbox.store.list(configmaps, "shop"),
      world.sandbox.store.list(statefulsets, "shop"),
      records
    ])
  })

const attempt = (act: Act, index: number) =>
  Effect.gen(function* () {
    const world = yield* withConfig({ replicas: 3 })
    let requests = 0
    let lastLook = 0
    let hasActed = false
    const inner = world.sandbox.cluster
    const cluster: Cluster["Service"] = {
      ...inner,
      request: (request) =>
        Effect.suspend(() => {
          requests += 1
          if (request.path.endsWith("/configmaps/conf")) lastLook = requests
          if (requests !== index) return inner.request(request)
          return Effect.flatMap(Effect.exit(on(world)(act.does(world))), (exit) => {
            hasActed = Exit.isSuccess(exit)
            return inner.request(request)
          })
        })
    }
    const options = { identity: ann, stepTimeout: 30_000 }
    const plan = yield* on(world)(Restore.prepare(snapshot, { only: "config" }))
    const exits = [yield* drive(Effect.exit(withCluster(cluster)(Restore.run(plan, options))))]
    const at = { namespace: "shop", id: plan.id }
    const isOpen = Effect.map(on(world)(Journal.list("shop", "db")), (entries) =>
      entries.some(({ status }) => Journal.isOpen(status))
    )
    for (const way of [Restore.resume, Restore.abort]) {
      if (!(yield* isOpen)) break
      exits.push(yield* drive(Effect.exit(on(world)(way(at, { ...options, identity: bob })))))
    }
    const faults: Array<string> = []
    if (yield* isOpen) faults.push("it does not end")
    const text = yield* allText(world)
    if (act.writes !== undefined && hasActed && !text.includes(act.writes)) {
      faults.push("what somebody else wrote is lost")
    }
    const last = exits.at(-1)
    const isDone = last !== undefined && Exit.isSuccess(last) && last.value.outcome === "Succeeded"
    const conf = Reflect.get(Object(world.sandbox.store.get(configmaps, "shop", "conf")), "data") as unknown
    const isPut = JSON.stringify(conf) === JSON.stringify({ a: "before", b: "before" })
    // What is done behind its last look nobody can tell.
    if (isDone && !isPut && index <= lastLook) faults.push("it says that all is done, and it is not")
    const said = exits.map((exit) =>
      Exit.isSuccess(exit) ? `${exit.value.outcome} ${exit.value.unmet.join()}` : String(exit.cause)
    )
    return {
      requests,
      faults: faults.map((fault) => `${act.name} @ ${index}: ${fault}; ${said.join(" | ")}`)
    }
  })

describe("one act of somebody else in a restore of the configuration", () => {
  it.effect("overwrites nothing that is not kept, is told, and holds up no abort", () =>
    Effect.gen(function* () {
      const { requests } = yield* attempt({ name: "nothing", does: () => Effect.void }, 0)
      const points = acts.flatMap((act) => Array.from({ length: requests }, (_, index) => ({ act, index })))
      const chosen = points.filter((_, place) => place % every === Math.floor(every / 2))
      const failed: Array<string> = []
      for (const { act, index } of chosen) failed.push(...(yield* attempt(act, index + 1)).faults)
      console.log(`${chosen.length} of ${points.length} points`)
      assert.deepEqual(failed, [])
    })
  )
})
