/** Which engine a run takes, and why. */
import type { Backend } from "./backend.ts";
import { type AdapterInfo, describeAdapter, findAdapter } from "./gpu.ts";
import { WasmBackend } from "./wasm.ts";

export type EngineName = "webgpu" | "wasm";

/** The size of a run's heaviest product, rows (rows, inner) · (inner, cols): what the engines are compared on. */
export interface Work {
  rows: number;
  inner: number;
  cols: number;
}

export interface Choice {
  engine: EngineName;
  /** Why, in a sentence. */
  reason: string;
  adapter?: AdapterInfo;
}

/** The default critic's first layer: 64 remembered sets of 64 rows of 10 columns. */
const USUAL: Work = { rows: 4096, inner: 10, cols: 64 };

/**
 * Opens an engine. `auto` takes the GPU where `chooseEngine` says that it pays.
 * @throws MakeitError `engine` when WebGPU is asked for and there is none; it never falls back silently.
 */
export async function openBackend({
  engine = "auto",
  profile = false,
  work,
  threads = 1,
  relaxed = false,
}: {
  engine?: EngineName | "auto";
  /** Take the time of every kernel (`Backend.times`). */
  profile?: boolean;
  work?: Work;
  /** Threads of the engine wasm, where memory can be shared: the same bytes, sooner. */
  threads?: number;
  /** Fused multiplication on the engine wasm: sooner, and not the same bytes on every machine. */
  relaxed?: boolean;
} = {}): Promise<Backend> {
  const name = engine === "auto" ? (await chooseEngine(work)).engine : engine;
  return name === "wasm"
    ? WasmBackend.open({ profile, threads, relaxed })
    : openGpu(await requireAdapter(), profile);
}

/**
 * What `auto` takes: the GPU if there is a real one and a layer of the work's size, forward and backward, takes less
 * than two thirds of the CPU's time on it, transfers included; the CPU otherwise.
 */
export async function chooseEngine(work: Work = USUAL, find = findAdapter): Promise<Choice> {
  const adapter = await find().catch(() => undefined);
  if (!adapter) return { engine: "wasm", reason: "there is no GPU here that WebGPU can use" };
  const info = describeAdapter(adapter);
  if (info.software) {
    return { engine: "wasm", reason: `${info.description} is a CPU that plays a GPU`, adapter: info };
  }
  try {
    // Loaded where it is used: most places have no GPU to try.
    const { MARGIN, trial } = await import("./trial.ts");
    const gpu = await trial(await openGpu(adapter), work);
    const cpu = await trial(await WasmBackend.open(), work);
    const times = `a trial took ${gpu.toFixed(1)} ms on ${info.description}, ${cpu.toFixed(1)} ms on the CPU`;
    return { engine: gpu * MARGIN < cpu ? "webgpu" : "wasm", reason: times, adapter: info };
  } catch (error) {
    return { engine: "wasm", reason: `the GPU failed a trial: ${(error as Error).message}`, adapter: info };
  }
}

/** Resolves an engine's name once for a whole run. @throws MakeitError when WebGPU is asked for and there is none. */
export async function resolveEngine(engine: EngineName | "auto", work: Work): Promise<Choice> {
  if (engine === "auto") return chooseEngine(work);
  if (engine === "wasm") return { engine, reason: "asked for" };
  return { engine, reason: "asked for", adapter: describeAdapter(await requireAdapter()) };
}

async function openGpu(adapter: GPUAdapter, profile = false): Promise<Backend> {
  // Loaded where it is used: most runs need neither the engine nor its shaders.
  const { WebGpuBackend } = await import("./webgpu.ts");
  return WebGpuBackend.open({ adapter, profile });
}

async function requireAdapter(): Promise<GPUAdapter> {
  let cause: unknown;
  try {
    const adapter = await findAdapter();
    if (adapter) return adapter;
  } catch (error) {
    cause = error;
  }
  throw (await import("./unavailable.ts")).missingGpu(cause);
}
