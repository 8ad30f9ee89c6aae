import { describe, expect, test } from "vitest";
import { evaluate } from "../sdk/evaluate.ts";
import { columnDistances, correlationDifference, type Labelled, proportionWeights } from "../sdk/fidelity.ts";
import type { Matrix } from "../sdk/matrix.ts";
import { closeness } from "../sdk/memorisation.ts";
import { Random } from "../sdk/random.ts";
import { pearson } from "../sdk/statistics.ts";
import type { Feature } from "../sdk/table/encoder.ts";
import { readTable } from "../sdk/table/read.ts";
import type { Table } from "../sdk/table/table.ts";
import { gaussian } from "./data.ts";

type Row = [age: number, income: number, town: string, churn: string];

/** People: churners (a share of them) are younger by `shift`, and live in the south more often. */
function people(rows: number, share: number, seed: number, shift = 10): Row[] {
  const random = new Random(seed);
  return Array.from({ length: rows }, (_, i) => {
    const churn = i < share * rows;
    const age = 45 + 8 * gaussian(random) - (churn ? shift : 0);
    const income = 1000 + 30 * age + 200 * gaussian(random);
    const south = random.uniform() < (churn ? 0.7 : 0.3);
    return [age, income, south ? "south" : "north", churn ? "yes" : "no"];
  });
}

function table(rows: Row[], name: string, header = "age,income,town,churn"): Promise<Table> {
  const lines = rows.map(([age, income, town, churn]) =>
    [age.toFixed(2), income.toFixed(1), town, churn].join(),
  );
  return readTable([header, ...lines, ""].join("\n"), { name });
}

const options = { target: "churn", seed: 1 };
const real = () => table(people(600, 0.1, 1), "real.csv");

describe("evaluate", () => {
  test("rows of the same distribution: as useful as real ones, alike, fresh", async () => {
    const found = await evaluate(await real(), await table(people(600, 0.1, 2), "fresh.csv"), options);
    expect(found.rows).toEqual({ real: 600, synthetic: 600 });
    expect(found.classes).toEqual([
      { name: "no", real: 540, synthetic: 540 },
      { name: "yes", real: 60, synthetic: 60 },
    ]);
    expect(found.metric).toBe("f1");
    expect(Math.abs(found.utility.synthetic.mean - found.utility.real.mean)).toBeLessThan(0.15);
    expect(found.fidelity.columns.map(({ column }) => column)).toEqual(["age", "income", "town"]);
    // The distance of two samples of 600 is about .05; of independence, AUC is .5 ± .02.
    expect(found.fidelity.distance).toBeLessThan(0.08);
    expect(found.fidelity.correlation).toBeLessThan(0.08);
    expect(Math.abs(found.fidelity.detection! - 0.5)).toBeLessThan(0.06);
    expect(found.memorisation.copies).toBe(0);
    // A share of 600 near ½ has a standard error of .02.
    expect(Math.abs(found.memorisation.closer - 0.5)).toBeLessThan(0.08);
    expect(found.warnings).toEqual([]);
    expect(found.summary).toMatch(
      /^On unseen real rows logistic has f1 .* makes no sure difference .* copies\.$/,
    );
  });

  test("copies of the real rows are found out", async () => {
    const table = await real();
    const found = await evaluate(table, { ...table, name: "copy.csv" }, options);
    expect(found.memorisation).toMatchObject({ copies: 1, distance: 0, closer: 1 });
    expect(found.memorisation.realCopies).toBe(0);
    expect(found.memorisation.baseline).toBeGreaterThan(0);
    expect(found.fidelity.distance).toBe(0);
    expect(found.fidelity.correlation).toBeLessThan(1e-6);
    expect(found.summary).toContain("100.0 % of the synthetic rows are copies");
  });

  test("labels at random are useless, and adding them hurts", async () => {
    const random = new Random(3);
    const noise = people(3000, 0.5, 4, 0).map((row) => [
      row[0],
      row[1],
      row[2],
      random.uniform() < 0.5 ? "yes" : "no",
    ]);
    const found = await evaluate(await real(), await table(noise as Row[], "noise.csv"), {
      ...options,
      metric: "roc_auc",
      folds: 4,
    });
    expect(found.utility.real.mean).toBeGreaterThan(0.8);
    expect(found.utility.both.mean).toBeLessThan(found.utility.real.mean);
    expect(found.utility.gain.difference).toBeLessThan(0);
    expect(found.utility.gain.wins).toBeLessThanOrEqual(2);
  });

  test("a shifted column is named, and seen by the detector", async () => {
    const shifted = people(600, 0.1, 5).map(
      ([age, income, town, churn]): Row => [age + 40, income, town, churn],
    );
    const { fidelity } = await evaluate(await real(), await table(shifted, "shifted.csv"), options);
    const [age, income, town] = fidelity.columns.map(({ distance }) => distance);
    expect(age).toBeGreaterThan(0.9);
    expect(income).toBeLessThan(0.12);
    expect(town).toBeLessThan(0.12);
    expect(fidelity.detection).toBeGreaterThan(0.95);
  });

  test("classes balanced on purpose do not count as a difference", async () => {
    const found = await evaluate(await real(), await table(people(600, 0.5, 6), "balanced.csv"), options);
    expect(found.classes[1]).toEqual({ name: "yes", real: 60, synthetic: 300 });
    expect(found.fidelity.distance).toBeLessThan(0.12);
    expect(Math.abs(found.fidelity.detection! - 0.5)).toBeLessThan(0.12);
  });

  test("a tree can be asked, a positive class named, brier falls as it gains", async () => {
    const given = { ...options, classifier: "tree", metric: "brier", positive: "no" } as const;
    const found = await evaluate(await real(), await table(people(2000, 0.1, 7), "more.csv"), given);
    expect(found.classes.map(({ name }) => name)).toEqual(["yes", "no"]);
    expect(found.utility.both.mean).toBeLessThan(found.utility.real.mean);
    expect(found.utility.gain.difference).toBeGreaterThan(0);
  });

  test("the same seed gives the same result", async () => {
    const [a, b] = [await real(), await table(people(200, 0.2, 8), "b.csv")];
    expect(await evaluate(a, b, options)).toEqual(await evaluate(a, b, options));
  });

  test("a class that is absent is said; too few rows have no detection", async () => {
    const few = people(4, 0, 9);
    const found = await evaluate(await real(), await table(few, "few.csv"), options);
    expect(found.warnings).toEqual(['few.csv has no row of class "yes".']);
    expect(found.fidelity.detection).toBeNull();
    expect(found.summary).not.toContain("ROC-AUC");
    expect(Number.isFinite(found.memorisation.distance)).toBe(true);
  });

  test("columns that do not match are named", async () => {
    const rows = people(60, 0.3, 10);
    const lacking = await table(rows, "synthetic.csv", "years,income,town,churn");
    await expect(evaluate(await real(), lacking, options)).rejects.toThrow(
      'synthetic.csv lacks "age", which real.csv has.',
    );
    const extra = await readTable("age,income,town,churn,zip\n1,2,south,yes,5\n2,3,north,no,6\n", {
      name: "s.csv",
    });
    await expect(evaluate(await real(), extra, options)).rejects.toThrow(
      's.csv has "zip", which real.csv has not.',
    );
    const unknown = await readTable("age,income,town,churn\n1,2,south,maybe\n2,3,north,no\n", {
      name: "s.csv",
    });
    await expect(evaluate(await real(), unknown, options)).rejects.toThrow(
      's.csv, row 1: target "churn" is "maybe"',
    );
    const words = await readTable("age,income,town,churn\nold,2,south,yes\nyoung,3,north,no\n", {
      name: "s.csv",
    });
    await expect(evaluate(await real(), words, options)).rejects.toThrow(/age/);
    const targetless = await readTable("age,income,town,churn\n1,2,south,\n2,3,north,\n", { name: "s.csv" });
    await expect(evaluate(await real(), targetless, options)).rejects.toThrow(
      's.csv has no row with a value for "churn"',
    );
    await expect(evaluate(await real(), await real(), { target: "chrun" })).rejects.toThrow(
      'has no column "chrun"',
    );
  });
});

describe("fidelity", () => {
  const toMatrix = (rows: number[][]): Matrix => ({
    data: Float32Array.from(rows.flat()),
    rows: rows.length,
    cols: rows[0].length,
  });
  const feature = (column: string, kind: Feature["kind"]): Feature => ({ name: column, column, kind });

  test("weights bring the real rows to the synthetic proportions", () => {
    const weights = proportionWeights(Int32Array.of(0, 0, 0, 1), Int32Array.of(0, 1), 2);
    expect([...weights]).toEqual([2 / 3, 2 / 3, 2 / 3, 2]);
  });

  test("categories differ by total variation, missing cells and unseen categories included", () => {
    const features = [feature("c", "onehot"), feature("c", "onehot"), feature("c", "missing")];
    const real = toMatrix([
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    const distance = (rows: number[][]) =>
      columnDistances(features, real, toMatrix(rows), new Float64Array(4).fill(1))[0].distance;
    expect(
      distance([
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [1, 0, 0],
      ]),
    ).toBe(0);
    expect(
      distance([
        [1, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
      ]),
    ).toBe(0.25);
    expect(
      distance([
        [0, 0, 0],
        [0, 0, 0],
      ]),
    ).toBe(1);
  });

  test("correlations differ as Pearson's do, weighted rows as repeated ones", () => {
    const random = new Random(4);
    const rows = (n: number) =>
      Array.from({ length: n }, () => [gaussian(random), gaussian(random), gaussian(random)]);
    const [a, b] = [rows(30), rows(50).map(([u, v, w]) => [u, v + u, w])];
    const weights = Float64Array.from(a, (_, i) => (i < 10 ? 2 : 0.5));
    const repeated = a.flatMap((row, i) => Array<number[]>(i < 10 ? 4 : 1).fill(row));
    const correlation = (from: number[][], i: number, j: number) =>
      pearson(
        from.map((row) => row[i]),
        from.map((row) => row[j]),
      );
    const want = [
      [0, 1],
      [0, 2],
      [1, 2],
    ].map(([i, j]) => Math.abs(correlation(repeated, i, j) - correlation(b, i, j)));
    const got = correlationDifference(["a", "b", "c"], toMatrix(a), toMatrix(b), weights);
    // f32 features against f64 ones
    expect(Math.abs(got - (want[0] + want[1] + want[2]) / 3)).toBeLessThan(1e-6);
    const paired = correlationDifference(["a", "a", "c"], toMatrix(a), toMatrix(b), weights);
    expect(Math.abs(paired - (want[1] + want[2]) / 2)).toBeLessThan(1e-6);
  });

  test("closeness looks within the class, and at itself never", () => {
    const real: Labelled = { x: toMatrix([[0], [1], [3], [100], [104]]), y: Int32Array.of(0, 0, 0, 1, 1) };
    const made: Labelled = { x: toMatrix([[0.5], [102], [99]]), y: Int32Array.of(0, 1, 1) };
    const found = closeness(real, made, 2, new Random(1));
    // Held out: 1, 1, 2 and 4, 4. Found: .5, and 1 with 2.
    expect(found.baseline).toBeCloseTo((1 + 2 * 4) / 3, 12);
    expect(found.distance).toBeCloseTo((0.5 + 2 * 1.5) / 3, 12);
    expect(found.closer).toBe(1);
  });
});
