/** A run from table to folder: what `fit` and `demo` share. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { inputError } from "../sdk/errors.ts";
import { lockFolder } from "../sdk/lock.ts";
import {
  type CheckpointOptions,
  fit,
  holdsRun,
  type KernelTime,
  METHODS,
  type NodeFitOptions,
  type Run,
  type RunResult,
  removeRun,
  sweepLambda,
  type Table,
  type TradePoint,
} from "../sdk/node.ts";
import { outputs } from "../sdk/outputs.ts";
import { METHOD_NAMES } from "../sdk/result.ts";
import type { Interval } from "../sdk/statistics.ts";
import { EXIT } from "./command.ts";
import { listenToInterrupt } from "./interrupt.ts";
import { OutputFolder } from "./output.ts";
import { showProgress } from "./progress.ts";
import { tellWarnings } from "./tables.ts";
import { duration, percent, score, type Terminal, textTable } from "./terminal.ts";

export interface Job {
  /** Reads the table; called once the output folder is known to be writable. */
  open: () => Promise<Table>;
  options: NodeFitOptions;
  out: string;
  force: boolean;
  /** Whether no word of synthetic.csv may be run by a spreadsheet. */
  safeCsv?: boolean | undefined;
  /** Where and how often the run is saved, and whether it goes on with what is saved there. */
  checkpoint?: Pick<CheckpointOptions, "seconds" | "resume" | "asked">;
  /** Further λ to try once the run is done. */
  lambdas?: readonly number[] | undefined;
}

/** Fits, writes everything into the folder, tells the verdict. @returns the exit code */
export async function runJob(
  { open, options, out, force, safeCsv, checkpoint, lambdas }: Job,
  terminal: Terminal,
): Promise<number> {
  const started = performance.now();
  const saves = join(out, "checkpoint");
  const resume = checkpoint?.resume === true && holdsRun(saves);
  if (!force && !resume && holdsRun(saves)) {
    (await lockFolder(saves))(); // says so where the run is still going on
    throw inputError(
      `The output folder ${out} holds a run that was not finished.`,
      `Go on with it: the same command and --resume ${out}. Or begin anew with --force.`,
    );
  }
  // A kill between the last file and the end of the process leaves a run that is whole.
  if (checkpoint?.resume && !resume && !force && existsSync(join(out, "report.json"))) {
    removeRun(saves);
    terminal.note(`${out} holds a finished run, and nothing is left to do; --force begins anew.`);
    return EXIT.done;
  }
  if (!holdsRun(saves)) removeRun(saves); // what a kill left between two steps of beginning or ending
  const folder = new OutputFolder(out, { force: force || resume });
  const kept =
    (checkpoint?.seconds ?? 0) > 0 ? "and --resume goes on from the last checkpoint" : "with nothing written";
  const interrupt = listenToInterrupt(terminal, kept);
  try {
    if (checkpoint?.resume && !resume) terminal.note(`${out} holds no checkpoint: beginning anew.`);
    const table = await open();
    if (interrupt.signal.aborted) {
      terminal.note("Nothing was learnt yet, nothing is written.");
      return interrupt.code;
    }
    const saving = checkpoint && { ...checkpoint, resume, folder: saves };
    const run = await fitWithProgress(
      table,
      { ...options, signal: interrupt.signal, checkpoint: saving },
      terminal,
    );
    if (lambdas && !interrupt.signal.aborted && !run.result.failed) {
      const asked = { ...options, lambdas, done: run.result, signal: interrupt.signal };
      run.result.sweep = await sweepWithProgress(table, asked, terminal);
      run.result.warnings.push(...untried(lambdas, run.result.sweep));
    }
    await writeRun(run, folder, safeCsv);
    const whole = !interrupt.signal.aborted && !run.result.failed;
    if (whole) removeRun(saves);
    await tell(run.result, folder, (performance.now() - started) / 1000, terminal);
    if (!whole && holdsRun(saves)) terminal.note(`The same command and --resume ${out} goes on from here.`);
    if (interrupt.signal.aborted) return interrupt.code;
    return run.result.failed ? EXIT.failure : EXIT.done;
  } finally {
    folder.discard();
    interrupt.dispose();
  }
}

/** Each λ that came to nothing: interrupted, or a split of it failed. */
function untried(lambdas: readonly number[], points: readonly TradePoint[]): string[] {
  const left = [...new Set(lambdas)].filter((lambda) => !points.some((point) => point.lambda === lambda));
  return left.length > 0 ? [`Of the λ to try, ${left.join(", ")} came to no result.`] : [];
}

async function fitWithProgress(table: Table, options: NodeFitOptions, terminal: Terminal): Promise<Run> {
  const progress = showProgress(terminal, { jobs: options.jobs || availableParallelism() });
  const { checkpoint } = options;
  try {
    return await fit(table, {
      ...options,
      checkpoint: checkpoint && { ...checkpoint, onWarning: (text) => progress.warn(text) },
      onEpoch: (epoch) => progress.update(epoch),
      onPlan: (sentence) => terminal.note(sentence),
      onResume: (resumed) => progress.resume(resumed),
    });
  } finally {
    progress.stop();
  }
}

async function sweepWithProgress(
  table: Table,
  options: Parameters<typeof sweepLambda>[1],
  terminal: Terminal,
): Promise<TradePoint[]> {
  terminal.note(`Now the other λ of ${options.lambdas.join(", ")}.`);
  const progress = showProgress(terminal, { jobs: options.jobs || availableParallelism() });
  try {
    return await sweepLambda(table, { ...options, onEpoch: (epoch) => progress.update(epoch) });
  } finally {
    progress.stop();
  }
}

/** Everything that a run leaves behind. */
export async function filesOf(run: Run, safeCsv = false): Promise<{ path: string; content: Uint8Array }[]> {
  const encode = (content: string | Uint8Array) =>
    typeof content === "string" ? new TextEncoder().encode(content) : content;
  const files: { path: string; content: Uint8Array }[] = [];
  for (const { path, content } of outputs(run, { safeCsv }))
    files.push({ path, content: encode(await content()) });
  return files;
}

/** … in its place. */
export async function writeRun(run: Run, folder: OutputFolder, safeCsv = false): Promise<void> {
  for (const { path, content } of await filesOf(run, safeCsv)) folder.write(path, content);
  folder.commit();
}

/** The verdict on the terminal, or the object of `--json`. */
export async function tell(
  result: RunResult,
  folder: OutputFolder,
  seconds: number,
  terminal: Terminal,
  queue?: object,
): Promise<void> {
  tellWarnings(result.warnings, terminal);
  await terminal.show(summary(result, folder.path, seconds));
  if (result.profile) await terminal.show(`\n${profileTable(result.profile)}`);
  const {
    version,
    seed,
    engine,
    engineReason,
    data,
    metric,
    mean,
    verdict,
    evidence,
    diagnostics,
    warnings,
    failed,
    profile,
  } = result;
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
    evidence,
    diagnostics,
    sweep: result.sweep,
    warnings,
    failed,
    profile,
  };
  await terminal.object({ out: folder.path, files: folder.files, ...told, queue, seconds });
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
    "",
    ...(result.sweep ? [sweepTable(result.sweep, metric), ""] : []),
    textTable(evidenceRows(result)),
    ...result.diagnostics.flatMap(({ advice }) => (advice ? [`  Training: ${advice}`] : [])),
    "",
    `  ${out}: report.html, report.json, synthetic.csv, split-1/tree.svg, …`,
    `  ${out}/model.safetensors: ${model} ${out}/model.safetensors --rows 100`,
    `  ${duration(seconds)}, engine ${result.engine} (${result.engineReason}), seed ${result.seed}`,
  ].join("\n");
}

/** The evidence in a line a subject; the report has all of it. */
function evidenceRows({ metric, evidence }: RunResult): string[][] {
  const { utility, calibration, fidelity, memorisation } = evidence;
  const { before, after } = calibration;
  const told = fidelity.detection ? `, told from real with ROC-AUC ${score(fidelity.detection.mean)}` : "";
  const use = `${metric} learnt from real rows ${range(utility.real)}, synthetic alone ${range(utility.synthetic)}, both ${range(utility.both)}`;
  const member =
    memorisation.membership === null ? "" : `, membership ROC-AUC ${score(memorisation.membership)} (.5)`;
  return [
    ["Use", use],
    [
      "Calibration",
      `Brier ${score(before.brier)} → ${score(after.brier)}, error ${score(before.ece)} → ${score(after.ece)}`,
    ],
    [
      "Fidelity",
      `columns ${score(fidelity.distance.mean)} apart, correlations ${score(fidelity.correlation.mean)}${told}`,
    ],
    [
      "Copies",
      `${percent(memorisation.copies)} equal a training row, ${percent(memorisation.near)} nearly (5 % of fresh rows)${member}; checks, no proof of privacy`,
    ],
  ];
}

function sweepTable(points: readonly TradePoint[], metric: string): string {
  const rows = points.map(({ lambda, score: value, sd, distance, correlation, detection }) => [
    String(lambda),
    `${score(value)} ± ${score(sd)}`,
    ...[distance, correlation, detection].map(score),
  ]);
  const head = ["λ", metric, "columns", "correlations", "told (AUC)"];
  return textTable([head, ...rows], [0, 1, 2, 3, 4]);
}

/** 0.312 [0.281, 0.343] */
function range({ mean, low, high }: Interval): string {
  return low === null ? score(mean) : `${score(mean)} [${score(low)}, ${score(high)}]`;
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
