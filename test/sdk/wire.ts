/**
 * A cluster at wire level that answers from lists of objects, a page at a time, and notes what it was asked.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { Cluster, type Request, type WatchEvent } from "../../packages/sdk/src/Cluster.ts"
import { kinds, type Plural } from "../../packages/sdk/src/Kind.ts"
import type { Json } from "./objects.ts"

/** What was asked, as `path?query`, and the accept header. */
export interface Asked {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly accept: string
}

export interface Wire {
  readonly layer: Layer.Layer<Cluster>
  readonly asked: Array<Asked>
  /** By plural. A number is the status that its lists answer with. */
  readonly objects: { [P in Plural]?: ReadonlyArray<Json> | number }
  /** Events that every watch on this plural sees next. */
  readonly watches: Map<string, Queue.Queue<WatchEvent>>
}

const groups = (extensions: ReadonlyArray<Plural>) =>
  extensions.map((plural) => {
    const { group, kind, namespaced, versions } = kinds[plural]
    const scope = namespaced ? "Namespaced" : "Cluster"
    const resources = [{ resource: plural, responseKind: { kind }, scope, verbs: ["list"] }]
    return { metadata: { name: group }, versions: [{ version: versions[0], resources }] }
  })

const status = (code: number, message: string): Json => ({
  kind: "Status",
  status: "Failure",
  code,
  reason: code === 403 ? "Forbidden" : code === 404 ? "NotFound" : "InternalError",
  message
})

const labelled = (object: Json, selector: string | undefined): boolean =>
  selector === undefined ||
  selector
    .split(",")
    .every((part) => JSON.stringify(object).includes(`"${part.split("=")[0]}":"${part.split("=")[1] ?? ""}`))

/** `extensions` are the optional kinds that discovery shows. */
export const wire = (objects: Wire["objects"], extensions: ReadonlyArray<Plural> = []): Wire => {
  const asked: Array<Asked> = []
  const watches = new Map<string, Queue.Queue<WatchEvent>>()

  const answer = (request: Request): readonly [number, Json] => {
    const query = Object.fromEntries(request.query ?? [])
    asked.push({ path: request.path, query, accept: request.headers?.["accept"] ?? "" })
    if (request.path === "/version") return [200, { gitVersion: "v1.36.3" }]
    if (request.path === "/api") return [200, { kind: "APIGroupDiscoveryList", items: [] }]
    if (request.path === "/apis") return [200, { kind: "APIGroupDiscoveryList", items: groups(extensions) }]
    const parts = request.path.split("/")
    const last = (parts.at(-1) ?? "") as Plural
    const parent = (parts.at(-2) ?? "") as Plural
    const isList = Object.hasOwn(kinds, last) && parent !== "namespaces"
    const plural = isList ? last : parent
    const found = objects[plural] ?? []
    if (typeof found === "number") return [found, status(found, `${plural} is forbidden`)]
    if (!isList) {
      const one = found.find((object) => JSON.stringify(object).includes(`"name":"${last}"`))
      return one ? [200, { ...one, kind: "x" }] : [404, status(404, `${plural} "${last}" not found`)]
    }
    const all = found.filter((object) => labelled(object, query["labelSelector"]))
    const start = Number(query["continue"] ?? 0)
    const end = start + Number(query["limit"] ?? all.length)
    const token = end < all.length ? `${end}` : ""
    return [200, { metadata: { resourceVersion: "1", continue: token }, items: all.slice(start, end) }]
  }

  const layer = Layer.succeed(
    Cluster,
    Cluster.of({
      request: (request) =>
        // A round trip takes time, so that what goes out side by side is seen side by side.
        Effect.as(Effect.sleep("10 millis"), null).pipe(
          Effect.map(() => {
            const [code, body] = answer(request)
            return {
              status: code,
              headers: {},
              body: Stream.succeed(new TextEncoder().encode(JSON.stringify(body)))
            }
          })
        ),
      watch: (request) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const queue = yield* Queue.unbounded<WatchEvent>()
            watches.set(request.path.split("/").at(-1) ?? "", queue)
            return Stream.fromQueue(queue)
          })
        ),
      exec: () => Effect.die("no exec here"),
      origin: { context: null, server: "wire", namespace: "shop", user: null }
    })
  )
  return { layer, asked, objects, watches }
}
