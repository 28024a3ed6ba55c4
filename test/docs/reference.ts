/** The pages that are generated from the code, by path. */
import { apiReference } from "./apiReference.ts"
import { commandReference } from "./commandReference.ts"
import { errorReference } from "./errorReference.ts"

export const reference = async (): Promise<Readonly<Record<string, string>>> => ({
  "docs/reference/api.md": apiReference(),
  "docs/reference/commands.md": await commandReference(),
  "docs/reference/errors.md": errorReference()
})
