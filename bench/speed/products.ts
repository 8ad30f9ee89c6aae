/** Matrix products at the layers' shapes, each alone. */
import { ACTIVATION } from "../../sdk/engine/kernels.ts";
import { WasmBackend } from "../../sdk/engine/wasm.ts";
import { Random } from "../../sdk/random.ts";
import type { Library, Task } from "./task.ts";

export interface Product {
  kernel: "dense" | "dense_dx" | "dense_dw";
  rows: number;
  inner: number;
  cols: number;
}

/** The set critic's layers on 64 sets of 64 rows, the discriminator's, and the reference critic's first. */
const LAYERS = [
  { rows: 4096, inner: 9, cols: 64 },
  { rows: 4096, inner: 64, cols: 64 },
  { rows: 2048, inner: 64, cols: 64 },
  { rows: 1984, inner: 33530, cols: 64 },
];

/** Every product by its name; the first layers, whose inputs are data, need no dx. */
export const PRODUCTS: Record<string, Product> = Object.fromEntries(
  LAYERS.flatMap((shape) => {
    const kernels =
      shape.inner === 64 ? (["dense", "dense_dx", "dense_dw"] as const) : (["dense", "dense_dw"] as const);
    return kernels.map((kernel) => [
      `${kernel}-${shape.rows}x${shape.inner}x${shape.cols}`,
      { kernel, ...shape },
    ]);
  }),
);

export function flops({ rows, inner, cols }: Product): number {
  return 2 * rows * inner * cols;
}

export const products: Library = Object.fromEntries(
  Object.entries(PRODUCTS).map(([name, product]) => [name, () => productTask(product)]),
);

async function productTask({ kernel, ...size }: Product): Promise<Task> {
  const backend = await WasmBackend.open();
  const random = new Random(1);
  const block = Float32Array.from({ length: 4096 }, () => random.uniform() - 0.5);
  // The random numbers repeat: drawing 66 million would take longer than what is timed.
  const filled = (length: number) => {
    const tensor = backend.alloc(length);
    const values = new Float32Array(length);
    for (let i = 0; i < length; i += block.length)
      values.set(block.subarray(0, Math.min(block.length, length - i)), i);
    backend.write(tensor, values);
    return tensor;
  };
  const { rows, inner, cols } = size;
  const [x, w, y] = [filled(rows * inner), filled(inner * cols), filled(rows * cols)];
  const plan = [prepare()];
  return { outputs: {}, step: () => backend.submit(plan) };

  function prepare() {
    if (kernel === "dense") {
      const [b, activation] = [filled(cols), ACTIVATION.relu];
      return backend.prepare(kernel, { x, w, b, y, activation, ...size });
    }
    if (kernel === "dense_dw") return backend.prepare(kernel, { x, dy: y, dw: w, ...size });
    return backend.prepare(kernel, { dy: y, w, dx: x, ...size });
  }
}
