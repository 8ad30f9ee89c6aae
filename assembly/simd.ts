// What the kernels share: loads and stores of ragged ends, and transcendental functions of four lanes.
// The functions are polynomials in + − × ÷ alone, so that every machine gives the same bits.

/** n (1 … 3) floats at p; the other lanes are 0. */
// @ts-ignore: decorator
@inline
export function loadPart(p: usize, n: i32): v128 {
  let v = v128.load32_zero(p);
  if (n > 1) v = v128.load32_lane(p, v, 1, 4);
  if (n > 2) v = v128.load32_lane(p, v, 2, 8);
  return v;
}

/** Stores the first n (1 … 3) lanes at p. */
// @ts-ignore: decorator
@inline
export function storePart(p: usize, v: v128, n: i32): void {
  v128.store32_lane(p, v, 0);
  if (n > 1) v128.store32_lane(p, v, 1, 4);
  if (n > 2) v128.store32_lane(p, v, 2, 8);
}

/** Four floats at p, or the `left` < 4 that remain. */
// @ts-ignore: decorator
@inline
export function load(p: usize, left: i32): v128 {
  return left >= 4 ? v128.load(p) : loadPart(p, left);
}

/** Stores four floats at p, or the `left` < 4 that remain. */
// @ts-ignore: decorator
@inline
export function store(p: usize, v: v128, left: i32): void {
  if (left >= 4) v128.store(p, v);
  else storePart(p, v, left);
}

/** The sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  const pairs = f32x4.add(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

// @ts-ignore: decorator
@inline
function horner(p: v128, x: v128, coefficient: f32): v128 {
  return f32x4.add(f32x4.mul(p, x), f32x4.splat(coefficient));
}

// eˣ = 2ⁿ · eʳ with n = round(x / ln 2), |r| ≤ ln 2 / 2, and eʳ by its Taylor series to r⁷ (remainder 5e-9).
// x is held within [−87, 88], where eˣ is a normal number; NaN stays NaN.
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  // the pseudo-minimum is one instruction and hands on its first operand when that is NaN
  x = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87)), f32x4.splat(88));
  // adding 1.5 · 2²³ rounds to a whole number and leaves it in the lowest bits
  const magic = f32x4.splat(12582912);
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504)), magic);
  const n = f32x4.sub(shifted, magic);
  // ln 2 in two parts, the first short enough that n times it is exact
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.add(r, f32x4.mul(n, f32x4.splat(2.1219444e-4)));
  let p = horner(f32x4.splat(1.0 / 5040), r, 1.0 / 720);
  p = horner(p, r, 1.0 / 120);
  p = horner(p, r, 1.0 / 24);
  p = horner(p, r, 1.0 / 6);
  p = horner(p, r, 0.5);
  p = horner(p, r, 1);
  p = horner(p, r, 1);
  // 2ⁿ by adding n to the exponent's bits
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

// σ(x) = 1 / (1 + e⁻ˣ)
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))));
}

// tanh x = (1 − e) / (1 + e) with e = e^−2|x|; near 0, where that cancels, five steps of Lambert's continued
// fraction: x (945 + 105x² + x⁴) / (945 + 420x² + 15x⁴), within 1e-9 for |x| < .625
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const one = f32x4.splat(1);
  const a = f32x4.abs(x);
  const e = exp(f32x4.mul(a, f32x4.splat(-2)));
  const q = f32x4.mul(x, x);
  const near = f32x4.lt(a, f32x4.splat(0.625));
  const numerator = f32x4.mul(a, horner(f32x4.add(q, f32x4.splat(105)), q, 945));
  const denominator = horner(horner(f32x4.splat(15), q, 420), q, 945);
  const t = f32x4.div(
    v128.bitselect(numerator, f32x4.sub(one, e), near),
    v128.bitselect(denominator, f32x4.add(one, e), near),
  );
  const sign = v128.and(x, i32x4.splat(0x80000000));
  return v128.or(t, sign);
}

// log(1 + e) for e in [0, 1] = 2 artanh(s) = 2 (s + s³/3 + s⁵/5 + …), s = e / (2 + e) ≤ 1/3, to s¹⁵
// @ts-ignore: decorator
@inline
export function log1p(e: v128): v128 {
  const s = f32x4.div(e, f32x4.add(e, f32x4.splat(2)));
  const q = f32x4.mul(s, s);
  let p = horner(f32x4.splat(2.0 / 15), q, 2.0 / 13);
  p = horner(p, q, 2.0 / 11);
  p = horner(p, q, 2.0 / 9);
  p = horner(p, q, 2.0 / 7);
  p = horner(p, q, 2.0 / 5);
  p = horner(p, q, 2.0 / 3);
  p = horner(p, q, 2);
  return f32x4.mul(p, s);
}

// The codes of ACTIVATION in the kernel table.
export const NONE: u32 = 0;
export const RELU: u32 = 1;
export const LEAKY_RELU: u32 = 2;
export const SIGMOID: u32 = 3;
export const TANH: u32 = 4;
export const LEAK: f32 = 0.2;

// @ts-ignore: decorator
@inline
function f(x: v128, activation: u32): v128 {
  if (activation == LEAKY_RELU) return f32x4.pmax(x, f32x4.mul(x, f32x4.splat(LEAK)));
  if (activation == SIGMOID) return sigmoid(x);
  return tanh(x);
}

// Inlined with a constant code, so that each activation has a loop of its own.
// @ts-ignore: decorator
@inline
function map(y: usize, length: i32, activation: u32): void {
  for (; length >= 8; length -= 8, y += 32) {
    v128.store(y, f(v128.load(y), activation));
    v128.store(y, f(v128.load(y, 16), activation), 16);
  }
  for (; length >= 4; length -= 4, y += 16) v128.store(y, f(v128.load(y), activation));
  if (length > 0) storePart(y, f(loadPart(y, length), activation), length);
}

/** y ← f(y) for the activations but ReLU, which products do themselves. */
export function activate(y: usize, length: i32, activation: u32): void {
  if (activation == LEAKY_RELU) map(y, length, LEAKY_RELU);
  else if (activation == SIGMOID) map(y, length, SIGMOID);
  else if (activation == TANH) map(y, length, TANH);
}
