/**
 * The marks by which an operation's journal is found again: labels and annotations of a ConfigMap
 * in its home namespace, so that a list of metadata is enough.
 */
import type { ObjectMeta } from "../../kind/Meta.ts"
import { compareNames, type Member } from "../AppWorkload.ts"
import type { Lists } from "../observation.ts"
import type { AppState } from "../AppState.ts"
import {
  guardsAnnotation,
  appLabel,
  operationLabel,
  verbAnnotation,
  phaseAnnotation,
  holderAnnotation
} from "../../Labels.ts"

/** Null: the journal does not say. */
export const guardsOf = (annotations: Readonly<Record<string, string>>): ReadonlyArray<string> | null =>
  annotations[guardsAnnotation]?.split(" ") ?? null

const over: ReadonlyArray<string> = ["Succeeded", "Aborted", "Incomplete"]

/** Whether an operation of this phase is over: nobody can take it up any more. */
export const isOver = (phase: string): boolean => over.includes(phase)

type Summary = NonNullable<AppState["operations"]>[number]

/** Newest first. Null: ConfigMaps could not be read. */
export const observeOperations = (
  members: ReadonlyArray<Member>,
  { configmaps }: Pick<Lists, "configmaps">
): ReadonlyArray<Summary> | null => {
  // A label's value has at most 63 characters.
  const names = new Set(members.map(({ metadata }) => metadata.name.slice(0, 63)))
  const keys = new Set(members.map(({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`))
  const isAbout = ({ labels, annotations }: ObjectMeta): boolean => {
    const app = labels?.[appLabel]
    const guards = guardsOf(annotations ?? {})
    return (
      (app !== undefined && names.has(app)) ||
      (guards === null ? app === undefined : guards.some((key) => keys.has(key)))
    )
  }
  return (
    configmaps
      ?.flatMap(({ metadata }): ReadonlyArray<Summary> => {
        const id = metadata.labels?.[operationLabel]
        if (id === undefined || !isAbout(metadata)) return []
        return [
          {
            id,
            verb: metadata.annotations?.[verbAnnotation] ?? "unknown",
            phase: metadata.annotations?.[phaseAnnotation] ?? "unknown",
            started: metadata.creationTimestamp ?? "",
            holder: metadata.annotations?.[holderAnnotation] ?? null
          }
        ]
      })
      .toSorted((a, b) => compareNames(b.started, a.started)) ?? null
  )
}
