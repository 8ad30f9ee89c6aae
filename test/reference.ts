/**
 * The float64 references of the kernel table, written for reading: plain loops, no blocking, no SIMD.
 * Each says on which sizes and inputs its kernel is tried, and within what tolerance the engines must agree.
 */
import { ACTIVATION, type KernelName } from "../sdk/engine/kernels.ts";
import { philox } from "../sdk/random.ts";

export type Params = Record<string, number>;
export type Arrays = Record<string, Float64Array>;

/** The rounding of one f32 operation is at most half of this, relatively. */
const EPSILON = 2 ** -23;

export interface Reference {
  /** Parameters that take every ragged size. */
  sizes: string[];
  /** The other parameters: each combination is tried on each size. */
  variants?: Params[];
  /** Further parameter sets: sizes beyond an engine's blocks. */
  extra?: Params[];
  /** The inputs of arguments that are not uniform in (−1, 1): value i of the argument. */
  inputs?: Record<string, (i: number, p: Params, uniform: () => number) => number>;
  /** The largest error allowed, as a multiple of max(1, |expected|). */
  tolerance: (p: Params) => number;
  /** Computes the written arguments in place. */
  run: (a: Arrays, p: Params) => void;
}

/** The error that adding up `terms` numbers of about 1 may reach. */
const sumOf = (terms: (p: Params) => number) => (p: Params) => EPSILON * (4 + terms(p));
/** A few roundings, or a polynomial's error. */
const few = () => 8 * EPSILON;

const clock = { clock: (i: number) => [3, 0.729, 0.997, 0.01][i] };
const positive = (_i: number, _p: Params, uniform: () => number) => 0.1 + Math.abs(uniform());
const activations = Object.values(ACTIVATION).map((activation) => ({ activation }));

/** f(z) for an activation's code. */
export function activate(z: number, activation: number): number {
  if (activation === ACTIVATION.relu) return Math.max(z, 0);
  if (activation === ACTIVATION.leaky_relu) return z > 0 ? z : 0.2 * z;
  if (activation === ACTIVATION.sigmoid) return 1 / (1 + Math.exp(-z));
  if (activation === ACTIVATION.tanh) return Math.tanh(z);
  return z;
}

function slope(y: number, activation: number): number {
  if (activation === ACTIVATION.relu) return y > 0 ? 1 : 0;
  if (activation === ACTIVATION.leaky_relu) return y > 0 ? 1 : 0.2;
  if (activation === ACTIVATION.sigmoid) return y * (1 - y);
  if (activation === ACTIVATION.tanh) return 1 - y * y;
  return 1;
}

const usesTanh = (p: Params) => p.labels === 1 && p.classes === 2;

/** Every way of writing labels that `classes` allow. */
const labelVariants = [
  { classes: 2, labels: 1 },
  { classes: 2, labels: 2 },
  { classes: 2, labels: 0 },
  { classes: 1, labels: 1 },
  { classes: 5, labels: 5 },
];

export const references: Record<KernelName, Reference> = {
  dense: {
    sizes: ["rows", "inner", "cols"],
    variants: activations,
    extra: [
      { rows: 7, inner: 1030, cols: 12, activation: 1 },
      { rows: 6, inner: 2050, cols: 100, activation: 4 },
      { rows: 9, inner: 2570, cols: 9, activation: 2 },
      { rows: 9, inner: 2572, cols: 20, activation: 3 },
    ],
    tolerance: sumOf((p) => p.inner),
    run({ x, w, b, y }, { rows, inner, cols, activation }) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++) {
          let sum = b[j];
          for (let k = 0; k < inner; k++) sum += x[i * inner + k] * w[k * cols + j];
          y[i * cols + j] = activate(sum, activation);
        }
      }
    },
  },
  dense_dx: {
    sizes: ["rows", "inner", "cols"],
    extra: [{ rows: 9, inner: 330, cols: 1030 }],
    tolerance: sumOf((p) => p.cols),
    run({ dy, w, dx }, { rows, inner, cols }) {
      for (let i = 0; i < rows; i++) {
        for (let k = 0; k < inner; k++) {
          let sum = 0;
          for (let j = 0; j < cols; j++) sum += dy[i * cols + j] * w[k * cols + j];
          dx[i * inner + k] = sum;
        }
      }
    },
  },
  dense_dw: {
    sizes: ["rows", "inner", "cols"],
    extra: [
      { rows: 530, inner: 333, cols: 9 },
      { rows: 2570, inner: 9, cols: 33 },
      { rows: 2571, inner: 12, cols: 20 },
    ],
    tolerance: sumOf((p) => p.rows),
    run({ x, dy, dw }, { rows, inner, cols }) {
      for (let k = 0; k < inner; k++) {
        for (let j = 0; j < cols; j++) {
          let sum = 0;
          for (let i = 0; i < rows; i++) sum += x[i * inner + k] * dy[i * cols + j];
          dw[k * cols + j] = sum;
        }
      }
    },
  },
  dense_db: {
    sizes: ["rows", "cols"],
    extra: [{ rows: 333, cols: 17 }],
    tolerance: sumOf((p) => p.rows),
    run({ dy, db }, { rows, cols }) {
      db.fill(0);
      for (let i = 0; i < rows * cols; i++) db[i % cols] += dy[i];
    },
  },
  activation_grad: {
    sizes: ["length"],
    variants: activations,
    tolerance: few,
    run({ y, dy }, { length, activation }) {
      for (let i = 0; i < length; i++) dy[i] *= slope(y[i], activation);
    },
  },
  batch_norm: {
    sizes: ["rows", "cols"],
    variants: [0, 1].map((train) => ({ train, momentum: 0.1, epsilon: 1e-3 })),
    inputs: { running: positive },
    tolerance: sumOf((p) => 8 * p.rows),
    run({ x, gamma, beta, running, saved, y }, { rows, cols, train, momentum, epsilon }) {
      for (let j = 0; j < cols; j++) {
        let [mean, variance] = [running[j], running[cols + j]];
        if (train === 1) {
          mean = 0;
          for (let i = 0; i < rows; i++) mean += x[i * cols + j] / rows;
          variance = 0;
          for (let i = 0; i < rows; i++) variance += (x[i * cols + j] - mean) ** 2 / rows;
          const unbiased = (variance * rows) / Math.max(rows - 1, 1);
          running[j] = (1 - momentum) * running[j] + momentum * mean;
          running[cols + j] = (1 - momentum) * running[cols + j] + momentum * unbiased;
        }
        saved[j] = mean;
        saved[cols + j] = 1 / Math.sqrt(variance + epsilon);
        for (let i = 0; i < rows; i++) {
          y[i * cols + j] = gamma[j] * (x[i * cols + j] - mean) * saved[cols + j] + beta[j];
        }
      }
    },
  },
  batch_norm_grad: {
    sizes: ["rows", "cols"],
    variants: [{ train: 0 }, { train: 1 }],
    inputs: { saved: positive },
    tolerance: sumOf((p) => 2 * p.rows),
    run({ x, gamma, saved, dy, dgamma, dbeta }, { rows, cols, train }) {
      for (let j = 0; j < cols; j++) {
        const [mean, inv] = [saved[j], saved[cols + j]];
        const hat = (i: number) => (x[i * cols + j] - mean) * inv;
        dgamma[j] = 0;
        dbeta[j] = 0;
        for (let i = 0; i < rows; i++) {
          dgamma[j] += dy[i * cols + j] * hat(i);
          dbeta[j] += dy[i * cols + j];
        }
        for (let i = 0; i < rows; i++) {
          const through = (train * (dbeta[j] + hat(i) * dgamma[j])) / rows;
          dy[i * cols + j] = gamma[j] * inv * (dy[i * cols + j] - through);
        }
      }
    },
  },
  dropout: {
    sizes: ["length"],
    variants: [
      { seed: 7, p: 0.5 },
      { seed: 2 ** 32 - 1, p: 0.25 },
      { seed: 0, p: 0 },
    ],
    inputs: clock,
    tolerance: few,
    run({ clock, x }, { length, seed, p }) {
      for (let i = 0; i < length; i++) {
        const bits = philox([Math.floor(i / 4), clock[0], 0, 2], seed, 0)[i % 4];
        x[i] = bits >= p * 2 ** 32 ? x[i] / (1 - p) : 0;
      }
    },
  },
  row_mean: {
    sizes: ["sets", "rows", "cols"],
    extra: [{ sets: 3, rows: 333, cols: 17 }],
    tolerance: few,
    run({ x, y }, { sets, rows, cols }) {
      y.fill(0);
      for (let b = 0; b < sets; b++) {
        for (let i = 0; i < rows * cols; i++) y[b * cols + (i % cols)] += x[b * rows * cols + i] / rows;
      }
    },
  },
  row_mean_grad: {
    sizes: ["sets", "rows", "cols"],
    tolerance: few,
    run({ dy, dx }, { sets, rows, cols }) {
      for (let b = 0; b < sets; b++) {
        for (let i = 0; i < rows * cols; i++) dx[b * rows * cols + i] = dy[b * cols + (i % cols)] / rows;
      }
    },
  },
  soft_label: {
    sizes: ["rows", "features"],
    variants: labelVariants,
    inputs: { x: (_i, _p, uniform) => 3 * uniform() },
    tolerance: few,
    run({ x, y }, p) {
      const { rows, features, classes, labels } = p;
      for (let i = 0; i < rows; i++) {
        const from = x.subarray(i * (features + classes), (i + 1) * (features + classes));
        const to = y.subarray(i * (features + labels), (i + 1) * (features + labels));
        to.set(from.subarray(0, features));
        if (usesTanh(p)) to[features] = Math.tanh(from[features + 1] - from[features]);
        else if (labels > 0) {
          const e = from.subarray(features).map(Math.exp);
          const total = e.reduce((a, b) => a + b);
          to.set(
            e.map((value) => value / total),
            features,
          );
        }
      }
    },
  },
  soft_label_grad: {
    sizes: ["rows", "features"],
    variants: labelVariants,
    tolerance: few,
    run({ y, dy, dx }, p) {
      const { rows, features, classes, labels } = p;
      for (let i = 0; i < rows; i++) {
        const label = y.subarray(i * (features + labels) + features, (i + 1) * (features + labels));
        const dyRow = dy.subarray(i * (features + labels), (i + 1) * (features + labels));
        const dLabel = dyRow.subarray(features);
        const to = dx.subarray(i * (features + classes), (i + 1) * (features + classes));
        to.fill(0);
        to.set(dyRow.subarray(0, features));
        if (usesTanh(p)) {
          to[features + 1] = dLabel[0] * (1 - label[0] ** 2);
          to[features] = -to[features + 1];
        } else if (labels > 0) {
          const dot = label.reduce((sum, value, c) => sum + value * dLabel[c], 0);
          to.set(
            label.map((value, c) => value * (dLabel[c] - dot)),
            features,
          );
        }
      }
    },
  },
  head: {
    sizes: ["sets", "rows", "width", "rank"],
    tolerance: sumOf((p) => p.rank),
    run({ h, kernel, bias, y }, { sets, rows, width, rank }) {
      for (let b = 0; b < sets; b++) {
        for (let s = 0; s < rows; s++) {
          for (let j = 0; j < width; j++) {
            let sum = bias[s];
            for (let k = 0; k < rank; k++) sum += kernel[s * rank + k] * h[(b * width + j) * rank + k];
            y[(b * rows + s) * width + j] = sum;
          }
        }
      }
    },
  },
  head_dh: {
    sizes: ["sets", "rows", "width", "rank"],
    tolerance: sumOf((p) => p.rows),
    run({ dy, kernel, dh }, { sets, rows, width, rank }) {
      for (let b = 0; b < sets; b++) {
        for (let j = 0; j < width; j++) {
          for (let k = 0; k < rank; k++) {
            let sum = 0;
            for (let s = 0; s < rows; s++) sum += dy[(b * rows + s) * width + j] * kernel[s * rank + k];
            dh[(b * width + j) * rank + k] = sum;
          }
        }
      }
    },
  },
  head_dk: {
    sizes: ["sets", "rows", "width", "rank"],
    extra: [{ sets: 61, rows: 9, width: 43, rank: 5 }],
    tolerance: sumOf((p) => p.sets * p.width),
    run({ dy, h, dkernel, dbias }, { sets, rows, width, rank }) {
      dkernel.fill(0);
      dbias.fill(0);
      for (let b = 0; b < sets; b++) {
        for (let s = 0; s < rows; s++) {
          for (let j = 0; j < width; j++) {
            const d = dy[(b * rows + s) * width + j];
            dbias[s] += d;
            for (let k = 0; k < rank; k++) dkernel[s * rank + k] += d * h[(b * width + j) * rank + k];
          }
        }
      }
    },
  },
  mse_grad: {
    sizes: ["length"],
    variants: [{ scale: 1 }, { scale: -0.3 }],
    tolerance: few,
    run({ y, target, dy, loss }, { length, scale }) {
      loss[0] = 0;
      for (let i = 0; i < length; i++) {
        loss[0] += (y[i] - target[i]) ** 2 / length;
        dy[i] = (scale * 2 * (y[i] - target[i])) / length;
      }
    },
  },
  bce_grad: {
    sizes: ["length"],
    variants: [{ scale: 1 }, { scale: -0.3 }],
    inputs: { z: (_i, _p, uniform) => 10 * uniform(), target: (_i, _p, uniform) => Math.abs(uniform()) },
    tolerance: few,
    run({ z, target, dz, loss }, { length, scale }) {
      loss[0] = 0;
      for (let i = 0; i < length; i++) {
        const term = Math.max(z[i], 0) - z[i] * target[i] + Math.log1p(Math.exp(-Math.abs(z[i])));
        loss[0] += term / length;
        dz[i] = (scale * (1 / (1 + Math.exp(-z[i])) - target[i])) / length;
      }
    },
  },
  add: {
    sizes: ["length"],
    variants: [{ scale: 1 }, { scale: -0.3 }],
    tolerance: few,
    run({ x, y }, { length, scale }) {
      for (let i = 0; i < length; i++) y[i] += scale * x[i];
    },
  },
  gather: {
    sizes: ["slots", "count", "length"],
    variants: [{ first: 0 }, { first: 2 }],
    // some before the first row, one past the last
    inputs: { index: (i, p) => (i * 7 + 2) % (p.slots + p.first + 1) },
    tolerance: () => 0,
    run({ x, index, y }, { slots, count, length, first }) {
      for (let i = 0; i < count * length; i++) {
        const slot = index[Math.floor(i / length)] - first;
        if (slot >= 0 && slot < slots) y[i] = x[slot * length + (i % length)];
      }
    },
  },
  scatter: {
    sizes: ["count", "length"],
    variants: [
      { slots: 65, first: 0 },
      { slots: 65, first: 3 },
    ],
    // some before the first row, one past the last
    inputs: { index: (i, p) => (i * 7 + 2) % (p.slots + p.first + 1) },
    tolerance: () => 0,
    run({ x, index, y }, { slots, count, length, first }) {
      for (let i = 0; i < count * length; i++) {
        const slot = index[Math.floor(i / length)] - first;
        if (slot >= 0 && slot < slots) y[slot * length + (i % length)] = x[i];
      }
    },
  },
  tick: {
    sizes: [],
    variants: [{ beta1: 0.9, beta2: 0.999 }],
    inputs: clock,
    tolerance: few,
    run({ clock }, { beta1, beta2 }) {
      clock[0] += 1;
      clock[1] *= beta1;
      clock[2] *= beta2;
    },
  },
  adam: {
    sizes: ["length"],
    variants: [{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }],
    inputs: { ...clock, v: positive },
    tolerance: few,
    run({ clock, g, m, v, w }, { length, beta1, beta2, epsilon }) {
      for (let i = 0; i < length; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2;
        w[i] -= (clock[3] * (m[i] / (1 - clock[1]))) / (Math.sqrt(v[i] / (1 - clock[2])) + epsilon);
      }
    },
  },
  rmsprop: {
    sizes: ["length"],
    variants: [{ alpha: 0.99, epsilon: 1e-8 }],
    inputs: { ...clock, v: positive },
    tolerance: few,
    run({ clock, g, v, w }, { length, alpha, epsilon }) {
      for (let i = 0; i < length; i++) {
        v[i] = alpha * v[i] + (1 - alpha) * g[i] ** 2;
        w[i] -= (clock[3] * g[i]) / (Math.sqrt(v[i]) + epsilon);
      }
    },
  },
};
