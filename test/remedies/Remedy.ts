/**
 * A command that is printed, outside the checklist: who prints it when, and what becomes of it.
 */
import { assert } from "vitest"
import { shapeOf } from "../cluster/suite/remedies.ts"
import type { Options } from "../../packages/sandbox/src/Sandbox.ts"
import { commandsIn } from "./printed.ts"
import { type Ended, Situation, type Tools } from "./Situation.ts"

export interface Remedy {
  /** The file whose text it is, from `packages/` on. */
  readonly from: string
  /** What it does to what, without names: `stateful resume`, `delete pod`. */
  readonly shape: string
  /** In which situation it is printed. */
  readonly when: string
  readonly options?: Options
  /** Brings that about with the verbs themselves; answers what they printed. */
  readonly print: (at: Situation) => Promise<string>
  /** Makes the choices that it leaves open. */
  readonly fill?: (command: string, at: Situation) => string
  /** What it may change, as `Kind/name`; of another namespace `Kind/namespace/name`. None: it only looks. */
  readonly changes?: RegExp
  /** That it was of use. What it printed is given, and what was printed before. */
  readonly helps: (at: Situation, ran: Ended, message: string) => Promise<void> | void
}

/** The plugin's own: they need no kubectl but its way of finding plugins. */
export const isOurs = ({ shape }: Remedy): boolean =>
  shape.split(" && ").every((each) => each.startsWith("stateful "))

/** Makes the situation, runs what is printed in it, and sees that it helps; answers what else it changed. */
export const play = async (on: Tools, remedy: Remedy): Promise<ReadonlyArray<string>> => {
  const at = await Situation.begin(on, remedy.options)
  try {
    const message = await remedy.print(at)
    const command = commandsIn(message).find((one) => shapeOf(one).trim() === remedy.shape)
    assert.isDefined(command, `no \`${remedy.shape}\` in: ${message}`)
    const script = remedy.fill?.(command, at) ?? command
    const before = at.objects()
    const ran = await at.run(script)
    assert.equal(ran.code, 0, `${script}: ${ran.out}${ran.err}`)
    const after = at.objects()
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
      (key) => before.get(key) !== after.get(key)
    )
    if (remedy.changes !== undefined) assert.isNotEmpty(changed, `${script} changed nothing`)
    await remedy.helps(at, ran, message)
    return changed.filter((key) => remedy.changes?.test(key) !== true)
  } finally {
    await at.end()
  }
}
