// Builds dist/ unless it is newer than everything it is made of.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const SOURCES = [
  ...["assembly", "shaders", "sdk", "cli", "bench", "fuzz", "web", "data"],
  ...["package.json", "package-lock.json"],
];
const SCRIPTS = ["scripts/wasm.mjs", "scripts/shaders.mjs", "scripts/web.mjs"];
const CONFIGS = ["tsdown.config.ts", "tsconfig.json", "asconfig.json"];

/** When a file, or a folder or anything below it, last changed (a folder changes when a file goes). */
function changed(path) {
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs;
  const below = readdirSync(path).filter((name) => !["generated", "node_modules"].includes(name));
  return Math.max(found.mtimeMs, ...below.map((name) => changed(join(path, name))));
}

// The page comes last.
const built = existsSync("dist/web/sw.js") ? statSync("dist/web/sw.js").mtimeMs : 0;
const sources = [...SOURCES, ...SCRIPTS, ...CONFIGS].filter((path) => existsSync(path));
if (built <= Math.max(...sources.map(changed))) {
  execFileSync("npm", ["run", "-s", "build"], { stdio: ["ignore", "inherit", "inherit"] });
}
