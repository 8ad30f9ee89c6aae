import { inputError } from "./errors.ts";
import { SPECS } from "./settings.ts";

/** @throws MakeitError for a list that is empty, or a λ that is none or named twice */
export function checkLambdas(lambdas: readonly number[]): void {
  const { min = 0, max = Number.POSITIVE_INFINITY } = SPECS.lambda;
  const fits = lambdas.every((lambda) => typeof lambda === "number" && lambda >= min && lambda <= max);
  if (!fits || lambdas.length < 2 || new Set(lambdas).size < lambdas.length) {
    throw inputError(
      `The λ to try are ${lambdas.join(", ") || "none"}; expected at least two different numbers from ${min} to ${max}.`,
      "For example 0, 0.25, 1, 4, 16.",
    );
  }
}
