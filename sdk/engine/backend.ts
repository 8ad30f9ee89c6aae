import type { KernelCall, KernelName } from "./kernels.ts";

/** A stretch of f32 numbers on the engine. Its address is the engine's own business. */
export interface Tensor {
  readonly length: number;
}

/** A kernel with its arguments bound: made once, submitted often. */
export interface Step {
  readonly kernel: KernelName;
}

/**
 * What a compute engine offers. Everything is prepared once; a training step only submits.
 * `read` is the only await; an error that the engine kept is thrown by the next `submit` or `read`.
 */
export interface Backend {
  readonly name: "webgpu" | "wasm";
  /** A zeroed tensor of `length` floats. */
  alloc(length: number): Tensor;
  /** A part of `tensor` that shares its memory; `offset` is a multiple of {@link VIEW_ALIGNMENT}. */
  view(tensor: Tensor, offset: number, length: number): Tensor;
  /** Copies `data` to the start of `tensor`. */
  write(tensor: Tensor, data: Float32Array): void;
  /** Checks the shapes and binds a kernel's arguments and parameters. */
  prepare<K extends KernelName>(kernel: K, call: KernelCall<K>): Step;
  /** Runs the steps in order: one encoder, one submission. */
  submit(plan: readonly Step[]): void;
  /** Reads a tensor back, into `out` when given. */
  read(tensor: Tensor, out?: Float32Array): Promise<Float32Array>;
  /** Time a kernel has taken so far, longest first; empty unless the engine was opened with `profile`. */
  times(): Promise<KernelTime[]>;
  /** Frees everything. Calling it twice is harmless. */
  dispose(): void;
}

/** Whether the engine can go away in the middle of the work, as a GPU can; what matters is then kept on the host. */
export function canBeLost({ name }: Backend): boolean {
  return name === "webgpu";
}

export interface KernelTime {
  readonly kernel: KernelName;
  readonly calls: number;
  readonly ms: number;
}

/** Offsets of views are multiples of this many floats (WebGPU binds at 256-byte steps). */
export const VIEW_ALIGNMENT = 64;
