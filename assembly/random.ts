// Random numbers without state: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3")
// maps a counter of four words and a key of two to four words that look random.
//
// Value i of a fill is word i mod 4 of the block with counter (⌊i / 4⌋, step, 0, purpose) and key (seed, stream).
// The purpose keeps fills, dropout masks and sdk/random.ts apart though they share a seed.

import { log } from "./double";

export const UNIFORM: u32 = 0;
export const NORMAL: u32 = 1;
export const DROPOUT: u32 = 2;

const BLOCKS: usize = memory.data(64, 16);

// The products of both lanes' words with `multiplier`: upper and lower halves, each as four words in order.
// @ts-ignore: decorator
@inline
function upper(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 1, 3, 5, 7);
}
// @ts-ignore: decorator
@inline
function lower(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 0, 2, 4, 6);
}

/** Computes the blocks with counters (n … n + 3, step, 0, purpose) and returns the address of their 16 words. */
export function blocks(n: u32, step: u32, purpose: u32, seed: u32, stream: u32): usize {
  const m0 = i32x4.splat(0xd2511f53);
  const m1 = i32x4.splat(0xcd9e8d57);
  let c0 = i32x4.add(i32x4.splat(n), i32x4(0, 1, 2, 3));
  let c1 = i32x4.splat(step);
  let c2 = i32x4.splat(0);
  let c3 = i32x4.splat(purpose);
  for (let round = 0; round < 10; round++) {
    const aLow = i64x2.extmul_low_i32x4_u(c0, m0), aHigh = i64x2.extmul_high_i32x4_u(c0, m0);
    const bLow = i64x2.extmul_low_i32x4_u(c2, m1), bHigh = i64x2.extmul_high_i32x4_u(c2, m1);
    c0 = v128.xor(v128.xor(upper(bLow, bHigh), c1), i32x4.splat(seed));
    c2 = v128.xor(v128.xor(upper(aLow, aHigh), c3), i32x4.splat(stream));
    c1 = lower(bLow, bHigh);
    c3 = lower(aLow, aHigh);
    seed += 0x9e3779b9;
    stream += 0xbb67ae85;
  }
  // lane i of the four vectors is block i: transposed, its words are neighbours
  const low01 = i32x4.shuffle(c0, c1, 0, 4, 1, 5), high01 = i32x4.shuffle(c0, c1, 2, 6, 3, 7);
  const low23 = i32x4.shuffle(c2, c3, 0, 4, 1, 5), high23 = i32x4.shuffle(c2, c3, 2, 6, 3, 7);
  v128.store(BLOCKS, i32x4.shuffle(low01, low23, 0, 1, 4, 5));
  v128.store(BLOCKS, i32x4.shuffle(low01, low23, 2, 3, 6, 7), 16);
  v128.store(BLOCKS, i32x4.shuffle(high01, high23, 0, 1, 4, 5), 32);
  v128.store(BLOCKS, i32x4.shuffle(high01, high23, 2, 3, 6, 7), 48);
  return BLOCKS;
}

/** Word i of a fill, whose words are computed sixteen at a time as i goes up. */
// @ts-ignore: decorator
@inline
function word(i: i32, purpose: u32, seed: u32, stream: u32, step: u32): u32 {
  if ((i & 15) == 0) blocks(<u32>i >> 2, step, purpose, seed, stream);
  return load<u32>(BLOCKS + (<usize>(i & 15) << 2));
}

/** x (n, u32) = random words: the words behind `uniform`. */
export function bits(x: usize, n: i32, seed: u32, stream: u32, step: u32): void {
  for (let i = 0; i < n; i++, x += 4) store<u32>(x, word(i, UNIFORM, seed, stream, step));
}

/** x (n, f32) = the upper 24 bits of each word · 2⁻²⁴: uniform in [0, 1). */
export function uniform(x: usize, n: i32, seed: u32, stream: u32, step: u32): void {
  for (let i = 0; i < n; i++, x += 4) {
    f32.store(x, <f32>(word(i, UNIFORM, seed, stream, step) >> 8) * (1.0 / 16777216));
  }
}

/**
 * x (n, f32) = mean + sd · N(0, 1) by Box and Muller (1958) in f64: words (a, b) of a pair give
 * r = √(−2 ln((a + 1) / 2³²)), θ = 2π b / 2³², and the values r cos θ, r sin θ.
 */
export function normal(x: usize, n: i32, mean: f64, sd: f64, seed: u32, stream: u32, step: u32): void {
  for (let i = 0; i < n; i += 2, x += 8) {
    const a = <f64>word(i, NORMAL, seed, stream, step);
    const point = circle(word(i + 1, NORMAL, seed, stream, step));
    const r = sd * sqrt(-2 * f64x2.extract_lane(log(f64x2.splat((a + 1) / 4294967296)), 0));
    f32.store(x, <f32>(mean + r * f64x2.extract_lane(point, 0)));
    if (i + 1 < n) f32.store(x, <f32>(mean + r * f64x2.extract_lane(point, 1)), 4);
  }
}

// Two coefficients of the Taylor series of cosine and of sine: 1 / k! and 1 / (k + 1)!, k even
// @ts-ignore: decorator
@inline
function series(p: v128, q: v128, cosine: f64, sine: f64): v128 {
  return f64x2.add(f64x2.mul(p, q), f64x2(cosine, sine));
}

/** cos θ and sin θ for θ = 2π turn / 2³²: the nearest quarter turn, and Taylor series of the rest, at most π/4. */
function circle(turn: u32): v128 {
  const quarter = (turn + 0x20000000) >> 30;
  const t = <f64><i32>(turn - (quarter << 30)) * (2 * Math.PI / 4294967296);
  const q = f64x2.splat(-t * t);
  let p = f64x2(1.0 / 20922789888000, 1.0 / 355687428096000);
  p = series(p, q, 1.0 / 87178291200, 1.0 / 1307674368000);
  p = series(p, q, 1.0 / 479001600, 1.0 / 6227020800);
  p = series(p, q, 1.0 / 3628800, 1.0 / 39916800);
  p = series(p, q, 1.0 / 40320, 1.0 / 362880);
  p = series(p, q, 1.0 / 720, 1.0 / 5040);
  p = series(p, q, 1.0 / 24, 1.0 / 120);
  p = series(p, q, 1.0 / 2, 1.0 / 6);
  p = series(p, q, 1, 1);
  p = f64x2.replace_lane(p, 1, t * f64x2.extract_lane(p, 1));
  if (quarter & 1) p = f64x2(-f64x2.extract_lane(p, 1), f64x2.extract_lane(p, 0));
  return quarter & 2 ? f64x2.neg(p) : p;
}
