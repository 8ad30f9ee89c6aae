/** The large table: written once, read and encoded, and fitted, each in a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { Random } from "../../sdk/random.ts";

const FOLDER = ".cache/scale";
const [ROWS, COLUMNS] = [1_000_000, 30];

export interface Program {
  seconds: number;
  megabytes: number;
}

/** A million rows of 30 numbers, of which 2 % are faults. @returns its path. */
export async function largeTable(): Promise<string> {
  const path = `${FOLDER}/${ROWS}x${COLUMNS}.csv`;
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  const random = new Random(1);
  const file = createWriteStream(`${path}.part`);
  file.write(`${Array.from({ length: COLUMNS }, (_, j) => `c${j}`).join()},fault\n`);
  const values = new Float64Array(COLUMNS);
  for (let row = 0; row < ROWS; ) {
    const lines: string[] = [];
    for (const end = Math.min(ROWS, row + 10_000); row < end; row++) {
      for (let j = 0; j < COLUMNS; j++) values[j] = 4 * random.uniform() - 2;
      const line = values[0] + values[1] + 0.5 * values[2];
      const fault = line + 4 * (random.uniform() - 0.5) > 4.05 ? "yes" : "no";
      lines.push(`${Array.from(values, (value) => value.toFixed(5)).join()},${fault}\n`);
    }
    if (!file.write(lines.join(""))) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
  renameSync(`${path}.part`, path);
  return path;
}

/** Reads and encodes the table. */
export function readLarge(path: string): Promise<Program> {
  return run(["dist/bench/scale/read.js", path]);
}

/** `makeit fit` as anybody would call it. */
export async function fitLarge(path: string): Promise<Program> {
  const out = `${FOLDER}/out`;
  try {
    return await run(["dist/cli.js", "fit", path, "--target", "fault", "--out", out, "--force", "--quiet"]);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

async function run(program: string[]): Promise<Program> {
  const peak = `${FOLDER}/peak`;
  const started = performance.now();
  const child = spawn(process.execPath, ["--import", resolve("dist/bench/scale/peak.js"), ...program], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, PEAK_FILE: peak },
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${program.join(" ")} ended with code ${code}.`);
  return { seconds: (performance.now() - started) / 1000, megabytes: Number(readFileSync(peak, "utf8")) };
}
