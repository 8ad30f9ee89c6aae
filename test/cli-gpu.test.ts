/** The command line on the GPU: here it may be a software one, so only small runs. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { tools } from "../scripts/tools.mjs";
import { expectRefusal, makeit, readJson, SHORT, workplace, writeSmallTable } from "./cli.ts";

const { gpu } = await tools();
const place = workplace();
afterAll(() => place.dispose());
const table = writeSmallTable(place.path("small.csv"));
const small = [
  ...SHORT,
  "--critic-steps",
  "4",
  "--critic-batch",
  "8",
  "--critic-width",
  "8",
  "--target",
  "rare",
];

/** Nothing that Dawn could take for a GPU. */
const NO_GPU = { VK_ICD_FILENAMES: "/dev/null", VK_DRIVER_FILES: "/dev/null" };

test.runIf(gpu)("fit on the GPU, with the time of kernels", async () => {
  const out = place.path("out");
  const words = ["fit", table, ...small, "--engine", "webgpu", "--profile", "--out", out];
  const { code, stdout, stderr } = await makeit(words);
  expect([code, stderr.includes("Error")]).toEqual([0, false]);
  expect(stdout).toMatch(/engine webgpu \(asked for\)/);
  expect(stdout).toMatch(/kernel +calls +ms +µs a call +share\n/);
  expect(stdout).toMatch(/\n +dense +\d+ +[\d.]+ +[\d.]+ +[\d.]+ %/);
  expect(readJson(`${out}/report.json`)).toMatchObject({ engine: "webgpu", engineReason: "asked for" });
});

test("fit takes the time of kernels in WebAssembly too", async () => {
  const words = [
    "fit",
    table,
    ...small,
    "--engine",
    "wasm",
    "--profile",
    "--json",
    "--out",
    place.path("wasm"),
  ];
  const { code, stdout } = await makeit(words);
  expect(code).toBe(0);
  const { profile, engine } = JSON.parse(stdout);
  expect(engine).toBe("wasm");
  const dense = profile.find(({ kernel }: { kernel: string }) => kernel === "dense");
  expect(dense.calls).toBeGreaterThan(100);
  expect(dense.ms).toBeGreaterThan(0);
});

test.runIf(process.platform === "linux")("without a GPU, webgpu is refused with what to do", async () => {
  const out = place.path("none");
  const refused = await makeit(["fit", table, ...small, "--engine", "webgpu", "--out", out], { env: NO_GPU });
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/The engine webgpu was asked for, and there is no GPU here/);
  expect(refused.stderr).toMatch(/npm install webgpu/);
  expect(place.files()).not.toContain("none");
  const { code, stdout } = await makeit(["devices"], { env: NO_GPU });
  expect(code).toBe(0);
  expect(stdout).toMatch(/engine webgpu +not available: there is no GPU/);
});

test.runIf(gpu)("Node ends by itself once the engine is disposed of", async () => {
  const program = `
    import { openBackend } from ${JSON.stringify(resolve("dist/node.js"))};
    const backend = await openBackend({ engine: "webgpu" });
    const x = backend.alloc(4);
    console.log((await backend.read(x)).length);
    backend.dispose();
  `;
  const node = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, node, { timeout: 20_000 });
  expect(stdout).toBe("4\n");
});

test("an engine that does not exist", async () => {
  expectRefusal(
    await makeit(["fit", table, ...small, "--engine", "cuda"]),
    /engine.*"?cuda"?.*one of auto, wasm, webgpu/,
  );
});
