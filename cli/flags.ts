/** Flags: what each accepts, how its words become values, and the ones that several commands share. */
import { inputError } from "../sdk/errors.ts";
import { OPTIONS } from "../sdk/options.ts";

/** One flag. The SDK's option specs are flags as they stand. */
export interface Flag {
  readonly kind: "string" | "list" | "integer" | "number" | "boolean" | "choice";
  readonly describe: string;
  readonly group: string;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** Shown in `--help`; whoever reads the value applies it. */
  readonly default?: unknown;
  /** One-letter form. */
  readonly short?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

interface KindTypes {
  string: string;
  choice: string;
  list: string[];
  integer: number;
  number: number;
  boolean: boolean;
}

/** What a command gets for its flags: only those that were given. */
export type Values<F extends Flags> = { -readonly [K in keyof F]?: KindTypes[F[K]["kind"]] };

/** Which columns a table has and what they are. */
export const TABLE_FLAGS = {
  target: { kind: "string", group: "Table", short: "t", describe: "The column to predict" },
  positive: {
    kind: "string",
    group: "Table",
    describe: "The class that counts as positive (default: the rarest)",
  },
  drop: { kind: "list", group: "Table", describe: "Columns to leave out: a,b" },
  categorical: { kind: "list", group: "Table", describe: "Columns to read as categories: a,b" },
  numeric: { kind: "list", group: "Table", describe: "Columns to read as numbers: a,b" },
  id: { kind: "list", group: "Table", describe: "Columns that only name a row, never learnt: a,b" },
  missing: { kind: "list", group: "Table", describe: "Further spellings of a missing cell: -9,unknown" },
  format: {
    kind: "choice",
    choices: ["csv", "tsv", "parquet", "jsonl", "arff", "keel"],
    group: "Table",
    describe: "Format of the table (default: by the file's name)",
  },
  delimiter: { kind: "string", group: "Table", describe: "What separates fields in CSV (default: found)" },
} as const satisfies Flags;

/** How labelled images become a table. */
export const IMAGE_FLAGS = {
  size: {
    kind: "string",
    group: "Images",
    describe: "Width x height that images are resized to (default: 16x16); says that a CSV lists images",
  },
  channels: {
    kind: "choice",
    choices: ["auto", "rgb", "grey"],
    default: "auto",
    group: "Images",
    describe: "Learn in colour, in grey, or as the source is",
  },
  background: {
    kind: "string",
    default: "white",
    group: "Images",
    describe: "What shows through transparent pixels: white, black or red,green,blue from 0 to 255",
  },
  skipBad: {
    kind: "boolean",
    group: "Images",
    describe: "Leave out image files that cannot be read, and list them, instead of stopping",
  },
  maxPixels: {
    kind: "integer",
    min: 1,
    max: 2 ** 28,
    default: 50_000_000,
    group: "Images",
    describe: "Refuse larger images before they are decoded",
  },
} as const satisfies Flags;

export const SPLIT_COLUMN = {
  splitColumn: { kind: "string", group: "Table", describe: "A column that names each row's split" },
} as const satisfies Flags;

export const CONFIG_FLAG = {
  config: {
    kind: "string",
    group: "Other",
    describe: "JSON file of flags (camelCase); flags given here win",
  },
} as const satisfies Flags;

export const JSON_FLAG = {
  json: {
    kind: "boolean",
    group: "Other",
    describe: "One JSON object on standard output, nothing else there",
  },
} as const satisfies Flags;

export const QUIET_FLAG = {
  quiet: { kind: "boolean", group: "Other", short: "q", describe: "Say nothing but errors and warnings" },
} as const satisfies Flags;

export const SAFE_FLAG = {
  safeCsv: {
    kind: "boolean",
    group: "Output",
    describe: "CSV for spreadsheets: an apostrophe before words that one would run as a formula",
  },
} as const satisfies Flags;

/** Long runs: saved while they last, watched, gone on with. */
export const CHECKPOINT_FLAGS = {
  checkpoint: {
    kind: "number",
    min: 0,
    max: 1e6,
    default: 30,
    group: "Output",
    describe: "Seconds between two checkpoints of a split, in the folder of results (0: none)",
  },
  resume: {
    kind: "string",
    group: "Output",
    describe: "Go on with the run that this folder of results holds: the same command again, and this",
  },
  stall: {
    kind: "number",
    min: 0,
    max: 1e6,
    default: 1800,
    group: "Output",
    describe: "Seconds without an epoch after which a split is taken for hung and run again (0: never)",
  },
} as const satisfies Flags;

/** A run over many machines. */
export const QUEUE_FLAGS = {
  queue: {
    kind: "string",
    group: "Queue",
    describe:
      "The Redis server of makeit worker: redis://host:6379, rediss:// for TLS (password: MAKEIT_QUEUE_PASSWORD)",
  },
  store: {
    kind: "string",
    group: "Queue",
    describe:
      "Where tables and results travel: a folder that all machines share, http(s)://… or s3://bucket/prefix",
  },
} as const satisfies Flags;

/** Where results go, and how many rows. */
export const RESULT_FLAGS = {
  out: {
    kind: "string",
    group: "Output",
    short: "o",
    default: "makeit-out",
    describe: "The folder of results",
  },
  force: { kind: "boolean", group: "Output", describe: "Replace the results that the folder holds" },
  rows: {
    kind: "integer",
    min: 1,
    max: 1e8,
    group: "Output",
    describe: "Rows of synthetic.csv (default: those of the sets that vote)",
  },
} as const satisfies Flags;

/** One flag for each parameter of the SDK. */
export const SETTING_FLAGS = OPTIONS;

/** Picks from `values` what belongs to `flags`. */
export function pick<F extends Flags>(values: Readonly<Record<string, unknown>>, flags: F): Values<F> {
  const entries = Object.entries(values).filter(([name]) => Object.hasOwn(flags, name));
  return Object.fromEntries(entries) as Values<F>;
}

/** minDelta → min-delta */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** min-delta → minDelta */
export function camel(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * The value of a flag, from a word of the command line or from a config file's JSON.
 * @param label how messages call it: `--epochs`, or `epochs in run.json`
 * @throws MakeitError saying what was expected
 */
export function readValue(label: string, flag: Flag, raw: unknown): KindTypes[Flag["kind"]] {
  const fail = (expected: string) =>
    inputError(`${label} is ${shown(raw)}; expected ${expected}.`, `${flag.describe}.`);
  switch (flag.kind) {
    case "boolean":
      if (typeof raw !== "boolean") throw fail("true or false");
      return raw;
    case "list":
      return readList(raw, fail);
    case "integer":
    case "number":
      return readNumber(flag, raw, fail);
    case "choice": {
      const choices = flag.choices ?? [];
      if (typeof raw !== "string" || !choices.includes(raw)) throw fail(`one of ${choices.join(", ")}`);
      return raw;
    }
    default: {
      const text = typeof raw === "number" || typeof raw === "boolean" ? String(raw) : raw;
      if (typeof text !== "string" || text === "") throw fail("a text");
      return text;
    }
  }
}

/** A value for a message; JSON may be too deep to be written again. */
function shown(raw: unknown): string | undefined {
  try {
    return JSON.stringify(raw);
  } catch {
    return Array.isArray(raw) ? "a deep list" : "a deep object";
  }
}

function readNumber(flag: Flag, raw: unknown, fail: (expected: string) => Error): number {
  const value = typeof raw === "string" && raw.trim() !== "" ? Number(raw) : raw;
  const { min = -Infinity, max = Infinity } = flag;
  const whole = flag.kind === "integer";
  const valid =
    typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value));
  if (!valid) throw fail(`${whole ? "a whole number" : "a number"}${bounds(min, max)}`);
  return value;
}

function bounds(min: number, max: number): string {
  if (max === Infinity) return min === -Infinity ? "" : ` of at least ${min}`;
  return ` from ${min} to ${max}`;
}

/** `a,b`, a name with a comma in double quotes: `"Cost, total",b`. */
function readList(raw: unknown, fail: (expected: string) => Error): string[] {
  if (Array.isArray(raw) && raw.every((item) => typeof item === "string" && item !== "")) return raw;
  const list = typeof raw === "string" ? splitList(raw) : [];
  if (list.length === 0 || list.includes("")) throw fail("names separated by commas");
  return list;
}

/** Splits at the commas that stand outside double quotes. */
export function splitList(text: string): string[] {
  const parts = text.match(/(?:"(?:[^"]|"")*"|[^,"])+|(?<=,|^)(?=,|$)/g) ?? [];
  return parts.map((part) => {
    const trimmed = part.trim();
    const quoted = /^"(.*)"$/s.exec(trimmed);
    return quoted ? quoted[1].replaceAll('""', '"') : trimmed;
  });
}

/** The known name nearest to `word`, if near enough to be a slip of the hand. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of known) {
    const begins = word.length > 2 && name.startsWith(word);
    // A word may be a megabyte long.
    if (!begins && Math.abs(word.length - name.length) >= least) continue;
    const distance = begins ? 1 : editDistance(word, name);
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

/** "Did you mean …?", or nothing where no known name is near. */
export function suggestion(word: string, known: readonly string[], prefix = ""): string {
  const near = nearest(word, known);
  return near === undefined ? "" : `Did you mean ${prefix}${near}?`;
}

/** Levenshtein's distance, with the swap of two neighbours as one edit. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    before = previous;
    previous = row;
  }
  return previous[b.length];
}
