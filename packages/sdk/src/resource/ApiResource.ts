/** A collection of the API: enough to build its paths. */

/** A kind as the API serves it; a `Kind` with one of its versions chosen is one too. */
export interface ApiResource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** The plural, as in a path. */
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

/** `apps/v1`, or `v1` for the core group. */
export const apiVersion = (api: Pick<ApiResource, "group" | "version">): string =>
  api.group === "" ? api.version : `${api.group}/${api.version}`

/** `statefulsets.apps`, or `pods`: how kubectl names a resource. */
export const qualifiedName = (api: Pick<ApiResource, "group" | "plural">): string =>
  api.group === "" ? api.plural : `${api.plural}.${api.group}`

/** The path of a collection; of all namespaces when `namespace` is absent. */
export const collectionPath = (api: ApiResource, namespace?: string): string => {
  const root = api.group === "" ? `/api/${api.version}` : `/apis/${api.group}/${api.version}`
  const scope =
    api.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ""
  return `${root}${scope}/${api.plural}`
}

/** One object. `namespace` is ignored for a kind of the whole cluster. */
export interface Target {
  readonly api: ApiResource
  readonly namespace?: string
  readonly name: string
  /** `status`, `scale`, `eviction` … */
  readonly subresource?: string
}

export const objectPath = (target: Target): string => {
  const path = `${collectionPath(target.api, target.namespace)}/${encodeURIComponent(target.name)}`
  return target.subresource === undefined ? path : `${path}/${target.subresource}`
}

/** A resource of the core group. */
export const core = (plural: string, kind: string, namespaced = true): ApiResource => ({
  group: "",
  version: "v1",
  plural,
  kind,
  namespaced
})

/** A resource of another group, in `v1`. */
export const inGroup = (group: string, plural: string, kind: string, namespaced = true): ApiResource => ({
  group,
  version: "v1",
  plural,
  kind,
  namespaced
})

// What is no `Kind`: its objects are read as they come, or for a few fields in one place.
export const resourceQuotas = core("resourcequotas", "ResourceQuota")
export const limitRanges = core("limitranges", "LimitRange")
export const jobs = inGroup("batch", "jobs", "Job")
export const cronJobs = inGroup("batch", "cronjobs", "CronJob")
export const leases = inGroup("coordination.k8s.io", "leases", "Lease")
export const networkPolicies = inGroup("networking.k8s.io", "networkpolicies", "NetworkPolicy")
