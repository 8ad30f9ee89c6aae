import { inputError } from "../errors.ts";
import type { RawTable, TextSettings } from "./csv.ts";
import { checkHeader } from "./csv.ts";
import { Lines, linesOf } from "./lines.ts";
import { columnOf } from "./record.ts";

/**
 * JSON lines: one object a line, columns are the union of their keys, a key that is absent is missing. A file that
 * holds one array of objects is read too.
 */
export async function readJsonLines(
  chunks: AsyncIterable<string>,
  settings: TextSettings,
): Promise<RawTable> {
  const objects = new Objects();
  let array: string[] | undefined;
  for await (const lines of linesOf(chunks)) {
    for (const line of lines) {
      if (array) array.push(line);
      else if (objects.rows === 0 && line.trimStart().startsWith("[")) array = [line];
      else if (line.trim() === "") objects.lines.skip(1);
      else objects.add(parse(line, settings, `line ${objects.lines.next}`), settings, "line");
    }
  }
  if (array) addArray(array.join("\n"), objects, settings);
  return objects.finish(
    settings,
    array ? (row) => `row ${row + 1}` : (row) => `line ${objects.lines.of(row)}`,
  );
}

function addArray(text: string, objects: Objects, settings: TextSettings): void {
  const all = parse(text, settings, "the array");
  if (!Array.isArray(all)) throw notAnObject(all, settings, "the file");
  for (const each of all) objects.add(each, settings, "row");
}

function parse(text: string, settings: TextSettings, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw inputError(
      `${settings.table}, ${where}: not JSON (${error instanceof Error ? error.message : error}).`,
      "Write one JSON object a line, or one array of objects.",
    );
  }
}

/** Objects gathered into columns. */
class Objects {
  readonly lines = new Lines();
  rows = 0;
  readonly #columns = new Map<string, unknown[]>();

  add(value: unknown, settings: TextSettings, unit: "line" | "row"): void {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw notAnObject(value, settings, `${unit} ${unit === "line" ? this.lines.next : this.rows + 1}`);
    }
    for (const [key, cell] of Object.entries(value)) {
      let column = this.#columns.get(key);
      if (!column) {
        column = [];
        this.#columns.set(key, column);
      }
      while (column.length < this.rows) column.push(undefined);
      column.push(cell);
    }
    this.lines.add(this.rows++, 1);
  }

  finish(settings: TextSettings, place: (row: number) => string): RawTable {
    if (this.#columns.size === 0) {
      throw inputError(`${settings.table} has no rows with columns.`, "Give one JSON object a line.");
    }
    const names = checkHeader([...this.#columns.keys()], settings.table);
    const columns = [...this.#columns.values()].map((cells, i) => {
      while (cells.length < this.rows) cells.push(undefined);
      return columnOf(names[i], cells, place, settings);
    });
    return { columns, rows: this.rows, place };
  }
}

function notAnObject(value: unknown, settings: TextSettings, where: string): Error {
  const found = value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
  return inputError(
    `${settings.table}, ${where}: expected an object, found ${found}.`,
    'Write rows as objects: {"column": value, …}.',
  );
}
