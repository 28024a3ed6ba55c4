/**
 * The commands by name, each loaded when it is asked for.
 */
import type { KubectlCommand } from "../KubectlCommand.ts"

/** A command class that can be run. */
export type CommandClass = typeof KubectlCommand & (new (...args: Array<never>) => KubectlCommand)

export const commands: Readonly<Record<string, () => Promise<CommandClass>>> = {
  abort: async () => (await import("./abort.ts")).Abort,
  describe: async () => (await import("./describe.ts")).Describe,
  operations: async () => (await import("./operations.ts")).Operations,
  resume: async () => (await import("./resume.ts")).Resume,
  sandbox: async () => (await import("./sandbox.ts")).Sandbox,
  scale: async () => (await import("./scale.ts")).ScaleCommand
}
