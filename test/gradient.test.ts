/** Every gradient kernel against central differences of its forward reference, all in f64 but the kernel. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACTIVATION, type KernelName } from "../sdk/engine/kernels.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { inputsOf, kernelNames, runKernel, runReference } from "./contract.ts";
import type { Arrays, Params } from "./reference.ts";

/** Largest error of a gradient, relative to its largest element. */
const TOLERANCE = 1e-4;
/** Half the distance between the two points of a difference: its error is about the square of this. */
const STEP = 1e-5;

interface Gradient {
  forward: KernelName;
  /** The forward's output whose gradient is given, and the forward's parameters where they differ. */
  output: string;
  params?: Params;
  /** The gradient kernel's argument that holds the gradient of each input of the forward. */
  wanted: Record<string, string>;
  /** What else the gradient kernel reads: inputs or outputs of the forward. */
  given: Record<string, string>;
  /** The gradient of the output, given or overwritten; a loss has none. */
  upstream?: string;
  /** Parameter sets to try. */
  sets: Params[];
}

const RAGGED = [1, 3, 4, 5, 17, 65];
const shifted = (names: string[]) =>
  RAGGED.map((_, c) =>
    Object.fromEntries(names.map((name, i) => [name, RAGGED[(c + 2 * i) % RAGGED.length]])),
  );
const times = (sets: Params[], variants: Params[]) =>
  sets.flatMap((p) => variants.map((v) => ({ ...p, ...v })));

const dense = {
  forward: "dense",
  output: "y",
  params: { activation: ACTIVATION.none },
  upstream: "dy",
} as const;
const head = { forward: "head", output: "y", upstream: "dy" } as const;
const denseSets = shifted(["rows", "inner", "cols"]);
const headSets = shifted(["sets", "rows", "width", "rank"]);
const lengths = shifted(["length"]);

const gradients: Partial<Record<KernelName, Gradient>> = {
  dense_dx: { ...dense, wanted: { x: "dx" }, given: { w: "w" }, sets: denseSets },
  dense_dw: { ...dense, wanted: { w: "dw" }, given: { x: "x" }, sets: denseSets },
  dense_db: {
    ...dense,
    params: { ...dense.params, inner: 3 },
    wanted: { b: "db" },
    given: {},
    sets: shifted(["rows", "cols"]),
  },
  // y = f(1 · x + 0): the gradient in b of one row is the activation's slope
  activation_grad: {
    forward: "dense",
    output: "y",
    wanted: { b: "dy" },
    given: { y: "y" },
    upstream: "dy",
    params: { rows: 1, inner: 2 },
    sets: times(
      lengths.map(({ length }) => ({ length, cols: length })),
      Object.values(ACTIVATION).map((activation) => ({ activation })),
    ),
  },
  batch_norm_grad: {
    forward: "batch_norm",
    output: "y",
    wanted: { x: "dy", gamma: "dgamma", beta: "dbeta" },
    given: { x: "x", gamma: "gamma", saved: "saved" },
    upstream: "dy",
    params: { momentum: 0.1, epsilon: 0.01 },
    sets: times(shifted(["rows", "cols"]), [{ train: 0 }, { train: 1 }]).filter(
      (p) => p.rows > 1 || p.train === 0,
    ),
  },
  dropout: {
    forward: "dropout",
    output: "x",
    wanted: { x: "x" },
    given: { clock: "clock" },
    upstream: "x",
    sets: times(lengths, [{ seed: 11, p: 0.5 }]),
  },
  row_mean_grad: {
    forward: "row_mean",
    output: "y",
    wanted: { x: "dx" },
    given: {},
    upstream: "dy",
    sets: shifted(["sets", "rows", "cols"]),
  },
  soft_label_grad: {
    forward: "soft_label",
    output: "y",
    wanted: { x: "dx" },
    given: { y: "y" },
    upstream: "dy",
    sets: times(shifted(["rows", "features"]), [
      { classes: 2, labels: 0 },
      { classes: 2, labels: 1 },
      { classes: 2, labels: 2 },
      { classes: 5, labels: 5 },
    ]),
  },
  head_dh: { ...head, wanted: { h: "dh" }, given: { kernel: "kernel" }, sets: headSets },
  head_dk: { ...head, wanted: { kernel: "dkernel", bias: "dbias" }, given: { h: "h" }, sets: headSets },
  mse_grad: {
    forward: "mse_grad",
    output: "loss",
    wanted: { y: "dy" },
    given: { y: "y", target: "target" },
    sets: times(lengths, [{ scale: 1 }]),
  },
  bce_grad: {
    forward: "bce_grad",
    output: "loss",
    wanted: { z: "dz" },
    given: { z: "z", target: "target" },
    sets: times(lengths, [{ scale: 1 }]),
  },
};

/** Σ upstream ⊙ output of the forward reference, or the loss itself. */
function objective(
  kernel: KernelName,
  inputs: Arrays,
  p: Params,
  output: string,
  upstream?: Float32Array,
): number {
  const result = runReference(kernel, inputs, p)[output];
  return result.reduce((sum, value, i) => sum + value * (upstream ? upstream[i] : 1), 0);
}

test("every gradient kernel is tried", () => {
  const named = kernelNames.filter((kernel) => /_(grad|dx|dw|db|dh|dk)$/.test(kernel));
  expect(Object.keys(gradients)).toEqual(expect.arrayContaining(named));
});

describe("gradients agree with finite differences", () => {
  let backend: WasmBackend;
  beforeAll(async () => {
    backend = await WasmBackend.open();
  });
  afterAll(() => backend.dispose());

  test.each(Object.keys(gradients) as KernelName[])("%s", async (kernel) => {
    const { forward, output, params, wanted, given, upstream, sets } = gradients[kernel]!;
    for (const set of sets) {
      const p = { ...params, ...set };
      const from = inputsOf(forward, p);
      const inputs = Object.fromEntries(Object.entries(from).map(([k, v]) => [k, Float64Array.from(v)]));
      const state = runReference(forward, from, p);
      const read = inputsOf(kernel, p);
      for (const [argument, source] of Object.entries(given)) {
        read[argument] = Float32Array.from(state[source]);
      }
      const got = await runKernel(backend, kernel, read, p);
      for (const [input, argument] of Object.entries(wanted)) {
        const expected = differences(inputs, input, (moved) => {
          return objective(forward, moved, p, output, upstream ? read[upstream] : undefined);
        });
        expectGradient(`${kernel} ${JSON.stringify(p)} ${argument}`, got[argument], expected);
      }
    }
  });
});

/** Central differences of `value` in up to 40 elements of an input, spread over it. */
function differences(inputs: Arrays, name: string, value: (moved: Arrays) => number): Map<number, number> {
  const { length } = inputs[name];
  const stride = Math.ceil(length / 40);
  const slopes = new Map<number, number>();
  for (let i = 0; i < length; i += stride) {
    const at = (by: number) => {
      const moved = inputs[name].slice();
      moved[i] += by;
      return value({ ...inputs, [name]: moved });
    };
    slopes.set(i, (at(STEP) - at(-STEP)) / (2 * STEP));
  }
  return slopes;
}

function expectGradient(what: string, got: Float32Array, expected: Map<number, number>): void {
  const largest = Math.max(...[...expected.values()].map(Math.abs), 1e-3);
  for (const [i, slope] of expected) {
    const error = Math.abs(got[i] - slope) / largest;
    if (error < TOLERANCE) continue;
    expect.fail(
      `${what}[${i}]: got ${got[i]}, difference ${slope}, error ${error} above the tolerance ${TOLERANCE}`,
    );
  }
}
