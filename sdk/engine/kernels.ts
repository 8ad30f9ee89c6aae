/**
 * The kernel table: the contract between the networks and the engines.
 *
 * One row a kernel: its arguments in order (how they are used, how long they must be), its parameters in order, and
 * the entry points of its shader that run, in order, with their workgroups. The AssemblyScript export of the same name
 * takes the arguments' addresses, then the parameters; `shaders/<name>.wgsl` binds the arguments, then a uniform of the
 * parameters. All matrices are row-major f32. No two arguments of one call may overlap.
 */
import type { Tensor } from "./backend.ts";
import { along, columns, type Dispatch, flat, kindOf, product, sums, tiles } from "./grid.ts";

export type { Dispatch };

/** How a kernel uses an argument: `both` reads what is there and writes over it. */
export type Access = "read" | "write" | "both";
type Params = Record<string, number>;
interface Argument {
  readonly access: Access;
  readonly length: (p: never) => number;
}
interface Row {
  readonly args: Record<string, Argument>;
  readonly params: Record<string, "u32" | "f32">;
  readonly dispatches: (p: never) => readonly Dispatch[];
}

const read = <P extends Params>(length: (p: P) => number) => ({ access: "read", length }) as const;
const write = <P extends Params>(length: (p: P) => number) => ({ access: "write", length }) as const;
const both = <P extends Params>(length: (p: P) => number) => ({ access: "both", length }) as const;

/** Activation codes. Leaky ReLU has slope .2 on the negative side. */
export const ACTIVATION = { none: 0, relu: 1, leaky_relu: 2, sigmoid: 3, tanh: 4 } as const;
export type Activation = keyof typeof ACTIVATION;

/** `clock` tensors: [t, β₁ᵗ, β₂ᵗ, learning rate]; `tick` advances them, optimizers and dropout read them. */
export const CLOCK_LENGTH = 4;

type Dense = { rows: number; inner: number; cols: number };
type Norm = { rows: number; cols: number };
type Head = { sets: number; rows: number; width: number; rank: number };
type Labels = { rows: number; features: number; classes: number; labels: number };
type Slots = { slots: number; count: number; length: number };
type Length = { length: number };

export const kernels = {
  // y (rows, cols) = f(x (rows, inner) · w (inner, cols) + b (cols))
  dense: {
    args: {
      x: read((p: Dense) => p.rows * p.inner),
      w: read((p: Dense) => p.inner * p.cols),
      b: read((p: Dense) => p.cols),
      y: write((p: Dense) => p.rows * p.cols),
    },
    params: { rows: "u32", inner: "u32", cols: "u32", activation: "u32" },
    dispatches: (p: Dense) => [product(kindOf(p.inner, p.cols), p.rows, p.cols, p.inner)],
  },
  // dx (rows, inner) = dy (rows, cols) · wᵀ (cols, inner)
  dense_dx: {
    args: {
      dy: read((p: Dense) => p.rows * p.cols),
      w: read((p: Dense) => p.inner * p.cols),
      dx: write((p: Dense) => p.rows * p.inner),
    },
    params: { rows: "u32", inner: "u32", cols: "u32" },
    dispatches: (p: Dense) => [tiles(kindOf(p.cols), p.rows, p.inner)],
  },
  // dw (inner, cols) = xᵀ (inner, rows) · dy (rows, cols)
  dense_dw: {
    args: {
      x: read((p: Dense) => p.rows * p.inner),
      dy: read((p: Dense) => p.rows * p.cols),
      dw: write((p: Dense) => p.inner * p.cols),
    },
    params: { rows: "u32", inner: "u32", cols: "u32" },
    dispatches: (p: Dense) => [product(kindOf(p.inner, p.cols), p.inner, p.cols, p.rows)],
  },
  // db (cols) = Σ_rows dy (rows, cols)
  dense_db: {
    args: { dy: read((p: Norm) => p.rows * p.cols), db: write((p: Norm) => p.cols) },
    params: { rows: "u32", cols: "u32" },
    dispatches: (p: Norm) => [sums(p.rows, p.cols)],
  },
  // dy ← dy ⊙ f′, with f′ written in terms of the output y = f(z)
  activation_grad: {
    args: { y: read((p: Length) => p.length), dy: both((p: Length) => p.length) },
    params: { length: "u32", activation: "u32" },
    dispatches: (p: Length) => [flat("main", p.length)],
  },
  // y = gamma ⊙ (x − mean) / √(var + ε) + beta, per column. train = 1: batch statistics (biased variance), and
  // running ← (1 − momentum) · running + momentum · batch (mean, then unbiased variance); train = 0: running ones.
  // saved (2, cols) = the mean and 1/√(var + ε) that were used
  batch_norm: {
    args: {
      x: read((p: Norm) => p.rows * p.cols),
      gamma: read((p: Norm) => p.cols),
      beta: read((p: Norm) => p.cols),
      running: both((p: Norm) => 2 * p.cols),
      saved: write((p: Norm) => 2 * p.cols),
      y: write((p: Norm) => p.rows * p.cols),
    },
    params: { rows: "u32", cols: "u32", train: "u32", momentum: "f32", epsilon: "f32" },
    dispatches: (p: Norm & { train: number }) => [
      p.train ? columns("batch", p.cols) : flat("running_ones", p.cols),
      flat("apply", p.rows * p.cols),
    ],
  },
  // x̂ = (x − mean) · inv; dbeta = Σ dy; dgamma = Σ dy ⊙ x̂;
  // dy ← gamma · inv · (dy − train · (dbeta + x̂ · dgamma) / rows)
  batch_norm_grad: {
    args: {
      x: read((p: Norm) => p.rows * p.cols),
      gamma: read((p: Norm) => p.cols),
      saved: read((p: Norm) => 2 * p.cols),
      dy: both((p: Norm) => p.rows * p.cols),
      dgamma: write((p: Norm) => p.cols),
      dbeta: write((p: Norm) => p.cols),
    },
    params: { rows: "u32", cols: "u32", train: "u32" },
    dispatches: (p: Norm) => [columns("sums", p.cols), flat("apply", p.rows * p.cols)],
  },
  // x[i] ← bits(seed, t, i) ≥ p · 2³² ? x[i] / (1 − p) : 0, with t = clock[0]; the same call masks the gradient
  dropout: {
    args: { clock: read(() => CLOCK_LENGTH), x: both((p: Length) => p.length) },
    params: { length: "u32", seed: "u32", p: "f32" },
    dispatches: (p: Length) => [flat("main", p.length / 4)],
  },
  // y (sets, cols) = mean over rows of x (sets, rows, cols)
  row_mean: {
    args: {
      x: read((p: { sets: number } & Norm) => p.sets * p.rows * p.cols),
      y: write((p: { sets: number } & Norm) => p.sets * p.cols),
    },
    params: { sets: "u32", rows: "u32", cols: "u32" },
    dispatches: (p: { sets: number } & Norm) => [sums(p.rows, p.cols, p.sets)],
  },
  // dx (sets, rows, cols) = dy (sets, cols) / rows
  row_mean_grad: {
    args: {
      dy: read((p: { sets: number } & Norm) => p.sets * p.cols),
      dx: write((p: { sets: number } & Norm) => p.sets * p.rows * p.cols),
    },
    params: { sets: "u32", rows: "u32", cols: "u32" },
    dispatches: (p: { sets: number } & Norm) => [flat("main", p.sets * p.rows * p.cols)],
  },
  // x (rows, features + classes) → y (rows, features + labels): features as they are, then by `labels`
  // 0: nothing; 1 (two classes): tanh(l₁ − l₀); classes: softmax of the logits
  soft_label: {
    args: {
      x: read((p: Labels) => p.rows * (p.features + p.classes)),
      y: write((p: Labels) => p.rows * (p.features + p.labels)),
    },
    params: { rows: "u32", features: "u32", classes: "u32", labels: "u32" },
    dispatches: (p: Labels) => [flat("main", p.rows * (p.features + p.labels))],
  },
  // dx (rows, features + classes) from y and dy (rows, features + labels)
  soft_label_grad: {
    args: {
      y: read((p: Labels) => p.rows * (p.features + p.labels)),
      dy: read((p: Labels) => p.rows * (p.features + p.labels)),
      dx: write((p: Labels) => p.rows * (p.features + p.classes)),
    },
    params: { rows: "u32", features: "u32", classes: "u32", labels: "u32" },
    dispatches: (p: Labels) => [flat("main", p.rows * (p.features + p.classes))],
  },
  // y[b, s, j] = bias[s] + Σ_k kernel[s, k] · h[b, j, k]
  head: {
    args: {
      h: read((p: Head) => p.sets * p.width * p.rank),
      kernel: read((p: Head) => p.rows * p.rank),
      bias: read((p: Head) => p.rows),
      y: write((p: Head) => p.sets * p.rows * p.width),
    },
    params: { sets: "u32", rows: "u32", width: "u32", rank: "u32" },
    dispatches: (p: Head) => [tiles("ragged", p.rows, p.sets * p.width)],
  },
  // dh[b, j, k] = Σ_s dy[b, s, j] · kernel[s, k]
  head_dh: {
    args: {
      dy: read((p: Head) => p.sets * p.rows * p.width),
      kernel: read((p: Head) => p.rows * p.rank),
      dh: write((p: Head) => p.sets * p.width * p.rank),
    },
    params: { sets: "u32", rows: "u32", width: "u32", rank: "u32" },
    dispatches: (p: Head) => [tiles("ragged", p.rank, p.sets * p.width)],
  },
  // dkernel[s, k] = Σ_{b,j} dy[b, s, j] · h[b, j, k]; dbias[s] = Σ_{b,j} dy[b, s, j]
  head_dk: {
    args: {
      dy: read((p: Head) => p.sets * p.rows * p.width),
      h: read((p: Head) => p.sets * p.width * p.rank),
      dkernel: write((p: Head) => p.rows * p.rank),
      dbias: write((p: Head) => p.rows),
    },
    params: { sets: "u32", rows: "u32", width: "u32", rank: "u32" },
    dispatches: (p: Head) => [product("ragged", p.rows, p.rank + 1, p.sets * p.width)],
  },
  // loss = Σ (y − target)² / length; dy = scale · 2 (y − target) / length
  mse_grad: {
    args: {
      y: read((p: Length) => p.length),
      target: read((p: Length) => p.length),
      dy: write((p: Length) => p.length),
      loss: write(() => 1),
    },
    params: { length: "u32", scale: "f32" },
    dispatches: (p: Length) => [flat("gradient", p.length), { entry: "value", x: 1 }],
  },
  // on logits z: loss = Σ (max(z, 0) − z · target + log(1 + e^−|z|)) / length; dz = scale · (σ(z) − target) / length
  bce_grad: {
    args: {
      z: read((p: Length) => p.length),
      target: read((p: Length) => p.length),
      dz: write((p: Length) => p.length),
      loss: write(() => 1),
    },
    params: { length: "u32", scale: "f32" },
    dispatches: (p: Length) => [flat("gradient", p.length), { entry: "value", x: 1 }],
  },
  // y ← y + scale · x
  add: {
    args: { x: read((p: Length) => p.length), y: both((p: Length) => p.length) },
    params: { length: "u32", scale: "f32" },
    dispatches: (p: Length) => [flat("main", p.length)],
  },
  // y (count, length) ← rows index[0 … count) of x, which holds the rows [first, first + slots) of something larger;
  // rows of other numbers leave y as it is. Indices are whole numbers stored as f32
  gather: {
    args: {
      x: read((p: Slots) => p.slots * p.length),
      index: read((p: Slots) => p.count),
      y: both((p: Slots) => p.count * p.length),
    },
    params: { slots: "u32", count: "u32", length: "u32", first: "u32" },
    dispatches: (p: Slots) => [along("main", p.count, p.length)],
  },
  // rows index[0 … count) of y, which holds the rows [first, first + slots) of something larger, ← x (count, length);
  // what lies outside is left out. Indices are distinct
  scatter: {
    args: {
      x: read((p: Slots) => p.count * p.length),
      index: read((p: Slots) => p.count),
      y: both((p: Slots) => p.slots * p.length),
    },
    params: { slots: "u32", count: "u32", length: "u32", first: "u32" },
    dispatches: (p: Slots) => [along("main", p.count, p.length)],
  },
  // clock ← [t + 1, β₁ᵗ · β₁, β₂ᵗ · β₂, learning rate]
  tick: {
    args: { clock: both(() => CLOCK_LENGTH) },
    params: { beta1: "f32", beta2: "f32" },
    dispatches: () => [{ entry: "main", x: 1 }],
  },
  // Adam (Kingma & Ba 2015) as PyTorch has it: m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²;
  // w ← w − lr · (m / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε)
  adam: {
    args: {
      clock: read(() => CLOCK_LENGTH),
      g: read((p: Length) => p.length),
      m: both((p: Length) => p.length),
      v: both((p: Length) => p.length),
      w: both((p: Length) => p.length),
    },
    params: { length: "u32", beta1: "f32", beta2: "f32", epsilon: "f32" },
    dispatches: (p: Length) => [flat("main", p.length)],
  },
  // RMSprop as PyTorch has it: v ← αv + (1−α)g²; w ← w − lr · g / (√v + ε)
  rmsprop: {
    args: {
      clock: read(() => CLOCK_LENGTH),
      g: read((p: Length) => p.length),
      v: both((p: Length) => p.length),
      w: both((p: Length) => p.length),
    },
    params: { length: "u32", alpha: "f32", epsilon: "f32" },
    dispatches: (p: Length) => [flat("main", p.length)],
  },
} as const satisfies Record<string, Row>;

export type KernelName = keyof typeof kernels;

/** What `prepare` takes for a kernel: its tensors and its parameters, by name. */
export type KernelCall<K extends KernelName> = { [A in keyof (typeof kernels)[K]["args"]]: Tensor } & {
  [P in keyof (typeof kernels)[K]["params"]]: number;
};
