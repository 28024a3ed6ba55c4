/** An axis of time that fits any width: positions in percent of it, and a few ages below. */
import { duration } from "../print/age.ts"
import { type Html, markup } from "./Html.ts"
import { outline } from "./pieces.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** The distances between ticks that people count in. */
const steps = [
  minute / 60,
  10 * (minute / 60),
  minute,
  5 * minute,
  15 * minute,
  30 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
  14 * day,
  30 * day,
  90 * day,
  180 * day,
  365 * day
]

const mostTicks = 4

/** From a time to another, in milliseconds. */
export interface Axis {
  readonly from: number
  readonly to: number
}

/** The margin on both sides, so that a mark at an end is whole. */
const margin = 2

/** In percent of the width; a time outside is at the end. */
export const at = ({ from, to }: Axis, millis: number): number => {
  const share = to <= from ? 1 : (millis - from) / (to - from)
  return margin + Math.min(1, Math.max(0, share)) * (100 - 2 * margin)
}

/** Vertical lines with the age at each, the newest at the right. */
export const ticks = (axis: Axis, height: number): ReadonlyArray<Html> => {
  const span = axis.to - axis.from
  const step = steps.find((one) => span / one <= mostTicks) ?? Math.ceil(span / mostTicks / day) * day
  const count = step <= 0 ? 0 : Math.floor(span / step)
  return Array.from({ length: count + 1 }, (_, index) => {
    const x = at(axis, axis.to - index * step)
    const anchor = x > 90 ? "end" : x < 10 ? "start" : "middle"
    const label = index === 0 ? "now" : `${duration((index * step) / 1000)} ago`
    return markup`<line class="tick" ${outline} x1="${x}%" x2="${x}%" y1="0" y2="${height - 18}" /><text
        class="small soft"
        x="${x}%"
        y="${height - 4}"
        text-anchor="${anchor}"
        >${label}</text
      > `
  })
}
