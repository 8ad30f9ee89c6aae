/** The training rows of the first of five folds: what the benchmarks of learning train on. */
import { Encoder, type Matrix, readTable, type Table } from "../sdk/node.ts";
import { repeatedSplits } from "../sdk/splits.ts";
import { listData } from "./quality/data.ts";

export interface Fold {
  name: string;
  table: Table;
  rows: ArrayLike<number>;
  target: string;
  positive: string | undefined;
}

/** The first fold of the named table, or of birdstrikes. */
export async function openFold(from: { data?: string; target?: string; positive?: string }): Promise<Fold> {
  const [data] = listData(from.data, from.target);
  const table = await readTable(data.path, { drop: [...(data.drop ?? [])] });
  const target = data.target ?? table.columns[table.columns.length - 1].name;
  const positive = from.positive ?? data.positive;
  const y = Encoder.fit(table, { target, positive }).labels(table);
  const { train: rows } = repeatedSplits(y, 5, 1, 1)[0];
  return { name: data.name, table, rows, target, positive };
}

export function encodeFold(
  { table, rows, target, positive }: Fold,
  scale: boolean,
): { x: Matrix; y: Int32Array; classes: number } {
  const encoder = Encoder.fit(table, { target, positive, rows, scale });
  return {
    x: encoder.encode(table, rows),
    y: encoder.labels(table, rows),
    classes: encoder.classes.length,
  };
}
