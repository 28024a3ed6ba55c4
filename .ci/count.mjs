/**
 * Adds up the test runners' JSON reports into the one line that ends a run, after a line for each test that
 * failed; fails when a report is missing or empty.
 */
import { readFileSync } from "node:fs"
import { relative } from "node:path"
import { stripVTControlCharacters } from "node:util"

let passed = 0
let failed = 0
let skipped = 0
const tell = (file, title, why) => {
  const text = stripVTControlCharacters(why ?? "").split("\n    at ")[0]
  console.log(`failed: ${relative(process.cwd(), file)} > ${title}: ${text.slice(0, 2000)}`)
}
for (const path of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(path, "utf8"))
  passed += report.numPassedTests
  failed += report.numFailedTests
  skipped += report.numPendingTests + report.numTodoTests
  if (report.numTotalTests === 0) failed += 1
  for (const suite of report.testResults) {
    if (suite.status === "failed" && suite.assertionResults.length === 0) {
      failed += 1
      tell(suite.name, "(the file itself)", suite.message)
    }
    for (const test of suite.assertionResults)
      if (test.status === "failed") tell(suite.name, test.fullName, test.failureMessages[0])
  }
}
if (process.argv.length < 4) failed += 1
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`)
process.exitCode = failed > 0 ? 1 : 0
