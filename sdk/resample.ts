/** For people used to `fit_resample`: matrices in, matrices with synthetic rows added out. */
import { inputError } from "./errors.ts";
import { Model, sample } from "./model.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import { runSplit } from "./split.ts";
import { readTable } from "./table/read.ts";

export interface ResampleOptions extends Partial<Settings> {
  /** Synthetic rows to add per class (default: all rows of the sets that were found best). */
  counts?: Record<string, number>;
}

/**
 * Trains on all rows of `X` and adds synthetic ones below them.
 * @param X (rows, features), NaN where missing. @param y one label a row.
 * @returns the real rows as they were, then the synthetic ones; `y` has the labels as given.
 */
export async function resample<L extends string | number>(
  X: readonly ArrayLike<number>[],
  y: readonly L[],
  { counts, ...given }: ResampleOptions = {},
): Promise<{ X: number[][]; y: L[] }> {
  if (X.length !== y.length) throw inputError(`X has ${X.length} rows and y has ${y.length} labels.`);
  if (X.length === 0) throw inputError("X has no rows.");
  const settings = resolveSettings(given);
  const names = Array.from({ length: X[0].length }, (_, j) => `x${j}`);
  X.forEach((row, i) => {
    if (row.length !== names.length) {
      throw inputError(`Row ${i} of X has ${row.length} values; row 0 has ${names.length}.`);
    }
  });
  const columns: Record<string, ArrayLike<unknown>> = {};
  names.forEach((name, j) => {
    columns[name] = Float64Array.from(X, (row) => row[j]);
  });
  columns.label = y.map(String);
  const table = await readTable(columns, { name: "X", categorical: ["label"], numeric: names });
  const job = {
    split: 0,
    table,
    target: "label",
    train: Uint32Array.from(y.keys()),
    test: new Uint32Array(0),
    settings,
  };
  const model = new Model((await runSplit(job)).model, settings);
  const made = counts ? await sample(model, { counts, seed: settings.seed }) : model.best();
  const labels = new Map(y.map((label) => [String(label), label]));
  const byName = new Map(made.columns.map((column) => [column.name, column]));
  const target = byName.get("label")!;
  const madeRows = Array.from({ length: made.rows }, (_, i) =>
    names.map((name) => {
      const column = byName.get(name)!;
      return column.values ? column.values[i] : Number(column.categories![column.codes![i]]);
    }),
  );
  const madeLabels = Array.from(target.codes!, (code) => labels.get(target.categories![code])!);
  return { X: [...X.map((row) => Array.from(row)), ...madeRows], y: [...y, ...madeLabels] };
}
