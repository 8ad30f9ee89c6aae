import { MakeitError } from "../errors.ts";
import { type Backend, type Step, type Tensor, VIEW_ALIGNMENT } from "./backend.ts";
import { checkCall, signature } from "./check.ts";
import type { KernelCall, KernelName } from "./kernels.ts";
import { Cpu } from "./module.ts";

class WasmTensor implements Tensor {
  readonly owner: WasmBackend;
  readonly address: number;
  readonly length: number;

  constructor(owner: WasmBackend, address: number, length: number) {
    this.owner = owner;
    this.address = address;
    this.length = length;
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
  #cpu: Cpu | undefined;

  private constructor(cpu: Cpu) {
    this.#cpu = cpu;
  }

  /** Opens a backend with a memory of its own. */
  static async open(): Promise<WasmBackend> {
    return new WasmBackend(await Cpu.open());
  }

  alloc(length: number): Tensor {
    if (!Number.isInteger(length) || length < 1) {
      throw new MakeitError(
        "engine",
        `A tensor must hold a whole number of floats, at least 1, got ${length}.`,
      );
    }
    return new WasmTensor(this, this.#open().alloc(4 * length), length);
  }

  view(tensor: Tensor, offset: number, length: number): Tensor {
    const { address } = this.#own(tensor);
    if (!Number.isInteger(offset) || offset < 0 || offset % VIEW_ALIGNMENT !== 0) {
      throw new MakeitError(
        "engine",
        `A view must start at a multiple of ${VIEW_ALIGNMENT} floats, got ${offset}.`,
      );
    }
    if (!Number.isInteger(length) || length < 1 || offset + length > tensor.length) {
      const range = `${offset} to ${offset + length}`;
      throw new MakeitError(
        "engine",
        `A view must lie within its tensor of ${tensor.length} floats, got ${range}.`,
      );
    }
    return new WasmTensor(this, address + 4 * offset, length);
  }

  write(tensor: Tensor, data: Float32Array): void {
    const { address, length } = this.#own(tensor);
    if (data.length > length) {
      throw new MakeitError("engine", `A tensor of ${length} floats cannot take ${data.length}.`);
    }
    this.#open().f32(address, length).set(data);
  }

  prepare<K extends KernelName>(kernel: K, call: KernelCall<K>): Step {
    const { exports } = this.#open();
    checkCall(kernel, call);
    const { args, params } = signature(kernel);
    const named = call as Record<string, Tensor | number>;
    const tensors = args.map((name) => this.#own(named[name] as Tensor));
    this.#checkOverlap(kernel, args, tensors);
    const numbers = [...tensors.map((t) => t.address), ...params.map((name) => named[name] as number)];
    const run = exports[kernel] as (...numbers: number[]) => void;
    return new WasmStep(this, kernel, run.bind(null, ...numbers));
  }

  submit(plan: readonly Step[]): void {
    this.#open();
    for (let i = 0; i < plan.length; i++) {
      const step = plan[i];
      if (!(step instanceof WasmStep) || step.owner !== this) {
        throw new MakeitError(
          "engine",
          `Step ${i} of the plan (${step?.kernel}) was prepared on another engine.`,
        );
      }
      step.run();
    }
  }

  async read(tensor: Tensor, out?: Float32Array): Promise<Float32Array> {
    const { address, length } = this.#own(tensor);
    if (out && out.length !== length) {
      throw new MakeitError("engine", `A tensor of ${length} floats cannot be read into ${out.length}.`);
    }
    const target = out ?? new Float32Array(length);
    target.set(this.#open().f32(address, length));
    return target;
  }

  dispose(): void {
    this.#cpu = undefined;
  }

  #open(): Cpu {
    if (!this.#cpu) throw new MakeitError("engine", "The engine was disposed of.", "Open another one.");
    return this.#cpu;
  }

  #own(tensor: Tensor): WasmTensor {
    if (tensor instanceof WasmTensor && tensor.owner === this) return tensor;
    throw new MakeitError(
      "engine",
      "A tensor of another engine was given.",
      "Use tensors that this engine allocated.",
    );
  }

  #checkOverlap(kernel: KernelName, names: string[], tensors: WasmTensor[]): void {
    for (let j = 1; j < tensors.length; j++) {
      for (let i = 0; i < j; i++) {
        const [a, b] = [tensors[i], tensors[j]];
        if (a.address + 4 * a.length <= b.address || b.address + 4 * b.length <= a.address) continue;
        throw new MakeitError(
          "engine",
          `${kernel}: ${names[i]} and ${names[j]} overlap; they must be apart.`,
        );
      }
    }
  }
}
