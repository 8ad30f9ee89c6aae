import type { Learner } from "../sdk/classifiers.ts";
import type { Matrix } from "../sdk/matrix.ts";

/**
 * Newton's method for two classes in plain JavaScript, stopped where ours is: the comparison. It goes column by column
 * over f64 arrays, residuals and curvatures first: a loop over rows that adds to all of the Hessian takes half as long again.
 */
export class PlainNewton implements Learner {
  #w = new Float64Array(0);

  fit(x: Matrix, y: Int32Array, weights?: Float64Array): void {
    const columns = columnsOf(x);
    const { rows, cols } = x;
    const width = cols + 1;
    const w = new Float64Array(width);
    this.#w = w;
    const [residual, curvature] = [new Float64Array(rows), new Float64Array(rows)];
    for (let iteration = 0; iteration < 100; iteration++) {
      logits(columns, w, residual);
      for (let i = 0; i < rows; i++) {
        const p = 1 / (1 + Math.exp(-residual[i]));
        const weight = weights ? weights[i] : 1;
        residual[i] = weight * (p - y[i]);
        curvature[i] = weight * p * (1 - p);
      }
      const { gradient, hessian } = derivatives(columns, w, residual, curvature);
      const step = solve(hessian, gradient);
      let decrement = 0;
      for (let j = 0; j < width; j++) {
        decrement += gradient[j] * step[j];
        w[j] -= step[j];
      }
      if (decrement <= 1e-6) return;
    }
  }

  predictProba(x: Matrix): Float64Array {
    const z = new Float64Array(x.rows);
    logits(columnsOf(x), this.#w, z);
    const out = new Float64Array(2 * x.rows);
    for (let i = 0; i < x.rows; i++) {
      out[2 * i + 1] = 1 / (1 + Math.exp(-z[i]));
      out[2 * i] = 1 - out[2 * i + 1];
    }
    return out;
  }
}

function columnsOf({ data, rows, cols }: Matrix): Float64Array[] {
  return Array.from({ length: cols }, (_, j) => {
    const column = new Float64Array(rows);
    for (let i = 0; i < rows; i++) column[i] = data[i * cols + j];
    return column;
  });
}

/** z = Σ_j w[j] · column[j] + w[cols] */
function logits(columns: Float64Array[], w: Float64Array, z: Float64Array): void {
  z.fill(w[columns.length]);
  for (let j = 0; j < columns.length; j++) {
    const [column, weight] = [columns[j], w[j]];
    for (let i = 0; i < z.length; i++) z[i] += weight * column[i];
  }
}

/** Of ½‖w‖² + Σ logloss; the intercept, last, is free. The Hessian's lower triangle. */
function derivatives(
  columns: Float64Array[],
  w: Float64Array,
  residual: Float64Array,
  curvature: Float64Array,
): { gradient: Float64Array; hessian: Float64Array } {
  const cols = columns.length;
  const width = cols + 1;
  const gradient = w.slice();
  const hessian = new Float64Array(width * width);
  const scaled = new Float64Array(residual.length);
  for (let j = 0; j < cols; j++) {
    const column = columns[j];
    for (let i = 0; i < scaled.length; i++) scaled[i] = curvature[i] * column[i];
    gradient[j] += dot(residual, column);
    for (let k = 0; k <= j; k++) hessian[j * width + k] = dot(scaled, columns[k]);
    hessian[j * width + j]++;
    hessian[cols * width + j] = sum(scaled);
  }
  gradient[cols] = sum(residual);
  hessian[cols * width + cols] = sum(curvature);
  return { gradient, hessian };
}

/** Four sums at a time: one alone would wait for each addition. */
function dot(a: Float64Array, b: Float64Array): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < a.length; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (; i < a.length; i++) s0 += a[i] * b[i];
  return s0 + s1 + s2 + s3;
}

function sum(a: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i];
  return total;
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
