import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { calibration } from "../sdk/calibration.ts";
import { studentTQuantile } from "../sdk/distributions.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { fidelity, memorisation } from "../sdk/evidence.ts";
import { columnDistances, correlationDifference, type Labelled, rangeCoverage } from "../sdk/fidelity.ts";
import { fit } from "../sdk/index.ts";
import type { Matrix } from "../sdk/matrix.ts";
import { closeness, shareBelow } from "../sdk/memorisation.ts";
import { Random } from "../sdk/random.ts";
import { interval } from "../sdk/statistics.ts";
import { Encoder, type Feature } from "../sdk/table/encoder.ts";
import { readTable } from "../sdk/table/read.ts";
import { gaussian } from "./data.ts";
import { toy } from "./toy.ts";

const golden = JSON.parse(readFileSync(new URL("golden/evidence.json", import.meta.url), "utf8"));

const matrixFrom = (data: number[], cols: number): Matrix => ({
  data: Float32Array.from(data),
  rows: data.length / cols,
  cols,
});
const oneClass = (x: Matrix): Labelled => ({ x, y: new Int32Array(x.rows) });

describe("agrees with scikit-learn and SciPy", () => {
  test("Brier score, reliability bins and calibration error", () => {
    for (const { y, proba, classes, brier, ece, bins } of golden.calibration) {
      const found = calibration(y, Float64Array.from(proba), classes);
      expect(found.brier).toBeCloseTo(brier, 12);
      expect(found.ece).toBeCloseTo(ece, 12);
      expect(found.bins.map(({ rows }) => rows)).toEqual(bins.map(({ rows }: { rows: number }) => rows));
      found.bins.forEach((bin, i) => {
        expect(bin.predicted).toBeCloseTo(bins[i].predicted, 12);
        expect(bin.observed).toBeCloseTo(bins[i].observed, 12);
      });
    }
  });

  test("Student's quantiles, and intervals with the corrected variance", () => {
    for (const [p, df, want] of golden.tQuantile) {
      // A bisection on the distribution function, which holds 1e-10.
      expect(Math.abs(studentTQuantile(p, df) - want)).toBeLessThan(1e-8 * (1 + Math.abs(want)));
    }
    for (const { values, trainShare, low, high } of golden.interval) {
      const found = interval(values, { trainShare });
      expect(found.low).toBeCloseTo(low, 9);
      expect(found.high).toBeCloseTo(high, 9);
    }
    const bounded = interval([0.1, 0.9], { trainShare: 0.5, range: [0, 1] });
    expect([bounded.low, bounded.high]).toEqual([0, 1]);
    expect(interval([0.4], { trainShare: 0.8 })).toEqual({ mean: 0.4, sd: 0, low: null, high: null });
  });

  test("distances to the closest record and the membership test", () => {
    const { train, fresh, made, ...want } = golden.copies;
    const [a, b, c] = [train, fresh, made].map((data: number[]) => oneClass(matrixFrom(data, 3)));
    const found = closeness(a, c, 1, new Random(1), b);
    // f32 coordinates are exact here, their distances are f64
    expect(found.distance).toBeCloseTo(want.distance, 9);
    expect(found.baseline).toBeCloseTo(want.baseline, 9);
    expect(found.membership).toBeCloseTo(want.membership, 12);
    const alone = closeness(a, c, 1, new Random(1));
    expect(alone.baseline).toBeCloseTo(want.alone, 9);
    expect(alone.membership).toBeNull();
  });

  test("weighted correlations and Kolmogorov–Smirnov distances", () => {
    const { real, made, weights, correlation, ks } = golden.alike;
    const [a, b] = [matrixFrom(real, 4), matrixFrom(made, 4)];
    const found = correlationDifference(["a", "b", "c", "d"], a, b, Float64Array.from(weights));
    expect(found).toBeCloseTo(correlation, 6); // weights sum to something else than the rows in neither
    const features: Feature[] = [..."abcd"].map((name) => ({ name, column: name, kind: "numeric" }));
    const distances = columnDistances(features, a, b, new Float64Array(a.rows).fill(1));
    distances.forEach(({ distance }, j) => {
      expect(distance).toBeCloseTo(ks[j], 12);
    });
  });
});

describe("coverage", () => {
  test("of a range is what of it is spanned, however far beyond one goes", () => {
    expect(rangeCoverage([0, 10], [2, 7])).toBe(0.5);
    expect(rangeCoverage([0, 10], [-5, 20])).toBe(1);
    expect(rangeCoverage([0, 10], [11, 20])).toBe(0);
    expect(rangeCoverage([3, 3], [8])).toBe(1);
  });

  test("of categories is the share that occurs", () => {
    const features: Feature[] = ["x", "y", "z"].map((category) => {
      return { name: `c ${category}`, column: "c", kind: "onehot", category };
    });
    const real = matrixFrom([1, 0, 0, 0, 1, 0, 0, 0, 1], 3);
    const made = matrixFrom([1, 0, 0, 0, 0, 1], 3);
    const [{ coverage }] = columnDistances(features, real, made, new Float64Array(3).fill(1));
    expect(coverage).toBeCloseTo(2 / 3, 12);
  });

  test("of a column that is one value or missing is whether gaps occur", () => {
    const features: Feature[] = [{ name: "c missing", column: "c", kind: "missing" }];
    const of = (made: number[]) =>
      columnDistances(
        features,
        matrixFrom([0, 1, 0], 1),
        matrixFrom(made, 1),
        new Float64Array(3).fill(1),
      )[0];
    expect(of([0, 1]).coverage).toBe(1);
    expect(of([0, 0]).coverage).toBe(0);
  });
});

describe("copies", () => {
  test("a share below a quantile: the usual values have it themselves, ties or none", () => {
    for (const usual of [
      [1, 2, 3, 4, 5, 6, 7],
      [0, 0, 0, 1, 1, 2],
      [0, 0],
    ]) {
      for (const q of [0.05, 0.5]) expect(shareBelow(usual, usual, q)).toBeCloseTo(q, 12);
    }
    expect(shareBelow([0, 0, 9, 9], [1, 2, 3], 0.5)).toBe(0.5);
  });

  test("fresh rows pass every check, rows beside the training rows fail each", async () => {
    const random = new Random(5);
    const rows = (n: number) =>
      matrixFrom(
        Array.from({ length: 2 * n }, () => gaussian(random)),
        2,
      );
    const [train, fresh, made] = [rows(300), rows(300), rows(300)].map(oneClass);
    const passed = closeness(train, made, 1, new Random(1), fresh);
    // Shares of 300 have a standard error of .03 near ½ and .013 near .05; the AUC's is .024.
    expect(Math.abs(passed.closer - 0.5)).toBeLessThan(0.1);
    expect(Math.abs(passed.near - 0.05)).toBeLessThan(0.045);
    expect(Math.abs(passed.membership! - 0.5)).toBeLessThan(0.08);
    const beside = oneClass({ ...train.x, data: train.x.data.map((value) => value + 0.001) });
    const failed = closeness(train, beside, 1, new Random(1), fresh);
    expect(failed.closer).toBeGreaterThan(0.95);
    expect(failed.near).toBeGreaterThan(0.6);
    expect(failed.membership).toBeGreaterThan(0.9);
  });

  test("exact copies are counted over learnt columns and the class", async () => {
    const table = await readTable("a,b,c\n1,x,p\n2,y,q\n3,x,p\n3,x,p\n4,y,q\n", { name: "real" });
    const made = await readTable("a,b,c\n1,x,p\n1,x,q\n3,x,p\n9,y,q\n", { name: "made" });
    const encoder = Encoder.fit(table, { target: "c" });
    const rowsOf = (source: typeof table) => {
      const rows = Array.from({ length: source.rows }, (_, i) => i);
      return { table: source, rows, x: encoder.encode(source, rows), y: encoder.labels(source, rows) };
    };
    const found = memorisation(encoder, rowsOf(table), rowsOf(made), { seed: 1 });
    expect(found.copies).toBe(0.5);
    expect(found.realCopies).toBe(0.4);
  });

  test.each([
    ["words that are numbers here", "1\n2\nother\n1\n2\nother", "1\n2\n1\n2"],
    ["words that are yes and no here", "yes\nno\nmaybe\nyes\nno\nmaybe", "yes\nno\nyes\nno"],
    [
      "days before months, told by no day here",
      "05/03/2020\n31/03/2020\n06/04/2020",
      "05/03/2020\n06/04/2020",
    ],
  ])("rows taken as they are count as copies: %s", async (_, real, some) => {
    const written = (cells: string) =>
      `a,b,c\n${cells
        .split("\n")
        .map((cell, i) => `${cell},${cell.length + (i % 3)},${i % 2 ? "p" : "q"}\n`)
        .join("")}`;
    const lines = written(real).trimEnd().split("\n");
    const chosen = lines.filter((line, i) => i === 0 || some.split("\n").includes(line.split(",")[0]));
    const table = await readTable(`${lines.join("\n")}\n${lines.slice(1).join("\n")}\n`, { name: "real" });
    const made = await readTable(`${chosen.join("\n")}\n${chosen.slice(1).join("\n")}\n`, { name: "made" });
    const encoder = Encoder.fit(table, { target: "c" });
    const rowsOf = (source: typeof table) => {
      const rows = Array.from({ length: source.rows }, (_, i) => i);
      return { table: source, rows, x: encoder.encode(source, rows), y: encoder.labels(source, rows) };
    };
    expect(memorisation(encoder, rowsOf(table), rowsOf(made), { seed: 1 }).copies).toBe(1);
  });
});

describe("a run's evidence", () => {
  const QUICK = { epochs: 3, splits: 3, rescoreDraws: 1, rescore: 6, vote: 4, samples: "16", batchSize: 4 };

  test("holds use, calibration, fidelity and copies, and agrees with what the methods say", async () => {
    const { x, y } = toy(2, 120);
    const table = await readTable(
      {
        a: Array.from(y, (_, i) => x.data[2 * i]),
        b: Array.from(y, (_, i) => x.data[2 * i + 1]),
        class: Array.from(y, (label) => (label ? "rare" : "usual")),
      },
      { name: "toy" },
    );
    const { result } = await fit(table, { ...QUICK, target: "class" });
    for (const split of result.splits) {
      expect(split.evidence.utility.real).toBe(split.test.none);
      expect(split.evidence.fidelity.columns.map(({ column }) => column)).toEqual(["a", "b"]);
      expect(split.evidence.memorisation.membership).not.toBeNull();
    }
    const { utility, calibration: found, fidelity: alike, memorisation: copied } = result.evidence;
    expect(utility.real.mean).toBeCloseTo(result.mean.test.none, 12);
    expect(utility.both.low!).toBeLessThanOrEqual(utility.both.mean);
    expect(utility.both.high!).toBeGreaterThanOrEqual(utility.both.mean);
    expect(found.before.bins.reduce((sum, { rows }) => sum + rows, 0)).toBe(120);
    expect(found.after.brier).toBeGreaterThan(0);
    // Three epochs from noise: such rows are told from real ones.
    expect(alike.detection!.mean).toBeGreaterThan(0.7);
    expect(copied).toMatchObject({ copies: 0, realCopies: 0 });
    expect(copied.note).toMatch(/not a proof of privacy/);
    expect(JSON.stringify(result.evidence)).not.toContain("NaN");
  });

  test("wide tables are told apart in components and described in columns", async () => {
    const random = new Random(2);
    const cells: Record<string, ArrayLike<unknown>> = {};
    for (let j = 0; j < 12; j++) cells[`x${j}`] = Array.from({ length: 60 }, () => gaussian(random));
    cells.class = Array.from({ length: 60 }, (_, i) => (i % 4 ? "no" : "yes"));
    const { result } = await fit(await readTable(cells, { name: "wide" }), {
      ...QUICK,
      epochs: 1,
      components: 4,
      target: "class",
    });
    expect(result.evidence.fidelity.columns).toHaveLength(12);
    expect(result.evidence.fidelity.columns[0].column).toMatch(/^x\d+$/);
  });

  test("fidelity of the real rows to themselves is perfect, and they are not told apart", async () => {
    const table = await readTable(
      {
        a: Array.from({ length: 80 }, (_, i) => (i * 37) % 83),
        class: Array.from({ length: 80 }, (_, i) => (i % 3 ? "n" : "y")),
      },
      { name: "t" },
    );
    const encoder = Encoder.fit(table, { target: "class" });
    const all = { x: encoder.encode(table), y: encoder.labels(table) };
    const found = await fidelity(encoder, all, all, { cpu: await Cpu.open(), seed: 1 });
    expect(found.distance).toBeLessThan(1e-9);
    expect(found.coverage).toBe(1);
    expect(found.detection).toBeLessThan(0.6);
  });
});
