/** What must hold of everything that was read: thrown as an Error where it does not. */
import { MakeitError } from "../sdk/errors.ts";
import { readTable, writeParquet } from "../sdk/parquet.ts";
import { Encoder } from "../sdk/table/encoder.ts";
import { inspectTable } from "../sdk/table/inspect.ts";
import { type Column, cellText, type Table } from "../sdk/table/table.ts";
import { writeCsv, writeJsonLines } from "../sdk/table/write.ts";

/** Cells that are written and read again; larger tables are only looked at. */
const MOST_CELLS = 2000;

function need(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Columns of one length, cells finite or missing, names distinct, warnings on one line. */
export function checkTable(table: Table): void {
  const { rows, columns, warnings } = table;
  need(Number.isInteger(rows) && rows > 0, `${rows} rows`);
  need(columns.length > 0, "no columns");
  need(new Set(columns.map(({ name }) => name)).size === columns.length, "two columns of one name");
  for (const column of columns) checkColumn(column, rows);
  need(
    warnings.every((text) => text !== "" && !text.includes("undefined")),
    `the warnings ${warnings}`,
  );
}

function checkColumn({ name, values, codes, categories, missing, format }: Column, rows: number): void {
  need(typeof name === "string" && name.trim() !== "", "a column without a name");
  need((values === undefined) !== (codes === undefined), `column ${name} has numbers and words, or neither`);
  need((values ?? codes)!.length === rows, `column ${name} has ${(values ?? codes)!.length} of ${rows} rows`);
  const absent = values ? values.filter(Number.isNaN).length : codes!.filter((code) => code < 0).length;
  need(absent === missing, `column ${name} misses ${absent}, and says ${missing}`);
  need(values === undefined || values.every((value) => Math.abs(value) !== Infinity), `${name} is infinite`);
  need(codes === undefined || codes.every((code) => code < categories!.length), `${name} has unknown codes`);
  need(categories === undefined || new Set(categories).size === categories.length, `${name} repeats a word`);
  for (const digits of [format.decimals ?? 0, format.pad ?? 0]) {
    need(Number.isInteger(digits) && digits >= 0 && digits <= 15, `column ${name} has ${digits} digits`);
  }
}

/** What a table is used for: described, encoded and decoded, written and read again. */
export async function checkUses(table: Table, format: number): Promise<void> {
  const target = table.columns.at(-1)!.name;
  JSON.stringify(inspectTable(table));
  if (table.rows * table.columns.length > MOST_CELLS) return;
  await allowRefusal(() => checkEncoder(table, target));
  // CSV does not say what is a word.
  const categorical = table.columns.filter(({ codes }) => codes).map(({ name }) => name);
  const csv = { format: "csv", delimiter: ",", categorical } as const;
  if (format === 0) await checkAgain(table, writeCsv(table), csv);
  if (format === 1) await checkAgain(table, writeJsonLines(table), { format: "jsonl" });
  if (format === 2) await checkAgain(table, await writeParquet(table), {});
}

/** Runs what may say no, as long as it says so properly. */
export async function allowRefusal(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof MakeitError) || error.code !== "input") throw error;
  }
}

function checkEncoder(table: Table, target: string): void {
  JSON.stringify(inspectTable(table, target));
  const encoder = Encoder.fit(table, { target });
  const x = encoder.encode(table, encoder.targetRows(table));
  need(x.data.every(Number.isFinite), "an encoded row that is not finite");
  const again = Encoder.fromJSON(JSON.parse(JSON.stringify(encoder.toJSON())));
  checkTable(again.decode(x, encoder.labels(table, encoder.targetRows(table))));
}

async function checkAgain(table: Table, written: string | Uint8Array, options: object): Promise<void> {
  const again = await readTable(written, options);
  need(again.rows === table.rows, `${table.rows} rows were written, ${again.rows} read`);
  // By name: JavaScript has an order of its own for the keys of an object that are whole numbers.
  const found = new Map(again.columns.map((column) => [column.name, column]));
  need(
    found.size === table.columns.length,
    `${table.columns.length} columns were written, ${found.size} read`,
  );
  for (const column of table.columns) {
    const other = found.get(column.name);
    if (!other) throw new Error(`column ${column.name} was written and not read`);
    for (let row = 0; row < table.rows; row++) {
      if (sameCell(column, other, row)) continue;
      const [was, is] = [column, other].map((one) => JSON.stringify(cellText(one, row)));
      throw new Error(`${was} of column ${column.name} became ${is}`);
    }
  }
}

/** The same text, or the same number: not every format keeps trailing zeros and spellings of dates. */
function sameCell(a: Column, b: Column, row: number): boolean {
  if (a.values && b.values && Object.is(a.values[row], b.values[row])) return true;
  // Parquet keeps dates to the millisecond.
  if (a.format.pattern && a.values && b.values && Math.abs(a.values[row] - b.values[row]) < 1) return true;
  return cellText(a, row) === cellText(b, row);
}

/** Nothing that was read has become part of what all objects share. */
export function checkPrototypes(): void {
  for (const shared of [Object.prototype, Array.prototype, Function.prototype]) {
    const added = Object.keys(shared);
    for (const name of added) delete (shared as unknown as Record<string, unknown>)[name];
    need(added.length === 0, `${added} was added to a prototype`);
  }
}
