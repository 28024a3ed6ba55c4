/**
 * The plugin as an oclif program whose commands are known beforehand: nothing is looked for on disk.
 */
import { Config } from "@oclif/core/config"
import type { Command } from "@oclif/core/command"
import type { Interfaces } from "@oclif/core"
import { run } from "@oclif/core/run"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { nearNames } from "@kubectl-stateful/sdk/NearName"
import manifest from "../package.json" with { type: "json" }
import { type CommandClass, commands } from "./commands/index.ts"
import { failureLine } from "./print/failure.ts"
import { ended, printed, visible } from "./print/terminal.ts"
import { write } from "./command/screen.ts"
import { Usage } from "./command/usage.ts"

const bin = manifest.oclif.bin
/** oclif's type has literals where JSON has strings. */
const pjson: Interfaces.PJSON = { ...manifest, oclif: { ...manifest.oclif, topicSeparator: " " } }

const loadable = (id: string, command: CommandClass, plugin: Interfaces.Plugin): Command.Loadable => {
  const flags = Object.entries({ ...command.baseFlags, ...command.flags }).map(([name, flag]) => [
    name,
    { ...flag, name }
  ])
  return {
    id,
    aliases: [],
    hiddenAliases: [],
    hidden: false,
    args: Object.fromEntries(Object.entries(command.args).map(([name, arg]) => [name, { ...arg, name }])),
    flags: Object.fromEntries(flags),
    summary: command.summary,
    description: command.description,
    examples: command.examples,
    usage: command.usage,
    strict: command.strict,
    pluginName: plugin.name,
    load: async () => Object.assign(command, { id, plugin })
  }
}

/** The plugin with these commands; a known command is loaded alone, help loads all. */
export const rootPlugin = async (ids: ReadonlyArray<string>): Promise<Interfaces.Plugin> => {
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  const plugin: Interfaces.Plugin = {
    _base: "",
    alias: manifest.name,
    commandIDs: [...ids],
    commands: [],
    commandsDir: undefined,
    findCommand: async (id: string) => {
      const found = plugin.commands.find((command) => command.id === id)
      if (found === undefined) throw new Error(`command ${id} not found`)
      return found.load()
    },
    hasManifest: true,
    hooks: {},
    isRoot: true,
    load: async () => {},
    moduleType: "module",
    name: manifest.name,
    options: { root },
    pjson,
    root,
    topics: [],
    type: "core",
    valid: true,
    version: manifest.version
  }
  for (const id of ids) {
    const load = commands[id]
    if (load !== undefined) plugin.commands.push(loadable(id, await load(), plugin))
  }
  return plugin
}

/** More of a word is not compared. */
const longestName = 64

const unknownCommand = (id: string): Usage => {
  const [near] = nearNames(id.slice(0, longestName), Object.keys(commands))
  return new Usage(
    `unknown command "${id}" for "${bin}"`,
    near === undefined ? `see \`${bin} --help\`` : `did you mean ${near}?`
  )
}

/** A reader that went away needs no word; a full disk does, and no stack trace with it. */
const onOutputError = (error: NodeJS.ErrnoException): void => {
  process.exitCode = 1
  if (error.code === "EPIPE") return
  const why = error.message.replace(/^[A-Z]+: |, write$/g, "")
  write(
    process.stderr,
    printed`error: cannot write the output: ${visible(why)}; what was written is not whole\n`
  )
}

/** Runs a command line, prints what went wrong as kubectl does, and sets the exit code. */
export const main = async (argv: ReadonlyArray<string>): Promise<void> => {
  const [id] = argv
  const isHelp = id === undefined || id === "help" || id.startsWith("-")
  const known = id !== undefined && Object.hasOwn(commands, id)
  try {
    if (!known && !isHelp) throw unknownCommand(id)
    const plugin = await rootPlugin(known ? [id] : Object.keys(commands))
    // oclif's own listener throws.
    process.stdout
      .removeAllListeners("error")
      .once("error", onOutputError)
      .on("error", () => {})
    // Without a listener what cannot be said ends the process on the spot.
    process.stderr.removeAllListeners("error").on("error", () => (process.exitCode = 1))
    const config = await Config.load({
      root: plugin.root,
      pjson,
      plugins: new Map([[plugin.name, plugin]]),
      version: manifest.version
    })
    await run([...argv], config)
  } catch (error) {
    write(process.stderr, ended([failureLine(error, known ? `${bin} ${id}` : bin)]))
    process.exitCode = 1
  }
}
