/** `kubectl stateful resume`. */
import { OperationCommand } from "../command/OperationCommand.ts"

export class Resume extends OperationCommand {
  static override summary = "Resume an interrupted operation. Works from any machine."
  static override usage = ["resume [ID] [flags]"]

  async run(): Promise<void> {
    return this.takeUp("resume", await this.parse(OperationCommand))
  }
}
