/** EndpointSlices: which pods a Service leads to, by name and by what they say of themselves. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { headless, isReady, list, pod, running, silentNode } from "./objects.ts"

const merge = { headers: { "content-type": "application/merge-patch+json" } }
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

/** Names of slices end in letters of chance; which node a pod is on is the scheduler's choice. */
const slices = (body: Json): Json =>
  list(at(body, "items")).map((slice) => ({
    addressType: at(slice, "addressType") ?? null,
    labels: at(slice, "metadata.labels") ?? null,
    owner: at(slice, "metadata.ownerReferences.0.kind") ?? null,
    ports: at(slice, "ports") ?? null,
    endpoints: list(at(slice, "endpoints")).map((each) => ({
      addresses: list(at(each, "addresses")).length,
      conditions: at(each, "conditions") ?? null,
      hostname: at(each, "hostname") ?? null,
      pod: at(each, "targetRef") ?? null,
      node: text(each, "nodeName") === "" ? "none" : "some",
      zone: text(each, "zone") === "" ? "none" : "some"
    }))
  }))

const settled = Effect.sleep(2500)
const shown = (to: Conversation, of: string) =>
  Effect.andThen(
    settled,
    to.get(`endpointslices?labelSelector=kubernetes.io/service-name=${of}`, { show: slices })
  )

export const endpoints = scenarios("endpoints")({
  "a Service without pods has a slice without endpoints": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* shown(to, "web")
    }),
  "an endpoint is ready when its pod is, and goes with it": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* to.quietly("POST", "pods", running("web-0", { hostname: "web-0", subdomain: "web" }))
      yield* becomesReady(to, "web-0")
      yield* shown(to, "web")
      yield* to.quietly("DELETE", "pods/web-0")
      yield* to.until("pods/web-0", (body) => body === undefined)
      yield* shown(to, "web")
    }),
  "publishNotReadyAddresses makes every endpoint ready": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web", { publishNotReadyAddresses: true }))
      yield* to.quietly("POST", "pods", pod("web-0"))
      yield* become(to, "web-0", "10.9.0.1", false)
      yield* shown(to, "web")
    }),
  "a pod on no node is nowhere": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* to.quietly("POST", "pods", pod("web-0"))
      yield* become(to, "web-0", "10.9.0.1", true)
      yield* shown(to, "web")
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
      yield* shown(to, "web")
      yield* shown(to, "all")
    }),
  "slices go with their Service": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* settled
      yield* to.quietly("DELETE", "services/web")
      yield* shown(to, "web")
    })
})
