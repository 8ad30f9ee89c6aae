import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { embedPlane } from "../sdk/embedding.ts";
import { Cpu, init } from "../sdk/engine/module.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";

const file = readFileSync("sdk/generated/core.wasm");

test("the file beside the bundle is the module inside it", async () => {
  const { core } = await import("../sdk/generated/core.packed.ts");
  expect(inflateRawSync(Buffer.from(core.text, "base64")).equals(file)).toBe(true);
});

test.each([
  ["the embedded module", undefined],
  ["bytes handed over", file],
  ["a compiled module, where compiling bytes is forbidden", new WebAssembly.Module(file)],
])("runs on %s", async (_, module) => {
  await init(module ? { module } : {});
  const backend = await WasmBackend.open();
  const [x, y] = [backend.alloc(3), backend.alloc(3)];
  backend.write(x, new Float32Array([1, 2, 3]));
  backend.submit([backend.prepare("add", { x, y, length: 3, scale: 2 })]);
  expect(Array.from(await backend.read(y))).toEqual([2, 4, 6]);
  backend.dispose();
});

test("instances have memories of their own", async () => {
  const [a, b] = [await Cpu.open(), await Cpu.open()];
  const [atA, atB] = [a.alloc(8), b.alloc(8)];
  a.f64(atA, 1)[0] = 7;
  expect(b.f64(atB, 1)[0]).toBe(0);
});

test("the arena grows, gives zeros, and gives back", async () => {
  const cpu = await Cpu.open();
  const start = cpu.mark();
  const first = cpu.alloc(200_000);
  expect(first % 16).toBe(0);
  cpu.f32(first, 50_000).fill(3);
  cpu.reset(start);
  const again = cpu.alloc(200_000);
  expect(again).toBe(first);
  expect(cpu.f32(again, 50_000).every((value) => value === 0)).toBe(true);
});

test("more than memory can hold is an error with what to lower", async () => {
  const cpu = await Cpu.open();
  expect(() => cpu.alloc(2 ** 32 - 64)).toThrow(/cannot grow by 4294967232 bytes/);
  expect(cpu.alloc(16)).toBeGreaterThan(0);
});

test.each([
  ["the embedded module", undefined],
  ["a module handed over", new WebAssembly.Module(readFileSync("sdk/generated/extra.wasm"))],
])("what training does not need runs on %s", async (_, extra) => {
  await init({ extra });
  const cpu = await Cpu.openExtra();
  const x = { data: new Float32Array([0, 0, 1, 1, 2, 2]), rows: 3, cols: 2 };
  expect(embedPlane(cpu, x, { method: "pca" }).explained![0]).toBeCloseTo(1, 12);
});
