/** A side in a process of its own. Requests come as messages, one at a time. */
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { provideThreads } from "../../sdk/engine/crew.ts";
import { startHand } from "../../sdk/hands.ts";
import { matrix } from "../../sdk/matrix.ts";
import type { Examples } from "../problems.ts";
import type { Jax } from "./jax.ts";
import type { Host } from "./library.ts";
import { Session } from "./session.ts";
import type { Answer, PlainExamples, Request } from "./sides.ts";
import type { Tf } from "./tf.ts";

// npm runs scripts in the repository's root.
const require = createRequire(resolve("bench/package.json"));
const host: Host = {
  threads: availableParallelism(),
  shareThreads: () => provideThreads(startHand(new URL("../../hand.js", import.meta.url))),
  processor() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  async tfjs(backend) {
    const tf = require("@tensorflow/tfjs") as Tf;
    if (backend === "wasm") require("@tensorflow/tfjs-backend-wasm");
    await tf.setBackend(backend);
    await tf.ready();
    return tf;
  },
  async jax() {
    const jax = require("@jax-js/jax") as Jax;
    await jax.init("wasm");
    jax.defaultDevice("wasm");
    return jax;
  },
};
const session = new Session(host);

process.on("message", async (request: Request) => {
  try {
    process.send!({ value: await answer(request) } satisfies Answer);
  } catch (error) {
    process.send!({ error: (error as Error).stack ?? String(error) } satisfies Answer);
  }
});

function answer(request: Request): Promise<unknown> {
  if (request.kind === "time") return session.time(request.count);
  const { folds } = request;
  if (folds) host.folds = { scaled: revive(folds.scaled), raw: revive(folds.raw) };
  return session.open(request.library, request.work);
}

function revive({ cols, x, y }: PlainExamples): Examples {
  const all = matrix(y.length, cols);
  all.data.set(x);
  return { x: all, y: Int32Array.from(y) };
}
