/** Whole trainings on the GPU, in Node. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { useDawn } from "../sdk/dawn.ts";
import type { Backend } from "../sdk/engine/backend.ts";
import { findAdapter } from "../sdk/engine/gpu.ts";
import { chooseEngine, openBackend } from "../sdk/engine/open.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { WebGpuBackend } from "../sdk/engine/webgpu.ts";
import { resolveSettings } from "../sdk/options.ts";
import { train } from "../sdk/train.ts";
import { learns, SMALL } from "./learning.ts";
import { toy } from "./toy.ts";

useDawn();

const openGpu = async () => WebGpuBackend.open({ adapter: (await findAdapter())! });

learns("webgpu", () => openBackend({ engine: "webgpu" }));
learns("wasm", () => WasmBackend.open());

describe("a GPU that is lost in mid-run", () => {
  test.each([1, 4])("in epoch %i: training goes on in WebAssembly and loses nothing", async (lostIn) => {
    const job = { ...toy(2), settings: resolveSettings({ ...SMALL, lambda: 1, epochs: 6 }), seed: 1 };
    let gpu: WebGpuBackend;
    const open = async () => {
      gpu = await openGpu();
      if (lostIn === 1) gpu.device.destroy();
      return gpu;
    };
    const onEpoch = (epoch: number) => {
      if (epoch === lostIn - 1) gpu.device.destroy();
    };
    const { history, stopped, engines } = await train(job, { onEpoch }, open);
    expect(stopped).toEqual({ epoch: 6, reason: "epochs" });
    expect(engines).toEqual([
      { engine: "webgpu", from: 1 },
      { engine: "wasm", from: lostIn, reason: expect.stringMatching(/^The GPU was lost/) },
    ]);
    // The scores of the same epochs, all on one engine: rounding alone tells them apart.
    const whole = await train(job, {}, async () => WasmBackend.open());
    expect(history.criticLoss).toHaveLength(6);
    history.criticLoss.forEach((loss, i) => {
      expect(Math.abs(loss - whole.history.criticLoss[i])).toBeLessThan(1e-2);
    });
  });
});

describe("a thousand epochs", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const opened: Record<string, () => Promise<{ backend: Backend; bytes: () => number }>> = {
    wasm: async () => {
      const backend = await WasmBackend.open();
      return { backend, bytes: () => backend.bytes };
    },
    webgpu: async () => {
      const backend = await openGpu();
      return { backend, bytes: () => backend.bytes };
    },
  };

  test.each(Object.keys(opened))(
    "on %s grow neither buffers nor heap",
    { timeout: 300_000 },
    async (name) => {
      const epochs = 1000;
      const settings = resolveSettings({
        ...SMALL,
        epochs,
        patience: epochs,
        batchSize: 2,
        samples: "8",
        criticSteps: 1,
        criticBatch: 4,
        criticWidth: 4,
        replay: 16,
        lambda: 1,
        discriminatorSteps: 1,
        discriminatorBatch: 16,
        discriminatorWidths: "4",
      });
      const seen: { epoch: number; engine: number; heap: number; buffers: number }[] = [];
      let engine: Awaited<ReturnType<(typeof opened)[string]>>;
      const onEpoch = async (epoch: number) => {
        if (epoch !== 200 && epoch !== epochs) return;
        // What buffers hold outside of the heap goes only after the heap's own objects.
        for (let turn = 0; turn < 3; turn++) {
          // What buffers hold outside of the heap goes only after the heap's own objects.
          for (let turn = 0; turn < 3; turn++) {
            collect();
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        seen.push({ epoch, engine: engine.bytes(), heap: heapUsed, buffers: arrayBuffers });
      };
      await train({ ...toy(2), settings, seed: 1 }, { onEpoch }, async () => {
        engine = await opened[name]();
        return engine.backend;
      });
      const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
      for (const { epoch, engine, heap, buffers } of seen)
        console.log(
          `${name}, epoch ${epoch}: engine ${kib(engine)}, heap ${kib(heap)}, buffers ${kib(buffers)}`,
        );
      const [early, late] = seen;
      expect(late.engine).toBe(early.engine);
      // The history of 800 epochs is some 60 KiB; what the collector leaves behind varies.
      expect(late.heap - early.heap).toBeLessThan(2 ** 20);
      expect(late.buffers - early.buffers).toBeLessThan(2 ** 19);
    },
  );
});

describe("auto", () => {
  /** The adapter that is here, passed off as a real one. */
  const disguised = async () => {
    const adapter = (await findAdapter())!;
    const info = {
      description: "A real one",
      vendor: "x",
      architecture: "y",
      device: "",
      isFallbackAdapter: false,
    };
    const { features, limits } = adapter;
    return {
      info,
      features,
      limits,
      requestDevice: adapter.requestDevice.bind(adapter),
    } as unknown as GPUAdapter;
  };

  test("tries both engines on the run's own sizes and says what it found", async () => {
    const choice = await chooseEngine({ rows: 512, inner: 9, cols: 16 }, disguised);
    expect(choice.reason).toMatch(/^a trial took [\d.]+ ms on A real one, [\d.]+ ms on the CPU$/);
    const [gpu, cpu] = choice.reason.match(/[\d.]+(?= ms)/g)!.map(Number);
    if (Math.abs(gpu * 1.5 - cpu) > 0.2) expect(choice.engine).toBe(gpu * 1.5 < cpu ? "webgpu" : "wasm");
  });

  test("takes wasm where the GPU fails its trial", async () => {
    const failing = async () => ({
      ...(await disguised()),
      requestDevice: () => Promise.reject(new Error("no driver")),
    });
    const choice = await chooseEngine(undefined, failing as never);
    expect(choice).toMatchObject({ engine: "wasm", reason: /the GPU failed a trial: .*no driver/ });
  });
});
