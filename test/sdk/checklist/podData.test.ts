/** Answers about data that ends with its pod, from objects as people write them. */
import { assert, describe, it } from "vitest"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import { type Json } from "../objects.ts"
import { findings, answers, made, emptyDir, at } from "./made.ts"

describe("data that ends with its pod is told in all four questions", () => {
  const no = ["No", "No", "No", "No"]
  const unknown = ["Unknown", "Unknown", "Unknown", "Unknown"]
  const silent = ["", "", "", ""]

  it("a known database without any volume loses its data, whatever the registry and the tag", () => {
    for (const image of [
      "postgres:17",
      "docker.io/bitnami/mongodb@sha256:0",
      "quay.io/coreos/etcd:v3",
      "rabbitmq",
      "getmeili/meilisearch:v1",
      "jenkins/jenkins:lts"
    ]) {
      assert.deepEqual(answers(made({ image }), "data-in-no-volume"), no, image)
    }
    assert.equal(
      findings(made({ image: "postgres:17" }), "move", "data-in-no-volume")[0]?.evidence,
      "main runs PostgreSQL without a volume: its data is lost with the pod"
    )
  })

  it("what may be meant to forget, or to keep its data elsewhere, is its owner's to know", () => {
    for (const image of ["redis:7", "hashicorp/vault:1", "nats:2", "hazelcast/hazelcast:5"])
      assert.deepEqual(answers(made({ image }), "data-in-no-volume"), unknown, image)
  })

  it("what fills again by itself is no data, without a volume or on an emptyDir", () => {
    for (const image of ["memcached:1.6", "bitnami/memcached", "varnish:7", "ubuntu/squid:edge"]) {
      assert.deepEqual(answers(made({ image }), "data-in-no-volume"), silent, image)
      const state = made({ image, mounts: [at("/data")], pod: emptyDir("data") })
      assert.deepEqual(answers(state, "data-in-empty-dir"), silent, image)
    }
  })

  it("a volume is advised on the condition that what is lost is data, where that is not known", () => {
    const remedy = (state: AppState, rule: string) => findings(state, "restart", rule)[0]?.remedy
    const onEmptyDir = (image: string, path: string) =>
      remedy(made({ image, mounts: [at(path)], pod: emptyDir("data") }), "data-in-empty-dir")
    assert.equal(
      onEmptyDir("postgres:17", "/var/lib/postgresql"),
      "store the data on a PVC: volumeClaimTemplates"
    )
    assert.equal(
      onEmptyDir("redis:7", "/data"),
      "unless it may be lost, store the data on a PVC: volumeClaimTemplates"
    )
    assert.equal(
      onEmptyDir("example/db:1", "/work"),
      "if it is data, store it on a PVC: volumeClaimTemplates"
    )
    assert.equal(
      remedy(made({ image: "redis:7" }), "data-in-no-volume"),
      "unless it may be lost, store the data on a PVC: volumeClaimTemplates"
    )
    assert.equal(
      remedy(made({}), "data-in-no-volume"),
      "if they store data, store it on a PVC: volumeClaimTemplates"
    )
  })

  it("what keeps nothing is not told to have members of a quorum", () => {
    const remedy = (replicas: number, image: string) =>
      findings(made({ image, spec: { replicas } }), "restart", "too-few-replicas")[0]?.remedy
    assert.equal(remedy(1, "memcached:1.6"), "if db can run more than once at a time, run 2 replicas")
    assert.equal(remedy(2, "nginx:1"), "if one pod of db is not enough, run 3 replicas")
    assert.equal(remedy(2, "postgres:17"), "if db replicates its data, run 3 replicas (ask its owner)")
  })

  it("a claim that no container mounts holds none of it", () => {
    const state = made({ image: "neo4j:5", templates: ["data"] })
    assert.deepEqual(answers(state, "data-in-no-volume"), no)
    const [said] = findings(state, "restart", "data-in-no-volume")
    assert.equal(
      said?.evidence,
      "main runs Neo4j, and no container mounts data: its data is lost with the pod"
    )
    assert.equal(said?.remedy, "mount data where Neo4j stores its data")
    assert.deepEqual(answers(made({ templates: ["data"] }), "data-in-no-volume"), unknown)
    const mounted = (of: AppState) => of.claims.map((one) => one.mounted)
    assert.deepEqual(mounted(state), [false, false, false])
    const readOnly = [{ ...at("/data"), readOnly: true }]
    for (const mounts of [[at("/data")], readOnly])
      assert.deepEqual(mounted(made({ mounts, templates: ["data"] })), [true, true, true])
  })

  const above = (image: string, mountPath: string, container: Json = {}) =>
    answers(made({ image, mounts: [at(mountPath)], templates: ["data"], container }), "data-in-image-volume")

  it("a claim above the volume that an image declares has none of the data", () => {
    for (const [image, path] of [
      ["postgres:12.2", "/var/lib/postgresql"],
      ["docker.io/library/postgres:16-alpine", "/var/lib/postgresql/"],
      ["postgis/postgis:16-3.4", "/var/lib/postgresql"],
      ["pgvector/pgvector:pg17", "/var/lib/postgresql"],
      ["timescale/timescaledb:2.14.2-pg15", "/var/lib"],
      ["mirror.gcr.io/library/mysql:8", "/var/lib"],
      ["mongo:7", "/data"],
      ["ghost:5", "/var/lib/ghost"],
      ["nextcloud:29-apache", "/var/www"]
    ] as const)
      assert.deepEqual(above(image, path), no, image)
    const sub = [{ ...at("/var/lib/postgresql"), subPath: "pg" }]
    assert.deepEqual(
      answers(made({ image: "postgres:16", mounts: sub, templates: ["data"] }), "data-in-image-volume"),
      no
    )
  })

  it("a claim has the data if it is mounted at or below that volume, or the data is elsewhere on it", () => {
    for (const [image, path] of [
      ["postgres:12.2", "/var/lib/postgresql/data"],
      ["postgres:12.2", "/var/lib/postgresql/data/pgdata"],
      ["postgres:18", "/var/lib/postgresql"],
      // What these are by now, and what others build, is not known.
      ["postgres", "/var/lib/postgresql"],
      ["postgres:alpine", "/var/lib/postgresql"],
      ["example/postgres:12", "/var/lib/postgresql"],
      ["postgis/postgis:18-3.6", "/var/lib/postgresql"],
      ["bitnami/mongodb:7", "/bitnami"]
    ] as const)
      assert.deepEqual(above(image, path), silent, `${image} ${path}`)
    const elsewhere = { env: [{ name: "PGDATA", value: "/var/lib/postgresql/pgdata" }] }
    assert.deepEqual(above("postgres:12.2", "/var/lib/postgresql", elsewhere), silent)
    assert.deepEqual(above("mongo:7", "/data", { args: ["--dbpath=/data/mongo"] }), silent)
    const below = { env: [{ name: "PGDATA", value: "/var/lib/postgresql/data/pgdata" }] }
    assert.deepEqual(above("postgres:12.2", "/var/lib/postgresql", below), no)
    const both = [at("/var/lib/postgresql"), { ...at("/var/lib/postgresql/data"), subPath: "data" }]
    const state = made({ image: "postgres:12.2", mounts: both, templates: ["data"] })
    assert.deepEqual(answers(state, "data-in-image-volume"), silent)
  })

  it("what names the directory unread leaves it unknown whether data is in the image's volume", () => {
    for (const container of [
      { envFrom: [{ configMapRef: { name: "db" } }] },
      { env: [{ name: "PGDATA", valueFrom: { configMapKeyRef: { name: "db", key: "dir" } } }] },
      { args: ["-c", "config_file=/etc/postgresql/postgresql.conf"] }
    ])
      assert.deepEqual(above("postgres:12.2", "/var/lib/postgresql", container), unknown)
  })

  it("the data is to be copied before a mount is changed", () => {
    const state = made({ image: "postgres:12.2", mounts: [at("/var/lib/postgresql")], templates: ["data"] })
    assert.equal(
      findings(state, "restart", "data-in-image-volume")[0]?.remedy,
      "copy the data out of the running pod first, as a restart loses it, then mount the claim at /var/lib/postgresql/data, not above it"
    )
  })

  it("Vault in its development mode holds all in memory", () => {
    for (const container of [
      { args: ["server", "-dev"] },
      { command: ["sh", "-c", "exec vault server -dev"] }
    ])
      assert.deepEqual(answers(made({ image: "hashicorp/vault:1", container }), "data-in-no-volume"), no)
    const other = { args: ["server", "-config=/vault/config", "-development"] }
    assert.deepEqual(
      answers(made({ image: "hashicorp/vault:1", container: other }), "data-in-no-volume"),
      unknown
    )
  })

  it("a claim under /run holds a database's data: nobody claims a volume for sockets", () => {
    const kept = (path: string) =>
      answers(
        made({ image: "quay.io/coreos/etcd:v3", mounts: [at(path)], templates: ["data"] }),
        "data-in-no-volume"
      )
    for (const path of ["/var/run/etcd", "/run/etcd/default.etcd"]) assert.deepEqual(kept(path), silent, path)
    for (const path of ["/run", "/var/log/etcd", "/tmp"]) assert.deepEqual(kept(path), no, path)
  })

  it("an image that is not known, without any volume, is neither yes nor no", () => {
    const state = made({})
    assert.deepEqual(answers(state, "data-in-no-volume"), unknown)
    assert.notInclude(
      answer(state).map((one) => one.answer),
      "Yes"
    )
  })

  it("a proxy, a router or a watcher of a database keeps nothing, nor does what cannot write", () => {
    for (const one of [
      { image: "nginx:1" },
      { image: "mongo:7", container: { command: ["mongos", "--configdb", "x"] } },
      { image: "redis:7", container: { args: ["redis-server", "/etc/s.conf", "--sentinel"] } },
      { image: "postgres:17", container: { command: ["/usr/bin/psql"] } },
      { image: "prom/mysqld-exporter" },
      { container: { securityContext: { readOnlyRootFilesystem: true } } }
    ]) {
      assert.deepEqual(answers(made(one), "data-in-no-volume"), silent, JSON.stringify(one))
    }
  })

  it("what a database's image runs that keeps nothing has no data, on an emptyDir either", () => {
    const env = (...pairs: ReadonlyArray<readonly [string, string]>) => ({
      env: pairs.map(([name, value]) => (value === "" ? { name } : { name, value }))
    })
    const [es, kafka, vault] = ["elasticsearch:8.1.0", "apache/kafka:3.9.0", "hashicorp/vault:1.17"]
    const found = (image: string, container: Json) => [
      ...answers(made({ image, container }), "data-in-no-volume"),
      ...answers(
        made({ image, container, mounts: [at("/opt/store/data")], pod: emptyDir("data") }),
        "data-in-empty-dir"
      )
    ]
    for (const [image, container] of [
      [es, env(["node.data", "false"], ["node.master", "false"])],
      [es, env(["node.roles", ""])],
      [es, env(["node.roles", "ingest,remote_cluster_client"])],
      [kafka, { command: ["/opt/kafka/bin/connect-distributed.sh", "/etc/c"] }],
      [kafka, { command: ["sh", "-c", "exec bin/connect-mirror-maker.sh mm2.properties"] }],
      [vault, { args: ["agent", "-config=/etc/vault/agent.hcl"] }]
    ] as const)
      assert.deepEqual(found(image, container), [...silent, ...silent], JSON.stringify(container))
    for (const [image, container] of [
      [es, env(["node.data", "false"], ["node.master", "true"])],
      [es, env(["node.roles", "master"])],
      [kafka, { command: ["/opt/kafka/bin/kafka-server-start.sh", "/etc/k"] }]
    ] as const)
      assert.deepEqual(found(image, container), [...no, ...no], JSON.stringify(container))
  })

  it("a client beside the database that keeps its data is no database", () => {
    const containers = [
      { name: "db", image: "postgres:17", volumeMounts: [at("/var/lib/postgresql/data")] },
      { name: "dump", image: "postgres:17" }
    ]
    const state = made({ templates: ["data"], pod: { containers } })
    assert.deepEqual(answers(state, "data-in-no-volume"), silent)
  })

  it("a watcher beside the database whose data is on an emptyDir is told no second time", () => {
    const containers = [
      { name: "redis", image: "redis:7", volumeMounts: [at("/data")] },
      { name: "sentinel", image: "redis:7", volumeMounts: [at("/data")] },
      { name: "split-brain-fix", image: "redis:7", command: ["sh"] }
    ]
    const state = made({ pod: { containers, ...emptyDir("data") } })
    assert.deepEqual(answers(state, "data-in-no-volume"), silent)
    assert.deepEqual(answers(state, "data-in-empty-dir"), no)
  })

  it("data on an emptyDir goes to no other cluster either", () => {
    const state = made({ mounts: [at("/home/postgres/pgdata")], pod: emptyDir("data") })
    assert.deepEqual(answers(state, "data-in-empty-dir"), no)
    assert.deepEqual(answers(state, "needs-on-target"), silent)
    assert.deepEqual(answers(state, "one-cut"), silent)
  })

  it("a claim for logs keeps no data that is on an emptyDir beside it", () => {
    for (const [image, path] of [
      ["postgres:17", "/var/lib/postgresql"],
      ["example/db:1", "/data/db"],
      ["mysql:8", "/somewhere"]
    ] as const) {
      const mounts = [at(path, "hot"), at("/var/log/db", "logs")]
      const state = made({ image, mounts, templates: ["logs"], pod: emptyDir("hot") })
      assert.deepEqual(answers(state, "data-in-empty-dir"), no, path)
    }
  })

  it("a write-ahead log on an emptyDir is data, although its files are on a claim", () => {
    const mounts = [at("/var/lib/postgresql/data"), at("/wal", "wal")]
    const state = made({ image: "postgres:17", mounts, templates: ["data"], pod: emptyDir("wal") })
    assert.deepEqual(answers(state, "data-in-empty-dir"), no)
  })

  it("configuration, programs, sockets, caches and homes on an emptyDir are no data, with a claim or without", () => {
    const paths = [
      "/etc/postgresql",
      "/opt/bitnami/redis/etc",
      "/usr/share/elasticsearch/config",
      "/usr/share/elasticsearch/plugins",
      "/var/run/postgresql",
      "/run",
      "/dev/shm",
      "/tmp",
      "/var/cache/db",
      "/var/log/db",
      "/root",
      "/home/vault",
      "/.mongodb",
      "/docker-entrypoint-initdb.d",
      "/certs",
      "/transcode",
      "/config/transcodes",
      "/scratch",
      "/spill",
      "/nginx_cache",
      "/opt/app/tmpdir",
      "/heapdumps",
      "/var/core-dumps"
    ]
    for (const path of paths) {
      const beside = { mounts: [at("/data"), at(path, "more")], templates: ["data"], pod: emptyDir("more") }
      assert.deepEqual(answers(made(beside), "data-in-empty-dir"), silent, path)
      const alone = { image: "nginx:1", mounts: [at(path, "more")], pod: emptyDir("more") }
      assert.deepEqual(answers(made(alone), "data-in-empty-dir"), silent, path)
    }
  })

  it("what an init container has rendered is no data, but a directory of data that it made ready is", () => {
    const init = (path: string) => ({
      initContainers: [{ name: "init", image: "busybox", volumeMounts: [at(path, "out")] }],
      ...emptyDir("out")
    })
    assert.deepEqual(
      answers(made({ mounts: [at("/opt/app", "out")], pod: init("/work") }), "data-in-empty-dir"),
      silent
    )
    assert.deepEqual(
      answers(made({ mounts: [at("/var/lib/db", "out")], pod: init("/var/lib/db") }), "data-in-empty-dir"),
      no
    )
  })

  it("where neither path nor image tells, it is unknown", () => {
    assert.deepEqual(
      answers(made({ mounts: [at("/work")], pod: emptyDir("data") }), "data-in-empty-dir"),
      unknown
    )
  })

  it("a program's own directory in a home may be data, unless it is known for settings or a cache", () => {
    const said = (path: string) =>
      answers(made({ mounts: [at(path)], pod: emptyDir("data") }), "data-in-empty-dir")[0]
    for (const path of ["/root/.ollama", "/home/node/.n8n", "/home/near/.near/chain"])
      assert.strictEqual(said(path), "Unknown", path)
    for (const path of ["/root/.cache/huggingface", "/root/.config", "/home/git/.ssh", "/root/.npm"])
      assert.strictEqual(said(path), "", path)
    const chain = made({ mounts: [at("/root/.ethereum/chaindata")], pod: emptyDir("data") })
    assert.strictEqual(answers(chain, "data-in-empty-dir")[0], "No")
  })

  it("another emptyDir beside the data's claim says nothing", () => {
    const mounts = [at("/var/lib/kafka/data-0"), at("/var/opt/kafka", "ready")]
    const state = made({ image: "strimzi/kafka:1", mounts, templates: ["data"], pod: emptyDir("ready") })
    assert.deepEqual(answers(state, "data-in-empty-dir"), silent)
  })
})
