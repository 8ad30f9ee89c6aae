import { expect, test } from "vitest";
import { Encoder } from "../sdk/table/encoder.ts";
import { inspectTable } from "../sdk/table/inspect.ts";
import { type ReadOptions, readTable } from "../sdk/table/read.ts";
import { type Column, cellText } from "../sdk/table/table.ts";
import { writeCsv } from "../sdk/table/write.ts";

/** Reads one column, among another one so that the table is no single column. */
async function column(
  cells: string[],
  options: ReadOptions = {},
): Promise<Column & { warnings: readonly string[] }> {
  const text = `c,other\n${cells.map((cell, i) => `"${cell}",${i % 3}`).join("\n")}\n`;
  const table = await readTable(text, { name: "t.csv", ...options });
  return { ...table.columns[0], warnings: table.warnings };
}
const texts = (c: Column) => Array.from((c.values ?? c.codes)!, (_, row) => cellText(c, row));
const count = (n: number, cell: (i: number) => string) => Array.from({ length: n }, (_, i) => cell(i));

test.each<[string, string[], string]>([
  ["integers", ["1", "-2", "30"], "integer"],
  ["integers written with .0", ["1.0", "2.0", "5.0"], "integer"],
  ["0 and 1 stay integers", ["0", "1", "0"], "integer"],
  ["decimals", ["1", "2.5", "-.5"], "numeric"],
  ["exponents", ["1e-3", "2E5", "3"], "numeric"],
  ["true and false", ["true", "false", "true"], "boolean"],
  ["True and False", ["True", "False", ""], "boolean"],
  ["yes and no", ["yes", "no", "yes"], "boolean"],
  ["only yes, and missing", ["yes", "", "yes"], "categorical"],
  ["two spellings of true", ["true", "TRUE", "false"], "categorical"],
  ["words", ["a", "b", "a"], "categorical"],
  ["codes with leading zeros", ["00501", "10001", "02134"], "categorical"],
  ["whole numbers beyond 2^53", ["12345678901234567890", "1", "12345678901234567891"], "categorical"],
  ["hexadecimal is no number", ["0x10", "0x11", "0x10"], "categorical"],
  ["dates", ["2020-01-31", "2021-12-01", ""], "datetime"],
  ["an impossible date", ["2020-02-30", "2021-12-01", "2021-12-02"], "categorical"],
  ["one value", ["7", "7", "7"], "constant"],
  ["one word", ["x", "x", "x"], "constant"],
  ["nothing", ["", "NA", "?"], "constant"],
])("%s", async (_, cells, role) => {
  expect((await column(cells)).role).toBe(role);
});

test("every spelling of missing, and more on demand", async () => {
  const cells = ["1.5", "", "NA", "N/A", "NaN", "nan", "null", "NULL", "?", ".", " ", "2.5"];
  const found = await column(cells);
  expect(found.role).toBe("numeric");
  expect(found.missing).toBe(10);
  const more = await column(["1", "-999", "unknown", "2"], { missing: ["-999", "unknown"] });
  expect([more.role, more.missing]).toEqual(["integer", 2]);
  const words = await column(["a", "?", "b", "a"]);
  expect(texts(words)).toEqual(["a", "", "b", "a"]);
});

test("decimals and padding are those of the file", async () => {
  expect((await column(["1.50", "2.25", "3.00"])).format).toEqual({ decimals: 2, pad: 2 });
  expect((await column(["1.5", "2.25", "3"])).format).toEqual({ decimals: 2 });
  expect((await column(["63.0", "41.0", "7.0"])).format).toEqual({ decimals: 0, pad: 1 });
  expect((await column(["0.1000000000000000055511151231257827", "2"])).format).toEqual({ decimals: 1 });
  expect((await column(["0.12345678901234567", "0.2"])).format).toEqual({});
});

test("decimal commas are numbers and are written back, but what may be thousands is not", async () => {
  const prices = await column(["2,50", "-0,75", "", "1200,00"]);
  expect([prices.role, prices.missing]).toEqual(["numeric", 1]);
  expect(Array.from(prices.values!)).toEqual([2.5, -0.75, Number.NaN, 1200]);
  expect(texts(prices)).toEqual(["2,50", "-0,75", "", "1200,00"]);
  expect(prices.format).toEqual({ decimals: 2, pad: 2, comma: true });
  expect((await column(["7", "1,5", "3"])).role).toBe("numeric");
  expect((await column(["0,125", "1,250", "2,375"])).role).toBe("numeric");
  expect((await column(["1,250", "2,375", "3,500"])).role).toBe("categorical");
  expect((await column(["1,250", "2,375"], { numeric: ["c"] }).catch((error) => error)).message).toMatch(
    /found "1,250", expected a number/,
  );
  expect((await column(["1,5", "2.5", "3"])).role).toBe("categorical");
  expect((await column(["1,5", "few", "3"])).warnings[0]).toContain('mixes numbers with words such as "few"');
  const text = `a;b;class\n${count(30, (i) => `${i},5;${i % 7};${i % 2 ? "yes" : "no"}`).join("\n")}\n`;
  const table = await readTable(text, { name: "de.csv" });
  expect(table.columns.map(({ role }) => role)).toEqual(["numeric", "integer", "boolean"]);
  expect(writeCsv(table, { delimiter: ";" })).toBe(text);
  expect(Array.from((await readTable(writeCsv(table), { name: "again.csv" })).columns[0].values!)).toEqual(
    count(30, (i) => `${i}.5`).map(Number),
  );
});

test("numbers in other clothes are categories, and it is said", async () => {
  for (const cells of [
    ["1,250", "12,500", "1,000,000"],
    ["5.0%", "7%", "12.5 %"],
    ["$4.32", "$1,234.00", "$7"],
    ["1.234,50", "12,25", "7"],
  ]) {
    const found = await column(cells);
    expect(found.role).toBe("categorical");
    expect(found.warnings[0]).toContain(`"${cells[0]}"`);
  }
  expect((await column(["1.2.3", "1.2.4", "1.3.0"])).warnings).toEqual([]);
});

test("a column learnt with decimal commas reads one with points, and the other way round", async () => {
  const file = (mark: string) => `a;class\n${count(30, (i) => `${i}${mark}5;${i % 3}`).join("\n")}\n`;
  const [commas, points] = [await readTable(file(",")), await readTable(file("."))];
  const encoder = Encoder.fit(commas, { target: "class" });
  expect(encoder.encode(points)).toEqual(encoder.encode(commas));
  const other = Encoder.fromJSON(JSON.parse(JSON.stringify(encoder)));
  expect(cellText(other.decode(encoder.encode(points)).columns[0], 3)).toBe("3,5");
});

test("many distinct numbers are kept as numbers, and found out to be words when a word comes late", async () => {
  const numbers = count(3000, (i) => `${i}.50`);
  const plain = await column(numbers);
  expect([plain.role, plain.format.pad]).toEqual(["numeric", 2]);
  expect(plain.values![2999]).toBe(2999.5);
  const missing = await column([...numbers, "", "NA", "1.50"]);
  expect(missing.missing).toBe(2);
  const late = column([...numbers, "oops"]);
  await expect(late).rejects.toThrow(
    't.csv, line 3002, column "c": found "oops", expected a number as in the other cells.',
  );
  const kept = await column([...numbers, "oops"], { categorical: ["c"] });
  expect(texts(kept)).toEqual([...numbers, "oops"]);
  const mixed = await column([...numbers, ...count(3000, (i) => `w${i}`)]);
  expect(mixed.role).toBe("id");
  expect(texts(mixed).slice(0, 2)).toEqual(["0.50", "1.50"]);
});

test("a word among many numbers is an error that says how to go on, first or last", async () => {
  const numbers = count(60, (i) => String(i * 3 + 1));
  await expect(column(["n/k", ...numbers])).rejects.toMatchObject({
    message: 't.csv, line 2, column "c": found "n/k", expected a number as in the other cells.',
    hint: 'Correct the cell, count the word as missing (--missing "n/k"), or keep words (--categorical "c").',
  });
  expect((await column(["n/k", ...numbers], { missing: ["n/k"] })).role).toBe("integer");
  expect((await column(["n/k", ...numbers], { categorical: ["c"] })).role).toBe("categorical");
});

test("a few numbers among words are categories, with a warning", async () => {
  const found = await column(["2", "3", "4", "5more", "2", "3"]);
  expect(found.role).toBe("categorical");
  expect(found.warnings[0]).toBe(
    'Column "c" mixes numbers with words such as "5more" (line 5): taken as categories.',
  );
});

test("infinity in numbers is an error, among words it is a word", async () => {
  await expect(column(["1", "2", "inf"])).rejects.toThrow(/line 4, column "c": found "inf"/);
  expect((await column(["a", "b", "inf"])).role).toBe("categorical");
});

test("ids: counts, distinct words, integers named so; not in small tables", async () => {
  const counting = await column(count(30, (i) => String(i + 1)));
  expect(counting.role).toBe("id");
  expect(counting.warnings[0]).toMatch(/"c" tells every row apart: taken as an id/);
  expect((await column(count(30, (i) => String((i * 7) % 30)))).role).toBe("id");
  expect((await column(count(30, (i) => String(i + 2)))).role).toBe("integer");
  expect((await column(count(30, (i) => `k${i}`))).role).toBe("id");
  expect((await column(count(10, (i) => `k${i}`))).role).toBe("categorical");
  expect(
    (
      await column(
        count(30, (i) => String(i + 1)),
        { numeric: ["c"] },
      )
    ).role,
  ).toBe("integer");
  const named = `customer_id,x\n${count(30, (i) => `${i * i},${i % 2}`).join("\n")}`;
  expect((await readTable(named)).columns[0].role).toBe("id");
  const hardly = await column([...count(30, (i) => `k${i}`), "k0"]);
  expect(hardly.warnings[0]).toMatch(/30 categories in 31 rows/);
});

test("where summer time changes the zone, date-times are told in UTC", async () => {
  const found = await column(["2024-01-12T10:00:00+01:00", "2024-07-12T10:00:00+02:00"]);
  expect([found.role, found.format.pattern]).toEqual(["datetime", "YYYY-MM-DDTHH:mm:ssZ"]);
  expect([...found.values!]).toEqual([Date.UTC(2024, 0, 12, 9), Date.UTC(2024, 6, 12, 8)]);
});

test("roles by declaration", async () => {
  expect((await column(["1", "2", "1"], { categorical: ["c"] })).role).toBe("categorical");
  expect((await column(["1", "2", "1"], { id: ["c"] })).role).toBe("id");
  expect((await column(["1", "oops", "1"], { drop: ["c"] })).role).toBe("drop");
  expect((await column(["007", "008", "009"], { numeric: ["c"] })).role).toBe("integer");
  await expect(column(["1", "x", "y"], { numeric: ["c"] })).rejects.toThrow(
    /line 3, column "c": found "x", expected a number \(the column is declared numeric\)/,
  );
});

test.each([
  ["YYYY-MM-DD", ["2020-01-31", "0099-12-01"], Date.parse("0099-12-01")],
  ["YYYY/MM/DD", ["2020/01/31", "1969/12/31"], -86400000],
  ["DD.MM.YYYY", ["31.01.2020", "01.02.2020"], Date.UTC(2020, 1, 1)],
  ["DD/MM/YYYY", ["31/01/2020", "01/02/2020"], Date.UTC(2020, 1, 1)],
  ["M/D/YYYY", ["1/31/2020", "2/1/2020"], Date.UTC(2020, 1, 1)],
  ["YYYY-MM-DD HH:mm", ["2020-01-31 23:59", "2020-02-01 00:00"], Date.UTC(2020, 1, 1)],
  ["YYYY-MM-DDTHH:mm:ss", ["2020-01-31T23:59:59", "2020-02-01T00:00:01"], Date.UTC(2020, 1, 1, 0, 0, 1)],
  [
    "YYYY-MM-DDTHH:mm:ss.SSSZ",
    ["2020-01-31T23:59:59.001Z", "1960-02-01T00:00:01.500Z"],
    Date.UTC(1960, 1, 1, 0, 0, 1, 500),
  ],
  [
    "YYYY-MM-DD HH:mm:ss.SSSSSS",
    ["2020-01-31 23:59:59.000001", "2020-02-01 00:00:01.250000"],
    Date.UTC(2020, 1, 1, 0, 0, 1, 250),
  ],
  [
    "YYYY-MM-DDTHH:mm:ss+05:30",
    ["2020-01-31T23:59:59+05:30", "2020-02-01T00:00:00+05:30"],
    Date.UTC(2020, 0, 31, 18, 30),
  ],
])("dates written %s come back the same", async (pattern, cells, second) => {
  const found = await column(cells);
  expect([found.role, found.format.pattern]).toEqual(["datetime", pattern]);
  expect(found.values![1]).toBe(second);
  expect(texts(found)).toEqual(cells);
});

test("day or month first: said when nothing tells", async () => {
  const found = await column(["03/04/2020", "05/06/2020"]);
  expect(found.format.pattern).toBe("MM/DD/YYYY");
  expect(found.warnings[0]).toMatch(/could have the day or the month first: read as MM\/DD\/YYYY/);
});

test("a word among many dates is an error", async () => {
  const dates = count(40, (i) => `2020-01-${String((i % 28) + 1).padStart(2, "0")}`);
  await expect(column([...dates, "soon"])).rejects.toThrow(
    /line 42, column "c": found "soon", expected a date written YYYY-MM-DD/,
  );
});

test("100,000 categories in a moment", async () => {
  const start = performance.now();
  const found = await column(count(100_000, (i) => `name ${i % 99_999}`));
  expect(found.role).toBe("categorical");
  expect(found.categories).toHaveLength(99_999);
  expect(performance.now() - start).toBeLessThan(3000);
});

test("columns in memory: types as they are", async () => {
  const table = await readTable({
    n: [1.5, null, Number.NaN, 2],
    i: Int32Array.from([1, 2, 3, 1]),
    b: [true, false, undefined, true],
    s: ["1", "2", "1", "NA"],
    d: [new Date("2020-01-01"), new Date("2020-01-02"), null, new Date("2020-01-01")],
    t: [new Date("2020-01-01T10:00:00Z"), null, null, new Date("2020-01-02")],
    big: [1n, 2n, 3n, 1n],
    key: [2n ** 60n, 2n ** 60n + 1n, 3n, 2n ** 60n],
    __proto__x: ["a", "b", "a", "b"],
  });
  expect(table.columns.map((c) => c.role)).toEqual([
    "numeric",
    "integer",
    "boolean",
    "categorical",
    "datetime",
    "datetime",
    "integer",
    "categorical",
    "categorical",
  ]);
  expect(table.columns.map((c) => c.missing)).toEqual([2, 0, 1, 1, 1, 2, 0, 0, 0]);
  expect(texts(table.columns[5])).toEqual(["2020-01-01T10:00:00.000Z", "", "", "2020-01-02T00:00:00.000Z"]);
  expect(texts(table.columns[7])).toEqual([
    "1152921504606846976",
    "1152921504606846977",
    "3",
    "1152921504606846976",
  ]);
  await expect(readTable({ a: [1, 2], b: [1] })).rejects.toThrow(/column "b" has 1 values, column "a" has 2/);
  await expect(readTable({})).rejects.toThrow(/no columns/);
  await expect(readTable({ a: [] })).rejects.toThrow(/no rows/);
  await expect(readTable({ a: [1, Number.POSITIVE_INFINITY] })).rejects.toThrow(
    /row 2, column "a": found Infinity/,
  );
  await expect(readTable({ a: [1, { b: 2 }] })).rejects.toThrow(
    /row 2, column "a": found a value of type object \(a\.b\)/,
  );
});

test("inspect says what was understood", async () => {
  const table = await readTable(
    `age,city,day,k,y\n31,Rome,2020-01-01,z,no\n,Oslo,2020-01-03,z,no\n31.5,Rome,2020-01-02,z,yes\n40,,2020-01-02,z,no\n41,Bonn,2020-01-02,z,yes\n40,,2020-01-02,z,\n`,
    { name: "people.csv" },
  );
  const report = inspectTable(table, "y");
  expect(report).toEqual({
    name: "people.csv",
    rows: 6,
    columns: [
      {
        name: "age",
        role: "numeric",
        missing: 1,
        distinct: 4,
        min: "31",
        max: "41",
        decimals: 1,
        examples: ["31", "31.5", "40"],
      },
      { name: "city", role: "categorical", missing: 2, distinct: 3, examples: ["Rome", "Oslo", "Bonn"] },
      {
        name: "day",
        role: "datetime",
        missing: 0,
        distinct: 3,
        min: "2020-01-01",
        max: "2020-01-03",
        pattern: "YYYY-MM-DD",
        examples: ["2020-01-01", "2020-01-03", "2020-01-02"],
      },
      { name: "k", role: "constant", missing: 0, distinct: 1, examples: ["z"] },
      { name: "y", role: "boolean", missing: 1, distinct: 2, min: "no", max: "yes", examples: ["no", "yes"] },
    ],
    target: {
      column: "y",
      classes: [
        { name: "no", rows: 3, share: 0.6 },
        { name: "yes", rows: 2, share: 0.4 },
      ],
      positive: "yes",
      imbalance: 1.5,
      missing: 1,
    },
    warnings: [
      'Column "k" is "z" in every row: it is kept as it is and not learnt.',
      "1 rows have no target and are left out.",
    ],
  });
  expect(() => inspectTable(table, "Y")).toThrow(/no column "Y"/);
});
