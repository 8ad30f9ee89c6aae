import type { Backend, Step, Tensor } from "./engine/backend.ts";
import type { Work } from "./engine/open.ts";
import type { LabelViews } from "./labels.ts";
import {
  adam,
  flatCritic,
  type Generator,
  Network,
  type NetworkState,
  type Pass,
  setCritic,
} from "./networks.ts";
import type { Random } from "./random.ts";
import { Replay, type ReplayState } from "./replay.ts";
import { type Settings, sampleCount } from "./settings.ts";

/** One network's share of an epoch. */
export interface Plan {
  /** Steps that train the network itself. */
  learn: readonly Step[];
  /** Steps that add to the generator's gradient. */
  pull: readonly Step[];
}

export interface CriticState {
  network: NetworkState;
  replay: ReplayState;
  /** Train mode's passes in the order of their first use, which their dropout's seeds go by: batch, or 0 for the pull. */
  passes: number[];
}

/** The critic, its memory, and its pull on the generator. */
export class Critic {
  readonly loss: Tensor;
  /** Predicts the epoch's sets (running statistics, no dropout). */
  readonly predict: Pass;
  readonly network: Network;
  readonly #backend: Backend;
  readonly #settings: Settings;
  readonly #replay: Replay;
  readonly #setLength: number;
  readonly #rowsPerSet: number;
  readonly #input: Tensor;
  readonly #indices: Tensor[];
  readonly #batches = new Map<string, readonly Step[]>();
  readonly #pulls = new Map<boolean, readonly Step[]>();
  readonly #passes: number[] = [];
  readonly #generator: Generator;
  readonly #labels: LabelViews;
  readonly #hostIndex: Float32Array;
  #whole: Tensor | undefined;
  #cleared: Step | undefined;

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
    this.network = new Network(backend, inputs, layers, adam(settings.criticLearningRate), random);
    const capacity = Math.max(settings.replay, sets);
    const source = { sets: this.#input, count: sets, length: this.#setLength };
    this.#replay = new Replay(backend, source, { capacity, policy: settings.replayPolicy }, random);
    this.loss = backend.alloc(1);
    const passOptions = { train: false, gradients: "input", x: this.#input } as const;
    this.predict = this.network.pass(sets * this.#rowsPerSet, passOptions);
    this.#hostIndex = new Float32Array(settings.criticBatch || capacity);
    this.#indices = Array.from({ length: settings.criticSteps }, () =>
      backend.alloc(settings.criticBatch || capacity),
    );
  }

  plan(targets: number[], train: boolean, random: Random): Plan {
    this.#replay.remember(targets);
    // Without a single step the critic knows nothing and must not pull.
    if (this.#settings.criticSteps === 0) {
      this.#cleared ??= this.#clear();
      return { learn: [this.#replay.store], pull: [this.#cleared] };
    }
    const count = this.#settings.criticBatch || wholeBatch(this.#replay.size, this.#replay.capacity);
    const sampled = this.#settings.criticBatch > 0;
    const index = this.#hostIndex.subarray(0, count);
    for (const tensor of this.#indices) {
      for (let i = 0; i < count; i++)
        index[i] = sampled ? random.integer(this.#replay.size) : i % this.#replay.size;
      this.#backend.write(tensor, index);
    }
    return { learn: [this.#replay.store, ...this.#batch(count, train)], pull: this.#pull(train) };
  }

  /** Share of its ReLU units that were 0 for all of the epoch's rows. */
  async deadUnits(): Promise<number> {
    const layers = await Promise.all(
      this.predict.relus.map(async ({ y, units }) => activeUnits(await this.#backend.read(y), units)),
    );
    const active = layers.flatMap((layer) => [...layer]);
    return 1 - active.reduce((sum, one) => sum + one, 0) / Math.max(1, active.length);
  }

  /** Everything that the next epoch depends on. */
  async state(): Promise<CriticState> {
    const [network, replay] = await Promise.all([this.network.parameters.state(), this.#replay.state()]);
    return { network, replay, passes: this.#passes.slice() };
  }

  /** Goes on from what `state` gave; the critic must be as new. */
  restore({ network, replay, passes }: CriticState): void {
    for (const count of passes) {
      if (count > 0) this.#batch(count, true);
      else this.#pull(true);
    }
    this.network.parameters.restore(network);
    this.#replay.restore(replay);
  }

  /** The epoch's critic steps on batches of `count` remembered sets. */
  #batch(count: number, train: boolean): readonly Step[] {
    const key = `${count} ${train}`;
    const known = this.#batches.get(key);
    if (known) return known;
    if (train) this.#passes.push(count);
    const backend = this.#backend;
    const length = this.#setLength;
    const slots = this.#replay.capacity;
    // The whole memory, once it is full, is read where it lies.
    const inPlace = this.#settings.criticBatch === 0 && count === slots;
    const x = inPlace ? this.#replay.sets : this.#gathered(count);
    const pass = this.network.pass(count * this.#rowsPerSet, { train, gradients: "parameters", x });
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
        : [backend.prepare("gather", { x: this.#replay.sets, index, y: x, slots, count, length, first: 0 })]),
      backend.prepare("gather", {
        x: this.#replay.scores,
        index,
        y: target,
        slots,
        count,
        length: 1,
        first: 0,
      }),
      ...pass.forward,
      loss,
      ...pass.backward,
      ...this.network.parameters.update,
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
    if (train) this.#passes.push(0);
    const backend = this.#backend;
    const { sets } = this.#generator.shape;
    const passOptions = { train, gradients: "input", x: this.#input } as const;
    const pass = this.network.pass(sets * this.#rowsPerSet, passOptions);
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
    const call = { slots: sets, count: sets, length: this.#setLength, first: 0 };
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
      first: 0,
    });
  }
}

/** The critic's first layer, the heaviest product of an epoch, for real rows of `columns` features. */
export function criticWork(settings: Settings, realRows: number, columns: number): Work {
  const { criticBatch, replay, criticWidth: cols } = settings;
  const sets = criticBatch || replay;
  const rows = sampleCount(settings.samples, realRows);
  return settings.critic === "set"
    ? { rows: sets * rows, inner: columns + 1, cols }
    : { rows: sets, inner: rows * (columns + 1), cols };
}

/** 1 for each column of (rows, units) that holds anything but 0. */
function activeUnits(values: Float32Array, units: number): Uint8Array {
  const active = new Uint8Array(units);
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) active[i % units] = 1;
  return active;
}

/** While the memory fills, its batch grows by doubling, so that few shapes are ever prepared. */
function wholeBatch(size: number, capacity: number): number {
  let count = 1;
  while (count < size) count *= 2;
  return Math.min(count, capacity);
}
