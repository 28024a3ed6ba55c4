/**
 * Databases and similar stores, by their well-known image names.
 *
 * A name that is not known says nothing: its container may keep data or not.
 */
import { imageName } from "../ImageName.ts"
import type { ContainerSpec } from "../kind/Pod.ts"

/** Whole names: an exporter, an operator or a proxy of something is not that something. */
const stores: ReadonlyArray<readonly [store: string, name: RegExp]> = [
  [
    "PostgreSQL",
    /^(postgres|postgresql|postgresql-repmgr|postgis|pgvector|timescaledb|timescaledb-ha|spilo(-\d+)?|patroni|crunchy-postgres(-gis)?)$/
  ],
  ["MySQL", /^(mysql|mysql-server|percona|percona-server|percona-xtradb-cluster|mariadb|mariadb-galera)$/],
  ["MongoDB", /^(mongo|mongodb|mongodb-(community|enterprise)-server|percona-server-mongodb)$/],
  ["etcd", /^etcd$/],
  ["ZooKeeper", /^(zookeeper|cp-zookeeper)$/],
  ["Consul", /^(consul|consul-enterprise)$/],
  ["Vault", /^(vault|vault-enterprise|openbao)$/],
  ["Cassandra", /^(cassandra|scylla|scylla-enterprise|dse-server|cass-management-api)$/],
  ["CockroachDB", /^(cockroach|cockroachdb)$/],
  ["YugabyteDB", /^(yugabyte|yugabytedb)$/],
  ["TiKV", /^(tikv|pd)$/],
  ["ClickHouse", /^(clickhouse|clickhouse-server|clickhouse-keeper)$/],
  ["Elasticsearch", /^(elasticsearch|elasticsearch-oss|opensearch)$/],
  ["Kafka", /^(kafka|kafka-native|cp-kafka|cp-server|redpanda)$/],
  ["RabbitMQ", /^(rabbitmq|rabbitmq-server)$/],
  ["InfluxDB", /^(influxdb|influxdb2)$/],
  ["Neo4j", /^neo4j$/],
  ["CouchDB", /^couchdb$/],
  ["Couchbase", /^couchbase$/],
  ["ArangoDB", /^arangodb$/],
  ["Solr", /^solr$/],
  ["CrateDB", /^(crate|cratedb)$/],
  ["Meilisearch", /^meilisearch$/],
  ["Typesense", /^typesense$/],
  ["Qdrant", /^qdrant$/],
  ["Weaviate", /^weaviate$/],
  ["QuestDB", /^questdb$/],
  ["RethinkDB", /^rethinkdb$/],
  ["BookKeeper", /^bookkeeper$/],
  ["HDFS", /^hadoop-(namenode|datanode)$/],
  ["Jenkins", /^jenkins$/],
  ["Gitea", /^(gitea|forgejo)$/],
  ["GitLab", /^gitlab-(ce|ee)$/],
  ["Nexus", /^nexus3$/],
  ["Vaultwarden", /^vaultwarden$/],
  ["MinIO", /^minio$/],
  ["Prometheus", /^prometheus$/],
  ["Loki", /^loki$/],
  ["VictoriaMetrics", /^(vmstorage|victoria-metrics)$/],
  ["Redis", /^(redis|redis-cluster|redis-stack|redis-stack-server|valkey|valkey-cluster|keydb|dragonfly)$/],
  ["Hazelcast", /^hazelcast(-enterprise)?$/],
  ["Ignite", /^(ignite|gridgain)$/],
  ["NATS", /^nats(-server)?$/]
]

/** Stores whose data may be a cache, may be kept elsewhere, or whose image may run only a client. */
const mayForget: ReadonlySet<string> = new Set([
  "Consul",
  "Hazelcast",
  "Ignite",
  "Loki",
  "NATS",
  "Redis",
  "Vault"
])

/** True if only its owner knows whether such a store's data without a volume matters. */
export const isForgetful = (store: string): boolean => mayForget.has(store)

const ofImage = (image: string): string | null => {
  if (/mssql\/server(:|@|$)/.test(image)) return "SQL Server"
  const found = imageName(image).toLowerCase()
  return stores.find(([, known]) => known.test(found))?.[0] ?? null
}

/** The same image, started as what keeps nothing: a client, a router, a watcher. */
const keepsNothing = new Set(["mongos", "redis-sentinel", "sentinel", "--sentinel", "gateway", "grpc-proxy"])
const clients = /^(psql|pg_dump|pg_dumpall|mysql|mysqldump|mongosh|mongodump|etcdctl|redis-cli|cqlsh)$/

/** Programs of Kafka's image that keep what they know in Kafka's own topics. */
const ofKafka =
  /^(connect-distributed|connect-mirror-maker|kafka-mirror-maker|kafka_connect_run|kafka_mirror_maker_2_run|cruise_control_run)(\.sh)?$/

const rolesOf = /^(node\.roles|((elasticsearch|opensearch)_)?node_roles)$/i
const holders = /data|master|cluster_manager|voting/

/** A node of Elasticsearch that is neither master nor has data: it passes on what it is asked. */
const isCoordinating = ({ env }: ContainerSpec): boolean => {
  const plain = (env ?? []).filter(({ valueFrom }) => !valueFrom)
  const says = (name: RegExp) => plain.find((one) => name.test(one.name))
  const roles = says(rolesOf)
  return roles === undefined
    ? [/^node[._]data$/i, /^node[._]master$/i].every((name) => says(name)?.value === "false")
    : !holders.test(roles.value ?? "")
}

/** Vault's development mode holds all in memory, whatever its configuration says. */
const inMemory = /(^|\s)-dev(\s|$)/

const baseName = (word: string): string => word.slice(word.lastIndexOf("/") + 1)

/** The store that a container runs; `null` if none is known. */
export const storeOf = (container: ContainerSpec): string | null => {
  const { image, command, args, name } = container
  if (/sentinel|exporter|backup/i.test(name)) return null
  const words = [...(command ?? []), ...(args ?? [])]
  if (words.some((word) => keepsNothing.has(baseName(word))) || clients.test(baseName(words[0] ?? "")))
    return null
  const store = ofImage(image ?? "")
  // They may stand within the line of a shell.
  const started = words.flatMap((word) => word.split(/\s+/)).map(baseName)
  if (
    (store === "Kafka" && started.some((word) => ofKafka.test(word))) ||
    (store === "Vault" && started.some((word) => word === "agent" || word === "proxy")) ||
    (store === "Elasticsearch" && isCoordinating(container))
  )
    return null
  return store === "Vault" && words.some((word) => inMemory.test(word)) ? "Vault in memory" : store
}

/** Proxies, web servers and the like: what they write is scratch. */
const stateless =
  /^(nginx|nginx-unprivileged|httpd|haproxy|envoy|traefik|caddy|pause|pgbouncer|proxysql|argocd|kube-state-metrics|.*[-_]exporter|.*-proxy)$/

/** Caches: what they hold is a copy, and is fetched again. */
const caches = /^(memcached|varnish|squid|mcrouter|twemproxy|apt-cacher-ng)$/

/** An image of a store, whatever is started of it. */
const isOfStore = (image: string): boolean => ofImage(image) !== null

/** True if an image of a store runs as something else, or as a cache: then its writes are not data. */
export const isForgotten = ({
  image,
  store
}: {
  readonly image: string
  readonly store: string | null
}): boolean => store === null && (isOfStore(image) || caches.test(imageName(image).toLowerCase()))

/** A container of this image that runs no store is known to keep nothing of its own. */
export const isStateless = (image: string): boolean =>
  isForgotten({ image, store: null }) || stateless.test(imageName(image).toLowerCase())
