/** The headings of a page, as GitHub names them in links. */
import { read } from "./sources.ts"

const slugOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-")

/** A heading that comes again gets a number. */
export const anchorsOf = (page: string): ReadonlySet<string> => {
  const text = read(page).replaceAll(/^```[\s\S]*?^```/gm, "")
  const seen = new Map<string, number>()
  return new Set(
    [...text.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = ""]) => {
      const slug = slugOf(heading)
      const times = seen.get(slug) ?? 0
      seen.set(slug, times + 1)
      return times === 0 ? slug : `${slug}-${times}`
    })
  )
}
