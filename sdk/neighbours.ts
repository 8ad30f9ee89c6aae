/** The nearest rows of a row. */
import { ACTIVATION } from "./engine/kernels.ts";
import type { Cpu } from "./engine/module.ts";
import type { Matrix } from "./matrix.ts";
import { quantile } from "./statistics.ts";

/** Features between two looks at whether a row is too far already. */
const STRIDE = 8;
/** Rows from which a rough look at all distances pays, and the rows and distances that are looked at together at most. */
const [MANY, BLOCK, LOOK] = [2000, 128, 2 ** 24];

/** Nearest rows among given ones (a class's), categorical groups counted as same or different. */
export class Neighbours {
  readonly #rows: number;
  readonly #all: readonly number[];
  /** The continuous features alone, row by row. */
  readonly #values: Float32Array;
  readonly #width: number;
  /** Per group: a code per row, equal where the rows agree on the whole group. */
  readonly #codes: Int32Array[];
  readonly #penalty: number;
  /** What a rough look takes: the engine, the features less their means, and −½ the rows' squared lengths. */
  readonly #rough:
    | { cpu: Cpu; centred: Float32Array; transposed: Float32Array; lengths: Float32Array }
    | undefined;
  /** What rough looks found, by number of neighbours and row. */
  readonly #near = new Map<string, Uint32Array>();

  constructor(x: Matrix, groups: readonly (readonly number[])[], cpu?: Cpu) {
    const grouped = new Set(groups.flat());
    const continuous = Array.from({ length: x.cols }, (_, j) => j).filter((j) => !grouped.has(j));
    this.#rows = x.rows;
    this.#all = Array.from({ length: x.rows }, (_, row) => row);
    this.#width = continuous.length;
    this.#values = new Float32Array(x.rows * continuous.length);
    continuous.forEach((j, place) => {
      for (let i = 0; i < x.rows; i++) this.#values[i * this.#width + place] = x.data[i * x.cols + j];
    });
    this.#codes = groups.map((group) => groupCodes(x, group));
    const sds = continuous.map((j) => populationSd(x, j));
    const median = quantile(sds, 0.5);
    // Without continuous features, or with most of them constant, one group that differs counts as one unit.
    this.#penalty = median > 0 ? median * median : 1;
    if (cpu && x.rows >= MANY && groups.length === 0) this.#rough = this.#lookRoughly(cpu);
  }

  /** The squared distance of two rows; where it is `bound` at least, something from `bound` on. */
  distance(a: number, b: number, bound = Number.POSITIVE_INFINITY): number {
    const values = this.#values;
    let sum = 0;
    let p = a * this.#width;
    let q = b * this.#width;
    const end = p + this.#width;
    // It only grows: most rows are too far by a few features.
    while (p < end && sum < bound) {
      for (const stop = Math.min(end, p + STRIDE); p < stop; p++, q++) {
        const apart = values[p] - values[q];
        sum += apart * apart;
      }
    }
    for (const codes of this.#codes) if (codes[a] !== codes[b]) sum += this.#penalty;
    return sum;
  }

  /** The `k` rows nearest to `row` (all others when there are fewer), nearest first, ties by index. */
  nearest(row: number, k: number): Uint32Array {
    if (!this.#rough) return this.#nearest(row, k, this.#all);
    const key = `${k} ${row}`;
    const block = Math.max(1, Math.min(BLOCK, Math.floor(LOOK / this.#rows)));
    if (!this.#near.has(key)) this.#findBlock(row - (row % block), block, k);
    return this.#near.get(key)!;
  }

  #nearest(row: number, k: number, among: Iterable<number>): Uint32Array {
    const rows: number[] = [];
    const distances: number[] = [];
    for (const other of among) {
      if (other === row) continue;
      const bound = rows.length === k ? distances[k - 1] : Number.POSITIVE_INFINITY;
      const distance = this.distance(row, other, bound);
      if (distance >= bound) continue;
      let at = rows.length;
      while (at > 0 && distances[at - 1] > distance) at--;
      rows.splice(at, 0, other);
      distances.splice(at, 0, distance);
      if (rows.length > k) {
        rows.pop();
        distances.pop();
      }
    }
    return Uint32Array.from(rows);
  }

  /** Of `rows`, the first that has the group's commonest value among them. */
  commonest(rows: Uint32Array, group: number): number {
    const codes = this.#codes[group];
    let best = rows[0];
    let most = 0;
    for (const row of rows) {
      const count = rows.reduce((sum, other) => sum + (codes[other] === codes[row] ? 1 : 0), 0);
      if (count > most) {
        most = count;
        best = row;
      }
    }
    return best;
  }

  #lookRoughly(cpu: Cpu) {
    const [n, d] = [this.#rows, this.#width];
    const means = new Float64Array(d);
    for (let i = 0; i < n * d; i++) means[i % d] += this.#values[i] / n;
    const centred = this.#values.map((value, i) => value - means[i % d]);
    const transposed = Float32Array.from(
      { length: n * d },
      (_, i) => centred[(i % n) * d + Math.floor(i / n)],
    );
    const lengths = new Float32Array(n);
    for (let i = 0; i < n * d; i++) lengths[Math.floor(i / d)] -= centred[i] ** 2 / 2;
    return lengths.every(Number.isFinite) ? { cpu, centred, transposed, lengths } : undefined;
  }

  /** Finds the nearest rows of a block's: those that may be by a product of matrices, of these by their distances. */
  #findBlock(from: number, block: number, k: number): void {
    const { cpu, centred, transposed, lengths } = this.#rough!;
    const [n, d] = [this.#rows, this.#width];
    const rows = Math.min(block, n - from);
    // a · b − ½ |b|² is greater for what is nearer to a; rounding moves it by less than the margin.
    const longest = Math.sqrt(-2 * lengths.reduce((a, b) => Math.min(a, b), 0));
    const margin = (d + 8) * 2 ** -22 * longest ** 2;
    const start = cpu.mark();
    try {
      const put = (values: Float32Array) => {
        const address = cpu.alloc(4 * values.length);
        cpu.f32(address, values.length).set(values);
        return address;
      };
      const [a, b, c] = [put(centred.subarray(from * d, (from + rows) * d)), put(transposed), put(lengths)];
      const out = cpu.alloc(4 * rows * n);
      cpu.exports.dense(a, b, c, out, rows, d, n, ACTIVATION.none);
      for (let i = 0; i < rows; i++) {
        const near = cpu.f32(out + 4 * i * n, n);
        const least = largest(near, k + 1) - margin; // the row itself may be one of them
        const among: number[] = [];
        for (let other = 0; other < n; other++) if (near[other] >= least) among.push(other);
        this.#near.set(`${k} ${from + i}`, this.#nearest(from + i, k, among));
      }
    } finally {
      cpu.reset(start);
    }
  }
}

/** The k-th largest of the values. */
function largest(values: Float32Array, k: number): number {
  const top: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value <= least) continue;
    let at = top.length;
    while (at > 0 && top[at - 1] < value) at--;
    top.splice(at, 0, value);
    if (top.length > k) top.pop();
    if (top.length === k) least = top[k - 1];
  }
  return top.at(-1)!;
}

function groupCodes(x: Matrix, group: readonly number[]): Int32Array {
  const seen = new Map<string, number>();
  return Int32Array.from({ length: x.rows }, (_, row) => {
    const value = group.map((j) => x.data[row * x.cols + j]).join();
    if (!seen.has(value)) seen.set(value, seen.size);
    return seen.get(value)!;
  });
}

function populationSd(x: Matrix, j: number): number {
  let sum = 0;
  for (let row = 0; row < x.rows; row++) sum += x.data[row * x.cols + j];
  const centre = sum / x.rows;
  let squares = 0;
  for (let row = 0; row < x.rows; row++) squares += (x.data[row * x.cols + j] - centre) ** 2;
  return Math.sqrt(squares / x.rows);
}
