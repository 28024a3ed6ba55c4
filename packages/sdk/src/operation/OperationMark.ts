/**
 * The marks by which an operation's journal is found again: labels and annotations of a ConfigMap
 * in the app's namespace, so that a list of metadata is enough.
 */
import { compareNames, type Member } from "../state/Member.ts"
import type { Lists } from "../state/Observation.ts"
import type { AppState } from "../State.ts"

/** Labels: the operation's id, and the StatefulSet it acts on. */
export const operationLabel = "kubectl-stateful.dev/operation"
export const appLabel = "kubectl-stateful.dev/app"

/** Annotations: `scale`, `snapshot`, `restore`; where it stands; who runs it. */
export const verbAnnotation = "kubectl-stateful.dev/verb"
export const phaseAnnotation = "kubectl-stateful.dev/phase"
export const holderAnnotation = "kubectl-stateful.dev/holder"

type Summary = NonNullable<AppState["operations"]>[number]

/** Newest first. Null: ConfigMaps could not be read. */
export const observeOperations = (
  members: ReadonlyArray<Member>,
  { configmaps }: Pick<Lists, "configmaps">
): ReadonlyArray<Summary> | null => {
  // A label's value has at most 63 characters.
  const names = new Set(members.map(({ metadata }) => metadata.name.slice(0, 63)))
  return (
    configmaps
      ?.flatMap(({ metadata }): ReadonlyArray<Summary> => {
        const id = metadata.labels?.[operationLabel]
        const app = metadata.labels?.[appLabel]
        if (id === undefined || (app !== undefined && !names.has(app))) return []
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
