/** How long an engine takes for a layer of a run's size. */
import type { Backend, Step } from "./backend.ts";
import type { Work } from "./open.ts";

/** The GPU must be this much faster: its results are not the same bytes everywhere, and noise must not decide. */
export const MARGIN = 1.5;
/** Multiply-adds of one trial at most: about 10 ms of one core. */
const TRIAL = 2e8;
const LAYERS = 4;
const REPEATS = 3;

/** Milliseconds of a few layers, forward and backward, and a read; the best of some. Closes the engine. */
export async function trial(backend: Backend, work: Work): Promise<number> {
  try {
    const { inner, cols } = work;
    const rows = Math.max(1, Math.min(work.rows, Math.floor(TRIAL / (3 * LAYERS * inner * cols))));
    const [x, dx] = [backend.alloc(rows * inner), backend.alloc(rows * inner)];
    const [w, dw] = [backend.alloc(inner * cols), backend.alloc(inner * cols)];
    const [b, y] = [backend.alloc(cols), backend.alloc(rows * cols)];
    const size = { rows, inner, cols };
    const layer = [
      backend.prepare("dense", { x, w, b, y, ...size, activation: 1 }),
      backend.prepare("dense_dw", { x, dy: y, dw, ...size }),
      backend.prepare("dense_dx", { dy: y, w, dx, ...size }),
    ];
    const plan: Step[] = Array.from({ length: LAYERS }, () => layer).flat();
    let best = Number.POSITIVE_INFINITY;
    // The first run warms up and does not count.
    for (let repeat = 0; repeat <= REPEATS; repeat++) {
      const started = performance.now();
      backend.submit(plan);
      await backend.read(b);
      if (repeat > 0) best = Math.min(best, performance.now() - started);
    }
    return best;
  } finally {
    backend.dispose();
  }
}
