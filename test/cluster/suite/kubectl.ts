/** A kubectl that needs no cluster of ours: the last that was built, or the machine's own. */
import { globSync, statSync } from "node:fs"
import { join } from "node:path"
import { cache } from "../bed/folder.ts"

// Never by a running cluster's folder: that cluster may be taken down while a suite still starts kubectl.
export const kubectl =
  globSync("*/kubectl", { cwd: cache })
    .map((path) => join(cache, path))
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0] ?? "kubectl"
