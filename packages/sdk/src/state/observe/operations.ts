/**
 * The marks by which an operation's journal is found again: labels and annotations of a ConfigMap
 * in its home namespace, so that a list of metadata is enough.
 */
import type { ObjectMeta } from "../../kind/Meta.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { compareNames } from "../../NameOrder.ts"
import type { Lists } from "../observation.ts"
import type { AppState } from "../AppState.ts"
import {
  appLabel,
  operationLabel,
  verbAnnotation,
  phaseAnnotation,
  holderAnnotation,
  guardsOf
} from "../../Labels.ts"
import { labelValue } from "../../ObjectName.ts"

type Summary = NonNullable<AppState["operations"]>[number]

/** Newest first. `null` if ConfigMaps could not be read. */
export const observeOperations = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  { configmaps }: Pick<Lists, "configmaps">
): ReadonlyArray<Summary> | null => {
  const names = new Set(appWorkloads.map(({ metadata }) => labelValue(metadata.name)))
  const keys = new Set(
    appWorkloads.map(({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`)
  )
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
