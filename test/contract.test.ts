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

test("a row of a product is the same numbers, however many are made with it", async () => {
  // Few rows, and gradients of few columns, take another way; on several threads each has fewer.
  const { exports } = await Cpu.open();
  /** The memory grows on the way: `values` looks where the numbers lie now. */
  const floats = (length: number, seed: number) => {
    const address = exports.allocate(4 * length);
    const of = {
      address,
      get values() {
        return new Float32Array(exports.memory.buffer, address, length);
      },
    };
    of.values.set(Float32Array.from({ length }, (_, i) => Math.sin(seed + 1.7 * i)));
    return of;
  };
  const bits = (values: Float32Array) => Array.from(new Uint32Array(values.slice().buffer));
  for (const [inner, cols] of [
    [301, 24],
    [33, 13],
    [1100, 5],
  ]) {
    const [x, w, b] = [floats(40 * inner, 1), floats(inner * cols, 2), floats(cols, 3)];
    const [all, some] = [floats(40 * cols, 4), floats(40 * cols, 5)];
    exports.dense(x.address, w.address, b.address, all.address, 40, inner, cols, ACTIVATION.tanh);
    for (const rows of [1, 4, 5, 8, 11, 16, 17]) {
      exports.dense(x.address, w.address, b.address, some.address, rows, inner, cols, ACTIVATION.tanh);
      expect(bits(some.values.subarray(0, rows * cols))).toEqual(bits(all.values.subarray(0, rows * cols)));
    }
  }
  for (const cols of [8, 24, 13]) {
    const [x, dy] = [floats(600 * 12, 6), floats(600 * cols, 7)];
    const [all, some] = [floats(12 * cols, 8), floats(12 * cols, 9)];
    exports.dense_dw(x.address, dy.address, all.address, 600, 12, cols);
    for (const inner of [2, 5, 7, 10]) {
      const part = floats(600 * inner, 0);
      const rows = x.values;
      part.values.set(part.values.map((_, i) => rows[Math.floor(i / inner) * 12 + (i % inner)]));
      exports.dense_dw(part.address, dy.address, some.address, 600, inner, cols);
      expect(bits(some.values.subarray(0, inner * cols))).toEqual(bits(all.values.subarray(0, inner * cols)));
    }
  }
});

test.each(kernelNames)("%s touches nothing beyond the end of an argument", async (kernel) => {
  const { exports } = await Cpu.open();
  exports.reset(exports.allocate(2 ** 23));
  const end = exports.memory.buffer.byteLength;
  for (const p of cases(kernel, [1, 3, 6, 8])) {
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
