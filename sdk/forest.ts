import type { Learner } from "./classifiers.ts";
import type { Cpu, ExtraExports } from "./engine/module.ts";
import { inputError } from "./errors.ts";
import type { Matrix } from "./matrix.ts";
import { derive, Random } from "./random.ts";
import { addShares, fitTrees, type Tree, type TreeOptions } from "./tree.ts";

export interface ForestOptions extends TreeOptions {
  /** How many trees; default 25. */
  trees?: number;
}

/** Every fit draws the same bootstrap: sets that are compared differ in themselves, not in their luck ("TREE"). */
const SEED = 0x54524545;

/**
 * A random forest (Breiman 2001): each tree on as many rows drawn with replacement, √columns looked at a node,
 * probabilities averaged. A row's weight counts as often as the row is drawn.
 */
export class ForestLearner implements Learner {
  readonly #cpu: Cpu<ExtraExports>;
  readonly #classes: number;
  readonly #count: number;
  readonly #options: TreeOptions;
  #trees: Tree[] = [];
  #draws: Uint16Array[] = [];

  constructor(classes: number, cpu: Cpu<ExtraExports>, { trees = 25, ...options }: ForestOptions = {}) {
    if (!(Number.isInteger(trees) && trees >= 1)) {
      throw inputError(`A forest of ${trees} trees.`, "Give a whole number from 1.");
    }
    this.#cpu = cpu;
    this.#classes = classes;
    this.#count = trees;
    this.#options = options;
  }

  fit(x: Matrix, y: Int32Array, weights?: Float64Array): void {
    if (this.#draws[0]?.length !== x.rows) this.#draws = bootstrap(x.rows, this.#count);
    const tries = Math.max(1, Math.floor(Math.sqrt(x.cols)));
    const drawn = new Float64Array(x.rows);
    const own = (tree: number) => {
      const times = this.#draws[tree];
      for (let i = 0; i < x.rows; i++) drawn[i] = times[i] * (weights ? weights[i] : 1);
      return { weights: drawn, seed: derive(SEED, tree) };
    };
    this.#trees = fitTrees(this.#cpu, x, y, this.#classes, this.#count, own, { ...this.#options, tries });
  }

  predictProba(x: Matrix): Float64Array {
    if (this.#trees.length === 0) throw inputError("The forest was asked before fit.", "Call fit first.");
    const out = new Float64Array(x.rows * this.#classes);
    for (const tree of this.#trees) addShares(tree, x, this.#count, out);
    return out;
  }
}

/** How often each tree draws each row. */
function bootstrap(rows: number, trees: number): Uint16Array[] {
  return Array.from({ length: trees }, (_, t) => {
    const random = new Random(derive(SEED, t, rows));
    const times = new Uint16Array(rows);
    for (let i = 0; i < rows; i++) times[random.integer(rows)]++;
    return times;
  });
}
