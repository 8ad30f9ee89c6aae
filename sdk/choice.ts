/** Which method to use, decided on training rows alone. */
import { fewerRows } from "./folds.ts";
import { takeRows } from "./matrix.ts";
import type { Metric } from "./metrics.ts";
import { derive, Random } from "./random.ts";
import { METHODS, type Method } from "./result.ts";
import { estimateRivals, type RivalProblem } from "./rivals.ts";

/** Sets this draw apart from every other use of a seed ("CHOI"). */
const STREAM = 0x43484f49;
/** Rows of a class that a sample has at least, where there are so many. */
const LEAST = 100;

export interface MethodChoice {
  method: Method;
  /** Each method's score on the training rows, out of fold (higher is better); null where nothing could be held out. */
  outOfFold: Record<Method, number | null>;
  /** Standard error of what doing nothing scores there; 0 where nothing could be held out. */
  outOfFoldError: number;
}

/**
 * Chooses among doing nothing, the simple rivals and the synthetic data by their out-of-fold scores.
 * @param ours the synthetic data's (`TrainResult.outOfFold`). Where the rarest class has one row nothing can be held
 *   out, and it is taken.
 * @param scoreRows so many rows, of each class its share, are enough to judge the rivals by (0: all).
 */
export async function chooseMethod(
  problem: Omit<RivalProblem, "testX">,
  ours: number,
  scoreRows: number,
): Promise<MethodChoice> {
  const estimates = await estimateRivals(sampled(problem, scoreRows));
  const outOfFold = Object.fromEntries(
    METHODS.map((method) => [method, method === "makeit" ? ours : (estimates?.scores[method] ?? null)]),
  ) as Record<Method, number>;
  const outOfFoldError = estimates?.error ?? 0;
  const method = estimates ? choose(outOfFold, outOfFoldError, problem.metric) : "makeit";
  return { method, outOfFold, outOfFoldError };
}

/**
 * The best of these scores, of equals the simpler one, after what must be made good. A metric that needs no threshold judges
 * doing nothing fairly: another method must be better by a standard error (Breiman et al. 1984). A metric of labels does
 * not, but the synthetic data was found on the rows that it is scored on: it must lead by half of one.
 */
export function choose(scores: Record<Method, number>, error: number, { usesLabels }: Metric): Method {
  const owed = (method: Method) =>
    usesLabels ? (method === "makeit" ? error / 2 : 0) : method === "none" ? 0 : error;
  const lead = (method: Method) => scores[method] - owed(method);
  return METHODS.reduce((best, other) => (lead(other) > lead(best) ? other : best));
}

function sampled<P extends Omit<RivalProblem, "testX">>(problem: P, scoreRows: number): P {
  const { trainX, trainY, classes, seed } = problem;
  const limits = [scoreRows || Number.POSITIVE_INFINITY, LEAST] as const;
  const rows = fewerRows(trainY, classes, limits, new Random(derive(seed, STREAM)));
  if (!rows) return problem;
  return { ...problem, trainX: takeRows(trainX, rows), trainY: Int32Array.from(rows, (row) => trainY[row]) };
}
