/** `kubectl stateful abort`. */
import { TakeUpCommand } from "../TakeUpCommand.ts"

export class Abort extends TakeUpCommand {
  static override summary = "Undo what an interrupted operation has done, from any machine."
  static override usage = ["abort [ID] [flags]"]

  run(): Promise<void> {
    return this.takeUp("abort")
  }
}
