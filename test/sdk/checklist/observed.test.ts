/** Answers about objects as people write them: from the lists of the API to what is printed. */
import { assert, describe, it } from "vitest"
import { answer, type Question } from "../../../packages/sdk/src/Checklist.ts"
import type { AppState } from "../../../packages/sdk/src/state/AppState.ts"
import type { Observation } from "../../../packages/sdk/src/state/observation.ts"
import { claim, type Json, node, object, pod, service, stateOf, statefulSet, volume } from "../objects.ts"

const questions = ["restart", "snapshot", "move", "restore"] as const

const findings = (state: AppState, question: Question, rule: string) =>
  (answer(state).find((one) => one.question === question)?.findings ?? []).filter((one) => one.rule === rule)

/** What a rule answers to each of the four questions that it is asked for. */
const answers = (state: AppState, rule: string): ReadonlyArray<string> =>
  questions.map((question) => findings(state, question, rule)[0]?.answer ?? "")

interface Mount {
  readonly name: string
  readonly mountPath: string
  readonly readOnly?: boolean
  readonly subPath?: string
}

interface Made {
  readonly image?: string
  readonly mounts?: ReadonlyArray<Mount>
  readonly container?: Json
  readonly pod?: Json
  readonly templates?: ReadonlyArray<string>
  readonly spec?: Json
}

/** The StatefulSet db with one container, and claims of the templates that are named. */
const made = (one: Made, more: Observation["lists"] = {}): AppState => {
  const templates = one.templates ?? []
  const set = statefulSet({
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: "main",
              image: one.image ?? "example/db:1",
              volumeMounts: one.mounts ?? [],
              ...one.container
            }
          ],
          ...one.pod
        }
      },
      volumeClaimTemplates: templates.map((name) => ({
        metadata: { name },
        spec: { storageClassName: "shared" }
      })),
      ...one.spec
    }
  })
  const names = [0, 1, 2].flatMap((ordinal) => templates.map((name) => `${name}-db-${ordinal}`))
  return stateOf({
    statefulsets: [set],
    pods: [0, 1, 2].map((ordinal) => {
      const volumes = templates.map((name) => ({
        name,
        persistentVolumeClaim: { claimName: `${name}-db-${ordinal}` }
      }))
      return pod(ordinal, { spec: { volumes } })
    }),
    persistentvolumeclaims: names.map((name) => claim(name)),
    persistentvolumes: names.map((name) => volume(name)),
    ...more
  })
}

const emptyDir = (...names: ReadonlyArray<string>) => ({
  volumes: names.map((name) => ({ name, emptyDir: {} }))
})
const at = (mountPath: string, name = "data"): Mount => ({ name, mountPath })

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

describe("fsGroup is held against those that refuse what it does", () => {
  const grouped = (image: string, path = "/data") =>
    answers(
      made({ image, mounts: [at(path)], templates: ["data"], pod: { securityContext: { fsGroup: 1000 } } }),
      "fs-group-at-each-mount"
    )

  it("PostgreSQL, and RabbitMQ where the volume holds its cookie, and nobody else", () => {
    assert.deepEqual(grouped("ghcr.io/zalando/spilo-17:4"), ["No", "", "", "No"])
    assert.deepEqual(grouped("rabbitmq:4", "/var/lib/rabbitmq"), ["No", "", "", "No"])
    assert.deepEqual(grouped("rabbitmq:4", "/var/lib/rabbitmq/mnesia/"), ["", "", "", ""])
    for (const image of ["zookeeper:3.9", "hashicorp/consul", "prom/prometheus", "redis:7", "example/db:1"])
      assert.deepEqual(grouped(image), ["", "", "", ""], image)
  })

  it("not an image that takes the group's rights back at each start", () => {
    assert.deepEqual(grouped("docker.io/bitnami/postgresql:17"), ["", "", "", ""])
    assert.deepEqual(grouped("bitnamilegacy/postgresql-repmgr:17"), ["", "", "", ""])
    assert.deepEqual(grouped("example/postgresql:17"), ["No", "", "", "No"])
  })
})

describe("what a new pod cannot be without, and is not there", () => {
  const well = { mounts: [at("/data")], templates: ["data"] }
  const missing = (state: AppState) =>
    questions.map((question) => findings(state, question, "reference-missing")[0]?.evidence ?? "")

  it("a ServiceAccount is told in restart, move and restore, with the command that makes it", () => {
    const state = made({ ...well, pod: { serviceAccountName: "ledgerd" } })
    const said = "ServiceAccount ledgerd not found: no new pod can be created"
    assert.deepEqual(missing(state), [said, "", said, said])
    const [first] = findings(state, "restart", "reference-missing")
    assert.deepEqual([first?.answer, first?.remedy], ["No", "kubectl create serviceaccount ledgerd -n shop"])
  })

  it("not one that is there, nor the account that each namespace has", () => {
    const account = { serviceaccounts: [object("ledgerd")] }
    assert.deepEqual(missing(made({ ...well, pod: { serviceAccountName: "ledgerd" } }, account)), [
      "",
      "",
      "",
      ""
    ])
    assert.deepEqual(missing(made(well)), ["", "", "", ""])
  })

  it("not what only a pod of an older revision names: the next one is made of the template", () => {
    const envFrom = [{ secretRef: { name: "gone" } }]
    const named = (revision: string) =>
      stateOf({
        statefulsets: [statefulSet()],
        pods: [
          pod(0, {
            metadata: { labels: { "controller-revision-hash": revision } },
            spec: { containers: [{ name: "postgres", envFrom }] }
          })
        ],
        persistentvolumeclaims: [claim("data-db-0")],
        secrets: []
      })
    assert.deepEqual(missing(named("db-0")), ["", "", "", ""])
    const said = "Secret gone not found: new pods cannot start"
    assert.deepEqual(missing(named("db-1")), [said, "", said, said])
  })

  it("one that could not be read is unknown, not missing", () => {
    const refused = { resource: "serviceaccounts", reason: "Forbidden", message: "No" }
    const state = made({ ...well, pod: { serviceAccountName: "ledgerd" } }, { serviceaccounts: refused })
    assert.deepEqual(missing(state), ["", "", "", ""])
    for (const question of ["restart", "move", "restore"] as const) {
      assert.include(
        findings(state, question, "facts-unreadable").map((one) => one.evidence),
        "cannot read serviceaccounts (Forbidden): cannot tell whether any is missing"
      )
    }
  })

  it("a priority class, a runtime class, a claim, a provider and a bundle likewise", () => {
    const csi = { driver: "secrets-store.csi.k8s.io", volumeAttributes: { secretProviderClass: "keys" } }
    const volumes = [
      { name: "old", persistentVolumeClaim: { claimName: "archive" } },
      { name: "keys", csi },
      { name: "ca", projected: { sources: [{ clusterTrustBundle: { name: "roots", path: "ca.pem" } }] } },
      {
        name: "ca2",
        projected: { sources: [{ clusterTrustBundle: { name: "o", path: "b", optional: true } }] }
      }
    ]
    const state = made(
      { ...well, pod: { priorityClassName: "high", runtimeClassName: "gvisor", volumes } },
      { priorityclasses: [], runtimeclasses: [], secretproviderclasses: [], clustertrustbundles: [] }
    )
    assert.deepEqual(
      findings(state, "restart", "reference-missing").map((one) => one.evidence),
      [
        "ClusterTrustBundle roots not found: new pods cannot start",
        "PersistentVolumeClaim archive not found: new pods cannot start",
        "PriorityClass high not found: no new pod can be created",
        "RuntimeClass gvisor not found: no new pod can be created",
        "SecretProviderClass keys not found: new pods cannot start"
      ]
    )
  })

  it("a move names the classes that are the cluster's, and none that every cluster has", () => {
    const named = (name: string) => ({ metadata: { name } })
    const needs = (priorityClassName: string) =>
      findings(
        made(
          { ...well, pod: { priorityClassName, runtimeClassName: "gvisor" } },
          {
            priorityclasses: [named("high")],
            runtimeclasses: [named("gvisor")],
            storageclasses: [{ ...named("shared"), provisioner: "csi.example.com" }]
          }
        ),
        "move",
        "needs-on-target"
      ).map((one) => one.evidence)
    assert.deepEqual(needs("high"), [
      "to a cluster with StorageClass shared, driver csi.example.com and PriorityClass high",
      "and with RuntimeClass gvisor"
    ])
    assert.deepEqual(needs("system-node-critical"), [
      "to a cluster with StorageClass shared, driver csi.example.com and RuntimeClass gvisor"
    ])
  })

  it("a storage class is the first line under what waits for it", () => {
    const pending = { spec: { volumeName: null, storageClassName: "standard" }, status: { phase: "Pending" } }
    const state = made(well, {
      persistentvolumeclaims: [0, 1, 2].map((ordinal) => claim(`data-db-${ordinal}`, pending)),
      pods: [0, 1, 2].map((ordinal) =>
        pod(ordinal, { spec: { nodeName: null }, status: { phase: "Pending", conditions: [] } })
      ),
      storageclasses: [{ metadata: { name: "shared" }, provisioner: "csi.example.com" }]
    })
    for (const question of ["restart", "snapshot", "restore"] as const) {
      const all = answer(state).find((one) => one.question === question)?.findings ?? []
      const said =
        "StorageClass standard not found: data-db-0, data-db-1 and data-db-2 need volumes created manually"
      assert.include(
        all.map((one) => one.evidence),
        said
      )
      assert.notInclude(
        all.map((one) => one.rule),
        "claim-not-bound"
      )
      if (question === "restart") assert.equal(all[0]?.evidence, said)
    }
  })

  it("claims without a class wait for a default one that is not there, and not for one that is", () => {
    const pending = { spec: { volumeName: null, storageClassName: null }, status: { phase: "Pending" } }
    const waiting = (annotations: Json) =>
      findings(
        made(
          { ...well, spec: { replicas: 1 } },
          {
            persistentvolumeclaims: [claim("data-db-0", pending)],
            pods: [pod(0)],
            storageclasses: [{ metadata: { name: "any", annotations }, provisioner: "a.example" }]
          }
        ),
        "restart",
        "storage-class-missing"
      )[0]?.evidence
    assert.equal(waiting({}), "there is no default StorageClass: data-db-0 needs a volume created manually")
    assert.isUndefined(waiting({ "storageclass.kubernetes.io/is-default-class": "true" }))
  })
})

describe("what is asked of a move changes nothing here", () => {
  const remedies = (state: AppState) =>
    (answer(state).find((one) => one.question === "move")?.findings ?? []).map((one) => one.remedy ?? "")

  it("a pod that is on a node by its name may have its data there, and members know each other by nodes", () => {
    const tied = {
      nodeSelector: { "kubernetes.io/hostname": "node-a" },
      hostNetwork: true,
      volumes: [{ name: "data", hostPath: { path: "/srv/db" } }]
    }
    const told = remedies(made({ mounts: [at("/data")], pod: tied }))
    assert.include(told, "remove kubernetes.io/hostname from the manifest for the other cluster")
    assert.deepEqual(
      told.filter((one) => one.includes("kubectl patch")),
      []
    )
  })
})

describe("a replica has another node to start on only where the others leave it one", () => {
  const well = { mounts: [at("/data")], templates: ["data"] }
  const told = (podSpec: Json, more: Observation["lists"] = {}) =>
    findings(made({ ...well, pod: podSpec }, more), "restart", "no-other-node").map((one) => one.evidence)
  const apart = (topologyKey: string, app = "db") => ({
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey, labelSelector: { matchLabels: { app } } }
        ]
      }
    }
  })
  const spread = (topologyKey: string, rest: Json = {}) => ({
    topologySpreadConstraints: [
      {
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: { app: "db" } },
        ...rest
      }
    ]
  })
  const more = (...changes: ReadonlyArray<Json>) => ({
    nodes: [
      ...["a", "b", "c"].map((letter) => node(letter)),
      ...changes.map((change, index) =>
        node(`x${index}`, { ...change, metadata: { labels: { "topology.kubernetes.io/zone": "a" } } })
      )
    ]
  })
  const none = (what: string) => [`no other usable node can run db-0, db-1 and db-2: ${what} them apart`]

  it("anti-affinity over nodes, forbidding spread and host ports each take as many nodes as replicas", () => {
    assert.deepEqual(told(apart("kubernetes.io/hostname")), none("anti-affinity keeps"))
    assert.deepEqual(told(spread("kubernetes.io/hostname")), none("spread constraints keep"))
    const ports = { ports: [{ containerPort: 9000, hostPort: 19000 }] }
    const container = { name: "main", image: "example/db:1", volumeMounts: well.mounts, ...ports }
    assert.deepEqual(told({ containers: [container] }), none("host ports keep"))
    const onHost = { hostNetwork: true, containers: [{ ...container, ports: [{ containerPort: 9000 }] }] }
    assert.deepEqual(told(onHost), none("host ports keep"))
  })

  it("over zones too, where each zone has one node", () => {
    assert.deepEqual(told(apart("topology.kubernetes.io/zone")), none("anti-affinity keeps"))
    assert.deepEqual(told(spread("topology.kubernetes.io/zone")), none("spread constraints keep"))
  })

  it("one more node is enough for any of the three, and a cordoned one is not", () => {
    for (const rules of [apart("kubernetes.io/hostname"), spread("kubernetes.io/hostname", { maxSkew: 1 })]) {
      const cordoned = told(rules, more({ spec: { unschedulable: true } }))
      assert.deepEqual(cordoned.length, 1)
      assert.deepEqual(told(rules, more({})), [])
    }
  })

  it("a second node in a zone takes that zone's replica alone", () => {
    assert.deepEqual(told(apart("topology.kubernetes.io/zone"), more({})), [
      "no other usable node can run db-1 and db-2: anti-affinity keeps them apart"
    ])
  })

  it("rules about others, and such as only prefer, keep nothing apart", () => {
    assert.deepEqual(told(apart("kubernetes.io/hostname", "other")), [])
    assert.deepEqual(told(spread("kubernetes.io/hostname", { whenUnsatisfiable: "ScheduleAnyway" })), [])
    assert.deepEqual(
      told(spread("kubernetes.io/hostname", { labelSelector: { matchLabels: { app: "other" } } })),
      []
    )
    assert.deepEqual(told(spread("kubernetes.io/hostname", { maxSkew: 2 })), [])
    assert.deepEqual(told({}), [])
  })

  it("pods of others on the node that is left close it as well, by their rule or its own, unless they have ended", () => {
    const beside = (labels: Json, podSpec: Json, phase = "Running") => ({
      ...more({}),
      pods: [
        ...[0, 1, 2].map((ordinal) => pod(ordinal, { spec: { volumes: [] } })),
        {
          metadata: { name: "web-0", namespace: "shop", labels },
          spec: { nodeName: "node-x0", containers: [{ name: "main" }], ...podSpec },
          status: { phase }
        }
      ]
    })
    const wary = (app: string) => ({
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app } } }
      ]
    })
    const both = {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            ...wary("db").requiredDuringSchedulingIgnoredDuringExecution,
            ...wary("web").requiredDuringSchedulingIgnoredDuringExecution
          ]
        }
      }
    }
    const own = apart("kubernetes.io/hostname")
    const theirs = { affinity: { podAntiAffinity: wary("db") } }
    assert.deepEqual(told(both, beside({ app: "web" }, {})).length, 1)
    assert.deepEqual(told(own, beside({ app: "web" }, theirs)).length, 1)
    assert.deepEqual(told(own, beside({ app: "web" }, {})), [])
    assert.deepEqual(told(both, beside({ app: "web" }, {}, "Succeeded")), [])
  })

  it("rules about its own pods only where these are meant: by namespace, and without mismatchLabelKeys", () => {
    const term = (rest: Json) => ({
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            {
              topologyKey: "kubernetes.io/hostname",
              labelSelector: { matchExpressions: [{ key: "app", operator: "Exists" }] },
              ...rest
            }
          ]
        }
      }
    })
    for (const meant of [
      {},
      { matchLabelKeys: ["app"] },
      { mismatchLabelKeys: ["tenant"] },
      { namespaces: ["shop"] },
      { namespaceSelector: {} },
      { namespaces: ["other"], namespaceSelector: {} }
    ])
      assert.deepEqual(told(term(meant)), none("anti-affinity keeps"), JSON.stringify(meant))
    // One application a node: only pods whose label has another value are kept away.
    for (const others of [{ mismatchLabelKeys: ["app"] }, { namespaces: ["other"] }])
      assert.deepEqual(told(term(others)), [], JSON.stringify(others))
  })

  describe("a spread counts the places that its policies say", () => {
    const inZone = (zone: string, pool: string, rest: Json = {}) => ({
      ...rest,
      metadata: { labels: { "topology.kubernetes.io/zone": zone, pool } }
    })
    const closed = { spec: { taints: [{ key: "web", effect: "NoSchedule" }] } }
    /** Two pods in zone a and one in b, each zone with a node to spare; zone d is not for them. */
    const asked = (podSpec: Json, rest: Json = {}, d: Json = {}) =>
      told(
        { ...podSpec, ...spread("topology.kubernetes.io/zone", rest) },
        {
          nodes: [
            ...["a", "a2", "a3"].map((name) => node(name, inZone("a", "db"))),
            ...["b", "b2"].map((name) => node(name, inZone("b", "db"))),
            node("d", inZone("d", "web", d))
          ],
          pods: ["a", "b", "a2"].map((name, ordinal) =>
            pod(ordinal, {
              spec: {
                nodeName: `node-${name}`,
                volumes: [{ name: "data", persistentVolumeClaim: { claimName: `data-db-${ordinal}` } }]
              }
            })
          )
        }
      )
    const apartInA = ["no other usable node can run db-0 and db-2: spread constraints keep them apart"]

    it("a node that the template does not ask for is none, but by nodeAffinityPolicy Ignore", () => {
      const terms = [{ matchExpressions: [{ key: "pool", operator: "In", values: ["db"] }] }]
      for (const wish of [
        { nodeSelector: { pool: "db" } },
        {
          affinity: {
            nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }
          }
        }
      ]) {
        assert.deepEqual(asked(wish), [])
        assert.deepEqual(asked(wish, { nodeAffinityPolicy: "Ignore" }), apartInA)
      }
    })

    it("one with a taint that is not tolerated is one, but by nodeTaintsPolicy Honor", () => {
      assert.deepEqual(asked({}, {}, closed), apartInA)
      assert.deepEqual(asked({}, { nodeTaintsPolicy: "Honor" }, closed), [])
    })

    it("with Honor the node that is lost is none either, nor what it alone was in", () => {
      const on = (rest: Json) =>
        told(spread("kubernetes.io/hostname", rest), {
          nodes: ["a", "b"].map((name) => node(name)),
          pods: ["a", "b", "a"].map((name, ordinal) =>
            pod(ordinal, {
              spec: {
                nodeName: `node-${name}`,
                volumes: [{ name: "data", persistentVolumeClaim: { claimName: `data-db-${ordinal}` } }]
              }
            })
          )
        })
      assert.deepEqual(on({}), ["no other usable node can run db-1: spread constraints keep them apart"])
      assert.deepEqual(on({ nodeTaintsPolicy: "Honor" }), [])
    })

    it("fewer than minDomains are as many as none is in", () => {
      const wish = { nodeSelector: { pool: "db" } }
      assert.deepEqual(asked(wish, { minDomains: 2 }), [])
      assert.deepEqual(asked(wish, { minDomains: 3 }), apartInA)
    })
  })

  it("a port of an init container that ends is nobody's while the pod runs, a side-car's is", () => {
    const init = (rest: Json) => ({
      initContainers: [
        { name: "first", image: "busybox", ports: [{ containerPort: 1, hostPort: 1 }], ...rest }
      ]
    })
    assert.deepEqual(told(init({})), [])
    assert.deepEqual(told(init({ restartPolicy: "Always" })), none("host ports keep"))
  })
})

describe("a governing Service is told as what it is", () => {
  const leader = (by: string | null) => ({
    services: [service({ spec: { clusterIP: "10.0.0.1", selector: null } })],
    endpointslices: [
      object("db-leader", {
        metadata: {
          labels: {
            "kubernetes.io/service-name": "db",
            ...(by === null ? {} : { "endpointslice.kubernetes.io/managed-by": by })
          }
        },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.0.0.9"] }]
      })
    ]
  })
  const rules = [
    "service-missing",
    "service-not-headless",
    "service-selects-others",
    "service-without-selector"
  ]
  const told = (changes: Observation["lists"]) =>
    rules.flatMap((rule) => findings(stateOf(changes), "restart", rule))

  it("without a selector it is left to whatever writes its endpoints", () => {
    for (const [by, words] of [
      ["leader.example.com", "leader.example.com"],
      ["endpointslicemirroring-controller.k8s.io", "an Endpoints object"],
      [null, "an Endpoints object"]
    ] as const) {
      const [one, ...others] = told(leader(by))
      assert.deepEqual(others, [])
      assert.deepEqual(
        [one?.rule, one?.answer, one?.evidence],
        [
          "service-without-selector",
          "Yes",
          `governing Service db has no selector: pods get no DNS names, ${words} sets its endpoints`
        ]
      )
      assert.isNull(one?.remedy)
    }
  })

  it("without a selector it gives no pod a name", () => {
    assert.deepEqual(
      stateOf(leader(null)).replicas.map((replica) => replica.pod?.fqdn),
      [null, null, null]
    )
    assert.equal(stateOf().replicas[0]?.pod?.fqdn, "db-0.db.shop.svc")
  })

  it("one that selects a role, which pods alone have, selects them", () => {
    const primary = (ordinal: number) =>
      pod(ordinal, ordinal === 0 ? { metadata: { labels: { role: "primary" } } } : {})
    assert.deepEqual(
      told({
        services: [service({ spec: { selector: { app: "db", role: "primary" } } })],
        pods: [0, 1, 2].map(primary)
      }),
      []
    )
  })

  it("none that has an address, or finds other pods, gets another selector by a command", () => {
    const others = (spec: Json, ready: boolean) => {
      const [found] = told({
        services: [service({ spec: { selector: { app: "proxy" }, ...spec } })],
        endpointslices: ready ? leader("endpointslice-controller.k8s.io").endpointslices : []
      }).filter((one) => one.rule === "service-selects-others")
      return found?.remedy ?? ""
    }
    assert.equal(others({}, false), "kubectl set selector service db app=db -n shop")
    assert.notMatch(others({}, true), /kubectl/)
    assert.notMatch(others({ clusterIP: "10.0.0.1" }, false), /kubectl/)
  })

  it("the address that clients have from outside is not made anew", () => {
    const [found] = told({ services: [service({ spec: { clusterIP: "10.0.0.1", type: "LoadBalancer" } })] })
    assert.deepEqual([found?.rule, found?.answer, found?.remedy], ["service-not-headless", "Yes", null])
  })
})

describe("a node that is gone", () => {
  it("is said to be gone, and gets no label", () => {
    const state = stateOf({ nodes: ["a", "c"].map((letter) => node(letter)) })
    const all = answer(state).flatMap((one) => one.findings)
    assert.include(
      all.map((one) => one.evidence),
      "node-b is gone from the cluster, and db-1 was on it"
    )
    assert.deepEqual(
      all.filter(({ remedy }) => /label node node-b|describe node node-b|uncordon node-b/.test(remedy ?? "")),
      []
    )
    assert.deepEqual(
      all.filter((one) => / share /.test(one.evidence)).map((one) => one.evidence),
      []
    )
  })
})

describe("a remedy for a selector that one node fits", () => {
  const remedy = (selector: Json, labels: Json) =>
    findings(
      made(
        { mounts: [at("/data")], templates: ["data"], pod: selector },
        { nodes: [node("a"), node("b", { metadata: { labels } }), node("c")] }
      ),
      "restart",
      "selector-fits-one-node"
    )[0]?.remedy
  const by = (key: string, value: string) => remedy({ nodeSelector: { [key]: value } }, { [key]: value })

  it("puts no label on a node that would be a lie about it", () => {
    assert.equal(by("topology.kubernetes.io/zone", "b"), "add a node in zone b")
    assert.equal(by("failure-domain.beta.kubernetes.io/region", "eu-1"), "add a node in region eu-1")
    for (const key of [
      "kubernetes.io/arch",
      "node.kubernetes.io/instance-type",
      "topology.ebs.csi.aws.com/zone",
      "cloud.google.com/gke-nodepool",
      "rack",
      "example.com/rack"
    ])
      assert.equal(by(key, "x"), `add a node with ${key}=x`)
    assert.equal(by("kubernetes.io/hostname", "node-b"), "select what the node has rather than its name")
  })

  it("is the same for an affinity", () => {
    const key = "topology.kubernetes.io/zone"
    const expression = { matchExpressions: [{ key, operator: "In", values: ["b"] }] }
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [expression] }
      }
    }
    assert.equal(remedy({ affinity }, {}), "add a node in zone b")
  })

  it("leaves a label that an administrator gives to whoever gives it", () => {
    assert.equal(by("disk", "ssd"), "label another node that qualifies, or relax the requirement")
  })
})

describe("remedies name volumes one by one", () => {
  it("whatever labels their claims carry", () => {
    const bare = [0, 1, 2].flatMap((ordinal) =>
      ["data", "wal"].map((name) => claim(`${name}-db-${ordinal}`, { metadata: { labels: null } }))
    )
    const [found] = findings(stateOf({ persistentvolumeclaims: bare }), "restore", "volumes-go-with-claims")
    assert.match(found?.remedy ?? "", /^kubectl patch pv pv-data-db-0 pv-wal-db-0 .*pv-wal-db-2 --type=merge/)
    for (const { findings: all } of answer(stateOf({ persistentvolumeclaims: bare })))
      for (const one of all) assert.notMatch(one.remedy ?? "", / -l |--selector=(?!app=db --max)/)
  })
})

describe("a budget of a role is its owner's", () => {
  const budget = (name: string, role: string | null, spec: Json, expectedPods: number) =>
    object(name, {
      spec: { selector: { matchLabels: { app: "db", ...(role === null ? {} : { role }) } }, ...spec },
      status: { expectedPods, desiredHealthy: 1, currentHealthy: expectedPods, disruptionsAllowed: 0 }
    })
  const pods = [0, 1, 2].map((ordinal) =>
    pod(ordinal, { metadata: { labels: { role: ordinal === 0 ? "master" : "replica" } } })
  )
  const told = (...poddisruptionbudgets: ReadonlyArray<Json>) =>
    (answer(stateOf({ pods, poddisruptionbudgets }))[0]?.findings ?? []).filter(({ rule }) =>
      rule.startsWith("budget")
    )

  it("no command loosens, doubles or deletes what keeps a leader", () => {
    const leader = budget("db", "master", { minAvailable: 1 }, 1)
    for (const all of [
      [leader],
      [leader, budget("db-all", null, { maxUnavailable: 1 }, 3)],
      [leader, budget("db-replicas", "replica", { maxUnavailable: 1 }, 2)]
    ]) {
      const found = told(...all)
      assert.isAbove(found.length, 0)
      for (const { remedy } of found) assert.notMatch(remedy ?? "", /kubectl/)
    }
  })

  it("is not counted over pods that it does not count", () => {
    assert.deepEqual(
      told(
        budget("db", "master", { minAvailable: 1 }, 1),
        budget("db-replicas", "replica", { maxUnavailable: 1 }, 2)
      ).map((one) => [one.rule, one.answer]),
      [["budget-blocks", "Unknown"]]
    )
  })

  it("is not told from one of all pods while the others are missing, and not changed then", () => {
    const leader = budget("db", "master", { minAvailable: 1 }, 1)
    const state = stateOf({ pods: pods.slice(0, 1), poddisruptionbudgets: [leader] })
    const remedies = (answer(state)[0]?.findings ?? [])
      .filter(({ rule }) => rule.startsWith("budget"))
      .map(({ remedy }) => remedy)
    assert.notMatch(remedies.join(), /kubectl/)
  })

  it("one over pods of others as well is not changed for this application's sake", () => {
    const [found] = told(budget("shared", null, { minAvailable: 9 }, 9))
    assert.equal(found?.remedy, "PodDisruptionBudget shared covers other pods too: create one for db only")
  })

  it("of two that count the same pods, the one that lets more go is spared", () => {
    const [found] = told(
      budget("loose", null, { maxUnavailable: 2 }, 3),
      budget("tight", null, { maxUnavailable: 1 }, 3)
    ).filter((one) => one.rule === "budgets-overlap")
    assert.equal(found?.remedy, "kubectl delete poddisruptionbudget loose -n shop")
  })

  it("pods that could not be read are not said to lack a budget", () => {
    const refused = { resource: "pods", reason: "Forbidden", message: "No" }
    const state = stateOf({
      pods: refused,
      poddisruptionbudgets: [budget("db", null, { maxUnavailable: 1 }, 3)]
    })
    assert.deepEqual(findings(state, "restart", "budget-missing"), [])
  })
})

describe("more replicas are no remedy for what may not replicate", () => {
  it("whoever owns the application is told what to ask, and no command is printed", () => {
    for (const replicas of [1, 2]) {
      const state = made({ mounts: [at("/data")], templates: ["data"], spec: { replicas } })
      const [found] = findings(state, "restart", "too-few-replicas")
      assert.equal(found?.remedy, "if db replicates its data, run 3 replicas (ask its owner)")
    }
  })
})
