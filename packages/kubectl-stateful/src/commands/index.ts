/**
 * The commands by name, each loaded when it is asked for.
 */
import type { KubectlCommand } from "../KubectlCommand.ts"

/** A command class that can be run. */
export type CommandClass = typeof KubectlCommand & (new (...args: Array<never>) => KubectlCommand)

export const commands: Readonly<Record<string, () => Promise<CommandClass>>> = {
  describe: async () => (await import("./describe.ts")).Describe,
  sandbox: async () => (await import("./sandbox.ts")).Sandbox
}
