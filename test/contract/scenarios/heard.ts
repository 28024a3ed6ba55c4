/**
 * What a controller has heard of by now. Each leans on copies of objects that come to it a little
 * after the server has taken them, much later where the machine is busy. The events of one kind come
 * in their order: once a canary of the same kind has been dealt with, so could all that was written
 * before it be. Nothing of this is written down, and no canary stays.
 */
import * as Effect from "effect/Effect"
import { at, type Conversation, text } from "../Conversation.ts"
import { claim, lease, pod, secret, set } from "./objects.ts"

const gone = (to: Conversation, path: string) => to.until(path, (body) => body === undefined)

const canaries = {
  secrets: secret("canary"),
  pods: pod("canary", {}, { app: "canary" })
}

/**
 * The garbage collector knows the dependents of this kind: it takes one of nobody only after all
 * those before it. Their owners may be unknown yet: it keeps a place for whomever a dependent names.
 */
export const byCollector = (to: Conversation, kind: keyof typeof canaries) =>
  Effect.gen(function* () {
    const canary = canaries[kind]
    const nobody = { apiVersion: "v1", kind: "ConfigMap", name: "never-was", uid: crypto.randomUUID() }
    yield* to.quietly("POST", kind, {
      ...canary,
      metadata: { ...canary.metadata, ownerReferences: [nobody] }
    })
    yield* gone(to, `${kind}/canary`)
  })

/** The controller of sets has heard of all sets, and of those that are gone. */
export const bySets = (to: Conversation) =>
  Effect.gen(function* () {
    const labels = { app: "canary" }
    const canary = set("canary", {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: pod("canary").spec }
    })
    yield* to.quietly("POST", "statefulsets", canary)
    yield* to.until("statefulsets/canary", (body) => at(body, "status.observedGeneration") === 1)
    yield* to.quietly("DELETE", "statefulsets/canary")
    yield* gone(to, "statefulsets/canary")
  })

/**
 * The server, where it refuses what a quota does not allow, knows the counts as they are written now, and
 * so does who keeps them.
 */
export const byQuotas = (to: Conversation, canary: string) =>
  Effect.gen(function* () {
    yield* to.quietly("POST", "resourcequotas", {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: canary },
      spec: { hard: { "count/leases.coordination.k8s.io": "0" } }
    })
    yield* to.untilAnswered("POST", "leases?dryRun=All", lease("canary"), (body) =>
      text(body, "message").includes(`exceeded quota: ${canary},`)
    )
    yield* to.quietly("DELETE", `resourcequotas/${canary}`)
    yield* gone(to, `resourcequotas/${canary}`)
  })

const complains = (to: Conversation, path: string, about: string) =>
  to.until(path, (body) => text(body, "status.error.message").includes(about))

/** The controller of snapshots knows all claims as they are now, and the class, where one is named. */
export const bySnapshots = (to: Conversation, volumeSnapshotClassName?: string) =>
  Effect.gen(function* () {
    // Of a class that no volume has: it would be given one that another script has just made.
    yield* to.quietly("POST", "persistentvolumeclaims", {
      ...claim("canary", { storageClassName: "canary" }),
      metadata: { name: "canary" }
    })
    yield* to.quietly("POST", "volumesnapshots", {
      apiVersion: "snapshot.storage.k8s.io/v1",
      kind: "VolumeSnapshot",
      metadata: { name: "canary" },
      spec: {
        source: { persistentVolumeClaimName: "canary" },
        ...(volumeSnapshotClassName === undefined ? {} : { volumeSnapshotClassName })
      }
    })
    yield* complains(to, "volumesnapshots/canary", "not yet bound")
    yield* to.quietly("DELETE", "volumesnapshots/canary")
    yield* gone(to, "volumesnapshots/canary")
    yield* to.quietly("DELETE", "persistentvolumeclaims/canary")
    yield* gone(to, "persistentvolumeclaims/canary")
  })

interface Cut {
  /** Of what the content is, and which snapshots name one. */
  readonly contents: string
  readonly content: object
  readonly snapshots: string
  readonly snapshot: object
  readonly complaint: string
}

/** A content that names another snapshot: one that asks for it is told so once the content is known. */
const byContentsOf = (to: Conversation, { contents, content, snapshots, snapshot, complaint }: Cut) =>
  Effect.gen(function* () {
    const name = `${to.namespace}-canary`
    yield* Effect.addFinalizer(() => Effect.ignore(to.silently("DELETE", `${contents}/${name}`)))
    yield* to.quietly("POST", contents, {
      metadata: { name, labels: { "contract-script": "yes" } },
      ...content
    })
    yield* to.quietly("POST", snapshots, { metadata: { name: "canary" }, ...snapshot })
    yield* complains(to, `${snapshots}/canary`, complaint)
    yield* to.quietly("DELETE", `${snapshots}/canary`)
    yield* gone(to, `${snapshots}/canary`)
    yield* to.quietly("DELETE", `${contents}/${name}`)
    yield* gone(to, `${contents}/${name}`)
  })

const kept = { deletionPolicy: "Retain", driver: "nobody.example.com" }

/** The controller of snapshots knows all contents as they are now, with their policies. */
export const byContents = (to: Conversation) =>
  byContentsOf(to, {
    contents: "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents",
    content: {
      apiVersion: "snapshot.storage.k8s.io/v1",
      kind: "VolumeSnapshotContent",
      spec: {
        ...kept,
        source: { snapshotHandle: "none" },
        volumeSnapshotRef: { name: "never-was", namespace: to.namespace }
      }
    },
    snapshots: "volumesnapshots",
    snapshot: {
      apiVersion: "snapshot.storage.k8s.io/v1",
      kind: "VolumeSnapshot",
      spec: { source: { volumeSnapshotContentName: `${to.namespace}-canary` } }
    },
    complaint: "bound to a different snapshot"
  })

/** And all contents of groups. */
export const byGroupContents = (to: Conversation) =>
  byContentsOf(to, {
    contents: "/apis/groupsnapshot.storage.k8s.io/v1/volumegroupsnapshotcontents",
    content: {
      apiVersion: "groupsnapshot.storage.k8s.io/v1",
      kind: "VolumeGroupSnapshotContent",
      spec: {
        ...kept,
        source: {
          groupSnapshotHandles: { volumeGroupSnapshotHandle: "none", volumeSnapshotHandles: ["none"] }
        },
        volumeGroupSnapshotRef: { name: "never-was", namespace: to.namespace }
      }
    },
    snapshots: "volumegroupsnapshots",
    snapshot: {
      apiVersion: "groupsnapshot.storage.k8s.io/v1",
      kind: "VolumeGroupSnapshot",
      spec: { source: { volumeGroupSnapshotContentName: `${to.namespace}-canary` } }
    },
    complaint: "bound to a different group snapshot"
  })
