/**
 * Calls with an argument that is larger than the GPU binds at once, cut into calls that are not. A kernel is cut along
 * a parameter that is the outermost dimension of every argument that grows with it.
 */
import { engineError } from "../errors.ts";
import { type Backend, type Tensor, VIEW_ALIGNMENT } from "./backend.ts";
import { type KernelName, kernels } from "./kernels.ts";

export interface Call {
  readonly kernel: KernelName;
  /** Tensors and parameters by name. */
  readonly values: Record<string, Tensor | number>;
}

export interface Cut {
  along: string;
  /** What does not grow with it is a sum over it. */
  sum?: true;
  /** A parameter that says where the piece begins. */
  first?: string;
}

const CUTS: Partial<Record<KernelName, readonly Cut[]>> = {
  dense: [{ along: "rows" }],
  dense_dx: [{ along: "rows" }],
  dense_dw: [{ along: "rows", sum: true }],
  dense_db: [{ along: "rows", sum: true }],
  activation_grad: [{ along: "length" }],
  row_mean: [{ along: "sets" }],
  row_mean_grad: [{ along: "sets" }],
  soft_label: [{ along: "rows" }],
  soft_label_grad: [{ along: "rows" }],
  head: [{ along: "sets" }],
  head_dh: [{ along: "sets" }],
  head_dk: [{ along: "sets", sum: true }],
  add: [{ along: "length" }],
  gather: [{ along: "count" }, { along: "slots", first: "first" }],
  scatter: [{ along: "count" }, { along: "slots", first: "first" }],
  adam: [{ along: "length" }],
  rmsprop: [{ along: "length" }],
};

/** The dimension that a kernel is cut along first. */
export function cutOf(kernel: KernelName): Cut | undefined {
  return CUTS[kernel]?.[0];
}

/**
 * @param limit floats that an argument may have.
 * @param temporary gives a tensor for the parts of a sum.
 * @throws MakeitError `engine` where the kernel cannot be cut.
 */
export function chunks(
  backend: Pick<Backend, "view">,
  call: Call,
  limit: number,
  temporary: (length: number) => Tensor,
): Call[] {
  const names = Object.keys(kernels[call.kernel].args);
  const large = names.filter((name) => (call.values[name] as Tensor).length > limit);
  if (large.length === 0) return [call];
  const cut = CUTS[call.kernel]?.find(({ along }) => large.some((name) => lengthPer(call, name, along) > 0));
  const grows = cut ? names.filter((name) => lengthPer(call, name, cut.along) > 0) : [];
  const most = Math.max(1, ...grows.map((name) => lengthPer(call, name, cut!.along)));
  // Pieces of whole 64s begin where a view may.
  const piece = Math.floor(limit / most / VIEW_ALIGNMENT) * VIEW_ALIGNMENT;
  if (!cut || piece === 0) throw cannotCut(call, large[0], limit);
  const total = call.values[cut.along] as number;
  const calls: Call[] = [];
  for (let start = 0; start < total; start += piece) {
    const count = Math.min(piece, total - start);
    const values: Call["values"] = { ...call.values, [cut.along]: count };
    if (cut.first) values[cut.first] = (call.values[cut.first] as number) + start;
    for (const name of grows) {
      const unit = lengthPer(call, name, cut.along);
      values[name] = backend.view(call.values[name] as Tensor, start * unit, count * unit);
    }
    calls.push(
      ...(cut.sum && start > 0
        ? added({ kernel: call.kernel, values }, grows, temporary)
        : [{ kernel: call.kernel, values }]),
    );
  }
  return calls.flatMap((part) => chunks(backend, part, limit, temporary));
}

/** The call with its sums in temporary tensors, which are then added to where the sums belong. */
function added(call: Call, grows: string[], temporary: (length: number) => Tensor): Call[] {
  const values = { ...call.values };
  const sums = Object.entries(kernels[call.kernel].args).filter(
    ([name, { access }]) => access !== "read" && !grows.includes(name),
  );
  const adds = sums.map(([name]): Call => {
    const y = call.values[name] as Tensor;
    const x = temporary(y.length);
    values[name] = x;
    return { kernel: "add", values: { x, y, length: y.length, scale: 1 } };
  });
  return [{ kernel: call.kernel, values }, ...adds];
}

/** By how much an argument grows with one more of `along`. */
export function lengthPer({ kernel, values }: Call, name: string, along: string): number {
  const args = kernels[kernel].args as Record<string, { length: (p: object) => number }>;
  const at = (count: number) => args[name].length({ ...values, [along]: count });
  return at(1) - at(0);
}

function cannotCut({ kernel, values }: Call, name: string, limit: number): Error {
  const { length } = values[name] as Tensor;
  return engineError(
    `${kernel}: ${name} holds ${length} floats; the GPU binds ${limit} at once, and this cannot be cut.`,
    "Lower samples, batchSize, criticBatch, replay or the layer widths, or take the engine wasm.",
  );
}
