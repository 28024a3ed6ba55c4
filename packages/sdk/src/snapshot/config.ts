/** The objects of an application's state other than its volumes: pure over that state. */
import type { AppState } from "../state/AppState.ts"
import type { ConfigObject } from "../step/recordSet.ts"

/** The objects of the state other than its volumes. */
export const configOf = (state: AppState): ReadonlyArray<ConfigObject> => {
  const known = (kind: ConfigObject["kind"], name: string, resourceVersion: string | null = null) => ({
    kind,
    name,
    resourceVersion
  })
  return [
    ...state.workloads.flatMap(({ kind, name }) =>
      kind === "StatefulSet" || kind === "Deployment" ? [known(kind, name)] : []
    ),
    ...state.services.flatMap(({ name, present }) => (present === false ? [] : [known("Service", name)])),
    ...state.references.flatMap(({ kind, name, present, resourceVersion }) =>
      present === false ? [] : [known(kind, name, resourceVersion)]
    ),
    ...(state.budgets ?? []).map(({ name }) => known("PodDisruptionBudget", name)),
    ...(state.autoscalers ?? []).map(({ name }) => known("HorizontalPodAutoscaler", name))
  ]
}
