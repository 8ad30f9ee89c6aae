/** What a bundle of the packed tarball weighs for those who build with it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Rolldown } from "tsdown";
import { expect, inject, test } from "vitest";

/** Minified and gzipped, each file by itself, as they travel. */
const LIMIT = 40_000;
/** What is loaded later and counts nevertheless: one engine or the other is always needed. */
const ENGINES = /^(core\.packed|webgpu)-/;
/** What takes the place of the usual module where several threads or fused multiplication are asked for. */
const INSTEAD = /^(threads|relaxed)\.packed-/;

test.each([
  ["training alone", "export { train }", /([\d.]+) KB minified and gzipped/],
  ["everything that the entry exports", "export *", /everything that the entry exports, ([\d.]+) KB/],
])("%s takes 40 KB on either engine, WebAssembly and shaders included", async (_, exports, claim) => {
  const files = await bundle(exports);
  const core = files.filter(({ core }) => core);
  console.log(
    [...core.map(({ name, size }) => `${name} ${size}`), `together ${total(core)} bytes`].join("\n"),
  );
  expect(core.filter(({ name }) => ENGINES.test(name)).length).toBe(2);
  expect(total(core)).toBeLessThan(LIMIT);
  // What the README says is what it is.
  const [, claimed] = readFileSync("README.md", "utf8").match(claim)!;
  expect(Math.abs(1000 * Number(claimed) - total(core))).toBeLessThan(750);
});

test("tables, comparisons, trees and model files are loaded later, and are not much more", async () => {
  const files = (await bundle("export *")).filter(({ core }) => !core);
  const instead = files.filter(({ name }) => INSTEAD.test(name));
  expect(instead.length).toBe(2);
  for (const { name, size } of instead) expect(size, name).toBeLessThan(11_000);
  const later = files.filter((file) => !instead.includes(file));
  expect(later.length).toBeGreaterThan(5);
  console.log(`later ${total(later)} bytes`);
  expect(total(later)).toBeLessThan(83_000);
});

const total = (files: readonly { size: number }[]) => files.reduce((sum, { size }) => sum + size, 0);

/** The files of a program that does nothing but export; `core`: loaded at once, or an engine. */
async function bundle(exports: string): Promise<{ name: string; size: number; core: boolean }[]> {
  const dist = join(inject("app"), "node_modules/makeit-ai/dist/index.js");
  const program = await Rolldown.rolldown({
    input: "program",
    plugins: [
      {
        name: "program",
        resolveId: (id) => (id === "program" ? "\0program" : null),
        load: (id) => (id === "\0program" ? `${exports} from ${JSON.stringify(dist)};` : null),
      },
    ],
    platform: "browser",
    logLevel: "silent",
  });
  const { output } = await program.generate({ format: "esm", minify: true });
  const chunks = new Map(output.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file]] : [])));
  const core = new Set<string>();
  const load = (name: string) => {
    const chunk = chunks.get(name);
    if (!chunk || core.has(name)) return;
    core.add(name);
    chunk.imports.forEach(load);
  };
  for (const { fileName, isEntry } of chunks.values()) if (isEntry || ENGINES.test(fileName)) load(fileName);
  return [...chunks.values()].map(({ fileName: name, code }) => ({
    name,
    size: gzipSync(code).length,
    core: core.has(name),
  }));
}
