/** Packed data, as checkpoints hold them: damaged, and forged so that their checksum does not show it. */
import { crc32 } from "../sdk/checksum.ts";
import { pack, unpack } from "../sdk/pack.ts";
import { damage, damageJson, jsonText, oneIn, pick } from "./mutate.ts";
import type { Reader } from "./readers.ts";

const HEAD = 32;

/** What states are made of, in small. */
const SEEDS: readonly unknown[] = [
  {
    state: {
      progress: {
        epoch: 3,
        best: -Infinity,
        history: { mean: Array.from({ length: 20 }, (_, i) => i / 7), max: [] },
      },
      game: {
        generator: { values: Float32Array.of(1, 2, 3), clock: Float64Array.of(0, 1) },
        frozen: undefined,
      },
      random: 12,
    },
    engines: [{ engine: "wasm", epoch: 0 }],
  },
  {
    version: "0.1.0",
    options: { epochs: 6, drop: ["a"] },
    data: { "rows of the table": 5 },
    choice: { engine: "wasm" },
  },
  { $: { $: [Int32Array.of(5), Uint8Array.of(1, 2)] }, text: "é", zero: -0, nan: Number.NaN },
];

/** The file with another structure, its lengths and checksum made to fit. */
function seal(json: Uint8Array, numbers: Uint8Array, claimed: number): Uint8Array {
  const start = HEAD + 8 * Math.ceil(json.length / 8);
  const out = new Uint8Array(start + numbers.length).fill(32, HEAD, start);
  out.set(new TextEncoder().encode("MAKEIT\r\n"));
  out.set(json, HEAD);
  out.set(numbers, start);
  const view = new DataView(out.buffer);
  view.setUint32(8, 1, true);
  view.setBigUint64(16, BigInt(json.length), true);
  view.setBigUint64(24, BigInt(claimed), true);
  view.setUint32(12, crc32(out.subarray(16)), true);
  return out;
}

export const checkpoint: Reader = {
  name: "checkpoint",
  seeds: () => SEEDS.map(pack),
  draw(random, seeds) {
    const seed = pick(random, seeds);
    if (oneIn(random, 3)) return damage(seed, random, seeds);
    const length = Number(new DataView(seed.buffer, seed.byteOffset).getBigUint64(16, true));
    const json = new TextDecoder().decode(seed.subarray(HEAD, HEAD + length));
    const numbers = seed.slice(HEAD + 8 * Math.ceil(length / 8));
    const claimed = oneIn(random, 8) ? random.bits() * random.bits() : numbers.length;
    if (oneIn(random, 4))
      return seal(damage(seed.slice(HEAD, HEAD + length), random, seeds), numbers, claimed);
    return seal(new TextEncoder().encode(jsonText(damageJson(JSON.parse(json), random))), numbers, claimed);
  },
  async read(bytes) {
    const value = unpack(bytes, "odd.state");
    const again = pack(value);
    const twice = pack(unpack(again, "again"));
    if (Buffer.compare(again, twice) !== 0) throw new Error("packed again, it is something else");
  },
};
