/** What a bundle of the packed tarball weighs for those who train with it. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Rolldown } from "tsdown";
import { expect, inject, test } from "vitest";

/** Minified and gzipped, each file by itself, as they travel. */
const LIMIT = 40 * 1024;
/** Loaded with the first tree that is fitted, not by a training on the default classifier. */
const TREES = /^(extra\.packed|tree)-/;

test("training alone takes 40 KB on either engine, WebAssembly and shaders included", async () => {
  const bundle = await Rolldown.rolldown({
    input: join(inject("app"), "node_modules/makeit-ai/dist/index.js"),
    plugins: [trainAlone],
    platform: "browser",
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  const files = output
    .filter(({ fileName }) => !TREES.test(fileName))
    .map((file) => ({
      name: file.fileName,
      size: gzipSync("code" in file ? file.code : file.source).length,
    }));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  console.log([...files.map(({ name, size }) => `${name} ${size}`), `together ${total} bytes`].join("\n"));
  const names = files.map(({ name }) => name).join(" ");
  expect(names).toMatch(/core\.packed/);
  expect(names).toMatch(/webgpu/);
  expect(total).toBeLessThan(LIMIT);
});

/** The entry as a program sees it that imports `train` and nothing else. */
const trainAlone: Rolldown.Plugin = {
  name: "train-alone",
  resolveId(id, importer) {
    return importer === undefined ? { id: `\0train ${id}` } : null;
  },
  load(id) {
    return id.startsWith("\0train ") ? `export { train } from ${JSON.stringify(id.slice(7))};` : null;
  },
};
