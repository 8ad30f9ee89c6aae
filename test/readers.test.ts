import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readTable, writeParquet } from "../sdk/parquet.ts";
import { type ReadOptions, readTable as readText, type Source } from "../sdk/table/read.ts";
import { cellText, type Table } from "../sdk/table/table.ts";
import { writeCsv, writeJsonLines } from "../sdk/table/write.ts";
import { demoData } from "./demoData.ts";

const cells = (table: Table) =>
  Array.from({ length: table.rows }, (_, row) => table.columns.map((column) => cellText(column, row)));
const roles = (table: Table) => table.columns.map((column) => column.role);
const bytes = (text: string) => new TextEncoder().encode(text);
const rejected = (source: Source, name: string, options: ReadOptions = {}) =>
  expect(readTable(source, { name, ...options })).rejects;

const MIXED = `n,i,b,c,d,t
1.5,1,yes,x,2020-01-01,2020-01-01T10:00:00Z
,2,no,"y,z",2020-01-02,
-2.25,,yes,,,2020-01-03T00:00:01Z
3,4,,x,1960-01-04,2020-01-04T00:00:00Z
`;

test("JSON lines: union of keys, absent and null are missing", async () => {
  const table = await readTable(
    '{"a":1,"b":"x"}\n\n{"b":null,"c":true}\r\n{"a":2.5,"c":false,"__proto__":"p"}',
    {
      name: "data.jsonl",
    },
  );
  expect(table.columns.map((column) => column.name)).toEqual(["a", "b", "c", "__proto__"]);
  expect(cells(table)).toEqual([
    ["1", "x", "", ""],
    ["", "", "true", ""],
    ["2.5", "", "false", "p"],
  ]);
  expect(roles(table)).toEqual(["numeric", "categorical", "boolean", "categorical"]);
});

test("JSON lines: strings are words, even if they spell numbers", async () => {
  expect(roles(await readTable('{"a":"1","d":"2020-01-01"}\n{"a":"2","d":"2020-01-02"}\n'))).toEqual([
    "categorical",
    "datetime",
  ]);
});

test("penguins.json: an array of real rows", async () => {
  const table = await readTable(demoData("penguins.json"), { name: "penguins.json" });
  expect(table.rows).toBe(344);
  expect(roles(table)).toEqual([
    "categorical",
    "categorical",
    "numeric",
    "numeric",
    "integer",
    "integer",
    "categorical",
  ]);
  expect(table.columns.map((column) => column.missing)).toEqual([0, 0, 2, 2, 2, 2, 11]);
});

test("JSON that is no table", async () => {
  await rejected('{"a":1}\n{"a":\n', "d.jsonl").toThrow(/d\.jsonl, line 2: not JSON/);
  await rejected('{"a":1}\n\n[1,2]\n', "d.jsonl").toThrow(/line 3: expected an object, found an array/);
  await rejected('{"a":1}\n7\n', "d.jsonl").toThrow(/line 2: expected an object, found a number/);
  await rejected("[1, 2]", "d.json").toThrow(/row 1: expected an object, found a number/);
  await rejected('{"a":1}\n\n{"a":{"b":{"c":2}}}\n', "d.jsonl").toThrow(
    /line 3, column "a": found .*\(a\.b\)/,
  );
  await rejected('{"a":[1]}\n', "d.jsonl").toThrow(/line 1, column "a": found an array/);
  await rejected("\n", "d.jsonl").toThrow(/no rows/);
  await rejected("{}\n{}\n", "d.jsonl").toThrow(/no rows with columns/);
});

const ARFF = `% a comment
@RELATION 'iris data'

@attribute 'sepal length' NUMERIC
@attribute "petal 'width'" real
@ATTRIBUTE class {setosa, 'versi color', "o\\"dd"}
@attribute note string
@attribute when date "yyyy-MM-dd"
@data
5.1,0.2,setosa,'it''s',2020-01-01
% between rows
4.9 , ? , 'versi color', "a, b" ,2020-01-02
?,1,"o\\"dd",'it\\'s',?
`;

test("ARFF: types, quotes, comments, missing", async () => {
  const table = await readTable(ARFF.replace("'it''s'", "'it\\'s'"), { name: "iris.arff" });
  expect(table.columns.map((column) => column.name)).toEqual([
    "sepal length",
    "petal 'width'",
    "class",
    "note",
    "when",
  ]);
  expect(roles(table)).toEqual(["numeric", "numeric", "categorical", "categorical", "datetime"]);
  expect(cells(table)).toEqual([
    ["5.1", "0.2", "setosa", "it's", "2020-01-01"],
    ["4.9", "", "versi color", "a, b", "2020-01-02"],
    ["", "1", 'o"dd', "it's", ""],
  ]);
});

const KEEL = `@relation abalone
@attribute Sex {M, F, I}
@attribute Length real [0.075, 0.815]
@attribute Rings integer [1, 29]
@attribute Class {positive, negative}
@inputs Sex, Length, Rings
@outputs Class
@data
M, 0.455, 15, negative
F, <null>, 7, positive
I, 0.33, ?, negative
`;

test("KEEL .dat, by name and by content, gzipped too", async () => {
  const table = await readTable(KEEL, { name: "abalone.dat" });
  expect(roles(table)).toEqual(["categorical", "numeric", "integer", "categorical"]);
  expect(cells(table)).toEqual([
    ["M", "0.455", "15", "negative"],
    ["F", "", "7", "positive"],
    ["I", "0.33", "", "negative"],
  ]);
  expect((await readTable(bytes(KEEL))).columns).toEqual(table.columns);
  expect((await readTable(gzipSync(KEEL), { name: "abalone.dat.gz" })).columns).toEqual(table.columns);
});

test.each([
  [
    "a category that is not declared",
    KEEL.replace("F, <null>", "X, 1"),
    /line 10: column "Sex": found "X", expected one of M, F, I/,
  ],
  [
    "a word in a number",
    KEEL.replace(", 15", ", old"),
    /line 9, column "Rings": found "old", expected a number/,
  ],
  ["a ragged row", KEEL.replace(" 15,", ""), /line 9: expected 4 fields as declared, found 3/],
  ["an open quote", ARFF.replace("'it''s'", "'it"), /line 10: a quote is not closed/],
  ["no data", "@relation x\n@attribute a real\n", /no @data line/],
  ["no rows", "@relation x\n@attribute a real\n@data\n", /no rows below @data/],
  ["no attributes", "@relation x\n@data\n1\n", /line 2: there is no @attribute/],
  ["sparse rows", "@relation x\n@attribute a real\n@data\n{0 1}\n", /line 4: sparse rows/],
  [
    "relational",
    "@relation x\n@attribute a relational\n@data\n",
    /line 2: attribute "a" is of type "relational"/,
  ],
  [
    "nonsense in the header",
    "@relation x\nhello\n@data\n",
    /line 2: expected an @attribute or @data line, found "hello"/,
  ],
  ["a name twice", "@relation x\n@attribute a real\n@attribute a real\n@data\n1,2\n", /both named "a"/],
])("ARFF and KEEL: %s", async (_, text, message) => {
  await rejected(text, "bad.dat").toThrow(message);
});

test("Parquet: written and read back, every type and missing cells", async () => {
  const table = await readTable(MIXED);
  const back = await readTable(await writeParquet(table));
  expect(roles(back)).toEqual(roles(table));
  expect(cells(back).map((row) => row.slice(3, 5))).toEqual(cells(table).map((row) => row.slice(3, 5)));
  for (const i of [0, 1, 2, 4, 5]) expect(back.columns[i].values).toEqual(table.columns[i].values);
  expect(back.columns[0].format.decimals).toBe(2);
});

test("JSON lines: written and read back", async () => {
  const table = await readTable(MIXED);
  const text = writeJsonLines(table);
  expect(text.split("\n")[0]).toBe(
    '{"n":1.5,"i":1,"b":"yes","c":"x","d":"2020-01-01","t":"2020-01-01T10:00:00Z"}',
  );
  const back = await readTable(text);
  expect(cells(back)).toEqual(cells(table));
  expect(roles(back)).toEqual(roles(table));
});

test("numbers survive every format to the bit", async () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(number, { freq: 8 }), { minLength: 1, maxLength: 30 }),
      async (values) => {
        const table = await readTable({ x: values, y: values.map((_, i) => i % 2) });
        const expected = cells(table);
        for (const written of [writeCsv(table), writeJsonLines(table), await writeParquet(table)]) {
          const back = await readTable(written);
          expect(cells(back)).toEqual(expected);
          expect(back.columns[0].values).toEqual(table.columns[0].values);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("32-bit floats are read as the decimals they stand for, whole numbers beyond 2^53 as keys", async () => {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const columnData = [
    { name: "f", data: Float32Array.from([39.1, 0.1, 1e-7, 16777216]), type: "FLOAT" as const },
    { name: "k", data: [2n ** 60n, 2n ** 60n + 1n, 3n, 4n], type: "INT64" as const },
  ];
  const table = await readTable(parquetWriteBuffer({ columnData }));
  expect([...table.columns[0].values!]).toEqual([39.1, 0.1, 1e-7, 16777216]);
  expect(cells(table).map((row) => row[1])).toEqual(["1152921504606846976", "1152921504606846977", "3", "4"]);
});

test("Parquet that was cut short, damaged or empty", async () => {
  const whole = await writeParquet(await readTable(MIXED));
  await rejected(whole.slice(0, whole.length - 20), "d.parquet").toThrow(
    /d\.parquet is not a whole Parquet file/,
  );
  await rejected(whole.slice(0, 6), "d.parquet").toThrow(/is not a whole Parquet file/);
  const broken = whole.slice();
  broken.fill(0xff, whole.length - 60, whole.length - 8);
  await rejected(broken, "d.parquet").toThrow(/is not a whole Parquet file/);
  await expect(readText(whole, { name: "d.parquet" })).rejects.toThrow(/d\.parquet is a Parquet file/);
  await rejected("PAR1 as text\nand more\n", "d.parquet").toThrow(/Parquet is binary/);
});

test("the content decides before the name, the option before both", async () => {
  const parquet = await writeParquet(await readTable("a,b\n1,x\n2,y\n"));
  expect((await readTable(parquet, { name: "table.csv" })).rows).toBe(2);
  expect((await readTable('{"a":1}\n{"a":2}\n')).columns[0].name).toBe("a");
  expect((await readTable("\n % note\n@relation x\n@attribute a real\n@data\n1\n2\n")).rows).toBe(2);
  expect((await readTable("a;b\n1;2\n", { name: "a.tsv" })).columns).toHaveLength(1);
  expect((await readTable("a\tb\n1\t2\n", { name: "x.csv", format: "tsv" })).columns).toHaveLength(2);
});

test("seattle-weather, unemployment.tsv and airports: real files, read and written back", async () => {
  for (const name of ["seattle-weather.csv", "unemployment.tsv", "airports.csv"]) {
    const table = await readTable(demoData(name), { name });
    const delimiter = name.endsWith(".tsv") ? "\t" : ",";
    const again = await readTable(writeCsv(table, { delimiter }), { name });
    expect(again).toEqual(table);
  }
});
