/**
 * An operation's id in messages, and the commands for it. Leases, annotations and journals can be written by
 * others, and users copy commands into their shell from anywhere: so a command contains only ids of our own
 * form, and always the namespace.
 */
import type { AnyPlan } from "./Plan.ts"
import { shellWord } from "../ShellWord.ts"

/** Eight hex digits, as `newId` creates them. */
export const isOperationId = (text: string): boolean => /^[0-9a-f]{8}$/.test(text)

/** An operation, and the namespace of its journal. */
type At = Pick<AnyPlan, "id" | "home">

/** Those of a namespace. */
export const operationsCommand = (namespace: string): string =>
  `\`kubectl stateful operations -n ${shellWord(namespace)}\``

/** The hint if an id cannot be printed. */
export const lookAtOperations = (namespace: string): string => `see ${operationsCommand(namespace)}`

/** The message for a process that was replaced. */
export const replacedWay = (namespace: string): string =>
  `this process makes no more changes; ${operationsCommand(namespace)} shows the operation`

export const resumeCommand = ({ id, home }: At, ...flags: ReadonlyArray<string>): string =>
  `\`kubectl stateful resume ${[id, ...flags].join(" ")} -n ${shellWord(home)}\``

export const abortCommand = ({ id, home }: At): string =>
  `\`kubectl stateful abort ${id} -n ${shellWord(home)}\``

/** `operation 44b98c3f`, or without the id if it is invalid. */
export const operationTitle = (id: string): string => (isOperationId(id) ? `operation ${id}` : "an operation")

/** How to roll back an operation that cannot continue. */
export const wayBack = (at: At): string =>
  isOperationId(at.id) ? `${abortCommand(at)} rolls back the rest` : lookAtOperations(at.home)

/** How to resume an operation. */
export const wayOn = (at: At): string =>
  isOperationId(at.id)
    ? `${resumeCommand(at)} to continue, ${abortCommand(at)} to roll back`
    : lookAtOperations(at.home)

/** A name that a StatefulSet can have; any other is left out. */
const isName = (name: string): boolean => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)

/** The command that restores a StatefulSet without a journal. */
export const withoutJournal = (set: { readonly namespace: string; readonly name: string }): string =>
  `\`kubectl stateful abort ${isName(set.name) ? set.name : "NAME"} --without-journal -n ${shellWord(set.namespace)}\``

/**
 * The command that ends an operation that nothing else ends; `null` if it owns no StatefulSet, since only
 * that has such a command.
 */
export const lastWay = ({ guards }: Pick<AnyPlan, "guards">): string | null => {
  const set = guards.find(({ kind }) => kind === "StatefulSet")
  return set === undefined ? null : withoutJournal(set)
}
