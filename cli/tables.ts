/** Opening a table as the shared table flags say. */
import { statSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { inputError } from "../sdk/errors.ts";
import type { ImageOptions, ReadOptions, Table } from "../sdk/node.ts";
import { IMAGE_FLAGS, kebab, TABLE_FLAGS, type Values } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** What images are of. */
const CLASS_COLUMN = "class";

export type TableValues = Values<typeof TABLE_FLAGS & typeof IMAGE_FLAGS> & { splitColumn?: string };

/** A column can have one part to play, and one way to be read. */
const EXCLUSIVE = [
  ["target", "splitColumn", "drop", "id"],
  ["categorical", "numeric", "drop", "id"],
] as const;

/** @throws MakeitError when flags contradict each other */
export function checkTableFlags(values: TableValues): void {
  for (const flags of EXCLUSIVE) refuseSharedColumns(values, flags);
  const { delimiter, format } = values;
  if (delimiter !== undefined && format !== undefined && format !== "csv") {
    throw inputError(`--delimiter goes with CSV, not with --format ${format}.`, "Leave one of them out.");
  }
}

function refuseSharedColumns(values: TableValues, flags: (typeof EXCLUSIVE)[number]): void {
  const given = new Map<string, string>();
  for (const flag of flags) {
    for (const column of new Set([values[flag] ?? []].flat())) {
      const other = given.get(column);
      if (other) {
        throw inputError(
          `Column "${column}" is named by --${kebab(other)} and by --${kebab(flag)}.`,
          "Name it in one of them.",
        );
      }
      given.set(column, flag);
    }
  }
}

/** Whether a path leads to images: a folder, a file that holds them, or a list of them (with `--size`). */
export function leadsToImages(path: string, { size }: TableValues): boolean {
  if (path === "-") return false;
  if (size !== undefined || /(?:\.npz|\.bin|idx\d-ubyte(?:\.gz)?)$/i.test(path)) return true;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The class column of images where no other is named. @throws MakeitError when a table's target is not named */
export function targetOf(path: string, values: TableValues): string {
  if (values.target === undefined && leadsToImages(path, values)) return CLASS_COLUMN;
  return needTarget(values.target, path);
}

async function openImages(path: string, values: TableValues): Promise<Table> {
  refuse(
    values,
    [...Object.keys(TABLE_FLAGS), "splitColumn"],
    ["target", "positive"],
    "tables, and these are images",
  );
  const { size, channels, background, skipBad, maxPixels, target = CLASS_COLUMN } = values;
  const options = { size, channels, background: readColor(background), skipBad, maxPixels };
  const { readImages } = await import("../sdk/node.ts");
  const table = await readImages(path, options as ImageOptions); // the flag has checked the channels
  if (target === CLASS_COLUMN) return table;
  throw inputError(
    `--target is "${target}", but the class of images is the column "${CLASS_COLUMN}", whatever a list calls it.`,
    "Leave --target out.",
  );
}

/** @throws MakeitError for a flag that was given and has no part to play */
function refuse(values: TableValues, flags: string[], but: string[], where: string): void {
  const found = flags.find((flag) => !but.includes(flag) && values[flag as keyof TableValues] !== undefined);
  if (found) throw inputError(`--${kebab(found)} goes with ${where}.`, "Leave it out.");
}

/** `white`, `black` or `255,128,0`. */
export function readColor(text: string | undefined): [number, number, number] | undefined {
  if (text === undefined) return undefined;
  const named: Record<string, string> = { white: "255,255,255", black: "0,0,0" };
  const parts = (named[text.toLowerCase()] ?? text)
    .split(",")
    .map((part) => (part.trim() ? Number(part) : Number.NaN));
  const [red, green, blue] = parts;
  if (parts.length === 3 && parts.every((part) => part >= 0 && part <= 255)) return [red, green, blue];
  throw inputError(`--background is "${text}"; expected white, black or red,green,blue from 0 to 255.`);
}

/** Reads a file, a folder of images, or standard input for `-`. */
export async function openTable(
  path: string,
  values: TableValues,
  { absent }: Pick<ReadOptions, "absent"> = {},
): Promise<Table> {
  if (leadsToImages(path, values)) return openImages(path, values);
  refuse(values, Object.keys(IMAGE_FLAGS), [], "images, and this is a table");
  checkTableFlags(values);
  if (path === "-" && process.stdin.isTTY) {
    throw inputError("Nothing on standard input.", "Pipe a table into makeit, or name a file.");
  }
  const { drop, categorical, numeric, id, missing, format, delimiter } = values;
  const options = { drop, categorical, numeric, id, missing, format, delimiter, absent };
  const { readTable } = await import("../sdk/node.ts");
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
export async function encodeTable(
  table: Table,
  path: string,
  { safeCsv: safe }: { safeCsv?: boolean | undefined } = {},
): Promise<string | Uint8Array> {
  const { format, gzip } = outputFormat(path);
  const { writeCsv, writeJsonLines, writeParquet } = await import("../sdk/node.ts");
  const writers = {
    csv: () => writeCsv(table, { safe }),
    tsv: () => writeCsv(table, { delimiter: "\t", safe }),
    jsonl: () => writeJsonLines(table),
    parquet: () => writeParquet(table),
  };
  const data = await writers[format]();
  return gzip ? gzipSync(data) : data;
}

const FORMATS = ["csv", "tsv", "jsonl", "parquet"] as const;

/** @throws MakeitError when no format goes with the name */
export function outputFormat(path: string): { format: (typeof FORMATS)[number]; gzip: boolean } {
  const [, extension = "", gz] = /\.([a-z]+?)(\.gz)?$/i.exec(path) ?? [];
  const format = FORMATS.find((name) => name === extension.toLowerCase());
  if (format) return { format, gzip: gz !== undefined };
  throw inputError(
    `${path}: no format goes with this name.`,
    "End it in .csv, .tsv, .jsonl or .parquet (or .gz).",
  );
}
