import { describe, expect, test } from "vitest";
import { diagnose } from "../sdk/advice.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { resolveSettings, type Settings } from "../sdk/options.ts";
import type { History } from "../sdk/result.ts";
import { train } from "../sdk/train.ts";
import { toy } from "./toy.ts";

const SMALL: Partial<Settings> = {
  epochs: 21,
  batchSize: 8,
  samples: "16",
  noise: 8,
  criticWidth: 16,
  criticSteps: 5,
  criticBatch: 16,
  discriminatorWidths: "16,16",
  discriminatorBatch: 128,
  rescore: 0,
  vote: 2,
};

async function healthOf(options: Partial<Settings> = {}): Promise<History> {
  const settings = resolveSettings({ ...SMALL, ...options });
  const job = { ...toy(2), settings, seed: 5 };
  return (await train(job, {}, () => WasmBackend.open())).history;
}

const historyOf = (values: Partial<Record<keyof History, number>>, epochs = 20): History => {
  const list = (value = 0.5) => Array.from({ length: epochs }, () => value);
  const names = [
    ...["mean", "max", "best", "criticLoss", "discriminatorLoss", "criticCorrelation"],
    ...["deadUnits", "discriminatorAccuracy", "diversity"],
  ] as (keyof History)[];
  return Object.fromEntries(names.map((name) => [name, list(values[name])])) as unknown as History;
};

describe("how the networks are", () => {
  test("is looked at every tenth epoch and kept in between, in shares", async () => {
    const { deadUnits, discriminatorAccuracy, diversity } = await healthOf();
    for (const values of [deadUnits, discriminatorAccuracy, diversity]) {
      expect(values).toHaveLength(21);
      expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(new Set(values.slice(0, 10)).size).toBe(1);
      expect(new Set(values.slice(10, 20)).size).toBe(1);
    }
    expect(discriminatorAccuracy[0]).not.toBe(discriminatorAccuracy[10]);
    expect(diversity[0]).toBeGreaterThan(0.1);
  });

  test("noise without spread makes sets alike", async () => {
    const { diversity } = await healthOf({ noiseSd: 1e-6, epochs: 1 });
    expect(diversity[0]).toBeLessThan(1e-3);
  });

  test("a critic whose learning rate is far too high dies", async () => {
    const { deadUnits } = await healthOf({ criticLearningRate: 0.5, generatorLearningRate: 1e-5 });
    const alive = await healthOf();
    expect(deadUnits[20]).toBeGreaterThan(alive.deadUnits[20] + 0.2);
  });

  test("a discriminator learns to tell rows that stand still, and without one there is no accuracy", async () => {
    const still = await healthOf({
      generatorLearningRate: 1e-9,
      discriminatorSteps: 20,
      discriminatorLearningRate: 0.01,
    });
    expect(still.discriminatorAccuracy[20]).toBeGreaterThan(still.discriminatorAccuracy[0]);
    expect(still.discriminatorAccuracy[20]).toBeGreaterThan(0.75);
    expect((await healthOf({ lambda: 0, epochs: 2 })).discriminatorAccuracy).toEqual([0, 0]);
  });
});

describe("advice", () => {
  const settings = resolveSettings({});
  const adviceOn = (values: Partial<Record<keyof History, number>>, given = settings) =>
    diagnose([historyOf(values)], given).flatMap(({ name, advice }) =>
      advice ? [`${name}: ${advice}`] : [],
    );

  test.each<[Partial<Record<keyof History, number>>, RegExp]>([
    [
      { criticCorrelation: 0.02 },
      /^criticCorrelation: The critic predicts nothing: more critic steps .* fewer rows/,
    ],
    [{ deadUnits: 0.8 }, /^deadUnits: Most .* lower criticLearningRate/],
    [{ diversity: 0.01 }, /^diversity: .* nearly the same: more noise/],
    [{ discriminatorAccuracy: 1 }, /^discriminatorAccuracy: .* higher lambda/],
    [{ discriminatorAccuracy: 0.5 }, /^discriminatorAccuracy: The discriminator learns nothing/],
  ])("%o is bad", (values, message) => {
    const said = adviceOn({ deadUnits: 0.1, discriminatorAccuracy: 0.8, ...values });
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(message);
  });

  test("none where all is well, training was short, or the network is not there", () => {
    expect(adviceOn({ deadUnits: 0.1, discriminatorAccuracy: 0.8 })).toEqual([]);
    expect(
      diagnose([historyOf({ criticCorrelation: 0 }, 5)], settings).every(({ advice }) => advice === null),
    ).toBe(true);
    const plainSearch = resolveSettings({ generatorLearningRate: 0 });
    expect(diagnose([historyOf({})], plainSearch)).toEqual([]);
    const free = diagnose([historyOf({})], resolveSettings({ lambda: 0 }));
    expect(free.map(({ name }) => name)).toEqual(["criticCorrelation", "deadUnits", "diversity"]);
  });

  test("looks at the later half, mean over splits", () => {
    const rising = historyOf({});
    rising.criticCorrelation = Array.from({ length: 20 }, (_, i) => (i < 10 ? -1 : 0.6));
    const [{ value }] = diagnose([rising, historyOf({ criticCorrelation: 0.2 })], settings);
    expect(value).toBeCloseTo(0.4, 12);
  });
});
