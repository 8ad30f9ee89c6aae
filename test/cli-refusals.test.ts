import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal, makeit, readJson, SHORT, smallTable, workplace, writeSmallTable } from "./cli.ts";

const place = workplace();
afterAll(() => place.dispose());

let table: string;
beforeAll(() => {
  table = writeSmallTable(place.path("rare.csv"));
});

/** The small table with its text changed. */
function changed(name: string, change: (csv: string) => string | Uint8Array): string {
  writeFileSync(place.path(name), change(smallTable()));
  return place.path(name);
}

const rowsOf = (csv: string) => csv.trimEnd().split("\n");

/** A further column, as the first one. */
function withColumn(name: string, cell: (row: number) => string): (csv: string) => string {
  return (csv) =>
    rowsOf(csv)
      .map((line, i) => `${i === 0 ? name : cell(i)},${line}\n`)
      .join("");
}

const withClasses = (name: (row: number) => string) => (csv: string) =>
  rowsOf(csv)
    .map((line, i) => (i === 0 ? line : line.replace(/[^,]+$/, name(i))))
    .join("\n");

async function refused(file: string, message: string | RegExp, words: readonly string[] = []) {
  const out = place.path("never/results");
  expectRefusal(await makeit(["fit", file, "--target", "rare", ...SHORT, "--out", out, ...words]), message);
  expect(place.files().filter((name) => /never|\.makeit/.test(name))).toEqual([]);
}

test("a λ that is no number is quoted as it was written", async () => {
  await refused(table, /--sweep-lambda has "a"; expected numbers/, ["--sweep-lambda", "a,1"]);
});

async function fitted(file: string, words: readonly string[] = []) {
  const out = place.path("fitted");
  const outcome = await makeit([
    "fit",
    file,
    "--target",
    "rare",
    ...SHORT,
    "--out",
    out,
    "--force",
    ...words,
  ]);
  expect(outcome).toMatchObject({ code: 0 });
  return {
    ...outcome,
    report: readJson(`${out}/report.json`) as { data: Record<string, unknown>; warnings: string[] },
  };
}

describe("tables that cannot be used", () => {
  test("missing file", () => refused(place.path("none.csv"), /no file .*none\.csv/));
  test("a folder without images", () =>
    refused(place.path(), /a column of paths and one of labels were expected/));
  test("empty standard input", () => refused("-", /empty|no rows|no header/i));
  test("wrong target", async () => {
    const outcome = await makeit(["fit", table, "--target", "rar", ...SHORT, "--out", place.path("never")]);
    expectRefusal(outcome, /no column "rar"\.\n.*Did you mean "rare"/);
  });
  test("no target", async () => {
    expectRefusal(await makeit(["fit", table, "--out", place.path("never")]), /--target <column>/);
  });
  test("wrong positive class", () => refused(table, /maybe/, ["--positive", "maybe"]));
  test("wrong column in a flag", () => refused(table, /no column "colr"/, ["--drop", "colr"]));
  test("one class", () =>
    refused(
      changed(
        "one.csv",
        withClasses(() => "no"),
      ),
      /one class|only class/i,
    ));
  test("a class with one row", () =>
    refused(
      changed(
        "single.csv",
        withClasses((i) => (i === 5 ? "yes" : "no")),
      ),
      /"?yes"? .*1|one row/i,
    ));
  test("ragged row: file, line, expected and found", () =>
    refused(
      changed("ragged.csv", (csv) => csv.replace(/\n(?=[^\n]*\n?$)/, "\n1,2\n")),
      /ragged\.csv.*12\d.*4.*2/,
    ));
  test("duplicate headers", () =>
    refused(
      changed("twice.csv", (csv) => csv.replace("weight", "length")),
      /twice\.csv.*"length"/,
    ));
  test("header and no rows", () =>
    refused(
      changed("header.csv", (csv) => rowsOf(csv)[0]),
      /no rows|0 rows/i,
    ));
  test("nothing but the target", () =>
    refused(
      changed("alone.csv", (csv) =>
        rowsOf(csv)
          .map((line) => line.split(",")[3])
          .join("\n"),
      ),
      /column/,
    ));
  test("not UTF-8", () =>
    refused(
      changed("latin.csv", (csv) => Buffer.from(csv.replaceAll("blue", "bl\u00fcee"), "latin1")),
      /UTF-8/,
    ));
  test("infinity", () =>
    refused(
      changed("infinite.csv", (csv) => csv.replace(/\n[\d.]+,/, "\nInfinity,")),
      /infinite\.csv.*nfinit/,
    ));
  test("gzip cut short", () =>
    refused(
      changed("cut.csv.gz", (csv) => gzipSync(csv).subarray(0, 300)),
      /cut\.csv\.gz/,
    ));
  test("not Parquet", () =>
    refused(
      changed("odd.parquet", (csv) => csv),
      /odd\.parquet/,
    ));
});

describe("tables that look odd but can be used", () => {
  test("BOM and CRLF", async () => {
    const { report } = await fitted(changed("windows.csv", (csv) => `\uFEFF${csv.replaceAll("\n", "\r\n")}`));
    expect(report.data).toMatchObject({ rows: 120, classes: ["no", "yes"] });
  });

  test("quotes, commas and newlines in fields", async () => {
    const file = changed("quoted.csv", (csv) => csv.replaceAll("red", '"r\ne,""d"""'));
    expect((await fitted(file)).report.data).toMatchObject({ rows: 120 });
    expect(readFileSync(place.path("fitted/synthetic.csv"), "utf8")).toContain('"r\ne,""d"""');
  });

  test("markup in names", async () => {
    const file = changed("markup.csv", (csv) => csv.replace("weight", "<script>alert(1)</script>&"));
    await fitted(file);
    expect(readFileSync(place.path("fitted/report.html"), "utf8")).not.toContain("<script>alert(1)");
    expect(readFileSync(place.path("fitted/split-1/importance.svg"), "utf8")).not.toContain("<script>alert");
  });

  test("NaN text is missing, and missing comes back", async () => {
    const file = changed("gaps.csv", (csv) =>
      csv.replace(/\n\d\d\.(\d)\d,/g, (cell, digit) => (digit > 4 ? "\nNaN," : cell)),
    );
    expect((await fitted(file)).report.data).toMatchObject({ rows: 120 });
  });

  test("an all-missing and a constant column are left out of the learning", async () => {
    const file = changed("dull.csv", (csv) =>
      withColumn("empty", () => "")(withColumn("same", () => "7")(csv)),
    );
    expect((await fitted(file)).report.data).toMatchObject({ rows: 120, columns: 3 });
    const rows = rowsOf(readFileSync(place.path("fitted/synthetic.csv"), "utf8"));
    expect(rows[0]).toBe("empty,same,length,weight,colour,rare");
    for (const row of rows.slice(1)) expect(row).toMatch(/^,7,/);
  });

  test("as many categories as rows", async () => {
    const file = changed(
      "many.csv",
      withColumn("name", (i) => `name ${i * 7919}`),
    );
    await fitted(file, ["--categorical", "name"]);
  });
});

describe("places that cannot be written", () => {
  test("a folder that is not empty", async () => {
    mkdirSync(place.path("full"), { recursive: true });
    writeFileSync(place.path("full/notes.txt"), "mine");
    expectRefusal(
      await makeit(["fit", table, "-t", "rare", "--out", place.path("full")]),
      /is not empty.*\n.*--force/,
    );
    expect(place.files("full")).toEqual(["notes.txt"]);
  });

  test("a file", async () => {
    expectRefusal(await makeit(["fit", table, "-t", "rare", "--out", table]), /is a file, not a folder/);
    expectRefusal(
      await makeit(["fit", table, "-t", "rare", "--out", `${table}/x`]),
      /a file that is not a folder/,
    );
  });

  test("a folder without permission", async () => {
    mkdirSync(place.path("closed"));
    chmodSync(place.path("closed"), 0o500);
    const out = process.getuid?.() === 0 ? "/proc/makeit-out" : place.path("closed/out");
    expectRefusal(await makeit(["fit", table, "-t", "rare", "--out", out]), /cannot be written/);
  });

  test("standard output", async () => {
    expectRefusal(await makeit(["fit", table, "-t", "rare", "--out", "-"]), /--out is a folder/);
  });
});

describe("flags that cannot be used", () => {
  test.each([
    [["--epochs", "0"], '--epochs is "0"; expected a whole number from 1'],
    [["--lambda", "-1"], '--lambda is "-1"; expected a number from 0'],
    [["--metric", "f2"], '--metric is "f2"; expected one of f1,'],
    [["--preset", "draGAN"], "expected one of default, images, dragan, makeit-2023"],
    [["--engine", "cuda"], "expected one of auto, wasm, webgpu"],
    [["--samples", "lots"], 'samples is "lots"; expected a count from 2 such as 64, or a factor'],
    [["--discriminator-widths", "a,b"], 'is "a,b"; expected widths'],
    [["--seed", "1.5"], '--seed is "1.5"; expected a whole number'],
    [["--rows", "0"], '--rows is "0"'],
    [["--epoch", "3"], /Unknown flag --epoch for fit\.\n.*Did you mean --epochs\?/],
    [["--splits", "3", "--split-column", "colour"], "--splits and --split-column contradict each other"],
    [["--drop", "rare"], 'Column "rare" is named by --target and by --drop'],
    [["--numeric", "weight", "--categorical", "weight"], "is named by --categorical and by --numeric"],
    [["--id", "weight", "--numeric", "weight"], "is named by --numeric and by --id"],
    [["--format", "parquet", "--delimiter", ";"], "--delimiter goes with CSV"],
    [["extra.csv"], 'Unexpected argument "extra.csv"'],
    [["--config", "none.json"], "none.json does not exist"],
  ])("%j is refused: %s", async (words, message) => {
    const outcome = await makeit(["fit", table, "--target", "rare", "--out", place.path("never"), ...words]);
    expectRefusal(outcome, message);
    expect(place.files().filter((name) => /never|\.makeit/.test(name))).toEqual([]);
  });

  test("unknown keys of a config file are named", async () => {
    const config = place.path("config.json");
    writeFileSync(config, JSON.stringify({ target: "rare", epoch: 3 }));
    expectRefusal(
      await makeit(["fit", table, "--config", config]),
      /Unknown key "epoch" in .*\n.*Did you mean epochs\?/,
    );
    writeFileSync(config, "target: rare");
    expectRefusal(await makeit(["fit", table, "--config", config]), /config\.json is not valid JSON/);
  });

  test("with --json the error is an object on standard output too", async () => {
    const { code, stdout, stderr } = await makeit(["fit", place.path("none.csv"), "-t", "rare", "--json"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^makeit: There is no file .*none\.csv/);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "input", message: expect.stringContaining("none.csv") },
    });
  });
});
