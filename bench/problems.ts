/** Seeded tables that the benchmarks fit classifiers to. */
import { type Matrix, matrix } from "../sdk/matrix.ts";
import { Random } from "../sdk/random.ts";

export interface Examples {
  x: Matrix;
  y: Int32Array;
}

/** Rows of uniform features; about one in seventeen is positive, by a noisy line. */
export function linear(rows: number, cols: number, seed: number): Examples {
  const random = new Random(seed);
  const x = matrix(rows, cols);
  for (let i = 0; i < x.data.length; i++) x.data[i] = 4 * random.uniform() - 2;
  const y = Int32Array.from({ length: rows }, (_, i) => {
    const line = x.data[i * cols] + x.data[i * cols + 1] + 0.5 * x.data[i * cols + 2];
    return line + 4 * (random.uniform() - 0.5) > 3 ? 1 : 0;
  });
  return { x, y };
}

/** Rows of uniform features, classed by a noisy diagonal of the first two: a tree needs many steps along it. */
export function diagonal(rows: number, cols: number): Examples {
  const random = new Random(rows);
  const x = matrix(rows, cols);
  for (let i = 0; i < x.data.length; i++) x.data[i] = random.uniform();
  const y = Int32Array.from({ length: rows }, (_, i) =>
    x.data[i * cols] + x.data[i * cols + 1] + random.uniform() - 0.5 > 1.4 ? 1 : 0,
  );
  return { x, y };
}
