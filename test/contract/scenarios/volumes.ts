import * as Effect from "effect/Effect"
import { at, type Conversation, outcome, scenarios } from "../Conversation.ts"
import { claim } from "./objects.ts"

const suffix = (to: Conversation) => to.namespace.split("-").slice(-2).join("-")

const storageClass = (to: Conversation, extra: object = {}) => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: `contract-${suffix(to)}`, labels: { "contract-script": "yes" } },
  provisioner: "example.com/nobody",
  ...extra
})

const volume = (to: Conversation, name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name: `contract-${name}-${suffix(to)}`, labels: { "contract-script": "yes" } },
  spec: {
    capacity: { storage: "1Gi" },
    accessModes: ["ReadWriteOnce"],
    storageClassName: `nobody-${to.namespace}`,
    csi: { driver: "nobody.example.com", volumeHandle: name },
    ...spec
  }
})

/** Behind its first line the server shows a comparison of its own structs. */
const firstLine = {
  show: outcome("kind")
}

export const volumes = scenarios("volumes")({
  "a claim is filled in": (to) =>
    Effect.gen(function* () {
      yield* to.post("persistentvolumeclaims", claim("one"))
      yield* to.post(
        "persistentvolumeclaims",
        claim("source", {
          dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "x" }
        })
      )
      yield* to.post(
        "persistentvolumeclaims",
        claim("clone", {
          dataSource: { kind: "PersistentVolumeClaim", name: "one" }
        })
      )
      yield* to.post(
        "persistentvolumeclaims?dryRun=All",
        claim("other", {
          dataSource: { kind: "Secret", name: "one" }
        })
      )
      yield* to.post("persistentvolumeclaims", claim("none", { storageClassName: "" }))
      yield* to.get("persistentvolumeclaims/one/status")
    }),
  "a claim that makes no sense is invalid": (to) =>
    Effect.gen(function* () {
      yield* to.post("persistentvolumeclaims", claim("one", { accessModes: [] }))
      yield* to.post("persistentvolumeclaims", claim("one", { accessModes: ["Sometimes"] }))
      yield* to.post("persistentvolumeclaims", claim("one", { resources: {} }))
      yield* to.post("persistentvolumeclaims", claim("one", { resources: { requests: { storage: "-1" } } }))
      yield* to.post("persistentvolumeclaims", claim("one", { resources: { requests: { storage: "much" } } }))
      yield* to.post(
        "persistentvolumeclaims",
        claim("one", { accessModes: ["ReadWriteOncePod", "ReadWriteOnce"] })
      )
      yield* to.post("persistentvolumeclaims", claim("one", { volumeMode: "Tape" }))
      yield* to.post("persistentvolumeclaims", claim("Upper"))
    }),
  "of an unbound claim nothing may change": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", claim("one"))
      yield* to.merge("persistentvolumeclaims/one", { spec: { accessModes: ["ReadWriteMany"] } }, firstLine)
      yield* to.merge("persistentvolumeclaims/one", { spec: { storageClassName: "other" } }, firstLine)
      yield* to.merge(
        "persistentvolumeclaims/one",
        { spec: { resources: { requests: { storage: "2Gi" } } } },
        firstLine
      )
      yield* to.merge(
        "persistentvolumeclaims/one",
        { spec: { resources: { requests: { storage: "1Mi" } } } },
        firstLine
      )
      yield* to.merge("persistentvolumeclaims/one", { metadata: { labels: { may: "change" } } })
    }),
  "an unused claim goes when it is deleted": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", claim("one"))
      const deleted = yield* to.quietly("DELETE", "persistentvolumeclaims/one")
      to.record("the answer is the claim on its way out", [
        at(deleted, "kind") ?? null,
        at(deleted, "metadata.deletionTimestamp") !== undefined,
        at(deleted, "metadata.finalizers") ?? null
      ])
      yield* to.until("persistentvolumeclaims/one", (body) => body === undefined)
      yield* to.get("persistentvolumeclaims/one")
    }),
  "a volume that names a claim is bound to it": (to) =>
    Effect.gen(function* () {
      const made = volume(to, "bound", {
        claimRef: { namespace: to.namespace, name: "one" }
      })
      const path = `/api/v1/persistentvolumes/${made.metadata.name}`
      yield* to.post("/api/v1/persistentvolumes", made, { without: ["status"] })
      yield* to.quietly(
        "POST",
        "persistentvolumeclaims",
        claim("one", { storageClassName: `nobody-${to.namespace}` })
      )
      yield* to.until("persistentvolumeclaims/one", (body) => at(body, "status.phase") === "Bound")
      yield* to.get("persistentvolumeclaims/one")
      yield* to.get(path)
      yield* to.merge("persistentvolumeclaims/one", { spec: { volumeName: "other" } }, firstLine)
      yield* to.merge("persistentvolumeclaims/one", { spec: { resources: { requests: { storage: "2Gi" } } } })
      yield* to.merge("persistentvolumeclaims/one", {
        spec: { resources: { requests: { storage: "512Mi" } } }
      })
      yield* to.quietly("DELETE", "persistentvolumeclaims/one")
      yield* to.until(path, (body) => at(body, "status.phase") === "Released")
      yield* to.get(path)
      yield* to.json(path, [{ op: "remove", path: "/spec/claimRef/uid" }], {
        show: (body) => at(body, "spec.claimRef.name") ?? null
      })
      yield* to.until(path, (body) => at(body, "status.phase") === "Available")
      yield* to.quietly(
        "POST",
        "persistentvolumeclaims",
        claim("one", { storageClassName: `nobody-${to.namespace}` })
      )
      yield* to.until("persistentvolumeclaims/one", (body) => at(body, "status.phase") === "Bound")
      yield* to.get("persistentvolumeclaims/one", { show: (body) => at(body, "spec.volumeName") ?? null })
      yield* to.quietly("DELETE", "persistentvolumeclaims/one")
      yield* to.until(path, (body) => at(body, "status.phase") === "Released")
      yield* to.remove(path, undefined, {
        show: (body) => at(body, "metadata.finalizers") ?? at(body, "kind") ?? null
      })
      yield* to.until(path, (body) => body === undefined)
    }),
  "a volume whose claim is another's is not taken": (to) =>
    Effect.gen(function* () {
      const made = volume(to, "taken", {
        claimRef: { namespace: to.namespace, name: "other", uid: "00000000-0000-4000-8000-000000000000" }
      })
      const path = `/api/v1/persistentvolumes/${made.metadata.name}`
      yield* to.quietly("POST", "/api/v1/persistentvolumes", made)
      yield* to.quietly(
        "POST",
        "persistentvolumeclaims",
        claim("other", { storageClassName: `nobody-${to.namespace}` })
      )
      yield* to.until(path, (body) => at(body, "status.phase") === "Released")
      yield* to.get("persistentvolumeclaims/other", { show: (body) => at(body, "status") ?? null })
      yield* to.quietly("DELETE", path)
    }),
  "a volume that makes no sense is invalid": (to) =>
    Effect.gen(function* () {
      const post = (spec: object) => to.post("/api/v1/persistentvolumes", volume(to, "bad", spec))
      yield* post({ capacity: {} })
      yield* post({ accessModes: [] })
      yield* post({ csi: undefined })
      yield* post({ persistentVolumeReclaimPolicy: "Maybe" })
    }),
  "of a volume its source and affinity stay": (to) =>
    Effect.gen(function* () {
      const made = volume(to, "stays", { persistentVolumeReclaimPolicy: "Retain" })
      const path = `/api/v1/persistentvolumes/${made.metadata.name}`
      yield* to.quietly("POST", "/api/v1/persistentvolumes", made)
      const asking = {
        show: outcome("spec.persistentVolumeReclaimPolicy")
      }
      yield* to.merge(path, { spec: { persistentVolumeReclaimPolicy: "Delete" } }, asking)
      yield* to.merge(path, { spec: { csi: { volumeHandle: "other" } } }, asking)
      yield* to.quietly("DELETE", path)
    }),
  "a storage class is filled in, and stays as it is": (to) =>
    Effect.gen(function* () {
      const made = storageClass(to)
      const path = `/apis/storage.k8s.io/v1/storageclasses/${made.metadata.name}`
      yield* to.post("/apis/storage.k8s.io/v1/storageclasses", made)
      yield* to.merge(path, { provisioner: "example.com/other" })
      yield* to.merge(path, { parameters: { a: "b" } })
      yield* to.merge(path, { reclaimPolicy: "Retain" })
      yield* to.merge(path, { volumeBindingMode: "WaitForFirstConsumer" })
      yield* to.merge(path, { allowVolumeExpansion: true })
      yield* to.remove(path)
      yield* to.post("/apis/storage.k8s.io/v1/storageclasses", storageClass(to, { provisioner: "" }))
      yield* to.post("/apis/storage.k8s.io/v1/storageclasses", storageClass(to, { reclaimPolicy: "Maybe" }))
      yield* to.post(
        "/apis/storage.k8s.io/v1/storageclasses",
        storageClass(to, { volumeBindingMode: "Maybe" })
      )
    })
})
