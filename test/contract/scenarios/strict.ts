/** `fieldValidation=Strict`, with which every write is sent: a field that the server does not know is refused. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { budget, claim, headless, lease, pod, secret, set } from "./objects.ts"

const strictly = "fieldValidation=Strict&fieldManager=me"

/** Why it is refused, or what became of the spec. */
const refusal = {
  show: (body: Json): Json =>
    text(body, "kind") === "Status" ? [text(body, "reason"), text(body, "message")] : text(body, "kind")
}

const snapshot = (spec: object) => ({
  apiVersion: "snapshot.storage.k8s.io/v1",
  kind: "VolumeSnapshot",
  metadata: { name: "one" },
  spec: { source: { persistentVolumeClaimName: "none" }, volumeSnapshotClassName: "nobody", ...spec }
})

const tried = (to: Conversation, path: string, body: object) =>
  to.post(`${path}?dryRun=All&${strictly}`, body, refusal)

export const strict = scenarios("strict")({
  "a field that a new object does not have is refused": (to) =>
    Effect.gen(function* () {
      yield* tried(to, "statefulsets", set("one", { replica: 1 }))
      yield* tried(
        to,
        "statefulsets",
        set("one", { volumeClaimTemplates: [{ metadata: { name: "data" }, spec: {}, size: 1 }] })
      )
      yield* tried(to, "persistentvolumeclaims", claim("one", { storageClass: "fast" }))
      yield* tried(to, "leases", lease("one", { holder: "me" }))
      yield* tried(to, "secrets", secret("one", { datas: {} }))
      yield* tried(to, "services", headless("one", { selectors: {}, port: 1 }))
      yield* tried(to, "poddisruptionbudgets", budget("one", { minimum: 1 }))
      yield* tried(to, "pods", pod("one", { container: [] }))
      yield* tried(to, "volumesnapshots", snapshot({ sources: {} }))
      yield* tried(
        to,
        "volumesnapshots",
        snapshot({ source: { persistentVolumeClaimName: "none", pvc: "x" } })
      )
      yield* tried(to, "volumesnapshots", { ...snapshot({}), metadata: { name: "one", label: {} } })
      yield* tried(to, `/apis/networking.k8s.io/v1/namespaces/${to.namespace}/networkpolicies`, {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: "one" },
        spec: { podSelector: {}, policyType: ["Ingress"] }
      })
    }),
  "a field that a patch brings along is refused, whichever kind of patch": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* to.quietly("POST", "leases", lease("one"))
      yield* to.quietly("POST", "volumesnapshots", snapshot({}))
      const add = [{ op: "add", path: "/spec/extra", value: 1 }]
      for (const path of ["statefulsets/one", "leases/one", "volumesnapshots/one"]) {
        yield* to.json(`${path}?dryRun=All&${strictly}`, add, refusal)
        yield* to.merge(`${path}?dryRun=All&${strictly}`, { spec: { extra: 1 } }, refusal)
      }
      yield* to.strategic(`statefulsets/one?dryRun=All&${strictly}`, { spec: { extra: 1 } }, refusal)
      yield* to.json(
        `statefulsets/one?dryRun=All&${strictly}`,
        [{ op: "add", path: "/metadata/annotation", value: {} }],
        refusal
      )
      yield* to.json(
        `volumesnapshots/one/status?dryRun=All&${strictly}`,
        [{ op: "add", path: "/status", value: { ready: true } }],
        refusal
      )
    }),
  "a patch may not say a field twice": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "leases", lease("one"))
      yield* to.merge(
        `leases/one?dryRun=All&${strictly}`,
        '{"spec":{"holderIdentity":"a","holderIdentity":"b"}}',
        refusal
      )
      yield* to.put(
        `leases/one?dryRun=All&${strictly}`,
        '{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"one","name":"one"}}',
        refusal
      )
    }),
  "without it such a field is dropped": (to) =>
    Effect.gen(function* () {
      const spec = { show: (body: Json): Json => at(body, "spec") ?? null }
      yield* to.post(
        "leases?fieldValidation=Ignore",
        lease("one", { holderIdentity: "me", holder: "x" }),
        spec
      )
      yield* to.post("volumesnapshots?dryRun=All&fieldValidation=Ignore", snapshot({ extra: { a: 1 } }), spec)
      yield* to.json("leases/one", [{ op: "add", path: "/spec/extra", value: 1 }], spec)
    })
})
