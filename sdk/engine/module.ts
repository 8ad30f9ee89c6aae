/**
 * The WebAssembly modules: compiled once, instantiated wherever a memory of its own is wanted.
 * A backend, a set of learners or an embedding each open one instance and drop it when done.
 */
import { engineError } from "../errors.ts";
import { awake, type CpuExports, type ExtraExports, instantiate } from "./instance.ts";

export type { CpuExports, ExtraExports };

// Apart, so that nobody loads them who hands a module over.
const packed = {
  core: async () => (await import("../generated/core.packed.ts")).core,
  extra: async () => (await import("../generated/extra.packed.ts")).extra,
  threads: async () => (await import("../generated/threads.packed.ts")).threads,
  relaxed: async () => (await import("../generated/relaxed.packed.ts")).relaxed,
};
const compiled: { [K in keyof typeof packed]?: Promise<WebAssembly.Module> } = {};

/**
 * Compiles the engine. Calling it is optional: whoever needs the engine calls it.
 * @param options.module a compiled module, or its bytes (the package's `core.wasm`), for places that forbid
 *   compiling bytes or would rather fetch them.
 * @param options.extra the same for the package's `extra.wasm`, which `fit` explains its rows with.
 */
export async function init(options: { module?: Given; extra?: Given } = {}): Promise<void> {
  if (options.module) compiled.core = compile(options.module);
  if (options.extra) compiled.extra = compile(options.extra);
  await Promise.all([load("core"), options.extra && load("extra")]);
}

type Given = WebAssembly.Module | BufferSource;

async function compile(given: Given): Promise<WebAssembly.Module> {
  return given instanceof WebAssembly.Module ? given : awake(WebAssembly.compile(given));
}

/** A module of the package, compiled on first use. */
export function load(name: keyof typeof packed): Promise<WebAssembly.Module> {
  compiled[name] ??= packed[name]().then(unpack).then(compile).catch(forbidden);
  return compiled[name];
}

function forbidden(cause: unknown): never {
  throw engineError(
    `The engine cannot be compiled here (${cause instanceof Error ? cause.message : cause}).`,
    "Hand it over compiled, init({ module, extra }), or allow 'wasm-unsafe-eval' in the Content-Security-Policy.",
  );
}

/** The bytes of a module from the text that it is embedded as. Without Blob and Response, which Node is slow to load. */
async function unpack({ size, text }: { size: number; text: string }): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream("deflate-raw");
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  const deflated = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const written = writer.write(deflated).then(() => writer.close());
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const { value } = await reader.read();
    bytes.set(value!, at);
    at += value!.length;
  }
  await written;
  return bytes;
}

/** What every module has: a memory and its arena. */
type Arena = Pick<CpuExports, "memory" | "allocate" | "mark" | "reset">;

/** One instance of a module: its kernels and a memory of its own. */
export class Cpu<E extends Arena = CpuExports> {
  readonly exports: E;

  constructor(exports: E) {
    this.exports = exports;
  }

  /** Opens an instance of what training needs, compiling the module on first use. */
  static async open(): Promise<Cpu> {
    return new Cpu((await instantiate(await load("core"))) as CpuExports);
  }

  /** Opens an instance of the rest, which is loaded on first use. */
  static async openExtra(): Promise<Cpu<ExtraExports>> {
    return new Cpu((await instantiate(await load("extra"))) as ExtraExports);
  }

  /** The address of `bytes` zeroed bytes, 16-byte aligned; they live until `reset` to an earlier mark. */
  alloc(bytes: number): number {
    const address = this.exports.allocate(bytes);
    if (address === 0) {
      throw engineError(
        `The engine's memory cannot grow by ${bytes} bytes (it holds ${this.exports.memory.buffer.byteLength}).`,
        "Lower samples, batch size, replay capacity or layer widths.",
      );
    }
    return address >>> 0;
  }

  /** The current top of the arena. */
  mark(): number {
    return this.exports.mark() >>> 0;
  }

  /** Frees everything allocated since `mark`. */
  reset(mark: number): void {
    this.exports.reset(mark);
  }

  // Views of the memory. They go stale when `alloc` grows it: take them after the last alloc.
  f32(address: number, length: number): Float32Array {
    return new Float32Array(this.exports.memory.buffer, address, length);
  }
  f64(address: number, length: number): Float64Array {
    return new Float64Array(this.exports.memory.buffer, address, length);
  }
  i32(address: number, length: number): Int32Array {
    return new Int32Array(this.exports.memory.buffer, address, length);
  }
  u8(address: number, length: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, address, length);
  }
}
