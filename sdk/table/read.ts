import { inputError } from "../errors.ts";
import { readArff } from "./arff.ts";
import { MISSING } from "./builder.ts";
import { collect, decodeText, openBytes } from "./bytes.ts";
import { type RawTable, readCsv, type TextSettings } from "./csv.ts";
import { readJsonLines } from "./jsonl.ts";
import { readRecord } from "./record.ts";
import { type ForcedRole, settle } from "./roles.ts";
import { type Table, unknownColumn } from "./table.ts";

/** What a table may be read from. A string is the text of a table, not a path. */
export type Source =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | Record<string, ArrayLike<unknown>>;

export type TableFormat = "csv" | "tsv" | "parquet" | "jsonl" | "arff" | "keel";

export interface ReadOptions {
  /** The file's name: stands in messages, and its extension tells the format. */
  name?: string;
  format?: TableFormat;
  /** CSV: the delimiter; found by itself among comma, tab, semicolon and bar. */
  delimiter?: string;
  /** Whether columns that `drop` or `id` name may be lacking. */
  absent?: boolean;
  /** Columns to read but never learn. */
  drop?: readonly string[];
  /** Columns whose spellings are categories, even if they look like numbers. */
  categorical?: readonly string[];
  /** Columns that hold numbers, even if they look like codes or ids. */
  numeric?: readonly string[];
  /** Columns that name the rows. */
  id?: readonly string[];
  /** More spellings of a missing cell, beside the empty cell, NA, N/A, NaN, null, ? and a single point. */
  missing?: readonly string[];
}

const EXTENSIONS: Record<string, TableFormat> = {
  csv: "csv",
  tsv: "tsv",
  tab: "tsv",
  parquet: "parquet",
  pq: "parquet",
  jsonl: "jsonl",
  ndjson: "jsonl",
  json: "jsonl",
  arff: "arff",
};

/** Reads what is not text. Handed over, so that whoever reads text alone carries no reader of it. */
export type BinaryReader = (bytes: Uint8Array, settings: TextSettings) => Promise<RawTable>;

/**
 * Reads a table: CSV, TSV, JSON lines, ARFF or KEEL, gzipped or not, or columns in memory; Parquet with a reader for it
 * (`makeit-ai/parquet` brings one). Column roles are found, or given by the options.
 * @throws inputError that names file, row and column for anything that is not as it should be
 */
export async function readTable(
  source: Source,
  options: ReadOptions = {},
  readParquet: BinaryReader = refuseParquet,
): Promise<Table> {
  const name = options.name ?? "table";
  const forced = forcedRoles(options);
  const settings: TextSettings = {
    table: name,
    delimiter: options.delimiter,
    missing: new Set([...MISSING, ...(options.missing ?? [])]),
    wordsOnly: new Set([...forced].filter(([, role]) => role !== "numeric").map(([column]) => column)),
  };
  const raw = await readRaw(source, options, settings, readParquet);
  const names = raw.columns.map((column) => column.name);
  for (const [column, role] of forced) {
    if (names.includes(column) || (options.absent && (role === "drop" || role === "id"))) continue;
    throw unknownColumn(name, column, names);
  }
  const warnings: string[] = [];
  const around = { table: name, place: raw.place, warn: (sentence: string) => warnings.push(sentence) };
  const columns = raw.columns.map((column) => settle(column, forced.get(column.name), around));
  return { name, rows: raw.rows, columns, reading: readingOf(options), warnings };
}

function readingOf({ name: _, absent: _absent, ...asked }: ReadOptions): Record<string, string> {
  const listed = (name: string) => (/[",]|^\s|\s$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
  const told = Object.entries(asked).filter(([, value]) => value?.length);
  return Object.fromEntries(
    told.map(([key, value]) => [key, typeof value === "string" ? value : value.map(listed).join(",")]),
  );
}

function forcedRoles(options: ReadOptions): Map<string, ForcedRole> {
  const forced = new Map<string, ForcedRole>();
  for (const role of ["drop", "categorical", "numeric", "id"] as const) {
    for (const column of options[role] ?? []) {
      const other = forced.get(column);
      if (other && other !== role) {
        throw inputError(`Column "${column}" is declared both ${other} and ${role}.`, "Declare one of them.");
      }
      forced.set(column, role);
    }
  }
  return forced;
}

async function refuseParquet(_: Uint8Array, { table }: TextSettings): Promise<RawTable> {
  throw inputError(
    `${table} is a Parquet file, and this readTable reads text alone.`,
    'Take readTable of "makeit-ai/parquet".',
  );
}

async function readRaw(
  source: Source,
  options: ReadOptions,
  settings: TextSettings,
  readParquet: BinaryReader,
): Promise<RawTable> {
  if (typeof source === "string") {
    refusePath(source);
    return readText(pieces(source), options.format ?? formatOf(source, settings.table), settings);
  }
  if (!isBinary(source)) return readRecord(source, settings);
  const { head, chunks } = await openBytes(source, settings.table);
  const start = new TextDecoder("latin1").decode(head);
  const format = options.format ?? formatOf(start, settings.table);
  if (format === "parquet") return readParquet(await collect(chunks), settings);
  return readText(decodeText(chunks, settings.table), format, settings);
}

function isBinary(
  source: Exclude<Source, string>,
): source is Exclude<Source, string | Record<string, ArrayLike<unknown>>> {
  return (
    source instanceof Uint8Array ||
    source instanceof ArrayBuffer ||
    source instanceof Blob ||
    source instanceof ReadableStream
  );
}

async function readText(
  text: AsyncIterable<string>,
  format: TableFormat,
  settings: TextSettings,
): Promise<RawTable> {
  switch (format) {
    case "tsv":
      return readCsv(text, { ...settings, delimiter: settings.delimiter ?? "\t" });
    case "jsonl":
      return readJsonLines(text, settings);
    case "arff":
    case "keel":
      return readArff(text, settings);
    case "parquet":
      throw inputError(`${settings.table} is text, and Parquet is binary.`, "Pass the file's bytes.");
    default:
      return readCsv(text, settings);
  }
}

/** A string that was meant as a path: one line that ends like a file or starts like a folder. */
function refusePath(text: string): void {
  if (/[\n\r]/.test(text) || !/^(?:\.{0,2}\/|~|[A-Za-z]:\\)|\.[A-Za-z]\w{1,7}(?:\.gz)?$/.test(text.trim()))
    return;
  throw inputError(
    `"${text}" is a path, and a string must hold the table itself.`,
    'Read files with readTable of "makeit-ai/node", or pass the bytes.',
  );
}

/** A string in pieces, so that parsing never holds all its cells at once. */
async function* pieces(text: string): AsyncGenerator<string> {
  const start = text.startsWith("\uFEFF") ? 1 : 0;
  for (let at = start; at < text.length; at += 2 ** 20) yield text.slice(at, at + 2 ** 20);
}

/** The format by what the content starts with, else by the name's extension, else CSV. */
function formatOf(start: string, name: string): TableFormat {
  if (start.startsWith("PAR1")) return "parquet";
  if (start.startsWith("PK\x03\x04")) {
    throw inputError(
      `${name} is a ZIP archive or an Excel workbook.`,
      "Save the sheet as CSV, or unpack the archive.",
    );
  }
  const extension = /\.([a-z]+)(?:\.gz)?$/i.exec(name)?.[1].toLowerCase() ?? "";
  if (Object.hasOwn(EXTENSIONS, extension)) return EXTENSIONS[extension];
  const text = start.replace(/^(?:\uFEFF|ï»¿)/, "").replace(/^(?:\s*%[^\n]*\n)*\s*/, "");
  if (/^@relation/i.test(text)) return /^@inputs?\b|^@attribute[^\n]*\[/im.test(text) ? "keel" : "arff";
  if (/^(?:\{\s*["}]|\[\s*\{)/.test(text)) return "jsonl";
  return "csv";
}
