/** Which method to use, decided on training rows alone. */
import { fewerRows } from "./folds.ts";
import { takeRows } from "./matrix.ts";
import { derive, Random } from "./random.ts";
import { METHODS, type Method } from "./result.ts";
import { estimateRivals, type RivalProblem } from "./rivals.ts";

/** Sets this draw apart from every other use of a seed ("CHOI"). */
const STREAM = 0x43484f49;
/** Rows of a class that a sample has at least, where there are so many. */
const LEAST = 100;

export interface MethodChoice {
  /** The best by `outOfFold`, of equals the simpler one. */
  method: Method;
  /** Each method's score on the training rows, out of fold (higher is better); null where nothing could be held out. */
  outOfFold: Record<Method, number | null>;
}

/**
 * Chooses among doing nothing, the simple rivals and the synthetic data by their out-of-fold scores.
 * @param ours the synthetic data's (`TrainResult.outOfFold`). The sets were found on the same rows, so it is a little
 *   high. Where the rarest class has one row nothing can be held out, and it is taken.
 * @param scoreRows so many rows, of each class its share, are enough to judge the rivals by (0: all).
 */
export async function chooseMethod(
  problem: Omit<RivalProblem, "testX">,
  ours: number,
  scoreRows: number,
): Promise<MethodChoice> {
  const estimates = await estimateRivals(sampled(problem, scoreRows));
  const outOfFold = Object.fromEntries(
    METHODS.map((method) => [method, method === "makeit" ? ours : (estimates?.[method] ?? null)]),
  ) as MethodChoice["outOfFold"];
  const method = estimates
    ? METHODS.reduce((best, other) => (outOfFold[other]! > outOfFold[best]! ? other : best))
    : "makeit";
  return { method, outOfFold };
}

function sampled<P extends Omit<RivalProblem, "testX">>(problem: P, scoreRows: number): P {
  const { trainX, trainY, classes, seed } = problem;
  const limits = [scoreRows || Number.POSITIVE_INFINITY, LEAST] as const;
  const rows = fewerRows(trainY, classes, limits, new Random(derive(seed, STREAM)));
  if (!rows) return problem;
  return { ...problem, trainX: takeRows(trainX, rows), trainY: Int32Array.from(rows, (row) => trainY[row]) };
}
