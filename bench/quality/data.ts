/** The tables of the benchmark: a folder of CSV files, one file, or the demo's data. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { inputError } from "../../sdk/errors.ts";
import { readTable } from "../../sdk/table/read.ts";
import { findColumn, type Table } from "../../sdk/table/table.ts";

export interface DataSet {
  readonly name: string;
  readonly path: string;
  /** The last column without it. */
  readonly target?: string;
  /** The class to find; the rarest without it. */
  readonly positive?: string;
  readonly drop?: readonly string[];
}

/** 10,000 bird strikes (FAA, public domain). What they cost is known only after the damage, so it is not learnt from. */
const BIRDSTRIKES: DataSet = {
  name: "birdstrikes",
  path: "data/birdstrikes.csv.gz", // from the repository's root, where npm runs its scripts
  target: "Effect Amount of damage",
  positive: "Substantial",
  drop: ["Cost Other", "Cost Repair", "Cost Total $"],
};

/** The data sets on which the defaults were chosen: figures on others are what to believe. */
export const TUNED_ON = [
  "abalone9-18",
  "car-good",
  "cleveland-0_vs_4",
  "ecoli3",
  "flare-F",
  "glass2",
  "haberman",
  "poker-8-9_vs_6",
  "vehicle1",
  "winequality-red-4",
  "yeast-1_vs_7",
];

/**
 * The data sets of `--data`, by name.
 * @param only names to keep.
 */
export function listData(data?: string, target?: string, only?: readonly string[]): DataSet[] {
  if (data === undefined) return [BIRDSTRIKES];
  if (!existsSync(data)) throw inputError(`There is no ${data}.`, "Name a folder of CSV files, or one file.");
  const folder = statSync(data).isDirectory();
  const files = folder ? readdirSync(data).filter((file) => /\.csv(\.gz)?$/.test(file)) : [basename(data)];
  const all = files.sort().map((file) => ({
    name: file.replace(/\.csv(\.gz)?$/, ""),
    path: join(folder ? data : dirname(data), file),
    target,
  }));
  const unknown = only?.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) {
    throw inputError(
      `There is no data set "${unknown}".`,
      `There are: ${all.map(({ name }) => name).join(", ")}.`,
    );
  }
  const kept = all.filter(({ name }) => only?.includes(name) ?? true);
  if (kept.length === 0)
    throw inputError(`${data} holds no CSV file.`, "Name a folder of CSV files, or one file.");
  return kept;
}

/** Reads a data set. @returns the table and its target column's name. */
export async function openData(set: DataSet): Promise<{ table: Table; target: string }> {
  const table = await readTable(readFileSync(set.path), { name: set.name, drop: set.drop });
  const target = set.target ?? table.columns[table.columns.length - 1].name;
  return { table, target: findColumn(table, target).name };
}
