/** Arguments and flags that select an application. */
import { string as word } from "@oclif/core/args"
import { boolean, custom } from "@oclif/core/flags"
import { Usage } from "../command/usage.ts"

/** As kubectl takes a name. */
export const appArgs = {
  app: word({ description: "A StatefulSet: NAME, TYPE/NAME, or TYPE NAME.", ignoreStdin: true }),
  name: word({ description: "The name, after a TYPE.", ignoreStdin: true, hidden: true })
}

/** The words that were given. */
export const wordsOf = ({
  app,
  name
}: {
  readonly app?: string | undefined
  readonly name?: string | undefined
}) => [app, name].filter((word) => word !== undefined)

/** For commands that look at more than one namespace. */
export const allNamespacesFlag = {
  "all-namespaces": boolean({ char: "A", summary: "If present, list across all namespaces." })
}

/** The API takes an empty selector for everything, and it is what an unset variable leaves. */
export const labelsFlag = custom({
  char: "l",
  helpValue: "SELECTOR",
  parse: async (text) => {
    if (text.trim() === "") throw new Usage("the label selector is empty", "write it as -l KEY=VALUE")
    return text
  }
})

/** For commands that may be about several workloads. */
export const selectorFlag = {
  selector: labelsFlag({ summary: "Label selector; all matching workloads are treated as one application." })
}
