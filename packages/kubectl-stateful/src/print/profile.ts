/** Profiles: the list of them, and one as a file. */
import { fileOf, type Read } from "@kubectl-stateful/sdk/Profile"
import * as Effect from "effect/Effect"
import { documentText } from "./document.ts"
import { type Room, table } from "./table.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { render } from "./text.ts"

const header = ["NAME", "SECTIONS", "GUARANTEE"]

/** A single profile is printed as a file, so that it can be used; several as a list. */
export const profilesText = (
  profiles: ReadonlyArray<Read>,
  alone: boolean,
  output: string | undefined,
  room: Room
): Effect.Effect<Printable> => {
  const [first] = profiles
  if (output === "json" || output === "yaml") {
    const items = profiles.map(({ file }) => fileOf(file))
    const list = { apiVersion: "kubectl-stateful.dev/v1", kind: "ProfileList", items }
    return documentText(alone && first !== undefined ? fileOf(first.file) : list, output)
  }
  if (output === "name") return Effect.succeed(ended(profiles.map(({ name }) => visible(name))))
  const rows = profiles.map(({ name, file }) => {
    const sections = [
      ...((file.scale ?? file.hooks) === undefined ? [] : ["scale"]),
      ...(file.snapshot === undefined ? [] : ["snapshot"]),
      ...(file.restore === undefined ? [] : ["restore"]),
      ...(file.seed === undefined ? [] : ["seed"])
    ]
    const note = file.description ?? null
    return { cells: [name, sections.join(",") || "<none>", file.snapshot?.guarantee ?? "<none>"], note }
  })
  return Effect.succeed(render(table(header, rows, room), false))
}
