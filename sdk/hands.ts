/** Threads of the engine in Node: worker threads that serve a crew. */
import { Worker } from "node:worker_threads";
import { provideThreads, type StartHand } from "./engine/crew.ts";

/** Makes worker threads known to the engine; they start when an engine of several threads is opened. */
export function useThreads(): void {
  provideThreads(startHand(new URL("./hand.js", import.meta.url)));
}

/** Threads that run this file, which is `hand.ts` as built. */
export function startHand(file: URL): StartHand {
  return (hand) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(file, { workerData: hand });
      worker.once("error", reject);
      worker.once("message", () => {
        worker.unref();
        resolve({ stop: () => void worker.terminate() });
      });
    });
}
