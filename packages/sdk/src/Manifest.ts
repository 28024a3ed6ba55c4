/**
 * YAML in and out; the only importer of `yaml`, which is loaded when it is first needed.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * A text that is not YAML. The message says where and which rule, and never quotes
 * the text: it may be a kubeconfig or a Secret.
 */
export class ManifestError extends Schema.TaggedError<ManifestError>()("ManifestError", {
  message: Schema.String
}) {}

/**
 * A file's bytes as text: UTF-8, or UTF-16 where its byte order mark says so, as Windows PowerShell writes what `>`
 * redirects. The mark is no part of the text.
 */
export const textOf = (bytes: Uint8Array): string => {
  const [first, second] = bytes
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8"
  return new TextDecoder(encoding).decode(bytes)
}

const library = Effect.promise(() => import("yaml"))
type Yaml = Effect.Success<typeof library>

/** An alias that expands to more nodes than this is an attack, not a manifest. */
const maxAliasCount = 100

/** True if an alias is within what it stands for: who walks through such a value never comes to its end. */
const containsItself = (yaml: Yaml, document: InstanceType<Yaml["Document"]>): boolean => {
  let found = false
  yaml.visit(document, {
    Alias: (_, alias, path) => {
      found = path.some((node) => yaml.isCollection(node) && node.anchor === alias.source)
      return found ? yaml.visit.BREAK : undefined
    }
  })
  return found
}

/** The words for true and false that YAML 1.1 has more of than YAML 1.2; kubectl reads that version. */
const kubectlWords = (yaml: Yaml) =>
  [
    { value: true, test: /^(?:y|Y|yes|Yes|YES|on|On|ON)$/ },
    { value: false, test: /^(?:n|N|no|No|NO|off|Off|OFF)$/ }
  ].map(({ value, test }) => ({
    tag: "tag:yaml.org,2002:bool",
    default: true as const,
    test,
    resolve: () => new yaml.Scalar(value)
  }))

/**
 * Every document of a YAML (or JSON) text as plain data; an empty one is null.
 * A repeated key counts as kubectl counts it: the last one wins. `asKubectl`: `yes` is true, and `no` false.
 */
export const parseDocuments = Effect.fnUntraced(function* (
  text: string,
  { asKubectl = false }: { readonly asKubectl?: boolean } = {}
): Effect.fn.Return<ReadonlyArray<unknown>, ManifestError> {
  // JSON is YAML too, and needs no library.
  if (text.trimStart().startsWith("{")) {
    const value = yield* Effect.option(Effect.try((): unknown => JSON.parse(text)))
    if (Option.isSome(value)) return [value.value]
  }
  const yaml = yield* library
  const positions = new yaml.LineCounter()
  const documents = yaml.parseAllDocuments(text, {
    lineCounter: positions,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "error",
    ...(asKubectl ? { customTags: (tags) => [...kubectlWords(yaml), ...tags] } : {})
  })
  // An empty text has no documents, but a marker object of the library in their place.
  if (!Array.isArray(documents)) return []
  const values: Array<unknown> = []
  for (const document of documents) {
    const error = document.errors[0]
    if (error !== undefined) {
      const rule = error.code.toLowerCase().replaceAll("_", " ")
      return yield* new ManifestError({
        message: `not YAML: line ${positions.linePos(error.pos[0]).line}: ${rule}`
      })
    }
    if (text.includes("*") && containsItself(yaml, document))
      return yield* new ManifestError({ message: "not YAML that we read: an alias contains itself" })
    const value: unknown = yield* Effect.try({
      try: () => document.toJS({ maxAliasCount }),
      catch: () => new ManifestError({ message: "not YAML that we read: aliases expand without bound" })
    })
    values.push(value)
  }
  return values
})

/** The first document of a YAML (or JSON) text; `null` if there is none. */
export const parseYaml = (
  text: string,
  options: { readonly asKubectl?: boolean } = {}
): Effect.Effect<unknown, ManifestError> =>
  Effect.map(parseDocuments(text, options), (documents) => documents[0] ?? null)

/**
 * Plain data as YAML, long texts unfolded, as `kubectl get -o yaml` prints it: a text such as `No`, which is a
 * boolean in YAML 1.1, is quoted, since kubectl, Python and Ruby read that version. Texts that `quoted` selects
 * are in double quotes, where escapes such as `\u202e` have the same meaning as in JSON.
 */
export const printYaml = (
  value: unknown,
  quoted: (text: string) => boolean = () => false
): Effect.Effect<string> =>
  Effect.map(library, (yaml) => {
    const document = new yaml.Document(value, { aliasDuplicateObjects: false, compat: "yaml-1.1" })
    yaml.visit(document, {
      Scalar: (_, scalar) => {
        if (typeof scalar.value === "string" && quoted(scalar.value)) scalar.type = "QUOTE_DOUBLE"
      }
    })
    return document.toString({ lineWidth: 0 })
  })
