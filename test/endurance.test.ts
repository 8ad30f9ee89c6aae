/** Long runs keep no more memory than short ones. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { saveStates } from "../sdk/checkpoints.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { resolveSettings } from "../sdk/options.ts";
import { train } from "../sdk/train.ts";
import { toy } from "./toy.ts";

const EPOCHS = 10_000;
/** Everything is allocated and its lists are full by then. */
const SETTLED = 500;
/** Six lists of a number each, which may double their room as they grow. */
const HISTORY_BYTES = 6 * 8 * 2;

test(`${EPOCHS} epochs with checkpoints: heap, buffers and the engine's memory stay`, {
  timeout: 600_000,
}, async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const folder = mkdtempSync(join(tmpdir(), "makeit-endurance-"));
  const settings = resolveSettings({
    epochs: EPOCHS,
    patience: EPOCHS,
    batchSize: 2,
    samples: "8",
    noise: 4,
    criticSteps: 1,
    criticBatch: 4,
    criticWidth: 4,
    replay: 16,
    discriminatorSteps: 1,
    discriminatorBatch: 16,
    discriminatorWidths: "4",
    rescore: 4,
    vote: 4,
  });
  const seen: { epoch: number; engine: number; heap: number; buffers: number }[] = [];
  const save = saveStates(
    { folder, seconds: 0.05, split: 1 },
    { stopping: () => false, warn: console.warn },
  )!;
  let engine: WasmBackend;
  const onEpoch = async (epoch: number) => {
    expect(epoch < 2 || existsSync(join(folder, "split-1.state"))).toBe(true);
    if (epoch % Math.floor((EPOCHS - SETTLED) / 5) !== 0 || epoch < SETTLED) return;
    // What buffers hold outside of the heap goes only after the heap's own objects.
    for (let turn = 0; turn < 3; turn++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    seen.push({ epoch, engine: engine.bytes, heap: heapUsed, buffers: arrayBuffers });
  };
  try {
    await train({ ...toy(2), settings, seed: 1 }, { onEpoch, onState: save }, async () => {
      engine = await WasmBackend.open();
      return engine;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  for (const { epoch, engine, heap, buffers } of seen) {
    console.log(`epoch ${epoch}: engine ${kib(engine)}, heap ${kib(heap)}, buffers ${kib(buffers)}`);
  }
  const [early, late] = [seen[0], seen[seen.length - 1]];
  const history = HISTORY_BYTES * (late.epoch - early.epoch);
  expect(late.engine).toBe(early.engine);
  // What the collector leaves behind varies.
  expect(late.heap - early.heap).toBeLessThan(history + 2 ** 20);
  expect(late.buffers - early.buffers).toBeLessThan(2 ** 19);
});
