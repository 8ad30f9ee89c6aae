import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lines, showProgress } from "../cli/progress.ts";
import { duration, reportError, Terminal, textTable } from "../cli/terminal.ts";
import { inputError, MakeitError } from "../sdk/errors.ts";
import { toJson } from "../sdk/json.ts";
import { type Epoch, Tally } from "../sdk/tally.ts";

function epoch(split: number, number: number, { splits = 2, epochs = 10 } = {}): Epoch {
  return { split, splits, epoch: number, epochs, score: 0.5, best: 0.6 };
}

function recorder() {
  const [out, err]: string[][] = [[], []];
  const stream = (to: string[]) => ({
    write(text: string, done?: () => void) {
      to.push(text);
      done?.();
      return true;
    },
  });
  return { out, err, streams: { stdout: stream(out), stderr: stream(err) } };
}

describe("tally", () => {
  test("the share of a run is that of its epochs, the final model's included", () => {
    const tally = new Tally({ jobs: 1 });
    expect(tally.share).toBe(0);
    for (let n = 1; n <= 10; n++) tally.add(epoch(1, n));
    expect(tally.share).toBeCloseTo(10 / 30);
    for (let n = 1; n <= 5; n++) tally.add(epoch(2, n));
    expect(tally.share).toBeCloseTo(15 / 30);
    tally.add(epoch(0, 10));
    expect(tally.share).toBe(1);
  });

  test("a split that stopped early counts as whole once the next one runs", () => {
    const tally = new Tally({ jobs: 1 });
    tally.add(epoch(1, 3));
    tally.add(epoch(2, 1));
    expect(tally.share).toBeCloseTo(11 / 30);
  });

  test("two jobs side by side both count", () => {
    const tally = new Tally({ jobs: 2 });
    tally.add(epoch(1, 4));
    tally.add(epoch(2, 2));
    expect(tally.share).toBeCloseTo(6 / 30);
    tally.add(epoch(0, 1)); // the first split must be over
    expect(tally.share).toBeCloseTo(13 / 30);
  });

  test("pace and time left follow the clock", () => {
    const tally = new Tally({ jobs: 1, now: 1000 });
    for (let n = 1; n <= 6; n++) tally.add(epoch(1, n));
    expect(tally.rate(4000)).toBeCloseTo(2);
    expect(tally.left(4000)).toBeCloseTo(12); // 6 of 30 epochs took 3 s
  });

  test("whatever the order of the news, the share stays within 0 and 1", () => {
    const news = fc.record({
      split: fc.integer({ min: 0, max: 4 }),
      number: fc.integer({ min: 1, max: 10 }),
    });
    fc.assert(
      fc.property(fc.array(news, { minLength: 1 }), fc.integer({ min: 1, max: 8 }), (list, jobs) => {
        const tally = new Tally({ jobs });
        for (const { split, number } of list) tally.add(epoch(split, number, { splits: 4 }));
        expect(tally.share).toBeGreaterThan(0);
        expect(tally.share).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("plain lines", () => {
  test("come at most every two seconds and every tenth of the run", () => {
    const said: [time: number, text: string][] = [];
    let now = 0;
    const terminal = { note: (text: string) => void said.push([now, text]), warn: () => {} };
    const progress = lines(new Tally({ jobs: 1, now }), terminal, () => now);
    for (const split of [1, 2, 0]) {
      for (let n = 1; n <= 100; n++) {
        now += 100;
        progress.update(epoch(split, n, { epochs: 100 }));
      }
    }
    expect(said.length).toBeGreaterThan(5);
    expect(said.length).toBeLessThanOrEqual(11);
    for (const [i, [time]] of said.entries())
      if (i > 0) expect(time - said[i - 1][0]).toBeGreaterThanOrEqual(2000);
    expect(said[0][1]).toBe("split 1/2, epoch 1/100: score 0.500, best 0.600; 10.0 epochs/s, 30 s left");
    expect(said.at(-1)?.[1]).toMatch(/^final model, epoch \d+\/100/);
  });

  test("quiet says nothing", () => {
    const { err, streams } = recorder();
    const progress = showProgress(new Terminal({ ...streams, quiet: true }), { jobs: 1 });
    progress.update(epoch(1, 1));
    progress.stop();
    expect(err).toEqual([]);
  });
});

describe("terminal", () => {
  test("results go to standard output; with --json only the object does", async () => {
    const plain = recorder();
    const terminal = new Terminal(plain.streams);
    await terminal.show("rows");
    await terminal.object({ a: 1 });
    terminal.note("working");
    expect([plain.out, plain.err]).toEqual([["rows\n"], ["working\n"]]);

    const machine = recorder();
    const json = new Terminal({ ...machine.streams, json: true });
    await json.show("rows");
    await json.object({ a: Number.NaN, b: [1, 2] });
    expect(machine.out).toEqual(['{\n  "a": null,\n  "b": [1, 2]\n}\n']);
  });

  test.each([
    [inputError("Column missing.", "Add it."), 2, "makeit: Column missing.\n  Add it.\n"],
    [new MakeitError("engine", "Out of memory."), 1, "makeit: Out of memory.\n"],
    [inputError("Two\nlines."), 2, "makeit: Two lines.\n"],
    [
      Object.assign(new Error("x"), { code: "ENOENT", path: "a.csv" }),
      2,
      "makeit: a.csv does not exist.\n  Check the path.\n",
    ],
    [Object.assign(new Error("EIO"), { code: "EIO", path: "a.csv" }), 1, "makeit: a.csv failed: EIO.\n"],
  ])("%s is told in its lines, exit code %i", async (error, code, said) => {
    const { err, streams } = recorder();
    expect(await reportError(error, new Terminal(streams))).toBe(code);
    expect(err.join("")).toBe(said);
  });

  test("an unexpected error is one line and how to see more", async () => {
    const { out, err, streams } = recorder();
    expect(
      await reportError(new TypeError("x is not a function"), new Terminal({ ...streams, json: true })),
    ).toBe(1);
    expect(err.join("")).toMatch(/^makeit: Unexpected error: x is not a function\n.*MAKEIT_DEBUG=1.*\n$/);
    expect(JSON.parse(out.join(""))).toMatchObject({ error: { code: "internal" } });
  });

  test("tables align", () => {
    const rows = [
      ["name", "n"],
      ["a", "10"],
    ];
    expect(textTable(rows, [1])).toBe("  name   n\n  a     10");
  });

  test.each([
    [0.04, "0.0 s"],
    [9.96, "10.0 s"],
    [59.6, "1 min 0 s"],
    [75, "1 min 15 s"],
    [3725, "1 h 2 min"],
  ])("%d seconds read as %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe("report.json's text", () => {
  test("is the JSON of the value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(toJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("leaves out what JSON leaves out", () => {
    expect(JSON.parse(toJson({ a: undefined, b: () => 1, c: [undefined, Number.NaN], d: {} }))).toEqual({
      c: [null, null],
      d: {},
    });
  });
});
