import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal, makeit, SHORT, workplace, writeSmallTable } from "./cli.ts";

const place = workplace();
afterAll(() => place.dispose());

let model: string;
beforeAll(async () => {
  const table = writeSmallTable(place.path("rare.csv"));
  await makeit(["fit", table, "-t", "rare", ...SHORT, "--out", place.path("run")]);
  model = place.path("run/model.safetensors");
});

const lines = (csv: string) => csv.trimEnd().split("\n");

describe("sample", () => {
  test("prints rows as CSV; the same seed, the same rows", async () => {
    const [one, same, other] = await Promise.all(
      ["4", "4", "5"].map((seed) => makeit(["sample", model, "--rows", "25", "--seed", seed])),
    );
    expect(one).toMatchObject({ code: 0, stderr: "" });
    const [head, ...rows] = lines(one.stdout);
    expect(head).toBe("length,weight,colour,rare");
    expect(rows).toHaveLength(25);
    for (const row of rows) expect(row).toMatch(/^\d+(\.\d{1,2})?,\d+,(red|blue),(yes|no)$/);
    expect(same.stdout).toBe(one.stdout);
    expect(other.stdout).not.toBe(one.stdout);
  });

  test("a folder is no model, and it is said", async () => {
    expectRefusal(await makeit(["sample", place.path("run"), "--rows", "3"]), /run.*folder/);
  });

  test("--counts gives each class its rows", async () => {
    const { code, stdout } = await makeit(["sample", model, "--counts", "yes=30,no=5"]);
    expect(code).toBe(0);
    const classes = lines(stdout).map((line) => line.split(",")[3]);
    expect(classes.filter((name) => name === "yes")).toHaveLength(30);
    expect(classes.filter((name) => name === "no")).toHaveLength(5);
  });

  test("--out writes CSV or Parquet, --json says what was written", async () => {
    const csv = await makeit(["sample", model, "--rows", "7", "--out", place.path("a.csv")]);
    expect(csv).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("7 rows in") });
    expect(lines(readFileSync(place.path("a.csv"), "utf8"))).toHaveLength(8);
    const words = ["sample", model, "--rows", "7", "--out", place.path("a.parquet"), "--json", "-q"];
    const { code, stdout, stderr } = await makeit(words);
    expect([code, stderr, JSON.parse(stdout)]).toEqual([
      0,
      "",
      { out: place.path("a.parquet"), rows: 7, columns: 4 },
    ]);
    const inspected = await makeit(["inspect", place.path("a.parquet"), "--json"]);
    expect(JSON.parse(inspected.stdout)).toMatchObject({ rows: 7 });
  });

  test.each([
    [["--rows", "5", "--counts", "yes=5"], "--rows and --counts contradict each other"],
    [[], "Neither --rows nor --counts is given"],
    [["--rows", "0"], '--rows is "0"; expected a whole number from 1'],
    [["--rows", "many"], '--rows is "many"; expected a whole number'],
    [["--counts", "yes"], '--counts has "yes"; expected class=count'],
    [["--counts", "yes=1,yes=2"], 'names class "yes" twice'],
    [["--counts", "maybe=5"], "maybe"],
    [["--rows", "5", "--out", "rows.xlsx"], "no format goes with this name"],
  ])("%j is refused: %s", async (words, message) => {
    expectRefusal(await makeit(["sample", model, ...words]), message);
  });

  test("--json needs --out", async () => {
    const { code, stdout, stderr } = await makeit(["sample", model, "--rows", "5", "--json"]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("--json and rows on standard output contradict"),
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "input" } });
  });

  test("a file that is there needs --force", async () => {
    mkdirSync(place.path("folder.csv"));
    const folder = ["sample", model, "--rows", "5", "--out", place.path("folder.csv")];
    expectRefusal(await makeit(folder), "folder.csv is a folder");
    const file = place.path("there.csv");
    writeFileSync(file, "mine");
    expectRefusal(await makeit(["sample", model, "--rows", "5", "--out", file]), "is already there");
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect(await makeit(["sample", model, "--rows", "5", "--out", file, "--force"])).toMatchObject({
      code: 0,
    });
    expect(lines(readFileSync(file, "utf8"))).toHaveLength(6);
  });

  test("a model that is missing, cut short, of another version or no model is refused", async () => {
    const bytes = readFileSync(model);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
    header.__metadata__.file_version = "999";
    const later = Buffer.from(JSON.stringify(header));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(later.length));
    const files: [name: string, data: Uint8Array, message: string][] = [
      ["cut.safetensors", bytes.subarray(0, bytes.length - 100), "cut.safetensors"],
      ["header.safetensors", bytes.subarray(0, 100), "header.safetensors"],
      ["empty.safetensors", new Uint8Array(0), "empty.safetensors"],
      ["later.safetensors", Buffer.concat([size, later, bytes.subarray(8 + length)]), "999"],
      ["rows.safetensors", readFileSync(place.path("rare.csv")), "rows.safetensors"],
    ];
    for (const [name, data, message] of files) {
      writeFileSync(place.path(name), data);
      const out = place.path("never.csv");
      expectRefusal(await makeit(["sample", place.path(name), "--rows", "5", "--out", out]), message);
    }
    expectRefusal(await makeit(["sample", place.path("none"), "--rows", "5"]), "none does not exist");
    expect(place.files().filter((name) => /never|\.makeit/.test(name))).toEqual([]);
  });

  test("a reader that closes early is no error", async () => {
    const { execFileSync } = await import("node:child_process");
    const line = `"${process.execPath}" dist/cli.js sample "${model}" --rows 200000 | head -n 1`;
    const out = execFileSync("bash", ["-c", `set -o pipefail; ${line}`], { encoding: "utf8" });
    expect(out).toBe("length,weight,colour,rare\n");
  });
});
