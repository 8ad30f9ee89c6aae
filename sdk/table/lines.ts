import { inputError } from "../errors.ts";
import { LONGEST_ROW } from "./limits.ts";

/** Physical lines of rows: consecutive but for the few rows that were preceded by others or span several lines. */
export class Lines {
  /** The line on which the next row starts. */
  next = 1;
  readonly #rows: number[] = [];
  readonly #starts: number[] = [];
  #expected = -1;

  skip(height: number): void {
    this.next += height;
  }

  add(row: number, height: number): void {
    if (this.next !== this.#expected) {
      this.#rows.push(row);
      this.#starts.push(this.next);
    }
    this.#expected = this.next + 1;
    this.next += height;
  }

  of(row: number): number {
    let low = 0;
    let high = this.#rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#rows[middle] <= row) low = middle;
      else high = middle - 1;
    }
    return this.#starts[low] + row - this.#rows[low];
  }
}

/**
 * Lines of text that arrives in pieces, one array a piece; line ends (`\n`, `\r\n`) are taken off.
 * @throws inputError for a line without an end
 */
export async function* linesOf(chunks: AsyncIterable<string>, table: string): AsyncGenerator<string[]> {
  let carry = "";
  let before = 0;
  for await (const chunk of chunks) {
    const lines = (carry + chunk).split("\n");
    carry = lines.pop()!;
    before += lines.length;
    yield lines.map(withoutReturn);
    if (carry.length <= LONGEST_ROW) continue;
    throw inputError(
      `${table}, line ${before + 1}: more than ${LONGEST_ROW} characters.`,
      "Give a table with one row a line.",
    );
  }
  if (carry !== "") yield [withoutReturn(carry)];
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
