/** The parts of the page that need no browser. */
import { registerWindow } from "@svgdotjs/svg.js";
import { expect, test } from "vitest";
import { crc32 } from "../sdk/checksum.ts";
import { MakeitError } from "../sdk/errors.ts";
import { outputs } from "../sdk/outputs.ts";
import { registerPlotWindow } from "../sdk/plots/node.ts";
import { renderReport } from "../sdk/report.ts";
import { readTable } from "../sdk/table/read.ts";
import { readLink, writeLink } from "../web/link.ts";
import { errorOf, failureOf } from "../web/remote.ts";
import { registerPaper } from "../web/worker/paper.ts";
import { sketch } from "../web/worker/sketch.ts";
import { zip } from "../web/worker/zip.ts";
import { makeRun } from "./fixtures/run.ts";

test("pictures drawn on paper are those drawn in a document, byte for byte", () => {
  const run = makeRun();
  registerWindow(null as never, null as never);
  registerPlotWindow();
  const inDocument = renderReport(run);
  registerPaper();
  expect(renderReport(run)).toBe(inDocument);
  expect(inDocument.match(/<svg/g)!.length).toBeGreaterThan(10);
  registerWindow(null as never, null as never);
  registerPlotWindow();
});

test("settings go through an address and come back", () => {
  const given = { metric: "roc_auc", lambda: 0.25, scale: false, samples: "0.5x", seed: 4294967295 } as const;
  const link = writeLink(given);
  expect(link).toBe("metric=roc_auc&lambda=0.25&scale=false&samples=0.5x&seed=4294967295");
  expect(readLink(`#${link}`)).toEqual({ given, problems: [] });
  expect(writeLink({})).toBe("");
  expect(readLink("")).toEqual({ given: {}, problems: [] });
  expect(readLink(writeLink({ seed: 3 }, { demo: "snow", size: undefined }))).toEqual({
    given: { seed: 3 },
    demo: "snow",
    problems: [],
  });
  const images = { size: "24x24", channels: "grey" };
  expect(readLink(writeLink({}, images))).toEqual({ given: {}, ...images, problems: [] });
  expect(readLink("size=24&channels=blue")).toEqual({
    given: {},
    problems: [expect.any(String), expect.any(String)],
  });
});

test("an address cannot set what is none", () => {
  const { given, problems } = readLink(
    "#epochs=-1&epochs=abc&seed=&metric=__proto__&__proto__=1&constructor=2&scale=yes&lambda=1e400&vote=5",
  );
  expect(given).toEqual({ vote: 5 });
  expect(problems).toHaveLength(8);
  expect(problems[0]).toMatch(/Option epochs is -1; expected a whole number from 1/);
  expect(problems.join()).toMatch(/Unknown option "__proto__"/);
});

test("an archive holds every file, named and summed", async () => {
  const entries = [
    { path: "synthetic.csv", content: "a,b\n1,ü\n" },
    { path: "split-1/tree.svg", content: new Uint8Array([1, 2, 3]) },
    { path: "empty", content: "" },
  ];
  const bytes = new Uint8Array(await zip(entries).arrayBuffer());
  const view = new DataView(bytes.buffer);
  // Read as the format says: the end tells where the directory is, that where the files are.
  const end = bytes.length - 22;
  expect(view.getUint32(end, true)).toBe(0x06054b50);
  expect([view.getUint16(end + 8, true), view.getUint16(end + 10, true)]).toEqual([3, 3]);
  let at = view.getUint32(end + 16, true);
  expect(at + view.getUint32(end + 12, true)).toBe(end);
  for (const { path, content } of entries) {
    const expected = typeof content === "string" ? new TextEncoder().encode(content) : content;
    expect(view.getUint32(at, true)).toBe(0x02014b50);
    const nameLength = view.getUint16(at + 28, true);
    expect(new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength))).toBe(path);
    const [sum, packed, size] = [16, 20, 24].map((offset) => view.getUint32(at + offset, true));
    expect([sum, packed, size]).toEqual([crc32(expected), expected.length, expected.length]);
    const local = view.getUint32(at + 42, true);
    expect(view.getUint32(local, true)).toBe(0x04034b50);
    expect(view.getUint32(local + 14, true)).toBe(sum);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    expect(bytes.slice(start, start + size)).toEqual(expected);
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  expect(at).toBe(end);
});

test("a run's files are those of the command line", () => {
  const result = makeRun();
  const unused = {} as never;
  const paths = outputs({ result, model: unused, synthetic: unused }).map(({ path }) => path);
  expect(paths.slice(0, 4)).toEqual(["synthetic.csv", "report.html", "report.json", "model.safetensors"]);
  expect(paths).toContain("methods.svg");
  expect(paths.filter((path) => path.endsWith("/tree.svg"))).toHaveLength(result.splits.length);
  expect(new Set(paths).size).toBe(paths.length);
});

test("columns at a glance", async () => {
  const rows = Array.from({ length: 40 }, (_, i) => i);
  const table = await readTable({
    ramp: rows.map((i) => i / 4),
    half: rows.map((i) => (i % 2 ? null : i < 20 ? 0.5 : 9.5)),
    word: rows.map((i) => (i < 24 ? "a" : i < 36 ? "b" : "c")),
    many: rows.map((i) => `w${i % 13}`),
    same: rows.map(() => 7),
  });
  const [ramp, half, word, many, same] = table.columns.map(sketch);
  expect(ramp).toEqual(new Array(20).fill(1));
  expect(half).toEqual([1, ...new Array(18).fill(0), 1]);
  expect(word).toEqual([1, 12 / 24, 4 / 24]);
  expect(many).toHaveLength(8);
  expect(same).toEqual([1]);
});

test("errors cross between threads as what they are", () => {
  const error = new MakeitError("diverged", "It diverged.", "Lower the rates.");
  const there = errorOf(structuredClone(failureOf(error)));
  expect(there).toBeInstanceOf(MakeitError);
  expect([there.code, there.message, there.hint]).toEqual(["diverged", "It diverged.", "Lower the rates."]);
  expect(failureOf(new RangeError("Array buffer allocation failed"))).toMatchObject({ code: "engine" });
  expect(failureOf(new TypeError("x is undefined"))).toMatchObject({
    message: "Unexpected error: x is undefined",
  });
});
