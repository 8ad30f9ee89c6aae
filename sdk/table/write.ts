import Papa from "papaparse";
import { type Column, cellText, isMissing, type Table } from "./table.ts";

export interface WriteCsvOptions {
  delimiter?: string;
  /** Put an apostrophe before words that a spreadsheet would run as a formula (they begin with = + - @ tab or return). */
  safe?: boolean | undefined;
}

/** Rows that are turned into text at once. */
const BLOCK = 4096;

/** A table as CSV, cells spelled as their columns were read, missing ones empty. Ends with a newline. */
export function writeCsv(table: Table, options: WriteCsvOptions = {}): string {
  const { delimiter = ",", safe = false } = options;
  const runs = (text: string) => /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text));
  const shield = (text: string) => (safe && runs(text) ? `'${text}` : text);
  const { columns } = table;
  // A lone empty field would read back as a blank line.
  const lone = columns.length === 1;
  const config = { delimiter, newline: "\n", header: false, quotes: (cell: unknown) => lone && cell === "" };
  const unparse = (data: string[][]) => `${Papa.unparse(data, config)}\n`;
  const blocks = [unparse([columns.map((column) => shield(column.name))])];
  const spell = columns.map((column) => (column.codes ? shielded(column, shield) : column));
  for (let start = 0; start < table.rows; start += BLOCK) {
    const length = Math.min(BLOCK, table.rows - start);
    blocks.push(
      unparse(Array.from({ length }, (_, i) => spell.map((column) => cellText(column, start + i)))),
    );
  }
  return blocks.join("");
}

function shielded(column: Column, shield: (text: string) => string): Column {
  return { ...column, categories: column.categories!.map(shield) };
}

/** A table as JSON lines: numbers, true and false bare, everything else text, missing null. */
export function writeJsonLines(table: Table): string {
  const keys = table.columns.map((column) => JSON.stringify(column.name));
  const lines: string[] = [];
  for (let row = 0; row < table.rows; row++) {
    const cells = table.columns.map((column, i) => `${keys[i]}:${jsonCell(column, row)}`);
    lines.push(`{${cells.join(",")}}\n`);
  }
  return lines.join("");
}

function jsonCell(column: Column, row: number): string {
  if (isMissing(column, row)) return "null";
  const { format, values } = column;
  if (values && !format.pattern && !format.words) return String(values[row]);
  const text = cellText(column, row);
  return values && format.words && /^(?:true|false)$/i.test(text) ? text.toLowerCase() : JSON.stringify(text);
}
