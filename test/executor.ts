import { create, globals } from "webgpu";
import { type Dispatch, type KernelName, kernels } from "../sdk/engine/kernels.ts";
import { shaders } from "../sdk/generated/shaders.ts";
import type { Params } from "./reference.ts";

/** Floats of NaN before and after every argument; bindings start at multiples of 256 bytes. */
const GUARD = 64;

/** The bindings of a kernel: its arguments, then a uniform. `shared`: one buffer holds several arguments. */
export function layoutOf(device: GPUDevice, kernel: KernelName, shared = false): GPUBindGroupLayout {
  const access = Object.values(kernels[kernel].args).map((argument) => argument.access);
  const storage = access.map((a) => (a === "read" && !shared ? "read-only-storage" : "storage"));
  const types: GPUBufferBindingType[] = [...storage, "uniform"];
  const entries = types.map((type, binding) => {
    return { binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } };
  });
  return device.createBindGroupLayout({ entries });
}

/** The names of a shader's entry points. */
export function entryPoints(kernel: KernelName): string[] {
  return [...shaders[kernel].matchAll(/@compute[^{]*?\bfn (\w+)/g)].map(([, name]) => name);
}

/** A kernel's parameters as its uniform holds them. */
function uniformOf(kernel: KernelName, p: Params): ArrayBuffer {
  const params = Object.entries(kernels[kernel].params);
  const data = new DataView(new ArrayBuffer(16 * Math.ceil(params.length / 4)));
  for (const [i, [name, type]] of params.entries()) {
    if (type === "u32") data.setUint32(4 * i, p[name], true);
    else data.setFloat32(4 * i, p[name], true);
  }
  return data.buffer;
}

/**
 * Runs shaders straight on Dawn, without the engine: any entry points with any number of workgroups. Arguments lie
 * between guards of NaN: what is read from there spoils the result, what is written there is an error.
 */
export class Executor {
  /** Dawn itself: it must live as long as its device. */
  readonly dawn: GPU;
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, GPUComputePipeline>();

  private constructor(dawn: GPU, device: GPUDevice) {
    this.dawn = dawn;
    this.#device = device;
  }

  static async open(): Promise<Executor> {
    Object.assign(globalThis, globals);
    const dawn = create([]);
    const adapter = await dawn.requestAdapter();
    return new Executor(dawn, await adapter!.requestDevice());
  }

  /** Runs the dispatches, of other code than the kernel's where that is given; what the arguments hold after them. */
  async run(
    kernel: KernelName,
    inputs: Record<string, Float32Array>,
    p: Params,
    dispatches: readonly Dispatch[],
    code = shaders[kernel],
  ): Promise<Record<string, Float32Array>> {
    const device = this.#device;
    const { COPY_DST, COPY_SRC, MAP_READ, STORAGE, UNIFORM } = GPUBufferUsage;
    const arrays = Object.values(inputs);
    const buffers = arrays.map((data) => {
      const whole = new Float32Array(data.length + 2 * GUARD).fill(Number.NaN);
      whole.set(data, GUARD);
      return this.#buffer(whole.buffer, STORAGE | COPY_DST | COPY_SRC);
    });
    const uniform = this.#buffer(uniformOf(kernel, p), UNIFORM | COPY_DST);
    const bound: GPUBufferBinding[] = arrays.map(({ byteLength: size }, i) => {
      return { buffer: buffers[i], offset: 4 * GUARD, size };
    });
    const entries = [...bound, { buffer: uniform }].map((resource, binding) => ({ binding, resource }));
    device.pushErrorScope("validation");
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setBindGroup(0, device.createBindGroup({ layout: layoutOf(device, kernel), entries }));
    for (const { entry, x, y } of dispatches) {
      pass.setPipeline(this.#pipeline(kernel, entry, code));
      pass.dispatchWorkgroups(x, y);
    }
    pass.end();
    const size = buffers.reduce((sum, buffer) => sum + buffer.size, 0);
    const staging = device.createBuffer({ size, usage: COPY_DST | MAP_READ });
    let start = 0;
    for (const buffer of buffers) {
      encoder.copyBufferToBuffer(buffer, 0, staging, start, buffer.size);
      start += buffer.size;
    }
    device.queue.submit([encoder.finish()]);
    const error = await device.popErrorScope();
    if (error) throw new Error(`${kernel}: ${error.message}`);
    await staging.mapAsync(GPUMapMode.READ);
    const data = new Float32Array(staging.getMappedRange().slice(0));
    for (const buffer of [...buffers, uniform, staging]) buffer.destroy();
    const outputs: Record<string, Float32Array> = {};
    start = 0;
    for (const [i, name] of Object.keys(inputs).entries()) {
      const whole = data.subarray(start, start + buffers[i].size / 4);
      outputs[name] = inside(whole, `${kernel} wrote to ${name}`);
      start += whole.length;
    }
    return outputs;
  }

  close(): void {
    this.#device.destroy();
  }

  #pipeline(kernel: KernelName, entryPoint: string, code: string): GPUComputePipeline {
    const key = `${entryPoint} of ${code}`;
    const known = this.#pipelines.get(key);
    if (known) return known;
    const device = this.#device;
    const layout = device.createPipelineLayout({ bindGroupLayouts: [layoutOf(device, kernel)] });
    const module = device.createShaderModule({ code });
    const pipeline = device.createComputePipeline({ layout, compute: { module, entryPoint } });
    this.#pipelines.set(key, pipeline);
    return pipeline;
  }

  #buffer(data: ArrayBuffer, usage: number): GPUBuffer {
    const buffer = this.#device.createBuffer({ size: data.byteLength, usage });
    this.#device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }
}

/** What lies between the guards. @throws where a guard was written over. */
function inside(whole: Float32Array, wrote: string): Float32Array {
  const end = whole.length - GUARD;
  const stray = whole.findIndex((value, i) => (i < GUARD || i >= end) && !Number.isNaN(value));
  if (stray >= 0) throw new Error(`${wrote}[${stray - GUARD}], outside of it`);
  return whole.slice(GUARD, end);
}
