/** Every verb in the situations in which it needs its permissions. */
import { reading } from "./reading.ts"
import { restorings } from "./restoring.ts"
import { scalings } from "./scaling.ts"
import type { Scenario } from "./scenario.ts"
import { snapshottings } from "./snapshotting.ts"

export const scenarios: ReadonlyArray<Scenario> = [...reading, ...scalings, ...snapshottings, ...restorings]
