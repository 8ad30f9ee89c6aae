/** `makeit sample`: rows from a saved model. */
import { readFile } from "node:fs/promises";
import { inputError } from "../sdk/errors.ts";
import { fileNames } from "../sdk/names.ts";
import type { Encoder, Table } from "../sdk/node.ts";
import { command, EXIT } from "./command.ts";
import { CONFIG_FLAG, JSON_FLAG, QUIET_FLAG, SAFE_FLAG, splitList } from "./flags.ts";
import { OutputFile, OutputFolder } from "./output.ts";
import { encodeTable, outputFormat } from "./tables.ts";
import type { Terminal } from "./terminal.ts";

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
    describe:
      "A .csv, .tsv, .jsonl or .parquet file (default: CSV on standard output); of images also a folder of PNG files",
  },
  force: { kind: "boolean", group: "Output", describe: "Replace the file if it is there" },
  ...SAFE_FLAG,
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
    ["makeit sample makeit-out/model.safetensors --counts cats=50 --out cats", "PNG files, of images"],
  ],
  async run({ rows, counts, seed, out, force, safeCsv, json }, { model: path }, terminal) {
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
    const asFolder = out !== undefined && !/\.[a-z]\w*$/i.test(out);
    const format = out === undefined ? "csv" : asFolder ? "images" : outputFormat(out).format;
    if (safeCsv && format !== "csv" && format !== "tsv") {
      throw inputError(`--safe-csv goes with CSV, not with ${format}.`, "Leave it out: nothing runs there.");
    }
    if (asFolder && force) {
      throw inputError(
        "--force replaces a file, not a folder of images: some may be yours.",
        "Name a new folder with --out.",
      );
    }
    const folder = asFolder ? new OutputFolder(out) : undefined;
    const file = out === undefined || asFolder ? undefined : new OutputFile(out, { force });
    try {
      const { Model, sample } = await import("../sdk/node.ts");
      const bytes = await readFile(path).catch((error) => {
        throw Object.assign(error, { path }); // reading a folder fails without a path
      });
      const model = Model.fromBytes(bytes, path);
      if (folder && !model.encoder.image) {
        throw inputError(
          `${path} is a model of a table: its rows are no images.`,
          "Name a file with --out, such as rows.csv.",
        );
      }
      const table = await sample(model, { rows, counts: wanted, seed });
      if (folder) tellRenamed(await writeImages(table, model.encoder, folder), terminal);
      else {
        const data = await encodeTable(table, out ?? "rows.csv", { safeCsv });
        if (!file) {
          await terminal.data(data);
          return EXIT.done;
        }
        file.write(data);
      }
      terminal.note(`${table.rows} ${folder ? "images" : "rows"} in ${out}`);
      await terminal.object({ out, rows: table.rows, columns: table.columns.length });
      return EXIT.done;
    } finally {
      folder?.discard();
    }
  },
});

/**
 * A folder a class with an image a row, as `fit` reads them.
 * @returns the classes and the folders that stand for them
 */
async function writeImages(
  table: Table,
  encoder: Encoder,
  folder: OutputFolder,
): Promise<[string, string][]> {
  const { Cpu, encodePng, imageFromRow } = await import("../sdk/node.ts");
  const cpu = await Cpu.openExtra();
  const names = fileNames(encoder.classes);
  const digits = String(table.rows).length;
  for (const [row, label] of encoder.labels(table).entries()) {
    const png = await encodePng(imageFromRow(cpu, table, row));
    folder.write(`${names[label]}/${String(row + 1).padStart(digits, "0")}.png`, png);
  }
  folder.commit();
  return encoder.classes.map((name, i) => [name, names[i]]);
}

/** Some names cannot be a folder's everywhere. */
function tellRenamed(folders: readonly [string, string][], terminal: Terminal): void {
  for (const [name, folder] of folders) {
    if (name !== folder)
      terminal.warn(`Class "${name}" is in the folder "${folder}", which is read as another class.`);
  }
}

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
