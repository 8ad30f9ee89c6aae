/** A thread that reads: what hangs or fills its memory takes the thread down, and nothing else. */
import { parentPort, workerData } from "node:worker_threads";
import { hunt, judge } from "./hunt.ts";
import { READERS } from "./readers.ts";

/** What a thread is asked: a stretch of inputs, or one input. */
export interface Task {
  reader: string;
  seed: number;
  from: number;
  to: number;
  input?: Uint8Array;
  /** Where the thread says which input it is at. */
  at: Int32Array;
}

const { reader: name, seed, from, to, input, at } = workerData as Task;
const reader = READERS.find((one) => one.name === name)!;
parentPort!.postMessage(
  input
    ? await judge(reader, input)
    : await hunt(reader, { seed, from, to, onInput: (index) => Atomics.store(at, 0, index) }),
);
