/** Whole trainings on an engine: they learn, they grow no memory. */
import { describe, expect, test } from "vitest";
import type { Backend } from "../sdk/engine/backend.ts";
import { resolveSettings, type Settings } from "../sdk/options.ts";
import { train } from "../sdk/train.ts";
import { toy } from "./toy.ts";

/** Small networks and few steps: seconds on a software GPU. */
export const SMALL: Partial<Settings> = {
  objective: "synthetic",
  metric: "roc_auc",
  samples: "16",
  batchSize: 8,
  criticSteps: 8,
  criticBatch: 16,
  criticWidth: 16,
  generatorLearningRate: 0.01,
  rescore: 0,
  vote: 1,
};

/** What `bench:learn` asks of the mean score of an epoch's sets. */
const FLOOR = 0.85;

export function learns(name: string, open: () => Promise<Backend>): void {
  describe(`a training on ${name}`, () => {
    test("raises the mean score of generated sets as the WASM engine does", {
      timeout: 180_000,
    }, async () => {
      const settings = resolveSettings({ ...SMALL, epochs: 60 });
      const job = { ...toy(2), settings, seed: 1 };
      const { history, engines } = await train(job, {}, open);
      expect(engines).toHaveLength(1);
      const last = history.mean.slice(-10);
      const mean = last.reduce((sum, value) => sum + value, 0) / last.length;
      console.log(`${name}: mean ROC-AUC of the last 10 of 60 epochs ${mean.toFixed(3)}`);
      expect(mean).toBeGreaterThan(FLOOR);
    });
  });
}
