/** Who takes part, by the name in the table. */
import type { Examples } from "../problems.ts";
import type { Jax } from "./jax.ts";
import type { Library } from "./task.ts";
import type { Tf } from "./tf.ts";

/** How a place (Node, a page) loads the peers, which are no dependencies of ours. */
export interface Host {
  /** @param threads for the WebAssembly backend. */
  tfjs(backend: "cpu" | "wasm" | "webgpu", threads: number): Promise<Tf>;
  jax(threads: number): Promise<Jax>;
  threads: number;
  /** Makes threads of ours known, where they can be. */
  shareThreads?(): void;
  /** Milliseconds of processor time so far, all threads together. */
  processor?(): number;
  /** The rows of `--data`, standardised and as they are. */
  folds?: { scaled: Examples; raw: Examples };
}

/** Whose modules are loaded, and how. */
const LIBRARIES: Record<string, (host: Host) => Promise<Library>> = {
  makeit: openMakeit,
  "makeit, factored": async () => (await import("./makeit.ts")).factored,
  "makeit, 2 threads": async (host) => {
    host.shareThreads?.();
    return (await import("./makeit.ts")).threaded;
  },
  "plain JS": async () => (await import("./plain.ts")).works,
  "60 small trees": async () => (await import("./tables.ts")).smallTrees(60),
  "ml-cart": async () => (await import("./cart.ts")).works,
  "tfjs cpu": async (host) => openTfjs(await host.tfjs("cpu", 1), false, host),
  "tfjs wasm": async (host) => openTfjs(await host.tfjs("wasm", 1), false, host),
  "tfjs wasm, by hand": async (host) => openTfjs(await host.tfjs("wasm", 1), true, host),
  "tfjs wasm, by hand, threads": async (host) => openTfjs(await host.tfjs("wasm", host.threads), true, host),
  "tfjs webgpu": async (host) => openTfjs(await host.tfjs("webgpu", 1), false, host),
  "jax-js wasm": async (host) => openJax(await host.jax(1)),
  "jax-js wasm, threads": async (host) => openJax(await host.jax(host.threads)),
};

export function openLibrary(name: string, host: Host): Promise<Library> {
  const open = LIBRARIES[name];
  if (!open) throw new Error(`There is no library ${name}`);
  return open(host);
}

async function openMakeit({ folds }: Host): Promise<Library> {
  const [{ networks }, { works }, { products }, { epochs }] = await Promise.all([
    import("./makeit.ts"),
    import("./tables.ts"),
    import("./products.ts"),
    import("./epoch.ts"),
  ]);
  return { ...networks, ...works, ...products, ...epochs(folds) };
}

async function openTfjs(tf: Tf, hand: boolean, { folds }: Host): Promise<Library> {
  const [{ networks }, { epochs }, { works }] = await Promise.all([
    import("./tfjs.ts"),
    import("./tfjsGame.ts"),
    import("./tfjsPicture.ts"),
  ]);
  return { ...networks(tf, hand), ...epochs(tf, hand, folds), ...works(tf) };
}

async function openJax(jax: Jax): Promise<Library> {
  return (await import("./jax.ts")).networks(jax);
}
