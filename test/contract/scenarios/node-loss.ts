/** A node whose kubelet is never heard of again: what becomes of it, and of the pods on it. */
import * as Effect from "effect/Effect"
import { at, byText, scenarios, text, merge } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { headless, list, pod, readyStatus, silentNode } from "./objects.ts"

const conditions = (body: Json): Json =>
  list(at(body, "status.conditions"))
    .map((each) => [at(each, "type") ?? null, at(each, "status") ?? null, at(each, "reason") ?? null])
    .toSorted(byText)

const taints = (body: Json | undefined): ReadonlyArray<string> =>
  list(at(body, "spec.taints"))
    .map((each) => `${text(each, "key")}:${text(each, "effect")}`)
    .toSorted(byText)

export const nodeLosses = scenarios("node loss")({
  "a silent node is not ready and tainted, its pods are not ready, and look as if they ran": (to) =>
    Effect.gen(function* () {
      const name = yield* silentNode(to)
      yield* to.quietly("POST", "services", headless("web"))
      yield* to.quietly("POST", "pods", pod("web-0", { nodeName: name }))
      yield* to.quietly("PATCH", "pods/web-0/status", readyStatus(), merge)
      yield* to.until(`/api/v1/nodes/${name}`, (body) =>
        ["NoExecute", "NoSchedule"].every((effect) =>
          taints(body).includes(`node.kubernetes.io/unreachable:${effect}`)
        )
      )
      yield* to.until("pods/web-0", (body) =>
        list(at(body, "status.conditions")).some(
          (each) => text(each, "type") === "Ready" && text(each, "status") === "False"
        )
      )
      const lost = yield* to.quietly("GET", `/api/v1/nodes/${name}`)
      to.record("the node", { taints: taints(lost), conditions: conditions(lost) })
      const left = yield* to.quietly("GET", "pods/web-0")
      to.record("the pod", {
        phase: at(left, "status.phase") ?? null,
        conditions: conditions(left),
        deleted: at(left, "metadata.deletionTimestamp") !== undefined,
        tolerates: at(left, "spec.tolerations") ?? null
      })
      // A pod of a silent node does not go until somebody says that the node is out of service.
      yield* to.quietly("DELETE", "pods/web-0")
      yield* Effect.sleep(3000)
      const hanging = yield* to.quietly("GET", "pods/web-0")
      to.record("the pod hangs", {
        grace: at(hanging, "metadata.deletionGracePeriodSeconds") ?? null,
        phase: at(hanging, "status.phase") ?? null
      })
      const outOfService = {
        key: "node.kubernetes.io/out-of-service",
        value: "nodeshutdown",
        effect: "NoExecute"
      }
      const now = yield* to.quietly("GET", `/api/v1/nodes/${name}`)
      yield* to.quietly(
        "PATCH",
        `/api/v1/nodes/${name}`,
        { spec: { taints: [...list(at(now, "spec.taints")), outOfService] } },
        merge
      )
      yield* to.until("pods/web-0", (body) => body === undefined)
      to.record("the pod is gone", true)
    })
})
