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
import { type Memory, Replay, type ReplayState } from "./replay.ts";
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
  /**
   * Train mode's passes in the order of their first use, which their dropout's seeds go by: the batch, −1 for the whole
   * memory, or 0 for the pull.
   */
  passes: number[];
}

/** Opens a memory of another kind than `Replay`. */
export type OpenMemory = (backend: Backend, generator: Generator, capacity: number) => Memory;

/** The critic, its memory, and its pull on the generator. */
export class Critic {
  readonly loss: Tensor;
  /** Predicts the epoch's sets (running statistics, no dropout). */
  readonly predict: Pass;
  readonly network: Network;
  readonly #backend: Backend;
  readonly #settings: Settings;
  readonly #replay: Memory;
  readonly #rowsPerSet: number;
  readonly #input: Tensor;
  readonly #indices: Tensor[];
  /** The epoch's critic steps, the last set whose score each waits for (−1: none), and how many went. */
  #steps: readonly (readonly Step[])[] = [];
  #waits: number[] = [];
  #gone = 0;
  readonly #batches = new Map<string, readonly (readonly Step[])[]>();
  readonly #pulls = new Map<boolean, readonly Step[]>();
  readonly #passes: number[] = [];
  readonly #generator: Generator;
  readonly #labels: LabelViews;
  readonly #hostIndex: Float32Array;
  #cleared: Step | undefined;

  constructor(
    backend: Backend,
    settings: Settings,
    generator: Generator,
    labels: LabelViews,
    random: Random,
    memory?: OpenMemory,
  ) {
    const { rows, width, sets } = generator.shape;
    const perRow = settings.critic === "set";
    const rowsPerSet = perRow ? rows : 1;
    this.#rowsPerSet = rowsPerSet;
    const inputs = perRow ? labels.features + labels.labelWidth : rows * width;
    this.#input = perRow ? labels.view(labels.labelWidth) : generator.y;
    const layers = perRow ? setCritic(settings.criticWidth, rows) : flatCritic(settings.criticWidth);
    this.#backend = backend;
    this.#settings = settings;
    this.#generator = generator;
    this.#labels = labels;
    this.network = new Network(backend, inputs, layers, adam(settings.criticLearningRate), random);
    const capacity = Math.max(settings.replay, sets);
    const source = { sets: this.#input, count: sets, length: rowsPerSet * inputs };
    const { replayPolicy: policy, criticBatch } = settings;
    this.#replay =
      memory?.(backend, generator, capacity) ??
      new Replay(backend, source, { capacity, policy, largest: criticBatch || capacity }, random);
    this.loss = backend.alloc(1);
    const passOptions = { train: false, gradients: "input", x: this.#input } as const;
    this.predict = this.network.pass(sets * this.#rowsPerSet, passOptions);
    this.#hostIndex = new Float32Array(settings.criticBatch || capacity);
    this.#indices = Array.from({ length: settings.criticSteps }, () =>
      backend.alloc(settings.criticBatch || capacity),
    );
  }

  /** Draws the epoch's batches. What waits for a score goes when `hear` says. */
  begin(train: boolean, random: Random): Plan {
    const slots = this.#replay.remember(this.#generator.shape.sets);
    this.#waits = [];
    this.#gone = 0;
    // Without a single step the critic knows nothing and must not pull.
    if (this.#settings.criticSteps === 0) {
      this.#cleared ??= this.#clear();
      return { learn: this.#replay.store, pull: [this.#cleared] };
    }
    const { size, capacity } = this.#replay;
    const count = this.#settings.criticBatch || wholeBatch(size, capacity);
    const sampled = this.#settings.criticBatch > 0;
    const index = this.#hostIndex.subarray(0, count);
    let wait = -1;
    for (const tensor of this.#indices) {
      for (let i = 0; i < count; i++) {
        index[i] = sampled ? random.integer(size) : i % size;
        wait = Math.max(wait, slots.indexOf(index[i]));
      }
      this.#backend.write(tensor, index);
      this.#waits.push(wait);
    }
    this.#steps = this.#batch(!sampled && size === capacity ? WHOLE : count, train);
    return { learn: [...this.#replay.store, ...this.#upTo(-1)], pull: this.#pull(train) };
  }

  /** Notes what to predict of the epoch's set `i`, the next in order; returns the steps that waited for no other. */
  hear(i: number, target: number): Step[] {
    this.#replay.note(i, target);
    return this.#upTo(i);
  }

  #upTo(set: number): Step[] {
    const steps: Step[] = [];
    while (this.#waits[this.#gone] <= set) steps.push(...this.#steps[this.#gone++]);
    return steps;
  }

  /** Share of its ReLU units that were 0 for all of the epoch's rows. */
  async deadUnits(): Promise<number> {
    const { activeUnits } = await import("./health.ts");
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
      if (count === 0) this.#pull(true);
      else this.#batch(count, true);
    }
    this.network.parameters.restore(network);
    this.#replay.restore(replay);
  }

  /** The epoch's critic steps, each on `size` remembered sets or on the whole memory. */
  #batch(size: number, train: boolean): readonly (readonly Step[])[] {
    const key = `${size} ${train}`;
    const known = this.#batches.get(key);
    if (known) return known;
    if (train) this.#passes.push(size);
    const backend = this.#backend;
    const slots = this.#replay.capacity;
    const whole = size === WHOLE;
    const count = whole ? slots : size;
    const { input, draw } = this.#replay.batch(count, whole);
    const pass = this.network.pass(count * this.#rowsPerSet, { train, gradients: "parameters", ...input });
    const [target, call] = [backend.alloc(count), { slots, count, length: 1, first: 0 }];
    const goal = { target, loss: this.loss, length: count, scale: 1 };
    const loss = backend.prepare("mse_grad", { y: pass.y, dy: pass.dy, ...goal });
    const indices = this.#indices.map((index) => backend.view(index, 0, count));
    const steps = indices.map((index) => [
      ...draw(index),
      backend.prepare("gather", { x: this.#replay.scores, index, y: target, ...call }),
      ...pass.forward,
      loss,
      ...pass.backward,
      ...this.network.parameters.update,
    ]);
    this.#batches.set(key, steps);
    return steps;
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
        : this.#copy(pass.dx!),
    ];
    this.#pulls.set(train, steps);
    return steps;
  }

  #copy(x: Tensor): Step {
    const { dy: y, shape } = this.#generator;
    const index = this.#backend.alloc(shape.sets);
    this.#backend.write(
      index,
      Float32Array.from({ length: shape.sets }, (_, i) => i),
    );
    const call = { slots: shape.sets, count: shape.sets, length: y.length / shape.sets, first: 0 };
    return this.#backend.prepare("gather", { x, index, y, ...call });
  }

  /** A gradient of nothing. */
  #clear(): Step {
    return this.#copy(this.#backend.alloc(this.#generator.dy.length));
  }
}

/** A batch of all slots, each with a set. */
const WHOLE = -1;

/** The critic's first layer, the heaviest product of an epoch, for real rows of `columns` features. */
export function criticWork(settings: Settings, realRows: number, columns: number): Work {
  const { criticBatch, replay, criticWidth: cols } = settings;
  const sets = criticBatch || replay;
  const rows = sampleCount(settings.samples, realRows);
  return settings.critic === "set"
    ? { rows: sets * rows, inner: columns + 1, cols }
    : { rows: sets, inner: rows * (columns + 1), cols };
}

/** While the memory fills, its batch grows by doubling, so that few shapes are ever prepared. */
function wholeBatch(size: number, capacity: number): number {
  let count = 1;
  while (count < size) count *= 2;
  return Math.min(count, capacity);
}
