/**
 * A command line that cannot be carried out: the fact, then the way out.
 */
export class Usage extends Error {
  readonly _tag = "Usage"
  /** What to type instead. */
  readonly action: string

  constructor(message: string, action: string) {
    super(message)
    this.name = "Usage"
    this.action = action
  }
}
