/** Every command that is printed outside the checklist: with a situation in which it is run, or why it has none. */
import * as data from "./data.ts"
import type { Printed } from "./printed.ts"
import type { Remedy } from "./Remedy.ts"
import * as work from "./work.ts"

/** What a source says of kubectl and advises nobody to type, or what no sandbox can bring about. */
export interface Unplayed extends Printed {
  readonly why: string
}

export const remedies: ReadonlyArray<Remedy> = [...work.remedies, ...data.remedies]

export const unplayed: ReadonlyArray<Unplayed> = [...work.unplayed, ...data.unplayed]
