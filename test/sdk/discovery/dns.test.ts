import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Cluster, ClusterError, type ExecRequest } from "../../../packages/sdk/src/Cluster.ts"
import * as Discovery from "../../../packages/sdk/src/Discovery.ts"

const bytes = (text: string) => Stream.succeed(new TextEncoder().encode(text))

/** A pod's resolver that knows these names. */
const resolver = (names: Readonly<Record<string, ReadonlyArray<string>>>): Cluster["Service"] => ({
  request: () => Effect.die("no request is made"),
  watch: () => Stream.die("no watch is made"),
  origin: { context: null, server: "", namespace: "shop", user: null },
  exec: ({ command }: ExecRequest) => {
    const token = command.find((word) => /^kubectl-stateful-[0-9a-f]{8}$/.test(word)) ?? ""
    const asked = command.slice(command.indexOf("sh", 5) + 1).filter((word) => /\.svc/.test(word))
    const out = command.includes("/etc/resolv.conf")
      ? "search shop.svc.corp.test svc.corp.test corp.test\noptions ndots:5\n"
      : asked.map((name, index) => `${index} ${(names[name.replace(/\.$/, "")] ?? []).join(" ")}\n`).join("")
    return Effect.succeed({
      stdout: bytes(`${out}\n${token} 0\n`),
      stderr: Stream.empty,
      write: () => Effect.void,
      closeStdin: Effect.void,
      exit: Effect.succeed({ _tag: "Exited" as const, code: 0 })
    })
  }
})

const peer = (ordinal: number, more: Partial<Discovery.Peer> = {}): Discovery.Peer => ({
  ordinal,
  name: `db-${ordinal}`,
  wanted: true,
  availability: "Ready",
  ready: true,
  serving: true,
  terminating: false,
  draining: false,
  uid: `${ordinal}`,
  fqdn: `db-${ordinal}.db.shop.svc`,
  resolvable: true,
  ipv4: `10.0.0.${ordinal}`,
  ipv6: null,
  ports: [],
  node: "a",
  zone: null,
  revision: null,
  since: "2026-01-01T00:00:00Z",
  services: [],
  reason: null,
  ...more
})

const view = (...peers: ReadonlyArray<Discovery.Peer>): Discovery.Peers => ({
  apiVersion: "kubectl-stateful.dev/v1",
  kind: "Peers",
  name: "db",
  namespace: "shop",
  uid: "1",
  start: 0,
  replicas: peers.length,
  service: "db",
  clusterDomain: null,
  source: "pods",
  problems: [],
  peers
})

const at = (name: string) => `${name}.db.shop.svc.corp.test`
const all = "db.shop.svc.corp.test"

const checked = (
  peers: Discovery.Peers,
  names: Readonly<Record<string, ReadonlyArray<string>>>,
  now: string
) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(Date.parse(now))
    return yield* Effect.provideService(Discovery.checkDns(peers), Cluster, resolver(names))
  })

const later = "2026-01-01T01:00:00Z"

describe("what a pod's resolver says of names", () => {
  it.effect("is what it should be; the cluster's domain is found in the pod", () =>
    Effect.gen(function* () {
      const found = yield* checked(view(peer(0)), { [at("db-0")]: ["10.0.0.0"] }, later)
      assert.deepEqual(found, {
        pod: "db-0",
        clusterDomain: "corp.test",
        names: [
          { name: "db-0", fqdn: at("db-0"), addresses: ["10.0.0.0"], verdict: "Resolves", message: null }
        ]
      })
    })
  )

  it.effect("a refusal from before is cached, and for how long", () =>
    Effect.gen(function* () {
      const fresh = peer(1, { since: "2026-01-01T00:59:50Z" })
      const found = yield* checked(view(peer(0), fresh), { [at("db-0")]: ["10.0.0.0"] }, later)
      assert.equal(found.names[1]?.verdict, "CachedRefusal")
      assert.match(found.names[1]?.message ?? "", /a negative answer may be cached for at most 20 s more/)
    })
  )

  it.effect(
    "a refusal is cached where its Service's name has the address, and else no cache explains it",
    () =>
      Effect.gen(function* () {
        const peers = view(peer(0), peer(1))
        const listed = { [at("db-0")]: ["10.0.0.0"], [all]: ["10.0.0.0", "10.0.0.1"] }
        assert.equal((yield* checked(peers, listed, later)).names[1]?.verdict, "CachedRefusal")
        const found = yield* checked(peers, { [at("db-0")]: ["10.0.0.0"], [all]: ["10.0.0.0"] }, later)
        assert.equal(found.names[1]?.verdict, "Refused")
        assert.match(found.names[1]?.message ?? "", /check CoreDNS/)
      })
  )

  it.effect("an address that is not the pod's is no cache's doing beside its own, or long after", () =>
    Effect.gen(function* () {
      const fresh = peer(2, { since: "2026-01-01T00:59:50Z" })
      const names = {
        [at("db-0")]: ["10.0.0.0", "10.9.9.9"],
        [at("db-1")]: ["10.9.9.9"],
        [at("db-2")]: ["10.9.9.9"]
      }
      const found = yield* checked(view(peer(0), peer(1), fresh), names, later)
      assert.deepEqual(
        found.names.map(({ verdict }) => verdict),
        ["OtherAddress", "OtherAddress", "CachedAddress"]
      )
      assert.match(found.names[0]?.message ?? "", /to 10\.9\.9\.9, which is not .*service-name=db -n shop$/)
    })
  )

  it.effect("an address from before is told, and so is a name that should be gone", () =>
    Effect.gen(function* () {
      const unready = peer(2, { availability: "NotReady", ready: false, serving: false, resolvable: false })
      const names = { [at("db-0")]: ["10.0.0.0"], [at("db-1")]: ["10.0.9.9"], [at("db-2")]: ["10.0.0.2"] }
      const fresh = peer(1, { since: "2026-01-01T00:59:50Z" })
      const found = yield* checked(view(peer(0), fresh, unready), names, later)
      assert.deepEqual(
        found.names.map(({ verdict }) => verdict),
        ["Resolves", "CachedAddress", "CachedAddress"]
      )
    })
  )

  it.effect("is asked for in one that waits for its peers' names, where none is ready", () =>
    Effect.gen(function* () {
      const waiting = { availability: "NotReady", ready: false, serving: false } as const
      const found = yield* checked(
        view(peer(0, waiting), peer(1, waiting)),
        { [at("db-1")]: ["10.0.0.1"] },
        later
      )
      assert.deepEqual([found.pod, found.names[1]?.verdict], ["db-0", "Resolves"])
    })
  )

  it.effect("nobody can be asked while no pod runs, or where exec is refused", () =>
    Effect.gen(function* () {
      const none = yield* checked(
        view(peer(0, { availability: "Missing", serving: false, ipv4: null })),
        {},
        later
      )
      assert.equal(none.names[0]?.verdict, "Unknown")
      const refused: Cluster["Service"] = {
        ...resolver({}),
        exec: () =>
          Effect.fail(new ClusterError({ reason: { _tag: "Forbidden" }, message: "pods/exec is forbidden" }))
      }
      const found = yield* Effect.provideService(Discovery.checkDns(view(peer(0))), Cluster, refused)
      assert.match(found.names[0]?.message ?? "", /pods\/exec is forbidden/)
    })
  )
})
