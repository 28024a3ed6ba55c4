/** The built-in profiles, each tested against the real server. */

import type { BuiltIn } from "./file.ts"
import { etcd } from "./etcd.ts"
import { mariadb } from "./mariadb.ts"
import { postgres, postgresRestore } from "./postgres.ts"
import { redis } from "./redis.ts"

/** By name: a profile is never chosen by an image's. */
export const builtIn: ReadonlyMap<string, BuiltIn> = new Map<string, BuiltIn>([
  ["etcd", etcd],
  ["mariadb", { description: "MariaDB: commits wait.", snapshot: mariadb }],
  ["postgres", { description: "PostgreSQL: no freeze.", snapshot: postgres, restore: postgresRestore }],
  ["redis", { description: "Redis: writes wait.", snapshot: redis }]
])
