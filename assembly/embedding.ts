// Rows in a plane: the two principal components, and t-SNE (van der Maaten & Hinton 2008), exact, O(rows²) a step.
import { uniform } from "./random";
import { exp } from "./simd";

/** Vectors iterated at once: the more, the faster the first two settle. */
const BLOCK: i32 = 8;
const STREAM: u32 = 0x70636100;
const gram = memory.data(BLOCK * BLOCK * 8, 16);
const turn = memory.data(BLOCK * BLOCK * 8, 16);

// @ts-ignore: decorator
@inline
function at(p: usize, i: i32): usize {
  return p + ((<usize>i) << 3);
}

// a · b over `length` f64, an even number
function dot(a: usize, b: usize, length: i32): f64 {
  let sum = f64x2.splat(0);
  for (let i = 0; i < length; i += 2, a += 16, b += 16) {
    sum = f64x2.add(sum, f64x2.mul(v128.load(a), v128.load(b)));
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// y ← y + s · x over `length` f64, an even number
function axpy(s: f64, x: usize, y: usize, length: i32): void {
  const scale = f64x2.splat(s);
  for (let i = 0; i < length; i += 2, x += 16, y += 16) {
    v128.store(y, f64x2.add(v128.load(y), f64x2.mul(scale, v128.load(x))));
  }
}

// c (rows, stride) f64 = x (rows, cols) f32 − the columns' means, stride = cols made even; gives Σ c²
export function centre(x: usize, c: usize, rows: i32, cols: i32): f64 {
  const stride = (cols + 1) & ~1;
  let total: f64 = 0;
  for (let j = 0; j < cols; j++) {
    let mean: f64 = 0;
    for (let i = 0; i < rows; i++) mean += <f64>load<f32>(x + ((<usize>(i * cols + j)) << 2));
    mean /= <f64>rows;
    for (let i = 0; i < rows; i++) {
      const d = <f64>load<f32>(x + ((<usize>(i * cols + j)) << 2)) - mean;
      store<f64>(at(c, i * stride + j), d);
      total += d * d;
    }
  }
  return total;
}

// Gram and Schmidt, twice for accuracy; a vector that the others span becomes 0.
function orthonormalise(v: usize, k: i32, stride: i32): void {
  for (let j = 0; j < k; j++) {
    const vj = at(v, j * stride);
    const before = Math.sqrt(dot(vj, vj, stride));
    for (let pass = 0; pass < 2; pass++) {
      for (let m = 0; m < j; m++) {
        const vm = at(v, m * stride);
        axpy(-dot(vj, vm, stride), vm, vj, stride);
      }
    }
    const norm = Math.sqrt(dot(vj, vj, stride));
    const inverse = norm > 1e-12 * before ? 1 / norm : 0;
    for (let i = 0; i < stride; i++) store<f64>(at(vj, i), load<f64>(at(vj, i)) * inverse);
  }
}

// Jacobi's rotations: `gram` (k, k) symmetric → its eigenvalues on its diagonal, eigenvectors in the columns of `turn`
function diagonalise(k: i32): void {
  for (let i = 0; i < k * k; i++) store<f64>(at(turn, i), i % (k + 1) == 0 ? 1 : 0);
  for (let sweep = 0; sweep < 40; sweep++) {
    let off: f64 = 0, diagonal: f64 = 0;
    for (let i = 0; i < k; i++) {
      const d = load<f64>(at(gram, i * k + i));
      diagonal += d * d;
      for (let j = 0; j < i; j++) off += load<f64>(at(gram, i * k + j)) * load<f64>(at(gram, i * k + j));
    }
    if (off <= 1e-32 * diagonal) return;
    for (let p = 0; p < k; p++) for (let q = p + 1; q < k; q++) rotate(p, q, k);
  }
}

function rotate(p: i32, q: i32, k: i32): void {
  const apq = load<f64>(at(gram, p * k + q));
  if (apq == 0) return;
  const theta = (load<f64>(at(gram, q * k + q)) - load<f64>(at(gram, p * k + p))) / (2 * apq);
  const t = (theta < 0 ? -1.0 : 1.0) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1), s = t * c;
  for (let i = 0; i < k; i++) spin(at(gram, i * k + p), at(gram, i * k + q), c, s);
  for (let i = 0; i < k; i++) spin(at(gram, p * k + i), at(gram, q * k + i), c, s);
  for (let i = 0; i < k; i++) spin(at(turn, i * k + p), at(turn, i * k + q), c, s);
}

// (a, b) ← (c a − s b, s a + c b)
function spin(a: usize, b: usize, c: f64, s: f64): void {
  const x = load<f64>(a), y = load<f64>(b);
  store<f64>(a, c * x - s * y);
  store<f64>(b, s * x + c * y);
}

/** The column of `turn` with the eigenvalue of rank `rank` (0: largest). */
function ranked(rank: i32, k: i32): i32 {
  for (let j = 0; j < k; j++) {
    let larger = 0;
    const value = load<f64>(at(gram, j * k + j));
    for (let m = 0; m < k; m++) {
      const other = load<f64>(at(gram, m * k + m));
      if (other > value || (other == value && m < j)) larger++;
    }
    if (larger == rank) return j;
  }
  return 0;
}

// The two leading principal components of the centred c (rows, stride): subspace iteration with Rayleigh and Ritz.
// y (2, rows) f64: the rows' coordinates; eigenvalues (2) f64 of cᵀc. Work space: v, w (8, stride), t (8, rows) f64.
// The loading of largest magnitude is positive, so that signs are the same everywhere.
export function principal_plane(
  c: usize, rows: i32, cols: i32, v: usize, w: usize, t: usize, y: usize, eigenvalues: usize,
): void {
  const stride = (cols + 1) & ~1;
  const k = min(BLOCK, cols);
  uniform(w, k * stride, 0, STREAM, 0);
  for (let i = 0; i < k * stride; i++) {
    store<f64>(at(v, i), i % stride < cols ? <f64>load<f32>(w + ((<usize>i) << 2)) - 0.5 : 0);
  }
  for (let round = 0; round < 200; round++) {
    orthonormalise(v, k, stride);
    ritz(c, rows, stride, k, v, w, t);
    for (let j = 0; j < k; j++) {
      memory.fill(at(w, j * stride), 0, (<usize>stride) << 3);
      for (let i = 0; i < rows; i++) axpy(load<f64>(at(t, j * rows + i)), at(c, i * stride), at(w, j * stride), stride);
    }
    if (settled(v, w, k, stride)) break;
    memory.copy(v, w, (<usize>(k * stride)) << 3);
  }
  for (let j = 0; j < 2; j++) {
    const yj = at(y, j * rows);
    memory.fill(yj, 0, (<usize>rows) << 3);
    store<f64>(at(eigenvalues, j), 0);
    if (j >= k) continue;
    store<f64>(at(eigenvalues, j), max(0, load<f64>(at(gram, j * k + j))));
    const sign = signOf(at(v, j * stride), cols);
    // + 0 makes −0 plain 0
    for (let i = 0; i < rows; i++) store<f64>(at(yj, i), sign * load<f64>(at(t, j * rows + i)) + 0);
  }
}

// t = c · v, then v and t turned so that tᵀt is diagonal and falling; `gram` holds that diagonal. w is work space.
function ritz(c: usize, rows: i32, stride: i32, k: i32, v: usize, w: usize, t: usize): void {
  for (let j = 0; j < k; j++) {
    for (let i = 0; i < rows; i++) store<f64>(at(t, j * rows + i), dot(at(c, i * stride), at(v, j * stride), stride));
  }
  for (let p = 0; p < k; p++) {
    for (let q = 0; q <= p; q++) {
      let sum: f64 = 0;
      for (let i = 0; i < rows; i++) sum += load<f64>(at(t, p * rows + i)) * load<f64>(at(t, q * rows + i));
      store<f64>(at(gram, p * k + q), sum);
      store<f64>(at(gram, q * k + p), sum);
    }
  }
  diagonalise(k);
  memory.fill(w, 0, (<usize>(k * stride)) << 3);
  for (let j = 0; j < k; j++) {
    const column = ranked(j, k);
    for (let m = 0; m < k; m++) axpy(load<f64>(at(turn, m * k + column)), at(v, m * stride), at(w, j * stride), stride);
  }
  memory.copy(v, w, (<usize>(k * stride)) << 3);
  for (let j = 0; j < k; j++) {
    let value: f64 = 0;
    for (let i = 0; i < rows; i++) {
      const d = dot(at(c, i * stride), at(v, j * stride), stride);
      store<f64>(at(t, j * rows + i), d);
      value += d * d;
    }
    store<f64>(at(gram, j * k + j), value);
  }
}

// Whether w = cᵀc v has become λ v for the first two.
function settled(v: usize, w: usize, k: i32, stride: i32): bool {
  const first = load<f64>(gram);
  for (let j = 0; j < min(2, k); j++) {
    const value = load<f64>(at(gram, j * k + j));
    let residual: f64 = 0;
    for (let i = 0; i < stride; i++) {
      const d = load<f64>(at(w, j * stride + i)) - value * load<f64>(at(v, j * stride + i));
      residual += d * d;
    }
    if (Math.sqrt(residual) > max(1e-9 * value, 1e-13 * first)) return false;
  }
  return true;
}

function signOf(v: usize, cols: i32): f64 {
  let largest: f64 = 0;
  for (let i = 0; i < cols; i++) {
    const value = load<f64>(at(v, i));
    if (Math.abs(value) > Math.abs(largest)) largest = value;
  }
  return largest < 0 ? -1 : 1;
}

/** Where the lanes beyond the last row stand: so far away that they neither pull nor push. */
const FAR: f32 = 1e9;
/** A shared neighbourhood smaller than this is none: it keeps denormal numbers, which are slow, out of the steps. */
const FAINT: f32 = 1e-12;

// @ts-ignore: decorator
@inline
function sum4(v: v128): f64 {
  return <f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1) +
    (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3));
}

// p (rows, stride) f32, stride = rows rounded up to 4: p_ij = (p_j|i + p_i|j) / 2 rows, p_j|i ∝ exp(−β_i ‖z_i − z_j‖²),
// β_i such that the entropy of row i is log perplexity; z (rows, width) f32 with width a multiple of 4
export function tsne_affinities(z: usize, p: usize, rows: i32, width: i32, perplexity: f64): void {
  const stride = (rows + 3) & ~3;
  const entropy = Math.log(perplexity);
  for (let i = 0; i < rows; i++) {
    const row = p + ((<usize>(i * stride)) << 2);
    distances(z, row, i, rows, width);
    neighbours(row, i, rows, stride, entropy);
  }
  const share: f32 = <f32>(0.5 / <f64>rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      const a = p + ((<usize>(i * stride + j)) << 2), b = p + ((<usize>(j * stride + i)) << 2);
      const both = share * (load<f32>(a) + load<f32>(b));
      store<f32>(a, both < FAINT ? 0 : both);
      store<f32>(b, both < FAINT ? 0 : both);
    }
  }
}

// d[j] = ‖z_i − z_j‖² for j < rows
function distances(z: usize, d: usize, i: i32, rows: i32, width: i32): void {
  const zi = z + ((<usize>(i * width)) << 2);
  for (let j = 0; j < rows; j++) {
    const zj = z + ((<usize>(j * width)) << 2);
    let sum = f32x4.splat(0);
    for (let k: usize = 0; k < (<usize>width) << 2; k += 16) {
      const e = f32x4.sub(v128.load(zi + k), v128.load(zj + k));
      sum = f32x4.add(sum, f32x4.mul(e, e));
    }
    store<f32>(d + ((<usize>j) << 2), <f32>sum4(sum));
  }
}

// Squared distances d (stride) → p_j|i in place: β by doubling, then bisection. Distances count from the nearest
// neighbour and in units of their mean, which changes β alone and keeps exp in range.
function neighbours(d: usize, i: i32, rows: i32, stride: i32, entropy: f64): void {
  let nearest: f32 = Infinity, mean: f64 = 0;
  for (let j = 0; j < rows; j++) if (j != i) nearest = min(nearest, load<f32>(d + ((<usize>j) << 2)));
  for (let j = 0; j < rows; j++) if (j != i) mean += <f64>(load<f32>(d + ((<usize>j) << 2)) - nearest);
  const unit = mean > 0 ? <f32>(<f64>(rows - 1) / mean) : 1;
  for (let j = 0; j < stride; j++) {
    const dj = d + ((<usize>j) << 2);
    store<f32>(dj, j == i || j >= rows ? 1e20 : (load<f32>(dj) - nearest) * unit);
  }
  let beta: f64 = 1, low: f64 = 0, high: f64 = 0, mass: f64 = 1;
  for (let round = 0; round < 64; round++) {
    let sum = f32x4.splat(0), moment = f32x4.splat(0);
    const b = f32x4.splat(<f32>-beta);
    for (let q = d; q < d + ((<usize>stride) << 2); q += 16) {
      const dj = v128.load(q), e = exp(f32x4.mul(b, dj));
      sum = f32x4.add(sum, e);
      moment = f32x4.add(moment, f32x4.mul(dj, e));
    }
    mass = sum4(sum);
    const excess = Math.log(mass) + (beta * sum4(moment)) / mass - entropy;
    if (Math.abs(excess) < 1e-5) break;
    if (excess > 0) low = beta;
    else high = beta;
    beta = high == 0 ? beta * 2 : 0.5 * (low + high);
  }
  const b = f32x4.splat(<f32>-beta), scale = f32x4.splat(<f32>(1 / mass));
  for (let q = d; q < d + ((<usize>stride) << 2); q += 16) {
    v128.store(q, f32x4.mul(scale, exp(f32x4.mul(b, v128.load(q)))));
  }
  store<f32>(d + ((<usize>i) << 2), 0);
  for (let j = rows; j < stride; j++) store<f32>(d + ((<usize>j) << 2), 0);
}

// One step of gradient descent on KL(p ‖ q), q_ij = n_ij / Z, n_ij = 1 / (1 + ‖y_i − y_j‖²), Z = Σ n:
//   dy_i = 4 (exaggeration · Σ_j p_ij n_ij (y_i − y_j) − Σ_j n_ij² (y_i − y_j) / Z)
// with momentum and a gain for each coordinate (Jacobs 1988). y, velocity, gain (2, stride) f32;
// pull, push (2, stride) f32 are work space. The rows end up centred on 0.
export function tsne_step(
  y: usize, p: usize, velocity: usize, gain: usize, pull: usize, push: usize,
  rows: i32, exaggeration: f32, rate: f32, momentum: f32,
): void {
  const stride = (rows + 3) & ~3;
  const bytes = (<usize>stride) << 2;
  const z = forces(y, p, pull, push, rows, exaggeration);
  const inverse = z > 0 ? <f32>(1 / z) : 0;
  for (let k: usize = 0; k < 2; k++) {
    let sum: f64 = 0;
    for (let i: usize = k * bytes; i < k * bytes + ((<usize>rows) << 2); i += 4) {
      const slope: f32 = <f32>4 * (load<f32>(pull + i) - load<f32>(push + i) * inverse);
      const speed = load<f32>(velocity + i);
      const g = max<f32>(0.01, (slope > 0) == (speed > 0) ? load<f32>(gain + i) * 0.8 : load<f32>(gain + i) + 0.2);
      const next = momentum * speed - rate * g * slope;
      store<f32>(gain + i, g);
      store<f32>(velocity + i, next);
      store<f32>(y + i, load<f32>(y + i) + next);
      sum += <f64>load<f32>(y + i);
    }
    const mean = <f32>(sum / <f64>rows);
    for (let i: usize = k * bytes; i < k * bytes + ((<usize>rows) << 2); i += 4) store<f32>(y + i, load<f32>(y + i) - mean);
  }
}

// pull_i = exaggeration · Σ_j p_ij n_ij (y_i − y_j), push_i = Σ_j n_ij² (y_i − y_j); gives Z without the diagonal
function forces(y: usize, p: usize, pull: usize, push: usize, rows: i32, exaggeration: f32): f64 {
  const stride = (rows + 3) & ~3;
  const bytes = (<usize>stride) << 2;
  const one = f32x4.splat(1);
  for (let i = rows; i < stride; i++) {
    store<f32>(y + ((<usize>i) << 2), FAR);
    store<f32>(y + bytes + ((<usize>i) << 2), FAR);
  }
  let z: f64 = 0;
  for (let i = 0; i < rows; i++) {
    const yi = y + ((<usize>i) << 2);
    const xi = v128.load32_splat(yi), wi = v128.load32_splat(yi + bytes);
    let near = f32x4.splat(0), ax = near, ay = near, rx = near, ry = near;
    let q = p + <usize>i * bytes;
    for (let at = y; at < y + bytes; at += 16, q += 16) {
      const dx = f32x4.sub(xi, v128.load(at)), dy = f32x4.sub(wi, v128.load(at + bytes));
      const n = f32x4.div(one, f32x4.add(one, f32x4.add(f32x4.mul(dx, dx), f32x4.mul(dy, dy))));
      const a = f32x4.mul(v128.load(q), n), r = f32x4.mul(n, n);
      near = f32x4.add(near, n);
      ax = f32x4.add(ax, f32x4.mul(a, dx));
      ay = f32x4.add(ay, f32x4.mul(a, dy));
      rx = f32x4.add(rx, f32x4.mul(r, dx));
      ry = f32x4.add(ry, f32x4.mul(r, dy));
    }
    z += sum4(near) - 1;
    const to = (<usize>i) << 2;
    store<f32>(pull + to, exaggeration * <f32>sum4(ax));
    store<f32>(pull + to + bytes, exaggeration * <f32>sum4(ay));
    store<f32>(push + to, <f32>sum4(rx));
    store<f32>(push + to + bytes, <f32>sum4(ry));
  }
  return z;
}

// KL(p ‖ q) = Σ_ij p_ij log(p_ij / q_ij), in f64
export function tsne_divergence(y: usize, p: usize, rows: i32): f64 {
  const stride = (rows + 3) & ~3;
  const bytes = (<usize>stride) << 2;
  let z: f64 = 0, sum: f64 = 0, mass: f64 = 0;
  for (let i = 0; i < rows; i++) {
    const yi = y + ((<usize>i) << 2);
    for (let j = 0; j < rows; j++) {
      if (i == j) continue;
      const yj = y + ((<usize>j) << 2);
      const dx = <f64>(load<f32>(yi) - load<f32>(yj)), dy = <f64>(load<f32>(yi + bytes) - load<f32>(yj + bytes));
      const n = 1 / (1 + dx * dx + dy * dy);
      z += n;
      const pij = <f64>load<f32>(p + ((<usize>(i * stride + j)) << 2));
      if (pij == 0) continue;
      mass += pij;
      sum += pij * Math.log(pij / n);
    }
  }
  return z > 0 ? sum + mass * Math.log(z) : 0;
}
