import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kebab, SETTING_FLAGS } from "../cli/flags.ts";
import { expectRefusal, makeit, readJson, smallTable, workplace, writeSmallTable } from "./cli.ts";

const place = workplace();
afterAll(() => place.dispose());

let table: string;
beforeAll(() => {
  table = writeSmallTable(place.path("rare.csv"));
});

const COMMANDS = ["fit", "sample", "evaluate", "inspect", "devices", "demo"];

describe("makeit", () => {
  test("--help names the commands, --version the package's version", async () => {
    const { code, stdout, stderr } = await makeit(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of [...COMMANDS, "completion"]) expect(stdout).toContain(`makeit ${name}`);
    expect(await makeit(["--version"])).toEqual({
      code: 0,
      stdout: `${readJson("package.json").version}\n`,
      stderr: "",
    });
  });

  test.each(COMMANDS)("%s --help shows real examples and nothing undefined", async (name) => {
    const { code, stdout } = await makeit([name, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\\n +makeit ${name}`));
    expect(stdout).not.toMatch(/undefined|\[object/);
  });

  test("fit --help lists every parameter of the SDK", async () => {
    const { stdout } = await makeit(["fit", "--help"]);
    for (const name of Object.keys(SETTING_FLAGS)) expect(stdout).toContain(`--${kebab(name)} `);
  });

  test.each([
    [[], "No command given."],
    [["fitt"], /Unknown command "fitt"\.\n {2}Did you mean fit\?/],
    [["fit"], "A file is needed"],
    [["evaluate", "one.csv"], "2 files are needed, 1 given."],
    [["devices", "--jsn"], /Unknown flag --jsn for devices\.\n {2}Did you mean --json\?/],
  ])("%j is refused", async (words, message) => {
    expectRefusal(await makeit(words), message);
  });

  test("completion scripts complete commands and flags", async () => {
    const bash = await makeit(["completion"], { env: { SHELL: "/bin/bash" } });
    expect(bash).toMatchObject({ code: 0, stdout: expect.stringContaining("complete -o bashdefault") });
    const zsh = await makeit(["completion"], { env: { SHELL: "/bin/zsh" } });
    expect(zsh.stdout).toMatch(/^#compdef makeit/);
    const commands = await makeit(["--get-yargs-completions", "makeit", ""]);
    for (const name of COMMANDS) expect(commands.stdout).toContain(name);
    const flags = await makeit(["--get-yargs-completions", "makeit", "fit", "--crit"]);
    expect(flags.stdout).toContain("--critic-learning-rate");
  });
});

describe("devices", () => {
  test("shows what this machine offers, and what auto takes and why", async () => {
    const { code, stdout } = await makeit(["devices"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/engine wasm +available/);
    expect(stdout).toMatch(/engine webgpu +(available|not available: )/);
    expect(stdout).toMatch(/--engine auto +takes (wasm|webgpu): \S/);
    const { stdout: json } = await makeit(["devices", "--json"]);
    const found = JSON.parse(json);
    expect(found).toMatchObject({
      auto: expect.stringMatching(/^(wasm|webgpu)$/),
      cores: availableParallelism(),
      engines: [{ name: "wasm", available: true, features: { simd: true } }, { name: "webgpu" }],
    });
    const [, webgpu] = found.engines;
    if (webgpu.available) {
      expect(webgpu.adapter).toMatchObject({
        description: expect.stringMatching(/\S/),
        software: expect.any(Boolean),
        features: expect.arrayContaining([]),
        limits: { maxBufferSize: expect.any(Number) },
      });
    } else expect(webgpu.reason).toMatch(/no GPU/);
  });
});

describe("inspect", () => {
  test("tells roles, missing cells and imbalance", async () => {
    const { code, stdout } = await makeit(["inspect", table, "--target", "rare"]);
    expect(code).toBe(0);
    for (const part of ["120 rows", "length", "numeric", "integer", "categorical", "yes", "20"]) {
      expect(stdout).toContain(part);
    }
  });

  test("--json gives the same for programs, from standard input too", async () => {
    const words = ["inspect", "-", "--target", "rare", "--id", "length", "--json"];
    const { code, stdout } = await makeit(words, { input: smallTable() });
    expect(code).toBe(0);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ rows: 120 });
    const roles = told.columns.map((column: { name: string; role: string }) => [column.name, column.role]);
    expect(roles.slice(0, 2)).toEqual([
      ["length", "id"],
      ["weight", "integer"],
    ]);
  });

  test.each([
    ["semicolon.csv", (csv: string) => csv.replaceAll(",", ";"), []],
    ["tabs.tsv", (csv: string) => csv.replaceAll(",", "\t"), []],
    ["bars.txt", (csv: string) => csv.replaceAll(",", "|"), ["--delimiter", "|"]],
    ["tabs.dat", (csv: string) => csv.replaceAll(",", "\t"), ["--format", "tsv"]],
  ])("reads %s", async (name, change, words) => {
    writeFileSync(place.path(name), change(smallTable()));
    const { stdout } = await makeit(["inspect", place.path(name), ...words, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 120, columns: { length: 4 } });
  });

  test("1e5 categories", async () => {
    const file = place.path("many.csv");
    const rows = Array.from(
      { length: 100_000 },
      (_, i) => `name ${(i * 7919) % 1_000_003},${i % 9 ? "no" : "yes"}`,
    );
    writeFileSync(file, `name,rare\n${rows.join("\n")}\n`);
    const told = async (words: string[]) =>
      JSON.parse((await makeit(["inspect", file, "--json", ...words])).stdout);
    expect((await told([])).columns[0]).toMatchObject({ role: "id", distinct: 100_000 });
    expect((await told(["--categorical", "name"])).columns[0]).toMatchObject({ role: "categorical" });
  });

  test("a target may be read as categories", async () => {
    const file = place.path("ages.csv");
    writeFileSync(
      file,
      `age,x\n${Array.from({ length: 90 }, (_, i) => `${i % 30},${(i % 45) + 0.5}`).join("\n")}\n`,
    );
    const words = ["inspect", file, "--target", "age"];
    expectRefusal(await makeit(words), /looks like regression[^\n]*\n.*--categorical/);
    const { stdout } = await makeit([...words, "--categorical", "age", "--json"]);
    expect(JSON.parse(stdout).target.classes).toHaveLength(30);
  });

  test("a wrong target is refused", async () => {
    expectRefusal(await makeit(["inspect", table, "--target", "Rare"]), /no column "Rare"\.\n.*"rare"/);
  });
});

describe("evaluate", () => {
  test("judges a synthetic table against the real one", async () => {
    const synthetic = writeSmallTable(place.path("other.csv"), { seed: 9 });
    const { code, stdout } = await makeit(["evaluate", table, synthetic, "--target", "rare"]);
    expect(code).toBe(0);
    expect(stdout.length).toBeGreaterThan(100);
    const words = ["evaluate", table, synthetic, "--target", "rare", "--json"];
    const { stdout: json } = await makeit(words);
    expect(Object.keys(JSON.parse(json)).length).toBeGreaterThan(2);
  });

  test("knows copies from new rows", async () => {
    const synthetic = writeSmallTable(place.path("other.csv"), { seed: 9 });
    const judge = async (file: string) =>
      (await makeit(["evaluate", table, file, "-t", "rare", "--json"])).stdout;
    expect(await judge(table)).not.toBe(await judge(synthetic));
  });

  test("what was left out of a run is left out of its judgement, though one table alone has it", async () => {
    const synthetic = place.path("narrow.csv");
    writeFileSync(synthetic, smallTable().replaceAll(/^[^,]*,/gm, ""));
    const words = ["evaluate", table, synthetic, "--target", "rare"];
    expect(await makeit([...words, "--drop", "length"])).toMatchObject({ code: 0 });
    expect(await makeit([...words, "--id", "length"])).toMatchObject({ code: 0 });
    expectRefusal(await makeit([...words, "--drop", "lenght"]), /No table has a column "lenght"/);
  });

  test("tables that do not fit together are refused", async () => {
    const file = place.path("short.csv");
    writeFileSync(file, smallTable().replaceAll(/^[^,]*,/gm, ""));
    expectRefusal(await makeit(["evaluate", table, file, "--target", "rare"]), /length/);
    expectRefusal(await makeit(["evaluate", "-", "-", "--target", "rare"]), /standard input/);
    expectRefusal(await makeit(["evaluate", table, file]), /--target/);
  });
});

describe("demo", () => {
  test("runs on real data with the costs left out", async () => {
    const words = [
      "demo",
      "--epochs",
      "1",
      "--splits",
      "2",
      "--samples",
      "16",
      "--rescore",
      "1",
      "--vote",
      "1",
    ];
    const { code, stderr } = await makeit([...words, "--out", place.path("demo")]);
    expect(code, stderr).toBe(0);
    const report = readJson(place.path("demo/report.json")) as {
      data: object;
      splits: { importances: { column: string }[] }[];
    };
    expect(report.data).toMatchObject({ rows: 10000, positives: 311 });
    const columns = report.splits[0].importances.map((item) => item.column);
    expect(columns).toContain("Wildlife Size");
    expect(columns.filter((name) => name.startsWith("Cost"))).toEqual([]);
  });
});
