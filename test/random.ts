import type { Matrix } from "../sdk/matrix.ts";

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Roughly normal: the sum of twelve uniforms less six. */
export function gaussian(random: () => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}

/** A matrix from its entries. */
export function matrixOf(rows: number, cols: number, entry: (row: number, col: number) => number): Matrix {
  const data = Float32Array.from({ length: rows * cols }, (_, i) => entry(Math.floor(i / cols), i % cols));
  return { data, rows, cols };
}
