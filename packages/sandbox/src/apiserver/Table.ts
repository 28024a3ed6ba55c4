/** Answers for `kubectl get`: the server's own columns and cells, by kind. */
import * as Age from "./Age.ts"
import { arrayAt, at, isObject, numberAt, stringAt, stringsAt } from "../apimachinery/Json.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import { podCells } from "./PodTable.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import { classOf } from "../registry/StorageClassOf.ts"

export interface Column {
  readonly name: string
  readonly type: "string" | "integer" | "boolean" | "date"
  /** 1: only with `-o wide`. */
  readonly priority: 0 | 1
}

export interface Printer {
  readonly columns: ReadonlyArray<Column>
  readonly cells: (object: KubeObject, now: number) => ReadonlyArray<string | number | boolean>
}

/** `Name`, `Desired:integer`, `Node*` (wide). */
const columns = (text: string): ReadonlyArray<Column> =>
  text.split(",").map((each) => {
    const [name = "", type = "string"] = each.replace("*", "").trim().split(":")
    return {
      name,
      type: type === "integer" || type === "boolean" || type === "date" ? type : "string",
      priority: each.includes("*") ? 1 : 0
    }
  })

const printer = (
  names: string,
  cells: (object: KubeObject, age: string, now: number) => ReadonlyArray<string | number | boolean>
): Printer => ({
  columns: columns(names),
  cells: (object, now) => cells(object, Age.since(object.metadata.creationTimestamp, now), now)
})

const text = (value: unknown, ...path: ReadonlyArray<string>): string => {
  const found = at(value, ...path)
  return typeof found === "string" || typeof found === "number" || typeof found === "boolean"
    ? String(found)
    : ""
}

const orElse = (value: string, otherwise: string): string => (value === "" ? otherwise : value)

const count = (value: unknown, ...path: ReadonlyArray<string>): number => numberAt(value, ...path) ?? 0

const modes: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP"
}

const accessModes = (value: unknown): string =>
  arrayAt(value, "accessModes")
    .map((mode) => modes[String(mode)] ?? "")
    .join(",")

const containers = (object: KubeObject): ReadonlyArray<string> => {
  const all = arrayAt(object.spec, "template", "spec", "containers")
  return [all.map((each) => text(each, "name")).join(","), all.map((each) => text(each, "image")).join(",")]
}

const byKey = ([left]: readonly [string, string], [right]: readonly [string, string]): number =>
  left < right ? -1 : 1

const selector = (labels: Readonly<Record<string, string>>): string =>
  orElse(
    Object.entries(labels)
      .toSorted(byKey)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    "<none>"
  )

const phase = (object: KubeObject): string =>
  object.metadata.deletionTimestamp === undefined ? text(object.status, "phase") : "Terminating"

const nodeStatus = (object: KubeObject): string => {
  const ready = arrayAt(object.status, "conditions").find((each) => stringAt(each, "type") === "Ready")
  const status = ready === undefined ? "Unknown" : stringAt(ready, "status") === "True" ? "Ready" : "NotReady"
  return at(object.spec, "unschedulable") === true ? `${status},SchedulingDisabled` : status
}

const nodeRoles = (object: KubeObject): string =>
  orElse(
    Object.keys(object.metadata.labels ?? {})
      .filter((key) => key.startsWith("node-role.kubernetes.io/"))
      .map((key) => key.slice("node-role.kubernetes.io/".length))
      .toSorted()
      .join(","),
    "<none>"
  )

const nodeAddress = (object: KubeObject, type: string): string =>
  orElse(
    text(
      arrayAt(object.status, "addresses").find((each) => stringAt(each, "type") === type),
      "address"
    ),
    "<none>"
  )

const info = (object: KubeObject, field: string): string => text(object.status, "nodeInfo", field)

const ports = (object: KubeObject): string =>
  orElse(
    arrayAt(object.spec, "ports")
      .map((each) => {
        const nodePort = numberAt(each, "nodePort")
        return `${text(each, "port")}${nodePort === undefined || nodePort === 0 ? "" : `:${nodePort}`}/${text(each, "protocol")}`
      })
      .join(","),
    "<none>"
  )

const eventAge = (object: KubeObject, now: number): readonly [last: string, first: string] => {
  const first = Age.since(at(object, "firstTimestamp") ?? at(object, "eventTime"), now)
  const last = at(object, "series", "lastObservedTime") ?? at(object, "lastTimestamp")
  return [typeof last === "string" ? Age.since(last, now) : first, first]
}

const quotaUse = (object: KubeObject, limits: boolean): string =>
  Object.entries(stringsAt(object.status, "hard"))
    .filter(([resource]) => resource.startsWith("limits.") === limits)
    .toSorted(byKey)
    .map(([resource, hard]) => `${resource}: ${text(object.status, "used", resource)}/${hard}`)
    .join(", ")

const owner = (object: KubeObject): string => {
  const reference = object.metadata.ownerReferences?.find((each) => each.controller === true)
  if (reference === undefined) return "<none>"
  const group = reference.apiVersion.includes("/") ? `.${reference.apiVersion.split("/")[0]}` : ""
  return `${reference.kind.toLowerCase()}${group}/${reference.name}`
}

const printers: Readonly<Record<string, Printer>> = {
  "/pods": {
    columns: columns("Name,Ready,Status,Restarts,Age,IP*,Node*,Nominated Node*,Readiness Gates*"),
    cells: podCells
  },
  "apps/statefulsets": printer("Name,Ready,Age,Containers*,Images*", (object, age) => [
    object.metadata.name,
    `${count(object.status, "readyReplicas")}/${count(object.spec, "replicas")}`,
    age,
    ...containers(object)
  ]),
  "apps/deployments": printer(
    "Name,Ready,Up-to-date,Available,Age,Containers*,Images*,Selector*",
    (object, age) => [
      object.metadata.name,
      `${count(object.status, "readyReplicas")}/${count(object.spec, "replicas")}`,
      text(object.status, "updatedReplicas") === "" ? "0" : text(object.status, "updatedReplicas"),
      text(object.status, "availableReplicas") === "" ? "0" : text(object.status, "availableReplicas"),
      age,
      ...containers(object),
      selector(stringsAt(object.spec, "selector", "matchLabels"))
    ]
  ),
  "apps/replicasets": printer(
    "Name,Desired:integer,Current:integer,Ready:integer,Age,Containers*,Images*,Selector*",
    (object, age) => [
      object.metadata.name,
      count(object.spec, "replicas"),
      count(object.status, "replicas"),
      count(object.status, "readyReplicas"),
      age,
      ...containers(object),
      selector(stringsAt(object.spec, "selector", "matchLabels"))
    ]
  ),
  "apps/controllerrevisions": printer("Name,Controller,Revision,Age", (object, age) => [
    object.metadata.name,
    owner(object),
    text(object, "revision"),
    age
  ]),
  "/persistentvolumeclaims": printer(
    "Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age,VolumeMode*",
    (object, age) => {
      const bound = text(object.spec, "volumeName") !== ""
      return [
        object.metadata.name,
        phase(object),
        text(object.spec, "volumeName"),
        bound ? text(object.status, "capacity", "storage") : "",
        bound ? accessModes(object.status) : "",
        classOf(object),
        orElse(text(object.spec, "volumeAttributesClassName"), "<unset>"),
        age,
        orElse(text(object.spec, "volumeMode"), "<unset>")
      ]
    }
  ),
  "/persistentvolumes": printer(
    "Name,Capacity,Access Modes,Reclaim Policy,Status,Claim,StorageClass,VolumeAttributesClass,Reason,Age,VolumeMode*",
    (object, age) => [
      object.metadata.name,
      text(object.spec, "capacity", "storage"),
      accessModes(object.spec),
      text(object.spec, "persistentVolumeReclaimPolicy"),
      phase(object),
      isObject(at(object.spec, "claimRef"))
        ? `${text(object.spec, "claimRef", "namespace")}/${text(object.spec, "claimRef", "name")}`
        : "",
      classOf(object),
      orElse(text(object.spec, "volumeAttributesClassName"), "<unset>"),
      text(object.status, "reason"),
      age,
      orElse(text(object.spec, "volumeMode"), "<unset>")
    ]
  ),
  "/services": printer("Name,Type,Cluster-IP,External-IP,Port(s),Age,Selector*", (object, age) => [
    object.metadata.name,
    text(object.spec, "type"),
    orElse(text(object.spec, "clusterIP"), "<none>"),
    orElse(
      text(object.spec, "externalName"),
      text(object.spec, "type") === "LoadBalancer" ? "<pending>" : "<none>"
    ),
    ports(object),
    age,
    selector(stringsAt(object.spec, "selector"))
  ]),
  "/nodes": printer(
    "Name,Status,Roles,Age,Version,Internal-IP*,External-IP*,OS-Image*,Kernel-Version*,Container-Runtime*",
    (object, age) => [
      object.metadata.name,
      nodeStatus(object),
      nodeRoles(object),
      age,
      info(object, "kubeletVersion"),
      nodeAddress(object, "InternalIP"),
      nodeAddress(object, "ExternalIP"),
      orElse(info(object, "osImage"), "<unknown>"),
      orElse(info(object, "kernelVersion"), "<unknown>") +
        (info(object, "architecture") === "" ? "" : ` (${info(object, "architecture")})`),
      orElse(info(object, "containerRuntimeVersion"), "<unknown>")
    ]
  ),
  "/namespaces": printer("Name,Status,Age", (object, age) => [
    object.metadata.name,
    text(object.status, "phase"),
    age
  ]),
  "/configmaps": printer("Name,Data,Age", (object, age) => [
    object.metadata.name,
    Object.keys(stringsAt(object, "data")).length + Object.keys(stringsAt(object, "binaryData")).length,
    age
  ]),
  "/secrets": printer("Name,Type,Data,Age", (object, age) => [
    object.metadata.name,
    text(object, "type"),
    Object.keys(stringsAt(object, "data")).length,
    age
  ]),
  "/serviceaccounts": printer("Name,Age", (object, age) => [object.metadata.name, age]),
  "/events": printer(
    "Last Seen,Type,Reason,Object,Subobject*,Source*,Message,First Seen*,Count*,Name*",
    (object, _, now) => {
      const [last, first] = eventAge(object, now)
      const involved = text(object, "involvedObject", "name")
      const kind = text(object, "involvedObject", "kind").toLowerCase()
      const host = text(object, "source", "host")
      return [
        last,
        text(object, "type"),
        text(object, "reason"),
        involved === "" ? kind : `${kind}/${involved}`,
        text(object, "involvedObject", "fieldPath"),
        orElse(text(object, "source", "component"), text(object, "reportingComponent")) +
          (host === "" ? "" : `, ${host}`),
        text(object, "message").trim(),
        first,
        count(object, "series", "count") || count(object, "count") || 1,
        object.metadata.name
      ]
    }
  ),
  "/resourcequotas": printer("Name,Request,Limit,Age", (object, age) => [
    object.metadata.name,
    quotaUse(object, false),
    quotaUse(object, true),
    age
  ]),
  "policy/poddisruptionbudgets": printer(
    "Name,Min Available,Max Unavailable,Allowed Disruptions:integer,Age",
    (object, age) => [
      object.metadata.name,
      orElse(text(object.spec, "minAvailable"), "N/A"),
      orElse(text(object.spec, "maxUnavailable"), "N/A"),
      count(object.status, "disruptionsAllowed"),
      age
    ]
  ),
  "storage.k8s.io/storageclasses": printer(
    "Name,Provisioner,ReclaimPolicy,VolumeBindingMode,AllowVolumeExpansion,Age",
    (object, age) => [
      object.metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true"
        ? `${object.metadata.name} (default)`
        : object.metadata.name,
      text(object, "provisioner"),
      orElse(text(object, "reclaimPolicy"), "Delete"),
      orElse(text(object, "volumeBindingMode"), "Immediate"),
      at(object, "allowVolumeExpansion") === true,
      age
    ]
  ),
  "storage.k8s.io/volumeattachments": printer("Name,Attacher,PV,Node,Attached:boolean,Age", (object, age) => [
    object.metadata.name,
    text(object.spec, "attacher"),
    text(object.spec, "source", "persistentVolumeName"),
    text(object.spec, "nodeName"),
    at(object.status, "attached") === true,
    age
  ]),
  "storage.k8s.io/csinodes": printer("Name,Drivers:integer,Age", (object, age) => [
    object.metadata.name,
    arrayAt(object.spec, "drivers").length,
    age
  ]),
  "coordination.k8s.io/leases": printer("Name,Holder,Age", (object, age) => [
    object.metadata.name,
    text(object.spec, "holderIdentity"),
    age
  ]),
  "discovery.k8s.io/endpointslices": printer("Name,AddressType,Ports,Endpoints,Age", (object, age) => [
    object.metadata.name,
    text(object, "addressType"),
    orElse(
      arrayAt(object, "ports")
        .map((each) => text(each, "port"))
        .join(","),
      "<unset>"
    ),
    orElse(
      arrayAt(object, "endpoints")
        .flatMap((each) => arrayAt(each, "addresses").map(String))
        .slice(0, 3)
        .join(","),
      "<unset>"
    ),
    age
  ]),
  "autoscaling/horizontalpodautoscalers": printer(
    "Name,Reference,Targets,MinPods,MaxPods,Replicas,Age",
    (object, age) => [
      object.metadata.name,
      `${text(object.spec, "scaleTargetRef", "kind")}/${text(object.spec, "scaleTargetRef", "name")}`,
      "<unknown>",
      orElse(text(object.spec, "minReplicas"), "<unset>"),
      text(object.spec, "maxReplicas"),
      orElse(text(object.status, "currentReplicas"), "0"),
      age
    ]
  ),
  "snapshot.storage.k8s.io/volumesnapshots": printer(
    "Name,ReadyToUse:boolean,SourcePVC,SourceSnapshotContent,RestoreSize,SnapshotClass,SnapshotContent,CreationTime:date,Age:date",
    (object, age, now) => [
      object.metadata.name,
      text(object.status, "readyToUse"),
      text(object.spec, "source", "persistentVolumeClaimName"),
      text(object.spec, "source", "volumeSnapshotContentName"),
      text(object.status, "restoreSize"),
      text(object.spec, "volumeSnapshotClassName"),
      text(object.status, "boundVolumeSnapshotContentName"),
      at(object.status, "creationTime") === undefined
        ? ""
        : Age.since(at(object.status, "creationTime"), now),
      age
    ]
  ),
  "groupsnapshot.storage.k8s.io/volumegroupsnapshots": printer(
    "Name,ReadyToUse:boolean,VolumeGroupSnapshotClass,VolumeGroupSnapshotContent,CreationTime:date,Age:date",
    (object, age, now) => [
      object.metadata.name,
      text(object.status, "readyToUse"),
      text(object.spec, "volumeGroupSnapshotClassName"),
      text(object.status, "boundVolumeGroupSnapshotContentName"),
      at(object.status, "creationTime") === undefined
        ? ""
        : Age.since(at(object.status, "creationTime"), now),
      age
    ]
  )
}

const custom = printer("Name,Age:date", (object, age) => [object.metadata.name, age])

/** The columns of a built-in kind without columns of its own. */
const builtIn = printer("Name,Created At:date", (object) => [
  object.metadata.name,
  object.metadata.creationTimestamp
])

const printerOf = (type: ResourceType): Printer =>
  printers[`${type.group}/${type.resource}`] ?? (type.custom ? custom : builtIn)

/** `includeObject` sets what each row contains in addition to its cells. */
export const table = (
  type: ResourceType,
  objects: ReadonlyArray<KubeObject>,
  now: number,
  includeObject: (object: KubeObject) => unknown
): { readonly columnDefinitions: ReadonlyArray<unknown>; readonly rows: ReadonlyArray<unknown> } => {
  const { columns: all, cells } = printerOf(type)
  return {
    columnDefinitions: all.map(({ name, type: cellType, priority }) => ({
      name,
      type: cellType,
      format: name === "Name" && priority === 0 ? "name" : "",
      description: "",
      priority
    })),
    rows: objects.map((object) => {
      const included = includeObject(object)
      return { cells: cells(object, now), ...(included === undefined ? {} : { object: included }) }
    })
  }
}
