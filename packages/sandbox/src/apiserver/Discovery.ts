/** The discovery documents: versions, groups, resources; plain and aggregated. */
import { type Answer, json, text } from "./Answer.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import { missingResource } from "../apimachinery/Status.ts"

const everyVerb = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
const customVerbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]

/** Custom resources list theirs in an order of their own; namespaces go one by one. */
export const verbsOf = (type: ResourceType): ReadonlyArray<string> =>
  type.custom
    ? customVerbs
    : type.group === "" && type.resource === "namespaces"
      ? everyVerb.filter((verb) => verb !== "deletecollection")
      : everyVerb

const subresourceVerbs: Readonly<Record<string, ReadonlyArray<string>>> = {
  status: ["get", "patch", "update"],
  scale: ["get", "patch", "update"],
  eviction: ["create"],
  exec: ["create", "get"]
}

/** The kind that a subresource speaks, with its group and version. */
const subresourceKind = (type: ResourceType, subresource: string): readonly [string, string, string] => {
  switch (subresource) {
    case "scale":
      return ["autoscaling", "v1", "Scale"]
    case "eviction":
      return ["policy", "v1", "Eviction"]
    case "exec":
      return [type.group, type.versions[0], "PodExecOptions"]
    default:
      return [type.group, type.versions[0], type.kind]
  }
}

interface ReviewResource {
  readonly resource: string
  readonly kind: string
  readonly namespaced: boolean
}

export const reviewGroups: Readonly<Record<string, ReadonlyArray<ReviewResource>>> = {
  "authorization.k8s.io": [
    { resource: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview", namespaced: false },
    { resource: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview", namespaced: false }
  ],
  "authentication.k8s.io": [{ resource: "selfsubjectreviews", kind: "SelfSubjectReview", namespaced: false }]
}

const versionsOf = (types: ReadonlyArray<ResourceType>, group: string): ReadonlyArray<string> =>
  reviewGroups[group] === undefined
    ? [...new Set(types.filter((type) => type.group === group).flatMap((type) => type.versions))]
    : ["v1"]

const groupsOf = (types: ReadonlyArray<ResourceType>): ReadonlyArray<string> => [
  ...new Set([
    ...types.map((type) => type.group).filter((group) => group !== ""),
    ...Object.keys(reviewGroups)
  ])
]

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name < right.name ? -1 : 1

const resources = (
  types: ReadonlyArray<ResourceType>,
  group: string,
  version: string
): ReadonlyArray<unknown> =>
  [
    ...types
      .filter((type) => type.group === group && type.versions.includes(version))
      .flatMap((type) => [
        {
          name: type.resource,
          singularName: type.singular,
          namespaced: type.namespaced,
          kind: type.kind,
          verbs: verbsOf(type),
          ...(type.shortNames.length === 0 ? {} : { shortNames: type.shortNames }),
          ...(type.categories.length === 0 ? {} : { categories: type.categories })
        },
        ...type.subresources.map((subresource) => {
          const [subgroup, subversion, kind] = subresourceKind(type, subresource)
          return {
            name: `${type.resource}/${subresource}`,
            singularName: "",
            namespaced: type.namespaced,
            ...(subgroup === type.group ? {} : { group: subgroup, version: subversion }),
            kind,
            verbs: subresourceVerbs[subresource] ?? []
          }
        })
      ]),
    ...(reviewGroups[group] ?? []).map(({ resource, kind, namespaced }) => ({
      name: resource,
      singularName: kind.toLowerCase(),
      namespaced,
      kind,
      verbs: ["create"]
    }))
  ].toSorted(byName)

const group = (types: ReadonlyArray<ResourceType>, name: string) => {
  const versions = versionsOf(types, name).map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions, preferredVersion: versions[0] }
}

/** `apidiscovery.k8s.io/v2`: everything in two requests, as kubectl asks since 1.27. */
const aggregated = (types: ReadonlyArray<ResourceType>, groups: ReadonlyArray<string>): unknown => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: "apidiscovery.k8s.io/v2",
  metadata: {},
  items: groups.map((name) => ({
    metadata: { ...(name === "" ? {} : { name }), creationTimestamp: null },
    versions: versionsOf(types, name).map((version) => ({
      version,
      freshness: "Current",
      resources: [
        ...types
          .filter((type) => type.group === name && type.versions.includes(version))
          .map((type) => ({
            resource: type.resource,
            responseKind: { group: type.group, version, kind: type.kind },
            scope: type.namespaced ? "Namespaced" : "Cluster",
            singularResource: type.singular,
            verbs: verbsOf(type),
            ...(type.shortNames.length === 0 ? {} : { shortNames: type.shortNames }),
            ...(type.categories.length === 0 ? {} : { categories: type.categories }),
            ...(type.subresources.length === 0
              ? {}
              : {
                  subresources: type.subresources.map((subresource) => {
                    const [subgroup, subversion, kind] = subresourceKind(type, subresource)
                    return {
                      subresource,
                      responseKind: { group: subgroup, version: subversion, kind },
                      verbs: subresourceVerbs[subresource] ?? []
                    }
                  })
                })
          })),
        ...(reviewGroups[name] ?? []).map(({ resource, kind }) => ({
          resource,
          responseKind: { group: name, version, kind },
          scope: "Cluster",
          singularResource: kind.toLowerCase(),
          verbs: ["create"]
        }))
      ].toSorted((left, right) => (left.resource < right.resource ? -1 : 1))
    }))
  }))
})

const aggregatedHeaders = {
  "content-type": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
}

/** The version that the sandbox answers like. */
export const kubernetesVersion = "v1.36.3"

const version = {
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion: kubernetesVersion,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "",
  goVersion: "",
  compiler: "sandbox",
  platform: "sandbox"
}

/** The response for an unknown path. */
export const notFoundPage: Answer = text("404 page not found\n", 404)

export const discovery = (
  types: ReadonlyArray<ResourceType>,
  path: string,
  accept: string | undefined
): Answer => {
  const asked = path.replace(/\/$/, "")
  const wantsAll = accept?.includes("as=APIGroupDiscoveryList") === true && accept.includes("v=v2")
  switch (asked) {
    case "/version":
      return json(version)
    case "/healthz":
    case "/livez":
    case "/readyz":
      return text("ok")
    case "/api":
      return wantsAll
        ? json(aggregated(types, [""]), 200, aggregatedHeaders)
        : json({
            kind: "APIVersions",
            versions: versionsOf(types, ""),
            serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "127.0.0.1" }]
          })
    case "/apis":
      return wantsAll
        ? json(aggregated(types, groupsOf(types)), 200, aggregatedHeaders)
        : json({
            kind: "APIGroupList",
            apiVersion: "v1",
            groups: groupsOf(types).map((name) => group(types, name))
          })
    default: {
      const parts = asked.split("/")
      const core = parts[1] === "api"
      const name = core ? "" : (parts[2] ?? "")
      const of = core ? parts[2] : parts[3]
      if ((!core && parts[1] !== "apis") || (!core && !groupsOf(types).includes(name))) return notFoundPage
      if (of === undefined) return json({ kind: "APIGroup", apiVersion: "v1", ...group(types, name) })
      if (!versionsOf(types, name).includes(of)) {
        if (types.some((type) => type.group === name && type.custom)) return notFoundPage
        throw missingResource()
      }
      return json({
        kind: "APIResourceList",
        ...(core ? {} : { apiVersion: "v1" }),
        groupVersion: core ? of : `${name}/${of}`,
        resources: resources(types, name, of)
      })
    }
  }
}
