/**
 * The WebAssembly module: compiled once, instantiated wherever a memory of its own is wanted.
 * A backend, a set of learners or an embedding each open one instance and drop it when done.
 */
import { MakeitError } from "../errors.ts";
import { wasm } from "../generated/wasm.ts";

/** The module's exports: kernels by name, addresses and sizes as numbers. */
export type CpuExports = Awaited<ReturnType<typeof import("../generated/core.js").instantiate>>;

let compiled: Promise<WebAssembly.Module> | undefined;

/**
 * Compiles the engine. Calling it is optional: whoever needs the engine calls it.
 * @param options.module a compiled module, or its bytes (the package's `core.wasm`), for places that forbid
 *   compiling bytes or would rather fetch them.
 */
export async function init(options: { module?: WebAssembly.Module | BufferSource } = {}): Promise<void> {
  const given = options.module;
  if (given instanceof WebAssembly.Module) compiled = Promise.resolve(given);
  else if (given || !compiled) compiled = WebAssembly.compile(given ?? decode(wasm));
  await compiled;
}

/** One instance of the engine: its kernels and a memory of its own. */
export class Cpu {
  readonly exports: CpuExports;

  private constructor(exports: CpuExports) {
    this.exports = exports;
  }

  /** Opens an instance, compiling the module on first use. */
  static async open(): Promise<Cpu> {
    await init();
    const instance = await WebAssembly.instantiate(await compiled!, {
      env: {
        abort() {
          throw new MakeitError(
            "internal",
            "The engine stopped: a kernel was called with sizes it cannot take.",
          );
        },
      },
    });
    return new Cpu(instance.exports as unknown as CpuExports);
  }

  /** The address of `bytes` zeroed bytes, 16-byte aligned; they live until `reset` to an earlier mark. */
  alloc(bytes: number): number {
    const address = this.exports.allocate(bytes);
    if (address === 0) {
      throw new MakeitError(
        "engine",
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

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
