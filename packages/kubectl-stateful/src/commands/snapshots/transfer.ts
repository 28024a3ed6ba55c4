/** `snapshots export` and `import`: a snapshot's record as an encrypted file, and back. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { allowed } from "@kubectl-stateful/sdk/Operation"
import * as Transfer from "@kubectl-stateful/sdk/SnapshotTransfer"
import * as Effect from "effect/Effect"
import { writeNew } from "../../command/newFile.ts"
import { agreed, rehearsed, shown } from "../../command/operation.ts"
import type { Screen } from "../../command/screen.ts"
import { Usage } from "../../command/usage.ts"
import { timeouts } from "../../flags/run.ts"
import { codeOf, openWith, readBytes, sealFor } from "../../flags/seal.ts"
import type { SetFlags } from "../../flags/snapshots.ts"
import { ended, visible } from "../../print/terminal.ts"

const write = async (path: string, bytes: Uint8Array): Promise<void> => {
  try {
    await writeNew(path, bytes)
  } catch (error) {
    throw new Usage(`cannot write ${path}: ${codeOf(error)}`, "choose another name with --file")
  }
}

/** Fails as the promise does, with its error as a message. */
const told = <A>(promise: () => Promise<A>): Effect.Effect<A, Usage> =>
  Effect.tryPromise({
    try: promise,
    catch: (error) => (error instanceof Usage ? error : new Usage(codeOf(error), "check the file"))
  })

export const exportSet = (screen: Screen, name: string, flags: SetFlags) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const key = yield* told(() => sealFor(flags))
    const bytes = yield* Transfer.exportSet({ namespace, name }, key)
    const path = flags.file ?? `${name}.age`
    yield* told(() => write(path, bytes))
    screen.out(ended([visible(`snapshot/${name} exported to ${path}`)]))
  })

export const importSet = (screen: Screen, path: string, flags: SetFlags) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const { yes, output, "dry-run": mode } = flags
    const options = { ...timeouts(flags), trustHandles: flags["trust-handles"] }
    const key = yield* told(() => openWith(flags))
    const file = yield* told(() => readBytes(path, Transfer.largestFile, "file"))
    const prepared = yield* Transfer.prepareImport(namespace, file, key, options)
    if (mode !== "none") {
      const tried = yield* Transfer.dryRun(prepared.plan, mode)
      yield* rehearsed(screen, { plan: tried, mode, output })
      return
    }
    yield* allowed(prepared.plan)
    yield* agreed(screen, { plans: [prepared.plan], yes, what: "nothing was imported" })
    yield* shown(screen, output, (report) => Transfer.run(prepared, { ...options, report }))
  })
