/** What the benchmark tells: one line a data set, then the comparison over all of them, as text and as data. */
import { friedman, holm, mean, meanRanks, wilcoxonSignedRank } from "../../sdk/statistics.ts";
import type { Column, MethodName, Outcome } from "./job.ts";

/** Means over folds and repeats of one data set, in the order of the methods. */
export interface Line {
  readonly name: string;
  readonly scores: number[];
  readonly seconds: number[];
}

/** The comparison over data sets: one entry a method. `reference` is compared with each of the others. */
export interface Summary {
  readonly sets: number;
  readonly reference: Column;
  readonly methods: readonly Column[];
  readonly mean: number[];
  /** Mean rank, 1 is best. */
  readonly rank: number[];
  /** Data sets in which the reference is better, equal, worse. */
  readonly wins: number[];
  readonly ties: number[];
  readonly losses: number[];
  /** Mean difference of the reference to the method, in the metric. */
  readonly difference: number[];
  /** Two-sided signed-rank p against the method (1 against itself), and adjusted after Holm. */
  readonly wilcoxon: number[];
  readonly holm: number[];
  readonly friedman: ReturnType<typeof friedman>;
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
  "makeit-2023": "m-2023",
  search: "search",
  criticOnly: "no λ",
  lambdaOnly: "no critic",
  makeit: "makeit",
  chosen: "chosen",
};

/** A method's name in tables and drawings; of a variant, which `weight=3,cut=1` names, w=3,c=1. */
export const labelOf = (column: Column): string =>
  LABELS[column as MethodName] ?? column.replace(/[a-z]+(?==)/gi, (option) => option[0]);

const NAME_WIDTH = 30;
const WIDTH = 11;

const cells = (values: readonly string[]) => values.map((value) => value.padStart(WIDTH)).join("");
const row = (name: string, values: readonly string[]) => name.padEnd(NAME_WIDTH) + cells(values);
const fixed = (values: readonly number[], digits: number) => values.map((value) => value.toFixed(digits));

export function header(methods: readonly Column[]): string {
  return row("", methods.map(labelOf));
}

/** The data set's means from its jobs. */
export function lineOf(name: string, outcomes: readonly Outcome[], methods: readonly Column[]): Line {
  return {
    name,
    scores: methods.map((method) => mean(outcomes.map(({ scores }) => scores[method]!))),
    seconds: methods.map((method) => mean(outcomes.map(({ seconds }) => seconds[method]!))),
  };
}

export function dataLine(line: Line): string {
  const total = line.seconds.reduce((sum, seconds) => sum + seconds, 0);
  return `${row(line.name, fixed(line.scores, 3))}${total.toFixed(1).padStart(9)} s`;
}

/**
 * Compares the methods over the data sets: `makeit`, or the last where it is not among them, with each of the others.
 * @param greater whether a higher value of the metric is better.
 */
export function compareMethods(
  lines: readonly Line[],
  methods: readonly Column[],
  greater: boolean,
): Summary {
  const sign = greater ? 1 : -1;
  const scores = lines.map((line) => line.scores.map((score) => sign * score));
  const named = methods.indexOf("makeit");
  const at = named >= 0 ? named : methods.length - 1;
  const differences = methods.map((_, j) => scores.map((line) => line[at] - line[j]));
  const count = (test: (d: number) => boolean) => differences.map((d) => d.filter(test).length);
  const ps = differences.map((d, j) => (j === at ? 1 : wilcoxonSignedRank(d).p));
  const adjusted = holm(ps.filter((_, j) => j !== at));
  adjusted.splice(at, 0, 1);
  return {
    sets: lines.length,
    reference: methods[at],
    methods,
    mean: methods.map((_, j) => mean(lines.map((line) => line.scores[j]))),
    rank: meanRanks(scores),
    wins: count((d) => d > 0),
    ties: count((d) => d === 0),
    losses: count((d) => d < 0),
    difference: differences.map((d) => sign * mean(d)),
    wilcoxon: ps,
    holm: adjusted,
    friedman: friedman(scores),
  };
}

/** The comparison as a table. */
export function summaryText(title: string, summary: Summary): string {
  const { sets, reference, methods, friedman: test } = summary;
  const others = (values: readonly string[]) =>
    values.map((value, j) => (methods[j] === reference ? "" : value));
  return [
    "",
    row(`${title} (${sets})`, methods.map(labelOf)),
    row("mean", fixed(summary.mean, 4)),
    row("mean rank (1 is best)", fixed(summary.rank, 2)),
    `${labelOf(reference)} against`,
    row("  wins", others(summary.wins.map(String))),
    row("  ties", others(summary.ties.map(String))),
    row("  losses", others(summary.losses.map(String))),
    row("  mean difference", others(fixed(summary.difference, 4))),
    row("  Wilcoxon p", others(fixed(summary.wilcoxon, 4))),
    row("  Wilcoxon p, Holm", others(fixed(summary.holm, 4))),
    `Friedman chi2 = ${test.chiSquared.toFixed(2)}, p = ${test.p.toExponential(2)}; Iman-Davenport F = ${test.f.toFixed(2)}, p = ${test.pF.toExponential(2)}`,
  ].join("\n");
}

/** Seconds a fold of each method, mean over the data sets. */
export function secondsText(lines: readonly Line[], methods: readonly Column[]): string {
  return row(
    "seconds a fold",
    fixed(
      methods.map((_, j) => mean(lines.map((line) => line.seconds[j]))),
      3,
    ),
  );
}
