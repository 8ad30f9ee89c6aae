/**
 * Seeded random numbers by Philox4x32-10 (Salmon et al. 2011): integer arithmetic alone, so that every machine
 * draws the same. `assembly/random.ts` holds the same generator.
 */
import { inputError } from "./errors.ts";

/** The upper half of the 64-bit product of two unsigned words. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/**
 * One block of Philox4x32-10: four words from a counter of four and a key of two (all unsigned 32-bit), into `out`.
 */
export function philox(
  counter: ArrayLike<number>,
  k0: number,
  k1: number,
  out = new Uint32Array(4),
): Uint32Array {
  let [c0, c1, c2, c3] = [counter[0] >>> 0, counter[1], counter[2] >>> 0, counter[3]];
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c1 = low1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
  return out;
}

/** A sequence of random numbers. Word i is word i mod 4 of the block with counter (⌊i / 4⌋ mod 2³², 0, ⌊i / 2³⁴⌋, 0). */
export class Random {
  readonly #seed: number;
  readonly #stream: number;
  readonly #counter = new Uint32Array(4);
  readonly #block = new Uint32Array(4);
  #position = 0;

  /** @param seed @param stream unsigned 32-bit integers; streams of one seed are independent of each other. */
  constructor(seed: number, stream = 0) {
    this.#seed = word("seed", seed);
    this.#stream = word("stream", stream);
  }

  /** 32 random bits, as an unsigned integer. */
  bits(): number {
    const lane = this.#position % 4;
    if (lane === 0) this.#fill();
    this.#position++;
    return this.#block[lane];
  }

  /** Uniform in [0, 1): 32 random bits · 2⁻³². */
  uniform(): number {
    return this.bits() / 2 ** 32;
  }

  /** A whole number 0 … n − 1, each equally likely (draws that would favour the lower ones are drawn again). */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw inputError(`A random integer needs an upper bound of 1 to 2^32, got ${n}.`);
    }
    const limit = 2 ** 32 - (2 ** 32 % n);
    let draw = this.bits();
    while (draw >= limit) draw = this.bits();
    return draw % n;
  }

  /** Shuffles `items` in place (Fisher and Yates) and returns them. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }

  /** How many words have been drawn; set it to go on from there. */
  get state(): number {
    return this.#position;
  }
  set state(position: number) {
    if (!Number.isSafeInteger(position) || position < 0) {
      throw inputError(`The state of a random sequence is a whole number of draws, got ${position}.`);
    }
    this.#position = position;
    if (position % 4 !== 0) this.#fill();
  }

  #fill(): void {
    const block = Math.floor(this.#position / 4);
    this.#counter[0] = block % 2 ** 32;
    this.#counter[2] = Math.floor(block / 2 ** 32);
    philox(this.#counter, this.#seed, this.#stream, this.#block);
  }
}

/** The purpose word that keeps derived seeds apart from the draws of {@link Random}. */
const DERIVE = 3;

/**
 * A seed of its own for a part of the work, such as `derive(seed, split, epoch)`: unsigned 32-bit integers in,
 * one out. The order of the parts and how many there are matter.
 */
export function derive(seed: number, ...parts: number[]): number {
  let derived = word("seed", seed);
  parts.forEach((part, i) => {
    derived = philox([word("part", part), i, parts.length, DERIVE], derived, 0)[0];
  });
  return derived;
}

function word(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw inputError(`A random ${name} must be a whole number from 0 to 2^32 − 1, got ${value}.`);
}

/** What a derived seed is for; the numbers are part of what a seed means, so they never change. */
export const PURPOSE = {
  split: 1,
  train: 2,
  folds: 3,
  rivals: 4,
  permutation: 5,
  embedding: 6,
  evidence: 7,
} as const;
