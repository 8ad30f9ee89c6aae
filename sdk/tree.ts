import type { Learner } from "./classifiers.ts";
import type { Cpu, ExtraExports } from "./engine/module.ts";
import { inputError } from "./errors.ts";
import { checkMatrix, checkRoom, classWeights } from "./examples.ts";
import type { Matrix } from "./matrix.ts";

export type Criterion = "gini" | "entropy";

/** A decision tree in flat arrays, one entry a node, in pre-order; node 0 is the root. */
export interface Tree {
  readonly classes: number;
  readonly criterion: Criterion;
  /** The column that splits the node, −1 at a leaf. */
  readonly feature: Int32Array;
  /** Rows with a value ≤ threshold go left; 0 at a leaf. */
  readonly threshold: Float64Array;
  /** Children, −1 at a leaf. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** Gini 1 − Σ p², or entropy −Σ p log₂ p. */
  readonly impurity: Float64Array;
  /** Rows of positive weight. */
  readonly samples: Int32Array;
  /** Weight of each class, row-major (nodes, classes). */
  readonly value: Float64Array;
}

export interface TreeOptions {
  /** What a split lowers; default "gini". */
  criterion?: Criterion;
  /** Splits from the root to a leaf at most; default 4, Infinity for no bound. */
  maxDepth?: number;
  /** Rows of positive weight that a leaf has at least; default 1. */
  minLeaf?: number;
}

/** A single fit's own. */
export interface FitOptions extends TreeOptions {
  weights?: Float64Array;
  /** Columns that a node looks at, drawn anew for each; default all. A node goes on until one of them splits it. */
  tries?: number;
  /** Seed of those draws: a whole number of 32 bits. */
  seed?: number;
}

/**
 * Fits a CART (Breiman et al. 1984) with exact splits, as scikit-learn's `DecisionTreeClassifier`: thresholds are
 * midpoints, the split with the lowest weighted impurity wins, of equals the one with the lowest feature, then
 * threshold. Non-finite values count as finite ones (NaN as 0, ±∞ as the largest f32).
 * @param y class indices 0 … classes − 1, one a row of `x`.
 * @throws MakeitError `input` where sizes disagree or a label, weight or option is out of range.
 */
export function fitTree(
  cpu: Cpu<ExtraExports>,
  x: Matrix,
  y: Int32Array,
  classes: number,
  options: FitOptions = {},
): Tree {
  return fitTrees(cpu, x, y, classes, 1, () => options, options)[0];
}

/** Numbers of which a sorted copy is kept while trees grow, at most: 256 MiB. */
const SORTED = 2 ** 25;

/**
 * Fits `count` trees on the same rows, each with weights and draws of its own: `fitTree` for a forest, which sorts the rows
 * but once.
 */
export function fitTrees(
  cpu: Cpu<ExtraExports>,
  x: Matrix,
  y: Int32Array,
  classes: number,
  count: number,
  own: (tree: number) => Pick<FitOptions, "weights" | "seed">,
  { tries = x.cols, ...options }: Omit<FitOptions, "weights" | "seed">,
): Tree[] {
  const { criterion, maxDepth, minLeaf } = checkOptions(options);
  classWeights(x, y, classes);
  checkRoom(x, classes);
  const { rows, cols } = x;
  if (rows > 2 ** (32 - Math.ceil(Math.log2(classes)))) {
    throw inputError(`A tree over ${rows} rows and ${classes} classes is too large.`, "Sample the rows.");
  }
  const depth = Math.min(maxDepth, rows);
  const leaves = Math.min(2 ** depth, Math.max(1, Math.floor(rows / minLeaf)));
  const capacity = 2 * leaves - 1;
  const start = cpu.mark();
  try {
    const nodes = cpu.alloc(capacity * (8 * (2 + classes) + 16));
    const atW = cpu.alloc(rows * 8);
    const atX = cpu.alloc(rows * cols * 4);
    const atY = cpu.alloc(rows * 4);
    const scratch = cpu.alloc(cpu.exports.tree_bytes(rows, cols, classes, depth) >>> 0);
    const sorted = count > 1 && rows * cols <= SORTED ? cpu.alloc(rows * (cols || 1) * 8) : 0;
    cpu.f32(atX, rows * cols).set(x.data);
    cpu.i32(atY, rows).set(y);
    return Array.from({ length: count }, (_, tree) => {
      const { weights, seed = 0 } = own(tree);
      classWeights(x, y, classes, weights);
      if (weights) cpu.f64(atW, rows).set(weights);
      const grown = cpu.exports.tree_fit(
        tree && sorted ? 0 : atX,
        atY,
        weights ? atW : 0,
        rows,
        cols,
        classes,
        criterion === "entropy" ? 1 : 0,
        depth,
        Math.min(minLeaf, rows),
        nodes,
        capacity,
        scratch,
        tries,
        seed,
        sorted,
      );
      return { classes, criterion, ...readNodes(cpu, nodes, capacity, grown, classes) };
    });
  } finally {
    cpu.reset(start);
  }
}

function checkOptions({ criterion = "gini", maxDepth = 4, minLeaf = 1 }: TreeOptions): Required<TreeOptions> {
  if (criterion !== "gini" && criterion !== "entropy") {
    throw inputError(`The criterion is "${criterion}".`, 'Give "gini" or "entropy".');
  }
  if (!(maxDepth >= 0 && (Number.isInteger(maxDepth) || maxDepth === Number.POSITIVE_INFINITY))) {
    throw inputError(`maxDepth is ${maxDepth}.`, "Give a whole number from 0, or Infinity.");
  }
  if (!(minLeaf >= 1 && Number.isInteger(minLeaf))) {
    throw inputError(`minLeaf is ${minLeaf}.`, "Give a whole number from 1.");
  }
  return { criterion, maxDepth, minLeaf };
}

/** Copies the first `count` of `capacity` nodes out of the engine; the layout is `tree_fit`'s. */
function readNodes(cpu: Cpu<ExtraExports>, nodes: number, capacity: number, count: number, classes: number) {
  const doubles = (from: number, length: number) => cpu.f64(nodes + from * capacity * 8, length).slice();
  const ints = (from: number) => cpu.i32(nodes + ((2 + classes) * 8 + from * 4) * capacity, count).slice();
  return {
    threshold: doubles(0, count),
    impurity: doubles(1, count),
    value: doubles(2, count * classes),
    feature: ints(0),
    left: ints(1),
    right: ints(2),
    samples: ints(3),
  };
}

/** The leaf that each row falls into. */
export function treeLeaves(tree: Tree, x: Matrix): Int32Array<ArrayBuffer> {
  checkMatrix(x);
  const { feature, threshold, left, right } = tree;
  const leaves = new Int32Array(x.rows);
  for (let i = 0; i < x.rows; i++) {
    let node = 0;
    while (feature[node] >= 0) {
      const value = x.data[i * x.cols + feature[node]] || 0; // NaN counts as 0, as in the fit
      node = value <= threshold[node] ? left[node] : right[node];
    }
    leaves[i] = node;
  }
  return leaves;
}

/** Class probabilities, row-major (rows, classes): the shares of weight in each row's leaf. */
export function predictTree(tree: Tree, x: Matrix): Float64Array<ArrayBuffer> {
  const out = new Float64Array(x.rows * tree.classes);
  addShares(tree, x, 1, out);
  return out;
}

/** Adds a tree's class probabilities, divided by `count`, to those of other trees. */
export function addShares(tree: Tree, x: Matrix, count: number, out: Float64Array): void {
  const { classes, value } = tree;
  const shares = value.map((weight, i) => weight / nodeWeight(tree, Math.floor(i / classes)) / count);
  const leaves = treeLeaves(tree, x);
  for (let row = 0; row < x.rows; row++) {
    for (let k = 0; k < classes; k++) out[row * classes + k] += shares[leaves[row] * classes + k];
  }
}

function nodeWeight({ value, classes }: Tree, node: number): number {
  let total = 0;
  for (let k = 0; k < classes; k++) total += value[node * classes + k];
  return total;
}

/**
 * Impurity importances: per column the decrease of weight · impurity over its splits, as shares that sum to 1
 * (all 0 when nothing was split).
 */
export function treeImportances(tree: Tree, cols: number): Float64Array<ArrayBuffer> {
  const importances = new Float64Array(cols);
  const { feature, left, right, impurity } = tree;
  const cost = (node: number) => nodeWeight(tree, node) * impurity[node];
  for (let node = 0; node < feature.length; node++) {
    if (feature[node] >= 0) importances[feature[node]] += cost(node) - cost(left[node]) - cost(right[node]);
  }
  const total = importances.reduce((a, b) => a + b, 0);
  return total > 0 ? importances.map((v) => v / total) : importances;
}

/** One condition of a path: value ≤ threshold where `below`, else value > threshold. */
export interface PathStep {
  feature: number;
  threshold: number;
  below: boolean;
}

/** Every leaf with the conditions that lead to it from the root, in pre-order. */
export function leafPaths(tree: Tree): { leaf: number; path: PathStep[] }[] {
  const { feature, threshold, left, right } = tree;
  const found: { leaf: number; path: PathStep[] }[] = [];
  const visit = (node: number, path: PathStep[]): void => {
    if (feature[node] < 0) {
      found.push({ leaf: node, path });
      return;
    }
    const step = { feature: feature[node], threshold: threshold[node] };
    visit(left[node], [...path, { ...step, below: true }]);
    visit(right[node], [...path, { ...step, below: false }]);
  };
  visit(0, []);
  return found;
}

/** The tree as a classifier. A class without weight in `y` gets probability 0. */
export class TreeLearner implements Learner {
  readonly #cpu: Cpu<ExtraExports>;
  readonly #classes: number;
  readonly #options: TreeOptions;
  #tree: Tree | undefined;
  #cols = 0;

  constructor(classes: number, cpu: Cpu<ExtraExports>, { criterion, maxDepth, minLeaf }: TreeOptions = {}) {
    this.#cpu = cpu;
    this.#classes = classes;
    this.#options = checkOptions({ criterion, maxDepth, minLeaf });
  }

  fit(x: Matrix, y: Int32Array, weights?: Float64Array): void {
    this.#tree = fitTree(this.#cpu, x, y, this.#classes, { ...this.#options, weights });
    this.#cols = x.cols;
  }

  predictProba(x: Matrix): Float64Array {
    if (x.cols !== this.#cols && this.#tree) {
      throw inputError(`The classifier was fitted on ${this.#cols} columns; ${x.cols} came.`);
    }
    return predictTree(this.tree(), x);
  }

  /** The last fit's tree. */
  tree(): Tree {
    if (this.#tree) return this.#tree;
    throw inputError("The tree was asked for before fit.", "Call fit first.");
  }
}
