import type { Backend, Step } from "../../sdk/engine/backend.ts";
import { ACTIVATION } from "../../sdk/engine/kernels.ts";
import { WasmBackend } from "../../sdk/engine/wasm.ts";
import { Random } from "../../sdk/random.ts";
import { type Row, type Section, time } from "./section.ts";

interface Shape {
  rows: number;
  inner: number;
  cols: number;
}

/** The layers of the set critic (4096 rows = 64 sets × 64), and the flat critic's first on a full replay. */
const SHAPES: Shape[] = [
  { rows: 4096, inner: 10, cols: 64 },
  { rows: 4096, inner: 64, cols: 64 },
  { rows: 1984, inner: 33530, cols: 64 },
];
const FLOOR = 35;

/** The three products of a dense layer; the wide layer, being the first, has no dx in a critic step. */
export const sgemm: Section = {
  title: "Dense layers, one core",
  async run() {
    const rows: Row[] = [];
    for (const shape of SHAPES) {
      const backend = await WasmBackend.open();
      const steps = layer(backend, shape);
      const flops = 2 * shape.rows * shape.inner * shape.cols;
      for (const [kernel, step] of Object.entries(steps)) {
        const plan = [step];
        const name = `${kernel} ${shape.rows}×${shape.inner}×${shape.cols}`;
        rows.push(
          result(
            name,
            "makeit",
            flops,
            time(() => backend.submit(plan)),
            FLOOR,
          ),
        );
      }
      backend.dispose();
    }
    const small = { rows: 512, inner: 64, cols: 64 };
    const flops = 2 * small.rows * small.inner * small.cols;
    const name = `dense ${small.rows}×${small.inner}×${small.cols}`;
    rows.push(result(name, "plain JS", flops, time(plainProduct(small))));
    return rows;
  },
};

function result(
  name: string,
  engine: string,
  flops: number,
  timed: { median: number; min: number },
  floor?: number,
): Row {
  const speed = flops / timed.min / 1e6;
  return {
    name,
    engine,
    ...timed,
    rate: { "GFLOP/s": speed },
    ...(floor && { floor: { bound: `≥ ${floor} GFLOP/s`, kept: speed >= floor } }),
  };
}

function layer(backend: Backend, { rows, inner, cols }: Shape): Record<string, Step> {
  const random = new Random(1);
  const filled = (length: number) => {
    const tensor = backend.alloc(length);
    backend.write(
      tensor,
      Float32Array.from({ length }, () => random.uniform() - 0.5),
    );
    return tensor;
  };
  const [x, w, b, y] = [filled(rows * inner), filled(inner * cols), filled(cols), filled(rows * cols)];
  const dw = backend.alloc(inner * cols);
  const steps: Record<string, Step> = {
    dense: backend.prepare("dense", { x, w, b, y, rows, inner, cols, activation: ACTIVATION.relu }),
    dense_dw: backend.prepare("dense_dw", { x, dy: y, dw, rows, inner, cols }),
  };
  if (rows * inner > 2 ** 24) return steps;
  const dx = backend.alloc(rows * inner);
  return { ...steps, dense_dx: backend.prepare("dense_dx", { dy: y, w, dx, rows, inner, cols }) };
}

/** The triple loop over typed arrays, for comparison. */
function plainProduct({ rows, inner, cols }: Shape): () => void {
  const random = new Random(1);
  const x = Float32Array.from({ length: rows * inner }, () => random.uniform());
  const w = Float32Array.from({ length: inner * cols }, () => random.uniform());
  const y = new Float32Array(rows * cols);
  return () => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += x[i * inner + k] * w[k * cols + j];
        y[i * cols + j] = sum;
      }
    }
  };
}
