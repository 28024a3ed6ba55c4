/** Pieces of the page: grades, times, text with commands, and tables. */
import type { Answer } from "@kubectl-stateful/sdk/Checklist"
import type { AppState } from "@kubectl-stateful/sdk/State"
import { age } from "../print/age.ts"
import { answerSpan } from "../print/checklist.ts"
import type { Cell as TextCell } from "../print/table.ts"
import type { Tone } from "../print/text.ts"
import { type Html, markup, type Part } from "./Html.ts"

/**
 * A shape whose style sheet is not applied, as on servers with a content security policy of their own, would be
 * filled with black, and hide what is in it. The style sheet's rules come before these.
 */
export const outline = markup`fill="none" stroke="currentColor"`

/** The same of letters: they are no wider than there is room for. */
export const letters = markup`font-family="monospace" font-size="12"`

/** A grade has a sign and a word: its colour is not needed to read it. */
export const signs: Readonly<Record<Answer, string>> = {
  Yes: "✓",
  YesWithDowntime: "◐",
  No: "✕",
  Unknown: "?"
}

export const toneOf = (answer: Answer): Tone => answerSpan(answer).tone

export const grade = (answer: Answer): Html =>
  markup`<span class="grade ${toneOf(answer)}"
    ><span aria-hidden="true">${signs[answer]}</span> ${answerSpan(answer).text}</span
  >`

/** `2026-11-29 14:03:12 UTC`, whatever the reader's time zone is; what is no time stays as it is. */
export const utc = (moment: string): string => {
  const millis = Date.parse(moment)
  return Number.isNaN(millis)
    ? moment
    : `${new Date(millis).toISOString().slice(0, 19).replace("T", " ")} UTC`
}

export const time = (moment: string): Html => markup`<time datetime="${moment}">${utc(moment)}</time>`

/** With its age below. */
export const timeAndAge = (moment: string, now: string): Html =>
  markup`${time(moment)} <span class="note">${age(moment, now)} ago</span>`

/** Prose with `commands in backquotes`, or with one at its end that starts with kubectl. */
export const prose = (text: string): ReadonlyArray<Html> =>
  text.split("`").flatMap((part, index, all) => {
    if (part === "") return []
    // A backquote without its partner is only a character.
    if (index % 2 === 1)
      return [index === all.length - 1 ? markup`${`\`${part}`}` : markup`<code>${part}</code>`]
    const at = index === all.length - 1 ? part.search(/\bkubectl /) : -1
    return at === -1
      ? [markup`${part}`]
      : [markup`${part.slice(0, at)}`, markup`<code class="command">${part.slice(at)}</code>`]
  })

/** A cell, and how it is laid out: `id` a name, `tight` on one line, `wide` prose, `bar` a drawing. */
export interface Column {
  readonly title: string
  readonly layout?: "id" | "tight" | "wide" | "bar"
}

/** A table with its caption, that scrolls by itself where it is too wide. The first cell is the row's heading. */
export const table = (
  caption: string,
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<Part>>
): Html =>
  markup`<div class="scroll" role="group" tabindex="0" aria-label="${caption}">
    <table>
      <caption><span>${caption}</span></caption>
      <thead>
        <tr>
          ${columns.map(({ title }) => markup`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            markup`<tr>
              ${columns.map(({ layout = "" }, index) => {
                const cell = cells[index] ?? null
                return index === 0
                  ? markup`<th scope="row" class="${layout}">${cell}</th>`
                  : markup`<td class="${layout}">${cell}</td>`
              })}
            </tr> `
        )}
      </tbody>
    </table>
  </div> `

/** A cell as the text output has it: its tone is its colour here too. */
export const cell = (of: TextCell): Part =>
  typeof of === "string"
    ? of
    : of.tone === "plain"
      ? of.text
      : markup`<span class="${of.tone}">${of.text}</span>`

/** With what is unusual about it below. */
export const noted = (text: Part, note: string | null): Part =>
  note === null ? text : [text, markup` <span class="note">${note}</span>`]

/** Comma between them; `<none>` if there are none. */
export const listed = (parts: ReadonlyArray<Part>): Part =>
  parts.length === 0 ? "<none>" : parts.map((part, index) => (index === 0 ? part : [", ", part]))

/** Otherwise it is unknown which there are. */
export const areClaimsRead = ({ unread }: Pick<AppState, "unread">): boolean =>
  !unread.some(({ resource }) => resource === "persistentvolumeclaims")
