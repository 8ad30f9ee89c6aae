/**
 * The engine on the GPU. Buffers, pipelines, bind groups and uniforms are made once, in `alloc` and `prepare`; a
 * submission encodes the plan's dispatches into one command buffer. WebGPU reports most faults later than it meets
 * them: the first one is kept and thrown by the next `submit` or `read`.
 */
import { engineError, MakeitError } from "../errors.ts";
import { shaders as builtIn } from "../generated/shaders.ts";
import type { Backend, KernelTime, Step, Tensor } from "./backend.ts";
import {
  checkCall,
  checkLength,
  checkOverlap,
  checkRead,
  checkView,
  checkWrite,
  disposed,
  foreignStep,
  foreignTensor,
  signature,
} from "./check.ts";
import { type Call, chunks } from "./chunks.ts";
import { type Dispatch, type KernelCall, type KernelName, kernels } from "./kernels.ts";
import type { GpuStopwatch } from "./stopwatch.ts";

// GPUBufferUsage and GPUMapMode as numbers: Dawn's Node package does not make them globals.
const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const UNIFORM = 0x40;
const STORAGE = 0x80;
const TO_READ = 0x1;

/** How long a failed read waits for the news that the device is lost. */
const LOSS_MS = 200;

export interface WebGpuOptions {
  adapter: GPUAdapter;
  /** Take the time of every kernel, where the adapter grants time stamps. */
  profile?: boolean;
  /** Bind at most this many bytes at once, although the adapter would allow more. */
  bindingBytes?: number;
  /** Other sources than the built-in ones. */
  shaders?: Partial<Record<KernelName, string>>;
}

class GpuTensor implements Tensor {
  readonly owner: WebGpuBackend;
  readonly memory: GPUBuffer;
  /** The first float's place in the buffer. */
  readonly start: number;
  readonly length: number;

  constructor(owner: WebGpuBackend, memory: GPUBuffer, start: number, length: number) {
    this.owner = owner;
    this.memory = memory;
    this.start = start;
    this.length = length;
  }
}

interface Bound {
  pipeline: GPUComputePipeline;
  group: GPUBindGroup;
  size: [number, number];
}

class GpuStep implements Step {
  readonly owner: WebGpuBackend;
  readonly kernel: KernelName;
  readonly dispatches: readonly Bound[];

  constructor(owner: WebGpuBackend, kernel: KernelName, dispatches: readonly Bound[]) {
    this.owner = owner;
    this.kernel = kernel;
    this.dispatches = dispatches;
  }
}

interface Reading {
  tensor: GpuTensor;
  staging: GPUBuffer;
  done: (error?: unknown) => void;
}

/** The engine on a GPU, through WebGPU: Dawn in Node, `navigator.gpu` in a window or a worker. */
export class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  readonly #device: GPUDevice;
  readonly #sources: Record<KernelName, string>;
  readonly #bindingBytes: number;
  readonly #pipelines = new Map<string, { pipeline: GPUComputePipeline; layout: GPUBindGroupLayout }>();
  readonly #buffers: GPUBuffer[] = [];
  /** Staging buffers that nobody reads through at the moment, by size. */
  readonly #idle = new Map<number, GPUBuffer[]>();
  readonly #scratch = new Map<number, Tensor>();
  #readings: Reading[] = [];
  /** Answers that are on their way: error scopes, compilation messages, time stamps. */
  readonly #pending = new Set<Promise<void>>();
  readonly #stopwatch: GpuStopwatch | undefined;
  #bytes = 0;
  #fault: MakeitError | undefined;
  #disposed = false;

  private constructor(device: GPUDevice, options: WebGpuOptions, stopwatch: GpuStopwatch | undefined) {
    this.#device = device;
    this.#stopwatch = stopwatch;
    this.#sources = { ...builtIn, ...options.shaders };
    this.#bindingBytes = Math.min(
      options.bindingBytes ?? Number.POSITIVE_INFINITY,
      device.limits.maxStorageBufferBindingSize,
    );
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.#keep("engine", `The GPU refused a command: ${event.error.message.trim()}`);
    });
    void device.lost.then(({ reason, message }) => {
      if (!this.#disposed) this.#keep("lost", `The GPU was lost (${message.trim() || reason}).`);
    });
  }

  /**
   * Opens a device with all the memory that the adapter offers.
   * @throws MakeitError `engine` when the adapter gives no device.
   */
  static async open(options: WebGpuOptions): Promise<WebGpuBackend> {
    const { features, limits } = options.adapter;
    const timed = options.profile && features.has("timestamp-query");
    const timing = timed ? await import("./stopwatch.ts") : undefined;
    try {
      const device = await options.adapter.requestDevice({
        requiredFeatures: timed ? ["timestamp-query"] : [],
        requiredLimits: {
          maxBufferSize: limits.maxBufferSize,
          maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        },
      });
      return new WebGpuBackend(device, options, timing && new timing.GpuStopwatch(device));
    } catch (error) {
      throw engineError(
        `The GPU gives no device: ${(error as Error).message}`,
        "Close other programs that use it, or take the engine wasm.",
      );
    }
  }

  /** Bytes of tensors, uniforms and staging buffers that are alive. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The device, for those who want to share it. Destroying it loses the engine. */
  get device(): GPUDevice {
    return this.#device;
  }

  alloc(length: number): Tensor {
    checkLength(length);
    this.#check();
    const { maxBufferSize } = this.#device.limits;
    if (4 * length > maxBufferSize)
      throw tooLarge(4 * length, `a buffer holds at most ${bytes(maxBufferSize)}`);
    const buffer = this.#guarded("out-of-memory", () =>
      this.#buffer(4 * length, STORAGE | COPY_SRC | COPY_DST),
    );
    return new GpuTensor(this, buffer, 0, length);
  }

  view(tensor: Tensor, offset: number, length: number): Tensor {
    const { memory, start } = this.#own(tensor);
    checkView(tensor, offset, length);
    return new GpuTensor(this, memory, start + offset, length);
  }

  write(tensor: Tensor, data: Float32Array): void {
    const { memory, start } = this.#own(tensor);
    checkWrite(tensor, data);
    this.#copyReadings();
    this.#device.queue.writeBuffer(memory, 4 * start, data.buffer, data.byteOffset, data.byteLength);
  }

  prepare<K extends KernelName>(kernel: K, call: KernelCall<K>): Step {
    this.#open();
    checkCall(kernel, call);
    const { args } = signature(kernel);
    const named = call as Record<string, Tensor | number>;
    const tensors = args.map((name) => this.#own(named[name] as Tensor));
    checkOverlap(kernel, args, tensors);
    const limit = this.#bindingBytes / 4;
    const calls: Call[] = tensors.every((t) => t.length <= limit)
      ? [{ kernel, values: named }]
      : chunks(this, { kernel, values: named }, limit, (length) => this.#temporary(length));
    return new GpuStep(
      this,
      kernel,
      calls.flatMap((part) => this.#bind(part)),
    );
  }

  submit(plan: readonly Step[]): void {
    this.#check();
    for (let i = 0; i < plan.length; i++) {
      const step = plan[i];
      if (!(step instanceof GpuStep) || step.owner !== this) throw foreignStep(step?.kernel, i);
    }
    const steps = plan as readonly GpuStep[];
    this.#copyReadings();
    const encoder = this.#device.createCommandEncoder();
    const collect = this.#stopwatch?.encode(encoder, steps, encode);
    if (!collect) {
      const pass = encoder.beginComputePass();
      for (const step of steps) encode(pass, step);
      pass.end();
    }
    this.#device.queue.submit([encoder.finish()]);
    if (collect) this.#await(collect());
  }

  /** Reads that are asked for together travel in one submission. */
  async read(tensor: Tensor, out?: Float32Array): Promise<Float32Array> {
    const own = this.#own(tensor);
    checkRead(tensor, out);
    const size = 4 * own.length;
    const staging = this.#idle.get(size)?.pop() ?? this.#buffer(size, MAP_READ | COPY_DST);
    try {
      await new Promise<void>((resolve, reject) => {
        if (this.#readings.length === 0) queueMicrotask(() => this.#copyReadings());
        const done = (error?: unknown) => (error ? reject(error) : resolve());
        this.#readings.push({ tensor: own, staging, done });
      });
      await staging.mapAsync(TO_READ, 0, size);
    } catch (error) {
      if (this.#disposed) throw disposed();
      // A loss and a compiler's words come a little later than what they made fail.
      await this.#settle();
      if (!this.#fault)
        await Promise.race([this.#device.lost, new Promise((resolve) => setTimeout(resolve, LOSS_MS))]);
      this.#check();
      throw engineError(`The GPU's memory cannot be read: ${(error as Error).message}`);
    }
    if (this.#disposed) throw disposed();
    const target = out ?? new Float32Array(own.length);
    target.set(new Float32Array(staging.getMappedRange(0, size)));
    staging.unmap();
    const idle = this.#idle.get(size);
    if (idle) idle.push(staging);
    else this.#idle.set(size, [staging]);
    await this.#settle();
    this.#check();
    return target;
  }

  async times(): Promise<KernelTime[]> {
    await this.#settle();
    return this.#stopwatch?.times() ?? [];
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    this.#device.destroy(); // Node would stay alive for it
    this.#bytes = 0;
  }

  /** The copies asked for since the last turn or change of the GPU's memory, in one command buffer. */
  #copyReadings(): void {
    const readings = this.#readings;
    if (readings.length === 0) return;
    this.#readings = [];
    try {
      this.#check();
      const encoder = this.#device.createCommandEncoder();
      for (const { tensor, staging } of readings)
        encoder.copyBufferToBuffer(tensor.memory, 4 * tensor.start, staging, 0, 4 * tensor.length);
      this.#device.queue.submit([encoder.finish()]);
      for (const { done } of readings) done();
    } catch (error) {
      for (const { done } of readings) done(error);
    }
  }

  #bind({ kernel, values }: Call): Bound[] {
    const { args, params } = signature(kernel);
    const tensors = args.map((name) => values[name] as GpuTensor);
    const group = this.#entries(kernel, tensors, params, values);
    const dispatches = kernels[kernel].dispatches as (p: object) => readonly Dispatch[];
    // One buffer cannot be bound for reading alone and for writing in one dispatch.
    const access = Object.values(kernels[kernel].args).map((argument) => argument.access);
    const shared = tensors.some(
      (a, i) => access[i] === "read" && tensors.some((b, j) => access[j] !== "read" && a.memory === b.memory),
    );
    const most = this.#device.limits.maxComputeWorkgroupsPerDimension;
    return dispatches(values).map(({ entry, x, y = 1 }) => {
      const { pipeline, layout } = this.#pipeline(kernel, entry, shared);
      return {
        pipeline,
        group: this.#device.createBindGroup({ layout, entries: group }),
        size: [Math.min(x, most), Math.min(y, most)],
      };
    });
  }

  #entries(
    kernel: KernelName,
    tensors: GpuTensor[],
    params: string[],
    values: Call["values"],
  ): GPUBindGroupEntry[] {
    const types = kernels[kernel].params as Record<string, "u32" | "f32">;
    const uniform = this.#buffer(Math.ceil(params.length / 4) * 16, UNIFORM | COPY_DST);
    const data = new DataView(new ArrayBuffer(uniform.size));
    params.forEach((name, i) => {
      if (types[name] === "u32") data.setUint32(4 * i, values[name] as number, true);
      else data.setFloat32(4 * i, values[name] as number, true);
    });
    this.#device.queue.writeBuffer(uniform, 0, data.buffer);
    const bindings = tensors.map(({ memory, start, length }, binding) => ({
      binding,
      resource: { buffer: memory, offset: 4 * start, size: 4 * length },
    }));
    return [...bindings, { binding: tensors.length, resource: { buffer: uniform } }];
  }

  /** A kernel's pipeline; `shared`: with all arguments bound for writing. */
  #pipeline(kernel: KernelName, entry: string, shared: boolean) {
    const key = `${kernel} ${entry} ${shared}`;
    const known = this.#pipelines.get(key);
    if (known) return known;
    const device = this.#device;
    const access = Object.values(kernels[kernel].args).map((argument) => argument.access);
    const types = access.map(
      (a): GPUBufferBindingType => (a === "read" && !shared ? "read-only-storage" : "storage"),
    );
    const source = shared
      ? this.#sources[kernel].replaceAll(/var<storage, ?read>/g, "var<storage,read_write>")
      : this.#sources[kernel];
    const made = this.#guarded("validation", () => {
      const layout = device.createBindGroupLayout({
        entries: [...types, "uniform" as const].map((type, binding) => ({
          binding,
          visibility: 4, // compute
          buffer: { type },
        })),
      });
      const module = device.createShaderModule({ label: kernel, code: source });
      this.#await(this.#report(kernel, module, source));
      const pipeline = device.createComputePipeline({
        label: key,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: entry },
      });
      return { pipeline, layout };
    });
    this.#pipelines.set(key, made);
    return made;
  }

  /** Keeps a WGSL error, with its file, line and source. */
  async #report(kernel: KernelName, module: GPUShaderModule, source: string): Promise<void> {
    const { messages } = await module.getCompilationInfo();
    const error = messages.find(({ type }) => type === "error");
    if (!error) return;
    const line = source.split("\n")[error.lineNum - 1]?.trim() ?? "";
    this.#keep(
      "engine",
      `shaders/${kernel}.wgsl:${error.lineNum}:${error.linePos}: ${error.message}\n  ${line}`,
      true,
    );
  }

  /** A tensor for intermediate sums of calls that are cut into pieces; they run one after another and share it. */
  #temporary(length: number): Tensor {
    const known = this.#scratch.get(length) ?? this.alloc(length);
    this.#scratch.set(length, known);
    return known;
  }

  #buffer(size: number, usage: number): GPUBuffer {
    const buffer = this.#device.createBuffer({ size, usage });
    this.#buffers.push(buffer);
    this.#bytes += size;
    return buffer;
  }

  /** Runs `make` in an error scope; what the scope catches is kept. */
  #guarded<T>(filter: GPUErrorFilter, make: () => T): T {
    const device = this.#device;
    device.pushErrorScope(filter);
    const made = make();
    const size = this.#bytes;
    this.#await(
      device.popErrorScope().then((error) => {
        if (!error) return;
        if (filter === "out-of-memory") this.#fault ??= outOfMemory(made as GPUBuffer, size);
        else this.#keep("engine", `The GPU refused a pipeline: ${error.message.trim()}`);
      }),
    );
    return made;
  }

  #await(promise: Promise<void>): void {
    // A lost device rejects what was asked of it; the loss itself is what gets reported.
    const settled = promise.catch(() => {}).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  async #settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** The first fault stays, unless a `better` description of it comes. */
  #keep(code: "engine" | "lost", message: string, better = false): void {
    if (this.#fault && !better) return;
    const hint =
      code === "lost" ? "Open another engine; what the GPU held is gone." : "This is a bug in the engine.";
    this.#fault = new MakeitError(code, message, hint);
  }

  #open(): void {
    if (this.#disposed) throw disposed();
  }

  #check(): void {
    this.#open();
    if (this.#fault) throw this.#fault;
  }

  #own(tensor: Tensor): GpuTensor {
    this.#open();
    if (tensor instanceof GpuTensor && tensor.owner === this) return tensor;
    throw foreignTensor();
  }
}

function encode(pass: GPUComputePassEncoder, step: GpuStep): void {
  for (const { pipeline, group, size } of step.dispatches) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(size[0], size[1]);
  }
}

const LOWER = "Lower samples, batchSize, criticBatch, replay or the layer widths, or take the engine wasm.";

function outOfMemory(buffer: GPUBuffer, total: number): MakeitError {
  const sizes = `${bytes(buffer.size)} more do not fit beside the ${bytes(total - buffer.size)} in use`;
  return engineError(`The GPU is out of memory: ${sizes}.`, LOWER);
}

function tooLarge(size: number, limit: string): MakeitError {
  return engineError(`A tensor of ${bytes(size)} is too large for the GPU: ${limit}.`, LOWER);
}

function bytes(count: number): string {
  return count < 2 ** 20 ? `${count.toLocaleString("en")} bytes` : `${(count / 2 ** 20).toFixed(1)} MiB`;
}
