/** Flags of `restore --as` and `restore --release`. */
import { boolean, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { Usage } from "../command/usage.ts"
import { given } from "./given.ts"

const fenceFlag = {
  "no-fence": boolean({
    summary:
      "Do not isolate the restored copy from its source (for networks that do not enforce NetworkPolicies)."
  })
}

/** Flags that allow a copy more. */
export const copyFlags = {
  ...fenceFlag,
  "allow-privileged": boolean({
    summary: "Allow privileged pods (hostPath, host network, ...) in a copy or in a restored pod template."
  })
}

export const cloneFlags = {
  as: string({
    summary: "Restore as a new application with this name, next to the existing one.",
    helpValue: "NAME"
  }),
  "to-namespace": string({ summary: "Restore into another namespace.", helpValue: "NAME" }),
  release: string({
    summary: "Remove the network isolation of the copy that this restore created.",
    helpValue: "OPERATION"
  }),
  ...fenceFlag
}

/** Consent to resume an operation that creates a copy: the copy has to be named again. */
export const cloneConsentFlags = {
  clone: string({
    summary: "Required if the operation creates a copy: the name of the copy.",
    helpValue: "NAME"
  }),
  "allow-namespace": string({
    summary: "Required if the operation uses another namespace: the name of that namespace.",
    helpValue: "NAME",
    multiple: true,
    multipleNonGreedy: true
  }),
  ...copyFlags
}

/** The SDK's options for these flags. */
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

/** True if it is about a copy, and not about the application itself. */
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

/** The snapshot that is copied; undefined: a copy is released. Throws a Usage if arguments are missing or conflict. */
export const copied = (snapshot: string | undefined, flags: Named): string | undefined => {
  const isRelease = flags.release !== undefined
  const has = (name: string): boolean => {
    const value: unknown = Reflect.get(flags, name)
    return value !== undefined && value !== false
  }
  const other = [...ofRestore, ...(isRelease ? ["as", "to-namespace"] : [])].find(has)
  if (other !== undefined) {
    throw new Usage(
      `--${other} cannot be combined with ${isRelease ? "--release" : "--as or --to-namespace"}`,
      "use one or the other"
    )
  }
  // Whom to act as is in the kubeconfig then.
  if (has("as-group") || has("as-uid"))
    throw new Usage("in restore, --as names the copy", "to impersonate a user, set it in the kubeconfig")
  if ((snapshot === undefined) !== isRelease)
    throw new Usage(
      "either a snapshot or --release is required",
      "name a snapshot to copy, or use --release OPERATION"
    )
  return snapshot
}
