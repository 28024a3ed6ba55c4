/** Claims that an operation set aside: a replica's previous data, kept under another name. */
import type { AppState } from "../AppState.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import type { Lists } from "../observation.ts"
import { setAsideLabel } from "../../Labels.ts"

type SetAside = AppState["setAside"][number]

/** `data-db-0-9ffe19c6`: the claim's name, and the operation's id. */
const named = /^(.+?)(?:-new|-seed)?-([0-9a-f]{8})$/

/** By name. */
export const observeSetAside = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  { persistentvolumeclaims }: Pick<Lists, "persistentvolumeclaims">
): ReadonlyArray<SetAside> => {
  const names = new Set(appWorkloads.map(({ metadata }) => metadata.name))
  return (persistentvolumeclaims ?? [])
    .filter(({ metadata }) => names.has(metadata.labels?.[setAsideLabel] ?? ""))
    .map(({ metadata, spec, status }): SetAside => {
      const [, of = null, operation = null] = named.exec(metadata.name) ?? []
      const size = status?.capacity?.["storage"] ?? spec.resources?.requests?.["storage"] ?? null
      return {
        name: metadata.name,
        of,
        operation,
        size: size === null ? null : `${size}`,
        volume: spec.volumeName ?? null
      }
    })
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
}
