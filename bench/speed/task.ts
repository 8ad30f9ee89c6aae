/** What the benchmark asks of a side: the same work as every other, set up once, then step after step. */

/** Numbers by name on which all sides must agree before their times are compared. */
export type Outputs = Record<string, number[]>;

/** A work, set up by one side. */
export interface Task {
  readonly outputs: Outputs;
  /** Does the work once, results read back. What it returns is noted beside its time. */
  step(): unknown;
}

/** How a library does the works that it can do, by the works' names. */
export type Library = Record<string, () => Promise<Task>>;

/** Outputs larger than this are compared at as many places. */
const SAMPLED = 1000;

/** Every n-th of the values, n odd, so that the places do not all lie in one column. */
export function sample(values: ArrayLike<number>): number[] {
  const stride = Math.ceil(values.length / SAMPLED) | 1;
  return Array.from({ length: Math.ceil(values.length / stride) }, (_, i) => values[i * stride]);
}
