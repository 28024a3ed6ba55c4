/** Printed by `restore`, `snapshot`, `snapshots`, `drill`, and discovery. */
import type { Remedy } from "./Remedy.ts"
import type { Unplayed } from "./table.ts"

export const remedies: ReadonlyArray<Remedy> = []

export const unplayed: ReadonlyArray<Unplayed> = []
