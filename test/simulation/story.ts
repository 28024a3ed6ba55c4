/** How a run ended, in one line, as its caller was told. */
import * as Exit from "effect/Exit"
import type { OperationResult } from "../../packages/sdk/src/operation/Progress.ts"

export const told = (exit: Exit.Exit<OperationResult, unknown>): string =>
  Exit.isSuccess(exit)
    ? `${exit.value.outcome} unmet[${exit.value.unmet.join("; ")}] notes[${exit.value.notes.join("; ")}]`
    : String(
        (exit.cause as { readonly reasons?: ReadonlyArray<unknown> }).reasons?.map((reason) => {
          const error = Object(Object(reason).error ?? Object(reason).defect)
          return `${error.reason?._tag ?? ""} ${error.message} -> ${error.action}`
        })
      )
