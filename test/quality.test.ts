import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { listData, openData } from "../bench/quality/data.ts";
import { METHOD_NAMES, openRunner } from "../bench/quality/job.ts";
import { compareMethods, type Line, labelOf, lineOf, summaryText } from "../bench/quality/report.ts";
import { resolveSettings } from "../sdk/options.ts";
import { Random } from "../sdk/random.ts";

const folder = mkdtempSync(join(tmpdir(), "makeit-quality-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** 90 rows of one class and 18 of the other, two units apart in one of two columns. */
function blobs(): string {
  const random = new Random(1);
  const lines = ["a,b,class"];
  for (let i = 0; i < 108; i++) {
    const [a, b] = [3 * random.uniform() + (i % 6 === 0 ? 2 : 0), random.uniform()];
    lines.push(`${a.toFixed(3)},${b.toFixed(3)},${i % 6 === 0 ? "yes" : "no"}`);
  }
  return `${lines.join("\n")}\n`;
}

describe("bench:quality", () => {
  test("without --data it measures the bird strikes: the costs left out, 311 substantial ones to find", async () => {
    const [set] = listData();
    const { table, target } = await openData(set);
    expect(table.rows).toBe(10_000);
    expect(table.columns.filter(({ role }) => role === "drop").map(({ name }) => name)).toEqual(set.drop);
    const column = table.columns.find(({ name }) => name === target)!;
    const code = column.categories!.indexOf(set.positive!);
    expect(column.codes!.filter((found) => found === code)).toHaveLength(311);
  });

  test("a wrong folder or name is said plainly", () => {
    expect(() => listData("no/such/folder")).toThrow("There is no no/such/folder.");
    expect(() => listData("sdk", undefined, ["x"])).toThrow('There is no data set "x"');
    expect(() => listData("sdk")).toThrow("holds no CSV file");
  });

  test("a job gives every method's score on the held-out rows, the same each time", async () => {
    writeFileSync(join(folder, "blobs.csv"), blobs());
    const config = {
      sets: listData(folder),
      methods: METHOD_NAMES,
      settings: resolveSettings({ epochs: 2, splits: 3, rescoreDraws: 1 }),
      referenceEpochs: 2,
    };
    const job = { set: 0, split: 2 };
    const first = await (await openRunner(config))(job);
    expect(Object.keys(first.scores)).toEqual([...METHOD_NAMES]);
    for (const name of METHOD_NAMES) {
      expect(first.scores[name]).toBeGreaterThan(0.3);
      expect(first.scores[name]).toBeLessThanOrEqual(1);
      expect(first.metrics[name]!.f1).toBe(first.scores[name]);
      expect(first.metrics[name]!.roc_auc).toBeGreaterThan(0.8);
    }
    const runner = await openRunner(config);
    await runner({ set: 0, split: 0 });
    const second = await runner(job);
    expect({ ...second, seconds: 0 }).toEqual({ ...first, seconds: 0 });
  });

  test("the same sets vote again: with the same options alike, with others not", async () => {
    writeFileSync(join(folder, "blobs.csv"), blobs());
    const settings = resolveSettings({ epochs: 3, splits: 3, rescore: 8, rescoreDraws: 2, metric: "f1" });
    const run = await openRunner({
      sets: listData(folder),
      methods: ["makeit", "vote=40", "weight=9", "rescoreDraws=1,vote=1"],
      settings,
      referenceEpochs: 2,
      votes: {
        "vote=40": { vote: 40 },
        "weight=9": { weight: 9 },
        "rescoreDraws=1,vote=1": { rescoreDraws: 1, vote: 1 },
      },
    });
    const { metrics } = await run({ set: 0, split: 1 });
    expect(settings.vote).toBe(40);
    expect(metrics["vote=40"]).toEqual(metrics.makeit);
    expect(metrics["weight=9"]).not.toEqual(metrics.makeit);
    expect(metrics["rescoreDraws=1,vote=1"]).not.toEqual(metrics.makeit);
    expect(labelOf("rescoreDraws=1,vote=1")).toBe("r=1,v=1");
  });

  test("a line holds the means over folds", () => {
    const outcome = (none: number, makeit: number) => ({
      job: { set: 0, split: 0 },
      scores: { none, makeit },
      metrics: {},
      seconds: { none: 1, makeit: 3 },
    });
    const line = lineOf("data", [outcome(0.25, 0.5), outcome(0.75, 0.5)], ["none", "makeit"]);
    expect(line).toEqual({ name: "data", scores: [0.5, 0.5], seconds: [1, 3] });
  });

  test("the summary counts wins for a metric that falls as for one that rises", () => {
    const line = (none: number, makeit: number): Line => ({
      name: "",
      scores: [none, makeit],
      seconds: [0, 0],
    });
    const lines = [line(0.5, 0.25), line(0.5, 0.5), line(0.5, 0.75), line(0.5, 1)];
    const cell = (text: string, name: string) =>
      text
        .split("\n")
        .find((row) => row.trim().startsWith(name))!
        .trim()
        .split(/\s{2,}/)
        .slice(1);
    const methods = ["none", "makeit"] as const;
    const rising = summaryText("all", compareMethods(lines, methods, true));
    expect(cell(rising, "wins")).toEqual(["2"]);
    expect(cell(rising, "ties")).toEqual(["1"]);
    expect(cell(rising, "losses")).toEqual(["1"]);
    expect(cell(rising, "mean rank")).toEqual(["1.63", "1.38"]);
    expect(cell(rising, "mean difference")).toEqual(["0.1250"]);
    const falling = summaryText("all", compareMethods(lines, methods, false));
    expect(cell(falling, "wins")).toEqual(["1"]);
    expect(cell(falling, "mean rank")).toEqual(["1.38", "1.63"]);
    expect(cell(falling, "mean difference")).toEqual(["0.1250"]);
  });
});
