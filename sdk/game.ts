/**
 * The game of the three networks. The critic learns to predict the score of a set; the discriminator learns to tell
 * real rows from generated ones; the generator descends mean((critic(set) − 1)²) + λ · BCE(discriminator(rows), real).
 */
import type { Backend, Step, Tensor } from "./engine/backend.ts";
import type { Cpu } from "./engine/module.ts";
import type { Matrix } from "./matrix.ts";
import {
  adam,
  discriminator,
  flatCritic,
  Generator,
  Network,
  type Pass,
  rmsprop,
  setCritic,
} from "./networks.ts";
import { layerWidths, type Settings } from "./options.ts";
import type { Random } from "./random.ts";
import { Replay } from "./replay.ts";
import type { LabelledSet } from "./score.ts";
import type { GeneratorState, TrainJob } from "./train.ts";

/** The smallest deviation of a noise component: makeit-2023 takes column means for them, which may be 0 or below. */
const MIN_NOISE_SD = 1e-3;
/** The smallest BCE that λ is divided by: a discriminator trained on ones alone comes arbitrarily close to 0. */
const MIN_PENALTY_BCE = 1e-2;
/** Wide rows get a head of this rank where none is asked for: the weights grow with noise · width · rank. */
const DEFAULT_RANK = 64;

export interface Losses {
  critic: number;
  discriminator: number;
  finite: boolean;
}

/** Everything that one split's networks need, allocated and prepared once. */
export class Game {
  readonly #backend: Backend;
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #noise: Noise;
  readonly #generator: Generator;
  readonly #labels: LabelViews;
  readonly #critic: CriticSide;
  readonly #real: RealSide | undefined;
  readonly #penalty: FrozenPenalty | undefined;
  readonly #raw: Float32Array;

  private constructor(backend: Backend, cpu: Cpu, job: TrainJob, rows: number, random: Random) {
    const { settings, x, classes } = job;
    const width = x.cols + classes;
    const shape = {
      sets: settings.batchSize,
      rows,
      width,
      rank: Math.min(width, settings.rank || DEFAULT_RANK),
      noise: settings.noise || width,
    };
    const rate = settings.generatorLearningRate;
    const optimizer =
      settings.generatorOptimizer === "adam" ? adam(rate, settings.generatorBeta1) : rmsprop(rate);
    this.#backend = backend;
    this.#settings = settings;
    this.#random = random;
    this.#generator = new Generator(backend, shape, optimizer, random);
    this.#noise = new Noise(cpu, noiseDeviations(job, shape.noise), shape.sets, random.bits());
    this.#raw = new Float32Array(shape.sets * rows * width);
    this.#labels = new LabelViews(backend, this.#generator, x.cols, classes);
    this.#critic = new CriticSide(backend, settings, this.#generator, this.#labels, random);
    const pulls = settings.lambda > 0 && settings.discriminatorSteps > 0 && settings.frozenEpochs === 0;
    if (pulls) this.#real = new RealSide(backend, cpu, job, this.#generator, this.#labels, random);
    if (settings.frozenEpochs > 0) {
      this.#penalty = new FrozenPenalty(backend, job, this.#generator, this.#labels, random);
    }
  }

  static async open(backend: Backend, cpu: Cpu, job: TrainJob, rows: number, random: Random): Promise<Game> {
    const game = new Game(backend, cpu, job, rows, random);
    game.#penalty?.train(job.settings.frozenEpochs);
    return game;
  }

  /** Draws noise and makes a batch of sets; also asks the critic about them before it learns from them. */
  async generate(): Promise<{ sets: Float32Array[]; predicted: number[] }> {
    const { y, z, shape, forward } = this.#generator;
    this.#backend.write(z, this.#noise.next());
    this.#backend.submit([...forward, ...this.#labels.forward, ...this.#critic.predict.forward]);
    const [, predicted] = await Promise.all([
      this.#backend.read(y, this.#raw),
      this.#backend.read(this.#critic.predict.y),
    ]);
    const length = shape.rows * shape.width;
    const sets = Array.from({ length: shape.sets }, (_, b) => this.#raw.slice(b * length, (b + 1) * length));
    return { sets, predicted: Array.from(predicted) };
  }

  /** What the critic is to predict: the scores, or makeit-2023's scores with their penalty. */
  async targets(scores: number[]): Promise<number[]> {
    return this.#penalty ? this.#penalty.apply(scores, this.#settings.lambda) : scores;
  }

  /** One epoch of learning in one submission. */
  async learn(epoch: number, targets: number[], sets: LabelledSet[]): Promise<Losses> {
    const { generatorLearningRate, evalEvery } = this.#settings;
    // A generator that cannot move has nothing to learn from: this is plain search.
    if (generatorLearningRate === 0) return { critic: 0, discriminator: 0, finite: true };
    const evaluating = evalEvery > 0 && epoch % evalEvery === 0;
    const critic = this.#critic.plan(targets, !evaluating, this.#random);
    const real = this.#real?.plan(sets, this.#random);
    const { backward, parameters } = this.#generator;
    this.#backend.submit([
      ...critic.learn,
      ...(real?.learn ?? []),
      ...critic.pull,
      ...(real?.pull ?? []),
      ...backward,
      ...parameters.update,
    ]);
    const [criticLoss, realLoss] = await Promise.all([
      this.#backend.read(this.#critic.loss),
      this.#real ? this.#backend.read(this.#real.loss) : [0],
    ]);
    const finite = Number.isFinite(criticLoss[0]) && Number.isFinite(realLoss[0]);
    return { critic: criticLoss[0], discriminator: realLoss[0], finite };
  }

  /** The generator as it is now. */
  async snapshot(): Promise<GeneratorState> {
    const { rows, width, rank, noise } = this.#generator.shape;
    return {
      rows,
      width,
      rank,
      noise,
      noiseSd: this.#noise.sd,
      weights: await this.#generator.parameters.read(),
    };
  }
}

/** Gaussian noise, one deviation a component; the same numbers on every engine. */
export class Noise {
  readonly sd: Float32Array;
  readonly #cpu: Cpu;
  readonly #address: number;
  readonly #length: number;
  readonly #seed: number;
  #step = 0;

  constructor(cpu: Cpu, sd: Float32Array, sets: number, seed: number) {
    this.sd = sd;
    this.#cpu = cpu;
    this.#length = sets * sd.length;
    this.#address = cpu.alloc(4 * this.#length);
    this.#seed = seed;
  }

  /** The next (sets, noise) draw; valid until the next call. */
  next(): Float32Array {
    this.#cpu.exports.normal(this.#address, this.#length, 0, 1, this.#seed, 0, this.#step++);
    const z = this.#cpu.f32(this.#address, this.#length);
    for (let i = 0; i < z.length; i++) z[i] *= this.sd[i % this.sd.length];
    return z;
  }
}

function noiseDeviations({ x, y, classes, settings }: TrainJob, noise: number): Float32Array {
  const sd = new Float32Array(noise).fill(settings.noiseSd);
  if (!settings.noiseFromData) return sd;
  const means = new Float64Array(x.cols + classes);
  for (let i = 0; i < x.rows; i++) {
    for (let j = 0; j < x.cols; j++) means[j] += x.data[i * x.cols + j] / x.rows;
    means[x.cols + y[i]] += 1 / x.rows;
  }
  for (let k = 0; k < noise; k++) sd[k] = Math.max(Math.abs(means[k % means.length]), MIN_NOISE_SD);
  return sd;
}

/** The generated rows as the networks see them: features, then a smooth label in place of the logits, or none. */
class LabelViews {
  readonly forward: Step[] = [];
  readonly features: number;
  readonly classes: number;
  readonly #backend: Backend;
  readonly #generator: Generator;
  readonly #views = new Map<number, Tensor>();

  constructor(backend: Backend, generator: Generator, features: number, classes: number) {
    this.#backend = backend;
    this.#generator = generator;
    this.features = features;
    this.classes = classes;
  }

  /** Columns that a visible label takes: one for two classes (tanh), one a class beyond (softmax). */
  get labelWidth(): number {
    return this.classes === 2 ? 1 : this.classes;
  }

  /** (sets · rows, features + labels), filled in by `forward`. */
  view(labels: number): Tensor {
    const known = this.#views.get(labels);
    if (known) return known;
    const call = this.#call(labels);
    const y = this.#backend.alloc(call.rows * (call.features + labels));
    this.forward.push(this.#backend.prepare("soft_label", { x: this.#generator.y, y, ...call }));
    this.#views.set(labels, y);
    return y;
  }

  /** From a view's gradient to the generated rows' gradient, written to `dx`. */
  gradient(labels: number, dy: Tensor, dx: Tensor): Step {
    return this.#backend.prepare("soft_label_grad", { y: this.view(labels), dy, dx, ...this.#call(labels) });
  }

  #call(labels: number) {
    const { sets, rows } = this.#generator.shape;
    return { rows: sets * rows, features: this.features, classes: this.classes, labels };
  }
}

interface Plan {
  /** Steps that train the network itself. */
  learn: readonly Step[];
  /** Steps that add to the generator's gradient. */
  pull: readonly Step[];
}

/** The critic, its memory, and its pull on the generator. */
class CriticSide {
  readonly loss: Tensor;
  /** Predicts the epoch's sets (running statistics, no dropout). */
  readonly predict: Pass;
  readonly #backend: Backend;
  readonly #settings: Settings;
  readonly #network: Network;
  readonly #replay: Replay;
  readonly #setLength: number;
  readonly #rowsPerSet: number;
  readonly #input: Tensor;
  readonly #indices: Tensor[];
  readonly #batches = new Map<string, readonly Step[]>();
  readonly #pulls = new Map<boolean, readonly Step[]>();
  readonly #generator: Generator;
  readonly #labels: LabelViews;
  #whole: Tensor | undefined;

  constructor(
    backend: Backend,
    settings: Settings,
    generator: Generator,
    labels: LabelViews,
    random: Random,
  ) {
    const { rows, width, sets } = generator.shape;
    const perRow = settings.critic === "set";
    this.#rowsPerSet = perRow ? rows : 1;
    const inputs = perRow ? labels.features + labels.labelWidth : rows * width;
    this.#setLength = this.#rowsPerSet * inputs;
    this.#input = perRow ? labels.view(labels.labelWidth) : generator.y;
    const layers = perRow ? setCritic(settings.criticWidth, rows) : flatCritic(settings.criticWidth);
    this.#backend = backend;
    this.#settings = settings;
    this.#generator = generator;
    this.#labels = labels;
    this.#network = new Network(backend, inputs, layers, adam(settings.criticLearningRate), random);
    const capacity = Math.max(settings.replay, sets);
    const source = { sets: this.#input, count: sets, length: this.#setLength };
    this.#replay = new Replay(backend, source, { capacity, policy: settings.replayPolicy }, random);
    this.loss = backend.alloc(1);
    const passOptions = { train: false, gradients: "input", x: this.#input } as const;
    this.predict = this.#network.pass(sets * this.#rowsPerSet, passOptions);
    this.#indices = Array.from({ length: settings.criticSteps }, () =>
      backend.alloc(settings.criticBatch || capacity),
    );
  }

  plan(targets: number[], train: boolean, random: Random): Plan {
    this.#replay.remember(targets);
    // Without a single step the critic knows nothing and must not pull.
    if (this.#settings.criticSteps === 0) return { learn: [this.#replay.store], pull: [this.#clear()] };
    const count = this.#settings.criticBatch || wholeBatch(this.#replay.size, this.#replay.capacity);
    const sampled = this.#settings.criticBatch > 0;
    for (const tensor of this.#indices) {
      const index = new Float32Array(count);
      for (let i = 0; i < count; i++)
        index[i] = sampled ? random.integer(this.#replay.size) : i % this.#replay.size;
      this.#backend.write(tensor, index);
    }
    return { learn: [this.#replay.store, ...this.#batch(count, train)], pull: this.#pull(train) };
  }

  /** The epoch's critic steps on batches of `count` remembered sets. */
  #batch(count: number, train: boolean): readonly Step[] {
    const key = `${count} ${train}`;
    const known = this.#batches.get(key);
    if (known) return known;
    const backend = this.#backend;
    const length = this.#setLength;
    const slots = this.#replay.capacity;
    // The whole memory, once it is full, is read where it lies.
    const inPlace = this.#settings.criticBatch === 0 && count === slots;
    const x = inPlace ? this.#replay.sets : this.#gathered(count);
    const pass = this.#network.pass(count * this.#rowsPerSet, { train, gradients: "parameters", x });
    const target = backend.alloc(count);
    const loss = backend.prepare("mse_grad", {
      y: pass.y,
      target,
      dy: pass.dy,
      loss: this.loss,
      length: count,
      scale: 1,
    });
    const indices = this.#indices.map((index) => backend.view(index, 0, count));
    const steps = indices.flatMap((index) => [
      ...(inPlace
        ? []
        : [backend.prepare("gather", { x: this.#replay.sets, index, y: x, slots, count, length })]),
      backend.prepare("gather", { x: this.#replay.scores, index, y: target, slots, count, length: 1 }),
      ...pass.forward,
      loss,
      ...pass.backward,
      ...this.#network.parameters.update,
    ]);
    this.#batches.set(key, steps);
    return steps;
  }

  /** Room for `count` gathered sets; growing batches of the whole memory share one stretch. */
  #gathered(count: number): Tensor {
    const most = this.#settings.criticBatch || this.#replay.capacity;
    this.#whole ??= this.#backend.alloc(most * this.#setLength);
    return this.#backend.view(this.#whole, 0, count * this.#setLength);
  }

  /** d mean((critic(set) − 1)²) / d set, through the frozen critic, into the generator's gradient. */
  #pull(train: boolean): readonly Step[] {
    const known = this.#pulls.get(train);
    if (known) return known;
    const backend = this.#backend;
    const { sets } = this.#generator.shape;
    const passOptions = { train, gradients: "input", x: this.#input } as const;
    const pass = this.#network.pass(sets * this.#rowsPerSet, passOptions);
    const target = backend.alloc(sets);
    const loss = backend.alloc(1);
    backend.write(target, new Float32Array(sets).fill(1));
    const steps = [
      ...pass.forward,
      backend.prepare("mse_grad", { y: pass.y, target, dy: pass.dy, loss, length: sets, scale: 1 }),
      ...pass.backward,
      this.#settings.critic === "set"
        ? this.#labels.gradient(this.#labels.labelWidth, pass.dx!, this.#generator.dy)
        : this.#copy(pass.dx!, sets),
    ];
    this.#pulls.set(train, steps);
    return steps;
  }

  #copy(from: Tensor, sets: number): Step {
    const index = this.#backend.alloc(sets);
    this.#backend.write(
      index,
      Float32Array.from({ length: sets }, (_, i) => i),
    );
    const call = { slots: sets, count: sets, length: this.#setLength };
    return this.#backend.prepare("gather", { x: from, index, y: this.#generator.dy, ...call });
  }

  #clear(): Step {
    const { dy } = this.#generator;
    return this.#backend.prepare("gather", {
      x: this.#backend.alloc(dy.length),
      index: this.#backend.alloc(1),
      y: dy,
      slots: 1,
      count: 1,
      length: dy.length,
    });
  }
}

/** While the memory fills, its batch grows by doubling, so that few shapes are ever prepared. */
function wholeBatch(size: number, capacity: number): number {
  let count = 1;
  while (count < size) count *= 2;
  return Math.min(count, capacity);
}

/** The discriminator, trained online on this split's real rows, and its pull (λ) on the generator. */
class RealSide {
  readonly loss: Tensor;
  readonly #backend: Backend;
  readonly #byClass: number[][];
  readonly #steps: { real: Tensor; generated: Tensor }[];
  readonly #noise: Noise;
  readonly #noiseTensor: Tensor;
  readonly #batch: number;
  readonly #rows: number;
  readonly #plan: Plan;

  constructor(
    backend: Backend,
    cpu: Cpu,
    { x, y, classes, settings }: TrainJob,
    generator: Generator,
    labels: LabelViews,
    random: Random,
  ) {
    const labelWidth = settings.conditional ? labels.labelWidth : 0;
    const width = x.cols + labelWidth;
    const total = generator.shape.sets * generator.shape.rows;
    // Whole 64s, so that the generated half of the batch starts where a view may.
    const batch = Math.ceil(Math.min(settings.discriminatorBatch, total) / 64) * 64;
    const layers = discriminator(layerWidths(settings.discriminatorWidths));
    const network = new Network(backend, width, layers, adam(settings.discriminatorLearningRate), random);
    const pass = network.pass(2 * batch, { train: true, gradients: "parameters" });
    const real = backend.view(pass.x, 0, batch * width);
    const generated = backend.view(pass.x, batch * width, batch * width);
    const table = backend.alloc(x.rows * width);
    backend.write(table, labelledRows(x, y, classes, labelWidth));
    const target = backend.alloc(2 * batch);
    backend.write(target, new Float32Array(2 * batch).fill(settings.realLabel, 0, batch));
    const view = labels.view(labelWidth);

    this.loss = backend.alloc(1);
    this.#backend = backend;
    this.#batch = batch;
    this.#rows = total;
    this.#byClass = Array.from({ length: classes }, (_, c) => Array.from(y.keys()).filter((i) => y[i] === c));
    this.#noise = new Noise(
      cpu,
      noiseOnFeatures(x.cols, labelWidth, settings.realNoise),
      batch,
      random.bits(),
    );
    this.#noiseTensor = backend.alloc(batch * width);
    this.#steps = Array.from({ length: settings.discriminatorSteps }, () => ({
      real: backend.alloc(batch),
      generated: backend.alloc(batch),
    }));
    const call = { count: batch, length: width };
    const learn = this.#steps.flatMap((index) => [
      backend.prepare("gather", { x: table, index: index.real, y: real, slots: x.rows, ...call }),
      backend.prepare("add", { x: this.#noiseTensor, y: real, length: batch * width, scale: 1 }),
      backend.prepare("gather", { x: view, index: index.generated, y: generated, slots: total, ...call }),
      ...pass.forward,
      backend.prepare("bce_grad", {
        z: pass.y,
        target,
        dz: pass.dy,
        loss: this.loss,
        length: 2 * batch,
        scale: 1,
      }),
      ...pass.backward,
      ...network.parameters.update,
    ]);

    const through = network.pass(total, { train: true, gradients: "input", x: view });
    const ones = backend.alloc(total);
    backend.write(ones, new Float32Array(total).fill(1));
    const [loss, dRows] = [backend.alloc(1), backend.alloc(generator.dy.length)];
    const scale = settings.lambda;
    const pull = [
      ...through.forward,
      backend.prepare("bce_grad", { z: through.y, target: ones, dz: through.dy, loss, length: total, scale }),
      ...through.backward,
      labels.gradient(labelWidth, through.dx!, dRows),
      backend.prepare("add", { x: dRows, y: generator.dy, length: dRows.length, scale: 1 }),
    ];
    this.#plan = { learn, pull };
  }

  plan(sets: LabelledSet[], random: Random): Plan {
    const rowsPerSet = this.#rows / sets.length;
    const [real, generated] = [new Float32Array(this.#batch), new Float32Array(this.#batch)];
    for (const step of this.#steps) {
      for (let i = 0; i < this.#batch; i++) {
        const row = random.integer(this.#rows);
        // A real row of the generated row's class: both halves have the same class proportions.
        const peers = this.#byClass[sets[Math.floor(row / rowsPerSet)].y[row % rowsPerSet]];
        generated[i] = row;
        real[i] = peers[random.integer(peers.length)];
      }
      this.#backend.write(step.real, real);
      this.#backend.write(step.generated, generated);
    }
    this.#backend.write(this.#noiseTensor, this.#noise.next());
    return this.#plan;
  }
}

function noiseOnFeatures(features: number, labels: number, sd: number): Float32Array {
  return new Float32Array(features + labels).fill(sd, 0, features);
}

/** Real rows with their label as the generated rows carry it: ±1 for two classes, one-hot beyond. */
function labelledRows(x: Matrix, y: Int32Array, classes: number, labels: number): Float32Array {
  const width = x.cols + labels;
  const out = new Float32Array(x.rows * width);
  for (let i = 0; i < x.rows; i++) {
    out.set(x.data.subarray(i * x.cols, (i + 1) * x.cols), i * width);
    if (labels > 0 && classes === 2) out[i * width + x.cols] = y[i] === 1 ? 1 : -1;
    else if (labels > 0) out[i * width + x.cols + y[i]] = 1;
  }
  return out;
}

/** makeit-2023: a discriminator trained on real rows alone, frozen, whose loss on a set adjusts the set's score. */
class FrozenPenalty {
  readonly #backend: Backend;
  readonly #learn: readonly Step[];
  readonly #apply: readonly Step[];
  readonly #losses: Tensor[];

  constructor(
    backend: Backend,
    { x, settings }: TrainJob,
    generator: Generator,
    labels: LabelViews,
    random: Random,
  ) {
    const { sets, rows } = generator.shape;
    const layers = discriminator(layerWidths(settings.discriminatorWidths));
    const network = new Network(backend, x.cols, layers, adam(settings.discriminatorLearningRate), random);
    const table = backend.alloc(x.rows * x.cols);
    backend.write(table, x.data);
    const pass = network.pass(x.rows, { train: true, gradients: "parameters", x: table });
    const ones = (length: number) => {
      const tensor = backend.alloc(length);
      backend.write(tensor, new Float32Array(length).fill(1));
      return tensor;
    };
    const scratch = backend.alloc(1);
    const realLoss = { target: ones(x.rows), loss: scratch, length: x.rows, scale: 1 };
    this.#backend = backend;
    this.#learn = [
      ...pass.forward,
      backend.prepare("bce_grad", { z: pass.y, dz: pass.dy, ...realLoss }),
      ...pass.backward,
      ...network.parameters.update,
    ];
    const through = network.pass(sets * rows, { train: true, gradients: "parameters", x: labels.view(0) });
    const [z, dz, target] = [backend.alloc(rows), backend.alloc(rows), ones(rows)];
    this.#losses = Array.from({ length: sets }, () => backend.alloc(1));
    this.#apply = [
      ...through.forward,
      ...this.#losses.flatMap((loss, b) => {
        const index = backend.alloc(1);
        backend.write(index, new Float32Array([b]));
        return [
          backend.prepare("gather", { x: through.y, index, y: z, slots: sets, count: 1, length: rows }),
          backend.prepare("bce_grad", { z, target, dz, loss, length: rows, scale: 1 }),
        ];
      }),
    ];
  }

  train(epochs: number): void {
    for (let epoch = 0; epoch < epochs; epoch++) this.#backend.submit(this.#learn);
  }

  /** score + λ / BCE(frozen discriminator, ones), the divisor kept away from 0. */
  async apply(scores: number[], lambda: number): Promise<number[]> {
    this.#backend.submit(this.#apply);
    const losses = await Promise.all(this.#losses.map((loss) => this.#backend.read(loss)));
    return scores.map((score, b) => score + lambda / Math.max(losses[b][0], MIN_PENALTY_BCE));
  }
}
