/** What a program said last, for one line of a terminal. */

/** The last line with something on it, safe for a terminal. */
export const lastLine = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, " ").trim())
    .findLast((line) => line !== "")
    ?.slice(0, 200) ?? ""

const isFrame = (line: string): boolean => /^\s+(?:at |\.\.\. \d+ more)/.test(line)
const endOfNode = /^Node\.js v\d/m

/** The last line; of a program that ended with a stack trace, the line above the trace, which says why. */
export const lastWords = (text: string): string => {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !endOfNode.test(line))
  const isTraced = endOfNode.test(text) || isFrame(lines.at(-1) ?? "")
  const trace = isTraced ? lines.findLastIndex(isFrame) : -1
  return lastLine(lines.findLast((line, at) => !isFrame(line) && (trace < 0 || at < trace)) ?? "")
}
