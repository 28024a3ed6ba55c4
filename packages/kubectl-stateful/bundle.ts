/** How the sources become a bundle, whatever it is for. */
import { execFileSync } from "node:child_process"
import type { InputOptions, OutputOptions } from "rolldown"

/** The commit that is built, or null outside of a checkout. */
const commit = (): string | null => {
  try {
    const options = { cwd: import.meta.dirname, encoding: "utf8", stdio: "pipe" } as const
    return execFileSync("git", ["rev-parse", "HEAD"], options).trim()
  } catch {
    return null
  }
}

/** Packages whose modules do nothing but define; the rest of them can be left out. */
const withoutSideEffects = /node_modules\/(@kubernetes\/client-node|effect|yaml)\//

/** A bundle of these entries. */
export const from = (input: NonNullable<InputOptions["input"]>): InputOptions => ({
  input,
  platform: "node",
  transform: { define: { "process.env.KUBECTL_STATEFUL_COMMIT": JSON.stringify(commit()) } },
  resolve: { conditionNames: ["source", "node", "import", "default"] },
  treeshake: {
    moduleSideEffects: [
      { test: withoutSideEffects, sideEffects: false },
      { test: /packages\/(sdk|sandbox)\/src\//, sideEffects: false }
    ]
  }
})

export const minify: NonNullable<OutputOptions["minify"]> = {
  mangle: false,
  compress: true,
  codegen: { removeWhitespace: true }
}
