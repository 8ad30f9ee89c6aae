// Layers without weights of their own, and the gradients of all that is not a product.
import { DROPOUT, blocks } from "./random";
import { LEAK, LEAKY_RELU, NONE, RELU, SIGMOID, exp, load, loadPart, store, storePart, tanh } from "./simd";

// y (cols) = scale · Σ_rows x (rows, cols)
function sumRows(x: usize, rows: i32, cols: i32, scale: f32, y: usize): void {
  const row = <usize>cols << 2;
  const factor = f32x4.splat(scale);
  let j = 0;
  // sixteen columns at a time: whole cache lines
  for (; j + 16 <= cols; j += 16, x += 64, y += 64) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let p = x;
    for (let i = 0; i < rows; i++, p += row) {
      s0 = f32x4.add(s0, v128.load(p));
      s1 = f32x4.add(s1, v128.load(p, 16));
      s2 = f32x4.add(s2, v128.load(p, 32));
      s3 = f32x4.add(s3, v128.load(p, 48));
    }
    v128.store(y, f32x4.mul(s0, factor));
    v128.store(y, f32x4.mul(s1, factor), 16);
    v128.store(y, f32x4.mul(s2, factor), 32);
    v128.store(y, f32x4.mul(s3, factor), 48);
  }
  for (; j < cols; j += 4, x += 16, y += 16) {
    const part = cols - j;
    let s = f32x4.splat(0);
    let p = x;
    for (let i = 0; i < rows; i++, p += row) s = f32x4.add(s, load(p, part));
    store(y, f32x4.mul(s, factor), part);
  }
}

// db (cols) = Σ_rows dy (rows, cols)
export function dense_db(dy: usize, db: usize, rows: i32, cols: i32): void {
  sumRows(dy, rows, cols, 1, db);
}

// y (sets, cols) = mean over rows of x (sets, rows, cols)
export function row_mean(x: usize, y: usize, sets: i32, rows: i32, cols: i32): void {
  const scale: f32 = <f32>1 / <f32>rows;
  for (let b = 0; b < sets; b++) {
    sumRows(x + ((<usize>b * rows * cols) << 2), rows, cols, scale, y + ((<usize>b * cols) << 2));
  }
}

// dx (sets, rows, cols) = dy (sets, cols) / rows
export function row_mean_grad(dy: usize, dx: usize, sets: i32, rows: i32, cols: i32): void {
  const scale = f32x4.splat(<f32>1 / <f32>rows);
  const row = <usize>cols << 2;
  const set = <usize>rows * row;
  for (let b = 0; b < sets; b++, dy += row, dx += set) {
    for (let j = 0; j < cols; j += 4) {
      const at = <usize>j << 2;
      const left = cols - j;
      store(dx + at, f32x4.mul(load(dy + at, left), scale), left);
    }
    // what is there is doubled until the set is full
    for (let done = row; done < set; done <<= 1) memory.copy(dx + done, dx, min(done, set - done));
  }
}

// f′ in terms of y, times dy
// @ts-ignore: decorator
@inline
function slope(y: v128, dy: v128, activation: u32): v128 {
  const one = f32x4.splat(1);
  // not "where y > 0": that would take NaN for 0 and hide it
  if (activation == RELU) return v128.andnot(dy, f32x4.le(y, f32x4.splat(0)));
  if (activation == LEAKY_RELU) {
    return v128.bitselect(dy, f32x4.mul(dy, f32x4.splat(LEAK)), f32x4.gt(y, f32x4.splat(0)));
  }
  if (activation == SIGMOID) return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(one, y)));
  return f32x4.mul(dy, f32x4.sub(one, f32x4.mul(y, y)));
}

// Inlined with a constant code, so that each activation has a loop of its own.
// @ts-ignore: decorator
@inline
function mapSlope(y: usize, dy: usize, length: i32, activation: u32): void {
  for (; length >= 4; length -= 4, y += 16, dy += 16) {
    v128.store(dy, slope(v128.load(y), v128.load(dy), activation));
  }
  if (length > 0) storePart(dy, slope(loadPart(y, length), loadPart(dy, length), activation), length);
}

// dy ← dy ⊙ f′, with f′ written in terms of the output y = f(z)
export function activation_grad(y: usize, dy: usize, length: i32, activation: u32): void {
  if (activation == RELU) mapSlope(y, dy, length, RELU);
  else if (activation == LEAKY_RELU) mapSlope(y, dy, length, LEAKY_RELU);
  else if (activation == SIGMOID) mapSlope(y, dy, length, SIGMOID);
  else if (activation != NONE) mapSlope(y, dy, length, activation);
}

// y = gamma ⊙ (x − mean) / √(var + ε) + beta, per column. train = 1: batch statistics (biased variance), and
// running ← (1 − momentum) · running + momentum · batch (mean, then unbiased variance); train = 0: running ones.
// saved (2, cols) = the mean and 1/√(var + ε) that were used
export function batch_norm(
  x: usize, gamma: usize, beta: usize, running: usize, saved: usize, y: usize,
  rows: i32, cols: i32, train: u32, momentum: f32, epsilon: f32,
): void {
  const row = <usize>cols << 2;
  const n = f32x4.splat(<f32>rows);
  const keep = f32x4.splat(1 - momentum);
  const take = f32x4.splat(momentum);
  const unbiased = f32x4.splat(<f32>rows / <f32>max(rows - 1, 1));
  for (let j = 0; j < cols; j += 4) {
    const left = cols - j;
    const at = <usize>j << 2;
    let mean = load(running + at, left);
    let variance = load(running + row + at, left);
    if (train != 0) {
      let s = f32x4.splat(0);
      for (let i = 0, p = x + at; i < rows; i++, p += row) s = f32x4.add(s, load(p, left));
      const m = f32x4.div(s, n);
      let q = f32x4.splat(0);
      for (let i = 0, p = x + at; i < rows; i++, p += row) {
        const d = f32x4.sub(load(p, left), m);
        q = f32x4.add(q, f32x4.mul(d, d));
      }
      const v = f32x4.div(q, n);
      store(running + at, f32x4.add(f32x4.mul(mean, keep), f32x4.mul(m, take)), left);
      const u = f32x4.mul(f32x4.mul(v, unbiased), take);
      store(running + row + at, f32x4.add(f32x4.mul(variance, keep), u), left);
      mean = m;
      variance = v;
    }
    const inv = f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(variance, f32x4.splat(epsilon))));
    store(saved + at, mean, left);
    store(saved + row + at, inv, left);
    const scale = f32x4.mul(load(gamma + at, left), inv);
    const shift = load(beta + at, left);
    for (let i = 0, p = x + at, q = y + at; i < rows; i++, p += row, q += row) {
      store(q, f32x4.add(f32x4.mul(f32x4.sub(load(p, left), mean), scale), shift), left);
    }
  }
}

// x̂ = (x − mean) · inv; dbeta = Σ dy; dgamma = Σ dy ⊙ x̂;
// dy ← gamma · inv · (dy − train · (dbeta + x̂ · dgamma) / rows)
export function batch_norm_grad(
  x: usize, gamma: usize, saved: usize, dy: usize, dgamma: usize, dbeta: usize, rows: i32, cols: i32, train: u32,
): void {
  const row = <usize>cols << 2;
  const share = f32x4.splat(train != 0 ? <f32>1 / <f32>rows : 0);
  for (let j = 0; j < cols; j += 4) {
    const left = cols - j;
    const at = <usize>j << 2;
    const mean = load(saved + at, left);
    const inv = load(saved + row + at, left);
    let sum = f32x4.splat(0), dot = sum;
    for (let i = 0, p = x + at, q = dy + at; i < rows; i++, p += row, q += row) {
      const d = load(q, left);
      sum = f32x4.add(sum, d);
      dot = f32x4.add(dot, f32x4.mul(d, f32x4.mul(f32x4.sub(load(p, left), mean), inv)));
    }
    store(dbeta + at, sum, left);
    store(dgamma + at, dot, left);
    const scale = f32x4.mul(load(gamma + at, left), inv);
    const meanSum = f32x4.mul(sum, share);
    const meanDot = f32x4.mul(dot, share);
    for (let i = 0, p = x + at, q = dy + at; i < rows; i++, p += row, q += row) {
      const hat = f32x4.mul(f32x4.sub(load(p, left), mean), inv);
      const centred = f32x4.sub(f32x4.sub(load(q, left), meanSum), f32x4.mul(hat, meanDot));
      store(q, f32x4.mul(scale, centred), left);
    }
  }
}

// x[i] ← bits(seed, t, i) ≥ p · 2³² ? x[i] / (1 − p) : 0, with t = clock[0]; the same call masks the gradient.
// bits: word i mod 4 of Philox4x32-10 with counter (⌊i / 4⌋, t, 0, DROPOUT) and key (seed, 0), compared unsigned
// with ⌊p · 2³²⌋ (a power of two: the f32 product is exact, 0 ≤ p < 1); 1 / (1 − p) is rounded to f32 first.
export function dropout(clock: usize, x: usize, length: i32, seed: u32, p: f32): void {
  const t = <u32>f32.load(clock);
  const threshold = i32x4.splat(<i32><u32>(p * 4294967296));
  const scale = f32x4.splat(1 / (1 - p));
  for (let i = 0; i < length; i += 16) {
    let words = blocks(<u32>i >> 2, t, DROPOUT, seed, 0);
    const end = min(i + 16, length);
    for (let j = i; j < end; j += 4, x += 16, words += 16) {
      const kept = i32x4.ge_u(v128.load(words), threshold);
      store(x, v128.and(f32x4.mul(load(x, end - j), scale), kept), end - j);
    }
  }
}

// x (rows, features + classes) → y (rows, features + labels): features as they are, then by `labels`
// 0: nothing; 1 (two classes): tanh(l₁ − l₀); classes: softmax of the logits
export function soft_label(x: usize, y: usize, rows: i32, features: i32, classes: i32, labels: i32): void {
  const xRow = <usize>(features + classes) << 2;
  const yRow = <usize>(features + labels) << 2;
  for (let i = 0, p = x, q = y; i < rows; i++, p += xRow, q += yRow) copy(p, q, features);
  if (labels == 0) return;
  const at = <usize>features << 2;
  // four rows at a time; beyond the end the last row is done again
  for (let i = 0; i < rows; i += 4) {
    const r1 = min(i + 1, rows - 1), r2 = min(i + 2, rows - 1), r3 = min(i + 3, rows - 1);
    const x0 = x + <usize>i * xRow + at, x1 = x + <usize>r1 * xRow + at;
    const x2 = x + <usize>r2 * xRow + at, x3 = x + <usize>r3 * xRow + at;
    const y0 = y + <usize>i * yRow + at, y1 = y + <usize>r1 * yRow + at;
    const y2 = y + <usize>r2 * yRow + at, y3 = y + <usize>r3 * yRow + at;
    if (labels == 1 && classes == 2) {
      const d = f32x4.sub(gather4(x0 + 4, x1 + 4, x2 + 4, x3 + 4), gather4(x0, x1, x2, x3));
      scatter4(y0, y1, y2, y3, tanh(d));
      continue;
    }
    const end = <usize>classes << 2;
    let top = gather4(x0, x1, x2, x3);
    for (let c: usize = 4; c < end; c += 4) top = f32x4.pmax(top, gather4(x0 + c, x1 + c, x2 + c, x3 + c));
    let total = f32x4.splat(0);
    for (let c: usize = 0; c < end; c += 4) {
      const e = exp(f32x4.sub(gather4(x0 + c, x1 + c, x2 + c, x3 + c), top));
      total = f32x4.add(total, e);
      scatter4(y0 + c, y1 + c, y2 + c, y3 + c, e);
    }
    const share = f32x4.div(f32x4.splat(1), total);
    for (let c: usize = 0; c < end; c += 4) {
      // a row that is done twice gets the same number twice: all lanes are read before any is written
      const e = gather4(y0 + c, y1 + c, y2 + c, y3 + c);
      scatter4(y0 + c, y1 + c, y2 + c, y3 + c, f32x4.mul(e, share));
    }
  }
}

// @ts-ignore: decorator
@inline
function gather4(p0: usize, p1: usize, p2: usize, p3: usize): v128 {
  const v = v128.load32_lane(p2, v128.load32_lane(p1, v128.load32_zero(p0), 1), 2);
  return v128.load32_lane(p3, v, 3);
}

// @ts-ignore: decorator
@inline
function scatter4(p0: usize, p1: usize, p2: usize, p3: usize, v: v128): void {
  v128.store32_lane(p0, v, 0);
  v128.store32_lane(p1, v, 1);
  v128.store32_lane(p2, v, 2);
  v128.store32_lane(p3, v, 3);
}

/** to[0 … length) = from[0 … length); memory.copy only where its call pays. */
function copy(from: usize, to: usize, length: i32): void {
  if (length >= 64) {
    memory.copy(to, from, <usize>length << 2);
    return;
  }
  for (; length >= 4; length -= 4, from += 16, to += 16) v128.store(to, v128.load(from));
  if (length > 0) storePart(to, loadPart(from, length), length);
}

// dx (rows, features + classes) from y and dy (rows, features + labels): features pass;
// tanh: dl₁ = −dl₀ = dy · (1 − y²); softmax: dl_c = y_c · (dy_c − Σ y ⊙ dy)
export function soft_label_grad(
  y: usize, dy: usize, dx: usize, rows: i32, features: i32, classes: i32, labels: i32,
): void {
  const xRow = <usize>(features + classes) << 2;
  const yRow = <usize>(features + labels) << 2;
  const at = <usize>features << 2;
  for (let i = 0; i < rows; i++, y += yRow, dy += yRow, dx += xRow) {
    copy(dy, dx, features);
    const p = y + at, dp = dy + at, dl = dx + at;
    if (labels == 0) {
      for (let c: usize = 0; c < <usize>classes; c++) f32.store(dl + (c << 2), 0);
    } else if (labels == 1 && classes == 2) {
      const t = f32.load(p);
      const d = f32.load(dp) * (1 - t * t);
      f32.store(dl, -d);
      f32.store(dl, d, 4);
    } else {
      let dot: f32 = 0;
      for (let c: usize = 0; c < <usize>classes << 2; c += 4) dot += f32.load(p + c) * f32.load(dp + c);
      for (let c: usize = 0; c < <usize>classes << 2; c += 4) {
        f32.store(dl + c, f32.load(p + c) * (f32.load(dp + c) - dot));
      }
    }
  }
}

// y ← y + scale · x
export function add(x: usize, y: usize, length: i32, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (; length > 0; length -= 4, x += 16, y += 16) {
    store(y, f32x4.add(load(y, length), f32x4.mul(factor, load(x, length))), length);
  }
}

// y (count, length) ← rows index[0 … count) of x, which holds the rows [first, first + slots) of something larger;
// rows of other numbers leave y as it is. Indices are whole numbers stored as f32
export function gather(
  x: usize, index: usize, y: usize, slots: i32, count: i32, length: i32, first: i32,
): void {
  const row = <usize>length << 2;
  for (let i = 0; i < count; i++, y += row) {
    const slot = <i32>f32.load(index + (<usize>i << 2)) - first;
    if (<u32>slot < <u32>slots) copy(x + <usize>slot * row, y, length);
  }
}

// rows index[0 … count) of y, which holds the rows [first, first + slots) of something larger, ← x (count, length);
// what lies outside is left out. Indices are distinct
export function scatter(
  x: usize, index: usize, y: usize, slots: i32, count: i32, length: i32, first: i32,
): void {
  const row = <usize>length << 2;
  for (let i = 0; i < count; i++, x += row) {
    const slot = <i32>f32.load(index + (<usize>i << 2)) - first;
    if (<u32>slot < <u32>slots) copy(x, y + <usize>slot * row, length);
  }
}
