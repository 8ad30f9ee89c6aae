import type { Matrix } from "../sdk/matrix.ts";
import type { Random } from "../sdk/random.ts";

/** Roughly normal: the sum of twelve uniforms less six. */
export function gaussian(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.uniform();
  return sum;
}

/** A matrix from its entries. */
export function matrixOf(rows: number, cols: number, entry: (row: number, col: number) => number): Matrix {
  const data = Float32Array.from({ length: rows * cols }, (_, i) => entry(Math.floor(i / cols), i % cols));
  return { data, rows, cols };
}
