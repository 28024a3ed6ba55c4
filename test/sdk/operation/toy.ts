/**
 * A verb that does nothing useful, over ConfigMaps: two guards in two namespaces, one object that it makes
 * itself, a step with a bounded clean-up, and one that holds pods. It is put together from the engine
 * alone, so what it meets is the engine's.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { selector } from "../../../packages/sdk/src/App.ts"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import {
  type QuiesceCommand,
  hold,
  type NotHeld,
  type Release
} from "../../../packages/sdk/src/QuiesceHook.ts"
import { type Kind, kinds } from "../../../packages/sdk/src/Kind.ts"
import { ObjectMeta } from "../../../packages/sdk/src/kind/Meta.ts"
import { cleaningUp } from "../../../packages/sdk/src/operation/BestEffort.ts"
import { digest } from "../../../packages/sdk/src/Digest.ts"
import { ensure } from "../../../packages/sdk/src/operation/Ensure.ts"
import * as Fence from "../../../packages/sdk/src/operation/Fence.ts"
import { type Place, readAs } from "../../../packages/sdk/src/operation/Guarded.ts"
import { markOf } from "../../../packages/sdk/src/operation/Journal.ts"
import { because, OperationError } from "../../../packages/sdk/src/operation/OperationError.ts"
import { type Guard, keyOf, newId, type Plan } from "../../../packages/sdk/src/operation/Plan.ts"
import { make, on, rules, type StepKind, type StepOf } from "../../../packages/sdk/src/operation/Step.ts"
import type { Failure, StepContext } from "../../../packages/sdk/src/operation/StepContext.ts"
import { isMadeBy, operationOf } from "../../../packages/sdk/src/operation/Token.ts"
import { annotationPath } from "../../../packages/sdk/src/Labels.ts"
import { guardOf } from "../../../packages/sdk/src/operation/Verb.ts"
import { verb } from "../../../packages/sdk/src/Operation.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { impatiently } from "../../../packages/sdk/src/resource/Patience.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const ConfigMap = Schema.Struct({
  metadata: ObjectMeta,
  data: Schema.optional(Schema.Record(Schema.String, Schema.String))
})
type ConfigMap = typeof ConfigMap.Type
const decodeMap = Schema.decodeUnknownResult(ConfigMap)

/** ConfigMaps with their data, which the engine never asks for. */
const maps: Kind<ConfigMap> = {
  ...kinds.configmaps,
  metadataOnly: false,
  accept: (value) => Result.mapError(decodeMap(value), ({ message }) => [message])
}

export const noteOf = (name: string): string => `toy.example/${name}`
const cut = noteOf("cut")
const busy = noteOf("busy")

const annotationOf = ({ metadata }: ConfigMap, name: string): string | null =>
  metadata.annotations?.[name] ?? null
const valueOf = ({ data }: ConfigMap, key: string): string | null => data?.[key] ?? null
const find = (place: Place) => Resource.find(maps, place)
const title = ({ namespace, name }: Pick<Place, "namespace" | "name">) => `${namespace}/${name}`

export interface ToyOptions {
  readonly freeze: QuiesceCommand
}

interface Going {
  readonly freeze: QuiesceCommand
}
type At = StepContext<Going>

const Value = Schema.TaggedStruct("SetValue", {
  on,
  key: Schema.String,
  from: Schema.String,
  to: Schema.String
})
type Value = typeof Value.Type

/** What stood there before is kept on the object itself: a journal's word for it would be anybody's. */
const keptAt = (key: string) => noteOf(`before-${key}`)

const SetValue: StepKind<Value, Going> = {
  tag: "SetValue",
  schema: Value,
  describe: ({ key, to }, about) => `set ${key} of ${title(about)} to ${to}`,
  access: () => [],
  rehearse: ({ key, to }, at) =>
    Effect.as(
      Effect.flatMap(readAs(maps, at.fence), (map) =>
        Fence.tryOut(at.fence, map, [{ op: "replace", path: `/data/${key}`, value: to }])
      ),
      []
    ),
  perform: ({ key, from, to }, at) =>
    Effect.asVoid(
      Fence.change(at.fence, maps, {
        done: (map) => valueOf(map, key) === to,
        stop: (map) =>
          valueOf(map, key) === from || valueOf(map, key) === to
            ? null
            : because("Changed", `somebody set ${key} of ${title(at.fence)} to ${valueOf(map, key)}`),
        operations: () => [
          { op: "test", path: `/data/${key}`, value: from },
          { op: "replace", path: `/data/${key}`, value: to },
          { op: "add", path: annotationPath(keptAt(key)), value: from }
        ]
      })
    ),
  undo: ({ key, to }, at) =>
    Effect.asVoid(
      Fence.change(at.fence, maps, {
        done: (map) => annotationOf(map, keptAt(key)) === null,
        operations: (map) => [
          ...(valueOf(map, key) === to
            ? [
                { op: "test" as const, path: `/data/${key}`, value: to },
                { op: "replace" as const, path: `/data/${key}`, value: annotationOf(map, keptAt(key)) }
              ]
            : []),
          { op: "remove", path: annotationPath(keptAt(key)) }
        ]
      })
    ),
  undoAlone: ({ key }, at) =>
    Effect.flatMap(find(at.fence), (map) =>
      map === null || annotationOf(map, keptAt(key)) === null
        ? Effect.void
        : at.fallShort(`${key} of ${title(at.fence)} stays ${valueOf(map, key)}: it carries no mark of ours`)
    )
}

const Forgets = Schema.TaggedStruct("Forget", { on, key: Schema.String })
type Forgets = typeof Forgets.Type

/** From here on nothing tells what stood there before: an abort names what stays. */
const Forget: StepKind<Forgets, Going> = {
  tag: "Forget",
  schema: Forgets,
  describe: ({ key }, about) => `forget ${key} of ${title(about)}`,
  access: () => [],
  rehearse: () => Effect.succeed([]),
  perform: ({ key }, at) =>
    Effect.asVoid(
      Fence.change(at.fence, maps, {
        done: (map) => annotationOf(map, keptAt(key)) === null,
        operations: () => [{ op: "remove", path: annotationPath(keptAt(key)) }]
      })
    ),
  undo: () => Effect.void
}

const Pulses = Schema.TaggedStruct("Pulse", { on, name: Schema.String, millis: Schema.Natural })
type Pulses = typeof Pulses.Type

const busyMap = ({ home }: { readonly home: string }, { name }: Pulses): Place => ({
  kind: "ConfigMap",
  namespace: home,
  name
})
const target = ({ namespace, name }: Place) => ({ api: kinds.configmaps, namespace, name })

const patchBusy = (place: Place, map: ConfigMap, operation: Resource.JsonPatchOperation) =>
  Effect.flatMap(
    Resource.patch(target(place), {
      _tag: "Json",
      operations: [
        { op: "test", path: "/metadata/resourceVersion", value: map.metadata.resourceVersion },
        ...(map.metadata.annotations == null
          ? [{ op: "add" as const, path: "/metadata/annotations", value: {} }]
          : []),
        operation
      ]
    }),
    () => find(place)
  )

/** Takes away the mark of this caller alone, for which it need not be its turn. */
const sweep = (place: Place, token: string): Work =>
  Effect.asVoid(
    ensure<ConfigMap | null>({
      look: find(place),
      done: (map) => map === null || annotationOf(map, busy) !== token,
      write: (map) =>
        map === null
          ? Effect.succeed(null)
          : patchBusy(place, map, { op: "remove", path: annotationPath(busy) })
    })
  )

/** Takes away the mark of whoever ran this operation before. */
const clear = (step: Pulses, at: At): Work => {
  const place = busyMap(at.plan, step)
  const isOurs = (map: ConfigMap) => operationOf(annotationOf(map, busy) ?? "") === at.plan.id
  return Effect.asVoid(
    Fence.beside<ConfigMap | null>(at.standing, {
      look: find(place),
      done: (map) => map === null || !isOurs(map),
      write: (map) =>
        map === null
          ? Effect.succeed(null)
          : patchBusy(place, map, { op: "remove", path: annotationPath(busy) })
    })
  )
}

/** Marks a ConfigMap that carries no token, works for a while, and takes the mark away however that ends. */
const Pulse: StepKind<Pulses, Going> = {
  tag: "Pulse",
  schema: Pulses,
  describe: ({ name }) => `mark ${name} as busy for a while`,
  access: (_, about) => rules("", "configmaps", ["get", "patch"], about.namespace),
  rehearse: () => Effect.succeed([]),
  perform: (step, at) => {
    const place = busyMap(at.plan, step)
    const { token } = at.fence
    const mark = Fence.beside<ConfigMap | null>(at.standing, {
      look: find(place),
      done: (map) => map === null || annotationOf(map, busy) === token,
      stop: (map) => {
        const other = map === null ? null : annotationOf(map, busy)
        return other === null || operationOf(other) === at.plan.id
          ? null
          : because("Changed", `${title(place)} is busy with another operation`)
      },
      write: (map) =>
        map === null
          ? Effect.succeed(null)
          : patchBusy(place, map, { op: "add", path: annotationPath(busy), value: token }),
      takeBack: (_, why) =>
        why === null ? Effect.succeed(null) : Effect.as(Effect.ignore(sweep(place, token)), null)
    })
    const work = Effect.andThen(Effect.sleep(step.millis), Fence.assertHeld(at.fence, maps))
    const swept = cleaningUp(Effect.andThen(mark, work), 5000, sweep(place, token))
    // The clean-up gives up without a word where the server is slow; the step does not.
    return Effect.andThen(swept, sweep(place, token))
  },
  undo: clear,
  undoAlone: clear
}

const Makes = Schema.TaggedStruct("MakeObject", { on })
type Makes = typeof Makes.Type

const MakeObject: StepKind<Makes, Going> = {
  tag: "MakeObject",
  schema: Makes,
  describe: (_, about) => `make ${title(about)}`,
  access: (_, about) => rules("", "configmaps", ["create", "delete"], about.namespace),
  rehearse: (_, at) =>
    Effect.as(
      Resource.create(
        { api: kinds.configmaps, namespace: at.fence.namespace },
        { metadata: { name: at.fence.name } },
        { dryRun: true }
      ),
      []
    ),
  perform: (_, at) => {
    const value = { metadata: {}, data: { madeBy: at.plan.id } }
    return Effect.asVoid(Fence.create(at.fence, at.standing, value))
  },
  undo: (_, at) => Fence.remove(at.fence)
}

const Holds = Schema.TaggedStruct("Hold", {
  on,
  namespace: Schema.String,
  pods: Schema.Array(Schema.String)
})
type Holds = typeof Holds.Type

const subjectOf = (name: string) => ({ kind: "Pod", name })

const notHeld = (error: NotHeld | Failure): Failure =>
  error._tag === "NotHeld" ? because("HookFailed", `the pods were not held: ${error.message}`) : error

const isProven = (released: Release): boolean => released._tag === "Released" && released.neverLapsed

/** Holds all pods at once, and cuts while they are held: the cut counts only if none of them let go. */
const Hold: StepKind<Holds, Going> = {
  tag: "Hold",
  schema: Holds,
  describe: ({ pods }, about) => `cut ${title(about)} while ${pods.join(", ")} are held`,
  access: ({ namespace }) => [
    ...rules("", "pods", ["get"], namespace),
    ...rules("", "pods", ["get", "create"], namespace, "exec")
  ],
  marks: ({ pods }) => pods.length,
  rehearse: (_, at) => Effect.succeed([`${at.fence.name}: pods are held only in earnest`]),
  perform: ({ namespace, pods }, at) =>
    Effect.gen(function* () {
      if (pods.every((pod) => markOf(at.mark, subjectOf(pod))?.state === "Succeeded")) return
      const found = yield* Effect.forEach(pods, (name) =>
        Resource.getObject({ api: kinds.pods, namespace, name })
      )
      yield* at.intend(
        found.map(({ metadata }) => ({ ...subjectOf(metadata.name), uid: metadata.uid ?? null }))
      )
      const permit = Fence.assertHeld(at.fence, maps)
      const held = Effect.gen(function* () {
        const holds = yield* Effect.forEach(pods, (pod, ordinal) =>
          hold(at.settings.freeze, { namespace, pod, ordinal, fqdn: pod }, permit).pipe(
            Effect.tapError((error) =>
              at.conclude(
                error._tag === "NotHeld" && error.reason._tag === "Unknown" ? "Unknown" : "Failed",
                subjectOf(pod)
              )
            ),
            Effect.mapError(notHeld)
          )
        )
        yield* Fence.change(at.fence, maps, {
          done: (map) => annotationOf(map, cut) === at.fence.token,
          operations: () => [{ op: "add", path: annotationPath(cut), value: at.fence.token }]
        })
        return yield* Effect.forEach(holds, (one) => one.release, { concurrency: "unbounded" })
      })
      const released = yield* impatiently(Effect.scoped(held))
      for (const [index, pod] of pods.entries()) {
        const one = released[index]
        const state =
          one === undefined || one._tag === "Unknown" ? "Unknown" : isProven(one) ? "Succeeded" : "Failed"
        yield* at.conclude(state, subjectOf(pod))
      }
      if (!released.every(isProven)) yield* because("HookFailed", "a pod let go before it was told to")
    }),
  undo: (_, at) =>
    Effect.asVoid(
      Fence.change(at.fence, maps, {
        done: (map) => operationOf(annotationOf(map, cut) ?? "") !== at.plan.id,
        operations: () => [{ op: "remove", path: annotationPath(cut) }]
      })
    ),
  undoAlone: (_, at) =>
    Effect.flatMap(find(at.fence), (map) =>
      map !== null && operationOf(annotationOf(map, cut) ?? "") === at.plan.id
        ? at.fallShort(`${title(at.fence)} stays cut: it carries no mark of ours`)
        : Effect.void
    )
}

const steps = [SetValue, Pulse, MakeObject, Hold, Forget] as const
type ToyStep = StepOf<(typeof steps)[number]>
const Settings = Schema.Struct({})
export type ToyPlan = Plan<ToyStep, typeof Settings.Type>

const hooksOf = ({ freeze }: ToyOptions) => [{ name: "freeze", digest: digest(freeze) }]

/** A guard as it is now; null: it is gone, or another one has its name. */
const findGuard = (guard: Guard) =>
  Effect.map(find(guard), (map) =>
    map !== null && (guard.uid === null || map.metadata.uid === guard.uid) ? map : null
  )

const wrongWith = (plan: ToyPlan, step: ToyStep, map: ConfigMap | null, back: boolean): string | null => {
  const where = title(guardOf(plan, step))
  switch (step._tag) {
    case "SetValue": {
      const due = back ? step.from : step.to
      const is = map === null ? null : valueOf(map, step.key)
      return is === due ? null : `${step.key} of ${where} is ${is ?? "gone"}, and not ${due}`
    }
    case "Hold": {
      const isCut = map !== null && operationOf(annotationOf(map, cut) ?? "") === plan.id
      return isCut !== back ? null : `${where} is ${back ? "cut still" : "not cut"}`
    }
    case "MakeObject": {
      const isMade = map !== null && isMadeBy(plan.id, map)
      return isMade !== back ? null : `${where} is ${back ? "there still" : "not there, or not ours"}`
    }
    case "Forget":
    case "Pulse":
      break
  }
  return null
}

/** What of a plan is not so, in words; `back`: of what stood before it. Each guard is read once. */
const wrong = (plan: ToyPlan, back: boolean): Work<ReadonlyArray<string>> =>
  Effect.map(
    Effect.forEach(plan.guards, (guard) =>
      Effect.map(findGuard(guard), (map) => [keyOf(guard), map] as const)
    ),
    (read) => {
      const found = new Map(read)
      return plan.steps.flatMap((step) => {
        const words = wrongWith(plan, step, found.get(keyOf(guardOf(plan, step))) ?? null, back)
        return words === null ? [] : [words]
      })
    }
  )

const look = (plan: ToyPlan, at: At, back: boolean): Work =>
  Effect.gen(function* () {
    const first = yield* wrong(plan, back)
    // A read that does not show it may lag behind.
    const found = first.length === 0 ? first : yield* Effect.andThen(Effect.sleep(250), wrong(plan, back))
    yield* Effect.forEach(found, at.fallShort, { discard: true })
  })

const Outcome = Schema.Struct({ guards: Schema.Natural })

export const toyVerb = verb<ToyStep, typeof Settings.Type, ToyOptions, Going, typeof Outcome.Type>({
  name: "toy",
  steps,
  settings: Settings,
  result: Outcome,
  going: (_, { freeze }) => ({ freeze }),
  hooks: hooksOf,
  check: (plan, _, __, resumed) =>
    Effect.gen(function* () {
      for (const step of plan.steps) {
        if (step._tag !== "SetValue") continue
        const guard = guardOf(plan, step)
        const map = yield* findGuard(guard)
        const is = map === null ? null : valueOf(map, step.key)
        if (is === step.from || (resumed && is === step.to)) continue
        yield* because("Changed", `${step.key} of ${title(guard)} is ${is ?? "gone"}, and not ${step.from}`)
      }
    }),
  consent: () => null,
  preflight: () => Effect.void,
  conclude: (plan, at) => Effect.as(look(plan, at, false), { guards: plan.guards.length }),
  concludeBack: (plan, at) => look(plan, at, true),
  capture: () => ({})
})

/** What a toy operation is asked for. */
export interface ToySpec {
  readonly home: string
  /** One guard each, in the order of the plan. */
  readonly values: ReadonlyArray<{
    readonly namespace: string
    readonly name: string
    readonly key: string
    readonly to: string
  }>
  readonly made: { readonly namespace: string; readonly name: string } | null
  /** In `shop`. */
  readonly pods: ReadonlyArray<string>
  /** A ConfigMap of the home namespace. */
  readonly busy: string | null
}

/** The plan of it, from what is there now. */
export const prepare = (spec: ToySpec, { freeze }: ToyOptions): Work<ToyPlan> =>
  Effect.gen(function* () {
    const values = yield* Effect.forEach(spec.values, ({ namespace, name, key, to }) => {
      const place: Place = { kind: "ConfigMap", namespace, name }
      return Effect.map(readAs(maps, place), (map) => ({
        guard: { ...place, uid: map.metadata.uid ?? null, generation: null },
        step: make<Value>(SetValue, { on: keyOf(place), key, from: valueOf(map, key) ?? "", to })
      }))
    })
    const [first, ...rest] = values
    const made: Guard | null =
      spec.made === null ? null : { kind: "ConfigMap", ...spec.made, uid: null, generation: null }
    const last = values.at(-1)
    if (first === undefined || last === undefined) throw new Error("a toy needs a guard")
    return {
      apiVersion: "kubectl-stateful.dev/v1",
      kind: "Plan",
      id: yield* newId,
      verb: "toy",
      app: selector(spec.home, "app=toy"),
      home: spec.home,
      guards: [first.guard, ...rest.map(({ guard }) => guard), ...(made === null ? [] : [made])],
      facts: digest(values),
      hooks: hooksOf({ freeze }),
      access: [],
      effects: [],
      warnings: [],
      refusals: [],
      unchecked: [],
      settings: {},
      steps: [
        first.step,
        ...(spec.busy === null ? [] : [{ _tag: "Pulse" as const, name: spec.busy, millis: 300 }]),
        ...rest.map(({ step }) => step),
        ...(made === null ? [] : [{ _tag: "MakeObject" as const, on: keyOf(made) }]),
        ...(spec.pods.length === 0
          ? []
          : [{ _tag: "Hold" as const, on: keyOf(last.guard), namespace: "shop", pods: spec.pods }]),
        ...values.map(({ guard, step }) => ({ _tag: "Forget" as const, on: keyOf(guard), key: step.key }))
      ]
    }
  })

/** The OperationError's reason; the ClusterError's. */
export const reasonOf = (error: unknown): string =>
  error instanceof OperationError ? error.reason._tag : String(Object(Object(error).reason)._tag)
