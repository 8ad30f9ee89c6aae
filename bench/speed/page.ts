/** A side in a page: `session` is what the benchmark calls. */
import type { Jax } from "./jax.ts";
import type { Host } from "./library.ts";
import { Session } from "./session.ts";
import type { Tf } from "./tf.ts";

const PACKAGES = `${location.origin}/bench/node_modules`;

const host: Host = {
  threads: navigator.hardwareConcurrency,
  async tfjs(backend, threads) {
    await script("@tensorflow/tfjs/dist/tf.min.js");
    const { tf } = globalThis as unknown as { tf: Tf };
    if (backend !== "cpu")
      await script(`@tensorflow/tfjs-backend-${backend}/dist/tf-backend-${backend}.min.js`);
    if (backend === "wasm") {
      tf.wasm.setWasmPaths(`${PACKAGES}/@tensorflow/tfjs-backend-wasm/dist/`);
      tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", threads > 1);
      if (threads > 1) tf.wasm.setThreadsCount(threads);
    }
    await tf.setBackend(backend);
    await tf.ready();
    return tf;
  },
  async jax(threads) {
    // It starts as many workers as the machine has cores, and has no other switch.
    Object.defineProperty(navigator, "hardwareConcurrency", { get: () => threads });
    const jax = (await import(/* @vite-ignore */ `${PACKAGES}/@jax-js/jax/dist/index.js`)) as Jax;
    await jax.init("wasm");
    jax.defaultDevice("wasm");
    return jax;
  },
};

function script(path: string): Promise<void> {
  const element = document.createElement("script");
  element.src = `${PACKAGES}/${path}`;
  return new Promise((resolve, reject) => {
    element.onload = () => resolve();
    element.onerror = () => reject(new Error(`${path} cannot be loaded`));
    document.head.append(element);
  });
}

Object.assign(globalThis, { session: new Session(host) });
