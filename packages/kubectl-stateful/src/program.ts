/**
 * The plugin as an oclif program whose commands are known beforehand.
 */
import * as sea from "node:sea"
import { Config, Plugin } from "@oclif/core/config"
import type { Command } from "@oclif/core/command"
import type { Interfaces } from "@oclif/core"
import { run } from "@oclif/core/run"
import { nearNames } from "@kubectl-stateful/sdk/NearName"
import manifest from "../package.json" with { type: "json" }
import { type CommandClass, commands } from "./commands/index.ts"
import { commandFirst } from "./program/commandFirst.ts"
import { ended } from "./print/terminal.ts"
import { guardOutput, write } from "./command/screen.ts"
import { Usage } from "./command/usage.ts"

const bin = manifest.oclif.bin
/** oclif's type has literals where JSON has strings. */
const pjson: Interfaces.PJSON = { ...manifest, oclif: { ...manifest.oclif, topicSeparator: " " } }

const loaded = async (id: string): Promise<CommandClass> => {
  const load = commands[id]
  if (load === undefined) throw unknownCommand(id)
  const command = await load()
  // oclif's module of commands has come with it, whose own listener throws.
  guardOutput(process)
  return command
}

/** The name of oclif's manifest, next to the bundle or in the single binary. */
const manifestName = "oclif.manifest.json"

/**
 * oclif's plugin with our table of commands, each a module that is loaded when it is run: oclif's own explicit table
 * would load all of them (docs/decisions/006). Help is printed from the manifest that the build writes.
 */
class Program extends Plugin {
  readonly #ids: ReadonlyArray<string>

  constructor(ids: ReadonlyArray<string>) {
    // What lies in the folder of the single binary is not the binary's.
    const ignoreManifest = sea.isSea()
    super({
      isRoot: true,
      name: manifest.name,
      pjson,
      root: import.meta.dirname,
      type: "core",
      ignoreManifest
    })
    this.#ids = ids
  }

  override async load(): Promise<void> {
    await super.load()
    if (sea.isSea()) {
      const { commands: all }: Interfaces.Manifest = JSON.parse(sea.getAsset(manifestName, "utf8"))
      this.commands = Object.values(all).map((each) => ({ ...each, load: () => this.findCommand(each.id) }))
      this.hasManifest = true
    }
    // Sources have no manifest.
    if (!this.hasManifest) this.commands = await Promise.all(this.#ids.map((id) => this.#loadable(id)))
  }

  override async findCommand(id: string): Promise<Command.Class> {
    return Object.assign(await loaded(id), { id, plugin: this })
  }

  async #loadable(id: string): Promise<Command.Loadable> {
    const { args, baseFlags, description, examples, flags, strict, summary, usage } = await loaded(id)
    const named = <A extends object>(all: Readonly<Record<string, A>>) =>
      Object.fromEntries(Object.entries(all).map(([name, one]) => [name, { ...one, name }]))
    return {
      id,
      aliases: [],
      hiddenAliases: [],
      hidden: false,
      args: named(args),
      flags: named({ ...baseFlags, ...flags }),
      summary,
      description,
      examples,
      usage,
      strict,
      pluginName: this.name,
      load: () => this.findCommand(id)
    }
  }
}

/** The plugin; without a manifest it is built from these commands. */
export const rootPlugin = async (ids: ReadonlyArray<string>): Promise<Plugin> => {
  const plugin = new Program(ids)
  await plugin.load()
  return plugin
}

/** The data of all commands that the build records for oclif. */
export const recorded = async () => {
  const { commands: all } = await rootPlugin(Object.keys(commands))
  return { version: manifest.version, commands: Object.fromEntries(all.map((each) => [each.id, each])) }
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

/** Runs a command line, prints errors as kubectl does, and sets the exit code. */
export const program = async (words: ReadonlyArray<string>): Promise<void> => {
  const ordered = commandFirst(words)
  // As kubectl takes it.
  const argv = ordered[0] === "help" ? [...commandFirst(ordered.slice(1)), "--help"] : ordered
  const [id] = argv
  const isHelp = id === undefined || id.startsWith("-")
  const known = id !== undefined && Object.hasOwn(commands, id)
  try {
    if (!known && !isHelp) throw unknownCommand(id)
    const plugin = await rootPlugin(known ? [id] : Object.keys(commands))
    // oclif's own listener throws.
    guardOutput(process)
    const config = await Config.load({
      root: plugin.root,
      pjson,
      plugins: new Map([[plugin.name, plugin]]),
      version: manifest.version
    })
    await run([...argv], config)
  } catch (error) {
    // The SDK's errors with it, which nothing else here needs.
    const { failureLine } = await import("./print/failure.ts")
    write(process.stderr, ended([failureLine(error, known ? `${bin} ${id}` : bin)]))
    process.exitCode = 1
  }
}
