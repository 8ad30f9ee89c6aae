// Installs packages that stay out of the root install: a folder's own package.json, on first use.
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Scripts off, few words, and offline it is known soon. */
const NPM = [
  ...["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"],
  ...["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"],
];

/**
 * Installs `folder` unless it is as its lock file says. It is made elsewhere and renamed when complete, so neither an
 * interruption nor a second process that does the same leaves half of it.
 * @param {string} folder from the repository's root, with slashes
 * @param {{ what: string, script?: string, finish?: (modules: string) => Promise<void> }} options `what` it is and how
 *   large, for the one line that is said; `script`: where `finish` stands, which works on the new node_modules.
 * @returns {Promise<string | undefined>} why it failed, in one line
 */
export async function install(folder, { what, script, finish }) {
  const home = join(ROOT, folder);
  const modules = join(home, "node_modules");
  const stamp = join(modules, ".cache/stamp");
  const wanted = stampOf([join(folder, "package-lock.json"), ...(script ? [script] : [])]);
  const installed = () => existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
  if (installed()) return undefined;
  console.error(`Fetching ${what}, once …`);
  const fresh = join(home, ".cache", randomUUID());
  try {
    await mkdir(fresh, { recursive: true });
    const files = ["package.json", "package-lock.json", ".npmrc"].filter((file) =>
      existsSync(join(home, file)),
    );
    for (const file of files) await cp(join(home, file), join(fresh, file));
    await promisify(execFile)("npm", NPM, { cwd: fresh, shell: process.platform === "win32" });
    await mkdir(join(fresh, "node_modules/.cache"), { recursive: true });
    await finish?.(join(fresh, "node_modules"));
    await writeFile(join(fresh, "node_modules/.cache/stamp"), wanted);
    if (installed()) return undefined; // another process was faster
    await rename(modules, join(fresh, "before")).catch(() => {});
    await rename(join(fresh, "node_modules"), modules).catch((error) => {
      if (!installed()) throw error;
    });
    return undefined;
  } catch (error) {
    const reason = (error.stderr || error.message).trim().split("\n").slice(0, 2).join("; ");
    return `npm ci in ${folder} failed (${reason}). It needs the registry, once.`;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** The stamp of a complete installation: which packages, finished how, for which platform. */
function stampOf(files) {
  const parts = files.map((file) => readFileSync(join(ROOT, file), "utf8"));
  return createHash("sha256")
    .update([...parts, process.platform, process.arch].join())
    .digest("hex");
}
