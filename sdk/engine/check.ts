/** What every engine refuses, in the same words. */
import { engineError, type MakeitError } from "../errors.ts";
import { type Tensor, VIEW_ALIGNMENT } from "./backend.ts";
import { type KernelCall, type KernelName, kernels } from "./kernels.ts";

interface Row {
  args: Record<string, { length: (p: Record<string, number>) => number }>;
  params: Record<string, "u32" | "f32">;
}

/** Names of a kernel's arguments and parameters, in the order in which an engine takes them. */
export function signature(kernel: KernelName): { args: string[]; params: string[] } {
  return { args: Object.keys(kernels[kernel].args), params: Object.keys(kernels[kernel].params) };
}

/**
 * Checks a call against the kernel table.
 * @throws MakeitError `engine`, naming the kernel, the argument, what was expected and what came.
 */
export function checkCall<K extends KernelName>(kernel: K, call: KernelCall<K>): void {
  const row = kernels[kernel] as unknown as Row | undefined;
  if (!row) throw engineError(`There is no kernel "${kernel}".`);
  const values = call as unknown as Record<string, number>;
  for (const [name, type] of Object.entries(row.params)) checkParam(kernel, name, type, values[name]);
  const tensors = call as unknown as Record<string, { length: number } | undefined>;
  for (const [name, argument] of Object.entries(row.args)) {
    const expected = argument.length(values);
    const came = tensors[name]?.length;
    if (came === expected && expected > 0) continue;
    const sizes = Object.keys(row.params).map((p) => `${p} ${values[p]}`);
    throw engineError(
      `${kernel}: ${name} must hold ${expected > 0 ? expected : "at least one"} floats (${sizes.join(", ")}), got ${came}.`,
    );
  }
}

function checkParam(kernel: string, name: string, type: "u32" | "f32", value: unknown): void {
  const good = type === "u32" ? Number.isInteger(value) && (value as number) >= 0 : Number.isFinite(value);
  if (good && (type === "f32" || (value as number) < 2 ** 32)) return;
  const expected = type === "u32" ? "a whole number below 2^32" : "a finite number";
  throw engineError(`${kernel}: ${name} must be ${expected}, got ${String(value)}.`);
}

/** A tensor's length. @throws MakeitError `engine`. */
export function checkLength(length: number): void {
  if (Number.isInteger(length) && length >= 1) return;
  throw engineError(`A tensor must hold a whole number of floats, at least 1, got ${length}.`);
}

/** A view's bounds. @throws MakeitError `engine`. */
export function checkView(tensor: Tensor, offset: number, length: number): void {
  const inside = Number.isInteger(length) && length >= 1 && offset >= 0 && offset + length <= tensor.length;
  if (inside && offset % VIEW_ALIGNMENT === 0) return;
  throw engineError(
    `A view must start at a multiple of ${VIEW_ALIGNMENT} floats and end within ${tensor.length}, got ${offset} to ${offset + length}.`,
  );
}

/** Data to write. @throws MakeitError `engine`. */
export function checkWrite(tensor: Tensor, data: Float32Array): void {
  if (data.length <= tensor.length) return;
  throw engineError(`A tensor of ${tensor.length} floats cannot take ${data.length}.`);
}

/** Where to read to. @throws MakeitError `engine`. */
export function checkRead(tensor: Tensor, out: Float32Array | undefined): void {
  if (!out || out.length === tensor.length) return;
  throw engineError(`A tensor of ${tensor.length} floats cannot be read into ${out.length}.`);
}

/** A stretch of memory: `memory` tells apart what can never overlap, `start` counts floats. */
interface Stretch {
  readonly memory: unknown;
  readonly start: number;
  readonly length: number;
}

/** No two arguments of one call may share memory. @throws MakeitError `engine`, naming both. */
export function checkOverlap(kernel: KernelName, names: string[], places: readonly Stretch[]): void {
  for (let j = 1; j < places.length; j++) {
    for (let i = 0; i < j; i++) {
      const [a, b] = [places[i], places[j]];
      if (a.memory !== b.memory) continue;
      if (a.start + a.length <= b.start || b.start + b.length <= a.start) continue;
      throw engineError(`${kernel}: ${names[i]} and ${names[j]} overlap; they must be apart.`);
    }
  }
}

/** A step that another engine prepared. */
export function foreignStep(kernel: KernelName | undefined, index: number): MakeitError {
  return engineError(`Step ${index} of the plan (${kernel}) is of another engine.`);
}

/** A tensor that another engine allocated. */
export function foreignTensor(): MakeitError {
  return engineError("A tensor of another engine was given.");
}

/** A call after `dispose`. */
export function disposed(): MakeitError {
  return engineError("The engine was disposed of.");
}
