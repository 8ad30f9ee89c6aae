/** What the splits of a run say together: averages, votes, recurring rules, the verdict. */
import { calibration } from "./calibration.ts";
import { choose } from "./choice.ts";
import { Cpu } from "./engine/module.ts";
import { metricRange } from "./evidence.ts";
import { PRIVACY_NOTE } from "./memorisation.ts";
import { openMetric } from "./metrics.ts";
import { cpuRanker } from "./ranking.ts";
import {
  type ColumnDistance,
  type Evidence,
  METHODS,
  type Memorisation,
  type Method,
  type Rule,
  type RunResult,
  type SplitResult,
  type Spread,
  type Verdict,
} from "./result.ts";
import type { Settings } from "./settings.ts";
import { measure, type SplitOutcome } from "./split.ts";
import { compare, type Interval, interval, mean, sd } from "./statistics.ts";

/** A split that was tested, as all but the final model are. */
export type Tested = SplitOutcome & Required<Pick<SplitOutcome, "result" | "proba">>;

/** 1 where higher is better, −1 where lower is. */
export function utilitySign(settings: Settings): 1 | -1 {
  return openMetric(settings.metric, 2).greaterIsBetter ? 1 : -1;
}

/** Mean and spread over splits of everything that is a number. */
export async function averageSplits(
  tested: Tested[],
  settings: Settings,
  classes: number,
): Promise<RunResult["mean"]> {
  const splits = tested.map(({ result }) => result);
  const spread = (read: (split: SplitResult) => number): Spread => {
    const values = splits.map(read);
    return { mean: mean(values), sd: values.length > 1 ? sd(values) : 0 };
  };
  const perMethod = <T>(read: (method: Method) => T) =>
    Object.fromEntries(METHODS.map((method) => [method, read(method)])) as Record<Method, T>;
  const names = Object.keys(splits[0].metrics.none);
  const epochs = Math.max(...splits.map(({ history }) => history.mean.length));
  const curve = (key: "mean" | "max" | "best") =>
    Array.from({ length: epochs }, (_, e) => {
      // A split that stopped early counts with its last value.
      return mean(splits.map(({ history }) => history[key][Math.min(e, history[key].length - 1)]));
    });
  return {
    test: perMethod((method) => spread((split) => split.test[method]).mean),
    sd: perMethod((method) => spread((split) => split.test[method]).sd),
    metrics: perMethod((method) =>
      Object.fromEntries(names.map((name) => [name, spread((split) => split.metrics[method][name])])),
    ),
    importances: averageImportances(splits, spread),
    history: { mean: curve("mean"), max: curve("max"), best: curve("best") },
    voted: await scoreTogether(tested, settings, classes),
    seconds: spread((split) => split.seconds).mean,
  };
}

/** A column that is constant in some split's training rows counts 0 there. */
function averageImportances(
  splits: SplitResult[],
  spread: (read: (split: SplitResult) => number) => Spread,
): RunResult["mean"]["importances"] {
  const columns = new Set(splits.flatMap(({ importances }) => importances.map(({ column }) => column)));
  const rows = [...columns].map((column) => {
    const of = (key: "impurity" | "permutation") =>
      spread(({ importances }) => importances.find((one) => one.column === column)?.[key] ?? 0);
    const [impurity, permutation] = [of("impurity"), of("permutation")];
    return {
      column,
      impurity: impurity.mean,
      permutation: permutation.mean,
      impuritySd: impurity.sd,
      permutationSd: permutation.sd,
    };
  });
  return rows.sort((a, b) => b.impurity - a.impurity || (a.column < b.column ? -1 : 1));
}

/** The metric over all held-out predictions together. */
async function scoreTogether(
  tested: Tested[],
  settings: Settings,
  classes: number,
): Promise<Record<Method, number>> {
  const { y, proba } = pool(tested, classes);
  return measure(proba, y, classes, settings, cpuRanker(await Cpu.open())).scores;
}

/** All held-out predictions together, by row; a row held out several times (repeats) votes softly. */
function pool(tested: Tested[], classes: number): { y: Int32Array; proba: Record<Method, Float64Array> } {
  const end = tested.reduce((most, { rows }) => rows.reduce((a, row) => Math.max(a, row + 1), most), 0);
  const votes = new Uint32Array(end);
  for (const { rows } of tested) for (const row of rows) votes[row]++;
  const place = new Int32Array(end);
  let count = 0;
  for (let row = 0; row < end; row++) if (votes[row] > 0) place[row] = count++;
  const y = new Int32Array(count);
  for (const split of tested) {
    split.rows.forEach((row, i) => {
      y[place[row]] = split.y[i];
    });
  }
  const joined = (method: Method) => {
    const sums = new Float64Array(count * classes);
    for (const { rows, proba } of tested) {
      const own = proba[method];
      for (let i = 0; i < own.length; i++) {
        sums[place[rows[Math.floor(i / classes)]] * classes + (i % classes)] += own[i];
      }
    }
    for (let row = 0; row < end; row++) {
      for (let c = 0; c < classes && votes[row] > 0; c++) sums[place[row] * classes + c] /= votes[row];
    }
    return sums;
  };
  const proba = Object.fromEntries(METHODS.map((method) => [method, joined(method)]));
  return { y, proba: proba as Record<Method, Float64Array> };
}

/** What the splits show together of use, calibration, closeness and copies. */
export function gatherEvidence(tested: Tested[], settings: Settings, classes: number): Evidence {
  const found = tested.map(({ result }) => result.evidence);
  const { train, test } = tested[0].result.rows;
  const over = (values: readonly number[], range: readonly [number, number] = [0, 1]): Interval =>
    interval(values, { trainShare: train / (train + test), range });
  const measured = metricRange(openMetric(settings.metric, 2).name);
  const used = (name: "real" | "synthetic" | "both") =>
    over(
      found.map(({ utility }) => utility[name]),
      measured,
    );
  const sign = utilitySign(settings);
  const gains = found.map(({ utility }) => sign * (utility.both - utility.real));
  const alike = (name: "distance" | "correlation" | "coverage") =>
    over(
      found.map(({ fidelity }) => fidelity[name]),
      [0, name === "correlation" ? 2 : 1],
    );
  const detections = known(found.map(({ fidelity }) => fidelity.detection));
  const copied = (name: Exclude<keyof Memorisation, "membership">) =>
    mean(found.map(({ memorisation }) => memorisation[name]));
  const memberships = known(found.map(({ memorisation }) => memorisation.membership));
  const { y, proba } = pool(tested, classes);
  return {
    utility: {
      real: used("real"),
      synthetic: used("synthetic"),
      both: used("both"),
      gain: compare(gains, { trainShare: train / (train + test) }),
    },
    calibration: {
      before: calibration(y, proba.none, classes),
      after: calibration(y, proba.makeit, classes),
    },
    fidelity: {
      columns: averageColumns(found.map(({ fidelity }) => fidelity.columns)),
      distance: alike("distance"),
      correlation: alike("correlation"),
      detection: detections.length > 0 ? over(detections) : null,
      coverage: alike("coverage"),
    },
    memorisation: {
      copies: copied("copies"),
      realCopies: copied("realCopies"),
      distance: copied("distance"),
      baseline: copied("baseline"),
      closer: copied("closer"),
      near: copied("near"),
      membership: memberships.length > 0 ? mean(memberships) : null,
      note: PRIVACY_NOTE,
    },
  };
}

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);

/** Means over the splits in which a column varies, the most different first. */
function averageColumns(splits: readonly (readonly ColumnDistance[])[]): ColumnDistance[] {
  const columns = [...new Set(splits.flatMap((split) => split.map(({ column }) => column)))];
  const rows = columns.map((column) => {
    const own = splits.flatMap((split) => split.filter((one) => one.column === column));
    return {
      column,
      distance: mean(own.map(({ distance }) => distance)),
      coverage: mean(own.map(({ coverage }) => coverage)),
    };
  });
  return rows.sort((a, b) => b.distance - a.distance || (a.column < b.column ? -1 : 1));
}

/**
 * Rules that stand in several splits' trees: same class, same columns and directions; thresholds may differ. One that
 * only begins a longer one, which stands in as many splits, is left out.
 */
export function recurring(splits: SplitResult[]): RunResult["rules"] {
  const found = new Map<string, { shape: string[]; rules: Rule[]; splits: Set<number> }>();
  for (const { split, rules } of splits) {
    for (const rule of rules) {
      const shape = rule.conditions.map((text) => text.replace(/(≤|>) .*$/, "$1")).sort();
      const key = JSON.stringify([rule.class, shape]);
      const entry = found.get(key) ?? { shape, rules: [], splits: new Set() };
      entry.rules.push(rule);
      entry.splits.add(split);
      found.set(key, entry);
    }
  }
  const several = [...found.values()].filter(({ splits: seen, shape }) => seen.size > 1 && shape.length > 0);
  const begins = (a: (typeof several)[number], b: (typeof several)[number]) =>
    b.shape.length > a.shape.length &&
    b.rules[0].class === a.rules[0].class &&
    a.shape.every((part) => b.shape.includes(part)) &&
    [...a.splits].every((split) => b.splits.has(split));
  return several
    .filter((entry) => !several.some((other) => begins(entry, other)))
    .map(({ rules, splits: seen }) => ({
      ...rules.reduce((a, b) => (b.support > a.support ? b : a)),
      support: mean(rules.map(({ support }) => support)),
      confidence: mean(rules.map(({ confidence }) => confidence)),
      splits: [...seen].sort((a, b) => a - b),
    }))
    .sort((a, b) => b.splits.length - a.splits.length || b.support - a.support);
}

/** Differences smaller than this are "no difference", whatever their p. */
const NEGLIGIBLE = 0.005;
const SIGNIFICANT = 0.1;

/** The paired comparison over splits, in one plain sentence. */
export function judge(splits: SplitResult[], settings: Settings): Verdict {
  const sign = utilitySign(settings);
  const name = openMetric(settings.metric, 2).name;
  const differences = splits.map(({ test }) => sign * (test.makeit - test.none));
  const { train, test } = splits[0].rows;
  const { p, wins, difference } = compare(differences, { trainShare: train / (train + test) });
  const means = METHODS.map((method) => ({ method, value: mean(splits.map((split) => split.test[method])) }));
  const best = means.reduce((a, b) => (sign * b.value > sign * a.value + 1e-12 ? b : a));
  const ours = means.find(({ method }) => method === "makeit")!;
  const alike = differences.every((d) => d > 0) || differences.every((d) => d < 0);
  const clear = Math.abs(difference) >= NEGLIGIBLE && (p < SIGNIFICANT || alike);
  const outcome = !clear ? "same" : difference > 0 ? "helps" : "hurts";
  const none = means[0].value.toFixed(3);
  const change = `${name} ${none} → ${ours.value.toFixed(3)} on held-out rows, better in ${wins} of ${splits.length} splits`;
  const first = {
    helps: `The synthetic data helps: ${change}.`,
    same: `The synthetic data makes no clear difference: ${change}.`,
    hurts: `The synthetic data hurts: ${change}.`,
  }[outcome];
  const choice = recommended(splits, settings);
  const chosen = mean(splits.map((split) => split.test[split.choice]));
  const reached = (method: Method) =>
    `${RIVAL_NAMES[method]}: ${means.find((one) => one.method === method)!.value.toFixed(3)}`;
  return {
    outcome,
    difference,
    wins,
    splits: splits.length,
    best: best.method,
    choice,
    chosen,
    p,
    sentence: `${first} ${advice(choice, best.method, reached)}`,
  };
}

/**
 * The choice by the mean out-of-fold scores over the splits that could estimate the rivals; the synthetic data where none
 * could. The held-out rows have no say in what is recommended.
 */
function recommended(splits: SplitResult[], settings: Settings): Method {
  const estimated = splits.filter(({ outOfFold }) => METHODS.every((method) => outOfFold[method] !== null));
  if (estimated.length === 0) return "makeit";
  const means = METHODS.map((method) => [method, mean(estimated.map((split) => split.outOfFold[method]!))]);
  const error = mean(estimated.map((split) => split.outOfFoldError));
  return choose(Object.fromEntries(means), error, openMetric(settings.metric, 2));
}

/** What to use, and what did best: they need not be the same, and both are said. */
function advice(choice: Method, best: Method, reached: (method: Method) => string): string {
  if (choice === "makeit") {
    if (best === "makeit") return "No simple rival does better.";
    return `It is the choice by the training rows alone, yet on held-out rows better was ${reached(best)}.`;
  }
  if (best === choice) return `Use instead ${reached(choice)}.`;
  return `The choice by the training rows alone is ${reached(choice)}.`;
}

const RIVAL_NAMES: Record<Method, string> = {
  none: "the data as it is",
  weighted: "class weights",
  threshold: "a tuned decision threshold",
  weightedThreshold: "class weights with a tuned threshold",
  oversample: "random oversampling",
  smote: "SMOTE",
  makeit: "the synthetic data",
};
