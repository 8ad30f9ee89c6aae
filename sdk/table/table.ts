import { inputError } from "../errors.ts";
import { formatDate, parseDate } from "./dates.ts";
import { formatNumber, scanNumber } from "./numbers.ts";

/** What a column is to the engine. `id` and `drop` columns are read but never learnt. */
export type Role =
  | "numeric"
  | "integer"
  | "boolean"
  | "categorical"
  | "datetime"
  | "constant"
  | "id"
  | "drop";

/** How a column was written, to write it back the same way. */
export interface Format {
  /** Digits after the point that carry information, at most; absent: as many as the number has. */
  readonly decimals?: number;
  /** Digits after the point that were always written, trailing zeros included ("2.50"). */
  readonly pad?: number;
  /** Whether a comma stands before these digits ("2,50"). */
  readonly comma?: boolean;
  /** Booleans: the words for false and true. */
  readonly words?: readonly [string, string];
  /** Date-times: the pattern found, such as `YYYY-MM-DD HH:mm:ss`. */
  readonly pattern?: string;
}

/**
 * One column. Numbers (`numeric`, `integer`; `boolean` as 0/1; `datetime` as milliseconds since 1970 UTC) are in
 * `values`, NaN where missing. Everything else is in `codes` into `categories`, −1 where missing.
 * `constant` and `id` columns may be either.
 */
export interface Column {
  readonly name: string;
  readonly role: Role;
  readonly values?: Float64Array;
  readonly codes?: Int32Array;
  readonly categories?: readonly string[];
  readonly format: Format;
  readonly missing: number;
}

/** The size of images whose pixels are columns: `r_y_x`, `g_y_x`, `b_y_x`, or `l_y_x` where they are grey. */
export interface ImageShape {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** A table in columns. `name` is its file or what stands for it in messages. */
export interface Table {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly Column[];
  /** Where a row is an image: how its columns make one. */
  readonly image?: ImageShape;
  /** What was asked of its reading, as the command line takes it. */
  readonly reading?: Readonly<Record<string, string | true>>;
  /** What reading it found worth saying, one sentence each. */
  readonly warnings: readonly string[];
}

/** Whether the cell is missing. */
export function isMissing(column: Column, row: number): boolean {
  return column.codes ? column.codes[row] < 0 : Number.isNaN(column.values![row]);
}

/** The cell as it is written in a file; empty where missing. */
export function cellText(column: Column, row: number): string {
  if (column.codes) return column.codes[row] < 0 ? "" : column.categories![column.codes[row]];
  return valueText(column.values![row], column.format);
}

/** A number, boolean or date-time as its column writes it; empty for NaN. */
export function valueText(value: number, format: Format): string {
  if (Number.isNaN(value)) return "";
  if (format.words) return format.words[value];
  if (format.pattern) return formatDate(value, format.pattern);
  const text = formatNumber(value, format.pad);
  return format.comma ? text.replace(".", ",") : text;
}

/** The inverse of `valueText`: NaN for an empty text and for one that does not fit the format. */
export function parseValue(text: string, format: Format): number {
  if (format.words) return [0, 1].find((value) => format.words![value] === text) ?? Number.NaN;
  if (format.pattern) return parseDate(text, format.pattern);
  return scanNumber(format.comma ? text.replace(",", ".") : text, { written: 0, decimals: 0 });
}

/**
 * The column of that name.
 * @throws inputError that lists the nearest names when there is none
 */
export function findColumn(table: Table, name: string): Column {
  const column = table.columns.find((c) => c.name === name);
  if (column) return column;
  throw unknownColumn(
    table.name,
    name,
    table.columns.map((c) => c.name),
  );
}

/** The error for a column that is not there: the nearest name, and all of them. */
export function unknownColumn(table: string, name: string, names: readonly string[]): Error {
  return inputError(`${table} has no column "${name}".`, choices("columns", name, names));
}

/** The name that may have been meant, and all there are. */
export function choices(kind: string, name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  const more = names.length > 20 ? `, … (${names.length} ${kind})` : "";
  return `${near ? `Did you mean "${near}"? ` : ""}The ${kind} are: ${names.slice(0, 20).join(", ")}${more}.`;
}

/** Longer words are not compared: that takes time with the square of their length, and they are no slips. */
const LONGEST_WORD = 200;

/** The candidate closest to `word` (case ignored), when it is close enough to be a slip. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.min(Math.max(2, Math.ceil(word.length / 3)) + 1, word.length);
  if (word.length > LONGEST_WORD) return undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), least);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance, given up at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(swap, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}

/** The given rows of a table, in that order. */
export function takeTableRows(table: Table, rows: ArrayLike<number>): Table {
  const columns = table.columns.map((column) => takeColumnRows(column, rows));
  return { ...table, rows: rows.length, columns };
}

function takeColumnRows(column: Column, rows: ArrayLike<number>): Column {
  const values = column.values && new Float64Array(rows.length);
  const codes = column.codes && new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    if (values) values[i] = column.values![rows[i]];
    if (codes) codes[i] = column.codes![rows[i]];
  }
  return { ...column, values, codes, missing: countMissing(values, codes) };
}

/** How many cells are NaN (values) or −1 (codes). */
export function countMissing(values?: Float64Array, codes?: Int32Array): number {
  let missing = 0;
  if (values) for (const value of values) if (Number.isNaN(value)) missing++;
  if (codes) for (const code of codes) if (code < 0) missing++;
  return missing;
}
