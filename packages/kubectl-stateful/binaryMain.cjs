"use strict"
// The main script of the single binary. The bundle's parts are its assets: each is run when it is first asked for, from
// compiled code that the build recorded, so that a start compiles little and loads only what the command needs.
const { dirname, join } = require("node:path")
const sea = require("node:sea")
const { Script, constants } = require("node:vm")

/** The build runs this file with a folder of parts instead, and keeps what has been compiled. */
const recording = sea.isSea() ? null : require(process.env.KUBECTL_STATEFUL_RECORD)

const source = recording?.source ?? ((name) => sea.getAsset(name, "utf8"))
// A part that no recorded run has loaded has none.
const recorded = new Set(recording === null ? sea.getAssetKeys() : [])
const compiled =
  recording?.compiled ??
  ((name) =>
    recorded.has(`${name}.compiled`) ? Buffer.from(sea.getRawAsset(`${name}.compiled`)) : undefined)
const home = recording?.home ?? dirname(process.execPath)

const modules = new Map()

const load = (name) => {
  const known = modules.get(name)
  if (known !== undefined) return known.exports
  const module = { exports: {} }
  modules.set(name, module)
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname) {${source(name)}\n})`,
    {
      filename: name,
      cachedData: compiled(name),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
    }
  )
  recording?.loaded(name, script)
  const required = (id) => (id.startsWith("./") ? load(id.slice(2)) : require(id))
  script.runInThisContext()(module.exports, required, module, join(home, name), home)
  return module.exports
}

load("main.js")
