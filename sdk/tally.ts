/** How far a run is and how long it still takes, from what is heard of its splits. */

/** What the SDK says after each epoch. */
export interface Epoch {
  /** From 1; 0 is the final model, trained on all rows. */
  split: number;
  splits: number;
  epoch: number;
  epochs: number;
  score: number;
  best: number;
}

/** A split that goes on from a checkpoint, after `epoch` epochs. */
export interface Resumed extends Omit<Epoch, "score" | "best"> {
  finished: boolean;
}

/**
 * Counts epochs over all splits and the final model, whatever their order. Nobody says when a split has stopped
 * early; it counts as whole once `jobs` others have been heard of after it.
 */
export class Tally {
  readonly #jobs: number;
  readonly #parts: number | undefined;
  readonly #start: number;
  readonly #last = new Map<number, number>();
  #splits = 0;
  #epochs = 0;
  #ran = 0;
  /** Share that was behind when the last split resumed. */
  #before = 0;

  /** @param options.parts how many of the splits and the final model will be heard of (default: all) */
  constructor({ jobs, parts, now = performance.now() }: { jobs: number; parts?: number; now?: number }) {
    this.#jobs = Math.max(1, jobs);
    this.#parts = parts;
    this.#start = now;
  }

  add(epoch: Epoch): void {
    this.#ran += Math.max(0, epoch.epoch - (this.#last.get(epoch.split) ?? 0));
    this.#note(epoch);
  }

  /** Epochs that an earlier run completed: behind, but not at this run's pace. */
  resume({ split, splits, epoch, epochs, finished }: Resumed): void {
    this.#note({ split, splits, epoch: finished ? epochs : epoch, epochs });
    this.#before = this.share;
  }

  #note({ split, splits, epoch, epochs }: Omit<Epoch, "score" | "best">): void {
    this.#last.delete(split); // the map stays in the order of the last news
    this.#last.set(split, epoch);
    this.#splits = splits;
    this.#epochs = epochs;
  }

  /** Share of the run that is behind, from 0 to 1. */
  get share(): number {
    const total = (this.#parts ?? this.#splits + 1) * this.#epochs;
    if (total === 0) return 0;
    const active = [...this.#last.values()].slice(-this.#jobs);
    const whole = this.#last.size - active.length;
    const partial = active.reduce((sum, epoch) => sum + epoch, 0);
    return Math.min(1, (whole * this.#epochs + partial) / total);
  }

  /** Epochs a second so far. */
  rate(now = performance.now()): number {
    return (1000 * this.#ran) / Math.max(1, now - this.#start);
  }

  /** Seconds to go at the pace so far. */
  left(now = performance.now()): number {
    const { share } = this;
    const done = share - this.#before;
    return done > 0 ? (((now - this.#start) / 1000) * (1 - share)) / done : Number.NaN;
  }
}
