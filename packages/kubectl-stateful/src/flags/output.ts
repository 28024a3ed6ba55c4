/** Output formats. */
import { boolean, option } from "@oclif/core/flags"

export const outputs = ["json", "yaml", "wide", "name"] as const

/** For commands that print objects. */
export const outputFlag = {
  output: option({
    char: "o",
    summary: "Output format.",
    options: outputs
  })()
}

export const watchFlag = {
  watch: boolean({ char: "w", summary: "Watch for changes, and print again after each." })
}
