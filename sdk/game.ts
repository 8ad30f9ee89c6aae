/**
 * The game of the three networks. The critic learns to predict the score of a set; the discriminator learns to tell
 * real rows from generated ones; the generator descends mean((critic(set) − 1)²) + λ · BCE(discriminator(rows), real).
 */
import { Critic, type CriticState, type OpenMemory } from "./critic.ts";
import { Discriminator, type DiscriminatorState } from "./discriminator.ts";
import type { Backend, Step } from "./engine/backend.ts";
import type { Cpu } from "./engine/module.ts";
import { LabelViews } from "./labels.ts";
import { adam, Generator, type GeneratorShape, type NetworkState, rmsprop } from "./networks.ts";
import { Noise } from "./noise.ts";
import type { FrozenDiscriminator, noiseDeviations } from "./published.ts";
import type { Random } from "./random.ts";
import type { LabelledSet } from "./score.ts";
import type { Settings } from "./settings.ts";
import type { startFrom } from "./start.ts";
import type { GeneratorState, TrainJob } from "./train.ts";

/** Wide rows get a head of this rank where none is asked for: the weights grow with noise · width · rank. */
const DEFAULT_RANK = 64;

/** The generator of sets of `rows` rows. */
export function generatorShape({ settings, x, classes }: TrainJob, rows: number): GeneratorShape {
  const width = x.cols + classes;
  const rank = Math.min(width, settings.rank || DEFAULT_RANK);
  return { sets: settings.batchSize, rows, width, rank, noise: settings.noise || width };
}

export interface Losses {
  critic: number;
  discriminator: number;
  finite: boolean;
}

/** How the networks are, beside what they lose. */
export interface Health {
  /** Share of the critic's ReLU units that were 0 throughout. */
  deadUnits: number;
  /** Share of the discriminator's rows that it told rightly; 0 without one. */
  discriminatorAccuracy: number;
  /** How much the epoch's sets differ from each other, row by row, relative to how much all their rows do: 0 to 1. */
  diversity: number;
}

/** The three networks between two epochs, as plain data. */
export interface GameState {
  generator: NetworkState;
  /** Draws of the generator's noise. */
  noise: number;
  critic: CriticState;
  discriminator: DiscriminatorState | undefined;
  frozen: NetworkState | undefined;
}

interface Opening {
  /** In a generated set. */
  rows: number;
  random: Random;
  /** Where to go on; `random` is then still to be as it was when the game was new. */
  state?: GameState | undefined;
  /** Opens the critic's memory, where it is another than the usual one. */
  memory?: OpenMemory | undefined;
}

/** What single presets have, loaded where they are used. */
interface Rare {
  Frozen: typeof FrozenDiscriminator | undefined;
  startFrom: typeof startFrom | undefined;
  deviations: typeof noiseDeviations | undefined;
}

/** Everything that one split's networks need, allocated and prepared once. */
export class Game {
  readonly #backend: Backend;
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #noise: Noise;
  readonly #generator: Generator;
  readonly #labels: LabelViews;
  readonly #critic: Critic;
  readonly #discriminator: Discriminator | undefined;
  readonly #penalty: FrozenDiscriminator | undefined;
  readonly #raw: Float32Array;

  private constructor(
    backend: Backend,
    cpu: Cpu,
    job: TrainJob,
    { rows, random, state, memory }: Opening,
    { Frozen, startFrom, deviations }: Rare,
  ) {
    const { settings, x, classes } = job;
    const shape = generatorShape(job, rows);
    const { width } = shape;
    const rate = settings.generatorLearningRate;
    const optimizer =
      settings.generatorOptimizer === "adam" ? adam(rate, settings.generatorBeta1) : rmsprop(rate);
    this.#backend = backend;
    this.#settings = settings;
    this.#random = random;
    this.#generator = new Generator(backend, shape, optimizer, random);
    startFrom?.(this.#generator, job, random);
    const sd = deviations?.(job, shape.noise) ?? new Float32Array(shape.noise).fill(settings.noiseSd);
    this.#noise = new Noise(cpu, sd, shape.sets, random.bits());
    this.#raw = new Float32Array(shape.sets * rows * width);
    this.#labels = new LabelViews(backend, this.#generator, x.cols, classes);
    this.#critic = new Critic(backend, settings, this.#generator, this.#labels, random, memory);
    const pulls = settings.lambda > 0 && settings.discriminatorSteps > 0 && settings.frozenEpochs === 0;
    if (pulls)
      this.#discriminator = new Discriminator(backend, cpu, job, this.#generator, this.#labels, random);
    if (Frozen) this.#penalty = new Frozen(backend, job, this.#generator, this.#labels, random);
    if (state) this.#restore(state);
    else this.#penalty?.train(settings.frozenEpochs);
  }

  /** Begins anew, or goes on from a state. */
  static async open(backend: Backend, cpu: Cpu, job: TrainJob, opening: Opening): Promise<Game> {
    const { frozenEpochs, start, noiseFromData } = job.settings;
    const published = frozenEpochs > 0 || noiseFromData ? await import("./published.ts") : undefined;
    const blends = start === "rows" ? await import("./start.ts") : undefined;
    return new Game(backend, cpu, job, opening, {
      Frozen: frozenEpochs > 0 ? published?.FrozenDiscriminator : undefined,
      startFrom: blends?.startFrom,
      deviations: noiseFromData ? published?.noiseDeviations : undefined,
    });
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

  /**
   * One epoch of learning, while its sets are scored one after the other: a GPU trains the discriminator and the critic
   * meanwhile. Each of the critic's steps goes as soon as the sets of its batch have their scores, so that it learns what
   * it would learn after all of them.
   * @returns what the critic was to predict
   */
  async learn(
    epoch: number,
    sets: LabelledSet[],
    scoreOf: (i: number) => number | Promise<number>,
  ): Promise<number[]> {
    // A generator that cannot move has nothing to learn from: this is plain search.
    const learns = this.#settings.generatorLearningRate > 0;
    const last = learns ? this.#begin(epoch, sets) : [];
    const hear = (target: number, i: number) => this.#submit(this.#critic.hear(i, target));
    const scores: number[] = [];
    for (const i of sets.keys()) {
      scores.push(await scoreOf(i));
      if (learns && !this.#penalty) hear(scores[i], i);
    }
    const targets = await this.targets(scores);
    if (learns && this.#penalty) targets.forEach(hear);
    this.#submit(last);
    return targets;
  }

  /** Starts what waits for no score, and returns what comes last: the generator's step. */
  #begin(epoch: number, sets: LabelledSet[]): Step[] {
    const { evalEvery } = this.#settings;
    const evaluating = evalEvery > 0 && epoch % evalEvery === 0;
    const critic = this.#critic.begin(!evaluating, this.#random);
    const rows = this.#discriminator?.plan(sets, this.#random);
    const { backward, parameters } = this.#generator;
    this.#submit([...critic.learn, ...(rows?.learn ?? [])]);
    return [...critic.pull, ...(rows?.pull ?? []), ...backward, ...parameters.update];
  }

  #submit(steps: Step[]): void {
    if (steps.length > 0) this.#backend.submit(steps);
  }

  /** The losses of the last step of `learn`; 0 where nothing learns. */
  async losses(): Promise<Losses> {
    const networks = [this.#generator, this.#critic.network, this.#discriminator?.network];
    const [criticLoss, realLoss, ...clocks] = await Promise.all([
      this.#backend.read(this.#critic.loss),
      this.#discriminator ? this.#backend.read(this.#discriminator.loss) : [0],
      ...networks.map((network) => network && this.#backend.read(network.parameters.clock)),
    ]);
    // Whatever else breaks shows in a loss or in the next sets; dropout would go by a broken clock and say nothing.
    const finite = [criticLoss, realLoss, ...clocks].every(
      (values) => values?.every(Number.isFinite) ?? true,
    );
    return { critic: criticLoss[0], discriminator: realLoss[0], finite };
  }

  /** Of the epoch that was generated and learnt from last. */
  async health(): Promise<Health> {
    const [deadUnits, discriminatorAccuracy] = await Promise.all([
      this.#critic.deadUnits(),
      this.#discriminator?.accuracy() ?? 0,
    ]);
    const { diversityOf } = await import("./health.ts");
    return { deadUnits, discriminatorAccuracy, diversity: diversityOf(this.#raw, this.#generator.shape) };
  }

  /** Everything that the next epoch depends on. Every read is issued before the first is waited for. */
  async state(): Promise<GameState> {
    const [generator, critic, discriminator, frozen] = await Promise.all([
      this.#generator.parameters.state(),
      this.#critic.state(),
      this.#discriminator?.state(),
      this.#penalty?.state(),
    ]);
    return { generator, noise: this.#noise.state, critic, discriminator, frozen };
  }

  #restore({ generator, noise, critic, discriminator, frozen }: GameState): void {
    this.#generator.parameters.restore(generator);
    this.#noise.state = noise;
    this.#critic.restore(critic);
    if (discriminator) this.#discriminator?.restore(discriminator);
    if (frozen) this.#penalty?.restore(frozen);
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
