/** The networks' steps in jax-js, each one jitted. Inputs are padded to a multiple of 4, without which it is 40 times slower. */
import type { Layer, Optimizer } from "../../sdk/networks.ts";
import {
  CHECKED,
  GENERATORS,
  type GeneratorWork,
  generatorProblem,
  NETWORKS,
  networkProblem,
  type Values,
} from "./problem.ts";
import { type Library, type Outputs, sample, type Task } from "./task.ts";

/** A jax-js array: every use consumes it, `ref` is one more use. */
export interface JaxArray {
  readonly ref: JaxArray;
  readonly shape: number[];
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray | number): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  div(other: JaxArray | number): JaxArray;
  reshape(shape: number[]): JaxArray;
  slice(...ranges: [number, number][] | [[], [number, number]]): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Arrays = JaxArray[];
type Unary = (x: JaxArray) => JaxArray;

/** The part of jax-js that its side uses; the package itself is installed with the benchmark's peers. */
export interface Jax {
  init(device: string): Promise<string[]>;
  defaultDevice(device: string): unknown;
  jit<F>(f: F): F;
  valueAndGrad(
    f: (w: Arrays, ...rest: JaxArray[]) => JaxArray,
  ): (w: Arrays, ...rest: JaxArray[]) => [JaxArray, Arrays];
  blockUntilReady(x: unknown): Promise<unknown>;
  numpy: {
    array(data: Float32Array | number): JaxArray;
    zeros(shape: number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    mean(x: JaxArray, axis?: number): JaxArray;
    transpose(x: JaxArray, perm?: number[]): JaxArray;
    concatenate(xs: Arrays, axis: number): JaxArray;
    pad(x: JaxArray, width: [number, number][]): JaxArray;
    sqrt: Unary;
    reciprocal: Unary;
    tanh: Unary;
  };
  nn: {
    relu: Unary;
    sigmoid: Unary;
    softplus: Unary;
    leakyRelu(x: JaxArray, slope: number): JaxArray;
  };
}

type Named = Record<string, JaxArray>;

export function networks(jax: Jax): Library {
  return {
    ...Object.fromEntries(Object.keys(NETWORKS).map((name) => [name, () => networkTask(jax, name)])),
    ...Object.fromEntries(Object.keys(GENERATORS).map((name) => [name, () => generatorTask(jax, name)])),
  };
}

async function networkTask(jax: Jax, name: string): Promise<Task> {
  const problem = await networkProblem(name);
  const { layers, loss, learningRate } = problem;
  const names = Object.keys(problem.parameters);
  const x = toArray(jax, padColumns(problem.x));
  const target = toArray(jax, problem.target);
  const masks = problem.masks.map((mask) => toArray(jax, mask));
  const w = names.map((key) =>
    toArray(jax, key === "0.w" ? padRows(problem.parameters[key]) : problem.parameters[key]),
  );
  const judge = loss === "mse" ? meanSquare : crossEntropy;
  const value = (w: Arrays, x: JaxArray, target: JaxArray, mask?: JaxArray) =>
    judge(jax, forward(jax, layers, named(names, w), x, mask), target);
  const rest = (step: number) => [
    x.ref,
    target.ref,
    ...(masks.length ? [masks[step % masks.length].ref] : []),
  ];
  const adam: Optimizer = { kind: "adam", learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
  const lengths = names.map((key) => problem.parameters[key].data.length);
  return task(jax, { names, lengths, w }, adam, value, rest);
}

async function generatorTask(jax: Jax, name: string): Promise<Task> {
  const problem = await generatorProblem(name);
  const { parameters, mask } = problem;
  const names = Object.keys(parameters);
  const w = names.map((key) =>
    toArray(jax, key === "kernel" || key === "bias" ? padRows(parameters[key]) : parameters[key]),
  );
  const rows = (problem.shape.rows + 3) & ~3;
  const shape = { ...problem.shape, rows };
  const critic = frozen(jax, problem.criticParameters, problem.perRow ? undefined : rows * shape.width);
  const discriminator = frozen(jax, problem.discriminatorParameters ?? {});
  const constants = [toArray(jax, problem.z), ...critic.arrays, ...discriminator.arrays];
  if (mask) constants.push(toArray(jax, mask));
  const value = (w: Arrays, z: JaxArray, ...rest: JaxArray[]) => {
    const criticW = named(critic.names, rest);
    const discriminatorW = named(discriminator.names, rest.slice(critic.names.length));
    const y = generate(jax, shape, named(names, w), z);
    const factor = mask ? rest[rest.length - 1] : undefined;
    return pull(jax, problem, y, criticW, discriminatorW, factor);
  };
  const lengths = names.map((key) => parameters[key].data.length);
  const rest = () => constants.map((array) => array.ref);
  return task(jax, { names, lengths, w }, problem.optimizer, value, rest);
}

/** Parameters that stay; the first weights get zero rows, up to `inputs` or a multiple of 4. */
function frozen(jax: Jax, values: Record<string, Values>, inputs?: number) {
  const names = Object.keys(values);
  const arrays = names.map((key) => toArray(jax, key === "0.w" ? padRows(values[key], inputs) : values[key]));
  return { names, arrays };
}

/** The generator's loss. */
function pull(
  jax: Jax,
  { critic, discriminator, perRow }: GeneratorWork,
  y: JaxArray,
  criticW: Named,
  discriminatorW: Named,
  mask?: JaxArray,
): JaxArray {
  const [sets, rows, width] = y.shape;
  if (!perRow)
    return meanSquare(jax, forward(jax, critic, criticW, y.reshape([sets, rows * width]), mask), 1);
  const x = jax.numpy.pad(seen(jax, y), [
    [0, 0],
    [0, (1 - width) & 3],
  ]);
  const logits = forward(jax, discriminator!, discriminatorW, x.ref);
  return meanSquare(jax, forward(jax, critic, criticW, x), 1).add(crossEntropy(jax, logits, 1));
}

function forward(jax: Jax, layers: readonly Layer[], w: Named, x: JaxArray, mask?: JaxArray): JaxArray {
  const { numpy: np, nn } = jax;
  layers.forEach((layer, i) => {
    if (layer.kind === "dense") {
      const z = np.matmul(x, w[`${i}.w`]).add(w[`${i}.b`]);
      const { activation } = layer;
      x = activation === "relu" ? nn.relu(z) : activation === "leaky_relu" ? nn.leakyRelu(z, 0.2) : z;
    } else if (layer.kind === "batch_norm") {
      const centred = x.ref.sub(np.mean(x, 0));
      const variance = np.mean(centred.ref.mul(centred.ref), 0);
      const scale = np.reciprocal(np.sqrt(variance.add(1e-5)));
      x = centred.mul(scale).mul(w[`${i}.gamma`]).add(w[`${i}.beta`]);
    } else if (layer.kind === "dropout") {
      if (mask) x = x.mul(mask);
    } else {
      const [rows, cols] = x.shape;
      x = np.mean(x.reshape([rows / layer.rows, layer.rows, cols]), 1);
    }
  });
  return x;
}

function generate(
  { numpy: np, nn }: Jax,
  { sets, rows, width, rank }: { sets: number; rows: number; width: number; rank: number },
  w: Named,
  z: JaxArray,
): JaxArray {
  const h = nn.sigmoid(np.matmul(z, w.a).add(w.b));
  const columns = np.transpose(h.reshape([sets * width, rank]));
  const y = np.matmul(w.kernel, columns).add(w.bias.reshape([rows, 1]));
  return np.transpose(y.reshape([rows, sets, width]), [1, 0, 2]);
}

function seen({ numpy: np }: Jax, y: JaxArray): JaxArray {
  const [sets, rows, width] = y.shape;
  const flat = y.reshape([sets * rows, width]);
  const column = (at: number, count: number) => flat.ref.slice([], [at, at + count]);
  const label = np.tanh(column(width - 1, 1).sub(column(width - 2, 1)));
  const features = column(0, width - 2);
  flat.dispose();
  return np.concatenate([features, label], 1);
}

function meanSquare({ numpy: np }: Jax, y: JaxArray, target: JaxArray | number): JaxArray {
  const error = y.sub(target);
  return np.mean(error.ref.mul(error));
}

function crossEntropy({ numpy: np, nn }: Jax, z: JaxArray, target: JaxArray | number): JaxArray {
  return np.mean(nn.softplus(z.ref).sub(z.mul(target)));
}

async function task(
  jax: Jax,
  { names, lengths, w }: { names: string[]; lengths: number[]; w: Arrays },
  optimizer: Optimizer,
  value: (w: Arrays, ...rest: JaxArray[]) => JaxArray,
  rest: (step: number) => JaxArray[],
): Promise<Task> {
  const gradient = jax.valueAndGrad(value);
  const outputs: Outputs = { losses: [] };
  const [first, gradients] = jax.jit(gradient)(
    w.map((array) => array.ref),
    ...rest(0),
  );
  first.dispose();
  for (const [i, name] of names.entries())
    outputs[`gradient of ${name}`] = sample((await gradients[i].data()).subarray(0, lengths[i]));

  const update = jax.jit((w: Arrays, m: Arrays, v: Arrays, clock: JaxArray, ...rest: JaxArray[]) => {
    const [loss, g] = gradient(
      w.map((array) => array.ref),
      ...rest,
    );
    return [loss, ...optimize(jax, optimizer, w, m, v, g, clock)] as [JaxArray, Arrays, Arrays, Arrays];
  });
  const zeros = () => w.map(({ shape }) => jax.numpy.zeros(shape));
  let [m, v] = [optimizer.kind === "adam" ? zeros() : [], zeros()];
  let count = 0;
  const step = async () => {
    const clock = clockOf(optimizer, ++count);
    const [loss, ...next] = update(w, m, v, jax.numpy.array(clock), ...rest(count - 1));
    [w, m, v] = next;
    await jax.blockUntilReady(next);
    return (await loss.data())[0];
  };
  for (let i = 0; i < CHECKED; i++) outputs.losses.push(await step());
  return { outputs, step };
}

/** What changes from step to step: the rate over 1 − β₁ᵗ, and 1 over 1 − β₂ᵗ. */
function clockOf(optimizer: Optimizer, t: number): Float32Array {
  if (optimizer.kind === "rmsprop") return new Float32Array([optimizer.learningRate, 1]);
  const { learningRate, beta1, beta2 } = optimizer;
  return new Float32Array([learningRate / (1 - beta1 ** t), 1 / (1 - beta2 ** t)]);
}

function optimize(
  { numpy: np }: Jax,
  optimizer: Optimizer,
  w: Arrays,
  m: Arrays,
  v: Arrays,
  g: Arrays,
  clock: JaxArray,
): [Arrays, Arrays, Arrays] {
  const [rate, unbias] = [clock.ref.slice([0, 1]), clock.slice([1, 2])];
  const blend = (old: JaxArray, keep: number, fresh: JaxArray) => old.mul(keep).add(fresh.mul(1 - keep));
  const decay = optimizer.kind === "adam" ? optimizer.beta2 : optimizer.alpha;
  const square = v.map((old, i) => blend(old, decay, g[i].ref.mul(g[i].ref)));
  const first = optimizer.kind === "adam" ? m.map((old, i) => blend(old, optimizer.beta1, g[i].ref)) : [];
  const moved = w.map((old, i) => {
    const scale = np.sqrt(square[i].ref.mul(unbias.ref)).add(optimizer.epsilon);
    const direction = first.length ? first[i].ref : g[i].ref;
    return old.sub(direction.mul(rate.ref).div(scale));
  });
  for (const array of [...g, rate, unbias]) array.dispose();
  return [moved, first, square];
}

function named(names: readonly string[], arrays: Arrays): Named {
  return Object.fromEntries(names.map((name, i) => [name, arrays[i]]));
}

function toArray({ numpy: np }: Jax, { data, shape }: Values): JaxArray {
  return np.array(data).reshape(shape);
}

/** Zero columns up to a multiple of 4. */
function padColumns({ data, shape: [rows, cols] }: Values): Values {
  const width = (cols + 3) & ~3;
  if (width === cols) return { data, shape: [rows, cols] };
  const wider = new Float32Array(rows * width);
  for (let i = 0; i < rows; i++) wider.set(data.subarray(i * cols, (i + 1) * cols), i * width);
  return { data: wider, shape: [rows, width] };
}

/** Zero rows up to a multiple of 4, or to `height`. */
function padRows({ data, shape: [rows, ...rest] }: Values, height = (rows + 3) & ~3): Values {
  const higher = new Float32Array((data.length / rows) * height);
  higher.set(data);
  return { data: higher, shape: [height, ...rest] };
}
