// The images of `npm run demo:images`: two categories of Google's emoji, a folder each, from the npm package
// emoji-datasource-google, which is fetched into .cache/ on first use (82 MB) and not by the root install.
import { execSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const CACHE = ".cache/emoji";
const TARGET = join(CACHE, "images");
const CATEGORIES = ["Objects", "Food & Drink"];

if (!existsSync(TARGET)) {
  mkdirSync(CACHE, { recursive: true });
  for (const file of ["package.json", "package-lock.json"])
    copyFileSync(join("demo", file), join(CACHE, file));
  const source = join(CACHE, "node_modules/emoji-datasource-google");
  if (!existsSync(join(source, "emoji.json"))) {
    console.error("Fetching emoji-datasource-google (82 MB) into .cache/emoji; this happens once.");
    execSync("npm ci --ignore-scripts --no-audit --no-fund --silent", { cwd: CACHE, stdio: "inherit" });
  }
  // Under another name until all of them are there.
  const half = `${TARGET}.half`;
  rmSync(half, { recursive: true, force: true });
  const emoji = JSON.parse(readFileSync(join(source, "emoji.json"), "utf8"));
  for (const { category, image, has_img_google: drawn } of emoji) {
    if (!drawn || !CATEGORIES.includes(category)) continue;
    const to = join(half, category, image);
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(join(source, "img/google/64", image), to);
  }
  renameSync(half, TARGET);
}
