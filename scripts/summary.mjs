// Adds the checks that passed and failed to vitest's JSON report and prints "N passed, N failed".
// Usage: node scripts/summary.mjs REPORT CHECKS_PASSED CHECKS_FAILED VITEST_EXIT_CODE
import { readFileSync } from "node:fs";

const [file, checksPassed, checksFailed, exitCode] = process.argv.slice(2);

function readReport() {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // vitest ended before it could write
  }
}

const report = readReport();
const tests = report?.testResults ?? [];
// A file that cannot be loaded has no tests to fail.
const unloaded = tests.filter(
  (item) => item.status === "failed" && item.assertionResults.length === 0,
).length;
const passed = Number(checksPassed) + (report?.numPassedTests ?? 0);
const counted = Number(checksFailed) + (report?.numFailedTests ?? 0) + unloaded;
const failed = counted === 0 && Number(exitCode) !== 0 ? 1 : counted;
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
