/** What every column's codec has in common: its features, and the interface the encoder uses. */
import type { Matrix } from "../matrix.ts";
import type { Column, Role } from "./table.ts";

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
export interface Field<State = unknown> {
  readonly column: string;
  readonly features: readonly Feature[];
  encode(table: string, column: Column, rows: ArrayLike<number>, out: Matrix, at: number): void;
  /** The cells of any table's column, of the kind that was learnt: numbers (NaN where missing), or words. */
  cells(table: string, column: Column): (row: number) => number | string;
  decode(x: Matrix, at: number): Column;
  /** Moves a row's features (those from `at` on) to the nearest ones that a real cell could have. */
  snap(x: Float32Array, at: number): void;
  describe(feature: number, threshold: number): Condition;
  toJSON(): State;
}

export interface FieldShared {
  column: string;
  role: Role;
  /** Whether training rows had missing cells, and whether they had nothing else. */
  missing: "none" | "some" | "all";
}

export interface FieldOptions {
  maxCategories: number;
  scale: boolean;
}

export function missingness(known: number, rows: number): FieldShared["missing"] {
  if (known === rows) return "none";
  return known > 0 ? "some" : "all";
}

/** Mean and standard deviation (of the rows themselves, not of a population), scaled so that nothing overflows. */
export function moments(values: Float64Array): { mean: number; sd: number; min: number; max: number } {
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
  for (const value of values) {
    const offset = value / unit - centre;
    squares += offset * offset;
  }
  return { mean: centre * unit, sd: Math.sqrt(squares / values.length) * unit, min, max };
}

export function missingFeature(column: string): Feature {
  return { name: `${column} missing`, column, kind: "missing" };
}

export function describeMissing(column: string): Condition {
  return { left: `${column} is known`, right: `${column} is missing` };
}
