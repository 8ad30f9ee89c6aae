/** What to say where there is no engine to compute on; loaded when it is said. */
import { engineError, type MakeitError } from "../errors.ts";

/** WebGPU was asked for. @param cause why looking for a GPU failed, if it did. */
export function missingGpu(cause: unknown): MakeitError {
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  return engineError(
    `The engine webgpu was asked for, and there is no GPU here that WebGPU can use${why}.`,
    globalThis.navigator?.gpu
      ? "Turn on hardware acceleration in the browser's settings, or take the engine wasm."
      : "In Node, npm install webgpu, and install the GPU's Vulkan, Metal or D3D12 driver; in a browser, use one with WebGPU; or take the engine wasm.",
  );
}

/** Every engine was lost on the way. @param error how the last one was. */
export function nowhereToGo(
  engines: readonly { engine: string; reason?: string }[],
  error: MakeitError,
): MakeitError {
  const names = engines.map(({ engine }) => engine).join(" and then ");
  const reasons = [...engines.slice(1).map(({ reason }) => reason), error.message].join(" ");
  return engineError(
    `Training cannot go on, every engine was lost: ${names}. ${reasons}`,
    "Run it again with the engine wasm.",
  );
}
