/** Before which requests of a set's run an act of somebody else is another one: see points.ts. */
import * as Effect from "effect/Effect"
import type { Act } from "./acts.ts"
import { distinctOf, isInert, pauses, type Touched, touchedBy } from "./points.ts"
import type { Seen } from "./rival.ts"
import { actsOf, run, type Task } from "./setRivalRun.ts"

const cuts = [
  "volumesnapshots",
  "volumesnapshotcontents",
  "volumegroupsnapshots",
  "volumegroupsnapshotcontents",
  "persistentvolumeclaims",
  "persistentvolumes"
]

/** Whole kinds: which of several objects a request is about is not asked. */
const touched = (act: Act): Touched => {
  const { name, on } = act
  if (/record|list shows/.test(name)) return { kinds: ["secrets", "configmaps"] }
  if (/cut|content|group|VolumeSnapshot/.test(name)) return { kinds: [...cuts, "pods"] }
  if (/filled|check pod/.test(name)) return { kinds: [...cuts, "pods"] }
  const { kinds, claim } = touchedBy(act)
  const ofClaim = claim === undefined && on === undefined ? [] : [...cuts, "pods"]
  return { kinds: [...kinds, ...ofClaim] }
}

const sees =
  (act: Act) =>
  ({ path }: Seen): boolean =>
    touched(act).kinds.some((kind) => path.includes(`/${kind}`))

export interface Points {
  readonly requests: number
  /** How many there are with an act before every request. */
  readonly all: number
  /** One of each row that is one and the same. */
  readonly distinct: ReadonlyArray<Task>
}

export const pointsOf = (scenario: string, members: number) =>
  Effect.gen(function* () {
    const plain: Task = { scenario, members, act: "nothing", index: 0, pause: 0 }
    const { trace, faults, story } = yield* run(plain)
    if (faults.length > 0) yield* Effect.die(new Error([...faults, ...story].join("\n")))
    const acts = actsOf(scenario)
    return {
      requests: trace.length,
      all: acts.length * pauses.length * trace.length,
      distinct: acts.flatMap((act) => {
        const indices = distinctOf(trace, sees(act))
        return pauses
          .filter((pause) => (act.name === "nothing" ? pause > 0 : pause === 0 || !isInert.test(act.name)))
          .flatMap((pause) => indices.map((index): Task => ({ ...plain, act: act.name, index, pause })))
      })
    } satisfies Points
  })
