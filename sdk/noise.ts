/** The generator's input. */
import type { Cpu } from "./engine/module.ts";
import type { TrainJob } from "./train.ts";

/** The smallest deviation of a noise component: makeit-2023 takes column means for them, which may be 0 or below. */
const MIN_NOISE_SD = 1e-3;

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

/** Each component's deviation: `noiseSd`, or the columns' and class shares' means as makeit-2023 took them. */
export function noiseDeviations({ x, y, classes, settings }: TrainJob, noise: number): Float32Array {
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
