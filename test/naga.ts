import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** What naga turns WGSL into, for the GPUs of Linux and Android, of Windows, and of Apple. */
export type Target = "spirv" | "hlsl" | "metal";
export const TARGETS: readonly Target[] = ["spirv", "hlsl", "metal"];

interface Glue {
  compileShader(wgsl: string, target: Target): string;
  __wbg_set_wasm(exports: WebAssembly.Exports): void;
}

/**
 * Opens naga, the WGSL compiler of Firefox, Deno and wgpu, as a WASM module. Its package is made for bundlers, which
 * import .wasm files; here it is instantiated by hand.
 * @returns a function that compiles, and throws what naga finds wrong.
 */
export async function openNaga(): Promise<Glue["compileShader"]> {
  const main = createRequire(import.meta.url).resolve("wgsl-wasm-transpiler-bundler");
  const part = (suffix: string) => main.replace(/\.js$/, suffix);
  const glue = (await import(pathToFileURL(part("_bg.js")).href)) as Glue;
  const imports = { "./wgsl_wasm_transpiler_bg.js": glue as unknown as WebAssembly.ModuleImports };
  const { instance } = await WebAssembly.instantiate(readFileSync(part("_bg.wasm")), imports);
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return glue.compileShader;
}
