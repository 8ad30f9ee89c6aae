/** Runs saved on disk and gone on with, and what broken numbers, clocks and files do to them. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isSound, saveStates } from "../sdk/checkpoints.ts";
import type { Backend, Tensor } from "../sdk/engine/backend.ts";
import { type KernelCall, type KernelName, kernels } from "../sdk/engine/kernels.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import {
  type CheckpointOptions,
  fit,
  holdsRun,
  type NodeFitOptions,
  type Run,
  readTable,
  removeRun,
} from "../sdk/node.ts";
import { resolveSettings, type Settings } from "../sdk/options.ts";
import { pack, unpack } from "../sdk/pack.ts";
import type { Saved } from "../sdk/state.ts";
import { Trainer, type TrainHooks, type TrainJob, type TrainResult, train } from "../sdk/train.ts";
import { SMALL, toy } from "./toy.ts";

const small: Partial<Settings> = { ...SMALL, engine: "wasm" };

function jobOf(options: Partial<Settings> = {}): TrainJob {
  return { ...toy(2, 60), settings: resolveSettings({ ...small, ...options }), seed: 3 };
}

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "makeit-checkpoint-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
  vi.restoreAllMocks();
});

describe("packed data", () => {
  const number = fc.oneof(
    fc.double(),
    fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 0, 2 ** 53, 5e-324),
  );
  const numbers = fc.oneof(
    fc.float32Array(),
    fc.float64Array(),
    fc.int32Array(),
    fc.uint32Array(),
    fc.int16Array(),
    fc.uint8Array(),
    fc.array(number, { maxLength: 40 }),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(
        number,
        fc.string({ unit: "grapheme" }),
        fc.boolean(),
        fc.constant(null),
        fc.constant(undefined),
        numbers,
      ),
      fc.array(tie("value"), { maxLength: 5 }),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("$", "__proto__", "entries")), tie("value"), {
        maxKeys: 5,
        noNullPrototype: true,
      }),
    ),
  }));

  test("comes back as it was, to the bit", () => {
    fc.assert(
      fc.property(value, (data) => {
        const bytes = pack(data);
        const back = unpack(bytes, "data");
        expect(back).toStrictEqual(data);
        expect(pack(back)).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test("takes views of larger buffers, and gives arrays of their own", () => {
    const whole = Float64Array.from({ length: 9 }, (_, i) => i / 7);
    const back = unpack(pack({ a: whole.subarray(3, 5), b: whole.subarray(3, 5) }), "data") as Record<
      string,
      Float64Array
    >;
    expect(back.a).toEqual(whole.slice(3, 5));
    expect(back.a.buffer.byteLength).toBe(16);
    expect(back.a.buffer).not.toBe(back.b.buffer);
  });

  test.each([
    [() => {}, "the top"],
    [{ a: { b: [1, new Map()] } }, ".a.b[1]"],
    [{ when: new Date(0) }, ".when"],
  ])("refuses %o", (data, place) => {
    expect(() => pack(data)).toThrow(`What is at ${place} is not plain data`);
  });

  test("damaged in any bit, cut anywhere or lengthened is refused by its name", () => {
    const bytes = pack({ a: Float32Array.of(1, 2, 3), text: "é", list: [1, undefined] });
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      expect(() => unpack(damaged, "split-1.state"), `bit ${bit}`).toThrow(/^split-1\.state (is|has) /);
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(() => unpack(bytes.subarray(0, length), "f"), `length ${length}`).toThrow(
        /cut short|no file of Makeit/,
      );
    }
    expect(() => unpack(new Uint8Array([...bytes, 0]), "f")).toThrow("damaged");
    const newer = bytes.slice();
    newer[8] = 2;
    expect(() => unpack(newer, "f")).toThrow("f is in version 2 of its format; this Makeit reads 1.");
  });

  test("a training's state, with numbers that are none, goes on to the same bytes", async () => {
    const job = jobOf({ metric: "log_loss" });
    const whole = await train(job);
    for (let epoch = 1; epoch <= 6; epoch++) {
      let packed: Uint8Array | undefined;
      const onState: TrainHooks["onState"] = async (read) => {
        const saved = await read();
        if (saved.state.progress.epoch === epoch) packed = pack(saved);
      };
      expect(untimed(await train(job, { onState }))).toEqual(untimed(whole));
      const from = unpack(packed!, "state") as Saved;
      expect(untimed(await train(job, { from }))).toEqual(untimed(whole));
    }
    const first = await (await Trainer.open(await WasmBackend.open(), job)).state();
    expect(first.progress.best).toBe(-Infinity);
    expect(unpack(pack(first), "state")).toStrictEqual(first);
  });

  test.each([
    ["patience", { patience: 2, minDelta: 10 }],
    ["epochs", {}],
  ])("a state saved after the last epoch does not train another: %s", async (reason, options) => {
    const job = jobOf(options);
    let last: Saved | undefined;
    const whole = await train(job, {
      onState: async (read) => {
        last = structuredClone(await read());
      },
    });
    expect(whole.stopped).toEqual({ epoch: last!.state.progress.epoch, reason });
    expect(untimed(await train(job, { from: last }))).toEqual(untimed(whole));
  });
});

/** A training's result without the time of its kernels. */
function untimed({ kernels: _, ...result }: TrainResult) {
  return result;
}

describe("a run in a folder", () => {
  const asTable = async (cell = 0) => {
    const { x, y } = toy(2, 90);
    return readTable(
      {
        a: Array.from(y, (_, i) => x.data[2 * i] + (i === 5 ? cell : 0)),
        b: Array.from(y, (_, i) => x.data[2 * i + 1]),
        class: Array.from(y, (label) => (label ? "rare" : "usual")),
      },
      { name: "toy" },
    );
  };
  /** A user's own metric: such a run stays on this thread. */
  const ownMetric = (y: Int32Array, scores: Float64Array) => {
    let sum = 0;
    for (let i = 0; i < y.length; i++) sum -= (y[i] - scores[i]) ** 2;
    return sum / y.length;
  };
  const options = { ...small, splits: 3, target: "class", metric: ownMetric } as unknown as NodeFitOptions;
  const folder = () => join(home, "saved");
  const run = async (
    checkpoint: Partial<CheckpointOptions> = {},
    more: Partial<NodeFitOptions> = {},
    cell = 0,
  ) =>
    fit(await asTable(cell), {
      ...options,
      ...more,
      checkpoint: { folder: folder(), seconds: 1e-6, ...checkpoint },
    });
  const bytesOf = ({ model, result }: Run) => [
    Buffer.from(model.toBytes()).toString("base64"),
    JSON.stringify(result, (key, value) => (key === "seconds" ? 0 : value)),
  ];
  /** Stops as a crash would, in the given epoch of all that the run has. */
  const crashing = (epoch: number) => {
    let epochs = 0;
    const onEpoch = () => {
      if (++epochs === epoch) throw new Error("crash");
    };
    return { onEpoch };
  };

  test("stopped at every third epoch, goes on to the same bytes", async () => {
    const whole = bytesOf(await fit(await asTable(), options));
    for (let epoch = 1; epoch <= 24; epoch += 3) {
      await expect(run({}, crashing(epoch))).rejects.toThrow("crash");
      const told: string[] = [];
      const onResume: NodeFitOptions["onResume"] = ({ split, epoch, finished }) => {
        told.push(`${split}: ${finished ? "finished" : epoch}`);
      };
      expect(bytesOf(await run({ resume: true }, { onResume })), `stopped in epoch ${epoch}`).toEqual(whole);
      const [done, inside] = [Math.floor((epoch - 1) / 6), (epoch - 1) % 6];
      const expected = [1, 2, 3, 0].slice(0, done).map((split) => `${split}: finished`);
      if (inside > 0) expected.push(`${[1, 2, 3, 0][done]}: ${inside}`);
      expect(told, `stopped in epoch ${epoch}`).toEqual(expected);
      removeRun(folder());
      expect(readdirSync(home)).toEqual([]);
    }
  });

  test("keeps the last two states of a split, then its outcome alone", async () => {
    await expect(run({}, crashing(10))).rejects.toThrow("crash");
    expect(readdirSync(folder()).sort()).toEqual([
      "run.identity",
      "split-1.done",
      "split-2.before",
      "split-2.state",
    ]);
    const epochs = ["before", "state"].map((kind) => {
      const file = join(folder(), `split-2.${kind}`);
      return (unpack(readFileSync(file), file) as Saved).state.progress.epoch;
    });
    expect(epochs).toEqual([2, 3]);
  });

  test("names what differs, with both values", async () => {
    await expect(run({ asked: { drop: ["x"] } }, crashing(3))).rejects.toThrow("crash");
    const again = { resume: true, asked: { drop: ["x"] } };
    const refusal = (text: string) =>
      expect.objectContaining({ code: "input", message: expect.stringContaining(text) });
    await expect(run(again, { epochs: 7, minDelta: 0.5 })).rejects.toEqual(
      refusal("of another run: epochs was 6 and is 7; minDelta was 0.0001 and is 0.5."),
    );
    await expect(run({ resume: true })).rejects.toEqual(refusal('drop was ["x"] and is not given'));
    await expect(run(again, { metric: "f1" })).rejects.toEqual(
      refusal(`metric was "the user's own" and is "f1"`),
    );
    await expect(run(again, {}, 1e-9)).rejects.toEqual(refusal("hash of the table was"));
    const file = join(folder(), "run.identity");
    const saved = unpack(readFileSync(file), file) as Record<string, unknown>;
    writeFileSync(file, pack({ ...saved, version: "0.0.9" }));
    await expect(run(again)).rejects.toEqual(refusal('version of Makeit was "0.0.9" and is '));
  });

  test("an engine that a trial chose is not chosen again", async () => {
    await expect(run({}, crashing(3))).rejects.toThrow("crash");
    const file = join(folder(), "run.identity");
    const saved = unpack(readFileSync(file), file) as Record<string, unknown>;
    writeFileSync(file, pack({ ...saved, choice: { engine: "wasm", reason: "it won by a nose" } }));
    expect((await run({ resume: true })).result.engineReason).toBe("it won by a nose");
  });

  test("beginning anew removes the other run's files and no others", async () => {
    await expect(run({}, crashing(10))).rejects.toThrow("crash");
    writeFileSync(join(folder(), "notes.txt"), "mine");
    await expect(run({}, crashing(2))).rejects.toThrow("crash");
    expect(readdirSync(folder()).sort()).toEqual(["notes.txt", "run.identity", "split-1.state"]);
    removeRun(folder());
    expect(readdirSync(folder())).toEqual(["notes.txt"]);
    expect(holdsRun(folder())).toBe(false);
  });

  test("an error before the first epoch leaves nothing", async () => {
    await expect(run({}, { metric: () => 1e308 } as never)).rejects.toThrow(/diverged/);
    expect(existsSync(folder())).toBe(false);
  });

  test("an outcome that is damaged is refused", async () => {
    await expect(run({}, crashing(8))).rejects.toThrow("crash");
    copyFileSync(join(folder(), "run.identity"), join(folder(), "split-1.done"));
    writeFileSync(
      join(folder(), "split-1.done"),
      readFileSync(join(folder(), "split-1.done")).subarray(0, 50),
    );
    await expect(run({ resume: true })).rejects.toThrow(/split-1\.done is cut short: 50 of \d+ bytes/);
  });
});

describe("how often a split saves itself", () => {
  /** Times at which it saved, when each epoch takes 1 s and each saving `cost` s, and the best rises as `better` says. */
  async function saves(seconds: number, cost: number, better: (epoch: number) => boolean, stopAt = Infinity) {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const state = await (await Trainer.open(await WasmBackend.open(), jobOf())).state();
    const times: number[] = [];
    let epoch = 0;
    const hooks = { stopping: () => epoch === stopAt, warn: () => {} };
    const onState = saveStates({ folder: home, seconds, split: 1 }, hooks)!;
    for (epoch = 1; epoch <= 100; epoch++) {
      now += 1000;
      const read = async () => {
        times.push(epoch);
        now += 1000 * cost;
        return { state, engines: [] };
      };
      await onState(read, better(epoch));
    }
    return times;
  }

  test("its seconds, where nothing gets better", async () => {
    expect(await saves(30, 0, () => false)).toEqual([30, 60, 90]);
    expect(await saves(0.5, 0, () => false)).toHaveLength(100);
  });

  test("each better score, as long as that takes no more than a twentieth of the time", async () => {
    expect(await saves(30, 0, (epoch) => epoch % 7 === 0)).toEqual([
      7, 14, 21, 28, 35, 42, 49, 56, 63, 70, 77, 84, 91, 98,
    ]);
    const dear = await saves(30, 1, () => true);
    expect(dear).toEqual([1, 21, 41, 61, 81]);
    expect(await saves(10, 1, () => true)).toEqual([1, 11, 21, 31, 41, 51, 61, 71, 81, 91]);
  });

  test("at once when it is to stop", async () => {
    expect(await saves(1000, 0, () => false, 17)).toEqual([17]);
  });
});

test("a clock that jumps changes nothing", async () => {
  const job = jobOf({ maxSeconds: 3600 });
  const expected = untimed(await train(job));
  let calls = 0;
  const jumps = [0, 4e12, -6e11, 1e15, Number.NaN];
  vi.spyOn(Date, "now").mockImplementation(() => jumps[calls++ % jumps.length]);
  vi.useFakeTimers({ toFake: ["Date"], now: 0 });
  try {
    const epochs: number[] = [];
    const save = saveStates(
      { folder: home, seconds: 3600, split: 1 },
      { stopping: () => false, warn: () => {} },
    )!;
    const onState: TrainHooks["onState"] = async (read, better) => {
      vi.setSystemTime(jumps[epochs.length % 4]);
      await save(async () => {
        const saved = await read();
        epochs.push(saved.state.progress.epoch);
        expect(saved.state.progress.seconds).toBeGreaterThan(0);
        expect(saved.state.progress.seconds).toBeLessThan(600);
        return saved;
      }, better);
    };
    const result = untimed(await train(job, { onState }));
    expect(result).toEqual(expected);
    expect(epochs[0]).toBe(1);
    expect(epochs.length).toBeLessThanOrEqual(6);
  } finally {
    vi.useRealTimers();
  }
});

describe("a number that is none", () => {
  /** Plants NaN in an output of a kernel, after the n-th of its steps. */
  class Planter implements Backend {
    readonly name = "wasm";
    /** Steps of each kernel so far. */
    readonly steps = new Map<KernelName, number>();
    readonly #engine: WasmBackend;
    readonly #outputs = new Map<object, Tensor[]>();
    readonly #plan: { kernel: KernelName; step: number; output: number } | undefined;
    planted = false;

    constructor(engine: WasmBackend, plan?: { kernel: KernelName; step: number; output: number }) {
      this.#engine = engine;
      this.#plan = plan;
    }
    alloc = (length: number) => this.#engine.alloc(length);
    view = (tensor: Tensor, offset: number, length: number) => this.#engine.view(tensor, offset, length);
    write = (tensor: Tensor, data: Float32Array) => this.#engine.write(tensor, data);
    read = (tensor: Tensor, out?: Float32Array) => this.#engine.read(tensor, out);
    times = () => this.#engine.times();
    dispose = () => this.#engine.dispose();
    prepare<K extends KernelName>(kernel: K, call: KernelCall<K>) {
      const step = this.#engine.prepare(kernel, call);
      const named = call as unknown as Record<string, Tensor>;
      this.#outputs.set(
        step,
        outputsOf(kernel).map((name) => named[name]),
      );
      return step;
    }
    submit(plan: Parameters<Backend["submit"]>[0]): void {
      for (const step of plan) {
        this.#engine.submit([step]);
        const count = (this.steps.get(step.kernel) ?? 0) + 1;
        this.steps.set(step.kernel, count);
        if (step.kernel !== this.#plan?.kernel || count !== this.#plan.step) continue;
        const tensor = this.#outputs.get(step)![this.#plan.output];
        this.#engine.write(this.#engine.view(tensor, 0, 1), Float32Array.of(Number.NaN));
        this.planted = true;
      }
    }
  }

  const outputsOf = (kernel: KernelName) =>
    Object.entries(kernels[kernel].args as Record<string, { access: string }>)
      .filter(([, { access }]) => access !== "read")
      .map(([name]) => name);

  const VARIANTS: Record<string, Partial<Settings>> = {
    default: { epochs: 8 },
    dragan: {
      epochs: 8,
      preset: "dragan",
      metric: "roc_auc",
      noise: 6,
      criticSteps: 2,
      criticBatch: 0,
      discriminatorSteps: 0,
    },
  };

  const used = new Set<KernelName>();

  test.each(Object.keys(VARIANTS))(
    "in any kernel's output is found within an epoch of its effect: %s",
    async (name) => {
      const job = jobOf(VARIANTS[name]);
      const clean = new Planter(await WasmBackend.open());
      const ends: Map<KernelName, number>[] = [];
      const whole = untimed(
        await train(job, { onEpoch: () => void ends.push(new Map(clean.steps)) }, async () => clean),
      );
      const tally = { found: 0, harmless: 0 };
      for (const [kernel, total] of clean.steps) {
        // In the third epoch: its first step, and its last.
        const [from, to] = [ends[1].get(kernel) ?? 0, ends[2].get(kernel) ?? 0];
        expect(total).toBeGreaterThan(0);
        for (const step of new Set([from + 1, to])) {
          for (let output = 0; output < outputsOf(kernel).length; output++) {
            const planter = new Planter(await WasmBackend.open(), { kernel, step, output });
            const what = `${kernel}, step ${step}, ${outputsOf(kernel)[output]}`;
            let last: Saved | undefined;
            const onState: TrainHooks["onState"] = async (read) => {
              const saved = await read();
              if (isSound(saved.state)) last = structuredClone(saved);
            };
            const result = untimed(await train(job, { onState }, async () => planter));
            expectNumbers(result, what);
            if (result.stopped.reason !== "diverged") {
              // Nothing looked at it.
              expect(result, what).toEqual(whole);
              tally.harmless++;
              expect(last!.state.progress.epoch, what).toBe(job.settings.epochs);
              continue;
            }
            tally.found++;
            // Planted in the third epoch, seen in it or in the fourth; a moment of an optimizer acts an epoch later.
            expect(result.stopped.epoch, what).toBeGreaterThanOrEqual(2);
            expect(result.stopped.epoch, what).toBeLessThanOrEqual(
              kernel === "adam" || kernel === "rmsprop" ? 4 : 3,
            );
            for (const [list, values] of Object.entries(result.history)) {
              if (list !== "criticCorrelation")
                expect(values.slice(0, 2), what).toEqual(whole.history[list as "mean"].slice(0, 2));
            }
            expect(result.voted.length, what).toBe(Math.min(job.settings.vote, 4 * result.stopped.epoch));
            // The last good state is from before the fault showed: training goes on from it as if nothing had been.
            expect(last!.state.progress.epoch, what).toBeGreaterThanOrEqual(2);
            if (last!.state.progress.epoch === 2)
              expect(untimed(await train(job, { from: last })), what).toEqual(whole);
          }
        }
      }
      console.log(
        `${name}: ${clean.steps.size} kernels; ${tally.found} faults found, ${tally.harmless} never looked at`,
      );
      expect(tally.found).toBeGreaterThan(clean.steps.size);
      for (const kernel of clean.steps.keys()) used.add(kernel);
    },
  );

  test("the variants run every kernel of the table", () => {
    expect([...used].sort()).toEqual(Object.keys(kernels).sort());
  });

  function expectNumbers(value: unknown, what: string): void {
    if (typeof value === "number") expect(value, what).toSatisfy(Number.isFinite);
    else if (ArrayBuffer.isView(value))
      expect((value as Float32Array).every(Number.isFinite), what).toBe(true);
    else if (typeof value === "object" && value !== null)
      for (const item of Object.values(value)) expectNumbers(item, what);
  }
});

test("what cannot be written is told once, and the checkpoint before it stays", async () => {
  const job = jobOf();
  const state = await (await Trainer.open(await WasmBackend.open(), job)).state();
  const told: string[] = [];
  const hooks = { stopping: () => false, warn: (text: string) => void told.push(text) };
  const onState = saveStates({ folder: home, seconds: 1e-9, split: 1 }, hooks)!;
  const read = async () => ({ state, engines: [] });
  await onState(read, false);
  const before = statSync(join(home, "split-1.state"));
  // A folder where its temporary file is to be.
  const { mkdirSync } = await import("node:fs");
  mkdirSync(join(home, "split-1.state.tmp"));
  for (let i = 0; i < 3; i++) await onState(read, false);
  expect(told).toEqual([
    expect.stringMatching(/^The checkpoint of split 1 could not be written \(EISDIR.*; the run goes on/),
  ]);
  expect(statSync(join(home, "split-1.state"))).toEqual(before);
  rmSync(join(home, "split-1.state.tmp"), { recursive: true });
  await onState(read, false);
  expect(readdirSync(home).sort()).toEqual(["split-1.before", "split-1.state"]);
});
