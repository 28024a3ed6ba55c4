"use strict"
const { mkdirSync, statSync } = require("node:fs")
const { enableCompileCache } = require("node:module")
const { homedir } = require("node:os")
const { join } = require("node:path")
const { pathToFileURL } = require("node:url")

/** Runs the bundle in this process, its compiled code kept in the user's own cache folder. */
module.exports = (bundle) => {
  try {
    // Not in the system's temporary folder, where others could put code for us to run.
    const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "kubectl-stateful", "code")
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // Under sudo the home may be another user's: what somebody else can write there would be run.
    const { uid, mode } = statSync(folder)
    const isOwn = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
    if (isOwn) enableCompileCache(folder)
  } catch {
    // Without a home it starts slower, and that is all.
  }
  import(pathToFileURL(bundle).href).catch((error) => {
    process.stderr.write(`error: ${bundle} does not load: ${error.message}; install kubectl-stateful again\n`)
    process.exitCode = 1
  })
}
