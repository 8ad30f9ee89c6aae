/** What to say where WebGPU is asked for and there is none. */
import { MakeitError } from "../errors.ts";

/** @param cause why looking for one failed, if it did. */
export function missingGpu(cause: unknown): MakeitError {
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  return new MakeitError(
    "engine",
    `The engine webgpu was asked for, and there is no GPU here that WebGPU can use${why}.`,
    globalThis.navigator?.gpu
      ? "Turn on hardware acceleration in the browser's settings, or take the engine wasm."
      : "In Node, npm install webgpu, and install the GPU's Vulkan, Metal or D3D12 driver; in a browser, use one with WebGPU; or take the engine wasm.",
  );
}
