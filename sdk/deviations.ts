/** The noise of one published preset. */
import type { TrainJob } from "./train.ts";

/** The smallest deviation of a noise component: makeit-2023 takes column means for them, which may be 0 or below. */
const MIN_NOISE_SD = 1e-3;

/** Each component's deviation: the columns' and class shares' means, as makeit-2023 took them. */
export function noiseDeviations({ x, y, classes }: TrainJob, noise: number): Float32Array {
  const sd = new Float32Array(noise);
  const means = new Float64Array(x.cols + classes);
  for (let i = 0; i < x.rows; i++) {
    for (let j = 0; j < x.cols; j++) means[j] += x.data[i * x.cols + j] / x.rows;
    means[x.cols + y[i]] += 1 / x.rows;
  }
  for (let k = 0; k < noise; k++) sd[k] = Math.max(Math.abs(means[k % means.length]), MIN_NOISE_SD);
  return sd;
}
