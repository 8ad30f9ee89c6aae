/** The memory of generated sets and their scores that the critic learns from. */
import { type Backend, canBeLost, type Step, type Tensor } from "./engine/backend.ts";
import type { FirstLayer } from "./networks.ts";
import type { Random } from "./random.ts";

/** What the memory holds, slot by slot. */
export interface ReplayState {
  /** One a slot in use; of a memory in factors, one an epoch. */
  sets: Float32Array[];
  /** (capacity). */
  scores: Float32Array;
  /** Sets ever stored. */
  seen: number;
}

/** Remembered sets as the critic's first layer takes them. */
export interface Batch {
  /** (count, length), or the layer that stands for it. */
  input: { x: Tensor } | { first: FirstLayer };
  /** Brings the sets of these slots there. */
  draw(index: Tensor): readonly Step[];
}

/** What a critic learns from. */
export interface Memory {
  /** Sets it holds at most, and now. */
  readonly capacity: number;
  readonly size: number;
  /** (capacity). */
  readonly scores: Tensor;
  /** Keeps the epoch's sets in the slots that `remember` chose. */
  readonly store: readonly Step[];
  /** Chooses a slot for each of the epoch's sets, and returns them; `store` then keeps the sets. */
  remember(count: number): Float32Array;
  /** The score of the epoch's set `i`. */
  note(i: number, score: number): void;
  /** Room for `count` sets; `whole`: all slots, each with a set, in their order. */
  batch(count: number, whole: boolean): Batch;
  /** What it holds now. Where the engine can be lost, this is to be asked for after every `store`. */
  state(): Promise<ReplayState>;
  restore(state: ReplayState): void;
}

/** Sets as they are, one a slot. */
export class Replay implements Memory {
  readonly capacity: number;
  /** (capacity, length). */
  readonly sets: Tensor;
  readonly scores: Tensor;
  readonly store: readonly Step[];
  readonly #backend: Backend;
  readonly #policy: "fifo" | "random";
  readonly #random: Random;
  readonly #source: { sets: Tensor; count: number; length: number };
  readonly #index: Tensor;
  readonly #hostIndex: Float32Array;
  readonly #hostScores: Float32Array;
  /** The sets on the host too, where the engine can be lost: reading all of them back every epoch would be slow. */
  readonly #mirror: Float32Array[] | undefined;
  readonly #largest: number;
  #room: Tensor | undefined;
  #seen = 0;

  /** `source` holds `count` sets of `length` floats, `count` ≤ `capacity`; batches hold `largest` sets at most. */
  constructor(
    backend: Backend,
    source: { sets: Tensor; count: number; length: number },
    {
      capacity,
      policy,
      largest = capacity,
    }: { capacity: number; policy: "fifo" | "random"; largest?: number },
    random: Random,
  ) {
    this.#backend = backend;
    this.#largest = largest;
    this.#policy = policy;
    this.#random = random;
    this.#source = source;
    if (canBeLost(backend)) this.#mirror = [];
    this.capacity = capacity;
    this.sets = backend.alloc(capacity * source.length);
    this.scores = backend.alloc(capacity);
    this.#index = backend.alloc(source.count);
    this.#hostIndex = new Float32Array(source.count);
    this.#hostScores = new Float32Array(capacity);
    const call = { slots: capacity, count: source.count, length: source.length, first: 0 };
    this.store = [backend.prepare("scatter", { x: source.sets, index: this.#index, y: this.sets, ...call })];
  }

  get size(): number {
    return Math.min(this.#seen, this.capacity);
  }

  remember(count: number): Float32Array {
    const taken = new Set<number>();
    for (let i = 0; i < count; i++) {
      let slot = this.#seen % this.capacity;
      if (this.#policy === "random" && this.#seen >= this.capacity) {
        do slot = this.#random.integer(this.capacity);
        while (taken.has(slot));
      }
      taken.add(slot);
      this.#seen++;
      this.#hostIndex[i] = slot;
    }
    this.#backend.write(this.#index, this.#hostIndex);
    return this.#hostIndex;
  }

  note(i: number, score: number): void {
    this.#hostScores[this.#hostIndex[i]] = score;
    this.#backend.write(this.scores, this.#hostScores);
  }

  /** The whole memory is read where it lies; of other batches, the larger ones share the room of the largest. */
  batch(count: number, whole: boolean): Batch {
    if (whole) return { input: { x: this.sets }, draw: () => [] };
    const { length } = this.#source;
    if (!this.#room || this.#room.length < count * length)
      this.#room = this.#backend.alloc(Math.max(count, this.#largest) * length);
    const x = this.#backend.view(this.#room, 0, count * length);
    const call = { slots: this.capacity, count, length, first: 0 };
    const draw = (index: Tensor) => [this.#backend.prepare("gather", { x: this.sets, index, y: x, ...call })];
    return { input: { x }, draw };
  }

  async state(): Promise<ReplayState> {
    const [scores, seen, size] = [this.#hostScores.slice(), this.#seen, this.size];
    const { sets, count, length } = this.#source;
    const mirror = this.#mirror;
    if (!mirror) return { sets: cut(await this.#backend.read(this.sets), size, length), scores, seen };
    const fresh = cut(await this.#backend.read(sets), count, length);
    this.#hostIndex.forEach((slot, i) => {
      mirror[slot] = fresh[i];
    });
    return { sets: mirror.slice(0, size), scores, seen };
  }

  restore({ sets, scores, seen }: ReplayState): void {
    const { length } = this.#source;
    const all = new Float32Array(this.capacity * length);
    sets.forEach((set, slot) => {
      all.set(set, slot * length);
      if (this.#mirror) this.#mirror[slot] = set;
    });
    this.#hostScores.set(scores);
    this.#seen = seen;
    this.#backend.write(this.sets, all);
    this.#backend.write(this.scores, this.#hostScores);
  }
}

/** The first `count` stretches of `length`, each on its own. */
function cut(all: Float32Array, count: number, length: number): Float32Array[] {
  return Array.from({ length: count }, (_, i) => all.slice(i * length, (i + 1) * length));
}
