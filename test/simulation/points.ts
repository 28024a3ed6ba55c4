/**
 * Before which requests an act of a rival has to be tried.
 *
 * An act before one request, and the same act before the one that follows it, are one and the same if
 * the request between them neither reads nor writes anything that the act touches, or that controllers
 * make of it, and if no time passes between the two: then the act and that request can change places.
 * So of each row of such points one is tried: the last, directly before the request that can see the
 * act. A row ends at a read of a kind that the act touches, at any write of ours, and wherever time has
 * passed, since controllers have gone on by then.
 *
 * What this does not say: what is under way in the same instant (other requests of ours, controllers that
 * take their turns) may come in another order, of which one is tried: a claim that lost its volume is told
 * as Lost before a request, and as one whose volume is another's before the next. With a pause after the
 * act the request between them is made 700 ms later or earlier, so that what others than the act have set
 * going (a pod that ends) may be further by then. An open watch sees an act at once; its waiter makes no
 * request between two points of one row.
 */
import { actsOf, attempt, type Seen } from "./rival.ts"
import type { Act } from "./acts.ts"
import type { Inventory, Scenario } from "./verdict.ts"
import * as Effect from "effect/Effect"

/** Milliseconds that a rival's act is ahead of the request: at once, or long enough for controllers to see it. */
export const pauses: ReadonlyArray<number> = [0, 700]

export interface Point {
  readonly act: Act
  readonly pause: number
  readonly index: number
}

export interface Points {
  /** An act before every request. */
  readonly all: ReadonlyArray<Point>
  /** One of each row that is one and the same. */
  readonly distinct: ReadonlyArray<Point>
}

/** What an act touches, with what controllers make of it: whole kinds, or single objects of a kind. */
export interface Touched {
  readonly kinds: ReadonlyArray<string>
  /** A claim by name, and its volumes: also seen by whoever lists. */
  readonly claim?: string
}

const workload = ["statefulsets", "pods", "persistentvolumeclaims", "persistentvolumes"]

/** Acts on one claim that only itself and its volume tell of; any other of those moves pods as well. */
const isQuiet = /^(policy|unmark|label|made-by|no made-by|claims in two|our )/

export const touchedBy = ({ name, forbids, on }: Act): Touched => {
  if (name === "nothing") return { kinds: workload }
  if (forbids === true) return { kinds: ["persistentvolumes"] }
  if (name.includes("journal")) return { kinds: ["configmaps"] }
  if (name.includes("Lease")) return { kinds: ["leases"] }
  if (name.startsWith("no annotation")) return { kinds: ["statefulsets"] }
  if (name.startsWith("a Job") && on !== undefined) return { kinds: ["jobs", "pods"], claim: on }
  if (on === undefined) return { kinds: workload }
  return { kinds: isQuiet.test(name) ? [] : ["pods"], claim: on }
}

/** Acts that no controller makes anything of: a pause after them is the same as a pause after nothing. */
export const isInert =
  /journal|Lease|may not be patched|^(no annotation|unmark|label|made-by|no made-by|our )/

/** Whether a request can see what the act has done. */
const seer = ({ kinds, claim }: Touched, claims: Inventory["claims"]) => {
  const isOn = (name: string) => (claim === "aside" ? name.startsWith("data-db-2-") : name === claim)
  // What was set aside of a claim has its volume.
  const isNear = (name: string) => isOn(name) || name.startsWith(`${claim}-`) || claim === "aside"
  const volumes = [...claims].flatMap(([name, { volume }]) =>
    isNear(name.slice(name.indexOf("/") + 1)) && volume !== undefined ? [volume] : []
  )
  return ({ path }: Seen): boolean => {
    if (kinds.some((kind) => path.includes(`/${kind}`))) return true
    if (claim === undefined) return false
    const name = path.slice(path.lastIndexOf("/") + 1)
    if (path.includes("/persistentvolumeclaims/")) return isOn(name)
    if (path.includes("/persistentvolumes/")) return volumes.includes(name)
    return /\/persistentvolume(claim)?s$/.test(path)
  }
}

const isWrite = ({ method, path }: Seen): boolean => method !== "GET" && !path.includes("accessreviews")

/** The numbers of the requests before which the act is tried: the first, and the last of each row. */
export const distinctOf = (
  trace: ReadonlyArray<Seen>,
  sees: (request: Seen) => boolean
): ReadonlyArray<number> =>
  trace.flatMap((request, place) => {
    const next = trace[place + 1]
    const isLast = place === 0 || next === undefined || next.at !== request.at
    return isLast || isWrite(request) || sees(request) ? [place + 1] : []
  })

/** Every act of a scenario at every request of its run, and those that are distinct. */
export const pointsOf = (scenario: Scenario) =>
  Effect.gen(function* () {
    const acts = actsOf(scenario)
    const [nothing] = acts
    if (nothing === undefined) return { all: [], distinct: [] } satisfies Points
    const { trace, faults, story, start, answered, end } = yield* attempt(scenario, nothing, 0, 0)
    if (faults.length > 0) yield* Effect.die(new Error([...faults, ...story].join("\n")))
    const claims = new Map([...start.claims, ...answered.claims, ...end.claims])
    const every = trace.map((_, place) => place + 1)
    return {
      all: acts.flatMap((act) => pauses.flatMap((pause) => every.map((index) => ({ act, pause, index })))),
      distinct: acts.flatMap((act) => {
        const indices = distinctOf(trace, seer(touchedBy(act), claims))
        return pauses
          .filter((pause) => (act === nothing ? pause > 0 : pause === 0 || !isInert.test(act.name)))
          .flatMap((pause) => indices.map((index) => ({ act, pause, index })))
      })
    } satisfies Points
  })
