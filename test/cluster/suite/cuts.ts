/** What there is of cuts: in the API, and by the test driver's own books, which outlive every object. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { kubectl } from "./commands.ts"
import { get } from "./read.ts"
import { until } from "./neighbour.ts"
import { reader } from "./volumes.ts"

interface Ref {
  readonly namespace: string
  readonly name: string
}
interface Object {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: {
    readonly volumeName?: string
    readonly csi?: { readonly volumeHandle: string }
    readonly deletionPolicy?: string
    readonly source?: {
      readonly persistentVolumeClaimName?: string
      readonly volumeHandle?: string
      readonly volumeHandles?: ReadonlyArray<string>
    }
    readonly volumeSnapshotRef?: Ref
    readonly volumeGroupSnapshotRef?: Ref
  }
  readonly status?: { readonly snapshotHandle?: string }
}
interface List {
  readonly items: ReadonlyArray<Object>
}

const groupContents = "volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io"
const contents = "volumesnapshotcontents.snapshot.storage.k8s.io"
const groups = "volumegroupsnapshots.groupsnapshot.storage.k8s.io"
const snapshots = "volumesnapshots.snapshot.storage.k8s.io"

/** A snapshot as the driver keeps it. */
export interface Kept {
  readonly id: string
  /** The volume that was cut. */
  readonly source: string
}

/** Every snapshot that the driver holds; of another cluster's nobody can look. */
export const kept = (): ReadonlyArray<Kept> => {
  const home = process.env["BED_DIR"]
  if (home === undefined) return []
  const folder = join(home, "csi", "snapshots")
  return readdirSync(folder).flatMap((name): ReadonlyArray<Kept> => {
    if (!name.endsWith(".json")) return []
    try {
      return [JSON.parse(readFileSync(join(folder, name), "utf8")) as Kept]
    } catch {
      // Deleted since.
      return []
    }
  })
}

/** The names that the storage has for the volumes of a StatefulSet's claims. */
export const handlesOf = async (namespace: string, app: string): Promise<ReadonlyArray<string>> => {
  const [claims, volumes] = await Promise.all([
    get<List>(["pvc", "-n", namespace, "-l", `app=${app}`]),
    get<List>(["pv"])
  ])
  const names = claims.items.map(({ spec }) => spec?.volumeName)
  return volumes.items.flatMap(({ metadata, spec }) =>
    names.includes(metadata.name) ? [spec?.csi?.volumeHandle ?? ""] : []
  )
}

/** The contents of cuts of these volumes. */
export const contentsOf = async (handles: ReadonlyArray<string>): Promise<ReadonlyArray<Object>> => {
  const { items } = await get<List>([`${contents},${groupContents}`])
  return items.filter(({ spec }) => {
    const { volumeHandle, volumeHandles = [] } = spec?.source ?? {}
    return [...volumeHandles, ...(volumeHandle === undefined ? [] : [volumeHandle])].some((handle) =>
      handles.includes(handle)
    )
  })
}

/**
 * Everything that is there of sets of a StatefulSet, whose names begin with its name and a dash: objects,
 * records, labels on its claims, and what the driver holds.
 */
export const remains = async (namespace: string, app: string): Promise<ReadonlyArray<string>> => {
  const handles = await handlesOf(namespace, app)
  const [{ items }, content] = await Promise.all([
    get<List>([`${snapshots},${groups},secrets,configmaps,pvc`, "-n", namespace]),
    contentsOf(handles)
  ])
  const claims = items.filter(({ kind, metadata }) =>
    kind === "PersistentVolumeClaim" ? metadata.labels?.["app"] === app : false
  )
  const isOurs = ({ kind, metadata, spec }: Object): boolean => {
    const of = spec?.source?.persistentVolumeClaimName
    if (kind === "VolumeSnapshot") return claims.some(({ metadata: { name } }) => name === of)
    if (kind === "VolumeGroupSnapshot") return metadata.name.startsWith(`${app}-`)
    return metadata.name.startsWith(`kubectl-stateful.snapshot.${app}-`)
  }
  const labels = claims.flatMap(({ metadata }) =>
    Object.keys({ ...metadata.labels, ...metadata.annotations })
      .filter((key) => key.startsWith("kubectl-stateful.dev/"))
      .map((key) => `${key} on ${metadata.name}`)
  )
  return [
    ...items.filter(isOurs).map(({ kind, metadata }) => `${kind}/${metadata.name}`),
    ...content.map(({ kind, metadata }) => `${kind}/${metadata.name}`),
    ...labels,
    ...kept().flatMap(({ id, source }) => (handles.includes(source) ? [`${id} in the storage`] : []))
  ].toSorted()
}

/** Deletes every cut of these namespaces for good, those too that were to outlive them; then nothing is left of them. */
export const removeCuts = async (namespaces: ReadonlyArray<string>): Promise<void> => {
  const ours = async () => {
    const { items } = await get<List>([`${contents},${groupContents}`])
    return items.flatMap(({ kind, metadata, spec }) => {
      const ref = spec?.volumeSnapshotRef ?? spec?.volumeGroupSnapshotRef
      const isGroup = kind === "VolumeGroupSnapshotContent"
      return namespaces.includes(ref?.namespace ?? "")
        ? [`${isGroup ? groupContents : contents}/${metadata.name}`]
        : []
    })
  }
  const held = await ours()
  const policy = '{"spec":{"deletionPolicy":"Delete"}}'
  if (held.length > 0) await kubectl(["patch", ...held, "--type=merge", "-p", policy])
  for (const namespace of namespaces) {
    for (const kind of [groups, snapshots])
      await kubectl(["delete", kind, "-n", namespace, "--all", "--wait=false", "--ignore-not-found"])
  }
  // Of a set that outlived its namespace nothing but the contents is left to delete.
  const left = await ours()
  if (left.length > 0) await kubectl(["delete", ...left, "--wait=false", "--ignore-not-found"])
  await until("no content is left", async () => ((await ours()).length === 0 ? true : null), 90)
}

/**
 * What pods wrote into volumes whose cuts are known by their names in the storage alone: restored in
 * another namespace, by contents that are made by hand.
 */
export const marksIn = async (
  namespace: string,
  handles: ReadonlyArray<string>
): Promise<ReadonlyArray<string>> => {
  const n = ["-n", namespace]
  const names = handles.map((_, index) => `${namespace}-${index}`)
  const apiVersion = "snapshot.storage.k8s.io/v1"
  const items = handles.flatMap((snapshotHandle, index) => {
    const name = names[index] ?? ""
    return [
      {
        apiVersion,
        kind: "VolumeSnapshotContent",
        metadata: { name },
        spec: {
          deletionPolicy: "Retain",
          driver: "bed.csi.kubectl-stateful.dev",
          source: { snapshotHandle },
          volumeSnapshotRef: { namespace, name }
        }
      },
      {
        apiVersion,
        kind: "VolumeSnapshot",
        metadata: { name, namespace },
        spec: { source: { volumeSnapshotContentName: name } }
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name, namespace },
        spec: {
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: "64Mi" } },
          dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name }
        }
      }
    ]
  })
  const mounted = names.map((name) => ({ key: name, name }))
  const list = { apiVersion: "v1", kind: "List", items: [...items, reader(mounted)] }
  await kubectl(["apply", ...n, "-f", "-"], JSON.stringify(list))
  await kubectl(["wait", ...n, "pod/reader", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s"])
  return (await kubectl(["logs", ...n, "reader"])).trim().split("\n")
}
