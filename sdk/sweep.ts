/** What λ trades on the user's own table: the same run under several λ. */
import { gatherEvidence, type Tested } from "./across.ts";
import { checkLambdas } from "./lambdas.ts";
import type { RunResult, TradePoint } from "./result.ts";
import { type FitOptions, planRun, runInline, type SplitRunner } from "./run.ts";
import { mean, sd } from "./statistics.ts";
import type { Table } from "./table/table.ts";

export interface SweepOptions extends FitOptions {
  /** The λ to try, each with all splits. */
  lambdas: readonly number[];
  /** A run of the same table and options: the point of its own λ is taken from there. */
  done?: RunResult;
}

/**
 * Trains on every split under each λ. A λ whose splits were not all run to their end (interrupted, failed) is left out.
 * @returns a point a λ, by rising λ.
 * @throws MakeitError as `fit`, and for λ that cannot be
 */
export async function sweepLambda(
  table: Table,
  { lambdas, done, ...options }: SweepOptions,
  runner: SplitRunner = runInline,
): Promise<TradePoint[]> {
  checkLambdas(lambdas);
  const { signal, onEpoch } = options;
  const stopped = () => signal?.aborted ?? false;
  const points: TradePoint[] = [];
  const rest = [...lambdas].sort((a, b) => a - b).filter((lambda) => lambda !== done?.options.lambda);
  if (done && lambdas.includes(done.options.lambda as number)) points.push(pointOf(done));
  for (const [index, lambda] of rest.entries()) {
    if (stopped()) break;
    const { brief, jobs } = await planRun(table, { ...options, lambda });
    const { settings, splits, data } = brief;
    const place = { splits: splits * rest.length, epochs: settings.epochs };
    const ran = await runner(jobs.slice(0, splits), {
      parallel: settings.jobs,
      stopped,
      hooks: ({ split }) => ({
        onEpoch: (epoch, score, best) =>
          onEpoch?.({ ...place, split: index * splits + split, epoch, score, best }),
        shouldStop: stopped,
      }),
    });
    if (stopped()) break;
    const tested = ran.filter((outcome) => outcome && "result" in outcome && outcome.result) as Tested[];
    if (tested.length < splits) continue;
    const scores = tested.map(({ result }) => result.test.makeit);
    points.push({
      lambda,
      score: mean(scores),
      sd: sd(scores),
      ...closenessOf(gatherEvidence(tested, settings, data.classes.length)),
    });
  }
  return points.sort((a, b) => a.lambda - b.lambda);
}

function pointOf({ options, mean: means, evidence }: RunResult): TradePoint {
  const { test, sd: deviations } = means;
  const lambda = options.lambda as number;
  return { lambda, score: test.makeit, sd: deviations.makeit, ...closenessOf(evidence) };
}

function closenessOf({ fidelity }: RunResult["evidence"]): Omit<TradePoint, "lambda" | "score" | "sd"> {
  const { distance, correlation, detection } = fidelity;
  return {
    distance: distance.mean,
    correlation: correlation.mean,
    detection: detection?.mean ?? null,
  };
}
