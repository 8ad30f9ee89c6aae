import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MakeitError } from "../sdk/errors.ts";
import { type ReadOptions, readTable, type Source } from "../sdk/table/read.ts";
import { cellText, type Table } from "../sdk/table/table.ts";
import { writeCsv } from "../sdk/table/write.ts";
import { demoData } from "./demoData.ts";

const cells = (table: Table) =>
  Array.from({ length: table.rows }, (_, row) => table.columns.map((column) => cellText(column, row)));
const roles = (table: Table) => table.columns.map((column) => column.role);
const bytes = (text: string) => new TextEncoder().encode(text);

async function failure(source: Source, options: ReadOptions = {}): Promise<MakeitError> {
  try {
    await readTable(source, { name: "data.csv", ...options });
  } catch (error) {
    expect(error).toBeInstanceOf(MakeitError);
    const known = error as MakeitError;
    expect(known.code).toBe("input");
    expect(known.message).not.toContain("\n");
    expect(known.hint).not.toBe("");
    return known;
  }
  throw new Error("the table was read, and should not have been");
}

test("Excel's first line that names the delimiter is not the header", async () => {
  for (const mark of [";", ","]) {
    const text = `sep=${mark}\r\na${mark}b\r\n1${mark}x\r\n2${mark}y\r\n`;
    const table = await readTable(text, { name: "data.csv" });
    expect(table.columns.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(cells(table)).toEqual([
      ["1", "x"],
      ["2", "y"],
    ]);
  }
  expect((await failure("sep=;\na;b\n1;x\n2\n")).message).toContain("line 4");
});

test("a string, bytes, a buffer, a blob and a stream give the same table", async () => {
  const text = "a,b\n1,x\n2,y\n";
  const expected = await readTable(text);
  const sources = [bytes(text), bytes(text).buffer, new Blob([text]), new Blob([text]).stream()];
  for (const source of sources) expect(await readTable(source)).toEqual(expected);
  expect(expected.columns.map((column) => column.name)).toEqual(["a", "b"]);
});

test("byte order mark, CRLF, mixed and old Mac line ends, no last newline, blank lines", async () => {
  const expected = cells(await readTable("a,b\n1,x\n2,y\n"));
  const variants = [
    "\uFEFFa,b\n1,x\n2,y\n",
    "a,b\r\n1,x\r\n2,y\r\n",
    "a,b\r\n1,x\n2,y\r\n",
    "a,b\r1,x\r2,y\r",
    "a,b\n1,x\n2,y",
    "\na,b\n\n1,x\n2,y\n\n\n",
    'a,b\r\n"1","x"\r\n"2","y"\r\n',
    'a,b\r\n"1","x"\r\n"2","y"\r',
  ];
  for (const text of variants) {
    expect(cells(await readTable(text))).toEqual(expected);
    expect(cells(await readTable(bytes(text)))).toEqual(expected);
  }
});

test("quotes, delimiters and newlines within fields", async () => {
  const table = await readTable('name,note\n"Doe, Jane","said ""hi"""\n"two\nlines",5\' 7" tall\n');
  expect(cells(table)).toEqual([
    ["Doe, Jane", 'said "hi"'],
    ["two\nlines", "5' 7\" tall"],
  ]);
});

test.each([
  ["tab", "a\tb\n1,5\tx\n2,5\ty\n"],
  ["semicolon", "a;b\n1,5;x\n2,5;y\n"],
  ["bar", "a|b\n1,5|x\n2,5|y\n"],
])("the delimiter is found: %s", async (_, text) => {
  expect(cells(await readTable(text))).toEqual([
    ["1,5", "x"],
    ["2,5", "y"],
  ]);
});

test("pieces of one byte and of any size give the same table", async () => {
  const text = 'größe,"the ""name"""\r\n1.5,"a\r\nb"\r\n2.5,"ü""x"\r\n,"€,𝄞"\r\n';
  const expected = await readTable(text);
  for (const size of [1, 2, 3, 7, 16]) {
    const all = bytes(text);
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < all.length; at += size) controller.enqueue(all.slice(at, at + size));
        controller.close();
      },
    });
    expect(await readTable(stream)).toEqual(expected);
  }
});

test("gzip, by content and not by name", async () => {
  const text = "a,b\n1,x\n2,y\n";
  expect(await readTable(gzipSync(text), { name: "data.csv.gz" })).toEqual(
    await readTable(text, { name: "data.csv.gz" }),
  );
  expect(cells(await readTable(gzipSync("a\tb\n1\tx\n2\ty\n"), { name: "data.tsv.gz" }))).toEqual([
    ["1", "x"],
    ["2", "y"],
  ]);
});

const word = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    " lead",
    "trail ",
    'q"q',
    "a,b",
    "x\ny",
    "x\r\ny",
    "x\r",
    "007",
    "é",
    "=1+1",
  ),
  fc.string(),
  fc.string({ unit: "grapheme" }),
);
const name = fc
  .oneof(fc.constantFrom("__proto__", "constructor", "hasOwnProperty"), word)
  .map((text) => text.trim())
  .filter((text) => text !== "");
const columnOfCells = (rows: number) =>
  fc.oneof(
    fc.array(word, { minLength: rows, maxLength: rows }),
    fc.array(fc.integer().map(String), { minLength: rows, maxLength: rows }),
    fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), {
      minLength: rows,
      maxLength: rows,
    }),
    fc.array(fc.constantFrom("", "NA", "yes", "no"), { minLength: rows, maxLength: rows }),
    fc
      .array(fc.date({ noInvalidDate: true, min: new Date("0001-01-02"), max: new Date("9999-12-30") }), {
        minLength: rows,
        maxLength: rows,
      })
      .map((dates) => dates.map((date) => date.toISOString())),
  );

test("write then read gives the same table: words, numbers, dates, missing, any names", async () => {
  const frame = fc
    .tuple(fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 12 }))
    .chain(([names, rows]) =>
      fc.tuple(fc.constant(names), fc.tuple(...names.map(() => columnOfCells(rows)))),
    );
  await fc.assert(
    fc.asyncProperty(frame, async ([names, columns]) => {
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const lines = [names, ...columns[0].map((_, row) => columns.map((column) => column[row]))];
      const options = { format: "csv", delimiter: "," } as const;
      const first = await readTable(lines.map((line) => `${line.map(quote).join(",")}\n`).join(""), options);
      const again = await readTable(writeCsv(first), options);
      expect(cells(again)).toEqual(cells(first));
      expect(roles(again)).toEqual(roles(first));
      expect(again.columns).toEqual(first.columns);
    }),
    { numRuns: 300 },
  );
});

test("numbers are written back as they were", async () => {
  const text = "price,id,rate,tiny\n2.50,7,0.1,1e-7\n3.00,8,12.345,2.5e-9\n,9,-3,1\n";
  const written = writeCsv(await readTable(text));
  expect(written).toBe("price,id,rate,tiny\n2.50,7,0.1,1e-7\n3.00,8,12.345,2.5e-9\n,9,-3,1\n");
});

test("--safe-csv: no cell runs as a formula, numbers stay numbers", async () => {
  const table = await readTable('a,b\n"=1+1",-5\n@x,3\n"-y",4\nplain,5\n');
  expect(writeCsv(table, { safe: true })).toBe("a,b\n'=1+1,-5\n'@x,3\n'-y,4\nplain,5\n");
});

test("a ragged row: file, line, expected and found, even after quoted newlines", async () => {
  const error = await failure('a,b,c\n"x\ny\nz",1,2\n\n1,2\n');
  expect(error.message).toBe(
    'data.csv, line 6: expected 3 fields as in the header, found 2 (row starts "1 2").',
  );
  const many = Array.from({ length: 3000 }, (_, i) => `${i},${i % 2 ? '"two\nlines"' : "one"}`).join("\n");
  const late = await failure(bytes(`a,b\n${many}\n1,2,3\n`));
  expect(late.message).toMatch(/line 4502: expected 2 fields as in the header, found 3/);
});

test.each([
  ["duplicate headers", "a,b,a\n1,2,3\n", /line 1: columns 1 and 3 are both named "a"/],
  ["empty header name", "a,,c\n1,2,3\n", /line 1: column 2 of 3 has no name/],
  ["no rows", "a,b\n", /data\.csv has a header and no rows/],
  ["empty file", "", /data\.csv is empty/],
  ["only blank lines", "\n\n\n", /data\.csv is empty/],
  [
    "unclosed quote",
    'a,b\n1,"x\n2,y\n',
    /line 2: a quoted field in the row that starts here is never closed/,
  ],
  ["text after a quote", 'a,b\n1,"x"y\n2,z\n', /line 2: text follows a closing quote/],
  [
    "Infinity",
    "a,b\n1,x\n2,y\nInfinity,z\n",
    /line 4, column "a": found "Infinity", expected a finite number/,
  ],
  ["-inf", "a,b\n1,x\n2,y\n-inf,z\n", /line 4, column "a": found "-inf"/],
  ["1e999", "a,b\n1,x\n2,y\n1e999,z\n", /line 4, column "a": found "1e999"/],
])("%s", async (_, text, message) => {
  expect((await failure(text)).message).toMatch(message);
  expect((await failure(bytes(text))).message).toMatch(message);
});

test("Infinity late in a long column of numbers", async () => {
  const rows = Array.from({ length: 5000 }, (_, i) => `${i * 1.5},x`);
  const error = await failure(`a,b\n${rows.join("\n")}\ninf,x\n`);
  expect(error.message).toBe('data.csv, line 5002, column "a": found "inf", expected a finite number.');
});

test("a picture is called binary, not badly encoded text", async () => {
  const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49]);
  await expect(readTable(png, { name: "photo.png" })).rejects.toThrow("photo.png is binary, not text.");
});

test("not UTF-8: byte and line, and how to convert", async () => {
  const latin = Uint8Array.from([...bytes("a,b\nx,1\ncaf"), 0xe9, ...bytes(",2\n")]);
  const error = await failure(latin);
  expect(error.message).toBe("data.csv is not UTF-8: byte 11 (line 3) is 0xe9.");
  expect(error.hint).toContain("iconv -f WINDOWS-1252");
  const cut = bytes("a,b\nx,é");
  expect((await failure(cut.slice(0, -1))).message).toBe("data.csv is not UTF-8: byte 6 (line 2) is 0xc3.");
  const utf16 = Uint8Array.from([0xff, 0xfe, 0x61, 0, 0x2c, 0]);
  expect((await failure(utf16)).hint).toContain("iconv -f UTF-16");
  expect((await failure(Uint8Array.from([1, 2, 0, 3, 4]))).message).toMatch(/binary, not text/);
});

test("the reported byte is the first invalid one, wherever the pieces are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme" }),
      fc.constantFrom(0x80, 0xc0, 0xe9, 0xff),
      fc.integer({ min: 1, max: 9 }),
      async (text, bad, size) => {
        const start = bytes(`a,b\n${text.replaceAll("\0", "")}`);
        const all = Uint8Array.from([...start, bad, ...bytes(" tail")]);
        const stream = new ReadableStream<Uint8Array>({
          start(controller) {
            for (let at = 0; at < all.length; at += size) controller.enqueue(all.slice(at, at + size));
            controller.close();
          },
        });
        const error = await failure(stream);
        expect(error.message).toContain(
          `byte ${start.length} (line ${start.filter((byte) => byte === 10).length + 1})`,
        );
      },
    ),
    { numRuns: 50 },
  );
});

test("truncated and damaged gzip", async () => {
  const packed = gzipSync("a,b\n".concat("1,2\n".repeat(10_000)));
  for (const broken of [packed.subarray(0, packed.length - 9), packed.subarray(0, 12)]) {
    expect((await failure(broken, { name: "data.csv.gz" })).message).toMatch(
      /data\.csv\.gz is not a whole gzip file/,
    );
  }
});

test("an error of the stream itself is passed on as it is", async () => {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.error(new Error("the disk is gone"));
    },
  });
  await expect(readTable(stream)).rejects.toThrow("the disk is gone");
});

test("a path instead of a table, an Excel file, contradicting and unknown columns", async () => {
  expect((await failure("data/train.csv")).hint).toContain("makeit-ai/node");
  expect((await failure("./table")).message).toMatch(/is a path/);
  expect((await failure(bytes("PK\x03\x04rest of a workbook"))).message).toMatch(/Excel/);
  expect((await failure("a,b\n1,2\n", { drop: ["a"], id: ["a"] })).message).toMatch(/both drop and id/);
  expect((await failure("age,b\n1,2\n", { drop: ["agee"] })).hint).toMatch(/Did you mean "age"/);
});

test("one column, and its missing cells", async () => {
  const table = await readTable("a\n1\n\n3\n");
  expect(cells(table)).toEqual([["1"], [""], ["3"]]);
  expect(cells(await readTable(writeCsv(table)))).toEqual(cells(table));
});

test("birdstrikes: 10,000 real rows, read and written back to the byte", async () => {
  const text = demoData("birdstrikes.csv").toString();
  const table = await readTable(text, { name: "birdstrikes.csv" });
  expect(table.rows).toBe(10_000);
  expect(roles(table)).toEqual([
    ...Array(3).fill("categorical"),
    "datetime",
    ...Array(6).fill("categorical"),
    ...Array(4).fill("integer"),
  ]);
  expect(table.columns[13].missing).toBe(2836);
  expect(writeCsv(table).trimEnd()).toBe(text.replaceAll("\r\n", "\n").trimEnd());
});
