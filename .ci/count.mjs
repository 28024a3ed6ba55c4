/** Adds up the test runners' JSON reports into the one line that ends a run; fails when a report is missing or empty. */
import { readFileSync } from "node:fs"

let passed = 0
let failed = 0
let skipped = 0
for (const path of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(path, "utf8"))
  passed += report.numPassedTests
  failed +=
    report.numFailedTests +
    report.testResults.filter((suite) => suite.status === "failed" && suite.assertionResults.length === 0)
      .length
  skipped += report.numPendingTests + report.numTodoTests
  if (report.numTotalTests === 0) failed += 1
}
if (process.argv.length < 4) failed += 1
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`)
process.exitCode = failed > 0 ? 1 : 0
