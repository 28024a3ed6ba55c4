/** Writes as operations send them: each tests the object's uid, and its version or the token on it. */
import * as Effect from "effect/Effect"
import { at, type Conversation, outcome as firstLine, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { classes, classOf } from "./cuts.ts"
import { budget, claim, headless, lease, pod, secret, set } from "./objects.ts"

const strictly = "fieldManager=kubectl-stateful&fieldValidation=Strict"

const token = "/metadata/annotations/kubectl-stateful.dev~1operation"

/** Why it is refused, or the annotations after it. */
const outcome = {
  show: (body: Json): Json => {
    const message = text(body, "message")
    return message === ""
      ? (at(body, "metadata.annotations") ?? null)
      : [text(body, "reason"), message, at(body, "details") ?? null]
  }
}

/** A class of snapshots, which no controller writes to; it goes with its script. */
const snapshotClass = (to: Conversation) =>
  Effect.gen(function* () {
    const name = classOf(to, "fenced")
    yield* Effect.addFinalizer(() => Effect.ignore(to.silently("DELETE", `${classes}/${name}`)))
    return {
      apiVersion: "snapshot.storage.k8s.io/v1",
      kind: "VolumeSnapshotClass",
      metadata: { name, labels: { "contract-script": "yes" } },
      driver: "nobody.example.com",
      deletionPolicy: "Delete"
    }
  })

const policies = (to: Conversation) => `/apis/networking.k8s.io/v1/namespaces/${to.namespace}/networkpolicies`

const policy = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "one" },
  spec: { podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Ingress"] }
}

const acquired = (to: Conversation, path: string, body: object) =>
  Effect.gen(function* () {
    const made = yield* to.quietly("POST", path, body)
    const one = `${path}/${text(made, "metadata.name")}`
    const read = yield* to.until(
      one,
      (object) =>
        text(object, "kind") !== "StatefulSet" ||
        at(object, "status.observedGeneration") === at(object, "metadata.generation")
    )
    const same = { op: "test", path: "/metadata/uid", value: text(read, "metadata.uid") }
    const write = (...operations: ReadonlyArray<object>) =>
      to.json(`${one}?${strictly}`, [same, ...operations], outcome)
    const version = text(read, "metadata.resourceVersion")
    const asRead = { op: "test", path: "/metadata/resourceVersion", value: version }
    const held = (by: string) => ({ op: "test", path: token, value: by })
    const none = { op: "add", path: "/metadata/annotations", value: {} }
    yield* write(held("a.1"))
    yield* write(asRead, none, { op: "add", path: token, value: "a.1" })
    yield* write(asRead, { op: "add", path: token, value: "b.1" })
    yield* write(held("a.2"), { op: "add", path: "/metadata/labels", value: {} })
    yield* write(held("a.1"), { op: "replace", path: token, value: "a.2" })
    yield* write(held("a.2"), { op: "remove", path: token })
    yield* write(held("a.2"), { op: "remove", path: token })
    yield* to.json(`${one}?${strictly}`, [{ ...same, value: "another" }, none], outcome)
  })

/** With its uid and version of before, with another uid, and as it is. */
const removed = (to: Conversation, path: string, body: object) =>
  Effect.gen(function* () {
    const made = yield* to.quietly("POST", path, body)
    const one = `${path}/${text(made, "metadata.name")}`
    const options = (preconditions: object, more: object = {}) => ({
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions,
      ...more
    })
    const uid = text(made, "metadata.uid")
    yield* to.remove(one, options({ uid, resourceVersion: "1" }), outcome)
    yield* to.remove(one, options({ uid: "00000000-0000-4000-8000-000000000000" }), outcome)
    yield* to.remove(one, options({ uid }, { dryRun: ["All"] }), {
      show: (answer) => [text(answer, "kind"), text(answer, "status"), at(answer, "details") ?? null]
    })
    yield* to.get(one, { show: (answer) => text(answer, "metadata.name") })
    yield* to.remove(one, options({ uid }), {
      show: (answer) => [text(answer, "kind"), text(answer, "status"), at(answer, "details") ?? null]
    })
  })

const volumes = "/api/v1/persistentvolumes"

/** A volume that nobody deletes, of a claim that is not there; it goes with its script. */
const volumeOf = (to: Conversation, uid: string) =>
  Effect.gen(function* () {
    const name = `${to.namespace}-kept`
    yield* Effect.addFinalizer(() => Effect.ignore(to.silently("DELETE", `${volumes}/${name}`)))
    yield* to.quietly("POST", volumes, {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name, labels: { "contract-script": "yes" } },
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Gi" },
        claimRef: { namespace: to.namespace, name: "none", uid },
        csi: { driver: "nobody.example.com", volumeHandle: name },
        persistentVolumeReclaimPolicy: "Retain",
        storageClassName: "nobody"
      }
    })
    return `${volumes}/${name}`
  })

export const fences = scenarios("fences")({
  "a volume's policy is written while it has the claim that was read": (to) =>
    Effect.gen(function* () {
      const uid = "00000000-0000-4000-8000-000000000001"
      const path = yield* volumeOf(to, uid)
      const shown = {
        // Behind the first line the server shows its own structs.
        show: firstLine("spec.persistentVolumeReclaimPolicy")
      }
      const write = (claimUid: string, ...operations: ReadonlyArray<object>) =>
        to.json(
          `${path}?dryRun=All&${strictly}`,
          [{ op: "test", path: "/spec/claimRef/uid", value: claimUid }, ...operations],
          shown
        )
      const policyIs = (op: string, value: string) => ({
        op,
        path: "/spec/persistentVolumeReclaimPolicy",
        value
      })
      yield* write("another", policyIs("replace", "Delete"))
      yield* write(uid, policyIs("test", "Delete"), policyIs("replace", "Retain"))
      yield* write(uid, policyIs("test", "Retain"), policyIs("replace", "Delete"))
      yield* write(uid, policyIs("replace", "Keep"))
      yield* write(uid, { op: "remove", path: "/spec/persistentVolumeReclaimPolicy" })
      yield* write(uid, { op: "remove", path: "/spec/claimRef/uid" })
      yield* write(uid, { op: "remove", path: "/metadata/annotations/kubectl-stateful.dev~1none" })
      yield* write(uid, { op: "replace", path: "/spec/csi/volumeHandle", value: "another" })
      yield* write(uid, { op: "replace", path: "/spec/capacity/storage", value: "0" })
      yield* write(uid, { op: "add", path: "/spec/claimRef/owner", value: "x" })
    }),
  "a token guards a StatefulSet": (to) => acquired(to, "statefulsets", set("one")),
  "a token guards a PersistentVolumeClaim": (to) => acquired(to, "persistentvolumeclaims", claim("one")),
  "a token guards a custom resource": (to) =>
    Effect.flatMap(snapshotClass(to), (made) => acquired(to, classes, made)),
  "a Lease is deleted as it was read": (to) => removed(to, "leases", lease("one")),
  "a NetworkPolicy is deleted as it was read": (to) => removed(to, policies(to), policy),
  "a Service is deleted as it was read": (to) => removed(to, "services", headless("one")),
  "a PodDisruptionBudget is deleted as it was read": (to) =>
    removed(to, "poddisruptionbudgets", budget("one", { minAvailable: 1 })),
  "a custom resource is deleted as it was read": (to) =>
    Effect.flatMap(snapshotClass(to), (made) => removed(to, classes, made)),
  "a pod is deleted as it was read": (to) => removed(to, "pods", pod("one")),
  "a Secret is deleted as it was read": (to) => removed(to, "secrets", secret("one")),
  "a ServiceAccount is deleted as it was read": (to) =>
    removed(to, "serviceaccounts", { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "one" } })
})
