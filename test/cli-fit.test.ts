import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  makeit,
  type Outcome,
  readJson,
  SHORT,
  smallTable,
  withoutSeconds,
  workplace,
  writeSmallTable,
} from "./cli.ts";

const place = workplace();
afterAll(() => place.dispose());

const SPLIT_PLOTS = ["curves", "distributions", "embedding", "importance", "tree"];
const SPLIT_FILES = [1, 2].flatMap((k) => [
  `split-${k}`,
  ...SPLIT_PLOTS.map((plot) => `split-${k}/${plot}.svg`),
]);
const FILES = [
  ...["importance.svg", "importances.svg", "methods.svg", "reliability.svg"],
  ...["model.safetensors", "report.html", "report.json", "synthetic.csv"],
  ...SPLIT_FILES,
].sort();

let table: string;
let first: Outcome;
beforeAll(async () => {
  table = writeSmallTable(place.path("rare.csv"));
  first = await makeit(["fit", table, "--target", "rare", ...SHORT, "--out", place.path("one")]);
});

/** What a folder holds, as hashes; report.json is compared without its times. */
function bytes(folder: string): Map<string, string> {
  const names = FILES.filter((name) => /\.(csv|svg|safetensors)$/.test(name));
  const hash = (name: string) =>
    createHash("sha256")
      .update(readFileSync(place.path(folder, name)))
      .digest("hex");
  return new Map(names.map((name) => [name, hash(name)]));
}

describe("fit", () => {
  test("writes the whole folder and nothing beside it", () => {
    expect(first).toMatchObject({ code: 0 });
    expect(place.files("one")).toEqual(FILES);
    expect(place.files().filter((name) => name.includes(".makeit"))).toEqual([]);
  });

  test("tells the verdict first, then the methods, then where the files are", () => {
    const lines = first.stdout.split("\n");
    const { verdict } = readJson(place.path("one/report.json")) as { verdict: { sentence: string } };
    expect(lines[0]).toBe(verdict.sentence);
    for (const part of ["Class weights", "Tuned threshold", "SMOTE", "Makeit", place.path("one"), "sample"]) {
      expect(first.stdout).toContain(part);
    }
  });

  test("says how far it is in plain lines off a terminal", () => {
    expect(first.stderr).toMatch(/^split 1\/2, epoch \d+\/3: score \d\.\d{3}, best \d\.\d{3}; .* left$/m);
    expect(first.stderr).not.toContain("\u001b");
  });

  test("synthetic.csv has the table's columns and classes", () => {
    const [head, ...rows] = readFileSync(place.path("one/synthetic.csv"), "utf8").trimEnd().split("\n");
    expect(head).toBe("length,weight,colour,rare");
    expect(rows.length).toBeGreaterThan(16);
    for (const row of rows) expect(row).toMatch(/^\d+(\.\d{1,2})?,\d+,(red|blue),(yes|no)$/);
  });

  test("report.json has what the README promises", () => {
    const report = readJson(place.path("one/report.json"));
    expect(report).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      seed: 1,
      engine: "wasm",
      metric: "f1",
      data: { rows: 120, columns: 3, target: "rare", classes: ["no", "yes"], positives: 20 },
    });
    const splits = report.splits as Record<string, Record<string, unknown>>[];
    expect(splits).toHaveLength(2);
    for (const split of splits) {
      for (const method of [
        "none",
        "weighted",
        "threshold",
        "weightedThreshold",
        "oversample",
        "smote",
        "makeit",
      ]) {
        expect(split.test[method]).toBeTypeOf("number");
      }
      for (const curve of ["mean", "max", "best"]) expect(split.history[curve]).toHaveLength(3);
      expect(split.stopped).toEqual({ epoch: 3, reason: "epochs" });
      const columns = (split.importances as unknown as { column: string }[]).map((item) => item.column);
      expect(columns.sort()).toEqual(["colour", "length", "weight"]);
      expect(split.seconds).toBeTypeOf("number");
    }
    expect(report.verdict).toMatchObject({
      outcome: expect.stringMatching(/^(helps|same|hurts)$/),
      splits: 2,
      wins: expect.any(Number),
      best: expect.any(String),
    });
  });

  test("report.html stands alone and holds the plots", () => {
    const html = readFileSync(place.path("one/report.html"), "utf8");
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)="?https?:/i);
    expect(html.match(/<svg/g)?.length).toBeGreaterThan(5);
  });

  test("the plots are SVG with the columns' names", () => {
    for (const name of FILES.filter((file) => file.endsWith(".svg"))) {
      expect(readFileSync(place.path("one", name), "utf8")).toMatch(
        /^(<\?xml[^>]*>\s*)?<svg [\s\S]*<\/svg>\s*$/,
      );
    }
    expect(readFileSync(place.path("one/split-2/importance.svg"), "utf8")).toContain("weight");
  });

  test("two jobs give the bytes of one, but for the times", async () => {
    const words = [
      "fit",
      table,
      "--target",
      "rare",
      ...SHORT.slice(0, -2),
      "--jobs",
      "2",
      "--out",
      place.path("two"),
    ];
    expect(await makeit(words)).toMatchObject({ code: 0 });
    expect(bytes("two")).toEqual(bytes("one"));
    const report = (folder: string) =>
      JSON.stringify(withoutSeconds(readJson(place.path(folder, "report.json"))));
    expect(report("two")).toBe(report("one"));
    expect(report("two")).not.toContain('"seconds"');
  });

  test("--json prints one object and nothing else there; a table may come from standard input", async () => {
    const words = [
      "fit",
      "-",
      "--target",
      "rare",
      ...SHORT,
      "--json",
      "--quiet",
      "--out",
      place.path("piped"),
    ];
    const { code, stdout, stderr } = await makeit(words, { input: gzipSync(smallTable()) });
    expect([code, stderr]).toEqual([0, ""]);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ out: place.path("piped"), metric: "f1", verdict: { splits: 2 } });
    expect([...told.files].sort()).toEqual(FILES.filter((name) => !/^split-\d$/.test(name)));
    expect(bytes("piped")).toEqual(bytes("one"));
  });

  test("--quiet says nothing at all", async () => {
    const words = ["fit", table, "--target", "rare", ...SHORT, "-q", "--out", place.path("quiet")];
    expect(await makeit(words)).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("a config file gives flags, the command line wins", async () => {
    const config = place.path("run.json");
    const flags = {
      target: "rare",
      epochs: 9,
      splits: 2,
      samples: "16",
      rescore: 2,
      vote: 2,
      out: place.path("configured"),
    };
    writeFileSync(config, JSON.stringify(flags));
    expect(await makeit(["fit", table, "--config", config, "--epochs", "2", "--jobs", "1"])).toMatchObject({
      code: 0,
    });
    const { splits } = readJson(place.path("configured/report.json")) as { splits: { stopped: object }[] };
    expect(splits.map(({ stopped }) => stopped)).toEqual(Array(2).fill({ epoch: 2, reason: "epochs" }));
  });

  test("roles, rows and a split column are as the flags say", async () => {
    const lines = smallTable().trimEnd().split("\n");
    const withFold = lines.map((line, i) =>
      i === 0 ? `key,${line},fold` : `k${i},${line},${"abc"[Math.floor(i / 6) % 3]}`,
    );
    writeFileSync(place.path("folds.csv"), withFold.join("\n"));
    const roles = ["--id", "key", "--drop", "colour", "--categorical", "weight", "--split-column", "fold"];
    const short = SHORT.filter((_, i) => i < 2 || i > 3); // all but --splits 2
    const words = ["fit", place.path("folds.csv"), "-t", "rare", ...roles, "--rows", "33", ...short];
    expect(await makeit([...words, "--out", place.path("folds")])).toMatchObject({ code: 0 });
    const report = readJson(place.path("folds/report.json")) as {
      splits: { importances: { column: string }[] }[];
    };
    expect(report.splits).toHaveLength(3);
    expect(report.splits[0].importances.map((item) => item.column).sort()).toEqual(["length", "weight"]);
    const rows = readFileSync(place.path("folds/synthetic.csv"), "utf8").trimEnd().split("\n");
    expect(rows).toHaveLength(34);
  });

  test("--force replaces earlier results and leaves what is not ours", async () => {
    mkdirSync(place.path("again/split-7"), { recursive: true });
    writeFileSync(place.path("again/split-7/tree.svg"), "old");
    writeFileSync(place.path("again/notes.txt"), "mine");
    const words = ["fit", table, "--target", "rare", ...SHORT, "--force", "--out", place.path("again")];
    expect(await makeit(words)).toMatchObject({ code: 0 });
    expect(place.files("again")).toEqual([...FILES, "notes.txt"].sort());
  });

  test("three classes", async () => {
    const file = writeSmallTable(place.path("three.csv"), { rows: 180, classes: ["a", "b", "c"] });
    const words = [
      "fit",
      file,
      "--target",
      "rare",
      "--metric",
      "f1_macro",
      ...SHORT,
      "--out",
      place.path("three"),
    ];
    expect(await makeit(words)).toMatchObject({ code: 0 });
    expect(readJson(place.path("three/report.json"))).toMatchObject({ data: { classes: ["a", "b", "c"] } });
  });
});
