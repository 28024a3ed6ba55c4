/** Text as Markdown. */

/** A cell of a table: it ends at a bar, and takes `<NAME>` for HTML. */
export const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")

export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")

/** A page that nobody edits. */
export const page = (title: string, parts: ReadonlyArray<string>): string =>
  `${["<!-- Written by `npm run docs`. -->", `# ${title}`, ...parts].join("\n\n")}\n`
