/**
 * The WebAssembly module: compiled once, instantiated wherever a memory of its own is wanted.
 * A backend, a set of classifiers or a plot each open one instance and drop it when done.
 */
export interface Cpu {
  readonly exports: CpuExports;
  /** The address of `bytes` zeroed bytes, 16-byte aligned; they live until `reset` to an earlier mark. */
  alloc(bytes: number): number;
  /** The current top of the arena. */
  mark(): number;
  /** Frees everything allocated since `mark`. */
  reset(mark: number): void;
  // Views of the memory. They go stale when `alloc` grows it: take them after the last alloc.
  f32(address: number, length: number): Float32Array;
  f64(address: number, length: number): Float64Array;
  i32(address: number, length: number): Int32Array;
  u8(address: number, length: number): Uint8Array;
}
