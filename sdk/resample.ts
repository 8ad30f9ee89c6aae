/** For people used to `fit_resample`: matrices in, matrices with synthetic rows added out. */
import { inputError } from "./errors.ts";
import { Model, sample } from "./model.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import { runSplit } from "./split.ts";
import { readTable } from "./table/read.ts";
import type { Column } from "./table/table.ts";

/**
 * How many rows there are to be of each class in the end, as in imbalanced-learn: a number is the ratio of the rarer of
 * two classes to the other; `auto` (the same as `not majority`) brings every class to the size of the largest,
 * `minority` only the rarest; counts name a class's rows in the end, and a function makes them from `y`.
 */
export type SamplingStrategy<L = string | number> =
  | number
  | "auto"
  | "not majority"
  | "minority"
  | Record<string, number>
  | ((y: readonly L[]) => Record<string, number>);

export interface ResampleOptions<L = string | number> extends Partial<Settings> {
  /** Synthetic rows to add per class. Without it and `samplingStrategy`: all rows of the sets that were found best. */
  counts?: Record<string, number>;
  /** Rows per class in the end, real ones included. */
  samplingStrategy?: SamplingStrategy<L>;
}

/**
 * Trains on all rows of `X` and adds synthetic ones below them.
 * @param X (rows, features), NaN where missing. @param y one label a row.
 * @returns the real rows as they were, then the synthetic ones; `y` has the labels as given.
 */
export async function resample<L extends string | number>(
  X: readonly ArrayLike<number>[],
  y: readonly L[],
  { counts: asked, samplingStrategy, ...given }: ResampleOptions<L> = {},
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
  if (asked && samplingStrategy !== undefined) {
    throw inputError("Both counts and samplingStrategy were given.", "Give one of them.");
  }
  const counts = samplingStrategy === undefined ? asked : additions(y, samplingStrategy);
  if (counts && Object.values(counts).every((count) => count === 0)) {
    return { X: X.map((row) => Array.from(row)), y: [...y] };
  }
  const columns: Record<string, ArrayLike<unknown>> = {};
  names.forEach((name, j) => {
    columns[name] = Float64Array.from(X, (row) => row[j]);
  });
  const read = await readTable(columns, { name: "X", numeric: names });
  const table = { ...read, columns: [...read.columns, labelColumn(y)] };
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

/** Labels as they are: none of them is a word for a missing cell. */
function labelColumn(y: readonly (string | number)[]): Column {
  const categories = [...new Set(y.map(String))];
  const index = new Map(categories.map((name, i) => [name, i]));
  const codes = Int32Array.from(y, (label) => index.get(String(label))!);
  return { name: "label", role: "categorical", codes, categories, format: {}, missing: 0 };
}

/** The rows that each class lacks. */
function additions<L extends string | number>(
  y: readonly L[],
  strategy: SamplingStrategy<L>,
): Record<string, number> {
  const have = new Map<string, number>();
  for (const label of y) have.set(String(label), (have.get(String(label)) ?? 0) + 1);
  const lacking: Record<string, number> = Object.create(null);
  for (const [name, count] of Object.entries(wantedTotals(y, have, strategy))) {
    const there = have.get(name);
    if (there === undefined) {
      const known = [...have.keys()].join(", ");
      throw inputError(
        `samplingStrategy names class "${name}", which y has not.`,
        `Its classes are: ${known}.`,
      );
    }
    if (!Number.isInteger(count) || count < there) {
      throw inputError(
        `samplingStrategy asks for ${count} rows of class "${name}", which has ${there}.`,
        "Give whole numbers of at least what is there: rows are added, none removed.",
      );
    }
    lacking[name] = count - there;
  }
  return lacking;
}

function wantedTotals<L extends string | number>(
  y: readonly L[],
  have: ReadonlyMap<string, number>,
  strategy: SamplingStrategy<L>,
): Record<string, number> {
  if (typeof strategy === "function") return strategy(y);
  if (typeof strategy === "object") return strategy;
  const byCount = [...have].sort((a, b) => a[1] - b[1]);
  const [rarest, largest] = [byCount[0], byCount[byCount.length - 1]];
  if (typeof strategy === "number") {
    const wanted = Math.floor(strategy * largest[1]);
    if (have.size === 2 && strategy <= 1 && wanted >= rarest[1]) return { [rarest[0]]: wanted };
    const now = `${(rarest[1] / largest[1]).toFixed(3)}`;
    throw inputError(
      `samplingStrategy is ${strategy} for ${have.size} classes.`,
      `A ratio goes with two classes, from what it is now (${now}) to 1; name counts otherwise.`,
    );
  }
  if (strategy === "minority") return { [rarest[0]]: largest[1] };
  if (strategy === "auto" || strategy === "not majority") {
    return Object.fromEntries(byCount.map(([name]) => [name, largest[1]]));
  }
  throw inputError(
    `samplingStrategy is ${JSON.stringify(strategy)}.`,
    'Give a ratio, "auto", "not majority", "minority", counts such as { yes: 500 }, or a function.',
  );
}
