/**
 * The token that identifies an operation on its guarded objects: `<operation>.<run>`, followed by the
 * namespace of its journal if that is another one.
 */
import * as Effect from "effect/Effect"
import { digest } from "../Digest.ts"
import type { AnyPlan } from "./Plan.ts"
import { operationAnnotation, madeByAnnotation, planAnnotation, endedAnnotation } from "../Labels.ts"
import { randomId } from "../RandomId.ts"

/** A token of a new run. */
export const newToken = ({ id, home, guards }: AnyPlan): Effect.Effect<string> =>
  Effect.map(randomId, (run) => {
    const token = `${id}.${run}`
    return guards.every(({ namespace }) => namespace === home) ? token : `${token}.${home}`
  })

/** The operation a token belongs to. */
export const operationOf = (token: string): string => token.split(".")[0] ?? token

/** The namespace of that operation's journal, from a token on an object of this namespace. */
export const homeOf = (token: string, namespace: string): string => token.split(".")[2] ?? namespace

/**
 * True if a token on an object of this namespace is the operation's own: the same id could belong to another
 * operation, whose journal is elsewhere.
 */
export const isTokenOf = (
  { id, home }: Pick<AnyPlan, "id" | "home">,
  token: string | null,
  namespace: string
): boolean => token !== null && operationOf(token) === id && homeOf(token, namespace) === home

interface Annotated {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | null | undefined }
}

/** The token of an object; `null` without one. */
export const tokenOf = (object: Annotated): string | null =>
  object.metadata.annotations?.[operationAnnotation] ?? null

/** True if the operation created the object: it was created with its token, and keeps its name. */
export const isMadeBy = (operation: string, object: Annotated): boolean =>
  object.metadata.annotations?.[madeByAnnotation] === operation ||
  operationOf(tokenOf(object) ?? "") === operation

/** The value of the plan's annotation: with another plan, the journal was changed since. */
export const planMark = (plan: AnyPlan): string => `${plan.id}.${digest(plan)}`

const markParts = ({ metadata }: Annotated): ReadonlyArray<string> =>
  metadata.annotations?.[planAnnotation]?.split(".") ?? []

/** True if an object says that this operation was started with another plan. */
export const isOtherPlan = (plan: AnyPlan, object: Annotated): boolean => {
  const [id, fingerprint] = markParts(object)
  return id === plan.id && `${id}.${fingerprint ?? ""}` !== planMark(plan)
}

/** True if an object says that this operation was started with this plan. */
export const isBegunWith = (plan: AnyPlan, object: Annotated): boolean =>
  markParts(object)[0] === plan.id && !isOtherPlan(plan, object)

/**
 * The number of tokens of an operation that were written to an object whose generation each of them raises:
 * stored after its plan. `null` if it is not stored.
 */
export const tokensOn = (operation: string, object: Annotated): number | null => {
  const [id, , count = ""] = markParts(object)
  return id === operation && /^\d{1,6}$/.test(count) ? Number(count) : null
}

/** The plan's annotation with the number of tokens increased; `null` if it stays as it is. */
export const markCounted = (operation: string, plan: string | null, object: Annotated): string | null => {
  if (plan !== null) return `${plan}.1`
  const count = tokensOn(operation, object)
  const [id = "", fingerprint = ""] = markParts(object)
  return count === null ? null : `${id}.${fingerprint}.${count + 1}`
}

/** True if the object says that the operation is finished. */
export const isEndedBy = (operation: string, { metadata }: Annotated): boolean =>
  metadata.annotations?.[endedAnnotation] === operation
