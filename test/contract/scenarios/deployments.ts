/**
 * Deployments and their ReplicaSets. Pods name a scheduler that nobody runs, and the script is
 * their kubelet. Names end in hashes that each server makes in its own way: they are compared by
 * what they are made of.
 */
import * as Effect from "effect/Effect"
import { at, byText, type Conversation, scenarios, text, merge } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { isReady, list, podSpec, readyStatus, template } from "./objects.ts"

const deployment = (spec: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", labels: { app: "web" } },
  spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template, ...spec }
})

const image = (name: string) => ({
  spec: { template: { spec: { ...podSpec, containers: [{ name: "main", image: name }] } } }
})

const hashOf = (object: Json): string => text(object, "metadata.labels.pod-template-hash")

/** `web-<hash>`, and for a pod a hyphen and five letters more. */
const named = (object: Json): string =>
  text(object, "metadata.name")
    .replace(hashOf(object), "<hash>")
    .replace(/-[a-z0-9]{5}$/, "-<letters>")

const ownerOf = (object: Json): Json => ({
  kind: text(object, "metadata.ownerReferences.0.kind"),
  controller: at(object, "metadata.ownerReferences.0.controller") ?? null,
  blocks: at(object, "metadata.ownerReferences.0.blockOwnerDeletion") ?? null
})

const setShape = (object: Json): Json => ({
  name: named(object),
  image: text(object, "spec.template.spec.containers.0.image"),
  annotations: at(object, "metadata.annotations") ?? null,
  labels: Object.keys(Object(at(object, "metadata.labels"))).toSorted(byText),
  selects: Object.keys(Object(at(object, "spec.selector.matchLabels"))).toSorted(byText),
  owner: ownerOf(object),
  replicas: at(object, "spec.replicas") ?? null,
  status: at(object, "status") ?? null
})

const podShape = (object: Json): Json => ({
  name: named(object),
  generateName: text(object, "metadata.generateName").replace(hashOf(object), "<hash>"),
  owner: ownerOf(object),
  image: text(object, "spec.containers.0.image")
})

const items = (shape: (object: Json) => Json) => ({
  show: (body: Json) => list(at(body, "items")).map(shape).toSorted(byText)
})

/** Conditions by what they say; when they came is chance, and the messages name hashes. */
const statusShape = {
  show: (body: Json) => ({
    ...Object(at(body, "status")),
    conditions: list(at(body, "status.conditions"))
      .map((each) => [at(each, "type") ?? null, at(each, "status") ?? null, at(each, "reason") ?? null])
      .toSorted(byText)
  })
}

/** All pods that are there and not ready get ready, until the Deployment says so many of its newest. */
const roll = (to: Conversation, replicas: number) =>
  to.until("deployments/web", (body) => {
    const status = at(body, "status")
    return (
      at(status, "observedGeneration") === at(body, "metadata.generation") &&
      (at(status, "replicas") ?? 0) === replicas &&
      (at(status, "updatedReplicas") ?? 0) === replicas &&
      (at(status, "availableReplicas") ?? 0) === replicas
    )
  })

/** The script is the kubelet of every pod, until the effect is done. */
const withKubelet = <A, E, R>(to: Conversation, effect: Effect.Effect<A, E, R>) =>
  Effect.raceFirst(
    effect,
    Effect.forever(
      Effect.gen(function* () {
        const pods = list(at(yield* to.quietly("GET", "pods"), "items"))
        for (const pod of pods) {
          if (isReady(pod) || at(pod, "metadata.deletionTimestamp") !== undefined) continue
          // One that was deleted meanwhile is not there any more.
          yield* to.silently("PATCH", `pods/${text(pod, "metadata.name")}/status`, readyStatus(), merge)
        }
        yield* Effect.sleep(200)
      })
    )
  )

const made = (to: Conversation, spec: object = {}) =>
  Effect.andThen(to.quietly("POST", "deployments", deployment(spec)), withKubelet(to, roll(to, 2)))

export const deployments = scenarios("deployments")({
  "a Deployment has a ReplicaSet, and that has the pods": (to) =>
    Effect.gen(function* () {
      yield* made(to)
      yield* to.get("replicasets", items(setShape))
      yield* to.get("pods", items(podShape))
      yield* to.get("deployments/web", statusShape)
    }),
  "a new template gets a ReplicaSet of its own, and the old one is left empty": (to) =>
    Effect.gen(function* () {
      yield* made(to)
      yield* to.quietly("PATCH", "deployments/web", image("local/none:2"), merge)
      yield* withKubelet(to, roll(to, 2))
      yield* to.until("pods", (body) => list(at(body, "items")).length === 2)
      yield* to.until(
        "replicasets",
        (body) =>
          list(at(body, "items"))
            .map((each) => Number(text(each, "status.replicas")))
            .reduce((sum, count) => sum + count, 0) === 2
      )
      yield* to.get("replicasets", items(setShape))
      yield* to.get("pods", items(podShape))
      yield* to.get("deployments/web", { show: (body) => at(body, "metadata.annotations") ?? null })
    }),
  "back to the template from before: its ReplicaSet is taken up again": (to) =>
    Effect.gen(function* () {
      yield* made(to)
      yield* to.quietly("PATCH", "deployments/web", image("local/none:2"), merge)
      yield* withKubelet(to, roll(to, 2))
      yield* to.quietly("PATCH", "deployments/web", image("local/none:1"), merge)
      yield* withKubelet(to, roll(to, 2))
      yield* to.until("pods", (body) => list(at(body, "items")).length === 2)
      yield* to.get(
        "replicasets",
        items((each) => ({
          image: text(each, "spec.template.spec.containers.0.image"),
          annotations: at(each, "metadata.annotations") ?? null,
          replicas: at(each, "spec.replicas") ?? null
        }))
      )
    }),
  "a paused Deployment changes no template, and scales": (to) =>
    Effect.gen(function* () {
      yield* made(to)
      yield* to.quietly("PATCH", "deployments/web", { spec: { paused: true } }, merge)
      yield* to.quietly("PATCH", "deployments/web", image("local/none:2"), merge)
      yield* to.quietly("PATCH", "deployments/web/scale", { spec: { replicas: 3 } }, merge)
      yield* to.until("pods", (body) => list(at(body, "items")).length === 3)
      yield* Effect.sleep(1500)
      yield* to.get("pods", items(podShape))
      yield* to.quietly("PATCH", "deployments/web", { spec: { paused: false } }, merge)
      yield* withKubelet(to, roll(to, 3))
      yield* to.until("pods", (body) => list(at(body, "items")).length === 3)
      yield* to.get("pods", items(podShape))
    }),
  "fewer replicas: what is not ready goes first": (to) =>
    Effect.gen(function* () {
      yield* made(to)
      yield* to.quietly("PATCH", "deployments/web/scale", { spec: { replicas: 3 } }, merge)
      const all = yield* to.until("pods", (body) => list(at(body, "items")).length === 3)
      const sick = list(at(all, "items")).find((each) => !isReady(each)) ?? null
      yield* to.quietly("PATCH", "deployments/web/scale", { spec: { replicas: 2 } }, merge)
      const left = yield* to.until("pods", (body) => list(at(body, "items")).length === 2)
      const names = list(at(left, "items")).map((each) => text(each, "metadata.name"))
      to.record("the sick one is gone", !names.includes(text(sick, "metadata.name")))
      yield* roll(to, 2)
      yield* to.get("deployments/web", statusShape)
    }),
  "an annotation is a new generation of a Deployment, and a label is none": (to) =>
    Effect.gen(function* () {
      yield* made(to)
      const show = { show: (body: Json) => at(body, "metadata.generation") ?? null }
      yield* to.get("deployments/web", show)
      yield* to.merge("deployments/web", { metadata: { annotations: { noted: "yes" } } }, show)
      yield* to.merge("deployments/web", { metadata: { annotations: { noted: "yes" } } }, show)
      yield* to.merge("deployments/web", { metadata: { labels: { noted: "yes" } } }, show)
    }),
  "all go with the Deployment": (to) =>
    Effect.gen(function* () {
      yield* made(to)
      yield* to.quietly("DELETE", "deployments/web")
      yield* to.until("replicasets", (body) => list(at(body, "items")).length === 0)
      yield* to.until("pods", (body) => list(at(body, "items")).length === 0)
      to.record("nothing is left", true)
    })
})
