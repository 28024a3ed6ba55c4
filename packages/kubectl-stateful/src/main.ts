/** Entry point of the plugin: handles what needs no oclif before it is loaded. */
import manifest from "../package.json" with { type: "json" }
import type { Names } from "./program/complete.ts"
import { printed, visible } from "./print/terminal.ts"
import { write } from "./command/screen.ts"

const [first, ...rest] = process.argv.slice(2)

if (first === "--version") {
  write(process.stdout, printed`kubectl-stateful v${visible(manifest.version)}\n`)
} else if (first === "__complete") {
  const { complete } = await import("./program/complete.ts")
  const names: Names = async (...asked) => (await import("./program/names.ts")).clusterNames()(...asked)
  write(process.stdout, await complete(rest, names))
} else {
  const { program } = await import("./program.ts")
  await program(process.argv.slice(2))
}
