/** What a restore leans on: claims that are made of snapshots, volumes that change hands, and pods that run once. */
import * as Effect from "effect/Effect"
import { at, byText, type Conversation, outcome, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import {
  bound,
  classOf,
  cut,
  dynamic,
  gone,
  merge,
  ownClaim,
  ownClass,
  ready,
  said,
  snapshot,
  taken
} from "./cuts.ts"
import * as Heard from "./heard.ts"
import { claim, list, pod } from "./objects.ts"

const from = (name: string) => ({
  dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name }
})

const ofSize = (storage: string) => ({ resources: { requests: { storage } } })

const ask = (to: Conversation, name: string, extra: object) =>
  to.quietly("POST", "persistentvolumeclaims", dynamic(name, extra))

const volumeOf = (to: Conversation, name: string) =>
  Effect.map(
    to.quietly("GET", `persistentvolumeclaims/${name}`),
    (body) => `/api/v1/persistentvolumes/${text(body, "spec.volumeName")}`
  )

const finalizers = {
  show: (body: Json) => list(at(body, "metadata.finalizers")).toSorted(byText)
}

const phase = { show: (body: Json) => at(body, "status.phase") ?? null }

/** Whose it is, and how it came to be. */
const owner = (body: Json): Json => ({
  phase: at(body, "status.phase") ?? null,
  name: at(body, "spec.claimRef.name") ?? null,
  uid: at(body, "spec.claimRef.uid") ?? null,
  policy: at(body, "spec.persistentVolumeReclaimPolicy") ?? null,
  boundByController: JSON.stringify(at(body, "metadata.annotations") ?? null).includes("bound-by-controller")
})

/** Puts a kept volume under another claim's name, as the claim's own would be. */
const handed = (to: Conversation, path: string, name: string) =>
  merge(to, path, {
    spec: { claimRef: { name, namespace: to.namespace, uid: null, resourceVersion: null } }
  })

/** A claim's volume, whose claim is gone. */
const released = (to: Conversation) =>
  Effect.gen(function* () {
    yield* ask(to, "one", {})
    yield* bound(to, "one")
    const path = yield* volumeOf(to, "one")
    yield* Effect.addFinalizer(() =>
      Effect.ignore(
        to.silently(
          "PATCH",
          path,
          { spec: { persistentVolumeReclaimPolicy: "Delete" } },
          { headers: { "content-type": "application/merge-patch+json" } }
        )
      )
    )
    yield* merge(to, path, { spec: { persistentVolumeReclaimPolicy: "Retain" } })
    yield* to.quietly("DELETE", "persistentvolumeclaims/one")
    yield* to.until(path, (body) => at(body, "status.phase") === "Released")
    return path
  })

const once = (name: string, command: ReadonlyArray<string>, claimName: string) =>
  pod(name, {
    schedulerName: "default-scheduler",
    restartPolicy: "Never",
    containers: [
      {
        name: "main",
        image: "docker.io/local/busybox:1",
        imagePullPolicy: "Never",
        command,
        volumeMounts: [{ name: "data", mountPath: "/data" }]
      }
    ],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName } }]
  })

const ended = (body: Json): Json => ({
  phase: at(body, "status.phase") ?? null,
  code: at(body, "status.containerStatuses.0.state.terminated.exitCode") ?? null,
  reason: at(body, "status.containerStatuses.0.state.terminated.reason") ?? null,
  restarts: at(body, "status.containerStatuses.0.restartCount") ?? null,
  conditions: list(at(body, "status.conditions"))
    .filter((each) => /^(Ready|Initialized|PodScheduled)$/.test(text(each, "type")))
    .map((each) => `${text(each, "type")}=${text(each, "status")} ${text(each, "reason")}`)
    .toSorted(byText)
})

export const restores = scenarios("restores")({
  "a claim of a snapshot that cannot be used waits and says why": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      yield* ask(to, "of-none", from("none"))
      yield* said(to, "of-none", "ProvisioningFailed")
      yield* ask(to, "small", { ...from("one"), ...ofSize("300Mi") })
      yield* said(to, "small", "ProvisioningFailed")
      yield* ask(to, "block", { ...from("one"), volumeMode: "Block" })
      yield* said(to, "block", "ProvisioningFailed")
      for (const name of ["of-none", "small", "block"]) yield* to.get(`persistentvolumeclaims/${name}`, phase)
    }),
  "a claim of a snapshot that is not ready yet gets its volume later": (to) =>
    Effect.gen(function* () {
      yield* ask(to, "data", {})
      yield* bound(to, "data")
      yield* ownClass(to, "late", null, { readyAfter: "20s" })
      yield* cut(to, "one", classOf(to, "late"))
      yield* to.until("volumesnapshots/one", (body) => text(body, "status.creationTime") !== "")
      yield* ask(to, "restored", from("one"))
      yield* said(to, "restored", "ProvisioningFailed")
      yield* ready(to, "volumesnapshots/one")
      yield* bound(to, "restored")
      yield* to.get("volumesnapshots/one", finalizers)
    }),
  "a claim that is larger than its snapshot has its own size": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      yield* ask(to, "large", { ...from("one"), ...ofSize("400Mi") })
      yield* bound(to, "large")
      yield* to.get("persistentvolumeclaims/large", { show: (body) => at(body, "status.capacity") ?? null })
    }),
  "a source of another kind is kept by name alone, and nothing comes of it": (to) =>
    Effect.gen(function* () {
      const show = {
        show: (body: Json) => [
          outcome("status.phase")(body),
          at(body, "spec.dataSource") ?? null,
          at(body, "spec.dataSourceRef") ?? null
        ]
      }
      const path = "persistentvolumeclaims?dryRun=All"
      const source = { apiGroup: "example.com", kind: "Backup", name: "one" }
      yield* to.post(path, dynamic("a", { dataSource: source }), show)
      yield* to.post(path, dynamic("b", { dataSourceRef: source }), show)
      yield* to.post(path, dynamic("c", { dataSourceRef: from("one").dataSource }), show)
      yield* to.post(path, dynamic("d", { dataSource: { kind: "Pod", name: "one" } }), show)
      yield* to.post(path, dynamic("e", { ...from("one"), dataSourceRef: source }), show)
      yield* to.get("persistentvolumeclaims/a", { show: outcome("kind") })
    }),
  "a snapshot stays while a claim waits to be made of it": (to) =>
    Effect.gen(function* () {
      yield* taken(to)
      yield* ask(to, "waits", { ...from("one"), storageClassName: "shared" })
      yield* to.until("persistentvolumeclaims/waits", (body) => at(body, "status.phase") === "Pending")
      yield* Heard.bySnapshots(to)
      yield* to.quietly("DELETE", "volumesnapshots/one")
      yield* said(to, "one", "SnapshotDeletePending")
      yield* to.get("volumesnapshots/one", finalizers)
      yield* to.quietly("DELETE", "persistentvolumeclaims/waits")
      yield* gone(to, "persistentvolumeclaims/waits")
      yield* gone(to, "volumesnapshots/one")
      to.record("it is gone after the claim", true)
    }),
  "a copy of a claim needs one that is bound, and is no smaller": (to) =>
    Effect.gen(function* () {
      const of = (name: string) => ({ dataSource: { kind: "PersistentVolumeClaim", name } })
      yield* ask(to, "data", {})
      yield* bound(to, "data")
      yield* ask(to, "waits", { storageClassName: "shared" })
      yield* ask(to, "of-none", of("none"))
      yield* said(to, "of-none", "ProvisioningFailed")
      yield* ask(to, "small", { ...of("data"), ...ofSize("300Mi") })
      yield* said(to, "small", "ProvisioningFailed")
      yield* ask(to, "of-waits", of("waits"))
      yield* said(to, "of-waits", "ProvisioningFailed")
    }),
  "a kept volume is handed to another claim, which takes no other": (to) =>
    Effect.gen(function* () {
      const path = yield* released(to)
      to.record("released", owner(yield* to.quietly("GET", path)))
      yield* handed(to, path, "two")
      yield* to.until(path, (body) => at(body, "status.phase") === "Available")
      to.record("handed over", owner(yield* to.quietly("GET", path)))
      yield* ask(to, "other", {})
      yield* bound(to, "other")
      to.record("another's is another volume", (yield* volumeOf(to, "other")) !== path)
      // It waits for no pod: the volume is there.
      yield* ask(to, "two", {})
      yield* bound(to, "two")
      to.record("its own", (yield* volumeOf(to, "two")) === path)
      to.record("bound", owner(yield* to.quietly("GET", path)))
      const two = yield* to.quietly("GET", "persistentvolumeclaims/two")
      to.record("the claim", owner(two))
      yield* merge(to, path, { spec: { persistentVolumeReclaimPolicy: "Delete" } })
      yield* to.quietly("DELETE", "persistentvolumeclaims/two")
      yield* gone(to, path)
      to.record("it goes with its new claim", true)
    }),
  "a claim that waits for a pod is bound without one where a volume names it": (to) =>
    Effect.gen(function* () {
      yield* ask(to, "one", { storageClassName: "shared" })
      yield* to.quietly("POST", "pods", once("user", ["true"], "one"))
      yield* bound(to, "one")
      const path = yield* volumeOf(to, "one")
      yield* merge(to, path, { spec: { persistentVolumeReclaimPolicy: "Retain" } })
      yield* to.quietly("DELETE", "pods/user")
      yield* gone(to, "pods/user")
      yield* to.quietly("DELETE", "persistentvolumeclaims/one")
      yield* to.until(path, (body) => at(body, "status.phase") === "Released")
      yield* handed(to, path, "two")
      yield* ask(to, "two", { storageClassName: "shared" })
      yield* bound(to, "two")
      to.record("its own", (yield* volumeOf(to, "two")) === path)
      yield* merge(to, path, { spec: { persistentVolumeReclaimPolicy: "Delete" } })
      yield* to.quietly("DELETE", "persistentvolumeclaims/two")
      yield* gone(to, path)
    }),
  "a kept volume that names nobody is free for any claim that fits": (to) =>
    Effect.gen(function* () {
      const path = yield* released(to)
      yield* merge(to, path, { spec: { claimRef: null, storageClassName: classOf(to, "mine") } })
      yield* to.until(path, (body) => at(body, "status.phase") === "Available")
      yield* ask(to, "two", { storageClassName: classOf(to, "mine") })
      yield* bound(to, "two")
      to.record("it is taken", (yield* volumeOf(to, "two")) === path)
      to.record("bound", owner(yield* to.quietly("GET", path)))
      yield* merge(to, path, { spec: { persistentVolumeReclaimPolicy: "Delete" } })
      yield* to.quietly("DELETE", "persistentvolumeclaims/two")
      yield* gone(to, path)
    }),
  "a volume that names a claim by another uid is not that claim's": (to) =>
    Effect.gen(function* () {
      const path = yield* released(to)
      // Of the same name, and yet another claim.
      yield* to.quietly(
        "POST",
        "persistentvolumeclaims",
        dynamic("one", { volumeName: path.split("/").at(-1) })
      )
      yield* Effect.sleep(2000)
      yield* to.get("persistentvolumeclaims/one", phase)
      to.record("the volume", owner(yield* to.quietly("GET", path)))
      yield* merge(to, path, { spec: { claimRef: { uid: null, resourceVersion: null } } })
      yield* bound(to, "one")
      to.record("the volume", owner(yield* to.quietly("GET", path)))
      yield* merge(to, path, { spec: { persistentVolumeReclaimPolicy: "Delete" } })
      yield* to.quietly("DELETE", "persistentvolumeclaims/one")
      yield* gone(to, path)
    }),
  "a volume goes after its claim, and a claim whose volume is gone is Lost": (to) =>
    Effect.gen(function* () {
      const csi = { driver: `${to.namespace}.example.com`, volumeHandle: "one" }
      const kept = yield* ownClaim(to, "kept", { csi })
      yield* to.quietly("DELETE", kept)
      yield* Effect.sleep(1000)
      yield* to.get(kept, { show: (body) => [at(body, "status.phase") ?? null, finalizers.show(body)] })
      yield* to.quietly("DELETE", "persistentvolumeclaims/kept")
      yield* gone(to, kept)
      to.record("it goes after its claim", true)
      const lost = yield* ownClaim(to, "lost", { csi: { ...csi, volumeHandle: "two" } })
      yield* to.quietly("DELETE", lost)
      yield* merge(to, lost, { metadata: { finalizers: null } })
      yield* gone(to, lost)
      yield* to.until("persistentvolumeclaims/lost", (body) => at(body, "status.phase") === "Lost")
      yield* said(to, "lost", "ClaimLost")
      yield* to.get("persistentvolumeclaims/lost", { show: (body) => at(body, "status") ?? null })
      yield* to.quietly("DELETE", "persistentvolumeclaims/lost")
      yield* gone(to, "persistentvolumeclaims/lost")
      to.record("it can be deleted", true)
    }),
  "a pod that has run to its end holds its claim until it is deleted": (to) =>
    Effect.gen(function* () {
      yield* ask(to, "one", { storageClassName: "shared" })
      yield* to.quietly("POST", "pods", once("user", ["true"], "one"))
      yield* to.until("pods/user", (body) => text(body, "status.phase") === "Succeeded")
      yield* to.get("pods/user", { show: ended })
      yield* to.quietly("DELETE", "persistentvolumeclaims/one")
      yield* Effect.sleep(2000)
      yield* to.get("persistentvolumeclaims/one", finalizers)
      yield* to.quietly("DELETE", "pods/user")
      yield* gone(to, "persistentvolumeclaims/one")
      to.record("the claim is gone after it", true)
    }),
  "a snapshot that is not asked for in earnest is answered and not there": (to) =>
    Effect.gen(function* () {
      const source = { persistentVolumeClaimName: "data" }
      yield* to.post("volumesnapshots?dryRun=All", snapshot("one", source), {
        show: (body) => [at(body, "spec") ?? null, at(body, "status") ?? null, finalizers.show(body)]
      })
      yield* to.get("volumesnapshots/one", { show: outcome("kind") })
      yield* to.quietly("POST", "persistentvolumeclaims", claim("data", { storageClassName: "nobody" }))
      yield* to.remove("persistentvolumeclaims/data?dryRun=All", undefined, finalizers)
      yield* to.get("persistentvolumeclaims/data", {
        show: (body) => at(body, "metadata.deletionTimestamp") ?? null
      })
    }),
  "a fence is kept as it is": (to) =>
    Effect.gen(function* () {
      const path = `/apis/networking.k8s.io/v1/namespaces/${to.namespace}/networkpolicies`
      const fence = (spec: object) => ({
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: "fence" },
        spec
      })
      const show = { show: (body: Json) => [outcome("kind")(body), at(body, "spec") ?? null] }
      const podSelector = { matchLabels: { app: "web" } }
      yield* to.post(
        `${path}?dryRun=All`,
        fence({ podSelector, policyTypes: ["Ingress", "Egress"], ingress: [{ from: [{ podSelector }] }] }),
        show
      )
      yield* to.post(path, fence({ podSelector, policyTypes: ["Ingress", "Egress"] }), show)
      yield* to.get(`${path}/fence`, show)
      yield* to.remove(`${path}/fence`, undefined, { show: outcome("status") })
    })
})
