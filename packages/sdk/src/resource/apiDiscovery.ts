/**
 * The resources that a cluster serves: by aggregated discovery in two requests, or the old way on servers
 * without it.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { ApiResource } from "./ApiResource.ts"
import { roundTrip } from "./roundTrip.ts"

/** A kind that this cluster serves, and its supported verbs. */
export interface ServedResource extends ApiResource {
  readonly verbs: ReadonlyArray<string>
  readonly subresources: ReadonlyArray<string>
  readonly singular: string
  readonly shortNames: ReadonlyArray<string>
}

/** All of a cluster's API, groups and versions in the server's order of preference. */
export interface Discovery {
  readonly resources: ReadonlyArray<ServedResource>
  /** `group/version` that answered with an error (an aggregated API server that is down). */
  readonly failed: ReadonlyArray<string>
}

const aggregated = [
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
  "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
  "application/json"
].join(",")

type Fields = Readonly<Record<string, unknown>>

const fields = (value: unknown): Fields => (Predicate.isObject(value) ? value : {})
const listOf = (value: unknown): ReadonlyArray<Fields> => (Array.isArray(value) ? value.map(fields) : [])
const text = (value: unknown): string => (typeof value === "string" ? value : "")
const texts = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : []

/** An `APIGroupDiscoveryList`, the answer of servers since 1.27. */
export const fromAggregated = (body: Fields): Discovery => {
  const resources: Array<ServedResource> = []
  const failed: Array<string> = []
  for (const group of listOf(body["items"])) {
    const name = text(fields(group["metadata"])["name"])
    for (const version of listOf(group["versions"])) {
      // "Stale": the aggregated server behind it did not answer of late.
      if (version["freshness"] === "Stale") failed.push(`${name}/${text(version["version"])}`)
      for (const item of listOf(version["resources"])) {
        resources.push({
          group: name,
          version: text(version["version"]),
          plural: text(item["resource"]),
          kind: text(fields(item["responseKind"])["kind"]),
          namespaced: item["scope"] === "Namespaced",
          verbs: texts(item["verbs"]),
          subresources: listOf(item["subresources"]).map((sub) => text(sub["subresource"])),
          singular: text(item["singularResource"]),
          shortNames: texts(item["shortNames"])
        })
      }
    }
  }
  return { resources, failed }
}

/** An `APIResourceList`: subresources are separate entries, such as `pods/exec`. */
const fromResourceList = (group: string, version: string, body: Fields): ReadonlyArray<ServedResource> => {
  const all = listOf(body["resources"])
  return all
    .filter((item) => !text(item["name"]).includes("/"))
    .map((item) => {
      const plural = text(item["name"])
      return {
        group,
        version,
        plural,
        kind: text(item["kind"]),
        namespaced: item["namespaced"] === true,
        verbs: texts(item["verbs"]),
        subresources: all
          .map((other) => text(other["name"]))
          .filter((name) => name.startsWith(`${plural}/`))
          .map((name) => name.slice(plural.length + 1)),
        singular: text(item["singularName"]),
        shortNames: texts(item["shortNames"])
      }
    })
}

const get = (path: string, accept = "application/json") =>
  Effect.map(roundTrip({ method: "GET", path, headers: { accept } }), fields)

/** One group and version the old way; a group that does not answer is reported, not fatal. */
const one = (group: string, version: string): Effect.Effect<Discovery, never, Cluster> =>
  get(group === "" ? `/api/${version}` : `/apis/${group}/${version}`).pipe(
    Effect.map((body) => ({ resources: fromResourceList(group, version, body), failed: [] })),
    Effect.catch(() => Effect.succeed({ resources: [], failed: [`${group}/${version}`] }))
  )

const joined = (parts: ReadonlyArray<Discovery>): Discovery => ({
  resources: parts.flatMap((part) => part.resources),
  failed: parts.flatMap((part) => part.failed)
})

const root = Effect.fnUntraced(function* (
  path: "/api" | "/apis"
): Effect.fn.Return<Discovery, ClusterError, Cluster> {
  const body = yield* get(path, aggregated)
  if (body["kind"] === "APIGroupDiscoveryList") return fromAggregated(body)
  const pairs =
    path === "/api"
      ? texts(body["versions"]).map((version) => ["", version] as const)
      : listOf(body["groups"]).flatMap((group) => {
          const preferred = text(fields(group["preferredVersion"])["version"])
          return listOf(group["versions"])
            .map((version) => text(version["version"]))
            .toSorted((a, b) => Number(b === preferred) - Number(a === preferred))
            .map((version) => [text(group["name"]), version] as const)
        })
  return joined(yield* Effect.forEach(pairs, ([group, version]) => one(group, version), { concurrency: 8 }))
})

/** Everything that the cluster serves: two requests at once where aggregated discovery is known. */
export const discover: Effect.Effect<Discovery, ClusterError, Cluster> = Effect.map(
  Effect.all([root("/api"), root("/apis")], { concurrency: 2 }),
  joined
)

/** The first of `versions` that is served, if any: feature detection for APIs that come as CRDs. */
export const served = (
  discovery: Discovery,
  group: string,
  plural: string,
  versions?: ReadonlyArray<string>
): ServedResource | null => {
  const found = discovery.resources.filter((api) => api.group === group && api.plural === plural)
  if (versions === undefined) return found[0] ?? null
  for (const version of versions) {
    const match = found.find((api) => api.version === version)
    if (match !== undefined) return match
  }
  return null
}
