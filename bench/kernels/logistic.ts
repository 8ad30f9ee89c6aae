import type { Learner } from "../../sdk/classifiers.ts";
import { openLearner } from "../../sdk/classifiers.ts";
import { Cpu } from "../../sdk/engine/module.ts";
import { type Matrix, matrix, stackRows, takeRows } from "../../sdk/matrix.ts";
import { Random } from "../../sdk/random.ts";
import { type Row, type Section, time } from "./section.ts";

/** One fit, and all fits of an epoch: 16 generated sets of 64 rows, each with the other folds' real rows. */
export const logistic: Section = {
  title: "Logistic regression, one core",
  async run() {
    const cpu = await Cpu.open();
    const ours = openLearner("logistic", 2, cpu);
    const theirs = new PlainNewton();
    const single = problem(3353, 8, 1);
    agree(ours, theirs, single);
    const wide = problem(551, 300, 2);
    const epoch = epochFits();
    return [
      ...compare(
        "fit 3353×8",
        () => ours.fit(single.x, single.y),
        () => theirs.fit(single.x, single.y),
        1,
      ),
      ...compare(
        "16 sets × 3 folds, 731 + 64 rows × 8",
        () => epoch(ours),
        () => epoch(theirs),
        25,
      ),
      { name: "fit 551×300 (L-BFGS)", engine: "makeit", ...time(() => ours.fit(wide.x, wide.y)) },
    ];
  },
};

interface Problem {
  x: Matrix;
  y: Int32Array;
}

/** Rows of uniform features; about one in seventeen is positive, by a noisy line. */
function problem(rows: number, cols: number, seed: number): Problem {
  const random = new Random(seed);
  const x = matrix(rows, cols);
  for (let i = 0; i < x.data.length; i++) x.data[i] = 4 * random.uniform() - 2;
  const y = Int32Array.from({ length: rows }, (_, i) => {
    const line = x.data[i * cols] + x.data[i * cols + 1] + 0.5 * x.data[i * cols + 2];
    return line + 4 * (random.uniform() - 0.5) > 3 ? 1 : 0;
  });
  return { x, y };
}

/** For each set and fold: stack the rows, weight the set as the real rows together, fit, predict the fold left out. */
function epochFits(): (learner: Learner) => void {
  const real = problem(731, 8, 3);
  const folds = [0, 1, 2].map((fold) => {
    const rows = Array.from(real.y.keys());
    const train = rows.filter((i) => i % 3 !== fold);
    const test = takeRows(
      real.x,
      rows.filter((i) => i % 3 === fold),
    );
    return { x: takeRows(real.x, train), y: train.map((i) => real.y[i]), test };
  });
  const sets = Array.from({ length: 16 }, (_, s) => problem(64, 8, 10 + s));
  return (learner) => {
    for (const set of sets) {
      for (const { x, y, test } of folds) {
        const labels = Int32Array.from([...y, ...set.y]);
        const weights = new Float64Array(labels.length).fill(1).fill(y.length / 64, y.length);
        void learner.fit(stackRows(x, set.x), labels, weights);
        void learner.predictProba(test);
      }
    }
  };
}

/** Both must have found the same optimum, or their times do not compare. */
function agree(ours: Learner, theirs: Learner, { x, y }: Problem): void {
  const [a, b] = [ours, theirs].map((learner) => {
    void learner.fit(x, y);
    return learner.predictProba(x) as Float64Array;
  });
  const worst = a.reduce((most, p, i) => Math.max(most, Math.abs(p - b[i])), 0);
  if (!(worst < 1e-6)) throw new Error(`The fits differ by ${worst} in a probability, expected below 1e-6.`);
}

function compare(name: string, ours: () => void, theirs: () => void, floor: number): Row[] {
  const [plain, engine] = [time(theirs), time(ours)];
  return [
    {
      name,
      engine: "makeit",
      ...engine,
      rate: { "× plain JS": plain.min / engine.min },
      floor: { bound: `≤ ${floor} ms`, kept: engine.min <= floor },
    },
    { name, engine: "plain JS", ...plain },
  ];
}

/** Newton's method for two classes over typed arrays, stopped where ours is: the comparison. */
class PlainNewton implements Learner {
  #w = new Float64Array(0);

  fit({ data, rows, cols }: Matrix, y: Int32Array, weights?: Float64Array): void {
    const width = cols + 1;
    const w = new Float64Array(width);
    this.#w = w;
    for (let iteration = 0; iteration < 100; iteration++) {
      const gradient = w.slice();
      gradient[cols] = 0;
      const hessian = new Float64Array(width * width);
      for (let i = 0; i < rows; i++) {
        const row = i * cols;
        let z = w[cols];
        for (let j = 0; j < cols; j++) z += w[j] * data[row + j];
        const p = 1 / (1 + Math.exp(-z));
        const weight = weights ? weights[i] : 1;
        const residual = weight * (p - y[i]);
        const curvature = weight * p * (1 - p);
        for (let j = 0; j < cols; j++) {
          const x = data[row + j];
          gradient[j] += residual * x;
          const scaled = curvature * x;
          for (let k = 0; k <= j; k++) hessian[j * width + k] += scaled * data[row + k];
          hessian[cols * width + j] += scaled;
        }
        gradient[cols] += residual;
        hessian[cols * width + cols] += curvature;
      }
      for (let j = 0; j < cols; j++) hessian[j * width + j]++;
      const step = solve(hessian, gradient);
      let decrement = 0;
      for (let j = 0; j < width; j++) {
        decrement += gradient[j] * step[j];
        w[j] -= step[j];
      }
      if (decrement <= 1e-6) return;
    }
  }

  predictProba({ data, rows, cols }: Matrix): Float64Array {
    const out = new Float64Array(2 * rows);
    for (let i = 0; i < rows; i++) {
      let z = this.#w[cols];
      for (let j = 0; j < cols; j++) z += this.#w[j] * data[i * cols + j];
      out[2 * i + 1] = 1 / (1 + Math.exp(-z));
      out[2 * i] = 1 - out[2 * i + 1];
    }
    return out;
  }
}

/** a⁻¹ b by Cholesky's factorisation of the lower triangle `a`. */
function solve(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j];
    }
    for (let k = 0; k < i; k++) x[i] -= a[i * n + k] * x[k];
    x[i] /= a[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= a[k * n + i] * x[k];
    x[i] /= a[i * n + i];
  }
  return x;
}
