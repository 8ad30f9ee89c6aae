import type { Matrix } from "./matrix.ts";
import type { Generator } from "./networks.ts";
import type { Random } from "./random.ts";

/** The standard deviation of σ(z) for z from N(0, 1). */
const SIGMOID_SD = 0.2083;

/**
 * Starts a generator over from blends of real rows: a noise component adds one to `h` before its sigmoid, so that from the first
 * epoch on generated rows vary together as real ones do, about as much, and have the label that goes with it. A
 * label is a logit of 1 for the row's class and −1 for the others.
 */
export function startFrom(
  generator: Generator,
  { x, y }: { x: Matrix; y: Int32Array },
  random: Random,
): void {
  const { rows, width, rank, noise } = generator.shape;
  const a = new Float32Array(noise * width * rank);
  const scale = 1 / Math.sqrt(noise);
  for (let n = 0; n < noise; n++) {
    for (let k = 0; k < rank; k++) {
      const row = random.integer(x.rows);
      for (let j = 0; j < width; j++) {
        const label = j === x.cols + y[row] ? 1 : -1;
        a[(n * width + j) * rank + k] = scale * (j < x.cols ? x.data[row * x.cols + j] : label);
      }
    }
  }
  const kernel = new Float32Array(rows * rank);
  const bias = new Float32Array(rows);
  const bound = Math.sqrt(3 / rank) / SIGMOID_SD;
  for (let i = 0; i < kernel.length; i++) {
    kernel[i] = bound * (2 * random.uniform() - 1);
    bias[Math.floor(i / rank)] -= kernel[i] / 2; // h is ½ on average
  }
  generator.parameters.write({ a, b: new Float32Array(width * rank), kernel, bias });
}
