/**
 * In which order workloads start, and stop in reverse: first those that others refer to. A workload
 * refers to another where its containers' environment or words name a Service that finds the other's pods.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import * as LabelSelector from "../LabelSelector.ts"
import * as Resource from "../Resource.ts"
import { fieldAt, itemsAt } from "../resource/KubeObject.ts"

/** A workload, the words of its containers, and the labels of its pods. */
interface Named {
  readonly name: string
  readonly words: ReadonlyArray<string>
  readonly labels: Readonly<Record<string, string>>
}

const strings = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(Object(value)).filter((pair): pair is [string, string] => typeof pair[1] === "string")
  )

const namedOf = (object: unknown): Named => {
  const containers = ["initContainers", "containers"].flatMap((kind) =>
    itemsAt(object, "spec", "template", "spec", kind)
  )
  return {
    name: String(fieldAt(object, "metadata", "name")),
    labels: strings(fieldAt(object, "spec", "template", "metadata", "labels")),
    words: containers
      .flatMap((one) => [
        ...itemsAt(one, "env").map((variable) => fieldAt(variable, "value")),
        ...itemsAt(one, "command"),
        ...itemsAt(one, "args")
      ])
      .filter(Predicate.isString)
  }
}

/**
 * True if a text names a host: `db`, `db:5432`, `db-0.db.shop.svc`, `redis://db/0`; but not `dbname` or
 * `my-db`.
 */
export const names = (text: string, host: string): boolean => {
  const isPart = (letter: string | undefined) => letter !== undefined && /[a-z0-9_-]/i.test(letter)
  for (let found = text.indexOf(host); found >= 0; found = text.indexOf(host, found + 1)) {
    if (!isPart(text[found - 1]) && !isPart(text[found + host.length])) return true
  }
  return false
}

/** Sorts by references: first those that refer to nothing that is still to come. */
export const sorted = (
  all: ReadonlyArray<string>,
  refers: (from: string, to: string) => boolean
): ReadonlyArray<string> => {
  const order: Array<string> = []
  let left = all.toSorted()
  while (left.length > 0) {
    const ready = left.filter((from) => !left.some((to) => to !== from && refers(from, to)))
    // Those that refer to each other have no order: they start by their names.
    const next = ready.length > 0 ? ready : left
    order.push(...next)
    left = left.filter((name) => !next.includes(name))
  }
  return order
}

/** The order of these workloads, by the Services that they name. */
export const orderOf = <A extends { readonly kind: "StatefulSet" | "Deployment"; readonly app: string }>(
  namespace: string,
  all: ReadonlyArray<A>
): Effect.Effect<ReadonlyArray<A>, ClusterError, Cluster> =>
  Effect.gen(function* () {
    // By name, and of one name the StatefulSet first.
    const keyOf = ({ kind, app }: A): string => `${app}/${kind === "StatefulSet" ? "0" : "1"}`
    const found = yield* Effect.forEach(
      all,
      (one) => {
        const api = one.kind === "StatefulSet" ? kinds.statefulsets : kinds.deployments
        const now = Resource.getObject({ api, namespace, name: one.app })
        return Effect.map(now, (object) => ({ ...namedOf(object), name: keyOf(one) }))
      },
      { concurrency: 8 }
    )
    // An order is a help: a Service that cannot be read gives none.
    const services = yield* Resource.listReadable(kinds.services, { namespace }).pipe(
      Effect.map(({ items }) => items),
      Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed([]))
    )
    const hostsOf = ({ labels }: Named): ReadonlyArray<string> =>
      services.flatMap(({ metadata, spec }) => {
        const selector = spec.selector ?? {}
        const selects = LabelSelector.matches({ matchLabels: selector }, labels)
        return Object.keys(selector).length > 0 && selects ? [metadata.name] : []
      })
    const hosts = new Map(found.map((one) => [one.name, hostsOf(one)]))
    const words = new Map(found.map((one) => [one.name, one.words]))
    const order = sorted(all.map(keyOf), (from, to) =>
      (hosts.get(to) ?? []).some((host) => (words.get(from) ?? []).some((text) => names(text, host)))
    )
    return order.flatMap((key) => all.filter((one) => keyOf(one) === key))
  })
