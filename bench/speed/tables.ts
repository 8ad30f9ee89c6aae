/** Classifiers, rankings and images: the works, and Makeit's way to do them. */
import { type Learner, openLearner } from "../../sdk/classifiers.ts";
import { Cpu } from "../../sdk/engine/module.ts";
import { type Picture, unfurl } from "../../sdk/image.ts";
import type { Matrix } from "../../sdk/matrix.ts";
import { type Metric, openMetric } from "../../sdk/metrics.ts";
import { Random } from "../../sdk/random.ts";
import { cpuRanker } from "../../sdk/ranking.ts";
import { fitTree, predictTree } from "../../sdk/tree.ts";
import { diagonal, linear } from "../problems.ts";
import { type Library, sample, type Task } from "./task.ts";

/** Fits, rankings and images a step: the sets of an epoch, a few pictures. */
const SETS = 16;
const RANKED = 1870;
const PICTURES = 64;
export const PICTURE = { width: 64, height: 64 };
export const ROW = { width: 16, height: 16 };

export const works: Library = {
  logistic: async () => fitting(openLearner("logistic", 2, await Cpu.open())),
  ranking: async () => ranking(openMetric("roc_auc", 2, cpuRanker(await Cpu.open()))),
  tree: () => ownTree(3353, 8),
  "tree-large": async () => ({ ...(await ownTree(100_000, 30)), outputs: {} }),
  async unfurl() {
    const cpu = await Cpu.openExtra();
    return unfurling((pictures) => pictures.map((picture) => unfurl(cpu, picture, ROW)));
  },
};

export function fitting(learner: Learner): Task {
  const sets = Array.from({ length: SETS }, (_, i) => linear(3353, 8, i + 1));
  const probabilities = sets.map(({ x, y }) => {
    void learner.fit(x, y);
    return sample(learner.predictProba(x) as Float64Array);
  });
  const step = () => {
    for (const { x, y } of sets) void learner.fit(x, y);
  };
  return { outputs: { probabilities: probabilities.flat() }, step };
}

/** One in forty is positive and scores higher; some scores tie. */
export function ranking(metric: Metric): Task {
  const random = new Random(7);
  const sets = Array.from({ length: SETS }, () => {
    const y = Int32Array.from({ length: RANKED }, () => (random.integer(40) === 0 ? 1 : 0));
    const proba = new Float64Array(2 * RANKED);
    y.forEach((label, i) => {
      const score = Math.round((random.uniform() + 0.3 * label) * 1e4) / 1.3e4;
      proba[2 * i] = 1 - score;
      proba[2 * i + 1] = score;
    });
    return { y, proba };
  });
  const step = () => sets.map(({ y, proba }) => metric.compute(y, proba, 2));
  return { outputs: { areas: step() }, step };
}

async function ownTree(rows: number, cols: number): Promise<Task> {
  const cpu = await Cpu.openExtra();
  return growing(rows, cols, (x, y) => {
    const tree = fitTree(cpu, x, y, 2);
    return (x) => {
      const proba = predictTree(tree, x);
      return Array.from({ length: x.rows }, (_, i) => (proba[2 * i + 1] > 0.5 ? 1 : 0));
    };
  });
}

/** Small trees, so many a step: what the large one is compared with. */
export function smallTrees(count: number): Library {
  return {
    async "tree-large"() {
      const { step } = await ownTree(3353, 8);
      const all = () => {
        for (let i = 0; i < count; i++) step();
      };
      return { outputs: {}, step: all };
    },
  };
}

/** Trees of depth 4. All sides must class every row alike. */
export function growing(
  rows: number,
  cols: number,
  grow: (x: Matrix, y: Int32Array) => (x: Matrix) => number[],
): Task {
  const { x, y } = diagonal(rows, cols);
  return { outputs: { classes: sample(grow(x, y)(x)) }, step: () => void grow(x, y) };
}

/** Pictures of random pixels, transparent ones on white. */
export async function unfurling(
  unfurlAll: (pictures: Picture[]) => ArrayLike<number>[] | Promise<ArrayLike<number>[]>,
): Promise<Task> {
  const random = new Random(8);
  const pictures = Array.from({ length: PICTURES }, () => ({
    ...PICTURE,
    data: Uint8Array.from({ length: 4 * PICTURE.width * PICTURE.height }, () => random.integer(256)),
  }));
  const rows = await unfurlAll(pictures);
  // What a step returns would travel to the benchmark: nothing does.
  const step = async () => void (await unfurlAll(pictures));
  return { outputs: { pixels: rows.flatMap((row) => sample(row)) }, step };
}
