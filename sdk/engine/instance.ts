/** An instance of a compiled module. Apart from what loads modules, because a thread is handed its own. */
import { MakeitError } from "../errors.ts";

type Exports<T extends { instantiate: (...given: never[]) => unknown }> = Awaited<
  ReturnType<T["instantiate"]>
>;
/** The exports of the module that training by default needs: kernels by name, addresses and sizes as numbers. */
export type CpuExports = Exports<typeof import("../generated/core.js")>;
/** The exports of the module with the rest: trees, images, and what draws rows in a plane. */
export type ExtraExports = Exports<typeof import("../generated/extra.js")>;

/**
 * Waits with a timer running. Without one, Node's event loop may have nothing left but WebAssembly's background work;
 * Node 20 then waits for that on its main thread, and for ever if the optimising compiler asks for a garbage collection.
 */
export async function awake<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 1000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

/** @param memory for a module that imports its own. */
export async function instantiate(
  module: WebAssembly.Module,
  memory?: WebAssembly.Memory,
): Promise<WebAssembly.Exports> {
  const abort = () => {
    throw new MakeitError("internal", "The engine stopped: a kernel was called with sizes it cannot take.");
  };
  const env: WebAssembly.ModuleImports = memory ? { abort, memory } : { abort };
  return (await awake(WebAssembly.instantiate(module, { env }))).exports;
}
