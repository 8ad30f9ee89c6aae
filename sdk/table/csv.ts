import Papa from "papaparse";
import { inputError } from "../errors.ts";
import { ColumnBuilder, type RawColumn } from "./builder.ts";
import { checkColumns, checkRows, LONGEST_ROW } from "./limits.ts";
import { Lines } from "./lines.ts";

/** What a text reader must know. `wordsOnly` names the columns whose spellings are kept as they are. */
export interface TextSettings {
  readonly table: string;
  readonly delimiter?: string;
  readonly missing: ReadonlySet<string>;
  readonly wordsOnly: ReadonlySet<string>;
}

/** What a reader hands on: raw columns and where each row stands in the file. */
export interface RawTable {
  readonly columns: RawColumn[];
  readonly rows: number;
  readonly place: (row: number) => string;
}

const DELIMITERS = [",", "\t", ";", "|"];

interface Parsed {
  data: string[][];
  errors: { code: string; row: number }[];
  meta: { cursor: number };
}

/** Reads CSV text that arrives in pieces; memory holds one piece and the typed columns. */
export async function readCsv(chunks: AsyncIterable<string>, settings: TextSettings): Promise<RawTable> {
  const reader = new CsvReader(settings);
  for await (const chunk of chunks) reader.write(chunk);
  return reader.end();
}

/** papaparse made strict: every row has the header's fields, quotes close, and errors name the physical line. */
class CsvReader {
  readonly #settings: TextSettings;
  readonly #lines = new Lines();
  #carry = "";
  #parser: InstanceType<typeof Papa.Parser> | undefined;
  #delimiter = ",";
  #newline: "\n" | "\r" = "\n";
  #columns: ColumnBuilder[] | undefined;
  #rows = 0;

  constructor(settings: TextSettings) {
    this.#settings = settings;
    const { table, delimiter } = settings;
    if (delimiter === undefined || /^[^\r\n"\ufeff]+$/.test(delimiter)) return;
    throw inputError(
      `${table}: fields cannot be separated by ${JSON.stringify(delimiter)}.`,
      "Give a character that no field begins with, such as a semicolon.",
    );
  }

  write(chunk: string): void {
    this.#carry += chunk;
    if (!this.#parser && !/[\n\r][^\n]/.test(this.#carry)) return;
    this.#consume(false);
    if (this.#carry.length > LONGEST_ROW) throw this.#endless(this.#lines.next);
  }

  end(): RawTable {
    this.#carry = this.#carry.replace(/\r$/, "");
    this.#consume(true);
    const { table } = this.#settings;
    if (!this.#columns)
      throw inputError(`${table} is empty.`, "Give a table with a header line and rows below it.");
    if (this.#rows === 0) {
      throw inputError(`${table} has a header and no rows.`, "Give a table with rows below the header line.");
    }
    const place = (row: number) => `line ${this.#lines.of(row)}`;
    return { columns: this.#columns.map((column) => column.finish()), rows: this.#rows, place };
  }

  #consume(last: boolean): void {
    const text = this.#carry;
    this.#parser ??= this.#open(text, last);
    const { data, errors, meta } = this.#parser.parse(text, 0, !last) as Parsed;
    const broken = errors.find((error) => last || error.row < data.length);
    const quoted = text.includes('"');
    const ends = text.includes('\r"') ? this.#rowEnds(text, last) : undefined;
    for (let i = 0; i < data.length; i++) {
      if (broken?.row === i) throw this.#badQuote(broken.code);
      if (!ends || text.startsWith("\r\n", ends[i] - 2)) dropReturn(data[i]);
      this.#row(data[i], quoted, last && i === data.length - 1);
    }
    if (broken) throw this.#badQuote(broken.code);
    this.#carry = last ? "" : text.slice(meta.cursor);
  }

  /** Settles newline and delimiter on the first lines. `\r` before `\n` is dropped row by row: endings may be mixed. */
  #open(text: string, last: boolean): InstanceType<typeof Papa.Parser> {
    this.#newline = !text.includes("\n") && text.includes("\r") ? "\r" : "\n";
    this.#delimiter =
      this.#settings.delimiter ?? sniff(text.slice(0, 65_536), this.#newline, last && text.length <= 65_536);
    return parser(this.#delimiter, this.#newline);
  }

  /** Where the rows of a text end in which a return before a row's end may be a quoted field's own. */
  #rowEnds(text: string, last: boolean): number[] {
    const ends: number[] = [];
    const step = ({ meta }: Papa.ParseStepResult<string[]>) => ends.push(meta.cursor);
    parser(this.#delimiter, this.#newline, step).parse(text, 0, !last);
    return ends;
  }

  #row(fields: string[], quoted: boolean, lastOfFile: boolean): void {
    const line = this.#lines.next;
    const height = quoted ? 1 + fields.reduce((sum, field) => sum + newlines(field), 0) : 1;
    if (fields.length === 1 && fields[0].trim() === "" && (lastOfFile || this.#columns?.length !== 1)) {
      this.#lines.skip(height);
      return;
    }
    // Excel's note of what separates fields, which is found without it.
    if (!this.#columns && line === 1 && /^sep=.?$/i.test(fields[0]) && !fields.slice(1).join("")) {
      this.#lines.skip(height);
      return;
    }
    if (!this.#columns) {
      this.#columns = this.#header(fields, line);
      this.#lines.skip(height);
      return;
    }
    if (fields.length !== this.#columns.length) throw this.#ragged(fields, line);
    for (let i = 0; i < fields.length; i++) this.#columns[i].push(fields[i]);
    this.#lines.add(this.#rows++, height);
    checkRows(this.#rows, this.#settings.table);
  }

  #header(fields: string[], line: number): ColumnBuilder[] {
    const { table, missing, wordsOnly } = this.#settings;
    const names = checkHeader(fields, `${table}, line ${line}`);
    return names.map((name) => new ColumnBuilder(name, missing, wordsOnly.has(name)));
  }

  #ragged(fields: string[], line: number): Error {
    const expected = this.#columns!.length;
    const start = fields.join(" ").slice(0, 40);
    return inputError(
      `${this.#settings.table}, line ${line}: expected ${expected} fields as in the header, found ${fields.length} (row starts "${start}").`,
      "Mend the row: a field that contains the delimiter must stand in double quotes, and no field may be left out.",
    );
  }

  #badQuote(code: string): Error {
    const line = this.#lines.next;
    if (code === "MissingQuotes") return this.#unclosed(line);
    return inputError(
      `${this.#settings.table}, line ${line}: text follows a closing quote within a field.`,
      'Write a quote inside a quoted field twice ("").',
    );
  }

  #endless(line: number): Error {
    if (this.#carry.includes('"')) return this.#unclosed(line);
    return inputError(
      `${this.#settings.table}, line ${line}: a row of more than ${LONGEST_ROW} characters.`,
      "Give a table with a header line and rows below it.",
    );
  }

  #unclosed(line: number): Error {
    return inputError(
      `${this.#settings.table}, line ${line}: a quoted field in the row that starts here is never closed.`,
      'Close the field with a double quote, or double the quote if it is part of the text ("").',
    );
  }
}

/**
 * Column names, trimmed.
 * @throws inputError for an empty or repeated one, and for too many
 */
export function checkHeader(fields: readonly string[], where: string): string[] {
  checkColumns(fields.length, where);
  const seen = new Map<string, number>();
  return fields.map((field, i) => {
    const name = field.trim();
    if (name === "") {
      throw inputError(
        `${where}: column ${i + 1} of ${fields.length} has no name.`,
        "Name every column in the header (pandas: to_csv(index=False) leaves the index out).",
      );
    }
    const before = seen.get(name);
    if (before !== undefined) {
      throw inputError(
        `${where}: columns ${before + 1} and ${i + 1} are both named "${name}".`,
        "Give every column a name of its own.",
      );
    }
    seen.set(name, i);
    return name;
  });
}

function parser(
  delimiter: string,
  newline: "\n" | "\r",
  step?: (row: Papa.ParseStepResult<string[]>) => void,
): InstanceType<typeof Papa.Parser> {
  return new Papa.Parser({ delimiter, newline, step });
}

function dropReturn(fields: string[]): void {
  const end = fields.length - 1;
  if (fields[end].endsWith("\r")) fields[end] = fields[end].slice(0, -1);
}

/** The delimiter that cuts the first lines into the same number of fields, the more the better. */
function sniff(text: string, newline: "\n" | "\r", whole: boolean): string {
  let best = ",";
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const { data } = parser(delimiter, newline).parse(text, 0, !whole) as Parsed;
    const rows = data.filter((row) => row.length > 1 || row[0].trim() !== "");
    if (rows.length === 0) continue;
    const width = rows[0].length;
    const even = rows.every((row) => row.length === width);
    const score = width === 1 ? 0 : even ? 1_000_000 + width : width;
    if (score > most) {
      most = score;
      best = delimiter;
    }
  }
  return best;
}

function newlines(field: string): number {
  let count = 0;
  for (let at = field.indexOf("\n"); at >= 0; at = field.indexOf("\n", at + 1)) count++;
  return count;
}
