/** A browser's worker that does its parts of the engine's kernels. */
import { type Hand, serve } from "./engine/hand.ts";

addEventListener("message", ({ data }: MessageEvent<Hand>) => void serve(data, () => postMessage("ready")), {
  once: true,
});
