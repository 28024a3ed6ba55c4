"use strict"
var fs = require("fs")
var path = require("path")

/** When the youngest file of a folder was written, in milliseconds; 0 where there is none. */
module.exports = function newest(folder) {
  var entries
  try {
    entries = fs.readdirSync(folder, { withFileTypes: true })
  } catch {
    return 0
  }
  return entries.reduce(function (latest, entry) {
    var file = path.join(folder, entry.name)
    return Math.max(latest, entry.isDirectory() ? newest(file) : fs.statSync(file).mtimeMs)
  }, 0)
}
