import * as Effect from "effect/Effect"
import { at, scenarios } from "../Conversation.ts"
import { headless, service } from "./objects.ts"

export const network = scenarios("services and events")({
  "a Service is filled in": (to) =>
    Effect.gen(function* () {
      yield* to.post("services", headless("headless"))
      yield* to.post("services", headless("not-ready", { publishNotReadyAddresses: true }))
      yield* to.post("services", service("plain"))
      yield* to.post("services", service("portless", { clusterIP: "None", ports: undefined }))
      yield* to.post(
        "services",
        service("named", {
          ports: [
            { port: 80, name: "http", targetPort: "web" },
            { port: 81, name: "other", protocol: "UDP" }
          ]
        })
      )
      yield* to.post("services", {
        ...service("external"),
        spec: { type: "ExternalName", externalName: "db.example.com" }
      })
    }),
  "a Service that makes no sense is invalid": (to) =>
    Effect.gen(function* () {
      yield* to.post("services", service("one", { ports: undefined }))
      yield* to.post("services", service("one", { ports: [{ port: 0 }] }))
      yield* to.post("services", service("one", { ports: [{ port: 80 }, { port: 81 }] }))
      yield* to.post("services", service("1one"))
      yield* to.post("services", service("One"))
      yield* to.post("services", service("one", { type: "Sometimes" }))
      yield* to.post("services", service("one", { clusterIP: "nonsense" }))
      yield* to.post("services", service("one", { sessionAffinity: "Sometimes" }))
    }),
  "a Service keeps its address": (to) =>
    Effect.gen(function* () {
      yield* to.quietly("POST", "services", headless("one"))
      yield* to.quietly("POST", "services", service("two"))
      yield* to.merge("services/one", { spec: { clusterIP: "10.96.200.200" } })
      yield* to.merge("services/two", { spec: { clusterIP: "None" } })
      yield* to.merge("services/one", { spec: { publishNotReadyAddresses: true } })
      yield* to.merge("services/one", { spec: { selector: { app: "other" } } })
      yield* to.remove("services/one")
    }),
  "an event is kept as it is sent": (to) =>
    Effect.gen(function* () {
      const event = {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: "one", namespace: to.namespace },
        involvedObject: { kind: "StatefulSet", namespace: to.namespace, name: "db" },
        reason: "Scaled",
        message: "from 3 to 5",
        type: "Normal",
        source: { component: "kubectl-stateful" },
        firstTimestamp: "2026-01-01T00:00:00Z",
        lastTimestamp: "2026-01-01T00:00:00Z",
        count: 1
      }
      yield* to.post("events", event)
      yield* to.post("events", {
        ...event,
        metadata: { name: "two" },
        involvedObject: { kind: "Pod", namespace: "elsewhere", name: "x" }
      })
      yield* to.get("events?fieldSelector=involvedObject.name=db", {
        show: (body) => at(body, "items.0.message") ?? at(body, "message") ?? null
      })
      yield* to.get("events?fieldSelector=involvedObject.name=other,type=Normal", {
        show: (body) => at(body, "items") ?? at(body, "message") ?? null
      })
      yield* to.get("events?fieldSelector=reason=Scaled,involvedObject.kind=StatefulSet", {
        show: (body) => at(body, "items.0.message") ?? at(body, "message") ?? null
      })
      yield* to.remove("events/one")
    })
})
