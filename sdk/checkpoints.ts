/** A run on disk while it lasts: a folder from which it goes on to the same bytes, wherever it was stopped. */
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Choice } from "./engine/open.ts";
import { inputError, MakeitError } from "./errors.ts";
import { isLockDead, LOCK } from "./lock.ts";
import { pack, unpack } from "./pack.ts";
import { type FitOptions, nameOf, settingsOf } from "./run.ts";
import type { SplitOutcome } from "./split.ts";
import type { Saved, TrainState } from "./state.ts";
import type { Table } from "./table/table.ts";
import type { TrainHooks } from "./train.ts";
import { VERSION } from "./version.ts";

/** Seconds between two checkpoints of a split, where nothing else is asked for. */
export const CHECKPOINT_SECONDS = 30;
/** A checkpoint for a better score may take this share of the time. */
const SHARE = 0.05;

const RUN = "run.identity";
const OURS = /^(run\.identity|run\.lock\.\d+|split-\d+\.(state|before|done))(\.tmp)?$/;
/** Options that change nothing in what is saved. */
const FREE = ["jobs", "threads", "profile"];

export interface CheckpointOptions {
  /** Where the run is saved. A run that begins anew removes what another one saved there. */
  folder: string;
  /** A split saves itself at least this often, and when its best score rises (default 30; 0: never). */
  seconds?: number;
  /** Goes on with the run that the folder holds, if it holds one. */
  resume?: boolean;
  /** What else was asked for and must be the same on resuming, by name. */
  asked?: Record<string, unknown>;
  /** Told when a checkpoint could not be written or read; the run goes on. */
  onWarning?: (message: string) => void;
}

/** What a run is; two runs that agree in it compute the same. */
export interface Identity {
  version: string;
  options: Record<string, unknown>;
  data: Record<string, unknown>;
}

interface RunFile extends Identity {
  /** A trial chose it, perhaps: it would not choose the same again. */
  choice: Choice;
}

/** Whether the folder holds a run that was not finished. */
export function holdsRun(folder: string): boolean {
  return existsSync(join(folder, RUN));
}

/** Removes a run's checkpoints and nothing else; the folder too, where that leaves it empty. */
export function removeRun(folder: string): void {
  if (!existsSync(folder)) return;
  rmSync(join(folder, RUN), { force: true }); // first: without it the rest counts for nothing
  const names = readdirSync(folder);
  const ours = names.filter((name) => OURS.test(name) || (name === LOCK && isLockDead(folder)));
  for (const name of ours) rmSync(join(folder, name), { force: true });
  if (ours.length === names.length) rmdirSync(folder);
}

/** The checkpoints of one run. */
export class Checkpoints {
  readonly folder: string;
  readonly seconds: number;
  readonly warn: (message: string) => void;
  readonly #run: Identity;
  readonly #resumed: RunFile | undefined;

  /** @throws MakeitError when it is to go on with a run of other data, other options or another version */
  constructor(
    table: Table,
    options: FitOptions,
    { folder, seconds = CHECKPOINT_SECONDS, resume = false, asked = {}, onWarning }: CheckpointOptions,
  ) {
    this.folder = folder;
    this.seconds = seconds;
    this.warn = onWarning ?? (() => {});
    this.#run = identityOf(table, options, asked);
    if (!resume || !holdsRun(folder)) return;
    this.#resumed = unpack(readFileSync(join(folder, RUN)), join(folder, RUN)) as RunFile;
    refuseOther(folder, this.#resumed, this.#run);
  }

  /** The engine that the run had; or begins anew with what `choose` gives. */
  async begin(choose: () => Promise<Choice>): Promise<Choice> {
    if (this.#resumed) return this.#resumed.choice;
    const choice = await choose();
    removeRun(this.folder);
    if (this.seconds === 0) return choice;
    mkdirSync(this.folder, { recursive: true });
    writeDurably(join(this.folder, RUN), pack({ ...this.#run, choice } satisfies RunFile));
    return choice;
  }

  /** The split's outcome, where it was finished before. @throws MakeitError when it is damaged */
  outcome(split: number): SplitOutcome | undefined {
    const file = this.#file(split, "done");
    if (!this.#resumed || !existsSync(file)) return undefined;
    return unpack(readFileSync(file), file) as SplitOutcome;
  }

  /**
   * Where the split's training can go on; the one before where the last is damaged.
   * @throws MakeitError when there are some and all are damaged
   */
  saved(split: number): Saved | undefined {
    const files = [this.#file(split, "state"), this.#file(split, "before")].filter((file) =>
      existsSync(file),
    );
    let damage: MakeitError | undefined;
    for (const file of files) {
      try {
        const saved = unpack(readFileSync(file), file) as Saved;
        const { epoch } = saved.state.progress;
        if (damage)
          this.warn(`${damage.message} ${nameOf(split)} goes on from the one before, epoch ${epoch}.`);
        return saved;
      } catch (error) {
        if (!(error instanceof MakeitError)) throw error;
        damage ??= error;
      }
    }
    if (!damage) return undefined;
    throw inputError(damage.message, `Delete ${files.join(" and ")}: the split then begins anew.`);
  }

  /** What a thread needs to save the split, where checkpoints are written. */
  saving(split: number): Saving | undefined {
    return this.seconds > 0 ? { folder: this.folder, seconds: this.seconds, split } : undefined;
  }

  /** Saves a finished split. An interrupted one is not: it can go on. */
  finish(outcome: SplitOutcome): void {
    if (this.seconds === 0) return;
    const { split } = outcome;
    attempt(this.warn, `The outcome of split ${split}`, () => {
      writeDurably(this.#file(split, "done"), pack(outcome));
      for (const kind of ["state", "before"] as const) rmSync(this.#file(split, kind), { force: true });
    });
  }

  /** Removes a run of which nothing is saved yet, as after an error in its first epoch. */
  discardEmpty(): void {
    if (this.#resumed || !holdsRun(this.folder)) return;
    if (readdirSync(this.folder).every((name) => name === RUN || name === LOCK)) removeRun(this.folder);
  }

  #file(split: number, kind: "state" | "before" | "done"): string {
    return fileOf(this.folder, split, kind);
  }
}

function fileOf(folder: string, split: number, kind: "state" | "before" | "done"): string {
  return join(folder, `split-${split}.${kind}`);
}

/** What saves one split: whatever thread it trains in. */
export interface Saving {
  folder: string;
  seconds: number;
  split: number;
}

/**
 * A training's `onState`: saves the split when its time has come, when the best score has risen and saving is cheap,
 * and when it is to stop. What cannot be written is told, and training goes on; the last checkpoint stays.
 */
export function saveStates(
  { folder, seconds, split }: Saving,
  { stopping, warn }: { stopping: () => boolean; warn: (message: string) => void },
): TrainHooks["onState"] {
  let [savedAt, cost] = [performance.now(), 0];
  let told = "";
  const tellOnce = (message: string) => {
    if (message !== told) warn(message);
    told = message;
  };
  return async (read, better) => {
    const started = performance.now();
    const since = started - savedAt;
    if (!(since >= 1000 * seconds || (better && since * SHARE >= cost) || stopping())) return;
    const saved = await read();
    // Broken numbers show in the next epoch; until then the last good state stays.
    if (isSound(saved.state)) {
      attempt(tellOnce, `The checkpoint of split ${split}`, () => {
        writeDurably(fileOf(folder, split, "state"), pack(saved), fileOf(folder, split, "before"));
      });
    }
    savedAt = performance.now();
    cost = savedAt - started;
  };
}

/** Whether everything that the networks hold is a number: from a state that holds NaN nothing good can follow. */
export function isSound({ game }: TrainState): boolean {
  const sound = (value: unknown): boolean => {
    if (typeof value === "number") return Number.isFinite(value);
    if (ArrayBuffer.isView(value)) return (value as Float32Array).every(Number.isFinite);
    return typeof value !== "object" || value === null || Object.values(value).every(sound);
  };
  return sound(game);
}

/** Does what may fail without harm to the run. */
function attempt(warn: (message: string) => void, what: string, save: () => void): void {
  try {
    save();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof MakeitError) throw error;
    const why = code === "ENOSPC" ? "the disk is full" : message;
    warn(`${what} could not be written (${why}); the run goes on, and the checkpoint before it stays.`);
  }
}

/**
 * A file that is there whole or not at all, whenever the process or the machine stops.
 * @param before what becomes of the file that was there
 */
export function writeDurably(file: string, bytes: Uint8Array, before?: string): void {
  const temporary = `${file}.tmp`;
  try {
    const handle = openSync(temporary, "w");
    try {
      writeFileSync(handle, bytes);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    if (before && existsSync(file)) renameSync(file, before);
    renameSync(temporary, file);
    syncFolder(dirname(file));
  } catch (error) {
    try {
      rmSync(temporary, { force: true }); // a full disk needs the room
    } catch {} // a folder that has become read-only
    throw Object.assign(error as Error, { path: file }); // writing through a handle fails without one
  }
}

/** A rename is on disk when its folder is. Windows has no such call, and does without. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** @param asked what else was asked for, by name: how the table was read */
export function identityOf(table: Table, options: FitOptions, asked: Record<string, unknown> = {}): Identity {
  return { version: VERSION, options: optionsOf(table, options, asked), data: contentOf(table) };
}

/** Everything that was asked for and that what is saved depends on. */
function optionsOf(
  table: Table,
  options: FitOptions,
  asked: Record<string, unknown>,
): Record<string, unknown> {
  const { target, positive, splitColumn } = options;
  const all = { ...settingsOf(table, options), target, positive, splitColumn, ...asked };
  const kept = Object.entries(all).filter(([name, value]) => value !== undefined && !FREE.includes(name));
  // Of a user's own code no more can be told than that it is there.
  const plain = (value: unknown) =>
    typeof value === "function" || isObject(value) ? "the user's own" : value;
  return Object.fromEntries(kept.map(([name, value]) => [name, plain(value)]));
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The table's size and a hash of all that it holds; its name is not part of it. */
function contentOf({ rows, columns }: Table): Record<string, unknown> {
  const hash = createHash("sha256");
  for (const { values, codes, missing, ...about } of columns) {
    hash.update(JSON.stringify(about));
    for (const numbers of [values, codes]) {
      if (numbers) hash.update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    }
  }
  return {
    "rows of the table": rows,
    "columns of the table": columns.length,
    "hash of the table": hash.digest("hex").slice(0, 16),
  };
}

/** What two runs differ in, a sentence's part each; `said` puts the two values into words. */
export function differences(
  one: Identity,
  other: Identity,
  said: (name: string, one: string, other: string) => string,
): string[] {
  const flat = ({ version, options, data }: Identity): Record<string, unknown> => ({
    "version of Makeit": version,
    ...options,
    ...data,
  });
  const [before, after] = [flat(one), flat(other)];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const show = (value: unknown) => (value === undefined ? "not given" : JSON.stringify(value));
  return [...names]
    .filter((name) => show(before[name]) !== show(after[name]))
    .map((name) => said(name, show(before[name]), show(after[name])));
}

/** @throws MakeitError that names each difference with both values */
function refuseOther(folder: string, saved: Identity, now: Identity): void {
  const different = differences(saved, now, (name, was, is) => `${name} was ${was} and is ${is}`);
  if (different.length === 0) return;
  throw inputError(
    `The checkpoint in ${folder} is of another run: ${different.join("; ")}.`,
    "Give the same table and the same options as the run that was stopped, or begin anew in another folder.",
  );
}
