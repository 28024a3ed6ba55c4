/**
 * The differences between two states of an application, from records and from the cluster: by name, by key
 * and by image. For a Secret only whether it differs; its values are compared in memory, and nothing
 * derived from them is printed.
 */
import { isSame } from "../Digest.ts"
import { type SnapshotRecord, keyOf } from "./record.ts"
import { fieldAt, itemsAt } from "../resource/KubeObject.ts"

export type Manifest = Readonly<Record<string, unknown>>

/** One state of an application. */
export interface Side {
  readonly objects: ReadonlyArray<Manifest>
  /** By claim, as a quantity; `null` if unknown. */
  readonly sizes: Readonly<Record<string, string | null>>
  /** By workload, `Kind/name`. */
  readonly replicas: Readonly<Record<string, number>>
}

export interface Difference {
  readonly about: "images" | "configuration" | "secrets" | "sizes" | "topology"
  /** `Kind/name` of the object. */
  readonly what: string
  /** In words, from the first to the second. */
  readonly change: string
}

export const sideOf = ({ objects, cuts, replicas }: SnapshotRecord): Side => ({
  objects,
  sizes: Object.fromEntries(cuts.map(({ claim, size }) => [claim, size])),
  replicas
})

/** The images of a pod template by container. */
const imagesOf = (template: unknown): ReadonlyMap<string, string> =>
  new Map(
    ["initContainers", "containers"].flatMap((field) =>
      itemsAt(template, "spec", field).map(
        (container) => [String(fieldAt(container, "name")), String(fieldAt(container, "image"))] as const
      )
    )
  )

/** The same with no images in it. */
const withoutImages = (template: unknown): unknown => {
  const bare = (containers: unknown) =>
    itemsAt(containers).map((container) => ({ ...Object(container), image: null }))
  const spec: object = Object(fieldAt(template, "spec"))
  return {
    ...Object(template),
    spec: {
      ...spec,
      initContainers: bare(fieldAt(spec, "initContainers")),
      containers: bare(fieldAt(spec, "containers"))
    }
  }
}

const workloadChanges = (what: string, before: Manifest, now: Manifest): ReadonlyArray<Difference> => {
  const [left, right] = [fieldAt(before, "spec", "template"), fieldAt(now, "spec", "template")]
  const [from, to] = [imagesOf(left), imagesOf(right)]
  const images = [...new Set([...from.keys(), ...to.keys()])].flatMap(
    (container): ReadonlyArray<Difference> =>
      from.get(container) === to.get(container)
        ? []
        : [
            {
              about: "images",
              what,
              change: `container ${container}: ${from.get(container) ?? "none"} -> ${to.get(container) ?? "none"}`
            }
          ]
  )
  const rest = ({ spec }: Manifest) => ({ ...Object(spec), template: null, replicas: null })
  return [
    ...images,
    ...(isSame(withoutImages(left), withoutImages(right))
      ? []
      : [{ about: "topology", what, change: "its pod template differs" } as const]),
    ...(isSame(rest(before), rest(now))
      ? []
      : [{ about: "topology", what, change: `its ${keysOf(rest(before), rest(now))} differ` } as const])
  ]
}

const keysOf = (before: unknown, now: unknown): string => {
  const [left, right] = [Object(before), Object(now)]
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .filter((key) => !isSame(Reflect.get(left, key), Reflect.get(right, key)))
    .toSorted()
    .join(", ")
}

const configChanges = (what: string, before: Manifest, now: Manifest): ReadonlyArray<Difference> => {
  const keys = ["data", "binaryData"].flatMap((field) => keysOf(before[field], now[field]) || [])
  return keys.length === 0 ? [] : [{ about: "configuration", what, change: `differs in ${keys.join(", ")}` }]
}

/** Fields of a Service that the cluster assigns are not differences. */
const assigned = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"]

const withoutAssigned = (spec: unknown) =>
  Object.fromEntries(Object.entries(Object(spec)).filter(([key]) => !assigned.includes(key)))

/** The differences of one object; empty if there are none. */
export const changes = (before: Manifest, now: Manifest): ReadonlyArray<Difference> => {
  const what = keyOf(before)
  const kind = before["kind"]
  if (kind === "StatefulSet" || kind === "Deployment") return workloadChanges(what, before, now)
  if (kind === "ConfigMap") return configChanges(what, before, now)
  if (kind === "Secret") {
    return isSame(before["data"], now["data"]) ? [] : [{ about: "secrets", what, change: "changed" }]
  }
  return isSame(withoutAssigned(before["spec"]), withoutAssigned(now["spec"]))
    ? []
    : [{ about: "topology", what, change: "its spec differs" }]
}

const aboutOf = (what: string): Difference["about"] => {
  if (what.startsWith("ConfigMap/")) return "configuration"
  return what.startsWith("Secret/") ? "secrets" : "topology"
}

/** The entries that are in only one of two maps, or differ. */
const compared = <A>(
  before: Readonly<Record<string, A>>,
  now: Readonly<Record<string, A>>,
  how: (from: A | undefined, to: A | undefined) => string | null
): ReadonlyArray<{ readonly what: string; readonly change: string }> =>
  [...new Set([...Object.keys(before), ...Object.keys(now)])].toSorted().flatMap((what) => {
    const change = how(before[what], now[what])
    return change === null ? [] : [{ what, change }]
  })

/** All that differs, from the first to the second. */
export const differences = (before: Side, now: Side): ReadonlyArray<Difference> => {
  const byTitle = ({ objects }: Side) => Object.fromEntries(objects.map((one) => [keyOf(one), one]))
  const [left, right] = [byTitle(before), byTitle(now)]
  const found = Object.entries(left).flatMap(([what, one]): ReadonlyArray<Difference> => {
    const other = right[what]
    return other === undefined ? [{ about: aboutOf(what), what, change: "is gone" }] : changes(one, other)
  })
  const added = Object.keys(right).flatMap((what) =>
    what in left ? [] : [{ about: aboutOf(what), what, change: "is new" }]
  )
  const sizes = compared(before.sizes, now.sizes, (from, to) => {
    if (to === undefined) return `is gone (${from ?? "of an unknown size"})`
    if (from === undefined) return `is new (${to ?? "of an unknown size"})`
    return from === to ? null : `${from ?? "an unknown size"} -> ${to ?? "an unknown size"}`
  }).map(({ what, change }) => ({ about: "sizes" as const, what: `PersistentVolumeClaim/${what}`, change }))
  const replicas = compared(before.replicas, now.replicas, (from, to) =>
    from === undefined || to === undefined || from === to ? null : `${from} -> ${to} replicas`
  ).map(({ what, change }) => ({ about: "topology" as const, what, change }))
  return [...found, ...added, ...sizes, ...replicas]
}
