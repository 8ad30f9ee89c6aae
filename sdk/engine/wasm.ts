import type { Backend, KernelTime, Step, Tensor } from "./backend.ts";
import {
  checkCall,
  checkLength,
  checkOverlap,
  checkRead,
  checkView,
  checkWrite,
  disposed,
  foreignStep,
  foreignTensor,
  signature,
} from "./check.ts";
import type { Crew } from "./crew.ts";
import type { KernelCall, KernelName } from "./kernels.ts";
import { Cpu } from "./module.ts";
import type { Stopwatch } from "./stopwatch.ts";

class WasmTensor implements Tensor {
  readonly owner: WasmBackend;
  readonly address: number;
  readonly length: number;

  constructor(owner: WasmBackend, address: number, length: number) {
    this.owner = owner;
    this.address = address;
    this.length = length;
  }

  get memory(): WasmBackend {
    return this.owner;
  }

  get start(): number {
    return this.address / 4;
  }
}

class WasmStep implements Step {
  readonly owner: WasmBackend;
  readonly kernel: KernelName;
  readonly run: () => void;

  constructor(owner: WasmBackend, kernel: KernelName, run: () => void) {
    this.owner = owner;
    this.kernel = kernel;
    this.run = run;
  }
}

/** The engine on the CPU: one instance of the module, tensors in its memory, kernels called one after another. */
export class WasmBackend implements Backend {
  readonly name = "wasm";
  readonly #stopwatch: Stopwatch | undefined;
  readonly #crew: Crew | undefined;
  #cpu: Cpu | undefined;

  private constructor(cpu: Cpu, stopwatch: Stopwatch | undefined, crew?: Crew) {
    this.#cpu = cpu;
    this.#stopwatch = stopwatch;
    this.#crew = crew;
  }

  /**
   * Opens a backend with a memory of its own; `profile` takes the time of every kernel. On several `threads` (where
   * memory can be shared, else on one) the results are the same bytes; with `relaxed` they are the machine's own.
   */
  static async open({ profile = false, threads = 1, relaxed = false } = {}): Promise<WasmBackend> {
    const stopwatch = profile ? new (await import("./stopwatch.ts")).Stopwatch() : undefined;
    if (relaxed) {
      const { openRelaxed } = await import("./relaxed.ts");
      return new WasmBackend(await openRelaxed(), stopwatch);
    }
    if (threads > 1) {
      const { Crew, canShare } = await import("./crew.ts");
      if (canShare()) {
        const crew = await Crew.open(threads);
        return new WasmBackend(crew.cpu, stopwatch, crew);
      }
    }
    return new WasmBackend(await Cpu.open(), stopwatch);
  }

  /** Bytes of the engine's memory. */
  get bytes(): number {
    return this.#open().exports.memory.buffer.byteLength;
  }

  alloc(length: number): Tensor {
    checkLength(length);
    return new WasmTensor(this, this.#open().alloc(4 * length), length);
  }

  view(tensor: Tensor, offset: number, length: number): Tensor {
    const { address } = this.#own(tensor);
    checkView(tensor, offset, length);
    return new WasmTensor(this, address + 4 * offset, length);
  }

  write(tensor: Tensor, data: Float32Array): void {
    const { address, length } = this.#own(tensor);
    checkWrite(tensor, data);
    this.#open().f32(address, length).set(data);
  }

  prepare<K extends KernelName>(kernel: K, call: KernelCall<K>): Step {
    const { exports } = this.#open();
    checkCall(kernel, call);
    const { args, params } = signature(kernel);
    const named = call as Record<string, Tensor | number>;
    const tensors = args.map((name) => this.#own(named[name] as Tensor));
    checkOverlap(kernel, args, tensors);
    const numbers = [...tensors.map((t) => t.address), ...params.map((name) => named[name] as number)];
    const run = exports[kernel] as (...numbers: number[]) => void;
    return new WasmStep(this, kernel, this.#crew?.cut(kernel, numbers) ?? run.bind(null, ...numbers));
  }

  submit(plan: readonly Step[]): void {
    this.#open();
    const stopwatch = this.#stopwatch;
    for (let i = 0; i < plan.length; i++) {
      const step = plan[i];
      if (!(step instanceof WasmStep) || step.owner !== this) throw foreignStep(step?.kernel, i);
      if (stopwatch) {
        const started = performance.now();
        step.run();
        stopwatch.add(step.kernel, performance.now() - started);
      } else step.run();
    }
  }

  async read(tensor: Tensor, out?: Float32Array): Promise<Float32Array> {
    const { address, length } = this.#own(tensor);
    checkRead(tensor, out);
    const target = out ?? new Float32Array(length);
    target.set(this.#open().f32(address, length));
    return target;
  }

  async times(): Promise<KernelTime[]> {
    return this.#stopwatch?.times() ?? [];
  }

  dispose(): void {
    if (this.#cpu) this.#crew?.close();
    this.#cpu = undefined;
  }

  #open(): Cpu {
    if (!this.#cpu) throw disposed();
    return this.#cpu;
  }

  #own(tensor: Tensor): WasmTensor {
    if (tensor instanceof WasmTensor && tensor.owner === this) return tensor;
    throw foreignTensor();
  }
}
