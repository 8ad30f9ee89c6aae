import { inputError } from "../errors.ts";
import type { RawTable, TextSettings } from "./csv.ts";
import { checkHeader } from "./csv.ts";
import { checkCells, checkColumns, checkRows } from "./limits.ts";
import { Lines, linesOf } from "./lines.ts";
import { columnOf } from "./record.ts";

/** An array of objects is parsed whole, so it must fit one string. */
const LONGEST_ARRAY = 2 ** 28;

/**
 * JSON lines: one object a line, columns are the union of their keys, a key that is absent is missing. A file that
 * holds one array of objects is read too.
 */
export async function readJsonLines(
  chunks: AsyncIterable<string>,
  settings: TextSettings,
): Promise<RawTable> {
  const objects = new Objects(settings);
  const { isArray, all } = await peek(chunks);
  if (isArray) {
    addArray(await wholeText(all, settings), objects, settings);
    return objects.finish((row) => `row ${row + 1}`);
  }
  for await (const lines of linesOf(all, settings.table)) {
    for (const line of lines) {
      if (line.trim() === "") objects.lines.skip(1);
      else objects.add(parse(line, settings, `line ${objects.lines.next}`), "line");
    }
  }
  return objects.finish((row) => `line ${objects.lines.of(row)}`);
}

/** The same pieces, and whether the first character that is no blank opens an array. */
async function peek(
  chunks: AsyncIterable<string>,
): Promise<{ isArray: boolean; all: AsyncIterable<string> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let start = "";
  for (let blank = true; blank; ) {
    const next = await iterator.next();
    if (next.done) break;
    start += next.value;
    blank = next.value.trim() === "";
  }
  async function* all(): AsyncGenerator<string> {
    try {
      yield start;
      for (;;) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { isArray: start.trimStart().startsWith("["), all: all() };
}

async function wholeText(chunks: AsyncIterable<string>, { table }: TextSettings): Promise<string> {
  const pieces: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    length += chunk.length;
    if (length <= LONGEST_ARRAY) continue;
    throw inputError(
      `${table} is one JSON array of more than ${LONGEST_ARRAY} characters.`,
      "Write JSON lines: one object a line, without the brackets.",
    );
  }
  return pieces.join("");
}

function addArray(text: string, objects: Objects, settings: TextSettings): void {
  const rows = parse(text, settings, "the array");
  if (!Array.isArray(rows)) throw notAnObject(rows, settings, "the file");
  for (const row of rows) objects.add(row, "row");
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
  #cells = 0;
  readonly #columns = new Map<string, unknown[]>();
  readonly #settings: TextSettings;

  constructor(settings: TextSettings) {
    this.#settings = settings;
  }

  add(value: unknown, unit: "line" | "row"): void {
    const { table } = this.#settings;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      const where = `${unit} ${unit === "line" ? this.lines.next : this.rows + 1}`;
      throw notAnObject(value, this.#settings, where);
    }
    for (const [key, cell] of Object.entries(value)) {
      const column = this.#columns.get(key) ?? this.#open(key);
      while (column.length < this.rows) column.push(undefined);
      column.push(cell);
      this.#cells++;
    }
    this.lines.add(this.rows++, 1);
    checkRows(this.rows, table);
    checkCells(this.rows, this.#columns.size, this.#cells, table);
  }

  #open(key: string): unknown[] {
    const column: unknown[] = [];
    this.#columns.set(key, column);
    checkColumns(this.#columns.size, this.#settings.table);
    return column;
  }

  finish(place: (row: number) => string): RawTable {
    const { table } = this.#settings;
    if (this.#columns.size === 0) {
      throw inputError(`${table} has no rows with columns.`, "Give one JSON object a line.");
    }
    const names = checkHeader([...this.#columns.keys()], table);
    const columns = [...this.#columns.values()].map((cells, i) => {
      while (cells.length < this.rows) cells.push(undefined);
      return columnOf(names[i], cells, place, this.#settings);
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
