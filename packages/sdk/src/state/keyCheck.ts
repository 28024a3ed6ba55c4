/**
 * The keys of ConfigMaps and Secrets. The only place that reads their data: values are dropped as soon as a
 * response is decoded, and only key names and sizes are passed on.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { Unread } from "./AppState.ts"
import type { KeyFact, KeyFacts } from "../Reference.ts"
import { configApis } from "../Kind.ts"
import * as Resource from "../Resource.ts"

type Kind = "ConfigMap" | "Secret"

const utf8 = new TextEncoder()

const textBytes = (text: string): number => utf8.encode(text).length

/** Bytes that base64 text stands for, without decoding it. */
const base64Bytes = (text: string): number => {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0
  return Math.max(0, Math.floor((text.length * 3) / 4) - padding)
}

const entries = (object: Resource.KubeObject, field: string): ReadonlyArray<readonly [string, unknown]> => {
  const data = object[field]
  return Predicate.isObject(data) ? Object.entries(data) : []
}

const factOf = (kind: Kind, object: Resource.KubeObject): KeyFact => {
  const plain = kind === "ConfigMap" ? entries(object, "data") : []
  const encoded = entries(object, kind === "ConfigMap" ? "binaryData" : "data")
  const size = (values: ReadonlyArray<readonly [string, unknown]>, bytes: (text: string) => number) =>
    values.reduce((total, [, value]) => total + (typeof value === "string" ? bytes(value) : 0), 0)
  return {
    keys: [...plain, ...encoded].map(([key]) => key).toSorted(),
    bytes: size(plain, textBytes) + size(encoded, base64Bytes),
    immutable: object["immutable"] === true
  }
}

interface Checked {
  readonly name: string
  /** `null` if it does not exist. Undefined if it could not be read. */
  readonly fact: KeyFact | null | undefined
  readonly unread: Unread | null
}

const checkOne = (kind: Kind, namespace: string, name: string): Effect.Effect<Checked, never, Cluster> =>
  Resource.getObject({ api: configApis[kind], namespace, name }).pipe(
    Effect.map((object): Checked => ({ name, fact: factOf(kind, object), unread: null })),
    Effect.catch((error: ClusterError) => {
      if (error.reason._tag === "NotFound") return Effect.succeed<Checked>({ name, fact: null, unread: null })
      const unread = {
        resource: `${configApis[kind].plural}/${name}`,
        reason: error.reason._tag,
        message: error.message
      }
      return Effect.succeed<Checked>({ name, fact: undefined, unread })
    })
  )

/** One request an object, all at once. */
export const checkKeys = (
  namespace: string,
  names: { readonly [K in Kind]: ReadonlyArray<string> }
): Effect.Effect<{ readonly facts: KeyFacts; readonly unread: ReadonlyArray<Unread> }, never, Cluster> =>
  Effect.gen(function* () {
    const check = (kind: Kind) =>
      Effect.forEach(names[kind], (name) => checkOne(kind, namespace, name), { concurrency: 16 })
    const [configMaps, secrets] = yield* Effect.all([check("ConfigMap"), check("Secret")], { concurrency: 2 })
    const facts = (checked: ReadonlyArray<Checked>) =>
      new Map(checked.flatMap(({ name, fact }) => (fact === undefined ? [] : [[name, fact] as const])))
    return {
      facts: { ConfigMap: facts(configMaps), Secret: facts(secrets) },
      unread: [...configMaps, ...secrets].flatMap(({ unread }) => (unread === null ? [] : [unread]))
    }
  })
