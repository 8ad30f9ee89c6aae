// Compiles assembly/ to WASM modules and embeds each in sdk/generated/ as text, so that a bundle needs neither fetch nor
// fs: deflated first, because text of deflated bytes is packed again to their size on its way, text of raw ones is not.
// Zopfli makes them 5 % smaller than zlib does. Skipped when nothing in assembly/ has changed.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import zopfli from "@gfx/zopfli";

/** The entries in assembly/ by module: what training by default needs, and the rest. */
const MODULES = { core: "index", extra: "extra" };

const hash = createHash("sha256")
  .update(readFileSync("asconfig.json"))
  .update(readFileSync("scripts/wasm.mjs"));
for (const file of readdirSync("assembly").sort()) hash.update(file).update(readFileSync(`assembly/${file}`));
const stamp = `// sha256 of the sources: ${hash.digest("hex")}\n`;

mkdirSync("sdk/generated", { recursive: true });
for (const [name, entry] of Object.entries(MODULES)) {
  const target = `sdk/generated/${name}.packed.ts`;
  if (existsSync(target) && readFileSync(target, "utf8").startsWith(stamp)) continue;
  const asc = ["node_modules/assemblyscript/bin/asc.js", `assembly/${entry}.ts`, "--config", "asconfig.json"];
  execFileSync(process.execPath, [...asc, "--outFile", `sdk/generated/${name}.wasm`], { stdio: "inherit" });
  const bytes = readFileSync(`sdk/generated/${name}.wasm`);
  const text = Buffer.from(await zopfli.deflateAsync(bytes, { numiterations: 50 })).toString("base64");
  const module = JSON.stringify({ size: bytes.length, text });
  writeFileSync(target, `${stamp}export const ${name}: { size: number; text: string } =\n  ${module};\n`);
}
