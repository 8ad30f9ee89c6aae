/** How much of a score is luck: its spread over draws of rows and folds, beside its spread over sets. */
import { openLearner } from "../../sdk/classifiers.ts";
import { Cpu } from "../../sdk/engine/module.ts";
import { matrix } from "../../sdk/matrix.ts";
import { type MetricName, openMetric } from "../../sdk/metrics.ts";
import { Random } from "../../sdk/random.ts";
import { cpuRanker } from "../../sdk/ranking.ts";
import { type LabelledSet, openScorer } from "../../sdk/score.ts";
import { linear } from "../problems.ts";

const [ROWS, COLUMNS, SET] = [100_000, 10, 64];
const [SETS, DRAWS] = [8, 8];
const LIMITS = [1000, 3000, 10_000, 30_000];

export interface Luck {
  metric: string;
  scoreRows: number;
  /** Standard error of one set's score, the mean over sets. */
  error: number;
  /** Standard deviation of the sets' mean scores. */
  spread: number;
  /** One set's score takes so long. */
  ms: number;
}

/** For tables of which about one row in seventeen is positive, and sets that are real rows, more or less disturbed. */
export async function luck(metrics: readonly MetricName[]): Promise<Luck[]> {
  const { x, y } = linear(ROWS, COLUMNS, 7);
  const cpu = await Cpu.open();
  const random = new Random(3);
  const sets = Array.from({ length: SETS }, (_, i) => disturbed(x.data, y, i / SETS, random));
  const found: Luck[] = [];
  for (const name of metrics) {
    for (const scoreRows of LIMITS) {
      const learner = openLearner("logistic", 2, cpu, { warmStart: true });
      const metric = openMetric(name, 2, cpuRanker(cpu));
      const problem = { x, y, classes: 2, learner, metric, weight: 1 };
      const scorer = openScorer(problem, { objective: "augmented", innerFolds: 3, rows: SET, scoreRows });
      const scores: number[][] = sets.map(() => []);
      const started = performance.now();
      for (let draw = 0; draw < DRAWS; draw++) {
        scorer.draw(random);
        for (const [i, set] of sets.entries()) scores[i].push(await scorer.score(set));
      }
      const ms = (performance.now() - started) / (SETS * DRAWS);
      const error = Math.sqrt(mean(scores.map((list) => deviation(list) ** 2)));
      found.push({ metric: name, scoreRows, error, spread: deviation(scores.map(mean)), ms });
    }
  }
  return found;
}

/** Half positives, half negatives, with so much noise that their labels say less. */
function disturbed(data: Float32Array, y: Int32Array, noise: number, random: Random): LabelledSet {
  const x = matrix(SET, COLUMNS);
  const labels = new Int32Array(SET);
  for (let i = 0; i < SET; i++) {
    labels[i] = i % 2;
    let row = random.integer(ROWS);
    while (y[row] !== labels[i]) row = random.integer(ROWS);
    for (let j = 0; j < COLUMNS; j++)
      x.data[i * COLUMNS + j] = data[row * COLUMNS + j] + 4 * noise * (random.uniform() - 0.5);
  }
  return { x, y: labels };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const m = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - m) ** 2, 0) / (values.length - 1));
}
