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

/**
 * One column. Numbers (`numeric`, `integer`; `boolean` as 0/1; `datetime` as milliseconds since 1970 UTC) are in
 * `values`, NaN where missing. Everything else is in `codes` into `categories`, −1 where missing.
 */
export interface Column {
  readonly name: string;
  readonly role: Role;
  readonly values?: Float64Array;
  readonly codes?: Int32Array;
  readonly categories?: readonly string[];
  /** How the column was written, to write it back the same way. */
  readonly format: {
    /** Digits after the point, at most. */
    readonly decimals?: number;
    /** Booleans: the words for false and true. */
    readonly words?: readonly [string, string];
    /** Date-times: the pattern found (date, date and time, with zone). */
    readonly pattern?: string;
  };
  readonly missing: number;
}

/** A table in columns. `name` is its file or what stands for it in messages. */
export interface Table {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly Column[];
}
