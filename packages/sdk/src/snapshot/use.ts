/** The current users of a snapshot, which must not be deleted while it is in use. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import * as Journal from "../operation/Journal.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { fieldAt } from "../resource/KubeObject.ts"

/** Claims without a volume yet that are filled from one of these VolumeSnapshots. */
const filling = (
  namespace: string,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>, ClusterError, Cluster> =>
  Effect.map(Resource.listObjects(kinds.persistentvolumeclaims, { namespace }), ({ items }) =>
    items.flatMap((item) => {
      const spec: unknown = Reflect.get(item, "spec")
      const source: unknown = Reflect.get(Object(spec), "dataSource")
      const isFilling = fieldAt(item, "status", "phase") !== "Bound"
      const name: unknown = Reflect.get(Object(source), "name")
      const isSnapshot = Reflect.get(Object(source), "kind") === "VolumeSnapshot"
      return isFilling && isSnapshot && names.some((one) => one === name)
        ? [`claim ${item.metadata.name} is not filled from it yet (mount that claim, or delete it)`]
        : []
    })
  )

/** Journals of all namespaces, if they can be read: a restore may run in another one. */
const journals = (namespace: string) =>
  Journal.listReadable(undefined).pipe(
    Effect.catchReason("ClusterError", "Forbidden", () => Journal.listReadable(namespace))
  )

/**
 * True if a plan in another namespace uses the snapshot: it names the uid of the record, which only those who
 * can read the record know. `record` is `null` if the uid is not known here.
 */
const isElsewhere = (settings: unknown, namespace: string, record: string | null): boolean => {
  const read: unknown = Reflect.get(Object(settings), "record")
  const [uid] = String(Reflect.get(Object(read), "uid")).split(" ")
  return Reflect.get(Object(read), "namespace") === namespace && (record === null || record === uid)
}

/**
 * True if a journal that cannot be parsed may use the snapshot. A journal of another namespace must name the
 * uid of the record: otherwise anyone who can write there could prevent the deletion of this snapshot.
 */
const mayUse = (journal: Journal.Unreadable, { namespace, record }: Used): boolean =>
  !journal.isOver &&
  (journal.namespace === namespace ||
    JSON.stringify(Object(Reflect.get(journal.object, "data"))).includes(record ?? namespace))

/** Unfinished operations that use the snapshot. */
const going = (
  used: Used,
  except: string | null
): Effect.Effect<ReadonlyArray<string>, ClusterError, Cluster> => {
  const { namespace, name: set, record } = used
  return Effect.map(journals(namespace), ({ entries, unreadable }) => [
    ...unreadable
      .filter((journal) => journal.id !== except && mayUse(journal, used))
      .map(({ error }) => `its state is unknown: ${error.message}`),
    ...entries.flatMap(({ plan, status }) => {
      const isHere = plan.home === namespace || isElsewhere(plan.settings, namespace, record)
      const uses = isHere && Reflect.get(Object(plan.settings), "set") === set
      return uses && plan.id !== except && Journal.isOpen(status)
        ? [
            `operation ${plan.id}, a ${plan.verb}${plan.home === namespace ? "" : ` in namespace ${plan.home}`}, has not finished`
          ]
        : []
    })
  ])
}

/** A snapshot by its name; `record` is the uid of its record, `null` if that cannot be read. */
export interface Used {
  readonly namespace: string
  readonly name: string
  readonly record: string | null
}

/** In words; `except` is the operation that asks. */
export const usesOf = (
  used: Used,
  snapshots: ReadonlyArray<string>,
  except: string | null
): Effect.Effect<ReadonlyArray<string>, ClusterError, Cluster> =>
  Effect.map(
    Effect.all([filling(used.namespace, snapshots), going(used, except)], { concurrency: 2 }),
    (all) => all.flat()
  )
