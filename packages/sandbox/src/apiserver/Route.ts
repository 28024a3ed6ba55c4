/** Parses a path. */
import { badRequest } from "../apimachinery/Status.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"

export type Route =
  | {
      readonly _tag: "Resource"
      readonly type: ResourceType
      readonly version: string
      readonly namespace: string | undefined
      readonly name: string | undefined
      readonly subresource: string | undefined
    }
  /** A served group, and no such resource or version in it. */
  | { readonly _tag: "UnknownResource"; readonly custom: boolean }
  | { readonly _tag: "Group"; readonly group: string; readonly version: string | undefined }
  /** Creates that ask rather than make: access reviews. */
  | { readonly _tag: "Review"; readonly kind: string; readonly namespace: string | undefined }
  | { readonly _tag: "Other" }

const reviews: Readonly<Record<string, string>> = {
  "authorization.k8s.io/selfsubjectaccessreviews": "SelfSubjectAccessReview",
  "authorization.k8s.io/selfsubjectrulesreviews": "SelfSubjectRulesReview",
  "authentication.k8s.io/selfsubjectreviews": "SelfSubjectReview"
}

export class Router {
  readonly types: ReadonlyArray<ResourceType>
  readonly #byPath = new Map<string, ResourceType>()
  /** True for a group of custom resources. */
  readonly #groups = new Map<string, boolean>()

  constructor(types: ReadonlyArray<ResourceType>) {
    this.types = types
    for (const type of types) {
      for (const version of type.versions) {
        this.#byPath.set(`${type.group}/${version}/${type.resource}`, type)
        this.#groups.set(type.group, type.custom)
      }
    }
  }

  /** The type of `group`, whatever its version, by its plural. */
  type(group: string, resource: string): ResourceType | undefined {
    return this.types.find((type) => type.group === group && type.resource === resource)
  }

  route(path: string): Route {
    const parts = path.split("/")
    const core = parts[1] === "api"
    if (!core && parts[1] !== "apis") return { _tag: "Other" }
    const group = core ? "" : (parts[2] ?? "")
    const version = core ? parts[2] : parts[3]
    const rest = parts.slice(core ? 3 : 4).filter((part, i, all) => part !== "" || i < all.length - 1)
    if (rest.length === 0) {
      return parts.length <= 2 || group + (version ?? "") === ""
        ? { _tag: "Other" }
        : { _tag: "Group", group, version }
    }
    if (version === undefined) return { _tag: "Other" }
    const inNamespace = rest[0] === "namespaces" && rest.length > 2 && !(core && isOfNamespace(rest[2]))
    const [resource = "", name, subresource, ...more] = inNamespace ? rest.slice(2) : rest
    const namespace = inNamespace ? decoded(rest[1] ?? "") : undefined
    const review = reviews[`${group}/${resource}`]
    if (review !== undefined && version === "v1")
      return name === undefined
        ? { _tag: "Review", kind: review, namespace }
        : { _tag: "UnknownResource", custom: false }
    const type = this.#byPath.get(`${group}/${version}/${resource}`)
    if (type === undefined || more.length > 0) {
      const custom = this.#groups.get(group)
      return custom === undefined ? { _tag: "Other" } : { _tag: "UnknownResource", custom }
    }
    const misplaced = type.namespaced
      ? name !== undefined && namespace === undefined
      : namespace !== undefined
    if (misplaced) return { _tag: "UnknownResource", custom: type.custom }
    return {
      _tag: "Resource",
      type,
      version,
      namespace,
      name: name === undefined ? undefined : pathSegment(decoded(name)),
      subresource
    }
  }
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(part)}`)
  }
}

/** No object can have such a name. */
const pathSegment = (name: string): string => {
  if (name !== "." && name !== "..") return name
  throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: may not be '${name}'`)
}

const isOfNamespace = (part: string | undefined): boolean => part === "status" || part === "finalize"
