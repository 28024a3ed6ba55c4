/**
 * Where the plugin starts: what needs no oclif is answered before it is loaded.
 */
import manifest from "../package.json" with { type: "json" }

const [first, ...rest] = process.argv.slice(2)

if (first === "--version") {
  process.stdout.write(`kubectl-stateful v${manifest.version}\n`)
} else if (first === "__complete") {
  const { complete } = await import("./complete.ts")
  process.stdout.write(complete(rest))
} else {
  const { main } = await import("./run.ts")
  await main(process.argv.slice(2))
}
