/** A folder that one run has for itself: a file in it says which, and is believed only while that run is alive. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { kill } from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { inputError } from "./errors.ts";

export const LOCK = "run.lock";
/** A run touches its lock this often, in milliseconds … */
const BEAT = 5000;
/** … and on another machine, of whose processes nothing is known, one that is not touched for so long is dead. */
const SILENCE = 3 * BEAT;

interface Owner {
  pid: number;
  host: string;
  /** When the process began, where the system tells: numbers of processes are used again. */
  born: string;
}

/**
 * Takes a folder, and makes it where it is missing. The lock of a run that was killed is taken over. Where no lock can be
 * written (a full disk, a folder that may only be read) there is none.
 * @returns what gives the folder back, and removes it where nothing else is in it
 * @throws MakeitError (input) that names the run that has it
 */
export async function lockFolder(folder: string, silence = SILENCE): Promise<() => void> {
  const file = join(folder, LOCK);
  const me: Owner = { pid: process.pid, host: hostname(), born: bornOf(process.pid) };
  try {
    mkdirSync(folder, { recursive: true });
    while (!create(file, me)) await removeStale(file, silence);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "input" || code === undefined) throw error;
    return () => {};
  }
  const beat = setInterval(() => attempt(() => utimesSync(file, new Date(), new Date())), BEAT).unref();
  const release = () => {
    clearInterval(beat);
    process.off("exit", release);
    attempt(() => rmSync(file, { force: true }));
    attempt(() => rmdirSync(folder));
  };
  process.on("exit", release);
  return release;
}

/** @returns false where the file is there already */
function create(file: string, owner: Owner): boolean {
  try {
    const handle = openSync(file, "wx");
    try {
      writeFileSync(handle, JSON.stringify(owner));
    } finally {
      closeSync(handle);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock if its run is dead. @throws MakeitError if it lives */
async function removeStale(file: string, silence: number): Promise<void> {
  const text = contentOf(file);
  if (text === undefined) return; // it has just been given back
  const owner = parse(text);
  if (await isAlive(file, owner, silence)) throw inUse(file, owner);
  const aside = `${file}.${process.pid}`;
  attempt(() => renameSync(file, aside));
  // Somebody else was faster: what was moved aside is theirs.
  if ((contentOf(aside) ?? text) !== text) {
    renameSync(aside, file);
    throw inUse(file, parse(contentOf(file) ?? ""));
  }
  rmSync(aside, { force: true });
}

async function isAlive(file: string, owner: Owner | undefined, silence: number): Promise<boolean> {
  if (owner?.host === hostname()) return !isDead(owner);
  // Compared with itself, not with a clock: those of two machines differ.
  const touched = touchedAt(file);
  await pause(silence);
  return touchedAt(file) !== touched;
}

/** Whether the folder's lock, if it has one, is of a run that this machine knows to have ended. */
export function isLockDead(folder: string): boolean {
  const owner = parse(contentOf(join(folder, LOCK)) ?? "");
  return owner?.host === hostname() && isDead(owner);
}

function isDead({ pid, born }: Owner): boolean {
  if (bornOf(process.pid) !== "") return bornOf(pid) !== born;
  try {
    kill(pid, 0); // only asks
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** When a process began, in the kernel's ticks; empty where the system does not say, or it has ended. */
function bornOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "" : fields[19];
  } catch {
    return "";
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function touchedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Undefined: it was cut short, by a kill between making and filling it. */
function parse(text: string): Owner | undefined {
  try {
    const { pid, host, born } = JSON.parse(text) as Owner;
    return Number.isSafeInteger(pid) && pid > 0 ? { pid, host: String(host), born: String(born) } : undefined;
  } catch {
    return undefined;
  }
}

function inUse(file: string, owner: Owner | undefined): Error {
  const who = owner ? `process ${owner.pid} on ${owner.host}` : "another run";
  return inputError(
    `${file}: this folder is in use by ${who}.`,
    "Wait for it or stop it, or name another folder. If there is no such run, delete that file.",
  );
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {} // a folder that has gone, or become read-only
}
