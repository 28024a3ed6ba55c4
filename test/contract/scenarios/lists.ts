import * as Effect from "effect/Effect"
import { at, type Conversation, scenarios, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"
import { pod, secret, set } from "./objects.ts"

const names = (body: Json): Json => {
  const items = at(body, "items")
  return Array.isArray(items) ? items.map((item) => text(item, "metadata.name")) : body
}

/** Pages are compared by their names and by what they say of the rest. */
const page = (body: Json): Json => ({
  names: names(body),
  remaining: at(body, "metadata.remainingItemCount") ?? null,
  continues: text(body, "metadata.continue") !== ""
})

const tiers = (to: Conversation) =>
  Effect.gen(function* () {
    const labels: Readonly<Record<string, object>> = {
      a: { tier: "web", env: "prod" },
      b: { tier: "db", env: "prod" },
      c: { tier: "db", env: "test" },
      d: {}
    }
    for (const [name, value] of Object.entries(labels))
      yield* to.quietly("POST", "secrets", {
        ...secret(name),
        metadata: { name, labels: value }
      })
  })

const select = (to: Conversation, selector: string) =>
  to.get(`secrets?labelSelector=${encodeURIComponent(selector)}`, { show: names })

export const lists = scenarios("lists")({
  "a list names its kind and version, its items do not": (to) =>
    Effect.gen(function* () {
      yield* to.get("statefulsets")
      yield* to.quietly("POST", "secrets", secret("one"))
      yield* to.get("secrets")
      yield* to.get("/api/v1/secrets?labelSelector=nobody=has")
    }),
  "labels are selected by every operator": (to) =>
    Effect.gen(function* () {
      yield* tiers(to)
      for (const selector of [
        "tier=db",
        "tier==db",
        "tier!=db",
        "tier in (db)",
        "tier in (db, web)",
        "tier in (db,other),env notin (test)",
        "tier notin (db)",
        "tier",
        "!tier",
        "tier,!absent",
        "env=prod,tier=db",
        "tier=",
        "tier in ()",
        " tier = db "
      ])
        yield* select(to, selector)
    }),
  "a selector that cannot be read is a bad request": (to) =>
    Effect.gen(function* () {
      for (const selector of [
        "tier in (",
        "tier in db",
        "tier=(a)",
        "tier db",
        "=db",
        ",",
        "tier=db,",
        "-tier",
        "tier=-x",
        `tier=${"x".repeat(64)}`,
        "tier>5,env<x",
        "!",
        "tier==db=web"
      ])
        yield* select(to, selector)
    }),
  "numbers are compared by greater and less": (to) =>
    Effect.gen(function* () {
      for (const [name, size] of [
        ["small", "5"],
        ["large", "50"]
      ])
        yield* to.quietly("POST", "secrets", { ...secret(""), metadata: { name, labels: { size } } })
      yield* select(to, "size>10")
      yield* select(to, "size<10")
    }),
  "fields are selected where the server knows them": (to) =>
    Effect.gen(function* () {
      yield* tiers(to)
      yield* to.quietly("POST", "pods", pod("one"))
      yield* to.quietly("POST", "statefulsets", set("one"))
      yield* to.get("secrets?fieldSelector=metadata.name=a", { show: names })
      yield* to.get("secrets?fieldSelector=metadata.name!=a", { show: names })
      yield* to.get(`secrets?fieldSelector=metadata.name=a,metadata.namespace=${to.namespace}`, {
        show: names
      })
      yield* to.get("secrets?fieldSelector=type=Opaque", { show: names })
      yield* to.get("pods?fieldSelector=status.phase=Pending", { show: names })
      yield* to.get("pods?fieldSelector=status.phase=Running", { show: names })
      yield* to.get("pods?fieldSelector=spec.nodeName=", { show: names })
      yield* to.get("pods?fieldSelector=spec.schedulerName=nobody", { show: names })
      yield* to.get("pods?fieldSelector=spec.restartPolicy=Always", { show: names })
      yield* to.get("secrets?fieldSelector=data.key=x")
      yield* to.get("pods?fieldSelector=spec.containers=x")
      yield* to.get("statefulsets?fieldSelector=spec.replicas=0")
      yield* to.get("volumesnapshots?fieldSelector=spec.source=x")
      yield* to.get("pods?fieldSelector=nonsense")
      yield* to.get("volumesnapshots?fieldSelector=metadata.name=x", { show: names })
    }),
  "a list comes in pages": (to) =>
    Effect.gen(function* () {
      yield* tiers(to)
      const first = yield* to.get("secrets?limit=3", { show: page })
      const token = encodeURIComponent(text(first, "metadata.continue"))
      yield* to.get(`secrets?limit=3&continue=${token}`, { show: page })
      yield* to.get(`secrets?continue=${token}`, { show: page })
      yield* to.get("secrets?limit=4", { show: page })
      yield* to.get("secrets?limit=1&labelSelector=env=prod", { show: page })
      yield* to.get("secrets?limit=0", { show: page })
    }),
  "a later page is of the first page's moment": (to) =>
    Effect.gen(function* () {
      yield* tiers(to)
      const first = yield* to.quietly("GET", "secrets?limit=2")
      yield* to.quietly("POST", "secrets", secret("zz"))
      yield* to.quietly("DELETE", "secrets/d")
      const token = encodeURIComponent(text(first, "metadata.continue"))
      yield* to.quietly("GET", `secrets?limit=2&continue=${token}`)
      to.record("the second page", page(yield* to.quietly("GET", `secrets?limit=2&continue=${token}`)))
    }),
  "a token that cannot be read is a bad request": (to) =>
    Effect.gen(function* () {
      yield* to.get("secrets?continue=nonsense")
      yield* to.get("secrets?limit=1&continue=%21%21%21")
      yield* to.get("secrets?continue=e30")
      yield* to.get(
        `secrets?continue=${btoa('{"v":"meta.k8s.io/v2","rv":5,"start":"x"}').replaceAll("=", "")}`
      )
      yield* to.get(
        `secrets?continue=${btoa('{"v":"meta.k8s.io/v1","rv":5,"start":""}').replaceAll("=", "")}`
      )
    }),
  "a version says how old a list may be": (to) =>
    Effect.gen(function* () {
      yield* tiers(to)
      const version = yield* to.version("secrets")
      yield* to.quietly("DELETE", "secrets/a")
      // What a list may be made of that need not be the newest: the server's copy, which is a little late.
      yield* to.until(
        "secrets?resourceVersion=0",
        (body) => JSON.stringify(names(body ?? null)) === JSON.stringify(["b", "c", "d"])
      )
      yield* to.get("secrets?resourceVersion=0", { show: (body) => at(body, "kind") ?? null })
      const shown = (ask: string, body: Json) => to.record(ask, names(body))
      shown("at least as new", yield* to.quietly("GET", `secrets?resourceVersion=${version}`))
      shown(
        "exactly then",
        yield* to.quietly("GET", `secrets?resourceVersion=${version}&resourceVersionMatch=Exact`)
      )
      shown(
        "not older",
        yield* to.quietly("GET", `secrets?resourceVersion=${version}&resourceVersionMatch=NotOlderThan`)
      )
    }),
  "versions that make no sense are refused": (to) =>
    Effect.gen(function* () {
      yield* to.get("secrets?resourceVersion=nonsense")
      yield* to.get("secrets?resourceVersion=-1")
      yield* to.get("secrets?resourceVersionMatch=Exact")
      yield* to.get("secrets?resourceVersion=0&resourceVersionMatch=Exact")
      yield* to.get("secrets?resourceVersion=1&resourceVersionMatch=Roughly")
      yield* to.get("secrets?resourceVersionMatch=NotOlderThan&continue=abc")
      yield* to.get("secrets?sendInitialEvents=true")
      yield* to.get("secrets?limit=many")
      yield* to.get("secrets?limit=-1", { show: names })
      yield* to.get("secrets/one?resourceVersion=nonsense")
    }),
  "objects come sorted by name as text": (to) =>
    Effect.gen(function* () {
      for (const name of ["db-10", "db-2", "db-1", "a", "z.z", "z-z"])
        yield* to.quietly("POST", "secrets", secret(name))
      yield* to.get("secrets", { show: names })
    }),
  "names that are not there are not found": (to) =>
    Effect.gen(function* () {
      yield* to.get("secrets/none")
      yield* to.get("statefulsets/none")
      yield* to.get("statefulsets/none/scale")
      yield* to.get("statefulsets/none/status")
      yield* to.get("volumesnapshots/none")
      yield* to.get("/apis/storage.k8s.io/v1/storageclasses/none")
      yield* to.get("/api/v1/nodes/none")
      yield* to.merge("statefulsets/none", {})
      yield* to.put("statefulsets/none", set("none"))
      yield* to.remove("statefulsets/none")
    })
})
