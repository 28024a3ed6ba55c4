/** Claims, their snapshots and the classes of them, as scripts send and read them. */
import * as Effect from "effect/Effect"
import { at, type Conversation, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import * as Heard from "./heard.ts"
import { claim, list } from "./objects.ts"

export const dynamic = (name: string, extra: object = {}) =>
  claim(name, {
    storageClassName: "shared-immediate",
    resources: { requests: { storage: "320Mi" } },
    ...extra
  })

export const snapshot = (name: string, source: object, extra: object = {}) => ({
  apiVersion: "snapshot.storage.k8s.io/v1",
  kind: "VolumeSnapshot",
  metadata: { name },
  spec: { source, ...extra }
})

export const group = (name: string, labels: object, extra: object = {}) => ({
  apiVersion: "groupsnapshot.storage.k8s.io/v1",
  kind: "VolumeGroupSnapshot",
  metadata: { name },
  spec: { source: { selector: { matchLabels: labels } }, ...extra }
})

export const content = "boundVolumeSnapshotContentName"
export const groupContent = "boundVolumeGroupSnapshotContentName"

export const bound = (to: Conversation, name: string) =>
  to.until(`persistentvolumeclaims/${name}`, (body) => at(body, "status.phase") === "Bound")

export const ready = (to: Conversation, path: string) =>
  to.until(path, (body) => at(body, "status.readyToUse") === true)

/** A content of which nobody has more to write: it is ready a moment before all marks of its making are off. */
export const calm = (to: Conversation, path: string) =>
  to.until(
    path,
    (body) =>
      at(body, "status.readyToUse") === true &&
      list(at(body, "metadata.finalizers")).length > 0 &&
      !JSON.stringify(at(body, "metadata.annotations") ?? null).includes("being-created")
  )

export const taken = (to: Conversation) =>
  Effect.gen(function* () {
    yield* to.quietly("POST", "persistentvolumeclaims", dynamic("data"))
    yield* bound(to, "data")
    yield* to.quietly("POST", "volumesnapshots", snapshot("one", { persistentVolumeClaimName: "data" }))
    yield* ready(to, "volumesnapshots/one")
    yield* calm(to, yield* contentPath(to, "one"))
  })

export const classes = "/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses"

/** Classes are the whole cluster's: a script's own has its namespace's name in it. */
export const classOf = (to: Conversation, name: string): string => `${to.namespace}-${name}`

/**
 * A class of the script's own; `driver` null: the driver of the volumes. It is known to whoever makes
 * contents: a snapshot of a class that is not would say so first.
 */
export const ownClass = (to: Conversation, name: string, driver: string | null, parameters: object = {}) =>
  Effect.gen(function* () {
    const storage = yield* to.quietly("GET", "/apis/storage.k8s.io/v1/storageclasses/shared-immediate")
    yield* to.quietly("POST", classes, {
      apiVersion: "snapshot.storage.k8s.io/v1",
      kind: "VolumeSnapshotClass",
      metadata: { name: classOf(to, name), labels: { "contract-script": "yes" } },
      driver: driver ?? text(storage, "provisioner"),
      deletionPolicy: "Delete",
      parameters
    })
    yield* Heard.bySnapshots(to, classOf(to, name))
  })

export const cut = (to: Conversation, name: string, volumeSnapshotClassName: string) =>
  to.quietly(
    "POST",
    "volumesnapshots",
    snapshot(name, { persistentVolumeClaimName: "data" }, { volumeSnapshotClassName })
  )

/** How often it failed by now is chance, and so is whether it was tried again, as which it complains in other words. */
export const plainly = (why: string): string =>
  why
    .replace(/failure \d+ of/, "failure <n> of")
    .replace(
      /check and update (group )?snapshot content: failed to take/,
      "create $1snapshot: failed to take"
    )

export const waits = {
  show: (body: Json) => ({
    ready: at(body, "status.readyToUse") ?? null,
    why: plainly(text(body, "status.error.message"))
  })
}

export const contentPath = (to: Conversation, name: string) =>
  Effect.map(
    to.quietly("GET", `volumesnapshots/${name}`),
    (body) => `/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents/${text(body, `status.${content}`)}`
  )

export const contentShape = (body: Json): Json => ({
  name: text(body, "metadata.name"),
  policy: at(body, "spec.deletionPolicy") ?? null,
  of: {
    kind: at(body, "spec.volumeSnapshotRef.kind") ?? null,
    name: at(body, "spec.volumeSnapshotRef.name") ?? null,
    uid: at(body, "spec.volumeSnapshotRef.uid") ?? null
  },
  mode: at(body, "spec.sourceVolumeMode") ?? null,
  source: Object.keys(Object(at(body, "spec.source"))),
  restoreSize: at(body, "status.restoreSize") ?? null,
  ready: at(body, "status.readyToUse") ?? null,
  cut: typeof at(body, "status.creationTime"),
  handle: text(body, "status.snapshotHandle") === "" ? "none" : "some"
})

export const pair = (to: Conversation) =>
  Effect.gen(function* () {
    for (const name of ["data-0", "data-1"])
      yield* to.quietly("POST", "persistentvolumeclaims", {
        ...dynamic(name),
        metadata: { name, labels: { cut: "yes" } }
      })
    for (const name of ["data-0", "data-1"]) yield* bound(to, name)
    // A group takes in the claims that its controller has heard of, and no others later.
    yield* Heard.bySnapshots(to)
  })

export const members = (to: Conversation) =>
  Effect.map(to.quietly("GET", "volumesnapshots"), (body) =>
    [...list(at(body, "items"))].toSorted((left, right) =>
      text(left, "spec.source.persistentVolumeClaimName") <
      text(right, "spec.source.persistentVolumeClaimName")
        ? -1
        : 1
    )
  )

/** Members appear up to a tenth of a second after their group is ready. */
export const complete = (to: Conversation, count: number) =>
  Effect.andThen(
    ready(to, "volumegroupsnapshots/all"),
    to.until("volumesnapshots", (body) => {
      const items = list(at(body, "items"))
      return items.length === count && items.every((each) => at(each, "status.readyToUse") === true)
    })
  )

export const contents = "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents"
export const groupClasses = "/apis/groupsnapshot.storage.k8s.io/v1/volumegroupsnapshotclasses"
export const groupContents = "/apis/groupsnapshot.storage.k8s.io/v1/volumegroupsnapshotcontents"

/** The driver of the volumes that scripts ask for. */
export const driverOf = (to: Conversation) =>
  Effect.map(to.quietly("GET", "/apis/storage.k8s.io/v1/storageclasses/shared-immediate"), (body) =>
    text(body, "provisioner")
  )

export const merge = (to: Conversation, path: string, body: object) =>
  to.quietly("PATCH", path, body, { headers: { "content-type": "application/merge-patch+json" } })

export const gone = (to: Conversation, path: string) => to.until(path, (body) => body === undefined)

/** Deletes a snapshot of a driver that nobody runs, whose content has nobody to take its finalizer off. */
export const abandoned = (to: Conversation, name: string) =>
  Effect.gen(function* () {
    const path = yield* contentPath(to, name)
    yield* to.until(path, (body) => list(at(body, "metadata.finalizers")).length > 0)
    yield* to.quietly("DELETE", `volumesnapshots/${name}`)
    yield* to.until(path, (body) => at(body, "metadata.deletionTimestamp") !== undefined)
    yield* merge(to, path, { metadata: { finalizers: null } })
    yield* gone(to, `volumesnapshots/${name}`)
  })

/** A volume of the script's own, whose bytes nobody keeps; it goes with the script. */
export const ownVolume = (to: Conversation, name: string, spec: object) =>
  Effect.gen(function* () {
    const path = `/api/v1/persistentvolumes/${to.namespace}-${name}`
    yield* Effect.addFinalizer(() => Effect.ignore(to.silently("DELETE", path)))
    yield* to.quietly("POST", "/api/v1/persistentvolumes", {
      metadata: { name: `${to.namespace}-${name}`, labels: { "contract-script": "yes" } },
      spec: {
        storageClassName: "nobody",
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Gi" },
        persistentVolumeReclaimPolicy: "Retain",
        ...spec
      }
    })
    return path
  })

/** A claim that is bound to a volume of the script's own. */
export const ownClaim = (to: Conversation, name: string, spec: object) =>
  Effect.gen(function* () {
    // Or it would be given to any claim of its class, another script's as well.
    const claimRef = { namespace: to.namespace, name }
    const path = yield* ownVolume(to, name, { claimRef, ...spec })
    yield* to.quietly("POST", "persistentvolumeclaims", claim(name, { volumeName: path.split("/").at(-1) }))
    yield* bound(to, name)
    return path
  })

/** What an event of a reason said about an object, once one did. */
export const said = (to: Conversation, name: string, reason: string, fits: RegExp = /./) => {
  const path = `events?fieldSelector=involvedObject.name=${name},reason=${reason}`
  const messages = (body: Json | undefined) =>
    list(at(body, "items"))
      .map((each) => text(each, "message"))
      .filter((message) => fits.test(message))
  return Effect.map(
    to.until(path, (body) => messages(body).length > 0),
    (body) => to.record(`${reason} of ${name}`, messages(body)[0] ?? null)
  )
}
