/**
 * The pages of a Parquet column, unpacked and checked before the library decodes them: its loops take every count in
 * them at its word.
 */
import type { CompressionCodec, Compressors, SchemaElement } from "hyparquet";
import { Encodings, PageTypes } from "hyparquet/src/constants.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { checkUnpacked } from "./limits.ts";
import { type Thrift, ThriftReader } from "./thrift.ts";

/** Bytes of a value; 0: each value says its own length. */
const WIDTHS: Record<string, number> = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, INT96: 12, BYTE_ARRAY: 0 };
/** A decimal number takes no more bytes than this. */
const LONGEST_DECIMAL = 64;
const MOST_BLOCK = 2 ** 16;
const LONGEST_PAGE = 2 ** 28;
/** Of a reference into a dictionary: there are no more words than rows. */
const MOST_BITS = 24;
/** Which values are written as differences. */
const DELTAS: Record<string, readonly string[]> = {
  DELTA_BINARY_PACKED: ["INT32", "INT64"],
  DELTA_LENGTH_BYTE_ARRAY: ["BYTE_ARRAY"],
  DELTA_BYTE_ARRAY: ["BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"],
};

/** Unpacks pages of one file, and keeps count of how much it grows. */
export class Unpacker {
  readonly table: string;
  readonly #packed: number;
  readonly #compressors: Compressors;
  #unpacked = 0;

  /** @param packed bytes of the file */
  constructor(table: string, packed: number, compressors: Compressors) {
    this.table = table;
    this.#packed = packed;
    this.#compressors = compressors;
  }

  unpack(codec: CompressionCodec, bytes: Uint8Array, length: number): Uint8Array {
    const unpack = this.#compressors[codec];
    if (!unpack) throw new Error(`it is packed by ${codec}, which is not read`);
    if (length === 0) return new Uint8Array(0); // what every packing has its own idea of
    this.grow(length);
    if (codec === "LZ4") checkLz4Frames(bytes);
    return sized(unpack(bytes, length), length);
  }

  /** @throws inputError when the file has become implausibly large */
  grow(bytes: number): void {
    this.#unpacked += bytes;
    checkUnpacked(this.#unpacked, this.#packed, this.table);
  }
}

/** Old LZ4 pages are a chain of frames, each with its two lengths: they must lead forward. */
function checkLz4Frames(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 < bytes.length; ) {
    const packed = view.getInt32(at + 4);
    if (packed < 0) throw new Error("a page is packed wrongly");
    if (packed > bytes.length - at - 8) return; // one frame without lengths
    at += 8 + packed;
  }
}

/** A column's rows of one group. */
export interface PageColumn {
  element: SchemaElement;
  codec: CompressionCodec;
  rows: number;
}

/**
 * Checks every page that holds the column's rows.
 * @returns those that were packed, unpacked, in order
 * @throws Error for damage, inputError for a bomb
 */
export function checkPages(chunk: Uint8Array, column: PageColumn, unpacker: Unpacker): Uint8Array[] {
  const pages = new Pages(column, unpacker);
  for (let at = 0; pages.rows > 0; ) at = pages.check(chunk, at);
  return pages.unpacked;
}

class Pages {
  readonly unpacked: Uint8Array[] = [];
  /** Those that further pages must hold. */
  rows: number;
  readonly #element: SchemaElement;
  readonly #codec: CompressionCodec;
  readonly #unpacker: Unpacker;
  /** Entries of the dictionary; −1: there is none. */
  #words = -1;

  constructor({ element, codec, rows }: PageColumn, unpacker: Unpacker) {
    this.#element = element;
    this.#codec = codec;
    this.rows = rows;
    this.#unpacker = unpacker;
  }

  /** Checks the page at `at`. @returns where the next one begins */
  check(chunk: Uint8Array, at: number): number {
    const reader = new ThriftReader(chunk, at);
    const header = reader.struct();
    const [length, packed] = [count(header[2]), count(header[3])];
    if (length > LONGEST_PAGE) throw new Error("a page is too long");
    if (packed > chunk.length - reader.at) throw new Error("a page is cut short");
    const body = chunk.subarray(reader.at, reader.at + packed);
    const type = PageTypes[count(header[1])];
    if (type === "DATA_PAGE") this.#first(this.#open(body, length), fields(header[5]));
    else if (type === "DATA_PAGE_V2") this.#second(body, length, fields(header[8]));
    else if (type === "DICTIONARY_PAGE") this.#dictionary(this.#open(body, length), fields(header[7]));
    else throw new Error("it has a page of an unknown type");
    return reader.at + packed;
  }

  #open(body: Uint8Array, length: number): Uint8Array {
    if (this.#codec === "UNCOMPRESSED") return sized(body, length);
    const page = this.#unpacker.unpack(this.#codec, body, length);
    this.unpacked.push(page);
    return page;
  }

  #dictionary(page: Uint8Array, header: Thrift[]): void {
    this.#words = count(header[1]);
    checkPlain(page, 0, this.#words, this.#element);
  }

  /** A data page of the first kind: levels and values packed together. */
  #first(page: Uint8Array, header: Thrift[]): void {
    const rows = this.#take(header[1]);
    let [at, known] = [0, rows];
    if (this.#element.repetition_type === "OPTIONAL") {
      at = 4 + lengthAt(page, 0);
      known = checkRuns(page, 4, at, 1, rows).ones;
    }
    // The first kind writes no runs where the dictionary has one word.
    const runs = page[at] !== 0;
    this.#values(page, at, known, encodingOf(header[2]), runs);
  }

  /** A data page of the second kind: levels first, never packed. */
  #second(body: Uint8Array, length: number, header: Thrift[]): void {
    const rows = this.#take(header[1]);
    const [nulls, levels, repeats] = [count(header[2]), count(header[5]), count(header[6])];
    const optional = this.#element.repetition_type === "OPTIONAL";
    if (repeats > 0 || levels > Math.min(body.length, length) || (!optional && levels + nulls > 0)) {
      throw new Error("a page has levels that a plain column has not");
    }
    if (optional && rows - checkRuns(body, 0, levels, 1, rows).ones !== nulls) {
      throw new Error("a page does not have the missing values it counts");
    }
    const rest = body.subarray(levels);
    const page = header[7] === false ? rest : this.#open(rest, length - levels);
    this.#values(page, 0, rows - nulls, encodingOf(header[4]), true);
  }

  #take(value: Thrift): number {
    const rows = count(value);
    if (rows > this.rows) throw new Error("a page has more rows than its group");
    this.rows -= rows;
    return rows;
  }

  #values(page: Uint8Array, at: number, values: number, encoding: string, runs: boolean): void {
    const element = this.#element;
    const type: string = element.type!;
    const isBoolean = type === "BOOLEAN";
    if (encoding === "PLAIN") checkPlain(page, at, values, element);
    else if (encoding.endsWith("_DICTIONARY") && !isBoolean) this.#references(page, at, values, runs);
    else if (encoding === "RLE" && isBoolean) {
      checkRuns(page, at + 4, at + 4 + lengthAt(page, at), 1, values);
    } else if (encoding === "BYTE_STREAM_SPLIT" && type !== "BYTE_ARRAY" && !isBoolean) {
      if (values * widthOf(element) > page.length - at)
        throw new Error("a page has fewer values than it says");
    } else if (DELTAS[encoding]?.includes(type)) {
      if (values > 0) this.#unpacker.grow(checkDeltas(page, at, values, encoding));
    } else throw new Error(`a page of ${type} is written in ${encoding}, which is not read`);
  }

  #references(page: Uint8Array, at: number, values: number, runs: boolean): void {
    if (this.#words < 0) throw new Error("a page refers to a dictionary that is not there");
    if (values === 0) return;
    if (at >= page.length) throw new Error("a page has fewer values than it says");
    const most = runs ? checkRuns(page, at + 1, page.length, page[at], values).most : 0;
    if (most >= this.#words) throw new Error("a page refers to words that are not there");
  }
}

function sized(page: Uint8Array, length: number): Uint8Array {
  if (page.length === length) return page;
  throw new Error(`a page has ${page.length} bytes and says ${length}`);
}

function widthOf({ type, type_length }: SchemaElement): number {
  const width = WIDTHS[type!] ?? type_length ?? 0;
  if (width === 0 && type !== "BYTE_ARRAY") throw new Error("values have no length");
  return width;
}

function checkPlain(page: Uint8Array, at: number, values: number, element: SchemaElement): void {
  const room = page.length - at;
  const width = element.type === "BOOLEAN" ? 1 / 8 : widthOf(element);
  if (values * width > room) throw new Error("a page has fewer values than it says");
  const isDecimal = element.converted_type === "DECIMAL";
  if (isDecimal && width > LONGEST_DECIMAL) throw new Error("a decimal number is too long");
  if (width > 0) return;
  for (let i = 0; i < values; i++) {
    const length = lengthAt(page, at);
    at += 4 + length;
    if (isDecimal && length > LONGEST_DECIMAL) throw new Error("a decimal number is too long");
  }
}

/** The 32-bit length at `at`, of bytes that follow it on the page. */
function lengthAt(page: Uint8Array, at: number): number {
  if (at + 4 > page.length) throw new Error("a page has fewer values than it says");
  const length = page[at] + page[at + 1] * 2 ** 8 + page[at + 2] * 2 ** 16 + page[at + 3] * 2 ** 24;
  if (length > page.length - at - 4) throw new Error("a value is longer than its page");
  return length;
}

/** Runs of equal values and of values packed bit by bit: the largest of the first `values`, and how many are 1. */
function checkRuns(page: Uint8Array, at: number, end: number, width: number, values: number) {
  if (width > MOST_BITS || at > page.length || end > page.length) throw new Error("a page is cut short");
  const reader = new ThriftReader(page.subarray(0, end), at);
  let [seen, most, ones] = [0, 0, 0];
  while (seen < values) {
    const header = reader.varint();
    const packed = header % 2 === 1;
    const length = packed ? 8 * ((header - 1) / 2) : header / 2;
    const bytes = packed ? (length * width) / 8 : Math.ceil(width / 8);
    // Packed values come in eights, so the last of them may be more than there are.
    const room = packed && width > 0 ? Number.POSITIVE_INFINITY : values - seen + (packed ? 7 : 0);
    if (length > room || bytes > end - reader.at) throw new Error("a run is longer than its page");
    const taken = Math.min(length, values - seen);
    const mask = 2 ** width - 1;
    let [bits, held, from] = [0, 0, reader.at];
    for (let i = packed ? taken : Math.min(1, taken); i > 0; i--) {
      for (; held < width; held += 8) bits |= page[from++] << held;
      const value = bits & mask;
      bits >>>= width;
      held -= width;
      if (value > most) most = value;
      if (value === 1) ones += packed ? 1 : taken;
    }
    reader.at += bytes;
    seen += length;
  }
  return { most, ones };
}

/**
 * Numbers as differences, texts with their lengths so written, texts that share the beginning of the one before.
 * @returns how many bytes the texts become
 */
function checkDeltas(page: Uint8Array, at: number, values: number, encoding: string): number {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const reader = { view, offset: at };
  checkBlocks(page, at);
  if (encoding !== "DELTA_BYTE_ARRAY") return 0;
  const read = () => {
    checkBlocks(page, reader.offset);
    const numbers = new Int32Array(values);
    deltaBinaryUnpack(reader, values, numbers);
    return numbers;
  };
  const [prefixes, suffixes] = [read(), read()];
  let [before, total] = [0, 0];
  for (let i = 0; i < values; i++) {
    if (prefixes[i] < 0 || suffixes[i] < 0 || prefixes[i] > before)
      throw new Error("a text begins like none");
    before = prefixes[i] + suffixes[i];
    total += before;
  }
  return total;
}

/** The head of a sequence of differences: blocks of so many values in so many parts. */
function checkBlocks(page: Uint8Array, at: number): void {
  const reader = new ThriftReader(page, at);
  const [block, parts] = [reader.varint(), reader.varint()];
  if (block < 1 || block > MOST_BLOCK || parts < 1 || block % parts !== 0) {
    throw new Error("a page has blocks of no possible size");
  }
}

function encodingOf(value: Thrift): string {
  return Encodings[count(value)] ?? "an unknown encoding";
}

function fields(value: Thrift): Thrift[] {
  if (Array.isArray(value)) return value;
  throw new Error("a page has no header");
}

function count(value: Thrift): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error("a page's header has a number out of range");
}
