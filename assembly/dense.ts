// Matrix products. All of them are one blocked product of a strided matrix with a matrix packed in panels:
// 5 × 8 outputs at a time stay in registers, each element of a is read where it lies and spread over the lanes.
import { mark, reset, scratch } from "./memory";
import { PANEL, PANEL_BYTES, pack, packTransposed, panelScratch, panelsOf } from "./panels";
import { NONE, activate, load, loadPart, store, storePart, sumLanes } from "./simd";

const TILE_ROWS: i32 = 5;
/** A block of panels stays in the second-level cache: at most this many floats. */
const BLOCK: i32 = 65536;
/** Steps of a product that are gone through for all its outputs before the next. */
const K_BLOCK: i32 = 1024;
/** The same where a lies in columns, and so many rows of the product, in whole tiles. */
const COLUMN_K: i32 = 256;
const COLUMN_M: i32 = 320;
/** Up to so many rows, x and w change their roles where sums are long: w is read where it lies. */
const FEW: i32 = 2 * PANEL;

/** c + a · b, rounded once or twice, as the machine likes, in the module that may. */
// @ts-ignore: decorator
@inline
function fused(c: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

// c (5, 8) = init (5, 8) + a (5, k) · b (k, 8). Element (r, i) of a lies at a + r · aRow + i · aStep; rows from m on
// repeat the last one, so that nothing outside a is read (what they give is thrown away). Anything more than this in
// the function, even after the loop, makes V8 spill the sums, at half the speed.
function tile(
  k: i32, m: i32, a: usize, aRow: usize, aStep: usize, b: usize, bRow: usize,
  init: usize, initRow: usize, c: usize, cRow: usize,
): void {
  let a0 = a;
  let a1 = a0 + (m > 1 ? aRow : 0);
  let a2 = a1 + (m > 2 ? aRow : 0);
  let a3 = a2 + (m > 3 ? aRow : 0);
  let a4 = a3 + (m > 4 ? aRow : 0);
  let c00 = v128.load(init), c01 = v128.load(init, 16);
  init += initRow;
  let c10 = v128.load(init), c11 = v128.load(init, 16);
  init += initRow;
  let c20 = v128.load(init), c21 = v128.load(init, 16);
  init += initRow;
  let c30 = v128.load(init), c31 = v128.load(init, 16);
  init += initRow;
  let c40 = v128.load(init), c41 = v128.load(init, 16);
  for (; k > 0; k--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let s = v128.load32_splat(a0);
    c00 = fused(c00, s, b0);
    c01 = fused(c01, s, b1);
    s = v128.load32_splat(a1);
    c10 = fused(c10, s, b0);
    c11 = fused(c11, s, b1);
    s = v128.load32_splat(a2);
    c20 = fused(c20, s, b0);
    c21 = fused(c21, s, b1);
    s = v128.load32_splat(a3);
    c30 = fused(c30, s, b0);
    c31 = fused(c31, s, b1);
    s = v128.load32_splat(a4);
    c40 = fused(c40, s, b0);
    c41 = fused(c41, s, b1);
    a0 += aStep;
    a1 += aStep;
    a2 += aStep;
    a3 += aStep;
    a4 += aStep;
    b += bRow;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cRow;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cRow;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cRow;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  c += cRow;
  v128.store(c, c40);
  v128.store(c, c41, 16);
}

// The same for a panel of which only the first four columns are used.
function halfTile(
  k: i32, m: i32, a: usize, aRow: usize, aStep: usize, b: usize, init: usize, initRow: usize, c: usize, cRow: usize,
): void {
  let a0 = a;
  let a1 = a0 + (m > 1 ? aRow : 0);
  let a2 = a1 + (m > 2 ? aRow : 0);
  let a3 = a2 + (m > 3 ? aRow : 0);
  let a4 = a3 + (m > 4 ? aRow : 0);
  let c0 = v128.load(init);
  let c1 = v128.load(init + initRow);
  let c2 = v128.load(init + 2 * initRow);
  let c3 = v128.load(init + 3 * initRow);
  let c4 = v128.load(init + 4 * initRow);
  for (; k > 0; k--) {
    const b0 = v128.load(b);
    c0 = fused(c0, v128.load32_splat(a0), b0);
    c1 = fused(c1, v128.load32_splat(a1), b0);
    c2 = fused(c2, v128.load32_splat(a2), b0);
    c3 = fused(c3, v128.load32_splat(a3), b0);
    c4 = fused(c4, v128.load32_splat(a4), b0);
    a0 += aStep;
    a1 += aStep;
    a2 += aStep;
    a3 += aStep;
    a4 += aStep;
    b += PANEL_BYTES;
  }
  v128.store(c, c0);
  v128.store(c + cRow, c1);
  v128.store(c + 2 * cRow, c2);
  v128.store(c + 3 * cRow, c3);
  v128.store(c + 4 * cRow, c4);
}

// to[r, j] = from[r, j] for r < rows, j < cols, element by element
function copyTile(to: usize, toRow: usize, from: usize, fromRow: usize, rows: i32, cols: i32): void {
  for (let r = 0; r < rows; r++, to += toRow, from += fromRow) {
    for (let j: usize = 0; j < <usize>cols << 2; j += 4) f32.store(to + j, f32.load(from + j));
  }
}

// c (m, n) = f(init + a (m, k) · b (k, n)), b in panels. init has the strides initRow and initPanel (bytes from one
// panel of eight columns to the next); it may be c itself, to add to what is there. b may also lie as it is, its rows
// bRow bytes long, where n is a multiple of eight.
function multiply(
  m: i32, n: i32, k: i32, a: usize, aRow: usize, aStep: usize, b: usize, bRow: usize,
  init: usize, initRow: usize, initPanel: usize, c: usize, activation: u32,
): void {
  const cRow = <usize>n << 2;
  const bPanel = bRow == PANEL_BYTES ? <usize>k * PANEL_BYTES : PANEL_BYTES;
  const kBlock = aStep == 4 ? K_BLOCK : COLUMN_K;
  const mBlock = aStep == 4 ? i32.MAX_VALUE : COLUMN_M;
  const panels = panelsOf(n);
  const start = mark();
  const edge = scratch(<usize>TILE_ROWS * PANEL_BYTES);
  for (let m0 = 0; m0 < m; m0 += mBlock) {
    const m1 = min(m0 + mBlock, m);
    for (let k0 = 0; k0 < k; k0 += kBlock) {
      const kc = min(kBlock, k - k0);
      const last = k0 + kc == k;
      const pBlock = max(BLOCK / (kc * PANEL), 1);
      for (let p0 = 0; p0 < panels; p0 += pBlock) {
        const p1 = min(p0 + pBlock, panels);
        for (let i = m0; i < m1; i += TILE_ROWS) {
          const rows = min(TILE_ROWS, m1 - i);
          const at = a + <usize>i * aRow + <usize>k0 * aStep;
          const ci = c + <usize>i * cRow;
          for (let p = p0; p < p1; p++) {
            const cols = min(PANEL, n - p * PANEL);
            const panel = b + <usize>p * bPanel + <usize>k0 * bRow;
            const cp = ci + <usize>p * PANEL_BYTES;
            let from = cp, fromRow = cRow;
            if (k0 == 0) {
              from = init + <usize>i * initRow + <usize>p * initPanel;
              fromRow = initRow;
            }
            if (rows == TILE_ROWS && cols == PANEL) {
              tile(kc, rows, at, aRow, aStep, panel, bRow, from, fromRow, cp, cRow);
            } else {
              if (from == cp) {
                copyTile(edge, PANEL_BYTES, from, fromRow, rows, cols);
                from = edge;
                fromRow = PANEL_BYTES;
              }
              if (cols > 4) tile(kc, rows, at, aRow, aStep, panel, bRow, from, fromRow, edge, PANEL_BYTES);
              else halfTile(kc, rows, at, aRow, aStep, panel, from, fromRow, edge, PANEL_BYTES);
              copyTile(cp, cRow, edge, PANEL_BYTES, rows, cols);
            }
          }
          if (last && activation != NONE) {
            const cp = ci + <usize>p0 * PANEL_BYTES;
            const cols = min(p1 * PANEL, n) - p0 * PANEL;
            if (cols == n) activate(cp, rows * n, activation);
            else for (let r = 0; r < rows; r++) activate(cp + <usize>r * cRow, cols, activation);
          }
        }
      }
    }
  }
  reset(start);
}

/** Scratch with each number of `bias` eight times, for as many rows as tiles touch. */
function biasRows(bias: usize, rows: i32): usize {
  const init = zeros(<usize>(rows + TILE_ROWS) * PANEL_BYTES);
  for (let s = 0; s < rows; s++) {
    const value = v128.load32_splat(bias + (<usize>s << 2));
    v128.store(init + <usize>s * PANEL_BYTES, value);
    v128.store(init + <usize>s * PANEL_BYTES, value, 16);
  }
  return init;
}

/** Scratch of `bytes` zero bytes. */
function zeros(bytes: usize): usize {
  const address = scratch(bytes);
  memory.fill(address, 0, bytes);
  return address;
}

// y (rows, cols) = f(x (rows, inner) · w (inner, cols) + b (cols))
export function dense(x: usize, w: usize, b: usize, y: usize, rows: i32, inner: i32, cols: i32, activation: u32): void {
  if (cols == 1) {
    for (let i = 0; i < rows; i++) {
      f32.store(y + (<usize>i << 2), dot(x + ((<usize>i * inner) << 2), w, inner) + f32.load(b));
    }
    activate(y, rows, activation);
    return;
  }
  const start = mark();
  const out = <usize>cols << 2;
  if (rows <= FEW && inner >= cols) {
    const panels = panelScratch(inner, rows);
    packTransposed(x, inner, rows, panels);
    const turned = scratch(out * rows);
    multiply(cols, rows, inner, w, 4, out, panels, PANEL_BYTES, biasRows(b, cols), PANEL_BYTES, 0, turned, NONE);
    for (let j = 0; j < cols; j++) copyTile(y + (<usize>j << 2), out, turned + (<usize>(j * rows) << 2), 4, rows, 1);
    activate(y, rows * cols, activation);
    reset(start);
    return;
  }
  const block = min(inner, K_BLOCK);
  const panels = panelScratch(block, cols);
  const bias = panelScratch(1, cols);
  pack(b, 1, cols, bias);
  const row = <usize>inner << 2;
  // Weights are packed a block at a time: for few rows they would otherwise go to memory and back.
  for (let k = 0; k < inner; k += block) {
    const kc = min(block, inner - k);
    pack(w + <usize>k * out, kc, cols, panels);
    const init = k == 0 ? bias : y;
    const initRow: usize = k == 0 ? 0 : out;
    const last = k + kc == inner ? activation : NONE;
    multiply(rows, cols, kc, x + (<usize>k << 2), row, 4, panels, PANEL_BYTES, init, initRow, PANEL_BYTES, y, last);
  }
  reset(start);
}

// Σ x ⊙ w
function dot(x: usize, w: usize, length: i32): f32 {
  let s0 = f32x4.splat(0), s1 = s0;
  for (; length >= 8; length -= 8, x += 32, w += 32) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(x), v128.load(w)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(x, 16), v128.load(w, 16)));
  }
  if (length >= 4) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(x), v128.load(w)));
    length -= 4;
    x += 16;
    w += 16;
  }
  if (length > 0) s1 = f32x4.add(s1, f32x4.mul(loadPart(x, length), loadPart(w, length)));
  return sumLanes(f32x4.add(s0, s1));
}

// dx (rows, inner) = dy (rows, cols) · wᵀ (cols, inner)
export function dense_dx(dy: usize, w: usize, dx: usize, rows: i32, inner: i32, cols: i32): void {
  if (cols == 1) {
    const row = <usize>inner << 2;
    for (let i = 0; i < rows; i++, dx += row) scale(w, f32.load(dy + (<usize>i << 2)), dx, inner);
    return;
  }
  const start = mark();
  const panels = panelScratch(cols, inner);
  packTransposed(w, cols, inner, panels);
  const zero = zeros(PANEL_BYTES);
  multiply(rows, inner, cols, dy, <usize>cols << 2, 4, panels, PANEL_BYTES, zero, 0, 0, dx, NONE);
  reset(start);
}

// y = factor · x
function scale(x: usize, factor: f32, y: usize, length: i32): void {
  const spread = f32x4.splat(factor);
  for (; length >= 4; length -= 4, x += 16, y += 16) v128.store(y, f32x4.mul(v128.load(x), spread));
  if (length > 0) storePart(y, f32x4.mul(loadPart(x, length), spread), length);
}

// dw (inner, cols) = xᵀ (inner, rows) · dy (rows, cols)
export function dense_dw(x: usize, dy: usize, dw: usize, rows: i32, inner: i32, cols: i32): void {
  if (cols == 1) weighRows(x, dy, dw, rows, inner);
  else dense_dw_part(x, dy, dw, rows, inner, cols, 0, inner);
}

// The rows from … to of dw, which is there as a whole: what one of several threads does of dense_dw, for 2 columns on.
export function dense_dw_part(
  x: usize, dy: usize, dw: usize, rows: i32, inner: i32, cols: i32, from: i32, to: i32,
): void {
  const start = mark();
  const zero = zeros(PANEL_BYTES);
  let b = dy, bRow = <usize>cols << 2;
  // For the rows of two tiles, packing it would take longer than it saves.
  if (to - from > 2 * TILE_ROWS || cols % PANEL != 0) {
    b = panelScratch(rows, cols);
    bRow = PANEL_BYTES;
    pack(dy, rows, cols, b);
  }
  const at = x + (<usize>from << 2);
  const out = dw + ((<usize>from * cols) << 2);
  multiply(to - from, cols, rows, at, 4, <usize>inner << 2, b, bRow, zero, 0, 0, out, NONE);
  reset(start);
}

// y (cols) = Σ_i weight[i] · x[i, …], sixteen columns at a time: whole cache lines
function weighRows(x: usize, weight: usize, y: usize, rows: i32, cols: i32): void {
  const row = <usize>cols << 2;
  let j = 0;
  for (; j + 16 <= cols; j += 16, x += 64, y += 64) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (let i = 0, p = x; i < rows; i++, p += row) {
      const w = v128.load32_splat(weight + (<usize>i << 2));
      s0 = f32x4.add(s0, f32x4.mul(w, v128.load(p)));
      s1 = f32x4.add(s1, f32x4.mul(w, v128.load(p, 16)));
      s2 = f32x4.add(s2, f32x4.mul(w, v128.load(p, 32)));
      s3 = f32x4.add(s3, f32x4.mul(w, v128.load(p, 48)));
    }
    v128.store(y, s0);
    v128.store(y, s1, 16);
    v128.store(y, s2, 32);
    v128.store(y, s3, 48);
  }
  for (; j < cols; j += 4, x += 16, y += 16) {
    let s = f32x4.splat(0);
    for (let i = 0, p = x; i < rows; i++, p += row) {
      s = f32x4.add(s, f32x4.mul(v128.load32_splat(weight + (<usize>i << 2)), load(p, cols - j)));
    }
    store(y, s, cols - j);
  }
}

// y[b, s, j] = bias[s] + Σ_k kernel[s, k] · h[b, j, k]: per set, y (rows, width) = bias + kernel · hᵀ
export function head(
  h: usize, kernel: usize, bias: usize, y: usize, sets: i32, rows: i32, width: i32, rank: i32,
): void {
  const start = mark();
  const panels = panelScratch(rank, width);
  const init = biasRows(bias, rows);
  for (let b = 0; b < sets; b++) {
    packTransposed(h + ((<usize>b * width * rank) << 2), rank, width, panels);
    const yb = y + ((<usize>b * rows * width) << 2);
    multiply(rows, width, rank, kernel, <usize>rank << 2, 4, panels, PANEL_BYTES, init, PANEL_BYTES, 0, yb, NONE);
  }
  reset(start);
}

// dh[b, j, k] = Σ_s dy[b, s, j] · kernel[s, k]: per set, dh (width, rank) = dyᵀ · kernel
export function head_dh(dy: usize, kernel: usize, dh: usize, sets: i32, rows: i32, width: i32, rank: i32): void {
  const start = mark();
  const panels = panelScratch(rows, rank);
  pack(kernel, rows, rank, panels);
  const zero = zeros(PANEL_BYTES);
  for (let b = 0; b < sets; b++) {
    const dyb = dy + ((<usize>b * rows * width) << 2);
    const dhb = dh + ((<usize>b * width * rank) << 2);
    multiply(width, rank, rows, dyb, 4, <usize>width << 2, panels, PANEL_BYTES, zero, 0, 0, dhb, NONE);
  }
  reset(start);
}

// dkernel[s, k] = Σ_{b,j} dy[b, s, j] · h[b, j, k], dbias[s] = Σ_{b,j} dy[b, s, j]: dkernel = Σ_b dy_b · h_b
export function head_dk(
  dy: usize, h: usize, dkernel: usize, dbias: usize, sets: i32, rows: i32, width: i32, rank: i32,
): void {
  const start = mark();
  const panels = panelScratch(width, rank);
  memory.fill(dkernel, 0, (<usize>rows * rank) << 2);
  memory.fill(dbias, 0, <usize>rows << 2);
  for (let b = 0; b < sets; b++) {
    const dyb = dy + ((<usize>b * rows * width) << 2);
    pack(h + ((<usize>b * width * rank) << 2), width, rank, panels);
    const step = <usize>rank << 2;
    multiply(rows, rank, width, dyb, <usize>width << 2, 4, panels, PANEL_BYTES, dkernel, step, PANEL_BYTES, dkernel, NONE);
    for (let s = 0; s < rows; s++) {
      const at = dbias + (<usize>s << 2);
      f32.store(at, f32.load(at) + sum(dyb + ((<usize>s * width) << 2), width));
    }
  }
  reset(start);
}

// Σ x
function sum(x: usize, length: i32): f32 {
  let s = f32x4.splat(0);
  for (; length >= 4; length -= 4, x += 16) s = f32x4.add(s, v128.load(x));
  if (length > 0) s = f32x4.add(s, loadPart(x, length));
  return sumLanes(s);
}
