/** An operation on the command line: its id, or `operation/ID` as `-o name` prints it. */
import type { ClusterError } from "@kubectl-stateful/sdk/Cluster"
import type * as Journal from "@kubectl-stateful/sdk/operation/Journal"
import { isOperationId, operationsCommand } from "@kubectl-stateful/sdk/operation/OperationId"
import * as Effect from "effect/Effect"
import { Usage } from "./usage.ts"

const prefix = /^operations?\//

/** True if the word can be nothing else. */
const saysOperation = (word: string): boolean => prefix.test(word)

/** The id, or its beginning. */
export const operationId = (word: string): string => word.replace(prefix, "")

/** True unless the word can only be a StatefulSet's name. */
export const mayBeOperation = (typed: string): boolean => saysOperation(typed) || isOperationId(typed)

/** The operation that is named; `null` if there is none, and the word can be a StatefulSet's name. */
export const namedOperation = (
  typed: string,
  { entries, unreadable }: Journal.Journals,
  namespace: string
): Effect.Effect<Journal.Entry | null, Usage | ClusterError> => {
  const id = operationId(typed)
  const [found, ...more] = entries.filter(({ plan }) => plan.id.startsWith(id))
  if (found !== undefined && more.length === 0) return Effect.succeed(found)
  const unread = unreadable.find((one) => one.id?.startsWith(id) === true)
  if (unread !== undefined && found === undefined) return Effect.fail(unread.error)
  if (!saysOperation(typed)) return Effect.succeed(null)
  return Effect.fail(
    new Usage(
      found === undefined ? `operation "${id}" not found` : `${more.length + 1} operations match ${id}`,
      `${operationsCommand(namespace)} lists them`
    )
  )
}
