/** What a run gives back; `report.json` is this, as it stands. */
import type { Calibration } from "./calibration.ts";
import type { KernelTime } from "./engine/backend.ts";
import type { CurvesPlot } from "./plots/curves.ts";
import type { DistributionPlot } from "./plots/distribution.ts";
import type { EmbeddingPlot } from "./plots/embedding.ts";
import type { ImagesPlot } from "./plots/images.ts";
import type { Importance } from "./plots/importance.ts";
import type { TreePlot } from "./plots/tree.ts";
import type { Comparison, Interval } from "./statistics.ts";
import type { ImageShape } from "./table/table.ts";

export type { Importance };

/** In the order they are reported: nothing done, the simple rivals, ours. */
export const METHODS = [
  "none",
  "weighted",
  "threshold",
  "weightedThreshold",
  "oversample",
  "smote",
  "makeit",
] as const;
export type Method = (typeof METHODS)[number];

/** What the methods are called where people read. */
export const METHOD_NAMES: Record<Method, string> = {
  none: "Nothing done",
  weighted: "Class weights",
  threshold: "Tuned threshold",
  weightedThreshold: "Weights + threshold",
  oversample: "Random oversampling",
  smote: "SMOTE",
  makeit: "Makeit",
};

/**
 * Per epoch: scores of the epoch's sets, best so far, losses, the critic's correlation on sets it has not seen; and,
 * looked at now and then and kept until the next look, how the networks are (see `Health`).
 */
export interface History {
  mean: number[];
  max: number[];
  best: number[];
  criticLoss: number[];
  discriminatorLoss: number[];
  criticCorrelation: number[];
  deadUnits: number[];
  discriminatorAccuracy: number[];
  diversity: number[];
}

/** One number about how training went. */
export interface Diagnosis {
  name: "criticCorrelation" | "deadUnits" | "diversity" | "discriminatorAccuracy";
  /** What it is, in words. */
  title: string;
  value: number;
  /** What to do, where it is bad. */
  advice: string | null;
}

export interface Stopped {
  /** Epochs completed. */
  epoch: number;
  reason: "epochs" | "patience" | "interrupted" | "diverged" | "time";
}

/** The epochs that one engine computed. */
export interface EngineSpan {
  engine: string;
  /** The first of them, from 1. */
  from: number;
  /** Why the engine before it had to be left, in a sentence. */
  reason?: string;
}

/** A path from the root of a split's tree. */
export interface Rule {
  conditions: string[];
  class: string;
  /** Share of the generated rows at its end, and share of those that have its class. */
  support: number;
  confidence: number;
  /** Whether it ends in a leaf, or on the way to some. */
  leaf: boolean;
}

/** A split that could not be run: its thread failed twice. */
export interface FailedSplit {
  /** 0 is the final model, trained on all rows. */
  split: number;
  failure: string;
}

export type Scores = Record<string, number>;

export interface ColumnDistance {
  readonly column: string;
  /** 0 (alike) to 1: Kolmogorov–Smirnov for numbers, total variation for categories; missing cells count too. */
  readonly distance: number;
  /** Share of the real range that synthetic numbers span, or of the real categories that occur among synthetic ones. */
  readonly coverage: number;
}

/** Real rows are weighted to the class proportions of the synthetic ones. */
export interface Fidelity {
  readonly columns: readonly ColumnDistance[];
  /** Mean over the columns. */
  readonly distance: number;
  /** Mean absolute difference of correlations over pairs of features (classes included). */
  readonly correlation: number;
  /**
   * ROC-AUC, out of fold, of telling synthetic rows from as many real ones of each class, by the better of logistic
   * regression and a tree: .5 cannot be told apart. Null below 10 rows a side.
   */
  readonly detection: number | null;
  /** Mean over the columns: share of the real ranges and categories that occur. */
  readonly coverage: number;
}

export interface Closeness {
  /** Median distance of a synthetic row to the closest training row of its class, in encoded units. */
  readonly distance: number;
  /** The same for real rows that were not trained on: what a fresh real row shows. */
  readonly baseline: number;
  /** Share of synthetic rows that are closer to a training row than half of the fresh rows: .5 for fresh rows. */
  readonly closer: number;
  /** Share that are closer than 95 % of the fresh rows are: .05 for fresh rows, more for near copies. */
  readonly near: number;
  /**
   * ROC-AUC of telling training rows from fresh ones by how close the nearest synthetic row is: .5 tells nothing.
   * Null without fresh rows.
   */
  readonly membership: number | null;
}

export interface Memorisation extends Closeness {
  /** Share of synthetic rows that equal a training row in every learnt column and the target. */
  readonly copies: number;
  /** Share of training rows that equal another one. */
  readonly realCopies: number;
}

/** What one split shows of its generated rows, beside rows that they were not learnt from. */
export interface SplitEvidence {
  /** The metric on the held-out rows, learnt from the training rows, from the generated ones, from both. */
  utility: Record<"real" | "synthetic" | "both", number>;
  fidelity: Fidelity;
  memorisation: Memorisation;
}

/** What all splits show together. */
export interface Evidence {
  /** Means over splits with 95 % intervals; `gain` compares both with real alone, higher is better. */
  utility: Record<"real" | "synthetic" | "both", Interval> & { gain: Comparison };
  /** Of the probabilities on all held-out rows together: nothing done, and Makeit. */
  calibration: { before: Calibration; after: Calibration };
  fidelity: {
    columns: ColumnDistance[];
    distance: Interval;
    correlation: Interval;
    detection: Interval | null;
    coverage: Interval;
  };
  memorisation: Memorisation & { note: string };
}

export interface SplitResult {
  split: number;
  rows: { train: number; test: number };
  /** The run's metric on the held-out rows. */
  test: Record<Method, number>;
  /** Every metric on the held-out rows. */
  metrics: Record<Method, Scores>;
  /** Each method's score on the training rows, out of fold: higher is better; null where nothing could be held out. */
  outOfFold: Record<Method, number | null>;
  /** Standard error of what doing nothing scores there. */
  outOfFoldError: number;
  /** The method that they speak for: chosen without the held-out rows. */
  choice: Method;
  history: History;
  stopped: Stopped;
  /** The engine that trained; more than one where the first was lost on the way. */
  engines: EngineSpan[];
  importances: Importance[];
  tree: TreePlot;
  rules: Rule[];
  curves: CurvesPlot;
  embedding: EmbeddingPlot;
  distributions: DistributionPlot;
  evidence: SplitEvidence;
  /** Where rows are images: real and generated ones, class by class. */
  images?: ImagesPlot;
  seconds: number;
}

export interface Spread {
  mean: number;
  sd: number;
}

/** What one λ comes to, means over splits. */
export interface TradePoint {
  lambda: number;
  /** The metric on held-out rows. */
  score: number;
  sd: number;
  /** How far the generated rows are from the real ones: see `Fidelity`. */
  distance: number;
  correlation: number;
  detection: number | null;
}

export interface Verdict {
  outcome: "helps" | "same" | "hurts";
  /** Mean held-out difference of `makeit` to `none`, in the metric (higher is better after sign). */
  difference: number;
  /** In how many splits `makeit` was better than `none`, of how many. */
  wins: number;
  splits: number;
  /** The method with the best mean. */
  best: Method;
  /** The method that is recommended: the best on the training rows alone, out of fold, over all splits. */
  choice: Method;
  /** The metric on the held-out rows where each split follows its own choice. */
  chosen: number;
  /** Two-sided p of the paired comparison over splits. */
  p: number;
  /** The plain sentence. */
  sentence: string;
}

export interface RunResult {
  version: string;
  seed: number;
  engine: string;
  /** Why it was taken. */
  engineReason: string;
  options: Record<string, unknown>;
  data: {
    name: string;
    rows: number;
    columns: number;
    /** Where rows are images: their size. */
    image?: ImageShape;
    target: string;
    classes: string[];
    counts: number[];
    positive: string;
    positives: number;
  };
  metric: string;
  splits: SplitResult[];
  /** Splits that could not be run, if any. */
  failed?: FailedSplit[];
  mean: {
    test: Record<Method, number>;
    sd: Record<Method, number>;
    metrics: Record<Method, Record<string, Spread>>;
    importances: (Importance & { impuritySd: number; permutationSd: number })[];
    history: { mean: number[]; max: number[]; best: number[] };
    /** The metric of the soft-voted predictions over all held-out rows together. */
    voted: Record<Method, number>;
    seconds: number;
  };
  evidence: Evidence;
  /** What λ trades, where several were tried; by rising λ. */
  sweep?: TradePoint[];
  /** How the splits' training went. */
  diagnostics: Diagnosis[];
  /** Rules that recur in at least two splits, most frequent first; none that a longer one says as often. */
  rules: (Rule & { splits: number[] })[];
  verdict: Verdict;
  warnings: string[];
  seconds: number;
  /** The time of the networks' kernels over all splits, where it was asked for. */
  profile?: KernelTime[];
}
