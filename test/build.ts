import { execFileSync } from "node:child_process";

/** The tests of the command line run what is shipped, dist/cli.js: built first unless it is newer than its sources. */
export function setup(): void {
  execFileSync(process.execPath, ["scripts/fresh.mjs"], { stdio: ["ignore", "inherit", "inherit"] });
}
