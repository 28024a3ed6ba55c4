/**
 * The token by which an operation's guards are known: `<operation>.<run>`, and the namespace of its
 * journal behind that where a guard is in another one.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { digest } from "../Digest.ts"
import type { AnyPlan } from "./Plan.ts"
import { operationAnnotation, madeByAnnotation, planAnnotation, endedAnnotation } from "../Labels.ts"

/** A token of a new run. */
export const newToken = ({ id, home, guards }: AnyPlan): Effect.Effect<string> =>
  Effect.map(Random.nextIntBetween(0, 0xffff_ffff), (number) => {
    const token = `${id}.${number.toString(16).padStart(8, "0")}`
    return guards.every(({ namespace }) => namespace === home) ? token : `${token}.${home}`
  })

/** The operation a token belongs to. */
export const operationOf = (token: string): string => token.split(".")[0] ?? token

/** The namespace of that operation's journal, going by a token that stands on an object of this namespace. */
export const homeOf = (token: string, namespace: string): string => token.split(".")[2] ?? namespace

/**
 * Whether a token that stands on an object of this namespace is the operation's own: its id alone may
 * be that of another one, whose journal lies elsewhere.
 */
export const isTokenOf = (
  { id, home }: Pick<AnyPlan, "id" | "home">,
  token: string | null,
  namespace: string
): boolean => token !== null && operationOf(token) === id && homeOf(token, namespace) === home

interface Annotated {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | null | undefined }
}

/** What an object carries; null: nothing. */
export const tokenOf = (object: Annotated): string | null =>
  object.metadata.annotations?.[operationAnnotation] ?? null

/** Whether the operation made the object: it was born with its token, and keeps its name. */
export const isMadeBy = (operation: string, object: Annotated): boolean =>
  object.metadata.annotations?.[madeByAnnotation] === operation ||
  operationOf(tokenOf(object) ?? "") === operation

/** What stands there: a journal that says another plan was changed since. */
export const planMark = (plan: AnyPlan): string => `${plan.id}.${digest(plan)}`

const markParts = ({ metadata }: Annotated): ReadonlyArray<string> =>
  metadata.annotations?.[planAnnotation]?.split(".") ?? []

/** Whether an object says that this operation was begun with another plan. */
export const isOtherPlan = (plan: AnyPlan, object: Annotated): boolean => {
  const [id, fingerprint] = markParts(object)
  return id === plan.id && `${id}.${fingerprint ?? ""}` !== planMark(plan)
}

/** Whether an object says that this operation was begun with this very plan. */
export const isBegunWith = (plan: AnyPlan, object: Annotated): boolean =>
  markParts(object)[0] === plan.id && !isOtherPlan(plan, object)

/**
 * How many tokens of an operation were written to an object whose generation each of them raises: that stands
 * behind its plan. Null: it does not say.
 */
export const tokensOn = (operation: string, object: Annotated): number | null => {
  const [id, , count = ""] = markParts(object)
  return id === operation && /^\d{1,6}$/.test(count) ? Number(count) : null
}

/** The plan's mark with one token more; null: what stands there stays. */
export const markCounted = (operation: string, plan: string | null, object: Annotated): string | null => {
  if (plan !== null) return `${plan}.1`
  const count = tokensOn(operation, object)
  const [id = "", fingerprint = ""] = markParts(object)
  return count === null ? null : `${id}.${fingerprint}.${count + 1}`
}

/** Whether the object says that the operation is over. */
export const isEndedBy = (operation: string, { metadata }: Annotated): boolean =>
  metadata.annotations?.[endedAnnotation] === operation
