/**
 * Kernels on several threads: instances of one module in one shared memory. A kernel is cut along its outermost
 * dimension, so that every number comes about as it does on one thread, whatever their number. This thread offers the
 * parts, does the first and whatever nobody has taken, and waits for what was. Loaded when it is asked for.
 */
import { engineError, MakeitError } from "../errors.ts";
import { signature } from "./check.ts";
import { cutOf, lengthPer } from "./chunks.ts";
import {
  BOX,
  CLOSED,
  COUNT,
  FAILED,
  FIRST,
  FUNCTION,
  FUNCTIONS,
  type Hand,
  LEFT,
  OPEN,
  SCRATCH,
  SPINS,
  take,
} from "./hand.ts";
import { instantiate } from "./instance.ts";
import { type KernelName, kernels } from "./kernels.ts";
import { Cpu, type CpuExports, load } from "./module.ts";

/** Starts a thread that serves; resolves when it is there. */
export type StartHand = (hand: Hand) => Promise<{ stop(): void }>;

/** Multiplications, or numbers passed over, below which a fork is not worth it. */
const LEAST = 2 ** 18;
const LEAST_PASSED = 2 ** 15;
const PAGE = 2 ** 16; // bytes; as many pages are all that there can be
/** Rows that a product does at once, at most. */
const TILE = 4;
/** Rows of sixteen numbers that a product has aside. */
const APART = 2304;

let start: StartHand | undefined;

/** Says how threads are started here. `makeit-ai/node` does it with worker threads, `makeit-ai/threads` with workers. */
export function provideThreads(starter: StartHand): void {
  start = starter;
}

/** Whether there can be more than one thread. */
export function canShare(): boolean {
  return start !== undefined && typeof SharedArrayBuffer === "function";
}

/** A memory that threads share. It takes its greatest size in addresses at once: where those are few, it is less. */
function sharedMemory(): WebAssembly.Memory {
  for (let maximum = PAGE; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 32, maximum, shared: true });
    } catch (error) {
      const why = error instanceof Error ? error.message : error;
      if (maximum <= 1024) throw engineError(`No memory can be shared here (${why}).`, "Leave out threads.");
    }
  }
}

/** Whether this thread may sleep: a page's own may not. */
function maySleep(): boolean {
  try {
    return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1) === "not-equal";
  } catch {
    return false;
  }
}

export class Crew {
  readonly cpu: Cpu;
  readonly size: number;
  readonly #control: Int32Array;
  readonly #boxes: Float64Array[];
  readonly #hands: { stop(): void }[];
  /** Bytes of scratch that each has. */
  readonly #rooms: number[];
  readonly #sleeps = maySleep();

  private constructor(cpu: Cpu, control: Int32Array, boxes: Float64Array[], hands: { stop(): void }[]) {
    this.cpu = cpu;
    this.size = boxes.length + 1;
    this.#control = control;
    this.#boxes = boxes;
    this.#hands = hands;
    this.#rooms = boxes.map(() => 0);
  }

  /** Opens an engine of so many threads, this one among them. */
  static async open(threads: number): Promise<Crew> {
    const memory = sharedMemory();
    const module = await load("threads");
    const exports = await instantiate(module, memory);
    const cpu = new Cpu({ ...exports, memory } as unknown as CpuExports);
    const control = new Int32Array(new SharedArrayBuffer(3 * 4));
    const boxes = Array.from(
      { length: threads - 1 },
      () => new Float64Array(new SharedArrayBuffer(BOX * Float64Array.BYTES_PER_ELEMENT)),
    );
    const hands = await Promise.all(
      boxes.map((_, number) => start!({ module, memory, control, boxes, number })),
    );
    return new Crew(cpu, control, boxes, hands);
  }

  /** A kernel call in parts, or nothing where it is too small or cannot be cut. `numbers`: addresses, then parameters. */
  cut(kernel: KernelName, numbers: readonly number[]): (() => void) | undefined {
    const { args, params } = signature(kernel);
    const values = Object.fromEntries(params.map((name, i) => [name, numbers[args.length + i]]));
    const calls =
      kernel === "dense_dw" ? this.#columns(numbers, values) : this.#along(kernel, numbers, values);
    if (!calls) return undefined;
    const name = kernel === "dense_dw" ? "dense_dw_part" : kernel;
    const bytes = scratchOf(values);
    this.#boxes.forEach((_, i) => void this.#room(i, bytes));
    const own = this.cpu.exports[name as KernelName] as (...numbers: number[]) => void;
    const place = FUNCTIONS.indexOf(name);
    return () => this.#fork(place, own, calls);
  }

  close(): void {
    Atomics.store(this.#control, OPEN, CLOSED);
    Atomics.notify(this.#control, OPEN);
    for (const hand of this.#hands) hand.stop();
  }

  /** dense_dw by rows of its result, which are columns of x. */
  #columns(
    numbers: readonly number[],
    { rows, inner, cols }: Record<string, number>,
  ): number[][] | undefined {
    if (cols === 1 || rows * inner * cols < LEAST) return undefined;
    return this.#ranges(inner, TILE).map(([from, to]) => [...numbers, from, to]);
  }

  /** Along the outermost dimension of all that grows with it. */
  #along(
    kernel: KernelName,
    numbers: readonly number[],
    values: Record<string, number>,
  ): number[][] | undefined {
    const { args, params } = signature(kernel);
    const names = Object.keys(kernels[kernel].args);
    const cut = cutOf(kernel);
    if (!cut || cut.sum) return undefined;
    const call = { kernel, values };
    const per = names.map((name) => lengthPer(call, name, cut.along));
    const { rows = 0, inner, cols = 0 } = values;
    const work = inner === undefined ? Math.max(...per) * values[cut.along] : rows * inner * cols;
    if (work < (inner === undefined ? LEAST_PASSED : LEAST)) return undefined;
    const at = args.length + params.indexOf(cut.along);
    const unit = cut.along === "length" ? 64 : inner === undefined ? 1 : TILE;
    return this.#ranges(values[cut.along], unit).map(([from, to]) =>
      numbers.map((number, i) => {
        if (i === at) return to - from;
        return i < args.length ? number + 4 * per[i] * from : number;
      }),
    );
  }

  /** Parts of 0 … total, one a thread or fewer, that begin at multiples of `unit`. */
  #ranges(total: number, unit: number): [number, number][] {
    const part = Math.ceil(total / this.size / unit) * unit;
    return Array.from({ length: Math.ceil(total / part) }, (_, i) => [
      i * part,
      Math.min(total, (i + 1) * part),
    ]);
  }

  #room(hand: number, bytes: number): void {
    if (this.#rooms[hand] >= bytes) return;
    this.#rooms[hand] = Math.ceil(bytes / PAGE) * PAGE;
    this.#boxes[hand][SCRATCH] = this.cpu.alloc(this.#rooms[hand]);
  }

  #fork(place: number, own: (...numbers: number[]) => void, calls: readonly number[][]): void {
    const control = this.#control;
    for (let part = 1; part < calls.length; part++) {
      const box = this.#boxes[part - 1];
      const call = calls[part];
      box[FUNCTION] = place;
      box[COUNT] = call.length;
      for (let j = 0; j < call.length; j++) box[FIRST + j] = call[j];
    }
    Atomics.store(control, LEFT, calls.length - 1);
    Atomics.store(control, OPEN, calls.length - 1);
    Atomics.notify(control, OPEN);
    own(...calls[0]);
    for (let part = take(control); part > 0; part = take(control)) {
      own(...calls[part]);
      Atomics.sub(control, LEFT, 1);
    }
    for (let spin = 0; Atomics.load(control, LEFT) > 0; spin++) {
      // Others are at work here too: let the core go to whom is waited for.
      if (spin > SPINS && this.#sleeps) Atomics.wait(control, LEFT, Atomics.load(control, LEFT), 1);
    }
    if (Atomics.load(control, FAILED) !== 0)
      throw new MakeitError("internal", "A thread of the engine stopped in the middle of a kernel.");
  }
}

/** No less than what a product packs and sums up apart; nothing else takes scratch in parts, but for a line or two. */
function scratchOf({ rows = 0, inner = 0, cols = 0, width = 0, rank = 0 }: Record<string, number>): number {
  const panels = (inner + 16) * (cols + 16) + (rows + width + 16) * (rank + 16);
  return 4 * (panels + 16 * (rows + APART)) + PAGE;
}
