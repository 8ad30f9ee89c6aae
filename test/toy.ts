/** Small tables to train on in tests. */
import type { Matrix } from "../sdk/matrix.ts";
import { Random } from "../sdk/random.ts";
import type { Settings } from "../sdk/settings.ts";
import { gaussian, matrixOf } from "./data.ts";

export interface Toy {
  x: Matrix;
  y: Int32Array;
  classes: number;
}

/** Small networks, and a memory that overflows within a few epochs. */
export const SMALL: Partial<Settings> = {
  epochs: 6,
  batchSize: 4,
  samples: "10",
  noise: 6,
  criticWidth: 8,
  criticSteps: 3,
  criticBatch: 6,
  replay: 10,
  discriminatorWidths: "8,6",
  discriminatorBatch: 64,
  rescore: 6,
  rescoreDraws: 2,
  vote: 4,
};

/** Class 0 around the origin; the others, a fifth of the rows in all, 2 away from it along an axis each. */
export function toy(classes: number, rows = 160): Toy {
  const random = new Random(7);
  const y = Int32Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? 1 + ((i / 5) % (classes - 1)) : 0));
  const x = matrixOf(rows, 2, (i, j) => gaussian(random) + (y[i] > 0 && j === y[i] % 2 ? 2 : 0));
  return { x, y, classes };
}

/** A user's own classifier: the nearer a class's mean, the more probable. It keeps what it was fitted on. */
export class Centroids {
  readonly fits: { X: number[][]; y: number[] }[] = [];
  readonly #classes: number;
  #centres: number[][] = [];

  constructor(classes: number) {
    this.#classes = classes;
  }

  fit(X: number[][], y: number[]): void {
    this.fits.push({ X, y });
    this.#centres = Array.from({ length: this.#classes }, (_, c) => {
      const rows = X.filter((_, i) => y[i] === c);
      return X[0].map((_, j) => rows.reduce((sum, row) => sum + row[j], 0) / rows.length);
    });
  }

  predictProba(X: number[][]): number[][] {
    return X.map((row) => {
      const near = this.#centres.map(
        (centre) => 1 / (1e-9 + centre.reduce((d, v, j) => d + (v - row[j]) ** 2, 0)),
      );
      const total = near.reduce((a, b) => a + b);
      return near.map((value) => value / total);
    });
  }
}
