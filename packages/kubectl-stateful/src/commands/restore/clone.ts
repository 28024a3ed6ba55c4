/** `restore --as` and `restore --release`: a copy of an application, and the end of its fence. */
import { operationId } from "../../command/operationId.ts"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as RestoreClone from "@kubectl-stateful/sdk/RestoreClone"
import * as RestoreRelease from "@kubectl-stateful/sdk/RestoreRelease"
import type { Restoring } from "@kubectl-stateful/sdk/Verify"
import type { InferredFlags } from "@oclif/core/interfaces"
import * as Effect from "effect/Effect"
import { carriedOut } from "../../command/operation.ts"
import type { Screen } from "../../command/screen.ts"
import { type cloneFlags, type copyFlags, copyOptions } from "../../flags/clone.ts"
import { given } from "../../flags/given.ts"
import type { restoreFlags } from "../../flags/restore.ts"
import { type dryRunFlag, type runFlags, timeouts, type yesFlag } from "../../flags/run.ts"

type Flags = InferredFlags<
  typeof restoreFlags &
    typeof cloneFlags &
    typeof copyFlags &
    typeof dryRunFlag &
    typeof yesFlag &
    typeof runFlags
>

/** Restores a snapshot as another application, or releases one that was. */
export const cloned = (screen: Screen, flags: Flags, snapshot: string | undefined, restoring: Restoring) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const options = {
      ...timeouts(flags),
      ...copyOptions(flags),
      ...restoring,
      allowEmpty: flags["allow-empty"]
    }
    const acting = { ...options }
    const what = "nothing was changed"
    if (flags.release !== undefined) {
      const plan = yield* RestoreRelease.prepare({ namespace, id: operationId(flags.release) })
      return yield* carriedOut(screen, flags, {
        plan,
        what,
        tried: (mode) => RestoreRelease.dryRun(plan, mode),
        run: (report) => RestoreRelease.run(plan, { ...acting, report })
      })
    }
    const place = given({ as: flags.as, toNamespace: flags["to-namespace"] })
    const plan = yield* RestoreClone.prepare({ namespace, name: snapshot ?? "" }, { ...options, ...place })
    return yield* carriedOut(screen, flags, {
      plan,
      what,
      tried: (mode) => RestoreClone.dryRun(plan, mode, options),
      run: (report) => RestoreClone.run(plan, { ...acting, report })
    })
  })
