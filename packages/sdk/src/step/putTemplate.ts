/**
 * Restores the pod template of a StatefulSet from a record. The patch that replaces it also annotates the
 * StatefulSet, so that a different template was changed by another client: an abort leaves it, and reports
 * it.
 *
 * Where pods run, they are replaced as a rolling update does it, and waited for.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import type { Pod } from "../kind/Pod.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { isSame as isSameData } from "../Digest.ts"
import * as Fence from "../operation/Fence.ts"
import { targetOf } from "../operation/Guarded.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind, stepsOf } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { wanted, range } from "../Ordinal.ts"
import type { Unmet } from "../wait/condition.ts"
import * as Wait from "../wait/pods.ts"
import {
  ConfigKind,
  contentIn,
  contentOf,
  isSame,
  keyOf,
  type Pinned as PinnedRecord,
  Pinned,
  readPinned,
  templateIn
} from "./content.ts"
import { beforeSet, type SnapshotRecord } from "./record.ts"
import { recordName } from "../RecordName.ts"
import { assertRecorded, orLost, ownPin, pinTo, readBefore, wasPinned } from "./recordBefore.ts"
import { mentionsIn, templateGains } from "./templateDiff.ts"
import * as Workload from "./workload.ts"
import { shellWord } from "../ShellWord.ts"
import { configApis } from "../Kind.ts"

export interface TemplateSettings {
  /** Milliseconds. */
  readonly stepTimeout?: number
  /** Also restore a pod template with more privileges than the live one. Default false. */
  readonly allowPrivileged?: boolean
}

type At = StepContext<TemplateSettings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** A name in a template that another one takes the place of. */
const Rename = Schema.Struct({ kind: ConfigKind, from: Schema.String, to: Schema.String })
export type Rename = typeof Rename.Type

const TemplateSchema = Schema.TaggedStruct("PutTemplate", {
  on,
  from: Pinned,
  renames: Schema.Array(Rename),
  /** The time of the restart that it requests, as `kubectl rollout restart` does; `null` without one. */
  restart: Schema.NullOr(Schema.String),
  /** True if its pods are replaced and waited for. */
  rolls: Schema.Boolean
})
type PutTemplate = typeof TemplateSchema.Type

/** The fields of a pod template that name a ConfigMap or a Secret. */
const referring: Readonly<Record<string, Rename["kind"]>> = {
  configMap: "ConfigMap",
  configMapKeyRef: "ConfigMap",
  configMapRef: "ConfigMap",
  secret: "Secret",
  secretKeyRef: "Secret",
  secretRef: "Secret",
  nodePublishSecretRef: "Secret",
  imagePullSecrets: "Secret",
  azureFile: "Secret"
}

/** The same with each reference to a renamed object followed. */
const renamed = (
  value: unknown,
  renames: ReadonlyArray<Rename>,
  kind: Rename["kind"] | null = null
): unknown => {
  if (Array.isArray(value)) return value.map((item) => renamed(item, renames, kind))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const isName = key === "name" || key === "secretName"
      const rename = isName && renames.find((one) => one.kind === kind && one.from === inner)
      return [key, rename ? rename.to : renamed(inner, renames, referring[key] ?? null)]
    })
  )
}

/** As `kubectl rollout restart` writes it. */
const restartedAt = "kubectl.kubernetes.io/restartedAt"

/** The template that a step writes. */
export const templateOf = (
  { renames, restart }: Pick<PutTemplate, "renames" | "restart">,
  template: object
): object => {
  const { metadata, ...rest } = Object(renamed(template, renames)) as { readonly metadata?: object }
  if (restart === null) return { ...(metadata === undefined ? {} : { metadata }), ...rest }
  const annotations: unknown = Reflect.get(Object(metadata), "annotations")
  return {
    metadata: { ...metadata, annotations: { ...Object(annotations), [restartedAt]: restart } },
    ...rest
  }
}

/** The template that a step writes, from its record. */
export const source = (
  at: Pick<At, "fence">,
  step: { readonly from: PinnedRecord } & PutTemplate
): Work<object> =>
  Effect.flatMap(readPinned(at.fence.namespace, step.from), (record) => {
    const template = templateIn(record, at.fence.name)
    return template === null
      ? Effect.fail(
          because("Mismatch", `its record has no pod template of ${at.fence.name}`, "abort, and plan again")
        )
      : Effect.succeed(templateOf(step, template))
  })

/**
 * The additional privileges of its pods, in words: from the record's template, and from the objects that it
 * names.
 */
const gainsOf = (at: At, step: PutTemplate, before: SnapshotRecord): Work<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    if (wasPinned(before, step.from)) return []
    const { namespace, name } = at.fence
    const record = yield* readPinned(namespace, step.from)
    const template = yield* source(at, step)
    const was = templateIn(before, name)
    const own = new Set((mentionsIn(was) ?? []).map(keyOf))
    const others = (mentionsIn(template) ?? []).filter((one) => !own.has(keyOf(one)))
    const strange = yield* Effect.filter(others, (one) => {
      const of = step.renames.find(({ kind, to }) => kind === one.kind && to === one.name)
      const content = contentIn(record, { kind: one.kind, name: of?.from ?? one.name })
      const target = { api: configApis[one.kind], namespace, name: one.name }
      // Of what the record does not hold no value is asked for.
      return Effect.map(
        Resource.findObject(target, { metadataOnly: content === null }),
        (found) => found !== null && (content === null || !isSame(contentOf(found), content))
      )
    })
    return [
      ...templateGains(was, template),
      ...new Set(strange.map((one) => `${keyOf(one)}, which it does not name now`))
    ]
  })

/**
 * In a resumed operation the plan comes from a journal, which anyone who can write ConfigMaps could have
 * written: consent that the plan would require is required again.
 */
const assertAllowed = (at: At, step: PutTemplate, before: SnapshotRecord): Work =>
  Effect.gen(function* () {
    if (!at.isTakenUp || at.settings.allowPrivileged === true) return
    const gains = yield* gainsOf(at, step, before)
    if (gains.length === 0) return
    return yield* because(
      "Mismatch",
      `operation ${at.plan.id} gives the pods of ${at.fence.name} additional privileges, as its journal says: ${gains.join(", ")}`,
      "check it, and use --allow-privileged if that is intended"
    )
  })

const replaceBy = (template: object): Resource.JsonPatchOperation => ({
  op: "replace",
  path: "/spec/template",
  value: template
})

/** The template as the server stores it: it fills in fields that a record lacks. */
const asServed = (at: Pick<At, "fence">, { metadata, spec }: StatefulSet, template: object): Work<unknown> =>
  isSameData(spec.template, template)
    ? Effect.succeed(template)
    : Effect.map(
        Resource.patch(
          targetOf(at.fence),
          {
            _tag: "Json",
            operations: [{ op: "test", path: "/metadata/uid", value: metadata.uid }, replaceBy(template)]
          },
          { dryRun: true }
        ),
        (answer) => Reflect.get(Object(answer["spec"]), "template")
      )

const generationOf = ({ metadata }: StatefulSet): Resource.JsonPatchOperation => ({
  op: "test",
  path: "/metadata/generation",
  value: metadata.generation
})

const revisionOf = (pod: Pod): string | undefined => pod.metadata.labels?.["controller-revision-hash"]

/** The pods that a rolling update has not completed: those of another revision, or not ready. */
const unrolled = (pods: Wait.Pods, set: StatefulSet): ReadonlyArray<Unmet> => {
  const seen = Wait.notice(set)
  if (seen.length > 0) return seen
  const { start, count } = wanted(set)
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
  const rolled = range(start + partition, count - partition).toReversed()
  return rolled.flatMap((ordinal, place): ReadonlyArray<Unmet> => {
    const pod = pods.get(ordinal)
    const isNew = pod !== undefined && revisionOf(pod) === set.status?.updateRevision
    if (isNew && Wait.isReady(pod)) return []
    const subject = Wait.podSubject(set, ordinal)
    // A pod that never became ready keeps an ordered update from replacing it, or any other.
    const isStuck = pod !== undefined && !isNew && !Wait.isReady(pod) && !pod.metadata.deletionTimestamp
    const why = isNew || pod === undefined ? Wait.pending(pod) : "its turn to be replaced"
    const what = isStuck
      ? `${Wait.pending(pod)}; if it stays so: kubectl delete pod ${subject.name} -n ${shellWord(set.metadata.namespace ?? "")}`
      : why
    return [{ subject, for: what, queued: !isStuck && !isNew && pod !== undefined && place > 0 }]
  })
}

/** Waits until each pod that a rolling update replaces has the template, and is ready. */
const untilRolled = (at: At, template: object): Work =>
  Wait.untilPods(at, {
    until: unrolled,
    stepTimeout: at.settings.stepTimeout,
    vain: (now) =>
      isSameData(now.spec.template, template)
        ? null
        : because(
            "Changed",
            `another client changed the pod template of ${at.fence.name} in the meantime`,
            "find out what writes it"
          )
  })

const perform = (step: PutTemplate, at: At): Work =>
  Effect.gen(function* () {
    const { name } = at.fence
    const held = yield* Workload.assertHeld(at.fence)
    const before = yield* assertRecorded(at, held)
    yield* assertAllowed(at, step, before)
    const was = templateIn(before, name)
    const template = yield* source(at, step)
    const set = yield* Workload.change(at.fence, {
      done: (now) => ownPin(at, now)?.template === true,
      stop: (now) =>
        ownPin(at, now)?.template === true || isSameData(now.spec.template, was)
          ? null
          : because(
              "Changed",
              `another client changed the pod template of ${name} since this was planned`,
              "abort, and plan again"
            ),
      operations: (now) => [
        generationOf(now),
        replaceBy(template),
        pinTo({ operation: at.plan.id, parts: ownPin(at, now)?.parts ?? [], template: true })
      ],
      known: held
    })
    // As the server has it: it may have filled in what the record does not say.
    if (step.rolls) yield* untilRolled(at, set.spec.template)
  })

/** Restores the previous template; one that another client has changed since is left, and reported. */
const undo = (step: PutTemplate, at: At): Work =>
  Effect.gen(function* () {
    const { name } = at.fence
    const held = yield* Workload.assertHeld(at.fence)
    const before = yield* orLost(at, readBefore(at, held))
    const was = before === null ? null : templateIn(before, name)
    if (was === null) return
    if (ownPin(at, held)?.template === true) {
      const record = yield* orLost(
        at,
        Effect.map(readPinned(at.fence.namespace, step.from), (found) => found)
      )
      const ours = record === null ? null : templateIn(record, name)
      const is = held.spec.template
      const isOurs = ours !== null && isSameData(is, yield* asServed(at, held, templateOf(step, ours)))
      if (!isOurs && !isSameData(is, was)) {
        yield* at.fallShort(
          `the pod template of ${name} was changed by another client in the meantime, and left as it is: the previous content is in secret "${recordName(beforeSet(at.plan.id))}"`
        )
        return
      }
    }
    const set = yield* Workload.change(at.fence, {
      done: (now) => ownPin(at, now)?.template !== true,
      operations: (now) => [
        generationOf(now),
        ...(isSameData(now.spec.template, was) ? [] : [replaceBy(was)]),
        pinTo({ operation: at.plan.id, parts: ownPin(at, now)?.parts ?? [], template: false })
      ],
      stop: (now) =>
        now.metadata.generation === held.metadata.generation || ownPin(at, now)?.template !== true
          ? null
          : because(
              "Changed",
              `another client changed ${name} just now: its pod template was not restored yet`
            ),
      known: held
    })
    if (step.rolls) yield* untilRolled(at, set.spec.template)
  })

/** Reports if the template is not the restored one. */
export const checkTemplate = (at: At): Work =>
  Effect.forEach(
    stepsOf<PutTemplate>(PutTemplate, at.plan.steps),
    (step) =>
      Effect.gen(function* () {
        const set = yield* Workload.assertHeld(at.fence)
        const template = yield* asServed(at, set, yield* source(at, step))
        if (isSameData(set.spec.template, template)) return
        yield* at.fallShort(
          `the pod template of ${at.fence.name} was changed by another client after it was restored`
        )
      }),
    { discard: true }
  )

/** Restores the pod template. */
export const PutTemplate: StepKind<PutTemplate, TemplateSettings> = {
  tag: "PutTemplate",
  schema: TemplateSchema,
  describe: ({ rolls, restart }, { name }) =>
    `restore the pod template of ${name}${rolls ? ", and replace its pods one after another" : ""}${restart !== null && !rolls ? ", with a restart" : ""}`,
  access: ({ rolls }, { namespace }) => [
    ...rules("", "secrets", ["get"], namespace),
    ...(rolls ? rules("", "pods", ["list", "watch"], namespace) : [])
  ],
  rehearse: (step, at) =>
    Effect.gen(function* () {
      const set = yield* Workload.assertThere(at)
      yield* Fence.tryOut(at.fence, set, [replaceBy(yield* source(at, step))])
      return []
    }),
  perform,
  undo,
  undoAlone: () => Effect.void
}
