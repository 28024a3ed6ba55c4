/** What a pod cannot start, be created or be placed without: the words of the kubelet, the controllers and the scheduler. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { claim, configMap, isReady, list, pod, running, secret, set } from "./objects.ts"

const sleeper = {
  name: "main",
  image: "docker.io/local/busybox:1",
  imagePullPolicy: "Never",
  command: ["sleep", "3600"]
}
const mounting = { containers: [{ ...sleeper, volumeMounts: [{ name: "key", mountPath: "/key" }] }] }

/** Waits until somebody has said this of an object, in these words, and writes them down. */
const said = (to: Conversation, about: string, reason: string, words: string) =>
  Effect.andThen(
    to.until(`events?fieldSelector=involvedObject.name=${about},reason=${reason}`, (body) =>
      list(at(body ?? null, "items")).some((event) => text(event, "message") === words)
    ),
    Effect.sync(() => to.record(`${reason} of ${about}`, words))
  )

const waiting = (body: Json): Json => {
  const state = at(list(at(body, "status.containerStatuses"))[0] ?? null, "state.waiting")
  return { phase: text(body, "status.phase"), reason: text(state ?? null, "reason") }
}

/** What a pod says once its container waits for this reason, with these words where it gives any. */
const waits = (to: Conversation, name: string, reason: string, words = "") =>
  Effect.andThen(
    to.until(`pods/${name}`, (body) => {
      const state = at(list(at(body ?? null, "status.containerStatuses"))[0] ?? null, "state.waiting") ?? null
      return text(state, "reason") === reason && text(state, "message").includes(words)
    }),
    to.get(`pods/${name}`, { show: waiting })
  )

const starts = (to: Conversation, name: string) =>
  Effect.andThen(
    to.until(`pods/${name}`, (body) => body !== undefined && isReady(body), 3000),
    to.get(`pods/${name}`, { show: isReady })
  )

const setUp = (why: string) => `MountVolume.SetUp failed for volume "key" : ${why}`

const keyOf = (kind: "secretKeyRef" | "configMapKeyRef", name: string, key: string) => ({
  containers: [{ ...sleeper, env: [{ name: "P", valueFrom: { [kind]: { name, key } } }] }]
})

const scratch = {
  name: "scratch",
  ephemeral: {
    volumeClaimTemplate: { metadata: { labels: { of: "scratch" } }, spec: claim("none").spec }
  }
}

export const references = scenarios("references")({
  "a volume's Secret or ConfigMap that is not there keeps its pod from starting": (to) =>
    Effect.gen(function* () {
      const sources = { one: { secret: { secretName: "nowhere" } }, two: { configMap: { name: "nowhere" } } }
      for (const [name, source] of Object.entries(sources))
        yield* to.quietly(
          "POST",
          "pods",
          running(name, { ...mounting, volumes: [{ name: "key", ...source }] })
        )
      yield* said(to, "one", "FailedMount", setUp('secret "nowhere" not found'))
      yield* said(to, "two", "FailedMount", setUp('configmap "nowhere" not found'))
      for (const name of ["one", "two"]) yield* waits(to, name, "ContainerCreating")
      yield* to.quietly("POST", "secrets", secret("nowhere"))
      yield* to.quietly("POST", "configmaps", configMap("nowhere"))
      for (const name of ["one", "two"]) yield* starts(to, name)
    }),
  "a key of a volume that is not there keeps its pod from starting": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("there"))
      yield* to.quietly("POST", "configmaps", configMap("there"))
      const items = [{ key: "q", path: "q" }]
      const sources = {
        one: { secret: { secretName: "there", items } },
        two: { configMap: { name: "there", items } },
        three: {
          projected: { sources: [{ secret: { name: "nowhere" } }, { configMap: { name: "nowhere" } }] }
        }
      }
      for (const [name, source] of Object.entries(sources))
        yield* to.quietly(
          "POST",
          "pods",
          running(name, { ...mounting, volumes: [{ name: "key", ...source }] })
        )
      yield* said(to, "one", "FailedMount", setUp("references non-existent secret key: q"))
      yield* said(to, "two", "FailedMount", setUp("configmap references non-existent config key: q"))
      yield* said(
        to,
        "three",
        "FailedMount",
        setUp('[secret "nowhere" not found, configmap "nowhere" not found]')
      )
    }),
  "an environment's Secret or ConfigMap that is not there keeps its container from starting": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "pods", running("one", keyOf("secretKeyRef", "nowhere", "p")))
      yield* to.quietly("POST", "pods", running("two", keyOf("configMapKeyRef", "nowhere", "key")))
      for (const [name, kind] of [
        ["one", "secret"],
        ["two", "configmap"]
      ] as const) {
        yield* waits(to, name, "CreateContainerConfigError", `${kind} "nowhere" not found`)
        yield* said(to, name, "Failed", `Error: ${kind} "nowhere" not found`)
      }
      yield* to.quietly("POST", "secrets", secret("nowhere", { stringData: { p: "v" } }))
      yield* to.quietly("POST", "configmaps", configMap("nowhere"))
      for (const name of ["one", "two"]) yield* starts(to, name)
    }),
  "an environment's key that is not there keeps its container from starting": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "secrets", secret("there"))
      yield* to.quietly("POST", "configmaps", configMap("there"))
      yield* to.quietly("POST", "pods", running("one", keyOf("secretKeyRef", "there", "q")))
      yield* to.quietly("POST", "pods", running("two", keyOf("configMapKeyRef", "there", "q")))
      for (const [name, kind] of [
        ["one", "Secret"],
        ["two", "ConfigMap"]
      ] as const)
        yield* waits(
          to,
          name,
          "CreateContainerConfigError",
          `couldn't find key q in ${kind} ${to.namespace}/there`
        )
    }),
  "a ServiceAccount that is not there keeps controllers from creating pods": (to) =>
    Effect.gen(function* () {
      const account = { serviceAccountName: "nobody" }
      const template = (name: string) => ({
        metadata: { labels: { app: name } },
        spec: pod("", account).spec
      })
      const selector = (name: string) => ({ matchLabels: { app: name } })
      const lost = `error looking up service account ${to.namespace}/nobody: serviceaccount "nobody" not found`
      yield* to.quietly(
        "POST",
        "statefulsets",
        set("web", { replicas: 1, selector: selector("web"), template: template("web") })
      )
      yield* to.quietly("POST", "replicasets", {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        metadata: { name: "rs" },
        spec: { replicas: 1, selector: selector("rs"), template: template("rs") }
      })
      const failed = `pods "web-0" is forbidden: ${lost}`
      yield* to.until("events?fieldSelector=involvedObject.name=web,reason=FailedCreate", (body) =>
        list(at(body ?? null, "items")).some((event) => text(event, "message").endsWith(failed))
      )
      yield* said(to, "rs", "FailedCreate", `Error creating: pods "rs-" is forbidden: ${lost}`)
      yield* to.until("replicasets/rs", (body) => list(at(body ?? null, "status.conditions")).length > 0)
      yield* to.get("replicasets/rs", {
        show: (body) =>
          list(at(body, "status.conditions")).map(
            (each) => `${text(each, "type")} ${text(each, "status")} ${text(each, "reason")}`
          )
      })
    }),
  "a port of the node is one pod's": (to) =>
    Effect.gen(function* () {
      const nodes = yield* to.quietly("GET", "/api/v1/nodes")
      const home = list(at(nodes, "items")).map((each) => text(each, "metadata.name"))[0] ?? ""
      const ported = {
        nodeSelector: { "kubernetes.io/hostname": home },
        containers: [{ ...sleeper, ports: [{ containerPort: 29000, hostPort: 29000 }] }]
      }
      yield* to.quietly("POST", "pods", running("one", ported))
      yield* to.until("pods/one", (body) => text(body ?? null, "spec.nodeName") !== "")
      yield* to.quietly("POST", "pods", running("two", ported))
      yield* to.until("pods/two", (body) =>
        list(at(body ?? null, "status.conditions")).some((each) => text(each, "reason") === "Unschedulable")
      )
      yield* to.get("pods/two", {
        show: (body) =>
          list(at(body, "status.conditions")).map((each) =>
            text(each, "message").includes("1 node(s) didn't have free ports for the requested pod ports")
          )
      })
    }),
  "on the host's network a pod's ports are the node's": (to) =>
    to.post(
      "pods",
      pod("one", {
        hostNetwork: true,
        containers: [{ name: "main", image: "local/none:1", ports: [{ containerPort: 29001 }] }]
      }),
      { show: (body) => at(list(at(body, "spec.containers"))[0] ?? null, "ports") ?? null }
    ),
  "a class that an annotation names counts before the field, and no default is set": (to) =>
    Effect.gen(function* () {
      const annotations = { "volume.beta.kubernetes.io/storage-class": "nobody-has-it" }
      const made = claim("one", { storageClassName: undefined })
      const show = (body: Json) => at(body, "spec.storageClassName") ?? null
      yield* to.post(
        "persistentvolumeclaims",
        { ...made, metadata: { ...made.metadata, annotations } },
        { show }
      )
      yield* said(to, "one", "ProvisioningFailed", 'storageclass.storage.k8s.io "nobody-has-it" not found')
      yield* to.get("persistentvolumeclaims/one", { show })
    }),
  "an ephemeral volume's claim is the pod's own, and goes with it": (to) =>
    Effect.gen(function* () {
      const containers = [
        { name: "main", image: "local/none:1", volumeMounts: [{ name: "scratch", mountPath: "/scratch" }] }
      ]
      yield* to.quietly("POST", "pods", pod("one", { containers, volumes: [scratch] }))
      yield* to.until("persistentvolumeclaims/one-scratch", (body) => body !== undefined)
      yield* to.get("persistentvolumeclaims/one-scratch", {
        show: (body) => ({
          labels: at(body, "metadata.labels") ?? null,
          class: at(body, "spec.storageClassName") ?? null,
          owners: list(at(body, "metadata.ownerReferences")).map((each) =>
            ["apiVersion", "kind", "name", "controller", "blockOwnerDeletion"].map(
              (field) => at(each, field) ?? null
            )
          )
        })
      })
      yield* to.quietly("DELETE", "pods/one")
      yield* to.until("persistentvolumeclaims/one-scratch", (body) => body === undefined)
      yield* to.get("persistentvolumeclaims/one-scratch", { show: (body) => text(body, "reason") })
    })
})
