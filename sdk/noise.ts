/** The generator's input. */
import type { Cpu } from "./engine/module.ts";

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

  /** How many draws were made; set it to go on from there. */
  get state(): number {
    return this.#step;
  }
  set state(step: number) {
    this.#step = step;
  }

  /** The next (sets, noise) draw; valid until the next call. */
  next(): Float32Array {
    this.#cpu.exports.normal(this.#address, this.#length, 0, 1, this.#seed, 0, this.#step++);
    const z = this.#cpu.f32(this.#address, this.#length);
    for (let i = 0; i < z.length; i++) z[i] *= this.sd[i % this.sd.length];
    return z;
  }
}
