/** A case of the corpus: a folder with the objects of an application, and what is right to say of it. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parse, parseAllDocuments } from "yaml"
import { Answer } from "../../packages/sdk/src/Checklist.ts"
import type { Draft } from "../../packages/sandbox/src/apimachinery/KubeObject.ts"

const { Array: List, Finite, Literals, NullOr, optionalKey, Record, String, Struct } = Schema

const Restart = Struct({
  answer: Answer,
  ServerRestarts: Answer,
  RackRestarts: Answer,
  ServerGone: Answer,
  RackGone: Answer,
  Drain: Answer
})

/** What a plan to scale must say, or why it must be refused. */
const Planned = Struct({
  replicas: Finite,
  says: optionalKey(List(String)),
  never: optionalKey(List(String)),
  refused: optionalKey(String)
})

export const Right = Struct({
  restart: Restart,
  snapshot: Struct({ answer: Answer, level: NullOr(Literals(["group", "crash"])) }),
  move: Struct({ answer: Answer, needs: optionalKey(List(String)) }),
  restore: Struct({ answer: Answer }),
  /** All that is named and not there, as `Kind/name`. */
  missing: optionalKey(List(String)),
  /** By pod: what holds it where it is, as `describe` prints it, e.g. `volume (zone)`. */
  placements: optionalKey(Record(String, String)),
  plan: optionalKey(List(Planned)),
  says: optionalKey(List(String)),
  never: optionalKey(List(String))
})
export type Right = typeof Right.Type

const Case = Struct({
  source: Schema.Union([String, List(String)]),
  situation: String,
  cluster: String,
  namespace: String,
  /** The StatefulSet, or else a selector. */
  app: optionalKey(String),
  selector: optionalKey(String),
  after: optionalKey(List(String)),
  right: Right,
  why: String
})
export type Case = typeof Case.Type

export interface Named extends Case {
  readonly name: string
  /** The documents of app.yaml, in its order. */
  readonly objects: ReadonlyArray<Draft>
}

const here = fileURLToPath(new URL(".", import.meta.url))

const isDraft = (value: unknown): value is Draft =>
  typeof value === "object" &&
  value !== null &&
  "apiVersion" in value &&
  "kind" in value &&
  "metadata" in value

const documentsIn = (path: string): ReadonlyArray<Draft> => {
  const documents = parseAllDocuments(readFileSync(path, "utf8"))
  return ("empty" in documents ? [] : documents).map((document, index) => {
    const [fault] = document.errors
    if (fault !== undefined) throw new Error(`${path}: ${fault.message}`)
    const value: unknown = document.toJS()
    if (!isDraft(value)) throw new Error(`${path}: document ${index + 1} is no object of Kubernetes`)
    return value
  })
}

const decode = Schema.decodeUnknownResult(Case, { onExcessProperty: "error", errors: "all" })

const load = (name: string): Named => {
  const path = join(here, name, "case.yaml")
  const value: unknown = parse(readFileSync(path, "utf8"))
  const decoded = decode(value)
  if (Result.isFailure(decoded)) throw new Error(`${path}: ${decoded.failure.message}`)
  if ((decoded.success.app === undefined) === (decoded.success.selector === undefined))
    throw new Error(`${path}: it needs either app or selector`)
  return { ...decoded.success, name, objects: documentsIn(join(here, name, "app.yaml")) }
}

/** Every case, by name. */
export const cases = (): ReadonlyArray<Named> =>
  readdirSync(here, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => load(entry.name))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
