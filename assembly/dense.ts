// Matrix products. All of them are one blocked product of a strided matrix with one in panels (or, for few rows, as it
// lies): 2 × 16 outputs at a time stay in registers, each element of a is read where it lies and spread over the lanes.
import { mark, reset, scratch } from "./memory";
import { PANEL, PANEL_BYTES, pack, packPanel, packTransposed, panelScratch, transpose } from "./panels";
import { NONE, RELU, activate, load, loadPart, store, storePart, sumLanes } from "./simd";

/** Rows of a tile: of a wide one, and of a high one for a panel of which at most half is used. */
const WIDE: i32 = 2;
const HIGH: i32 = 4;
const HALF: i32 = PANEL / 2;
/** A product goes through so many steps for all its outputs before the next … */
const K_BLOCK: i32 = 1024;
/** … and a panel through so many rows before the next panel: at most these, and at most so many floats of a. */
const M_BLOCK: i32 = 512;
const A_BLOCK: i32 = 16384;
/** The same where a lies in columns and each step is another page of memory, of which few are known at a time. */
const COLUMN_K: i32 = 32;
const COLUMN_M: i32 = 1280;
const PAGE: usize = 4096;
/** Steps at a time where steps are less far apart or b is not packed: what the first-level cache holds of a, b. */
const PLAIN_K: i32 = 64;
/** So much of each row is looked at before it is needed, where rows are pages apart: memory is then on its way. */
const AHEAD: i32 = 32;
/** For up to so many rows, packing what they are multiplied with takes longer than it saves. */
const UNPACKED: i32 = 16;
/** The bits of −∞. */
const MINUS_INFINITY: i32 = 0xff800000;

/** c + a · b, rounded once or twice, as the machine likes, in the module that may. */
// @ts-ignore: decorator
@inline
function fused(c: v128, a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

// c = max(least, init + a (2, k) · b (k, 16)) for `times` tiles of 2 × 16 below each other. Element (r, i) of a lies at
// a + r · aRow + i · aStep; b ends at `end`, least is the bits of a number. Eight sums, a row of b and a number of a are
// what fits the fifteen registers that V8 gives: a sum that is spilled makes each step wait for a store, at half the
// speed. So nothing else may be alive within the loop (hence the bits), and few whole numbers.
function wideTiles(
  times: i32, a: usize, aRow: usize, aStep: usize, b: usize, bRow: usize, end: usize,
  init: usize, initRow: usize, c: usize, cRow: usize, least: i32,
): void {
  for (; times > 0; times--) {
    let a0 = a;
    let a1 = a0 + aRow;
    a = a1 + aRow;
    let c00 = v128.load(init), c01 = v128.load(init, 16), c02 = v128.load(init, 32), c03 = v128.load(init, 48);
    init += initRow;
    let c10 = v128.load(init), c11 = v128.load(init, 16), c12 = v128.load(init, 32), c13 = v128.load(init, 48);
    init += initRow;
    let bi = b;
    do {
      const b0 = v128.load(bi), b1 = v128.load(bi, 16), b2 = v128.load(bi, 32), b3 = v128.load(bi, 48);
      let s = v128.load32_splat(a0);
      c00 = fused(c00, s, b0);
      c01 = fused(c01, s, b1);
      c02 = fused(c02, s, b2);
      c03 = fused(c03, s, b3);
      s = v128.load32_splat(a1);
      c10 = fused(c10, s, b0);
      c11 = fused(c11, s, b1);
      c12 = fused(c12, s, b2);
      c13 = fused(c13, s, b3);
      a0 += aStep;
      a1 += aStep;
      bi += bRow;
    } while (bi != end);
    const bound = i32x4.splat(least);
    v128.store(c, f32x4.pmax(c00, bound));
    v128.store(c, f32x4.pmax(c01, bound), 16);
    v128.store(c, f32x4.pmax(c02, bound), 32);
    v128.store(c, f32x4.pmax(c03, bound), 48);
    c += cRow;
    v128.store(c, f32x4.pmax(c10, bound));
    v128.store(c, f32x4.pmax(c11, bound), 16);
    v128.store(c, f32x4.pmax(c12, bound), 32);
    v128.store(c, f32x4.pmax(c13, bound), 48);
    c += cRow;
  }
}

// The same for tiles of 4 × 8.
function highTiles(
  times: i32, a: usize, aRow: usize, aStep: usize, b: usize, bRow: usize, end: usize,
  init: usize, initRow: usize, c: usize, cRow: usize, least: i32,
): void {
  for (; times > 0; times--) {
    let a0 = a;
    let a1 = a0 + aRow;
    let a2 = a1 + aRow;
    let a3 = a2 + aRow;
    a = a3 + aRow;
    let c00 = v128.load(init), c01 = v128.load(init, 16);
    init += initRow;
    let c10 = v128.load(init), c11 = v128.load(init, 16);
    init += initRow;
    let c20 = v128.load(init), c21 = v128.load(init, 16);
    init += initRow;
    let c30 = v128.load(init), c31 = v128.load(init, 16);
    init += initRow;
    let bi = b;
    do {
      const b0 = v128.load(bi), b1 = v128.load(bi, 16);
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
      a0 += aStep;
      a1 += aStep;
      a2 += aStep;
      a3 += aStep;
      bi += bRow;
    } while (bi != end);
    const bound = i32x4.splat(least);
    v128.store(c, f32x4.pmax(c00, bound));
    v128.store(c, f32x4.pmax(c01, bound), 16);
    c += cRow;
    v128.store(c, f32x4.pmax(c10, bound));
    v128.store(c, f32x4.pmax(c11, bound), 16);
    c += cRow;
    v128.store(c, f32x4.pmax(c20, bound));
    v128.store(c, f32x4.pmax(c21, bound), 16);
    c += cRow;
    v128.store(c, f32x4.pmax(c30, bound));
    v128.store(c, f32x4.pmax(c31, bound), 16);
    c += cRow;
  }
}

// @ts-ignore: decorator
@inline
function tiles(
  wide: bool, rows: i32, a: usize, aRow: usize, aStep: usize, b: usize, bRow: usize, end: usize,
  init: usize, initRow: usize, c: usize, cRow: usize, least: i32,
): void {
  if (wide) wideTiles(rows / WIDE, a, aRow, aStep, b, bRow, end, init, initRow, c, cRow, least);
  else highTiles(rows / HIGH, a, aRow, aStep, b, bRow, end, init, initRow, c, cRow, least);
}

// to[r, j] = from[r, j] for r < rows, j < cols
function copyPart(to: usize, toRow: usize, from: usize, fromRow: usize, rows: i32, cols: i32): void {
  for (let r = 0; r < rows; r++, to += toRow, from += fromRow) {
    for (let j = 0; j < cols; j += 4) store(to + (<usize>j << 2), load(from + (<usize>j << 2), cols - j), cols - j);
  }
}

// c (m, n) = f(init + a (m, k) · b (k, n)), b in panels, or as it is with rows of bRow bytes. init has the strides
// initRow and initPanel (bytes from one panel to the next); it may be c itself, to add to what is there.
function multiply(
  m: i32, n: i32, k: i32, a: usize, aRow: usize, aStep: usize, b: usize, bRow: usize,
  init: usize, initRow: usize, initPanel: usize, c: usize, activation: u32,
): void {
  const cRow = <usize>n << 2;
  const bPanel = bRow == PANEL_BYTES ? <usize>k * PANEL_BYTES : PANEL_BYTES;
  const kBlock = aStep >= PAGE ? COLUMN_K : aStep == 4 ? (bRow == PANEL_BYTES ? K_BLOCK : PLAIN_K) : PLAIN_K;
  const mBlock = aStep == 4 ? min(A_BLOCK / min(k, kBlock) & -HIGH, M_BLOCK) : COLUMN_M;
  const start = mark();
  const edge = scratch(<usize>min(m, mBlock) * PANEL_BYTES);
  const slice = scratch(<usize>kBlock * PANEL_BYTES);
  for (let m0 = 0; m0 < m; m0 += mBlock) {
    const rows = min(mBlock, m - m0);
    for (let k0 = 0; k0 < k; k0 += kBlock) {
      const kc = min(kBlock, k - k0);
      const least = activation == RELU && k0 + kc == k ? 0 : MINUS_INFINITY;
      const at = a + <usize>m0 * aRow + <usize>k0 * aStep;
      if (aRow >= PAGE && kc >= AHEAD) {
        for (let r = 0, i = at; r < rows; r++, i += aRow) f32.store(slice, f32.load(i) + f32.load(i, 64));
      }
      for (let p = 0; p * PANEL < n; p++) {
        const cols = min(PANEL, n - p * PANEL);
        const wide = cols > HALF;
        const whole = cols == (wide ? PANEL : HALF);
        let panel = b + <usize>p * bPanel + <usize>k0 * bRow, step = bRow;
        if (step != PANEL_BYTES && (!whole || rows > UNPACKED)) {
          packPanel(panel, step, kc, cols, slice);
          panel = slice;
          step = PANEL_BYTES;
        }
        const end = panel + <usize>kc * step;
        const cp = c + <usize>m0 * cRow + <usize>p * PANEL_BYTES;
        // A panel that is not whole is summed up apart.
        const to = whole ? cp : edge, toRow = whole ? cRow : PANEL_BYTES;
        let from = to, fromRow = toRow;
        if (k0 == 0) {
          from = init + <usize>m0 * initRow + <usize>p * initPanel;
          fromRow = initRow;
          if (!whole && from == cp) {
            copyPart(edge, PANEL_BYTES, cp, cRow, rows, cols);
            from = edge;
            fromRow = PANEL_BYTES;
          }
        }
        let r = rows & (wide ? -WIDE : -HIGH);
        tiles(wide, r, at, aRow, aStep, panel, step, end, from, fromRow, to, toRow, least);
        // Rows that are left over fill a tile each, all its rows in one place.
        for (; r < rows; r++) {
          const ar = at + <usize>r * aRow, fr = from + <usize>r * fromRow, tr = to + <usize>r * toRow;
          tiles(wide, wide ? WIDE : HIGH, ar, 0, aStep, panel, step, end, fr, 0, tr, 0, least);
        }
        if (!whole && k0 + kc == k) copyPart(cp, cRow, edge, PANEL_BYTES, rows, cols);
      }
    }
  }
  if (activation > RELU) activate(c, m * n, activation);
  reset(start);
}

/** Scratch with each number of `bias` in all columns of a panel. */
function biasRows(bias: usize, rows: i32): usize {
  const init = scratch(<usize>rows * PANEL_BYTES);
  for (let s = 0; s < rows; s++) {
    const value = v128.load32_splat(bias + (<usize>s << 2));
    for (let j: usize = 0; j < PANEL_BYTES; j += 16) v128.store(init + <usize>s * PANEL_BYTES + j, value);
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
  if (cols == 1 && activation != RELU) {
    for (let i = 0; i < rows; i++) {
      f32.store(y + (<usize>i << 2), dot(x + ((<usize>i * inner) << 2), w, inner) + f32.load(b));
    }
    activate(y, rows, activation);
    return;
  }
  const start = mark();
  const row = <usize>inner << 2, out = <usize>cols << 2;
  const bias = panelScratch(1, cols);
  pack(b, 1, cols, bias);
  if (rows <= UNPACKED) {
    multiply(rows, cols, inner, x, row, 4, w, out, bias, 0, PANEL_BYTES, y, activation);
    reset(start);
    return;
  }
  const block = min(inner, K_BLOCK);
  const panels = panelScratch(block, cols);
  // Weights are packed a block at a time, which stays in the second-level cache while all rows pass it.
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
  const zero = zeros(PANEL_BYTES);
  if (rows > HALF && rows <= PANEL && inner > cols) {
    // For a panel of rows w stays where it lies: dxᵀ = w · dyᵀ, some rows at a time, is turned round.
    const panel = panelScratch(cols, rows), block = panelScratch(M_BLOCK, PANEL), row = <usize>cols << 2;
    packTransposed(dy, cols, rows, panel);
    for (let i = 0; i < inner; i += M_BLOCK) {
      const some = min(M_BLOCK, inner - i);
      multiply(some, PANEL, cols, w + <usize>i * row, row, 4, panel, PANEL_BYTES, zero, 0, 0, block, NONE);
      transpose(block, PANEL_BYTES, some, rows, dx + (<usize>i << 2), <usize>inner << 2);
    }
    reset(start);
    return;
  }
  const panels = panelScratch(cols, inner);
  packTransposed(w, cols, inner, panels);
  multiply(rows, inner, cols, dy, <usize>cols << 2, 4, panels, PANEL_BYTES, zero, 0, 0, dx, NONE);
  reset(start);
}

// y = factor · x
function scale(x: usize, factor: f32, y: usize, length: i32): void {
  const spread = f32x4.splat(factor);
  for (; length >= 4; length -= 4, x += 16, y += 16) v128.store(y, f32x4.mul(v128.load(x), spread));
  if (length > 0) storePart(y, f32x4.mul(loadPart(x, length), spread), length);
}

// dw (inner, cols) = xᵀ (inner, rows) · dy (rows, cols); a single column is (dyᵀ · x)ᵀ
export function dense_dw(x: usize, dy: usize, dw: usize, rows: i32, inner: i32, cols: i32): void {
  if (cols > 1) {
    dense_dw_part(x, dy, dw, rows, inner, cols, 0, inner);
    return;
  }
  const start = mark();
  multiply(1, inner, rows, dy, 0, 4, x, <usize>inner << 2, zeros(PANEL_BYTES), 0, 0, dw, NONE);
  reset(start);
}

// The rows from … to of dw, which is there as a whole: what one of several threads does of dense_dw, for 2 columns on.
export function dense_dw_part(
  x: usize, dy: usize, dw: usize, rows: i32, inner: i32, cols: i32, from: i32, to: i32,
): void {
  const start = mark();
  const at = x + (<usize>from << 2), out = dw + ((<usize>from * cols) << 2);
  multiply(to - from, cols, rows, at, 4, <usize>inner << 2, dy, <usize>cols << 2, zeros(PANEL_BYTES), 0, 0, out, NONE);
  reset(start);
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
  const out = <usize>rank << 2;
  memory.fill(dkernel, 0, (<usize>rows * rank) << 2);
  memory.fill(dbias, 0, <usize>rows << 2);
  for (let b = 0; b < sets; b++) {
    const dyb = dy + ((<usize>b * rows * width) << 2);
    const hb = h + (<usize>b * width * out);
    multiply(rows, rank, width, dyb, <usize>width << 2, 4, hb, out, dkernel, out, PANEL_BYTES, dkernel, NONE);
    for (let s = 0; s < rows; s++) {
      const at = dbias + (<usize>s << 2);
      f32.store(at, f32.load(at) + sum(dyb + ((<usize>s * width) << 2), width));
    }
  }
}

// Σ x
function sum(x: usize, length: i32): f32 {
  let s = f32x4.splat(0);
  for (; length >= 4; length -= 4, x += 16) s = f32x4.add(s, v128.load(x));
  if (length > 0) s = f32x4.add(s, loadPart(x, length));
  return sumLanes(s);
}
