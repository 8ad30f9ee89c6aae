import type { Plan } from "./critic.ts";
import type { Backend, Tensor } from "./engine/backend.ts";
import type { Cpu } from "./engine/module.ts";
import { rowsByClass } from "./folds.ts";
import type { LabelViews } from "./labels.ts";
import type { Matrix } from "./matrix.ts";
import { adam, type Generator, Network, type NetworkState, rowClassifier } from "./networks.ts";
import { Noise } from "./noise.ts";
import type { Random } from "./random.ts";
import type { LabelledSet } from "./score.ts";
import { layerWidths } from "./settings.ts";
import type { TrainJob } from "./train.ts";

export interface DiscriminatorState {
  network: NetworkState;
  /** Draws of the noise on real rows. */
  noise: number;
}

/** The discriminator, trained online on this split's real rows, and its pull (λ) on the generator. */
export class Discriminator {
  readonly loss: Tensor;
  readonly network: Network;
  readonly #backend: Backend;
  readonly #byClass: number[][];
  readonly #steps: { real: Tensor; generated: Tensor }[];
  readonly #noise: Noise;
  readonly #noiseTensor: Tensor;
  readonly #batch: number;
  readonly #rows: number;
  readonly #plan: Plan;
  /** Logits of the last step's rows: real ones, then as many generated ones. */
  readonly #logits: Tensor;

  constructor(
    backend: Backend,
    cpu: Cpu,
    { x, y, classes, settings }: TrainJob,
    generator: Generator,
    labels: LabelViews,
    random: Random,
  ) {
    const labelWidth = settings.conditional ? labels.labelWidth : 0;
    const width = x.cols + labelWidth;
    const total = generator.shape.sets * generator.shape.rows;
    // Whole 64s, so that the generated half of the batch starts where a view may.
    const batch = Math.ceil(Math.min(settings.discriminatorBatch, total) / 64) * 64;
    const layers = rowClassifier(layerWidths(settings.discriminatorWidths));
    const network = new Network(backend, width, layers, adam(settings.discriminatorLearningRate), random);
    const pass = network.pass(2 * batch, { train: true, gradients: "parameters" });
    const real = backend.view(pass.x, 0, batch * width);
    const generated = backend.view(pass.x, batch * width, batch * width);
    const table = backend.alloc(x.rows * width);
    backend.write(table, labelledRows(x, y, classes, labelWidth));
    const target = backend.alloc(2 * batch);
    backend.write(target, new Float32Array(2 * batch).fill(settings.realLabel, 0, batch));
    const view = labels.view(labelWidth);

    this.loss = backend.alloc(1);
    this.#backend = backend;
    this.network = network;
    this.#batch = batch;
    this.#logits = pass.y;
    this.#rows = total;
    const everyone = Array.from(y.keys());
    this.#byClass = rowsByClass(y, classes).map((members) => (members.length > 0 ? members : everyone));
    this.#noise = new Noise(
      cpu,
      noiseOnFeatures(x.cols, labelWidth, settings.realNoise),
      batch,
      random.bits(),
    );
    this.#noiseTensor = backend.alloc(batch * width);
    this.#steps = Array.from({ length: settings.discriminatorSteps }, () => ({
      real: backend.alloc(batch),
      generated: backend.alloc(batch),
    }));
    const call = { count: batch, length: width, first: 0 };
    const learn = this.#steps.flatMap((index) => [
      backend.prepare("gather", { x: table, index: index.real, y: real, slots: x.rows, ...call }),
      backend.prepare("add", { x: this.#noiseTensor, y: real, length: batch * width, scale: 1 }),
      backend.prepare("gather", { x: view, index: index.generated, y: generated, slots: total, ...call }),
      ...pass.forward,
      backend.prepare("bce_grad", {
        z: pass.y,
        target,
        dz: pass.dy,
        loss: this.loss,
        length: 2 * batch,
        scale: 1,
      }),
      ...pass.backward,
      ...network.parameters.update,
    ]);

    const through = network.pass(total, { train: true, gradients: "input", x: view });
    const ones = backend.alloc(total);
    backend.write(ones, new Float32Array(total).fill(1));
    const [loss, dRows] = [backend.alloc(1), backend.alloc(generator.dy.length)];
    const scale = settings.lambda;
    const pull = [
      ...through.forward,
      backend.prepare("bce_grad", { z: through.y, target: ones, dz: through.dy, loss, length: total, scale }),
      ...through.backward,
      labels.gradient(labelWidth, through.dx!, dRows),
      backend.prepare("add", { x: dRows, y: generator.dy, length: dRows.length, scale: 1 }),
    ];
    this.#plan = { learn, pull };
  }

  plan(sets: LabelledSet[], random: Random): Plan {
    const rowsPerSet = this.#rows / sets.length;
    const [real, generated] = [new Float32Array(this.#batch), new Float32Array(this.#batch)];
    for (const step of this.#steps) {
      for (let i = 0; i < this.#batch; i++) {
        const row = random.integer(this.#rows);
        // A real row of the generated row's class: both halves have the same class proportions.
        const peers = this.#byClass[sets[Math.floor(row / rowsPerSet)].y[row % rowsPerSet]];
        generated[i] = row;
        real[i] = peers[random.integer(peers.length)];
      }
      this.#backend.write(step.real, real);
      this.#backend.write(step.generated, generated);
    }
    this.#backend.write(this.#noiseTensor, this.#noise.next());
    return this.#plan;
  }

  /** Share of the last step's rows that it told rightly, before it learnt from them. */
  async accuracy(): Promise<number> {
    const logits = await this.#backend.read(this.#logits);
    let right = 0;
    for (let i = 0; i < logits.length; i++) if (logits[i] > 0 === i < this.#batch) right++;
    return right / logits.length;
  }

  /** Everything that the next epoch depends on. */
  async state(): Promise<DiscriminatorState> {
    return { network: await this.network.parameters.state(), noise: this.#noise.state };
  }

  /** Goes on from what `state` gave. */
  restore({ network, noise }: DiscriminatorState): void {
    this.network.parameters.restore(network);
    this.#noise.state = noise;
  }
}

function noiseOnFeatures(features: number, labels: number, sd: number): Float32Array {
  return new Float32Array(features + labels).fill(sd, 0, features);
}

/** Real rows with their label as the generated rows carry it: ±1 for two classes, one-hot beyond. */
function labelledRows(x: Matrix, y: Int32Array, classes: number, labels: number): Float32Array {
  const width = x.cols + labels;
  const out = new Float32Array(x.rows * width);
  for (let i = 0; i < x.rows; i++) {
    out.set(x.data.subarray(i * x.cols, (i + 1) * x.cols), i * width);
    if (labels > 0 && classes === 2) out[i * width + x.cols] = y[i] === 1 ? 1 : -1;
    else if (labels > 0) out[i * width + x.cols + y[i]] = 1;
  }
  return out;
}
