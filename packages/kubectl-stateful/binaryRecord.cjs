"use strict"
// What `binaryMain.cjs` reads while the build records: the parts from a folder, and beside each the compiled code of the
// runs so far, to which this run adds.
const { existsSync, readFileSync, statSync, writeFileSync } = require("node:fs")
const { join } = require("node:path")

const folder = process.env.KUBECTL_STATEFUL_PARTS
const compiledFile = (name) => join(folder, `${name}.compiled`)
const scripts = new Map()

process.on("exit", () => {
  for (const [name, script] of scripts) {
    const file = compiledFile(name)
    const data = script.createCachedData()
    if (!existsSync(file) || statSync(file).size < data.length) writeFileSync(file, data)
  }
})

module.exports = {
  home: folder,
  source: (name) => readFileSync(join(folder, name), "utf8"),
  compiled: (name) => (existsSync(compiledFile(name)) ? readFileSync(compiledFile(name)) : undefined),
  loaded: (name, script) => scripts.set(name, script)
}
