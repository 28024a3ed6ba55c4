import { assert, describe, it } from "@effect/vitest"
import * as Discovery from "../../../packages/sdk/src/Discovery.ts"

describe("names ahead of pods", () => {
  const naming = { namespace: "shop", name: "db", service: "db", clusterDomain: "example.org" }

  it("are those of every ordinal that is asked for, for a cluster that forms itself", () => {
    assert.deepEqual(
      Discovery.initialPeers(naming, { start: 2, replicas: 2 }).map(
        ({ name, fqdn }) => `${name}=https://${fqdn}:2380`
      ),
      ["db-2=https://db-2.db.shop.svc.example.org:2380", "db-3=https://db-3.db.shop.svc.example.org:2380"]
    )
    assert.deepEqual(Discovery.initialPeers(naming, { replicas: 0 }), [])
  })

  it.each([
    [
      "as the kubelet writes it",
      "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
      "cluster.local"
    ],
    [
      "another domain",
      "search shop.svc.k8s.example.org svc.k8s.example.org k8s.example.org example.org",
      "k8s.example.org"
    ],
    [
      "a namespace called svc",
      "search svc.svc.cluster.local svc.cluster.local cluster.local",
      "cluster.local"
    ],
    [
      "with dots at the end, capitals and tabs",
      "search\tshop.svc.Cluster.Local. svc.cluster.local. cluster.local.",
      "cluster.local"
    ],
    ["the last line of two", "search a.b\nsearch shop.svc.x.y svc.x.y x.y", "x.y"],
    ["the host's own DNS", "search example.com\nnameserver 1.1.1.1", null],
    ["only what looks like it", "search svc.cluster.local cluster.local", null],
    ["nothing", "", null]
  ])("the cluster's domain is found in a pod's resolv.conf: %s", (_, text, expected) => {
    assert.equal(Discovery.clusterDomainOf(text), expected)
  })
})
