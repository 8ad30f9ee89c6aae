/** What the benchmark prints: one line a data set, then the comparison over all of them. */
import { friedman, holm, mean, meanRanks, wilcoxonSignedRank } from "../../sdk/statistics.ts";
import type { MethodName, Outcome } from "./job.ts";

/** Means over folds and repeats of one data set, in the order of the methods. */
export interface Line {
  readonly name: string;
  readonly scores: number[];
  readonly seconds: number[];
}

const LABELS: Record<MethodName, string> = {
  none: "none",
  weighted: "weighted",
  threshold: "threshold",
  weightedThreshold: "weight+thr",
  oversample: "oversample",
  smote: "smote",
  smoteNc: "smote-nc",
  borderline: "borderline",
  adasyn: "adasyn",
  dragan: "dragan",
  "makeit-2023": "makeit-2023",
  search: "search",
  criticOnly: "no λ",
  lambdaOnly: "no critic",
  makeit: "makeit",
  chosen: "chosen",
};

const NAME_WIDTH = 30;
const WIDTH = 11;

const cells = (values: readonly string[]) => values.map((value) => value.padStart(WIDTH)).join("");
const row = (name: string, values: readonly string[]) => name.padEnd(NAME_WIDTH) + cells(values);
const fixed = (values: readonly number[], digits: number) => values.map((value) => value.toFixed(digits));

export function header(methods: readonly MethodName[]): string {
  return row(
    "",
    methods.map((method) => LABELS[method]),
  );
}

/** The data set's means from its jobs. */
export function lineOf(name: string, outcomes: readonly Outcome[], methods: readonly MethodName[]): Line {
  return {
    name,
    scores: methods.map((method) => mean(outcomes.map(({ scores }) => scores[method]!))),
    seconds: methods.map((method) => mean(outcomes.map(({ seconds }) => seconds[method]!))),
  };
}

export function dataLine(line: Line): string {
  const ours = line.seconds[line.seconds.length - 1];
  return `${row(line.name, fixed(line.scores, 3))}${ours.toFixed(1).padStart(9)} s`;
}

/**
 * Means, ranks, wins and tests over the data sets; the last method is compared with each of the others.
 * @param greater whether a higher value of the metric is better.
 */
export function summary(lines: readonly Line[], methods: readonly MethodName[], greater: boolean): string {
  const sign = greater ? 1 : -1;
  const scores = lines.map((line) => line.scores.map((score) => sign * score));
  const last = methods.length - 1;
  const others = methods.slice(0, last);
  const differences = others.map((_, j) => scores.map((line) => line[last] - line[j]));
  const count = (test: (d: number) => boolean) => differences.map((d) => String(d.filter(test).length));
  const column = (values: (line: Line) => number[]) =>
    methods.map((_, j) => mean(lines.map((line) => values(line)[j])));
  const out = [
    row(
      "mean",
      fixed(
        column((line) => line.scores),
        4,
      ),
    ),
    row(
      "seconds a fold",
      fixed(
        column((line) => line.seconds),
        3,
      ),
    ),
  ];
  if (methods.length < 2) return out.join("\n");
  out.push(
    row("mean rank (1 is best)", fixed(meanRanks(scores), 2)),
    "",
    `${LABELS[methods[last]]} against`,
    row(
      "  wins",
      count((d) => d > 0),
    ),
    row(
      "  ties",
      count((d) => d === 0),
    ),
    row(
      "  losses",
      count((d) => d < 0),
    ),
    row(
      "  mean difference",
      fixed(
        differences.map((d) => sign * mean(d)),
        4,
      ),
    ),
  );
  if (lines.length < 2) return out.join("\n");
  const ps = differences.map((d) => wilcoxonSignedRank(d).p);
  const { chiSquared, p, f, pF } = friedman(scores);
  out.push(
    row("  Wilcoxon p", fixed(ps, 4)),
    row("  Wilcoxon p, Holm", fixed(holm(ps), 4)),
    "",
    `Friedman chi2 = ${chiSquared.toFixed(2)}, p = ${p.toExponential(2)}; Iman-Davenport F = ${f.toFixed(2)}, p = ${pF.toExponential(2)} (${lines.length} data sets, ${methods.length} methods)`,
  );
  return out.join("\n");
}
