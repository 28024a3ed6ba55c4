/**
 * Detects whether only this operation has changed an object's spec.
 *
 * Each write of a spec raises its generation by one. The steps list their writes in order, and the fields
 * show how many of them are done: a generation beyond those is another client's.
 */
import { fieldOf, type Field } from "./Assumption.ts"
import type { Guarded } from "./Guarded.ts"

/** One field that a write of a spec changes. */
export interface FieldChange extends Field {
  readonly from: string
  readonly to: string
}

/** One write of a spec: all of its fields change at once. */
export type SpecWrite = ReadonlyArray<FieldChange>

const keyOf = ({ path }: Field): string => path.join("/")

/** After how many of these writes, done in their order, the fields are as they are now. */
export const writesDone = (writes: ReadonlyArray<SpecWrite>, object: Guarded): ReadonlyArray<number> => {
  const now = new Map(writes.flat().map((field) => [keyOf(field), fieldOf(field, object)]))
  const expected = new Map(
    writes
      .flat()
      .toReversed()
      .map((field) => [keyOf(field), field.from])
  )
  const wrong = new Set([...now.keys()].filter((key) => now.get(key) !== expected.get(key)))
  const found = wrong.size === 0 ? [0] : []
  for (const [index, write] of writes.entries()) {
    for (const field of write) {
      const key = keyOf(field)
      if (now.get(key) === field.to) wrong.delete(key)
      else wrong.add(key)
    }
    if (wrong.size === 0) found.push(index + 1)
  }
  return found
}

/** True if no other client has written the spec since this generation. False if that is unknown. */
export const isOurs = (
  writes: ReadonlyArray<SpecWrite>,
  generation: number | null,
  object: Guarded
): boolean =>
  generation !== null &&
  writesDone(writes, object).some((done) => object.metadata.generation === generation + done)
