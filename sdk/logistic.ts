import type { Learner } from "./classifiers.ts";
import type { Cpu } from "./engine/module.ts";
import { inputError } from "./errors.ts";
import { checkMatrix, checkRoom, classWeights } from "./examples.ts";
import type { Matrix } from "./matrix.ts";

export interface LogisticOptions {
  /** Inverse strength of the penalty (scikit-learn's convention); default 1. */
  C?: number;
  /**
   * Start from the previous fit's coefficients: the same optimum within `tolerance`, sooner; "near" where they are close
   * to it. Default false.
   */
  warmStart?: boolean | "near";
  /**
   * Where to stop: the norm of the gradient, each component in units of the square root of its curvature, i.e. the
   * distance to the optimum in standard errors. Default 1e-6, far below what moves a metric.
   */
  tolerance?: number;
}

/** The last fit: the classes seen, the columns, and {@link Logistic.coefficients}. */
export interface LogisticState {
  seen: number[];
  cols: number;
  coefficients: Float64Array;
}

/**
 * Logistic regression: minimises ½‖w‖² + C · Σ weight · logloss, intercepts free; for more than two classes
 * the multinomial model with one logit a class, as scikit-learn's `LogisticRegression`.
 *
 * Non-finite values count as finite ones (NaN as 0, ±∞ as the largest f32), so that probabilities are never NaN.
 * A class without weight in `y` gets probability 0; a single class gets 1.
 */
export class Logistic implements Learner {
  readonly #cpu: Cpu;
  readonly #classes: number;
  readonly #c: number;
  readonly #warmStart: boolean | "near";
  readonly #tolerance: number;
  #seen: number[] = [];
  #cols = 0;
  #coefficients = new Float64Array(0);

  constructor(
    classes: number,
    cpu: Cpu,
    { C = 1, warmStart = false, tolerance = 1e-6 }: LogisticOptions = {},
  ) {
    if (!(C > 0 && C < Number.POSITIVE_INFINITY)) throw inputError(`C is ${C}.`, "Give a number above 0.");
    if (!(tolerance > 0)) throw inputError(`tolerance is ${tolerance}.`, "Give a number above 0.");
    this.#cpu = cpu;
    this.#classes = classes;
    this.#c = C;
    this.#warmStart = warmStart;
    this.#tolerance = tolerance;
  }

  /** Where a warm start begins; set it to go on from there. */
  get state(): LogisticState {
    return { seen: this.#seen, cols: this.#cols, coefficients: this.coefficients() };
  }
  set state({ seen, cols, coefficients }: LogisticState) {
    this.#seen = seen;
    this.#cols = cols;
    this.#coefficients = coefficients.slice();
  }

  fit(x: Matrix, y: Int32Array, weights?: Float64Array): void {
    const totals = classWeights(x, y, this.#classes, weights);
    checkRoom(x, this.#classes);
    const seen: number[] = [];
    const place = new Int32Array(this.#classes); // class → its place among those seen
    for (let k = 0; k < this.#classes; k++) {
      place[k] = seen.length;
      if (totals[k] > 0) seen.push(k);
    }
    const outputs = seen.length === 2 ? 1 : seen.length;
    const warm = this.#warmStart && this.#cols === x.cols && seen.join() === this.#seen.join();
    if (!warm) this.#coefficients = new Float64Array(seen.length === 1 ? 0 : outputs * (x.cols + 1));
    this.#seen = seen;
    this.#cols = x.cols;
    if (seen.length > 1) this.#minimise(x, y, weights, place, warm);
  }

  #minimise(
    x: Matrix,
    y: Int32Array,
    weights: Float64Array | undefined,
    place: Int32Array,
    warm: boolean,
  ): void {
    const cpu = this.#cpu;
    const { rows, cols } = x;
    const coefficients = this.#coefficients;
    const start = cpu.mark();
    try {
      const atCoefficients = cpu.alloc(coefficients.length * 8);
      const atS = cpu.alloc(rows * 8);
      const atX = cpu.alloc(rows * cols * 4);
      const atY = cpu.alloc(rows * 4);
      const scratch = cpu.alloc(cpu.exports.logistic_bytes(rows, cols, this.#seen.length) >>> 0);
      cpu.f32(atX, rows * cols).set(x.data);
      const s = cpu.f64(atS, rows);
      const labels = cpu.i32(atY, rows);
      for (let i = 0; i < rows; i++) {
        const weight = weights ? weights[i] : 1;
        s[i] = this.#c * weight;
        labels[i] = weight > 0 ? place[y[i]] : 0;
      }
      const result = cpu.f64(atCoefficients, coefficients.length);
      if (warm) result.set(coefficients);
      cpu.exports.logistic_fit(
        atX,
        atY,
        atS,
        rows,
        cols,
        this.#seen.length,
        this.#tolerance,
        warm ? (this.#warmStart === "near" ? 2 : 1) : 0,
        atCoefficients,
        scratch,
      );
      coefficients.set(result);
    } finally {
      cpu.reset(start);
    }
  }

  predictProba(x: Matrix): Float64Array {
    checkMatrix(x);
    const seen = this.#seen;
    if (seen.length === 0) throw inputError("predictProba was called before fit.", "Call fit first.");
    if (x.cols !== this.#cols) {
      throw inputError(`The classifier was fitted on ${this.#cols} columns; ${x.cols} came.`);
    }
    if (seen.length === this.#classes && seen.length > 1) return this.#predict(x);
    const out = new Float64Array(x.rows * this.#classes);
    const some = seen.length === 1 ? new Float64Array(x.rows).fill(1) : this.#predict(x);
    for (let i = 0; i < x.rows; i++) {
      for (let k = 0; k < seen.length; k++) out[i * this.#classes + seen[k]] = some[i * seen.length + k];
    }
    return out;
  }

  /** Probabilities of the classes seen, row-major. */
  #predict(x: Matrix): Float64Array {
    const cpu = this.#cpu;
    const { rows, cols } = x;
    const length = rows * this.#seen.length;
    const start = cpu.mark();
    try {
      const p = cpu.alloc(length * 8);
      const atCoefficients = cpu.alloc(this.#coefficients.length * 8);
      const atX = cpu.alloc(rows * cols * 4);
      cpu.f32(atX, rows * cols).set(x.data);
      cpu.f64(atCoefficients, this.#coefficients.length).set(this.#coefficients);
      cpu.exports.logistic_predict(atX, atCoefficients, rows, cols, this.#seen.length, p);
      return cpu.f64(p, length).slice();
    } finally {
      cpu.reset(start);
    }
  }

  /**
   * The last fit's coefficients, row-major (outputs, cols + 1), the intercept last. Two classes seen: one row, for the
   * higher class; more: one row a class seen, in their order; one: none.
   */
  coefficients(): Float64Array {
    return this.#coefficients.slice();
  }
}
