import { formatNumber, isKey, scanNumber } from "./numbers.ts";

/** Beyond this many distinct spellings a column of numbers alone is kept as numbers, without its spellings. */
const MOST_SPELLINGS = 1000;

/** Spellings of a missing cell, beside the empty one. */
export const MISSING = ["NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "?", "."];

/** A column as read, before its role is known: either words or numbers. */
export interface RawColumn {
  readonly name: string;
  readonly rows: number;
  /** Distinct spellings in order of appearance, and per row the index of its spelling (−1: missing). */
  readonly words?: readonly string[];
  readonly codes?: Int32Array;
  /** Whether the words came from a format with types, where "12" is a word and not a number. */
  readonly typed?: boolean;
  /** Whether the file declares the column numeric, so that a word in it is an error. */
  readonly declaredNumeric?: boolean;
  /** Numbers, NaN where missing; digits after the point (as written, least and most; significant, most). */
  readonly values?: Float64Array;
  readonly digits?: Digits;
  /** The values are date-times, to be written like this. */
  readonly pattern?: string;
}

export interface Digits {
  least: number;
  most: number;
  decimals: number;
  /** Whether a comma stands before the decimals. */
  comma?: boolean;
}

/**
 * Collects one column of text, cell by cell, in flat typed arrays. It starts as a dictionary of spellings; a
 * column with many distinct numbers turns into plain numbers, and back into a dictionary if a word turns up.
 */
export class ColumnBuilder {
  readonly name: string;
  readonly #missing: ReadonlySet<string>;
  readonly #wordsOnly: boolean;
  readonly #scan = { written: 0, decimals: 0 };
  readonly #digits: Digits = { least: Number.POSITIVE_INFINITY, most: 0, decimals: 0 };
  #rows = 0;
  #index = new Map<string, number>();
  #words: string[] = [];
  #codes = new Int32Array(256);
  #values: Float64Array | undefined;
  #numbersOnly = true;

  /** @param wordsOnly never take spellings for numbers */
  constructor(name: string, missing: ReadonlySet<string>, wordsOnly = false) {
    this.name = name;
    this.#missing = missing;
    this.#wordsOnly = wordsOnly;
  }

  push(text: string): void {
    if (this.#values) this.#pushNumber(text);
    else this.#pushWord(text);
  }

  finish(): RawColumn {
    const { name } = this;
    const rows = this.#rows;
    if (this.#values) return { name, rows, values: this.#values.slice(0, rows), digits: this.#digits };
    return { name, rows, words: this.#words, codes: this.#codes.slice(0, rows) };
  }

  #pushWord(text: string): void {
    let code = this.#index.get(text);
    if (code === undefined) {
      code = this.#learn(text);
      if (this.#numbersOnly && this.#words.length > MOST_SPELLINGS && !this.#wordsOnly) {
        this.#toNumbers();
        this.#pushNumber(text);
        return;
      }
    }
    if (this.#rows === this.#codes.length) this.#codes = grown(this.#codes, Int32Array);
    this.#codes[this.#rows++] = code;
  }

  /** A new spelling: its code, −1 when it spells missing. */
  #learn(text: string): number {
    let code = -1;
    if (!this.#isMissing(text)) {
      code = this.#words.push(text) - 1;
      if (this.#numbersOnly) this.#numbersOnly = Number.isFinite(this.#number(text));
    }
    this.#index.set(text, code);
    return code;
  }

  /** The number spelled, NaN for words and keys such as "007". */
  #number(text: string): number {
    const value = scanNumber(text, this.#scan);
    return isKey(text, value) ? Number.NaN : value;
  }

  #pushNumber(text: string): void {
    const value = this.#number(text);
    if (Number.isFinite(value)) {
      widen(this.#digits, this.#scan);
      this.#append(value);
    } else if (this.#isMissing(text)) {
      this.#append(Number.NaN);
    } else {
      this.#toWords();
      this.#pushWord(text);
    }
  }

  #isMissing(text: string): boolean {
    const trimmed = text.trim();
    return trimmed === "" || this.#missing.has(trimmed);
  }

  #append(value: number): void {
    if (this.#rows === this.#values!.length) this.#values = grown(this.#values!, Float64Array);
    this.#values![this.#rows++] = value;
  }

  #toNumbers(): void {
    const numbers = this.#words.map((word) => {
      const value = scanNumber(word, this.#scan);
      widen(this.#digits, this.#scan);
      return value;
    });
    this.#values = new Float64Array(this.#codes.length);
    for (let row = 0; row < this.#rows; row++) {
      const code = this.#codes[row];
      this.#values[row] = code < 0 ? Number.NaN : numbers[code];
    }
    this.#index = new Map();
    this.#words = [];
    this.#codes = new Int32Array(256);
  }

  /** Spells the numbers again: as they were when all had the same digits after the point, else the shortest way. */
  #toWords(): void {
    const values = this.#values!.subarray(0, this.#rows);
    const pad = this.#digits.least === this.#digits.most ? this.#digits.most : 0;
    this.#values = undefined;
    this.#numbersOnly = false;
    this.#rows = 0;
    for (const value of values) this.#pushWord(Number.isNaN(value) ? "" : formatNumber(value, pad));
  }
}

function widen(digits: Digits, scan: { written: number; decimals: number }): void {
  if (scan.written < digits.least) digits.least = scan.written;
  if (scan.written > digits.most) digits.most = scan.written;
  if (scan.decimals > digits.decimals) digits.decimals = scan.decimals;
}

function grown<T extends Int32Array | Float64Array>(old: T, type: new (length: number) => T): T {
  const larger = new type(old.length * 2);
  larger.set(old);
  return larger;
}

/** Numbers such as 2,5 and 0,125, but not 1,250: that may be a thousand. */
const COMMA = /^\s*[+-]?(?![1-9]\d{0,2},\d{3}\s*$)\d+,\d+\s*$/;

/** Turns the words of a column into numbers: one for each word, NaN where it spells none. */
export function numbersOf(words: readonly string[]): { numbers: Float64Array; digits: Digits } {
  const scan = { written: 0, decimals: 0 };
  const comma = words.some((word) => COMMA.test(word)) && !words.some((word) => /\d\.\d/.test(word));
  const digits = { least: Number.POSITIVE_INFINITY, most: 0, decimals: 0, comma };
  const numbers = Float64Array.from(words, (word) => {
    const value = scanNumber(comma ? word.replace(",", ".") : word, scan);
    if (Number.isFinite(value)) widen(digits, scan);
    return value;
  });
  return { numbers, digits };
}
