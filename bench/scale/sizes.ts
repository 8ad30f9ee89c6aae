/** The sizes that are measured, one dimension at a time. */
export interface Size {
  rows: number;
  columns: number;
  /** Rows of a generated set. */
  samples: number;
}

export interface Measured {
  /** An epoch's, the median of several. */
  seconds: number;
  /** The process's peak. */
  megabytes: number;
}

export interface Series {
  name: keyof Size;
  title: string;
  values: readonly number[];
  /** The exponent that an epoch's seconds may grow with at most, fitted from this value on. */
  most: number;
  from: number;
}

/** What the dimensions are while another one grows. */
export const USUAL: Size = { rows: 2000, columns: 8, samples: 64 };

/** An exponent of 1 is linear; what noise may add to it. */
export const NOISE = 0.1;

export const SERIES: readonly Series[] = [
  // Above scoreRows, 10,000 of the training rows.
  { name: "rows", title: "rows", values: [1e3, 1e4, 1e5, 1e6], most: 0, from: 1e4 },
  { name: "columns", title: "columns", values: [8, 32, 128, 768], most: 1, from: 8 },
  { name: "samples", title: "rows of a set (S)", values: [64, 256, 1024, 4096, 8192], most: 1, from: 64 },
];

/** The exponent of y in x: the slope of a line through the logarithms. */
export function exponent(points: readonly { x: number; y: number }[]): number {
  const [u, v] = [points.map(({ x }) => Math.log(x)), points.map(({ y }) => Math.log(y))];
  const mean = (list: number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [mu, mv] = [mean(u), mean(v)];
  const sum = (f: (i: number) => number) => u.reduce((total, _, i) => total + f(i), 0);
  return sum((i) => (u[i] - mu) * (v[i] - mv)) / sum((i) => (u[i] - mu) ** 2);
}
