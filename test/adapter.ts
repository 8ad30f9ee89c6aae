import { expect } from "vitest";

const DOUBLE = `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { x[id.x] *= 2; }
}`;

/** Shows that a GPU computes, without the engine: where this fails, the machine is at fault and not a kernel. */
export async function expectAdapter(gpu: GPU | undefined): Promise<void> {
  const adapter = await gpu?.requestAdapter();
  expect(adapter, "no WebGPU adapter").toBeTruthy();
  const device = await adapter!.requestDevice();
  const numbers = Float32Array.from({ length: 1000 }, (_, i) => i / 4);
  const { COPY_DST, COPY_SRC, STORAGE, MAP_READ } = GPUBufferUsage;
  const size = numbers.byteLength;
  const x = device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
  const out = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  device.queue.writeBuffer(x, 0, numbers);
  const module = device.createShaderModule({ code: DOUBLE });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const layout = pipeline.getBindGroupLayout(0);
  const bindings = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: x } }] });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  pass.dispatchWorkgroups(Math.ceil(numbers.length / 64));
  pass.end();
  encoder.copyBufferToBuffer(x, 0, out, 0, size);
  device.queue.submit([encoder.finish()]);
  await out.mapAsync(GPUMapMode.READ);
  const doubled = new Float32Array(out.getMappedRange().slice(0));
  device.destroy();
  expect(doubled).toEqual(numbers.map((value) => 2 * value));
}
