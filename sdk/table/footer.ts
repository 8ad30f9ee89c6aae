/**
 * What a Parquet file says about itself: columns, rows and where each column's bytes lie. It is read here, and not by
 * the library that decodes the pages, because everything in it may be a lie.
 */
import type { CompressionCodec, LogicalType, SchemaElement } from "hyparquet";
import {
  CompressionCodecs,
  ConvertedTypes,
  FieldRepetitionTypes,
  ParquetTypes,
} from "hyparquet/src/constants.js";
import { inputError } from "../errors.ts";
import { checkCells, checkColumns, checkRows } from "./limits.ts";
import { type Thrift, ThriftReader } from "./thrift.ts";

/** The bytes of one column in one group of rows. */
export interface Chunk {
  codec: CompressionCodec;
  start: number;
  end: number;
}

/** Some rows of all columns. */
export interface RowGroup {
  rows: number;
  chunks: Chunk[];
}

export interface Footer {
  rows: number;
  columns: SchemaElement[];
  groups: RowGroup[];
}

/** Logical types by field number; the others are objects or geometries. */
const TEXTS = [1, 4, 12];
const UNITS = ["MILLIS", "MICROS", "NANOS"] as const;
const MOST_DECIMALS = 38;

/**
 * Reads and checks the end of a Parquet file.
 * @throws inputError for what no table of plain columns can be, Error for a damaged file
 */
export function readFooter(bytes: Uint8Array, table: string): Footer {
  const end = bytes.length - 8;
  const magic = end < 4 ? "" : new TextDecoder("latin1").decode(bytes.subarray(end + 4));
  if (magic === "PARE") throw inputError(`${table} is encrypted.`, "Decrypt it first.");
  if (magic !== "PAR1") throw new Error("its end is missing");
  const length = new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0, true);
  if (length > end - 4) throw new Error("its description is cut short");
  const start = end - length;
  const file = new ThriftReader(bytes.subarray(start, end)).struct();
  const columns = readSchema(structs(file[2]), table);
  const rows = count(file[3]);
  checkRows(rows, table);
  checkCells(rows, columns.length, bytes.length, table);
  const groups = structs(file[4]).map((group) => readGroup(group, columns, start));
  const held = groups.reduce((sum, group) => sum + group.rows, 0);
  if (held !== rows) throw new Error(`it holds ${held} rows and says ${rows}`);
  return { rows, columns, groups };
}

function readSchema([root, ...fields]: Thrift[][], table: string): SchemaElement[] {
  checkColumns(fields.length, table);
  const columns = fields.map((field, i) => {
    const [name, type, repetition] = [text(field[4]), field[1], field[3]];
    if (typeof field[5] === "number" && field[5] > 0) {
      throw unread(table, name, `nested (${name}.${i + 1 < fields.length ? text(fields[i + 1][4]) : "…"})`);
    }
    if (repetition === 2) throw unread(table, name, "a list");
    return {
      name,
      type: ParquetTypes[count(type)],
      type_length: typeof field[2] === "number" ? count(field[2]) : undefined,
      repetition_type: FieldRepetitionTypes[count(repetition)],
      ...readMeaning(field, name, table),
    };
  });
  if (root === undefined || root[5] !== columns.length)
    throw new Error("its columns are not those it counts");
  if (columns.some((column) => !column.type || !column.repetition_type)) {
    throw new Error("a column is of no known type");
  }
  return columns;
}

/** What the values of a column stand for. */
function readMeaning(field: Thrift[], name: string, table: string): Partial<SchemaElement> {
  const logical = Array.isArray(field[10]) ? readLogical(field[10]) : undefined;
  const converted = typeof field[6] === "number" ? ConvertedTypes[field[6]] : undefined;
  if (logical === null || ["BSON", "INTERVAL", "MAP", "LIST", "MAP_KEY_VALUE"].includes(converted ?? "")) {
    throw unread(table, name, "of a type that is no number, text, date or truth value");
  }
  const scale = typeof field[7] === "number" ? field[7] : 0;
  if (scale < 0 || scale > MOST_DECIMALS) throw new Error(`column "${name}" has ${scale} decimals`);
  return { converted_type: converted, logical_type: logical, scale };
}

/** Undefined: it adds nothing to the physical type. Null: it is not read. */
function readLogical(fields: Thrift[]): LogicalType | undefined | null {
  const kind = fields.findIndex((field) => field !== undefined);
  const inner = Array.isArray(fields[kind]) ? fields[kind] : [];
  if (TEXTS.includes(kind)) return { type: "STRING" };
  if (kind === 8) return { type: "TIMESTAMP", isAdjustedToUTC: inner[1] === true, unit: unitOf(inner[2]) };
  if (kind === 10)
    return { type: "INTEGER", bitWidth: count(inner[1] ?? 0), isSigned: inner[2] === true } as LogicalType;
  if (kind === 14) return { type: "UUID" };
  if (kind === 15) return { type: "FLOAT16" };
  // Lists, maps, BSON, variants and geometries.
  if ([2, 3, 13].includes(kind) || kind > 15) return null;
  return undefined;
}

function unitOf(unit: Thrift): (typeof UNITS)[number] {
  const which = Array.isArray(unit) ? unit.findIndex((field) => field !== undefined) : -1;
  return UNITS[which - 1] ?? "MILLIS";
}

function readGroup(group: Thrift[], columns: SchemaElement[], end: number): RowGroup {
  const rows = count(group[3]);
  const chunks = structs(group[1]).map((chunk, i) => readChunk(chunk, columns[i], rows, end));
  if (chunks.length !== columns.length) throw new Error("a group of rows does not have all columns");
  return { rows, chunks };
}

function readChunk(chunk: Thrift[], column: SchemaElement | undefined, rows: number, end: number): Chunk {
  if (chunk[1] !== undefined) throw new Error("a column lies in another file");
  const [meta] = structs([chunk[3]]);
  const [name] = Array.isArray(meta[3]) ? meta[3] : [];
  const codec = CompressionCodecs[count(meta[4])];
  const pages = count(meta[9]);
  const start = typeof meta[11] === "number" && meta[11] > 0 ? count(meta[11]) : pages;
  const chunkEnd = start + count(meta[7]);
  if (column === undefined || text(name) !== column.name || count(meta[5]) !== rows || !codec) {
    throw new Error("its columns are not described alike");
  }
  if (start < 4 || chunkEnd > end) throw new Error(`column "${column.name}" lies outside of the file`);
  return { codec, start, end: chunkEnd };
}

/** A list of structs; what is none is damage. */
function structs(list: Thrift): Thrift[][] {
  if (!Array.isArray(list) || !list.every(Array.isArray)) throw new Error("its description has a gap");
  return list as Thrift[][];
}

function count(value: Thrift): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error("its description has a number out of range");
}

function text(value: Thrift): string {
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  throw new Error("a column has no name");
}

function unread(table: string, name: string, what: string): Error {
  return inputError(
    `${table}: column "${name}" is ${what}.`,
    "Flatten nested values into columns of their own, and leave out what is neither number nor text.",
  );
}
