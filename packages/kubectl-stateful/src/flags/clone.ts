/** What `restore --as` and `restore --release` can be asked for. */
import { boolean, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { Usage } from "../command/usage.ts"
import { given } from "./given.ts"

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

/** As a restore is told of them. */
export const copyOptions = (flags: InferredFlags<typeof copyFlags>) => ({
  noFence: flags["no-fence"],
  hostAccess: flags["allow-privileged"]
})

export const cloneConsentOptions = (flags: InferredFlags<typeof cloneConsentFlags>) => ({
  ...copyOptions(flags),
  allowPrivileged: flags["allow-privileged"],
  ...given({ clone: flags.clone }),
  namespaces: flags["allow-namespace"] ?? []
})

type Named = Pick<InferredFlags<typeof cloneFlags>, "as" | "to-namespace" | "release">

/** Whether it is about a copy, and not about the application itself. */
export const isCloning = (flags: Named): boolean =>
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
export const copied = (snapshot: string | undefined, flags: Named): string | undefined => {
  const isRelease = flags.release !== undefined
  const has = (name: string): boolean => {
    const value: unknown = Reflect.get(flags, name)
    return value !== undefined && value !== false
  }
  const other = [...ofRestore, ...(isRelease ? ["as", "to-namespace"] : [])].find(has)
  if (other !== undefined) {
    throw new Usage(
      `--${other} does not go with ${isRelease ? "--release" : "--as or --to-namespace"}`,
      "give one or the other"
    )
  }
  // Whom to act as is in the kubeconfig then.
  if (has("as-group") || has("as-uid"))
    throw new Usage(
      "here --as is the name of a copy",
      "to act as somebody else use a kubeconfig that says so"
    )
  if ((snapshot === undefined) !== isRelease)
    throw new Usage("restore what?", "name a snapshot to copy, or give --release OPERATION alone")
  return snapshot
}
