/** The suite that every engine passes: each row of the kernel table against its float64 reference. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Backend, type Tensor, VIEW_ALIGNMENT } from "../sdk/engine/backend.ts";
import { ACTIVATION, type KernelName, kernels } from "../sdk/engine/kernels.ts";
import { Random } from "../sdk/random.ts";
import { type Arrays, type Params, references } from "./reference.ts";

export const kernelNames = Object.keys(kernels) as KernelName[];
const RAGGED = [1, 3, 4, 5, 17, 65];

/** Parameter sets in which every size takes every ragged value, together with ever different others. */
export function cases(kernel: KernelName, ragged = RAGGED): Params[] {
  const { sizes, variants = [{}], extra = [] } = references[kernel];
  const shapes: Params[] = [];
  for (const stride of sizes.length > 1 ? [0, 1, 2, 5] : [0]) {
    for (let c = 0; c < (sizes.length > 0 ? ragged.length : 1); c++) {
      shapes.push(
        Object.fromEntries(sizes.map((name, i) => [name, ragged[(c + i * stride) % ragged.length]])),
      );
    }
  }
  const all = shapes.flatMap((shape) => variants.map((variant) => ({ ...shape, ...variant })));
  return [...all, ...extra].filter((p) => kernel !== "scatter" || p.count <= p.slots).map(roundParams);
}

/** Parameters as an f32 engine sees them. */
function roundParams(p: Params): Params {
  return Object.fromEntries(Object.entries(p).map(([k, v]) => [k, Number.isInteger(v) ? v : Math.fround(v)]));
}

/** Seeded inputs for every argument that is read, rounded to f32; what is only written starts as NaN. */
export function inputsOf(kernel: KernelName, p: Params): Record<string, Float32Array> {
  const random = new Random(1);
  const uniform = () => 2 * random.uniform() - 1;
  const made: Record<string, Float32Array> = {};
  for (const [name, { access, length }] of argumentsOf(kernel)) {
    const value = references[kernel].inputs?.[name] ?? (() => uniform());
    made[name] = new Float32Array(length(p)).fill(Number.NaN);
    if (access === "write") continue;
    for (let i = 0; i < made[name].length; i++) made[name][i] = value(i, p, uniform);
  }
  return made;
}

/** Runs a kernel on an engine: the arguments' contents after it, and whether it wrote outside of any. */
export async function runKernel(
  backend: Backend,
  kernel: KernelName,
  inputs: Record<string, Float32Array>,
  p: Params,
) {
  const whole: Record<string, Tensor> = {};
  const call: Record<string, Tensor | number> = { ...p };
  for (const [name, data] of Object.entries(inputs)) {
    // guards of NaN on both sides: what is read from there spoils the result, what is written there shows
    whole[name] = backend.alloc(2 * VIEW_ALIGNMENT + data.length);
    backend.write(whole[name], new Float32Array(whole[name].length).fill(Number.NaN));
    const inside = backend.view(whole[name], VIEW_ALIGNMENT, data.length);
    backend.write(inside, data);
    call[name] = inside;
  }
  backend.submit([backend.prepare(kernel, call as never)]);
  const outputs: Record<string, Float32Array> = {};
  for (const [name, tensor] of Object.entries(whole)) {
    const data = await backend.read(tensor);
    const end = VIEW_ALIGNMENT + inputs[name].length;
    outputs[name] = data.slice(VIEW_ALIGNMENT, end);
    const stray = data.findIndex((value, i) => (i < VIEW_ALIGNMENT || i >= end) && !Number.isNaN(value));
    if (stray >= 0) throw new Error(`${kernel} wrote to ${name}[${stray - VIEW_ALIGNMENT}], outside of it`);
  }
  return outputs;
}

/** The reference's results from the same inputs. */
export function runReference(
  kernel: KernelName,
  inputs: Record<string, ArrayLike<number>>,
  p: Params,
): Arrays {
  const arrays = Object.fromEntries(
    Object.entries(inputs).map(([name, data]) => [name, Float64Array.from(data)]),
  );
  references[kernel].run(arrays, p);
  return arrays;
}

/** Fails with the worst index, both values and the tolerance. */
export function expectClose(
  what: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: number,
): void {
  let worst = -1;
  let excess = 0;
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i] - want[i]) / Math.max(1, Math.abs(want[i]));
    if (!(error <= tolerance) && !(error <= excess)) {
      worst = i;
      excess = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  if (worst < 0) return;
  const values = `got ${got[worst]}, expected ${want[worst]}`;
  expect.fail(`${what}[${worst}]: ${values}, error ${excess} above the tolerance ${tolerance}`);
}

function argumentsOf(kernel: KernelName): [string, { access: string; length: (p: Params) => number }][] {
  return Object.entries(kernels[kernel].args) as never;
}

/** Runs the whole contract on an engine. */
export function contract(name: string, open: () => Promise<Backend>): void {
  describe(`${name} agrees with the float64 references`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await open();
    });
    afterAll(() => backend.dispose());

    test.each(kernelNames)("%s", async (kernel) => {
      for (const p of cases(kernel)) {
        const inputs = inputsOf(kernel, p);
        const got = await runKernel(backend, kernel, inputs, p);
        const want = runReference(kernel, inputs, p);
        for (const [argument, { access }] of argumentsOf(kernel)) {
          const what = `${kernel} ${JSON.stringify(p)} ${argument}`;
          if (access === "read") expect(got[argument], what).toEqual(inputs[argument]);
          else expectClose(what, got[argument], want[argument], references[kernel].tolerance(p));
        }
      }
    });
  });

  test(`${name} does not take NaN for 0 in a ReLU or its gradient`, async () => {
    const backend = await open();
    const { relu, leaky_relu } = ACTIVATION;
    for (const activation of [relu, leaky_relu]) {
      const given = { x: [Number.NaN], w: [1], b: [0], y: [0] };
      const inputs = Object.fromEntries(Object.entries(given).map(([k, v]) => [k, Float32Array.from(v)]));
      const layer = { rows: 1, inner: 1, cols: 1, activation };
      expect((await runKernel(backend, "dense", inputs, layer)).y[0]).toBeNaN();
      const grads = { y: Float32Array.of(Number.NaN, 1, 0), dy: Float32Array.of(Number.NaN, 2, 3) };
      const { dy } = await runKernel(backend, "activation_grad", grads, { length: 3, activation });
      expect(dy[0]).toBeNaN();
      expect(dy[1]).toBe(2);
    }
    backend.dispose();
  });

  describe(`${name} says what is wrong with a call`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await open();
    });
    afterAll(() => backend.dispose());
    const add = (x: Tensor, y: Tensor, length: number, scale = 1) =>
      backend.prepare("add", { x, y, length, scale });

    test("lengths: kernel, argument, expected, came", () => {
      expect(() => add(backend.alloc(5), backend.alloc(4), 5)).toThrow(
        "add: y must hold 5 floats (length 5, scale 1), got 4",
      );
      expect(() => add(backend.alloc(5), backend.alloc(5), 0)).toThrow(
        "add: x must hold at least one floats",
      );
    });

    test("parameters", () => {
      const [x, y] = [backend.alloc(5), backend.alloc(5)];
      expect(() => add(x, y, 5.5)).toThrow("add: length must be a whole number below 2^32, got 5.5");
      expect(() => add(x, y, 5, Number.NaN)).toThrow("add: scale must be a finite number, got NaN");
      expect(() => backend.prepare("add", { x, y, length: 5 } as never)).toThrow(
        "scale must be a finite number, got undefined",
      );
      expect(() => backend.prepare("add", { x, length: 5, scale: 1 } as never)).toThrow(
        "y must hold 5 floats",
      );
      expect(() => backend.prepare("subtract" as never, {} as never)).toThrow(
        'There is no kernel "subtract"',
      );
    });

    test("arguments that overlap, also through views", () => {
      const whole = backend.alloc(128);
      expect(() => add(whole, whole, 128)).toThrow("add: x and y overlap");
      expect(() => add(backend.view(whole, 0, 65), backend.view(whole, 64, 64), 64)).toThrow(
        "x must hold 64",
      );
      expect(() => add(backend.view(whole, 0, 64), backend.view(whole, 0, 64), 64)).toThrow("overlap");
      expect(() => add(backend.view(whole, 0, 64), backend.view(whole, 64, 64), 64)).not.toThrow();
    });

    test("views: alignment and bounds", () => {
      const whole = backend.alloc(100);
      expect(() => backend.view(whole, 10, 5)).toThrow(
        "multiple of 64 floats and end within 100, got 10 to 15",
      );
      expect(() => backend.view(whole, 64, 37)).toThrow("end within 100, got 64 to 101");
      expect(() => backend.alloc(0)).toThrow("at least 1, got 0");
    });

    test("data that does not fit", async () => {
      const tensor = backend.alloc(3);
      expect(() => backend.write(tensor, new Float32Array(4))).toThrow("A tensor of 3 floats cannot take 4");
      await expect(backend.read(tensor, new Float32Array(2))).rejects.toThrow("cannot be read into 2");
    });

    test("tensors and steps of another engine", async () => {
      const other = await open();
      const [x, y] = [other.alloc(3), other.alloc(3)];
      expect(() => add(x, y, 3)).toThrow("A tensor of another engine");
      const step = other.prepare("add", { x, y, length: 3, scale: 1 });
      expect(() => backend.submit([step])).toThrow("Step 0 of the plan (add) is of another engine");
      other.dispose();
    });

    test("use after dispose, which may be called twice", async () => {
      const gone = await open();
      const tensor = gone.alloc(3);
      gone.dispose();
      gone.dispose();
      expect(() => gone.alloc(3)).toThrow("The engine was disposed of");
      expect(() => gone.submit([])).toThrow("The engine was disposed of");
      expect(() => gone.write(tensor, new Float32Array(3))).toThrow("The engine was disposed of");
      await expect(gone.read(tensor)).rejects.toThrow("The engine was disposed of");
    });
  });

  describe(`${name} keeps tensors`, () => {
    test("zeroed, written, read back and viewed, also when the memory grows", async () => {
      const backend = await open();
      const first = backend.alloc(130);
      expect(await backend.read(first)).toEqual(new Float32Array(130));
      backend.write(
        first,
        Float32Array.from({ length: 130 }, (_, i) => i),
      );
      backend.alloc(4_000_000);
      expect([...(await backend.read(backend.view(first, 64, 3)))]).toEqual([64, 65, 66]);
      const out = new Float32Array(130);
      expect(await backend.read(first, out)).toBe(out);
      expect(out[129]).toBe(129);
      backend.write(first, Float32Array.of(7));
      expect([...(await backend.read(backend.view(first, 0, 2)))]).toEqual([7, 1]);
      backend.dispose();
    });

    test("through a plan of several steps, submitted again and again", async () => {
      const backend = await open();
      const [x, y] = [backend.alloc(5), backend.alloc(5)];
      backend.write(x, Float32Array.of(1, 2, 3, 4, 5));
      const plan = [
        backend.prepare("add", { x, y, length: 5, scale: 1 }),
        backend.prepare("add", { x: y, y: x, length: 5, scale: -1 }),
      ];
      backend.submit(plan);
      backend.submit(plan);
      expect([...(await backend.read(y))]).toEqual([1, 2, 3, 4, 5]);
      expect([...(await backend.read(x))]).toEqual([-1, -2, -3, -4, -5]);
      backend.dispose();
    });
  });
}
