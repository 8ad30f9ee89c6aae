/** Tables that are hard for one reason or another, from end to end: many classes, few positives, wide, dated, holed. */
import { describe, expect, test } from "vitest";
import { fit, readTable, sample, type Table } from "../sdk/index.ts";
import { Random } from "../sdk/random.ts";
import { METHODS } from "../sdk/result.ts";
import type { FitOptions, Run } from "../sdk/run.ts";
import { cellText, findColumn } from "../sdk/table/table.ts";
import { gaussian } from "./data.ts";
import { demoData } from "./demoData.ts";

const QUICK = {
  epochs: 4,
  splits: 2,
  rescoreDraws: 1,
  rescore: 6,
  vote: 4,
  samples: "24",
  batchSize: 4,
  criticSteps: 4,
} as const;

/** What every run must hold, whatever the table: finite scores, whole evidence, rows that the table could have. */
async function checked(table: Table, options: FitOptions): Promise<Run> {
  const run = await fit(table, options);
  const { result, synthetic } = run;
  for (const method of METHODS) expect(Number.isFinite(result.mean.test[method])).toBe(true);
  expect(JSON.stringify(result)).not.toMatch(/NaN|Infinity/);
  expect(result.evidence.fidelity.distance.mean).toBeLessThanOrEqual(1);
  const { before, after } = result.evidence.calibration;
  for (const { brier, ece } of [before, after]) expect([brier, ece].every(Number.isFinite)).toBe(true);
  for (const column of synthetic.columns) {
    const real = findColumn(table, column.name);
    const known = new Set(Array.from({ length: table.rows }, (_, row) => cellText(real, row)));
    for (let row = 0; row < synthetic.rows && column.codes; row++)
      expect(known).toContain(cellText(column, row));
  }
  return run;
}

const countsOf = (table: Table, target: string) => {
  const column = findColumn(table, target);
  const counts: Record<string, number> = {};
  for (let row = 0; row < table.rows; row++) {
    const name = cellText(column, row);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};

describe("many classes", () => {
  test("penguins: three species, macro metrics, a count for each", async () => {
    const table = await readTable(JSON.parse(demoData("penguins.json").toString()).reduce(toColumns, {}), {
      name: "penguins",
    });
    const { result, model } = await checked(table, { ...QUICK, target: "Species", metric: "f1_macro" });
    const { classes, counts } = result.data;
    expect(Object.fromEntries(classes.map((name, c) => [name, counts[c]]))).toEqual(
      countsOf(table, "Species"),
    );
    for (const name of ["f1_macro", "balanced_accuracy", "mcc", "roc_auc"]) {
      expect(result.mean.metrics.none[name].mean).toBeGreaterThan(0.8); // species are told apart by their beaks
    }
    const wanted = { Adelie: 3, Chinstrap: 41, Gentoo: 1 };
    expect(countsOf(await sample(model, { counts: wanted, seed: 4 }), "Species")).toEqual(wanted);
  });

  test("ten classes from 90 rows down to 5", async () => {
    const random = new Random(10);
    const sizes = [90, 80, 50, 40, 12, 10, 8, 7, 6, 5];
    const label = sizes.flatMap((size, c) => Array<number>(size).fill(c));
    const table = await readTable(
      {
        a: label.map((c) => 3 * (c % 4) + gaussian(random)),
        b: label.map((c) => 3 * Math.floor(c / 4) + gaussian(random)),
        class: label.map((c) => `c${c}`),
      },
      { name: "ten" },
    );
    const options = { ...QUICK, target: "class", metric: "f1", samples: "40" } as const;
    const { result, model } = await checked(table, options);
    expect(result.data.classes).toHaveLength(10);
    expect(result.metric).toBe("f1");
    // Beyond two classes F1 is the macro mean.
    expect(result.mean.metrics.makeit.f1.mean).toBe(result.mean.metrics.makeit.f1_macro.mean);
    const wanted = Object.fromEntries(sizes.map((_, c) => [`c${c}`, 3 * (c + 1)]));
    expect(countsOf(await sample(model, { counts: wanted }), "class")).toEqual(wanted);
  });
});

test("a class of five rows: exactly as many of it as asked for, no row twice", async () => {
  const random = new Random(5);
  const rare = Array.from({ length: 105 }, (_, i) => i < 5);
  const table = await readTable(
    {
      a: rare.map((is) => (is ? 8 : 0) + gaussian(random)),
      b: rare.map((is) => (is ? -6 : 0) + gaussian(random)),
      class: rare.map((is) => (is ? "yes" : "no")),
    },
    { name: "five" },
  );
  const { model } = await checked(table, { ...QUICK, target: "class", epochs: 40, batchSize: 8 });
  const wanted = { yes: 200, no: 200 };
  const drawn = await sample(model, { counts: wanted, seed: 2 });
  expect(countsOf(drawn, "class")).toEqual(wanted);
  const cells = Array.from({ length: drawn.rows }, (_, row) =>
    ["a", "b"].map((name) => findColumn(drawn, name).values![row]).join(),
  );
  expect(new Set(cells).size).toBe(400);
});

test("six positives among 148 rows of 18 categories, as in lymphography", async () => {
  const random = new Random(6);
  const cells: Record<string, string[]> = {};
  const positive = Array.from({ length: 148 }, (_, i) => i % 25 === 3);
  expect(positive.filter(Boolean)).toHaveLength(6);
  for (let j = 0; j < 18; j++) {
    const names = Array.from({ length: 2 + (j % 7) }, (_, k) => `v${k}`);
    cells[`x${j}`] = positive.map((is) => names[is && j < 4 ? 0 : random.integer(names.length)]);
  }
  cells.class = positive.map((is) => (is ? "fibrosis" : "other"));
  const table = await readTable(cells, { name: "lymph" });
  const { result, model } = await checked(table, { ...QUICK, target: "class", splits: 5 });
  expect(result.data.positives).toBe(6);
  expect(result.splits).toHaveLength(5);
  expect(countsOf(await sample(model, { counts: { fibrosis: 30 } }), "class")).toEqual({ fibrosis: 30 });
});

test("wide categories: 60 columns, one of 150 categories", async () => {
  const random = new Random(7);
  const positive = Array.from({ length: 160 }, (_, i) => i % 8 === 0);
  const cells: Record<string, string[]> = {};
  for (let j = 0; j < 60; j++)
    cells[`x${j}`] = positive.map((is) => "abcde"[random.integer(is && j < 9 ? 2 : 5)]);
  cells.shop = positive.map(() => `shop ${random.integer(150)}`);
  cells.class = positive.map((is) => (is ? "yes" : "no"));
  const table = await readTable(cells, { name: "wide", categorical: ["shop"] });
  const { result } = await checked(table, { ...QUICK, target: "class" });
  expect(result.evidence.fidelity.columns).toHaveLength(61);
});

test("dates stay dates inside their range", async () => {
  const random = new Random(8);
  const day = (n: number) => new Date(Date.UTC(2020, 0, 1 + n)).toISOString().slice(0, 10);
  const lines = Array.from({ length: 120 }, (_, i) => {
    const late = i % 6 === 0;
    return `${day(random.integer(200) + (late ? 300 : 0))},${(gaussian(random) + (late ? 1 : 0)).toFixed(2)},${late ? "late" : "early"}`;
  });
  const table = await readTable(`day,x,class\n${lines.join("\n")}\n`, { name: "days" });
  expect(findColumn(table, "day").role).toBe("datetime");
  const { synthetic } = await checked(table, { ...QUICK, target: "class" });
  const made = findColumn(synthetic, "day");
  for (let row = 0; row < synthetic.rows; row++) {
    const text = cellText(made, row);
    expect(text).toMatch(/^202[01]-\d\d-\d\d$/);
    expect(text >= day(0) && text <= day(500)).toBe(true);
  }
});

test("cells that are mostly missing: learnt as such, and reproduced", async () => {
  const random = new Random(9);
  const lines = Array.from({ length: 150 }, (_, i) => {
    const rare = i % 7 === 0;
    const holed = (text: string, share: number) => (random.uniform() < share ? "" : text);
    const x = holed((gaussian(random) + (rare ? 2 : 0)).toFixed(2), rare ? 0.2 : 0.8);
    return `${x},${holed("uvw"[random.integer(3)], 0.6)},${holed(String(random.integer(9)), 0.95)},${rare ? "yes" : "no"}`;
  });
  const table = await readTable(`x,c,n,class\n${lines.join("\n")}\n`, { name: "holes" });
  const { synthetic } = await checked(table, { ...QUICK, target: "class", epochs: 20 });
  for (const name of ["x", "c"]) {
    const column = findColumn(synthetic, name);
    const empty = Array.from({ length: synthetic.rows }, (_, row) => cellText(column, row) === "");
    expect(empty.some(Boolean)).toBe(true);
    expect(empty.every(Boolean)).toBe(false);
  }
});

/** Rows of JSON as columns. */
function toColumns(columns: Record<string, unknown[]>, row: Record<string, unknown>) {
  for (const [name, value] of Object.entries(row)) {
    columns[name] ??= [];
    columns[name].push(value);
  }
  return columns;
}
