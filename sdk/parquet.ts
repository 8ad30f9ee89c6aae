/** Parquet, apart because its libraries are as large as all else. They are loaded with the first file. */
import { readParquet } from "./table/parquet.ts";
import { type ReadOptions, readTable as readOther, type Source } from "./table/read.ts";
import type { Table } from "./table/table.ts";

export { writeParquet } from "./table/parquet.ts";

/** As `readTable` of `makeit-ai`, and Parquet too. */
export function readTable(source: Source, options: ReadOptions = {}): Promise<Table> {
  return readOther(source, options, readParquet);
}
