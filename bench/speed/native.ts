/** What the machine does outside of JavaScript: NumPy's step, and the peak of its 128-bit instructions. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { generatorProblem, NETWORKS, networkProblem } from "./problem.ts";
import { ProgramSide, type Side } from "./sides.ts";

const run = promisify(execFile);

/** Python with NumPy and the compiled peak, as far as they are found here. */
export class Native {
  readonly python: string | undefined;
  readonly peak: string | undefined;
  readonly #folder: string;

  private constructor(folder: string, python: string | undefined, peak: string | undefined) {
    this.#folder = folder;
    this.python = python;
    this.peak = peak;
  }

  static async open(): Promise<Native> {
    const folder = mkdtempSync(join(tmpdir(), "makeit-speed-"));
    return new Native(folder, await findPython(), await compilePeak(folder));
  }

  /** What is missing, a sentence each. */
  get missing(): string[] {
    return [
      ...(this.python ? [] : ["No NumPy: python3 (or what PYTHON names) cannot import it."]),
      ...(this.peak ? [] : ["No native peak: cc (or what CC names) cannot compile bench/speed/peak.c."]),
    ];
  }

  /** NumPy's step of a network, on one thread. */
  async numpy(work: string): Promise<Side> {
    const file = join(this.#folder, work);
    writeProblem(file, await (work in NETWORKS ? networkProblem(work) : generatorProblem(work)));
    const threads = { OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };
    return new ProgramSide([this.python!, resolve("bench/speed/step.py")], file, threads);
  }

  /** So many operations at the machine's peak. */
  atPeak(flops: number): Side {
    return new ProgramSide([this.peak!], String(flops));
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

async function findPython(): Promise<string | undefined> {
  const python = process.env.PYTHON ?? "python3";
  return run(python, ["-c", "import numpy"]).then(
    () => python,
    () => undefined,
  );
}

async function compilePeak(folder: string): Promise<string | undefined> {
  const out = join(folder, "peak");
  for (const machine of [["-march=native"], []]) {
    const flags = ["-O3", ...machine, "-ffp-contract=off", "bench/speed/peak.c", "-o", out];
    const compiled = await run(process.env.CC ?? "cc", flags).then(
      () => true,
      () => false,
    );
    if (compiled) return out;
  }
  return undefined;
}

/** A problem as JSON, its tensors as {"shape", "at"}, and their floats side by side in a second file. */
function writeProblem(file: string, problem: object): void {
  const parts: Float32Array[] = [];
  let at = 0;
  const text = JSON.stringify(problem, (_, value) => {
    if (!(value?.data instanceof Float32Array)) return value;
    parts.push(value.data);
    at += value.data.length;
    return { shape: value.shape, at: at - value.data.length };
  });
  writeFileSync(file, text);
  const floats = new Float32Array(at);
  let to = 0;
  for (const part of parts) {
    floats.set(part, to);
    to += part.length;
  }
  writeFileSync(`${file}.bin`, floats);
}
