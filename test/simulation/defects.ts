/** How a defect of the engine looks at the wire: what it sends, and what it believes of an answer, changed. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster, Request } from "../../packages/sdk/src/Cluster.ts"
import type { Decorate } from "./scaling.ts"
import type { World } from "./world.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- an object of any kind, as it came over the wire
export type Json = any

/** How a defect looks at the wire. */
export interface Defect {
  /** What is sent instead; `dropped`: it is only tried, and answered as if it were done. */
  readonly send?: (request: Request) => Request
  /** What the engine takes an object for; null: it is not in the list. */
  readonly take?: (object: Json, request: Request) => Json
  /** The same of a whole answer. */
  readonly answer?: (value: Json, request: Request) => Json
}

export const dropped = (request: Request): Request => ({
  ...request,
  query: [...(request.query ?? []), ["dryRun", "All"]]
})

const bodyOf = (bytes: ReadonlyArray<Uint8Array>): Json => {
  try {
    return JSON.parse(Buffer.concat(bytes).toString())
  } catch {
    return null
  }
}

const taken = (take: NonNullable<Defect["take"]>, value: Json, request: Request): Json => {
  if (value === null || value.kind === "Status") return value
  if (!Array.isArray(value.items)) return take(value, request) ?? value
  const items = value.items.flatMap((item: Json) => {
    const found = take(item, request)
    return found === null ? [] : [found]
  })
  return { ...value, items }
}

/** The defect between an engine and its cluster; one for each world, since some remember. */
export const wire = (make: (world: World) => Defect): Decorate => {
  const made = new WeakMap<World, Defect>()
  return (inner, world): Cluster["Service"] => {
    const defect = made.get(world) ?? make(world)
    made.set(world, defect)
    const { send = (request) => request, take, answer = (value) => value } = defect
    return {
      ...inner,
      request: (request) =>
        Effect.gen(function* () {
          const response = yield* inner.request(send(request))
          if (take === undefined) return response
          const value = bodyOf([...(yield* Stream.runCollect(response.body))])
          const given = answer(value, request)
          const body = new TextEncoder().encode(JSON.stringify(taken(take, given, request)))
          return {
            ...response,
            status: given === value ? response.status : 200,
            body: Stream.succeed(body)
          }
        }),
      watch: (request) =>
        take === undefined
          ? inner.watch(request)
          : Stream.map(inner.watch(request), (event) => ({
              ...event,
              object: taken(take, event.object, request)
            }))
    }
  }
}

export interface Change {
  readonly op: string
  readonly path: string
  readonly value?: unknown
}

export const isVolume = ({ path }: Request) => path.includes("/persistentvolumes")
export const isClaim = ({ path }: Request) => path.includes("/persistentvolumeclaims")
export const isSet = ({ path }: Request) => path.endsWith("/statefulsets/db")
export const isPatch = ({ method }: Request) => method === "PATCH"
export const says = (text: string) => (request: Request) => (request.body ?? "").includes(text)

/** A JSON patch without some of its operations. */
export const without = (request: Request, isLeft: (change: Change) => boolean): Request => {
  const changes: ReadonlyArray<Change> = JSON.parse(request.body ?? "[]")
  return { ...request, body: JSON.stringify(changes.filter((change) => !isLeft(change))) }
}

export const sets =
  (path: string, value: unknown) =>
  (object: Json): Json => {
    const [key = "", ...rest] = path.split(" ")
    const inner = object?.[key] ?? {}
    return { ...object, [key]: rest.length === 0 ? value : sets(rest.join(" "), value)(inner) }
  }
const isObject = (kind: string, object: Json, request: Request): boolean =>
  object.kind === kind ||
  (object.kind === undefined && request.path.endsWith(`/${kind.toLowerCase()}s`)) ||
  false

export const objects =
  (kind: string, take: (object: Json) => Json) =>
  (object: Json, request: Request): Json =>
    isObject(kind, object, request) ? take(object) : object
export const each =
  (...takes: ReadonlyArray<NonNullable<Defect["take"]>>): NonNullable<Defect["take"]> =>
  (object, request) =>
    takes.reduce((found: Json, take) => (found === null ? null : take(found, request)), object)
