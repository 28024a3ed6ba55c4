/** What an HTML parser would take for tags. */

export interface Tag {
  readonly name: string
  readonly attributes: ReadonlyArray<readonly [name: string, value: string]>
}

/** A `<` before a letter, a slash or an exclamation mark begins a tag, as a browser has it. */
const tag = /<[!/a-zA-Z][^>]*>/g

const withoutStyle = (html: string): string => html.replace(/<style>[\s\S]*?<\/style>/, "<style></style>")

/** Opening tags, the document type left out. */
export const tagsOf = (html: string): ReadonlyArray<Tag> =>
  (withoutStyle(html).match(tag) ?? [])
    .filter((text) => !text.startsWith("</") && text !== "<!doctype html>")
    .map((text) => {
      const [, name = text, rest = ""] = /^<([a-zA-Z0-9]+)([\s\S]*?)\/?>$/.exec(text) ?? []
      const found = [...rest.matchAll(/([^\s="]+)(?:="([^"]*)")?/g)]
      return { name, attributes: found.map(([, key = "", value = ""]) => [key, value] as const) }
    })

/** What is left when all tags are taken out. */
export const looseText = (html: string): string => withoutStyle(html).replaceAll(tag, "")
