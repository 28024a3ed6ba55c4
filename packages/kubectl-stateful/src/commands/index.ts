/**
 * The commands by name, each loaded when it is asked for.
 */
import type { KubectlCommand } from "../command/KubectlCommand.ts"

/** A command class that can be run. */
export type CommandClass = typeof KubectlCommand & (new (...args: Array<never>) => KubectlCommand)

export const commands: Readonly<Record<string, () => Promise<CommandClass>>> = {
  abort: async () => (await import("./abort.ts")).Abort,
  completion: async () => (await import("./completion.ts")).Completion,
  describe: async () => (await import("./describe.ts")).Describe,
  drill: async () => (await import("./drill.ts")).DrillCommand,
  operations: async () => (await import("./operations.ts")).Operations,
  peers: async () => (await import("./peers.ts")).PeersCommand,
  profile: async () => (await import("./profile.ts")).ProfileCommand,
  rbac: async () => (await import("./rbac.ts")).Rbac,
  report: async () => (await import("./report.ts")).ReportCommand,
  restore: async () => (await import("./restore.ts")).RestoreCommand,
  resume: async () => (await import("./resume.ts")).Resume,
  sandbox: async () => (await import("./sandbox.ts")).Sandbox,
  scale: async () => (await import("./scale.ts")).ScaleCommand,
  snapshot: async () => (await import("./snapshot.ts")).SnapshotCommand,
  snapshots: async () => (await import("./snapshots.ts")).Snapshots,
  thaw: async () => (await import("./thaw.ts")).ThawCommand,
  version: async () => (await import("./version.ts")).Version
}
