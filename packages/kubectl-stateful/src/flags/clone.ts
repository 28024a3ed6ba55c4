/** `restore --as` and `restore --release`, as flags and as what is run of them. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { allowed } from "@kubectl-stateful/sdk/Operation"
import * as RestoreClone from "@kubectl-stateful/sdk/RestoreClone"
import * as RestoreRelease from "@kubectl-stateful/sdk/RestoreRelease"
import type { Restoring } from "@kubectl-stateful/sdk/Verify"
import { boolean, string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import { confirmed } from "../command/confirm.ts"
import { planText } from "../print/plan.ts"
import { identity, shown, timeouts } from "../command/operation.ts"
import type { Screen } from "../command/screen.ts"
import { Usage } from "../command/usage.ts"

const fenceFlag = {
  "no-fence": boolean({ summary: "Let a copy reach its source, as where the network enforces no policies." })
}

/** What a copy may do. */
export const copyFlags = {
  ...fenceFlag,
  "allow-privileged": boolean({
    summary:
      "Allow pods that reach beyond themselves, as by a host path: of a copy, or of a pod template put back."
  })
}

export const cloneFlags = {
  as: string({
    summary: "Restore it as another application, beside the one that there is.",
    helpValue: "NAME"
  }),
  "to-namespace": string({ summary: "Restore it into another namespace.", helpValue: "NAME" }),
  release: string({
    summary: "Take away the fence of what this restore has made.",
    helpValue: "OPERATION"
  }),
  ...fenceFlag
}

/** To take up an operation that makes a copy: what it makes has to be named again. */
export const cloneConsentFlags = {
  clone: string({
    summary: "To take up an operation that makes a copy: the name of that.",
    helpValue: "NAME"
  }),
  "allow-namespace": string({
    summary: "To take up an operation that has to do with another namespace: that one.",
    helpValue: "NAME",
    multiple: true,
    multipleNonGreedy: true
  }),
  ...copyFlags
}

interface CopyFlags {
  readonly "no-fence": boolean
  readonly "allow-privileged": boolean
}

const copyOptions = (flags: CopyFlags) => ({
  noFence: flags["no-fence"],
  hostAccess: flags["allow-privileged"]
})

export const cloneConsentOptions = (
  flags: CopyFlags & {
    readonly clone?: string | undefined
    readonly "allow-namespace"?: ReadonlyArray<string> | undefined
  }
) => ({
  ...copyOptions(flags),
  allowPrivileged: flags["allow-privileged"],
  ...(flags.clone === undefined ? {} : { clone: flags.clone }),
  namespaces: flags["allow-namespace"] ?? []
})

interface CloneFlags extends CopyFlags {
  readonly as?: string | undefined
  readonly "to-namespace"?: string | undefined
  readonly release?: string | undefined
  readonly "allow-empty": boolean
  readonly "dry-run": "none" | "client" | "server"
  readonly yes: boolean
  readonly output?: string | undefined
  readonly timeout?: string | undefined
  readonly "step-timeout"?: string | undefined
}

/** Whether it is about a copy, and not about the application itself. */
export const isCloning = (flags: Pick<CloneFlags, "as" | "to-namespace" | "release">): boolean =>
  flags.as !== undefined || flags["to-namespace"] !== undefined || flags.release !== undefined

/** Flags that are about the application itself. */
const ofRestore = [
  "with-config",
  "only",
  "undo",
  "from-volume-snapshots",
  "volume-snapshot",
  "ordinal",
  "order",
  "force-conflicts"
]

/** The snapshot that is copied; undefined: a copy is released. Throws a Usage where too little or too much is said. */
export const copied = (
  snapshot: string | undefined,
  flags: Pick<CloneFlags, "as" | "to-namespace" | "release">
): string | undefined => {
  const isRelease = flags.release !== undefined
  const given = (name: string): boolean => {
    const value: unknown = Reflect.get(flags, name)
    return value !== undefined && value !== false
  }
  const other = [...ofRestore, ...(isRelease ? ["as", "to-namespace"] : [])].find(given)
  if (other !== undefined) {
    throw new Usage(
      `--${other} does not go with ${isRelease ? "--release" : "--as or --to-namespace"}`,
      "give one or the other"
    )
  }
  // Whom to act as is in the kubeconfig then.
  if (given("as-group") || given("as-uid"))
    throw new Usage(
      "here --as is the name of a copy",
      "to act as somebody else use a kubeconfig that says so"
    )
  if ((snapshot === undefined) !== isRelease)
    throw new Usage("restore what?", "name a snapshot to copy, or give --release OPERATION alone")
  return snapshot
}

/** What both do with their plan. */
const carriedOut = <Plan extends Parameters<typeof allowed>[0], E1, E2>(
  screen: Screen,
  flags: CloneFlags,
  plan: Plan,
  tried: (mode: "client" | "server") => Effect.Effect<Plan, E1, Cluster>,
  run: (report: Parameters<Parameters<typeof shown>[2]>[0]) => ReturnType<Parameters<typeof shown<E2>>[2]>
) =>
  Effect.gen(function* () {
    const mode = flags["dry-run"]
    if (mode !== "none") {
      const seen = yield* tried(mode)
      screen.out(yield* planText(seen, flags.output, mode))
      // As the run would end.
      yield* allowed(seen)
      return
    }
    yield* allowed(plan)
    if (!flags.yes) screen.err(yield* planText(yield* tried("client"), undefined, "client"))
    yield* confirmed(screen, { yes: flags.yes, what: "nothing was changed" })
    yield* shown(screen, flags.output, run)
  })

/** Restores a snapshot as another application, or releases one that was. */
export const cloned = (
  screen: Screen,
  flags: CloneFlags,
  snapshot: string | undefined,
  restoring: Restoring
) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const options = {
      ...timeouts(flags),
      ...copyOptions(flags),
      ...restoring,
      allowEmpty: flags["allow-empty"]
    }
    const acting = { ...options, identity: identity() }
    if (flags.release !== undefined) {
      const plan = yield* RestoreRelease.prepare({ namespace, id: flags.release })
      const tried = (mode: "client" | "server") => RestoreRelease.dryRun(plan, mode)
      return yield* carriedOut(screen, flags, plan, tried, (report) =>
        RestoreRelease.run(plan, { ...acting, report })
      )
    }
    const place = {
      ...(flags.as === undefined ? {} : { as: flags.as }),
      ...(flags["to-namespace"] === undefined ? {} : { toNamespace: flags["to-namespace"] })
    }
    const plan = yield* RestoreClone.prepare({ namespace, name: snapshot ?? "" }, { ...options, ...place })
    const tried = (mode: "client" | "server") => RestoreClone.dryRun(plan, mode, options)
    return yield* carriedOut(screen, flags, plan, tried, (report) =>
      RestoreClone.run(plan, { ...acting, report })
    )
  })
