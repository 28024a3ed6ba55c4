/** `kubectl stateful profile`: lists the built-in profiles, and prints each as a file to copy and edit. */
import { string as word } from "@oclif/core/args"
import * as Effect from "effect/Effect"
import { all, type Read, read } from "@kubectl-stateful/sdk/Profile"
import * as Result from "effect/Result"
import { contentOf } from "../flags/profile.ts"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { outputFlag } from "../flags/output.ts"
import { profilesText } from "../print/profile.ts"
import { Usage } from "../command/usage.ts"

export class ProfileCommand extends KubectlCommand {
  static override summary = "List the built-in profiles, or print one as a starting point for your own."
  static override usage = ["profile [flags]", "profile NAME|FILE [flags]"]
  static override description =
    "A profile contains application-specific settings: the hooks for scale, and how to quiesce members for a snapshot. A file is validated, and its errors are printed. No cluster is contacted."
  static override examples = [
    "<%= config.bin %> profile",
    "<%= config.bin %> profile redis -o yaml > redis.yaml",
    "<%= config.bin %> profile ./redis.yaml"
  ]
  static override args = {
    profile: word({
      description: "A built-in name, or a path to a file (with a slash or a dot in it).",
      ignoreStdin: true
    })
  }
  static override flags = outputFlag

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ProfileCommand)
    const one = async (name: string): Promise<Read> => {
      const found = read(name, await contentOf(name))
      if (Result.isFailure(found))
        throw new Usage(`profile ${name}: ${found.failure}`, "see docs/profiles.md")
      return found.success
    }
    const found = args.profile === undefined ? all() : [await one(args.profile)]
    const { screen } = this
    await this.untilInterrupted(
      Effect.map(profilesText(found, args.profile !== undefined, flags.output, screen), (text) =>
        screen.out(text)
      )
    )
  }
}
