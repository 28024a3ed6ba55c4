/** The flags of `sandbox` that are read into more than a word. */
import type { LocalAnswer } from "@kubectl-stateful/sandbox/LocalExec"
import { custom } from "@oclif/core/flags"
import { Usage } from "../command/usage.ts"

export const portFlag = custom<number>({
  parse: async (text) => {
    const port = /^\d+$/.test(text) ? Number(text) : 0
    if (port < 1 || port > 65_535) throw new Usage(`invalid port "${text}"`, "choose one between 1 and 65535")
    return port
  }
})

export const execFlag = custom<LocalAnswer>({
  parse: async (text) => {
    const { localAnswer } = await import("@kubectl-stateful/sandbox/LocalExec")
    const answer = localAnswer(text)
    if (answer !== undefined) return answer
    throw new Usage(`invalid value "${text}" for --exec`, "use POD=COMMAND or POD/CONTAINER=COMMAND")
  }
})
