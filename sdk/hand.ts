/** A worker thread that does its parts of the engine's kernels. */
import { parentPort, workerData } from "node:worker_threads";
import { serve } from "./engine/hand.ts";

await serve(workerData, () => parentPort!.postMessage("ready"));
