/** The memory of generated sets and their scores that the critic learns from. */
import type { Backend, Step, Tensor } from "./engine/backend.ts";
import type { Random } from "./random.ts";

export class Replay {
  readonly capacity: number;
  /** (capacity, length). */
  readonly sets: Tensor;
  /** (capacity). */
  readonly scores: Tensor;
  /** Writes the epoch's sets, at `source`, to the slots that `remember` chose. */
  readonly store: Step;
  readonly #backend: Backend;
  readonly #policy: "fifo" | "random";
  readonly #random: Random;
  readonly #index: Tensor;
  readonly #hostIndex: Float32Array;
  readonly #hostScores: Float32Array;
  #seen = 0;

  /** `source` holds `count` sets of `length` floats, `count` ≤ `capacity`. */
  constructor(
    backend: Backend,
    source: { sets: Tensor; count: number; length: number },
    { capacity, policy }: { capacity: number; policy: "fifo" | "random" },
    random: Random,
  ) {
    this.#backend = backend;
    this.#policy = policy;
    this.#random = random;
    this.capacity = capacity;
    this.sets = backend.alloc(capacity * source.length);
    this.scores = backend.alloc(capacity);
    this.#index = backend.alloc(source.count);
    this.#hostIndex = new Float32Array(source.count);
    this.#hostScores = new Float32Array(capacity);
    const { count, length } = source;
    this.store = backend.prepare("scatter", {
      x: source.sets,
      index: this.#index,
      y: this.sets,
      slots: capacity,
      count,
      length,
      first: 0,
    });
  }

  /** Slots that hold a set. */
  get size(): number {
    return Math.min(this.#seen, this.capacity);
  }

  /** Chooses a slot for each of the epoch's sets and notes their scores; `store` then copies the sets. */
  remember(scores: ArrayLike<number>): void {
    const taken = new Set<number>();
    for (let i = 0; i < scores.length; i++) {
      let slot = this.#seen % this.capacity;
      if (this.#policy === "random" && this.#seen >= this.capacity) {
        do slot = this.#random.integer(this.capacity);
        while (taken.has(slot));
      }
      taken.add(slot);
      this.#seen++;
      this.#hostIndex[i] = slot;
      this.#hostScores[slot] = scores[i];
    }
    this.#backend.write(this.#index, this.#hostIndex);
    this.#backend.write(this.scores, this.#hostScores);
  }
}
