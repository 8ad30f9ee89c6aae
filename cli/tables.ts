/** Opening a table as the shared table flags say. */
import { gzipSync } from "node:zlib";
import { inputError } from "../sdk/errors.ts";
import { type ReadOptions, readTable, type Table } from "../sdk/node.ts";
import { writeCsv, writeJsonLines, writeParquet } from "../sdk/table/write.ts";
import { kebab, type TABLE_FLAGS, type Values } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

export type TableValues = Values<typeof TABLE_FLAGS> & { splitColumn?: string };

const ROLES = ["target", "splitColumn", "drop", "categorical", "numeric", "id"] as const;

/** @throws MakeitError when flags contradict each other */
export function checkTableFlags(values: TableValues): void {
  const given = new Map<string, string>();
  for (const role of ROLES) {
    for (const column of [values[role] ?? []].flat()) {
      const other = given.get(column);
      if (other) {
        throw inputError(
          `Column "${column}" is named by --${kebab(other)} and by --${kebab(role)}.`,
          "Name it in one of them.",
        );
      }
      given.set(column, role);
    }
  }
  const { delimiter, format } = values;
  if (delimiter !== undefined && format !== undefined && format !== "csv") {
    throw inputError(`--delimiter goes with CSV, not with --format ${format}.`, "Leave one of them out.");
  }
}

/** Reads a file, or standard input for `-`. */
export function openTable(path: string, values: TableValues): Promise<Table> {
  checkTableFlags(values);
  if (path === "-" && process.stdin.isTTY) {
    throw inputError("Nothing on standard input.", "Pipe a table into makeit, or name a file.");
  }
  const { drop, categorical, numeric, id, missing, format, delimiter } = values;
  const options = { drop, categorical, numeric, id, missing, format, delimiter };
  return readTable(path, options as ReadOptions); // the flag has checked the format
}

/** @throws MakeitError when neither a flag nor the config file names the target */
export function needTarget(target: string | undefined, table: string): string {
  if (target !== undefined) return target;
  throw inputError(
    "No target column named.",
    `Add --target <column>; makeit inspect ${table} shows the columns.`,
  );
}

export function tellWarnings(warnings: readonly string[], terminal: Terminal): void {
  for (const warning of new Set(warnings)) terminal.warn(warning);
}

/** A table in the format that the file's name asks for, gzipped for `.gz`. @throws MakeitError for other names */
export async function encodeTable(table: Table, path: string): Promise<string | Uint8Array> {
  const { format, gzip } = outputFormat(path);
  const data = await FORMATS[format](table);
  return gzip ? gzipSync(data) : data;
}

const FORMATS = {
  csv: (table: Table) => writeCsv(table),
  tsv: (table: Table) => writeCsv(table, { delimiter: "\t" }),
  jsonl: writeJsonLines,
  parquet: writeParquet,
};

/** @throws MakeitError when no format goes with the name */
export function outputFormat(path: string): { format: keyof typeof FORMATS; gzip: boolean } {
  const [, extension = "", gz] = /\.([a-z]+?)(\.gz)?$/i.exec(path) ?? [];
  const format = extension.toLowerCase();
  if (Object.hasOwn(FORMATS, format))
    return { format: format as keyof typeof FORMATS, gzip: gz !== undefined };
  throw inputError(
    `${path}: no format goes with this name.`,
    "End it in .csv, .tsv, .jsonl or .parquet (or .gz).",
  );
}
