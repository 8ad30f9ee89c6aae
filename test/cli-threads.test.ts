/** Several threads in one engine, as built: the same bytes as one. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../sdk/engine/backend.ts";
import { Crew, provideThreads } from "../sdk/engine/crew.ts";
import { BOX, FUNCTIONS, LEFT, OPEN } from "../sdk/engine/hand.ts";
import { type KernelCall, type KernelName, kernels } from "../sdk/engine/kernels.ts";
import { load } from "../sdk/engine/module.ts";
import { startHand } from "../sdk/hands.ts";
import { Random } from "../sdk/random.ts";

type Makeit = typeof import("../sdk/node.ts");
let makeit: Makeit;
const THREADS = [1, 2, 3];
let engines: Backend[];

beforeAll(async () => {
  makeit = (await import(pathToFileURL(resolve("dist/node.js")).href)) as Makeit;
  engines = await Promise.all(THREADS.map((threads) => makeit.openBackend({ engine: "wasm", threads })));
});
afterAll(() => {
  for (const engine of engines) engine.dispose();
});

const activation = 2;
/** Sizes that are cut, ragged ones among them, and some that are not. */
const CALLS: [KernelName, Record<string, number>][] = [
  ["dense", { rows: 1984, inner: 333, cols: 64, activation }],
  ["dense", { rows: 7, inner: 4099, cols: 33, activation }],
  ["dense", { rows: 4097, inner: 65, cols: 1, activation: 0 }],
  ["dense", { rows: 3, inner: 5, cols: 4, activation }],
  ["dense_dx", { rows: 1001, inner: 67, cols: 31 }],
  ["dense_dw", { rows: 1984, inner: 333, cols: 64 }],
  ["dense_dw", { rows: 257, inner: 4, cols: 640 }],
  ["dense_dw", { rows: 4097, inner: 129, cols: 1 }],
  ["activation_grad", { length: 100_003, activation }],
  ["head", { sets: 5, rows: 1201, width: 10, rank: 7 }],
  ["head_dh", { sets: 5, rows: 1201, width: 10, rank: 7 }],
  ["row_mean", { sets: 33, rows: 64, cols: 65 }],
  ["row_mean_grad", { sets: 33, rows: 64, cols: 65 }],
  ["soft_label", { rows: 9001, features: 6, classes: 2, labels: 1 }],
  ["soft_label_grad", { rows: 9001, features: 6, classes: 3, labels: 3 }],
  ["gather", { slots: 50, count: 41, length: 2003, first: 0 }],
  ["scatter", { slots: 50, count: 41, length: 2003, first: 0 }],
  ["add", { length: 100_003, scale: 0.3 }],
  ["adam", { length: 100_003, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }],
  ["rmsprop", { length: 100_003, alpha: 0.99, epsilon: 1e-8 }],
];

test.each(CALLS)("%s %j: one, two and three threads give the same bytes", async (kernel, params) => {
  const results: Float32Array[][] = [];
  for (const engine of engines) {
    const random = new Random(5);
    const tensors = Object.entries(kernels[kernel].args).map(([name, { length }]) => {
      const size = (length as (p: object) => number)(params);
      const tensor = engine.alloc(size);
      const values =
        name === "index"
          ? Float32Array.from({ length: size }, (_, i) => (i * 7) % params.slots)
          : Float32Array.from({ length: size }, () => random.uniform());
      engine.write(tensor, values);
      return [name, tensor] as const;
    });
    const call = { ...Object.fromEntries(tensors), ...params } as unknown as KernelCall<KernelName>;
    const step = engine.prepare(kernel, call);
    // Again and again, from one fork to the next without a pause.
    engine.submit(Array.from({ length: 4 }, () => step));
    results.push(await Promise.all(tensors.map(([, tensor]) => engine.read(tensor))));
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test("where addresses are few the shared memory is smaller", async () => {
  const { Memory } = WebAssembly;
  const asked: number[] = [];
  let least = 2 ** 13;
  WebAssembly.Memory = class extends Memory {
    constructor(given: WebAssembly.MemoryDescriptor) {
      asked.push(given.maximum!);
      if (given.maximum! > least) throw new RangeError("could not allocate memory");
      super(given);
    }
  };
  try {
    const engine = await makeit.openBackend({ engine: "wasm", threads: 2 });
    expect(asked).toEqual([2 ** 16, 2 ** 15, 2 ** 14, 2 ** 13]);
    const tensor = engine.alloc(100_000);
    engine.write(tensor, new Float32Array(100_000).fill(2));
    engine.submit([
      engine.prepare("add", { x: engine.alloc(100_000), y: tensor, length: 100_000, scale: 1 }),
    ]);
    expect((await engine.read(tensor)).every((value) => value === 2)).toBe(true);
    engine.dispose();
    least = 0;
    const refused = makeit.openBackend({ engine: "wasm", threads: 2 });
    await expect(refused).rejects.toMatchObject({ code: "engine", hint: "Leave out threads." });
  } finally {
    WebAssembly.Memory = Memory;
  }
});

test("a thread takes a part once, and nothing where nothing is open", async () => {
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 65536, shared: true });
  const control = new Int32Array(new SharedArrayBuffer(3 * 4));
  const boxes = [1, 2].map(() => new Float64Array(new SharedArrayBuffer(BOX * 8)));
  const file = pathToFileURL(resolve("dist/hand.js"));
  const hand = { module: await load("threads"), memory, control, boxes, number: 1 };
  const thread = await startHand(file)(hand);
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const [x, y] = [2 ** 20, 2 ** 20 + 16];
  const sum = new Float32Array(memory.buffer, y, 1);
  new Float32Array(memory.buffer, x, 1)[0] = 3;
  boxes[0].set([0, FUNCTIONS.indexOf("add"), 4, x, y, 1, 1]);
  Atomics.store(control, LEFT, 1);
  for (let woken = 0, tries = 0; woken < 3 && tries < 100; tries++) {
    await sleep(20);
    woken += Atomics.notify(control, OPEN);
  }
  await sleep(100);
  expect([sum[0], Atomics.load(control, LEFT)]).toEqual([0, 1]);
  Atomics.store(control, OPEN, 1);
  Atomics.notify(control, OPEN);
  await sleep(100);
  expect([sum[0], Atomics.load(control, LEFT), Atomics.load(control, OPEN)]).toEqual([3, 0, 0]);
  thread.stop();
});

test("what no thread takes, the caller does", async () => {
  provideThreads(async () => ({ stop: () => {} }));
  const crew = await Crew.open(3);
  const length = 300_000;
  const [x, y] = [crew.cpu.alloc(4 * length), crew.cpu.alloc(4 * length)];
  new Float32Array(crew.cpu.exports.memory.buffer, x, length).fill(2);
  const add = crew.cut("add", [x, y, length, 1]);
  for (let time = 1; time <= 3; time++) {
    add!();
    const sums = new Float32Array(crew.cpu.exports.memory.buffer, y, length);
    expect(sums.every((sum) => sum === 2 * time)).toBe(true);
  }
  crew.close();
});

describe("a whole run", () => {
  test("gives the same report on one and on two threads", async () => {
    const random = new Random(2);
    const lines = Array.from({ length: 240 }, () => {
      const [a, b] = [random.uniform(), random.uniform()];
      return `${a.toFixed(4)},${b.toFixed(4)},${a + b > 1.5 ? "yes" : "no"}`;
    });
    const table = await makeit.readTable(`a,b,label\n${lines.join("\n")}\n`);
    const options = { target: "label", splits: 2, epochs: 3, rescore: 2, vote: 3, jobs: 1 };
    const runs = [];
    for (const threads of [1, 2]) {
      const { result, synthetic } = await makeit.fit(table, { ...options, threads });
      runs.push({ splits: result.splits.map(({ test, history }) => ({ test, history })), synthetic });
    }
    expect(runs[1]).toEqual(runs[0]);
  });
});

test("relaxed and several threads exclude each other", async () => {
  const table = await makeit.readTable("a,label\n1,yes\n2,no\n");
  const asked = makeit.fit(table, { target: "label", relaxed: true, threads: 2 });
  await expect(asked).rejects.toThrow("relaxed computes on one thread a split");
});

test("relaxed SIMD differs in rounding alone, or is refused with what to do", async () => {
  const open = makeit.openBackend({ engine: "wasm", relaxed: true });
  const outcome = await open.catch((error) => error);
  if (outcome instanceof Error) {
    expect(outcome.message).toBe("Relaxed SIMD was asked for, and WebAssembly has none here.");
    return;
  }
  const results: Float32Array[] = [];
  for (const engine of [engines[0], outcome]) {
    const random = new Random(5);
    const filled = (length: number) => {
      const tensor = engine.alloc(length);
      engine.write(
        tensor,
        Float32Array.from({ length }, () => random.uniform()),
      );
      return tensor;
    };
    const [x, w, b, y] = [filled(70 * 300), filled(300 * 64), filled(64), filled(70 * 64)];
    engine.submit([engine.prepare("dense", { x, w, b, y, rows: 70, inner: 300, cols: 64, activation: 0 })]);
    results.push(await engine.read(y));
  }
  results[0].forEach((value: number, i: number) => {
    expect(Math.abs(results[1][i] - value)).toBeLessThan(1e-4 * Math.abs(value));
  });
  outcome.dispose();
});
