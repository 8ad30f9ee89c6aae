/** The training loop on small tables: it learns, repeats itself, stops when it should, and takes every parameter. */
import { describe, expect, test } from "vitest";
import { vote } from "../sdk/ballot.ts";
import { openLearner } from "../sdk/classifiers.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { MakeitError } from "../sdk/errors.ts";
import { openMetric } from "../sdk/metrics.ts";
import { adam, Generator } from "../sdk/networks.ts";
import { Noise } from "../sdk/noise.ts";
import { resolveSettings, type Settings } from "../sdk/options.ts";
import { derive, PURPOSE, Random } from "../sdk/random.ts";
import { labelSet, openScorer } from "../sdk/score.ts";
import { ksDistance, mean } from "../sdk/statistics.ts";
import { type TrainHooks, train } from "../sdk/train.ts";
import { Centroids, type Toy, toy } from "./toy.ts";

/** Small networks, and a generator in a hurry. */
const quick: Partial<Settings> = {
  objective: "synthetic",
  metric: "roc_auc",
  samples: "16",
  noise: 8,
  rescore: 0,
  epochs: 30,
  generatorLearningRate: 0.03,
  criticWidth: 32,
  criticSteps: 20,
  criticBatch: 32,
  criticLearningRate: 5e-3,
  discriminatorWidths: "16,16",
  discriminatorBatch: 128,
};

function run(problem: Toy, options: Partial<Settings> = {}, hooks: TrainHooks = {}, seed = 1) {
  return train({ ...problem, settings: resolveSettings({ ...quick, ...options }), seed }, hooks);
}

/** Means of the first three and of the last five epochs' scores. */
function ends(scores: number[]): [number, number] {
  return [mean(scores.slice(0, 3)), mean(scores.slice(-5))];
}

describe("learning", () => {
  test("two classes: the mean ROC-AUC of an epoch's sets rises, whatever the seed", async () => {
    for (const seed of [1, 2, 3]) {
      const { history } = await run(toy(2), {}, {}, seed);
      const [first, last] = ends(history.mean);
      // Seen: .66 → .91, .36 → .89, .62 → .89.
      expect(last).toBeGreaterThan(0.84);
      expect(last - first).toBeGreaterThan(0.2);
      // The critic tells sets apart that it has not seen. Seen: .41 to .50.
      expect(mean(history.criticCorrelation.slice(9))).toBeGreaterThan(0.2);
    }
  });

  test("a generator that does not learn stays where it is", async () => {
    for (const seed of [1, 2, 3]) {
      const { history } = await run(toy(2), { generatorLearningRate: 0 }, {}, seed);
      const [first, last] = ends(history.mean);
      expect(Math.abs(last - first)).toBeLessThan(0.1); // seen: .05 at most
    }
  });

  test("three classes: one-versus-rest ROC-AUC rises", async () => {
    const rises: number[] = [];
    for (const seed of [1, 2, 3]) {
      const [first, last] = ends((await run(toy(3), {}, {}, seed)).history.mean);
      rises.push(last - first);
    }
    expect(mean(rises)).toBeGreaterThan(0.15); // seen: .36, .34, .10
  });

  test("the generator that is kept is the one that made the last epoch's sets", async () => {
    const problem = toy(2);
    const { history, generator: kept } = await run(problem, { epochs: 20 });
    const [backend, cpu] = [await WasmBackend.open(), await Cpu.open()];
    const generator = new Generator(backend, { ...kept, sets: 16 }, adam(0), new Random(0));
    generator.parameters.write(kept.weights);
    const noise = new Noise(cpu, kept.noiseSd, 16, 77);
    const scorer = openScorer(
      { ...problem, learner: openLearner("logistic", 2, cpu), metric: openMetric("roc_auc", 2), weight: 1 },
      { objective: "synthetic", innerFolds: 3, rows: 16 },
    );
    backend.write(generator.z, noise.next());
    backend.submit(generator.forward);
    const y = await backend.read(generator.y);
    const scores: number[] = [];
    for (let b = 0; b < 16; b++) {
      scores.push(await scorer.score(labelSet(y.subarray(b * 64, (b + 1) * 64), 16, 2, 2)));
    }
    // Fresh noise, so not the same number; the first epochs were around .66.
    expect(Math.abs(mean(scores) - history.mean[19])).toBeLessThan(0.05);
    expect(history.mean[19] - Math.min(...history.mean)).toBeGreaterThan(0.2);
  });

  test("λ draws generated rows toward the real ones", async () => {
    const problem = toy(2);
    const sizes = { discriminatorWidths: "32,32", discriminatorBatch: 256, criticSteps: 8 };
    const distance = async (lambda: number, seed: number) => {
      const classifier = new Centroids(2);
      await run(problem, { ...sizes, classifier, lambda, epochs: 60, generatorLearningRate: 0.01 }, {}, seed);
      return meanDistance(problem, classifier.fits.slice(-160)); // the sets of the last ten epochs
    };
    const [free, drawn]: number[][] = [[], []];
    for (const seed of [1, 2, 3]) {
      free.push(await distance(0, seed));
      drawn.push(await distance(10, seed));
    }
    // Seen: .47, .64, .54 and .26, .44, .23.
    expect(mean(drawn)).toBeLessThan(0.75 * mean(free));
  });
});

/** The Kolmogorov–Smirnov distance to the real rows of the same class, mean over classes and columns. */
function meanDistance({ x, y, classes }: Toy, fits: { X: number[][]; y: number[] }[]): number {
  const distances: number[] = [];
  for (let c = 0; c < classes; c++) {
    for (let j = 0; j < x.cols; j++) {
      const real = x.data.filter((_, i) => i % x.cols === j && y[Math.floor(i / x.cols)] === c);
      const made = fits.flatMap((fit) => fit.X.filter((_, i) => fit.y[i] === c).map((row) => row[j]));
      distances.push(ksDistance(made, real));
    }
  }
  return mean(distances);
}

describe("seeds", () => {
  test.each<Partial<Settings>>([
    { lambda: 1 },
    { objective: "augmented", metric: "f1", rescore: 6, rescoreDraws: 2, vote: 4 },
    { critic: "flat", criticBatch: 0, replay: 24, replayPolicy: "random", evalEvery: 3 },
  ])("the same seed gives the same bytes, another one others: %o", async (options) => {
    const settings = { ...options, epochs: 5 };
    const [first, again] = [await run(toy(2), settings, {}, 9), await run(toy(2), settings, {}, 9)];
    expect(again).toEqual(first);
    const other = await run(toy(2), settings, {}, 10);
    expect(other.history.mean).not.toEqual(first.history.mean);
    expect(other.generator.weights.a).not.toEqual(first.generator.weights.a);
  });
});

describe("stopping", () => {
  test("patience: after so many epochs that are no better by minDelta", async () => {
    const { history, stopped } = await run(toy(2), { patience: 3, minDelta: 1 });
    // The first epoch is always better than none.
    expect(stopped).toEqual({ epoch: 4, reason: "patience" });
    expect(history.mean.length).toBe(4);
  });

  test("patience starts again with every better score", async () => {
    const { history, stopped } = await run(toy(2), { metric: "log_loss", patience: 3, minDelta: 1e-3 });
    let since = 0;
    let best = Number.NEGATIVE_INFINITY;
    const expected = history.max.findIndex((max) => {
      since = max > best + 1e-3 ? 0 : since + 1;
      best = Math.max(best, max);
      return since === 3;
    });
    expect(stopped).toEqual({ epoch: expected + 1, reason: "patience" });
    expect(stopped.epoch).toBeGreaterThan(4); // something did get better on the way
  });

  test("an interruption keeps the best so far, as it was scored", async () => {
    let epochs = 0;
    const hooks = { onEpoch: () => void epochs++, shouldStop: () => epochs === 3 };
    const { history, stopped, voted } = await run(toy(2), { rescore: 5, vote: 5 }, hooks);
    expect(stopped).toEqual({ epoch: 3, reason: "interrupted" });
    expect(history.mean.length).toBe(3);
    expect(voted.length).toBe(5);
    expect(voted[0].score).toBe(Math.max(...history.max));
  });

  test("maxSeconds", async () => {
    const started = performance.now();
    const { history, stopped } = await run(toy(2), { maxSeconds: 0.2, epochs: 1e6, patience: 1e6 });
    expect(stopped.reason).toBe("time");
    expect(stopped.epoch).toBe(history.mean.length);
    expect(performance.now() - started).toBeGreaterThanOrEqual(200);
  });

  // Adam and RMSprop bound each step, and the largest rates that are allowed kill ReLUs before anything overflows.
  test("the largest learning rates stay finite", async () => {
    const rates = { criticLearningRate: 10, generatorLearningRate: 10, discriminatorLearningRate: 10 };
    const { history, stopped, generator, voted } = await run(toy(2), { ...rates, lambda: 100 });
    expect(stopped).toEqual({ epoch: 30, reason: "epochs" });
    for (const values of Object.values(history)) expect(values.every(Number.isFinite)).toBe(true);
    for (const weights of Object.values(generator.weights)) expect(weights.every(Number.isFinite)).toBe(true);
    expect(voted[0].score).toBe(history.best[29]);
  });

  /** A metric whose value becomes `value` in the third epoch of 16 sets. */
  const breaking = (value: number) => {
    let calls = 0;
    return () => (++calls > 32 ? value : 0.5);
  };

  test("a loss that overflows: diverged, without that epoch, with the best so far", async () => {
    // Its square is beyond f32.
    const { history, stopped, voted, generator } = await run(toy(2), { metric: breaking(1e25) });
    expect(stopped).toEqual({ epoch: 2, reason: "diverged" });
    for (const values of Object.values(history)) expect(values.map(Number.isFinite)).toEqual([true, true]);
    expect(voted[0].score).toBe(0.5);
    for (const weights of Object.values(generator.weights)) expect(weights.every(Number.isFinite)).toBe(true);
    for (const set of voted) expect(set.x.data.every(Number.isFinite)).toBe(true);
  });

  test("scores that overflow: diverged, without that epoch", async () => {
    const { history, stopped, voted } = await run(toy(2), { metric: breaking(1e308) }); // the mean of two is Infinity
    expect(stopped).toEqual({ epoch: 2, reason: "diverged" });
    expect(history.mean).toEqual([0.5, 0.5]);
    expect(voted[0].score).toBe(0.5);
  });

  test("nothing finite in the first epoch is an error", async () => {
    const failed = run(toy(2), { metric: () => 1e308 });
    await expect(failed).rejects.toThrow(MakeitError);
    await expect(failed).rejects.toMatchObject({ code: "diverged", hint: /learning rates/ });
  });
});

test("hooks hear of every epoch, in order, and are waited for", async () => {
  const heard: number[][] = [];
  let busy = false;
  const onEpoch = async (...epoch: number[]) => {
    expect(busy).toBe(false);
    busy = true;
    await new Promise((resolve) => setTimeout(resolve, 1));
    busy = false;
    heard.push(epoch);
  };
  const { history } = await run(toy(2), { epochs: 4 }, { onEpoch });
  expect(heard).toEqual(history.mean.map((score, e) => [e + 1, score, history.best[e]]));
  expect(history.best).toEqual(history.max.map((_, e) => Math.max(...history.max.slice(0, e + 1))));
  for (const values of Object.values(history)) expect(values.length).toBe(4);
});

describe("parameters", () => {
  test.each(["dragan", "makeit-2023"] as const)("preset %s", async (preset) => {
    const problem = toy(2, 40);
    const settings = resolveSettings({
      preset,
      metric: "roc_auc",
      epochs: 5,
      frozenEpochs: preset === "dragan" ? 0 : 20,
    });
    const { history, stopped, generator, voted } = await train({ ...problem, settings, seed: 1 });
    expect(stopped).toEqual({ epoch: 5, reason: "epochs" });
    expect(generator).toMatchObject({ rows: 71, width: 4, rank: 4, noise: preset === "dragan" ? 512 : 4 });
    expect(voted.length).toBe(1);
    expect(voted[0].score).toBe(Math.max(...history.max));
    expect(history.criticLoss.every(Number.isFinite)).toBe(true);
    if (preset === "dragan") expect(new Set(generator.noiseSd)).toEqual(new Set([Math.fround(0.1)]));
    else {
      const { x, y } = problem;
      const column = (j: number) => mean(x.data.filter((_, i) => i % 2 === j));
      const means = [column(0), column(1), mean(y.map((c) => 1 - c)), mean(y)];
      means.forEach((m, k) => {
        expect(generator.noiseSd[k]).toBeCloseTo(Math.max(Math.abs(m), 1e-3), 6);
      });
    }
  });

  test.each<Partial<Settings>>([
    { critic: "flat", replay: 1 }, // raised to one epoch's sets
    { critic: "flat", replay: 20, criticBatch: 0 },
    { critic: "flat", replay: 1000, criticBatch: 0, replayPolicy: "random" },
    { critic: "set", replay: 20, criticBatch: 0 },
    { critic: "set", replay: 64, criticBatch: 100 },
  ])("the critic learns what it remembers: %o", async (options) => {
    const { history } = await run(toy(2), { ...options, epochs: 12, criticLearningRate: 1e-3 });
    const [first, last] = [mean(history.criticLoss.slice(0, 2)), mean(history.criticLoss.slice(-2))];
    expect(last).toBeLessThan(first);
  });

  test("without critic steps and without λ nothing pulls: the generator stays as it started", async () => {
    const [still, search] = [
      await run(toy(2), { criticSteps: 0, lambda: 0, epochs: 4 }),
      await run(toy(2), { generatorLearningRate: 0, epochs: 4 }),
    ];
    expect(still.generator.weights).toEqual(search.generator.weights);
    expect(still.history.mean).toEqual(search.history.mean);
    expect(still.history.discriminatorLoss).toEqual([0, 0, 0, 0]);
  });

  test("without critic steps λ alone pulls", async () => {
    const { history } = await run(toy(2), { criticSteps: 0, lambda: 1, epochs: 4 });
    const still = await run(toy(2), { criticSteps: 0, lambda: 0, epochs: 4 });
    expect(history.mean[0]).toBe(still.history.mean[0]);
    expect(history.mean.slice(1)).not.toEqual(still.history.mean.slice(1));
    expect(history.discriminatorLoss.every((loss) => loss > 0)).toBe(true);
  });

  test.each<Partial<Settings>>([
    { conditional: false, lambda: 1 },
    { rank: 2, lambda: 1 },
    { rank: 1, generatorOptimizer: "rmsprop" },
    { batchSize: 2, samples: "2" },
    { samples: "0.3x", noise: 1 },
    { discriminatorBatch: 1, discriminatorWidths: "3", lambda: 1 },
    { classifier: "tree" },
    { objective: "augmented", innerFolds: 2, freshFolds: false, weight: 0 },
  ])("%o", async (options) => {
    for (const classes of [2, 3]) {
      const { history, generator, voted } = await run(toy(classes), { ...options, epochs: 4 });
      const { rows, width, rank, noise, weights } = generator;
      expect(width).toBe(2 + classes);
      expect(rank).toBe(options.rank ?? width);
      expect(rows).toBe(options.samples === "0.3x" ? 48 : Number(options.samples ?? 16));
      const lengths = Object.fromEntries(Object.entries(weights).map(([name, part]) => [name, part.length]));
      expect(lengths).toEqual({ a: noise * width * rank, b: width * rank, kernel: rows * rank, bias: rows });
      expect(voted[0].score).toBe(history.best[3]);
      for (const values of Object.values(history)) expect(values.every(Number.isFinite)).toBe(true);
    }
  });

  test("a user's classifier and metric, synchronous or not", async () => {
    const calls: number[] = [];
    const metric = (yTrue: Int32Array, scores: Float64Array) => {
      calls.push(scores.length);
      return scores.reduce((hits, p, i) => hits + Number(p > 0.5 === (yTrue[i] === 1)), 0) / yTrue.length;
    };
    const inner = new Centroids(2);
    const later = {
      fit: async (X: number[][], y: number[]) => inner.fit(X, y),
      predictProba: async (X: number[][]) => inner.predictProba(X),
    };
    const sync = await run(toy(2), { metric, classifier: new Centroids(2), epochs: 3 });
    const async_ = await run(toy(2), { metric, classifier: later, epochs: 3 });
    expect(async_).toEqual(sync);
    expect(new Set(calls)).toEqual(new Set([160])); // P(positive) of every real row
    expect(calls.length).toBe(2 * 3 * 16);
    expect(inner.fits.length).toBe(3 * 16);
    for (const { X, y } of inner.fits) expect([X.length, X[0].length, y.length]).toEqual([16, 2, 16]);
  });
});

describe("the vote", () => {
  test("candidates are scored again on folds of their own, the same for all", async () => {
    const problem = toy(2);
    const options = {
      objective: "augmented",
      metric: "f1",
      select: "f1",
      epochs: 4,
      rescore: 8,
      rescoreDraws: 3,
      vote: 6,
    } as const;
    const { voted, history } = await run(problem, options);
    expect(voted.length).toBe(6);
    // A set that is among the best and among the last is one candidate, with one vote.
    expect(new Set(voted.map((set) => set.x.data.join())).size).toBe(6);
    const cpu = await Cpu.open();
    const learner = openLearner("logistic", 2, cpu, { warmStart: true });
    const scorer = openScorer(
      { ...problem, learner, metric: openMetric("f1", 2), weight: 1 },
      { objective: "augmented", innerFolds: 3, rows: 16 },
    );
    const random = new Random(derive(1, PURPOSE.folds));
    for (let epoch = 0; epoch < 4; epoch++) scorer.draw(random);
    const sums = voted.map(() => 0);
    for (let draw = 0; draw < 3; draw++) {
      scorer.draw(random);
      for (const [i, set] of voted.entries()) sums[i] += await scorer.score(set);
    }
    voted.forEach((set, i) => {
      expect(set.score).toBeCloseTo(sums[i] / 3, 9);
      expect(set.score).toBeLessThanOrEqual(voted[Math.max(0, i - 1)].score);
    });
    // The winner's curse: what was best by luck is not quite as good on new folds.
    expect(mean(voted.map((set) => set.score))).toBeLessThan(history.best[3]);
  });

  test.each(["synthetic", "augmented"] as const)(
    "averages the classifiers' probabilities: %s",
    async (objective) => {
      const problem = toy(3);
      const settings = resolveSettings({ ...quick, objective, epochs: 2, vote: 3, weight: 0.5 });
      const job = { ...problem, settings, seed: 1 };
      const { voted } = await train(job);
      expect(voted.length).toBe(3);
      const learner = openLearner("logistic", 3, await Cpu.open());
      const together = await vote(job, { voted }, learner, problem.x);
      const alone: Float64Array[] = [];
      for (const set of voted) alone.push(await vote(job, { voted: [set] }, learner, problem.x));
      together.forEach((p, i) => {
        expect(p).toBeCloseTo(mean(alone.map((proba) => proba[i])), 10);
      });
      for (let i = 0; i < problem.y.length; i++) {
        expect(together[3 * i] + together[3 * i + 1] + together[3 * i + 2]).toBeCloseTo(1, 10);
      }
      expect(alone[0]).not.toEqual(alone[1]);
    },
  );
});
