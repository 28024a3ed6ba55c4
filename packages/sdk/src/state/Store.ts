/**
 * Databases and similar stores, by their well-known image names.
 *
 * A name that is not known says nothing: its container may keep data or not.
 */
import { imageName } from "../ImageName.ts"
import type { ContainerSpec } from "../kind/Pod.ts"
import type { PodContainer } from "../Topology.ts"
import { declaring, declaringBefore18, forgetting, keeping } from "./stores.ts"

const words = (text: string): ReadonlyArray<string> => text.split(" ").filter((word) => word !== "")

const rows = [...keeping, ...forgetting]

/** By whole names: an exporter, an operator or a proxy of something is not that something. */
const byImage: ReadonlyMap<string, string> = new Map(
  rows.flatMap(([store, images]) => words(images).map((image) => [image, store] as const))
)
const homesOf: ReadonlyMap<string, ReadonlyArray<string>> = new Map(
  rows.map(([store, , homes]) => [store, words(homes)])
)
const mayForget: ReadonlySet<string> = new Set(forgetting.map(([store]) => store))

/** True if only its owner knows whether such a store's data without a volume matters. */
export const isForgetful = (store: string): boolean => mayForget.has(store)

const ofImage = (image: string): string | null => {
  const name = imageName(image).toLowerCase()
  const owner = image.split("@")[0]?.split("/").at(-2)?.toLowerCase()
  // `spilo-17` has the version of what it runs in its name.
  return (
    [`${owner}/${name}`, name, name.replace(/-\d+$/, "")].flatMap((one) => byImage.get(one) ?? [])[0] ?? null
  )
}

/** Their images keep all that they keep there, whatever it is that they run. */
const inConfig = /(^|\/)(linuxserver|hotio|home-operations|onedr0p|binhex)\/[^/]+$/

interface Running {
  readonly image: string
  readonly store: string | null
}

const homesIn = ({ image, store }: Running): ReadonlyArray<string> =>
  store === null
    ? []
    : [...(homesOf.get(store) ?? []), ...(inConfig.test(image.split("@")[0] ?? "") ? ["/config"] : [])]

const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(`${directory}/`)

const bare = (path: string): string => path.replace(/(?<!\/)\/+$/, "")

/** What is mounted at this path has all of a directory in which the store keeps its data. */
export const holdsHome = (container: Running, path: string): boolean =>
  homesIn(container).some((home) => isWithin(home, bare(path)))

/** What is mounted at this path has such a directory, or a part of it. */
export const isInHome = (container: Running, path: string): boolean =>
  homesIn(container).some((home) => isWithin(home, bare(path)) || isWithin(bare(path), home))

/** `postgres` of any registry if it is official, and `owner/name` if it is not. */
const ownName = (image: string): string => {
  const parts = (image.split("@")[0] ?? "").toLowerCase().split("/")
  const name = imageName(image).toLowerCase()
  const owner = parts.at(-2) ?? "library"
  return owner === "library" || /[.:]|^localhost$/.test(owner) ? name : `${owner}/${name}`
}

/** The major version in a tag as `12.2`, `16-3.4`, `pg16` or `2.14.2-pg15`; `null` if it does not tell. */
const postgresOf = (image: string): number | null => {
  const tag = image.split("@")[0]?.split("/").at(-1)?.split(":")[1] ?? ""
  const [, major] = /(?:^|-)pg(\d+)/.exec(tag) ?? /^v?(\d+)/.exec(tag) ?? []
  return major === undefined ? null : Number(major)
}

const declaredBy = (image: string): ReadonlyArray<string> => {
  const name = ownName(image)
  const major = postgresOf(image)
  if (words(declaringBefore18.images).includes(name))
    return major !== null && major < 18 ? [declaringBefore18.volume] : []
  return declaring.flatMap(([images, volumes]) => (words(images).includes(name) ? words(volumes) : []))
}

/** Paths that the command or the environment names, in whatever words. */
const namedPaths = ({ args, command, env }: ContainerSpec): ReadonlyArray<string> =>
  [...(command ?? []), ...(args ?? []), ...(env ?? []).flatMap(({ value }) => value ?? [])].flatMap(
    (text) => text.match(/\/[^\s:=,;"']+/g) ?? []
  )

/** True if what is not read here may name the directory of the data: a file of its configuration, or an object. */
const isConfigured = ({ args, command, env, envFrom }: ContainerSpec): boolean =>
  (envFrom ?? []).length > 0 ||
  (env ?? []).some(({ name, valueFrom }) => valueFrom && /DATA|DIR|PATH|MNESIA|HOME/.test(name)) ||
  [...(command ?? []), ...(args ?? [])].some((word) => /\.(conf|cnf|ini|ya?ml)\b/.test(word))

/**
 * Volumes that the image declares below a lasting mount, with nothing mounted at or below them. Where the
 * command or the environment names another directory on that mount, as PGDATA does, the data is there.
 */
export const imageVolumesOf = (
  container: ContainerSpec,
  keeps: ReadonlyArray<string>
): PodContainer["imageVolumes"] => {
  const certain = !isConfigured(container)
  const mounted = (container.volumeMounts ?? []).map(({ mountPath }) => bare(mountPath))
  const volumes = declaredBy(container.image ?? "")
  const covering = volumes.filter((volume) => {
    const above = keeps.map(bare).find((path) => path !== volume && isWithin(volume, path))
    const isElsewhere = namedPaths(container)
      .map(bare)
      .some(
        (path) => above !== undefined && isWithin(path, above) && !volumes.some((one) => isWithin(path, one))
      )
    return above !== undefined && !isElsewhere && !mounted.some((path) => isWithin(path, volume))
  })
  return covering.map((path) => ({ path, certain }))
}

/** True if it keeps a path that no volume of its image is below. */
export const keepsApart = ({ imageVolumes, keeps }: PodContainer): boolean =>
  keeps.some((path) => !imageVolumes.some((volume) => volume.certain && isWithin(volume.path, bare(path))))

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

const servesWithout = (names: RegExp) => (started: ReadonlyArray<string>) =>
  started.some((word) => names.test(word))
const servesOnly = (names: RegExp) => (started: ReadonlyArray<string>) =>
  !started.some((word) => names.test(word))

/** Parts of a whole that ask its other parts for what they know. */
const asking =
  /^--?target=(distributor|querier|query-frontend|query-scheduler|overrides-exporter|read|tenant-federation)$/

/** By what else an image is started as, among words that may stand within the line of a shell. */
const asNone: Readonly<Record<string, (started: ReadonlyArray<string>) => boolean>> = {
  Kafka: servesWithout(ofKafka),
  Vault: servesWithout(/^(agent|proxy)$/),
  Pulsar: servesOnly(/^(bookie|zookeeper|standalone|configuration-store|global-zookeeper)$/),
  RocketMQ: servesWithout(/^mqnamesrv$/),
  SeaweedFS: servesOnly(/^(master|volume|filer|server|mini)$/),
  Thanos: servesWithout(/^(query|query-frontend|sidecar|tools)$/),
  Traefik: servesOnly(/^--certificatesresolvers\.[^=]+\.acme\.storage=/i),
  Cortex: servesWithout(asking),
  Loki: servesWithout(asking),
  Mimir: servesWithout(asking),
  Pyroscope: servesWithout(asking),
  Tempo: servesWithout(asking)
}

/** A filer's list of files may be in a database of its own, as its environment or a file of its configuration says. */
const isListElsewhere = ({ env, volumeMounts }: ContainerSpec): boolean =>
  (env ?? []).some(
    ({ name, value }) => /^WEED_(?!LEVELDB)[A-Z0-9]+_ENABLED$/.test(name) && value !== "false"
  ) || (volumeMounts ?? []).some(({ mountPath }) => bare(mountPath).startsWith("/etc/seaweedfs"))

const says = ({ env }: ContainerSpec, name: string): string | null =>
  (env ?? []).find((one) => one.name === name)?.value ?? null

/** What an image is by its environment alone: a gateway, or the end of a tunnel that has no peers of its own. */
const isNoneByEnv = (store: string, container: ContainerSpec): boolean =>
  (store === "Zeebe" && says(container, "ZEEBE_STANDALONE_GATEWAY") === "true") ||
  (store === "WireGuard" && says(container, "PEERS") === null) ||
  (store === "Elasticsearch" && isCoordinating(container))

/** What store a container runs; null: none that is known. */
export const storeOf = (container: ContainerSpec): string | null => {
  const { image, command, args, name } = container
  if (/sentinel|exporter|backup/i.test(name)) return null
  const given = [...(command ?? []), ...(args ?? [])]
  if (given.some((word) => keepsNothing.has(baseName(word))) || clients.test(baseName(given[0] ?? "")))
    return null
  const store = ofImage(image ?? "")
  if (store === null) return null
  const started = given
    .flatMap((word) => word.split(/\s+/))
    .map((word) => (word.startsWith("-") ? word : baseName(word)))
  if (asNone[store]?.(started) === true || isNoneByEnv(store, container)) return null
  if (store === "Vault" && given.some((word) => inMemory.test(word))) return "Vault in memory"
  return store === "SeaweedFS" && started.includes("filer") && isListElsewhere(container)
    ? "SeaweedFS filer"
    : store
}

/** Proxies, web servers and the like: what they write is scratch. */
const stateless =
  /^(nginx|nginx-unprivileged|httpd|haproxy|envoy|traefik|caddy|pause|pgbouncer|proxysql|argocd|kube-state-metrics|.*[-_]exporter|.*-proxy)$/

/** Caches: what they hold is a copy, and is fetched again. */
const caches = /^(memcached|varnish|squid|mcrouter|twemproxy|apt-cacher-ng)$/

/** An image of a store, whatever is started of it. */
const isOfStore = (image: string): boolean => ofImage(image) !== null

/** An image of a store that was started as none, or of a cache: what it writes is no data, wherever that is. */
export const isForgotten = ({ image, store }: Running): boolean =>
  store === null && (isOfStore(image) || caches.test(imageName(image).toLowerCase()))

/** A container of this image that runs no store is known to keep nothing of its own. */
export const isStateless = (image: string): boolean =>
  isForgotten({ image, store: null }) || stateless.test(imageName(image).toLowerCase())
