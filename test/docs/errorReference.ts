/** `docs/reference/errors.md`: the tagged errors of the packages, from their declarations and comments. */
import { files, read } from "../house/sources.ts"
import { cell, page, table } from "./markdown.ts"

interface Field {
  readonly name: string
  readonly type: string
  readonly comment: string
}

interface Tagged {
  readonly path: string
  readonly tag: string
  readonly comment: string
  readonly fields: ReadonlyArray<Field>
}

export interface Reason {
  readonly tag: string
  readonly fields: string
  readonly comment: string
}

/** A comment as prose: without its stars, its list, and the breaks of its lines. */
const prose = (comment: string): string =>
  comment
    .replaceAll(/^\s*(\/\*\*|\*\/|\*)?[ \t]?|\s*\*\/\s*$/gm, "")
    .split(/\n- /)[0]
    ?.replaceAll(/\s+/g, " ")
    .trim() ?? ""

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

const typeOf = (text: string): string =>
  text
    .replaceAll("Schema.", "")
    .replaceAll(/Struct\((\{.*?\})\)/g, "$1")
    .replaceAll(/Tagged\{|TaggedStruct\("(\w+)", \{\}\)/g, '{ _tag: "$1" }')
    .replace(/^optionalKey\((.*)\)$/, "$1, optional")
    .replaceAll(/\s+/g, " ")

const fieldsOf = (body: string): ReadonlyArray<Field> =>
  [...body.matchAll(/(\/\*\*[\s\S]*?\*\/\s*)?^ {2}(\w+): (.+?),?$/gm)].map(
    ([, comment = "", name = "", type = ""]) => ({
      name,
      type: typeOf(type),
      comment: prose(comment)
    })
  )

const declared =
  /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?export class (\w+) extends Schema\.TaggedError<\w+>\(\)\(\s*"\w+",\s*\{([\s\S]*?)\n\}\s*\) \{/g

const tagged = (path: string): ReadonlyArray<Tagged> =>
  [...read(path).matchAll(declared)].map(([, comment = "", tag = "", body = ""]) => ({
    path,
    tag,
    comment: prose(comment),
    fields: fieldsOf(body)
  }))

/** The reasons of an error: each with the comment before it, or with its entry in the comment before all of them. */
export const reasonsOf = (path: string, name: string): ReadonlyArray<Reason> => {
  const union = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\s*)?export const ${name} = Schema\\.Union\\(\\[([\\s\\S]*?)\\n\\]\\)`
  )
  const [, above = "", body = ""] = union.exec(read(path)) ?? []
  const listed = new Map(
    `${above.replaceAll(/^\s*\*\/?[ \t]?/gm, "")}\n`
      .split(/^- /m)
      .slice(1)
      .map((entry) => {
        const [, tag = "", text = ""] = /^`(\w+)`: ([\s\S]*)$/.exec(entry) ?? []
        return [tag, text.replaceAll(/\s+/g, " ").trim()] as const
      })
  )
  return [...body.matchAll(/(\/\*\*[\s\S]*?\*\/\s*)?(?:Schema\.)?TaggedStruct\("(\w+)", \{(.*?)\}\)/g)].map(
    ([, before = "", tag = "", fields = ""]) => ({
      tag,
      fields: typeOf(fields.trim()),
      comment: listed.get(tag) ?? prose(before)
    })
  )
}

/** Where an error has a union of reasons: its name. */
const unions: Readonly<Record<string, string>> = {
  ClusterError: "Reason",
  OperationError: "OperationReason",
  RoutingError: "RoutingReason",
  NotHeld: "NotHeldReason"
}

export const errors: ReadonlyArray<Tagged & { readonly reasons: ReadonlyArray<Reason> }> = files(
  "packages/sdk/src",
  "packages/sandbox/src"
)
  .flatMap((path) => tagged(path))
  .toSorted((left, right) => left.tag.localeCompare(right.tag))
  .map((each) => {
    const union = unions[each.tag]
    return { ...each, reasons: union === undefined ? [] : reasonsOf(each.path, union) }
  })

const section = ({ comment, fields, path, reasons, tag }: (typeof errors)[number]): string =>
  [
    `## ${tag}`,
    comment,
    `Declared in [\`${path.replace("packages/", "")}\`](../../${path}).`,
    table(
      ["Field", "Type", ""],
      fields.map(({ name, type, comment: text }) => [
        `\`${name}\``,
        `\`${type.replaceAll("|", "\\|")}\``,
        cell(text)
      ])
    ),
    ...(reasons.length === 0
      ? []
      : [
          table(
            ["`reason._tag`", "When, and what to do", "Its fields"],
            reasons.map((reason) => [
              `\`${reason.tag}\``,
              cell(sentence(reason.comment)),
              reason.fields === "" ? "" : `\`${reason.fields}\``
            ])
          )
        ])
  ].join("\n\n")

/** The page. */
export const errorReference = (): string =>
  page("Errors", [
    "The errors that a program can get. Recognize one by its `_tag`, and its cause by `reason._tag`; [not with `instanceof`](../packages.md#errors). The guides for [Promises](../sdk-promise.md#errors) and [Effect](../sdk-effect.md#errors) show how. `message` is one line: the fact with the object's name; `action`, where there is one, is what to do.",
    "For messages of the command line see [troubleshooting](../troubleshooting.md).",
    ...errors.map(section)
  ])
