/** A kubectl that needs no cluster of ours: of the running bed, of an earlier one, or the machine's own. */
import { existsSync, globSync, statSync } from "node:fs"
import { join } from "node:path"
import { binaries, cache } from "../bed/folder.ts"

export const kubectl =
  [
    join(binaries, "kubectl"),
    ...globSync("*/kubectl", { cwd: cache })
      .map((path) => join(cache, path))
      .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  ].find(existsSync) ?? "kubectl"
