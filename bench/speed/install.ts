/** Installs the peers of bench/package.json, on first use and when their lockfile has changed. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

const LOCK = "bench/package-lock.json";
const STAMP = "bench/node_modules/.installed";

/** @throws when they cannot be had. */
export async function installPeers(): Promise<void> {
  const wanted = createHash("sha256").update(readFileSync(LOCK)).digest("hex");
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted) return;
  console.error("Installing the peers of bench/package.json (330 MB, once) …");
  const npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  try {
    await promisify(execFile)("npm", npm, { cwd: "bench", shell: process.platform === "win32" });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const reason = (stderr || message).trim().split("\n").slice(0, 2).join("; ");
    throw new Error(
      `What Makeit is compared with could not be installed (${reason}). It comes from the npm registry, once: run this with a network.`,
    );
  }
  writeFileSync(STAMP, wanted);
}
