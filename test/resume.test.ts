/** Training that goes on from a state: on another engine when the first is lost, and from plain data. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { summary } from "../cli/results.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { MakeitError } from "../sdk/errors.ts";
import { fit, readTable } from "../sdk/index.ts";
import { resolveSettings, type Settings } from "../sdk/options.ts";
import { registerPlotWindow } from "../sdk/plots/node.ts";
import { renderReport } from "../sdk/report.ts";
import type { SplitRunner } from "../sdk/run.ts";
import { runSplit } from "../sdk/split.ts";
import type { TrainState } from "../sdk/state.ts";
import { Trainer, type TrainJob, train } from "../sdk/train.ts";
import { LossyBackend, REASON } from "./lossy.ts";
import { SMALL, toy } from "./toy.ts";

const small: Partial<Settings> = { ...SMALL, metric: "log_loss" }; // moves with the last bit of a probability
const published: Partial<Settings> = { epochs: 8, batchSize: 4, samples: "10", criticWidth: 8, replay: 10 };

const VARIANTS: Record<string, Partial<Settings> & { classes?: number }> = {
  default: small,
  dragan: { ...published, preset: "dragan", metric: "roc_auc", noise: 6 },
  "makeit-2023": {
    ...published,
    preset: "makeit-2023",
    metric: "roc_auc",
    discriminatorWidths: "8,6",
    frozenEpochs: 4,
  },
  "a memory in factors": {
    ...published,
    preset: "dragan",
    metric: "roc_auc",
    noise: 6,
    rank: 3,
    criticWidth: 64,
    replay: 12,
    replayPolicy: "fifo",
  },
};
const MORE: typeof VARIANTS = {
  ...VARIANTS,
  "three classes": { ...small, classes: 3 },
  tree: { ...small, classifier: "tree", metric: "average_precision" },
  "the same folds throughout": { ...small, freshFolds: false },
  "generated rows alone": { ...small, objective: "synthetic", lambda: 1 },
  "plain search": { ...small, generatorLearningRate: 0 },
  "no critic": { ...small, criticSteps: 0 },
  "rmsprop and a flat critic on batches": { ...small, critic: "flat", generatorOptimizer: "rmsprop" },
};

function jobOf({ classes = 2, ...options }: (typeof VARIANTS)[string], seed = 3): TrainJob {
  return { ...toy(classes, 60), settings: resolveSettings(options), seed };
}

afterEach(() => void vi.restoreAllMocks());

describe("an engine that is lost", () => {
  test.each(Object.keys(VARIANTS))("at any submission or reading, nothing is lost: %s", async (name) => {
    const job = jobOf(VARIANTS[name]);
    const { engines, ...expected } = await train(job);
    expect(engines).toEqual([{ engine: "wasm", from: 1 }]);

    const whole = await LossyBackend.open();
    const ends: number[] = []; // of each epoch, in uses of the engine
    const onEpoch = () => void ends.push(whole.uses);
    const undisturbed = await train(job, { onEpoch }, async () => whole);
    expect(undisturbed).toEqual({ ...expected, engines: [{ engine: "webgpu", from: 1 }] });
    expect(ends.length).toBe(job.settings.epochs);
    expect(whole.uses).toBe(ends[ends.length - 1]); // the vote needs no engine

    for (let lastsFor = 0; lastsFor < whole.uses; lastsFor++) {
      const lossy = await LossyBackend.open(lastsFor);
      const heard: number[] = [];
      const hooks = { onEpoch: (epoch: number) => void heard.push(epoch) };
      const { engines, ...result } = await train(job, hooks, async () => lossy);
      const from = 1 + ends.filter((end) => end <= lastsFor).length;
      expect(engines, `lost after ${lastsFor} uses`).toEqual([
        { engine: "webgpu", from: 1 },
        { engine: "wasm", from, reason: REASON },
      ]);
      expect(result, `lost after ${lastsFor} uses`).toEqual(expected);
      expect(heard).toEqual(ends.map((_, e) => e + 1));
      expect(lossy.disposed).toBe(true);
    }
  });

  test("with the WASM engine lost too, an error that names both", async () => {
    const gpu = await LossyBackend.open(40);
    const cpu = await LossyBackend.open(20, "wasm");
    vi.spyOn(WasmBackend, "open").mockResolvedValue(cpu as unknown as WasmBackend);
    const failed = train(jobOf(small), {}, async () => gpu);
    await expect(failed).rejects.toThrow(MakeitError);
    await expect(failed).rejects.toMatchObject({
      code: "engine",
      message: `Training cannot go on, every engine was lost: webgpu and then wasm. ${REASON} ${REASON}`,
      hint: expect.stringMatching(/again/),
    });
    expect([gpu.disposed, cpu.disposed]).toEqual([true, true]);
  });

  test("other failures are not mended", async () => {
    const gpu = await LossyBackend.open();
    const broken = new MakeitError("engine", "dense: x must hold 6 floats, got 5.");
    let reads = 0;
    const read = gpu.read.bind(gpu);
    gpu.read = async (...of) => {
      if (++reads === 30) throw broken;
      return read(...of);
    };
    await expect(train(jobOf(small), {}, async () => gpu)).rejects.toBe(broken);
    expect(gpu.disposed).toBe(true);
  });

  test("its epochs are read back in one go; the WASM engine's not at all", async () => {
    const job = jobOf({ ...small, epochs: 8 });
    const count = async (name: "webgpu" | "wasm") => {
      const engine = await LossyBackend.open(Infinity, name);
      const counts: [waits: number, reads: number][] = [];
      const onEpoch = () => {
        counts.push([engine.waits, engine.reads]);
        engine.waits = 0;
        engine.reads = 0;
      };
      await train(job, { onEpoch }, async () => engine);
      return counts;
    };
    const everyEpoch = (reads: number) => {
      // The first epoch also looks at the critic's three ReLU layers and the discriminator's logits.
      return Array.from({ length: 8 }, (_, epoch) => [2, reads + (epoch === 0 ? 4 : 0)]);
    };
    // Sets, predictions and the generator, then both losses and three clocks.
    expect(await count("wasm")).toEqual(everyEpoch(3 + 5));
    // And values, m, v and clock of three networks, and the sets as the critic remembers them.
    expect(await count("webgpu")).toEqual(everyEpoch(3 + 5 + 3 * 4 + 1));
  });
});

describe("a state", () => {
  test.each(Object.keys(MORE))(
    "written down after any epoch, training goes on to the same bytes: %s",
    async (name) => {
      const job = jobOf(MORE[name]);
      const { engines: _engines, kernels: _kernels, ...expected } = await train(job);
      for (let epochs = 0; epochs <= job.settings.epochs; epochs++) {
        const first = await Trainer.open(await WasmBackend.open(), job);
        for (let epoch = 0; epoch < epochs; epoch++) await first.epoch();
        const state = structuredClone(await first.state());
        const written = epochs > 0 ? readBack(writeDown(state)) : state;
        expect(written).toEqual(state);
        const second = await Trainer.open(await WasmBackend.open(), job, written);
        expect(await second.run(), `from epoch ${epochs}`).toEqual(expected);
        // Whoever gave it away goes on as if nothing had been.
        if (epochs % 3 === 1) expect(await first.run()).toEqual(expected);
      }
    },
  );

  test("what an engine that can be lost has kept is what the WASM engine holds", async () => {
    for (const [name, options] of Object.entries(MORE)) {
      const job = jobOf(options);
      const kept = await Trainer.open(await LossyBackend.open(), job);
      const held = await Trainer.open(await WasmBackend.open(), job);
      for (let epoch = 1; epoch <= 5; epoch++) {
        await Promise.all([kept.epoch(), held.epoch()]);
        expect(held.kept).toBeUndefined();
        expect(timeless(kept.kept!), `${name}, epoch ${epoch}`).toEqual(timeless(await held.state()));
      }
    }
  });

  test("moves from engine to engine as often as one likes", async () => {
    const job = jobOf(VARIANTS.dragan);
    const { engines: _engines, kernels: _kernels, ...expected } = await train(job);
    let state: TrainState | undefined;
    for (let epoch = 0; epoch < job.settings.epochs; epoch++) {
      const trainer = await Trainer.open(await LossyBackend.open(), job, structuredClone(state));
      if (state) expect(await trainer.state()).toEqual(state);
      await trainer.epoch();
      state = structuredClone(await trainer.state());
    }
    expect(await (await Trainer.open(await LossyBackend.open(), job, state)).run()).toEqual(expected);
  });

  test.each(Object.keys(VARIANTS))("stays as it is when the epoch after it fails: %s", async (name) => {
    const job = jobOf(VARIANTS[name]);
    const { engines: _engines, kernels: _kernels, ...expected } = await train(job);
    const begin = async () => {
      const gpu = await LossyBackend.open();
      const trainer = await Trainer.open(gpu, job);
      for (let epoch = 0; epoch < 2; epoch++) await trainer.epoch();
      return { gpu, trainer };
    };
    const { gpu, trainer } = await begin();
    const before = gpu.uses;
    await trainer.epoch();
    for (let uses = before; uses < gpu.uses; uses++) {
      const { gpu, trainer } = await begin();
      const state = structuredClone(trainer.kept);
      gpu.lastsFor = uses;
      await expect(trainer.epoch()).rejects.toMatchObject({ code: "lost" });
      expect(trainer.kept, `lost after ${uses} uses`).toEqual(state);
      const other = await Trainer.open(await WasmBackend.open(), job, trainer.kept);
      expect(await other.run()).toEqual(expected);
    }
  });

  test.each(["default", "dragan"])("does not grow, but for its history: %s", async (name) => {
    const job = jobOf({ ...VARIANTS[name], epochs: 300 });
    const trainer = await Trainer.open(await LossyBackend.open(), job);
    const sizes: number[] = [];
    for (let epoch = 1; epoch <= 300; epoch++) {
      await trainer.epoch();
      const { progress, ...rest } = trainer.kept!;
      const { history, ...found } = progress;
      for (const values of Object.values(history)) expect(values.length).toBe(epoch);
      sizes.push(sizeOf({ ...rest, found }));
    }
    // The best six and the last six may be the same sets: those come and go. All else is full after the window's epochs.
    const set = sizeOf(trainer.kept!.progress.candidates[0]);
    const settled = sizes.slice(10);
    expect(Math.max(...settled) - Math.min(...settled)).toBeLessThanOrEqual(6 * set);
  });
});

describe("a run whose GPU was lost", () => {
  test("says so in its warnings, its report and its summary, split by split", async () => {
    registerPlotWindow();
    const { x, y } = toy(2, 90);
    const table = await readTable(
      {
        a: Array.from(y, (_, i) => x.data[2 * i]),
        b: Array.from(y, (_, i) => x.data[2 * i + 1]),
        class: Array.from(y, (label) => (label ? "rare" : "usual")),
      },
      { name: "toy" },
    );
    const options = { ...small, splits: 3, target: "class" } as const;
    const lossyRunner: SplitRunner = async (jobs, { hooks }) => {
      const outcomes = [];
      for (const job of jobs) {
        const lastsFor = [93, Infinity, 0, Infinity][job.split]; // the final model's, and one of three splits'
        outcomes.push(await runSplit(job, hooks(job), () => LossyBackend.open(lastsFor)));
      }
      return outcomes;
    };
    const { result, model } = await fit(table, options, lossyRunner);
    const plain = await fit(table, options);
    expect(model.toBytes()).toEqual(plain.model.toBytes());
    expect(result.mean.test).toEqual(plain.result.mean.test);

    const lines = result.warnings.filter((line) => line.includes("lost"));
    expect(lines).toEqual([
      `Split 2, epoch 1: ${REASON} Training went on with the engine wasm and lost nothing.`,
      `The model on all rows, epoch 4: ${REASON} Training went on with the engine wasm and lost nothing.`,
    ]);
    expect(plain.result.warnings).toEqual(result.warnings.filter((line) => !lines.includes(line)));
    expect(result.splits.map(({ engines }) => engines.map(({ engine }) => engine))).toEqual([
      ["webgpu"],
      ["webgpu", "wasm"],
      ["webgpu"],
    ]);
    expect([result.engine, plain.result.engine]).toEqual(["webgpu and wasm", "wasm"]);
    expect(summary(result, "out", 1)).toContain("engine webgpu and wasm");
    for (const line of lines) expect(renderReport(result)).toContain(line);
    expect(JSON.parse(JSON.stringify(result)).splits[1].engines).toEqual(result.splits[1].engines);
  });
});

/** Without the one number that tells how fast this machine is. */
function timeless({ progress, ...rest }: TrainState): TrainState {
  return { ...rest, progress: { ...progress, seconds: 0 } };
}

type Numbers = Float32Array | Float64Array | Int32Array;
const KINDS = { Float32Array, Float64Array, Int32Array };

/** JSON for the structure, bytes for the arrays: what a file of a state would hold. */
function writeDown(state: TrainState): { json: string; arrays: Record<string, Uint8Array> } {
  const arrays: Record<string, Uint8Array> = {};
  const walk = (path: string, value: unknown): unknown => {
    if (ArrayBuffer.isView(value)) {
      expect(Object.keys(KINDS), path).toContain(value.constructor.name);
      arrays[path] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
      return { kind: value.constructor.name, path };
    }
    if (typeof value === "number") expect(value, path).toSatisfy(Number.isFinite);
    if (typeof value !== "object") {
      expect(["number", "string", "undefined"], path).toContain(typeof value);
      return value;
    }
    expect([Object.prototype, Array.prototype], path).toContain(Object.getPrototypeOf(value));
    const entries = Object.entries(value!).map(([key, inner]) => [key, walk(`${path}.${key}`, inner)]);
    return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
  };
  return { json: JSON.stringify(walk("state", state)), arrays };
}

function readBack({ json, arrays }: ReturnType<typeof writeDown>): TrainState {
  return JSON.parse(json, (_, value) => {
    if (!value?.kind) return value;
    const Kind = KINDS[value.kind as keyof typeof KINDS];
    return new Kind(arrays[value.path].slice().buffer) satisfies Numbers;
  });
}

/** Numbers it holds, wherever they are. */
function sizeOf(value: unknown): number {
  if (ArrayBuffer.isView(value)) return (value as Numbers).length;
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + sizeOf(inner), 0);
}
