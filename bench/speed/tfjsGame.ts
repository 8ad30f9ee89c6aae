/**
 * The same epochs in TensorFlow.js: train.ts, game.ts, critic.ts and discriminator.ts written anew on its operations and
 * optimizers, from the same first parameters and with the same draws. The classifiers, their metric and the random
 * numbers are Makeit's on both sides: what differs is who computes the networks.
 */
import { openLearner } from "../../sdk/classifiers.ts";
import { Cpu } from "../../sdk/engine/module.ts";
import { WasmBackend } from "../../sdk/engine/wasm.ts";
import { openMetric } from "../../sdk/metrics.ts";
import {
  adam,
  Generator,
  type GeneratorShape,
  type Layer,
  Network,
  rowClassifier,
  setCritic,
} from "../../sdk/networks.ts";
import { Noise } from "../../sdk/noise.ts";
import { derive, PURPOSE, Random } from "../../sdk/random.ts";
import { cpuRanker } from "../../sdk/ranking.ts";
import { rowsByClass } from "../../sdk/resampling.ts";
import { type LabelledSet, labelSet, openScorer, type Scorer } from "../../sdk/score.ts";
import { layerWidths, type Settings, sampleCount } from "../../sdk/settings.ts";
import { mean } from "../../sdk/statistics.ts";
import type { TrainHooks, TrainJob } from "../../sdk/train.ts";
import type { Examples } from "../problems.ts";
import { defaultJob, learn, learningJob } from "./epoch.ts";
import { CHECKED, generatorShapes, networkShapes } from "./problem.ts";
import type { Library, Task } from "./task.ts";
import type { Tensor, Tf, Optimizer as TfOptimizer, Variable } from "./tf.ts";
import {
  crossEntropy,
  forward,
  generate,
  meanSquare,
  openOptimizer,
  Products,
  seen,
  variables,
} from "./tfjs.ts";

export function epochs(tf: Tf, hand: boolean, folds?: { scaled: Examples }): Library {
  const products = new Products(tf, hand);
  if (!folds) return { epoch: () => epochTask(products) };
  let seed = 0;
  const start = async (hooks: TrainHooks) => {
    const loop = await Loop.open(products, learningJob(folds.scaled, ++seed));
    for (let epoch = 1; epoch === 1 || !hooks.shouldStop!(); epoch++) {
      const { score } = await loop.epoch();
      void hooks.onEpoch!(epoch, score, score);
    }
  };
  return {
    epoch: () => epochTask(products),
    learn: async () => ({ outputs: {}, step: () => learn(start) }),
  };
}

async function epochTask(products: Products): Promise<Task> {
  const loop = await Loop.open(products, defaultJob());
  const [scores, criticLoss, discriminatorLoss]: number[][] = [[], [], []];
  for (let i = 0; i < CHECKED; i++) {
    const done = await loop.epoch();
    scores.push(done.score);
    criticLoss.push(done.critic);
    discriminatorLoss.push(done.discriminator);
  }
  return { outputs: { scores, criticLoss, discriminatorLoss }, step: async () => void (await loop.epoch()) };
}

/** The training loop: generate, fit and score, learn. */
class Loop {
  readonly #job: TrainJob;
  readonly #rows: number;
  readonly #game: TfGame;
  readonly #scorer: Scorer;
  readonly #folds: Random;
  #epochs = 0;

  private constructor(job: TrainJob, rows: number, game: TfGame, scorer: Scorer) {
    this.#job = job;
    this.#rows = rows;
    this.#game = game;
    this.#scorer = scorer;
    this.#folds = new Random(derive(job.seed, PURPOSE.folds));
  }

  static async open(products: Products, job: TrainJob): Promise<Loop> {
    const { settings, x, y, classes } = job;
    const cpu = await Cpu.open();
    const learner = openLearner(settings.classifier, classes, cpu, { warmStart: true });
    const metric = openMetric(settings.metric, classes, cpuRanker(cpu));
    const rows = sampleCount(settings.samples, x.rows);
    const problem = { x, y, classes, learner, metric, weight: settings.weight };
    const scorer = openScorer(problem, { ...settings, rows });
    const game = await TfGame.open(products, cpu, job, rows);
    return new Loop(job, rows, game, scorer);
  }

  async epoch(): Promise<{ score: number; critic: number; discriminator: number }> {
    const { x, classes, settings } = this.#job;
    const raw = await this.#game.generate();
    if (this.#epochs++ === 0 || settings.freshFolds) this.#scorer.draw(this.#folds);
    const sets = raw.map((set) => labelSet(set, this.#rows, x.cols, classes));
    const scores: number[] = [];
    for (const set of sets) scores.push(await this.#scorer.score(set));
    return { score: mean(scores), ...(await this.#game.learn(scores, sets)) };
  }
}

/** What learns: its variables and their optimizer, and the layers that they belong to. */
interface Learner {
  layers: Layer[];
  w: Record<string, Variable>;
  list: Variable[];
  optimizer: TfOptimizer;
}

/** A discriminator with the real rows that it learns from. */
interface RowLearner extends Learner {
  noise: Noise;
  table: Tensor;
  byClass: number[][];
}

interface Parts {
  shape: GeneratorShape;
  noise: Noise;
  generator: Omit<Learner, "layers">;
  critic: Learner;
  discriminator: RowLearner | undefined;
}

/** Opens what plays, drawing first parameters and seeds in the order in which game.ts does. */
async function openParts(tf: Tf, cpu: Cpu, job: TrainJob, rows: number, random: Random): Promise<Parts> {
  const { settings, x, y, classes } = job;
  const { batchSize: sets, noise: length, realNoise } = settings;
  const backend = await WasmBackend.open();
  const width = x.cols + classes;
  const shape = { sets, rows, width, rank: width, noise: length };
  const learner = async (layers: Layer[], rate: number): Promise<Learner> => {
    const { parameters } = new Network(backend, x.cols + 1, layers, adam(rate), random);
    const w = variables(tf, networkShapes(layers, await parameters.read()));
    return { layers, w, list: Object.values(w), optimizer: openOptimizer(tf, adam(rate)) };
  };
  const teachable = async (): Promise<RowLearner> => {
    const layers = rowClassifier(layerWidths(settings.discriminatorWidths));
    const network = await learner(layers, settings.discriminatorLearningRate);
    const deviations = new Float32Array(x.cols + 1).fill(realNoise, 0, x.cols);
    const noise = new Noise(cpu, deviations, sets * rows, random.bits());
    return { ...network, noise, table: labelledRows(tf, job), byClass: rowsByClass(y, classes) };
  };
  const generator = await openGenerator(tf, backend, shape, settings, random);
  const noise = new Noise(cpu, new Float32Array(length).fill(job.settings.noiseSd), sets, random.bits());
  const critic = await learner(setCritic(settings.criticWidth, rows), settings.criticLearningRate);
  const discriminator = settings.lambda > 0 ? await teachable() : undefined;
  return { shape, noise, generator, critic, discriminator };
}

async function openGenerator(
  tf: Tf,
  backend: WasmBackend,
  shape: GeneratorShape,
  { generatorLearningRate, generatorBeta1 }: Settings,
  random: Random,
): Promise<Parts["generator"]> {
  const rule = adam(generatorLearningRate, generatorBeta1);
  const { parameters } = new Generator(backend, shape, rule, random);
  const w = variables(tf, generatorShapes(shape, await parameters.read()));
  return { w, list: Object.values(w), optimizer: openOptimizer(tf, rule) };
}

/** Generator, set critic with its memory and conditional discriminator, for two classes. */
class TfGame {
  readonly #products: Products;
  readonly #tf: Tf;
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #parts: Parts;
  readonly #scores: Float32Array;
  #memory: Tensor;
  #stored = 0;
  #z: Tensor | undefined;
  #view: Tensor | undefined;

  private constructor(products: Products, settings: Settings, random: Random, parts: Parts) {
    const { tf } = products;
    const { rows, width } = parts.shape;
    const length = rows * (width - 1);
    this.#products = products;
    this.#tf = tf;
    this.#settings = settings;
    this.#random = random;
    this.#parts = parts;
    this.#scores = new Float32Array(settings.replay);
    this.#memory = tf.tensor(new Float32Array(settings.replay * length), [settings.replay, length]);
  }

  static async open(products: Products, cpu: Cpu, job: TrainJob, rows: number): Promise<TfGame> {
    const random = new Random(derive(job.seed, PURPOSE.train));
    const parts = await openParts(products.tf, cpu, job, rows, random);
    return new TfGame(products, job.settings, random, parts);
  }

  /** A batch of sets, and the critic's predictions of their scores, which game.ts reads back too. */
  async generate(): Promise<Float32Array[]> {
    const tf = this.#tf;
    const { shape, noise, generator, critic } = this.#parts;
    const { sets, rows, width } = shape;
    this.#z?.dispose();
    this.#view?.dispose();
    this.#z = tf.tensor(noise.next().slice(), [sets, shape.noise]);
    const [y, view, predicted] = tf.tidy(() => {
      const y = generate(this.#products, shape, generator.w, this.#z!);
      const view = seen(tf, y);
      return [y, view, forward(this.#products, critic.layers, critic.w, view, "frozen")];
    });
    this.#view = view;
    const all = await y.data();
    await predicted.data();
    y.dispose();
    predicted.dispose();
    const length = rows * width;
    return Array.from({ length: sets }, (_, b) => all.slice(b * length, (b + 1) * length));
  }

  async learn(scores: number[], sets: LabelledSet[]): Promise<{ critic: number; discriminator: number }> {
    this.#remember(scores);
    const critic = this.#teachCritic();
    const discriminator = this.#teachDiscriminator(sets);
    this.#teachGenerator();
    return { critic: await last(critic), discriminator: discriminator ? await last(discriminator) : 0 };
  }

  /** First in, first out; the batches fill the memory evenly. */
  #remember(scores: number[]): void {
    const tf = this.#tf;
    const { sets } = this.#parts.shape;
    const [slots, length] = this.#memory.shape;
    const at = this.#stored % slots;
    this.#scores.set(scores, at);
    this.#stored += sets;
    const old = this.#memory;
    this.#memory = tf.tidy(() => {
      const batch = tf.reshape(this.#view!, [sets, length]);
      const [before, after] = [at, slots - at - sets];
      const parts = [
        ...(before > 0 ? [tf.slice(old, [0, 0], [before, length])] : []),
        batch,
        ...(after > 0 ? [tf.slice(old, [at + sets, 0], [after, length])] : []),
      ];
      return tf.concat(parts, 0);
    });
    old.dispose();
  }

  #teachCritic(): Tensor[] {
    const tf = this.#tf;
    const { criticSteps, criticBatch: count } = this.#settings;
    const { rows, width } = this.#parts.shape;
    const { layers, w, list, optimizer } = this.#parts.critic;
    const known = Math.min(this.#stored, this.#scores.length);
    return Array.from({ length: criticSteps }, () => {
      const index = Int32Array.from({ length: count }, () => this.#random.integer(known));
      const scores = Float32Array.from(index, (slot) => this.#scores[slot]);
      return tf.tidy(() => {
        const batch = tf.gather(this.#memory, tf.tensor(Array.from(index), [count], "int32"));
        const x = tf.reshape(batch, [count * rows, width - 1]);
        const target = tf.tensor(scores, [count, 1]);
        const loss = () => meanSquare(tf, forward(this.#products, layers, w, x, "learn"), target);
        return optimizer.minimize(loss, true, list);
      });
    });
  }

  #teachDiscriminator(sets: LabelledSet[]): Tensor[] | undefined {
    const { discriminator, shape } = this.#parts;
    if (!discriminator) return undefined;
    const tf = this.#tf;
    const settings = this.#settings;
    const { layers, w, list, optimizer, table, noise } = discriminator;
    const { rows, width } = shape;
    const batch = sets.length * rows;
    const draws = Array.from({ length: settings.discriminatorSteps }, () =>
      this.#drawRows(sets, discriminator.byClass),
    );
    const shaken = tf.tensor(noise.next().slice(), [batch, width - 1]);
    const goal = new Float32Array(2 * batch).fill(settings.realLabel, 0, batch);
    const target = tf.tensor(goal, [2 * batch, 1]);
    const losses = draws.map(({ real, generated }) =>
      tf.tidy(() => {
        const index = (rows: number[]) => tf.tensor(rows, [batch], "int32");
        const x = tf.concat(
          [tf.add(tf.gather(table, index(real)), shaken), tf.gather(this.#view!, index(generated))],
          0,
        );
        const loss = () => crossEntropy(tf, forward(this.#products, layers, w, x, "learn"), target);
        return optimizer.minimize(loss, true, list);
      }),
    );
    shaken.dispose();
    target.dispose();
    return losses;
  }

  /** Generated rows, and for each a real one of its class. */
  #drawRows(sets: LabelledSet[], byClass: number[][]): { real: number[]; generated: number[] } {
    const { rows } = this.#parts.shape;
    const [real, generated]: number[][] = [[], []];
    for (let i = 0; i < sets.length * rows; i++) {
      const row = this.#random.integer(sets.length * rows);
      const peers = byClass[sets[Math.floor(row / rows)].y[row % rows]];
      generated.push(row);
      real.push(peers[this.#random.integer(peers.length)]);
    }
    return { real, generated };
  }

  #teachGenerator(): void {
    const tf = this.#tf;
    const { shape, generator, critic, discriminator } = this.#parts;
    const { w, list, optimizer } = generator;
    const loss = () => {
      const x = seen(tf, generate(this.#products, shape, w, this.#z!));
      const pull = meanSquare(tf, forward(this.#products, critic.layers, critic.w, x, "frozen"), 1);
      if (!discriminator) return pull;
      const logits = forward(this.#products, discriminator.layers, discriminator.w, x, "frozen");
      return tf.add(pull, tf.mul(crossEntropy(tf, logits, 1), this.#settings.lambda));
    };
    optimizer.minimize(loss, true, list).dispose();
  }
}

/** The last of the losses; all are let go. */
async function last(losses: Tensor[]): Promise<number> {
  const [value] = await losses[losses.length - 1].data();
  for (const loss of losses) loss.dispose();
  return value;
}

/** Real rows with their label as generated rows carry it: −1 or 1. */
function labelledRows(tf: Tf, { x, y }: TrainJob): Tensor {
  const width = x.cols + 1;
  const rows = new Float32Array(x.rows * width);
  for (let i = 0; i < x.rows; i++) {
    rows.set(x.data.subarray(i * x.cols, (i + 1) * x.cols), i * width);
    rows[i * width + x.cols] = 2 * y[i] - 1;
  }
  return tf.tensor(rows, [x.rows, width]);
}
