/**
 * An operation's id in what people read, and the commands about one. Leases, annotations and journals are
 * written by whoever may write them, and a command in a hint is copied into a shell, wherever that is: only
 * an id of our own form stands in one, and the namespace always.
 */
import type { AnyPlan } from "./Plan.ts"
import { shellWord } from "../ShellWord.ts"

/** Eight hex digits, as `newId` makes them. */
export const isOperationId = (text: string): boolean => /^[0-9a-f]{8}$/.test(text)

/** An operation, and the namespace of its journal. */
type At = Pick<AnyPlan, "id" | "home">

/** Those of a namespace. */
export const operationsCommand = (namespace: string): string =>
  `\`kubectl stateful operations -n ${shellWord(namespace)}\``

/** Where an id cannot be said. */
export const lookAtOperations = (namespace: string): string => `look at ${operationsCommand(namespace)}`

/** What is said to a caller that was replaced. */
export const replacedWay = (namespace: string): string =>
  `this process makes no more changes; ${operationsCommand(namespace)} shows the operation`

export const resumeCommand = ({ id, home }: At, ...flags: ReadonlyArray<string>): string =>
  `\`kubectl stateful resume ${[id, ...flags].join(" ")} -n ${shellWord(home)}\``

export const abortCommand = ({ id, home }: At): string =>
  `\`kubectl stateful abort ${id} -n ${shellWord(home)}\``

/** `operation 44b98c3f`, or without an id that is none. */
export const operationTitle = (id: string): string => (isOperationId(id) ? `operation ${id}` : "an operation")

/** How an operation goes back that cannot go on. */
export const wayBack = (at: At): string =>
  isOperationId(at.id) ? `${abortCommand(at)} rolls back the rest` : lookAtOperations(at.home)

/** How an operation is taken up. */
export const wayOn = (at: At): string =>
  isOperationId(at.id)
    ? `${resumeCommand(at)} to continue, ${abortCommand(at)} to roll back`
    : lookAtOperations(at.home)

/** A name that a StatefulSet can have: another is not said. */
const isName = (name: string): boolean => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)

/** How a StatefulSet is put back where no journal says how. */
export const withoutJournal = (set: { readonly namespace: string; readonly name: string }): string =>
  `\`kubectl stateful abort ${isName(set.name) ? set.name : "NAME"} --without-journal -n ${shellWord(set.namespace)}\``

/** How an operation is ended that nothing else ends; null: it owns no StatefulSet, which alone has such a way. */
export const lastWay = ({ guards }: Pick<AnyPlan, "guards">): string | null => {
  const set = guards.find(({ kind }) => kind === "StatefulSet")
  return set === undefined ? null : withoutJournal(set)
}
