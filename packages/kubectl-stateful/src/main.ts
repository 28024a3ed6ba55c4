/** Entry point of the plugin: handles what needs no oclif before it is loaded. */
import { homedir, userInfo } from "node:os"
import { basename } from "node:path"
import manifest from "../package.json" with { type: "json" }
import type { Names } from "./program/complete.ts"
import { printed, visible } from "./print/terminal.ts"
import { guardOutput, write } from "./command/screen.ts"

const typed = process.argv.slice(2)
// The single binary answers for completion under kubectl's name for that, as a link to itself.
const [first, ...rest] =
  basename(process.argv0) === "kubectl_complete-stateful" ? ["__complete", ...typed] : typed

/**
 * oclif asks for the home and the shell of the user's account, and ends without them. Under a uid that has no account, as
 * containers run with, they are what containers have.
 */
const standInForAccount = (): void => {
  const { env } = process
  try {
    homedir()
  } catch {
    env["HOME"] = "/"
  }
  try {
    if (env["SHELL"] === undefined) userInfo()
  } catch {
    env["SHELL"] = "/bin/sh"
  }
}

const main = async (): Promise<void> => {
  guardOutput(process)
  standInForAccount()
  if (first === "--version") {
    write(process.stdout, printed`kubectl-stateful v${visible(manifest.version)}\n`)
  } else if (first === "__complete") {
    const { complete } = await import("./program/complete.ts")
    const names: Names = async (...asked) => (await import("./program/names.ts")).clusterNames()(...asked)
    write(process.stdout, await complete(rest, names))
  } else {
    const { program } = await import("./program.ts")
    await program(typed)
  }
}

// A script with a code cache, as in the single binary, cannot await at its top.
void main()
