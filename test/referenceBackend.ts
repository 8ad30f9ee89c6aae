/** An engine for tests: the float64 references behind the `Backend` interface, and a record of what was asked. */
import { expect } from "vitest";
import {
  type Backend,
  type KernelTime,
  type Step,
  type Tensor,
  VIEW_ALIGNMENT,
} from "../sdk/engine/backend.ts";
import { checkCall } from "../sdk/engine/check.ts";
import { type KernelCall, type KernelName, kernels } from "../sdk/engine/kernels.ts";
import { expectClose } from "./contract.ts";
import { type Arrays, type Params, references } from "./reference.ts";

/** Float64 numbers that a test may read and change in place. */
export class ReferenceTensor implements Tensor {
  readonly data: Float64Array;

  constructor(data: Float64Array) {
    this.data = data;
  }

  get length(): number {
    return this.data.length;
  }
}

/** Runs every kernel by its float64 reference, so that finite differences can be taken to many digits. */
export class ReferenceBackend implements Backend {
  readonly name = "wasm";
  readonly #runs = new WeakMap<Step, () => void>();

  alloc(length: number): ReferenceTensor {
    return new ReferenceTensor(new Float64Array(length));
  }

  view(tensor: Tensor, offset: number, length: number): ReferenceTensor {
    if (offset % VIEW_ALIGNMENT !== 0) throw new Error(`view at ${offset}`);
    return new ReferenceTensor((tensor as ReferenceTensor).data.subarray(offset, offset + length));
  }

  write(tensor: Tensor, data: Float32Array): void {
    (tensor as ReferenceTensor).data.set(data);
  }

  prepare<K extends KernelName>(kernel: K, call: KernelCall<K>): Step {
    checkCall(kernel, call);
    const given = call as Record<string, Tensor | number>;
    const arrays: Arrays = {};
    for (const name of Object.keys(kernels[kernel].args))
      arrays[name] = (given[name] as ReferenceTensor).data;
    const step = { kernel };
    this.#runs.set(step, () => references[kernel].run(arrays, given as Params));
    return step;
  }

  submit(plan: readonly Step[]): void {
    for (const step of plan) this.#runs.get(step)!();
  }

  async read(tensor: Tensor, out = new Float32Array(tensor.length)): Promise<Float32Array> {
    out.set((tensor as ReferenceTensor).data);
    return out;
  }

  async times(): Promise<KernelTime[]> {
    return [];
  }

  dispose(): void {}
}

/** Passes everything on to an engine and remembers the plans and what each step was prepared with. */
export class Recorder<B extends Backend> implements Backend {
  readonly name = "wasm";
  readonly engine: B;
  readonly plans: (readonly Step[])[] = [];
  readonly #calls = new WeakMap<Step, Record<string, Tensor | number>>();

  constructor(engine: B) {
    this.engine = engine;
  }

  /** The tensors and parameters of a prepared step. */
  call<K extends KernelName>(step: Step): KernelCall<K> {
    return this.#calls.get(step) as KernelCall<K>;
  }

  alloc(length: number): Tensor {
    return this.engine.alloc(length);
  }

  view(tensor: Tensor, offset: number, length: number): Tensor {
    return this.engine.view(tensor, offset, length);
  }

  write(tensor: Tensor, data: Float32Array): void {
    this.engine.write(tensor, data);
  }

  prepare<K extends KernelName>(kernel: K, call: KernelCall<K>): Step {
    const step = this.engine.prepare(kernel, call);
    this.#calls.set(step, call);
    return step;
  }

  submit(plan: readonly Step[]): void {
    this.plans.push(plan);
    this.engine.submit(plan);
  }

  read(tensor: Tensor, out?: Float32Array): Promise<Float32Array> {
    return this.engine.read(tensor, out);
  }

  times(): Promise<KernelTime[]> {
    return this.engine.times();
  }

  dispose(): void {
    this.engine.dispose();
  }
}

/** The gradient of `loss` by central differences in float64. */
export function differences(tensor: Tensor, loss: () => number): Float64Array {
  const { data } = tensor as ReferenceTensor;
  const epsilon = 1e-5;
  return data.map((value, i) => {
    data[i] = value + epsilon;
    const above = loss();
    data[i] = value - epsilon;
    const below = loss();
    data[i] = value;
    return (above - below) / (2 * epsilon);
  });
}

/** Compares in units of the largest number expected. */
export function expectShares(
  name: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: number,
): void {
  const largest = Array.from(want).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest, `${name} matters`).toBeGreaterThan(0);
  const shares = (values: ArrayLike<number>) => Array.from(values, (value) => value / largest);
  expectClose(name, shares(got), shares(want), tolerance);
}
