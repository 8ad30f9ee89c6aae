import { inputError } from "../errors.ts";
import {
  type Column,
  cellText,
  choices,
  type Format,
  findColumn,
  isMissing,
  parseValue,
  type Table,
  valueText,
} from "./table.ts";

/** More distinct numbers than this are a quantity to estimate, not classes to tell apart. */
const MOST_NUMBERS = 20;

/** What a table says about the column to predict. */
export interface TargetInfo {
  readonly column: string;
  /** Two classes: [other, positive]; more: the most frequent first, ties by name. */
  readonly classes: readonly string[];
  /** Rows of each class. */
  readonly counts: readonly number[];
  /** Whether the first class stands for all but the positive one of more than two. */
  readonly oneAgainstRest: boolean;
  /** The rows that have a target, ascending. */
  readonly rows: Int32Array;
  /** How many rows have none. */
  readonly missing: number;
}

/**
 * Checks that the column can be predicted, and names its classes. Two classes are [other, positive], the positive
 * one being `positive` or the rarer (the later by name if they are even). `positive` among more classes makes two of
 * them: [`not X`, `X`].
 * @throws inputError for a wrong name, fewer than two classes, a class of one row, a quantity, a key
 */
export function checkTarget(table: Table, target: string, positive?: string): TargetInfo {
  const column = findColumn(table, target);
  if (column.role === "drop") {
    throw inputError(
      `Column "${target}" is the target and dropped.`,
      "Drop another column, or choose another target.",
    );
  }
  const rows = targetRows(table, target);
  const all = count(column, rows);
  checkKind(table, column, all, rows.length);
  const counts = positive === undefined ? all : against(table, column, all, positive);
  const classes = order(counts, positive);
  for (const name of classes) {
    if (counts.get(name)! >= 2) continue;
    throw inputError(
      `${table.name}: class "${name}" of column "${target}" has one row; every class needs at least 2.`,
      "Remove the row, collect more, or merge classes (--positive CLASS: one against the rest).",
    );
  }
  if (!table.columns.some((c) => c !== column && learnable(c))) {
    throw inputError(
      `${table.name} has no column to learn from beside the target "${target}".`,
      "Give at least one more column that varies and is not an id.",
    );
  }
  return {
    column: target,
    classes,
    counts: classes.map((name) => counts.get(name)!),
    oneAgainstRest: counts !== all,
    rows,
    missing: table.rows - rows.length,
  };
}

/** The rows whose target is known, ascending. */
export function targetRows(table: Table, target: string): Int32Array {
  const column = findColumn(table, target);
  const rows = new Int32Array(table.rows);
  let known = 0;
  for (let row = 0; row < table.rows; row++) if (!isMissing(column, row)) rows[known++] = row;
  return rows.slice(0, known);
}

/** Whether a column's role lets the engine learn it. */
export function learnable(column: Column): boolean {
  return column.role !== "constant" && column.role !== "id" && column.role !== "drop";
}

function count(column: Column, rows: Int32Array): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const name = cellText(column, row);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function checkKind(table: Table, column: Column, counts: Map<string, number>, rows: number): void {
  const where = `${table.name}: target "${column.name}"`;
  if (counts.size === 0)
    throw inputError(`${where} is missing in every row.`, "Choose a column that holds classes.");
  if (counts.size === 1) {
    const only = [...counts.keys()][0];
    throw inputError(
      `${where} has one class, "${only}", in all ${rows} rows.`,
      "A classifier needs at least two classes.",
    );
  }
  if (column.values && !column.format.words && counts.size > MOST_NUMBERS) {
    throw inputError(
      `${where} has ${counts.size} distinct ${column.role === "datetime" ? "dates" : "numbers"}: this looks like regression, and Makeit learns classes.`,
      `Choose another target, cut the numbers into classes, or declare it categorical (--categorical "${column.name}").`,
    );
  }
  if (counts.size > Math.max(2, rows / 2)) {
    throw inputError(
      `${where} has ${counts.size} classes in ${rows} rows.`,
      "Choose a column whose values repeat.",
    );
  }
}

/** Counts of one class against the rest, when there are more than two. */
function against(
  table: Table,
  column: Column,
  counts: Map<string, number>,
  positive: string,
): Map<string, number> {
  const own = counts.get(positive);
  if (own === undefined) {
    throw inputError(
      `${table.name}: target "${column.name}" has no class "${positive}".`,
      choices("classes", positive, [...counts.keys()]),
    );
  }
  if (counts.size === 2) return counts;
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  return new Map([
    [`not ${positive}`, total - own],
    [positive, own],
  ]);
}

function order(counts: Map<string, number>, positive: string | undefined): string[] {
  const names = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || (a < b ? -1 : 1));
  if (names.length === 2 && names[0] === positive) names.reverse();
  return names;
}

/** The target's side of the encoder: classes to indices and back to cells. */
export class Target {
  readonly column: string;
  readonly classes: readonly string[];
  /** Where the column stands among the learnt ones. */
  readonly position: number;
  readonly #format: Format;
  readonly #role: Column["role"];
  readonly #isText: boolean;
  readonly #oneAgainstRest: boolean;
  readonly #index: ReadonlyMap<string, number>;

  constructor(state: TargetState) {
    this.column = state.column;
    this.classes = state.classes;
    this.position = state.position;
    this.#format = state.format;
    this.#role = state.role;
    this.#isText = state.isText;
    this.#oneAgainstRest = state.oneAgainstRest;
    this.#index = new Map(state.classes.map((name, i) => [name, i]));
  }

  static of(table: Table, info: TargetInfo): Target {
    const { role, format, codes, name } = findColumn(table, info.column);
    const before = table.columns.slice(
      0,
      table.columns.findIndex((c) => c.name === name),
    );
    const position = before.filter((c) => c.role !== "id" && c.role !== "drop").length;
    return new Target({
      column: name,
      classes: info.classes,
      position,
      role,
      format,
      isText: !!codes,
      oneAgainstRest: info.oneAgainstRest,
    });
  }

  /** Class indices. @throws inputError for a row without a target or with a class that is not known */
  labels(table: Table, rows: ArrayLike<number>): Int32Array {
    const column = findColumn(table, this.column);
    return Int32Array.from(rows, (row) => {
      const text = this.#text(column, row);
      const label = this.#index.get(text) ?? (this.#oneAgainstRest && text !== "" ? 0 : undefined);
      if (label !== undefined) return label;
      throw inputError(
        `${table.name}, row ${row + 1}: target "${this.column}" is ${text === "" ? "missing" : `"${text}"`}, expected ${this.classes.slice(0, 10).join(", ")}.`,
        "Leave out rows without a target, and give only classes that were there in training.",
      );
    });
  }

  /** The cell in the spelling of the table that was learnt: another file may write 1 as 1.0. */
  #text(column: Column, row: number): string {
    const alike = column.values && !this.#isText && !column.format.pattern === !this.#format.pattern;
    return alike && !column.format.words === !this.#format.words
      ? valueText(column.values[row], this.#format)
      : cellText(column, row);
  }

  /** Labels written back as a column like the one that was learnt. */
  decode(y: Int32Array): Column {
    const shared = { name: this.column, missing: 0 };
    if (this.#isText || this.#oneAgainstRest) {
      return {
        ...shared,
        role: "categorical",
        codes: Int32Array.from(y),
        categories: this.classes,
        format: {},
      };
    }
    const values = this.classes.map((name) => parseValue(name, this.#format));
    return {
      ...shared,
      role: this.#role,
      values: Float64Array.from(y, (label) => values[label]),
      format: this.#format,
    };
  }

  toJSON(): TargetState {
    return {
      column: this.column,
      classes: this.classes,
      position: this.position,
      role: this.#role,
      format: this.#format,
      isText: this.#isText,
      oneAgainstRest: this.#oneAgainstRest,
    };
  }
}

export interface TargetState {
  column: string;
  classes: readonly string[];
  position: number;
  role: Column["role"];
  format: Format;
  isText: boolean;
  oneAgainstRest: boolean;
}
