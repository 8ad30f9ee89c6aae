/** The suite that every engine passes: each row of the kernel table against its float64 reference. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Backend, type Tensor, VIEW_ALIGNMENT } from "../sdk/engine/backend.ts";
import { type KernelName, kernels } from "../sdk/engine/kernels.ts";
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
}
