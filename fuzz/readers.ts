/**
 * Everything that reads what others wrote. A new reader is a row here: where to start from, what its format is made
 * of, and a way to read bytes.
 */
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { parseArguments } from "../cli/arguments.ts";
import { parseConfig } from "../cli/config.ts";
import { fitTable } from "../cli/fit.ts";
import { inspect } from "../cli/inspect.ts";
import { sampleModel } from "../cli/sample.ts";
import { toJson } from "../sdk/json.ts";
import { readTable } from "../sdk/parquet.ts";
import { Random } from "../sdk/random.ts";
import type { ReadOptions, TableFormat } from "../sdk/table/read.ts";
import { checkTable, checkUses } from "./check.ts";
import { checkpoint } from "./checkpoint.ts";
import { imageReaders } from "./images.ts";
import { damageModel, readModel, seedModel } from "./model.ts";
import { damage, damageJson, jsonText, oddJson, oneIn, pick, WORDS } from "./mutate.ts";
import { damageParquet } from "./parquet.ts";

export interface Reader {
  readonly name: string;
  /** Whole inputs to start from. */
  seeds(): readonly Uint8Array[];
  /** An input: a seed with some damage, or something made up that has the format's shape. */
  draw(random: Random, seeds: readonly Uint8Array[]): Uint8Array;
  /** Reads and uses the input. A MakeitError of code "input" is an answer; every other error is a finding. */
  read(bytes: Uint8Array): Promise<void>;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Reads a table in the format that its content says, or in the one given, and uses it. */
async function useTable(bytes: Uint8Array, format?: TableFormat, options: ReadOptions = {}): Promise<void> {
  const table = await readTable(bytes, { ...options, name: "odd", format });
  checkTable(table);
  await checkUses(table, bytes.length % 3);
}

function textReader(
  format: TableFormat,
  texts: readonly string[],
  tokens: readonly string[],
  make: (random: Random) => string,
): Reader {
  return {
    name: format,
    seeds: () => texts.map(bytesOf),
    draw(random, seeds) {
      const start = oneIn(random, 2) ? bytesOf(make(random)) : pick(random, seeds);
      return oneIn(random, 4) ? start : damage(start, random, seeds, tokens);
    },
    read: (bytes) => useTable(bytes, format),
  };
}

const repeat = <T>(random: Random, most: number, make: (i: number) => T) =>
  Array.from({ length: 1 + random.integer(most) }, (_, i) => make(i));

/** Columns of a kind each: words, numbers, dates, a few of all. */
function makeRows(random: Random): string[][] {
  const kinds = repeat(random, 5, () => random.integer(6));
  const cell = (kind: number) => {
    if (kind === 0 || oneIn(random, 12)) return pick(random, WORDS);
    if (kind === 1) return String(random.integer(50));
    if (kind === 2) return (random.integer(10_000) / 100 - 20).toFixed(2);
    if (kind === 3) return `20${10 + random.integer(20)}-0${1 + random.integer(9)}-1${random.integer(10)}`;
    if (kind === 4) return pick(random, ["no", "yes", ""]);
    return pick(random, ["red", "green", "blue", "?"]);
  };
  return repeat(random, oneIn(random, 4) ? 60 : 8, () => kinds.map(cell));
}

const names = (random: Random, count: number) =>
  Array.from({ length: count }, (_, i) => (oneIn(random, 3) ? pick(random, WORDS) : `c${i}`));

function makeCsv(random: Random): string {
  const rows = makeRows(random);
  const delimiter = pick(random, [",", ",", ";", "\t", "|"]);
  const newline = pick(random, ["\n", "\n", "\r\n", "\r"]);
  const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  const plain = (cell: string) => (/["\r\n;,|\t]/.test(cell) ? quote(cell) : cell);
  const write = oneIn(random, 3) ? quote : plain;
  return [names(random, rows[0].length), ...rows]
    .map((row) => row.map(write).join(delimiter) + newline)
    .join("");
}

function makeJsonLines(random: Random): string {
  const rows = makeRows(random);
  const keys = names(random, rows[0].length);
  const cell = (text: string) => {
    if (oneIn(random, 20)) return jsonText(oddJson(random));
    return /^-?[1-9]\d*$/.test(text) ? text : JSON.stringify(text);
  };
  const lines = rows.map((row) => {
    const pairs = row.map((text, i) => `${JSON.stringify(keys[i])}:${cell(text)}`);
    return `{${pairs.filter(() => !oneIn(random, 8)).join(",")}}`;
  });
  return oneIn(random, 4) ? `[${lines.join(",")}]` : `${lines.join("\n")}\n`;
}

function makeArff(random: Random): string {
  const rows = makeRows(random);
  const quote = (cell: string) => (/[\s,'"{}%\\]/.test(cell) ? `'${cell.replace(/['\\]/g, "\\$&")}'` : cell);
  const type = (i: number) =>
    pick(random, ["numeric", "real", "string", "date", `{${rows.map((row) => quote(row[i])).join(",")}}`]);
  const head = names(random, rows[0].length).map((name, i) => `@attribute ${quote(name)} ${type(i)}\n`);
  return `@relation r\n${head.join("")}@data\n${rows.map((row) => `${row.map(quote).join(",")}\n`).join("")}`;
}

const CSV = [
  "length,rings,sex,smoker,born,species\n1.25,3,F,no,2001-02-03,common\n2.50,,M,yes,2001-02-14,rare\n,7,I,no,,common\n",
  'a;b\r\n"x;""y""\r\nz";1,5\r\n;2,5\r\n',
  "id\n\n1\n2\n3\n",
  "k\tv\n007\t1e-7\n008\t-1.5E3\n",
];
const JSON_LINES = [
  '{"a":1,"b":"x","c":true}\n{"a":2.5,"b":null}\n\n{"c":false,"__proto__":"p","d":"2020-01-01"}\n',
  '[{"a":1},{"a":2},{"a":null,"b":[]}]',
];
const ARFF = [
  "% c\n@relation r\n@attribute 'a b' numeric\n@attribute k {x,'y z',\"w\\\"\"}\n@attribute s string\n@attribute d date\n@data\n1,x,'it\\'s',2020-01-01\n?,'y z',?,?\n",
  "@relation k\n@attribute A real [0, 1]\n@attribute C {positive, negative}\n@inputs A\n@outputs C\n@data\n0.5, negative\n<null>, positive\n",
];

const csv = textReader("csv", CSV, [",", '"', "\n", "\r\n", '""', ";", "\t", '","'], makeCsv);
const jsonl = textReader(
  "jsonl",
  JSON_LINES,
  ["{", "}", "[", "]", '"', ":", ",", "null", "\\u0000", "1e999"],
  makeJsonLines,
);
const arff = textReader(
  "arff",
  ARFF,
  ["@data", "@attribute", "{", "}", "'", '"', "\\", "?", ",", "%", "\n"],
  makeArff,
);

/** Any bytes under any name: which format is it? */
const sniff: Reader = {
  name: "sniff",
  seeds: () => [csv, jsonl, arff, parquet].flatMap((reader) => reader.seeds()),
  draw: (random, seeds) =>
    damage(pick(random, seeds), random, seeds, ["PAR1", "PK\u0003\u0004", "\u001f\u008b", "\ufeff"]),
  async read(bytes) {
    await useTable(bytes);
  },
};

const gzip: Reader = {
  name: "gzip",
  seeds: () => [...CSV, ...JSON_LINES].map((text) => gzipSync(text)),
  draw(random, seeds) {
    if (oneIn(random, 3)) return gzipSync(damage(bytesOf(pick(random, CSV)), random, seeds));
    return damage(pick(random, seeds), random, seeds);
  },
  read: (bytes) => useTable(bytes),
};

const PARQUET = "test/golden/parquet";
const parquet: Reader = {
  name: "parquet",
  seeds: () => readdirSync(PARQUET).map((file) => new Uint8Array(readFileSync(`${PARQUET}/${file}`))),
  draw: (random, seeds) => damageParquet(pick(random, seeds), random, seeds),
  read: (bytes) => useTable(bytes, "parquet"),
};

const model: Reader = { name: "model", seeds: () => [seedModel()], draw: damageModel, read: readModel };

const CONFIG = {
  target: "class",
  positive: "yes",
  epochs: 3,
  lambda: 0.5,
  drop: ["a", "b"],
  categorical: "x,y",
  conditional: false,
  metric: "f1",
  samples: "0.5x",
  "min-delta": 0.1,
};

/** A config file for `fit`. */
const config: Reader = {
  name: "config",
  seeds: () => [bytesOf(JSON.stringify(CONFIG)), bytesOf('\ufeff{"target":"a"}')],
  draw(random, seeds) {
    if (oneIn(random, 4))
      return damage(pick(random, seeds), random, seeds, ["{", "}", "[", ":", "null", '"']);
    return bytesOf(jsonText(damageJson(CONFIG, random)));
  },
  async read(bytes) {
    parseConfig(new TextDecoder().decode(bytes), "odd.json", fitTable.flags);
  },
};

const COMMANDS = [fitTable, sampleModel, inspect];
const LINES = [
  ["fit", "x.csv", "--target", "class", "--epochs", "3", "--drop", "a,b", "--json"],
  ["sample", "m.safetensors", "--counts", 'yes=3,"a, b"=4', "--seed", "1"],
  ["inspect", "-", "-t", "a", "--missing", "-9,unknown"],
];
const FLAGS = [
  "--help",
  "--__proto__",
  "--constructor=1",
  "--a.b.c=1",
  "-t",
  "--no-json",
  "--",
  "-",
  "--config",
  "-abc",
];

/** Words of a command line, one a line. */
const words: Reader = {
  name: "arguments",
  seeds: () => LINES.map((line) => bytesOf(line.join("\n"))),
  draw(random) {
    const line = [...pick(random, LINES)];
    for (let times = 1 + random.integer(3); times > 0; times--) {
      const word = pick(random, pick(random, [FLAGS, WORDS, line]));
      line.splice(random.integer(line.length + 1), random.integer(2), word);
    }
    // A config file is another reader's.
    return bytesOf(line.filter((word) => word !== "--config").join("\n"));
  },
  async read(bytes) {
    const line = new TextDecoder().decode(bytes).split("\n");
    if (line.some((word) => word.startsWith("--config"))) return;
    await parseArguments(line, COMMANDS, { version: "0" });
  },
};

/** JSON that we write ourselves: any value, on one screen, the same when read. */
const json: Reader = {
  name: "json",
  seeds: () => [bytesOf(JSON.stringify(CONFIG))],
  draw: (random) => bytesOf(jsonText(damageJson(CONFIG, random))),
  async read(bytes) {
    const text = new TextDecoder().decode(bytes);
    if (/\[{500}/.test(text)) return; // only what we write ourselves, which is not deep
    const value = JSON.parse(text);
    const written = toJson(value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(written)) throw new Error("a control");
    if (JSON.stringify(JSON.parse(written)) !== JSON.stringify(value)) throw new Error("another value");
  },
};

export const READERS: readonly Reader[] = [
  csv,
  jsonl,
  arff,
  sniff,
  gzip,
  parquet,
  ...imageReaders,
  model,
  checkpoint,
  config,
  words,
  json,
];

/** The input of that number: the same for the same seed. */
export function drawInput(
  reader: Reader,
  seeds: readonly Uint8Array[],
  seed: number,
  index: number,
): Uint8Array {
  return reader.draw(new Random(seed, index), seeds);
}
