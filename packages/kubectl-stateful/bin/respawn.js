"use strict"
var spawn = require("child_process").spawn

/** Goes on in another Node, with this one's terminal, signals and exit code. */
module.exports = function (node, args) {
  var child = spawn(node, args.concat(process.argv.slice(2)), { stdio: "inherit" })
  var signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]
  // A terminal sends Ctrl-C to both of us; the child takes two within a moment as one.
  signals.forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal)
    })
  })
  child.on("error", function (error) {
    process.stderr.write("error: " + node + " does not start: " + error.message + "; run `npm ci`\n")
    process.exitCode = 1
  })
  child.on("exit", function (code, signal) {
    if (signal === null) {
      process.exitCode = code
      return
    }
    signals.forEach(function (each) {
      process.removeAllListeners(each)
    })
    process.kill(process.pid, signal)
  })
}
