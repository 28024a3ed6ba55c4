/** What the tests of peers share: the lists that a view is made from, and what is asked of one. */
import { assert } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Discovery from "../../../packages/sdk/src/Discovery.ts"
import { type Kind, kinds } from "../../../packages/sdk/src/Kind.ts"
import { at, type Json, node, object, pod, service, statefulSet } from "../objects.ts"

const accepted = <A>({ accept }: Kind<A>, values: ReadonlyArray<Json>): ReadonlyArray<A> =>
  values.map((value) => Result.getOrThrow(accept(value)))

export interface Lists {
  readonly set: Json
  readonly pods: ReadonlyArray<Json> | null
  readonly services: ReadonlyArray<Json> | null
  readonly slices: ReadonlyArray<Json> | null
  readonly nodes: ReadonlyArray<Json> | null
  readonly clusterDomain: string | null
}

export const three = [0, 1, 2].map((ordinal) => pod(ordinal))

export const observation = (changes: Partial<Lists> = {}): Discovery.Observation => {
  const lists: Lists = {
    set: statefulSet(),
    pods: three,
    services: [service()],
    slices: null,
    nodes: ["a", "b", "c"].map((letter) => node(letter)),
    clusterDomain: "cluster.local",
    ...changes
  }
  const orNull = <A>(kind: Kind<A>, values: ReadonlyArray<Json> | null) =>
    values === null ? null : accepted(kind, values)
  return {
    set: Result.getOrThrow(kinds.statefulsets.accept(lists.set)),
    pods: orNull(kinds.pods, lists.pods),
    services: orNull(kinds.services, lists.services),
    slices: orNull(kinds.endpointslices, lists.slices),
    nodes: orNull(kinds.nodes, lists.nodes),
    clusterDomain: lists.clusterDomain
  }
}

export const observe = (changes: Partial<Lists> = {}): Discovery.Peers =>
  Discovery.observe(observation(changes))

export const peerOf = (peers: Discovery.Peers, ordinal: number): Discovery.Peer =>
  peers.peers.find((peer) => peer.ordinal === ordinal) ?? assert.fail(`there is no peer ${ordinal}`)

export const reasons = (peers: Discovery.Peers) => peers.problems.map(({ reason }) => reason)

export const notReady: Json = {
  status: { conditions: [{ type: "Ready", status: "False", lastTransitionTime: at }] }
}

/** A slice of Service db. */
export const slice = (endpoints: ReadonlyArray<Json>, changes: Json = {}): Json =>
  object("db-x1", {
    metadata: { labels: { "kubernetes.io/service-name": "db" } },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "postgres", port: 5432, protocol: "TCP" }],
    ...changes
  })

export const endpoint = (ordinal: number, changes: Json = {}): Json => ({
  addresses: [`10.0.0.${ordinal}`],
  hostname: `db-${ordinal}`,
  nodeName: `node-${"abc"[ordinal]}`,
  zone: "abc"[ordinal],
  targetRef: { kind: "Pod", name: `db-${ordinal}`, namespace: "shop", uid: `uid-db-${ordinal}` },
  conditions: { ready: true, serving: true, terminating: false },
  ...changes
})
