/**
 * Applications in the output format that was asked for.
 */
import * as Effect from "effect/Effect"
import { appPage } from "./app.ts"
import { appDocument, documentText, listDocument, names } from "./document.ts"
import { type Answered, listTable } from "./list.ts"
import type { Room } from "./table.ts"
import type { Printable } from "./terminal.ts"
import { blank, render } from "./text.ts"

/** kubectl's `-o`; null is the text for people. */
export type Output = "json" | "yaml" | "wide" | "name" | null

/** The options of the list, and its output. */
export interface Layout {
  readonly output: Output
  /** All of a namespace or the cluster: a line each rather than a page. */
  readonly all: boolean
  readonly allNamespaces: boolean
  readonly room: Room
  readonly colour: boolean
}

const text = (apps: ReadonlyArray<Answered>, layout: Layout): Printable => {
  const wide = layout.output === "wide"
  // All columns were requested: print them side by side.
  const page = { ...(wide ? { columns: layout.room.columns } : layout.room), wide }
  const lines = layout.all
    ? listTable(apps, { ...page, namespaces: layout.allNamespaces })
    : apps.flatMap(({ state, checklist }, index) => [
        ...(index === 0 ? [] : [blank, blank]),
        ...appPage(state, checklist, page)
      ])
  return render(lines, layout.colour)
}

/** The whole output, ending with a newline. */
export const applicationsText = Effect.fnUntraced(function* (
  apps: ReadonlyArray<Answered>,
  layout: Layout
): Effect.fn.Return<Printable> {
  if (layout.output === null || layout.output === "wide") return text(apps, layout)
  if (layout.output === "name") return names(apps)
  const [first, ...more] = apps
  const isOne = first !== undefined && more.length === 0 && !layout.all
  const document = isOne ? appDocument(first) : listDocument(apps)
  return yield* documentText(document, layout.output)
})
