/**
 * The contract with scripts: every command, its flags and their short forms, as
 * `command-snapshot.json` has them. `npm run commands` writes it; a test compares it with the code.
 */
import { argv, stdout } from "node:process"
import { fileURLToPath } from "node:url"
import { commands } from "../commands/index.ts"
import { printed, visibleJson } from "../print/terminal.ts"
import { write } from "../command/screen.ts"

/** All commands with their flags, by name. */
export const commandList = async () => ({
  commands: await Promise.all(
    Object.entries(commands)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(async ([name, load]) => {
        const command = await load()
        return {
          name,
          summary: command.summary ?? "",
          args: Object.keys(command.args),
          many: !command.strict,
          flags: Object.entries({ ...command.baseFlags, ...command.flags })
            .filter(([, { hidden }]) => hidden !== true)
            .toSorted(([a], [b]) => a.localeCompare(b))
            .map(([flag, definition]) => ({
              name: flag,
              ...(definition.char === undefined ? {} : { char: definition.char }),
              summary: definition.summary ?? "",
              takesValue: definition.type === "option",
              ...(definition.type === "option" && definition.helpValue !== undefined
                ? { value: String(definition.helpValue) }
                : {}),
              ...(definition.type === "option" && definition.options !== undefined
                ? { values: [...definition.options] }
                : {})
            }))
        }
      })
  )
})

if (argv[1] === fileURLToPath(import.meta.url)) {
  write(stdout, printed`${visibleJson(JSON.stringify(await commandList(), null, 2))}\n`)
}
