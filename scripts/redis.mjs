// Where the tests of a run over many machines find a Redis server; `node scripts/redis.mjs` says how to get one.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const NO_REDIS =
  "Nothing runs over many machines: there is no redis-server. Debian, Ubuntu: apt-get install redis-server; " +
  "macOS: brew install redis; or name one in REDIS_SERVER.";

/**
 * The command that starts a server, if there is one.
 * @returns {string | undefined}
 */
export function findRedis() {
  for (const command of [process.env.REDIS_SERVER, "redis-server", "valkey-server"]) {
    try {
      if (command) execFileSync(command, ["--version"], { stdio: "ignore" });
      if (command) return command;
    } catch {}
  }
  return undefined;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url) && !findRedis()) {
  console.error(NO_REDIS);
  process.exitCode = 1;
}
