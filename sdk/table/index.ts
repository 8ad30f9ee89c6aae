/** Tables in code: reading, looking at, encoding and writing them. */
export { Encoder } from "./encoder.ts";
export { inspectTable, type TableReport } from "./inspect.ts";
export { type ReadOptions, readTable, type Source, type TableFormat } from "./read.ts";
export type { Column, Role, Table } from "./table.ts";
export { type WriteCsvOptions, writeCsv, writeJsonLines } from "./write.ts";
