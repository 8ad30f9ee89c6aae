/**
 * How one column becomes features and back. Three ways: a number, one feature a category, one feature that holds how
 * frequent the category is. A column that had missing cells in training gets one more feature that says so.
 */
import { inputError } from "../errors.ts";
import type { Matrix } from "../matrix.ts";
import { dateStep, roundDate } from "./dates.ts";
import { roundTo } from "./numbers.ts";
import {
  type Column,
  cellText,
  countMissing,
  type Format,
  parseValue,
  type Role,
  valueText,
} from "./table.ts";

export type FeatureKind = "numeric" | "boolean" | "datetime" | "onehot" | "frequency" | "missing";

/** One column of the encoded matrix. */
export interface Feature {
  /** The column, with the category or "missing" where the column has several features. */
  readonly name: string;
  readonly column: string;
  readonly kind: FeatureKind;
  /** The category of a one-hot feature. */
  readonly category?: string;
}

/** The two sides of a split at a threshold, in the column's own units. */
export interface Condition {
  /** Where the feature is at most the threshold. */
  left: string;
  /** Where it is above. */
  right: string;
}

/** One column's codec. `at` is the index of its first feature in a row. */
export interface Field {
  readonly column: string;
  readonly features: readonly Feature[];
  encode(table: string, column: Column, rows: ArrayLike<number>, out: Matrix, at: number): void;
  decode(x: Matrix, at: number): Column;
  /** Moves a row's features (those from `at` on) to the nearest ones that a real cell could have. */
  snap(x: Float32Array, at: number): void;
  describe(feature: number, threshold: number): Condition;
  toJSON(): FieldState;
}

interface Shared {
  column: string;
  role: Role;
  /** Whether training rows had missing cells, and whether they had nothing else. */
  missing: "none" | "some" | "all";
}

export interface NumberState extends Shared {
  kind: "number";
  format: Format;
  /** encoded = (value − shift) / scale; `fill` stands for a missing cell. */
  shift: number;
  scale: number;
  fill: number;
  min: number;
  max: number;
}

export interface OneHotState extends Shared {
  kind: "onehot";
  /** Sorted by name. */
  categories: readonly string[];
  /** The most frequent one: what a row of zeros is taken for. */
  mode: number;
}

export interface FrequencyState extends Shared {
  kind: "frequency";
  categories: readonly string[];
  /** Rows of each category in training, and of all together. */
  counts: readonly number[];
  rows: number;
  shift: number;
  scale: number;
  fill: number;
}

export type FieldState = NumberState | OneHotState | FrequencyState;

export interface FieldOptions {
  maxCategories: number;
  scale: boolean;
}

/** Fits the codec of a column on the given rows. */
export function fitField(column: Column, rows: ArrayLike<number>, options: FieldOptions): Field {
  return fieldOf(column.values ? fitNumber(column, rows, options) : fitCategories(column, rows, options));
}

/** The codec that a state describes. */
export function fieldOf(state: FieldState): Field {
  if (state.kind === "number") return new NumberField(state);
  return state.kind === "onehot" ? new OneHotField(state) : new FrequencyField(state);
}

function fitNumber(column: Column, rows: ArrayLike<number>, options: FieldOptions): NumberState {
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

function missingness(known: number, rows: number): Shared["missing"] {
  if (known === rows) return "none";
  return known > 0 ? "some" : "all";
}

/** Mean and standard deviation (of the rows themselves, not of a population), scaled so that nothing overflows. */
function moments(values: Float64Array): { mean: number; sd: number; min: number; max: number } {
  if (values.length === 0) return { mean: 0, sd: 0, min: 0, max: 0 };
  let [min, max] = [values[0], values[0]];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (min === max) return { mean: min, sd: 0, min, max };
  const unit = Math.max(-min, max);
  let sum = 0;
  for (const value of values) sum += value / unit;
  const centre = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value / unit - centre) ** 2;
  return { mean: centre * unit, sd: Math.sqrt(squares / values.length) * unit, min, max };
}

function fitCategories(
  column: Column,
  rows: ArrayLike<number>,
  options: FieldOptions,
): OneHotState | FrequencyState {
  const tally = new Int32Array(column.categories!.length);
  let known = 0;
  for (let i = 0; i < rows.length; i++) {
    const code = column.codes![rows[i]];
    if (code < 0) continue;
    tally[code]++;
    known++;
  }
  const seen = [...tally.keys()].filter((code) => tally[code] > 0);
  const names = column.categories!;
  seen.sort((a, b) => (names[a] < names[b] ? -1 : 1));
  const categories = seen.map((code) => names[code]);
  const counts = seen.map((code) => tally[code]);
  const shared = {
    column: column.name,
    role: column.role,
    missing: missingness(known, rows.length),
    categories,
  };
  if (categories.length <= options.maxCategories) {
    const mode = counts.indexOf(counts.reduce((most, n) => Math.max(most, n), 0));
    return { kind: "onehot", ...shared, mode };
  }
  const frequencies = new Float64Array(known);
  let at = 0;
  for (const n of counts) for (let i = 0; i < n; i++) frequencies[at++] = n / known;
  const { mean, sd } = moments(frequencies);
  const [shift, scale] = options.scale ? [mean, sd] : [0, sd > 0 ? 1 : 0];
  return { kind: "frequency", ...shared, counts, rows: known, shift, scale, fill: options.scale ? 0 : mean };
}

function missingFeature(column: string): Feature {
  return { name: `${column} missing`, column, kind: "missing" };
}

function describeMissing(column: string): Condition {
  return { left: `${column} is known`, right: `${column} is missing` };
}

/** Numbers, booleans as 0 and 1, date-times as milliseconds: standardised, kept in range and in step. */
class NumberField implements Field {
  readonly column: string;
  readonly features: readonly Feature[];
  readonly #state: NumberState;
  readonly #round: (value: number) => number;
  readonly #valued: boolean;
  readonly #flagged: boolean;

  constructor(state: NumberState) {
    const { column, format } = state;
    this.column = column;
    this.#state = state;
    this.#round = rounding(format);
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
    const value = this.#round(encoded * scale + shift);
    return value < min ? min : value > max ? max : value;
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
    while (decimals < 15 && span * 10 ** decimals < 10_000) decimals++;
    if (format.decimals === undefined || format.decimals > decimals)
      return valueText(roundTo(value, decimals), {});
    const rounded = roundTo(value, format.decimals);
    const step = 10 ** -format.decimals;
    return valueText(rounded > value + slack ? roundTo(rounded - step, format.decimals) : rounded, {});
  }

  toJSON(): NumberState {
    return this.#state;
  }
}

/** Rounds to what the column can write. */
function rounding({ pattern, words, decimals }: Format): (value: number) => number {
  if (pattern) {
    const step = dateStep(pattern);
    return (millis) => roundDate(millis, step);
  }
  return (value) => roundTo(value, words ? 0 : decimals);
}

/** ISO 8601, as fine as the pattern writes. */
function isoDate(millis: number, pattern: string): string {
  const iso = new Date(Math.floor(millis)).toISOString();
  if (!pattern.includes("mm")) return iso.slice(0, 10);
  return pattern.includes("ss") ? iso.slice(0, 19) : iso.slice(0, 16);
}

/** The numbers of a column; words of another file are read in the learnt column's format. */
function numbersIn(table: string, column: Column, state: NumberState): Float64Array {
  const { format } = state;
  if (column.values && !column.format.words === !format.words && !column.format.pattern === !format.pattern) {
    return column.values;
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

/** For each of the column's rows, the index of its category in `index`: −1 unseen, −2 missing. */
function indicesIn(column: Column, index: ReadonlyMap<string, number>): (row: number) => number {
  if (column.codes) {
    const known = Int32Array.from(column.categories!, (name) => index.get(name) ?? -1);
    return (row) => (column.codes![row] < 0 ? -2 : known[column.codes![row]]);
  }
  return (row) => (Number.isNaN(column.values![row]) ? -2 : (index.get(cellText(column, row)) ?? -1));
}

/** A feature for each category, 0 or 1. Unseen categories are all zeros. */
class OneHotField implements Field {
  readonly column: string;
  readonly features: readonly Feature[];
  readonly #state: OneHotState;
  readonly #index: ReadonlyMap<string, number>;
  /** Features that stand for categories: none when there was only one. */
  readonly #width: number;
  readonly #flagged: boolean;

  constructor(state: OneHotState) {
    const { column, categories } = state;
    this.column = column;
    this.#state = state;
    this.#index = new Map(categories.map((name, i) => [name, i]));
    this.#width = categories.length > 1 ? categories.length : 0;
    this.#flagged = state.missing === "some";
    const shown = categories.slice(0, this.#width);
    this.features = [
      ...shown.map(
        (category) => ({ name: `${column} = ${category}`, column, kind: "onehot", category }) as const,
      ),
      ...(this.#flagged ? [missingFeature(column)] : []),
    ];
  }

  encode(_table: string, column: Column, rows: ArrayLike<number>, out: Matrix, at: number): void {
    const index = indicesIn(column, this.#index);
    for (let i = 0, to = at; i < rows.length; i++, to += out.cols) this.#set(out.data, to, index(rows[i]));
  }

  decode(x: Matrix, at: number): Column {
    const { column: name, role, categories } = this.#state;
    const codes = new Int32Array(x.rows);
    for (let row = 0; row < x.rows; row++) codes[row] = Math.max(-1, this.#cell(x.data, row * x.cols + at));
    return { name, role, codes, categories, format: {}, missing: countMissing(undefined, codes) };
  }

  snap(x: Float32Array, at: number): void {
    this.#set(x, at, this.#cell(x, at));
  }

  #set(x: Float32Array, at: number, category: number): void {
    for (let i = 0; i < this.#width; i++) x[at + i] = i === category ? 1 : 0;
    if (this.#flagged) x[at + this.#width] = category === -2 ? 1 : 0;
  }

  /** The category with the largest feature, ties to the most frequent; −2 for missing. */
  #cell(x: Float32Array, at: number): number {
    const { missing, mode } = this.#state;
    if (missing === "all" || (this.#flagged && x[at + this.#width] > 0.5)) return -2;
    let best = mode;
    for (let i = 0; i < this.#width; i++) if (x[at + i] > x[at + best]) best = i;
    return best;
  }

  describe(feature: number): Condition {
    const { column, categories } = this.#state;
    if (feature === this.#width) return describeMissing(column);
    return { left: `${column} ≠ ${categories[feature]}`, right: `${column} = ${categories[feature]}` };
  }

  toJSON(): OneHotState {
    return this.#state;
  }
}

/** One feature: the share of training rows that have the category. Unseen categories have share 0. */
class FrequencyField implements Field {
  readonly column: string;
  readonly features: readonly Feature[];
  readonly #state: FrequencyState;
  readonly #index: ReadonlyMap<string, number>;
  /** The distinct counts, ascending, and the categories of each, by name. */
  readonly #levels: readonly number[];
  readonly #groups: readonly (readonly number[])[];
  readonly #valued: boolean;
  readonly #flagged: boolean;

  constructor(state: FrequencyState) {
    const { column, categories, counts } = state;
    this.column = column;
    this.#state = state;
    this.#index = new Map(categories.map((name, i) => [name, i]));
    const groups = new Map<number, number[]>();
    counts.forEach((n, i) => {
      const group = groups.get(n);
      if (group) group.push(i);
      else groups.set(n, [i]);
    });
    this.#levels = [...groups.keys()].sort((a, b) => a - b);
    this.#groups = this.#levels.map((level) => groups.get(level)!);
    this.#valued = state.scale > 0;
    this.#flagged = state.missing === "some";
    this.features = [
      ...(this.#valued ? [{ name: `${column} frequency`, column, kind: "frequency" } as const] : []),
      ...(this.#flagged ? [missingFeature(column)] : []),
    ];
  }

  encode(_table: string, column: Column, rows: ArrayLike<number>, out: Matrix, at: number): void {
    const { counts } = this.#state;
    const index = indicesIn(column, this.#index);
    for (let i = 0, to = at; i < rows.length; i++, to += out.cols) {
      const category = index(rows[i]);
      this.#set(out.data, to, category === -2 ? undefined : (counts[category] ?? 0));
    }
  }

  /** Among equally frequent categories the rows take turns: the feature cannot tell them apart. */
  decode(x: Matrix, at: number): Column {
    const { column: name, role, categories } = this.#state;
    const codes = new Int32Array(x.rows);
    for (let row = 0; row < x.rows; row++) {
      const level = this.#level(x.data, row * x.cols + at);
      const group = level < 0 ? [-1] : this.#groups[level];
      codes[row] = group[row % group.length];
    }
    return { name, role, codes, categories, format: {}, missing: countMissing(undefined, codes) };
  }

  snap(x: Float32Array, at: number): void {
    const level = this.#level(x, at);
    this.#set(x, at, level < 0 ? undefined : this.#levels[level]);
  }

  #set(x: Float32Array, at: number, count: number | undefined): void {
    const { shift, scale, fill, rows } = this.#state;
    if (this.#valued) x[at] = count === undefined ? fill : (count / rows - shift) / scale;
    if (this.#flagged) x[at + (this.#valued ? 1 : 0)] = count === undefined ? 1 : 0;
  }

  /** The index of the nearest count, the smaller if two are as near; −1 for missing. */
  #level(x: Float32Array, at: number): number {
    const { shift, scale, fill, rows } = this.#state;
    if (this.#flagged && x[at + (this.#valued ? 1 : 0)] > 0.5) return -1;
    if (!this.#valued) return 0;
    const count = ((Number.isNaN(x[at]) ? fill : x[at]) * scale + shift) * rows;
    let low = 0;
    let high = this.#levels.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#levels[middle] + this.#levels[middle + 1]) / 2 >= count) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  describe(feature: number, threshold: number): Condition {
    const { column, shift, scale, rows } = this.#state;
    if (this.features[feature].kind === "missing") return describeMissing(column);
    const count = Math.floor((threshold * scale + shift) * rows + 1e-3);
    return { left: `${column} seen ≤ ${count} times`, right: `${column} seen > ${count} times` };
  }

  toJSON(): FrequencyState {
    return this.#state;
  }
}
