/**
 * A command line that cannot be carried out: the fact, then the way out.
 */
export class Usage extends Error {
  readonly _tag = "Usage"
  /** Only the fact: oclif adds its own words to an error's message. */
  readonly fact: string
  /** The command to run instead. */
  readonly action: string

  constructor(message: string, action: string) {
    super(message)
    this.name = "Usage"
    this.fact = message
    this.action = action
  }
}
