/** An engine for tests that behaves as a GPU does: its reads take a while, and it can go away. */
import type { Backend, KernelTime, Step, Tensor } from "../sdk/engine/backend.ts";
import type { KernelCall, KernelName } from "../sdk/engine/kernels.ts";
import { WasmBackend } from "../sdk/engine/wasm.ts";
import { MakeitError } from "../sdk/errors.ts";

export const REASON = "The GPU was lost (the driver was reset).";

/** The WASM engine under another name. After `lastsFor` submissions and readings it is gone. */
export class LossyBackend implements Backend {
  readonly name: Backend["name"];
  /** Submissions and readings so far. */
  uses = 0;
  reads = 0;
  /** How often readings were waited for, however many at once. */
  waits = 0;
  disposed = false;
  /** Uses after which it is gone. */
  lastsFor: number;
  readonly #engine: WasmBackend;
  #wait: Promise<void> | undefined;

  private constructor(engine: WasmBackend, lastsFor: number, name: Backend["name"]) {
    this.#engine = engine;
    this.lastsFor = lastsFor;
    this.name = name;
  }

  static async open(lastsFor = Infinity, name: Backend["name"] = "webgpu"): Promise<LossyBackend> {
    return new LossyBackend(await WasmBackend.open(), lastsFor, name);
  }

  alloc(length: number): Tensor {
    return this.#engine.alloc(length);
  }

  view(tensor: Tensor, offset: number, length: number): Tensor {
    return this.#engine.view(tensor, offset, length);
  }

  write(tensor: Tensor, data: Float32Array): void {
    this.#engine.write(tensor, data);
  }

  prepare<K extends KernelName>(kernel: K, call: KernelCall<K>): Step {
    return this.#engine.prepare(kernel, call);
  }

  submit(plan: readonly Step[]): void {
    this.#use();
    this.#engine.submit(plan);
  }

  async read(tensor: Tensor, out?: Float32Array): Promise<Float32Array> {
    this.#use();
    this.reads++;
    const values = this.#engine.read(tensor, out); // what it holds now
    this.#wait ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      this.waits++;
      this.#wait = undefined;
    });
    await this.#wait;
    return values;
  }

  times(): Promise<KernelTime[]> {
    return this.#engine.times();
  }

  dispose(): void {
    this.disposed = true;
    this.#engine.dispose();
  }

  #use(): void {
    if (this.uses >= this.lastsFor) throw new MakeitError("lost", REASON);
    this.uses++;
  }
}
