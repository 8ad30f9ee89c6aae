/** Fits on many rows, begun where a fit on some of them ends. */
import { type Learner, type LearnerOptions, openLearner } from "./classifiers.ts";
import type { Cpu } from "./engine/module.ts";
import { Logistic } from "./logistic.ts";
import { type Matrix, takeRows } from "./matrix.ts";
import type { Settings } from "./settings.ts";

/** Rows from which this pays, and of how many one is taken. */
const [MANY, OF] = [50_000, 16];

/** The run's classifier, for fits on all of its rows. */
export function openFinalLearner(
  { classifier, treeDepth, trees }: Settings,
  classes: number,
  cpu: Cpu,
): Learner {
  if (classifier === "logistic") return new StagedLogistic(classes, cpu);
  const options: LearnerOptions = { maxDepth: treeDepth, trees };
  return openLearner(classifier, classes, cpu, options);
}

/**
 * Logistic regression that first fits every sixteenth row (and every heavy one) and goes on from there on all: the same
 * optimum within its tolerance, at half the iterations. Fewer rows are fitted as ever.
 */
export class StagedLogistic extends Logistic {
  readonly #some: Logistic;
  readonly #classes: number;
  /** Whether the last fit was begun on some of its rows. */
  begun = false;

  constructor(classes: number, cpu: Cpu) {
    super(classes, cpu, { warmStart: "near" });
    this.#some = new Logistic(classes, cpu, { tolerance: 1e-2 });
    this.#classes = classes;
  }

  override fit(x: Matrix, y: Int32Array, weights?: Float64Array): void {
    // Nothing of the fit before: what a fit gives depends on its rows alone.
    this.state = { seen: [], cols: 0, coefficients: new Float64Array(0) };
    this.begun = x.rows >= MANY && this.#begin(x, y, weights ?? new Float64Array(x.rows).fill(1));
    super.fit(x, y, weights);
  }

  #begin(x: Matrix, y: Int32Array, weights: Float64Array): boolean {
    const heavy = (OF * weights.reduce((sum, weight) => sum + weight, 0)) / x.rows;
    const rows: number[] = [];
    const seen = new Set<number>();
    for (let i = 0; i < x.rows; i++) {
      if (i % OF !== 0 && weights[i] < heavy) continue;
      rows.push(i);
      if (weights[i] > 0) seen.add(y[i]);
    }
    if (seen.size < this.#classes) return false; // a class so rare that none of it is among them
    this.#some.fit(
      takeRows(x, rows),
      Int32Array.from(rows, (i) => y[i]),
      Float64Array.from(rows, (i) => (weights[i] < heavy ? OF * weights[i] : weights[i])),
    );
    this.state = this.#some.state;
    return true;
  }
}
