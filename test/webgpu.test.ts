/** The engine on the GPU, in Node: the contract, its limits and its faults. Here the GPU may be a software one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useDawn } from "../sdk/dawn.ts";
import { findAdapter, provideGpu } from "../sdk/engine/gpu.ts";
import type { KernelName } from "../sdk/engine/kernels.ts";
import { chooseEngine, openBackend } from "../sdk/engine/open.ts";
import { WebGpuBackend, type WebGpuOptions } from "../sdk/engine/webgpu.ts";
import { contract, expectClose, inputsOf, runKernel, runReference } from "./contract.ts";
import { references } from "./reference.ts";

useDawn();

/** An adapter gives one device only: each engine asks for its own. */
async function open(options: Partial<WebGpuOptions> = {}): Promise<WebGpuBackend> {
  return WebGpuBackend.open({ adapter: (await findAdapter())!, ...options });
}

contract("webgpu", open);

describe("a call that is larger than the GPU binds is cut into pieces", () => {
  const BINDING = 64 * 1024;
  /** One argument at least is larger than 16,384 floats. */
  const large: Partial<Record<KernelName, Record<string, number>>> = {
    dense: { rows: 1000, inner: 37, cols: 5, activation: 1 },
    dense_dx: { rows: 1000, inner: 37, cols: 5 },
    dense_dw: { rows: 1000, inner: 37, cols: 5 },
    dense_db: { rows: 1000, cols: 33 },
    activation_grad: { length: 40_001, activation: 3 },
    row_mean: { sets: 200, rows: 30, cols: 7 },
    row_mean_grad: { sets: 200, rows: 30, cols: 7 },
    soft_label: { rows: 3000, features: 7, classes: 3, labels: 3 },
    soft_label_grad: { rows: 3000, features: 7, classes: 3, labels: 3 },
    head: { sets: 150, rows: 30, width: 5, rank: 4 },
    head_dh: { sets: 150, rows: 30, width: 5, rank: 4 },
    head_dk: { sets: 150, rows: 30, width: 5, rank: 4 },
    add: { length: 40_001, scale: 0.5 },
    gather: { slots: 1000, count: 500, length: 37, first: 0 },
    scatter: { slots: 1000, count: 100, length: 37, first: 0 },
    adam: { length: 40_001, beta1: 0.5, beta2: 0.75, epsilon: 0.125 },
    rmsprop: { length: 40_001, alpha: 0.75, epsilon: 0.125 },
  };
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await open({ bindingBytes: BINDING });
  });
  afterAll(() => backend.dispose());

  test.each(Object.keys(large) as KernelName[])("%s", async (kernel) => {
    const p = large[kernel]!;
    const inputs = inputsOf(kernel, p);
    expect(Math.max(...Object.values(inputs).map(({ length }) => length))).toBeGreaterThan(BINDING / 4);
    const got = await runKernel(backend, kernel, inputs, p);
    const want = runReference(kernel, inputs, p);
    for (const name of Object.keys(inputs))
      expectClose(`${kernel} ${name}`, got[name], want[name], references[kernel].tolerance(p));
  });

  test("or refused with the sizes, where that cannot be", () => {
    const length = 20_000;
    const [clock, x] = [backend.alloc(4), backend.alloc(length)];
    expect(() => backend.prepare("dropout", { clock, x, length, seed: 1, p: 0.5 })).toThrow(
      "dropout: x holds 20000 floats; the GPU binds 16384 at once",
    );
  });

  test("more work than workgroups in a dimension is done all the same", async () => {
    const length = 5_000_000;
    const [x, y] = [backend.alloc(length), backend.alloc(length)];
    backend.write(x, new Float32Array(length).fill(2));
    backend.submit([backend.prepare("add", { x, y, length, scale: 3 })]);
    const got = await backend.read(y);
    expect(got.every((value) => value === 6)).toBe(true);
  });
});

describe("faults", () => {
  const add = (backend: WebGpuBackend) => {
    const [x, y] = [backend.alloc(3), backend.alloc(3)];
    return { y, step: backend.prepare("add", { x, y, length: 3, scale: 1 }) };
  };

  test("a shader with an error: file, line, source", async () => {
    const source = "// broken\nfn f() {\n  let a = nonsense;\n}\n@compute @workgroup_size(1) fn main() {}";
    const backend = await open({ shaders: { add: source } });
    const { step, y } = add(backend);
    backend.submit([step]);
    await expect(backend.read(y)).rejects.toThrow(
      /^shaders\/add\.wgsl:3:11: .*nonsense.*\n {2}let a = nonsense;/s,
    );
    expect(() => backend.submit([])).toThrow("shaders/add.wgsl:3:11");
    backend.dispose();
  });

  test("a shader that does not fit its row of the table", async () => {
    const source =
      "@group(0) @binding(7) var<uniform> p: u32;\n@compute @workgroup_size(1) fn main() { _ = p; }";
    const backend = await open({ shaders: { add: source } });
    const { y } = add(backend);
    await expect(backend.read(y)).rejects.toThrow(/The GPU refused a pipeline/);
    backend.dispose();
  });

  test("a lost device: the next call says so", async () => {
    const backend = await open();
    const { step, y } = add(backend);
    backend.submit([step]);
    await backend.read(y);
    backend.device.destroy();
    await expect(backend.read(y)).rejects.toMatchObject({ code: "lost", message: /^The GPU was lost/ });
    expect(() => backend.submit([step])).toThrow("The GPU was lost");
    expect(() => backend.alloc(3)).toThrow("The GPU was lost");
    backend.dispose();
  });

  test("a device lost under a read that is on its way", async () => {
    const backend = await open();
    const { y } = add(backend);
    const reading = backend.read(y);
    backend.device.destroy();
    await expect(reading).rejects.toMatchObject({ code: "lost" });
    backend.dispose();
  });

  test("an engine disposed of under a read", async () => {
    const backend = await open();
    const reading = backend.read(backend.alloc(3));
    backend.dispose();
    await expect(reading).rejects.toThrow("disposed of");
  });

  test("a tensor larger than a buffer: sizes and what to lower", async () => {
    const backend = await open();
    const floats = backend.device.limits.maxBufferSize / 4 + 1;
    expect(() => backend.alloc(floats)).toThrow(/^A tensor of .* MiB is too large for the GPU/);
    backend.dispose();
  });

  test("out of memory: sizes and what to lower", async () => {
    const adapter = (await findAdapter())!;
    const device = await adapter.requestDevice();
    const scopes: string[] = [];
    const scarce = new Proxy(device, {
      get(target, key) {
        if (key === "pushErrorScope") return (filter: string) => void scopes.push(filter);
        if (key === "popErrorScope")
          return async () => (scopes.pop() === "out-of-memory" ? new Error("no room") : null);
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const lender = { features: adapter.features, limits: adapter.limits, requestDevice: async () => scarce };
    const backend = await open({ adapter: lender as unknown as GPUAdapter });
    backend.alloc(1000);
    const y = backend.alloc(500);
    await expect(backend.read(y)).rejects.toMatchObject({
      message: "The GPU is out of memory: 4,000 bytes more do not fit beside the 0 bytes in use.",
      hint: /^Lower samples/,
    });
    backend.dispose();
  });

  test("an adapter that gives no device", async () => {
    const adapter = (await findAdapter())!;
    await adapter.requestDevice().then((device) => device.destroy());
    await expect(open({ adapter })).rejects.toMatchObject({ code: "engine", message: /gives no device/ });
  });

  test("two engines at once keep apart", async () => {
    const [one, two] = [await open(), await open()];
    const [a, b] = [one.alloc(1), two.alloc(1)];
    one.write(a, Float32Array.of(1));
    two.write(b, Float32Array.of(2));
    one.dispose();
    expect([...(await two.read(b))]).toEqual([2]);
    two.dispose();
    two.dispose();
  });
});

describe("reads", () => {
  test("of one tensor at the same time", async () => {
    const backend = await open();
    const x = backend.alloc(3);
    backend.write(x, Float32Array.of(1, 2, 3));
    const all = await Promise.all([backend.read(x), backend.read(x), backend.read(x)]);
    expect(all.map((data) => [...data])).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]);
    backend.dispose();
  });

  test("see what was submitted before them, and nothing of what comes after", async () => {
    const backend = await open();
    const x = backend.alloc(1);
    backend.write(x, Float32Array.of(1));
    const early = backend.read(x);
    backend.write(x, Float32Array.of(2));
    expect([...(await early)]).toEqual([1]);
    expect([...(await backend.read(x))]).toEqual([2]);
    backend.dispose();
  });

  test("leave no buffer behind", async () => {
    const backend = await open();
    const { y, step } = (() => {
      const [x, y] = [backend.alloc(100), backend.alloc(100)];
      return { y, step: backend.prepare("add", { x, y, length: 100, scale: 1 }) };
    })();
    await backend.read(y);
    const before = backend.bytes;
    for (let i = 0; i < 100; i++) {
      backend.submit([step]);
      await backend.read(y);
    }
    expect(backend.bytes).toBe(before);
    backend.dispose();
  });
});

describe("the time of kernels", () => {
  test("where time stamps are granted", async () => {
    const backend = await open({ profile: true });
    const x = backend.alloc(1000);
    const y = backend.alloc(1000);
    const step = backend.prepare("add", { x, y, length: 1000, scale: 1 });
    // more steps than one query set holds
    backend.submit(Array.from({ length: 3000 }, () => step));
    const times = await backend.times();
    expect(times).toMatchObject([{ kernel: "add", calls: 3000 }]);
    expect(times[0].ms).toBeGreaterThan(0);
    backend.dispose();
  });

  test("nothing where it was not asked for", async () => {
    const backend = await open();
    backend.submit([]);
    expect(await backend.times()).toEqual([]);
    backend.dispose();
  });
});

describe("openBackend", () => {
  test("gives the engine that was asked for", async () => {
    for (const engine of ["webgpu", "wasm"] as const) {
      const backend = await openBackend({ engine });
      expect(backend.name).toBe(engine);
      backend.dispose();
    }
  });

  test("auto never takes a software GPU", async () => {
    const choice = await chooseEngine();
    if (choice.adapter?.software) expect(choice).toMatchObject({ engine: "wasm", reason: /plays a GPU/ });
    const backend = await openBackend();
    expect(backend.name).toBe(choice.engine);
    backend.dispose();
  });

  test("without a GPU, webgpu is an error that says what to install, and auto takes wasm", async () => {
    provideGpu(async () => undefined);
    await expect(openBackend({ engine: "webgpu" })).rejects.toMatchObject({
      code: "engine",
      message: /there is no GPU here/,
      hint: /npm install webgpu/,
    });
    expect(await chooseEngine()).toEqual({ engine: "wasm", reason: expect.stringContaining("no GPU here") });
    provideGpu(async () => {
      throw new Error("libvulkan.so.1 is missing");
    });
    await expect(openBackend({ engine: "webgpu" })).rejects.toThrow("(libvulkan.so.1 is missing)");
    expect((await chooseEngine()).engine).toBe("wasm");
    useDawn();
  });
});
