/** A thread of the engine: it waits for parts of kernels and does them. What starts it is a {@link Hand}. */
import { type CpuExports, instantiate } from "./instance.ts";
import { type KernelName, kernels } from "./kernels.ts";

/** What a thread is started with; its loop is {@link serve}. */
export interface Hand {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  control: Int32Array;
  /** The parts of a kernel that are not the caller's, a box each. */
  boxes: Float64Array[];
  /** The box where this thread's scratch stands. */
  number: number;
}

/** Places in `control`: parts that nobody has taken yet, parts that are not done, and whether one failed. */
export const [OPEN, LEFT, FAILED] = [0, 1, 2];
/** A box: where a thread's scratch is, the function's number, how many numbers follow, and they. */
export const [SCRATCH, FUNCTION, COUNT, FIRST] = [0, 1, 2, 3];
/** Numbers in a box. */
export const BOX = 32;
/** Stands for the number of open parts when the crew is closed. */
export const CLOSED = -1;
/** Looks at a number in shared memory before a thread goes to sleep: some tens of microseconds. */
export const SPINS = 20_000;
/** What threads may be asked to do, by number. */
export const FUNCTIONS: readonly string[] = [...Object.keys(kernels), "dense_dw_part"];

/**
 * Takes a part of what is open: its number from 1 on, or 0 where there is none. Whoever comes first does it, the caller
 * too, so that nobody waits for a thread that the system lets sleep; what a part holds does not hang on who does it.
 */
export function take(control: Int32Array): number {
  for (;;) {
    const part = Atomics.load(control, OPEN);
    if (part <= 0) return 0;
    if (Atomics.compareExchange(control, OPEN, part, part - 1) === part) return part;
  }
}

/** A thread's loop. It returns when the crew is closed. */
export async function serve(
  { module, memory, control, boxes, number }: Hand,
  ready: () => void,
): Promise<void> {
  const exports = (await instantiate(module, memory)) as unknown as CpuExports;
  const functions = FUNCTIONS.map((name) => exports[name as KernelName] as (...numbers: number[]) => void);
  ready();
  for (;;) {
    for (let spin = 0; spin < SPINS && Atomics.load(control, OPEN) === 0; spin++);
    while (Atomics.load(control, OPEN) === 0) Atomics.wait(control, OPEN, 0);
    if (Atomics.load(control, OPEN) === CLOSED) return;
    const part = take(control);
    if (part === 0) continue;
    const box = boxes[part - 1];
    try {
      exports.reset(boxes[number][SCRATCH]);
      functions[box[FUNCTION]](...box.subarray(FIRST, FIRST + box[COUNT]));
    } catch {
      Atomics.store(control, FAILED, 1);
    }
    Atomics.sub(control, LEFT, 1);
  }
}
