/** EndpointSlices: which pods a Service leads to, by name and by what they say of themselves. */
import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { headless, pod } from "./objects.ts"

const merge = { headers: { "content-type": "application/merge-patch+json" } }
const list = (value: Json | undefined): ReadonlyArray<Json> => (Array.isArray(value) ? value : [])

/** A pod that a kubelet runs. */
const running = (name: string, extra: object = {}) =>
  pod(name, {
    schedulerName: "default-scheduler",
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "main",
        image: "docker.io/local/busybox:1",
        imagePullPolicy: "Never",
        command: ["sleep", "3600"]
      }
    ],
    ...extra
  })

const isReady = (to: Conversation, name: string) =>
  to.until(`pods/${name}`, (body) =>
    list(at(body, "status.conditions")).some(
      (each) => text(each, "type") === "Ready" && text(each, "status") === "True"
    )
  )

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
      yield* isReady(to, "web-0")
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
  "slices go with their Service": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("web"))
      yield* settled
      yield* to.quietly("DELETE", "services/web")
      yield* shown(to, "web")
    })
})
