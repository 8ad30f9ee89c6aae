import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cpu } from "../sdk/engine/module.ts";
import { type Matrix, takeRows } from "../sdk/matrix.ts";
import { Neighbours } from "../sdk/neighbours.ts";
import { Random } from "../sdk/random.ts";
import { balancedWeights, categoricalGroups, oversample, rowsByClass, smote } from "../sdk/resampling.ts";
import { gaussian, matrixOf } from "./data.ts";
import golden from "./golden/smote.json" with { type: "json" };

const toMatrix = (rows: number[][]): Matrix => ({
  data: Float32Array.from(rows.flat()),
  rows: rows.length,
  cols: rows[0].length,
});
const row = (x: Matrix, i: number) => x.data.subarray(i * x.cols, (i + 1) * x.cols);
const counts = (y: Int32Array, classes: number) => rowsByClass(y, classes).map((rows) => rows.length);

/** How far `point` is from the segment a–b. */
function distanceToSegment(point: Float32Array, a: Float32Array, b: Float32Array): number {
  const along = b.map((value, j) => value - a[j]);
  const length = along.reduce((sum, value) => sum + value * value, 0);
  const dot = along.reduce((sum, value, j) => sum + value * (point[j] - a[j]), 0);
  const u = length === 0 ? 0 : Math.max(0, Math.min(1, dot / length));
  return Math.sqrt(point.reduce((sum, value, j) => sum + (value - a[j] - u * along[j]) ** 2, 0));
}

const problem = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 14 }), { minLength: 2, maxLength: 4 }),
    cols: fc.integer({ min: 1, max: 4 }),
    seed: fc.integer({ min: 0, max: 1e6 }),
  })
  .map(({ sizes, cols, seed }) => {
    const random = new Random(seed);
    const y = Int32Array.from(sizes.flatMap((size, index) => Array(size).fill(index)));
    const data = Float32Array.from({ length: y.length * cols }, () => random.uniform() * 10 - 5);
    return { x: { data, rows: y.length, cols }, y, classes: sizes.length, random };
  });

describe("smote", () => {
  test("brings every class to the largest; each new row lies between a row and one of its nearest", () => {
    fc.assert(
      fc.property(problem, fc.integer({ min: 1, max: 6 }), ({ x, y, classes, random }, k) => {
        const out = smote(x, y, classes, random, { k });
        const largest = Math.max(...counts(y, classes));
        expect(counts(out.y, classes)).toEqual(Array(classes).fill(largest));
        expect(out.x.rows).toBe(out.y.length);
        expect(out.x.data.subarray(0, x.data.length)).toEqual(x.data);
        for (let i = x.rows; i < out.x.rows; i++) {
          const own = takeRows(x, rowsByClass(y, classes)[out.y[i]]);
          const neighbours = new Neighbours(own, []);
          const distances = Array.from({ length: own.rows }, (_, a) => {
            const near = [...neighbours.nearest(a, k)];
            expect(near).toHaveLength(Math.min(k, own.rows - 1));
            const segments = near.map((b) => distanceToSegment(row(out.x, i), row(own, a), row(own, b)));
            return Math.min(
              ...segments,
              own.rows === 1 ? distanceToSegment(row(out.x, i), row(own, a), row(own, a)) : Infinity,
            );
          });
          // f32 rounding of coordinates within ±5
          expect(Math.min(...distances)).toBeLessThan(1e-5);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("finds imbalanced-learn's neighbours", () => {
    const { x, y, k, neighbours } = golden.smote;
    const rare = toMatrix(x.filter((_, i) => y[i] === 1));
    const found = new Neighbours(rare, []);
    expect(neighbours.map((_, i) => [...found.nearest(i, k)])).toEqual(neighbours);
  });

  test("draws imbalanced-learn's distribution", () => {
    const x = toMatrix(golden.smote.x.filter((_, i) => golden.smote.y[i] === 1));
    // 20,000 copies of the majority make 20,000 new rows.
    const far = { data: new Float32Array(20_000 * 3), rows: 20_000, cols: 3 };
    const all = { data: Float32Array.from([...far.data, ...x.data]), rows: far.rows + x.rows, cols: 3 };
    const y = Int32Array.from({ length: all.rows }, (_, i) => (i < far.rows ? 0 : 1));
    const made = smote(all, y, 2, new Random(2)).x;
    const n = made.rows - all.rows;
    const column = (j: number) => Array.from({ length: n }, (_, i) => made.data[(all.rows + i) * 3 + j]);
    const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / n;
    for (let a = 0; a < 3; a++) {
      const sdA = Math.sqrt(golden.smote.covariance[a][a]);
      // Four standard errors of both samples together.
      expect(Math.abs(average(column(a)) - golden.smote.mean[a])).toBeLessThan(
        4 * sdA * Math.sqrt(1 / n + 1 / 60_016),
      );
      for (let b = 0; b < 3; b++) {
        const [ca, cb] = [column(a), column(b)];
        const [ma, mb] = [average(ca), average(cb)];
        const covariance = average(ca.map((value, i) => (value - ma) * (cb[i] - mb)));
        const scale = sdA * Math.sqrt(golden.smote.covariance[b][b]);
        expect(Math.abs(covariance - golden.smote.covariance[a][b])).toBeLessThan(0.05 * scale);
      }
    }
  });

  test("repeats a class of one row, uses n − 1 neighbours of few, leaves an absent class out", () => {
    const x = toMatrix([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
      [7, 7],
    ]);
    const out = smote(x, Int32Array.of(0, 0, 0, 0, 1), 3, new Random(1));
    expect(counts(out.y, 3)).toEqual([4, 4, 0]);
    for (let i = 5; i < 8; i++) expect([...row(out.x, i)]).toEqual([7, 7]);
  });

  test("with nothing to balance gives the rows back", () => {
    const x = toMatrix([[1], [2]]);
    const y = Int32Array.of(0, 1);
    expect(smote(x, y, 2, new Random(1))).toEqual({ x, y });
  });
});

describe("smote with categorical groups (SMOTE-NC)", () => {
  const { x, y, k, groups, neighbours } = golden.smotenc;
  const rare = toMatrix(x.filter((_, i) => y[i] === 1));

  test("finds imbalanced-learn's neighbours", () => {
    const found = new Neighbours(rare, groups);
    // Rows as near as each other may stand in either order: compare their distances.
    neighbours.forEach((near, i) => {
      const own = [...found.nearest(i, k)].map((other) => found.distance(i, other));
      near.forEach((other, n) => {
        expect(Math.abs(own[n] - found.distance(i, other))).toBeLessThan(1e-6);
      });
    });
  });

  test("copies whole blocks, the commonest among the neighbours of a row", () => {
    const all = toMatrix(x);
    const out = smote(all, Int32Array.from(y), 2, new Random(3), { k, groups });
    expect(counts(out.y, 2)).toEqual([20, 20]);
    const found = new Neighbours(rare, groups);
    const possible = Array.from({ length: rare.rows }, (_, i) => {
      const near = found.nearest(i, k);
      return groups.flatMap((group, g) => group.map((j) => row(rare, found.commonest(near, g))[j])).join();
    });
    for (let i = all.rows; i < out.x.rows; i++)
      expect(possible).toContain([...row(out.x, i).subarray(2)].join());
  });

  test("the commonest value wins, the nearest in a tie", () => {
    const block = toMatrix([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    const found = new Neighbours(block, [[0, 1, 2]]);
    expect(found.commonest(Uint32Array.of(0, 1, 3), 0)).toBe(1);
    expect(found.commonest(Uint32Array.of(2, 1, 3, 4), 0)).toBe(2);
  });

  test("groups are one-hot blocks, booleans and missing-cell indicators", () => {
    const feature = (column: string, kind: string) => ({ column, kind });
    const features = [
      feature("age", "numeric"),
      feature("age", "missing"),
      feature("colour", "onehot"),
      feature("colour", "onehot"),
      feature("colour", "missing"),
      feature("smokes", "boolean"),
      feature("town", "frequency"),
    ];
    expect(categoricalGroups(features)).toEqual([[1], [2, 3], [4], [5]]);
  });

  test("categories alone count their differences", () => {
    const x = toMatrix([
      [1, 0, 1, 0],
      [1, 0, 0, 1],
      [0, 1, 0, 1],
    ]);
    const found = new Neighbours(x, [
      [0, 1],
      [2, 3],
    ]);
    expect([found.distance(0, 1), found.distance(0, 2), found.distance(0, 0)]).toEqual([1, 2, 0]);
  });
});

describe("oversample and weights", () => {
  test("oversampling repeats rows of the class, and only those", () => {
    fc.assert(
      fc.property(problem, ({ x, y, classes, random }) => {
        const out = oversample(x, y, classes, random);
        const largest = Math.max(...counts(y, classes));
        expect(counts(out.y, classes)).toEqual(Array(classes).fill(largest));
        const own = rowsByClass(y, classes).map((rows) => rows.map((i) => row(x, i).join()));
        for (let i = 0; i < out.x.rows; i++) expect(own[out.y[i]]).toContain(row(out.x, i).join());
      }),
    );
  });

  test("balanced weights are scikit-learn's: n / (classes · count)", () => {
    expect([...balancedWeights(Int32Array.of(0, 0, 0, 2), 3)]).toEqual([4 / 6, 4 / 6, 4 / 6, 4 / 2]);
  });
});

test("among thousands of rows the engine finds the same neighbours, outliers and repeated rows included", async () => {
  const random = new Random(5);
  const [rows, cols] = [2500, 7];
  const x = matrixOf(rows, cols, (i) => (i === 3 ? 1e4 : 100 + gaussian(random)));
  x.data.set(x.data.subarray(0, 40 * cols), 1000 * cols);
  const cpu = await Cpu.open();
  const start = cpu.mark();
  const [plain, quick] = [new Neighbours(x, []), new Neighbours(x, [], cpu)];
  const all = Array.from({ length: rows }, (_, row) => row);
  expect(all.map((row) => [...quick.nearest(row, 5)])).toEqual(all.map((row) => [...plain.nearest(row, 5)]));
  expect(cpu.mark()).toBe(start);
});
