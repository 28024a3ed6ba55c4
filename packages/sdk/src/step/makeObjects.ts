/**
 * Creates the objects that a restored application needs in addition to its StatefulSet: ConfigMaps,
 * Secrets, ServiceAccounts, Services and budgets, from a record and under their new names. Values are sent
 * from the record to the API server, and nowhere else.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure } from "../operation/StepContext.ts"
import { madeByAnnotation } from "../Labels.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { objectManifest } from "./cloneManifest.ts"
import type { ClonedKind, ClonedObject } from "./cloneNames.ts"
import { type At, type CloneSettings, manifestIn, recordOf } from "./cloneRecord.ts"
import { contentOf, isPlain, keysThatDiffer } from "./content.ts"
import type { SnapshotRecord } from "./record.ts"
import { makeBeside, removeOurs } from "./snapshots.ts"
import * as Workload from "./workload.ts"
import { fieldAt } from "../resource/KubeObject.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const MakeObjectsSchema = Schema.TaggedStruct("MakeObjects", { on })
type MakeObjects = typeof MakeObjectsSchema.Type

export const clonedApis: Readonly<Record<ClonedKind, Resource.ApiResource>> = {
  ServiceAccount: kinds.serviceaccounts,
  ConfigMap: kinds.configmaps,
  Secret: kinds.secrets,
  Service: kinds.services,
  PodDisruptionBudget: kinds.poddisruptionbudgets
}

const targetOf = (at: At, { kind, to }: ClonedObject): Resource.Target => ({
  api: clonedApis[kind],
  namespace: at.fence.namespace,
  name: to
})

/** True if the recorded StatefulSet owned the object. */
const isOwnedBySet = (at: At, record: SnapshotRecord, object: object): boolean => {
  const set: unknown = manifestIn(record, "StatefulSet", at.settings.renaming.from.name)
  const uid = fieldAt(set, "metadata", "uid")
  const owners = fieldAt(object, "metadata", "ownerReferences")
  return (
    Array.isArray(owners) &&
    owners.some((owner: unknown) => Predicate.isObject(owner) && Reflect.get(owner, "uid") === uid)
  )
}

const manifestFor = (at: At, record: SnapshotRecord, uid: string, { kind, from }: ClonedObject) => {
  const found = manifestIn(record, kind, from)
  if (found === null) return null
  const owner = { uid, ofSource: isOwnedBySet(at, record, found) }
  const made: { readonly metadata: object } = objectManifest(at.settings.renaming, kind, found, owner)
  const labels: unknown = Reflect.get(made.metadata, "labels")
  return {
    ...made,
    metadata: { ...made.metadata, labels: { ...Object(labels), [madeByAnnotation]: at.plan.id } }
  }
}

const each = (
  at: At,
  uid: string,
  write: (object: ClonedObject, value: object) => Effect.Effect<unknown, Failure, Cluster>
): Work =>
  Effect.gen(function* () {
    const record = yield* recordOf(at)
    yield* Effect.forEach(
      at.settings.renaming.objects,
      (object) => {
        const value = manifestFor(at, record, uid, object)
        return value === null
          ? Effect.fail(
              because("Changed", `the record has no ${object.kind}/${object.from}`, "abort, and plan again")
            )
          : write(object, value)
      },
      { concurrency: 8, discard: true }
    )
  })

/**
 * Fails if it has another content: somebody who reads the operation's id in its journal can make an object with
 * its label first. What a controller fills in itself is not compared.
 */
const assertContent = (object: ClonedObject, value: object, found: object): Work => {
  const { kind, to } = object
  if (kind !== "ConfigMap" && kind !== "Secret") return Effect.void
  const [made, is] = [contentOf(value), contentOf(found)]
  const isOther =
    made !== null && isPlain({ kind, name: to }, made) && (is === null || keysThatDiffer(made, is).length > 0)
  return isOther
    ? Effect.fail(
        because(
          "Changed",
          `${kind.toLowerCase()} "${to}" does not have the content of the record: another client created or changed it`,
          "check who writes it; then abort, and run the command again"
        )
      )
    : Effect.void
}

const make = (at: At, object: ClonedObject, value: object): Work =>
  Effect.flatMap(makeBeside(at, targetOf(at, object), value), (found) => assertContent(object, value, found))

const undo = (_: MakeObjects, at: At): Work =>
  removeOurs(
    at,
    at.settings.renaming.objects.map((object) => targetOf(at, object))
  )

/** All copied objects exist, and belong to the operation. */
export const MakeObjects: StepKind<MakeObjects, CloneSettings> = {
  tag: "MakeObjects",
  schema: MakeObjectsSchema,
  describe: (_, { name }) => `create what ${name} needs: configuration, accounts, Services, budgets`,
  access: (_, { namespace }, { record, renaming }) => [
    ...[...new Set(renaming.objects.map(({ kind }) => kind))].flatMap((kind) =>
      rules(clonedApis[kind].group, clonedApis[kind].plural, ["get", "create", "delete"], namespace)
    ),
    ...rules("", "secrets", ["get"], record.namespace)
  ],
  rehearse: (_, at) =>
    Effect.as(
      each(at, "", (object, value) =>
        Resource.create(
          { api: clonedApis[object.kind], namespace: at.fence.namespace },
          {
            ...value,
            // Nothing that is only tried has a uid yet.
            metadata: { ...Object(Reflect.get(value, "metadata")), ownerReferences: [] }
          },
          { dryRun: true }
        )
      ),
      []
    ),
  perform: (_, at) =>
    Effect.flatMap(Workload.assertHeld(at.fence), ({ metadata }) =>
      each(at, metadata.uid ?? "", (object, value) => make(at, object, value))
    ),
  undo,
  undoAlone: undo
}
