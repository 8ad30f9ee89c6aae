/** An engine against the others: curves of ten steps of every network, and of whole epochs. */
import { describe, expect, test } from "vitest";
import type { Backend } from "../sdk/engine/backend.ts";
import { Cpu } from "../sdk/engine/module.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { Game } from "../sdk/game.ts";
import {
  adam,
  flatCritic,
  Generator,
  type Layer,
  Network,
  rmsprop,
  rowClassifier,
  setCritic,
} from "../sdk/networks.ts";
import { resolveSettings, type Settings } from "../sdk/options.ts";
import { Random } from "../sdk/random.ts";
import { labelSet } from "../sdk/score.ts";
import { ReferenceBackend } from "./referenceBackend.ts";
import { toy } from "./toy.ts";

const STEPS = 10;
/** Relative to the value, or to .1 where that is larger. */
const TOLERANCE = 1e-4;

type Curve = (backend: Backend) => Promise<number[]>;

const uniform = (random: Random, length: number) =>
  Float32Array.from({ length }, () => 2 * random.uniform() - 1);

/** Ten losses of layers that learn a fixed target. */
function learning(kind: "mse_grad" | "bce_grad", [rows, inputs]: [number, number], layers: Layer[]): Curve {
  return async (backend) => {
    const random = new Random(5);
    const network = new Network(backend, inputs, layers, adam(1e-3), random);
    const pass = network.pass(rows, { train: true, gradients: "parameters" });
    const length = pass.y.length;
    const [target, loss] = [backend.alloc(length), backend.alloc(1)];
    backend.write(pass.x, uniform(random, pass.x.length));
    backend.write(
      target,
      uniform(random, length).map((value) => (value > 0 ? 1 : 0)),
    );
    const step =
      kind === "mse_grad"
        ? backend.prepare(kind, { y: pass.y, target, dy: pass.dy, loss, length, scale: 1 })
        : backend.prepare(kind, { z: pass.y, target, dz: pass.dy, loss, length, scale: 1 });
    const plan = [...pass.forward, step, ...pass.backward, ...network.parameters.update];
    return repeat(backend, () => {
      backend.submit(plan);
      return backend.read(loss);
    });
  };
}

/** Ten losses of a generator that learns to make one fixed batch of sets. */
const generating: Curve = async (backend) => {
  const random = new Random(6);
  const shape = { sets: 4, rows: 17, width: 5, rank: 3, noise: 7 };
  const generator = new Generator(backend, shape, rmsprop(1e-3), random);
  const { y, dy, z } = generator;
  const [target, loss] = [backend.alloc(y.length), backend.alloc(1)];
  backend.write(z, uniform(random, z.length));
  backend.write(target, uniform(random, y.length));
  const plan = [
    ...generator.forward,
    backend.prepare("mse_grad", { y, target, dy, loss, length: y.length, scale: 1 }),
    ...generator.backward,
    ...generator.parameters.update,
  ];
  return repeat(backend, () => {
    backend.submit(plan);
    return backend.read(loss);
  });
};

async function repeat(backend: Backend, step: () => Promise<Float32Array>): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) losses.push((await step())[0]);
  backend.dispose();
  return losses;
}

/** The losses of whole epochs, and what the generator makes after them. Scores are given, so nothing is discrete. */
function playing(settings: Partial<Settings>, epochs: number): Curve {
  return async (backend) => {
    const { x, y, classes } = toy(2);
    const resolved = resolveSettings({ batchSize: 4, criticSteps: 3, replay: 32, ...settings });
    const rows = 20;
    const job = { x, y, classes, settings: resolved, seed: 1 };
    const game = await Game.open(backend, await Cpu.open(), job, { rows, random: new Random(3) });
    const curve: number[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const { sets, predicted } = await game.generate();
      const labelled = sets.map((set) => labelSet(set, rows, x.cols, classes));
      await game.learn(epoch, labelled, (i) => [0.2, 0.7, 0.4, 0.9][i]);
      const losses = await game.losses();
      curve.push(losses.critic, losses.discriminator, ...predicted);
    }
    const { sets } = await game.generate();
    curve.push(...sets.flatMap((set) => [...set]));
    backend.dispose();
    return curve;
  };
}

const curves: Record<string, Curve> = {
  "set critic": learning("mse_grad", [6 * 9, 5], setCritic(16, 9)),
  "flat critic": learning("mse_grad", [20, 45], flatCritic(8)),
  discriminator: learning("bce_grad", [50, 5], rowClassifier([16, 16])),
  generator: generating,
  "a whole epoch": playing({}, 1),
  "a whole epoch, flat critic and rmsprop": playing(
    { critic: "flat", criticWidth: 8, generatorOptimizer: "rmsprop", generatorLearningRate: 1e-4 },
    1,
  ),
};

/** Ten steps of each network and a whole epoch, as in float64 and as on WASM. */
export function parity(name: string, open: () => Promise<Backend>): void {
  describe(`${name} learns as the others do`, () => {
    test.each(Object.keys(curves))("%s", async (which) => {
      const curve = curves[which];
      const got = await curve(await open());
      expect(got.every(Number.isFinite)).toBe(true);
      expectNear(`${which}, wasm`, got, await curve(await WasmBackend.open()));
      expectNear(`${which}, float64`, got, await curve(new ReferenceBackend()));
    });
  });
}

function expectNear(what: string, got: number[], want: number[]): void {
  expect(got.length).toBe(want.length);
  got.forEach((value, i) => {
    const error = Math.abs(value - want[i]) / Math.max(0.1, Math.abs(want[i]));
    if (error > TOLERANCE) expect.fail(`${what}[${i}]: got ${value}, expected ${want[i]}, error ${error}`);
  });
}
