/** A memory in factors against the same sets stored whole: one critic each, the same losses and gradients. */
import { expect, test } from "vitest";
import { Critic } from "../sdk/critic.ts";
import type { Backend } from "../sdk/engine/backend.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { Factors, factorable } from "../sdk/factors.ts";
import { LabelViews } from "../sdk/labels.ts";
import { adam, Generator } from "../sdk/networks.ts";
import { resolveSettings, type Settings } from "../sdk/options.ts";
import { Random } from "../sdk/random.ts";
import { Replay } from "../sdk/replay.ts";

const SHAPE = { sets: 4, rows: 9, width: 5, rank: 3, noise: 2 };
const SETTINGS: Partial<Settings> = {
  critic: "flat",
  criticBatch: 0,
  criticSteps: 2,
  criticLearningRate: 1e-4,
  criticWidth: 64,
  batchSize: SHAPE.sets,
};

function uniform(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => 2 * random.uniform() - 1);
}

/** Epochs of a critic on a generator that moves by itself; its loss and gradient after each. */
async function play(replay: number, epochs: number, factors: boolean, restart = -1) {
  const settings = resolveSettings({ ...SETTINGS, replay });
  const random = new Random(9);
  const open = async (backend: Backend) => {
    const generator = new Generator(backend, SHAPE, adam(0), new Random(1));
    const labels = new LabelViews(backend, generator, SHAPE.width - 2, 2);
    const memory = (...[engine, made, capacity]: [Backend, Generator, number]) =>
      factors
        ? new Factors(engine, made, capacity, 64)
        : new Replay(engine, source(made), policy(capacity), random);
    return {
      backend,
      generator,
      critic: new Critic(backend, settings, generator, labels, new Random(2), memory),
    };
  };
  const source = ({ y }: Generator) => ({ sets: y, count: SHAPE.sets, length: SHAPE.rows * SHAPE.width });
  const policy = (capacity: number) => ({ capacity, policy: "fifo" }) as const;
  let player = await open(await WasmBackend.open());
  const losses: number[] = [];
  const gradients: Record<string, Float32Array>[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    if (epoch === restart) {
      const state = await player.critic.state();
      player = await open(await WasmBackend.open());
      player.critic.restore(state);
    }
    const { backend, generator, critic } = player;
    const parts = await generator.parameters.read();
    const drawn = Object.entries(parts).map(([name, { length }]) => [name, uniform(random, length)] as const);
    generator.parameters.write(Object.fromEntries(drawn));
    backend.write(generator.z, uniform(random, generator.z.length));
    const scores = Array.from({ length: SHAPE.sets }, () => random.uniform());
    const { learn } = critic.begin(epoch % 3 > 0, random);
    const steps = scores.flatMap((score, i) => critic.hear(i, score));
    backend.submit([...generator.forward, ...learn, ...steps]);
    losses.push((await backend.read(critic.loss))[0]);
    const { parameters: learnt } = critic.network;
    const byName: Record<string, Float32Array> = {};
    for (const name of learnt.layout.keys()) byName[name] = await backend.read(learnt.g(name));
    gradients.push(byName);
  }
  return { losses, gradients };
}

// 12 slots: batches of 4, 8 and 12 sets. 20: 4, 8, 16 (for 12 sets and for 16), then all 20.
test.each([
  { replay: 4, epochs: 4 },
  { replay: 12, epochs: 7 },
  { replay: 20, epochs: 9 },
])("$replay sets in factors teach what the sets themselves do", async ({ replay, epochs }) => {
  const [whole, factored] = [await play(replay, epochs, false), await play(replay, epochs, true)];
  for (let epoch = 0; epoch < epochs; epoch++) {
    expect(factored.losses[epoch], `loss of epoch ${epoch}`).toBeCloseTo(whole.losses[epoch], 4);
    for (const [name, expected] of Object.entries(whole.gradients[epoch])) {
      // Sums in another order, carried on by Adam, which makes much of the smallest gradients.
      const tolerance = 2e-3 * Math.max(...expected.map(Math.abs));
      const found = factored.gradients[epoch][name];
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - found[i])));
      expect(worst, `gradient of ${name}, epoch ${epoch}`).toBeLessThanOrEqual(tolerance);
    }
  }
});

test("the same bytes twice, and when it goes on from its state", async () => {
  const [once, again] = [await play(20, 9, true), await play(20, 9, true)];
  expect(again).toEqual(once);
  for (const restart of [1, 3, 5, 8])
    expect(await play(20, 9, true, restart), `from ${restart}`).toEqual(once);
});

test("factors stand for sets only where they are exact and pay", () => {
  const fits = (options: Partial<Settings>, shape = SHAPE) =>
    factorable(resolveSettings({ ...SETTINGS, replay: 20, ...options }), shape);
  expect(fits({})).toBe(true);
  expect(fits({ critic: "set" })).toBe(false);
  expect(fits({ criticBatch: 8 })).toBe(false);
  expect(fits({ replayPolicy: "random" })).toBe(false);
  expect(fits({ replay: 21 })).toBe(false); // not whole epochs
  expect(fits({ criticWidth: 60 })).toBe(false); // views would not begin where they may
  expect(fits({}, { ...SHAPE, rank: 4 })).toBe(false); // as many numbers as the sets
});
