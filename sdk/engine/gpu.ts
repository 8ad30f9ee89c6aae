/** Where a GPU is found: `navigator.gpu` in windows and workers; elsewhere what `provideGpu` was given. */

type Provider = () => Promise<GPU | undefined>;

/** What a GPU says about itself. */
export interface AdapterInfo {
  /** The driver's own words. */
  description: string;
  vendor: string;
  architecture: string;
  /** A CPU that plays a GPU: right, and slow. */
  software: boolean;
  features: string[];
  limits: {
    maxBufferSize: number;
    maxStorageBufferBindingSize: number;
    maxComputeWorkgroupsPerDimension: number;
  };
}

let provider: Provider | undefined;

/** Says where a GPU comes from in places without `navigator.gpu`. `makeit-ai/node` does it with Dawn. */
export function provideGpu(provide: Provider): void {
  provider = provide;
}

/** The adapter that WebGPU prefers for speed, if there is WebGPU and an adapter. */
export async function findAdapter(): Promise<GPUAdapter | undefined> {
  const gpu = globalThis.navigator?.gpu ?? (await provider?.());
  return (await gpu?.requestAdapter({ powerPreference: "high-performance" })) ?? undefined;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|\bwarp\b/i;

/** What an adapter offers of what the engine can use. */
export function describeAdapter({ info, features, limits }: GPUAdapter): AdapterInfo {
  const { description, vendor, architecture, device } = info;
  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = limits;
  return {
    description: description || [vendor, architecture, device].filter(Boolean).join(" "),
    vendor,
    architecture,
    software: info.isFallbackAdapter || SOFTWARE.test([description, vendor, architecture, device].join(" ")),
    features: [...features].sort(),
    limits: { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension },
  };
}
