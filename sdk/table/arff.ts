import { inputError } from "../errors.ts";
import { ColumnBuilder } from "./builder.ts";
import { checkHeader, type RawTable, type TextSettings } from "./csv.ts";
import { checkColumns, checkRows } from "./limits.ts";
import { Lines, linesOf } from "./lines.ts";

/** A declared column: its cells must be numbers, one of the named categories, or (undefined) any text. */
interface Attribute {
  name: string;
  type: "numeric" | "text";
  categories?: ReadonlySet<string>;
}

/**
 * ARFF (Weka) and KEEL `.dat`: a header of @attribute lines, then comma-separated rows. Comments start with %,
 * `?` and `<null>` are missing, quotes are single or double. Ranges and roles that KEEL declares are not needed.
 */
export async function readArff(chunks: AsyncIterable<string>, settings: TextSettings): Promise<RawTable> {
  const reader = new ArffReader(settings);
  for await (const lines of linesOf(chunks, settings.table)) for (const line of lines) reader.line(line);
  return reader.end();
}

class ArffReader {
  readonly #settings: TextSettings;
  readonly #lines = new Lines();
  readonly #attributes: Attribute[] = [];
  #columns: ColumnBuilder[] | undefined;
  #rows = 0;

  constructor(settings: TextSettings) {
    this.#settings = { ...settings, missing: new Set([...settings.missing, "<null>"]) };
  }

  line(line: string): void {
    const text = line.trim();
    if (text === "" || text.startsWith("%")) this.#lines.skip(1);
    else if (this.#columns) this.#row(text, this.#columns);
    else {
      this.#header(text);
      this.#lines.skip(1);
    }
  }

  end(): RawTable {
    const { table } = this.#settings;
    if (!this.#columns)
      throw inputError(`${table} has no @data line.`, "The file was cut short, or is not ARFF.");
    if (this.#rows === 0) throw inputError(`${table} has no rows below @data.`, "Give a table with rows.");
    const columns = this.#columns.map((column, i) => {
      const numeric = this.#attributes[i].type === "numeric";
      return { ...column.finish(), typed: !numeric, declaredNumeric: numeric };
    });
    return { columns, rows: this.#rows, place: (row) => `line ${this.#lines.of(row)}` };
  }

  #header(text: string): void {
    const keyword = /^@(\w+)/.exec(text)?.[1].toLowerCase();
    if (keyword === "attribute") {
      this.#attributes.push(this.#attribute(text.slice("@attribute".length).trim()));
      checkColumns(this.#attributes.length, this.#settings.table);
    } else if (keyword === "data") this.#columns = this.#open();
    else if (keyword === undefined)
      throw this.#error(`expected an @attribute or @data line, found "${text.slice(0, 40)}".`);
  }

  #attribute(text: string): Attribute {
    const named = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s{]+))\s*(.*)$/.exec(text);
    if (!named) throw this.#error(`cannot read the attribute "${text.slice(0, 40)}".`);
    const name = unquote(named[1] ?? named[2] ?? named[3]);
    const type = named[4];
    if (type.startsWith("{")) {
      const inner = type.slice(1, type.lastIndexOf("}") < 0 ? undefined : type.lastIndexOf("}"));
      const categories = new Set(this.#fields(inner));
      return { name, type: "text", categories };
    }
    if (/^(?:numeric|real|integer)\b/i.test(type)) return { name, type: "numeric" };
    if (/^(?:string|date)\b/i.test(type)) return { name, type: "text" };
    throw this.#error(
      `attribute "${name}" is of type "${type}"; numeric, nominal, string and date are read.`,
    );
  }

  #open(): ColumnBuilder[] {
    const { table, missing, wordsOnly } = this.#settings;
    const names = checkHeader(
      this.#attributes.map((attribute) => attribute.name),
      table,
    );
    if (names.length === 0) throw this.#error("there is no @attribute before @data.");
    return names.map(
      (name, i) =>
        new ColumnBuilder(name, missing, wordsOnly.has(name) || this.#attributes[i].type === "text"),
    );
  }

  #row(text: string, columns: ColumnBuilder[]): void {
    if (text.startsWith("{")) throw this.#error("sparse rows ({index value, …}) are not read.");
    const fields = this.#fields(text);
    if (fields.length !== columns.length) {
      throw this.#error(`expected ${columns.length} fields as declared, found ${fields.length}.`);
    }
    for (let i = 0; i < fields.length; i++) {
      this.#check(fields[i], this.#attributes[i]);
      columns[i].push(fields[i]);
    }
    this.#lines.add(this.#rows++, 1);
    checkRows(this.#rows, this.#settings.table);
  }

  #check(field: string, { name, categories }: Attribute): void {
    if (!categories || categories.has(field) || field === "" || this.#settings.missing.has(field)) return;
    throw this.#error(
      `column "${name}": found "${field}", expected one of ${[...categories].slice(0, 10).join(", ")}.`,
    );
  }

  /** Comma-separated fields; quoted ones keep their spaces and may escape with a backslash. */
  #fields(text: string): string[] {
    if (!/['"]/.test(text)) return text.split(",").map((field) => field.trim());
    const fields: string[] = [];
    const field = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^,'"][^,]*|))\s*(,|$)/y;
    for (;;) {
      const m = field.exec(text);
      if (!m) throw this.#error("a quote is not closed, or text follows it.");
      fields.push(m[3] === undefined ? unquote(m[1] ?? m[2]) : m[3].trim());
      if (m[4] === "") return fields;
    }
  }

  #error(what: string): Error {
    return inputError(`${this.#settings.table}, line ${this.#lines.next}: ${what}`, "Mend the line.");
  }
}

function unquote(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}
