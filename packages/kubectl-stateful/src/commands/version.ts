/** `kubectl stateful version`: this program's, and the server's. */
import { roundTrip } from "@kubectl-stateful/sdk/Resource"
import { boolean, option } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import manifest from "../../package.json" with { type: "json" }
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { documentText } from "../print/document.ts"
import { ended, visible } from "../print/terminal.ts"

const clientVersion = {
  gitVersion: `v${manifest.version}`,
  /** The build replaces this expression; sources have no commit. */
  gitCommit: process.env.KUBECTL_STATEFUL_COMMIT ?? null,
  nodeVersion: process.version,
  platform: `${process.platform}/${process.arch}`
}

const textOf = (body: unknown): string =>
  Predicate.hasProperty(body, "gitVersion") && typeof body.gitVersion === "string"
    ? body.gitVersion
    : "unknown"

export class Version extends KubectlCommand {
  static override summary = "Print the versions of this plugin and of the API server."
  static override usage = ["version [flags]"]
  static override examples = ["<%= config.bin %> version", "<%= config.bin %> version --client -o json"]
  static override args = {}
  static override flags = {
    client: boolean({ summary: "Print only the client version, without contacting a server." }),
    output: option({ char: "o", summary: "Output format.", options: ["yaml", "json"] as const })()
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Version)
    const { client, output } = flags
    const { screen } = this
    const { gitVersion, gitCommit, nodeVersion } = clientVersion
    const print = (server?: unknown) =>
      output === undefined
        ? Effect.sync(() =>
            screen.out(
              ended([
                visible(
                  `Client Version: ${gitVersion}${gitCommit === null ? "" : ` (commit ${gitCommit.slice(0, 12)})`}`
                ),
                visible(`Node.js Version: ${nodeVersion}`),
                ...(server === undefined ? [] : [visible(`Server Version: ${textOf(server)}`)])
              ])
            )
          )
        : Effect.map(
            documentText(
              { clientVersion, ...(server === undefined ? {} : { serverVersion: server }) },
              output
            ),
            screen.out
          )
    if (client) return this.untilInterrupted(print())
    // As kubectl: the client's version is printed even if the server does not answer.
    await this.perform(
      flags,
      roundTrip({ method: "GET", path: "/version" }).pipe(
        Effect.tapError(() => print()),
        Effect.flatMap(print)
      )
    )
  }
}
