// Compiles assembly/ to WASM modules and embeds each in sdk/generated/ as text, so that a bundle needs neither fetch nor
// fs: deflated first, because text of deflated bytes is packed again to their size on its way, text of raw ones is not.
// Zopfli makes them 5 % smaller than zlib does. Skipped when nothing in assembly/ has changed.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import zopfli from "@gfx/zopfli";

const SHARED = ["--enable", "threads", "--importMemory", "--sharedMemory", "--initialMemory", "32"];
const THREADS = [...SHARED, "--maximumMemory", "65536"];
const RELAXED = ["--enable", "relaxed-simd"];

/** What training by default needs, the rest, and the former for several threads and for fused multiplication. */
const MODULES = {
  core: { entry: "index", flags: [] },
  extra: { entry: "extra", flags: [] },
  threads: { entry: "threads", flags: THREADS },
  relaxed: { entry: "index", flags: RELAXED },
};

const hash = createHash("sha256")
  .update(readFileSync("asconfig.json"))
  .update(readFileSync("scripts/wasm.mjs"));
for (const file of readdirSync("assembly").sort()) hash.update(file).update(readFileSync(`assembly/${file}`));
const stamp = `// sha256 of the sources: ${hash.digest("hex")}\n`;

mkdirSync("sdk/generated", { recursive: true });
await Promise.all(Object.entries(MODULES).map(([name, { entry, flags }]) => build(name, entry, flags)));

async function build(name, entry, flags) {
  const target = `sdk/generated/${name}.packed.ts`;
  if (existsSync(target) && readFileSync(target, "utf8").startsWith(stamp)) return;
  const asc = ["node_modules/assemblyscript/bin/asc.js", `assembly/${entry}.ts`, "--config", "asconfig.json"];
  const out = ["--outFile", `sdk/generated/${name}.wasm`];
  await promisify(execFile)(process.execPath, [...asc, ...flags, ...out]).catch(({ stderr, stdout }) => {
    throw new Error(`assembly/${entry}.ts does not compile.\n${stderr}${stdout}`);
  });
  const bytes = readFileSync(`sdk/generated/${name}.wasm`);
  const text = Buffer.from(await zopfli.deflateAsync(bytes, { numiterations: 50 })).toString("base64");
  const module = JSON.stringify({ size: bytes.length, text });
  writeFileSync(target, `${stamp}export const ${name}: { size: number; text: string } =\n  ${module};\n`);
}
