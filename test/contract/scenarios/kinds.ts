/** Every kind that the product reads or writes: its empty list, an object that is not there, and no permission. */
import * as Effect from "effect/Effect"
import { type Conversation, scenarios } from "../Conversation.ts"

const namespaced = [
  ["", "configmaps"],
  ["", "events"],
  ["", "limitranges"],
  ["", "persistentvolumeclaims"],
  ["", "pods"],
  ["", "resourcequotas"],
  ["", "secrets"],
  ["", "serviceaccounts"],
  ["", "services"],
  ["apps/v1", "controllerrevisions"],
  ["apps/v1", "daemonsets"],
  ["apps/v1", "deployments"],
  ["apps/v1", "replicasets"],
  ["apps/v1", "statefulsets"],
  ["autoscaling/v2", "horizontalpodautoscalers"],
  ["batch/v1", "cronjobs"],
  ["batch/v1", "jobs"],
  ["coordination.k8s.io/v1", "leases"],
  ["discovery.k8s.io/v1", "endpointslices"],
  ["groupsnapshot.storage.k8s.io/v1", "volumegroupsnapshots"],
  ["networking.k8s.io/v1", "networkpolicies"],
  ["policy/v1", "poddisruptionbudgets"],
  ["snapshot.storage.k8s.io/v1", "volumesnapshots"]
] as const

const ofTheCluster = [
  ["", "namespaces"],
  ["", "nodes"],
  ["", "persistentvolumes"],
  ["groupsnapshot.storage.k8s.io/v1", "volumegroupsnapshotclasses"],
  ["groupsnapshot.storage.k8s.io/v1", "volumegroupsnapshotcontents"],
  ["scheduling.k8s.io/v1", "priorityclasses"],
  ["snapshot.storage.k8s.io/v1", "volumesnapshotclasses"],
  ["snapshot.storage.k8s.io/v1", "volumesnapshotcontents"],
  ["storage.k8s.io/v1", "csidrivers"],
  ["storage.k8s.io/v1", "storageclasses"],
  ["storage.k8s.io/v1", "volumeattachments"]
] as const

const rootOf = (group: string): string => (group === "" ? "/api/v1" : `/apis/${group}`)

const paths = (to: Conversation): ReadonlyArray<string> => [
  ...namespaced.map(([group, plural]) => `${rootOf(group)}/namespaces/${to.namespace}/${plural}`),
  ...ofTheCluster.map(([group, plural]) => `${rootOf(group)}/${plural}`)
]

export const kinds = scenarios("kinds")({
  "a list without items names its kind": (to) =>
    Effect.forEach(paths(to), (path) => to.get(`${path}?labelSelector=nobody=has&limit=500`)),
  "an object that is not there is named as its kind is": (to) =>
    Effect.forEach(paths(to), (path) =>
      to.json(`${path}/none`, [{ op: "test", path: "/metadata/uid", value: "another" }])
    ),
  "who may not list a kind is told which, and where": (to) =>
    Effect.gen(function* () {
      const as = yield* to.bed.as("contract-nobody", to.namespace, [
        { verbs: ["get"], apiGroups: [""], resources: ["configmaps"], resourceNames: ["mine"] }
      ])
      yield* Effect.forEach(paths(to), (path) => to.get(path, { as }))
    })
})
