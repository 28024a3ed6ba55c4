/**
 * The objects related to the replicas: ConfigMaps and Secrets, Services, budgets, autoscalers, operations,
 * warnings, and what could not be read.
 */
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import { wayOn } from "@kubectl-stateful/sdk/operation/OperationId"
import type { Reference } from "@kubectl-stateful/sdk/Reference"
import { isOver as isOperationOver } from "@kubectl-stateful/sdk/operation/Phase"
import type { AppState } from "@kubectl-stateful/sdk/State"
import type { DisruptionBudget, Service } from "@kubectl-stateful/sdk/Topology"
import { age } from "./age.ts"
import type { Page } from "./checklist.ts"
import { type Cell, field, table } from "./table.ts"
import { line, type Line, span } from "./text.ts"
import { valueColumn } from "./workload.ts"

/** A ConfigMap or Secret by its name, and whether it exists. */
export const reference = (each: Reference): Cell => {
  const missingKeys = each.missingKeys ?? []
  if (each.present === null) return span(`${each.name} (<unknown>)`, "doubt")
  if (!each.present) {
    return each.required ? span(`${each.name} (missing)`, "bad") : `${each.name} (optional, missing)`
  }
  if (missingKeys.length > 0) return span(`${each.name} (missing key ${missingKeys.join(", ")})`, "bad")
  const keys = each.keys === null ? [] : [each.keys.length === 0 ? "no keys" : `keys ${each.keys.join(", ")}`]
  const said = [...(each.immutable === true ? ["immutable"] : []), ...keys]
  return said.length === 0 ? each.name : `${each.name} (${said.join("; ")})`
}

export const service = (each: Service): Cell => {
  if (each.present === null) return span(`${each.name} (<unknown>)`, "doubt")
  if (!each.present) return span(`${each.name} (missing)`, "bad")
  const ends = each.endpoints
  const said = [
    each.headless ? "headless" : each.type,
    ...(ends === null ? [] : [`${ends.ready} of ${ends.ready + ends.notReady} ready`]),
    ...(each.selectsPods ? [] : ["selects none of these pods"])
  ]
  return span(`${each.name} (${said.join(", ")})`, each.selectsPods ? "plain" : "doubt")
}

export const budget = (each: DisruptionBudget): string => {
  const rule =
    each.minAvailable === null
      ? `maxUnavailable ${each.maxUnavailable ?? "<none>"}`
      : `minAvailable ${each.minAvailable}`
  const allowed = each.disruptionsAllowed === 1 ? "1 disruption" : `${each.disruptionsAllowed} disruptions`
  return `${each.name} (${rule}, allows ${allowed} now)`
}

type Operation = NonNullable<AppState["operations"]>[number]

/** An unfinished operation, with who started it and how to resume it. */
const operation =
  ({ namespace, observed }: Pick<AppState, "namespace" | "observed">) =>
  (each: Operation): Cell => {
    const said = `${each.id} (${each.verb}, ${each.phase}, ${age(each.started, observed)} ago`
    if (isOperationOver(each.phase)) return `${said})`
    const holder = each.holder === null ? "" : ` by ${each.holder}`
    const way = `${said}${holder}; ${wayOn({ id: each.id, home: namespace })})`
    return each.phase === "Stopped" ? span(way, "doubt") : way
  }

/** Those that are unfinished and the last that has finished; the others are for `operations` to list. */
const shownOperations = (all: ReadonlyArray<Operation>): ReadonlyArray<Operation> => {
  const last = all
    .filter(({ phase }) => isOperationOver(phase))
    .reduce<Operation | null>(
      (late, each) => (late === null || each.started > late.started ? each : late),
      null
    )
  return all.filter((each) => each === last || !isOperationOver(each.phase))
}

/** `Title: items`, `<none>` when empty, `<unknown>` when it could not be read. */
const orUnknown = <A>(
  title: string,
  list: ReadonlyArray<A> | null,
  item: (each: A) => Cell,
  columns: number
): ReadonlyArray<Line> => field(title, list?.map(item) ?? ["<unknown>"], columns, valueColumn)

/** A list of the state that is never `null`: the objects found, and a note that there may be more. */
const withUnread = <A>(state: AppState, resource: string, list: ReadonlyArray<A>): ReadonlyArray<A> | null =>
  list.length === 0 && state.unread.some((each) => each.resource === resource) ? null : list

/** The lines that name the objects around the app. */
export const surroundings = (state: AppState, columns: number): ReadonlyArray<Line> => {
  const ofKind = (kind: Reference["kind"]) => state.references.filter((each) => each.kind === kind)
  const some = <A>(title: string, list: ReadonlyArray<A> | null, item: (each: A) => Cell) =>
    list === null || list.length === 0 ? [] : orUnknown(title, list, item, columns)
  return [
    ...(withUnread(state, "persistentvolumeclaims", state.claims) === null
      ? field("Claims", ["<unknown>"], columns, valueColumn)
      : []),
    ...orUnknown("ConfigMaps", ofKind("ConfigMap"), reference, columns),
    ...orUnknown("Secrets", ofKind("Secret"), reference, columns),
    ...orUnknown("Services", withUnread(state, "services", state.services), service, columns),
    ...orUnknown("Budgets", state.budgets, budget, columns),
    ...some(
      "Autoscalers",
      state.autoscalers,
      (each) => `${each.name} (${each.target}, ${each.minReplicas} to ${each.maxReplicas} replicas)`
    ),
    ...some("Operations", shownOperations(state.operations ?? []), operation(state))
  ]
}

/** Reasons that say enough for all the resources that they hold for. */
const wholeReasons: Readonly<Record<string, string>> = {
  Forbidden: "Forbidden",
  Unsupported: "Not served"
}

/** `volumesnapshots.snapshot.storage.k8s.io` is known by its first word; an object keeps its name. */
const shortResource = (resource: string): string => resource.replace(/^([a-z]+)\.[a-z0-9.]+/, "$1")

/** The resources that could not be read, and why; empty if all were. */
export const unreadLines = (state: AppState, wide: boolean, columns: number): ReadonlyArray<Line> => {
  const alike = Map.groupBy(state.unread, (each) => (wide ? undefined : wholeReasons[each.reason]))
  const single = (alike.get(undefined) ?? []).map((each) => [
    each.message.startsWith(each.resource) ? each.message : `${each.resource}: ${each.message}`
  ])
  const grouped = [...alike]
    .filter(([reason]) => reason !== undefined)
    .map(([reason, all]) =>
      all.map((each, index) => `${index === 0 ? `${reason}: ` : ""}${shortResource(each.resource)}`)
    )
  return [...grouped, ...single].flatMap((items, index) =>
    field(index === 0 ? "Not read" : null, items, columns, valueColumn)
  )
}

const shownEvents = 5

type Event = NonNullable<AppState["events"]>[number]

/** What a claim is told while it waits for its volume. */
const unbound = new Set(["FailedBinding", "ClaimMisbound", "ProvisioningFailed"])

/** A warning about a pod that has got ready since, or about a claim that has got its volume. */
const isOver = (state: AppState, event: Event): boolean => {
  const claim = state.claims.find(({ name }) => event.object === `PersistentVolumeClaim/${name}`)
  if (claim?.phase === "Bound" && unbound.has(event.reason)) return true
  const pod = state.replicas.find(({ name }) => event.object === `Pod/${name}`)?.pod
  return pod?.ready === true && Date.parse(event.last) <= Date.parse(pod.readySince ?? "")
}

/** A controller may write a whole diff: its first line, and not all of a long one. */
const brief = (message: string): string => {
  const [first = ""] = message.split("\n", 1)
  return first.length < message.length || first.length > 300 ? `${first.slice(0, 300).trimEnd()} ...` : first
}

/** The newest warnings; those that are over only if all are requested. The same warning about several objects is printed once. */
export const eventRows = (state: AppState, wide: boolean) => {
  const events = (state.events ?? []).filter((event) => wide || !isOver(state, event))
  const alike = [...Map.groupBy(events, ({ reason, message }) => JSON.stringify([reason, message]))]
  return alike.flatMap(([, [newest, ...others]]) => {
    if (newest === undefined) return []
    const objects = new Set([newest, ...others].map((each) => each.object)).size
    const count = others.reduce((sum, each) => sum + each.count, newest.count)
    return [
      {
        cells: [
          age(newest.last, state.observed) + (count > 1 ? ` (x${count})` : ""),
          newest.reason,
          newest.object + (objects > 1 ? ` and ${objects - 1} more` : "")
        ],
        note: wide ? newest.message.trim() : brief(newest.message.trim())
      }
    ]
  })
}

export const eventTable = (state: AppState, page: Page): ReadonlyArray<Line> => {
  const rows = eventRows(state, page.wide)
  const more = rows.length - shownEvents
  return [
    ...table(["LAST SEEN", "REASON", "OBJECT", "MESSAGE"], rows.slice(0, shownEvents), page),
    ...(more > 0
      ? [
          line(
            `and ${more} more: kubectl get events -n ${shellWord(state.namespace)} --field-selector type=Warning`
          )
        ]
      : [])
  ]
}
