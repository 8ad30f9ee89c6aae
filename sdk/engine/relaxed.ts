/** The module whose products round once where the machine has fused multiplication: faster, and not the same bytes everywhere. */
import { engineError } from "../errors.ts";
import { instantiate } from "./instance.ts";
import { Cpu, type CpuExports, load } from "./module.ts";

/** (module (func (result v128) v128.const 0 v128.const 0 v128.const 0 f32x4.relaxed_madd)), what tells whether there is any. */
const PROBE = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 61, 1, 59, 0],
  ...Array.from({ length: 3 }, () => [253, 12, ...new Array(16).fill(0)]).flat(),
  ...[253, 133, 2, 11],
];

/** @throws MakeitError `engine` where there are no such instructions. */
export async function openRelaxed(): Promise<Cpu> {
  if (!WebAssembly.validate(Uint8Array.from(PROBE))) {
    throw engineError(
      "Relaxed SIMD was asked for, and WebAssembly has none here.",
      "Take Node 22 or later (Node 20: node --experimental-wasm-relaxed-simd) or a browser of 2024 or later, or leave out relaxed.",
    );
  }
  return new Cpu((await instantiate(await load("relaxed"))) as unknown as CpuExports);
}
