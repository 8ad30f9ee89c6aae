/** A run in parts: `train-split` anywhere, `aggregate` in the end, the bytes of `fit`. */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unpackPart } from "../sdk/part.ts";
import {
  expectRefusal,
  makeit,
  readJson,
  smallTable,
  withoutSeconds,
  workplace,
  writeSmallTable,
} from "./cli.ts";

const place = workplace();
afterAll(() => place.dispose());

const SPLITS = 3;
const RUN = [
  ...["--epochs", "30", "--patience", "1000", "--samples", "10", "--batch-size", "4", "--critic-steps", "5"],
  ...["--critic-batch", "8", "--rescore", "4", "--vote", "4", "--engine", "wasm"],
];

let table: string;
beforeAll(async () => {
  table = writeSmallTable(place.path("rare.csv"));
  const local = ["fit", table, "-t", "rare", ...RUN, "--splits", `${SPLITS}`, "--out", place.path("local")];
  const [fitted, ...parts] = await Promise.all([
    makeit(local),
    // In two folders, as on two machines.
    ...[0, 1, 2, 3].map((split) => makeit(words(split, split % 2 ? "odd" : "even"))),
  ]);
  for (const { code, stderr } of [fitted, ...parts]) expect([code, stderr]).toEqual([0, expect.any(String)]);
  expect(
    (await makeit(["aggregate", place.path("odd"), place.path("even"), "--out", place.path("whole")])).code,
  ).toBe(0);
});

function words(split: number, out: string, more: readonly string[] = []): string[] {
  const which = ["--split", `${split}`, "--of", `${SPLITS}`, "--out", place.path(out)];
  return ["train-split", table, "-t", "rare", ...RUN, ...which, ...more];
}

/** All files of a folder; of the report what is not a time. */
function filesOf(folder: string): Map<string, string> {
  const files = place.files(folder).filter((name) => statSync(place.path(folder, name)).isFile());
  return new Map(
    files.map((name) => {
      const file = place.path(folder, name);
      if (name === "report.json") return [name, JSON.stringify(withoutSeconds(readJson(file)))];
      return [name, readFileSync(file, "latin1")];
    }),
  );
}

/** The HTML report without its times: each split's, and the run's. */
function timeless(html: string): string {
  return html.replace(/<td[^>]*>\d+\.\d<\/td>(?=\s*<\/tr>)/g, "").replace(/, \d+\.\d seconds/g, "");
}

describe("the parts of a run", () => {
  test("put together are what fit writes, byte for byte", () => {
    const [local, whole] = [filesOf("local"), filesOf("whole")];
    expect([...whole.keys()]).toEqual([...local.keys()]);
    expect(local.size).toBeGreaterThan(15);
    for (const [name, bytes] of local) {
      const [expected, made] = [bytes, whole.get(name)!];
      if (name === "report.html") expect(timeless(made), name).toBe(timeless(expected));
      else expect(made === expected, name).toBe(true);
    }
  });

  test("put together twice, in any order, are the same to the last byte", async () => {
    const outcome = await makeit([
      "aggregate",
      place.path("odd"),
      place.path("even"),
      "--out",
      place.path("again"),
    ]);
    expect(outcome.code).toBe(0);
    for (const name of place.files("whole").filter((file) => statSync(place.path("whole", file)).isFile()))
      expect(
        readFileSync(place.path("again", name)).equals(readFileSync(place.path("whole", name))),
        name,
      ).toBe(true);
  });

  test("are left as they are when they are there", async () => {
    const file = place.path("odd/split-1.result");
    const before = [statSync(file).mtimeMs, readFileSync(file)];
    const { code, stdout, stderr } = await makeit(words(1, "odd", ["--json"]));
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({
      split: 1,
      of: 3,
      before: true,
      hash: expect.stringMatching(/^\w{64}$/),
    });
    expect([statSync(file).mtimeMs, readFileSync(file)]).toEqual(before);
  });

  test("killed in the middle go on from their checkpoint, to the same outcome", async () => {
    const given = [resolve("dist/cli.js"), ...words(1, "killed", ["--checkpoint", "0.001"])];
    const child = spawn(process.execPath, given, { stdio: "ignore" });
    const saved = place.path("killed/split-1.checkpoint/split-1.before");
    const until = performance.now() + 30_000;
    while (!existsSync(saved) && performance.now() < until) await new Promise((done) => setTimeout(done, 3));
    child.kill("SIGKILL");
    await new Promise((done) => child.on("close", done));
    expect(place.files("killed")).not.toContain("split-1.result");
    const { code, stderr } = await makeit(words(1, "killed"));
    expect([code, stderr]).toEqual([0, expect.stringMatching(/resumed at epoch \d+ of split 1\/3/)]);
    expect(place.files("killed")).toEqual(["split-1.result"]);
    expect(outcomeOf("killed/split-1.result")).toEqual(outcomeOf("odd/split-1.result"));
  });

  function outcomeOf(file: string): unknown {
    return withoutSeconds(unpackPart(readFileSync(place.path(file)), file).outcome);
  }
});

describe("refused is", () => {
  const aggregate = (...parts: string[]) =>
    makeit(["aggregate", ...parts.map((part) => place.path(part)), "--out", place.path("refused")]);

  test("a run of which something is missing, by name", async () => {
    const outcome = await aggregate("odd/split-1.result");
    expectRefusal(outcome, "Not all of the run is there: splits 2, 3 and the model on all rows are missing.");
    expect(outcome.stderr).toContain("--split 2 --of 3");
    expect(existsSync(place.path("refused"))).toBe(false);
  });

  test("a part of other options or another table, each difference by name", async () => {
    const changed = place.path("changed.csv");
    writeFileSync(changed, smallTable().replace(/^1/m, "2"));
    const other = words(2, "other", ["--seed", "7", "--lambda", "2"]);
    other[1] = changed;
    expect((await makeit(other)).code).toBe(0);
    const outcome = await aggregate("odd", "even", "other");
    expectRefusal(outcome, "are of different runs: ");
    for (const told of ["seed is 1 and 7", "lambda is 1 and 2", "hash of the table is "]) {
      expect(outcome.stderr).toContain(told);
    }
  });

  test("a part of another version", async () => {
    mkdirSync(place.path("old"));
    const { pack, unpack } = await import("../sdk/pack.ts");
    const file = "odd/split-3.result";
    const part = unpack(readFileSync(place.path(file)), file) as { identity: { version: string } };
    part.identity.version = "0.0.9";
    writeFileSync(place.path("old/split-3.result"), pack(part));
    expectRefusal(await aggregate("odd", "even", "old"), 'version of Makeit is "0.1.0" and "0.0.9"');
  });

  test("a part that is damaged, and a folder without any", async () => {
    cpSync(place.path("odd"), place.path("damaged"), { recursive: true });
    const file = place.path("damaged/split-1.result");
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] ^= 4;
    writeFileSync(file, bytes);
    expectRefusal(await aggregate("damaged", "even"), /split-1\.result is damaged: its checksum/);
    mkdirSync(place.path("empty"));
    expectRefusal(await aggregate("empty"), /empty holds no result of a split/);
  });

  test.each([
    [["--splits", "4"], "--of is 3, but the table and the options make 4 splits."],
    [["--seed", "2"], "are of different runs: seed is 1 and 2."],
  ])("train-split with %s where others are", async (more, message) => {
    const [seen] = [place.files("odd")];
    const outcome = await makeit(words(more[0] === "--seed" ? 1 : 0, "odd", more));
    expectRefusal(outcome, message);
    expect(place.files("odd")).toEqual(seen);
  });

  test.each([
    [
      ["--split", "9", "--of", "3", "--out", "x"],
      "--split is 9; expected 1 to 3, or 0 for the model on all rows.",
    ],
    [["--split", "1", "--out", "x"], "--of is needed."],
  ])("train-split %s", async (which, message) => {
    expectRefusal(
      await makeit(["train-split", table, "-t", "rare", ...RUN, ...which], { cwd: place.path() }),
      message,
    );
  });
});

test.runIf(process.platform !== "win32")("the Slurm script is sound bash", () => {
  execFileSync("bash", ["-n", "docs/slurm.sh"]);
});
