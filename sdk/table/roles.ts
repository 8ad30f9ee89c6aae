import { inputError } from "../errors.ts";
import { numbersOf, type RawColumn } from "./builder.ts";
import { parseDates } from "./dates.ts";
import { isInfinity, isKey, MOST_DECIMALS } from "./numbers.ts";
import { type Column, cellText, countMissing } from "./table.ts";

/** Up to this many distinct numbers beside words make a column of categories; more make it numbers with slips. */
const FEW_NUMBERS = 20;
/** From this share of numbers (or dates) on, the words between them are taken for slips. */
const MOSTLY = 0.9;
/** A table of fewer rows has no ids: small tables are distinct by chance. */
const ID_ROWS = 20;

const BOOLEANS = [
  ["false", "true"],
  ["no", "yes"],
  ["n", "y"],
  ["f", "t"],
  ["off", "on"],
];

/** The roles a user may ask for. */
export type ForcedRole = "categorical" | "numeric" | "id" | "drop";

/** What deciding a role needs to know of its surroundings. */
export interface Surroundings {
  /** The table's name, for messages. */
  readonly table: string;
  /** Where a row is in the file, such as "line 12". */
  readonly place: (row: number) => string;
  readonly warn: (sentence: string) => void;
}

/**
 * Finds a column's role from its cells (or obeys the user's) and gives it its final shape.
 * @throws inputError for a cell that contradicts its column: infinity, a word among numbers or dates, half a character
 */
export function settle(raw: RawColumn, forced: ForcedRole | undefined, around: Surroundings): Column {
  checkText(raw, around);
  if (forced === "numeric") return withConstant(forcedNumbers(raw, around), around);
  if (forced === "id" || forced === "drop") {
    return { ...(raw.values ? numeric(raw) : categorical(raw)), role: forced };
  }
  if (forced === "categorical") return withConstant(categorical(raw), around);
  const column = raw.values
    ? numeric(raw)
    : raw.declaredNumeric
      ? forcedNumbers(raw, around)
      : fromWords(raw, around);
  return withId(withConstant(column, around), around);
}

/** Lone surrogates cannot be written: two words that differ in them would become one. */
export const HALF = /\p{Cs}/u;

function checkText(raw: RawColumn, around: Surroundings): void {
  const bad = raw.words?.findIndex((word) => HALF.test(word)) ?? -1;
  if (bad < 0 && !HALF.test(raw.name)) return;
  const where = bad < 0 ? "the header" : `${around.place(rowOf(raw, bad))}, column "${raw.name}"`;
  const found = bad < 0 ? raw.name : raw.words![bad];
  throw inputError(
    `${around.table}, ${where}: found "${clip(found)}", which has half a character in it.`,
    "It was cut apart on the way: write it again as Unicode text.",
  );
}

function fromWords(raw: RawColumn, around: Surroundings): Column {
  return booleans(raw) ?? numbers(raw, around) ?? dates(raw, around) ?? plainWords(raw, around);
}

/** Numbers as people write them for people: 1,234.50 and $4 and 5 %. */
const DRESSED = /^[-+(]?[$€£¥]?\s?\d[\d.,' ]*\s?[%$€£¥)]?$/;

function plainWords(raw: RawColumn, around: Surroundings): Column {
  const words = raw.words!;
  // Bare digits are keys.
  if (words.length > 2 && words.every((word) => DRESSED.test(word)) && /[^\d.+-]/.test(words.join(""))) {
    around.warn(
      `Column "${raw.name}" has numbers such as "${clip(words[0])}", which are not plain: taken as categories.`,
    );
  }
  return categorical(raw);
}

/** Numbers: integer or numeric, with the digits they were written with; date-times of formats that have them. */
function numeric(raw: RawColumn): Column {
  if (raw.pattern) return datetime(raw, raw.values!, raw.pattern);
  const { least, most, decimals, comma } = raw.digits!;
  const format = {
    ...(decimals <= MOST_DECIMALS && { decimals }),
    ...(least === most && most > 0 && most <= MOST_DECIMALS && { pad: most }),
    ...(comma && { comma }),
  };
  const role = decimals === 0 ? "integer" : "numeric";
  return { name: raw.name, role, values: raw.values!, format, missing: countMissing(raw.values) };
}

function categorical(raw: RawColumn): Column {
  if (raw.values) return categorical(spelled(raw));
  const { name, codes, words } = raw;
  return {
    name,
    role: "categorical",
    codes,
    categories: words,
    format: {},
    missing: countMissing(undefined, codes),
  };
}

/** Numbers of a typed format as words, when the user wants categories. */
function spelled(raw: RawColumn): RawColumn {
  const column = numeric(raw);
  const index = new Map<string, number>();
  const codes = Int32Array.from(raw.values!, (value, row) => {
    if (Number.isNaN(value)) return -1;
    const word = cellText(column, row);
    if (!index.has(word)) index.set(word, index.size);
    return index.get(word)!;
  });
  return { name: raw.name, rows: raw.rows, words: [...index.keys()], codes };
}

/** The value of each row's word. */
function spread({ codes }: RawColumn, values: Float64Array): Float64Array {
  const cells = new Float64Array(codes!.length);
  for (let row = 0; row < cells.length; row++)
    cells[row] = codes![row] < 0 ? Number.NaN : values[codes![row]];
  return cells;
}

/** Two words, a known pair such as "no" and "yes", spelled one way each. */
function booleans(raw: RawColumn): Column | undefined {
  const words = raw.words!;
  if (words.length !== 2) return undefined;
  const small = words.map((word) => word.toLowerCase());
  const pair = BOOLEANS.find(([no, yes]) => small.includes(no) && small.includes(yes));
  if (!pair) return undefined;
  const isTrue = small.map((word) => word === pair[1]);
  const values = spread(raw, Float64Array.from(isTrue, Number));
  const format = { words: [words[isTrue.indexOf(false)], words[isTrue.indexOf(true)]] as const };
  return { name: raw.name, role: "boolean", values, format, missing: countMissing(values) };
}

/** Words that all spell numbers. A few words among many numbers are an error, a real mixture is categories. */
function numbers(raw: RawColumn, around: Surroundings): Column | undefined {
  const words = raw.words!;
  if (raw.typed || words.length === 0) return undefined;
  const { numbers: found, digits } = numbersOf(words);
  const key = digits.decimals > 0 ? -1 : words.findIndex((word, i) => isKey(word, found[i]));
  if (key >= 0) {
    around.warn(
      `Column "${raw.name}" has keys such as "${clip(words[key])}": taken as categories (--numeric "${raw.name}" learns it).`,
    );
    return undefined;
  }
  const others = [...words.keys()].filter((word) => !Number.isFinite(found[word]));
  if (others.length === 0)
    return numeric({ name: raw.name, rows: raw.rows, values: spread(raw, found), digits });
  if (others.length === words.length) return undefined;
  const infinite = others.filter((word) => isInfinite(words[word], found[word]));
  if (infinite.length === others.length) throw infinity(raw, infinite[0], around);
  if (areSlips(raw, others)) throw slip(raw, others[0], "a number as in the other cells", around);
  const example = `"${clip(words[others[0]])}" (${around.place(rowOf(raw, others[0]))})`;
  around.warn(`Column "${raw.name}" mixes numbers with words such as ${example}: taken as categories.`);
  return undefined;
}

function isInfinite(word: string, number: number): boolean {
  return isInfinity(word) || Math.abs(number) === Number.POSITIVE_INFINITY;
}

/** Whether the words `others` are so few among many distinct ones that they must be slips of the pen. */
function areSlips(raw: RawColumn, others: readonly number[]): boolean {
  if (raw.words!.length - others.length <= FEW_NUMBERS) return false;
  const odd = new Set(others);
  let known = 0;
  let rest = 0;
  for (const code of raw.codes!) {
    if (code >= 0) known++;
    if (odd.has(code)) rest++;
  }
  return known - rest >= MOSTLY * known;
}

/** Words that are all dates of one pattern. */
function dates(raw: RawColumn, around: Surroundings): Column | undefined {
  const found = parseDates(raw.words!);
  if (!found) return undefined;
  const others = [...raw.words!.keys()].filter((word) => Number.isNaN(found.millis[word]));
  if (others.length > 0) {
    if (areSlips(raw, others)) {
      throw slip(raw, others[0], `a date written ${found.pattern} as in the other cells`, around);
    }
    around.warn(
      `Column "${raw.name}" mixes dates with words such as "${clip(raw.words![others[0]])}": taken as categories.`,
    );
    return undefined;
  }
  if (found.ambiguous) {
    around.warn(`Column "${raw.name}" could have the day or the month first: read as ${found.pattern}.`);
  }
  return datetime(raw, spread(raw, found.millis), found.pattern);
}

function datetime({ name }: RawColumn, values: Float64Array, pattern: string): Column {
  return { name, role: "datetime", values, format: { pattern }, missing: countMissing(values) };
}

/** One value throughout, or none at all. */
function withConstant(column: Column, around: Surroundings): Column {
  const { name, missing } = column;
  const rows = (column.values ?? column.codes)!.length;
  if (missing === rows) {
    around.warn(`Column "${name}" is missing in every row: it is kept as it is and not learnt.`);
    return { ...column, role: "constant" };
  }
  if (missing > 0) return column;
  const cells = (column.values ?? column.codes)!;
  if (cells.some((cell) => cell !== cells[0])) return column;
  around.warn(
    `Column "${name}" is "${clip(cellText(column, 0))}" in every row: it is kept as it is and not learnt.`,
  );
  return { ...column, role: "constant" };
}

/** A key of the rows: distinct words, the numbers 0 … n − 1 or 1 … n in any order, distinct integers called id. */
function withId(column: Column, around: Surroundings): Column {
  const rows = (column.values ?? column.codes)!.length;
  if (rows < ID_ROWS) return column;
  const { name, role, missing } = column;
  const distinctWords = role === "categorical" && column.categories!.length === rows;
  const key = role === "integer" && missing === 0 && (countsRows(column.values!) || isNamedId(column));
  if (distinctWords || key) {
    const how = distinctWords ? "categorical" : "numeric";
    around.warn(
      `Column "${name}" tells every row apart: taken as an id, not learnt and not generated (--${how} "${name}" learns it).`,
    );
    return { ...column, role: "id" };
  }
  if (role === "categorical" && column.categories!.length > rows / 2) {
    around.warn(
      `Column "${name}" has ${column.categories!.length} categories in ${rows} rows: hardly one repeats.`,
    );
  }
  return column;
}

function countsRows(values: Float64Array): boolean {
  const n = values.length;
  const start = values.includes(0) ? 0 : 1;
  const seen = new Uint8Array(n);
  for (const value of values) {
    const at = value - start;
    if (at < 0 || at >= n || seen[at]) return false;
    seen[at] = 1;
  }
  return true;
}

function isNamedId(column: Column): boolean {
  return (
    /(?:^|[^a-z])id$|[a-z]I[dD]$/i.test(column.name) && new Set(column.values).size === column.values!.length
  );
}

/** Every word a number, or an error: what the user or the file declares. */
function forcedNumbers(raw: RawColumn, around: Surroundings): Column {
  if (raw.values) return numeric(raw);
  const { numbers: found, digits } = numbersOf(raw.words!);
  const bad = found.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0 && isInfinite(raw.words![bad], found[bad])) throw infinity(raw, bad, around);
  if (bad >= 0) throw slip(raw, bad, "a number (the column is declared numeric)", around);
  return numeric({ name: raw.name, rows: raw.rows, values: spread(raw, found), digits });
}

function infinity(raw: RawColumn, word: number, around: Surroundings): Error {
  return inputError(
    `${around.table}, ${around.place(rowOf(raw, word))}, column "${raw.name}": found "${clip(raw.words![word])}", expected a finite number.`,
    "Leave the cell empty if the value is missing, or write the largest value that makes sense.",
  );
}

function slip(raw: RawColumn, word: number, expected: string, around: Surroundings): Error {
  const found = clip(raw.words![word]);
  return inputError(
    `${around.table}, ${around.place(rowOf(raw, word))}, column "${raw.name}": found "${found}", expected ${expected}.`,
    `Correct the cell, count the word as missing (--missing "${found}"), or keep words (--categorical "${raw.name}").`,
  );
}

function rowOf(raw: RawColumn, word: number): number {
  return raw.codes!.indexOf(word);
}

function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
