// Panels: a matrix (k, n) stored sixteen columns at a time, [⌈n / 16⌉][k][16], so that a product reads it in order.
import { scratch } from "./memory";
import { load } from "./simd";

export const PANEL: i32 = 16;
/** The bytes of one row of a panel. */
export const PANEL_BYTES: usize = 64;

// @ts-ignore: decorator
@inline
export function panelsOf(n: i32): i32 {
  return (n + PANEL - 1) / PANEL;
}

/** Scratch for a (k, n) matrix in panels. */
// @ts-ignore: decorator
@inline
export function panelScratch(k: i32, n: i32): usize {
  return scratch(<usize>panelsOf(n) * k * PANEL_BYTES);
}

// out [⌈n / 16⌉][k][16] = b (k, n), columns beyond n are 0
export function pack(b: usize, k: i32, n: i32, out: usize): void {
  for (let p = 0; p < n; p += PANEL, out += <usize>k * PANEL_BYTES) {
    packPanel(b + (<usize>p << 2), <usize>n << 2, k, min(PANEL, n - p), out);
  }
}

// out [k][16] = the first `cols` columns of b (k, …), whose rows are `row` bytes apart; the others are 0
export function packPanel(b: usize, row: usize, k: i32, cols: i32, out: usize): void {
  for (let i = 0; i < k; i++, b += row, out += PANEL_BYTES) {
    if (cols == PANEL) {
      v128.store(out, v128.load(b));
      v128.store(out, v128.load(b, 16), 16);
      v128.store(out, v128.load(b, 32), 32);
      v128.store(out, v128.load(b, 48), 48);
    } else {
      for (let j = 0; j < PANEL; j += 4) {
        const left = cols - j, at = <usize>j << 2;
        v128.store(out + at, left > 0 ? load(b + at, left) : f32x4.splat(0));
      }
    }
  }
}

// out [⌈n / 16⌉][k][16] = bᵀ with b (n, k), columns beyond n are 0
export function packTransposed(b: usize, k: i32, n: i32, out: usize): void {
  const row = <usize>k << 2;
  for (let p = 0; p < n; p += PANEL, out += <usize>k * PANEL_BYTES) {
    if (n - p < PANEL) memory.fill(out, 0, <usize>k * PANEL_BYTES);
    transpose(b + <usize>p * row, row, min(PANEL, n - p), k, out, PANEL_BYTES);
  }
}

// out (k, n) = bᵀ with b (n, k); their rows are `row` and `outRow` bytes apart
export function transpose(b: usize, row: usize, n: i32, k: i32, out: usize, outRow: usize): void {
  const row2 = row << 1, row3 = row + row2;
  for (; n >= 4; n -= 4, b += row << 2, out += 16) {
    let i = 0, from = b, to = out;
    for (; i + 4 <= k; i += 4, from += 16) {
      const r0 = v128.load(from), r1 = v128.load(from + row), r2 = v128.load(from + row2), r3 = v128.load(from + row3);
      const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5), high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
      const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5), high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
      v128.store(to, i32x4.shuffle(low01, low23, 0, 1, 4, 5));
      to += outRow;
      v128.store(to, i32x4.shuffle(low01, low23, 2, 3, 6, 7));
      to += outRow;
      v128.store(to, i32x4.shuffle(high01, high23, 0, 1, 4, 5));
      to += outRow;
      v128.store(to, i32x4.shuffle(high01, high23, 2, 3, 6, 7));
      to += outRow;
    }
    for (; i < k; i++, from += 4, to += outRow) {
      for (let j: usize = 0; j < 4; j++) f32.store(to + (j << 2), f32.load(from + j * row));
    }
  }
  for (; n > 0; n--, b += row, out += 4) {
    for (let i = 0, to = out; i < k; i++, to += outRow) f32.store(to, f32.load(b + (<usize>i << 2)));
  }
}
