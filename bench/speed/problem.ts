/** What the networks are timed on: inputs, first parameters and dropout's draws, the same numbers on every side. */
import type { Backend, Tensor } from "../../sdk/engine/backend.ts";
import { CLOCK_LENGTH } from "../../sdk/engine/kernels.ts";
import { Cpu } from "../../sdk/engine/module.ts";
import { WasmBackend } from "../../sdk/engine/wasm.ts";
import {
  adam,
  flatCritic,
  Generator,
  type GeneratorShape,
  type Layer,
  Network,
  type Optimizer,
  rmsprop,
  rowClassifier,
  setCritic,
} from "../../sdk/networks.ts";
import { derive, Random } from "../../sdk/random.ts";

export const SEED = 1;
/** Steps whose losses are compared. */
export const CHECKED = 3;

/** A row-major tensor. */
export interface Values {
  shape: number[];
  data: Float32Array;
}

/** A network's training step: forward, loss, backward, Adam. */
export interface NetworkWork {
  rows: number;
  inputs: number;
  layers: Layer[];
  loss: "mse" | "bce";
  learningRate: number;
}

export interface NetworkProblem extends NetworkWork {
  x: Values;
  target: Values;
  /** What dropout multiplies by in each of the checked steps; a side repeats them. Empty without dropout. */
  masks: Values[];
  parameters: Record<string, Values>;
}

/** The generator's training step: forward, through the frozen critic (and discriminator), backward, its optimizer. */
export interface GeneratorWork {
  shape: GeneratorShape;
  optimizer: Optimizer;
  /** The critic, on flattened sets or on rows with a smooth label. */
  critic: Layer[];
  perRow: boolean;
  /** The discriminator, on rows with a smooth label; λ is 1. */
  discriminator?: Layer[];
}

export interface GeneratorProblem extends GeneratorWork {
  z: Values;
  mask?: Values;
  parameters: Record<string, Values>;
  criticParameters: Record<string, Values>;
  discriminatorParameters?: Record<string, Values>;
}

/** draGAN on 1,870 rows of 8 features: sets of 1.79 times as many rows, with 2 logits, flattened. */
const REFERENCE = { rows: 3353, width: 10 };
/** Sets of an epoch. */
const EPOCH = 16;
/** The default preset on 8 features: sets of 64 rows, seen with one smooth label. */
const DEFAULT = { sets: 16, rows: 64, width: 10, rank: 10, noise: 64 };
const SEEN = 9;

const flat = (rows: number): NetworkWork => ({
  rows,
  inputs: REFERENCE.rows * REFERENCE.width,
  layers: flatCritic(64),
  loss: "mse",
  // Far below the published 3.6e-2, under which rounding alone would part the sides within the compared steps.
  learningRate: 2e-4,
});
const perRow = (rows: number): NetworkWork => ({
  rows: 64 * rows,
  inputs: SEEN,
  layers: setCritic(64, rows),
  loss: "mse",
  learningRate: 3e-3,
});

export const NETWORKS: Record<string, NetworkWork> = {
  "critic-1984": flat(1984),
  "critic-256": flat(256),
  "set-critic": perRow(DEFAULT.rows),
  "set-critic-4096": perRow(4096),
  discriminator: {
    rows: 2048,
    inputs: SEEN,
    layers: rowClassifier([64, 64]),
    loss: "bce",
    learningRate: 1e-3,
  },
};

export const GENERATORS: Record<string, GeneratorWork> = {
  generator: {
    shape: { sets: 16, rank: REFERENCE.width, noise: 512, ...REFERENCE },
    optimizer: rmsprop(2.6602572e-4),
    critic: flatCritic(64),
    perRow: false,
  },
  "generator-default": {
    shape: DEFAULT,
    optimizer: adam(3e-3, 0.5),
    critic: setCritic(64, DEFAULT.rows),
    perRow: true,
    discriminator: rowClassifier([64, 64]),
  },
};

export async function networkProblem(name: string): Promise<NetworkProblem> {
  const work = NETWORKS[name];
  const { rows, inputs, layers } = work;
  const flattened = layers.some(({ kind }) => kind === "batch_norm");
  const targets = outputsOf(layers, rows);
  const masks = Array.from({ length: hasDropout(layers) ? CHECKED : 0 }, (_, step) =>
    dropoutMask(layers, rows, SEED, step),
  );
  return {
    ...work,
    x: { shape: [rows, inputs], data: await (flattened ? replayedSets(rows) : normals(rows * inputs, 1)) },
    target: { shape: [targets, 1], data: targetsOf(work, targets) },
    masks: await Promise.all(masks),
    parameters: await initial(inputs, layers, SEED),
  };
}

export async function generatorProblem(name: string): Promise<GeneratorProblem> {
  const work = GENERATORS[name];
  const { shape, critic, discriminator } = work;
  const inputs = work.perRow ? SEEN : shape.rows * shape.width;
  return {
    ...work,
    z: { shape: [shape.sets, shape.noise], data: await normals(shape.sets * shape.noise, 2) },
    mask: hasDropout(critic) ? await dropoutMask(critic, shape.sets, SEED + 1, 0) : undefined,
    parameters: await initialGenerator(work),
    criticParameters: await initial(inputs, critic, SEED + 1),
    discriminatorParameters: discriminator && (await initial(SEEN, discriminator, SEED + 2)),
  };
}

/** Scores for a critic; for a discriminator a real half, smoothed, and a generated one. */
function targetsOf({ loss }: NetworkWork, count: number): Float32Array {
  const random = new Random(derive(SEED, 3));
  return Float32Array.from({ length: count }, (_, i) =>
    loss === "mse" ? random.uniform() : i < count / 2 ? 0.9 : 0,
  );
}

function outputsOf(layers: readonly Layer[], rows: number): number {
  for (const layer of layers) if (layer.kind === "row_mean") rows /= layer.rows;
  return rows;
}

function hasDropout(layers: readonly Layer[]): boolean {
  return layers.some(({ kind }) => kind === "dropout");
}

async function withBackend<T>(use: (backend: WasmBackend) => Promise<T>): Promise<T> {
  const backend = await WasmBackend.open();
  try {
    return await use(backend);
  } finally {
    backend.dispose();
  }
}

/** Normal numbers from the engine: the same in every place. */
async function normals(length: number, stream: number): Promise<Float32Array> {
  const cpu = await Cpu.open();
  const address = cpu.alloc(4 * length);
  cpu.exports.normal(address, length, 0, 1, SEED, stream, 0);
  return cpu.f32(address, length).slice();
}

/** What the sets of an epoch are made of; the tensors hold another epoch's numbers at each call. */
export interface Source {
  shape: GeneratorShape;
  h: Tensor;
  parameters: { w(name: string): Tensor };
}

/** Epochs of 16 sets as a memory meets them, by a generator that differs from epoch to epoch. */
export async function eachEpoch(
  backend: Backend,
  count: number,
  use: (source: Source, first: number) => void | Promise<void>,
): Promise<void> {
  const { rows, width } = REFERENCE;
  const shape = { sets: EPOCH, rank: width, noise: 1, rows, width };
  const h = backend.alloc(EPOCH * width * width);
  const weights: Record<string, Tensor> = {
    kernel: backend.alloc(rows * width),
    bias: backend.alloc(rows),
  };
  const source = { shape, h, parameters: { w: (name: string) => weights[name] } };
  const random = new Random(derive(SEED, 4));
  const bound = 1 / Math.sqrt(width);
  for (let first = 0; first < count; first += EPOCH) {
    fill(backend, h, () => random.uniform());
    fill(backend, weights.kernel, () => bound * (2 * random.uniform() - 1));
    fill(backend, weights.bias, () => bound * (2 * random.uniform() - 1));
    await use(source, first);
  }
}

/** The sets of these epochs, one after the other. */
function replayedSets(count: number): Promise<Float32Array> {
  return withBackend(async (backend) => {
    const { rows, width } = REFERENCE;
    const length = EPOCH * rows * width;
    const y = backend.alloc(length);
    const out = new Float32Array(count * rows * width);
    await eachEpoch(backend, count, async ({ h, parameters: { w }, shape }, first) => {
      const { sets, rank } = shape;
      const call = { h, kernel: w("kernel"), bias: w("bias"), y, sets, rows, width, rank };
      backend.submit([backend.prepare("head", call)]);
      await backend.read(y, out.subarray((first / EPOCH) * length, (first / EPOCH + 1) * length));
    });
    return out;
  });
}

function fill(backend: Backend, tensor: { length: number }, next: () => number): void {
  backend.write(tensor, Float32Array.from({ length: tensor.length }, next));
}

/** The factors of the engine's own dropout in a network seeded with `seed`: its first draw is dropout's seed. */
function dropoutMask(layers: readonly Layer[], rows: number, seed: number, step: number): Promise<Values> {
  return withBackend(async (backend) => {
    const at = layers.findIndex(({ kind }) => kind === "dropout");
    const { p } = layers[at] as Extract<Layer, { kind: "dropout" }>;
    const { width } = layers[at - 1] as Extract<Layer, { kind: "dense" }>;
    const [clock, x] = [backend.alloc(CLOCK_LENGTH), backend.alloc(rows * width)];
    backend.write(clock, new Float32Array([step, 0, 0, 0]));
    fill(backend, x, () => 1);
    const call = { clock, x, length: rows * width, seed: new Random(seed).bits(), p };
    backend.submit([backend.prepare("dropout", call)]);
    return { shape: [rows, width], data: await backend.read(x) };
  });
}

/** The parameters that the engine's own network of this seed starts from. */
function initial(inputs: number, layers: readonly Layer[], seed: number): Promise<Record<string, Values>> {
  return withBackend(async (backend) => {
    const { parameters } = new Network(backend, inputs, layers, adam(0), new Random(seed));
    return networkShapes(layers, await parameters.read());
  });
}

function initialGenerator({ shape, optimizer }: GeneratorWork): Promise<Record<string, Values>> {
  return withBackend(async (backend) => {
    const { parameters } = new Generator(backend, shape, optimizer, new Random(SEED));
    return generatorShapes(shape, await parameters.read());
  });
}

/** A network's parameters, by the names that it gives them, with their shapes. */
export function networkShapes(
  layers: readonly Layer[],
  parts: Record<string, Float32Array>,
): Record<string, Values> {
  const shapeOf = (name: string, { length }: Float32Array) => {
    const layer = layers[Number(name.split(".")[0])];
    return layer.kind === "dense" && name.endsWith(".w") ? [length / layer.width, layer.width] : [length];
  };
  return withShapes(parts, shapeOf);
}

export function generatorShapes(
  { noise, width, rank, rows }: GeneratorShape,
  parts: Record<string, Float32Array>,
): Record<string, Values> {
  const shapes: Record<string, number[]> = {
    a: [noise, width * rank],
    b: [width * rank],
    kernel: [rows, rank],
    bias: [rows],
  };
  return withShapes(parts, (name) => shapes[name]);
}

function withShapes(
  parts: Record<string, Float32Array>,
  shapeOf: (name: string, data: Float32Array) => number[],
): Record<string, Values> {
  return Object.fromEntries(
    Object.entries(parts).map(([name, data]) => [name, { shape: shapeOf(name, data), data }]),
  );
}
