/** What images are known to keep: by their public names, on a volume, on none, and where they have their data. */
import { assert, describe, it } from "vitest"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import { storeOf } from "../../../packages/sdk/src/state/Store.ts"
import { type Json, claim, stateOf, statefulSet, volume } from "../objects.ts"
import { forgetting, keeping, none } from "./stores.ts"

const rules = new Set(["data-in-empty-dir", "data-in-no-volume"])

/** What is said of data that ends with the pod of a StatefulSet of one container. */
const said = (image: string, mountPath: string | null, spec: Json = {}, more: Json = {}) => {
  const volumeMounts = mountPath === null ? [] : [{ name: "data", mountPath }]
  const { volumeClaimTemplates, ...template } = spec
  const claims = volumeClaimTemplates === undefined ? [] : [0, 1, 2].map((ordinal) => `data-db-${ordinal}`)
  const state = stateOf({
    statefulsets: [
      statefulSet({
        spec: {
          template: { spec: { containers: [{ name: "main", image, volumeMounts, ...more }], ...template } },
          volumeClaimTemplates: volumeClaimTemplates ?? []
        }
      })
    ],
    pods: [],
    persistentvolumeclaims: claims.map((name) => claim(name)),
    persistentvolumes: claims.map((name) => volume(name))
  })
  const found = answer(state).find(({ question }) => question === "move")?.findings ?? []
  return found.filter(({ rule }) => rules.has(rule)).map((one) => one.answer)
}

const emptyDir = { volumes: [{ name: "data", emptyDir: {} }] }
const claimed = { volumeClaimTemplates: [{ metadata: { name: "data" }, spec: {} }] }

describe("what keeps data is known by its image", () => {
  it.each(keeping)("%s: lost without a volume and on an emptyDir, kept on a claim at %s", (image, path) => {
    assert.notEqual(storeOf({ name: "main", image }), null)
    assert.deepEqual(said(image, null), ["No"])
    assert.deepEqual(said(image, path, emptyDir), ["No"])
    assert.deepEqual(said(image, path, claimed), [])
  })

  it.each(forgetting)(
    "%s: its owner knows whether it may forget, and it is kept on a claim at %s",
    (image, path) => {
      assert.notEqual(storeOf({ name: "main", image }), null)
      assert.deepEqual(said(image, null), ["Unknown"])
      assert.includeMembers(["No", "Unknown"], said(image, path, emptyDir))
      assert.lengthOf(said(image, path, emptyDir), 1)
      assert.deepEqual(said(image, path, claimed), [])
    }
  )

  it.each(none)("%s is no store", (image) => {
    assert.equal(storeOf({ name: "main", image }), null)
  })
})

describe("the same image may be started as what keeps nothing", () => {
  it.each([
    ["apachepulsar/pulsar:4.0", "sh -c bin/pulsar|broker", null],
    ["apachepulsar/pulsar:4.0", "sh -c bin/pulsar|bookie", "Pulsar"],
    ["apache/rocketmq:5.3", "sh|mqnamesrv", null],
    ["apache/rocketmq:5.3", "sh|mqbroker", "RocketMQ"],
    ["quay.io/thanos/thanos:v0.39", "query", null],
    ["quay.io/thanos/thanos:v0.39", "store", "Thanos"],
    ["grafana/loki:3.5", "-target=querier", null],
    ["grafana/loki:3.5", "-target=ingester", "Loki"],
    ["traefik:v3.5", "--providers.kubernetesingress", null],
    ["traefik:v3.5", "--certificatesresolvers.le.acme.storage=/data/acme.json", "Traefik"],
    ["chrislusf/seaweedfs:3.97", "weed|s3", null],
    ["chrislusf/seaweedfs:3.97", "weed -v=1 filer", "SeaweedFS"],
    ["chrislusf/seaweedfs:3.97", "weed|volume", "SeaweedFS"]
  ])("%s %s", (image, line, store) => {
    assert.equal(storeOf({ name: "main", image, args: line.split("|") }), store)
  })

  it("by its environment alone: a gateway, and the end of a tunnel without peers", () => {
    const zeebe = { name: "main", image: "camunda/zeebe:8.7" }
    const tunnel = { name: "main", image: "lscr.io/linuxserver/wireguard:1" }
    const env = (name: string, value: string) => ({ env: [{ name, value }] })
    assert.deepEqual(
      [
        zeebe,
        { ...zeebe, ...env("ZEEBE_STANDALONE_GATEWAY", "true") },
        tunnel,
        { ...tunnel, ...env("PEERS", "laptop") }
      ].map(storeOf),
      ["Zeebe", null, null, "WireGuard"]
    )
  })

  it("a filer may have its list of files in another database", () => {
    const filer = { name: "main", image: "chrislusf/seaweedfs:3.97", args: ["filer"] }
    const mysql = (value: string) => ({ ...filer, env: [{ name: "WEED_MYSQL_ENABLED", value }] })
    const mounted = { ...filer, volumeMounts: [{ name: "toml", mountPath: "/etc/seaweedfs/filer.toml" }] }
    assert.deepEqual([mysql("true"), mysql("false"), mounted].map(storeOf), [
      "SeaweedFS filer",
      "SeaweedFS",
      "SeaweedFS filer"
    ])
  })
})

describe("where a volume is tells where data may be", () => {
  it("what has but a place for logs, a socket or the node's time on the node may have data in its container", () => {
    const onNode = (path: string) => ({ volumes: [{ name: "data", hostPath: { path } }] })
    for (const path of ["/logs/", "/var/run/docker.sock", "/run/dbus", "/etc/localtime", "/var/log/app"])
      assert.deepEqual(said("example/app:1", path, onNode(path)), ["Unknown"], path)
    assert.deepEqual(said("example/app:1", "/srv/app", onNode("/srv/app")), [])
  })

  it("a directory of a store below /etc is its data, and that of another is configuration", () => {
    assert.deepEqual(said("pihole/pihole:1", "/etc/pihole/", emptyDir), ["No"])
    assert.deepEqual(said("pihole/pihole:1", "/etc", emptyDir), ["No"])
    assert.deepEqual(said("headscale/headscale:1", "/etc/headscale", emptyDir), ["No"])
    assert.deepEqual(said("nginx:1", "/etc/nginx/conf.d", emptyDir), [])
  })
})
