/** The ConfigMaps and Secrets that pods refer to. */
import type { AppWorkload } from "../AppWorkload.ts"
import { type Pod, accountOf } from "../../kind/Pod.ts"
import * as Ordinal from "../../Ordinal.ts"
import { compareNames } from "../../NameOrder.ts"
import type { Lists } from "../observation.ts"
import type { ObjectMeta } from "../../kind/Meta.ts"
import { type KeyFacts, type Mention, mention, mentionsOf, type Reference } from "../../Reference.ts"

const saysImmutable = ({ managedFields }: ObjectMeta): true | null =>
  managedFields?.some(({ fieldsV1 }) => fieldsV1 && Object.hasOwn(fieldsV1, "f:immutable")) ? true : null

interface Collected {
  readonly first: Mention
  readonly usedBy: Set<string>
  readonly keys: Set<string>
  required: boolean
}

/**
 * A pod of an older revision has its successor made of the template, unless it is within the partition: what
 * the template does not name stops no new pod.
 */
const isSuperseded = (workload: AppWorkload, pod: Pod): boolean => {
  if (workload.kind !== "StatefulSet") return false
  const { spec, status } = workload.object
  const revision = pod.metadata.labels?.["controller-revision-hash"]
  const ordinal = Ordinal.ofPod(workload.object, pod)
  return (
    status?.updateRevision !== undefined &&
    revision !== undefined &&
    revision !== status.updateRevision &&
    ordinal !== null &&
    ordinal >= Ordinal.wanted(workload.object).start + (spec.updateStrategy?.rollingUpdate?.partition ?? 0)
  )
}

const collect = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  lists: Pick<Lists, "serviceaccounts">
): ReadonlyArray<Collected> => {
  const found = new Map<string, Collected>()
  const add = (by: string, one: Mention) => {
    const id = `${one.kind}/${one.name}`
    const entry = found.get(id) ?? { first: one, usedBy: new Set(), keys: new Set(), required: false }
    entry.usedBy.add(`${by} ${one.how}`)
    for (const key of one.keys) entry.keys.add(key)
    entry.required ||= !one.optional
    found.set(id, entry)
  }
  const accounts = new Set<string>()
  const pullSecrets = pullSecretsOf(lists)
  for (const workload of appWorkloads) {
    const { key, pods, template } = workload
    const ofTemplate = mentionsOf(template.spec)
    const known = new Set(ofTemplate.map(({ kind, name, how }) => `${kind}/${name} ${how}`))
    accounts.add(accountOf(template))
    for (const one of ofTemplate) add(key, one)
    for (const pod of pods ?? []) {
      // What a webhook, an older revision or a debug container brought in; and what the ServiceAccount did.
      const account = pullSecrets(accountOf(pod))
      const isOld = isSuperseded(workload, pod)
      for (const one of mentionsOf(pod.spec)) {
        if (known.has(`${one.kind}/${one.name} ${one.how}`)) continue
        if (one.how === "imagePullSecrets" && account.includes(one.name)) continue
        add(`Pod/${pod.metadata.name}`, isOld ? { ...one, optional: true, keys: [] } : one)
      }
    }
  }
  for (const account of accounts) {
    for (const name of pullSecrets(account)) {
      for (const one of mention("Secret", name, "imagePullSecrets", null)) {
        add(`ServiceAccount/${account}`, one)
      }
    }
  }
  return [...found.values()]
}

/** Looked up once for each account: pods are many, and most have the same. */
const pullSecretsOf = ({ serviceaccounts }: Pick<Lists, "serviceaccounts">) => {
  const accounts = new Map((serviceaccounts ?? []).map((account) => [account.metadata.name, account]))
  return (name: string): ReadonlyArray<string> =>
    (accounts.get(name)?.imagePullSecrets ?? []).flatMap((secret) => (secret.name ? [secret.name] : []))
}

/** The names of all ConfigMaps and Secrets that the app's pods refer to. */
export const referencedNames = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  lists: Pick<Lists, "serviceaccounts">
): { readonly ConfigMap: ReadonlyArray<string>; readonly Secret: ReadonlyArray<string> } => {
  const collected = collect(appWorkloads, lists)
  const names = (kind: Mention["kind"]) =>
    collected.flatMap(({ first }) => (first.kind === kind ? [first.name] : []))
  return { ConfigMap: names("ConfigMap"), Secret: names("Secret") }
}

/** ConfigMaps first, then Secrets, by name. */
export const observeReferences = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  lists: Pick<Lists, "serviceaccounts" | "configmaps" | "secrets">,
  keys: KeyFacts | null
): ReadonlyArray<Reference> => {
  const index = (objects: ReadonlyArray<{ readonly metadata: ObjectMeta }> | null) =>
    objects === null ? null : new Map(objects.map(({ metadata }) => [metadata.name, metadata]))
  const present = { ConfigMap: index(lists.configmaps), Secret: index(lists.secrets) }
  return collect(appWorkloads, lists)
    .map(({ first: { kind, name }, usedBy, keys: asked, required }): Reference => {
      const all = present[kind]
      const metadata = all?.get(name)
      const checked = keys?.[kind].get(name)
      const fact = checked ?? null
      return {
        kind,
        name,
        usedBy: [...usedBy],
        required,
        present: checked === undefined ? (all === null ? null : metadata !== undefined) : fact !== null,
        immutable: fact ? fact.immutable : metadata ? saysImmutable(metadata) : null,
        resourceVersion: metadata?.resourceVersion ?? null,
        keys: fact ? fact.keys : null,
        missingKeys: fact ? [...asked].filter((key) => !fact.keys.includes(key)) : null,
        bytes: fact ? fact.bytes : null
      }
    })
    .toSorted((a, b) => compareNames(a.kind, b.kind) || compareNames(a.name, b.name))
}
