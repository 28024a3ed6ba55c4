/**
 * Defects that no single death shows: whoever takes an operation up does not record, or records too late, what
 * a third one has to know.
 */
import type { Cluster, Request } from "../../packages/sdk/src/Cluster.ts"
import { configmaps } from "../../packages/sandbox/src/registry/kinds/core.ts"
import * as Effect from "effect/Effect"
import { type Faults } from "./again.ts"
import { type Change, dropped } from "./defects.ts"
import * as Scaling from "./scaleAgain.ts"
import type { Decorate } from "./scaling.ts"
import type * as Sets from "./sets.ts"

interface Means {
  readonly bug: Decorate
  readonly faults: () => Faults
  readonly again: () => Faults
  readonly way: Sets.Way
  readonly end: Sets.Way
}

export interface PlantedAgain {
  readonly name: string
  readonly run: (means: Means) => Effect.Effect<unknown, unknown>
  readonly bug: Decorate
  readonly way: Sets.Way
  readonly end: Sets.Way
  /** At which changes the two die. */
  readonly at: readonly [first: number, again: number]
  /** By what it is noticed. */
  readonly says: RegExp
}

const isJournal = ({ method, path }: Request) => method === "PATCH" && path.includes("/configmaps/")

/** Changed on its way, by whoever has taken the operation up. */
const byTakers =
  (change: (request: Request) => Request): Decorate =>
  (inner, world): Cluster["Service"] => {
    const runOf = (object: object): string | undefined => Object(Reflect.get(object, "data")).run
    let owner: string | undefined
    return {
      ...inner,
      request: (request) => {
        owner ??= world.sandbox.store
          .list(configmaps, "shop")
          .map(runOf)
          .find((run) => run !== undefined)
        const isTaker = owner !== undefined && !(request.body ?? "").includes(owner)
        return inner.request(isJournal(request) && isTaker ? change(request) : request)
      }
    }
  }

interface Status {
  readonly phase: string
  readonly marks: Readonly<Record<string, ReadonlyArray<{ readonly state: string }>>>
}

const statusOf = ({ body = "[]" }: Request): Status | null => {
  const changes: unknown = JSON.parse(body)
  const found = Array.isArray(changes) ? changes.find(({ path }) => path === "/data/status.json") : undefined
  return found === undefined ? null : JSON.parse(found.value)
}

/** The run that is tested is not the one that is written. */
const isTakeOver = ({ body = "[]" }: Request): boolean => {
  const changes: ReadonlyArray<Change> = JSON.parse(body)
  return new Set(changes.flatMap(({ path, value }) => (path === "/data/run" ? [value] : []))).size > 1
}

/** It says what is begun next, of an undo or of any step. */
const isIntent =
  (of: RegExp) =>
  (request: Request): boolean => {
    const status = statusOf(request)
    if (status === null || isTakeOver(request) || !["Running", "Aborting"].includes(status.phase))
      return false
    return Object.entries(status.marks).some(
      ([key, mark]) => of.test(key) && mark.some(({ state }) => state === "Begun")
    )
  }
const isUndone = isIntent(/^undo /)

export const plantedAgain: ReadonlyArray<PlantedAgain> = [
  {
    name: "an abort records what it begins only once that is done",
    run: (means) => Scaling.attempt("hello", means) ?? Effect.void,
    bug: byTakers((request) => (isUndone(request) ? dropped(request) : request)),
    way: "abort",
    end: "abort",
    at: [9, 6],
    says: /twice/
  }
]
