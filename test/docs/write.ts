/** `npm run docs`: writes what the documentation takes from the code and from what commands print. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pages, rendered } from "../house/codeBlocks.ts"
import { root } from "../house/sources.ts"
import { reference } from "./reference.ts"
import { isSession, renderedTerminal } from "./terminal.ts"

const write = (page: string, text: string) => writeFileSync(join(root, page), text)

for (const [page, text] of Object.entries(await reference())) write(page, text)
for (const page of pages()) {
  write(page, rendered(page))
  if (isSession(page)) write(page, await renderedTerminal(page))
}
