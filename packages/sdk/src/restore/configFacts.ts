/** The current configuration objects of a record: the only place of a restore that reads them to plan. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds, configApis } from "../Kind.ts"
import type { Reference } from "../Reference.ts"
import * as Resource from "../Resource.ts"
import type { AppState } from "../state/AppState.ts"
import { ConfigKind, isNewNameOf, namedIn, templateIn } from "../step/content.ts"
import type { ReadRecord } from "../step/recordList.ts"
import { mentionsIn } from "../step/templateDiff.ts"
import { mentionedIn } from "../step/users.ts"
import type { Workload } from "../Topology.ts"

/** The facts for the plan. */
export interface ConfigFacts {
  readonly read: ReadRecord
  /** The StatefulSet, every field of it. */
  readonly set: Resource.KubeObject
  /** The current ConfigMaps and Secrets of the record, by `Kind/name`; `null` if there is none. */
  readonly live: ReadonlyMap<string, Resource.KubeObject | null>
  readonly references: ReadonlyArray<Reference>
  /** The other users of each of them in the namespace. */
  readonly users: ReadonlyMap<string, ReadonlyArray<string>>
  readonly now: string
}

const Owned = Schema.Struct({ ownerReferences: Schema.Array(Schema.Struct({ uid: Schema.String })) })

/** True if it is the set itself, or one of its pods: these do not count as other users. */
const isOf =
  (set: Workload) =>
  ({ metadata }: Resource.KubeObject): boolean =>
    metadata.uid === set.uid ||
    (Schema.is(Owned)(metadata) && metadata.ownerReferences.some(({ uid }) => uid === set.uid))

/** Reads it. Values are compared, and dropped. */
export const configFacts = (
  read: ReadRecord,
  state: AppState,
  workload: Workload
): Effect.Effect<ConfigFacts, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const { namespace } = state
    const { record } = read
    const made = (record.before?.made ?? []).flatMap(({ kind, name }) =>
      Schema.is(ConfigKind)(kind) ? [{ kind, name }] : []
    )
    const named = namedIn(record)
    const renamed = state.references.filter((of) => named.some((one) => isNewNameOf(one, of)))
    const held = [...named, ...renamed, ...made]
    const inRecord = new Set(held.map(({ kind, name }) => `${kind}/${name}`))
    const mentioned = mentionsIn(templateIn(record, workload.name)) ?? []
    const names = new Map(
      [...mentioned, ...held].map(({ kind, name }) => [`${kind}/${name}`, { kind, name }])
    )
    const [set, live, users, now] = yield* Effect.all(
      [
        Resource.getObject({ api: kinds.statefulsets, namespace, name: workload.name }),
        Effect.forEach(
          names,
          ([key, { kind, name }]) =>
            Effect.map(
              // Of what the record does not hold nothing is compared: then no value is asked for.
              Resource.findObject(
                { api: configApis[kind], namespace, name },
                { metadataOnly: !inRecord.has(key) }
              ),
              (object) => [key, object] as const
            ),
          { concurrency: 16 }
        ),
        mentionedIn(namespace, isOf(workload)),
        DateTime.now
      ],
      { concurrency: 4 }
    )
    return {
      read,
      set,
      live: new Map(live),
      references: state.references,
      users,
      now: DateTime.formatIso(now).replace(/\.\d+Z$/, "Z")
    }
  })
