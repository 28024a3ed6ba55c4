/** What is asked of an API server, as rules: from the requests on the wire, whatever the server makes of them. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster, Request } from "../../packages/sdk/src/Cluster.ts"

/** One verb on one resource; `namespace` is `null` for the whole cluster. */
export interface Asked {
  readonly verb: string
  readonly group: string
  /** With its subresource: `pods/exec`. */
  readonly resource: string
  readonly namespace: string | null
}

export const keyOf = ({ verb, group, resource, namespace }: Asked): string =>
  [verb, resource, group === "" ? "core" : group, namespace ?? "*"].join(" ")

export interface Wire {
  readonly requests: Map<string, Asked>
  /** What access reviews asked for. */
  readonly reviews: Map<string, Asked>
  /** Requests that succeeded and may have changed something, or ran a command. */
  readonly effects: Array<string>
}

const reads: ReadonlySet<string> = new Set(["get", "list", "watch"])

const verbs: Readonly<Record<string, readonly [named: string, collection: string]>> = {
  GET: ["get", "list"],
  POST: ["create", "create"],
  PUT: ["update", "update"],
  PATCH: ["patch", "patch"],
  DELETE: ["delete", "deletecollection"]
}

/** `null` where no resource is asked for: discovery, the version, reviews. */
const askedBy = ({ method, path }: Pick<Request, "method" | "path">, isWatch: boolean): Asked | null => {
  const found = /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)\/(.+)$/.exec(path)
  if (found === null || path.includes("reviews")) return null
  const [, group = "", rest = ""] = found
  const parts = rest.split("/")
  // A namespace is an object of its own: its requests are of that namespace.
  const inside = parts[0] === "namespaces" && parts.length > 2
  const [resource = "", name, ...sub] = inside ? parts.slice(2) : parts
  const namespace = parts[0] === "namespaces" ? (parts[1] ?? null) : null
  const [named, collection] = verbs[method] ?? ["", ""]
  return {
    verb: isWatch ? "watch" : name === undefined ? collection : named,
    group,
    resource: sub.length === 0 ? resource : `${resource}/${sub[0] ?? ""}`,
    namespace
  }
}

const askedByReview = ({ body }: Request): Asked => {
  const { verb, group, resource, subresource, namespace } = JSON.parse(body ?? "{}").spec.resourceAttributes
  const name = subresource === undefined ? resource : `${resource}/${subresource}`
  return { verb, group, resource: name, namespace: namespace ?? null }
}

/** A pod's own server answers that all is well: the sandbox has none. */
const well = {
  status: 200,
  headers: {},
  body: Stream.make(new TextEncoder().encode("ok\n"))
}

/** The port, with all that is asked of it noted. */
export const noting = (inner: Cluster["Service"], wire: Wire): Cluster["Service"] => {
  const note = (asked: Asked | null) => {
    if (asked !== null) wire.requests.set(keyOf(asked), asked)
    return asked
  }
  const effect = (asked: Asked | null) => {
    if (asked !== null && !reads.has(asked.verb)) wire.effects.push(keyOf(asked))
  }
  return {
    ...inner,
    request: (request) =>
      Effect.suspend(() => {
        if (request.path.endsWith("/selfsubjectaccessreviews")) {
          const asked = askedByReview(request)
          wire.reviews.set(keyOf(asked), asked)
        }
        const asked = note(askedBy(request, false))
        return Effect.map(inner.request(request), (said) => {
          const isProxy = request.path.includes("/proxy/") && said.status !== 403
          if (isProxy || said.status < 300) effect(asked)
          return isProxy ? well : said
        })
      }),
    watch: (request) =>
      Stream.suspend(() => {
        note(askedBy(request, true))
        return inner.watch(request)
      }),
    exec: (request) =>
      Effect.suspend(() => {
        const of = { group: "", resource: "pods/exec", namespace: request.namespace }
        const asked = note({ verb: "create", ...of })
        note({ verb: "get", ...of })
        return Effect.tap(inner.exec(request), () => Effect.sync(() => effect(asked)))
      })
  }
}
