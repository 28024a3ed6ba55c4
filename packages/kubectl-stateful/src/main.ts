/**
 * Where the plugin starts: what needs no oclif is answered before it is loaded.
 */
import manifest from "../package.json" with { type: "json" }
import type { Names } from "./complete.ts"

const [first, ...rest] = process.argv.slice(2)

if (first === "--version") {
  process.stdout.write(`kubectl-stateful v${manifest.version}\n`)
} else if (first === "__complete") {
  const { complete } = await import("./complete.ts")
  const names: Names = async (...asked) => (await import("./names.ts")).clusterNames()(...asked)
  process.stdout.write(await complete(rest, names))
} else {
  const { main } = await import("./run.ts")
  await main(process.argv.slice(2))
}
