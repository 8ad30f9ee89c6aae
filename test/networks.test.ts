/** Whole networks: ten steps against NumPy's golden curves, every gradient against finite differences in float64. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Backend, Step, Tensor } from "../sdk/engine/backend.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import {
  adam,
  flatCritic,
  Generator,
  type Layer,
  Network,
  type Optimizer,
  type Parameters,
  rmsprop,
  rowClassifier,
  setCritic,
} from "../sdk/networks.ts";
import { Random } from "../sdk/random.ts";
import { expectClose } from "./contract.ts";
import { differences, expectShares, ReferenceBackend, type ReferenceTensor } from "./referenceBackend.ts";

interface Curve {
  losses: number[];
  final: number[];
}
const golden: Record<string, Curve> = JSON.parse(
  readFileSync(new URL("golden/networks.json", import.meta.url), "utf8"),
);
/** f32 against f64 over ten optimizer steps: of each loss, and of the largest output. Seen: 6e-6. */
const CURVE_TOLERANCE = 2e-5;
/** f32 gradients against differences in f64, of the tensor's largest element. Seen: 4e-6. */
const GRADIENT_TOLERANCE = 1e-5;
/** The seed whose first word seeds the dropout masks, in golden/networks.py too. */
const SEED = 5;

/** Value i of a stream: a multiple of 2⁻²³ in [−1, 1), as golden/networks.py has it. */
function hash(stream: number, i: number): number {
  let h = (Math.imul(i, 0x9e3779b1) + Math.imul(stream, 0x85ebca6b)) >>> 0;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) >>> 0;
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39) >>> 0;
  return ((h ^ (h >>> 15)) >>> 8) / 2 ** 23 - 1;
}

function hashed(stream: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => hash(stream, i));
}

/** Quarters of hashed values for every parameter, the batch norm's gamma around 1. */
function writeHashed(parameters: Parameters): void {
  const names = [...parameters.layout.keys()];
  const parts = names.map((name, k) => {
    const shift = name.endsWith("gamma") ? 1 : 0;
    return [name, hashed(k + 1, parameters.layout.get(name)!.length).map((v) => v / 4 + shift)];
  });
  parameters.write(Object.fromEntries(parts));
}

interface Trial {
  rows: number;
  inputs: number;
  layers: Layer[];
  optimizer: Optimizer;
  x: Float32Array;
  target: number[];
  loss?: "mse_grad" | "bce_grad";
  /** Steps t with t mod this = 0 run in eval mode. */
  evalEvery?: number;
}

/** Ten steps: the losses before each, and what the network says in eval mode after them. */
async function curve(backend: Backend, trial: Trial): Promise<Curve> {
  const { rows, inputs, layers, optimizer, loss: kind = "mse_grad", evalEvery = 0 } = trial;
  const network = new Network(backend, inputs, layers, optimizer, new Random(SEED));
  writeHashed(network.parameters);
  const x = backend.alloc(rows * inputs);
  const target = backend.alloc(trial.target.length);
  const loss = backend.alloc(1);
  backend.write(x, trial.x);
  backend.write(target, Float32Array.from(trial.target));
  const [evaluating, training] = [false, true].map((train) => {
    const pass = network.pass(rows, { train, gradients: "parameters", x });
    const call = { target, loss, length: target.length, scale: 1 };
    const lossStep =
      kind === "mse_grad"
        ? backend.prepare("mse_grad", { y: pass.y, dy: pass.dy, ...call })
        : backend.prepare("bce_grad", { z: pass.y, dz: pass.dy, ...call });
    return { pass, steps: [...pass.forward, lossStep, ...pass.backward, ...network.parameters.update] };
  });
  const losses: number[] = [];
  for (let t = 0; t < 10; t++) {
    backend.submit(evalEvery > 0 && t % evalEvery === 0 ? evaluating.steps : training.steps);
    losses.push((await backend.read(loss))[0]);
  }
  backend.submit(evaluating.pass.forward);
  return { losses, final: Array.from(await backend.read(evaluating.pass.y)) };
}

function expectCurve(got: Curve, want: Curve): void {
  expect(got.losses.length).toBe(want.losses.length);
  const ratios = got.losses.map((value, t) => value / want.losses[t]);
  expectClose("losses, ratio", ratios, new Array(ratios.length).fill(1), CURVE_TOLERANCE);
  expectShares("final", got.final, want.final, CURVE_TOLERANCE);
}

const scores = Array.from(hashed(61, 10), (v) => v / 2 + 0.5);
const trials: Record<string, Trial> = {
  "flat critic, adam": {
    rows: 10,
    inputs: 21,
    layers: flatCritic(8),
    optimizer: adam(0.01),
    x: hashed(51, 210),
    target: scores,
  },
  "flat critic, rmsprop, every third step in eval mode": {
    rows: 10,
    inputs: 21,
    layers: flatCritic(8),
    optimizer: rmsprop(0.003),
    x: hashed(51, 210),
    target: scores,
    evalEvery: 3,
  },
  "set critic, adam": {
    rows: 54,
    inputs: 5,
    layers: setCritic(8, 6),
    optimizer: adam(0.01),
    x: hashed(52, 270),
    target: scores.slice(0, 9),
  },
  "discriminator, adam": {
    rows: 14,
    inputs: 5,
    layers: rowClassifier([9, 6]),
    optimizer: adam(0.01),
    x: hashed(53, 70),
    target: Array.from({ length: 14 }, (_, i) => (i < 7 ? 0.9 : 0)),
    loss: "bce_grad",
  },
};

test.each(Object.keys(trials))("ten steps: %s", async (name) => {
  expectCurve(await curve(await WasmBackend.open(), trials[name]), golden[name]);
});

test.each([
  { name: "generator, adam", rank: 4, optimizer: adam(0.01, 0.5) },
  { name: "generator, rmsprop", rank: 5, optimizer: rmsprop(0.01) },
])("ten steps: $name", async ({ name, rank, optimizer }) => {
  const backend = await WasmBackend.open();
  const shape = { sets: 3, rows: 7, width: 5, rank, noise: 6 };
  const generator = new Generator(backend, shape, optimizer, new Random(SEED));
  writeHashed(generator.parameters);
  const push = hashed(60, 105);
  backend.write(generator.z, hashed(50, 18));
  backend.write(generator.dy, push);
  const losses: number[] = [];
  for (let t = 0; t < 10; t++) {
    backend.submit([...generator.forward, ...generator.backward, ...generator.parameters.update]);
    const y = await backend.read(generator.y);
    losses.push(y.reduce((sum, value, i) => sum + value * push[i], 0));
  }
  backend.submit(generator.forward);
  expectCurve({ losses, final: Array.from(await backend.read(generator.y)) }, golden[name]);
});

/** A network on some engine: what `forward` computes from and to, and the gradients that `backward` leaves. */
interface Rig {
  backend: Backend;
  /** Run once, after `x` is written. */
  before?: readonly Step[];
  x: Tensor;
  y: Tensor;
  dy: Tensor;
  forward: readonly Step[];
  backward: readonly Step[];
  /** What the loss is differentiated by, each with its gradient. */
  inputs: Record<string, { value: Tensor; gradient: Tensor }>;
}

/**
 * Each element of every gradient on the WASM engine against (loss(w + ε) − loss(w − ε)) / 2ε computed with the float64
 * references, for loss = Σ c · y with random c.
 */
async function checkGradients(build: (backend: Backend) => Rig): Promise<void> {
  const [engine, reference] = [build(await WasmBackend.open()), build(new ReferenceBackend())];
  const c = hashed(71, engine.dy.length);
  for (const { backend, before = [], x, dy, forward, backward } of [engine, reference]) {
    backend.write(x, hashed(70, x.length));
    backend.write(dy, c);
    backend.submit([...before, ...forward, ...backward]);
  }
  const y = (reference.y as ReferenceTensor).data;
  const loss = () => {
    reference.backend.submit(reference.forward);
    return y.reduce((sum, value, i) => sum + value * c[i], 0);
  };
  for (const [name, { gradient }] of Object.entries(engine.inputs)) {
    const want = differences(reference.inputs[name].value, loss);
    expectShares(name, await engine.backend.read(gradient), want, GRADIENT_TOLERANCE);
  }
}

/** Every parameter of a network with its gradient. */
function byName(parameters: Parameters): Rig["inputs"] {
  const names = [...parameters.layout.keys()];
  return Object.fromEntries(
    names.map((name) => [name, { value: parameters.w(name), gradient: parameters.g(name) }]),
  );
}

interface Sizes {
  /** Rows that come out; the set critic pools 5 rows to one. */
  rows: number;
  inputs: number;
  width: number;
}
const SIZES: Sizes[] = [
  { rows: 1, inputs: 1, width: 3 },
  { rows: 3, inputs: 17, width: 4 },
  { rows: 5, inputs: 4, width: 17 },
  { rows: 17, inputs: 33, width: 5 },
];
const stacks: Record<string, (width: number) => Layer[]> = {
  "set critic": (width) => setCritic(width, 5),
  "flat critic": flatCritic,
  discriminator: (width) => rowClassifier([width, width + 1]),
};

for (const [name, layers] of Object.entries(stacks)) {
  for (const train of [true, false]) {
    // One row has no spread: its batch norm puts out beta, whatever came in.
    const sizes = SIZES.filter(({ rows }) => rows > 1 || name !== "flat critic" || !train);
    const mode = train ? "train" : "eval";
    test.each(sizes)(`gradients: ${name}, ${mode} mode, $rows × $inputs → $width`, async (size) => {
      const { rows, inputs, width } = size;
      const all = name === "set critic" ? rows * 5 : rows;
      for (const gradients of ["parameters", "input"] as const) {
        await checkGradients((backend) => {
          const network = new Network(backend, inputs, layers(width), adam(0.01), new Random(3));
          const { parameters } = network;
          const pass = network.pass(all, { train, gradients });
          // Eval mode uses the running statistics that a step in train mode has left.
          const before = network.pass(all, { train: true, gradients, x: pass.x }).forward;
          const byInput = () => ({ x: { value: pass.x, gradient: pass.dx! } });
          return { backend, ...pass, before, inputs: gradients === "input" ? byInput() : byName(parameters) };
        });
      }
    });
  }
}

test.each([
  { sets: 1, rows: 3, width: 2, rank: 1, noise: 1 },
  { sets: 4, rows: 5, width: 5, rank: 5, noise: 3 },
  { sets: 3, rows: 17, width: 4, rank: 3, noise: 5 },
])("gradients: generator $sets × $rows × $width, rank $rank, noise $noise", async (shape) => {
  await checkGradients((backend) => {
    const generator = new Generator(backend, shape, adam(0.01), new Random(3));
    const { parameters, z: x, y, dy, forward, backward } = generator;
    return { backend, x, y, dy, forward, backward, inputs: byName(parameters) };
  });
});
