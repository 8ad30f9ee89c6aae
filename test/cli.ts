/** Running the built command line, and small tables to run it on. */
import { type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "vitest";

const CLI = resolve("dist/cli.js");

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Standard input; it is empty by default. */
  input?: string | Uint8Array;
  cwd?: string;
  env?: Record<string, string>;
  uid?: number;
  /** Called with each piece of standard error and a way to send a signal. */
  onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs `makeit` with these words. */
export function makeit(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { input = "", cwd, env, uid, onStderr } = options;
  const spawning: SpawnOptions = { cwd, uid, env: { ...process.env, NO_COLOR: "1", ...env } };
  const child = spawn(process.execPath, [CLI, ...words], { ...spawning, stdio: "pipe" });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    onStderr?.(stderr, (signal) => child.kill(signal));
  });
  child.stdin.on("error", () => {}); // a command that refuses its flags does not read
  child.stdin.end(input);
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ code, stdout, stderr }));
  });
}

/** A folder of its own, removed by `dispose`. */
export function workplace(): {
  path: (...parts: string[]) => string;
  files: (folder?: string) => string[];
  dispose(): void;
} {
  const home = mkdtempSync(join(tmpdir(), "makeit-cli-"));
  return {
    path: (...parts) => join(home, ...parts),
    files: (folder = ".") => readdirSync(join(home, folder), { recursive: true, encoding: "utf8" }).sort(),
    dispose: () => rmSync(home, { recursive: true, force: true }),
  };
}

export interface SmallTable {
  rows?: number;
  seed?: number;
  /** Classes and their shares in a round of ten rows. */
  classes?: readonly string[];
}

/** Two numbers and a category that say something about a rare class; the same for the same seed. */
export function smallTable({ rows = 120, seed = 1, classes = ["no", "yes"] }: SmallTable = {}): string {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const lines = ["length,weight,colour,rare"];
  for (let i = 0; i < rows; i++) {
    const rank = i % 6 < 5 ? 0 : 1 + (Math.floor(i / 6) % (classes.length - 1));
    const length = (10 + 3 * rank + 4 * random()).toFixed(2);
    const weight = Math.round(50 + 5 * rank + 30 * random());
    const colour = random() < 0.3 + 0.3 * Math.min(1, rank) ? "red" : "blue";
    lines.push(`${length},${weight},${colour},${classes[rank]}`);
  }
  return `${lines.join("\n")}\n`;
}

export function writeSmallTable(file: string, options?: SmallTable): string {
  writeFileSync(file, smallTable(options));
  return file;
}

/** The fewest epochs and splits that still are a run. */
export const SHORT = [
  "--epochs",
  "3",
  "--splits",
  "2",
  "--samples",
  "16",
  "--rescore",
  "2",
  "--vote",
  "2",
  "--jobs",
  "1",
];

/** An error of the user's: exit code 2, one line that says so and one with what to do, nothing on standard output. */
export function expectRefusal({ code, stdout, stderr }: Outcome, message: string | RegExp): void {
  const lines = stderr.trimEnd().split("\n");
  expect(stderr).toMatch(message);
  expect(
    lines.filter((line) => line.startsWith("makeit: ") && !line.startsWith("makeit: warning: ")),
  ).toHaveLength(1);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(lines.at(-1)).toMatch(/^(makeit: | {2})\S/);
  expect(code).toBe(2);
  expect(stdout).toBe("");
}

export function readJson(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** A value without its times. */
export function withoutSeconds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSeconds);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "seconds");
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutSeconds(item)]));
}
