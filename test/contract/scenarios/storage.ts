/** Claims and pods with nothing held still: the scheduler, the provisioner and the kubelet act. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { claim, list } from "./objects.ts"

const dynamic = (name: string, storageClassName: string, extra: object = {}) =>
  claim(name, { storageClassName, resources: { requests: { storage: "320Mi" } }, ...extra })

const consumer = (name: string, claimName: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: "web" } },
  spec: {
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    containers: [
      {
        name: "main",
        image: "docker.io/local/busybox:1",
        imagePullPolicy: "Never",
        command: ["sleep", "3600"],
        volumeMounts: [{ name: "data", mountPath: "/data" }]
      }
    ],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName } }]
  }
})

const condition = (object: Json, type: string): string =>
  text(list(at(object, "status.conditions")).find((each) => text(each, "type") === type) ?? null, "status")

const fact = (object: Json, gone: boolean): ReadonlyArray<string> => {
  if (gone) return ["gone"]
  const going = at(object, "metadata.deletionTimestamp") === undefined ? [] : ["is being deleted"]
  if (text(object, "kind") === "PersistentVolumeClaim") {
    const annotations = at(object, "metadata.annotations")
    const selected = JSON.stringify(annotations ?? null).includes("selected-node")
    return [
      ...(selected ? ["has a node"] : []),
      ...(text(object, "spec.volumeName") === "" ? [] : ["has a volume"]),
      text(object, "status.phase"),
      ...going
    ]
  }
  return [
    text(object, "status.phase"),
    ...(text(object, "spec.nodeName") === "" ? [] : ["has a node"]),
    ...(condition(object, "Ready") === "True" ? ["is ready"] : []),
    ...going
  ]
}

const happened = (to: Conversation, since: string) =>
  to.history("what happened", since, ["pods", "persistentvolumeclaims"], fact)

const bound = (to: Conversation, name: string) =>
  to.until(`persistentvolumeclaims/${name}`, (body) => at(body, "status.phase") === "Bound")

const running = (to: Conversation, name: string) =>
  to.until(`pods/${name}`, (body) => body !== undefined && condition(body, "Ready") === "True")

/** Which driver made it, and its attributes, are the cluster's own. */
const volume = {
  show: (body: Json) => ({
    name: text(body, "metadata.name"),
    protected: list(at(body, "metadata.finalizers")).includes("kubernetes.io/pv-protection"),
    capacity: at(body, "spec.capacity") ?? null,
    accessModes: at(body, "spec.accessModes") ?? null,
    claimKind: at(body, "spec.claimRef.kind") ?? null,
    claimName: at(body, "spec.claimRef.name") ?? null,
    claimUid: at(body, "spec.claimRef.uid") ?? null,
    reclaim: at(body, "spec.persistentVolumeReclaimPolicy") ?? null,
    class: at(body, "spec.storageClassName") ?? null,
    mode: at(body, "spec.volumeMode") ?? null,
    phase: at(body, "status.phase") ?? null,
    handle: text(body, "spec.csi.volumeHandle") === "" ? "none" : "some",
    provisioner: at(body, "metadata.annotations") === undefined ? "none" : "some"
  })
}

const nameOf = (to: Conversation, name: string) =>
  Effect.map(to.quietly("GET", `persistentvolumeclaims/${name}`), (body) => text(body, "spec.volumeName"))

export const storage = scenarios("storage")({
  "Immediate: a claim is bound before anybody uses it": (to) =>
    Effect.gen(function* () {
      const since = yield* to.version("persistentvolumeclaims")
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("one", "shared-immediate"))
      yield* bound(to, "one")
      yield* happened(to, since)
      yield* to.get("persistentvolumeclaims/one", {
        show: (body) => [
          at(body, "spec") ?? null,
          at(body, "status") ?? null,
          at(body, "metadata.finalizers") ?? null
        ]
      })
      const path = `/api/v1/persistentvolumes/${yield* nameOf(to, "one")}`
      to.record("the volume", volume.show(yield* to.quietly("GET", path)))
      yield* to.quietly("DELETE", "persistentvolumeclaims/one")
      yield* to.until(path, (body) => body === undefined)
      to.record("the volume is gone with its claim", true)
    }),
  "WaitForFirstConsumer: a claim waits for a pod and its node": (to) =>
    Effect.gen(function* () {
      const since = yield* to.version("persistentvolumeclaims")
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("one", "shared"))
      yield* Effect.sleep(2500)
      yield* to.get("persistentvolumeclaims/one", { show: (body) => at(body, "status") ?? null })
      yield* to.quietly("POST", "pods", consumer("user", "one"))
      yield* running(to, "user")
      yield* happened(to, since)
      yield* to.get("pods/user", {
        show: (body) =>
          list(at(body, "status.conditions"))
            .map((each) => `${text(each, "type")}=${text(each, "status")}`)
            .filter((each) => /^(Ready|ContainersReady|PodScheduled|Initialized)=/.test(each))
            .toSorted((left, right) => (left < right ? -1 : 1))
      })
    }),
  "a claim in use goes only after its pod": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("one", "shared"))
      yield* to.quietly("POST", "pods", consumer("user", "one"))
      yield* running(to, "user")
      const since = yield* to.version("persistentvolumeclaims")
      yield* to.remove("persistentvolumeclaims/one", undefined, {
        show: (body) => at(body, "metadata.finalizers") ?? null
      })
      yield* Effect.sleep(2500)
      yield* to.get("persistentvolumeclaims/one", {
        show: (body) => [at(body, "status.phase") ?? null, at(body, "metadata.finalizers") ?? null]
      })
      yield* to.remove("pods/user", undefined, {
        show: (body) => at(body, "metadata.deletionGracePeriodSeconds") ?? null
      })
      yield* to.until("persistentvolumeclaims/one", (body) => body === undefined)
      yield* happened(to, since)
    }),
  "a pod whose claim is not there waits": (to) =>
    Effect.gen(function* () {
      const since = yield* to.version("pods")
      yield* to.quietly("POST", "pods", consumer("user", "one"))
      yield* to.until(
        "pods/user",
        (body) => body !== undefined && condition(body, "PodScheduled") === "False"
      )
      yield* to.get("pods/user", {
        show: (body) => {
          const scheduled = list(at(body, "status.conditions")).find(
            (each) => text(each, "type") === "PodScheduled"
          )
          return [at(body, "status.phase") ?? null, text(scheduled ?? null, "reason")]
        }
      })
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("one", "shared"))
      yield* running(to, "user")
      yield* happened(to, since)
    }),
  "a claim grows, and never shrinks": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("one", "shared"))
      yield* to.quietly("POST", "pods", consumer("user", "one"))
      yield* running(to, "user")
      yield* to.merge(
        "persistentvolumeclaims/one",
        { spec: { resources: { requests: { storage: "400Mi" } } } },
        {
          show: (body) => at(body, "spec.resources") ?? null
        }
      )
      yield* to.until("persistentvolumeclaims/one", (body) => at(body, "status.capacity.storage") === "400Mi")
      const path = `/api/v1/persistentvolumes/${yield* nameOf(to, "one")}`
      to.record("the volume", at(yield* to.quietly("GET", path), "spec.capacity") ?? null)
      yield* to.merge(
        "persistentvolumeclaims/one",
        { spec: { resources: { requests: { storage: "330Mi" } } } },
        {
          show: (body) => text(body, "message").split("\n")[0] ?? null
        }
      )
    }),
  "a clone is bound like any other": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("one", "shared-immediate"))
      yield* bound(to, "one")
      const since = yield* to.version("persistentvolumeclaims")
      yield* to.quietly(
        "POST",
        "persistentvolumeclaims",
        dynamic("copy", "shared-immediate", { dataSource: { kind: "PersistentVolumeClaim", name: "one" } })
      )
      yield* bound(to, "copy")
      yield* to.history(
        "what happened",
        since,
        ["persistentvolumeclaims?fieldSelector=metadata.name=copy"],
        fact
      )
    }),
  "a volume that is kept is Released when its claim goes": (to) =>
    Effect.gen(function* () {
      const made = yield* to.quietly("GET", "/apis/storage.k8s.io/v1/storageclasses/shared-immediate")
      const name = `contract-kept-${to.namespace.split("-").at(-1)}`
      yield* to.quietly("POST", "/apis/storage.k8s.io/v1/storageclasses", {
        metadata: { name, labels: { "contract-script": "yes" } },
        provisioner: text(made, "provisioner"),
        parameters: at(made, "parameters"),
        reclaimPolicy: "Retain"
      })
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("one", name))
      yield* bound(to, "one")
      const path = `/api/v1/persistentvolumes/${yield* nameOf(to, "one")}`
      yield* to.quietly("DELETE", "persistentvolumeclaims/one")
      yield* to.until(path, (body) => at(body, "status.phase") === "Released")
      to.record("the volume", volume.show(yield* to.quietly("GET", path)))
      // A claim of the same name is another one: it gets a volume of its own.
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("one", name))
      yield* bound(to, "one")
      const second = `/api/v1/persistentvolumes/${yield* nameOf(to, "one")}`
      to.record("a volume of its own", second !== path)
      // Their bytes go too.
      for (const each of [path, second])
        yield* to.quietly(
          "PATCH",
          each,
          { spec: { persistentVolumeReclaimPolicy: "Delete" } },
          {
            headers: { "content-type": "application/merge-patch+json" }
          }
        )
      yield* to.quietly("DELETE", "persistentvolumeclaims/one")
      for (const each of [path, second]) yield* to.until(each, (body) => body === undefined)
      yield* to.quietly("DELETE", `/apis/storage.k8s.io/v1/storageclasses/${name}`)
    }),
  "a pod says what becomes of it": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "persistentvolumeclaims", dynamic("one", "shared"))
      const since = yield* to.version("pods")
      yield* to.quietly("POST", "pods", consumer("user", "one"))
      yield* running(to, "user")
      yield* to.quietly("DELETE", "pods/user")
      yield* to.until("pods/user", (body) => body === undefined)
      yield* to.history("what became of the pod", since, ["pods"], fact)
    })
})
