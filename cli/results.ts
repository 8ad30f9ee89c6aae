/** A run from table to folder: what `fit` and `demo` share. */
import { availableParallelism } from "node:os";
import {
  type FitOptions,
  fit,
  type KernelTime,
  METHODS,
  type Run,
  type RunResult,
  type Table,
} from "../sdk/node.ts";
import { outputs } from "../sdk/outputs.ts";
import { METHOD_NAMES } from "../sdk/result.ts";
import { EXIT } from "./command.ts";
import { listenToInterrupt } from "./interrupt.ts";
import { OutputFolder } from "./output.ts";
import { showProgress } from "./progress.ts";
import { tellWarnings } from "./tables.ts";
import { duration, score, type Terminal, textTable } from "./terminal.ts";

export interface Job {
  /** Reads the table; called once the output folder is known to be writable. */
  open: () => Promise<Table>;
  options: FitOptions;
  out: string;
  force: boolean;
}

/** Fits, writes everything into the folder, tells the verdict. @returns the exit code */
export async function runJob({ open, options, out, force }: Job, terminal: Terminal): Promise<number> {
  const started = performance.now();
  const folder = new OutputFolder(out, { force });
  const interrupt = listenToInterrupt(terminal);
  try {
    const table = await open();
    if (interrupt.signal.aborted) {
      terminal.note("Nothing was learnt yet, nothing is written.");
      return EXIT.interrupted;
    }
    const run = await fitWithProgress(table, { ...options, signal: interrupt.signal }, terminal);
    for (const { path, content } of outputs(run)) folder.write(path, content());
    folder.commit();
    await tell(run.result, folder, (performance.now() - started) / 1000, terminal);
    return interrupt.signal.aborted ? EXIT.interrupted : EXIT.done;
  } finally {
    folder.discard();
    interrupt.dispose();
  }
}

async function fitWithProgress(table: Table, options: FitOptions, terminal: Terminal): Promise<Run> {
  const progress = showProgress(terminal, { jobs: options.jobs || availableParallelism() });
  try {
    return await fit(table, { ...options, onEpoch: (epoch) => progress.update(epoch) });
  } finally {
    progress.stop();
  }
}

async function tell(
  result: RunResult,
  folder: OutputFolder,
  seconds: number,
  terminal: Terminal,
): Promise<void> {
  tellWarnings(result.warnings, terminal);
  await terminal.show(summary(result, folder.path, seconds));
  if (result.profile) await terminal.show(`\n${profileTable(result.profile)}`);
  const { version, seed, engine, engineReason, data, metric, mean, verdict, warnings, profile } = result;
  const stopped = result.splits.map((item) => item.stopped);
  const { test, sd, voted } = mean;
  const told = {
    version,
    seed,
    engine,
    engineReason,
    data,
    metric,
    mean: { test, sd, voted },
    stopped,
    verdict,
    warnings,
    profile,
  };
  await terminal.object({ out: folder.path, files: folder.files, ...told, seconds });
}

/** The verdict first, then the methods, then where the files are. */
export function summary(result: RunResult, out: string, seconds: number): string {
  const { metric, mean, verdict, splits } = result;
  const rows = METHODS.map((method) => [
    METHOD_NAMES[method],
    `${score(mean.test[method])} ± ${score(mean.sd[method])}`,
    score(mean.voted[method]),
    method === verdict.best ? "best" : "",
  ]);
  const head = ["", `${metric} (mean ± sd)`, "voted", ""];
  const model = "sample more rows with: makeit sample";
  return [
    verdict.sentence,
    "",
    textTable([head, ...rows], [1, 2]),
    "",
    `  Held-out rows of ${splits.length} splits; voted: over all held-out rows together.`,
    `  ${out}: report.html, report.json, synthetic.csv, split-1/tree.svg, …`,
    `  ${out}/model.safetensors: ${model} ${out}/model.safetensors --rows 100`,
    `  ${duration(seconds)}, engine ${result.engine} (${result.engineReason}), seed ${result.seed}`,
  ].join("\n");
}

/** The time of the networks' kernels. */
function profileTable(times: KernelTime[]): string {
  if (times.length === 0) return "  no times: this GPU grants no time stamps";
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  const rows = times.map(({ kernel, calls, ms }) => [
    kernel,
    String(calls),
    ms.toFixed(1),
    ((1000 * ms) / calls).toFixed(1),
    `${((100 * ms) / total).toFixed(1)} %`,
  ]);
  return textTable([["kernel", "calls", "ms", "µs a call", "share"], ...rows], [1, 2, 3, 4]);
}
