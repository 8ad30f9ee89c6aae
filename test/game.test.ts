/** The generator's step as the game plans it: its whole gradient against finite differences in float64. */
import { describe, expect, test } from "vitest";
import type { Backend, Step, Tensor } from "../sdk/engine/backend.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { Game } from "../sdk/game.ts";
import { resolveSettings, type Settings } from "../sdk/options.ts";
import { Random } from "../sdk/random.ts";
import { labelSet } from "../sdk/score.ts";
import {
  differences,
  expectShares,
  Recorder,
  ReferenceBackend,
  type ReferenceTensor,
} from "./referenceBackend.ts";

const ROWS = 6;
const FEATURES = 3;
const small: Partial<Settings> = {
  batchSize: 4,
  noise: 3,
  criticWidth: 8,
  criticLearningRate: 1e-4,
  criticSteps: 3,
  criticBatch: 7,
  replay: 8,
  discriminatorWidths: "6,5",
  discriminatorBatch: 24,
  // The generator stays where it is: its gradient is what is looked at.
  generatorLearningRate: 1e-30,
};

/** Real rows of `classes` classes. */
function realRows(classes: number) {
  const random = new Random(2);
  const rows = 20;
  const y = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const data = Float32Array.from({ length: rows * FEATURES }, () => 2 * random.uniform() - 1);
  return { x: { data, rows, cols: FEATURES }, y };
}

/** Two epochs of the game, and the plans of the second. */
async function play<B extends Backend>(engine: B, classes: number, settings: Settings) {
  const backend = new Recorder(engine);
  const job = { ...realRows(classes), classes, settings, seed: 1 };
  const game = await Game.open(backend, await Cpu.open(), job, { rows: ROWS, random: new Random(3) });
  let before = 0;
  for (let epoch = 0; epoch < 2; epoch++) {
    before = backend.plans.length;
    const { sets } = await game.generate();
    const labelled = sets.map((set) => labelSet(set, ROWS, FEATURES, classes));
    // Epoch 1 is a train epoch and epoch 2 an eval epoch where evalEvery is 2.
    await game.learn(epoch + 1, labelled, (i) => [0.2, 0.7, 0.4, 0.9][i]);
    expect((await game.losses()).finite).toBe(true);
  }
  const [generate, ...plans] = backend.plans.slice(before);
  const learn = plans.flat();
  const update = backend.call<"adam" | "rmsprop">(learn[learn.length - 1]);
  // Between the last update of critic or discriminator and the generator's own gradients.
  const end = learn.findIndex(({ kernel }) => kernel === "head_dk");
  const start = learn.findLastIndex(({ kernel }, i) => i < end && kernel === "adam");
  return { backend, generate, learn, pull: learn.slice(start + 1, end), update };
}

const variants: Record<string, Partial<Settings> & { classes?: number }> = {
  "set critic and discriminator": {},
  "three classes": { classes: 3 },
  "set critic alone": { lambda: 0 },
  "discriminator without labels": { conditional: false },
  "discriminator alone": { criticSteps: 0 },
  "flat critic in train mode": { critic: "flat", lambda: 2.5 },
  "flat critic in eval mode, three classes": { critic: "flat", lambda: 2.5, evalEvery: 2, classes: 3 },
  "flat critic on the whole memory, rmsprop": {
    critic: "flat",
    criticBatch: 0,
    generatorOptimizer: "rmsprop",
  },
  "rank 2": { rank: 2 },
};

test.each(Object.keys(variants))("the generator's gradient: %s", async (name) => {
  const { classes = 2, ...rest } = variants[name];
  const settings = resolveSettings({ ...small, ...rest });
  const reference = await play(new ReferenceBackend(), classes, settings);
  const { backend, generate, pull, update } = reference;

  // loss = mean((critic(set) − 1)²) + λ · BCE(discriminator(rows), real): every target is 1.
  const parts = pull.flatMap((step) => lossOf(backend, step));
  const lengths = parts.map(({ length, scale }) => ({ length, scale }));
  const wanted: typeof lengths = [];
  if (settings.criticSteps > 0) wanted.push({ length: 4, scale: 1 });
  if (settings.lambda > 0) wanted.push({ length: 4 * ROWS, scale: settings.lambda });
  expect(lengths).toEqual(wanted);
  for (const { target } of parts) expect(target.every((value) => value === 1)).toBe(true);
  const loss = () => {
    backend.submit([...generate, ...pull]);
    return parts.reduce((sum, part) => sum + part.scale * part.loss[0], 0);
  };

  const found = differences(update.w, loss);
  expectShares("float64", (update.g as ReferenceTensor).data, found, 1e-7);
  const engine = await play(await WasmBackend.open(), classes, settings);
  // Critic and discriminator have taken six steps each in f32 before.
  expectShares("wasm", await engine.backend.read(engine.update.g), found, 1e-4);
});

function lossOf(backend: Recorder<ReferenceBackend>, step: Step) {
  if (step.kernel !== "mse_grad" && step.kernel !== "bce_grad") return [];
  const { target, loss, length, scale } = backend.call<"mse_grad" | "bce_grad">(step);
  return [{ target: (target as ReferenceTensor).data, loss: (loss as ReferenceTensor).data, length, scale }];
}

test.each([2, 3])("the discriminator compares rows of the same class, of %i classes", async (classes) => {
  const settings = resolveSettings({ ...small, realNoise: 0, discriminatorBatch: 64 });
  const { backend, learn } = await play(new ReferenceBackend(), classes, settings);
  const losses = learn.filter(({ kernel }) => kernel === "bce_grad");
  expect(losses.length).toBe(settings.discriminatorSteps + 1); // and the generator's own
  const { target, length } = backend.call<"bce_grad">(losses[0]);
  const labels = classes === 2 ? 1 : classes;
  const width = FEATURES + labels;
  const first = learn.find((step) => step.kernel === "dense" && backend.call<"dense">(step).rows === length)!;
  const x = (backend.call<"dense">(first).x as ReferenceTensor).data;
  const classOf = (label: Float64Array) =>
    labels === 1 ? Number(label[0] > 0) : label.indexOf(Math.max(...label));
  const table = realRows(classes);
  const half = length / 2;
  for (let i = 0; i < half; i++) {
    const [real, made] = [i, i + half].map((row) => x.subarray(row * width, (row + 1) * width));
    const row = table.y.findIndex((_, k) =>
      real.slice(0, FEATURES).every((v, j) => v === table.x.data[k * FEATURES + j]),
    );
    expect(row, "a real row").toBeGreaterThanOrEqual(0);
    expect(Array.from(real.slice(FEATURES))).toEqual(
      labels === 1 ? [table.y[row] === 1 ? 1 : -1] : [0, 1, 2].map((c) => Number(c === table.y[row])),
    );
    expect(classOf(made.slice(FEATURES))).toBe(table.y[row]);
    expect([(target as ReferenceTensor).data[i], (target as ReferenceTensor).data[i + half]]).toEqual([
      Math.fround(0.9),
      0,
    ]);
  }
});

test("a frozen discriminator adds λ / BCE to each set's score", async () => {
  const settings = resolveSettings({ ...small, frozenEpochs: 5, lambda: 0.5 });
  const backend = new Recorder(new ReferenceBackend());
  const job = { ...realRows(2), classes: 2, settings, seed: 1 };
  const game = await Game.open(backend, await Cpu.open(), job, { rows: ROWS, random: new Random(3) });
  expect(backend.plans.length).toBe(5);
  const { sets } = await game.generate();
  const scores = [0.1, 0.2, 0.3, 0.4];
  const targets = await game.targets(scores);
  const apply = backend.plans[backend.plans.length - 1];
  const logits = backend.call<"dense">(apply.findLast(({ kernel }) => kernel === "dense")!);
  const z = (logits.y as ReferenceTensor).data;
  const input = backend.call<"dense">(apply[0]).x as ReferenceTensor;
  const features = sets.flatMap((set) => Array.from(labelSet(set, ROWS, FEATURES, 2).x.data));
  expect(Array.from(input.data, Math.fround)).toEqual(features);
  const expected = scores.map((score, b) => {
    const rows = Array.from(z.subarray(b * ROWS, (b + 1) * ROWS));
    const bce = rows.reduce((sum, value) => sum + Math.log1p(Math.exp(-value)), 0) / ROWS;
    return score + 0.5 / bce;
  });
  // The losses are read back as f32.
  expectShares("targets", targets, expected, 1e-6);
});

test("makeit-2023 scores as published, and never divides by less than .01", async () => {
  const published = resolveSettings({ preset: "makeit-2023" });
  expect(published).toMatchObject({
    lambda: 2,
    frozenEpochs: 200,
    conditional: false,
    discriminatorSteps: 0,
  });
  // A discriminator that has seen ones alone, for long, finds everything real: its BCE goes to 0.
  const settings = resolveSettings({
    ...small,
    frozenEpochs: 400,
    discriminatorLearningRate: 0.05,
    lambda: 2,
  });
  const job = { ...realRows(2), classes: 2, settings, seed: 1 };
  const opening = { rows: ROWS, random: new Random(3) };
  const game = await Game.open(await WasmBackend.open(), await Cpu.open(), job, opening);
  await game.generate();
  const targets = await game.targets([0.1, 0.2, 0.3, 0.4]);
  targets.forEach((target, b) => {
    expect(target).toBeCloseTo((b + 1) / 10 + 2 / 0.01, 9);
  });
});

test("a generator that cannot move is left alone", async () => {
  const settings = resolveSettings({ ...small, generatorLearningRate: 0 });
  const backend = new Recorder(await WasmBackend.open());
  const job = { ...realRows(2), classes: 2, settings, seed: 1 };
  const game = await Game.open(backend, await Cpu.open(), job, { rows: ROWS, random: new Random(3) });
  const before = (await game.snapshot()).weights;
  const { sets } = await game.generate();
  const plans = backend.plans.length;
  const labelled = sets.map((set) => labelSet(set, ROWS, FEATURES, 2));
  await game.learn(0, labelled, () => 1);
  expect(await game.losses()).toEqual({ critic: 0, discriminator: 0, finite: true });
  expect(backend.plans.length).toBe(plans);
  expect((await game.snapshot()).weights).toEqual(before);
});

describe("while the sets are scored", () => {
  const settings = resolveSettings({ ...small, generatorLearningRate: 1e-3, criticBatch: 4, replay: 64 });
  const target = (epoch: number, i: number) => ((7 * epoch + 3 * i) % 11) / 11;

  /** Ten epochs; what was submitted before each set's score, and the sets that come of it. */
  async function learn(backend: Backend, steps: () => number) {
    const job = { ...realRows(2), classes: 2, settings, seed: 1 };
    const game = await Game.open(backend, await Cpu.open(), job, { rows: ROWS, random: new Random(3) });
    const before: number[][] = [];
    for (let epoch = 0; epoch < 10; epoch++) {
      const { sets } = await game.generate();
      const labelled = sets.map((set) => labelSet(set, ROWS, FEATURES, 2));
      const start = steps();
      before[epoch] = [];
      await game.learn(epoch, labelled, (i) => {
        before[epoch].push(steps() - start);
        return target(epoch, i);
      });
      await game.losses();
      before[epoch].push(steps() - start);
    }
    return { before, made: (await game.generate()).sets };
  }

  test("the discriminator and then the critic are at work", async () => {
    const backend = new Recorder(await WasmBackend.open());
    const { before } = await learn(backend, () => backend.plans.flat().length);
    for (const [first] of before) expect(first).toBeGreaterThan(10 * settings.discriminatorSteps);
    // Once the memory holds other sets too, some of the critic's steps need not wait for the last score.
    const early = before.slice(2).filter((counts) => counts.at(-2)! > counts[0]);
    expect(early.length).toBeGreaterThan(4);
  });

  test("they learn what they would after the last score", async () => {
    const once = await learn(await WasmBackend.open(), () => 0);
    const late = new Late(await WasmBackend.open());
    expect((await learn(late, () => 0)).made).toEqual(once.made);
  });

  /** Does nothing before something is read. */
  class Late extends Recorder<Backend> {
    override submit(plan: readonly Step[]): void {
      this.plans.push(plan);
    }
    override read(tensor: Tensor, out?: Float32Array): Promise<Float32Array> {
      for (const plan of this.plans.splice(0)) this.engine.submit(plan);
      return super.read(tensor, out);
    }
  }
});
