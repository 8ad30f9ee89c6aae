/** Numbers, booleans and date-times as one feature, and one more that says whether the cell is missing. */
import { inputError } from "../errors.ts";
import type { Matrix } from "../matrix.ts";
import { type DateStep, dateStep, formatDate, parseDate, roundDate, zoneOffset } from "./dates.ts";
import {
  type Condition,
  describeMissing,
  type Feature,
  type Field,
  type FieldOptions,
  type FieldShared,
  missingFeature,
  missingness,
  moments,
} from "./field.ts";
import { MOST_DECIMALS, POWERS_OF_TEN, roundTo } from "./numbers.ts";
import {
  type Column,
  cellText,
  countMissing,
  type Format,
  isMissing,
  parseValue,
  valueText,
} from "./table.ts";

export interface NumberState extends FieldShared {
  kind: "number";
  format: Format;
  /** encoded = (value − shift) / scale; `fill` stands for a missing cell. */
  shift: number;
  scale: number;
  fill: number;
  min: number;
  max: number;
}

/** An f32 stands for the numbers that differ from it by no more than this, relative to it. */
const HALF_ULP = 1 / 2 ** 24;

/** What the given rows say of a column of numbers. */
export function fitNumber(column: Column, rows: ArrayLike<number>, options: FieldOptions): NumberState {
  const known = knownValues(column.values!, rows);
  const { name, role, format } = column;
  const { mean, sd, min, max } = moments(known);
  const [shift, scale] = options.scale ? [mean, sd] : [0, 1];
  if (!options.scale && Math.max(-min, max) > 3e38) {
    throw inputError(
      `Column "${name}" reaches ${max}: too large for unscaled features.`,
      "Scale the features.",
    );
  }
  const missing = missingness(known.length, rows.length);
  return {
    kind: "number",
    column: name,
    role,
    format,
    missing,
    shift,
    scale,
    fill: options.scale ? 0 : mean,
    min,
    max,
  };
}

function knownValues(values: Float64Array, rows: ArrayLike<number>): Float64Array {
  const known = new Float64Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const value = values[rows[i]];
    if (!Number.isNaN(value)) known[count++] = value;
  }
  return known.subarray(0, count);
}

/** Numbers, booleans as 0 and 1, date-times as milliseconds: standardised, kept in range and in step. */
export class NumberField implements Field<NumberState> {
  readonly column: string;
  readonly features: readonly Feature[];
  readonly #state: NumberState;
  readonly #step: DateStep | undefined;
  readonly #valued: boolean;
  readonly #flagged: boolean;

  constructor(state: NumberState) {
    const { column, format } = state;
    this.column = column;
    this.#state = state;
    this.#step = format.pattern ? dateStep(format.pattern) : undefined;
    this.#valued = state.max > state.min && state.scale > 0;
    this.#flagged = state.missing === "some";
    const kind = format.words ? "boolean" : format.pattern ? "datetime" : "numeric";
    this.features = [
      ...(this.#valued ? [{ name: column, column, kind } as const] : []),
      ...(this.#flagged ? [missingFeature(column)] : []),
    ];
  }

  encode(table: string, column: Column, rows: ArrayLike<number>, out: Matrix, at: number): void {
    const values = numbersIn(table, column, this.#state);
    const flag = at + (this.#valued ? 1 : 0);
    for (let i = 0, to = 0; i < rows.length; i++, to += out.cols) {
      const value = values[rows[i]];
      const missing = Number.isNaN(value);
      if (this.#valued) out.data[to + at] = missing ? this.#state.fill : this.#forward(value);
      if (this.#flagged) out.data[to + flag] = missing ? 1 : 0;
    }
  }

  cells(table: string, column: Column): (row: number) => number {
    const values = numbersIn(table, column, this.#state);
    return (row) => values[row];
  }

  decode(x: Matrix, at: number): Column {
    const { column: name, role, format } = this.#state;
    const values = new Float64Array(x.rows);
    for (let row = 0; row < x.rows; row++) values[row] = this.#cell(x.data, row * x.cols + at);
    return { name, role, values, format, missing: countMissing(values) };
  }

  snap(x: Float32Array, at: number): void {
    const value = this.#cell(x, at);
    const missing = Number.isNaN(value);
    if (this.#valued) x[at] = missing ? this.#state.fill : this.#forward(value);
    if (this.#flagged) x[at + (this.#valued ? 1 : 0)] = missing ? 1 : 0;
  }

  #forward(value: number): number {
    return (value - this.#state.shift) / this.#state.scale;
  }

  /** The value that the features stand for, NaN for missing. */
  #cell(x: Float32Array, at: number): number {
    const { missing, min, max, shift, scale, fill } = this.#state;
    if (missing === "all" || (this.#flagged && x[at + (this.#valued ? 1 : 0)] > 0.5)) return Number.NaN;
    if (!this.#valued) return min;
    const encoded = Number.isNaN(x[at]) ? fill : x[at];
    const value = this.#round(encoded * scale + shift, encoded);
    return value < min ? min : value > max ? max : value;
  }

  /**
   * The value to what the column can write; numbers with fewer digits where the f32 feature cannot tell: 9.5 and not
   * 9.49999981.
   */
  #round(value: number, encoded: number): number {
    if (this.#step) return roundDate(value, this.#step);
    const { format, scale } = this.#state;
    const decimals = format.words ? 0 : format.decimals;
    const most = decimals ?? MOST_DECIMALS;
    const doubt = Math.abs(encoded) * scale * HALF_ULP;
    if (0.5 / POWERS_OF_TEN[most] < doubt) {
      for (let digits = 0; digits < most; digits++) {
        const short = roundTo(value, digits);
        if (Math.abs(short - value) <= doubt && Math.fround(this.#forward(short)) === encoded) return short;
      }
    }
    return roundTo(value, decimals);
  }

  describe(feature: number, threshold: number): Condition {
    const { column, format } = this.#state;
    if (this.features[feature].kind === "missing") return describeMissing(column);
    if (format.words)
      return { left: `${column} = ${format.words[0]}`, right: `${column} = ${format.words[1]}` };
    const bound = this.#bound(threshold * this.#state.scale + this.#state.shift);
    return { left: `${column} ≤ ${bound}`, right: `${column} > ${bound}` };
  }

  /** The largest writable value at or below `value`, where that is shorter to read; else about five digits. */
  #bound(value: number): string {
    const { format, min, max } = this.#state;
    const slack = (max - min) * 1e-6;
    if (format.pattern) return isoDate(value + slack, format.pattern);
    const span = max - min;
    let decimals = 0;
    while (decimals < 15 && span * POWERS_OF_TEN[decimals] < 10_000) decimals++;
    if (format.decimals === undefined || format.decimals > decimals)
      return valueText(roundTo(value, decimals), {});
    const rounded = roundTo(value, format.decimals);
    const step = 1 / POWERS_OF_TEN[format.decimals];
    return valueText(rounded > value + slack ? roundTo(rounded - step, format.decimals) : rounded, {});
  }

  toJSON(): NumberState {
    return this.#state;
  }
}

/** ISO 8601, as fine as the pattern writes and in its zone. */
function isoDate(millis: number, pattern: string): string {
  const iso = new Date(Math.floor(millis) + zoneOffset(pattern)).toISOString();
  if (!pattern.includes("mm")) return iso.slice(0, 10);
  return pattern.includes("ss") ? iso.slice(0, 19) : iso.slice(0, 16);
}

/** The numbers of a column; words of another file are read in the learnt column's format. */
function numbersIn(table: string, column: Column, state: NumberState): Float64Array {
  const { format } = state;
  if (column.values && !column.format.words === !format.words && !column.format.pattern === !format.pattern) {
    return dayFirst(column, format.pattern) ?? column.values;
  }
  const read = (text: string, row: number) => {
    const value = parseValue(text, format);
    if (text === "" || Number.isFinite(value)) return value;
    const expected = format.words
      ? format.words.join(" or ")
      : format.pattern
        ? `a date (${format.pattern})`
        : "a number";
    throw inputError(
      `${table}, row ${row + 1}, column "${column.name}": found "${text}", expected ${expected}.`,
      "The column must be of the kind that was learnt.",
    );
  };
  return Float64Array.from((column.codes ?? column.values)!, (_, row) => read(cellText(column, row), row));
}

/**
 * A file without a day above 12 does not tell whether days come first: its dates as the learnt pattern reads them, where
 * it reads all of them and differs in nothing else.
 */
function dayFirst(column: Column, pattern = ""): Float64Array | undefined {
  const own = column.format.pattern ?? "";
  const order = (text: string) => text.replace(/[DM]+/g, "");
  if (own === pattern || own.startsWith("Y") || order(own) !== order(pattern)) return undefined;
  const again = column.values!.map((value) => parseDate(formatDate(value, own), pattern));
  return again.some((value, row) => Number.isNaN(value) && !isMissing(column, row)) ? undefined : again;
}
