// Logistic regression with an L2 penalty and a free intercept, for 2 or more classes:
//   F(w, b) = ½‖w‖² + Σᵢ sᵢ ℓᵢ,  z = x·w + b
//   2 classes, one output:     ℓ = log(1 + e^z) − y z
//   more, one output a class:  ℓ = log Σₖ e^zₖ − z_y
// Newton's method while the Hessian is small (IRLS), L-BFGS beyond. Data lie in f64 columns of `rows` values (a multiple
// of 8, padding has weight 0): column 0 is all ones, then the features less their means (which moves the intercept
// alone and keeps the Hessian well conditioned), then zero columns up to a multiple of 3.
import { cleanF32 } from "./clean";
import { across, axpy, dot, exp, factor, log, solveNegative } from "./double";
import { direction, pairsBytes, remember, squaredNorm } from "./lbfgs";

let rows: i32; // padded
let stride: usize; // bytes from column to column
let cols: i32; // padded
let outputs: i32;
let length: i32; // of the coefficients: outputs · cols

let X: usize; // (cols, rows)
let Y: usize; // (outputs, rows): 1 where the row is of the output's class
let S: usize; // (rows): weights
let Z: usize; // (outputs, rows): logits, then probabilities
let R: usize; // (outputs, rows): dF/dz
let Q: usize; // (rows): a weight of the Hessian
let means: usize; // (cols)
let w: usize; // (outputs, cols) the point
let g: usize; // its gradient
let trial: usize; // the next point
let trialGradient: usize;
let step: usize;
let work: usize; // Newton: the Hessian (length, length). L-BFGS: 1 / its diagonal's bound, then the pairs

const NEWTON_LIMIT = 64; // coefficients; beyond, forming and factoring the Hessian costs more than L-BFGS's iterations
const ONE = f64x2.splat(1);
const FACTORS: i32 = 512; // numbers from 1 to 2 whose product neither overflows nor loses what a sum would keep

/** Lays the workspace out from `at` and returns its end. */
function layout(at: usize, points: i32, features: i32, classes: i32): usize {
  rows = (points + 7) & ~7;
  stride = <usize>(rows | 8) << 3; // an odd number of cache lines, so that columns don't share cache sets
  cols = ((features + 3) / 3) * 3;
  outputs = classes == 2 ? 1 : classes;
  length = outputs * cols;
  const vector = <usize>length << 3;
  X = at;
  Y = X + <usize>cols * stride;
  S = Y + <usize>outputs * stride;
  Z = S + stride;
  R = Z + <usize>outputs * stride;
  Q = R + <usize>outputs * stride;
  means = Q + stride;
  w = means + (<usize>cols << 3);
  g = w + vector;
  trial = g + vector;
  trialGradient = trial + vector;
  step = trialGradient + vector;
  work = step + vector;
  return work + (length <= NEWTON_LIMIT ? (<usize>length * length) << 3 : vector + pairsBytes(length));
}

/** Scratch bytes of `logistic_fit`. */
export function logistic_bytes(points: i32, features: i32, classes: i32): usize {
  return layout(0, points, features, classes);
}

// coefficients (outputs, features + 1), intercepts last ← argmin F; x f32 (points, features), y i32 (points) in
// 0 … classes − 1, each of positive weight in all; s f64 (points) = C · weights; scratch zeroed. warm = 1 starts from
// the coefficients that are there, warm = 2 in the belief that they are near. Stops when the gradient, in units of the
// curvature's square root, is below `tolerance`. Returns the iterations
export function logistic_fit(
  x: usize, y: usize, s: usize, points: i32, features: i32, classes: i32,
  tolerance: f64, warm: i32, coefficients: usize, scratch: usize,
): i32 {
  layout(scratch, points, features, classes);
  arrange(x, y, s, points, features);
  start();
  let value = evaluate(w, g);
  if (warm) value = resume(coefficients, features, value);
  const iterations = length <= NEWTON_LIMIT ? newton(value, tolerance, warm == 2) : lbfgs(value, tolerance);
  for (let k = 0; k < outputs; k++) {
    const from = w + ((<usize>k * cols) << 3);
    const to = coefficients + ((<usize>k * (features + 1)) << 3);
    memory.copy(to, from + 8, <usize>features << 3);
    f64.store(to + (<usize>features << 3), f64.load(from) - dot(from + 8, means + 8, features));
  }
  return iterations;
}

/** Copies the data into columns, centred by their weighted means. */
function arrange(x: usize, y: usize, s: usize, points: i32, features: i32): void {
  memory.copy(S, s, <usize>points << 3);
  let total: f64 = 0;
  for (let i = 0; i < points; i++) {
    const at = <usize>i << 3;
    f64.store(X + at, 1);
    total += f64.load(S + at);
    const label = i32.load(y + (<usize>i << 2));
    if (outputs == 1) f64.store(Y + at, <f64>label);
    else f64.store(Y + <usize>label * stride + at, 1);
    const row = x + ((<usize>i * features) << 2);
    for (let j = 0; j < features; j++) {
      f64.store(X + <usize>(j + 1) * stride + at, <f64>cleanF32(f32.load(row + (<usize>j << 2))));
    }
  }
  for (let j = 1; j <= features; j++) {
    const column = X + <usize>j * stride;
    const mean = dot(column, S, points) / total;
    f64.store(means + (<usize>j << 3), mean);
    axpy(-mean, X, column, points); // the first column is all ones
  }
}

/** Starts from the classes' frequencies: zero weights, intercepts at the log-odds. */
function start(): void {
  const total = dot(X, S, rows);
  let mean: f64 = 0;
  for (let k = 0; k < outputs; k++) {
    const share = dot(Y + <usize>k * stride, S, rows) / total;
    const z = outputs == 1 ? Math.log(share / (1 - share)) : Math.log(share);
    f64.store(w + ((<usize>k * cols) << 3), z);
    mean += z / <f64>outputs;
  }
  if (outputs == 1) return;
  for (let k = 0; k < outputs; k++) {
    const at = w + ((<usize>k * cols) << 3);
    f64.store(at, f64.load(at) - mean);
  }
}

/** Moves to earlier coefficients when F is lower there than at the start, `value`; returns F at the point kept. */
function resume(coefficients: usize, features: i32, value: f64): f64 {
  for (let k = 0; k < outputs; k++) {
    const from = coefficients + ((<usize>k * (features + 1)) << 3);
    const to = trial + ((<usize>k * cols) << 3);
    memory.copy(to + 8, from, <usize>features << 3);
    f64.store(to, f64.load(from + (<usize>features << 3)) + dot(from, means + 8, features));
  }
  const there = evaluate(trial, trialGradient);
  if (!(there < value)) return value;
  adopt();
  return there;
}

/** Takes the trial point and its gradient. */
function adopt(): void {
  let swap = w;
  w = trial;
  trial = swap;
  swap = g;
  g = trialGradient;
  trialGradient = swap;
}

/** F at `point`, its gradient at `gradient`; leaves the probabilities in Z (or, for one output, the curvatures in Q). */
function evaluate(point: usize, gradient: usize): f64 {
  for (let k = 0; k < outputs; k++) logits(point + ((<usize>k * cols) << 3), Z + <usize>k * stride);
  let value = outputs == 1 ? sigmoid() : softmax();
  for (let k = 0; k < outputs; k++) {
    const from = point + ((<usize>k * cols) << 3);
    const to = gradient + ((<usize>k * cols) << 3);
    columnDots(R + <usize>k * stride, to);
    for (let j = 1; j < cols; j++) {
      const at = <usize>j << 3;
      f64.store(to + at, f64.load(to + at) + f64.load(from + at));
    }
    value += 0.5 * dot(from + 8, from + 8, cols - 1);
  }
  return value;
}

// z (rows) = Σⱼ wⱼ · xⱼ (rows)
function logits(point: usize, z: usize): void {
  const bytes = <usize>rows << 3;
  const ld = stride;
  memory.fill(z, 0, bytes);
  for (let j = 0; j < cols; j += 3) {
    const at = point + (<usize>j << 3);
    const a = v128.load64_splat(at);
    const b = v128.load64_splat(at, 8);
    const c = v128.load64_splat(at, 16);
    let column = X + <usize>j * ld;
    for (let i = z, end = z + bytes; i < end; i += 16, column += 16) {
      const ab = f64x2.add(f64x2.mul(a, v128.load(column)), f64x2.mul(b, v128.load(column + ld)));
      v128.store(i, f64x2.add(f64x2.add(v128.load(i), ab), f64x2.mul(c, v128.load(column + 2 * ld))));
    }
  }
}

// out (cols) = Xᵀ · r
function columnDots(r: usize, out: usize): void {
  const bytes = <usize>rows << 3;
  const ld = stride;
  for (let j = 0; j < cols; j += 3) {
    let column = X + <usize>j * ld;
    let a = f64x2.splat(0), b = a, c = a, d = a, e = a, f = a;
    for (let i = r, end = r + bytes; i < end; i += 32, column += 32) {
      const p = v128.load(i);
      const q = v128.load(i, 16);
      a = f64x2.add(a, f64x2.mul(p, v128.load(column)));
      b = f64x2.add(b, f64x2.mul(p, v128.load(column + ld)));
      c = f64x2.add(c, f64x2.mul(p, v128.load(column + 2 * ld)));
      d = f64x2.add(d, f64x2.mul(q, v128.load(column, 16)));
      e = f64x2.add(e, f64x2.mul(q, v128.load(column + ld, 16)));
      f = f64x2.add(f, f64x2.mul(q, v128.load(column + 2 * ld, 16)));
    }
    const to = out + (<usize>j << 3);
    f64.store(to, across(f64x2.add(a, d)));
    f64.store(to, across(f64x2.add(b, e)), 8);
    f64.store(to, across(f64x2.add(c, f)), 16);
  }
}

// One output: R = s (p − y), Q = s p (1 − p), returns Σ s ℓ; through e^−|z|, so that nothing overflows. Rows of one
// weight share a logarithm: s log(1 + e₁) + s log(1 + e₂) = s log((1 + e₁) (1 + e₂)).
function sigmoid(): f64 {
  let sum = f64x2.splat(0);
  let weight = v128.load(S);
  let product = ONE;
  let room = FACTORS;
  for (let i: usize = 0, bytes = <usize>rows << 3; i < bytes; i += 16) {
    const z = v128.load(Z + i);
    const y = v128.load(Y + i);
    const s = v128.load(S + i);
    const e = exp(f64x2.neg(f64x2.abs(z)));
    const all = f64x2.add(ONE, e);
    const larger = f64x2.div(ONE, all);
    const smaller = f64x2.mul(e, larger);
    const p = v128.bitselect(larger, smaller, f64x2.ge(z, f64x2.splat(0)));
    v128.store(R + i, f64x2.mul(s, f64x2.sub(p, y)));
    v128.store(Q + i, f64x2.mul(s, f64x2.mul(larger, smaller)));
    const hinge = f64x2.sub(f64x2.max(z, f64x2.splat(0)), f64x2.mul(y, z));
    sum = f64x2.add(sum, f64x2.mul(s, hinge));
    if (room == 0 || v128.any_true(f64x2.ne(s, weight))) {
      sum = f64x2.add(sum, timesLog(weight, product));
      weight = s;
      product = ONE;
      room = FACTORS;
    }
    product = f64x2.mul(product, all);
    room--;
  }
  return across(f64x2.add(sum, timesLog(weight, product)));
}

function timesLog(weight: v128, product: v128): v128 {
  return f64x2.mul(weight, log(product));
}

// Several outputs: Z ← p = softmax(Z), R = s (p − y), returns Σ s ℓ
function softmax(): f64 {
  const end = <usize>outputs * stride;
  let sum = f64x2.splat(0);
  for (let i: usize = 0, bytes = <usize>rows << 3; i < bytes; i += 16) {
    const s = v128.load(S + i);
    let highest = v128.load(Z + i);
    for (let k = stride; k < end; k += stride) highest = f64x2.max(highest, v128.load(Z + k + i));
    let total = f64x2.splat(0);
    let own = total;
    for (let k: usize = 0; k < end; k += stride) {
      const z = f64x2.sub(v128.load(Z + k + i), highest);
      own = f64x2.add(own, f64x2.mul(v128.load(Y + k + i), z));
      const e = exp(z);
      total = f64x2.add(total, e);
      v128.store(Z + k + i, e);
    }
    const inverse = f64x2.div(ONE, total);
    for (let k: usize = 0; k < end; k += stride) {
      const p = f64x2.mul(v128.load(Z + k + i), inverse);
      v128.store(Z + k + i, p);
      v128.store(R + k + i, f64x2.mul(s, f64x2.sub(p, v128.load(Y + k + i))));
    }
    sum = f64x2.add(sum, f64x2.sub(timesLog(s, total), f64x2.mul(s, own)));
  }
  return across(sum);
}

/**
 * Damped Newton from the point w with F = value. `lazy` keeps the Hessian as long as each step with it makes the next a
 * tenth as long: near the optimum it hardly changes, and is most of the work.
 */
function newton(value: f64, tolerance: f64, lazy: bool): i32 {
  let before: f64 = 0;
  for (let iteration = 1; iteration <= 100; iteration++) {
    let slope: f64 = 0;
    let fresh = !lazy || iteration == 1;
    if (!fresh) {
      slope = newStep();
      fresh = !(slope > 0.01 * before);
    }
    if (fresh) {
      hessian();
      factor(work, length);
      slope = newStep();
    }
    // −slope is the squared Newton decrement. The step squares the error, so the root of the tolerance is enough; with
    // an older Hessian it makes a tenth of it.
    if (-slope <= (fresh ? tolerance : 1e-3 * tolerance)) {
      axpy(1, step, w, length);
      return iteration;
    }
    const next = search(value, slope);
    if (isNaN(next)) return iteration; // the step is below what f64 resolves
    value = next;
    before = slope;
  }
  return 100;
}

/** step = −H⁻¹ g; returns the slope along it. */
function newStep(): f64 {
  solveNegative(work, length, g, step);
  return dot(g, step, length);
}

/**
 * Halves the step until F falls enough (Armijo); returns the new F, or NaN where no step is accepted.
 * Near the optimum, where rounding hides the fall of F, the slope decides (Hager & Zhang 2005, approximate Wolfe).
 */
function search(value: f64, slope: f64): f64 {
  for (let t: f64 = 1; t > 1e-12; t *= 0.5) {
    memory.copy(trial, w, <usize>length << 3);
    axpy(t, step, trial, length);
    const next = evaluate(trial, trialGradient);
    const close = next <= value + 1e-12 * abs(value) && dot(trialGradient, step, length) <= -0.8 * slope;
    if (next <= value + 1e-4 * t * slope || close) {
      adopt();
      return next;
    }
  }
  return NaN;
}

// work (length, length) = d²F, lower triangle
function hessian(): void {
  memory.fill(work, 0, (<usize>length * length) << 3);
  for (let k = 0; k < outputs; k++) {
    for (let l = 0; l <= k; l++) {
      if (outputs > 1) curvature(k, l);
      gram(work + (((<usize>k * cols) * length + <usize>l * cols) << 3));
    }
  }
  const diagonal = (<usize>length + 1) << 3;
  for (let i = 0; i < length; i++) {
    if (i % cols == 0) continue;
    const at = work + <usize>i * diagonal;
    f64.store(at, f64.load(at) + 1);
  }
  if (outputs > 1) pin();
}

// Q = s pₖ (1 − pₖ) on the diagonal, −s pₖ pₗ off it
function curvature(k: i32, l: i32): void {
  const p = Z + <usize>k * stride;
  const q = Z + <usize>l * stride;
  for (let i: usize = 0, bytes = <usize>rows << 3; i < bytes; i += 16) {
    const other = k == l ? f64x2.sub(ONE, v128.load(q + i)) : f64x2.neg(v128.load(q + i));
    v128.store(Q + i, f64x2.mul(v128.load(S + i), f64x2.mul(v128.load(p + i), other)));
  }
}

/** Softmax does not see a shift of all intercepts: a curvature along it keeps the Hessian definite and Σ b at 0. */
function pin(): void {
  const weight = f64.load(work) + f64.load(work + ((<usize>cols * (length + 1)) << 3));
  for (let k = 0; k < outputs; k++) {
    for (let l = 0; l <= k; l++) {
      const at = work + (((<usize>k * cols) * length + <usize>l * cols) << 3);
      f64.store(at, f64.load(at) + weight);
    }
  }
}

const BLOCK: usize = 256 << 3; // rows at a time: a few columns of them stay in the first-level cache

// out (cols, cols), rows of `length`, += Xᵀ diag(Q) X, both triangles, in tiles of 3 × 3
function gram(out: usize): void {
  const bytes = <usize>rows << 3;
  const ld = stride;
  for (let from: usize = 0; from < bytes; from += BLOCK) {
    const to = min(from + BLOCK, bytes);
    for (let i = 0; i < cols; i += 3) {
      for (let j = 0; j <= i; j += 3) {
        let x = X + <usize>i * ld + from;
        let y = X + <usize>j * ld + from;
        let a = f64x2.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, k = a;
        if (i == j) {
          // Half of it mirrors the other half.
          for (let q = Q + from, end = Q + to; q < end; q += 16, x += 16) {
            const weight = v128.load(q);
            const x0 = v128.load(x);
            const x1 = v128.load(x + ld);
            const x2 = v128.load(x + 2 * ld);
            const w2 = f64x2.mul(weight, x2);
            const w0 = f64x2.mul(weight, x0);
            const w1 = f64x2.mul(weight, x1);
            a = f64x2.add(a, f64x2.mul(w0, x0));
            b = f64x2.add(b, f64x2.mul(w1, x0));
            c = f64x2.add(c, f64x2.mul(w2, x0));
            e = f64x2.add(e, f64x2.mul(w1, x1));
            f = f64x2.add(f, f64x2.mul(w2, x1));
            k = f64x2.add(k, f64x2.mul(w2, x2));
          }
          tile(out, i, j, 0, a, b, c);
          tile(out, i, j, 1, b, e, f);
          tile(out, i, j, 2, c, f, k);
          continue;
        }
        for (let q = Q + from, end = Q + to; q < end; q += 16, x += 16, y += 16) {
          const weight = v128.load(q);
          const x0 = f64x2.mul(weight, v128.load(x));
          const x1 = f64x2.mul(weight, v128.load(x + ld));
          const x2 = f64x2.mul(weight, v128.load(x + 2 * ld));
          const y0 = v128.load(y);
          a = f64x2.add(a, f64x2.mul(x0, y0));
          b = f64x2.add(b, f64x2.mul(x1, y0));
          c = f64x2.add(c, f64x2.mul(x2, y0));
          const y1 = v128.load(y + ld);
          d = f64x2.add(d, f64x2.mul(x0, y1));
          e = f64x2.add(e, f64x2.mul(x1, y1));
          f = f64x2.add(f, f64x2.mul(x2, y1));
          const y2 = v128.load(y + 2 * ld);
          g = f64x2.add(g, f64x2.mul(x0, y2));
          h = f64x2.add(h, f64x2.mul(x1, y2));
          k = f64x2.add(k, f64x2.mul(x2, y2));
        }
        tile(out, i, j, 0, a, b, c);
        tile(out, i, j, 1, d, e, f);
        tile(out, i, j, 2, g, h, k);
      }
    }
  }
}

/** Adds column `c` of the tile at (i, j), and where the tile is off the diagonal its mirror image. */
function tile(out: usize, i: i32, j: i32, c: i32, top: v128, middle: v128, bottom: v128): void {
  accumulate(out, i, j + c, top);
  accumulate(out, i + 1, j + c, middle);
  accumulate(out, i + 2, j + c, bottom);
  if (i == j) return;
  accumulate(out, j + c, i, top);
  accumulate(out, j + c, i + 1, middle);
  accumulate(out, j + c, i + 2, bottom);
}

@inline
function accumulate(out: usize, i: i32, j: i32, value: v128): void {
  const at = out + ((<usize>i * length + <usize>j) << 3);
  f64.store(at, f64.load(at) + across(value));
}

/** L-BFGS from the point w with F = value; the gradient is measured against a bound on the Hessian's diagonal. */
function lbfgs(value: f64, tolerance: f64): i32 {
  const pairs = work + (<usize>length << 3);
  scale();
  let stored = 0;
  for (let iteration = 0; iteration < 2000; iteration++) {
    if (squaredNorm(g, work, length) <= tolerance * tolerance) return iteration;
    direction(g, work, pairs, stored, length, step);
    const slope = dot(g, step, length);
    const next = slope < 0 ? search(value, slope) : NaN;
    if (!isNaN(next)) {
      value = next;
      // `search` left the previous point and its gradient in the trial's place
      stored = remember(pairs, stored, length, w, trial, g, trialGradient);
    } else if (stored > 0) {
      stored = 0; // start again from the scaled gradient
    } else {
      return iteration; // the step is below what f64 resolves
    }
  }
  return 2000;
}

// work (outputs, cols) = 1 / (penalty + ¼ Σ s x²), since p (1 − p) ≤ ¼
function scale(): void {
  for (let j = 0; j < cols; j++) {
    const column = X + <usize>j * stride;
    let sum = f64x2.splat(0);
    for (let i: usize = 0, bytes = <usize>rows << 3; i < bytes; i += 16) {
      const x = v128.load(column + i);
      sum = f64x2.add(sum, f64x2.mul(v128.load(S + i), f64x2.mul(x, x)));
    }
    const inverse = 1 / ((j > 0 ? 1 : 0) + 0.25 * across(sum));
    for (let k = 0; k < outputs; k++) f64.store(work + ((<usize>k * cols + <usize>j) << 3), inverse);
  }
}
