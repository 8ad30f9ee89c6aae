import { describe, expect, test } from "vitest";
import { judge } from "../sdk/across.ts";
import {
  fit,
  openModel,
  readTable,
  resample,
  type SamplingStrategy,
  sample,
  type Table,
  VERSION,
} from "../sdk/index.ts";
import { resolveSettings } from "../sdk/options.ts";
import { METHODS, type Method } from "../sdk/result.ts";
import { runInline, type SplitRunner } from "../sdk/run.ts";
import { runSplit } from "../sdk/split.ts";
import { makeRun } from "./fixtures/run.ts";
import { toy } from "./toy.ts";

const QUICK = { epochs: 3, splits: 3, rescoreDraws: 1, rescore: 6, vote: 4, samples: "16", batchSize: 4 };

async function table(edit: (cells: Record<string, unknown[]>) => void = () => {}): Promise<Table> {
  const { x, y } = toy(2, 90);
  const cells: Record<string, unknown[]> = {
    a: Array.from(y, (_, i) => Math.round(x.data[2 * i] * 1000) / 1000),
    b: Array.from(y, (_, i) => Math.round(x.data[2 * i + 1] * 1000) / 1000),
    colour: Array.from(y, (label, i) => (label ? "red" : i % 3 ? "blue" : "green")),
    class: Array.from(y, (label) => (label ? "rare" : "usual")),
  };
  edit(cells);
  return readTable(cells as Record<string, ArrayLike<unknown>>, { name: "toy" });
}

describe("a run", () => {
  test("tells that classes differ in spaces or case alone", async () => {
    const mixed = await table((cells) => {
      cells.class = cells.class.map((name, i) => (i % 4 === 0 && name === "usual" ? "Usual " : name));
    });
    const { result } = await fit(mixed, { ...QUICK, target: "class", positive: "rare" });
    expect(result.warnings.join()).not.toContain("alone");
    const three = await fit(mixed, { ...QUICK, target: "class" });
    expect(three.result.warnings.join()).toMatch(
      /Classes of "class" differ in spaces or case alone: "(u|U)sual/,
    );
  });

  test("holds what a report needs, for every split and over all", async () => {
    const progress: string[] = [];
    const run = await fit(await table(), {
      ...QUICK,
      target: "class",
      onEpoch: ({ split, epoch }) => progress.push(`${split}.${epoch}`),
    });
    const { result } = run;
    expect(progress).toEqual([
      "1.1",
      "1.2",
      "1.3",
      "2.1",
      "2.2",
      "2.3",
      "3.1",
      "3.2",
      "3.3",
      "0.1",
      "0.2",
      "0.3",
    ]);
    expect(result.version).toBe(VERSION);
    expect(result.data).toMatchObject({
      rows: 90,
      positive: "rare",
      positives: 18,
      classes: ["usual", "rare"],
    });
    expect(result.splits.map(({ split }) => split)).toEqual([1, 2, 3]);
    for (const split of result.splits) {
      expect(split.rows).toEqual({ train: 60, test: 30 });
      expect(split.history.mean).toHaveLength(3);
      expect(split.stopped).toEqual({ epoch: 3, reason: "epochs" });
      expect(split.importances.map(({ column }) => column).sort()).toEqual(["a", "b", "colour"]);
      expect(split.importances.reduce((sum, { impurity }) => sum + impurity, 0)).toBeCloseTo(1, 9);
      const leaves = split.rules.filter(({ leaf }) => leaf);
      expect(leaves.reduce((sum, { support }) => sum + support, 0)).toBeCloseTo(1, 9);
      for (const method of METHODS) {
        expect(split.test[method]).toBe(split.metrics[method].f1);
        expect(Number.isFinite(split.test[method])).toBe(true);
      }
    }
    for (const method of METHODS) {
      const values = result.splits.map((split) => split.test[method]);
      expect(result.mean.test[method]).toBeCloseTo(values.reduce((a, b) => a + b) / 3, 12);
    }
    expect(run.synthetic.rows).toBe(4 * 16);
    expect(run.synthetic.columns.map(({ name }) => name)).toEqual(["a", "b", "colour", "class"]);
  });

  test("finds the rules that several splits' trees share, the longest that say it as often", async () => {
    const { result } = await fit(await table(), {
      ...QUICK,
      target: "class",
      objective: "synthetic",
      epochs: 20,
    });
    expect(result.rules.length).toBeGreaterThan(0);
    for (const rule of result.rules) {
      expect(rule.splits.length).toBeGreaterThan(1);
      expect(rule.conditions.length).toBeGreaterThan(0);
      for (const split of rule.splits) {
        const said = result.splits[split - 1].rules.filter((one) => one.class === rule.class);
        expect(said.some((one) => one.conditions.length === rule.conditions.length)).toBe(true);
      }
    }
  });

  test("never lets held-out rows touch the training of their split", async () => {
    const plain = await table();
    const train = Uint32Array.from({ length: 60 }, (_, i) => i);
    const held = Uint32Array.from({ length: 30 }, (_, i) => 60 + i);
    // The same training rows beside held-out rows that are off by a thousand and turned around.
    const other = await table((cells) => {
      for (const i of held) {
        cells.a[i] = 1000 + i;
        cells.b[i] = -1000;
        cells.colour[i] = "blue";
      }
    });
    const settings = resolveSettings(QUICK);
    const job = { split: 1, target: "class", settings, train, test: held };
    const [one, two] = [await runSplit({ ...job, table: plain }), await runSplit({ ...job, table: other })];
    expect(two.model).toEqual(one.model);
    expect(two.result!.history).toEqual(one.result!.history);
    expect(two.result!.tree).toEqual(one.result!.tree);
    expect(two.proba).not.toEqual(one.proba);
  });

  test("gives the same for the same seed and other rows for another", async () => {
    const options = { ...QUICK, target: "class" };
    const once = await fit(await table(), options);
    const again = await fit(await table(), options);
    const other = await fit(await table(), { ...options, seed: 2 });
    expect(again.model.toBytes()).toEqual(once.model.toBytes());
    expect(other.model.toBytes()).not.toEqual(once.model.toBytes());
    const untimed = (run: typeof once) => JSON.stringify(run.result, (key, v) => (key === "seconds" ? 0 : v));
    expect(untimed(again)).toBe(untimed(once));
  });

  test("does not depend on the order in which splits are run", async () => {
    const backwards: SplitRunner = async (jobs, options) => {
      const outcomes = await runInline([...jobs].reverse(), options);
      return outcomes.reverse();
    };
    const options = { ...QUICK, target: "class" };
    const [a, b] = [await fit(await table(), options), await fit(await table(), options, backwards)];
    expect(b.model.toBytes()).toEqual(a.model.toBytes());
    expect(b.result.mean).toEqual({ ...a.result.mean, seconds: b.result.mean.seconds });
  });

  test("splits by a column, which is not learnt", async () => {
    const split = await table((cells) => {
      cells.site = cells.a.map((_, i) => (i % 2 ? "north" : "south"));
      cells.shift = cells.a.map((_, i) => (i % 2 ? "day" : i % 4 ? "night" : "day"));
    });
    const { result } = await fit(split, { ...QUICK, target: "class", splitColumn: "site" });
    expect(result.splits.map(({ rows }) => rows)).toEqual([
      { train: 45, test: 45 },
      { train: 45, test: 45 },
    ]);
    const learnt = result.splits.map(({ importances }) => importances.map(({ column }) => column));
    expect(learnt.flat()).not.toContain("site");
    // The shift is constant in the north: one split learns nothing from it, the mean still has it.
    expect(learnt.map((columns) => columns.includes("shift")).sort()).toEqual([false, true]);
    expect(result.mean.importances.map(({ column }) => column)).toContain("shift");
  });

  test("interrupted, keeps the splits that were begun and says so", async () => {
    const stop = new AbortController();
    const onEpoch = ({ split, epoch }: { split: number; epoch: number }) => {
      if (split === 2 && epoch === 1) stop.abort();
    };
    const { result, synthetic } = await fit(await table(), {
      ...QUICK,
      target: "class",
      signal: stop.signal,
      onEpoch,
    });
    expect(result.splits.map(({ stopped }) => stopped.reason)).toEqual(["epochs", "interrupted"]);
    expect(result.warnings.join(" ")).toMatch(/2 of 3 splits.*model is that of split/);
    expect(synthetic.rows).toBeGreaterThan(0);
  });

  test("takes a class against the rest, and three classes", async () => {
    const three = await table((cells) => {
      cells.class = cells.class.map((name, i) => (name === "usual" && i % 4 === 1 ? "odd" : name));
    });
    const against = await fit(three, { ...QUICK, target: "class", positive: "odd" });
    expect(against.result.data.classes).toEqual(["not odd", "odd"]);
    const all = await fit(three, { ...QUICK, target: "class", metric: "f1_macro" });
    expect(all.result.data.classes).toHaveLength(3);
    expect(new Set(all.synthetic.columns.find(({ name }) => name === "class")!.categories)).toEqual(
      new Set(all.result.data.classes),
    );
  });

  test("warns where there are more folds than rare rows", async () => {
    const few = { ...QUICK, target: "class", splits: 20, epochs: 1 };
    expect((await fit(await table(), few)).result.warnings.join()).toMatch(
      /"rare" is in no test row of 2 of 20/,
    );
  });

  test("saves a model that samples what was asked for", async () => {
    const { model } = await fit(await table(), { ...QUICK, target: "class" });
    const loaded = await openModel(model.toBytes());
    const drawn = await sample(loaded, { counts: { rare: 7, usual: 2 }, seed: 3 });
    const target = drawn.columns.find(({ name }) => name === "class")!;
    const names = Array.from(target.codes!, (code) => target.categories![code]);
    expect(names.filter((name) => name === "rare")).toHaveLength(7);
    expect(names).toHaveLength(9);
  });

  test.each([
    [{ target: "klass" }, /klass/],
    [{ target: "class", splitColumn: "class" }, /split column "class" is the target/],
    [{ target: "class", rows: 0 }, /rows is 0/],
    [{ target: "class", epochs: 0 }, /epochs is 0/],
  ])("refuses %o", async (options, message) => {
    await expect(fit(await table(), { ...QUICK, ...options })).rejects.toThrow(message);
  });
});

describe("the verdict", () => {
  const settings = resolveSettings({});
  const splits = (ours: number[], none: number[], smote: number[], choice: Method = "makeit") =>
    makeRun({ splits: ours.length }).splits.map((split, i) => ({
      ...split,
      choice,
      outOfFold: Object.fromEntries(METHODS.map((m) => [m, m === choice ? 0.2 : 0.1])),
      test: {
        ...split.test,
        ...Object.fromEntries(METHODS.map((m) => [m, 0.1])),
        makeit: ours[i],
        none: none[i],
        smote: smote[i],
      },
    })) as ReturnType<typeof makeRun>["splits"];

  test("helps, when it does in every split", () => {
    const verdict = judge(splits([0.5, 0.6, 0.55], [0.3, 0.35, 0.33], [0.4, 0.4, 0.4]), settings);
    expect(verdict).toMatchObject({ outcome: "helps", wins: 3, splits: 3, best: "makeit" });
    expect(verdict.difference).toBeCloseTo(0.2233, 3);
    expect(verdict.sentence).toMatch(/helps.*0\.327 → 0\.550.*3 of 3.*No simple rival/);
  });

  test("hurts, when it does", () => {
    const verdict = judge(splits([0.2, 0.21, 0.2], [0.5, 0.5, 0.52], [0.4, 0.4, 0.4]), settings);
    expect(verdict).toMatchObject({ outcome: "hurts", best: "none" });
  });

  test("a tie is neither: one worse split of five does not hurt, as one better does not help", () => {
    const none = [0.4, 0.4, 0.4, 0.4, 0.4];
    for (const last of [0.35, 0.45]) {
      const verdict = judge(splits([0.4, 0.4, 0.4, 0.4, last], none, none), settings);
      expect(verdict.outcome).toBe("same");
    }
  });

  test("a split whose rare class has one row to learn from says nothing of the rivals", () => {
    const both = splits([0.6, 0.6], [0.5, 0.5], [0.8, 0.8]);
    const unknown = Object.fromEntries(METHODS.map((m) => [m, m === "makeit" ? 1 : null]));
    const known = Object.fromEntries(METHODS.map((m) => [m, m === "smote" ? 0.8 : 0.6]));
    Object.assign(both[0], { outOfFold: unknown });
    Object.assign(both[1], { outOfFold: known });
    expect(judge(both, settings).choice).toBe("smote");
    Object.assign(both[1], { outOfFold: unknown });
    expect(judge(both, settings).choice).toBe("makeit");
  });

  test("names the rival that wins", () => {
    const verdict = judge(splits([0.5, 0.6, 0.55], [0.3, 0.35, 0.33], [0.7, 0.7, 0.7], "smote"), settings);
    expect(verdict).toMatchObject({ outcome: "helps", best: "smote", choice: "smote" });
    expect(verdict.chosen).toBeCloseTo(0.7, 12);
    expect(verdict.sentence).toMatch(/Use instead SMOTE: 0\.700/);
  });

  test("recommends by the training rows alone, and says what did better", () => {
    const scores = [
      [0.5, 0.6],
      [0.3, 0.35],
      [0.7, 0.7],
    ] as const;
    const [ours, none, smote] = scores.map((values) => [...values]);
    const kept = judge(splits(ours, none, smote), settings);
    expect(kept).toMatchObject({ choice: "makeit", best: "smote" });
    expect(kept.sentence).toMatch(/choice by the training rows alone, yet.*better was SMOTE: 0\.700/);
    const other = judge(splits(ours, none, smote, "none"), settings);
    expect(other.sentence).toMatch(/choice by the training rows alone is the data as it is: 0\.325/);
  });

  test("is the same for differences that could be chance", () => {
    expect(judge(splits([0.5, 0.3, 0.4], [0.4, 0.4, 0.38], [0.1, 0.1, 0.1]), settings).outcome).toBe("same");
  });

  test("turns around where lower is better", () => {
    const brier = resolveSettings({ metric: "brier" });
    const verdict = judge(splits([0.05, 0.05, 0.05], [0.09, 0.08, 0.09], [0.07, 0.07, 0.07]), brier);
    expect(verdict).toMatchObject({ outcome: "helps", best: "makeit" });
  });
});

describe("resample", () => {
  const { x, y } = toy(2, 90);
  const X = Array.from(y, (_, i) => [x.data[2 * i], x.data[2 * i + 1]]);
  const labels = Array.from(y, (label) => (label ? "rare" : "usual"));

  test("adds synthetic rows below the real ones", async () => {
    const out = await resample(X, labels, QUICK);
    expect(out.X.slice(0, 90)).toEqual(X);
    expect(out.y.slice(0, 90)).toEqual(labels);
    expect(out.X).toHaveLength(90 + 64);
    expect(out.y).toHaveLength(90 + 64);
    expect(out.X.every((row) => row.length === 2 && row.every(Number.isFinite))).toBe(true);
  });

  test("labels that are words for a missing cell elsewhere are labels here", async () => {
    const spelled = Array.from(y, (label) => (label ? "NA" : "?"));
    const out = await resample(X, spelled, { ...QUICK, counts: { NA: 3, "?": 1 } });
    expect(out.y.slice(90).sort()).toEqual(["?", "NA", "NA", "NA"]);
  });

  test("adds exactly the counts asked for, and keeps numbers as labels", async () => {
    const out = await resample(X, Array.from(y), { ...QUICK, counts: { 1: 30 } });
    expect(out.y.slice(90)).toEqual(new Array(30).fill(1));
  });

  test.each<[SamplingStrategy<string>, Record<string, number>]>([
    [0.5, { rare: 36, usual: 72 }],
    ["auto", { rare: 72, usual: 72 }],
    ["not majority", { rare: 72, usual: 72 }],
    ["minority", { rare: 72, usual: 72 }],
    [
      { rare: 40, usual: 80 },
      { rare: 40, usual: 80 },
    ],
    [{ rare: 18 }, { rare: 18, usual: 72 }],
    [(given) => ({ rare: given.length }), { rare: 90, usual: 72 }],
  ])("samplingStrategy %o gives %o rows in the end", async (samplingStrategy, totals) => {
    const out = await resample(X, labels, { ...QUICK, epochs: 1, samplingStrategy });
    expect(out.X.slice(0, 90)).toEqual(X);
    const found = Object.fromEntries(
      ["rare", "usual"].map((name) => [name, out.y.filter((label) => label === name).length]),
    );
    expect(found).toEqual(totals);
    expect(out.X).toHaveLength(out.y.length);
  });

  test.each<[SamplingStrategy<string>, RegExp]>([
    [0.1, /samplingStrategy is 0.1 for 2 classes/],
    [1.5, /samplingStrategy is 1.5/],
    [Number.NaN, /samplingStrategy is NaN/],
    [{ rare: 3 }, /asks for 3 rows of class "rare", which has 18/],
    [{ odd: 30 }, /names class "odd", which y has not/],
    [{ rare: 30.5 }, /asks for 30.5 rows/],
    ["all" as never, /samplingStrategy is "all"/],
  ])("refuses samplingStrategy %o", async (samplingStrategy, message) => {
    await expect(resample(X, labels, { ...QUICK, samplingStrategy })).rejects.toThrow(message);
  });

  test("refuses what does not fit together", async () => {
    const both = { ...QUICK, counts: { rare: 1 }, samplingStrategy: 1 };
    await expect(resample(X, labels, both)).rejects.toThrow(/Both counts and samplingStrategy/);
    await expect(resample(X, labels.slice(1), QUICK)).rejects.toThrow(/90 rows and y has 89/);
    await expect(resample([[1, 2], [1]], ["a", "b"], QUICK)).rejects.toThrow(/Row 1 of X has 1 values/);
    await expect(resample([], [], QUICK)).rejects.toThrow(/no rows/);
  });
});
