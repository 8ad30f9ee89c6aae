/** What only the published presets ask for, loaded where one does. */
import type { Backend, Step, Tensor } from "./engine/backend.ts";
import type { LabelViews } from "./labels.ts";
import { adam, type Generator, Network, type NetworkState, rowClassifier } from "./networks.ts";
import type { Random } from "./random.ts";
import { layerWidths } from "./settings.ts";
import type { TrainJob } from "./train.ts";

/** The smallest BCE that λ is divided by: a discriminator trained on ones alone comes arbitrarily close to 0. */
const MIN_PENALTY_BCE = 1e-2;

/** The smallest deviation of a noise component: makeit-2023 takes column means for them, which may be 0 or below. */
const MIN_NOISE_SD = 1e-3;

/** makeit-2023: a discriminator trained on real rows alone, frozen, whose loss on a set adjusts the set's score. */
export class FrozenDiscriminator {
  readonly #backend: Backend;
  readonly #network: Network;
  readonly #learn: readonly Step[];
  readonly #apply: readonly Step[];
  readonly #losses: Tensor[];
  #state: Promise<NetworkState> | undefined;

  constructor(
    backend: Backend,
    { x, settings }: TrainJob,
    generator: Generator,
    labels: LabelViews,
    random: Random,
  ) {
    const { sets, rows } = generator.shape;
    const layers = rowClassifier(layerWidths(settings.discriminatorWidths));
    const network = new Network(backend, x.cols, layers, adam(settings.discriminatorLearningRate), random);
    const table = backend.alloc(x.rows * x.cols);
    backend.write(table, x.data);
    const pass = network.pass(x.rows, { train: true, gradients: "parameters", x: table });
    const ones = (length: number) => {
      const tensor = backend.alloc(length);
      backend.write(tensor, new Float32Array(length).fill(1));
      return tensor;
    };
    const scratch = backend.alloc(1);
    const realLoss = { target: ones(x.rows), loss: scratch, length: x.rows, scale: 1 };
    this.#backend = backend;
    this.#network = network;
    this.#learn = [
      ...pass.forward,
      backend.prepare("bce_grad", { z: pass.y, dz: pass.dy, ...realLoss }),
      ...pass.backward,
      ...network.parameters.update,
    ];
    const through = network.pass(sets * rows, { train: true, gradients: "parameters", x: labels.view(0) });
    const [z, dz, target] = [backend.alloc(rows), backend.alloc(rows), ones(rows)];
    this.#losses = Array.from({ length: sets }, () => backend.alloc(1));
    this.#apply = [
      ...through.forward,
      ...this.#losses.flatMap((loss, b) => {
        const index = backend.alloc(1);
        backend.write(index, new Float32Array([b]));
        return [
          backend.prepare("gather", {
            x: through.y,
            index,
            y: z,
            slots: sets,
            count: 1,
            length: rows,
            first: 0,
          }),
          backend.prepare("bce_grad", { z, target, dz, loss, length: rows, scale: 1 }),
        ];
      }),
    ];
  }

  train(epochs: number): void {
    for (let epoch = 0; epoch < epochs; epoch++) this.#backend.submit(this.#learn);
  }

  /** What it learnt; read once, for it is frozen. */
  state(): Promise<NetworkState> {
    this.#state ??= this.#network.parameters.state();
    return this.#state;
  }

  /** In place of `train`. */
  restore(state: NetworkState): void {
    this.#network.parameters.restore(state);
  }

  /** score + λ / BCE(frozen discriminator, ones), the divisor kept away from 0. */
  async apply(scores: number[], lambda: number): Promise<number[]> {
    this.#backend.submit(this.#apply);
    const losses = await Promise.all(this.#losses.map((loss) => this.#backend.read(loss)));
    return scores.map((score, b) => score + lambda / Math.max(losses[b][0], MIN_PENALTY_BCE));
  }
}

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
