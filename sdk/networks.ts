/**
 * Generator, critics and discriminator as plans of kernels. Nothing is created while training: a `Pass` holds the
 * prepared steps for one number of rows, and several passes share one network's parameters.
 */
import { type Backend, type Step, type Tensor, VIEW_ALIGNMENT } from "./engine/backend.ts";
import { ACTIVATION, type Activation, CLOCK_LENGTH } from "./engine/kernels.ts";
import type { Random } from "./random.ts";

export type Optimizer =
  | { kind: "adam"; learningRate: number; beta1: number; beta2: number; epsilon: number }
  | { kind: "rmsprop"; learningRate: number; alpha: number; epsilon: number };

/** Adam with PyTorch's defaults where nothing else is said. */
export function adam(learningRate: number, beta1 = 0.9): Optimizer {
  return { kind: "adam", learningRate, beta1, beta2: 0.999, epsilon: 1e-8 };
}

/** RMSprop with PyTorch's defaults. */
export function rmsprop(learningRate: number): Optimizer {
  return { kind: "rmsprop", learningRate, alpha: 0.99, epsilon: 1e-8 };
}

/** A parameter's length and the bound of its initial values, U(−bound, bound); bound 0 takes `fill`. */
interface Shape {
  length: number;
  bound?: number;
  fill?: number;
}

/** What a network has learnt and how it goes on: the contents of {@link Parameters.lasting}, by name. */
export type NetworkState = Record<string, Float32Array>;

/** The parameters of one network side by side in one tensor, with their gradients and one optimizer step for all. */
export class Parameters {
  readonly values: Tensor;
  readonly clock: Tensor;
  /** All that a step of training changes and the next one reads; a network adds its running statistics. */
  readonly lasting: Record<string, Tensor>;
  readonly layout = new Map<string, { offset: number; length: number }>();
  /** Advances the clock and takes one optimizer step with the gradients as they are. */
  readonly update: readonly Step[];
  readonly #backend: Backend;
  readonly #gradients: Tensor;

  constructor(backend: Backend, shapes: Record<string, Shape>, optimizer: Optimizer, random: Random) {
    let length = 0;
    for (const [name, shape] of Object.entries(shapes)) {
      this.layout.set(name, { offset: length, length: shape.length });
      length += Math.ceil(shape.length / VIEW_ALIGNMENT) * VIEW_ALIGNMENT;
    }
    const initial = new Float32Array(length);
    for (const [name, { bound = 0, fill = 0 }] of Object.entries(shapes)) {
      const place = this.layout.get(name)!;
      const part = initial.subarray(place.offset, place.offset + place.length);
      for (let i = 0; i < part.length; i++) part[i] = bound > 0 ? bound * (2 * random.uniform() - 1) : fill;
    }
    this.#backend = backend;
    this.values = backend.alloc(length);
    this.#gradients = backend.alloc(length);
    this.clock = backend.alloc(CLOCK_LENGTH);
    backend.write(this.values, initial);
    backend.write(this.clock, new Float32Array([0, 1, 1, optimizer.learningRate]));
    this.lasting = { values: this.values, clock: this.clock };
    this.update = this.#prepareUpdate(length, optimizer);
  }

  w(name: string): Tensor {
    return this.#view(this.values, name);
  }

  g(name: string): Tensor {
    return this.#view(this.#gradients, name);
  }

  /** The values by name, copied out. */
  async read(): Promise<Record<string, Float32Array>> {
    const all = await this.#backend.read(this.values);
    const parts: Record<string, Float32Array> = {};
    for (const [name, { offset, length }] of this.layout) parts[name] = all.slice(offset, offset + length);
    return parts;
  }

  /** Puts values back that `read` gave. */
  write(parts: Record<string, Float32Array>): void {
    for (const [name, part] of Object.entries(parts)) this.#backend.write(this.w(name), part);
  }

  /** Everything that the next step depends on. Every read is issued before the first is waited for. */
  async state(): Promise<NetworkState> {
    const reads = Object.entries(this.lasting).map(
      async ([name, tensor]) => [name, await this.#backend.read(tensor)] as const,
    );
    return Object.fromEntries(await Promise.all(reads));
  }

  /** Goes on from what `state` gave. */
  restore(state: NetworkState): void {
    for (const [name, tensor] of Object.entries(this.lasting)) this.#backend.write(tensor, state[name]);
  }

  #view(tensor: Tensor, name: string): Tensor {
    const { offset, length } = this.layout.get(name)!;
    return this.#backend.view(tensor, offset, length);
  }

  #prepareUpdate(length: number, optimizer: Optimizer): Step[] {
    const { values: w, clock } = this;
    const g = this.#gradients;
    const v = this.#backend.alloc(length);
    this.lasting.v = v;
    if (optimizer.kind === "rmsprop") {
      const { alpha, epsilon } = optimizer;
      return [
        this.#backend.prepare("tick", { clock, beta1: 0, beta2: 0 }),
        this.#backend.prepare("rmsprop", { clock, g, v, w, length, alpha, epsilon }),
      ];
    }
    const { beta1, beta2, epsilon } = optimizer;
    const m = this.#backend.alloc(length);
    this.lasting.m = m;
    return [
      this.#backend.prepare("tick", { clock, beta1, beta2 }),
      this.#backend.prepare("adam", { clock, g, m, v, w, length, beta1, beta2, epsilon }),
    ];
  }
}

/** The layers that critics and discriminators are made of. */
export type Layer =
  | { kind: "dense"; width: number; activation: Activation }
  | { kind: "batch_norm" }
  | { kind: "dropout"; p: number }
  | { kind: "row_mean"; rows: number };

/** The published critic, on the flattened set. */
export function flatCritic(width: number): Layer[] {
  return [
    { kind: "dense", width, activation: "relu" },
    { kind: "batch_norm" },
    { kind: "dense", width: 2 * width, activation: "relu" },
    { kind: "dropout", p: 0.5 },
    { kind: "dense", width, activation: "leaky_relu" },
    { kind: "dense", width: 1, activation: "none" },
  ];
}

/** A critic blind to the order of a set's rows (Deep Sets, Zaheer et al. 2017). */
export function setCritic(width: number, rows: number): Layer[] {
  return [
    { kind: "dense", width, activation: "relu" },
    { kind: "dense", width, activation: "relu" },
    { kind: "row_mean", rows },
    { kind: "dense", width, activation: "relu" },
    { kind: "dense", width: 1, activation: "none" },
  ];
}

/** One logit a row: real (positive) or generated. */
export function rowClassifier(widths: readonly number[]): Layer[] {
  return [
    ...widths.map((width): Layer => ({ kind: "dense", width, activation: "leaky_relu" })),
    { kind: "dense", width: 1, activation: "none" },
  ];
}

/** The first layer's two products, on an input that is not there as a matrix. */
export interface FirstLayer {
  /** y (rows, cols) = f(input · w + b) */
  forward(w: Tensor, b: Tensor, y: Tensor, activation: number): readonly Step[];
  /** dw = inputᵀ · dy */
  backward(dy: Tensor, dw: Tensor): readonly Step[];
}

interface PassOptions {
  /** Batch statistics and dropout, or running statistics and none. */
  train: boolean;
  /** What `backward` computes: the parameters' gradients, the input's, or both. */
  gradients: "parameters" | "input";
  /** The input, when it already lives somewhere. */
  x?: Tensor;
  /** Computes the first layer in place of `x`; for the parameters' gradients alone. */
  first?: FirstLayer;
}

/** One network on one number of rows: `x` in, `y` out; with `dy` filled in, `backward` gives the gradients. */
export interface Pass {
  /** Missing where a `first` layer stands for it. */
  readonly x: Tensor;
  readonly y: Tensor;
  readonly dy: Tensor;
  /** The input's gradient; there only if asked for. */
  readonly dx: Tensor | undefined;
  readonly forward: readonly Step[];
  readonly backward: readonly Step[];
  /** Outputs of the ReLU layers, (rows, units) each. */
  readonly relus: readonly { y: Tensor; units: number }[];
}

const MOMENTUM = 0.1;
const NORM_EPSILON = 1e-5;

/** A stack of layers with their parameters. Weights start as U(±1/√fan_in), as PyTorch's linear layers do. */
export class Network {
  readonly parameters: Parameters;
  readonly #backend: Backend;
  readonly #inputs: number;
  readonly #layers: readonly Layer[];
  readonly #running = new Map<number, Tensor>();
  #seed: number;

  constructor(
    backend: Backend,
    inputs: number,
    layers: readonly Layer[],
    optimizer: Optimizer,
    random: Random,
  ) {
    const shapes: Record<string, Shape> = {};
    let width = inputs;
    layers.forEach((layer, i) => {
      if (layer.kind === "dense") {
        const bound = 1 / Math.sqrt(width);
        shapes[`${i}.w`] = { length: width * layer.width, bound };
        shapes[`${i}.b`] = { length: layer.width, bound };
        width = layer.width;
      } else if (layer.kind === "batch_norm") {
        shapes[`${i}.gamma`] = { length: width, fill: 1 };
        shapes[`${i}.beta`] = { length: width };
        const running = backend.alloc(2 * width);
        backend.write(running, new Float32Array(2 * width).fill(1, width));
        this.#running.set(i, running);
      }
    });
    this.#backend = backend;
    this.#inputs = inputs;
    this.#layers = layers;
    this.#seed = random.bits();
    this.parameters = new Parameters(backend, shapes, optimizer, random);
    for (const [i, running] of this.#running) this.parameters.lasting[`${i}.running`] = running;
  }

  /** Prepares the network for `rows` input rows. */
  pass(rows: number, { train, gradients, first, x: given }: PassOptions): Pass {
    const backend = this.#backend;
    const x = first ? undefined : (given ?? backend.alloc(rows * this.#inputs));
    const { w, g, clock } = bindParameters(this.parameters);
    const needInput = gradients === "input";
    const forward: Step[] = [];
    const backward: Step[] = [];
    const relus: { y: Tensor; units: number }[] = [];
    let [y, dy, cols] = [x!, needInput ? backend.alloc(rows * this.#inputs) : undefined, this.#inputs];
    const dx = dy;
    // Each layer prepends its backward steps: they run in the opposite order.
    this.#layers.forEach((layer, i) => {
      const [input, dInput] = [y, dy];
      const length = rows * cols;
      if (layer.kind === "dense") {
        const call = { rows, inner: cols, cols: layer.width };
        const activation = ACTIVATION[layer.activation];
        const out = backend.alloc(rows * layer.width);
        const dOut = backend.alloc(rows * layer.width);
        const own = i === 0 ? first : undefined;
        const [weights, bias] = [w(`${i}.w`), w(`${i}.b`)];
        forward.push(
          ...(own?.forward(weights, bias, out, activation) ?? [
            backend.prepare("dense", { x: input, w: weights, b: bias, y: out, ...call, activation }),
          ]),
        );
        const steps: Step[] = [];
        if (activation) {
          const size = rows * layer.width;
          steps.push(backend.prepare("activation_grad", { y: out, dy: dOut, length: size, activation }));
        }
        if (!needInput) {
          const dw = g(`${i}.w`);
          steps.push(
            ...(own?.backward(dOut, dw) ?? [
              backend.prepare("dense_dw", { x: input, dy: dOut, dw, ...call }),
            ]),
          );
          steps.push(backend.prepare("dense_db", { dy: dOut, db: g(`${i}.b`), rows, cols: layer.width }));
        }
        if (dInput)
          steps.push(backend.prepare("dense_dx", { dy: dOut, w: w(`${i}.w`), dx: dInput, ...call }));
        backward.unshift(...steps);
        if (layer.activation === "relu") relus.push({ y: out, units: layer.width });
        [y, dy, cols] = [out, dOut, layer.width];
      } else if (layer.kind === "batch_norm") {
        const saved = backend.alloc(2 * cols);
        const out = backend.alloc(length);
        const [gamma, beta] = [w(`${i}.gamma`), w(`${i}.beta`)];
        const call = { rows, cols, train: train ? 1 : 0 };
        const rest = { momentum: MOMENTUM, epsilon: NORM_EPSILON };
        const running = this.#running.get(i)!;
        forward.push(
          backend.prepare("batch_norm", { x: input, gamma, beta, running, saved, y: out, ...call, ...rest }),
        );
        const dgamma = needInput ? backend.alloc(cols) : g(`${i}.gamma`);
        const dbeta = needInput ? backend.alloc(cols) : g(`${i}.beta`);
        const call2 = { x: input, gamma, saved, dy: dInput!, dgamma, dbeta, ...call };
        backward.unshift(backend.prepare("batch_norm_grad", call2)); // in place: dy of the output is dy of the input
        y = out;
      } else if (layer.kind === "dropout") {
        if (train) {
          const call = { clock, length, seed: this.#seed++ >>> 0, p: layer.p };
          forward.push(backend.prepare("dropout", { x: input, ...call }));
          backward.unshift(backend.prepare("dropout", { x: dInput!, ...call }));
        }
      } else {
        const sets = rows / layer.rows;
        const call = { sets, rows: layer.rows, cols };
        const out = backend.alloc(sets * cols);
        const dOut = backend.alloc(sets * cols);
        forward.push(backend.prepare("row_mean", { x: input, y: out, ...call }));
        backward.unshift(backend.prepare("row_mean_grad", { dy: dOut, dx: dInput!, ...call }));
        [y, dy, rows] = [out, dOut, sets];
      }
    });
    return { x: x!, y, dy: dy!, dx, forward, backward, relus };
  }
}

function bindParameters(parameters: Parameters) {
  return {
    w: (name: string) => parameters.w(name),
    g: (name: string) => parameters.g(name),
    clock: parameters.clock,
  };
}

export interface GeneratorShape {
  /** Sets a forward pass makes. */
  sets: number;
  /** Rows in a set. */
  rows: number;
  /** Width of a row: features and one logit a class. */
  width: number;
  rank: number;
  noise: number;
}

/**
 * Noise in, sets out: `h = σ(z·a + b)`, `sets[b, s, j] = bias[s] + Σ_k kernel[s, k] · h[b, j, k]`.
 * With rank = width this is draGAN's Linear → Sigmoid → Conv1d(1, rows, kernel = stride = width).
 */
export class Generator {
  readonly shape: GeneratorShape;
  readonly parameters: Parameters;
  /** (sets, noise): written by the host before `forward`. */
  readonly z: Tensor;
  /** (sets, width, rank): what the last `forward` multiplied the kernel with. */
  readonly h: Tensor;
  /** (sets, rows, width). */
  readonly y: Tensor;
  readonly dy: Tensor;
  readonly forward: readonly Step[];
  readonly backward: readonly Step[];

  constructor(backend: Backend, shape: GeneratorShape, optimizer: Optimizer, random: Random) {
    const { sets, rows, width, rank, noise } = shape;
    const hidden = width * rank;
    const bound = 1 / Math.sqrt(noise);
    const headBound = 1 / Math.sqrt(rank);
    const p = new Parameters(
      backend,
      {
        a: { length: noise * hidden, bound },
        b: { length: hidden, bound },
        kernel: { length: rows * rank, bound: headBound },
        bias: { length: rows, bound: headBound },
      },
      optimizer,
      random,
    );
    this.shape = shape;
    this.parameters = p;
    this.z = backend.alloc(sets * noise);
    this.y = backend.alloc(sets * rows * width);
    this.dy = backend.alloc(sets * rows * width);
    const [h, dh] = [backend.alloc(sets * hidden), backend.alloc(sets * hidden)];
    this.h = h;
    const [z, y, dy] = [this.z, this.y, this.dy];
    const dense = { rows: sets, inner: noise, cols: hidden };
    const head = { sets, rows, width, rank };
    const activation = ACTIVATION.sigmoid;
    this.forward = [
      backend.prepare("dense", { x: z, w: p.w("a"), b: p.w("b"), y: h, ...dense, activation }),
      backend.prepare("head", { h, kernel: p.w("kernel"), bias: p.w("bias"), y, ...head }),
    ];
    this.backward = [
      backend.prepare("head_dk", { dy, h, dkernel: p.g("kernel"), dbias: p.g("bias"), ...head }),
      backend.prepare("head_dh", { dy, kernel: p.w("kernel"), dh, ...head }),
      backend.prepare("activation_grad", { y: h, dy: dh, length: sets * hidden, activation }),
      backend.prepare("dense_dw", { x: z, dy: dh, dw: p.g("a"), ...dense }),
      backend.prepare("dense_db", { dy: dh, db: p.g("b"), rows: sets, cols: hidden }),
    ];
  }
}
