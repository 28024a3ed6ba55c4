/** The test bed for a benchmark: up, and known to this process as to the suites. */
import { bed } from "../cluster/suite/commands.ts"
import { enter } from "../cluster/suite/environment.ts"
import { ship } from "../shipped.ts"

export const environment = async (): Promise<void> => {
  bed("up")
  process.once("exit", ship())
  process.once("exit", await enter())
}
