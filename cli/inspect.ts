/** `makeit inspect`: what was understood of a table. */
import { inspectTable, type TableReport } from "../sdk/table/inspect.ts";
import { command, EXIT } from "./command.ts";
import { CONFIG_FLAG, IMAGE_FLAGS, JSON_FLAG, TABLE_FLAGS } from "./flags.ts";
import { leadsToImages, openTable, targetOf, tellWarnings } from "./tables.ts";
import { percent, textTable } from "./terminal.ts";

/** Classes that are shown. */
const SHOWN = 20;

export const inspect = command({
  name: "inspect",
  describe: "Show what was understood of a table: roles, missing cells, classes and their imbalance",
  positionals: {
    table:
      "CSV, TSV, Parquet, JSON lines, ARFF or KEEL file, .gz too; - for standard input; images as for fit",
  },
  flags: { ...TABLE_FLAGS, ...IMAGE_FLAGS, ...CONFIG_FLAG, ...JSON_FLAG },
  examples: [
    ["makeit inspect churn.csv", "its columns"],
    ["makeit inspect churn.csv --target churned", "and its classes"],
    ["makeit inspect photos --size 16x16", "images in class folders"],
    [
      "makeit inspect export.txt --delimiter '|' --missing -9,unknown --id key",
      "with a word on how to read it",
    ],
  ],
  async run(values, { table: path }, terminal) {
    const table = await openTable(path, values);
    const target = leadsToImages(path, values) ? targetOf(path, values) : values.target;
    const report = inspectTable(table, target, values.positive);
    tellWarnings(report.warnings, terminal);
    await terminal.show(describe(report));
    await terminal.object(report);
    return EXIT.done;
  },
});

function describe(report: TableReport): string {
  const parts = report.image ? describeImages(report) : describeColumns(report);
  return (report.target ? [...parts, "", ...describeTarget(report.target)] : parts).join("\n");
}

/** Hundreds of pixels in a line. */
function describeImages({ name, rows, columns, image }: TableReport): string[] {
  const { width, height, channels } = image!;
  const constant = columns.filter(({ role }) => role === "constant").length;
  const names = channels === 1 ? "l_y_x" : "r_y_x, g_y_x, b_y_x";
  const pixels = `${width * height * channels} columns ${names} from 0 to 1, ${constant} of them the same in every image`;
  return [`${name}: ${rows} images of ${width} × ${height} pixels, ${pixels}`];
}

function describeColumns({ name, rows, columns }: TableReport): string[] {
  const lines = columns.map((column) => [
    column.name,
    column.role,
    column.missing === 0 ? "" : `${column.missing} (${percent(column.missing / rows)})`,
    `${column.distinct}`,
    column.min === undefined ? column.examples.join(", ") : `${column.min} … ${column.max}`,
  ]);
  const head = ["column", "role", "missing", "distinct", "values"];
  return [`${name}: ${rows} rows, ${columns.length} columns`, "", textTable([head, ...lines], [2, 3])];
}

function describeTarget({
  column,
  classes,
  positive,
  imbalance,
  missing,
}: NonNullable<TableReport["target"]>) {
  const shown = classes
    .slice(0, SHOWN)
    .map((one) => [one.name, `${one.rows}`, percent(one.share), one.name === positive ? "positive" : ""]);
  const rest = classes.length > SHOWN ? [`  … ${classes.length - SHOWN} more`] : [];
  const without = missing > 0 ? `, ${missing} rows without a class` : "";
  const title = `Target ${column}: ${classes.length} classes, imbalance ${imbalance.toFixed(1)} to 1${without}`;
  return [title, "", textTable([["class", "rows", "share", ""], ...shown], [1, 2]), ...rest];
}
