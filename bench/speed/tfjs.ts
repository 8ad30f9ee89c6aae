/** The networks' steps in TensorFlow.js. */
import type { Layer, Optimizer } from "../../sdk/networks.ts";
import {
  CHECKED,
  GENERATORS,
  type GeneratorProblem,
  type GeneratorWork,
  generatorProblem,
  NETWORKS,
  type NetworkProblem,
  networkProblem,
  type Values,
} from "./problem.ts";
import { type Library, type Outputs, sample, type Task } from "./task.ts";
import type { Tensor, Tf, Optimizer as TfOptimizer, Variable } from "./tf.ts";

/** tf.train.rmsprop has ε under the root: this one is below what √(v) can be told from there. */
const RMSPROP_EPSILON = 1e-16;

/** The works in TensorFlow.js; `hand` with products whose gradients transpose first (see {@link Products}). */
export function networks(tf: Tf, hand: boolean): Library {
  const products = new Products(tf, hand);
  return {
    ...Object.fromEntries(Object.keys(NETWORKS).map((name) => [name, () => networkTask(products, name)])),
    ...Object.fromEntries(Object.keys(GENERATORS).map((name) => [name, () => generatorTask(products, name)])),
  };
}

/**
 * a · b, the gradients by TensorFlow.js itself or by hand. Its own call matMul with transposed operands, for which the
 * WebAssembly backend has a plain loop; by hand the operands are transposed first, and the product is the fast one.
 */
export class Products {
  readonly tf: Tf;
  readonly #hand: boolean;

  constructor(tf: Tf, hand: boolean) {
    this.tf = tf;
    this.#hand = hand;
  }

  /** Both operands have gradients. */
  both(a: Tensor, b: Tensor): Tensor {
    const { tf } = this;
    if (!this.#hand) return tf.matMul(a, b);
    const product = tf.customGrad((a: Tensor, b: Tensor, save: (tensors: Tensor[]) => void) => {
      save([a, b]);
      return {
        value: tf.matMul(a, b),
        gradFunc: (dy, [a, b]) => [tf.matMul(dy, tf.transpose(b)), tf.matMul(tf.transpose(a), dy)],
      };
    });
    return product(a, b);
  }

  /** Only b has a gradient: a is data. */
  right(a: Tensor, b: Tensor): Tensor {
    const { tf } = this;
    if (!this.#hand) return tf.matMul(a, b);
    const product = tf.customGrad((b: Tensor) => ({
      value: tf.matMul(a, b),
      gradFunc: (dy) => tf.matMul(tf.transpose(a), dy),
    }));
    return product(b);
  }

  /** Only a has a gradient: b is frozen. */
  left(a: Tensor, b: Tensor): Tensor {
    const { tf } = this;
    if (!this.#hand) return tf.matMul(a, b);
    const product = tf.customGrad((a: Tensor) => ({
      value: tf.matMul(a, b),
      gradFunc: (dy) => tf.matMul(dy, tf.transpose(b)),
    }));
    return product(a);
  }
}

/** A stack of layers on x. What has gradients: the parameters (`learn`) or the input (`frozen`). */
export function forward(
  products: Products,
  layers: readonly Layer[],
  w: Record<string, Tensor>,
  x: Tensor,
  mode: "learn" | "frozen",
  mask?: Tensor,
): Tensor {
  const { tf } = products;
  layers.forEach((layer, i) => {
    if (layer.kind === "dense") {
      const product = mode === "frozen" ? "left" : i === 0 ? "right" : "both";
      x = activate(tf, tf.add(products[product](x, w[`${i}.w`]), w[`${i}.b`]), layer.activation);
    } else if (layer.kind === "batch_norm") {
      const centred = tf.sub(x, tf.mean(x, 0));
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 0), 1e-5));
      x = tf.add(tf.mul(tf.mul(centred, scale), w[`${i}.gamma`]), w[`${i}.beta`]);
    } else if (layer.kind === "dropout") {
      if (mask) x = tf.mul(x, mask);
    } else {
      const [rows, cols] = x.shape;
      x = tf.mean(tf.reshape(x, [rows / layer.rows, layer.rows, cols]), 1);
    }
  });
  return x;
}

function activate(tf: Tf, x: Tensor, activation: string): Tensor {
  if (activation === "relu") return tf.relu(x);
  if (activation === "leaky_relu") return tf.leakyRelu(x, 0.2);
  return x;
}

export function meanSquare(tf: Tf, y: Tensor, target: Tensor | number): Tensor {
  return tf.mean(tf.square(tf.sub(y, target)));
}

/** On logits: mean of max(z, 0) − z · target + log(1 + e^−|z|). */
export function crossEntropy(tf: Tf, z: Tensor, target: Tensor | number): Tensor {
  const rest = tf.log1p(tf.exp(tf.neg(tf.abs(z))));
  return tf.mean(tf.add(tf.sub(tf.relu(z), tf.mul(z, target)), rest));
}

/** Noise (sets, noise) → sets (sets, rows, width). */
export function generate(
  products: Products,
  { sets, rows, width, rank }: GeneratorWork["shape"],
  w: Record<string, Tensor>,
  z: Tensor,
): Tensor {
  const { tf } = products;
  const h = tf.sigmoid(tf.add(products.right(z, w.a), w.b));
  const columns = tf.transpose(tf.reshape(h, [sets * width, rank]));
  const y = tf.add(products.both(w.kernel, columns), tf.reshape(w.bias, [rows, 1]));
  return tf.transpose(tf.reshape(y, [rows, sets, width]), [1, 0, 2]);
}

/** Rows with a smooth label: features, then tanh of the logits' difference. */
export function seen(tf: Tf, y: Tensor): Tensor {
  const [sets, rows, width] = y.shape;
  const flat = tf.reshape(y, [sets * rows, width]);
  const column = (at: number, count: number) => tf.slice(flat, [0, at], [sets * rows, count]);
  const label = tf.tanh(tf.sub(column(width - 1, 1), column(width - 2, 1)));
  return tf.concat([column(0, width - 2), label], 1);
}

export function openOptimizer(tf: Tf, optimizer: Optimizer): TfOptimizer {
  const { kind, learningRate } = optimizer;
  if (kind === "rmsprop") return tf.train.rmsprop(learningRate, optimizer.alpha, 0, RMSPROP_EPSILON);
  return tf.train.adam(learningRate, optimizer.beta1, optimizer.beta2, optimizer.epsilon);
}

/** Tensors of `values`, as they are or as variables. */
export function tensors(tf: Tf, values: Record<string, Values>): Record<string, Tensor> {
  return mapValues(values, ({ data, shape }) => tf.tensor(data, shape));
}
export function variables(tf: Tf, values: Record<string, Values>): Record<string, Variable> {
  return mapValues(values, ({ data, shape }) => tf.variable(tf.tensor(data, shape)));
}
function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

async function networkTask(products: Products, name: string): Promise<Task> {
  const { tf } = products;
  const problem: NetworkProblem = await networkProblem(name);
  const { layers, loss, learningRate } = problem;
  const x = tf.tensor(problem.x.data, problem.x.shape);
  const target = tf.tensor(problem.target.data, problem.target.shape);
  const masks = problem.masks.map(({ data, shape }) => tf.tensor(data, shape));
  const w = variables(tf, problem.parameters);
  const judge = loss === "mse" ? meanSquare : crossEntropy;
  const adam = tf.train.adam(learningRate, 0.9, 0.999, 1e-8);
  return task(tf, w, adam, (step) => {
    const y = forward(products, layers, w, x, "learn", masks[step % masks.length]);
    return judge(tf, y, target);
  });
}

async function generatorTask(products: Products, name: string): Promise<Task> {
  const { tf } = products;
  const problem: GeneratorProblem = await generatorProblem(name);
  const { shape, critic, discriminator, perRow } = problem;
  const z = tf.tensor(problem.z.data, problem.z.shape);
  const mask = problem.mask && tf.tensor(problem.mask.data, problem.mask.shape);
  const w = variables(tf, problem.parameters);
  const criticW = tensors(tf, problem.criticParameters);
  const discriminatorW = tensors(tf, problem.discriminatorParameters ?? {});
  return task(tf, w, openOptimizer(tf, problem.optimizer), () => {
    const y = generate(products, shape, w, z);
    const x = perRow ? seen(tf, y) : tf.reshape(y, [shape.sets, shape.rows * shape.width]);
    const loss = meanSquare(tf, forward(products, critic, criticW, x, "frozen", mask), 1);
    if (!discriminator) return loss;
    const logits = forward(products, discriminator, discriminatorW, x, "frozen");
    return tf.add(loss, crossEntropy(tf, logits, 1));
  });
}

async function task(
  tf: Tf,
  w: Record<string, Variable>,
  optimizer: TfOptimizer,
  loss: (step: number) => Tensor,
): Promise<Task> {
  const list = Object.values(w);
  const outputs: Outputs = { losses: [] };
  const { value, grads } = tf.variableGrads(() => loss(0), list);
  for (const [name, { name: key }] of Object.entries(w)) {
    outputs[`gradient of ${name}`] = sample(await grads[key].data());
    grads[key].dispose();
  }
  value.dispose();
  let count = 0;
  const step = async () => {
    const cost = optimizer.minimize(() => loss(count), true, list);
    const [result] = await cost.data();
    cost.dispose();
    count++;
    return result;
  };
  for (let i = 0; i < CHECKED; i++) outputs.losses.push(await step());
  return { outputs, step };
}
