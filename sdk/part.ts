/**
 * A run in parts: one split's result as a file that is made anywhere and says what run it is of. All parts of a run put
 * together are that run, whoever made them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type CheckpointOptions,
  Checkpoints,
  differences,
  type Identity,
  identityOf,
  removeRun,
  writeDurably,
} from "./checkpoints.ts";
import { resolveEngine } from "./engine/open.ts";
import { inputError, MakeitError } from "./errors.ts";
import { inThreads, STALL_SECONDS } from "./lanes.ts";
import { lockFolder } from "./lock.ts";
import { pack, unpack } from "./pack.ts";
import type { FailedSplit } from "./result.ts";
import { type Brief, concludeRun, type FitOptions, nameOf, planRun, type Run } from "./run.ts";
import type { SplitJob, SplitOutcome } from "./split.ts";
import { sha256 } from "./store.ts";
import type { Table } from "./table/table.ts";

/** One split's result, with all that the run is put together from. */
export interface Part {
  identity: Identity;
  brief: Brief;
  outcome: SplitOutcome;
}

/** A part and where it came from. */
export interface NamedPart extends Part {
  name: string;
  /** SHA-256 of the outcome. */
  hash: string;
}

const FILE = /^split-\d+\.result$/;

/** What the file of a part is called; 0 is the model on all rows. */
export function partName(split: number): string {
  return `split-${split}.result`;
}

export function packPart({ identity, brief, outcome }: Part): Uint8Array {
  const bytes = pack(outcome);
  return pack({ identity, brief, hash: sha256(bytes), outcome: bytes });
}

/** @throws MakeitError for a file that is damaged or no part */
export function unpackPart(bytes: Uint8Array, name: string): NamedPart {
  const { identity, brief, hash, outcome } = unpack(bytes, name) as Part & { hash: string; outcome: unknown };
  if (!(outcome instanceof Uint8Array) || sha256(outcome) !== hash) {
    throw inputError(`${name} is not the result of a split.`, "Take a file that makeit train-split wrote.");
  }
  return { name, identity, brief, hash, outcome: unpack(outcome, name) as SplitOutcome };
}

/** The parts that files and folders hold. @throws MakeitError where there is none, or one is damaged */
export function readParts(paths: readonly string[]): NamedPart[] {
  return paths.flatMap((path) => {
    const isFolder = statSync(path).isDirectory();
    const files = isFolder ? readdirSync(path).filter((name) => FILE.test(name)) : [basename(path)];
    if (files.length === 0) {
      throw inputError(
        `${path} holds no result of a split.`,
        "Name the folders that makeit train-split wrote to.",
      );
    }
    return files.map((file) => {
      const name = isFolder ? join(path, file) : path;
      return unpackPart(readFileSync(name), name);
    });
  });
}

/**
 * The run that the parts make: what `fit` gives for the same table and options.
 * @param options.rows of the synthetic table; absent: those of the sets that vote
 * @param options.failed splits that could not be run, which are left out
 * @throws MakeitError when parts are of different runs, naming each difference, or some are missing, naming them
 */
export async function aggregate(
  parts: readonly NamedPart[],
  { rows, failed = [] }: { rows?: number; failed?: readonly FailedSplit[] } = {},
): Promise<Run> {
  const [first, ...others] = parts;
  if (!first) throw inputError("There is no result of a split to put together.");
  for (const other of others) refuseOther(first, other);
  const { brief } = first;
  const found = new Map<number, SplitOutcome | FailedSplit>(failed.map((split) => [split.split, split]));
  const warnings: string[] = [];
  const hashes = new Map<number, NamedPart>();
  for (const part of parts) {
    const { split } = part.outcome;
    const before = hashes.get(split);
    if (before && before.hash !== part.hash)
      warnings.push(`${nameOf(split)} was run twice: ${before.name} was taken, ${part.name} left.`);
    if (before) continue;
    hashes.set(split, part);
    found.set(split, part.outcome);
  }
  const order = splitNumbers(brief.splits);
  const missing = order.filter((split) => !found.has(split));
  if (missing.length > 0) {
    const steps = missing.map((split) => `--split ${split} --of ${brief.splits}`).join(", ");
    throw inputError(
      `Not all of the run is there: ${listSplits(missing)} missing.`,
      `Run makeit train-split with ${steps}.`,
    );
  }
  const reason = [...new Set(parts.map(({ brief: { choice } }) => choice.reason))].join("; ");
  const told = [...brief.warnings, ...warnings];
  const outcomes = order.map((split) => found.get(split));
  return concludeRun({ ...brief, warnings: told, choice: { ...brief.choice, reason } }, outcomes, rows);
}

/** In the order of a run's jobs: the splits, and last the model on all rows, which is 0. */
export function splitNumbers(splits: number): number[] {
  return [...Array.from({ length: splits }, (_, i) => i + 1), 0];
}

/** "split 3 is", "splits 3, 7 and the model on all rows are" */
function listSplits(numbers: readonly number[]): string {
  const splits = numbers.filter((split) => split > 0);
  const names = splits.length > 0 ? [`split${splits.length > 1 ? "s" : ""} ${splits.join(", ")}`] : [];
  if (numbers.includes(0)) names.push("the model on all rows");
  return `${names.join(" and ")} ${numbers.length > 1 ? "are" : "is"}`;
}

/** @throws MakeitError that names each difference with both values */
function refuseOther(one: NamedPart, other: NamedPart): void {
  const different = differences(one.identity, other.identity, (name, a, b) => `${name} is ${a} and ${b}`);
  if (different.length === 0) return;
  throw inputError(
    `${one.name} and ${other.name} are of different runs: ${different.join("; ")}.`,
    "Put together only what was made of the same table, with the same options, by the same version.",
  );
}

/** What there is to do for one split. @throws MakeitError when the run has other splits */
async function planSplit(
  table: Table,
  options: FitOptions,
  { split, of }: Pick<PartOptions, "split" | "of">,
  choose: typeof resolveEngine,
): Promise<{ brief: Brief; job: SplitJob }> {
  const { brief, jobs } = await planRun(table, options, choose);
  const { splits } = brief;
  if (splits !== of) {
    throw inputError(
      `--of is ${of}, but the table and the options make ${splits} split${splits === 1 ? "" : "s"}.`,
      `Say --of ${splits}, or change the splits.`,
    );
  }
  const job = jobs.find((one) => one.split === split);
  if (job) return { brief, job };
  throw inputError(`--split is ${split}; expected 1 to ${splits}, or 0 for the model on all rows.`);
}

export interface PartOptions extends FitOptions {
  /** From 1; 0 is the model on all rows. */
  split: number;
  /** Splits of the run. */
  of: number;
  /** Where the result goes, and while it lasts the split's checkpoints; splits may share it. */
  folder: string;
  /** Seconds between two checkpoints (default 30; 0: none). */
  seconds?: number;
  stallSeconds?: number;
  asked?: CheckpointOptions["asked"];
  onWarning?: CheckpointOptions["onWarning"];
}

export interface PartFile {
  file: string;
  hash: string;
  /** Whether it had been made before. */
  before: boolean;
}

/**
 * Runs one split of a table's run and writes its result; going on where it was stopped, and doing nothing where the
 * result is there.
 * @returns undefined when it was interrupted: the same call goes on
 * @throws MakeitError for input that cannot be used, for what the folder holds of another run, and when the split fails
 */
export async function trainSplit(table: Table, options: PartOptions): Promise<PartFile | undefined> {
  const saves = join(options.folder, `split-${options.split}.checkpoint`);
  const release = await lockFolder(saves);
  try {
    return await trainAlone(table, saves, options);
  } finally {
    release();
  }
}

/** The split, with its folder of checkpoints for itself. */
async function trainAlone(
  table: Table,
  saves: string,
  { split, of, folder, seconds, stallSeconds = STALL_SECONDS, asked, onWarning, ...options }: PartOptions,
): Promise<PartFile | undefined> {
  const identity = identityOf(table, options, asked);
  const file = join(folder, partName(split));
  if (existsSync(file)) {
    const made = unpackPart(readFileSync(file), file);
    refuseOther(made, { ...made, name: "what is asked for now", identity });
    return { file, hash: made.hash, before: true };
  }
  const checkpoints = new Checkpoints(table, options, {
    folder: saves,
    seconds,
    resume: true,
    asked,
    onWarning,
  });
  const choose: typeof resolveEngine = (...work) => checkpoints.begin(() => resolveEngine(...work));
  const { brief, job } = await planSplit(table, options, { split, of }, choose).catch((error) => {
    checkpoints.discardEmpty();
    throw error;
  });
  const { signal, onEpoch, onResume } = options;
  const place = { split, splits: of, epochs: brief.settings.epochs };
  const stopped = () => signal?.aborted ?? false;
  const hooks = () => ({
    onEpoch: (epoch: number, score: number, best: number) => onEpoch?.({ ...place, epoch, score, best }),
    onResume: (epoch: number, finished: boolean) => onResume?.({ ...place, epoch, finished }),
    shouldStop: stopped,
  });
  const run = inThreads(checkpoints, stallSeconds);
  const [outcome] = await run([job], { parallel: 1, hooks, stopped });
  if (stopped() || !outcome) return undefined;
  if ("failure" in outcome) {
    throw new MakeitError(
      "internal",
      `${nameOf(split)} could not be run: ${outcome.failure}`,
      "The same command tries it again.",
    );
  }
  const bytes = packPart({ identity, brief, outcome });
  mkdirSync(folder, { recursive: true });
  writeDurably(file, bytes);
  removeRun(saves);
  return { file, hash: unpackPart(bytes, file).hash, before: false };
}
