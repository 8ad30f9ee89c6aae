/** Known vulnerabilities in what is installed with the package; where the registry does not say, that is said. */
import { spawnSync } from "node:child_process";

const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], { encoding: "utf8" });
const answer = parse(stdout);
const found = Object.values(answer.vulnerabilities ?? {});
if (answer.auditReportVersion === undefined) {
  console.log(`npm audit: not checked, the registry did not answer (${answer.message ?? "no answer"}).`);
} else {
  console.log(`npm audit --omit=dev: ${found.length} vulnerable packages.`);
  for (const { name, severity, range } of found) console.log(`  ${name} ${range}: ${severity}`);
  process.exitCode = found.length > 0 ? 1 : 0;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
