import { inputError } from "../errors.ts";
import { type Matrix, matrix } from "../matrix.ts";
import {
  FrequencyField,
  type FrequencyState,
  fitCategories,
  OneHotField,
  type OneHotState,
} from "./categorical.ts";
import { Components, type ComponentsState } from "./components.ts";
import type { Condition, Feature, Field } from "./field.ts";
import { fitNumber, NumberField, type NumberState } from "./numeric.ts";
import { checkState } from "./state.ts";
import { type Column, findColumn, type ImageShape, type Table } from "./table.ts";
import { checkTarget, Target, type TargetState, targetRows } from "./target.ts";

export type { Condition, Feature, FeatureKind } from "./field.ts";

type FieldState = NumberState | OneHotState | FrequencyState;

export interface EncoderOptions {
  /** The column to predict. */
  target: string;
  /** The class that counts as positive; with more than two classes it stands against all others. */
  positive?: string;
  /** The rows to learn means, ranges and categories from: a split's training rows. Default: all with a target. */
  rows?: ArrayLike<number>;
  /** Up to this many categories get a feature each, more share one that holds their frequency. */
  maxCategories?: number;
  /** Standardise numbers and frequencies (mean 0, variance 1 on the fitted rows). */
  scale?: boolean;
  /** Turn the features into so many principal components at most; 0, the default, keeps them. Needs `scale`. */
  components?: number;
}

/** Everything an encoder knows, as plain data. */
export interface EncoderState {
  fields: FieldState[];
  target: TargetState;
  image?: ImageShape;
  components?: ComponentsState;
}

/**
 * Turns rows of a table into a matrix (rows, width) and a matrix back into rows that obey the columns' types, ranges,
 * decimals and categories. Ids and dropped columns are left out both ways; constant columns come back as they were.
 */
export class Encoder {
  /** Features of a row: D of the method. */
  readonly width: number;
  readonly features: readonly Feature[];
  /** The learnt columns, in the table's order. */
  readonly columns: readonly string[];
  /** Where rows are images: how the columns make one. */
  readonly image: ImageShape | undefined;
  /** What the columns' own features are turned into, if anything. */
  readonly components: Components | undefined;
  readonly #fields: readonly Field<FieldState>[];
  /** Features of the columns, before they are turned into components. */
  readonly #plainWidth: number;
  readonly #offsets: readonly number[];
  readonly #target: Target;

  private constructor(
    fields: readonly Field<FieldState>[],
    target: Target,
    image: ImageShape | undefined,
    components?: Components,
  ) {
    this.#fields = fields;
    this.#target = target;
    this.image = image;
    this.components = components;
    const own = fields.flatMap((field) => field.features);
    this.#plainWidth = own.length;
    this.features = components ? componentFeatures(components.state.count) : own;
    this.width = this.features.length;
    this.columns = fields.filter((field) => field.features.length > 0).map((field) => field.column);
    let at = 0;
    this.#offsets = fields.map((field) => {
      at += field.features.length;
      return at - field.features.length;
    });
  }

  /**
   * Learns the encoding from the given rows alone; the classes are those of the whole table.
   * @throws inputError when the target cannot be predicted (see `checkTarget`) or no column varies
   */
  static fit(table: Table, options: EncoderOptions): Encoder {
    const { target, positive, maxCategories = 20, scale = true, components = 0 } = options;
    const info = checkTarget(table, target, positive);
    const rows = options.rows ?? info.rows;
    if (rows.length === 0)
      throw inputError(`${table.name}: there are no training rows.`, "Give at least one row.");
    const learnt = table.columns.filter((c) => c.name !== target && c.role !== "id" && c.role !== "drop");
    const fields = learnt.map((column) => {
      const fit = column.values ? fitNumber : fitCategories;
      return fieldOf(fit(column, rows, { maxCategories, scale }));
    });
    const encoder = new Encoder(fields, Target.of(table, info), table.image);
    if (encoder.width === 0) {
      throw inputError(
        `${table.name}: no column varies over the ${rows.length} training rows.`,
        "Give more rows, or columns that are not constant.",
      );
    }
    if (components === 0 || !scale) return encoder;
    const rotation = Components.fit(encoder.encode(table, rows), components);
    return new Encoder(fields, encoder.#target, table.image, rotation);
  }

  /** The same without components: each column's own features. */
  get plain(): Encoder {
    return this.components ? new Encoder(this.#fields, this.#target, this.image) : this;
  }

  get target(): string {
    return this.#target.column;
  }

  /** Two classes: [other, positive]; more: the most frequent first, ties by name. */
  get classes(): readonly string[] {
    return this.#target.classes;
  }

  /** The rows of a table whose target is known; the caller leaves out the others. */
  targetRows(table: Table): Int32Array {
    return targetRows(table, this.target);
  }

  /**
   * Rows as features (rows, width). Unseen categories become zeros; a missing cell becomes the mean and sets its
   * column's indicator.
   * @throws inputError when a learnt column is not there or holds another kind of cell
   */
  encode(table: Table, rows: ArrayLike<number> = allRows(table)): Matrix {
    const out = matrix(rows.length, this.#plainWidth);
    const columnOf = columnFinder(table);
    this.#fields.forEach((field, i) => {
      if (field.features.length === 0) return;
      field.encode(table.name, columnOf(field.column), rows, out, this.#offsets[i]);
    });
    return this.components?.project(out) ?? out;
  }

  /** The cells of any table's learnt columns, of the kind that was learnt. @throws as `encode` */
  cells(table: Table): ((row: number) => number | string)[] {
    const columnOf = columnFinder(table);
    const fields = this.#fields.filter((field) => field.features.length > 0);
    return fields.map((field) => field.cells(table.name, columnOf(field.column)));
  }

  /** Class indices of rows. @throws inputError for a row without a target or with an unknown class */
  labels(table: Table, rows: ArrayLike<number> = allRows(table)): Int32Array {
    return this.#target.labels(table, rows);
  }

  /** A table of the rows of `x` (rows, width), with the target column if labels are given. */
  decode(x: Matrix, y?: Int32Array, name = "synthetic"): Table {
    this.#check(x);
    const plain = this.components?.restore(x) ?? x;
    const columns = this.#fields.map((field, i) => field.decode(plain, this.#offsets[i]));
    if (y) columns.splice(this.#target.position, 0, this.#target.decode(y));
    const table: Table = { name, rows: x.rows, columns, warnings: [] };
    return this.image ? { ...table, image: this.image } : table;
  }

  /**
   * The nearest rows that real ones could be, as features of the `plain` encoder: its encode(decode(x)), without going
   * through cells.
   */
  snap(x: Matrix): Matrix {
    this.#check(x);
    const { rows, cols, data } = this.components?.restore(x) ?? { ...x, data: x.data.slice() };
    this.#fields.forEach((field, i) => {
      if (field.features.length === 0) return;
      for (let at = this.#offsets[i]; at < data.length; at += cols) field.snap(data, at);
    });
    return { data, rows, cols };
  }

  /** A tree's split on a feature, said in the column's own units; components have none. */
  describe(feature: number, threshold: number): Condition {
    if (this.components) throw inputError("A component has no units.", "Ask the plain encoder.");
    const field = this.#fields.findIndex((f, i) => feature < this.#offsets[i] + f.features.length);
    if (field < 0 || feature < 0)
      throw inputError(`There is no feature ${feature}: the encoder has ${this.width}.`);
    return this.#fields[field].describe(feature - this.#offsets[field], threshold);
  }

  toJSON(): EncoderState {
    return {
      fields: this.#fields.map((field) => field.toJSON()),
      target: this.#target.toJSON(),
      ...(this.image && { image: this.image }),
      ...(this.components && { components: this.components.state }),
    };
  }

  /** The encoder that `toJSON` wrote, exactly. @throws inputError for anything else */
  static fromJSON(state: EncoderState): Encoder {
    const { fields, target, image, components } = checkState(state);
    const rotation = components && new Components(components);
    const encoder = new Encoder(fields.map(fieldOf), new Target(target), image, rotation);
    if (components && components.features !== encoder.#plainWidth) {
      throw inputError("The components are those of other columns.", "Pass what toJSON of an encoder gave.");
    }
    return encoder;
  }

  #check(x: Matrix): void {
    if (x.cols === this.width) return;
    throw inputError(
      `A row has ${x.cols} features, the encoder has ${this.width}.`,
      "Use the encoder of this model.",
    );
  }
}

/** As `findColumn`, without a search for each of many columns. */
function columnFinder(table: Table): (name: string) => Column {
  const named = new Map(table.columns.map((column) => [column.name, column]));
  return (name) => named.get(name) ?? findColumn(table, name);
}

function componentFeatures(count: number): Feature[] {
  return Array.from({ length: count }, (_, k) => {
    const name = `component ${k + 1}`;
    return { name, column: name, kind: "numeric" };
  });
}

function fieldOf(state: FieldState): Field<FieldState> {
  if (state.kind === "number") return new NumberField(state);
  return state.kind === "onehot" ? new OneHotField(state) : new FrequencyField(state);
}

function allRows(table: Table): Int32Array {
  const rows = new Int32Array(table.rows);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  return rows;
}
