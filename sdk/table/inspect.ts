import { type Column, cellText, type ImageShape, type Role, type Table, valueText } from "./table.ts";
import { checkTarget } from "./target.ts";

/** What was understood of one column. */
export interface ColumnReport {
  name: string;
  role: Role;
  missing: number;
  /** Distinct known values. */
  distinct: number;
  /** Smallest and largest, as the column writes them: numbers and dates only. */
  min?: string;
  max?: string;
  /** Digits after the point, at most. */
  decimals?: number;
  /** How its dates are written. */
  pattern?: string;
  /** Up to three values: the most frequent categories, or the first numbers. */
  examples: string[];
}

/** What was understood of a table. */
export interface TableReport {
  name: string;
  rows: number;
  columns: ColumnReport[];
  /** Where rows are images: their size. */
  image?: ImageShape;
  target?: TargetReport;
  warnings: string[];
}

export interface TargetReport {
  column: string;
  classes: { name: string; rows: number; share: number }[];
  /** The class that counts as positive, when there are two. */
  positive?: string;
  /** Rows of the largest class for each row of the smallest. */
  imbalance: number;
  missing: number;
}

const EXAMPLES = 3;

/**
 * Describes a table: the role of every column, what is missing, the classes and how uneven they are.
 * @throws inputError when the target cannot be predicted (see `checkTarget`)
 */
export function inspectTable(table: Table, target?: string, positive?: string): TableReport {
  const { name, rows, warnings } = table;
  const columns = table.columns.map(describe);
  const report = { name, rows, columns, ...(table.image && { image: table.image }), warnings: [...warnings] };
  if (target === undefined) return report;
  const described = describeTarget(table, target, positive);
  if (described.missing > 0) {
    report.warnings.push(`${described.missing} rows have no target and are left out.`);
  }
  return { ...report, target: described };
}

function describeTarget(table: Table, target: string, positive?: string): TargetReport {
  const { classes, counts, rows, missing } = checkTarget(table, target, positive);
  return {
    column: target,
    classes: classes.map((name, i) => ({ name, rows: counts[i], share: counts[i] / rows.length })),
    ...(classes.length === 2 && { positive: classes[1] }),
    imbalance: Math.max(...counts) / Math.min(...counts),
    missing,
  };
}

function describe(column: Column): ColumnReport {
  const { name, role, missing, format } = column;
  const shared = { name, role, missing };
  if (column.codes) return { ...shared, ...describeWords(column) };
  return {
    ...shared,
    ...describeNumbers(column.values!, column),
    ...(format.decimals !== undefined && { decimals: format.decimals }),
    ...(format.pattern !== undefined && { pattern: format.pattern }),
  };
}

function describeWords({ codes, categories }: Column): { distinct: number; examples: string[] } {
  const counts = new Int32Array(categories!.length);
  for (const code of codes!) if (code >= 0) counts[code]++;
  const used = [...counts.keys()].filter((code) => counts[code] > 0);
  used.sort((a, b) => counts[b] - counts[a] || a - b);
  return { distinct: used.length, examples: used.slice(0, EXAMPLES).map((code) => categories![code]) };
}

function describeNumbers(values: Float64Array, column: Column) {
  const distinct = new Set<number>();
  const examples: string[] = [];
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  values.forEach((value, row) => {
    if (Number.isNaN(value)) return;
    if (value < min) min = value;
    if (value > max) max = value;
    distinct.add(value);
    if (examples.length < EXAMPLES && distinct.size > examples.length) examples.push(cellText(column, row));
  });
  if (distinct.size === 0) return { distinct: 0, examples };
  return {
    distinct: distinct.size,
    min: valueText(min, column.format),
    max: valueText(max, column.format),
    examples,
  };
}
