/**
 * Outputs that are there whole or not at all. Everything is first written to a temporary folder on the same
 * file system and renamed into place; opening one before the work starts proves that it can be written.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { inputError } from "../sdk/errors.ts";

const MARK = ".makeit-";

/** Names that a run writes: what `--force` may replace. Everything else in the folder is left alone. */
const OURS =
  /^(synthetic\.csv|report\.(html|json)|queue\.json|model\.safetensors|[a-z]+\.(svg|png)|split-\d+)$/;

/** Temporary folders that an exit must not leave behind. */
const open = new Set<string>();

/** Removes what is half-written; synchronous, for the moment before an exit. */
export function discardAll(): void {
  for (const folder of open) rmSync(folder, { recursive: true, force: true });
  open.clear();
}

function stage(folder: string): string {
  const temporary = mkdtempSync(join(folder, MARK));
  open.add(temporary);
  return temporary;
}

function discard(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  open.delete(folder);
}

/** A folder of results in the making. */
export class OutputFolder {
  readonly path: string;
  /** The files written so far, relative to the folder, in order. */
  readonly files: string[] = [];
  /** The folder that was there already: the path itself, or the nearest one above it. */
  readonly #ground: string;
  #stage: string | undefined;

  /**
   * @param options.force replace earlier results; nothing stands for a folder that must be new
   * @throws MakeitError when the folder holds something and `force` is not given, is a file or cannot be written
   */
  constructor(path: string, { force }: { force?: boolean } = {}) {
    this.path = path;
    checkFolder(path, force);
    this.#ground = existsSync(path) ? resolve(path) : existingParent(path);
    discard(this.#open()); // a trial: a run that is killed leaves no temporary folder behind
  }

  write(file: string, data: string | Uint8Array): void {
    this.#stage ??= this.#open();
    const target = join(this.#stage, file);
    if (relative(this.#stage, target).startsWith("..")) throw inputError(`A result is called ${file}.`);
    mkdirSync(dirname(target), { recursive: true });
    writeThrough(target, data);
    this.files.push(file);
  }

  /** Puts the complete set into place. */
  commit(): void {
    this.#stage ??= this.#open();
    mkdirSync(dirname(resolve(this.path)), { recursive: true });
    if (existsSync(this.path)) replaceEntries(this.#stage, this.path);
    else moveFolder(this.#stage, this.path);
    this.discard();
  }

  /** Leaves everything as it was; what others have put into the folder in the meantime stays. */
  discard(): void {
    if (this.#stage) discard(this.#stage);
    this.#stage = undefined;
    for (let folder = resolve(this.path); folder !== this.#ground; folder = dirname(folder)) {
      if (!existsSync(folder)) continue;
      if (readdirSync(folder).length > 0) return;
      rmdirSync(folder);
    }
  }

  #open(): string {
    return openStage(this.path, existsSync(this.path) ? this.path : existingParent(this.path));
  }
}

/** Down to the disk: the checkpoints are removed once the results are in place. */
function writeThrough(file: string, data: string | Uint8Array): void {
  const handle = openSync(file, "w");
  try {
    writeFileSync(handle, data);
    fsyncSync(handle);
  } catch (error) {
    throw Object.assign(error as Error, { path: file }); // writing through a handle fails without one
  } finally {
    closeSync(handle);
  }
}

/** @throws MakeitError for what is no folder, and for one that holds something, unless `force` is set */
function checkFolder(path: string, force: boolean | undefined): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isDirectory())
    throw inputError(`${path} is a file, not a folder.`, "Name another folder with --out.");
  const count = readdirSync(path).filter((name) => !name.startsWith(MARK)).length;
  if (count > 0 && !force) {
    throw inputError(
      `The output folder ${path} is not empty (${count} ${count === 1 ? "entry" : "entries"}).`,
      force === undefined
        ? "Name another one with --out."
        : "Name another one with --out, or replace earlier results with --force.",
    );
  }
}

/** Opens the temporary folder; failing here means that the output could not be written either. */
function openStage(path: string, folder: string): string {
  try {
    return stage(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw inputError(
      `${path} cannot be written (${code}).`,
      "Check its permissions, or name another one with --out.",
    );
  }
}

/** Moves earlier results aside, the new ones in, and on failure all of it back; and clears up after killed runs. */
function replaceEntries(from: string, folder: string): void {
  const left = readdirSync(folder).filter((name) => name.startsWith(MARK) && join(folder, name) !== from);
  const aside = stage(folder);
  const undo: (() => void)[] = [];
  const move = (source: string, target: string) => {
    renameSync(source, target);
    undo.push(() => renameSync(target, source));
  };
  try {
    for (const name of readdirSync(folder)) if (OURS.test(name)) move(join(folder, name), join(aside, name));
    for (const name of readdirSync(from)) move(join(from, name), join(folder, name));
    for (const name of left) discard(join(folder, name));
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  } finally {
    discard(aside);
  }
}

/** The folder that the path's missing folders would be made in. */
function existingParent(path: string): string {
  let folder = dirname(resolve(path));
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}

/** mkdtemp makes folders that only their owner can enter; results get the usual mode. */
function moveFolder(from: string, to: string): void {
  chmodSync(from, 0o777 & ~process.umask());
  renameSync(from, to);
}

/** One output file, checked before the work and renamed into place after it. */
export class OutputFile {
  readonly path: string;

  /** @throws MakeitError when the file is there and `force` is false, or cannot be written */
  constructor(path: string, { force = false } = {}) {
    this.path = path;
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) throw inputError(`${path} is a folder.`, "Name a file with --out.");
    if (found?.isFile() && !force) {
      throw inputError(
        `${path} is already there.`,
        "Name another file with --out, or replace it with --force.",
      );
    }
    discard(openStage(path, existingParent(path)));
  }

  write(data: string | Uint8Array): void {
    const folder = openStage(this.path, existingParent(this.path));
    const temporary = join(folder, basename(this.path));
    writeFileSync(temporary, data);
    mkdirSync(dirname(resolve(this.path)), { recursive: true });
    renameSync(temporary, this.path);
    discard(folder);
  }
}
