/** Two writers of one object: Leases, journals and lists that come in pages. */
import * as Effect from "effect/Effect"
import { at, type Conversation, outcome, scenarios, text } from "../Conversation.ts"
import { isObject, type Json } from "../Normal.ts"
import { configMap, lease, list, secret } from "./objects.ts"

const time = "2026-01-01T00:00:00.000000Z"

const specOf = (holderIdentity: string) => ({
  holderIdentity,
  leaseDurationSeconds: 15,
  acquireTime: time,
  renewTime: time
})

const shown = {
  show: (body: Json): Json =>
    text(body, "kind") === "Status"
      ? [text(body, "reason"), text(body, "message")]
      : (at(body, "spec.holderIdentity") ?? at(body, "data") ?? null)
}

const names = (body: Json): Json =>
  text(body, "message") || list(at(body, "items")).map((item) => text(item, "metadata.name"))

const four = (to: Conversation) =>
  Effect.forEach(["a", "b", "c", "d"], (name) => to.quietly("POST", "secrets", secret(name)))

const tokenOf = (value: object): string => btoa(JSON.stringify(value)).replace(/=+$/, "")

export const races = scenarios("races")({
  "a Lease is taken by one of two": (to) =>
    Effect.gen(function* () {
      const made = yield* to.quietly("POST", "leases", lease("one", specOf("a")))
      yield* to.post("leases", lease("one", specOf("b")), shown)
      yield* to.post("leases?dryRun=All", lease("one", specOf("b")), shown)
      const version = text(made, "metadata.resourceVersion")
      const take = (by: string) =>
        to.json(
          "leases/one",
          [
            { op: "test", path: "/metadata/resourceVersion", value: version },
            { op: "add", path: "/metadata/annotations", value: {} },
            { op: "add", path: "/spec", value: specOf(by) }
          ],
          shown
        )
      yield* take("b")
      yield* take("c")
      const renew = (by: string) =>
        to.json(
          "leases/one",
          [
            { op: "test", path: "/spec/holderIdentity", value: by },
            { op: "replace", path: "/spec/renewTime", value: "2026-01-01T00:00:05.000000Z" }
          ],
          shown
        )
      yield* renew("a")
      yield* renew("b")
      yield* to.put("leases/one", isObject(made) ? { ...made, spec: specOf("d") } : made, shown)
      yield* to.merge("leases/one", { metadata: { resourceVersion: version }, spec: specOf("e") }, shown)
      yield* to.remove("leases/one", { preconditions: { resourceVersion: "1" } }, shown)
      yield* to.json(
        "leases/one",
        [{ op: "replace", path: "/spec/renewTime", value: "2026-01-01 00:00:05" }],
        shown
      )
      yield* to.json("leases/one", [{ op: "replace", path: "/spec/acquireTime", value: 5 }], shown)
      yield* to.json("leases/one", [{ op: "add", path: "/spec/leaseTransitions", value: -1 }], shown)
      yield* to.quietly("DELETE", "leases/one")
      yield* renew("b")
    }),
  "a journal is written by the run that owns it": (to) =>
    Effect.gen(function* () {
      const journal = { ...configMap("journal"), data: { run: "1", "status.json": "{}" } }
      yield* to.quietly("POST", "configmaps", journal)
      const write = (run: string, ...more: ReadonlyArray<object>) =>
        to.json(
          "configmaps/journal?fieldManager=kubectl-stateful&fieldValidation=Strict",
          [{ op: "test", path: "/data/run", value: run }, ...more],
          shown
        )
      const taken = { op: "replace", path: "/data/run", value: "2" }
      yield* write("1", taken, { op: "replace", path: "/data/status.json", value: '{"step":1}' })
      yield* write("1", taken)
      yield* write("2", { op: "replace", path: "/data/none.json", value: "x" })
      yield* write("2", { op: "replace", path: "/data/status.json", value: "x".repeat(1_048_577) })
      yield* write("2", { op: "replace", path: "/data/status.json", value: 5 })
      yield* to.get("configmaps/journal", shown)
    }),
  "a page that is asked for too late, or of another list, is refused": (to) =>
    Effect.gen(function* () {
      yield* four(to)
      const first = yield* to.quietly("GET", "secrets?limit=2")
      const token = text(first, "metadata.continue")
      const version = text(first, "metadata.resourceVersion")
      const next = (query: string) =>
        to.get(`secrets?continue=${encodeURIComponent(token)}&${query}`, { show: names })
      yield* next("limit=1")
      yield* next("limit=2&labelSelector=app=web")
      yield* next("limit=2&fieldSelector=metadata.name!=c")
      yield* next("limit=2&resourceVersion=0")
      const shown = (ask: string, body: Json) => to.record(ask, names(body))
      yield* next("limit=2&resourceVersion=1")
      yield* to.quietly("DELETE", "secrets/a")
      shown(
        "exactly then, in pages",
        yield* to.quietly("GET", `secrets?limit=3&resourceVersion=${version}&resourceVersionMatch=Exact`)
      )
      shown("the newest, in pages", yield* to.quietly("GET", "secrets?limit=3"))
      yield* to.bed.forget
      yield* to.get(`secrets?limit=2&continue=${tokenOf({ v: "meta.k8s.io/v1", rv: 1, start: "a\u0000" })}`, {
        show: (body) => [outcome("kind")(body), at(body, "reason") ?? null, at(body, "code") ?? null]
      })
      yield* to.get("secrets?limit=2&resourceVersion=1&resourceVersionMatch=Exact", {
        show: (body) => [outcome("kind")(body), at(body, "reason") ?? null, at(body, "code") ?? null]
      })
    })
})
