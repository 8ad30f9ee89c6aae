/** `makeit devices`: what this machine offers and what a run takes of it. */
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { type AdapterInfo, chooseEngine } from "../sdk/node.ts";
import { command, EXIT } from "./command.ts";
import { JSON_FLAG } from "./flags.ts";
import { textTable } from "./terminal.ts";

/** A module with one function of no arguments; `body` ends in the function's `end`. */
function probe(body: readonly number[], { memory = [] as readonly number[] } = {}): Uint8Array<ArrayBuffer> {
  const code = [1, body.length + 1, 0, ...body];
  const type = [1, 4, 1, 0x60, 0, 0];
  const functions = [3, 2, 1, 0];
  const memories = memory.length > 0 ? [5, memory.length + 1, 1, ...memory] : [];
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  return new Uint8Array([...header, ...type, ...functions, ...memories, 10, code.length, ...code]);
}

const END = 0x0b;
const DROP = 0x1a;
/** i32.const 0 · i8x16.splat */
const SPLAT = [0x41, 0, 0xfd, 0x0f];

const PROBES = {
  /** i8x16.splat */
  simd: probe([...SPLAT, DROP, END]),
  /** i8x16.relaxed_swizzle */
  relaxedSimd: probe([...SPLAT, ...SPLAT, 0xfd, 0x80, 0x02, DROP, END]),
  /** i32.atomic.load on a shared memory of one page */
  threads: probe([0x41, 0, 0xfe, 0x10, 2, 0, DROP, END], { memory: [3, 1, 1] }),
};

/** Which extensions the WebAssembly engine of this process accepts. */
export function wasmFeatures(): Record<keyof typeof PROBES, boolean> {
  const accepts = (name: keyof typeof PROBES) => WebAssembly.validate(PROBES[name]);
  return { simd: accepts("simd"), relaxedSimd: accepts("relaxedSimd"), threads: accepts("threads") };
}

export const devices = command({
  name: "devices",
  describe: "Show the engines, cores and memory that a run can use",
  positionals: {},
  flags: JSON_FLAG,
  examples: [
    ["makeit devices", "what this machine offers"],
    ["makeit devices --json", "the same, for programs"],
  ],
  async run(_values, _files, terminal) {
    const features = wasmFeatures();
    const cores = availableParallelism();
    const auto = await chooseEngine();
    const webgpu = auto.adapter
      ? { name: "webgpu", available: true, adapter: auto.adapter }
      : { name: "webgpu", available: false, reason: auto.reason };
    const found = {
      engines: [{ name: "wasm", available: features.simd, features }, webgpu],
      auto: auto.engine,
      autoReason: auto.reason,
      processor: cpus()[0]?.model ?? "unknown",
      cores,
      jobs: cores,
      memory: { total: totalmem(), free: freemem() },
      node: process.versions.node,
    };
    const rows = [
      ["engine wasm", features.simd ? "available" : "not available: it needs WebAssembly SIMD"],
      ["  SIMD", yes(features.simd)],
      [
        "  relaxed SIMD",
        `${yes(features.relaxedSimd)} (--relaxed uses it: faster, and the bytes then depend on the machine)`,
      ],
      [
        "  threads",
        `${yes(features.threads)} (splits run side by side; cores that are left over share the work within each)`,
      ],
      ...(auto.adapter ? adapterRows(auto.adapter) : [["engine webgpu", `not available: ${auto.reason}`]]),
      ["--engine auto", `takes ${auto.engine}: ${auto.reason}`],
      ["processor", found.processor],
      ["cores", `${cores} (--jobs 0 runs as many splits side by side)`],
      ["memory", `${gib(found.memory.total)}, ${gib(found.memory.free)} free`],
      ["Node", found.node],
    ];
    await terminal.show(textTable(rows));
    await terminal.object(found);
    return EXIT.done;
  },
});

function adapterRows({ description, vendor, architecture, software, features, limits }: AdapterInfo) {
  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = limits;
  return [
    ["engine webgpu", "available"],
    ["  adapter", description],
    ["  vendor", [vendor, architecture].filter(Boolean).join(", ") || "not told"],
    ["  software", yes(software)],
    ["  largest buffer", `${gib(maxBufferSize)}, of which ${gib(maxStorageBufferBindingSize)} at once`],
    ["  workgroups", `${maxComputeWorkgroupsPerDimension} in a dimension`],
    ["  time stamps", yes(features.includes("timestamp-query"))],
    ["  features", features.join(", ")],
  ];
}

function yes(flag: boolean): string {
  return flag ? "yes" : "no";
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
