/** The shaders by themselves, on a GPU (it may be a software one): every entry point with any number of workgroups. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACTIVATION, type Dispatch, type KernelName, kernels } from "../sdk/engine/kernels.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { shaders } from "../sdk/generated/shaders.ts";
import { cases, expectClose, inputsOf, kernelNames, runKernel, runReference } from "./contract.ts";
import { Executor, entryPoints } from "./executor.ts";
import { type Arrays, type Params, references } from "./reference.ts";

let gpu: Executor;
beforeAll(async () => {
  gpu = await Executor.open();
});
afterAll(() => gpu.close());

/** Shapes past what a workgroup takes of rows, columns or elements, so that few workgroups must stride; none is large. */
function shapes(kernel: KernelName): Params[] {
  const { sizes } = references[kernel];
  const work = (p: Params) => sizes.reduce((product, name) => product * p[name], 1);
  const all = cases(kernel, sizes.length === 1 ? [4, 1027] : [4, 33, 68]);
  const distinct = new Map(all.map((p) => [JSON.stringify(p), p]));
  return [...distinct.values()].filter((p) => work(p) < 1_300_000);
}

const dispatchesOf = (kernel: KernelName, p: Params) =>
  (kernels[kernel].dispatches as (p: Params) => readonly Dispatch[])(p);

/** Entry points that may stand in for the one that the table chooses for a shape. */
const ALTERNATIVES: Record<string, readonly string[]> = {
  aligned: ["aligned_slices", "ragged", "ragged_slices"],
  ragged: ["ragged_slices"],
  aligned_slices: ["aligned"],
  ragged_slices: ["ragged"],
  alone: ["together"],
  together: ["alone"],
};

/** Ways to run a kernel on a shape: as the table says, and every entry point with few workgroups. */
function ways(kernel: KernelName, p: Params): (readonly Dispatch[])[] {
  const chosen = dispatchesOf(kernel, p);
  const others = (ALTERNATIVES[chosen[0].entry] ?? []).filter((entry) => entryPoints(kernel).includes(entry));
  const few = [chosen, ...others.map((entry) => [{ ...chosen[0], entry }])].flatMap((run) => [
    run.map(({ entry }) => ({ entry, x: 1 })),
    run.map(({ entry, x, y = 1 }) => ({ entry, x: Math.min(x, 2), y: Math.min(y, 3) })),
  ]);
  return [chosen, ...few];
}

describe("every entry point, with as many workgroups as the table says and with few", () => {
  test.each(kernelNames)("%s", async (kernel) => {
    for (const p of shapes(kernel)) {
      const inputs = inputsOf(kernel, p);
      const want = runReference(kernel, inputs, p);
      for (const dispatches of ways(kernel, p)) {
        const got = await gpu.run(kernel, inputs, p, dispatches);
        for (const [name, { access }] of Object.entries(kernels[kernel].args)) {
          const what = `${kernel} ${JSON.stringify(p)} ${JSON.stringify(dispatches)} ${name}`;
          const tolerance = access === "read" ? 0 : references[kernel].tolerance(p);
          expectClose(what, got[name], want[name], tolerance);
        }
      }
    }
  });
});

describe("the table's workgroups are as many as the work takes", () => {
  /** Strides past everything: each thread does what it begins with, and no more. */
  const once = (kernel: KernelName) =>
    shaders[kernel].replaceAll(/\+=groups\.[xy][^)]*\)/g, "+=0x10000000u)");

  /** Whether the arguments end up as they should. */
  async function right(
    kernel: KernelName,
    p: Params,
    inputs: Record<string, Float32Array>,
    want: Arrays,
    dispatches: readonly Dispatch[],
  ): Promise<boolean> {
    const got = await gpu.run(kernel, inputs, p, dispatches, once(kernel));
    const tolerance = references[kernel].tolerance(p);
    const close = (name: string) =>
      want[name].every(
        (value, i) => Math.abs(got[name][i] - value) <= tolerance * Math.max(1, Math.abs(value)),
      );
    return Object.keys(inputs).every(close);
  }

  test.each(kernelNames)("%s", async (kernel) => {
    let cuts = 0;
    for (const p of shapes(kernel)) {
      const inputs = inputsOf(kernel, p);
      const want = runReference(kernel, inputs, p);
      const dispatches = dispatchesOf(kernel, p);
      const shape = JSON.stringify(p);
      expect(await right(kernel, p, inputs, want, dispatches), shape).toBe(true);
      const idle = Object.entries(inputs).every(([name, data]) =>
        data.every((value, i) => value === want[name][i]),
      );
      if (idle) continue; // such as dropout with p = 0: right without doing anything
      for (const [i, { entry, x, y = 1 }] of dispatches.entries()) {
        const fewer = [
          { entry, x: x - 1, y },
          { entry, x, y: y - 1 },
        ].filter((d) => d.x > 0 && d.y > 0);
        for (const d of fewer) {
          cuts++;
          const enough = await right(kernel, p, inputs, want, dispatches.with(i, d));
          expect(enough, `${shape} with ${JSON.stringify(d)}`).toBe(false);
        }
      }
    }
    expect(cuts > 0 || kernel === "tick", "no shape takes two workgroups").toBe(true);
  });
});

describe("dropout keeps exactly what the WASM engine keeps", () => {
  test.each([0.1, 0.5, 0.9])("p = %f", async (probability) => {
    const wasm = await WasmBackend.open();
    const p = Math.fround(probability);
    for (const length of [1, 2, 3, 4, 5, 7, 255, 1023, 4099, 100_000]) {
      for (const [seed, t] of [
        [0, 0],
        [7, 3],
        [2 ** 32 - 1, 2 ** 24],
      ]) {
        const params = { length, seed, p };
        const inputs = { clock: Float32Array.of(t, 0, 0, 0), x: new Float32Array(length).fill(1) };
        const there = await runKernel(wasm, "dropout", inputs, params);
        const here = await gpu.run("dropout", inputs, params, dispatchesOf("dropout", params));
        const [kept, expected] = [here.x, there.x].map((x) => Array.from(x, (value) => value !== 0));
        expect(kept, `length ${length}, seed ${seed}, t ${t}`).toEqual(expected);
        if (length === 100_000) expect(expected.filter(Boolean).length / length).toBeCloseTo(1 - p, 2);
      }
    }
    wasm.dispose();
  });
});

describe("nothing overflows", () => {
  const far = Float32Array.of(100, 1e4, 1e30, 3e38, -100, -1e4, -1e30, -3e38);

  async function run(kernel: KernelName, inputs: Record<string, Float32Array>, p: Params) {
    return gpu.run(kernel, inputs, p, dispatchesOf(kernel, p));
  }

  test.each([
    ["sigmoid", 0],
    ["tanh", -1],
  ] as const)("%s", async (name, low) => {
    const rows = far.length;
    const [w, b, y] = [Float32Array.of(1), Float32Array.of(0), new Float32Array(rows)];
    const p = { rows, inner: 1, cols: 1, activation: ACTIVATION[name] };
    const got = await run("dense", { x: far, w, b, y }, p);
    expectClose(name, got.y, [1, 1, 1, 1, low, low, low, low], 1e-37);
  });

  test("soft labels", async () => {
    const x = Float32Array.of(1e30, -1e30, -1e30, 1e30, 3e4, 3e4);
    const two = { rows: 3, features: 0, classes: 2 };
    const one = await run("soft_label", { x, y: new Float32Array(3) }, { ...two, labels: 1 });
    expect([...one.y]).toEqual([-1, 1, 0]);
    const both = await run("soft_label", { x, y: new Float32Array(6) }, { ...two, labels: 2 });
    expect([...both.y]).toEqual([1, 0, 0, 1, 0.5, 0.5]);
  });

  test("cross-entropy", async () => {
    const z = Float32Array.of(1e4, -1e4, 1e4, -1e4);
    const target = Float32Array.of(1, 0, 0, 1);
    const inputs = { z, target, dz: new Float32Array(4), loss: new Float32Array(1) };
    const { dz, loss } = await run("bce_grad", inputs, { length: 4, scale: 4 });
    expect([...dz]).toEqual([0, 0, 1, -1]);
    expect(loss[0]).toBe(5e3);
  });
});

test("long losses are added up within a few roundings", async () => {
  const length = 100_000;
  const p = { length, scale: 1 };
  for (const kernel of ["mse_grad", "bce_grad"] as const) {
    const inputs = inputsOf(kernel, p);
    const got = await gpu.run(kernel, inputs, p, dispatchesOf(kernel, p));
    expectClose(`${kernel} loss`, got.loss, runReference(kernel, inputs, p).loss, 1e-5);
  }
});
