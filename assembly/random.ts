// Random numbers without state: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3")
// maps a counter of four words and a key of two to four words that look random.
//
// Value i of a fill is word i mod 4 of the block with counter (⌊i / 4⌋, step, 0, purpose) and key (seed, stream).
// The purpose keeps fills, dropout masks and sdk/random.ts apart though they share a seed.

export const UNIFORM: u32 = 0;
export const NORMAL: u32 = 1;
export const DROPOUT: u32 = 2;

let w0: u32, w1: u32, w2: u32, w3: u32;

/** Word i (0 … 3) of the last block. */
// @ts-ignore: decorator
@inline
export function word(i: i32): u32 {
  return i < 2 ? (i == 0 ? w0 : w1) : i == 2 ? w2 : w3;
}

/** Computes one block; `word` reads it. */
export function philox(c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32): void {
  for (let round = 0; round < 10; round++) {
    const a = <u64>0xd2511f53 * <u64>c0;
    const b = <u64>0xcd9e8d57 * <u64>c2;
    c0 = <u32>(b >> 32) ^ c1 ^ k0;
    c2 = <u32>(a >> 32) ^ c3 ^ k1;
    c1 = <u32>b;
    c3 = <u32>a;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  w0 = c0;
  w1 = c1;
  w2 = c2;
  w3 = c3;
}

/** x (n, u32) = random words: the words behind `uniform`. */
export function bits(x: usize, n: i32, seed: u32, stream: u32, step: u32): void {
  for (let i = 0; i < n; i++, x += 4) {
    if ((i & 3) == 0) philox(<u32>i >> 2, step, 0, UNIFORM, seed, stream);
    store<u32>(x, word(i & 3));
  }
}

/** x (n, f32) = the upper 24 bits of each word · 2⁻²⁴: uniform in [0, 1). */
export function uniform(x: usize, n: i32, seed: u32, stream: u32, step: u32): void {
  for (let i = 0; i < n; i++, x += 4) {
    if ((i & 3) == 0) philox(<u32>i >> 2, step, 0, UNIFORM, seed, stream);
    f32.store(x, <f32>(word(i & 3) >> 8) * (1.0 / 16777216));
  }
}

/**
 * x (n, f32) = mean + sd · N(0, 1) by Box and Muller (1958) in f64: words (a, b) of a pair give
 * r = √(−2 ln((a + 1) / 2³²)), θ = 2π b / 2³², and the values r cos θ, r sin θ.
 */
export function normal(x: usize, n: i32, mean: f64, sd: f64, seed: u32, stream: u32, step: u32): void {
  for (let i = 0; i < n; i += 2, x += 8) {
    if ((i & 3) == 0) philox(<u32>i >> 2, step, 0, NORMAL, seed, stream);
    const a = <f64>word(i & 3);
    const b = <f64>word((i & 3) + 1);
    const r = sd * Math.sqrt(-2 * Math.log((a + 1) / 4294967296));
    const theta = b * (2 * Math.PI / 4294967296);
    f32.store(x, <f32>(mean + r * Math.cos(theta)));
    if (i + 1 < n) f32.store(x, <f32>(mean + r * Math.sin(theta)), 4);
  }
}
