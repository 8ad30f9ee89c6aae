/** A thread of the engine: it waits for parts of kernels and does them. What starts it is a {@link Hand}. */
import { type CpuExports, instantiate } from "./instance.ts";
import { type KernelName, kernels } from "./kernels.ts";

/** What a thread is started with; its loop is {@link serve}. */
export interface Hand {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  control: Int32Array;
  box: Float64Array;
}

/** Places in `control`: the fork's number, parts still being done, and whether one failed. */
export const [FORK, LEFT, FAILED] = [0, 1, 2];
/** A box: where the thread's scratch is, the function's number, how many numbers follow, and they. */
export const [SCRATCH, FUNCTION, COUNT, FIRST] = [0, 1, 2, 3];
/** Numbers in a box. */
export const BOX = 32;
/** Says that the crew is closed. */
export const CLOSE = -1;
/** Looks at a number in shared memory before a thread goes to sleep: some tens of microseconds. */
export const SPINS = 20_000;
/** What a box says of a thread that has nothing to do in a fork. */
export const NOTHING = -2;
/** What threads may be asked to do, by number. */
export const FUNCTIONS: readonly string[] = [...Object.keys(kernels), "dense_dw_part"];

/** A thread's loop. It returns when the crew is closed. */
export async function serve({ module, memory, control, box }: Hand, ready: () => void): Promise<void> {
  const exports = (await instantiate(module, memory)) as unknown as CpuExports;
  const functions = FUNCTIONS.map((name) => exports[name as KernelName] as (...numbers: number[]) => void);
  ready();
  for (let fork = 0; ; ) {
    for (let spin = 0; spin < SPINS && Atomics.load(control, FORK) === fork; spin++);
    // A fork that was seen while looking wakes nobody, but its call may come late, when this thread sleeps again.
    while (Atomics.load(control, FORK) === fork) Atomics.wait(control, FORK, fork);
    fork = (fork + 1) | 0;
    const place = box[FUNCTION];
    if (place === CLOSE) return;
    if (place !== NOTHING) {
      try {
        exports.reset(box[SCRATCH]);
        functions[place](...box.subarray(FIRST, FIRST + box[COUNT]));
      } catch {
        Atomics.store(control, FAILED, 1);
      }
    }
    Atomics.sub(control, LEFT, 1);
  }
}
