/**
 * HTML by a tagged template: every value is escaped, unless it is HTML that this tag made. A hidden character
 * is written out, as in all our output.
 */
import { type Printable, ended, visible } from "../print/terminal.ts"

/** Markup. Only the tag below makes it, so that no text of a cluster becomes markup. */
export class Html {
  // Private, so that the compiler takes no other object with a text for it.
  readonly #text: string
  private constructor(text: string) {
    this.#text = text
  }

  get text(): string {
    return this.#text
  }

  /** ``markup`<td>${name}</td>` ``. */
  static readonly markup = (words: TemplateStringsArray, ...values: ReadonlyArray<Part>): Html =>
    new Html(words.map((word, index) => `${word}${textOf(values[index] ?? null)}`).join(""))

  /** For our own style sheet, which has no value in it. */
  static readonly style = (css: string): Html => {
    if (css.includes("<")) throw new Error("a style sheet ends at its first <")
    return new Html(`<style>${css}</style>`)
  }
}

/** What a template takes: text, numbers, markup, lists of them; `null` and `false` are nothing. */
export type Part = Html | string | number | null | false | ReadonlyArray<Part>

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;"
}

/** Safe in text and in a quoted attribute. */
export const escaped = (text: string): string =>
  visible(text).replace(/[&<>"'`]/g, (character) => entities[character] ?? "")

const textOf = (part: Part): string => {
  if (part === null || part === false) return ""
  if (part instanceof Html) return part.text
  if (typeof part === "string") return escaped(part)
  if (typeof part === "number") return Number.isFinite(part) ? `${Number(part.toFixed(3))}` : ""
  return part.map(textOf).join("")
}

export const { markup, style } = Html

/** For a file or a terminal: no hidden character is in it. */
export const printable = ({ text }: Html): Printable => ended(text.trimEnd().split("\n").map(visible))
