/** Many features that say much the same, such as pixels, as a few that say almost all of it: principal components. */
import { type Matrix, matrix } from "../matrix.ts";
import { Random } from "../random.ts";

/** What a rotation knows, as plain data. */
export interface ComponentsState {
  readonly count: number;
  readonly features: number;
  /** (count, features): orthonormal rows, the component with the largest variance first. */
  readonly basis: Float32Array;
  /** What each component is divided by. */
  readonly scale: Float32Array;
}

/** Directions beyond those asked for, and passes over the rows, which bring the found ones close to the true ones. */
const SPARE = 8;
const PASSES = 3;
/** More rows than this tell little more about the directions; they are taken evenly from all. */
const MOST_ROWS = 2000;
const SWEEPS = 30;
/** Sets the draws apart from every other use of a seed ("COMP"). */
const STREAM = 0x434f4d50;

/**
 * The rotation of standardised features into their leading principal components, found by randomised subspace iteration
 * (Halko, Martinsson & Tropp 2011).
 *
 * A component is divided by the geometric mean of its deviation and the first one's. Between a plain rotation, in which
 * the networks overlook all but the first, and whitening, which makes the faintest, mostly noise, as loud as the first.
 */
export class Components {
  readonly state: ComponentsState;

  constructor(state: ComponentsState) {
    this.state = state;
  }

  /** Learns at most `count` components of the rows of `x`; those without variance are left out. */
  static fit(x: Matrix, count: number): Components {
    const rows = Math.min(x.rows, MOST_ROWS);
    const size = Math.min(count + SPARE, rows, x.cols);
    const a: Dense = { data: new Float64Array(rows * x.cols), rows, cols: x.cols };
    for (let i = 0; i < rows; i++) {
      const from = Math.floor((i * x.rows) / rows) * x.cols;
      a.data.set(x.data.subarray(from, from + x.cols), i * x.cols);
    }
    const random = new Random(0, STREAM);
    let q: Dense = dense(x.cols, size);
    for (let i = 0; i < q.data.length; i++) q.data[i] = random.uniform() - 0.5;
    for (let pass = 0; pass < PASSES; pass++) q = orthonormal(transposedProduct(a, product(a, q)));
    const b = product(a, q);
    const { values, vectors } = eigen(transposedProduct(b, b));
    const variances = values.map((value) => value / rows);
    const kept = variances.slice(0, count).filter((value) => value > 1e-9 * variances[0]).length;
    const rotated = product(q, vectors); // (features, size)
    const basis = new Float32Array(kept * x.cols);
    for (let k = 0; k < kept; k++) {
      for (let j = 0; j < x.cols; j++) basis[k * x.cols + j] = rotated.data[j * size + k];
    }
    const scale = Float32Array.from({ length: kept }, (_, k) =>
      Math.sqrt(Math.sqrt(variances[0] * variances[k])),
    );
    return new Components({ count: kept, features: x.cols, basis, scale });
  }

  /** Rows of features as rows of components. */
  project(x: Matrix): Matrix {
    const { count, features, basis, scale } = this.state;
    const out = matrix(x.rows, count);
    for (let i = 0; i < x.rows; i++) {
      for (let k = 0; k < count; k++) {
        let sum = 0;
        for (let j = 0; j < features; j++) sum += x.data[i * features + j] * basis[k * features + j];
        out.data[i * count + k] = sum / scale[k];
      }
    }
    return out;
  }

  /** Rows of components as rows of features. */
  restore(z: Matrix): Matrix {
    const { count, features, basis, scale } = this.state;
    const out = matrix(z.rows, features);
    const row = new Float64Array(features);
    for (let i = 0; i < z.rows; i++) {
      row.fill(0);
      for (let k = 0; k < count; k++) {
        const value = z.data[i * count + k] * scale[k];
        for (let j = 0; j < features; j++) row[j] += value * basis[k * features + j];
      }
      out.data.set(row, i * features);
    }
    return out;
  }

  /** Adds to row `i` of components what `change` of feature `j` makes of it. */
  move(z: Matrix, i: number, j: number, change: number): void {
    const { count, features, basis, scale } = this.state;
    for (let k = 0; k < count; k++) z.data[i * count + k] += (change * basis[k * features + j]) / scale[k];
  }
}

interface Dense {
  readonly data: Float64Array;
  readonly rows: number;
  readonly cols: number;
}

function dense(rows: number, cols: number): Dense {
  return { data: new Float64Array(rows * cols), rows, cols };
}

// a · b
function product(a: Dense, b: Dense): Dense {
  const out = dense(a.rows, b.cols);
  for (let i = 0; i < a.rows; i++) {
    const row = out.data.subarray(i * b.cols, (i + 1) * b.cols);
    for (let j = 0; j < a.cols; j++) addScaled(row, a.data[i * a.cols + j], b.data, j * b.cols);
  }
  return out;
}

// aᵀ · b
function transposedProduct(a: Dense, b: Dense): Dense {
  const out = dense(a.cols, b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.cols; j++) {
      const row = out.data.subarray(j * b.cols, (j + 1) * b.cols);
      addScaled(row, a.data[i * a.cols + j], b.data, i * b.cols);
    }
  }
  return out;
}

// row += factor · from[at …]
function addScaled(row: Float64Array, factor: number, from: Float64Array, at: number): void {
  for (let k = 0; k < row.length; k++) row[k] += factor * from[at + k];
}

/** The columns of `a` made orthonormal by Gram and Schmidt, twice, so that rounding leaves nothing; a dependent one is 0. */
function orthonormal(a: Dense): Dense {
  const { rows, cols } = a;
  // Columns one after the other: a dot product runs through memory in order.
  const t = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i++) for (let k = 0; k < cols; k++) t[k * rows + i] = a.data[i * cols + k];
  const column = (k: number) => t.subarray(k * rows, (k + 1) * rows);
  for (let k = 0; k < cols; k++) {
    const own = column(k);
    const before = Math.sqrt(dot(own, own));
    for (let twice = 0; twice < 2; twice++) {
      for (let l = 0; l < k; l++) addScaled(own, -dot(own, column(l)), t, l * rows);
    }
    const length = Math.sqrt(dot(own, own));
    const factor = length > 1e-12 * before ? 1 / length : 0;
    for (let i = 0; i < rows; i++) own[i] *= factor;
  }
  const out = dense(rows, cols);
  for (let i = 0; i < rows; i++) for (let k = 0; k < cols; k++) out.data[i * cols + k] = t[k * rows + i];
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Eigenvalues, largest first, and vectors (as columns) of a symmetric matrix, by Jacobi's rotations. */
function eigen({ data, cols: n }: Dense): { values: number[]; vectors: Dense } {
  const s = data.slice();
  const v = dense(n, n).data;
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let [off, on] = [0, 0];
    for (let a = 0; a < n; a++) {
      on += s[a * n + a] * s[a * n + a];
      for (let b = a + 1; b < n; b++) {
        off += s[a * n + b] * s[a * n + b];
        rotate(s, v, n, a, b);
      }
    }
    if (off <= 1e-24 * on) break;
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => s[b * n + b] - s[a * n + a] || a - b);
  const vectors = dense(n, n);
  order.forEach((from, to) => {
    for (let i = 0; i < n; i++) vectors.data[i * n + to] = v[i * n + from];
  });
  return { values: order.map((i) => Math.max(0, s[i * n + i])), vectors };
}

/** One rotation of s ← Jᵀ s J, v ← v J that makes s[a, b] zero. */
function rotate(s: Float64Array, v: Float64Array, n: number, a: number, b: number): void {
  const between = s[a * n + b];
  if (between === 0) return;
  const theta = (s[b * n + b] - s[a * n + a]) / (2 * between);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cos = 1 / Math.sqrt(t * t + 1);
  const sin = t * cos;
  const turn = (m: Float64Array, p: number, q: number) => {
    const [x, y] = [m[p], m[q]];
    m[p] = cos * x - sin * y;
    m[q] = sin * x + cos * y;
  };
  for (let i = 0; i < n; i++) turn(s, i * n + a, i * n + b);
  for (let i = 0; i < n; i++) turn(s, a * n + i, b * n + i);
  for (let i = 0; i < n; i++) turn(v, i * n + a, i * n + b);
}
