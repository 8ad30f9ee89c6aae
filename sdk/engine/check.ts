import { MakeitError } from "../errors.ts";
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
  if (!row) throw new MakeitError("engine", `There is no kernel "${kernel}".`);
  const values = call as unknown as Record<string, number>;
  for (const [name, type] of Object.entries(row.params)) checkParam(kernel, name, type, values[name]);
  const tensors = call as unknown as Record<string, { length: number } | undefined>;
  for (const [name, argument] of Object.entries(row.args)) {
    const expected = argument.length(values);
    const came = tensors[name]?.length;
    if (came === expected && expected > 0) continue;
    const sizes = Object.keys(row.params).map((p) => `${p} ${values[p]}`);
    throw new MakeitError(
      "engine",
      `${kernel}: ${name} must hold ${expected > 0 ? expected : "at least one"} floats (${sizes.join(", ")}), got ${came}.`,
      "Allocate it with the length that the kernel table gives.",
    );
  }
}

function checkParam(kernel: string, name: string, type: "u32" | "f32", value: unknown): void {
  const good = type === "u32" ? Number.isInteger(value) && (value as number) >= 0 : Number.isFinite(value);
  if (good && (type === "f32" || (value as number) < 2 ** 32)) return;
  const expected = type === "u32" ? "a whole number below 2^32" : "a finite number";
  throw new MakeitError("engine", `${kernel}: ${name} must be ${expected}, got ${String(value)}.`);
}
