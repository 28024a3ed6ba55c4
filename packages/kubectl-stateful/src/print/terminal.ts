/**
 * Text that is safe for a terminal: no control character, bidirectional mark or invisible character from an
 * object's fields (CVE-2021-25743). A file or a pipe gets the same, since it may be shown on a terminal
 * later.
 */

declare const printableBrand: unique symbol
declare const visibleBrand: unique symbol

/**
 * Text without hidden characters, in lines, with control codes from our own source only. Only this file
 * creates it, and every writer requires it.
 */
export type Printable = string & { readonly [printableBrand]: true }

/** A piece of a line, without control or hidden characters. Only `visible` creates it. */
export type Visible = Printable & { readonly [visibleBrand]: true }

/** Control and format characters (ESC, C1, bidi, zero width), line separators, private, unassigned and lone surrogates. */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** Most text; it spares a start the 25 ms that the classes of `hidden` take to be compiled. */
const plain = /^[\n -~]*$/

const escapeCharacter = (character: string): string => {
  if (character === "\n") return "\\n"
  if (character === "\t") return "\\t"
  const code = character.codePointAt(0) ?? 0
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`
}

/** The text with each hidden character written out (`\u202e`), so that nothing is lost and nothing acts. */
export const visible = (text: string): Visible =>
  (plain.test(text) ? text.replaceAll("\n", "\\n") : text.replace(hidden, escapeCharacter)) as Visible

/** True if a text of several lines can be sent to a terminal as it is. */
export const isVisible = (text: string): boolean =>
  plain.test(text) || text.replaceAll("\n", "").search(hidden) === -1

/** Our own words around printable text: ``printed`${visible(name)} scaled\n` ``. */
export const printed = (
  words: TemplateStringsArray,
  ...values: ReadonlyArray<Printable | number>
): Printable => words.map((word, index) => `${word}${values[index] ?? ""}`).join("") as Printable

export const nothing = printed``

/** One after another. */
export const joined = (parts: ReadonlyArray<Printable>): Printable => parts.join("") as Printable

/** Lines, each ended by a newline. */
export const ended = (lines: ReadonlyArray<Printable>): Printable =>
  joined(lines.map((line) => printed`${line}\n`))

/** The text with words inserted after each match of a pattern, whose first group they depend on. */
export const inserted = <Text extends string>(
  text: Text,
  place: RegExp,
  words: (group: string) => Visible
): Text => text.replace(place, (found: string, group: string) => `${found}${words(group)}`) as Text

/** Without trailing spaces. */
export const trimmed = (text: Printable): Printable => text.replace(/(?<! ) +$/, "") as Printable

/** The text with its hidden characters replaced; a newline stays. */
const withoutHidden = (text: string, replacement: (character: string) => string): Printable =>
  (plain.test(text)
    ? text
    : text.replace(hidden, (character) =>
        character === "\n" ? character : replacement(character)
      )) as Printable

/** JSON text with each hidden character of its strings escaped; it still parses to the same value. */
export const visibleJson = (json: string): Printable =>
  withoutHidden(json, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      const unit = character.charCodeAt(index).toString(16)
      return `\\u${unit.padStart(4, "0")}`
    }).join("")
  )

/** YAML text whose strings with hidden characters are in double quotes, with those escaped. */
export const visibleYaml = (yaml: string): Printable =>
  withoutHidden(yaml, (character) => {
    const code = character.codePointAt(0) ?? 0
    const digits = code.toString(16)
    return code > 0xffff ? `\\U${digits.padStart(8, "0")}` : `\\u${digits.padStart(4, "0")}`
  })
