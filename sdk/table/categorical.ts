/** Categories: a feature each while they are few, else one feature that holds how frequent the category is. */
import type { Matrix } from "../matrix.ts";
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
import { type Column, cellText, countMissing } from "./table.ts";

export interface OneHotState extends FieldShared {
  kind: "onehot";
  /** Sorted by name. */
  categories: readonly string[];
  /** The most frequent one: what a row of zeros is taken for. */
  mode: number;
}

export interface FrequencyState extends FieldShared {
  kind: "frequency";
  categories: readonly string[];
  /** Rows of each category in training, and of all together. */
  counts: readonly number[];
  rows: number;
  shift: number;
  scale: number;
  fill: number;
}

/** What the given rows say of a column of words. */
export function fitCategories(
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

/** For each of the column's rows, the index of its category in `index`: −1 unseen, −2 missing. */
function indicesIn(column: Column, index: ReadonlyMap<string, number>): (row: number) => number {
  if (column.codes) {
    const known = Int32Array.from(column.categories!, (name) => index.get(name) ?? -1);
    return (row) => (column.codes![row] < 0 ? -2 : known[column.codes![row]]);
  }
  return (row) => (Number.isNaN(column.values![row]) ? -2 : (index.get(cellText(column, row)) ?? -1));
}

/** A feature for each category, 0 or 1. Unseen categories are all zeros. */
export class OneHotField implements Field<OneHotState> {
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

  cells(_table: string, column: Column): (row: number) => string {
    return (row) => cellText(column, row);
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
export class FrequencyField implements Field<FrequencyState> {
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

  cells(_table: string, column: Column): (row: number) => string {
    return (row) => cellText(column, row);
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
