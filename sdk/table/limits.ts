/** How large a table may be, and how much larger than its file: what is said in few bytes must not fill the memory. */
import { inputError } from "../errors.ts";

/** A wider table is a matrix that was turned round, or a file that was taken for another kind. */
export const MOST_COLUMNS = 2 ** 16;
/** What a JavaScript Map or Set can count. */
export const MOST_ROWS = 2 ** 24;
/** A row or line with more characters has lost its end. */
export const LONGEST_ROW = 2 ** 22;

/** What a file may unpack to, whatever its size … */
const FREE_BYTES = 2 ** 24;
/** … and beyond that, as a multiple of its own size. Tables shrink ten- to fifty-fold; a bomb a thousandfold. */
const MOST_GROWTH = 100;
/** The same for cells that a file stands for without holding them: repeated or left out. */
const FREE_CELLS = 2 ** 23;

/** @throws inputError when there are more columns than a table may have */
export function checkColumns(count: number, where: string): void {
  if (count <= MOST_COLUMNS) return;
  throw inputError(
    `${where}: ${count} columns, expected at most ${MOST_COLUMNS}.`,
    "Give rows as rows and columns as columns, or leave columns out.",
  );
}

/** @throws inputError when there are more rows than a table may have */
export function checkRows(count: number, table: string): void {
  if (count <= MOST_ROWS) return;
  throw inputError(`${table} has more than ${MOST_ROWS} rows.`, "Sample the rows first.");
}

/** @throws inputError when `packed` bytes have become implausibly many */
export function checkUnpacked(unpacked: number, packed: number, table: string): void {
  if (unpacked <= FREE_BYTES || unpacked <= MOST_GROWTH * packed) return;
  throw inputError(
    `${table} unpacks to more than ${MOST_GROWTH} times its size (${packed} bytes).`,
    "If it is what it should be, unpack it first and give the plain file.",
  );
}

/** @throws inputError when a table would have implausibly many cells for the `given` bytes, or values, that say them */
export function checkCells(rows: number, columns: number, given: number, table: string): void {
  const cells = rows * columns;
  if (cells <= FREE_CELLS || cells <= MOST_GROWTH * given) return;
  throw inputError(
    `${table} has ${rows} rows of ${columns} columns, and next to nothing in them.`,
    "Leave out the columns that are all but empty, or write what repeats.",
  );
}
