/** WebGPU in Node: Dawn, through the optional package `webgpu`. */
import { provideGpu } from "./engine/gpu.ts";

let gpu: GPU | undefined;

/** Makes Dawn known to the engine; the package is loaded when a GPU is first asked for. */
export function useDawn(): void {
  provideGpu(async () => {
    gpu ??= await create();
    return gpu;
  });
}

async function create(): Promise<GPU | undefined> {
  try {
    return (await import("webgpu")).create([]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}
