// Compiles assembly/ to one WASM module and embeds it as base64 in sdk/generated/wasm.ts,
// so that a bundle needs neither fetch nor fs. Skipped when nothing in assembly/ has changed.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const hash = createHash("sha256").update(readFileSync("asconfig.json"));
for (const file of readdirSync("assembly").sort()) hash.update(file).update(readFileSync(`assembly/${file}`));
const stamp = `// sha256 of the sources: ${hash.digest("hex")}\n`;

const target = "sdk/generated/wasm.ts";
if (!existsSync(target) || !readFileSync(target, "utf8").startsWith(stamp)) {
  mkdirSync("sdk/generated", { recursive: true });
  const asc = "node_modules/assemblyscript/bin/asc.js";
  execFileSync(process.execPath, [asc, "--config", "asconfig.json", "--target", "release"], {
    stdio: "inherit",
  });
  const base64 = readFileSync("sdk/generated/core.wasm").toString("base64");
  writeFileSync(target, `${stamp}export const wasm =\n  "${base64}";\n`);
}
