/** Names and words that mean something to an interpreter go through every output as what they are, and run nowhere. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTable } from "../sdk/table/read.ts";
import { makeit, type Outcome, readJson, SHORT, workplace } from "./cli.ts";

const COLUMNS = [
  "<script>alert(1)</script>",
  "\u001b[31m red \u001b]0;title\u0007",
  '=HYPERLINK("http://x.invalid","a")',
  "__proto__",
  "kind\u202e\u2066",
];
const CATEGORIES = [
  "</style><img src=x onerror=alert(1)>",
  "@SUM(1+1)",
  "-1+cmd|' /C calc'!A0",
  "\t=1",
  "+1",
  "a\nb\r\nc",
  "constructor",
  "\u009b2J\u001b[2J",
  "../../x",
  "]]><!--",
];
const CLASSES = ["=usual<b>", "\u001b[5m<svg onload=alert(1)>"];
const TARGET = "class&quot;\"'";

const place = workplace();
const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
let run: Outcome;
let json: Outcome;

beforeAll(async () => {
  const rows = Array.from({ length: 120 }, (_, i) => {
    const rare = i % 5 === 0;
    const numbers = [i % 17, (i * 7) % 23, rare ? 9 + (i % 3) : i % 4, -i / 8].map(String);
    return [...numbers, CATEGORIES[i % CATEGORIES.length], CLASSES[Number(rare)]];
  });
  const lines = [[...COLUMNS, TARGET], ...rows].map((row) => `${row.map(quote).join(",")}\n`);
  writeFileSync(place.path("sly.csv"), lines.join(""));
  const words = ["fit", place.path("sly.csv"), "--target", TARGET, ...SHORT];
  run = await makeit([...words, "--out", place.path("out"), "--safe-csv"]);
  json = await makeit([...words, "--out", place.path("json"), "--json", "--positive", CLASSES[1]]);
});
afterAll(() => place.dispose());

/** Everything that a screen obeys but line ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

test("the terminal shows them and obeys none", async () => {
  const inspected = await makeit(["inspect", place.path("sly.csv"), "--target", TARGET]);
  const refused = await makeit(["fit", place.path("sly.csv"), "--target", COLUMNS[1].slice(0, -1)]);
  for (const { stdout, stderr } of [run, json, inspected, refused]) {
    expect(stdout).not.toMatch(OBEYED);
    // A bar of progress, where there is one, is ours.
    expect(stderr).not.toMatch(OBEYED);
  }
  expect(run).toMatchObject({ code: 0 });
  expect(inspected.stdout).toContain("\\u001b[31m red");
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("\\u001b[31m red") });
});

test("JSON says them exactly", () => {
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout).data).toMatchObject({ classes: CLASSES });
  const report = readJson(place.path("json/report.json")) as { mean: { importances: { column: string }[] } };
  const columns = report.mean.importances.map(({ column }) => column);
  expect(columns.sort()).toEqual([...COLUMNS].map((name) => name.trim()).sort());
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test("CSV gives them back; --safe-csv disarms those that a spreadsheet runs", async () => {
  const plain = await readTable(readFileSync(place.path("json/synthetic.csv")), { name: "s.csv" });
  expect(plain.columns.map(({ name }) => name)).toEqual([...COLUMNS, TARGET]);
  const kinds = plain.columns.find(({ name }) => name === COLUMNS[4])!;
  expect(CATEGORIES).toEqual(expect.arrayContaining([...kinds.categories!]));
  expect(kinds.categories!.length).toBeGreaterThan(5);

  const safe = await readTable(readFileSync(place.path("out/synthetic.csv")), { name: "s.csv" });
  const said = safe.columns.flatMap(({ name, categories = [] }) => [name, ...categories]);
  expect(said.filter((text) => /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)))).toEqual([]);
  expect(said).toContain(`'${COLUMNS[2]}`);
  expect(said).toContain("'=usual<b>");
});

describe.each([
  "report.html",
  "importances.svg",
  "split-1/tree.svg",
  "methods.svg",
  "split-1/distributions.svg",
])("%s", (file) => {
  test("holds them as text", () => {
    const text = readFileSync(place.path("out", file), "utf8");
    expect(text).not.toMatch(/<script|<img src=x|<svg onload|<b>alert|onerror=alert\(1\)>/i);
    expect(text.replaceAll("\n", "")).not.toMatch(OBEYED);
  });
});

test("the report's policy allows no script, and none is in it", () => {
  const html = readFileSync(place.path("out/report.html"), "utf8");
  const [, written] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)!;
  const policy = written.replaceAll("&#39;", "'");
  expect(policy).toMatch(/^default-src 'none'; style-src 'unsafe-inline'; img-src data:/);
  expect(policy).not.toMatch(/script-src|connect-src|https?:|\*/);
  expect(html).not.toMatch(/<(?:script|iframe|object|embed|base|form|link)\b|\son\w+=["'][^"']/i);
  expect(html).not.toMatch(/(?:src|href)=["'](?!#|data:image\/)/i);
});
