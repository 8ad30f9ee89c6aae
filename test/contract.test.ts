import { describe, expect, test } from "vitest";
import { ACTIVATION, kernels } from "../sdk/engine/kernels.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { cases, contract, inputsOf, kernelNames } from "./contract.ts";
import { references } from "./reference.ts";

contract("wasm", () => WasmBackend.open());

describe("every row of the kernel table", () => {
  test.each(kernelNames)("%s has an export that takes its arguments and parameters", async (kernel) => {
    const { exports } = await Cpu.open();
    const { args, params } = kernels[kernel];
    expect(exports[kernel]).toBeTypeOf("function");
    expect(exports[kernel].length).toBe(Object.keys(args).length + Object.keys(params).length);
  });

  test("has a reference, and no reference is left over", () => {
    expect(Object.keys(references).sort()).toEqual([...kernelNames].sort());
  });

  test.each(kernelNames)("%s is tried with every one of its parameters", (kernel) => {
    const { sizes, variants = [] } = references[kernel];
    const tried = [...sizes, ...variants.flatMap((v) => Object.keys(v))];
    expect(new Set(tried)).toEqual(new Set(Object.keys(kernels[kernel].params)));
  });
});

test("a kernel gives its scratch memory back", async () => {
  const { exports } = await Cpu.open();
  const size = 5;
  const at = exports.allocate(1024);
  const before = exports.mark();
  exports.dense(at, at + 128, at + 256, at + 512, size, size, size, 3);
  exports.dense_dx(at, at + 128, at + 512, size, size, size);
  exports.dense_dw(at, at + 128, at + 512, size, size, size);
  exports.head(at, at + 128, at + 256, at + 512, 1, size, size, size);
  exports.head_dh(at, at + 128, at + 512, 1, size, size, size);
  exports.head_dk(at, at + 128, at + 512, at + 768, 1, size, size, size);
  expect(exports.mark()).toBe(before);
});

test.each(kernelNames)("%s touches nothing beyond the end of an argument", async (kernel) => {
  const { exports } = await Cpu.open();
  exports.reset(exports.allocate(2 ** 23));
  const end = exports.memory.buffer.byteLength;
  for (const p of cases(kernel, [1, 3, 6])) {
    const inputs = inputsOf(kernel, p);
    for (const last of Object.keys(inputs)) {
      const start = exports.mark();
      // the last bytes of the memory: one further and the call traps
      const addresses = Object.entries(inputs).map(([name, data]) => {
        const address = name === last ? end - data.byteLength : exports.allocate(data.byteLength);
        new Float32Array(exports.memory.buffer, address, data.length).set(data);
        return address;
      });
      const params = Object.keys(kernels[kernel].params).map((name) => p[name]);
      const run = exports[kernel] as (...numbers: number[]) => void;
      expect(() => run(...addresses, ...params), `${JSON.stringify(p)} ${last}`).not.toThrow();
      exports.reset(start);
    }
  }
  expect(exports.memory.buffer.byteLength, "the memory grew: nothing was at its end").toBe(end);
});

describe("transcendental functions keep f32 accuracy over the whole range", () => {
  // f(1 · x + 0), in rows of one column
  async function apply(activation: number, x: Float32Array): Promise<Float32Array> {
    const backend = await WasmBackend.open();
    const rows = x.length;
    const [tx, w, b, y] = [backend.alloc(rows), backend.alloc(1), backend.alloc(1), backend.alloc(rows)];
    backend.write(tx, x);
    backend.write(w, Float32Array.of(1));
    backend.submit([backend.prepare("dense", { x: tx, w, b, y, rows, inner: 1, cols: 1, activation })]);
    return backend.read(y);
  }

  /** Both signs of sizes from 1e-6 to 80, and 0. */
  const sweep = Float32Array.from({ length: 20_001 }, (_, i) =>
    i === 0 ? 0 : (i % 2 ? 1 : -1) * 1e-6 * 1.000909 ** i,
  );

  function worst(got: Float32Array, f: (x: number) => number): { x: number; got: number; error: number } {
    let found = { x: 0, got: 0, error: 0 };
    sweep.forEach((x, i) => {
      const error = Math.abs(got[i] - f(x)) / Math.max(Math.abs(f(x)), 1e-37);
      if (!(error <= found.error)) found = { x, got: got[i], error };
    });
    return found;
  }

  // three roundings of 6e-8 each: of the polynomial, the sum and the quotient
  test("sigmoid", async () => {
    const { error, ...at } = worst(await apply(ACTIVATION.sigmoid, sweep), (x) => 1 / (1 + Math.exp(-x)));
    expect(error, JSON.stringify(at)).toBeLessThan(2.5e-7);
  });

  test("tanh", async () => {
    const { error, ...at } = worst(await apply(ACTIVATION.tanh, sweep), Math.tanh);
    expect(error, JSON.stringify(at)).toBeLessThan(2.5e-7);
  });

  test("far out they saturate, and NaN stays NaN", async () => {
    const far = Float32Array.of(
      100,
      1e30,
      Number.POSITIVE_INFINITY,
      -100,
      -1e30,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    );
    const [high, low] = [
      [1, 1, 1],
      [0, 0, 0],
    ];
    const sigmoid = await apply(ACTIVATION.sigmoid, far);
    expect([...sigmoid].map((y) => Math.round(y * 1e30) / 1e30)).toEqual([...high, ...low, Number.NaN]);
    expect([...(await apply(ACTIVATION.tanh, far))]).toEqual([...high, -1, -1, -1, Number.NaN]);
  });
});
