/** Where an engine's time goes, kernel by kernel; loaded where it is asked for. */
import type { KernelTime } from "./backend.ts";
import type { KernelName } from "./kernels.ts";

const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const MAP_READ = 0x1;
const QUERY_RESOLVE = 0x200;

/** Two time stamps a step; a query set holds at most 4,096. */
const TIMED_STEPS = 2048;

/** The times of several engines in one list, longest first. */
export function sumTimes(lists: readonly (readonly KernelTime[])[]): KernelTime[] {
  const sum = new Stopwatch();
  for (const { kernel, ms, calls } of lists.flat()) sum.add(kernel, ms, calls);
  return sum.times();
}

/** Adds up the time of kernels. */
export class Stopwatch {
  readonly #kernels = new Map<KernelName, { calls: number; ms: number }>();

  add(kernel: KernelName, ms: number, calls = 1): void {
    const known = this.#kernels.get(kernel) ?? { calls: 0, ms: 0 };
    known.calls += calls;
    known.ms += ms;
    this.#kernels.set(kernel, known);
  }

  times(): KernelTime[] {
    const times = [...this.#kernels].map(([kernel, { calls, ms }]) => ({ kernel, calls, ms }));
    return times.sort((a, b) => b.ms - a.ms);
  }
}

/** Takes a GPU's own times; the device must have the feature `timestamp-query`. */
export class GpuStopwatch extends Stopwatch {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;

  constructor(device: GPUDevice) {
    super();
    this.#device = device;
    this.#queries = device.createQuerySet({ type: "timestamp", count: 2 * TIMED_STEPS });
  }

  /**
   * One pass a step, with a time stamp on both sides.
   * @returns what adds the times up, to be called after the submission: mapping must not be asked for before.
   */
  encode<S extends { kernel: KernelName }>(
    encoder: GPUCommandEncoder,
    steps: readonly S[],
    encodeStep: (pass: GPUComputePassEncoder, step: S) => void,
  ): () => Promise<void> {
    const querySet = this.#queries;
    const size = 16 * Math.max(1, steps.length);
    const resolved = this.#device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC });
    const staging = this.#device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    for (let first = 0; first < steps.length; first += TIMED_STEPS) {
      const part = steps.slice(first, first + TIMED_STEPS);
      part.forEach((step, i) => {
        const pass = encoder.beginComputePass({
          timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 },
        });
        encodeStep(pass, step);
        pass.end();
      });
      encoder.resolveQuerySet(querySet, 0, 2 * part.length, resolved, 16 * first);
    }
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    return async () => {
      await staging.mapAsync(MAP_READ);
      const stamps = new BigUint64Array(staging.getMappedRange());
      steps.forEach(({ kernel }, i) => {
        this.add(kernel, Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6);
      });
      resolved.destroy();
      staging.destroy();
    };
  }
}
