/** A side's end of the line: sets up one work of one library, and times its steps. */

import { type Host, openLibrary } from "./library.ts";
import type { Outputs, Task } from "./task.ts";

/** What a step takes: on the clock on the wall, or of the processor (which leaves out what others make it wait). */
export type Clock = "wall" | "processor";

export interface Timing {
  /** Milliseconds a step, the mean of those that were asked for. */
  wall: number;
  /** Where a process can tell; a page cannot. */
  processor?: number;
  /** What the last step returned. */
  result: unknown;
}

export class Session {
  readonly #host: Host;
  #task: Task | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  async open(library: string, work: string): Promise<Outputs> {
    const works = await openLibrary(library, this.#host);
    if (!works[work]) throw new Error(`${library} has no ${work}`);
    this.#task = await works[work]();
    return this.#task.outputs;
  }

  async time(count: number): Promise<Timing> {
    const task = this.#task!;
    let result: unknown;
    const [started, used] = [performance.now(), this.#host.processor?.()];
    for (let i = 0; i < count; i++) result = await task.step();
    const wall = (performance.now() - started) / count;
    const processor = used === undefined ? undefined : (this.#host.processor!() - used) / count;
    return { wall, processor, result };
  }
}
