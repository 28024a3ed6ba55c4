/** Suggests a built-in profile from an image's name: a hint for the user, never a choice. */
import { builtIn } from "./builtIn.ts"
import { imageName } from "../ImageName.ts"

/** The last part of an image's name, whole: an exporter of something is not that something. */
const likely: ReadonlyArray<readonly [profile: string, name: RegExp]> = [
  ["etcd", /^etcd$/],
  ["mariadb", /^mariadb(-galera)?$/],
  ["postgres", /^(postgres|postgresql|postgis|pgvector|timescaledb|timescaledb-ha|spilo-\d+)$/],
  ["redis", /^(redis|redis-stack-server|valkey)$/]
]

/** The profiles that these images look like, each once. */
export const hintsFor = (images: ReadonlyArray<string>): ReadonlyArray<string> =>
  likely.flatMap(([profile, name]) =>
    builtIn.has(profile) && images.some((image) => name.test(imageName(image))) ? [profile] : []
  )
