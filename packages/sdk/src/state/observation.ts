/** The objects read from a cluster, unprocessed: raw lists, or the reason that there is none. */
import * as Result from "effect/Result"
import type { AppRef } from "../App.ts"
import { type Kind, kinds, type ObjectOf, type Plural, resourceName } from "../Kind.ts"
import type { ObjectMeta } from "../kind/Meta.ts"
import type { DomainLabels } from "../Placement.ts"
import type { KeyFacts } from "../Reference.ts"
import type { Unread } from "./AppState.ts"

/** A list as the API answered it, or the reason why it could not be read. */
export type RawList = ReadonlyArray<unknown> | Unread

/** Everything that `observe` makes a state of. A list that is absent was not asked for. */
export interface Observation {
  readonly ref: AppRef
  /** The time at which it was read, RFC 3339. */
  readonly observed: string
  readonly serverVersion: string | null
  /** The served versions of every group by its name; `null` if discovery could not be read. */
  readonly apis: Readonly<Record<string, ReadonlyArray<string>>> | null
  readonly lists: { readonly [P in Plural]?: RawList }
  /** The result of key checking, by ConfigMap's and Secret's name; `null` if it was not requested. */
  readonly keys: KeyFacts | null
  /** The names of the Secrets in other namespaces that volumes refer to; `null` if they could not be read. */
  readonly secretsElsewhere?: Readonly<Record<string, ReadonlySet<string> | null>>
  readonly domainLabels: DomainLabels
  /** The number of replicas that is about to be requested; absent for the current one. */
  readonly replicas?: number
}

/** The accepted objects of each kind; `null` if not requested, or not readable. */
export type Lists = { readonly [P in Plural]: ReadonlyArray<ObjectOf<P>> | null }

/** Accepted lists, and what was refused or not readable. */
export interface Accepted {
  readonly lists: Lists
  readonly unread: ReadonlyArray<Unread & { readonly namespace: string | null }>
}

const plurals = Object.keys(kinds) as ReadonlyArray<Plural>

export const isUnread = (list: RawList): list is Unread => !Array.isArray(list)

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** A field of an object that was refused, so that nothing else of it can be trusted. */
const metadataField = (value: unknown, field: "name" | "namespace"): string | null => {
  const metadata = isRecord(value) ? value["metadata"] : null
  const found = isRecord(metadata) ? metadata[field] : null
  return typeof found === "string" ? found : null
}

/** The number of one object's errors that are reported; the first ones are enough to act on. */
const faultsTold = 3

/** Checks every object against its kind's schema; a refused one is named, the others stay as they came. */
export const accept = (observation: Pick<Observation, "lists">): Accepted => {
  const unread: Array<Unread & { namespace: string | null }> = []
  const take = (plural: Plural): ReadonlyArray<unknown> | null => {
    const list = observation.lists[plural]
    if (list === undefined) return null
    if (isUnread(list)) {
      unread.push({ ...list, namespace: null })
      return null
    }
    const { accept: acceptOne }: Kind<unknown> = kinds[plural]
    const accepted: Array<unknown> = []
    for (const item of list) {
      const result = acceptOne(item)
      if (Result.isSuccess(result)) {
        accepted.push(result.success)
      } else {
        const resource = `${resourceName(plural)}/${metadataField(item, "name") ?? "?"}`
        const faults = result.failure.slice(0, faultsTold).join("; ")
        unread.push({
          resource,
          reason: "Unreadable",
          message: `${resource}: ${faults}`,
          namespace: metadataField(item, "namespace")
        })
      }
    }
    return accepted
  }
  // Each list went through its own kind's schema, which the type of fromEntries cannot say.
  const lists = Object.fromEntries(plurals.map((plural) => [plural, take(plural)])) as unknown as Lists
  return { lists, unread }
}

/** The same lists by namespace, cluster-scoped ones in each; for many apps in one go. */
export const byNamespace = (accepted: Accepted): ((namespace: string) => Accepted) => {
  const groups = new Map(
    plurals.map((plural) => {
      const list: ReadonlyArray<{ readonly metadata: ObjectMeta }> | null = accepted.lists[plural]
      return [
        plural,
        list === null || !kinds[plural].namespaced
          ? null
          : Map.groupBy(list, (object) => object.metadata.namespace ?? "")
      ] as const
    })
  )
  return (namespace) => {
    const lists = plurals.map((plural) => {
      const group = groups.get(plural)
      return [plural, group ? (group.get(namespace) ?? []) : accepted.lists[plural]]
    })
    return {
      lists: Object.fromEntries(lists) as Lists,
      unread: accepted.unread.filter((item) => item.namespace === null || item.namespace === namespace)
    }
  }
}
