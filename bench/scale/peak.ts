/** Writes the process's peak memory, in megabytes, to the file that PEAK_FILE names when it ends. */
import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env.PEAK_FILE;
if (file && isMainThread)
  process.on("exit", () => writeFileSync(file, String(process.resourceUsage().maxRSS / 1024)));
