/**
 * Warning events about the app's objects.
 */
import { compareNames } from "../../NameOrder.ts"
import type { Lists } from "../observation.ts"
import type { AppState } from "../AppState.ts"

type Warning = NonNullable<AppState["events"]>[number]

/** More than this says nothing new, and a crash loop leaves many. */
const told = 100

/** Newest first; `objects` as `Kind/name`. `null` if events could not be read. */
export const observeWarnings = (
  objects: ReadonlySet<string>,
  { events }: Pick<Lists, "events">
): ReadonlyArray<Warning> | null =>
  events
    ?.flatMap((event): ReadonlyArray<Warning> => {
      const object = `${event.involvedObject.kind ?? ""}/${event.involvedObject.name ?? ""}`
      if (event.type !== "Warning" || !objects.has(object)) return []
      return [
        {
          object,
          type: event.type,
          reason: event.reason ?? "",
          message: event.message ?? "",
          count: event.series?.count ?? event.count ?? 1,
          last:
            event.series?.lastObservedTime ??
            event.lastTimestamp ??
            event.eventTime ??
            event.metadata.creationTimestamp ??
            ""
        }
      ]
    })
    .toSorted((a, b) => compareNames(b.last, a.last))
    .slice(0, told) ?? null
