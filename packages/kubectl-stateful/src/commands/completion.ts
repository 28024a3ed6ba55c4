/** `kubectl stateful completion`: a script that completes `kubectl-stateful` in a shell. */
import { string as word } from "@oclif/core/args"
import * as Effect from "effect/Effect"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { Usage } from "../command/usage.ts"
import { ended, visible } from "../print/terminal.ts"
import { completionScripts, type Shell } from "../program/completionScripts.ts"

const shells = Object.keys(completionScripts) as ReadonlyArray<Shell>

export class Completion extends KubectlCommand {
  static override summary = "Print a script that completes kubectl-stateful in a shell."
  static override usage = [`completion ${shells.join("|")} [flags]`]
  static override description =
    "Only for the program called by its own name: as a plugin, it is completed by kubectl. No cluster is contacted until names are completed."
  static override examples = [
    "source <(kubectl-stateful completion bash)",
    "kubectl-stateful completion zsh > ~/.zfunc/_kubectl-stateful",
    "kubectl-stateful completion fish > ~/.config/fish/completions/kubectl-stateful.fish",
    "kubectl-stateful completion powershell | Out-String | Invoke-Expression"
  ]
  static override args = {
    shell: word({ description: "The shell.", ignoreStdin: true })
  }
  static override flags = {}

  async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    const shell = shells.find((each) => each === args.shell)
    if (shell === undefined)
      throw new Usage(
        args.shell === undefined
          ? "no shell was named"
          : `there is no completion for ${JSON.stringify(args.shell)}`,
        `use one of ${shells.join(", ")}`
      )
    const script = completionScripts[shell]
    await this.untilInterrupted(
      Effect.sync(() => this.screen.out(ended(script.trimEnd().split("\n").map(visible))))
    )
  }
}
