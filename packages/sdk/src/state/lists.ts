/**
 * The lists that a state is made of: which ones are asked for, how, and in which round.
 *
 * Round one asks for all that needs no answer first; round two for pods, whose selector stands
 * in the workload, and for what discovery shows to be installed. Each list may need pages.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { beside, type Cost, counted, nothing } from "./cost.ts"
import { type Kind, kinds, type Plural, resourceName } from "../Kind.ts"
import { dependencyPlurals } from "./observe/dependencies.ts"
import type { AppWorkload } from "./AppWorkload.ts"
import { accept, isUnread, type Observation, type RawList } from "./observation.ts"
import * as Resource from "../Resource.ts"
import type { Unread } from "./AppState.ts"
import { classOf } from "../kind/Storage.ts"
import { secretsOfClass, secretsOfVolume } from "./observe/volumeSecret.ts"

export type RawLists = { readonly [P in Plural]?: RawList }

/** A part of what was read, with its cost. */
export interface Part<A> {
  readonly value: A
  readonly cost: Cost
}

/** The request of one list. */
export interface Asked {
  readonly plural: Plural
  readonly version?: string
  readonly options?: Resource.ListOptions
}

/** Requests at the same time; an API server gives one user a share of its seats. */
const concurrency = 16

/**
 * Objects a page. Five times kubectl's: pages wait for each other, and whole lists are held in
 * memory here anyway. Two pages hold 5000 pods.
 */
const pageSize = 2500

const unreadOf = (resource: string, error: ClusterError): Unread => ({
  resource,
  reason: error.reason._tag,
  message: error.message
})

/**
 * Only the used metadata of an object is passed on: an annotation
 * (`kubectl.kubernetes.io/last-applied-configuration`) may contain all of a Secret's values.
 */
const withoutValues = ({ apiVersion, kind, metadata }: Resource.KubeObject): Resource.KubeObject => {
  const { annotations, ...rest } = metadata
  const ours = Predicate.isObject(annotations)
    ? Object.entries(annotations).filter(([key]) => key.startsWith("kubectl-stateful.dev/"))
    : []
  return { apiVersion, kind, metadata: { ...rest, annotations: Object.fromEntries(ours) } }
}

/** Kinds of which managedFields are kept: they show who else writes a workload. */
const managed: ReadonlySet<Plural> = new Set(["statefulsets", "deployments", "daemonsets"])

/** managedFields are half of a pod's size, and not used. */
const withoutManagers = (object: Resource.KubeObject): Resource.KubeObject => {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

const listOne = ({ plural, version, options = {} }: Asked): Effect.Effect<Part<RawList>, never, Cluster> => {
  const kind: Kind<unknown> = kinds[plural]
  const { metadataOnly, namespaced } = kind
  const { namespace, ...rest } = options
  const listing = Resource.listObjects(
    { ...kind, version: version ?? kind.version },
    {
      pageSize,
      ...rest,
      ...(namespaced && namespace !== undefined ? { namespace } : {}),
      metadataOnly,
      ...(metadataOnly ? { keep: withoutValues } : managed.has(plural) ? {} : { keep: withoutManagers })
    }
  )
  return Effect.map(counted(Effect.result(listing)), ({ value, cost }) => {
    if (Result.isFailure(value)) return { value: unreadOf(resourceName(plural), value.failure), cost }
    return { value: value.success.items, cost }
  })
}

/** All of these lists at once; one that fails is there as the reason why. */
export const listAll = (asked: ReadonlyArray<Asked>): Effect.Effect<Part<RawLists>, never, Cluster> =>
  Effect.map(
    Effect.forEach(asked, (one) => Effect.map(listOne(one), (part) => [one.plural, part] as const), {
      concurrency
    }),
    (parts) => ({
      value: Object.fromEntries(parts.map(([plural, { value }]) => [plural, value])),
      cost: parts.reduce((total, [, { cost }]) => beside(total, cost), nothing)
    })
  )

/** The namespace's own metadata, as a list of one; its labels only. */
export const readNamespace = (name: string): Effect.Effect<Part<RawLists>, never, Cluster> =>
  Effect.map(
    counted(Effect.result(Resource.getObject({ api: kinds.namespaces, name }, { metadataOnly: true }))),
    ({ value, cost }) => ({
      value: {
        namespaces: Result.isSuccess(value)
          ? [withoutValues(value.success)]
          : unreadOf(`namespaces/${name}`, value.failure)
      },
      cost
    })
  )

/** A Helm release's Secret holds every value of its chart, and there are many. */
const noReleases = "type!=helm.sh/release.v1"

/** The lists of round one for an app of this namespace; of every namespace if it is `null`. */
export const firstRound = (namespace: string | null): ReadonlyArray<Asked> => {
  const within = namespace === null ? {} : { namespace }
  const plain = [
    "persistentvolumeclaims",
    "services",
    "endpointslices",
    "configmaps",
    "serviceaccounts",
    "poddisruptionbudgets",
    "horizontalpodautoscalers",
    "controllerrevisions",
    "nodes",
    "persistentvolumes",
    "volumeattachments",
    "storageclasses",
    "csidrivers"
  ] as const
  return [
    ...plain.map((plural) => ({ plural, options: within })),
    { plural: "secrets", options: { ...within, fieldSelector: noReleases } },
    { plural: "events", options: { ...within, fieldSelector: "type=Warning" } }
  ]
}

/** Kinds that come as extensions, or may be switched off: asked for where discovery shows them. */
const extensions: ReadonlyArray<Plural> = [
  "volumesnapshots",
  "volumesnapshotcontents",
  "volumesnapshotclasses",
  "volumegroupsnapshots",
  "volumegroupsnapshotclasses",
  "resourceclaims",
  "resourceclaimtemplates",
  "priorityclasses",
  "runtimeclasses",
  "secretproviderclasses",
  "clustertrustbundles",
  "backups",
  "replicationsources"
]

/** Kinds that only some pods name: listed if one does. */
const onDemand: ReadonlySet<Plural> = new Set([
  "resourceclaims",
  "resourceclaimtemplates",
  "priorityclasses",
  "runtimeclasses",
  "secretproviderclasses",
  "clustertrustbundles"
])

/** The extensions that concern these workloads: kinds that none of their pods names are not listed. */
export const concerning = (appWorkloads: ReadonlyArray<AppWorkload>): ((plural: Plural) => boolean) => {
  const named = new Set(dependencyPlurals(appWorkloads))
  if (appWorkloads.some(({ template }) => (template.spec.resourceClaims ?? []).length > 0))
    named.add("resourceclaims")
  return (plural) => !onDemand.has(plural) || named.has(plural)
}

/** Every cluster has these: one whose discovery does not show them hides what is there. */
const builtIn: ReadonlySet<Plural> = new Set(["priorityclasses", "runtimeclasses"])

/** The resources that the cluster serves; `apis` is `null` if discovery failed, and `unread` says why. */
export interface Served {
  readonly discovery: Resource.Discovery | null
  readonly apis: Observation["apis"]
  readonly unread: ReadonlyArray<Unread>
  readonly serverVersion: string | null
}

const apisOf = ({ resources }: Resource.Discovery): Observation["apis"] =>
  Object.fromEntries(
    [...Map.groupBy(resources, ({ group }) => group)].map(([group, all]) => [
      group,
      [...new Set(all.map(({ version }) => version))]
    ])
  )

/** Discovery and version, which every user may read. */
export const readServed: Effect.Effect<Part<Served>, never, Cluster> = Effect.map(
  Effect.all(
    [
      counted(Effect.result(Resource.discover)),
      counted(Effect.option(Resource.roundTrip({ method: "GET", path: "/version" })))
    ],
    { concurrency: 2 }
  ),
  ([found, version]) => {
    const body = version.value._tag === "Some" ? version.value.value : null
    const git = Predicate.hasProperty(body, "gitVersion") ? body.gitVersion : null
    const discovery = Result.isSuccess(found.value) ? found.value.success : null
    return {
      value: {
        discovery,
        apis: discovery === null ? null : apisOf(discovery),
        unread: Result.isFailure(found.value) ? [unreadOf("apis", found.value.failure)] : [],
        serverVersion: typeof git === "string" ? git : null
      },
      cost: beside(found.cost, version.cost)
    }
  }
)

const notInstalled: ReadonlySet<string> = new Set(["NotFound", "Unsupported"])

/**
 * The extensions' lists. One that is not installed is empty; one behind an aggregated server
 * that is down could not be read. Without discovery each is asked for in its first version.
 */
export const listExtensions = (
  { discovery }: Served,
  namespace: string | null,
  wanted: (plural: Plural) => boolean
): Effect.Effect<Part<RawLists>, never, Cluster> => {
  const asked: Array<Asked> = []
  const known: { [P in Plural]?: RawList } = {}
  for (const plural of extensions.filter(wanted)) {
    const { group, versions }: Kind<unknown> = kinds[plural]
    const found = discovery === null ? null : Resource.served(discovery, group, plural, versions)
    // Velero keeps the backups of all namespaces in its own.
    const within = namespace === null || plural === "backups" ? {} : { namespace }
    if (discovery === null) asked.push({ plural, options: within })
    else if (found !== null) asked.push({ plural, version: found.version, options: within })
    else if (discovery.failed.some((name) => name.startsWith(`${group}/`))) {
      const resource = resourceName(plural)
      known[plural] = { resource, reason: "Unavailable", message: `${group} does not answer` }
    } else if (builtIn.has(plural)) {
      const resource = resourceName(plural)
      known[plural] = { resource, reason: "Unsupported", message: `${resource} is not served` }
    } else known[plural] = []
  }
  return Effect.map(listAll(asked), ({ value, cost }) => {
    const lists = Object.entries(value).map(([plural, list]) => {
      const absent =
        !Array.isArray(list) &&
        ![...builtIn].some((one) => one === plural) &&
        Predicate.hasProperty(list, "reason") &&
        notInstalled.has(list.reason)
      return [plural, absent ? [] : list]
    })
    return { value: { ...known, ...Object.fromEntries(lists) }, cost }
  })
}

/** Other namespaces of which volumes, or the classes of volumes to come, name Secrets. */
export const secretNamespaces = (namespace: string, raw: RawLists): ReadonlyArray<string> => {
  const { lists } = accept({ lists: raw })
  const asked = [
    ...(lists.persistentvolumeclaims ?? []),
    ...(lists.statefulsets ?? []).flatMap(({ spec }) => spec.volumeClaimTemplates ?? [])
  ].map(classOf)
  const classes = new Set(asked)
  return [
    ...(lists.persistentvolumes ?? []).flatMap((volume) =>
      volume.spec.claimRef?.namespace === namespace ? secretsOfVolume(volume) : []
    ),
    ...(lists.storageclasses ?? []).flatMap((one) =>
      classes.has(one.metadata.name) || classes.has(null) ? secretsOfClass(one, namespace) : []
    )
  ]
    .map((secret) => secret.namespace)
    .filter((one, index, all) => one !== namespace && all.indexOf(one) === index)
}

type Elsewhere = NonNullable<Observation["secretsElsewhere"]>

const namesIn = (list: ReadonlyArray<unknown>): ReadonlySet<string> =>
  new Set((accept({ lists: { secrets: list } }).lists.secrets ?? []).map(({ metadata }) => metadata.name))

/** The Secrets of these namespaces by name, one list each: drivers are few. */
export const listElsewhere = (
  namespaces: ReadonlyArray<string>
): Effect.Effect<
  Part<{ readonly secrets: Elsewhere; readonly unread: ReadonlyArray<Unread> }>,
  never,
  Cluster
> =>
  Effect.map(
    Effect.forEach(
      namespaces,
      (namespace) =>
        Effect.map(
          listOne({ plural: "secrets", options: { namespace, fieldSelector: noReleases } }),
          (part) => [namespace, part] as const
        ),
      { concurrency }
    ),
    (parts) => ({
      value: {
        secrets: Object.fromEntries(
          parts.map(([namespace, { value }]) => [namespace, isUnread(value) ? null : namesIn(value)])
        ),
        unread: parts.flatMap(([namespace, { value }]) =>
          isUnread(value) ? [{ ...value, resource: `secrets of namespace ${namespace}` }] : []
        )
      },
      cost: parts.reduce((total, [, { cost }]) => beside(total, cost), nothing)
    })
  )

/** The same from lists of all namespaces, without a further request. */
export const elsewhereOf = (raw: RawLists): Elsewhere => {
  if (raw.secrets === undefined || isUnread(raw.secrets)) return {}
  const { lists } = accept({ lists: raw })
  const secrets = Map.groupBy(lists.secrets ?? [], ({ metadata }) => metadata.namespace ?? "")
  const named = [
    ...(lists.persistentvolumes ?? []).flatMap(secretsOfVolume),
    ...(lists.storageclasses ?? []).flatMap((one) => secretsOfClass(one, ""))
  ]
  return Object.fromEntries(
    [...new Set(named.map(({ namespace }) => namespace))].map((namespace) => [
      namespace,
      new Set((secrets.get(namespace) ?? []).map(({ metadata }) => metadata.name))
    ])
  )
}
