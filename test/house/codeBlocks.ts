/**
 * Keeps the code in the documentation equal to files that are run.
 *
 * A block is announced by `<!-- code: path -->` or `<!-- code: path#region -->`; a region stands
 * between `// #region name` and `// #endregion`. `npm run docs` writes the blocks anew.
 */
import { files, read } from "./sources.ts"

const announced = /<!-- code: (\S+?)(?:#(\w[\w-]*))? -->\n+(?:```\w*\n[\s\S]*?```\n?)?/g

const excerpt = (path: string, region: string | undefined): string => {
  const text = read(path)
  if (region === undefined) return text.replace(/^\/\*\*[\s\S]*?\*\/\n/, "").trim()
  const lines = text.split("\n")
  const from = lines.findIndex((line) => line.trim() === `// #region ${region}`)
  const to = lines.findIndex((line, index) => index > from && line.trim() === "// #endregion")
  if (from < 0 || to < 0) throw new Error(`${path} has no region ${region}`)
  const body = lines.slice(from + 1, to)
  const indent = Math.min(
    ...body.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length)
  )
  return body.map((line) => line.slice(indent)).join("\n")
}

/** The page as it should be. */
export const rendered = (page: string): string =>
  read(page).replaceAll(announced, (_, path: string, region: string | undefined) => {
    const language = path.split(".").pop() ?? ""
    return `<!-- code: ${path}${region === undefined ? "" : `#${region}`} -->\n\n\`\`\`${language}\n${excerpt(path, region)}\n\`\`\`\n`
  })

export const pages = () => files("*.md", "docs", "examples").filter((path) => path.endsWith(".md"))
