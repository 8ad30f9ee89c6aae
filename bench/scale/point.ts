/** One size, in a process of its own: how long an epoch takes, and the most memory that it took. */
import { resolveSettings } from "../../sdk/options.ts";
import { train } from "../../sdk/train.ts";
import { linear } from "../problems.ts";
import { median } from "../speed/measure.ts";
import type { Measured, Size } from "./sizes.ts";

/** Epochs that are not counted, as caches and compilers settle; then so many, or for so many milliseconds. */
const WARM_UP = 2;
const EPOCHS = 7;
const BUDGET = 20_000;

process.on("message", async ({ rows, columns, samples }: Size) => {
  const settings = resolveSettings({ samples: String(samples), epochs: 1e6, patience: 1e6, rescore: 0 });
  const started = performance.now();
  const times: number[] = [];
  let last = 0;
  await train(
    { ...linear(rows, columns, 5), classes: 2, seed: 1, settings },
    {
      onEpoch: () => {
        const now = performance.now();
        times.push(now - last);
        last = now;
      },
      shouldStop: () => {
        const counted = times.length - WARM_UP;
        return counted >= EPOCHS || (counted >= 1 && performance.now() - started > BUDGET);
      },
    },
  );
  const seconds = median(times.slice(WARM_UP)) / 1000;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  process.send!({ seconds, megabytes } satisfies Measured, () => process.exit());
});
