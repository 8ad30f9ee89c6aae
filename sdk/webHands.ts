/** Threads of the engine in a browser: module workers that serve a crew. */
import { provideThreads } from "./engine/crew.ts";
import type { Hand } from "./engine/hand.ts";
import { MakeitError } from "./errors.ts";

/**
 * Makes workers known to the engine, so that `threads` of `fit`, `train` and `openBackend` holds in a browser too. They
 * start when an engine of several threads is opened, and give the same bytes as one. The page has to be cross-origin
 * isolated (the headers `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`);
 * elsewhere nothing changes: one thread does it all. Call it where training runs, best in a worker: the page's own
 * thread may not sleep, so there it would spin while it waits for the others.
 *
 * @example
 * ```ts
 * import { fit } from "makeit-ai";
 * import { useThreads } from "makeit-ai/threads";
 *
 * useThreads();
 * const run = await fit(table, { target: "churned", threads: navigator.hardwareConcurrency });
 * ```
 */
export function useThreads(): void {
  provideThreads(startHand);
}

function startHand(hand: Hand): Promise<{ stop(): void }> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./webHand.js", import.meta.url), { type: "module", name: "hand" });
    worker.onerror = ({ message }) => {
      reject(
        new MakeitError(
          "engine",
          `A thread of the engine could not be started (${message || "its file is missing or not allowed"}).`,
          "Serve webHand.js beside the program, allow it in the Content-Security-Policy (worker-src), or leave out threads.",
        ),
      );
    };
    worker.onmessage = () => resolve({ stop: () => worker.terminate() });
    worker.postMessage(hand);
  });
}
