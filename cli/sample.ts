/** `makeit sample`: rows from a saved model. */
import { readFile } from "node:fs/promises";
import { inputError } from "../sdk/errors.ts";
import { command, EXIT } from "./command.ts";
import { CONFIG_FLAG, JSON_FLAG, QUIET_FLAG, splitList } from "./flags.ts";
import { OutputFile } from "./output.ts";
import { encodeTable, outputFormat } from "./tables.ts";

const MAX_ROWS = 1e8;

const FLAGS = {
  rows: { kind: "integer", min: 1, max: MAX_ROWS, group: "Output", describe: "How many rows" },
  counts: { kind: "string", group: "Output", describe: "How many rows of each class: yes=100,no=50" },
  seed: {
    kind: "integer",
    min: 0,
    max: 2 ** 32 - 1,
    default: 1,
    group: "Output",
    describe: "Same seed, same rows",
  },
  out: {
    kind: "string",
    group: "Output",
    short: "o",
    describe: "A .csv, .tsv, .jsonl or .parquet file (default: CSV on standard output)",
  },
  force: { kind: "boolean", group: "Output", describe: "Replace the file if it is there" },
  ...CONFIG_FLAG,
  ...QUIET_FLAG,
  ...JSON_FLAG,
} as const;

export const sampleModel = command({
  name: "sample",
  describe: "Draw synthetic rows from a model that fit wrote",
  positionals: { model: "The model.safetensors of a run" },
  flags: FLAGS,
  examples: [
    ["makeit sample makeit-out/model.safetensors --rows 1000 --out more.csv", "as many as you like"],
    [
      "makeit sample makeit-out/model.safetensors --counts yes=500,no=100",
      "a class each, on standard output",
    ],
  ],
  async run({ rows, counts, seed, out, force, json }, { model: path }, terminal) {
    if (rows !== undefined && counts !== undefined) {
      throw inputError("--rows and --counts contradict each other.", "Leave one of them out.");
    }
    if (rows === undefined && counts === undefined) {
      throw inputError("How many rows? Neither --rows nor --counts is given.", "Add --rows 100, say.");
    }
    if (json && out === undefined) {
      throw inputError("--json and rows on standard output contradict each other.", "Add --out rows.csv.");
    }
    const wanted = counts === undefined ? undefined : readCounts(counts);
    if (out !== undefined) outputFormat(out);
    const file = out === undefined ? undefined : new OutputFile(out, { force });
    const { Model, sample } = await import("../sdk/node.ts");
    const model = Model.fromBytes(await readFile(path), path);
    const table = await sample(model, { rows, counts: wanted, seed });
    const data = await encodeTable(table, out ?? "rows.csv");
    if (!file) {
      await terminal.write(data);
      return EXIT.done;
    }
    file.write(data);
    terminal.note(`${table.rows} rows in ${out}`);
    await terminal.object({ out, rows: table.rows, columns: table.columns.length });
    return EXIT.done;
  },
});

/** `yes=100,no=50`; a class with a comma in double quotes: `"a, b=3"`. */
export function readCounts(text: string): Record<string, number> {
  const counts: Record<string, number> = Object.create(null);
  for (const part of splitList(text)) {
    const match = /^(.+)=(\d+)$/s.exec(part);
    const count = match ? Number(match[2]) : 0;
    if (!match || count < 1 || count > MAX_ROWS) {
      throw inputError(
        `--counts has "${part}"; expected class=count such as yes=100.`,
        "Separate classes by commas.",
      );
    }
    if (match[1] in counts) throw inputError(`--counts names class "${match[1]}" twice.`, "Name it once.");
    counts[match[1]] = count;
  }
  return counts;
}
