/** The desired state of one workload: the lines above its replicas. */
import { hintsFor } from "@kubectl-stateful/sdk/Profile"
import type { AppState } from "@kubectl-stateful/sdk/State"
import type { Workload } from "@kubectl-stateful/sdk/Topology"
import { field } from "./table.ts"
import { type Line } from "./text.ts"

/** The column of the values of `Title: value` lines. */
export const valueColumn = 13

/** `Kind/name`, as the state's parts name their workload. */
export const workloadName = (workload: Workload): string => `${workload.kind}/${workload.name}`

const replicaCount = (workload: Workload): string => {
  const last = workload.firstOrdinal + workload.replicas - 1
  const ordinals =
    workload.kind !== "StatefulSet" || workload.replicas === 0
      ? []
      : [
          workload.replicas === 1
            ? `ordinal ${workload.firstOrdinal}`
            : `ordinals ${workload.firstOrdinal}-${last}`
        ]
  const policy = workload.podManagementPolicy === null ? [] : [workload.podManagementPolicy]
  const deleted = workload.deleted === null ? [] : ["being deleted"]
  return [`${workload.ready} of ${workload.replicas} ready`, ...ordinals, ...policy, ...deleted].join(", ")
}

const update = (workload: Workload): string | null => {
  const behind = workload.currentRevision !== workload.updateRevision
  const parts = [
    workload.updateStrategy,
    ...(behind ? [`${workload.status.updated} of ${workload.replicas} on the new revision`] : []),
    ...(workload.partition > 0 ? [`partition ${workload.partition}`] : []),
    ...(workload.minReadySeconds > 0 ? [`minReadySeconds ${workload.minReadySeconds}`] : []),
    ...(workload.observedGeneration < workload.generation
      ? ["latest change not yet observed by the controller"]
      : [])
  ]
  return parts.length === 1 && workload.updateStrategy === "RollingUpdate" ? null : parts.join(", ")
}

/** `db-{0..2}.db.shop.svc`: the names that resolve inside the cluster. */
const peers = (state: AppState, workload: Workload): string | null => {
  if (workload.kind !== "StatefulSet") return null
  if (workload.serviceName === null) return "<none>, the workload names no Service"
  const first = workload.firstOrdinal
  const ordinals = workload.replicas === 1 ? `${first}` : `{${first}..${first + workload.replicas - 1}}`
  const service = state.services.find((each) => each.name === workload.serviceName)
  const missing = service?.present === false ? ` (Service ${workload.serviceName} is missing)` : ""
  if (workload.replicas === 0) return `<none>, scaled to 0${missing}`
  return `${workload.name}-${ordinals}.${workload.serviceName}.${state.namespace}.svc${missing}`
}

/** The desired state of one workload, by title; without what it does not have. */
export const workloadFields = (
  state: AppState,
  workload: Workload
): ReadonlyArray<readonly [title: string, values: ReadonlyArray<string>]> => {
  const one = (value: string | null) => (value === null ? [] : [value])
  const named = state.ref._tag === "Selector" ? `${workloadName(workload)}, ` : `${workload.kind}, `
  const fields = [
    ["Workload", [named + replicaCount(workload)]],
    ["Update", one(update(workload))],
    ["Image", [...new Set(workload.images)]],
    [
      "Profile",
      workload.kind === "StatefulSet"
        ? hintsFor(workload.images).map((name) => `looks like ${name}: \`--profile ${name}\``)
        : []
    ],
    ["Peers", one(peers(state, workload))],
    [
      "Retention",
      one(
        workload.retention === null
          ? null
          : `whenScaled ${workload.retention.whenScaled}, whenDeleted ${workload.retention.whenDeleted}`
      )
    ],
    [
      "Managed by",
      workload.writers.map((writer) => (writer.replicas ? `${writer.name} (replicas)` : writer.name))
    ]
  ] as const
  return fields.filter(([, values]) => values.length > 0)
}

/** The lines above one workload's replicas. */
export const workloadLines = (state: AppState, workload: Workload, columns: number): ReadonlyArray<Line> =>
  workloadFields(state, workload).flatMap(([title, values]) => field(title, values, columns, valueColumn))
