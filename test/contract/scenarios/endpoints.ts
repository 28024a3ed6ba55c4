/** EndpointSlices: which pods a Service leads to, by name and by what they say of themselves. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text, merge } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { headless, isReady, list, pod, running, silentNode } from "./objects.ts"

const becomesReady = (to: Conversation, name: string) =>
  to.until(`pods/${name}`, (body) => isReady(body ?? null))

/** The script is the kubelet: it gives the pod its address. */
const become = (to: Conversation, name: string, ip: string, ready: boolean) =>
  to.quietly(
    "PATCH",
    `pods/${name}/status`,
    {
      status: {
        phase: "Running",
        podIP: ip,
        podIPs: [{ ip }],
        conditions: [{ type: "Ready", status: ready ? "True" : "False" }]
      }
    },
    merge
  )

const byPod = (left: Json, right: Json): number =>
  text(left, "targetRef.name").localeCompare(text(right, "targetRef.name"))

/** Names of slices end in letters of chance; which node a pod is on is the scheduler's choice. */
const slices = (body: Json): Json =>
  list(at(body, "items")).map((slice) => ({
    addressType: at(slice, "addressType") ?? null,
    labels: at(slice, "metadata.labels") ?? null,
    owner: at(slice, "metadata.ownerReferences.0.kind") ?? null,
    ports: at(slice, "ports") ?? null,
    // In what order the controller finds the pods is chance.
    endpoints: list(at(slice, "endpoints"))
      .toSorted(byPod)
      .map((each) => ({
        addresses: list(at(each, "addresses")).length,
        conditions: at(each, "conditions") ?? null,
        hostname: at(each, "hostname") ?? null,
        pod: at(each, "targetRef") ?? null,
        node: text(each, "nodeName") === "" ? "none" : "some",
        zone: text(each, "zone") === "" ? "none" : "some"
      }))
  }))

const path = (of: string) => `endpointslices?labelSelector=kubernetes.io/service-name=${of}`
const endpointsOf = (body: Json | undefined) =>
  list(at(body, "items")).flatMap((slice) => [...list(at(slice, "endpoints"))])

interface Wanted {
  /** Default: one. */
  readonly slices?: number
  readonly endpoints: number
  /** What each endpoint has to be. */
  readonly isSo?: (endpoint: Json) => boolean
}

/** Once a Service's slices and their endpoints are so many. */
const come = (
  to: Conversation,
  of: string,
  { slices: count = 1, endpoints: all, isSo = () => true }: Wanted
) =>
  to.until(path(of), (body) => {
    const found = endpointsOf(body)
    return list(at(body, "items")).length === count && found.length === all && found.every(isSo)
  })

const shown = (to: Conversation, of: string, wanted: Wanted) =>
  Effect.andThen(come(to, of, wanted), to.get(path(of), { show: slices }))

const isReadyEndpoint = (endpoint: Json) => at(endpoint, "conditions.ready") === true
const isSilent = (endpoint: Json) => at(endpoint, "conditions.serving") === false
const isTerminating = (endpoint: Json) => at(endpoint, "conditions.terminating") === true

/** Time in which nothing should happen. */
const meanwhile = Effect.sleep(2500)

/** What says of a pod whether it can be used. */
const readiness = (body: Json): Json => ({
  deleted: at(body, "metadata.deletionTimestamp") !== undefined,
  phase: at(body, "status.phase") ?? null,
  conditions: list(at(body, "status.conditions")).map((each) => [text(each, "type"), text(each, "status")])
})

export const endpoints = scenarios("endpoints")({
  "a Service without pods has a slice without endpoints": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* shown(to, "web", { endpoints: 0 })
    }),
  "an endpoint is ready when its pod is, and goes with it": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* to.quietly("POST", "pods", running("web-0", { hostname: "web-0", subdomain: "web" }))
      yield* becomesReady(to, "web-0")
      yield* shown(to, "web", { endpoints: 1, isSo: isReadyEndpoint })
      yield* to.quietly("DELETE", "pods/web-0")
      yield* to.until("pods/web-0", (body) => body === undefined)
      yield* shown(to, "web", { endpoints: 0 })
    }),
  "publishNotReadyAddresses makes every endpoint ready": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web", { publishNotReadyAddresses: true }))
      yield* to.quietly("POST", "pods", pod("web-0"))
      yield* become(to, "web-0", "10.9.0.1", false)
      yield* shown(to, "web", { endpoints: 1, isSo: isReadyEndpoint })
    }),
  "a pod on no node is nowhere": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* to.quietly("POST", "pods", pod("web-0"))
      yield* become(to, "web-0", "10.9.0.1", true)
      yield* meanwhile
      yield* shown(to, "web", { endpoints: 0 })
    }),
  "an endpoint whose pod is being deleted is terminating, and serves while it is ready": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* to.quietly("POST", "services", headless("all", { publishNotReadyAddresses: true }))
      const nodeName = yield* silentNode(to)
      yield* to.quietly("POST", "pods", pod("web-0", { nodeName }))
      yield* to.quietly("POST", "pods", pod("web-1", { nodeName }))
      yield* become(to, "web-0", "10.9.0.1", true)
      yield* become(to, "web-1", "10.9.0.2", false)
      yield* to.quietly("DELETE", "pods/web-0")
      yield* to.quietly("DELETE", "pods/web-1")
      yield* shown(to, "web", { endpoints: 2, isSo: isTerminating })
      yield* shown(to, "all", { endpoints: 2, isSo: isTerminating })
    }),
  "a pod that is deleted stays ready until its kubelet says otherwise, and its endpoint serves as long": (
    to
  ) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* to.quietly("POST", "services", headless("all", { publishNotReadyAddresses: true }))
      const nodeName = yield* silentNode(to)
      yield* to.quietly("POST", "pods", pod("web-0", { nodeName, hostname: "web-0", subdomain: "web" }))
      yield* become(to, "web-0", "10.9.0.1", true)
      yield* to.get("pods/web-0", { show: readiness })
      yield* to.quietly("DELETE", "pods/web-0")
      yield* to.get("pods/web-0", { show: readiness })
      yield* shown(to, "web", { endpoints: 1, isSo: isTerminating })
      yield* become(to, "web-0", "10.9.0.1", false)
      yield* to.get("pods/web-0", { show: readiness })
      yield* shown(to, "web", { endpoints: 1, isSo: isSilent })
      yield* shown(to, "all", { endpoints: 1, isSo: isSilent })
    }),
  "a pod without conditions is not ready, and one that has ended is in no slice": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* to.quietly("POST", "services", headless("all", { publishNotReadyAddresses: true }))
      const nodeName = yield* silentNode(to)
      yield* to.quietly("POST", "pods", pod("web-0", { nodeName }))
      yield* become(to, "web-0", "10.9.0.1", true)
      yield* to.quietly("PATCH", "pods/web-0/status", { status: { conditions: null } }, merge)
      yield* to.get("pods/web-0", { show: readiness })
      yield* shown(to, "web", { endpoints: 1, isSo: (endpoint) => !isReadyEndpoint(endpoint) })
      // As a kubelet writes it, from ready on: of a change of the phase alone slices take no notice.
      yield* become(to, "web-0", "10.9.0.1", true)
      for (const of of ["web", "all"])
        yield* come(to, of, { endpoints: 1, isSo: (endpoint) => !isSilent(endpoint) })
      const ended = { phase: "Failed", conditions: [{ type: "Ready", status: "False" }] }
      yield* to.quietly("PATCH", "pods/web-0/status", { status: ended }, merge)
      yield* shown(to, "web", { endpoints: 0 })
      yield* shown(to, "all", { endpoints: 0 })
    }),
  "conditions that somebody left out of a slice are stored as left out": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web", { selector: null }))
      yield* to.quietly("POST", "endpointslices", {
        metadata: { name: "by-hand", labels: { "kubernetes.io/service-name": "web" } },
        addressType: "IPv4",
        ports: [{ name: "web", port: 80 }],
        endpoints: [
          { addresses: ["10.9.0.1"], hostname: "web-0" },
          { addresses: ["10.9.0.2"], hostname: "web-1", conditions: {} },
          { addresses: ["10.9.0.3"], conditions: { ready: null, serving: null, terminating: null } },
          { addresses: ["10.9.0.4"], conditions: { ready: false } }
        ]
      })
      yield* shown(to, "web", { endpoints: 4 })
    }),
  "slices go with their Service": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* come(to, "web", { endpoints: 0 })
      yield* to.quietly("DELETE", "services/web")
      yield* shown(to, "web", { slices: 0, endpoints: 0 })
    })
})
