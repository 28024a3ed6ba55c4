/**
 * Roles outside the cluster that pods act in: a cloud's, or a vault's, as annotations and labels
 * of the pod template and of its ServiceAccount name them.
 */
import type { AppWorkload } from "../AppWorkload.ts"
import { compareNames } from "../../NameOrder.ts"
import type { Lists } from "../observation.ts"
import type { CloudRole } from "../../CloudRole.ts"
import { accountOf } from "../../kind/Pod.ts"

const ofAccounts: ReadonlySet<string> = new Set([
  "eks.amazonaws.com/role-arn",
  "iam.gke.io/gcp-service-account",
  "azure.workload.identity/client-id",
  "azure.workload.identity/tenant-id",
  "pod-identity.alibabacloud.com/role-name"
])

const ofPods: ReadonlySet<string> = new Set([
  "iam.amazonaws.com/role",
  "aadpodidbinding",
  "vault.hashicorp.com/role"
])

const found = (
  of: string,
  keys: ReadonlySet<string>,
  entries: Readonly<Record<string, string>> | null | undefined
): ReadonlyArray<CloudRole> =>
  Object.entries(entries ?? {}).flatMap(([key, value]) =>
    keys.has(key) && value !== "" ? [{ key, value, of }] : []
  )

/** By the annotated object, and by key; `null` if ServiceAccounts could not be read. */
export const observeCloudRoles = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  { serviceaccounts }: Pick<Lists, "serviceaccounts">
): ReadonlyArray<CloudRole> | null => {
  if (serviceaccounts === null) return null
  const accounts = new Set(appWorkloads.map(({ template }) => accountOf(template)))
  return [
    ...appWorkloads.flatMap(({ key, template: { metadata } }) => [
      ...found(key, ofPods, metadata?.annotations),
      ...found(key, ofPods, metadata?.labels)
    ]),
    ...serviceaccounts.flatMap(({ metadata }) =>
      accounts.has(metadata.name)
        ? found(`ServiceAccount/${metadata.name}`, ofAccounts, metadata.annotations)
        : []
    )
  ].toSorted((a, b) => compareNames(a.of, b.of) || compareNames(a.key, b.key))
}
