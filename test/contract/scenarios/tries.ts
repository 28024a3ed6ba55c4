/** Writes that are only tried: each is answered as the write itself would be, and leaves nothing. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { budget, claim, headless, lease, list, pod, secret, service, set } from "./objects.ts"

const refused = (body: Json): Json | undefined =>
  text(body, "kind") === "Status" && text(body, "status") === "Failure"
    ? [text(body, "reason"), text(body, "message")]
    : undefined

/** How far an object would be on its way out. */
const end = {
  show: (body: Json): Json =>
    refused(body) ?? [
      text(body, "kind"),
      at(body, "metadata.finalizers") ?? null,
      at(body, "metadata.deletionTimestamp") !== undefined,
      at(body, "metadata.deletionGracePeriodSeconds") ?? null
    ]
}

const named = {
  show: (body: Json): Json =>
    refused(body) ?? [
      text(body, "metadata.name"),
      text(body, "metadata.generateName"),
      at(body, "metadata.resourceVersion") ?? null
    ]
}

const generated = (body: object) => ({ ...body, metadata: { generateName: "generated-" } })

const namespace = (to: Conversation, name: string) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: `${to.namespace}-${name}`, labels: { "contract-script": "yes" } }
})

const options = (more: object) => ({ apiVersion: "v1", kind: "DeleteOptions", dryRun: ["All"], ...more })

export const tries = scenarios("tries")({
  "a deletion that is tried says how the object would go": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* to.quietly("POST", "persistentvolumeclaims", claim("one"))
      yield* to.quietly("POST", "pods", pod("one"))
      yield* to.quietly("POST", "secrets", secret("one"))
      for (const propagationPolicy of ["Orphan", "Foreground", "Background"])
        yield* to.remove("statefulsets/one", options({ propagationPolicy }), end)
      yield* to.remove("statefulsets/one", options({ propagationPolicy: "Sideways" }), end)
      yield* to.remove("statefulsets/one", options({ gracePeriodSeconds: 5 }), end)
      yield* to.remove("persistentvolumeclaims/one", options({}), end)
      yield* to.remove("persistentvolumeclaims/one", options({ propagationPolicy: "Foreground" }), end)
      yield* to.remove("pods/one", options({ gracePeriodSeconds: 0 }), end)
      yield* to.remove("pods/one", options({ gracePeriodSeconds: -1 }), end)
      yield* to.remove("secrets/one", options({ propagationPolicy: "Foreground" }), end)
      yield* to.remove("secrets/none", options({}), end)
      yield* to.remove("secrets?labelSelector=app=web", options({}), {
        show: (body) => refused(body) ?? list(at(body, "items")).map((item) => text(item, "metadata.name"))
      })
      for (const path of ["statefulsets/one", "persistentvolumeclaims/one", "pods/one", "secrets/one"])
        yield* to.get(path, end)
    }),
  "a name that is made up is made up in a try too": (to) =>
    Effect.gen(function* () {
      const path = (resource: string) => `${resource}?dryRun=All`
      yield* to.post(path("secrets"), generated(secret("")), named)
      yield* to.post(path("persistentvolumeclaims"), generated(claim("")), named)
      yield* to.post(path("pods"), generated(pod("")), named)
      yield* to.post(path("leases"), generated(lease("")), named)
      yield* to.post(
        path("volumesnapshots"),
        generated({
          apiVersion: "snapshot.storage.k8s.io/v1",
          kind: "VolumeSnapshot",
          spec: { source: { persistentVolumeClaimName: "none" } }
        }),
        named
      )
      yield* to.post(path("secrets"), { ...secret(""), metadata: {} }, named)
    }),
  "a Service and what goes with it are tried": (to) =>
    Effect.gen(function* () {
      const spec = {
        show: (body: Json): Json =>
          refused(body) ?? [at(body, "spec.clusterIP") ?? null, at(body, "metadata.resourceVersion") ?? null]
      }
      yield* to.post("services?dryRun=All", headless("one"), spec)
      yield* to.post("services?dryRun=All", service("one", { clusterIP: "10.96.300.1" }), spec)
      yield* to.quietly("POST", "services", headless("one"))
      yield* to.post("services?dryRun=All", headless("one"), spec)
      yield* to.merge("services/one?dryRun=All", { spec: { clusterIP: "10.96.0.77" } }, spec)
      yield* to.post("poddisruptionbudgets?dryRun=All", budget("one", { minAvailable: 1 }), named)
      yield* to.quietly("POST", "poddisruptionbudgets", budget("one", { minAvailable: 1 }))
      yield* to.post("poddisruptionbudgets?dryRun=All", budget("one", { minAvailable: 1 }), named)
      yield* to.merge(
        "poddisruptionbudgets/one?dryRun=All",
        { spec: { minAvailable: 2 } },
        { show: (body) => refused(body) ?? at(body, "spec") ?? null }
      )
      yield* to.merge("poddisruptionbudgets/one?dryRun=All", { spec: { maxUnavailable: 2 } }, named)
    }),
  "a namespace is tried, and deleted by its uid alone": (to) =>
    Effect.gen(function* () {
      const path = "/api/v1/namespaces"
      const one = `${path}/${to.namespace}`
      yield* to.post(`${path}?dryRun=All`, namespace(to, "too"), {
        show: (body) => refused(body) ?? [at(body, "spec") ?? null, at(body, "status") ?? null]
      })
      yield* to.get(`${path}/${to.namespace}-too`)
      yield* to.post(
        `${path}?dryRun=All`,
        { ...namespace(to, "too"), metadata: { name: to.namespace } },
        named
      )
      yield* to.remove(one, { preconditions: { uid: "another" } })
      yield* to.remove(one, { preconditions: { resourceVersion: "1" } })
      yield* to.remove(one, options({}), {
        show: (body) => [text(body, "kind"), text(body, "status.phase"), at(body, "spec.finalizers") ?? null]
      })
      yield* to.get(one, { show: (body) => text(body, "status.phase") })
      // All of them: tried, whatever the server should think of it.
      yield* to.remove(`${path}?dryRun=All`)
    })
})
