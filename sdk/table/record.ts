import { inputError } from "../errors.ts";
import { ColumnBuilder, type Digits, type RawColumn } from "./builder.ts";
import { checkHeader, type RawTable, type TextSettings } from "./csv.ts";
import { checkRows } from "./limits.ts";
import { decimalsOf, MOST_DECIMALS, roundTo } from "./numbers.ts";

/** Dates are written with four digits for the year. */
const FIRST_DAY = Date.parse("0000-01-01");
const END_OF_DAYS = Date.parse("+010000-01-01");

/** Columns in memory: numbers, strings, booleans, dates; null, undefined and NaN are missing. */
export function readRecord(record: Record<string, ArrayLike<unknown>>, settings: TextSettings): RawTable {
  const entries = Object.entries(record);
  if (entries.length === 0)
    throw inputError(`${settings.table} has no columns.`, "Give an object of arrays, one a column.");
  const rows = entries[0][1].length;
  for (const [name, values] of entries) {
    if (values.length === rows) continue;
    throw inputError(
      `${settings.table}: column "${name}" has ${values.length} values, column "${entries[0][0]}" has ${rows}.`,
      "Give all columns the same length.",
    );
  }
  if (rows === 0) throw inputError(`${settings.table} has no rows.`, "Give arrays that are not empty.");
  checkRows(rows, settings.table);
  const names = checkHeader(
    [...entries.keys()].map((i) => entries[i][0]),
    settings.table,
  );
  const place = (row: number) => `row ${row + 1}`;
  const columns = entries.map(([, values], i) => columnOf(names[i], values, place, settings));
  return { columns, rows, place };
}

/** `key`: a whole number beyond 2⁵³, which names things and counts nothing. */
type Kind = "number" | "string" | "boolean" | "date" | "key";

/** A column of JavaScript values. Mixed kinds are spelled out and judged as text. */
export function columnOf(
  name: string,
  cells: ArrayLike<unknown>,
  place: (row: number) => string,
  settings: TextSettings,
): RawColumn {
  const kinds = new Set<Kind>();
  for (let row = 0; row < cells.length; row++) {
    const kind = kindOf(cells[row]);
    if (kind === "other") throw nested(name, cells[row], place(row), settings);
    if (kind !== "missing") kinds.add(kind);
  }
  if (kinds.size === 1 && kinds.has("number")) return numberColumn(name, cells, place, settings);
  if (kinds.size === 1 && kinds.has("date")) return dateColumn(name, cells, place, settings);
  const typed = kinds.size === 1 || kinds.has("key");
  const builder = new ColumnBuilder(name, settings.missing, typed || settings.wordsOnly.has(name));
  for (let row = 0; row < cells.length; row++) builder.push(spell(cells[row]));
  return { ...builder.finish(), typed };
}

function kindOf(cell: unknown): Kind | "missing" | "other" {
  if (cell === null || cell === undefined || Number.isNaN(cell)) return "missing";
  if (typeof cell === "number") return "number";
  if (typeof cell === "bigint") return Number.isSafeInteger(Number(cell)) ? "number" : "key";
  if (typeof cell === "string" || typeof cell === "boolean") return typeof cell as "string" | "boolean";
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? "missing" : "date";
  return "other";
}

function numberColumn(
  name: string,
  cells: ArrayLike<unknown>,
  place: (row: number) => string,
  settings: TextSettings,
): RawColumn {
  const values = new Float64Array(cells.length);
  const digits: Digits = { least: 0, most: 0, decimals: 0 };
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row] as number | bigint | null | undefined;
    const value = cell === null || cell === undefined ? Number.NaN : Number(cell) + 0;
    if (Math.abs(value) === Number.POSITIVE_INFINITY) {
      throw inputError(
        `${settings.table}, ${place(row)}, column "${name}": found ${value}, expected a finite number.`,
        "Leave the cell empty (null) if the value is missing, or give the largest value that makes sense.",
      );
    }
    if (
      !Number.isNaN(value) &&
      digits.decimals <= MOST_DECIMALS &&
      roundTo(value, digits.decimals) !== value
    ) {
      digits.decimals = Math.max(digits.decimals, decimalsOf(value));
    }
    values[row] = value;
  }
  return { name, rows: cells.length, values, digits };
}

function dateColumn(
  name: string,
  cells: ArrayLike<unknown>,
  place: (row: number) => string,
  settings: TextSettings,
): RawColumn {
  const values = Float64Array.from(cells, (cell) => (cell instanceof Date ? cell.getTime() : Number.NaN));
  const far = values.findIndex((millis) => millis < FIRST_DAY || millis >= END_OF_DAYS);
  if (far >= 0) {
    throw inputError(
      `${settings.table}, ${place(far)}, column "${name}": found ${new Date(values[far]).toISOString()}, expected a date of the years 0 to 9999.`,
      "Leave the cell empty (null) if the date is not known.",
    );
  }
  const wholeDays = values.every((millis) => Number.isNaN(millis) || millis % 86_400_000 === 0);
  return { name, rows: cells.length, values, pattern: wholeDays ? "YYYY-MM-DD" : "YYYY-MM-DDTHH:mm:ss.SSSZ" };
}

function spell(cell: unknown): string {
  if (kindOf(cell) === "missing") return "";
  return cell instanceof Date ? cell.toISOString() : String(cell);
}

function nested(name: string, cell: unknown, where: string, settings: TextSettings): Error {
  const path = cell && typeof cell === "object" ? [name, ...Object.keys(cell).slice(0, 1)].join(".") : name;
  const found = Array.isArray(cell) ? "an array" : `a value of type ${typeof cell}`;
  return inputError(
    `${settings.table}, ${where}, column "${name}": found ${found} (${path}), expected a number, text, true, false or nothing.`,
    "Flatten nested values into columns of their own.",
  );
}
