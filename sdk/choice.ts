/** Which method to use, decided on training rows alone. */
import { METHODS, type Method } from "./result.ts";
import { estimateRivals, type RivalProblem } from "./rivals.ts";

export interface MethodChoice {
  /** The best by `outOfFold`, of equals the simpler one. */
  method: Method;
  /** Each method's score on the training rows, out of fold (higher is better). */
  outOfFold: Record<Method, number>;
}

/**
 * Chooses among doing nothing, the simple rivals and the synthetic data by their out-of-fold scores.
 * @param ours the synthetic data's (`TrainResult.outOfFold`). The sets were found on the same rows, so it is a little
 *   high. Where the rarest class has one row nothing can be held out, and it is taken.
 */
export async function chooseMethod(
  problem: Omit<RivalProblem, "testX">,
  ours: number,
): Promise<MethodChoice> {
  const estimates = await estimateRivals(problem);
  const outOfFold = Object.fromEntries(
    METHODS.map((method) => [method, method === "makeit" ? ours : (estimates?.[method] ?? 0)]),
  ) as Record<Method, number>;
  const method = estimates
    ? METHODS.reduce((best, other) => (outOfFold[other] > outOfFold[best] ? other : best))
    : "makeit";
  return { method, outOfFold };
}
