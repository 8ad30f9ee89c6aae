/** Parquet: what Arrow writes in every encoding and packing is read; what lies about itself is refused, and quickly. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readTable, writeParquet } from "../sdk/parquet.ts";
import { cellText } from "../sdk/table/table.ts";

const HOME = "test/golden/parquet";
const EXPECTED = JSON.parse(readFileSync("test/golden/parquet.json", "utf8")) as Record<string, string[]>;
const FILES = readdirSync(HOME);

describe("what Arrow writes", () => {
  test.each(FILES)("%s", async (file) => {
    const table = await readTable(readFileSync(`${HOME}/${file}`), { name: file });
    expect(table.columns.map(({ name }) => name)).toEqual(Object.keys(EXPECTED));
    for (const column of table.columns) {
      const cells = EXPECTED[column.name].map((_, row) => cellText(column, row) || null);
      const numeric = column.values && !column.format.pattern && !column.format.words;
      const expected = EXPECTED[column.name].map((text) => (numeric && text ? String(Number(text)) : text));
      expect([column.name, cells]).toEqual([column.name, expected]);
    }
  });
});

test("yes and no stay words, true and false are a Boolean", async () => {
  const table = await readTable("a,b,c\nyes,true,1\nno,false,2\nyes,,3\n", { name: "t.csv" });
  const back = await readTable(await writeParquet(table), { name: "t.parquet" });
  const words = back.columns.slice(0, 2).map((column) => [0, 1, 2].map((row) => cellText(column, row)));
  expect(words).toEqual([
    ["yes", "no", "yes"],
    ["true", "false", ""],
  ]);
});

/** A field of a struct: its number, its type in Thrift's compact protocol, its value. */
type Field = [id: number, type: number, value: number | string | Uint8Array | Field[] | List];
type List = { of: number; length?: number; items: (number | string | Field[] | List)[] };

const [TRUE, I32, I64, BINARY, LIST, STRUCT] = [1, 5, 6, 8, 9, 12];

const varint = (value: number): number[] =>
  value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];

const zigzag = (value: number) => (value < 0 ? -2 * value - 1 : 2 * value);

function thrift(type: number, value: Field[2]): number[] {
  if (type === TRUE) return [];
  if (type === I32 || type === I64) return varint(zigzag(value as number));
  if (type === BINARY) {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : (value as Uint8Array);
    return [...varint(bytes.length), ...bytes];
  }
  if (type === LIST) {
    const { of, items, length = items.length } = value as List;
    const head = length < 15 ? [16 * length + of] : [240 + of, ...varint(length)];
    return [...head, ...items.flatMap((item) => thrift(of, item))];
  }
  const fields = (value as Field[]).flatMap(([id, kind, item]) => [
    kind,
    ...varint(2 * id),
    ...thrift(kind, item),
  ]);
  return [...fields, 0];
}

interface Page {
  /** 0: data, 2: dictionary, 3: data of the second kind. */
  kind: number;
  rows: number;
  body: number[];
  encoding?: number;
  /** What the header says of its length once unpacked. */
  length?: number;
  second?: Field[];
}

interface Lies {
  type?: number;
  codec?: number;
  rows?: number;
  groupRows?: number;
  optional?: boolean;
  schema?: Field[][];
  offset?: number;
  element?: Field[];
  more?: Field[];
}

function page({ kind, rows, body, encoding = 0, length = body.length, second = [] }: Page): number[] {
  const own: Field[] =
    kind === 3
      ? second
      : [
          [1, I32, rows],
          [2, I32, encoding],
          [3, I32, 3],
          [4, I32, 3],
        ];
  const header: Field[] = [
    [1, I32, kind],
    [2, I32, length],
    [3, I32, body.length],
    [kind === 0 ? 5 : kind === 2 ? 7 : 8, STRUCT, own],
  ];
  return [...thrift(STRUCT, header), ...body];
}

/** A file of one column `x`, honest unless told to lie. */
function parquet(pages: Page[], lies: Lies = {}): Uint8Array {
  const held = pages.reduce((sum, { kind, rows }) => sum + (kind === 2 ? 0 : rows), 0);
  const {
    type = 1,
    codec = 0,
    rows = held,
    groupRows = rows,
    optional = false,
    offset = 4,
    element = [],
  } = lies;
  const bytes = pages.flatMap(page);
  const schema: Field[][] = lies.schema ?? [
    [
      [4, BINARY, "schema"],
      [5, I32, 1],
    ],
    [[1, I32, type], [3, I32, optional ? 1 : 0], [4, BINARY, "x"], ...element],
  ];
  const meta: Field[] = [
    [1, I32, type],
    [2, LIST, { of: I32, items: [] }],
    [3, LIST, { of: BINARY, items: ["x"] }],
    [4, I32, codec],
    [5, I64, groupRows],
    [6, I64, bytes.length],
    [7, I64, bytes.length],
    [9, I64, offset],
  ];
  const group: Field[] = [
    [
      1,
      LIST,
      {
        of: STRUCT,
        items: [
          [
            [2, I64, 4],
            [3, STRUCT, meta],
          ],
        ],
      },
    ],
    [2, I64, bytes.length],
    [3, I64, groupRows],
  ];
  const file: Field[] = [
    [1, I32, 2],
    [2, LIST, { of: STRUCT, items: schema }],
    [3, I64, rows],
    [4, LIST, { of: STRUCT, items: [group] }],
    ...(lies.more ?? []),
  ];
  const footer = thrift(STRUCT, file);
  const magic = [...new TextEncoder().encode("PAR1")];
  const length = [0, 8, 16, 24].map((shift) => (footer.length >>> shift) & 255);
  return Uint8Array.from([...magic, ...bytes, ...footer, ...length, ...magic]);
}

const u32 = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);
const ints = (...values: number[]) => values.flatMap(u32);
const PLAIN: Page = { kind: 0, rows: 3, body: ints(7, 8, 9) };
const WORDS: Page = { kind: 2, rows: 2, body: ints(70, 80) };
/** References into a dictionary: a bit each, packed, 0 1 0 and five that do not count. */
const REFERENCES = { kind: 0, rows: 3, encoding: 8 };
/** A count of rows that a file of some hundred bytes can still say. */
const MANY = 2 ** 24;

async function read(bytes: Uint8Array): Promise<string[]> {
  const table = await readTable(bytes, { name: "odd.parquet" });
  return Array.from({ length: table.rows }, (_, row) => cellText(table.columns[0], row));
}

describe("files made by hand", () => {
  test.each<[string, Uint8Array, string[]]>([
    ["plain numbers", parquet([PLAIN]), ["7", "8", "9"]],
    ["a dictionary", parquet([WORDS, { ...REFERENCES, body: [1, 3, 0b010] }]), ["70", "80", "70"]],
    ["a dictionary and a run", parquet([WORDS, { ...REFERENCES, body: [1, 6, 1] }]), ["80", "80", "80"]],
    [
      "missing values",
      parquet([{ kind: 0, rows: 3, body: [...u32(2), 3, 0b101, ...ints(7, 9)] }], { optional: true }),
      ["7", "", "9"],
    ],
    [
      "a name of every object's",
      parquet([PLAIN], {
        schema: [
          [
            [4, BINARY, "s"],
            [5, I32, 1],
          ],
          [
            [1, I32, 1],
            [3, I32, 0],
            [4, BINARY, "x"],
          ],
        ],
      }),
      ["7", "8", "9"],
    ],
  ])("%s", async (_, bytes, cells) => {
    expect(await read(bytes)).toEqual(cells);
  });

  const levels = (run: number[]) => [...u32(run.length), ...run];
  const backwards = [0, 0, 0, 0, 255, 255, 255, 248, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  // A frame of zstd: no checksum, one segment, its size in four bytes; then blocks that repeat a byte 2 MiB times.
  const zstd = (blocks: number) => [
    ...[0x28, 0xb5, 0x2f, 0xfd, 0xa0, ...u32(12)],
    ...Array.from({ length: blocks }, () => [0xfa, 0xff, 0xff, 0]).flat(),
  ];
  const second = (fields: Field[]): Page => ({ kind: 3, rows: 3, body: ints(7, 8, 9), second: fields });
  test.each<[string, Uint8Array, RegExp]>([
    [
      "a run of a thousand million levels",
      parquet([{ kind: 0, rows: 3, body: levels([...varint(2 ** 31), 1]) }], { optional: true }),
      /a run is longer than its page/,
    ],
    [
      "a run of as many references",
      parquet([WORDS, { ...REFERENCES, body: [1, ...varint(2 ** 31), 1] }]),
      /a run is longer than its page/,
    ],
    [
      "packed references of no width without end",
      parquet([
        WORDS,
        {
          ...REFERENCES,
          kind: 3,
          body: [0, ...varint(2 ** 31 + 1)],
          second: [
            [1, I32, 3],
            [2, I32, 0],
            [3, I32, 3],
            [4, I32, 8],
            [5, I32, 0],
            [6, I32, 0],
          ],
        },
      ]),
      /a run is longer than its page/,
    ],
    [
      "references beyond the dictionary",
      parquet([WORDS, { ...REFERENCES, body: [2, 6, 3] }]),
      /words that are not there/,
    ],
    [
      "references without a dictionary",
      parquet([{ ...REFERENCES, body: [1, 6, 1] }]),
      /a dictionary that is not there/,
    ],
    [
      "a page of more rows than its group",
      parquet([{ ...PLAIN, rows: 2 ** 31 }], { rows: 3 }),
      /more rows than its group/,
    ],
    [
      "fewer values than it says",
      parquet([{ ...PLAIN, rows: MANY - 1 }]),
      /fewer values than it says|next to nothing/,
    ],
    [
      "sixteen million rows of nothing",
      parquet([{ ...PLAIN, rows: 3 }], { rows: MANY }),
      /next to nothing in them/,
    ],
    ["more rows than a table may have", parquet([PLAIN], { rows: 2 ** 40 }), /more than 16777216 rows/],
    [
      "rows that its groups do not hold",
      parquet([PLAIN], { rows: 4, groupRows: 3 }),
      /it holds 3 rows and says 4/,
    ],
    ["rows that its pages do not hold", parquet([PLAIN], { rows: 4 }), /its description is cut short/],
    ["fewer rows than none", parquet([PLAIN], { rows: -1 }), /a number out of range/],
    [
      "a page of two gigabytes",
      parquet([{ ...PLAIN, length: 2 ** 31 - 1 }], { codec: 1 }),
      /a page is too long/,
    ],
    [
      "a page that would grow a thousandfold",
      parquet([{ ...PLAIN, length: 2 ** 27 }], { codec: 6 }),
      /unpacks to more than 100 times/,
    ],
    [
      "blocks that repeat a byte",
      parquet([{ ...PLAIN, body: zstd(1000), length: 12 }], { codec: 6 }),
      /not a whole Parquet file/,
    ],
    [
      "LZ4 frames that lead back",
      parquet([{ ...PLAIN, body: backwards, length: 12 }], { codec: 5 }),
      /a page is packed wrongly/,
    ],
    ["an unknown packing", parquet([PLAIN], { codec: 3 }), /packed by LZO, which is not read/],
    [
      "differences in blocks of none",
      parquet([{ ...PLAIN, encoding: 5, body: [0, 0, 3, 0, 0] }]),
      /blocks of no possible size/,
    ],
    [
      "differences in fewer than no parts",
      parquet([{ ...PLAIN, encoding: 5, body: [...varint(128), ...varint(2 ** 32 - 8), 3, 0, 0] }]),
      /blocks of no possible size/,
    ],
    [
      "texts that begin like longer ones",
      parquet([{ ...PLAIN, encoding: 7, body: [...varint(128), 4, 3, 0, 20, 8, 8, 8, 8] }], { type: 6 }),
      /not a whole Parquet file/,
    ],
    [
      "numbers written as texts",
      parquet([{ ...PLAIN, encoding: 6 }]),
      /a page of INT32 is written in DELTA_LENGTH_BYTE_ARRAY/,
    ],
    [
      "a text longer than its page",
      parquet([{ ...PLAIN, body: [...u32(2 ** 31), 1] }], { type: 6 }),
      /a value is longer than its page/,
    ],
    [
      "a decimal number of a kilobyte",
      parquet([{ kind: 0, rows: 1, body: Array(1000).fill(1) }], {
        type: 7,
        element: [
          [2, I32, 1000],
          [6, I32, 5],
        ],
      }),
      /a decimal number is too long/,
    ],
    ["values of no length", parquet([PLAIN], { type: 7 }), /values have no length/],
    [
      "levels of a plain column",
      parquet([
        second([
          [1, I32, 3],
          [2, I32, 0],
          [3, I32, 3],
          [4, I32, 0],
          [5, I32, 0],
          [6, I32, 2],
        ]),
      ]),
      /levels that a plain column has not/,
    ],
    [
      "missing values that are not missing",
      parquet([
        second([
          [1, I32, 3],
          [2, I32, 2],
          [3, I32, 3],
          [4, I32, 0],
          [5, I32, 0],
          [6, I32, 0],
        ]),
      ]),
      /levels that a plain column has not/,
    ],
    ["a column outside of the file", parquet([PLAIN], { offset: 2 ** 30 }), /lies outside of the file/],
    [
      "a schema of more columns than it has",
      parquet([PLAIN], {
        schema: [
          [
            [4, BINARY, "s"],
            [5, I32, 2 ** 30],
          ],
          [
            [1, I32, 1],
            [3, I32, 0],
            [4, BINARY, "x"],
          ],
        ],
      }),
      /not those it counts/,
    ],
    [
      "a list",
      parquet([PLAIN], {
        schema: [
          [
            [4, BINARY, "s"],
            [5, I32, 1],
          ],
          [
            [1, I32, 1],
            [3, I32, 2],
            [4, BINARY, "x"],
          ],
        ],
      }),
      /column "x" is a list/,
    ],
    [
      "nested columns",
      parquet([PLAIN], {
        schema: [
          [
            [4, BINARY, "s"],
            [5, I32, 1],
          ],
          [
            [4, BINARY, "x"],
            [5, I32, 1],
          ],
          [
            [1, I32, 1],
            [3, I32, 0],
            [4, BINARY, "y"],
          ],
        ],
      }),
      /column "x" is nested \(x\.y\)/,
    ],
    [
      "a geometry",
      parquet([PLAIN], { element: [[10, STRUCT, [[17, STRUCT, []]]]] }),
      /no number, text, date or truth value/,
    ],
    [
      "a list of a thousand million",
      parquet([PLAIN], { more: [[5, LIST, { of: STRUCT, length: 2 ** 30, items: [] }]] }),
      /a list in its description is cut short/,
    ],
    ["lists in lists in lists", parquet([PLAIN], { more: [[5, LIST, nested(100)]] }), /nested too deeply/],
    [
      "bytes that are no text",
      parquet([{ kind: 0, rows: 1, body: [...u32(2), 0xc3, 0x28] }], { type: 6 }),
      /column "x" holds bytes that are no UTF-8 text/,
    ],
  ])("%s", async (_, bytes, message) => {
    const started = performance.now();
    await expect(read(bytes)).rejects.toMatchObject({
      code: "input",
      message: expect.stringMatching(message),
    });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  function nested(depth: number): List {
    return { of: LIST, items: depth > 0 ? [nested(depth - 1)] : [] };
  }
});
