/** The width of text in terminal columns. A separate file, so that output without columns loads no tables. */
import { eastAsianWidth } from "get-east-asian-width"
import type { Visible } from "./terminal.ts"

const printableAscii = /^[ -~]*$/
/** Created when a text first needs it: it takes 24 ms. */
let graphemes: Intl.Segmenter | undefined
const zeroWidth = /^\p{M}$/u
/** Flags are two letters, neither of which is wide. */
const emoji = /\p{Emoji_Presentation}/u

const isWide = (grapheme: string): boolean =>
  emoji.test(grapheme) ||
  Array.from(grapheme).some((character) => eastAsianWidth(character.codePointAt(0) ?? 0) === 2)

/** The number of columns of this text on a terminal. */
export const columnsOf = (text: Visible): number => {
  if (printableAscii.test(text)) return text.length
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" })
  let columns = 0
  for (const { segment } of graphemes.segment(text)) {
    columns += zeroWidth.test(segment) ? 0 : isWide(segment) ? 2 : 1
    // Half-width voice marks belong to the letter before them, and take a column of their own.
    if (segment.length > 1 && /[\uff9e\uff9f]$/.test(segment)) columns += 1
  }
  return columns
}
